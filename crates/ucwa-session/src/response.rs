//! Interpretation of responses: the effect of a request, the resource in a response, or the failure.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, header};
use ucwa_proto::{Challenge, Challenges, Origin, Problem, Representation, Resource};

use crate::auth::refuses_ticket;
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::Sent;

/// The header that identifies a request in the logs of both sides. The server accepts the client's value and returns
/// its own.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-id");

/// The end of an exchange, for the part of the session that started it.
pub(crate) struct Answer<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) result: Result<Response<Bytes>, Failure>,
}

impl<'a> Answer<'a> {
    pub(crate) fn url(&self) -> &'a str {
        &self.exchange.url
    }

    /// The effect of a request that changes something.
    pub(crate) fn effect(self, core: &Core) -> Effect {
        core.effect(self.exchange, self.result)
    }

    /// The resource that the request asked for.
    pub(crate) fn resource(self, core: &Core) -> Result<Resource<'static>, Failure> {
        core.fetched(self.exchange, self.result)
    }
}

/// The effect of a request that changes something at the server.
pub(crate) enum Effect {
    /// The server carried the request out.
    Done(Response<Bytes>),
    /// The resource does not exist any more.
    Gone(Failure),
    /// No effect: the server refused the request, or it was not sent.
    Refused(Failure),
    /// Unknown effect: the response was lost, or the server or a proxy failed after processing may have started.
    Unclear(Failure),
}

impl Effect {
    /// The effect as a result, where only success matters.
    pub(crate) fn done(self) -> Result<(), Failure> {
        match self {
            Self::Done(_) => Ok(()),
            Self::Gone(failure) | Self::Refused(failure) | Self::Unclear(failure) => Err(failure),
        }
    }
}

impl Core {
    /// The effect of a request that changes something.
    pub(crate) fn effect(
        &self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) -> Effect {
        match result {
            // A response with a success status and without UCWA comes from a proxy. The server may or may not have received
            // the request.
            Ok(response) if response.status().is_success() && !is_page(&response) => {
                Effect::Done(response)
            }
            Ok(response) if response.status().is_success() => {
                Effect::Unclear(not_ucwa(exchange, &response))
            }
            Ok(response) => {
                let failure = self.refusal(exchange, &response);
                match response.status() {
                    // A request with a refused token had no effect, even if the status is 500.
                    _ if refuses_ticket(&response) => Effect::Refused(failure),
                    // The page of a proxy does not report the state of the resource.
                    StatusCode::NOT_FOUND | StatusCode::GONE if !is_page(&response) => {
                        Effect::Gone(failure)
                    }
                    status if status.is_server_error() => Effect::Unclear(failure),
                    _ => Effect::Refused(failure),
                }
            }
            Err(failure) if may_have_been_sent(&failure) => Effect::Unclear(failure),
            Err(failure) => Effect::Refused(failure),
        }
    }

    /// The `Location` of a response to a POST. `None` if it is on another host, which gets no requests.
    pub(crate) fn location<'a>(&self, response: &'a Response<Bytes>) -> Option<&'a str> {
        let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
        let own = self.resolve(location, Stage::Application).is_ok();
        own.then_some(location)
    }

    /// The resource in a successful response, or the failure.
    pub(crate) fn resource<'a>(
        &self,
        exchange: &Exchange,
        response: &'a Response<Bytes>,
    ) -> Result<Resource<'a>, Failure> {
        if !response.status().is_success() {
            return Err(self.refusal(exchange, response));
        }
        let representation =
            representation_of(response).ok_or_else(|| not_ucwa(exchange, response))?;
        Resource::decode(response.body(), representation, &self.config.limits)
            .map_err(|error| not_ucwa(exchange, response).with_message(error.to_string()))
    }

    /// Records the response in the span of its exchange. A later response overwrites the fields.
    pub(crate) fn trace(&self, exchange: &Exchange, response: &Response<Bytes>) {
        exchange.span.record("status", response.status().as_u16());
        if !response.status().is_success()
            && let Some(subcode) = self.problem(response).and_then(|problem| problem.subcode)
        {
            exchange.span.record("subcode", subcode.as_ref());
        }
        // An ID that is equal to the client's is already recorded.
        if let Some(id) = correlation_id(response)
            && Some(id) != exchange.correlation_id.as_deref()
        {
            exchange.span.record("correlation_id", id);
        }
    }

    /// Whether the request can succeed if it is repeated. A 429 says that nothing was executed. After the others, and after an
    /// HTML page with a success status, which comes from a proxy, only idempotent requests are repeated. A migration of the
    /// user's contact list takes longer than any retry.
    pub(crate) fn is_transient(&self, exchange: &Exchange, response: &Response<Bytes>) -> bool {
        let status = response.status();
        let is_migrating =
            || (self.problem(response)).is_some_and(|problem| problem.is("MigrationInProgress"));
        let is_temporary = match status.as_u16() {
            408 | 500 | 502 | 503 | 504 => !is_migrating(),
            _ => status.is_success() && is_html(response),
        };
        status == StatusCode::TOO_MANY_REQUESTS
            || exchange.is_idempotent()
                && is_temporary
                && !matches!(exchange.purpose, Purpose::Root(_))
    }

    /// The server's reason for the refusal of the request.
    pub(crate) fn refusal(&self, exchange: &Exchange, response: &Response<Bytes>) -> Failure {
        let failure = described(
            Failure::new(FailureKind::RequestFailed, exchange.purpose.stage()),
            exchange,
            response,
        );
        let failure = match offer(response) {
            Some(offer) => failure.with_message(offer),
            None => failure,
        };
        match self.problem(response) {
            Some(problem) => {
                let failure = failure.with_codes(
                    problem.code.map(std::borrow::Cow::into_owned),
                    problem.subcode.map(std::borrow::Cow::into_owned),
                );
                match problem.message {
                    Some(message) => failure.with_message(message),
                    None => failure,
                }
            }
            None if response.body().is_empty() => failure,
            None => failure.on_a_page(),
        }
    }

    /// The error body of a response, if it has one.
    pub(crate) fn problem<'a>(&self, response: &'a Response<Bytes>) -> Option<Problem<'a>> {
        let representation = representation_of(response)?;
        Problem::decode(response.body(), representation, &self.config.limits).ok()
    }

    /// The requested resource.
    pub(crate) fn fetched(
        &self,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) -> Result<Resource<'static>, Failure> {
        let response = result?;
        Ok(self.resource(exchange, &response)?.into_owned())
    }
}

