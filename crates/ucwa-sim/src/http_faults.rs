//! HTTP faults: responses of servers and intermediaries that differ from the correct response.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use ucwa_proto::{Problem, Representation};

use crate::attacker::forge_links;
use crate::coverage::CoveragePoint;
use crate::random::{RandomStream, stream};

/// The rates of HTTP faults, per 1,000 exchanges.
///
/// A refused request was not executed, so its sender may report a failure. If a request was executed and its response was
/// replaced, the sender cannot know whether the message was delivered: only then, and after losses on the network, may a
/// delivery result be unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpFaults {
    /// The name on the command line and in reports.
    pub name: &'static str,
    /// How often a request is refused and not executed, with a UCWA error or a proxy's page, sometimes with a
    /// `Retry-After` in seconds or as a date.
    pub refused: u32,
    /// How often a valid token is refused.
    pub unauthorized: u32,
    /// How often an intermediary replaces the response after the server executed the request.
    pub replaced: u32,
    /// How often the body of a response is truncated or replaced with random bytes.
    pub corrupted: u32,
    /// How often a response arrives twice.
    pub duplicated: u32,
    /// How often a request is refused, and not executed, because of its ticket: with 403 or 500, no challenge, and
    /// diagnostics that name the ticket. Only in the full world.
    pub invalid_tickets: u32,
    /// How often the addresses in a response are replaced with the attacker's host. Only in some full worlds.
    pub forged_links: u32,
}

impl HttpFaults {
    /// Every response is correct.
    pub fn none() -> Self {
        Self {
            name: "none",
            refused: 0,
            unauthorized: 0,
            replaced: 0,
            corrupted: 0,
            duplicated: 0,
            invalid_tickets: 0,
            forged_links: 0,
        }
    }

    /// About 5 % of the exchanges have a fault.
    pub fn some() -> Self {
        Self {
            name: "some",
            refused: 10,
            unauthorized: 10,
            replaced: 8,
            corrupted: 8,
            duplicated: 50,
            invalid_tickets: 5,
            forged_links: 4,
        }
    }

    /// About 17 % of the exchanges have a fault.
    pub fn many() -> Self {
        Self {
            name: "many",
            refused: 50,
            unauthorized: 30,
            replaced: 30,
            corrupted: 30,
            duplicated: 200,
            invalid_tickets: 20,
            forged_links: 12,
        }
    }

    /// Whether every request gets the response of the server. A duplicate changes nothing.
    pub fn is_none(&self) -> bool {
        let Self {
            name: _,
            refused,
            unauthorized,
            replaced,
            corrupted,
            duplicated: _,
            invalid_tickets,
            forged_links,
        } = self;
        [
            refused,
            unauthorized,
            replaced,
            corrupted,
            invalid_tickets,
            forged_links,
        ]
        .into_iter()
        .all(|rate| *rate == 0)
    }

    /// The rates with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::none(), Self::some(), Self::many()]
            .into_iter()
            .find(|faults| faults.name == name)
    }
}

/// Injects faults into requests and responses.
#[derive(Debug)]
pub(crate) struct HttpFaultInjector {
    rates: HttpFaults,
    random: RandomStream,
    /// For refused tickets and forged links.
    ticket_random: RandomStream,
}

/// How much later the duplicate of a response arrives.
const DUPLICATE_DELAY: Range<Duration> = Duration::ZERO..Duration::from_secs(3);

