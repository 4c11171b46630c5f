//! The transport for real servers: HTTP/1.1 by hyper, TLS by rustls.

mod body;
mod certificate;
mod challenge;
mod connect;
mod connection;
mod der;
mod keep_alive;
mod no_proxy;
mod pool;
mod progress;
mod proxy;
mod target;
mod tls;
mod tls_config;
#[cfg(feature = "windows-auth")]
mod windows_auth;

use std::{fmt, mem, pin::pin, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

pub use self::certificate::ServerCertificate;
pub use self::proxy::{Proxy, ProxyError};
pub use self::tls_config::{TlsConfig, TlsConfigError, TlsVersion};
#[cfg(feature = "windows-auth")]
pub use self::windows_auth::{WindowsCredentials, WindowsCredentialsError};
use self::{
    body::{collect, decode},
    connect::{Opened, Way},
    connection::Connection,
    pool::Pool,
    progress::Progress,
    target::{Target, prepare},
    tls::{Rustls, Tls},
};
use crate::{
    ConnectionAuth, HttpTransport, Lane, SendOptions, Sent, Stage, TransportError,
    TransportErrorKind,
};

/// An HTTP/1.1 client for any number of servers, with TLS, proxies and a connection pool.
///
/// - **Connections.** A request uses an idle connection to its server, or a new one, so that a command never waits behind a pending
///   request for events. A connection that was idle for 100 ms is closed. While requests follow each other within 30 s, idle
///   connections are kept for 30 s, because IIS closes idle connections, too. At most 128 connections to one server are kept. If the server closed an idle connection before any byte of a request was written, the request
///   is sent on another connection. All other failures are returned to the caller.
/// - **TCP keep-alive.** A request fails with [`Closed`](TransportErrorKind::Closed) if the server, or the proxy, acknowledges nothing
///   for about 20 s. Otherwise a pending request for events would notice a lost peer only at its deadline.
/// - **`Content-Length`.** Every POST, PUT and PATCH has this header, also for an empty body. The transport sets it and ignores the
///   caller's value.
/// - **Content codings.** The transport decodes gzip, deflate, brotli and zstd, also several of them, and removes the headers that name
///   them. `Accept-Encoding` asks for gzip and deflate unless the caller has set it. Another coding is an error that names the coding.
/// - **Response heads** have at most 64 KiB and 100 headers. A folded header is unfolded, spaces before the colon are removed, and a
///   line that is not a header is skipped.
/// - **TLS** is rustls, with the roots of the platform and those of [`TlsConfig`]. The only protocol offered is `http/1.1`. An error
///   about a certificate names the hosts that the certificate is for.
/// - **Proxies** are used as [`Proxy`] configures them: with a tunnel for `https`, and with the absolute URI as the target for `http`.
/// - **[`ConnectionAuth::Windows`]** is NTLM, under this name or inside `Negotiate` (SPNEGO), as the server offers it. Each handshake has
///   its own connection, which is bound to the server's certificate under TLS and closed afterwards. It requires the feature
///   `windows-auth` and credentials in the configuration. Kerberos is not supported.
/// - **Tasks.** An exchange drives its connection, and dropping the future closes the connection. While connections are idle, a task
///   waits for the time to close them. There is no static state, so a program with many sessions shares one transport among them.
///
/// The transport must be used inside a tokio runtime with I/O and time enabled.
#[derive(Default)]
pub struct HyperTransport {
    config: HyperConfig,
    tls: Tls,
    pool: Pool<Connection>,
}

/// The configuration of a [`HyperTransport`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HyperConfig {
    /// The largest body of a response in bytes, both encoded and decoded. The default is 8 MiB. A larger body fails with
    /// [`BodyTooLarge`](TransportErrorKind::BodyTooLarge).
    pub body_limit: usize,
    /// The time limit for opening a connection, with name resolution and TLS, within the deadline of the exchange. The default
    /// is 10 s.
    pub connect_deadline: Duration,
    /// The longest time without data from the server within the deadline of the exchange: before the response, and between two
    /// parts of its body. The default is 30 s. For [`Lane::Events`] the time before the response is not limited, because the server
    /// holds the request until there is an event.
    pub read_deadline: Duration,
    /// The account for requests with [`ConnectionAuth::Windows`](crate::ConnectionAuth::Windows). The default is `None`: such a
    /// request fails with [`Unsupported`](TransportErrorKind::Unsupported).
    #[cfg(feature = "windows-auth")]
    pub windows: Option<WindowsCredentials>,
    /// The roots, client certificate, pins and versions of TLS.
    pub tls: TlsConfig,
    /// The proxies, and the servers that need none. The default is taken from the environment variables.
    pub proxy: Proxy,
}

impl Default for HyperConfig {
    fn default() -> Self {
        Self {
            body_limit: 8 * 1024 * 1024,
            connect_deadline: Duration::from_secs(10),
            read_deadline: Duration::from_secs(30),
            #[cfg(feature = "windows-auth")]
            windows: None,
            tls: TlsConfig::default(),
            proxy: Proxy::default(),
        }
    }
}

