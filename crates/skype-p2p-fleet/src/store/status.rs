//! The state of a fleet, as an operator sees it.

use std::time::Duration;

use super::{WorkerId, WorkerState};

/// The workers of a fleet, and the numbers of its identities and messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetStatus {
    /// The workers that are not dead, in the order of their numbers.
    pub workers: Vec<WorkerStatus>,
    /// The identities.
    pub identities: IdentityCounts,
    /// The outgoing messages.
    pub messages: MessageCounts,
    /// The time since the oldest queued message was enqueued.
    pub oldest_queued: Option<Duration>,
    /// The longest time for which an identity has not polled, of those that are not suspended and were claimed at least once.
    pub event_gap: Duration,
}

/// A worker that is not dead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// The number.
    pub id: WorkerId,
    /// The name.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// The number of identities that the worker can have at most.
    pub capacity: usize,
    /// The number of identities that the worker has.
    pub leases: usize,
    /// The state.
    pub state: WorkerState,
    /// The time since the last heartbeat.
    pub last_heartbeat: Duration,
}

/// The number of identities in each state. Those of dead workers count as orphaned only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityCounts {
    /// No worker has the identity.
    pub free: u64,
    /// A worker signs in, or resumes the session.
    pub leased: u64,
    /// A worker polls for events and sends messages.
    pub ready: u64,
    /// A worker is about to release the identity.
    pub releasing: u64,
    /// An operator, or a worker whose password was refused, has suspended the identity.
    pub suspended: u64,
    /// The worker of the identity is dead, and no other worker has claimed the identity yet.
    pub orphaned: u64,
}

/// The number of outgoing messages without a result, in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageCounts {
    /// Not sent yet.
    pub queued: u64,
    /// Possibly sent.
    pub posting: u64,
    /// Accepted by the server.
    pub posted: u64,
}