/// The statuses with which a request can be refused, besides the refusals of the server itself.
const REFUSALS: [StatusCode; 10] = [
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::CONFLICT,
    StatusCode::GONE,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// The diagnostic codes of invalid tickets.
const INVALID_TICKETS: [u32; 7] = [28_020, 28_032, 28_033, 28_055, 28_056, 28_072, 28_077];

/// The decision of the injector about a request.
#[derive(Debug)]
pub(crate) enum RequestDecision {
    /// The request is forwarded as it is.
    Forwarded,
    /// The request is forwarded without its token.
    TokenRemoved,
    /// The request is not forwarded; this is its response.
    Answered(CoveragePoint, Response<Bytes>),
}

impl HttpFaultInjector {
    pub(crate) fn new(rates: HttpFaults, seed: u64) -> Self {
        Self {
            rates,
            random: RandomStream::new(seed, stream::HTTP_FAULTS),
            ticket_random: RandomStream::new(seed, stream::TICKETS_AND_FORGED_LINKS),
        }
    }

    /// Decides whether a request is forwarded; `wall` is the server's wall time.
    pub(crate) fn on_request(
        &mut self,
        wall: SystemTime,
        request: &mut Request<Bytes>,
    ) -> RequestDecision {
        let token_removed = self.random.chance(self.rates.unauthorized)
            && request.headers_mut().remove(AUTHORIZATION).is_some();
        if self.random.chance(self.rates.refused)
            && let Some(response) = self.refusal(wall, request)
        {
            let point = CoveragePoint::Refused(response.status().as_u16());
            return RequestDecision::Answered(point, response);
        }
        if request.headers().contains_key(AUTHORIZATION)
            && self.ticket_random.chance(self.rates.invalid_tickets)
        {
            let response = self.invalid_ticket(request);
            let point = CoveragePoint::InvalidTicket(response.status().as_u16());
            return RequestDecision::Answered(point, response);
        }
        match token_removed {
            true => RequestDecision::TokenRemoved,
            false => RequestDecision::Forwarded,
        }
    }

    /// The refusal of a request that is not forwarded.
    fn refusal(&mut self, wall: SystemTime, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let status = match self.random.below(8) {
            0 => return Some(page(StatusCode::OK)),
            1 | 2 => StatusCode::TOO_MANY_REQUESTS,
            _ => *self.random.choice(&REFUSALS)?,
        };
        let mut response = match representation(request) {
            Some(representation) if is_plausible(request, status) && self.random.chance(500) => {
                match request.method() == Method::DELETE && is_gone(status) {
                    // The resource that was to be deleted still exists.
                    true => page(status),
                    false => problem(status, representation),
                }
            }
            _ => page(status),
        };
        let may_have_retry_after = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        if may_have_retry_after && self.random.chance(700) {
            let seconds = self.random.below(15);
            let value = if self.random.chance(500) {
                seconds.to_string()
            } else {
                httpdate::fmt_http_date(wall + Duration::from_secs(seconds))
            };
            set(&mut response, RETRY_AFTER, &value);
        }
        Some(response)
    }

    /// The response of pools to an invalid ticket: 403 or 500, with the reason in the diagnostics
    /// (`DevelopForSkypeforBusiness`).
    fn invalid_ticket(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        let status = match self.ticket_random.chance(500) {
            true => StatusCode::FORBIDDEN,
            false => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let mut response = match representation(request) {
            Some(representation) if self.ticket_random.chance(500) => {
                problem(status, representation)
            }
            _ => page(status),
        };
        let code = self.ticket_random.choice(&INVALID_TICKETS);
        let code = code.copied().unwrap_or(28_020);
        let value =
            format!("{code};source=\"POOL1.contoso.com\";reason=\"The ticket is invalid.\"");
        let name = HeaderName::from_static("x-ms-diagnostics");
        set(&mut response, name, &value);
        response
    }

    /// The response that arrives in place of the server's, or `None` if the server's response arrives unchanged. `pool` is
    /// the host of the server.
    pub(crate) fn on_response(
        &mut self,
        response: &Response<Bytes>,
        pool: &str,
    ) -> Option<(CoveragePoint, Response<Bytes>)> {
        if let Some(changed) = self.replaced_or_corrupted(response) {
            return Some(changed);
        }
        if !self.ticket_random.chance(self.rates.forged_links) {
            return None;
        }
        let as_redirect = self.ticket_random.chance(500);
        Some((
            CoveragePoint::ForgedLinks,
            forge_links(response, pool, as_redirect)?,
        ))
    }

    fn replaced_or_corrupted(
        &mut self,
        response: &Response<Bytes>,
    ) -> Option<(CoveragePoint, Response<Bytes>)> {
        if self.random.chance(self.rates.replaced) {
            let status = *self.random.choice(&[
                StatusCode::OK,
                StatusCode::INTERNAL_SERVER_ERROR,
                StatusCode::BAD_GATEWAY,
                StatusCode::GATEWAY_TIMEOUT,
            ])?;
            return Some((CoveragePoint::Replaced(status.as_u16()), page(status)));
        }
        let length = response.body().len();
        if !self.random.chance(self.rates.corrupted) || length == 0 {
            return None;
        }
        let mut corrupted = response.clone();
        let end = self.random.index(length);
        *corrupted.body_mut() = if self.random.chance(500) {
            response.body().slice(..end)
        } else {
            let bytes = self.random.seed().to_le_bytes();
            bytes.into_iter().cycle().take(end).collect()
        };
        Some((CoveragePoint::Corrupted, corrupted))
    }

    /// How much later a response arrives a second time, if it does.
    pub(crate) fn duplicate_delay(&mut self) -> Option<Duration> {
        self.random
            .chance(self.rates.duplicated)
            .then(|| self.random.duration(&DUPLICATE_DELAY))
    }
}

fn representation(request: &Request<Bytes>) -> Option<Representation> {
    Representation::negotiate(request.headers().get(ACCEPT)?.to_str().ok()?)
}

/// Whether the server could answer the request with a UCWA error of this status. The resource of a GET exists, so the server
/// would not report it as gone.
fn is_plausible(request: &Request<Bytes>, status: StatusCode) -> bool {
    request.method() != Method::GET || !is_gone(status)
}

fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// A UCWA error with the generic code of a status.
fn problem(status: StatusCode, representation: Representation) -> Response<Bytes> {
    let code = match status {
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::CONFLICT => "Conflict",
        StatusCode::GONE => "Gone",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        _ => "ServiceFailure",
    };
    let body = Problem::new(code).encode(representation);
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, representation.content_type());
    response
}

/// An HTML page, as proxies and IIS send it.
pub(crate) fn page(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("<html><h1>{status}</h1></html>")));
    *response.status_mut() = status;
    set(&mut response, CONTENT_TYPE, "text/html");
    response
}

fn set(response: &mut Response<Bytes>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
