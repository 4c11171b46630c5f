//! The progress of an exchange, and the errors that result from it.

use std::{io, sync::Arc};

use super::{
    body::BodyError,
    connection::{Connection, HEAD_LIMIT, Wire},
    target::Target,
    tls::explain,
};
use crate::{Sent, Stage, TransportError, TransportErrorKind};

/// The progress of an exchange, from which its error takes the stage and whether the request was sent.
#[derive(Debug)]
pub(super) struct Progress {
    stage: Stage,
    /// The proxy, until the connection to the server is open.
    pub(super) proxy: Option<String>,
    /// The wire of the connection that carries the request.
    wire: Option<Arc<Wire>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            stage: Stage::Resolve,
            proxy: None,
            wire: None,
        }
    }
}

impl Progress {
    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
    }

    /// Records that the request is about to be sent over `connection`.
    pub(super) fn begin(&mut self, connection: &Connection) {
        connection.wire.reset();
        self.wire = Some(Arc::clone(&connection.wire));
        self.stage = Stage::Send;
    }

    fn stage(&self) -> Stage {
        match &self.wire {
            Some(wire) if self.stage == Stage::Send && wire.is_flushed() => Stage::Wait,
            _ => self.stage,
        }
    }

    pub(super) fn sent(&self) -> Sent {
        match &self.wire {
            Some(wire) if self.stage >= Stage::Send && wire.is_touched() => Sent::Maybe,
            _ => Sent::No,
        }
    }

    pub(super) fn error(&self, kind: TransportErrorKind, target: &Target) -> TransportError {
        let mut error = TransportError::new(kind, self.stage(), target.to_string());
        if let Some(proxy) = &self.proxy
            && self.stage <= Stage::Connect
        {
            error = error.with_detail(format!("through the proxy {proxy}"));
        }
        match self.sent() {
            Sent::No => error.never_sent(),
            Sent::Maybe => error,
        }
    }

    pub(super) fn silence(&self, target: &Target) -> TransportError {
        self.error(TransportErrorKind::Timeout, target)
            .with_detail("the read deadline passed: the server is silent")
    }

    /// Converts an error of hyper.
    pub(super) fn failure(&self, target: &Target, source: hyper::Error) -> TransportError {
        let kind = if source.is_user() {
            TransportErrorKind::InvalidRequest
        } else if source.is_parse() {
            TransportErrorKind::Protocol
        } else {
            kind_of_io(&source).unwrap_or(TransportErrorKind::Closed)
        };
        let error = self.error(kind, target);
        if kind == TransportErrorKind::Tls
            && let Some(words) = io_error(&source).and_then(explain)
        {
            return error.with_detail(words);
        }
        if source.is_parse() && source.to_string() == TOO_LARGE {
            let message = format!("the head is larger than {HEAD_LIMIT} bytes or 100 headers");
            return error.with_detail(message).with_source(source);
        }
        error.with_source(source)
    }

    pub(super) fn body_failure(
        &self,
        target: &Target,
        limit: usize,
        error: BodyError,
    ) -> TransportError {
        match error {
            BodyError::TooLarge => self
                .error(TransportErrorKind::BodyTooLarge, target)
                .with_detail(format!("the limit is {limit} bytes")),
            BodyError::Silent => self.silence(target),
            BodyError::Broken(source) => self.failure(target, source),
            BodyError::Coding(source) => self
                .error(TransportErrorKind::Protocol, target)
                .with_detail("the body is not in the coding that its header names")
                .with_source(source),
            BodyError::UnknownCoding(detail) => self
                .error(TransportErrorKind::Protocol, target)
                .with_detail(detail),
        }
    }
}

/// The text of hyper's error for a response head over the limit. The error has no other mark of this case.
const TOO_LARGE: &str = "message head is too large";

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

/// The kind of a failure whose cause is an I/O error below hyper's error.
fn kind_of_io(error: &hyper::Error) -> Option<TransportErrorKind> {
    let error = io_error(error)?;
    if error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
    {
        // In TLS 1.3 the server may refuse the client's certificate after the client has begun to send.
        return Some(TransportErrorKind::Tls);
    }
    // The body contains bytes that are not valid HTTP.
    let is_malformed = matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
    );
    is_malformed.then_some(TransportErrorKind::Protocol)
}
