//! The facts that a protocol writes into the model.

use std::fmt;
use std::time::SystemTime;

use crate::body::MessageBody;
use crate::ids::{CommandId, ConversationId, MessageId, ParticipantId};
use crate::person::{Capabilities, EndpointType, Note, PersonStatus, PhoneNumber};
use crate::reason::Reason;
use crate::request::{Context, Outcome};
use crate::states::{
    ConnectionState, Direction, Importance, MessageFormat, MessageStatus, ParticipantRole,
    ParticipantState, SignInState,
};

/// A fact. The model derives its state from facts and ignores a fact that does not fit the present state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// The state of the sign-in. [`SignInState::SignedOut`] ends every conversation that had begun, and every command that is
    /// in flight at the end of the transaction.
    SignIn {
        /// The new state.
        state: SignInState,
        /// The reason, which is also the reason of the conversations and commands that end.
        reason: Option<Reason>,
    },
    /// The state of the connection while the user is signed in. A sign-in sets it to [`ConnectionState::Connected`], and a
    /// sign-out to [`ConnectionState::Disconnected`], so a protocol that never reconnects need not write this fact.
    Connection {
        /// The new state.
        state: ConnectionState,
        /// The reason.
        reason: Option<Reason>,
    },
    /// The user is known.
    Me {
        /// The user's address.
        address: String,
        /// The user's name.
        display_name: Option<String>,
    },
    /// A fact about a person, or about the user.
    Person {
        /// The address of the person.
        address: String,
        /// The fact.
        fact: PersonFact,
    },
    /// An incoming invitation.
    Incoming(Incoming),
    /// A conversation that another endpoint of the user began, or that was found after the sign-in.
    Discovered(Discovered),
    /// An archived conversation.
    Archived(Archived),
    /// Whether there are more archived conversations to load.
    MoreConversations(bool),
    /// Whether new conversations are archived.
    History {
        /// New conversations are archived.
        enabled: bool,
        /// The user can change that.
        settable: bool,
    },
    /// A fact about a conversation.
    Conversation {
        /// The conversation.
        conversation: ConversationId,
        /// The fact.
        fact: ConversationFact,
    },
    /// The number of conversations with unread messages.
    UnreadConversations(usize),
    /// A request ended. The end takes effect in the transaction of this fact, and the future of the command resolves after the
    /// deliveries of that transaction. Ignored for a command that has ended.
    Completed {
        /// The command.
        command: CommandId,
        /// The result.
        result: Result<Outcome, Reason>,
    },
}

impl Fact {
    /// A fact about a conversation.
    #[must_use]
    pub const fn of(conversation: ConversationId, fact: ConversationFact) -> Self {
        Self::Conversation { conversation, fact }
    }

    /// The end of a request.
    #[must_use]
    pub const fn completed(command: CommandId, result: Result<Outcome, Reason>) -> Self {
        Self::Completed { command, result }
    }
}

/// A fact about a person. `None` and an empty value mean that there is no value.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum PersonFact {
    /// The name. An empty name is unknown and replaces nothing.
    DisplayName(String),
    /// The job title.
    Title(Option<String>),
    /// The office.
    Office(Option<String>),
    /// The department.
    Department(Option<String>),
    /// The company.
    Company(Option<String>),
    /// The URL of the picture.
    AvatarUrl(Option<String>),
    /// The phone numbers.
    PhoneNumbers(Vec<PhoneNumber>),
    /// The mail addresses.
    Emails(Vec<String>),
    /// The presence status.
    Status(PersonStatus),
    /// The activity, a text such as "In a meeting".
    Activity(Option<String>),
    /// The time of the last activity.
    LastSeenAt(Option<SystemTime>),
    /// The kind of device.
    EndpointType(EndpointType),
    /// The note.
    Note(Option<Note>),
    /// The location.
    Location(Option<String>),
    /// The modalities that the person can use.
    Capabilities(Capabilities),
}

impl fmt::Debug for PersonFact {
    /// Shows the length of a location instead of its text, which the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown =
            |name: &str, value: &dyn fmt::Debug| f.debug_tuple(name).field(value).finish();
        match self {
            Self::Location(None) => shown("Location", &None::<String>),
            Self::Location(Some(text)) => write!(f, "Location({} bytes)", text.len()),
            Self::DisplayName(value) => shown("DisplayName", value),
            Self::Title(value) => shown("Title", value),
            Self::Office(value) => shown("Office", value),
            Self::Department(value) => shown("Department", value),
            Self::Company(value) => shown("Company", value),
            Self::AvatarUrl(value) => shown("AvatarUrl", value),
            Self::PhoneNumbers(value) => shown("PhoneNumbers", value),
            Self::Emails(value) => shown("Emails", value),
            Self::Status(value) => shown("Status", value),
            Self::Activity(value) => shown("Activity", value),
            Self::LastSeenAt(value) => shown("LastSeenAt", value),
            Self::EndpointType(value) => shown("EndpointType", value),
            Self::Note(value) => shown("Note", value),
            Self::Capabilities(value) => shown("Capabilities", value),
        }
    }
}

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
    /// [`MessageReceived`](ConversationFact::MessageReceived).
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

