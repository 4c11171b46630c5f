//! The network between a process and the server.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{Request, Response, header};
use tokio::time::{sleep, timeout};
use ucwa_server::RequestId;

use crate::{clock::Clock, cuts::Cuts, random::RandomStream, server::Server};

/// The time after which opening a connection fails on a cut link.
const CONNECT_TIME: Duration = Duration::from_secs(3);

/// The state of a process's network, which the world changes.
#[derive(Debug)]
pub(crate) struct LinkState {
    /// The number of the worker; `None` for the peers.
    worker: Option<usize>,
    is_dead: AtomicBool,
    pub(crate) cuts: Cuts,
    losses_per_mille: u64,
    random: Mutex<RandomStream>,
}

impl LinkState {
    pub(crate) fn new(worker: Option<usize>, losses_per_mille: u64, random: RandomStream) -> Self {
        Self {
            worker,
            is_dead: AtomicBool::new(false),
            cuts: Cuts::default(),
            losses_per_mille,
            random: Mutex::new(random),
        }
    }

    pub(crate) fn worker(&self) -> Option<usize> {
        self.worker
    }

    /// The process is gone: nothing that its remains do leaves it.
    pub(crate) fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }

    /// Whether the next transmission is lost.
    pub(crate) fn loses(&self) -> bool {
        self.losses_per_mille > 0 && self.draw(|it| it.chance(self.losses_per_mille))
    }

    /// The time that the next transmission needs.
    pub(crate) fn delay(&self) -> Duration {
        self.draw(|it| it.millis(2..30))
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut RandomStream) -> T) -> T {
        draw(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The transport of a process.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) state: Arc<LinkState>,
}

#[async_trait]
impl HttpTransport for Link {
    async fn send(
        &self,
        mut request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let authority = request.uri().authority().map(ToString::to_string);
        let host = authority.unwrap_or_default();
        let failed = |kind, stage| Err(TransportError::new(kind, stage, host.as_str()));
        if self.state.is_dead() {
            return pending().await;
        }
        if self.state.cuts.is_cut() {
            sleep(CONNECT_TIME).await;
            return failed(TransportErrorKind::Timeout, Stage::Connect);
        }
        if let Ok(host) = host.parse() {
            request.headers_mut().insert(header::HOST, host);
        }
        let (id, answer) = self.server.submit(self.clock.now(), &self.state, request);
        let _connection = Connection { link: self, id };
        match timeout(options.deadline, answer).await {
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(_)) | Err(_)) => failed(TransportErrorKind::Closed, Stage::Wait),
            Err(_) => failed(TransportErrorKind::Timeout, Stage::Wait),
        }
    }
}

/// Closes the connection if its answer is no longer awaited.
struct Connection<'a> {
    link: &'a Link,
    id: RequestId,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        // The kernel closes the connections of a killed process, too.
        self.link.server.close(self.link.clock.now(), self.id);
    }
}
