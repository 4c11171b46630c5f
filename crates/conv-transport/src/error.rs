//! The one error of every transport.

use std::{error::Error, fmt};

/// Why an exchange gave no response.
///
/// Its `Display` names the stage, the host and what happened; it never shows a path, a query, a header or a body.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TransportError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    kind: TransportErrorKind,
    stage: Stage,
    host: String,
    sent: Sent,
    detail: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// An error at `host` (`host:port`, empty when the request names none).
    ///
    /// In the stages before [`Stage::Send`] it says [`Sent::No`], from there on [`Sent::Maybe`]; see [`never_sent`](Self::never_sent).
    pub fn new(kind: TransportErrorKind, stage: Stage, host: impl Into<String>) -> Self {
        let sent = match stage {
            Stage::Resolve | Stage::Connect | Stage::Tls => Sent::No,
            Stage::Send | Stage::Wait | Stage::Body => Sent::Maybe,
        };
        Self(Box::new(Failure {
            kind,
            stage,
            host: host.into(),
            sent,
            detail: None,
            source: None,
        }))
    }

    /// States that the server cannot have seen the request, whatever the stage.
    #[must_use]
    pub fn never_sent(mut self) -> Self {
        self.0.sent = Sent::No;
        self
    }

    /// Adds a sentence for people. It must hold no secret and no text of a message.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// How far the exchange had come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The `host:port` that was asked, the server's even where a proxy stands in between.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Whether the server may have seen the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// The sentence for people, if there is one.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.kind, self.stage)?;
        if !self.host.is_empty() {
            write!(f, ", {}", self.host)?;
        }
        f.write_str(")")?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

/// What went wrong, to match on.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request cannot be sent at all: its URI is not absolute, or not `http` or `https`.
    InvalidRequest,
    /// The name of the host has no address.
    Resolve,
    /// No address of the host took the connection.
    Connect,
    /// The proxy on the way did not let the request through, or the setting that names it cannot be used.
    Proxy,
    /// TLS was not agreed on: the certificate, the protocol version or the cipher suites.
    Tls,
    /// The deadline passed; the stage says while doing what.
    Timeout,
    /// The connection ended before the response was complete.
    Closed,
    /// What came is not HTTP/1.1, or not in the coding that its header names.
    Protocol,
    /// The body of the response is larger than the transport's limit.
    BodyTooLarge,
    /// The transport cannot do what the options ask for.
    Unsupported,
    /// The service that the transport is made of failed, and all that is known is its own error, the source.
    Service,
    /// A transport made for tests was not told how to answer this request.
    Unexpected,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "the request cannot be sent",
            Self::Resolve => "the host name has no address",
            Self::Connect => "no connection",
            Self::Proxy => "no way through the proxy",
            Self::Tls => "no agreement on TLS",
            Self::Timeout => "the deadline passed",
            Self::Closed => "the connection ended early",
            Self::Protocol => "the answer is not HTTP",
            Self::BodyTooLarge => "the body is too large",
            Self::Unsupported => "this transport cannot do that",
            Self::Service => "the service below failed",
            Self::Unexpected => "no answer is known for this request",
        })
    }
}

/// How far an exchange had come.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Looking up the addresses of the host.
    Resolve,
    /// Opening the connection, through a proxy where one is used.
    Connect,
    /// Agreeing on TLS.
    Tls,
    /// Writing the request.
    Send,
    /// Waiting for the head of the response.
    Wait,
    /// Reading the body of the response.
    Body,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Send => "send",
            Self::Wait => "wait",
            Self::Body => "body",
        })
    }
}

/// Whether the server may have seen a request that got no response.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Certainly not: sending it again cannot do anything twice.
    No,
    /// It may have, in part or whole.
    Maybe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_has_a_name() {
        let stages = [
            Stage::Resolve,
            Stage::Connect,
            Stage::Tls,
            Stage::Send,
            Stage::Wait,
            Stage::Body,
        ];
        let names = stages.map(|stage| stage.to_string());
        assert_eq!(names, ["resolve", "connect", "TLS", "send", "wait", "body"]);
    }
}
