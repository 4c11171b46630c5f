//! The worker: a process that runs the sessions of many identities.

mod admission;
mod batch_builder;
mod claiming;
mod committer;
mod fenced_transport;
mod heartbeat;
mod lease_clock;
mod metrics;
mod outbox;
mod password_gate;
mod session;
mod sessions;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use conv_transport::HttpTransport;
use skype_p2p::Runtime;
use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{
    sealing::Keyring,
    store::{NewWorker, Store, StoreError, WorkerId},
};
use committer::Committer;
use lease_clock::LeaseClock;
use metrics::Metrics;
use sessions::Sessions;

/// The pause before a registration is repeated.
const RETRY: Duration = Duration::from_millis(500);

/// The settings of a worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerConfig {
    /// The name that operators see, such as a host name.
    pub name: String,
    /// The number of identities that the worker can have at most.
    pub capacity: usize,
    /// The number of identities that the worker claims per second at most. It bounds the load of the server when a worker has
    /// died, and, with the number of workers, how many identities each may have: the others must be able to take them over in
    /// 15 s.
    pub claims_per_second: u32,
    /// The domains whose hosts may receive the credentials of the identities, besides their own domains and roots.
    pub trusted_domains: Vec<String>,
    /// The longest time that a session which is to be released waits for the results of messages in flight.
    pub release_timeout: Duration,
    /// The runtime of the sessions. `None` is the current tokio runtime.
    pub runtime: Option<Arc<dyn Runtime>>,
}

impl WorkerConfig {
    /// A worker for at most 2,000 identities that claims 50 per second.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            capacity: 2000,
            claims_per_second: 50,
            trusted_domains: Vec::new(),
            release_timeout: Duration::from_secs(10),
            runtime: None,
        }
    }
}

/// A worker of a fleet: it claims identities, runs their sessions, sends the messages of the outbox, and records the
/// incoming messages in the inbox. Invitations are accepted.
///
/// It needs a tokio runtime with timers, and takes the time from there only, so it also runs in virtual time.
///
/// # Guarantees
///
/// - Before the first byte of a message leaves, the message is posting in the store. While a message is sent, the lease is certain: no
///   request but a GET begins, or continues, when the last successful heartbeat began more than four fifths of the lease time
///   ago.
/// - A page of events is acknowledged after its messages, results and checkpoint have been stored.
/// - A session that has lost its lease sends nothing more, and deletes nothing at the server.
/// - A refused password suspends the identity in the whole fleet. If the worker dies before that, no other worker sends the password for
///   the time that [`Store::begin_password_attempt`] names.
/// - While the store is unavailable, the worker sends no message, acknowledges no page, and keeps polling.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use secrecy::SecretString;
/// use skype_p2p::HyperTransport;
/// use skype_p2p_fleet::{Keyring, PostgresConfig, PostgresStore, Worker, WorkerConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let stop = std::future::pending::<()>();
/// let config = PostgresConfig::new("postgresql://fleet@database.contoso.com/fleet")?;
/// let store = Arc::new(PostgresStore::connect(&config).await?);
/// let keys = SecretString::from(std::fs::read_to_string("fleet.keys")?);
/// let transport = Arc::new(HyperTransport::new());
/// let worker = Worker::new(store, Keyring::parse(&keys)?, transport, WorkerConfig::new("worker-1"));
/// // For the endpoints of the program.
/// let monitor = worker.monitor();
/// println!("{}", monitor.metrics());
/// // Returns when `stop` has completed and every identity is released.
/// worker.run(stop).await?;
/// # Ok(())
/// # }
/// ```
pub struct Worker {
    shared: Arc<Shared>,
}

/// What the tasks of a worker share.
pub(crate) struct Shared {
    store: Arc<dyn Store>,
    keyring: Keyring,
    transport: Arc<dyn HttpTransport>,
    config: WorkerConfig,
    metrics: Arc<Metrics>,
    sessions: Sessions,
    /// The clock of the current registration.
    clock: Mutex<Arc<LeaseClock>>,
    is_draining: watch::Sender<bool>,
    is_registered: AtomicBool,
}

/// A view on a running worker, for its HTTP endpoints and for a watchdog.
#[derive(Clone)]
pub struct WorkerMonitor {
    shared: Arc<Shared>,
}

/// Why a registration of a worker ended.
#[derive(Debug)]
enum End {
    /// Another worker has declared this one dead.
    Dead,
    /// Every identity is released.
    Drained,
}

