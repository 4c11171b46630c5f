//! Passes a request to the handler of its row in the table of resources.

use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, TRANSFER_ENCODING,
};
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::Representation;

use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::reply::{CORRELATION_ID, Refusal, leave_out_body, set};
use super::routing::{self, At, Handler, Route};
use super::{Engine, RequestId};

impl Engine {
    /// The response to a request. `None` for a pending GET that waits for events.
    pub(super) fn serve(
        &mut self,
        id: RequestId,
        request: &Request<Bytes>,
    ) -> Option<Response<Bytes>> {
        let told = request.headers().get(CORRELATION_ID);
        let correlation = match told.and_then(|value| value.to_str().ok()) {
            Some(told) => told.to_owned(),
            None => self.identifiers.correlation(),
        };
        let exchange = Exchange::new(id, correlation, request);
        let mut response = self.answer(&exchange)?;
        set(&mut response, CORRELATION_ID, &exchange.correlation);
        if is_unchanged(&response, &exchange) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().remove(CONTENT_TYPE);
            *response.body_mut() = Bytes::new();
        } else if request.method() == Method::HEAD {
            leave_out_body(&mut response);
        }
        Some(response)
    }

    fn answer(&mut self, exchange: &Exchange<'_>) -> Option<Response<Bytes>> {
        let request = exchange.request;
        if let Some(response) = self.turned_away(request) {
            return Some(response);
        }
        if lacks_length(request) {
            return Some(self.html(StatusCode::LENGTH_REQUIRED, "Length Required"));
        }
        let path = routing::normalized(request.uri().path());
        let route = path.as_deref().and_then(Route::of);
        let address = match route {
            Some(route) if route.row.is_open() => None,
            _ => match self.authenticate(exchange) {
                Some(address) => Some(address),
                None => return Some(self.challenge(exchange)),
            },
        };
        let operation = route.and_then(|route| route.row.operation(exchange.method().as_str()));
        let representation = match exchange.representation() {
            Some(representation) => representation,
            None if operation.is_some_and(|operation| operation.content.is_some()) => {
                Representation::Json
            }
            None => return Some(self.refusal(Refusal::NOT_ACCEPTABLE, Representation::Json)),
        };
        let Some(route) = route else {
            return Some(self.refusal(Refusal::NOT_FOUND, representation));
        };
        let Some(operation) = operation else {
            let mut response = self.refusal(Refusal::METHOD_NOT_ALLOWED, representation);
            set(&mut response, ALLOW, &route.row.methods());
            return Some(response);
        };
        let answer = match (&operation.handler, address, route.application) {
            (Handler::Open(handler), ..) => handler(self, exchange),
            (Handler::User(handler), Some(address), _) => handler(self, exchange, &address),
            (Handler::Application(handler), Some(address), Some(application)) => {
                self.check_owner(application, &address).and_then(|()| {
                    let at = At {
                        exchange,
                        application,
                        representation,
                        route,
                    };
                    handler(self, &at)
                })
            }
            _ => Err(Refusal::NOT_FOUND),
        };
        self.response(answer, operation.status, representation)
    }

    fn check_owner(&self, application: ApplicationId, address: &str) -> Result<(), Refusal> {
        if self.expired.contains(&application) {
            return Err(Refusal::APPLICATION_EXPIRED);
        }
        match self.applications.get(application) {
            None => Err(Refusal::APPLICATION_NOT_FOUND),
            Some(found) if found.address != address => Err(Refusal::FORBIDDEN),
            Some(_) => Ok(()),
        }
    }
}

/// Whether the client has the current version of the resource, by its ETag. `If-None-Match` uses the weak comparison.
fn is_unchanged(response: &Response<Bytes>, exchange: &Exchange<'_>) -> bool {
    let method = exchange.method();
    let reads = method == Method::GET || method == Method::HEAD;
    let (Some(known), Some(etag)) = (exchange.header(IF_NONE_MATCH), response.headers().get(ETAG))
    else {
        return false;
    };
    reads && response.status() == StatusCode::OK && matches_etag(known, etag.as_bytes())
}

/// Checks that the client has read the latest version of the resource that it changes (`PayloadFormat`).
pub(super) fn check_condition(exchange: &Exchange<'_>, etag: &str) -> Result<(), Refusal> {
    let condition = exchange
        .header(IF_MATCH)
        .ok_or(Refusal::PRECONDITION_REQUIRED)?;
    if condition == etag || matches_etag(condition, format!("\"{etag}\"").as_bytes()) {
        Ok(())
    } else {
        Err(Refusal::PRECONDITION_FAILED)
    }
}

/// Whether a list of ETags contains this one, or is `*`.
fn matches_etag(list: &str, etag: &[u8]) -> bool {
    list.split(',').map(str::trim).any(|given| {
        let given = given.strip_prefix("W/").unwrap_or(given);
        given == "*" || given.as_bytes() == etag
    })
}

/// Whether a request has no length. IIS requires the length of a body, also of an empty one.
fn lacks_length(request: &Request<Bytes>) -> bool {
    (request.method() == Method::POST || request.method() == Method::PUT)
        && !request.headers().contains_key(CONTENT_LENGTH)
        && !request.headers().contains_key(TRANSFER_ENCODING)
}
