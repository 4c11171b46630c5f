//! Incoming messages.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// The content of a message. `Debug` shows the media type only.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// `text/plain`, `text/html`, or another media type of an incoming message.
    pub media_type: String,
    /// The text in this format. Incoming HTML is untrusted.
    pub text: String,
}

impl Content {
    /// Plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            media_type: "text/plain".to_owned(),
            text: text.into(),
        }
    }

    /// HTML.
    #[must_use]
    pub fn html(text: impl Into<String>) -> Self {
        Self {
            media_type: "text/html".to_owned(),
            text: text.into(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({})", self.media_type)
    }
}

/// An incoming message to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// The href at the server. A message of the identity with an href that is recorded already is skipped.
    pub href: String,
    /// The thread ID of the conversation, if there is one.
    pub thread_id: Option<String>,
    /// The SIP URI of the sender. Empty if the server did not report it.
    pub sender: String,
    /// The content.
    pub content: Content,
    /// The time when the message was written, by the server's clock.
    pub written_at: SystemTime,
}

impl ReceivedMessage {
    /// The message as every store keeps it: without NUL, and with a time that a timestamp of PostgreSQL can hold. The values
    /// come from a server.
    pub(crate) fn storable(&self) -> Self {
        let year_9999 = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(253_402_300_799));
        let latest = year_9999.unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            href: without_nul(&self.href),
            thread_id: self.thread_id.as_deref().map(without_nul),
            sender: without_nul(&self.sender),
            content: Content {
                media_type: without_nul(&self.content.media_type),
                text: without_nul(&self.content.text),
            },
            written_at: self.written_at.clamp(SystemTime::UNIX_EPOCH, latest),
        }
    }
}

/// A message of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxMessage {
    /// The position, which [`Store::acknowledge`](crate::Store::acknowledge) takes. Later messages have higher ones.
    pub position: i64,
    /// The SIP URI of the identity that received the message.
    pub identity: String,
    /// The message.
    pub message: ReceivedMessage,
}

/// Replaces the character NUL, which PostgreSQL cannot store.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
