//! The transport for real servers: HTTP/1.1 by hyper, TLS by rustls.

mod body;
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

use std::{fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::timeout;

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

/// An HTTP/1.1 client for one or many servers.
///
/// - Each [`Lane`] has connections of its own, so a command never waits behind a parked request for events. A connection
///   that was idle for 30 s is not used again, since IIS closes what is idle for long; the next request to any server closes it.
/// - A connection of [`Lane::Events`] has TCP keep-alive: it breaks, as [`Closed`](TransportErrorKind::Closed), when the server, or the
///   proxy in between, has acknowledged nothing for some 20 s. Without it, a parked request would notice a lost peer only at its
///   deadline.
/// - A connection that the server closed while it was idle is replaced, and the request sent on a new one, only when no byte of
///   it was written; any other failure is reported and left to the caller.
/// - Every POST, PUT and PATCH carries `content-length`, `0` included; the header is the transport's, whatever the caller wrote.
/// - A response in gzip, deflate, brotli or zstd, or in several of them, comes out decoded, without the headers that told of it;
///   `accept-encoding` asks for the first two unless the caller has set it. Another coding is an error that names it.
/// - The head of a response has at most 64 KiB and 100 headers. A folded header is unfolded, spaces before the colon are removed, and a line
///   that is no header is skipped.
/// - TLS is rustls with the roots of the platform and what [`TlsConfig`] adds; the only protocol offered is `http/1.1`. The error
///   about a certificate names the hosts that it is for.
/// - An HTTP proxy is used as [`Proxy`] says: a tunnel for `https`, the absolute target for `http`.
/// - [`ConnectionAuth::Windows`] is NTLM, by that name or inside `Negotiate` (SPNEGO), whichever the server takes: the whole handshake
///   on a connection of its own, which is bound to the server's certificate under TLS and closed afterwards. It takes the feature
///   `windows-auth` and credentials in the configuration; Kerberos is not done.
/// - No task and no static stands behind it: an exchange drives its own connection, and dropping the future closes it.
///
/// It must be used inside a tokio runtime with I/O and time enabled.
#[derive(Default)]
pub struct HyperTransport {
    config: HyperConfig,
    tls: Tls,
    pool: Pool<Connection>,
}

/// How a [`HyperTransport`] behaves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HyperConfig {
    /// The largest body of a response, in bytes, on the wire and decoded; 8 MiB by default. A larger one is
    /// [`BodyTooLarge`](TransportErrorKind::BodyTooLarge).
    pub body_limit: usize,
    /// The time for a new connection, name lookup and TLS included, within the deadline of the exchange; 10 s by default.
    pub connect_deadline: Duration,
    /// The longest silence of the server within the deadline of the exchange: until a response begins, and between two parts of
    /// its body; 30 s by default. The server holds a request of [`Lane::Events`] until there is an event, so only the body counts
    /// there.
    pub read_deadline: Duration,
    /// The account for requests with [`ConnectionAuth::Windows`](crate::ConnectionAuth::Windows). Without one, which is the
    /// default, such a request fails with [`Unsupported`](TransportErrorKind::Unsupported).
    #[cfg(feature = "windows-auth")]
    pub windows: Option<WindowsCredentials>,
    /// Roots, client certificate, pins and versions of TLS.
    pub tls: TlsConfig,
    /// The proxies, and the servers that are reached without one; those of the environment variables by default.
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

    /// A transport with a configuration of its own.
    #[must_use]
    pub fn with_config(config: HyperConfig) -> Self {
        Self {
            tls: Tls::Rustls(Rustls::new(config.tls.clone())),
            config,
            pool: Pool::default(),
        }
    }

    /// A transport with TLS by OpenSSL, for servers whose cipher suites rustls does not have, such as Windows Server 2012 R2.
    ///
    /// The roots are those of OpenSSL's installation. All else is as with [`with_config`](Self::with_config).
    ///
    /// # Errors
    ///
    /// [`TlsConfigError::OpenSsl`] where OpenSSL cannot use the configuration.
    #[cfg(feature = "native-tls")]
    pub fn native_tls(config: HyperConfig) -> Result<Self, TlsConfigError> {
        Ok(Self {
            tls: Tls::OpenSsl(tls::OpenSsl::new(&config.tls)?),
            config,
            pool: Pool::default(),
        })
    }

    async fn exchange(
        &self,
        mut request: Request<Bytes>,
        lane: Lane,
        target: &Target,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, TransportError> {
        let hop = self.config.proxy.hop(target)?;
        prepare(&mut request, target, hop)?;
        let way = Way { target, hop };
        let mut request = request.map(Full::new);
        let (mut connection, response) = loop {
            let (mut connection, pooled) = match self.pool.take(lane, target) {
                Some(connection) => {
                    // The runtime learns that the server has closed it only when it polls the operating system, and it
                    // does that before it resumes a task that yielded.
                    tokio::task::yield_now().await;
                    (connection, true)
                }
                None => {
                    let opened = self.connect(lane, &way, progress).await?;
                    (opened.connection, false)
                }
            };
            progress.begin(&connection);
            let response = connection.sender.try_send_request(request);
            let response = connection.drive(response);
            match self.within(lane, progress, target, response).await? {
                Ok(response) => break (connection, response),
                Err(mut refused) => match refused.take_message() {
                    // Closed by the server while it was idle, before anything was written.
                    Some(unsent) if pooled && progress.sent() == Sent::No => request = unsent,
                    _ => return Err(progress.failure(target, refused.into_error())),
                },
            }
        };

        let response = self
            .whole(response, &mut connection, target, progress)
            .await?;
        if connection.is_reusable().await {
            self.pool.put(lane, target, connection);
        }
        Ok(response)
    }

    /// Waits for a response to begin.
    async fn within<F: Future>(
        &self,
        lane: Lane,
        progress: &Progress,
        target: &Target,
        response: F,
    ) -> Result<F::Output, TransportError> {
        match lane {
            // Parked by the server; the deadline of the exchange is its only one.
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
        let collecting = collect(body, limit, self.config.read_deadline);
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
        lane: Lane,
        way: &Way<'_>,
        progress: &mut Progress,
    ) -> Result<Opened, TransportError> {
        // Boxed, so that a parked exchange does not carry the room for connecting.
        let connecting = Box::pin(way.connect(lane, &self.tls, progress));
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
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let target = Target::of(request.uri())?;
        let mut progress = Progress::default();
        let lane = options.lane;
        let result = match options.authentication {
            None => {
                let exchange = self.exchange(request, lane, &target, &mut progress);
                timeout(options.deadline, exchange).await
            }
            Some(ConnectionAuth::Windows) => {
                // Boxed, since it is for one request in a thousand.
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
            .with_detail("this build has no Windows authentication"))
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
