//! The values in facts.

use std::time::SystemTime;

use crate::body::MessageBody;
use crate::ids::{ConversationId, MessageId, ParticipantId};
use crate::request::Context;
use crate::states::{Direction, Importance, ParticipantRole};

/// An incoming invitation. Its conversation is complete, with the chat Notified and `accept` enabled, when it appears in
/// `conversations`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Incoming {
    /// The ID of the conversation. The fact is ignored if it is known.
    pub conversation: ConversationId,
    /// The participant who invites.
    pub from: ParticipantFact,
    /// The subject.
    pub subject: Option<String>,
    /// The importance.
    pub importance: Importance,
    /// Custom content.
    pub context: Option<Context>,
    /// Whether the server accepts the invitation for the user: the chat is Connecting, never Notified.
    pub auto_accepted: bool,
    /// The address of the conference, if the conversation is one.
    pub group: Option<String>,
    /// The message that the invitation carries. It is shown as the chat's preview, and is a message only after a
    /// [`MessageReceived`](crate::ConversationFact::MessageReceived).
    pub preview: Option<MessageBody>,
}

impl Incoming {
    /// An invitation that the user can accept or reject.
    #[must_use]
    pub const fn new(conversation: ConversationId, from: ParticipantFact) -> Self {
        Self {
            conversation,
            from,
            subject: None,
            importance: Importance::Normal,
            context: None,
            auto_accepted: false,
            group: None,
            preview: None,
        }
    }
}

/// A conversation that another endpoint of the user began, or that was found after the sign-in. It appears Connecting; facts
/// of the same commit can set another state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Discovered {
    /// The ID of the conversation. The fact is ignored if it is known.
    pub conversation: ConversationId,
    /// The participants.
    pub participants: Vec<ParticipantFact>,
    /// The subject.
    pub subject: Option<String>,
    /// The address of the conference, if the conversation is one.
    pub group: Option<String>,
}

impl Discovered {
    /// A conversation with these participants.
    #[must_use]
    pub const fn new(conversation: ConversationId, participants: Vec<ParticipantFact>) -> Self {
        Self {
            conversation,
            participants,
            subject: None,
            group: None,
        }
    }
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantFact {
    /// The ID of the participant.
    pub participant: ParticipantId,
    /// The address. Empty while it is not known.
    pub address: String,
    /// The name.
    pub display_name: Option<String>,
    /// The role.
    pub role: ParticipantRole,
    /// Whether the participant joined without an account.
    pub is_anonymous: bool,
    /// Whether the participant waits in the lobby.
    pub in_lobby: bool,
    /// The operations on the participant that the server allows the user.
    pub capabilities: ParticipantCapabilities,
}

impl ParticipantFact {
    /// A participant with this address.
    pub fn new(participant: ParticipantId, address: impl Into<String>) -> Self {
        Self {
            participant,
            address: address.into(),
            display_name: None,
            role: ParticipantRole::Attendee,
            is_anonymous: false,
            in_lobby: false,
            capabilities: ParticipantCapabilities::default(),
        }
    }

    /// The same participant with this name.
    #[must_use]
    pub fn named(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = Some(display_name.into());
        self
    }
}

/// An archived conversation. It appears Disconnected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Archived {
    /// The ID of the conversation. The fact is ignored if it is known.
    pub conversation: ConversationId,
    /// The participants. A conference needs a [`Group`](crate::ConversationFact::Group) fact too.
    pub participants: Vec<ParticipantFact>,
    /// The subject.
    pub subject: Option<String>,
}

impl Archived {
    /// A conversation with these participants.
    #[must_use]
    pub const fn new(conversation: ConversationId, participants: Vec<ParticipantFact>) -> Self {
        Self {
            conversation,
            participants,
            subject: None,
        }
    }
}

/// The operations on a participant of a conference that the server allows the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantCapabilities {
    /// Make the participant a leader.
    pub promote: bool,
    /// Make the participant an attendee.
    pub demote: bool,
    /// Admit the participant from the lobby.
    pub admit: bool,
    /// Reject the participant in the lobby.
    pub reject: bool,
}

/// New values of a participant. `None` changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantUpdate {
    /// The address.
    pub address: Option<String>,
    /// The name.
    pub display_name: Option<String>,
    /// The role.
    pub role: Option<ParticipantRole>,
    /// Whether the participant waits in the lobby.
    pub in_lobby: Option<bool>,
    /// Whether the participant joined without an account.
    pub is_anonymous: Option<bool>,
    /// The operations on the participant that the server allows the user.
    pub capabilities: Option<ParticipantCapabilities>,
}

/// The sender of a message, who need not be a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderFact {
    /// The participant, if the sender is one.
    pub participant: Option<ParticipantId>,
    /// The address.
    pub address: String,
    /// The name.
    pub display_name: Option<String>,
}

impl SenderFact {
    /// A sender with this address.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            participant: None,
            address: address.into(),
            display_name: None,
        }
    }
}

/// An archived message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArchivedMessage {
    /// The ID of the message.
    pub message: MessageId,
    /// Whether the message is incoming or outgoing.
    pub direction: Direction,
    /// The sender.
    pub sender: SenderFact,
    /// The body.
    pub body: MessageBody,
    /// The time when the message was written.
    pub timestamp: SystemTime,
}

impl ArchivedMessage {
    /// An incoming message.
    #[must_use]
    pub const fn incoming(
        message: MessageId,
        sender: SenderFact,
        body: MessageBody,
        timestamp: SystemTime,
    ) -> Self {
        Self {
            message,
            direction: Direction::Incoming,
            sender,
            body,
            timestamp,
        }
    }

    /// An outgoing message.
    #[must_use]
    pub const fn outgoing(
        message: MessageId,
        sender: SenderFact,
        body: MessageBody,
        timestamp: SystemTime,
    ) -> Self {
        Self {
            message,
            direction: Direction::Outgoing,
            sender,
            body,
            timestamp,
        }
    }
}

/// The active modalities of a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Modalities {
    /// Chat.
    pub chat: bool,
    /// Audio.
    pub audio: bool,
    /// Video.
    pub video: bool,
}

impl Modalities {
    /// Chat alone.
    pub const CHAT: Self = Self {
        chat: true,
        audio: false,
        video: false,
    };
}
