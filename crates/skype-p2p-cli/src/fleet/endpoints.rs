//! The HTTP endpoints of a worker: `/livez`, `/readyz` and `/metrics`.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use skype_p2p_fleet::WorkerMonitor;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long a connection may last.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connections at one time. Further ones wait.
const CONNECTIONS: usize = 32;

const OPENMETRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The worker, which exists when the database has been reached.
pub(super) type Monitor = Arc<OnceLock<WorkerMonitor>>;

/// A listener for the endpoints.
pub(super) struct Endpoints {
    listener: TcpListener,
    monitor: Monitor,
}

impl Endpoints {
    pub(super) async fn bind(address: SocketAddr, monitor: Monitor) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, monitor })
    }

    pub(super) fn url(&self) -> io::Result<String> {
        let address = self.listener.local_addr()?;
        Ok(format!("http://{address}/"))
    }

    /// Serves, for ever.
    pub(super) async fn serve(self) {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS {
                connections.join_next().await;
            }
            while connections.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let connection = connection(stream, self.monitor.clone());
                    // A connection that takes too long is closed; how one ends does not matter.
                    connections.spawn(async { drop(timeout(PATIENCE, connection).await) });
                }
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn connection(stream: TcpStream, monitor: Monitor) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), monitor.get());
        async { Ok::<_, Infallible>(response) }
    });
    let _ = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn respond(method: &Method, path: &str, monitor: Option<&WorkerMonitor>) -> Response<Full<Bytes>> {
    let (status, content_type, text) = match path {
        "/livez" | "/readyz" | "/metrics" if !matches!(*method, Method::GET | Method::HEAD) => (
            StatusCode::METHOD_NOT_ALLOWED,
            PLAIN,
            "only GET\n".to_owned(),
        ),
        // A worker that waits for the database is live.
        "/livez" => probe(monitor.is_none_or(WorkerMonitor::is_live), "live"),
        "/readyz" => probe(monitor.is_some_and(WorkerMonitor::is_ready), "ready"),
        "/metrics" => match monitor {
            Some(monitor) => (StatusCode::OK, OPENMETRICS, monitor.metrics()),
            None => (StatusCode::OK, OPENMETRICS, "# EOF\n".to_owned()),
        },
        _ => (
            StatusCode::NOT_FOUND,
            PLAIN,
            "/livez, /readyz or /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn probe(is_met: bool, state: &str) -> (StatusCode, HeaderValue, String) {
    match is_met {
        true => (StatusCode::OK, PLAIN, format!("{state}\n")),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            PLAIN,
            format!("not {state}\n"),
        ),
    }
}
