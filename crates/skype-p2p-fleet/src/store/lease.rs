//! Leases: the right of one worker to run the session of an identity.

use std::{fmt, time::Duration};

use super::{Content, IdentityId, OperationId, Sealed, WorkerId};

/// The right of a worker to run the session of an identity, until the worker dies or the identity is released or suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease {
    /// The worker.
    pub worker: WorkerId,
    /// The identity.
    pub identity: IdentityId,
    /// Higher than the fence of each former lease of the identity. A method with a lower one changes nothing.
    pub fence: i64,
}

/// A claimed identity: everything that a worker needs to continue its session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// The SIP URI.
    pub sip_uri: String,
    /// The URL of the server's root resource. `None` finds it by the domain.
    pub root: Option<String>,
    /// The endpoint ID, by which the server knows the application. It never changes.
    pub endpoint_id: String,
    /// The user agent, by which the server knows the application, too. It never changes.
    pub user_agent: String,
    /// The password.
    pub credential: Option<Sealed>,
    /// The checkpoint that was stored last. `None` before the first sign-in.
    pub checkpoint: Option<Sealed>,
    /// The messages that a former owner may have sent, in the order in which they were enqueued.
    pub doubtful: Vec<DoubtfulMessage>,
    /// The former owner died: its session may still be resumed, but incoming messages expire 30 s after they were sent.
    pub is_takeover: bool,
    /// The time for which the identity has not polled: since the last heartbeat of an owner that died, since a release, or since the
    /// first claim.
    pub gap: Duration,
}

/// A message that a former owner of an identity may have sent: it was posting or posted, and has no result.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DoubtfulMessage {
    /// The operation ID of the request.
    pub operation: OperationId,
    /// The address of the receiver, as it was enqueued.
    pub peer: String,
    /// The content.
    pub content: Content,
    /// The href of the message at the server, if the response to the request was stored.
    pub href: Option<String>,
    /// The time since the message became posting.
    pub age: Duration,
}

/// Does not show the content.
impl fmt::Debug for DoubtfulMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoubtfulMessage")
            .field("operation", &self.operation)
            .field("href", &self.href)
            .field("age", &self.age)
            .finish_non_exhaustive()
    }
}

/// An identity to be released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The lease that ends.
    pub lease: Lease,
    /// The checkpoint of a detached session. `None` keeps the stored one.
    pub checkpoint: Option<Sealed>,
    /// The time during which no worker claims the identity, for example because its server cannot be reached.
    pub pause: Duration,
    /// The time for which a ready session has not reached the server. Zero if it has polled until now.
    pub gap: Duration,
}

/// A lease is not the current one of its identity, or its worker is dead. The worker ends the session without changing
/// anything at the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another worker has taken over the identity, or the identity is suspended")]
pub struct LeaseLost;
