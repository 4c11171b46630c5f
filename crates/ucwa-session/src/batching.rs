//! Batching: several GETs in one request (`BatchingRequests`).
//!
//! A batch changes only the transport: each exchange in it ends separately, as if it had been sent in its own request. If
//! the batch fails for an exchange, the exchange is sent in its own request, so that refusals, tokens and retries are
//! handled in one place.

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use ucwa_proto::batch;

use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::response::CORRELATION_ID;

/// The maximum number of requests in a batch. The server allows 100 outstanding requests for each user, and the
/// documentation warns against relying on that number.
const MAX_PARTS: usize = 20;

impl Core {
    /// Collects the reads of chats, until [`Core::send_collected`] at the end of the input.
    pub(crate) fn collect_reads(&mut self) {
        self.collected.get_or_insert_default();
    }

    /// Sends the reads that were collected. `false` if there are none.
    pub(crate) fn send_collected(&mut self) -> bool {
        let collected = self.collected.take().unwrap_or_default();
        let some = !collected.is_empty();
        self.issue_batched(collected);
        some
    }

    /// Sends several GETs of the application: in one batch, if there is more than one and the server offers batches.
    pub(crate) fn issue_batched(&mut self, mut exchanges: Vec<Exchange>) {
        let url = self
            .batch
            .as_deref()
            .and_then(|href| self.resolve(href, Stage::Application).ok());
        if let Some(url) = url {
            while exchanges.len() > 1 {
                let rest = exchanges.split_off(exchanges.len().min(MAX_PARTS));
                self.issue_batch(&url, std::mem::replace(&mut exchanges, rest));
            }
        }
        for exchange in exchanges {
            self.issue(exchange);
        }
    }

    fn issue_batch(&mut self, url: &str, exchanges: Vec<Exchange>) {
        let mut parts = Vec::new();
        let mut included = Vec::new();
        for mut exchange in exchanges {
            match self.part(&mut exchange) {
                Some(part) => {
                    parts.push(part);
                    included.push(Some(exchange));
                }
                None => self.issue(exchange),
            }
        }
        if parts.is_empty() {
            return;
        }
        let seed = self.uuid();
        let body = batch::Request::encode_batch(&parts, &seed);
        let id = self.number();
        self.batches.insert(id, included);
        self.issue(
            Exchange::new(Purpose::Batch(id), Method::POST, url.to_owned())
                .with_body(body.content_type, body.body),
        );
    }

    /// A GET as a part of a batch. Its URL has been resolved, so it is on the application's host, which answers the batch.
    fn part(&mut self, exchange: &mut Exchange) -> Option<batch::Request<'static>> {
        let base = self.base.clone()?;
        self.label(exchange, &base);
        let uri: http::Uri = exchange.url.parse().ok()?;
        let target = uri.path_and_query()?.as_str().to_owned();
        let part = batch::Request::new("GET", target)
            .with_header("Host", uri.authority()?.as_str().to_owned())
            .with_header("Accept", self.config.representation.accept());
        Some(match exchange.correlation_id.clone() {
            Some(id) => part.with_header(CORRELATION_ID.to_string(), id),
            None => part,
        })
    }

    /// Ends every exchange of a batch, or sends it in its own request.
    pub(crate) fn on_batch(&mut self, id: u64, result: Result<Response<Bytes>, Failure>) {
        // Every exchange in the batch was abandoned.
        let Some(exchanges) = self.batches.remove(&id) else {
            return;
        };
        let response = match result {
            Ok(response) => response,
            Err(failure) => {
                for exchange in exchanges.into_iter().flatten() {
                    self.finish(exchange, Err(failure.clone()));
                }
                return;
            }
        };
        let ends = [
            "ApplicationNotFound",
            "InactiveApplicationExpired",
            "TooManyApplications",
            "UserAgentNotAllowed",
        ];
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
            && self
                .problem(&response)
                .is_some_and(|problem| ends.into_iter().any(|end| problem.is(end)))
        {
            // The application has ended, so the exchanges are not sent again.
            for exchange in exchanges.into_iter().flatten() {
                self.trace(&exchange, &response);
                self.finish(exchange, Ok(response.clone()));
            }
            return;
        }
        let parts = self.parts_of(&response, exchanges.len());
        if parts.is_none() && response.status() != StatusCode::TOO_MANY_REQUESTS {
            tracing::warn!(
                status = response.status().as_u16(),
                "the server does not serve batches"
            );
            self.batch = None;
        }
        let mut parts = parts.unwrap_or_default().into_iter();
        for exchange in exchanges {
            let part = parts.next();
            match (exchange, part) {
                (None, _) => {}
                (Some(exchange), Some(part)) if part.status().is_success() => {
                    self.trace(&exchange, &part);
                    self.finish(exchange, Ok(part));
                }
                (Some(exchange), _) => self.issue(exchange),
            }
        }
        // The reads that the responses of a batch cause are collected into the next batch.
        self.collect_reads();
    }

    /// The responses in a batch, if their number matches the number of requests.
    fn parts_of(&self, response: &Response<Bytes>, count: usize) -> Option<Vec<Response<Bytes>>> {
        if !response.status().is_success() {
            return None;
        }
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)?
            .to_str()
            .ok()?;
        let boundary = batch::boundary(content_type)?;
        let limits = &self.config.limits;
        let parts = batch::Response::decode_batch(response.body(), Some(boundary), limits).ok()?;
        if parts.len() != count {
            return None;
        }
        parts.iter().map(separate_response).collect()
    }
}

/// A part as a separate response.
fn separate_response(part: &batch::Response<'_>) -> Option<Response<Bytes>> {
    let mut response = Response::builder().status(part.status);
    for (name, value) in &part.headers {
        response = response.header(&**name, &**value);
    }
    response.body(Bytes::copy_from_slice(&part.body)).ok()
}
