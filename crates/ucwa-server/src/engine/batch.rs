//! Batches: several requests in the body of one (`BatchingRequests`).

use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Request, Response, StatusCode};
use ucwa_proto::{Limits, Representation, batch};

use super::Engine;
use super::exchange::Exchange;
use super::reply::{Refusal, Reply};
use super::routing::{self, Route};
use crate::origin::RequestOrigin;

/// The maximum number of requests in a batch. A larger batch is refused as a whole.
const MOST: usize = 100;

impl Engine {
    /// POST batch. Each part is handled as a separate request with the authorization of the batch.
    pub(super) fn batch(&mut self, exchange: &Exchange<'_>) -> Result<Reply, Refusal> {
        let content_type = exchange.header(CONTENT_TYPE).unwrap_or_default();
        let boundary = batch::boundary(content_type).ok_or(Refusal::UNSUPPORTED_MEDIA_TYPE)?;
        let limits = Limits::default();
        let parts = batch::Request::decode_batch(exchange.request.body(), Some(boundary), &limits)
            .map_err(|_| Refusal::MALFORMED)?;
        if parts.len() > MOST {
            return Err(Refusal::TOO_MANY_REQUESTS);
        }
        let responses: Vec<Response<Bytes>> = parts
            .iter()
            .map(|part| self.serve_part(exchange, part))
            .collect();
        let responses: Vec<batch::Response<'_>> = responses.iter().map(as_part).collect();
        let seed = self.identifiers.thread();
        let body = batch::Response::encode_batch(&responses, &seed);
        // In responses the boundary is quoted.
        let boundary = batch::boundary(&body.content_type).unwrap_or_default();
        let content_type = format!("{}; boundary=\"{boundary}\"", batch::MEDIA_TYPE);
        Ok(Reply::Ready(self.with_content(
            StatusCode::OK,
            &content_type,
            body.body,
        )))
    }

    fn serve_part(
        &mut self,
        exchange: &Exchange<'_>,
        part: &batch::Request<'_>,
    ) -> Response<Bytes> {
        let mut request = Request::builder()
            .method(&*part.method)
            .uri(&*part.target)
            .header(CONTENT_LENGTH, part.body.len());
        if let Some(authorization) = exchange.request.headers().get(AUTHORIZATION) {
            request = request.header(AUTHORIZATION, authorization);
        }
        for (name, value) in &part.headers {
            let replaced = [CONTENT_LENGTH, AUTHORIZATION];
            if !replaced
                .iter()
                .any(|replaced| name.eq_ignore_ascii_case(replaced.as_str()))
            {
                request = request.header(&**name, &**value);
            }
        }
        let origin = exchange.request.extensions().get::<RequestOrigin>();
        if let (Some(origin), Some(extensions)) = (origin, request.extensions_mut()) {
            extensions.insert(origin.clone());
        }
        let served = match request.body(Bytes::copy_from_slice(&part.body)) {
            Ok(request) if is_allowed(&request) => self.serve(exchange.id, &request),
            _ => None,
        };
        served.unwrap_or_else(|| self.refusal(Refusal::NOT_IN_A_BATCH, Representation::Json))
    }
}

/// Whether a request is allowed in a batch: no other batch, no response with a media type of its own, no pending GET.
fn is_allowed(request: &Request<Bytes>) -> bool {
    let path = routing::normalized(request.uri().path());
    let Some(route) = path.as_deref().and_then(Route::of) else {
        return true;
    };
    let operation = route.row.operation(request.method().as_str());
    route.row.name != "events" && operation.is_none_or(|operation| operation.content.is_none())
}

/// A response as a part of a batch: its status, its headers in the published order with `Content-Type` last, and its body.
fn as_part(response: &Response<Bytes>) -> batch::Response<'_> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut part =
        batch::Response::new(status.as_u16(), reason).with_body(response.body().as_ref());
    // `Date` and the headers with the server's name and the correlation ID are sent once, with the batch.
    for (name, header) in [
        ("Cache-Control", CACHE_CONTROL),
        ("Location", LOCATION),
        ("ETag", ETAG),
        ("Allow", ALLOW),
        ("Retry-After", RETRY_AFTER),
        ("WWW-Authenticate", WWW_AUTHENTICATE),
        ("Content-Type", CONTENT_TYPE),
    ] {
        for value in response.headers().get_all(header) {
            if let Ok(value) = value.to_str() {
                part = part.with_header(name, value);
            }
        }
    }
    part
}
