//! The reasons why a method of the store fails.

use std::error::Error;

use super::WorkerId;

/// The reason why a method of a [`Store`](crate::Store) failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or the connection broke. It is not known whether the method took effect.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store refused the method for a reason that a repetition does not remove, such as a missing permission.
    #[error("the store refused a statement")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The schema of the database is older than this version needs: migrate it first.
    #[error(
        "the schema of the database has version {found}, and this program needs {needed}: migrate the database first"
    )]
    #[non_exhaustive]
    NotMigrated {
        /// The version of the schema. 0 if there is none.
        found: i32,
        /// The version that this program needs.
        needed: i32,
    },
    /// The worker is dead or unknown. It has no leases any more.
    #[error("worker {} has been declared dead", .0.0)]
    WorkerDead(WorkerId),
    /// The lease is not the current one of its identity.
    #[error("another worker has taken over the identity, or the identity is suspended")]
    LeaseLost,
    /// The fleet has no identity with this SIP URI.
    #[error("the fleet has no identity {0}")]
    UnknownIdentity(String),
    /// The fleet has an identity with this SIP URI already.
    #[error("the fleet has the identity {0} already")]
    IdentityExists(String),
    /// Messages would be lost with the identity.
    #[error(
        "the identity has {unsent} messages without a result, and {unread} received messages that a consumer has not acknowledged"
    )]
    #[non_exhaustive]
    IdentityHasMessages {
        /// The messages of the outbox without a result.
        unsent: u64,
        /// The messages of the inbox that not every consumer has acknowledged.
        unread: u64,
    },
    /// The consumer has never read the inbox.
    #[error("no consumer {0} has read the inbox")]
    UnknownConsumer(String),
    /// The message does not exist, or is neither failed nor dead.
    #[error("the identity has no failed or dead message with the key {0}")]
    NotRequeued(String),
    /// A value is empty or too long.
    #[error("{0}")]
    InvalidValue(&'static str),
}
