//! The database of a worker: slow, cut off, or away.

use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use skype_p2p_fleet::{
    Batch, Claim, CommitRefusal, DeadLetter, Delivery, EnqueueOutcome, FleetStatus, Heartbeat,
    Identity, IdentityId, InboxMessage, Lease, LeaseLost, MemoryStore, NewIdentity, NewMessage,
    NewWorker, QueuedMessage, Release, Replacement, Sealed, SealedValues, Store, StoreError, Sweep,
    WorkerId,
};
use tokio::time::sleep;

use crate::{cuts::Cuts, owners::Owners, random::RandomStream};

/// The time after which a statement fails that cannot reach the database.
const FAILURE_TIME: Duration = Duration::from_millis(300);

/// The state of the database, for all processes.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) outages: Cuts,
    /// The greatest additional time of a statement, in milliseconds.
    slowness: AtomicU64,
}

impl Database {
    pub(crate) fn set_slowness(&self, slowness: Duration) {
        let millis = u64::try_from(slowness.as_millis()).unwrap_or(u64::MAX);
        self.slowness.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn is_slow(&self) -> bool {
        self.slowness.load(Ordering::Relaxed) > 0
    }
}

/// The state of a process's connections to the database.
#[derive(Debug)]
pub(crate) struct DatabaseLink {
    database: Arc<Database>,
    is_dead: AtomicBool,
    pub(crate) cuts: Cuts,
    random: Mutex<RandomStream>,
}

impl DatabaseLink {
    pub(crate) fn new(database: Arc<Database>, random: RandomStream) -> Self {
        Self {
            database,
            is_dead: AtomicBool::new(false),
            cuts: Cuts::default(),
            random: Mutex::new(random),
        }
    }

    pub(crate) fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
    }

    /// Passes half of a statement's time, and fails if the database cannot be reached afterwards.
    async fn pass(&self) -> Result<(), StoreError> {
        let slowness = self.database.slowness.load(Ordering::Relaxed);
        let time = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.millis(1..4 + slowness / 2)
        };
        sleep(time).await;
        if self.is_dead.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
        if self.cuts.is_cut() || self.database.outages.is_cut() {
            sleep(FAILURE_TIME).await;
            return Err(StoreError::Unavailable("the database is away".into()));
        }
        Ok(())
    }
}

/// The store as one process reaches it.
pub(crate) struct FaultyStore {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) link: Arc<DatabaseLink>,
    pub(crate) owners: Owners,
    /// The number of the worker.
    pub(crate) process: usize,
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").finish_non_exhaustive()
    }
}

/// Forwards methods. The answer is lost if the database goes away before it arrives.
macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)+) => {
        #[async_trait]
        impl Store for FaultyStore {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.link.pass().await?;
                let result = self.store.$name($($arg),*).await;
                self.link.pass().await?;
                result
            })+

            async fn claim(&self, worker: WorkerId, limit: usize) -> Result<Vec<Claim>, StoreError> {
                self.link.pass().await?;
                let claims = self.store.claim(worker, limit).await?;
                for claim in &claims {
                    self.owners.claimed(&claim.sip_uri, claim.lease.fence, self.process);
                }
                self.link.pass().await?;
                Ok(claims)
            }
        }
    };
}

forward! {
    commit(batches: &[Batch]) -> Vec<Result<(), CommitRefusal>>;
    register_worker(worker: NewWorker) -> WorkerId;
    heartbeat(worker: WorkerId) -> Heartbeat;
    sweep(worker: WorkerId) -> Sweep;
    drain_worker(worker: WorkerId) -> ();
    retire_worker(worker: WorkerId) -> ();
    leases(worker: WorkerId) -> Vec<Lease>;
    set_ready(leases: &[Lease]) -> Vec<Result<(), LeaseLost>>;
    set_releasing(leases: &[Lease]) -> Vec<Result<(), LeaseLost>>;
    release(releases: &[Release]) -> Vec<Result<(), LeaseLost>>;
    suspend_lease(lease: Lease, reason: &str) -> ();
    begin_password_attempt(lease: Lease) -> Option<Duration>;
    end_password_attempt(lease: Lease) -> ();
    remove_identity(identity: &str, is_forced: bool) -> ();
    sealed_values(after: IdentityId, limit: usize) -> Vec<SealedValues>;
    replace_sealed(values: &[Replacement]) -> Vec<bool>;
    next_messages(worker: WorkerId, after: i64, limit: usize) -> Vec<QueuedMessage>;
    add_identity(identity: NewIdentity) -> IdentityId;
    set_credential(identity: &str, credential: Sealed) -> ();
    suspend(identity: &str, reason: &str) -> ();
    suspended(limit: usize) -> Vec<Identity>;
    resume(identity: &str) -> ();
    identity(identity: &str) -> Option<Identity>;
    status() -> FleetStatus;
    dead_letters(limit: usize) -> Vec<DeadLetter>;
    requeue(identity: &str, key: &str, new_key: &str, time_to_live: Option<Duration>) -> EnqueueOutcome;
    prune(age: Duration) -> u64;
    enqueue(messages: &[NewMessage]) -> Vec<EnqueueOutcome>;
    deliveries(identity: &str, keys: &[&str]) -> Vec<Option<Delivery>>;
    read_inbox(consumer: &str, limit: usize) -> Vec<InboxMessage>;
    acknowledge(consumer: &str, position: i64) -> ();
}
