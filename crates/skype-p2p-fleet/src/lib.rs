//! Thousands of identities of Skype for Business Server over several processes.
//!
//! A worker is a process that runs the sessions of many identities. The workers share a [`Store`]: the lease of each identity,
//! the outbox, the inbox, and the checkpoint from which another worker continues after a worker has died. Programs enqueue
//! messages and read the inbox there, and never talk to a worker.
//!
//! The documentation of [`Store`] states the rules that each implementation keeps. [`PostgresStore`] is the store on
//! PostgreSQL, and [`MemoryStore`] that of simulations and tests. [`Keyring`] seals what only the workers may read. A
//! program that sends messages and reads the inbox uses [`Client`].

mod client;
mod memory_store;
mod postgres_store;
mod resealing;
mod sealing;
mod store;
mod worker;

pub use client::{Client, Inbox};
pub use memory_store::MemoryStore;
pub use postgres_store::{PostgresConfig, PostgresStore};
pub use resealing::{Resealed, reseal};
pub use sealing::{Keyring, Purpose, SealingError};
pub use store::{
    Batch, Claim, CommitRefusal, Content, DeadLetter, Delivery, DoubtfulMessage, EnqueueOutcome,
    FleetStatus, Heartbeat, Identity, IdentityCounts, IdentityId, IdentityState, InboxMessage,
    Lease, LeaseLost, MessageCounts, MessageState, NewIdentity, NewMessage, NewWorker, OperationId,
    Posted, QueuedMessage, ReceivedMessage, Release, Replacement, Sealed, SealedValues, Settled,
    Store, StoreError, Sweep, Verdict, WorkerId, WorkerState, WorkerStatus,
};
pub use worker::{Worker, WorkerConfig, WorkerMonitor};
