//! Workers and their heartbeats.

use std::time::Duration;

/// The number of a worker. A process that registers again gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(pub i64);

/// A worker to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorker {
    /// The name that operators see, such as a host name.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// The number of identities that the worker can have at most.
    pub capacity: usize,
}

impl NewWorker {
    /// A worker with the version of this crate.
    #[must_use]
    pub fn new(name: impl Into<String>, capacity: usize) -> Self {
        Self {
            name: name.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capacity,
        }
    }
}

/// The state of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WorkerState {
    /// The worker can claim identities.
    Live,
    /// The worker keeps its leases, and claims nothing.
    Draining,
    /// The worker has no leases any more.
    Dead,
}

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heartbeat {
    /// The time for which the leases of the worker last without another heartbeat, from the moment before the call.
    pub lease_time: Duration,
    /// The worker is to release its identities and to end.
    pub is_draining: bool,
}

/// The result of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sweep {
    /// The workers that were declared dead.
    pub dead_workers: Vec<WorkerId>,
    /// The number of messages that became dead because their deadline has passed.
    pub dead_messages: u64,
}
