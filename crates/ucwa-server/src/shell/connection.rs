//! The connections: accepted within the limits, and served with HTTP/1.1.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::engine_task::EngineHandle;
use super::http_config::HttpConfig;
use super::status::Traffic;
use super::{cors, files, forwarded, xframe};
use crate::origin::RequestOrigin;

/// The pause after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// The response on a connection beyond the limit.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) http: Arc<HttpConfig>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) engine: EngineHandle,
    /// The address of the listener, which is the host of requests without one.
    pub(super) local: SocketAddr,
}

impl Connections {
    /// Accepts connections until the sender of `stopped` is dropped, and then closes all of them.
    pub(super) async fn accept(self, listener: TcpListener, mut stopped: oneshot::Receiver<()>) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                connection = listener.accept() => match connection {
                    Ok((stream, _)) if connections.len() >= self.http.limits.connections => {
                        self.refuse(stream);
                    }
                    Ok((stream, peer)) => {
                        connections.spawn(self.clone().serve(stream, peer.ip()));
                    }
                    // The system has run out of a resource, such as file descriptors.
                    Err(_) => sleep(PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
                _ = &mut stopped => break,
            }
        }
        drop(listener);
        connections.shutdown().await;
    }

    /// Closes a connection beyond the limit. Without TLS, which would need a handshake, the client gets a response first.
    fn refuse(&self, stream: TcpStream) {
        #[cfg(feature = "tls")]
        if self.http.tls.is_some() {
            return;
        }
        // The socket does not block. If its buffer is full, the client only sees the end of the connection.
        if let Ok(mut stream) = stream.into_std() {
            let _ = stream.write(BUSY);
        }
    }

    /// Serves one connection to its end. Its errors are ignored: the request in flight is dropped with the connection, which
    /// reports it
    /// to the engine as disconnected.
    pub(super) async fn serve<S>(self, stream: S, peer: IpAddr)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream
            .as_mut()
            .set_write_timeout_pinned(Some(self.http.limits.write_timeout));
        #[cfg(feature = "tls")]
        if let Some(identity) = &self.http.tls {
            let handshake = identity.acceptor().accept(stream);
            if let Ok(Ok(stream)) = timeout(self.http.limits.header_timeout, handshake).await {
                self.serve_http(stream, peer, "https").await;
            }
            return;
        }
        self.serve_http(stream, peer, "http").await;
    }

    async fn serve_http<S>(self, stream: S, peer: IpAddr, scheme: &'static str)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let limits = self.http.limits.clone();
        let service = service_fn(move |request| {
            let connections = self.clone();
            async move {
                let response = connections.answer(request, peer, scheme).await;
                Ok::<_, Infallible>(response.map(Full::new))
            }
        });
        let _ = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_header_size(limits.header_size)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        peer: IpAddr,
        scheme: &'static str,
    ) -> Response<Bytes> {
        let (head, body) = request.into_parts();
        let (http, local) = (&self.http, self.local.to_string());
        let mut response =
            match forwarded::client_origin(&head, scheme, peer, &http.proxies, &local) {
                None => closing(StatusCode::BAD_REQUEST),
                Some(own) => self.answer_at(own, &head, body).await,
            };
        cors::permit(&head.headers, response.headers_mut(), http);
        self.traffic.count(&head, response.status());
        response
    }

    /// The response to a request that the client sent to the origin `own`.
    async fn answer_at(&self, own: String, head: &Parts, body: Incoming) -> Response<Bytes> {
        let http = &self.http;
        let early = cors::answer(head, &own, http)
            .or_else(|| xframe::answer(head, http))
            .or_else(|| files::answer(head, &own, http));
        if let Some(response) = early {
            return response;
        }
        match self.body(body).await {
            Err(status) => closing(status),
            Ok(body) => {
                let mut request = Request::from_parts(head.clone(), body);
                request.extensions_mut().insert(RequestOrigin(own));
                self.engine.clone().request(request).await
            }
        }
    }

    /// The body of a request, or the status of the refusal.
    async fn body(&self, body: Incoming) -> Result<Bytes, StatusCode> {
        let limits = &self.http.limits;
        let longest = u64::try_from(limits.body_size).unwrap_or(u64::MAX);
        if body.size_hint().lower() > longest {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let body = Limited::new(body, limits.body_size).collect();
        match timeout(limits.body_timeout, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
            // Broken chunks, or an end before the announced length.
            Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
            Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
        }
    }
}

/// A response to a request whose body was not read to its end: the connection closes after it.
fn closing(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
