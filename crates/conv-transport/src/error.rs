//! The error of all transports.

use std::{error::Error, fmt};

/// The reason why a request got no response.
///
/// The text names the failure, the stage and the host. It contains no path, query, header or body.
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
    /// An error for a request to `host`, which is `host:port`, or empty if the request has no host.
    ///
    /// [`sent`](Self::sent) is [`Sent::No`] in the stages before [`Stage::Send`], and [`Sent::Maybe`] from then on, unless
    /// [`never_sent`](Self::never_sent) changes it.
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

    /// Sets [`sent`](Self::sent) to [`Sent::No`] in any stage: the server certainly did not receive the request.
    #[must_use]
    pub fn never_sent(mut self) -> Self {
        self.0.sent = Sent::No;
        self
    }

    /// Adds an explanation for people. It must not contain secrets or the texts of messages.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the cause of this error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> TransportErrorKind {
        self.0.kind
    }

    /// The stage in which the exchange failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The server, as `host:port`, also if a proxy was used.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// Whether the server may have received the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// The explanation for people, if there is one.
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

/// The kind of a failure.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The request cannot be sent: its URI is not absolute, or has another scheme than `http` and `https`.
    InvalidRequest,
    /// The host name cannot be resolved to an address.
    Resolve,
    /// No address of the host accepted the connection.
    Connect,
    /// The proxy refused the request, or the proxy configuration is invalid.
    Proxy,
    /// The TLS handshake failed because of the certificate, the protocol version or the cipher suites.
    Tls,
    /// A deadline passed. The stage says what the transport was waiting for.
    Timeout,
    /// The connection closed before the response was complete.
    Closed,
    /// The response is not HTTP/1.1, or its body is not in the coding that its header names.
    Protocol,
    /// The body of the response exceeds the limit of the transport.
    BodyTooLarge,
    /// The transport does not support an option of the request.
    Unsupported,
    /// The service below the transport failed. Only its own error is known, which is the source.
    Service,
    /// A transport for tests has no response for this request.
    Unexpected,
}

impl fmt::Display for TransportErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidRequest => "the request cannot be sent",
            Self::Resolve => "cannot resolve the host name",
            Self::Connect => "cannot connect",
            Self::Proxy => "the proxy cannot be used",
            Self::Tls => "the TLS handshake failed",
            Self::Timeout => "the deadline passed",
            Self::Closed => "the connection closed early",
            Self::Protocol => "the response is not valid HTTP",
            Self::BodyTooLarge => "the response body is too large",
            Self::Unsupported => "the transport does not support an option of the request",
            Self::Service => "the HTTP client failed",
            Self::Unexpected => "the request is not expected",
        })
    }
}

/// The stages of an exchange, in order.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Resolving the host name.
    Resolve,
    /// Opening the connection, through the proxy if one is used.
    Connect,
    /// The TLS handshake.
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

/// Whether the server may have received a request that got no response.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// The server certainly did not receive it. It can be sent again without a risk of repeating its effect.
    No,
    /// The server may have received it, partly or completely.
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