impl Worker {
    /// A worker that does not run yet.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        keyring: Keyring,
        transport: Arc<dyn HttpTransport>,
        config: WorkerConfig,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                keyring,
                transport,
                config,
                metrics: Arc::default(),
                sessions: Sessions::default(),
                clock: Mutex::new(Arc::new(LeaseClock::new())),
                is_draining: watch::Sender::new(false),
                is_registered: AtomicBool::new(false),
            }),
        }
    }

    /// Returns a view on the worker.
    #[must_use]
    pub fn monitor(&self) -> WorkerMonitor {
        WorkerMonitor {
            shared: self.shared.clone(),
        }
    }

    /// Runs until the worker is drained: after `stop` completes, or after [`Store::drain_worker`], it claims nothing more, waits
    /// for the results of messages in flight, detaches every session and releases every identity. Other workers continue
    /// the sessions.
    ///
    /// If another worker declares this one dead, it ends its sessions without a change at the server, and registers again.
    ///
    /// If the future is dropped, the worker is as dead as a killed process.
    ///
    /// # Errors
    ///
    /// A [`StoreError`] of the registration that a repetition does not remove.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), StoreError> {
        // Dropping the future ends the sessions.
        let _abandoning = Abandoning(&self.shared);
        let draining = async {
            stop.await;
            self.shared.is_draining.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = self.register_and_serve() => ended,
            () = draining => Ok(()),
        }
    }

    async fn register_and_serve(&self) -> Result<(), StoreError> {
        loop {
            if *self.shared.is_draining.borrow() {
                return Ok(());
            }
            let config = &self.shared.config;
            let worker = NewWorker::new(&config.name, config.capacity);
            let worker = match self.shared.store.register_worker(worker).await {
                Ok(worker) => worker,
                Err(error @ StoreError::Unavailable(_)) => {
                    tracing::warn!(%error, "cannot register, trying again");
                    self.shared.clock().fail();
                    sleep(RETRY).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            tracing::info!(worker = worker.0, "registered");
            let end = Registration::new(&self.shared, worker).serve().await;
            self.shared.is_registered.store(false, Ordering::Relaxed);
            self.shared.sessions.abandon_all();
            match end {
                End::Dead => tracing::warn!(worker = worker.0, "declared dead"),
                End::Drained => {
                    tracing::info!(worker = worker.0, "drained");
                    return Ok(());
                }
            }
        }
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl WorkerMonitor {
    /// Whether the tasks of the worker run: the last heartbeat was tried less than a lease time ago, with or without
    /// success. For `/livez` and a watchdog.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.shared.clock().was_paused()
    }

    /// Whether the worker is registered, has its leases with certainty, and is not draining. For `/readyz`.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.is_registered.load(Ordering::Relaxed)
            && self.shared.clock().is_valid()
            && !*self.shared.is_draining.borrow()
    }

    /// Returns the metrics in the text format of OpenMetrics. They contain no address and no text of a message.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.shared.metrics.render(self.shared.sessions.counts())
    }
}

impl fmt::Debug for WorkerMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerMonitor").finish_non_exhaustive()
    }
}

impl Shared {
    fn clock(&self) -> Arc<LeaseClock> {
        let clock = self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        clock.clone()
    }
}

/// One life of a worker in the store, from its registration to its death or drain.
#[derive(Clone)]
struct Registration {
    shared: Arc<Shared>,
    worker: WorkerId,
    clock: Arc<LeaseClock>,
}

impl Registration {
    fn new(shared: &Arc<Shared>, worker: WorkerId) -> Self {
        let clock = Arc::new(LeaseClock::new());
        *shared.clock.lock().unwrap_or_else(PoisonError::into_inner) = clock.clone();
        shared.is_registered.store(true, Ordering::Relaxed);
        Self {
            shared: shared.clone(),
            worker,
            clock,
        }
    }

    /// Runs the tasks of the worker until it is dead or drained.
    async fn serve(self) -> End {
        let metrics = self.shared.metrics.clone();
        let (committer, committing) = Committer::new(self.shared.store.clone(), metrics);
        // Dropping the set ends the tasks.
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let registration = self.clone();
            async move { registration.send_heartbeats().await }
        });
        tasks.spawn({
            let registration = self.clone();
            async move { registration.sweep().await }
        });
        tasks.spawn({
            let registration = self.clone();
            async move { registration.hand_out_messages().await }
        });
        tasks.spawn({
            let registration = self.clone();
            async move { registration.claim(committer).await }
        });
        tasks.spawn(async move {
            committing.await;
            // The queue ends with the claiming task and its sessions.
            std::future::pending().await
        });
        loop {
            match tasks.join_next().await {
                Some(Ok(end)) => return end,
                Some(Err(error)) if error.is_panic() => {
                    tracing::error!("a task of the worker failed");
                    return End::Dead;
                }
                Some(Err(_)) => {}
                None => return End::Dead,
            }
        }
    }
}

/// Ends every session when the worker's future is dropped.
struct Abandoning<'a>(&'a Shared);

impl Drop for Abandoning<'_> {
    fn drop(&mut self) {
        self.0.sessions.abandon_all();
    }
}