/// A conversation that began elsewhere. It appears Connecting; facts of the same commit can set another state.
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
    /// What the user may do with the participant.
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
    /// The participants. A conference needs a [`Group`](ConversationFact::Group) fact too.
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

/// What the user may do with a participant of a conference, as the server reports it.
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
    /// What the user may do with the participant.
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

/// A fact about a conversation. In a conversation that is Disconnected, only facts about messages, names, the subject and the
/// archive have an effect: a command can restart the conversation, a fact cannot.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConversationFact {
    /// The user's invitation was sent: the participants that are not in the conversation are Connecting.
    Inviting,
    /// The device of the other side alerts the user: the participants whose chat is Connecting are Ringing.
    Alerting,
    /// The conversation is connecting.
    Connecting,
    /// The user is in the conversation.
    Connected,
    /// The chat can be accepted: after a new offer in a conversation that is Connected, or after an accept or a reject that
    /// was refused.
    ChatOffered,
    /// The user's chat is connecting.
    ChatConnecting,
    /// The user's chat is established.
    ChatConnected {
        /// The message formats that both sides agreed on.
        formats: Vec<MessageFormat>,
    },
    /// The user's chat is ending.
    ChatDisconnecting,
    /// The user's chat ended. The conversation may continue.
    ChatDisconnected {
        /// The reason.
        reason: Option<Reason>,
    },
    /// A participant joined. It is the participant with this ID; otherwise the one with this address that was created here or
    /// is Disconnected, which has this ID too from now on; otherwise a new one.
    ParticipantAdded(ParticipantFact),
    /// An added participant was invited.
    ParticipantInvited {
        /// The participant.
        participant: ParticipantId,
    },
    /// New values of a participant.
    ParticipantUpdated {
        /// The participant.
        participant: ParticipantId,
        /// The values.
        update: ParticipantUpdate,
    },
    /// A participant left, or did not join. It stays in the collection, unless a command removes it.
    ParticipantLeft {
        /// The participant.
        participant: ParticipantId,
        /// The reason.
        reason: Option<Reason>,
    },
    /// The chat of a participant.
    ParticipantChat {
        /// The participant.
        participant: ParticipantId,
        /// Whether the participant is in the chat.
        connected: bool,
    },
    /// The typing state of a participant.
    Typing {
        /// The participant.
        participant: ParticipantId,
        /// Whether the participant is typing.
        is_typing: bool,
    },
    /// New values of the user's own participant.
    Myself {
        /// The state.
        state: Option<ParticipantState>,
        /// The role.
        role: Option<ParticipantRole>,
    },
    /// An incoming message. Ignored if the ID is known.
    MessageReceived {
        /// The ID of the message.
        message: MessageId,
        /// The sender.
        sender: SenderFact,
        /// The body.
        body: MessageBody,
        /// The time when the message was written.
        timestamp: SystemTime,
    },
    /// Archived messages. Those with a known ID are ignored. They come before all other messages, by their time. Messages with
    /// the same time keep the order of this list and come before those of earlier facts, since an archive is read backwards.
    Archived(Vec<ArchivedMessage>),
    /// Whether there are more archived messages to load.
    MoreHistory(bool),
    /// Whether the archive has messages of the conversation that were not marked as read.
    Unread(bool),
    /// The ID of a message at the server. For an incoming message, in the commit of its
    /// [`MessageReceived`](Self::MessageReceived) and after it.
    MessageRemoteId {
        /// The ID of the message.
        message: MessageId,
        /// The ID at the server.
        remote_id: String,
    },
    /// The delivery status of an outgoing message.
    MessageStatus {
        /// The ID of the message.
        message: MessageId,
        /// The status.
        status: MessageStatus,
        /// The server's time of the message.
        timestamp: Option<SystemTime>,
        /// The reason why the message failed, or why its status is not known.
        reason: Option<Reason>,
    },
    /// The subject.
    Subject(String),
    /// The active modalities.
    Modalities(Modalities),
    /// Whether the conversation can be [acknowledged](crate::Conversation::acknowledge).
    Acknowledgeable(bool),
    /// The conversation is a conference from now on.
    Group {
        /// The address of the conference.
        uri: Option<String>,
    },
    /// The number of participants as the server counts them.
    ParticipantsCount(usize),
    /// The server refused to end the chat or the conversation, which continues.
    EndRefused {
        /// Whether the user's chat is established.
        chat: bool,
    },
    /// The conversation ended: pending messages fail, then the chats, typing and the participants end, and last the
    /// conversation is Disconnected. Further facts of this kind are ignored.
    Ended {
        /// The reason. `None` if the user left.
        reason: Option<Reason>,
    },
}
