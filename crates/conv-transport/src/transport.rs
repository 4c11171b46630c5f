//! The seam: one request in, one response out.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::TransportError;

/// How bytes travel: a whole HTTP request in, a whole HTTP response out.
///
/// The contract that every backend and every wrapper keeps:
/// - the URI of the request is absolute, `http` or `https`; anything else is [`InvalidRequest`];
/// - an HTTP status is never an error, and a redirect is a response like any other: it is never followed;
/// - the call ends within [`SendOptions::deadline`], with a response or a typed error;
/// - dropping the future aborts the exchange;
/// - a request of [`Lane::Commands`] never waits for one of [`Lane::Events`];
/// - nothing is repeated unless it is certain that the server has not seen the request.
///
/// [`InvalidRequest`]: crate::TransportErrorKind::InvalidRequest
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HttpTransport: fmt::Debug + Send + Sync + 'static {
    /// Performs one exchange.
    ///
    /// # Errors
    ///
    /// A [`TransportError`] says what failed, in which stage, at which host, and whether the server may have seen the request.
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: HttpTransport + ?Sized> HttpTransport for Arc<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request, options).await
    }
}

#[async_trait]
impl<T: HttpTransport + ?Sized> HttpTransport for Box<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request, options).await
    }
}

/// What a transport is told about a request beside the request itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// Which traffic the request belongs to.
    pub lane: Lane,
    /// The time for the whole exchange, from the call to the last byte of the response.
    pub deadline: Duration,
    /// Authentication that the connection itself has to perform, `None` for almost every request.
    ///
    /// A transport that cannot do it answers [`Unsupported`](crate::TransportErrorKind::Unsupported).
    pub authentication: Option<ConnectionAuth>,
}

impl SendOptions {
    /// Options without authentication of the connection.
    #[must_use]
    pub fn new(lane: Lane, deadline: Duration) -> Self {
        Self {
            lane,
            deadline,
            authentication: None,
        }
    }
}

/// The two kinds of traffic, which travel on connections apart.
///
/// A request for events is parked by the server for minutes, and no command may wait behind it.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The pending request for events.
    Events,
    /// Everything else.
    Commands,
}

/// Authentication performed by the connection, not by a header that the caller could write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionAuth {
    /// Integrated Windows authentication (NTLM or Negotiate), which binds to one HTTP/1.1 connection.
    Windows,
}
