//! The trait of all transports, and the options of a request.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::TransportError;

/// Sends complete HTTP requests and returns complete HTTP responses.
///
/// Every backend and every wrapper keeps this contract:
/// - The URI of a request is absolute, with the scheme `http` or `https`. Any other URI fails with [`InvalidRequest`].
/// - No HTTP status is an error. A redirect is a response like any other and is never followed.
/// - The call ends within [`SendOptions::deadline`], with a response or a typed error.
/// - Dropping the future aborts the exchange.
/// - A request of [`Lane::Commands`] never waits for a request of [`Lane::Events`].
/// - A request is repeated only if the server certainly did not receive it.
///
/// [`InvalidRequest`]: crate::TransportErrorKind::InvalidRequest
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HttpTransport: fmt::Debug + Send + Sync + 'static {
    /// Sends a request and waits for its response.
    ///
    /// # Errors
    ///
    /// If there is no complete response. The error says what failed, in which stage, at which host, and whether the server may
    /// have received the request.
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError>;
}

/// The future of [`HttpTransport::send`], as the attribute `async_trait` declares it.
type Exchange<'a> =
    Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send + 'a>>;

// Without the attribute `async_trait`, which would put the future of the inner transport into another one.
impl<T: HttpTransport + ?Sized> HttpTransport for Arc<T> {
    fn send<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Exchange<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        (**self).send(request, options)
    }
}

impl<T: HttpTransport + ?Sized> HttpTransport for Box<T> {
    fn send<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Exchange<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        (**self).send(request, options)
    }
}

/// Options of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// The lane of the request.
    pub lane: Lane,
    /// The time limit of the exchange, from the call to the last byte of the response.
    pub deadline: Duration,
    /// Authentication of the connection. `None` for almost every request.
    ///
    /// A transport without this authentication fails with [`Unsupported`](crate::TransportErrorKind::Unsupported).
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

/// The kind of a request.
///
/// The server holds a request for events for minutes, and a command must not wait behind it.
#[cfg_attr(
    feature = "har",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The pending GET: the request for events.
    Events,
    /// All other requests.
    Commands,
}

/// Authentication that the transport performs for a connection. A header from the caller cannot replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionAuth {
    /// Integrated Windows authentication (NTLM or Negotiate). It applies to one HTTP/1.1 connection.
    Windows,
}