/// The challenges in the headers with this name. Their charset is unknown, so characters outside of ASCII are replaced.
pub(crate) fn challenges(response: &Response<Bytes>, name: HeaderName) -> Vec<Challenge> {
    let values = response.headers().get_all(name).iter();
    let values: Vec<_> = values
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    Challenges::parse(values.iter().map(AsRef::as_ref))
}

/// The schemes of some challenges, without duplicates.
pub(crate) fn schemes(challenges: &[Challenge]) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for challenge in challenges {
        if !schemes.iter().any(|scheme| challenge.is(scheme)) {
            schemes.push(challenge.scheme.clone());
        }
    }
    schemes
}

/// The authentication schemes that a 401 or 407 response offers, as a sentence.
fn offer(response: &Response<Bytes>) -> Option<String> {
    let (whose, name) = match response.status() {
        StatusCode::UNAUTHORIZED => ("server", header::WWW_AUTHENTICATE),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => ("proxy", header::PROXY_AUTHENTICATE),
        _ => return None,
    };
    let schemes = schemes(&challenges(response, name));
    let offer = format!(
        "the {whose} offers authentication by {}",
        schemes.join(", ")
    );
    (!schemes.is_empty()).then_some(offer)
}

/// Whether a failed request may have had an effect. A request that failed because there was no token had none.
pub(crate) fn may_have_been_sent(failure: &Failure) -> bool {
    failure.stage() != Stage::Authentication
        && failure
            .transport_failure()
            .is_some_and(|transport| transport.sent == Sent::Maybe)
}

/// The representation of a response body, by its content type.
pub(crate) fn representation_of(response: &Response<Bytes>) -> Option<Representation> {
    Representation::from_content_type(
        response
            .headers()
            .get(header::CONTENT_TYPE)?
            .to_str()
            .ok()?,
    )
}

/// Whether a response has a body that is not UCWA.
fn is_page(response: &Response<Bytes>) -> bool {
    !response.body().is_empty() && representation_of(response).is_none()
}

/// Whether a response is an HTML page. No UCWA resource, token or photo has this type.
fn is_html(response: &Response<Bytes>) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let media_type = content_type
        .and_then(|value| value.to_str().ok()?.split(';').next())
        .unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("text/html")
}

/// The failure for a response that is not UCWA, usually a page of a proxy or of the web server.
pub(crate) fn not_ucwa(exchange: &Exchange, response: &Response<Bytes>) -> Failure {
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    described(
        Failure::new(FailureKind::UnexpectedAnswer, exchange.purpose.stage()),
        exchange,
        response,
    )
    .with_message(format!(
        "the answer is {}",
        content_type.unwrap_or("of no stated type")
    ))
}

fn described(failure: Failure, exchange: &Exchange, response: &Response<Bytes>) -> Failure {
    let diagnostics = response
        .headers()
        .get("x-ms-diagnostics")
        .and_then(|value| value.to_str().ok());
    let correlation_id = correlation_id(response).or(exchange.correlation_id.as_deref());
    let failure = failure
        .with_status(response.status())
        .with_attempts(exchange.attempts)
        .with_diagnostics(diagnostics.map(str::to_owned))
        .with_correlation_id(correlation_id.map(str::to_owned));
    match Origin::of(&exchange.url) {
        Ok(origin) => failure.with_host(origin.host()),
        Err(_) => failure,
    }
}

fn correlation_id(response: &Response<Bytes>) -> Option<&str> {
    response.headers().get(CORRELATION_ID)?.to_str().ok()
}

/// The pause that the server asks for, in seconds or as a date (RFC 9110, 10.2.3). A date is compared with the `Date`
/// of the response, which comes from the same clock; without one it is ignored.
pub(crate) fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let value = |name| response.headers().get(name)?.to_str().ok().map(str::trim);
    let asked = value(header::RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let pause = until.duration_since(date_of(response)?);
    Some(pause.unwrap_or_default())
}

/// The `Date` of a response, by the server's clock (RFC 9110, 6.6.1).
pub(crate) fn date_of(response: &Response<Bytes>) -> Option<SystemTime> {
    let date = response.headers().get(header::DATE)?.to_str().ok()?;
    httpdate::parse_http_date(date).ok()
}
