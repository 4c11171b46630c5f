//! Thousands of identities of Skype for Business Server over several processes.
//!
//! A worker is a process that runs the sessions of many identities. The workers share a [`Store`]: the lease of each identity,
//! the outbox, the inbox, and the checkpoint from which another worker continues after a worker has died. Programs enqueue
//! messages and read the inbox there, and never talk to a worker.
//!
//! The documentation of [`Store`] states the rules that each implementation keeps. [`MemoryStore`] is the store of simulations
//! and tests.

mod memory_store;
mod store;

pub use memory_store::MemoryStore;
pub use store::{
    Batch, Claim, CommitRefusal, Content, DeadLetter, Delivery, DoubtfulMessage, EnqueueOutcome,
    FleetStatus, Heartbeat, Identity, IdentityCounts, IdentityId, IdentityState, InboxMessage,
    Lease, LeaseLost, MessageCounts, MessageState, NewIdentity, NewMessage, NewWorker, OperationId,
    Posted, QueuedMessage, ReceivedMessage, Release, Sealed, Settled, Store, StoreError, Sweep,
    Verdict, WorkerId, WorkerState, WorkerStatus,
};
