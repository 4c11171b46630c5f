//! A store that can be out of reach for one worker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use skype_p2p_fleet::*;

#[derive(Debug)]
pub(crate) struct UnreliableStore {
    store: Arc<MemoryStore>,
    is_away: Arc<AtomicBool>,
}

impl UnreliableStore {
    pub(crate) fn new(store: Arc<MemoryStore>, is_away: Arc<AtomicBool>) -> Self {
        Self { store, is_away }
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.is_away.load(Ordering::Relaxed) {
            true => Err(StoreError::Unavailable("the store is away".into())),
            false => Ok(()),
        }
    }
}

/// Forwards methods while the store can be reached. The answer is lost if the store goes away before it arrives.
macro_rules! forward {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)+) => {
        #[async_trait]
        impl Store for UnreliableStore {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$result, StoreError> {
                self.check()?;
                let result = self.store.$name($($arg),*).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
                self.check()?;
                result
            })+
        }
    };
}

forward! {
    register_worker(worker: NewWorker) -> WorkerId;
    heartbeat(worker: WorkerId) -> Heartbeat;
    sweep(worker: WorkerId) -> Sweep;
    drain_worker(worker: WorkerId) -> ();
    retire_worker(worker: WorkerId) -> ();
    claim(worker: WorkerId, limit: usize) -> Vec<Claim>;
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
    commit(batches: &[Batch]) -> Vec<Result<(), CommitRefusal>>;
    add_identity(identity: NewIdentity) -> IdentityId;
    set_credential(identity: &str, credential: Sealed) -> ();
    suspend(identity: &str, reason: &str) -> ();
    resume(identity: &str) -> ();
    identity(identity: &str) -> Option<Identity>;
    suspended(limit: usize) -> Vec<Identity>;
    status() -> FleetStatus;
    dead_letters(limit: usize) -> Vec<DeadLetter>;
    requeue(identity: &str, key: &str, new_key: &str, time_to_live: Option<Duration>) -> EnqueueOutcome;
    prune(age: Duration) -> u64;
    enqueue(messages: &[NewMessage]) -> Vec<EnqueueOutcome>;
    deliveries(identity: &str, keys: &[&str]) -> Vec<Option<Delivery>>;
    read_inbox(consumer: &str, limit: usize) -> Vec<InboxMessage>;
    acknowledge(consumer: &str, position: i64) -> ();
}
