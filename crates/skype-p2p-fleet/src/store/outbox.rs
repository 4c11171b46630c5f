//! Outgoing messages.

use std::{fmt, time::Duration};

use super::{Content, Lease, StoreError};

/// The longest key of a message, in bytes.
const LONGEST_KEY: usize = 200;

/// The longest address of a receiver, in bytes.
const LONGEST_PEER: usize = 1000;

/// The ID of an outgoing message on the wire: a UUID, which the store chooses when the message is enqueued.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(String);

impl OperationId {
    /// Wraps an ID that a store has chosen.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The state of an outgoing message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageState {
    /// The message was not sent yet.
    Queued,
    /// A worker may have sent the message.
    Posting,
    /// The server has the message.
    Posted,
    /// The message was delivered.
    Delivered,
    /// The message was not delivered.
    Failed,
    /// It is not known whether the message was delivered. A later event may change the state to delivered or failed.
    Unknown,
    /// The message was not sent before its deadline, and never will be.
    Dead,
}

impl MessageState {
    /// Returns whether the message has a result, which is final except for `Unknown`.
    #[must_use]
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Queued | Self::Posting | Self::Posted)
    }
}

/// A message to be enqueued.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// The SIP URI of the identity that sends the message.
    pub identity: String,
    /// A key of the caller's choice: a second message of the identity with the same key is not added. At most 200 bytes.
    pub key: String,
    /// The SIP URI of the receiver, or of a meeting.
    pub peer: String,
    /// The content: plain text or HTML.
    pub content: Content,
    /// The message becomes dead if no worker has begun to send it after this time. `None` keeps it queued.
    pub time_to_live: Option<Duration>,
}

impl NewMessage {
    /// A message without a deadline.
    #[must_use]
    pub fn new(
        identity: impl Into<String>,
        key: impl Into<String>,
        peer: impl Into<String>,
        content: Content,
    ) -> Self {
        Self {
            identity: identity.into(),
            key: key.into(),
            peer: peer.into(),
            content,
            time_to_live: None,
        }
    }

    /// Returns an error if a store cannot keep the message.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.key.is_empty() || self.key.len() > LONGEST_KEY {
            return Err(StoreError::InvalidValue(
                "the key of a message is empty, or longer than 200 bytes",
            ));
        }
        if self.peer.is_empty() || self.peer.len() > LONGEST_PEER {
            return Err(StoreError::InvalidValue(
                "the address of the receiver is empty, or longer than 1000 bytes",
            ));
        }
        if !matches!(self.content.media_type.as_str(), "text/plain" | "text/html") {
            return Err(StoreError::InvalidValue(
                "the media type of a message is neither text/plain nor text/html",
            ));
        }
        let values = [&self.key, &self.peer, &self.content.text];
        match values.iter().any(|it| it.contains('\0')) {
            true => Err(StoreError::InvalidValue(
                "a message contains the character NUL",
            )),
            false => Ok(()),
        }
    }
}

/// Does not show the content.
impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("identity", &self.identity)
            .field("key", &self.key)
            .field("time_to_live", &self.time_to_live)
            .finish_non_exhaustive()
    }
}

/// What became of a message that was to be enqueued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnqueueOutcome {
    /// The message was added.
    Queued,
    /// The same message was enqueued before. It is in this state.
    Duplicate(MessageState),
    /// Another message, with another receiver or content, has the key. Nothing was added.
    KeyInUse,
}

/// A message to be sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedMessage {
    /// The number of the message: messages that were enqueued later have higher ones.
    pub number: i64,
    /// The current lease of the identity.
    pub lease: Lease,
    /// The operation ID of the request to send.
    pub operation: OperationId,
    /// The address of the receiver.
    pub peer: String,
    /// The content.
    pub content: Content,
}

/// Does not show the content.
impl fmt::Debug for QueuedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedMessage")
            .field("number", &self.number)
            .field("lease", &self.lease)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

/// The state of a message, as its sender sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The state.
    pub state: MessageState,
    /// The reason for a failed, unknown or dead message.
    pub reason: Option<String>,
    /// The operation ID on the wire.
    pub operation: OperationId,
}

/// A message that was not delivered, or possibly not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The SIP URI of the identity.
    pub identity: String,
    /// The key of the message.
    pub key: String,
    /// The address of the receiver.
    pub peer: String,
    /// The state: failed, unknown or dead.
    pub state: MessageState,
    /// The reason.
    pub reason: Option<String>,
    /// The time since the message got its state.
    pub age: Duration,
}
