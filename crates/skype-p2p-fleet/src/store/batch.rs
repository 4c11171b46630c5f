//! The events of a session that are stored in one transaction.

use super::{Lease, LeaseLost, OperationId, ReceivedMessage, Sealed};

/// The events of a session that are stored in one transaction, with the checkpoint after them. It is stored as a whole, or not
/// at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The lease of the identity.
    pub lease: Lease,
    /// The number of the batch in its lease: 1 for the first batch after the claim, and higher for each later one. A batch that
    /// is repeated because its result was lost keeps its number.
    pub number: i64,
    /// The messages that arrived, in order.
    pub received: Vec<ReceivedMessage>,
    /// The messages that the server has accepted.
    pub posted: Vec<Posted>,
    /// The results of messages.
    pub settled: Vec<Settled>,
    /// The messages that may be sent after the commit. Each must be queued, within its deadline, and the oldest message of the
    /// identity and peer that is queued, posting or posted before the batch.
    pub posting: Vec<OperationId>,
    /// The checkpoint after the events. `None` keeps the stored one.
    pub checkpoint: Option<Sealed>,
}

impl Batch {
    /// A batch without events.
    #[must_use]
    pub fn new(lease: Lease, number: i64) -> Self {
        Self {
            lease,
            number,
            received: Vec::new(),
            posted: Vec::new(),
            settled: Vec::new(),
            posting: Vec::new(),
            checkpoint: None,
        }
    }
}

/// The server has accepted a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The operation ID.
    pub operation: OperationId,
    /// The href of the message.
    pub href: String,
}

/// The result of a message. Changes nothing if the message has one already, except from unknown to delivered or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The operation ID.
    pub operation: OperationId,
    /// The result.
    pub verdict: Verdict,
    /// The reason for a failed or unknown delivery.
    pub reason: Option<String>,
}

/// The result of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The message was delivered.
    Delivered,
    /// The message was not delivered. The only result of a message that is still queued, such as one to an invalid address.
    Failed,
    /// It is not known whether the message was delivered.
    Unknown,
}

/// The reason why a batch was not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitRefusal {
    /// The lease is not the current one of the identity, or its worker is dead.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// These messages of [`Batch::posting`] must not be sent: they were posting before, their deadline has passed, or an older
    /// message to the same peer has no result. End the session, and resume it from the stored checkpoint.
    #[error("a message must not be sent: it may have been sent before, or its deadline has passed")]
    NotPosted(Vec<OperationId>),
}
