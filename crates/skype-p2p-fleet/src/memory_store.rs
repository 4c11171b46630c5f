//! The store in memory, for simulations and tests.

mod batches;
mod clients;
mod leases;
mod operators;
mod outbox;
mod secrets;
mod state;

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::store::{
    Batch, Claim, CommitRefusal, DeadLetter, Delivery, EnqueueOutcome, FleetStatus, Heartbeat,
    Identity, IdentityId, InboxMessage, Lease, LeaseLost, NewIdentity, NewMessage, NewWorker,
    QueuedMessage, Release, Replacement, Sealed, SealedValues, Store, StoreError, Sweep, WorkerId,
};
use state::State;

/// A store in memory, with a clock of the caller. Its methods complete when they are first polled, and its numbers and IDs are
/// the same in every run, so it serves simulations in virtual time.
///
/// ```
/// use std::time::SystemTime;
///
/// use skype_p2p_fleet::{MemoryStore, NewIdentity, NewWorker, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::new(SystemTime::now);
/// store.add_identity(NewIdentity::new("sip:alerts@contoso.com")).await?;
/// let worker = store.register_worker(NewWorker::new("worker-1", 100)).await?;
/// let claims = store.claim(worker, 10).await?;
/// assert_eq!(claims[0].sip_uri, "sip:alerts@contoso.com");
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    state: Mutex<State>,
}

impl MemoryStore {
    /// An empty store with a lease time of 5 s. `clock` is the clock of the store: it may jump, like that of a database that
    /// fails over to another machine.
    pub fn new(clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self {
            clock: Box::new(clock),
            state: Mutex::new(State::new(Duration::from_secs(5))),
        }
    }

    /// Changes the lease time.
    #[must_use]
    pub fn with_lease_time(self, lease_time: Duration) -> Self {
        self.state().lease_time = lease_time;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }
}

/// Shows the numbers of rows.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryStore")
            .field("workers", &state.workers.len())
            .field("identities", &state.identities.len())
            .field("outbox", &state.outbox.len())
            .field("inbox", &state.inbox.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn register_worker(&self, worker: NewWorker) -> Result<WorkerId, StoreError> {
        Ok(self.state().register_worker(self.now(), worker))
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<Heartbeat, StoreError> {
        self.state().heartbeat(self.now(), worker)
    }

    async fn sweep(&self, worker: WorkerId) -> Result<Sweep, StoreError> {
        self.state().sweep(self.now(), worker)
    }

    async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.state().drain_worker(worker)
    }

    async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.state().bury(worker);
        Ok(())
    }

    async fn claim(&self, worker: WorkerId, limit: usize) -> Result<Vec<Claim>, StoreError> {
        self.state().claim(self.now(), worker, limit)
    }

    async fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError> {
        self.state().leases(worker)
    }

    async fn set_ready(&self, leases: &[Lease]) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let mut state = self.state();
        Ok(leases.iter().map(|it| state.set_ready(*it)).collect())
    }

    async fn set_releasing(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let mut state = self.state();
        Ok(leases.iter().map(|it| state.set_releasing(*it)).collect())
    }

    async fn release(
        &self,
        releases: &[Release],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        Ok(releases.iter().map(|it| state.release(now, it)).collect())
    }

    async fn suspend_lease(&self, lease: Lease, reason: &str) -> Result<(), StoreError> {
        self.state().suspend_lease(self.now(), lease, reason)
    }

    async fn begin_password_attempt(&self, lease: Lease) -> Result<Option<Duration>, StoreError> {
        self.state().begin_password_attempt(self.now(), lease)
    }

    async fn end_password_attempt(&self, lease: Lease) -> Result<(), StoreError> {
        self.state().end_password_attempt(lease)
    }

    async fn next_messages(
        &self,
        worker: WorkerId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        let state = self.state();
        state.next_messages(self.now(), worker, after, limit)
    }

    async fn commit(
        &self,
        batches: &[Batch],
    ) -> Result<Vec<Result<(), CommitRefusal>>, StoreError> {
        let (mut state, now) = (self.state(), self.now());
        Ok(batches.iter().map(|it| state.commit(now, it)).collect())
    }

    async fn add_identity(&self, identity: NewIdentity) -> Result<IdentityId, StoreError> {
        self.state().add_identity(identity)
    }

    async fn set_credential(&self, identity: &str, credential: Sealed) -> Result<(), StoreError> {
        self.state().set_credential(identity, credential)
    }

    async fn suspend(&self, identity: &str, reason: &str) -> Result<(), StoreError> {
        self.state().suspend(self.now(), identity, reason)
    }

    async fn resume(&self, identity: &str) -> Result<(), StoreError> {
        self.state().resume(identity)
    }

    async fn remove_identity(&self, identity: &str, is_forced: bool) -> Result<(), StoreError> {
        self.state().remove_identity(identity, is_forced)
    }

    async fn sealed_values(
        &self,
        after: IdentityId,
        limit: usize,
    ) -> Result<Vec<SealedValues>, StoreError> {
        Ok(self.state().sealed_values(after, limit))
    }

    async fn replace_sealed(&self, values: &[Replacement]) -> Result<Vec<bool>, StoreError> {
        let mut state = self.state();
        Ok(values.iter().map(|it| state.replace_sealed(it)).collect())
    }

    async fn identity(&self, identity: &str) -> Result<Option<Identity>, StoreError> {
        Ok(self.state().identity(self.now(), identity))
    }

    async fn suspended(&self, limit: usize) -> Result<Vec<Identity>, StoreError> {
        Ok(self.state().suspended(limit))
    }

    async fn status(&self) -> Result<FleetStatus, StoreError> {
        Ok(self.state().status(self.now()))
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        Ok(self.state().dead_letters(self.now(), limit))
    }

    async fn requeue(
        &self,
        identity: &str,
        key: &str,
        new_key: &str,
        time_to_live: Option<Duration>,
    ) -> Result<EnqueueOutcome, StoreError> {
        let mut state = self.state();
        state.requeue(self.now(), identity, key, new_key, time_to_live)
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        Ok(self.state().prune(self.now(), age))
    }

    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        self.state().enqueue(self.now(), messages)
    }

    async fn deliveries(
        &self,
        identity: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Delivery>>, StoreError> {
        Ok(self.state().deliveries(identity, keys))
    }

    async fn read_inbox(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError> {
        self.state().read_inbox(consumer, limit)
    }

    async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), StoreError> {
        self.state().acknowledge(consumer, position)
    }
}
