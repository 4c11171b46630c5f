//! The admin resource of `serve --admin`: faults on demand, from the same machine.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HOST},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use ucwa_server::{Fault, Server};

/// How long a connection may last. Connections are served one after the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest description of a fault, in bytes.
const LONGEST: usize = 64 * 1024;

/// A listener at a loopback address, apart from that of the server, which a proxy may make public.
pub(crate) struct Admin(TcpListener);

impl Admin {
    /// Listens; fails at an address that is not loopback.
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let why = "the address of --admin is not loopback";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        TcpListener::bind(address).await.map(Self)
    }

    pub(crate) fn url(&self) -> io::Result<String> {
        let address = self.0.local_addr()?;
        Ok(format!("http://{address}/faults"))
    }

    /// Passes faults to the server, for ever.
    pub(crate) async fn serve(&self, server: &Server) {
        loop {
            match self.0.accept().await {
                // A connection that takes too long is closed; how one ends does not matter.
                Ok((stream, _)) => drop(timeout(PATIENCE, connection(stream, server)).await),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn connection(stream: TcpStream, server: &Server) {
    let service = service_fn(|request| async {
        let (status, text) = match fault(request).await {
            Ok(fault) => match server.inject(fault).await {
                Ok(()) => (StatusCode::NO_CONTENT, String::new()),
                Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
            },
            Err((status, why)) => (status, format!("{why}\n")),
        };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        Ok::<_, Infallible>(response)
    });
    let _ = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The fault that a request describes, or the refusal.
async fn fault(request: Request<Incoming>) -> Result<Fault, (StatusCode, String)> {
    let refusal = |status, why: &str| Err((status, why.to_owned()));
    // A web page can send requests to loopback: to another host name that it has pointed here, or without JSON.
    if !request.headers().get(HOST).is_some_and(is_loopback) {
        return refusal(StatusCode::FORBIDDEN, "the host is not loopback");
    }
    if request.uri().path() != "/faults" {
        return refusal(StatusCode::NOT_FOUND, "faults go to /faults");
    }
    if request.method() != Method::POST {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "faults are taken by POST");
    }
    let content_type = request.headers().get(CONTENT_TYPE);
    if content_type.is_none_or(|value| !value.as_bytes().starts_with(b"application/json")) {
        let why = "the content type must be application/json";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
    }
    let body = Limited::new(request.into_body(), LONGEST).collect().await;
    let Ok(body) = body else {
        return refusal(StatusCode::BAD_REQUEST, "the body cannot be read");
    };
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))
}

fn is_loopback(host: &hyper::header::HeaderValue) -> bool {
    let Ok(host) = host.to_str() else {
        return false;
    };
    host.parse::<SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback())
        || host.split(':').next() == Some("localhost")
}
