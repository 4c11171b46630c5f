//! The states of the model's objects, by the Web SDK's names.

/// Where the sign-in stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignInState {
    /// Not signed in, or not any more.
    #[default]
    SignedOut,
    /// On the way in.
    SigningIn,
    /// Signed in: conversations can be started and received.
    SignedIn,
    /// On the way out.
    SigningOut,
}

/// Where a conversation stands. Connected means that live updates arrive, not that a modality is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationState {
    /// Made here; nothing was sent yet.
    Created,
    /// An invitation is under way, ours or theirs.
    Connecting,
    /// Live.
    Connected,
    /// Ended. Starting a service or sending a message restarts it.
    Disconnected,
}

/// Where one side of a modality stands (`CallConnectionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallConnectionState {
    /// Not part of it.
    Disconnected,
    /// Invited, and asked to accept or to reject.
    Notified,
    /// On the way in.
    Connecting,
    /// The other side's device alerts its user.
    Ringing,
    /// Part of it.
    Connected,
    /// On the way out.
    Disconnecting,
}

/// Where a participant stands (`ParticipantState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParticipantState {
    /// Not in the conversation, not yet or not any more.
    Disconnected,
    /// Invited.
    Connecting,
    /// Waits to be admitted.
    InLobby,
    /// In the conversation.
    Connected,
    /// Being taken out.
    Disconnecting,
}

/// What a participant may do (`ParticipantRole`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParticipantRole {
    /// Takes part. Also when the role is not known.
    #[default]
    Attendee,
    /// Leads.
    Leader,
}

/// What is known of a message's delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageStatus {
    /// On its way.
    Pending,
    /// Delivered; every incoming message is.
    Succeeded,
    /// Not delivered. The text stays in the model.
    Failed,
    /// No verdict could be had: it may or may not have arrived. A later verdict still counts.
    Unknown,
}

impl MessageStatus {
    /// Whether a message may go from this status to `next`: a verdict is final, and what is settled is never pending again.
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

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Someone else, to us.
    Incoming,
    /// We.
    Outgoing,
}

/// A form that messages can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageFormat {
    /// Plain text.
    Text,
    /// HTML.
    Html,
}
