//! The engine on a TCP port, over HTTP/1.1.

mod commit_queue;
mod connection;
mod cors;
mod engine_task;
mod files;
mod forwarded;
mod http_config;
mod status;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
mod tls;
mod xframe;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::config::ServerConfig;
use crate::engine::Engine;
use crate::fault::Fault;
use crate::seed::Seed;
use commit_queue::CommitQueue;
pub use commit_queue::StateStore;
use connection::Connections;
use engine_task::{EngineHandle, EngineStatus, run};
pub use files::WebFile;
pub use http_config::{ConnectionLimits, HttpConfig};
use status::Traffic;
pub use status::{RequestError, ServerStatus};
#[cfg(feature = "tls")]
pub use tls::{TlsIdentity, TlsIdentityError};

/// A server on a TCP port: an [`Engine`], the clock, and HTTP/1.1. The server stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    engine: EngineHandle,
    traffic: Arc<Traffic>,
    /// When this is dropped, the server stops accepting connections and closes all of them.
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
    /// Listens at an address (port 0 takes a free port), and serves plain HTTP from a task of the current tokio runtime.
    ///
    /// The wall clock is that of the machine, and `config.wall_at_epoch` is ignored.
    ///
    /// # Errors
    ///
    /// If the server cannot listen at the address, or if the operating system has no randomness for a seed.
    pub async fn bind(address: impl ToSocketAddrs, config: ServerConfig) -> io::Result<Self> {
        Self::bind_with(address, config, HttpConfig::default()).await
    }

    /// Like [`bind`](Self::bind), with TLS, behind a proxy, or with other limits.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub async fn bind_with(
        address: impl ToSocketAddrs,
        config: ServerConfig,
        http: HttpConfig,
    ) -> io::Result<Self> {
        Self::start(address, config, http, None).await
    }

    /// Like [`bind_with`](Self::bind_with), with the state of a store. The server sends a response after the changes that it reports
    /// are stored. If that fails, the response is 503.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind), and if the state cannot be read. The kind is [`InvalidData`](io::ErrorKind::InvalidData) if a
    /// record is invalid.
    pub async fn bind_with_store(
        address: impl ToSocketAddrs,
        config: ServerConfig,
        http: HttpConfig,
        store: impl StateStore,
    ) -> io::Result<Self> {
        Self::start(address, config, http, Some(Box::new(store))).await
    }

    async fn start(
        address: impl ToSocketAddrs,
        mut config: ServerConfig,
        http: HttpConfig,
        mut store: Option<Box<dyn StateStore>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        config.wall_at_epoch = SystemTime::now();
        if config.seed.is_none() {
            config.seed = Some(Seed::from_os()?);
        }
        let engine = match &mut store {
            Some(store) => Engine::restore(config, store.load()?)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
            None => Engine::new(config),
        };
        #[cfg(feature = "tls")]
        let scheme = if http.tls.is_some() { "https" } else { "http" };
        #[cfg(not(feature = "tls"))]
        let scheme = "http";
        let (handle, inbox) = EngineHandle::new();
        let connections = Connections {
            http: Arc::new(http),
            traffic: Arc::default(),
            engine: handle.clone(),
            local: address,
        };
        let traffic = connections.traffic.clone();
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(run(engine, CommitQueue::new(store), inbox));
        tasks.spawn(connections.accept(listener, stopped));
        Ok(Self {
            address,
            scheme,
            engine: handle,
            traffic,
            stop,
            tasks,
        })
    }

    /// The address at which the server listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the autodiscovery root, where a client starts: `http://127.0.0.1:port/`, or `https` with TLS.
    pub fn root_url(&self) -> String {
        let mut address = self.address;
        // No client can connect to the unspecified address.
        match address {
            SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
                address.set_ip(Ipv4Addr::LOCALHOST.into());
            }
            SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
                address.set_ip(Ipv6Addr::LOCALHOST.into());
            }
            _ => {}
        }
        format!("{}://{address}/", self.scheme)
    }

    /// Injects a fault, and waits until its changes of the state are stored.
    ///
    /// # Errors
    ///
    /// If the changes cannot be stored, or the server has failed. The fault may have been injected.
    pub async fn inject(&self, fault: Fault) -> io::Result<()> {
        match self.engine.inject(fault).await {
            true => Ok(()),
            false => Err(io::Error::other("the state cannot be stored")),
        }
    }

    /// The current state of the server.
    pub async fn status(&self) -> ServerStatus {
        let EngineStatus {
            activity,
            store_failure,
        } = self.engine.status().await;
        let mut status = ServerStatus {
            signed_in: activity.applications.into_iter().collect(),
            conversations: activity.conversations,
            events: activity.events,
            store_failure,
            ..ServerStatus::default()
        };
        self.traffic.report(&mut status);
        status
    }

    /// Waits until the engine or its store has panicked. Afterwards each request gets 503, and only a new server can serve requests.
    pub async fn failed(&self) {
        self.engine.closed().await;
    }

    /// Stops listening and closes all connections. Pending requests get no response.
    pub async fn shutdown(self) {
        let Self {
            engine,
            stop,
            mut tasks,
            ..
        } = self;
        drop((engine, stop));
        // The engine's task ends when the last handle is dropped, and each connection has a handle.
        while tasks.join_next().await.is_some() {}
    }
}
