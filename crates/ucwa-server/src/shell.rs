//! The engine on a TCP port, over HTTP/1.1.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::config::ServerConfig;
use crate::engine::{Engine, Input, Output, RequestId};
use crate::fault::Fault;
use crate::seed::Seed;

/// The longest body of a request, in bytes.
const LONGEST_BODY: usize = 8 * 1024 * 1024;

/// How long no connection is accepted after one couldn't be.
const PAUSE: Duration = Duration::from_millis(100);

/// A server on a TCP port: an [`Engine`], the clock, and HTTP/1.1 without TLS. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    desk: Desk,
    /// Dropped, it ends the accepting of connections and the connections themselves.
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Listens at an address, whose port 0 takes a free one, and serves from a task of the current tokio runtime.
    ///
    /// The wall clock is the machine's: `config.wall_at_epoch` isn't looked at.
    ///
    /// # Errors
    ///
    /// When the address can't be listened at, or the operating system has no randomness for a seed.
    pub async fn bind(address: impl ToSocketAddrs, mut config: ServerConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        config.wall_at_epoch = SystemTime::now();
        if config.seed.is_none() {
            config.seed = Some(Seed::from_os()?);
        }
        let (commands, inbox) = mpsc::unbounded_channel();
        let desk = Desk {
            commands,
            requests: Arc::default(),
        };
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(run(Engine::new(config), inbox));
        tasks.spawn(accept(listener, desk.clone(), stopped));
        Ok(Self {
            address,
            desk,
            stop,
            tasks,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the autodiscovery root, where a client begins: `http://127.0.0.1:port/`.
    pub fn root_url(&self) -> String {
        let mut address = self.address;
        // Nobody can connect to "any address".
        match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                address.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                address.set_ip(Ipv6Addr::LOCALHOST.into());
            }
            _ => {}
        }
        format!("http://{address}/")
    }

    /// Lets a fault strike, before any request that is made after this call.
    pub fn inject(&self, fault: Fault) {
        // A server whose task is gone has nothing left to spoil.
        let _ = self.desk.commands.send(Command::Fault(fault));
    }

    /// Stops listening and closes every connection; what was pending gets no response.
    pub async fn shutdown(self) {
        let Self {
            desk,
            stop,
            mut tasks,
            ..
        } = self;
        drop((desk, stop));
        // The engine's task ends with the last desk, and desks end with their connections.
        while tasks.join_next().await.is_some() {}
    }
}

/// What the engine's task is told.
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every command is a request, and each is passed once"
)]
enum Command {
    Request {
        id: RequestId,
        request: Request<Bytes>,
        reply: oneshot::Sender<Response<Bytes>>,
    },
    Disconnected {
        id: RequestId,
    },
    Fault(Fault),
}

/// Where connections hand in their requests.
#[derive(Clone)]
struct Desk {
    commands: mpsc::UnboundedSender<Command>,
    requests: Arc<AtomicU64>,
}

/// Tells the engine when nobody waits for a reply any more: hyper drops the request's future with its connection.
struct Waiting {
    id: RequestId,
    commands: mpsc::UnboundedSender<Command>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Without the engine's task there is no reply to be cancelled.
        let _ = self.commands.send(Command::Disconnected { id: self.id });
    }
}

impl Desk {
    async fn serve(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
            return Ok(bare(StatusCode::PAYLOAD_TOO_LARGE));
        };
        let request = Request::from_parts(head, body.to_bytes());
        let id = RequestId(self.requests.fetch_add(1, Ordering::Relaxed));
        let (reply, answer) = oneshot::channel();
        let command = Command::Request { id, request, reply };
        if self.commands.send(command).is_err() {
            return Ok(bare(StatusCode::SERVICE_UNAVAILABLE));
        }
        let waiting = Waiting {
            id,
            commands: self.commands,
        };
        let response = answer.await;
        drop(waiting);
        Ok(response.map_or_else(
            |_| bare(StatusCode::SERVICE_UNAVAILABLE),
            |response| response.map(Full::new),
        ))
    }
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

async fn accept(listener: TcpListener, desk: Desk, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            connection = listener.accept() => {
                let Ok((stream, _)) = connection else {
                    // The system has run out of something; time may bring it back.
                    sleep(PAUSE).await;
                    continue;
                };
                let desk = desk.clone();
                let service = service_fn(move |request| desk.clone().serve(request));
                connections.spawn(async move {
                    // How a connection ends is no news: the engine is told what matters by `Waiting`.
                    let _ = http1::Builder::new()
                        .timer(TokioTimer::new())
                        .auto_date_header(false)
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn run(mut engine: Engine, mut inbox: mpsc::UnboundedReceiver<Command>) {
    let epoch = Instant::now();
    let mut replies: BTreeMap<RequestId, oneshot::Sender<Response<Bytes>>> = BTreeMap::new();
    loop {
        let wake_at = loop {
            match engine.poll_output() {
                Output::Reply { id, response } => {
                    if let Some(reply) = replies.remove(&id) {
                        // Whoever doesn't wait any more has said so, or is about to.
                        let _ = reply.send(response);
                    }
                }
                Output::Idle { wake_at } => break wake_at,
            }
        };
        let wake = sleep_until(wake_at.map_or(epoch, |wake_at| epoch + wake_at));
        tokio::select! {
            command = inbox.recv() => match command {
                None => return,
                Some(Command::Request { id, request, reply }) => {
                    replies.insert(id, reply);
                    engine.handle(epoch.elapsed(), Input::Request { id, request });
                }
                Some(Command::Disconnected { id }) => {
                    if replies.remove(&id).is_some() {
                        engine.handle(epoch.elapsed(), Input::Disconnected { id });
                    }
                }
                Some(Command::Fault(fault)) => engine.inject(epoch.elapsed(), fault),
            },
            () = wake, if wake_at.is_some() => engine.handle(epoch.elapsed(), Input::Timeout),
        }
    }
}
