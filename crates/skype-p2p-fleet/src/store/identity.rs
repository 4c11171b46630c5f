//! The identities of a fleet.

use std::{fmt, time::Duration};

use super::{StoreError, WorkerId};
use crate::sealing::Purpose;

/// The longest SIP URI of an identity, in bytes.
const LONGEST_URI: usize = 500;

/// The number of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(pub i64);

/// The state of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdentityState {
    /// No worker has the identity.
    Free,
    /// A worker signs in, or resumes the session.
    Leased,
    /// A worker polls for events and sends messages.
    Ready,
    /// A worker waits for the results of messages in flight before it releases the identity.
    Releasing,
    /// No worker may claim the identity before an operator resumes it.
    Suspended,
}

/// An identity to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity {
    /// The SIP URI. Letters of either case are the same.
    pub sip_uri: String,
    /// The URL of the server's root resource. `None` finds it by the domain.
    pub root: Option<String>,
    /// The user agent, by which the server knows the application. It cannot be changed later.
    pub user_agent: String,
    /// The password, sealed by a key of the workers.
    pub credential: Option<Sealed>,
}

impl NewIdentity {
    /// An identity without a password, whose server is found by its domain.
    #[must_use]
    pub fn new(sip_uri: impl Into<String>) -> Self {
        Self {
            sip_uri: sip_uri.into(),
            root: None,
            user_agent: "skype-p2p-fleet".to_owned(),
            credential: None,
        }
    }

    /// Returns an error if a store cannot keep the identity.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.sip_uri.is_empty() || self.sip_uri.len() > LONGEST_URI {
            return Err(StoreError::InvalidValue(
                "the SIP URI of an identity is empty, or longer than 500 bytes",
            ));
        }
        Ok(())
    }
}

/// An identity, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The number.
    pub id: IdentityId,
    /// The SIP URI, as it was added.
    pub sip_uri: String,
    /// The state. An identity of a dead worker keeps its state until another worker claims it.
    pub state: IdentityState,
    /// The reason for a suspension.
    pub reason: Option<String>,
    /// The worker that has the identity, or that had it when it died.
    pub owner: Option<WorkerId>,
    /// The fence of the last lease.
    pub fence: i64,
    /// The time for which no worker sends the password, because a worker died while the server checked it.
    pub password_pause: Option<Duration>,
}

/// The sealed values of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedValues {
    /// The identity.
    pub identity: IdentityId,
    /// The SIP URI, for which the values are sealed.
    pub sip_uri: String,
    /// The password.
    pub credential: Option<Sealed>,
    /// The checkpoint that was stored last.
    pub checkpoint: Option<Sealed>,
}

/// A sealed value that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The identity.
    pub identity: IdentityId,
    /// Which of the values of the identity it is.
    pub purpose: Purpose,
    /// The value that was read.
    pub old: Sealed,
    /// The value in its place.
    pub new: Sealed,
}

/// Bytes that only a worker can read: a credential or a checkpoint, encrypted and authenticated for one identity. `Debug` shows
/// the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Wraps bytes that were sealed before.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the sealed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