impl HyperTransport {
    /// A transport with the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A transport with this configuration.
    #[must_use]
    pub fn with_config(config: HyperConfig) -> Self {
        Self {
            tls: Tls::Rustls(Rustls::new(config.tls.clone())),
            config,
            pool: Pool::default(),
        }
    }

    /// A transport with OpenSSL instead of rustls, for servers whose cipher suites rustls does not support, such as Windows Server
    /// 2012 R2.
    ///
    /// The roots are those of the OpenSSL installation. Otherwise it equals [`with_config`](Self::with_config).
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::OpenSsl`] if OpenSSL does not accept the configuration.
    #[cfg(feature = "native-tls")]
    pub fn native_tls(config: HyperConfig) -> Result<Self, TlsConfigError> {
        Ok(Self {
            tls: Tls::OpenSsl(tls::OpenSsl::new(&config.tls)?),
            config,
            pool: Pool::default(),
        })
    }

    /// Sends `request`, which is empty afterwards. By reference, because an async function has room for an argument twice.
    async fn exchange(
        &self,
        request: &mut Request<Bytes>,
        lane: Lane,
        target: &Target,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, TransportError> {
        let hop = self.config.proxy.hop(target)?;
        prepare(request, target, hop)?;
        let way = Way { target, hop };
        let mut request = mem::take(request).map(Full::new);
        let (mut connection, response) = loop {
            let (mut connection, pooled) = match self.pool.take(target) {
                Some(mut connection) => {
                    if connection.may_have_unread_bytes().await {
                        // The server may have closed the connection. The runtime notices that when it polls the operating
                        // system, which it does before it resumes a task that yielded.
                        tokio::task::yield_now().await;
                    }
                    (connection, true)
                }
                None => {
                    let opened = self.connect(&way, progress).await?;
                    (opened.connection, false)
                }
            };
            progress.begin(&connection);
            let response = pin!(connection.sender.try_send_request(request));
            let response = connection.drive(response);
            match self.within(lane, progress, target, response).await? {
                Ok(response) => break (connection, response),
                Err(mut refused) => match refused.take_message() {
                    // The server closed the idle connection before any byte was written.
                    Some(unsent) if pooled && progress.sent() == Sent::No => request = unsent,
                    _ => return Err(progress.failure(target, refused.into_error())),
                },
            }
        };

        let response = self
            .whole(response, &mut connection, target, progress)
            .await?;
        if connection.is_reusable().await {
            self.pool.put(target, connection);
        }
        Ok(response)
    }

    /// Waits for the head of a response.
    async fn within<F: Future>(
        &self,
        lane: Lane,
        progress: &Progress,
        target: &Target,
        response: F,
    ) -> Result<F::Output, TransportError> {
        match lane {
            // The server holds the request. Only the deadline of the exchange limits it.
            Lane::Events => Ok(response.await),
            Lane::Commands => timeout(self.config.read_deadline, response)
                .await
                .map_err(|_| progress.silence(target)),
        }
    }

    /// Reads and decodes the body of a response.
    async fn whole(
        &self,
        response: Response<Incoming>,
        connection: &mut Connection,
        target: &Target,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, TransportError> {
        progress.enter(Stage::Body);
        let (head, body) = response.into_parts();
        let limit = self.config.body_limit;
        let collecting = pin!(collect(body, limit, self.config.read_deadline));
        let body = connection
            .drive(collecting)
            .await
            .map_err(|error| progress.body_failure(target, limit, error))?;
        let mut response = Response::from_parts(head, body);
        decode(&mut response, limit)
            .map_err(|error| progress.body_failure(target, limit, error))?;
        Ok(response)
    }

    async fn connect(
        &self,
        way: &Way<'_>,
        progress: &mut Progress,
    ) -> Result<Opened, TransportError> {
        // Boxed, so that the future of a pending exchange does not contain the state of connecting.
        let connecting = Box::pin(way.connect(&self.tls, progress));
        match timeout(self.config.connect_deadline, connecting).await {
            Ok(connection) => connection,
            Err(_) => {
                let error = progress.error(TransportErrorKind::Timeout, way.target);
                let through = error.detail().map(|it| format!(", {it}"));
                let through = through.unwrap_or_default();
                Err(error.with_detail(format!("the deadline of the connection{through}")))
            }
        }
    }
}

#[async_trait]
impl HttpTransport for HyperTransport {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let target = Target::of(request.uri())?;
        let mut progress = Progress::default();
        let lane = options.lane;
        let result = match options.authentication {
            None => {
                let exchange = self.exchange(&mut request, lane, &target, &mut progress);
                timeout(options.deadline, exchange).await
            }
            Some(ConnectionAuth::Windows) => {
                // Boxed, because it is rare.
                let exchange = self.authenticated(request, lane, &target, &mut progress);
                timeout(options.deadline, Box::pin(exchange)).await
            }
        };
        match result {
            Ok(result) => result,
            Err(_) => Err(progress.error(TransportErrorKind::Timeout, &target)),
        }
    }
}

#[cfg(not(feature = "windows-auth"))]
impl HyperTransport {
    async fn authenticated(
        &self,
        _request: Request<Bytes>,
        _lane: Lane,
        target: &Target,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, TransportError> {
        Err(progress
            .error(TransportErrorKind::Unsupported, target)
            .with_detail("this build does not contain the feature windows-auth"))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
