//! The states of the model's objects, with the names of the Web SDK.

use std::time::SystemTime;

/// The state of the sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignInState {
    /// Not signed in.
    #[default]
    SignedOut,
    /// The sign-in is in progress.
    SigningIn,
    /// Signed in. Conversations can be started and received.
    SignedIn,
    /// The sign-out is in progress.
    SigningOut,
}

/// The connection of a signed-in user to the server. If it is not Connected, the property's reason says why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// The user is not signed in.
    #[default]
    Disconnected,
    /// Events of the server arrive.
    Connected,
    /// Events of the server do not arrive, and the protocol reconnects. Messages of others may fail in the meantime.
    #[non_exhaustive]
    Reconnecting {
        /// The time of the first failure.
        since: SystemTime,
    },
}

impl ConnectionState {
    /// A [`Reconnecting`](Self::Reconnecting) with the time of the first failure.
    #[must_use]
    pub const fn reconnecting(since: SystemTime) -> Self {
        Self::Reconnecting { since }
    }
}

/// The state of a conversation. Connected means that live updates arrive, not that a modality is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ConversationState {
    /// Opened by the application. Nothing was sent yet.
    Created,
    /// An outgoing or incoming invitation is in progress.
    Connecting,
    /// The user is in the conversation.
    Connected,
    /// Ended. Starting the chat or sending a message restarts the conversation.
    Disconnected,
}

/// The state of one side of a modality (`CallConnectionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallConnectionState {
    /// Not in the call.
    Disconnected,
    /// Invited. The user can accept or reject.
    Notified,
    /// Joining the call.
    Connecting,
    /// The device of the other side alerts the user.
    Ringing,
    /// In the call.
    Connected,
    /// Leaving the call.
    Disconnecting,
}

/// The state of a participant (`ParticipantState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ParticipantState {
    /// Not in the conversation.
    Disconnected,
    /// Invited.
    Connecting,
    /// Waiting in the lobby.
    InLobby,
    /// In the conversation.
    Connected,
    /// Being removed.
    Disconnecting,
}

/// The role of a participant (`ParticipantRole`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ParticipantRole {
    /// An attendee. The default while the role is not known.
    #[default]
    Attendee,
    /// A leader.
    Leader,
}

/// The delivery status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// Not delivered yet.
    Pending,
    /// Delivered. Every incoming message has this status.
    Succeeded,
    /// Not delivered.
    Failed,
    /// It is not known whether the message was delivered. A later fact may settle it.
    Unknown,
}

impl MessageStatus {
    /// Whether a message may go from this status to `next`. Succeeded and Failed are final.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (
                Self::Pending,
                Self::Succeeded | Self::Failed | Self::Unknown
            ) | (Self::Unknown, Self::Succeeded | Self::Failed)
        )
    }
}

/// The importance of an invitation, which the client of the invited person may show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Importance {
    /// Normal.
    #[default]
    Normal,
    /// Urgent.
    Urgent,
    /// An emergency.
    Emergency,
}

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From another person.
    Incoming,
    /// From the user.
    Outgoing,
}

/// A message format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum MessageFormat {
    /// Plain text.
    Text,
    /// HTML.
    Html,
}
