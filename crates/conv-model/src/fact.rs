//! The facts that a protocol writes into the model.

use std::fmt;
use std::time::SystemTime;

use crate::body::MessageBody;
use crate::contact_list_fact::{ContactListFact, PrivacyLevel};
use crate::fact_parts::{
    Archived, ArchivedMessage, Discovered, Incoming, Modalities, ParticipantFact,
    ParticipantUpdate, SenderFact,
};
use crate::ids::{CommandId, ConversationId, MessageId, ParticipantId};
use crate::presence::{Capabilities, EndpointType, Note, PersonStatus, PersonType, PhoneNumber};
use crate::reason::Reason;
use crate::request::Outcome;
use crate::states::{
    ConnectionState, MessageFormat, MessageStatus, ParticipantRole, ParticipantState, SignInState,
};

/// A fact. The model derives its state from facts and ignores a fact that does not fit the present state.
///
/// A protocol creates the variants with named fields by the functions, such as [`Fact::sign_in`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// The state of the sign-in. [`SignInState::SignedOut`] ends every conversation that had begun, and every command that is
    /// in flight at the end of the transaction.
    #[non_exhaustive]
    SignIn {
        /// The new state.
        state: SignInState,
        /// The reason, which is also the reason of the conversations and commands that end.
        reason: Option<Reason>,
    },
    /// The state of the connection while the user is signed in. A sign-in sets it to [`ConnectionState::Connected`], and a
    /// sign-out to [`ConnectionState::Disconnected`], so a protocol that never reconnects need not write this fact.
    #[non_exhaustive]
    Connection {
        /// The new state.
        state: ConnectionState,
        /// The reason.
        reason: Option<Reason>,
    },
    /// The user is known.
    #[non_exhaustive]
    Me {
        /// The user's address.
        address: String,
        /// The user's name.
        display_name: Option<String>,
    },
    /// A fact about a person, or about the user.
    #[non_exhaustive]
    Person {
        /// The address of the person.
        address: String,
        /// The fact.
        fact: PersonFact,
    },
    /// A fact about the contact list.
    ContactList(ContactListFact),
    /// An incoming invitation.
    Incoming(Incoming),
    /// A conversation that another endpoint of the user began, or that was found after the sign-in.
    Discovered(Discovered),
    /// An archived conversation.
    Archived(Archived),
    /// Whether there are more archived conversations to load.
    MoreConversations(bool),
    /// Whether new conversations are archived.
    #[non_exhaustive]
    History {
        /// New conversations are archived.
        enabled: bool,
        /// The user can change that.
        settable: bool,
    },
    /// A fact about a conversation.
    #[non_exhaustive]
    Conversation {
        /// The conversation.
        conversation: ConversationId,
        /// The fact.
        fact: ConversationFact,
    },
    /// The number of conversations with unread messages.
    UnreadConversations(usize),
    /// A request ended. The end takes effect in the transaction of this fact, and the future of the command resolves after
    /// the deliveries of that transaction. Ignored for a command that has ended.
    #[non_exhaustive]
    Completed {
        /// The command.
        command: CommandId,
        /// The result.
        result: Result<Outcome, Reason>,
    },
}

impl Fact {
    /// A [`SignIn`](Self::SignIn): the state of the sign-in, and the reason for it.
    #[must_use]
    pub const fn sign_in(state: SignInState, reason: Option<Reason>) -> Self {
        Self::SignIn { state, reason }
    }

    /// A [`Connection`](Self::Connection): the state of the connection, and the reason for it.
    #[must_use]
    pub const fn connection(state: ConnectionState, reason: Option<Reason>) -> Self {
        Self::Connection { state, reason }
    }

    /// A [`Me`](Self::Me): the address and the name of the user.
    #[must_use]
    pub fn me(address: impl Into<String>, display_name: Option<String>) -> Self {
        Self::Me {
            address: address.into(),
            display_name,
        }
    }

    /// A [`Person`](Self::Person): a fact about the person with this address.
    #[must_use]
    pub fn person(address: impl Into<String>, fact: PersonFact) -> Self {
        Self::Person {
            address: address.into(),
            fact,
        }
    }

    /// A [`History`](Self::History): whether new conversations are archived, and whether the user can change that.
    #[must_use]
    pub const fn history(enabled: bool, settable: bool) -> Self {
        Self::History { enabled, settable }
    }

    /// A [`Conversation`](Self::Conversation): a fact about the conversation with this ID.
    #[must_use]
    pub const fn of(conversation: ConversationId, fact: ConversationFact) -> Self {
        Self::Conversation { conversation, fact }
    }

    /// A [`Completed`](Self::Completed): the end of a request.
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
    /// The type: a user, a phone or a bot.
    PersonType(PersonType),
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
    /// The level of the user's data that the person may see.
    RelationshipLevel(Option<PrivacyLevel>),
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
            Self::PersonType(value) => shown("PersonType", value),
            Self::Status(value) => shown("Status", value),
            Self::Activity(value) => shown("Activity", value),
            Self::LastSeenAt(value) => shown("LastSeenAt", value),
            Self::EndpointType(value) => shown("EndpointType", value),
            Self::Note(value) => shown("Note", value),
            Self::Capabilities(value) => shown("Capabilities", value),
            Self::RelationshipLevel(value) => shown("RelationshipLevel", value),
        }
    }
}

/// A fact about a conversation. In a conversation that is Disconnected, only facts about messages, names, the subject and the
/// archive have an effect: a command can restart the conversation, a fact cannot.
///
/// A protocol creates the variants with named fields by the functions, such as [`ConversationFact::ended`].
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
    #[non_exhaustive]
    ChatConnected {
        /// The message formats that both sides agreed on.
        formats: Vec<MessageFormat>,
    },
    /// The user's chat is ending.
    ChatDisconnecting,
    /// The user's chat ended. The conversation may continue.
    #[non_exhaustive]
    ChatDisconnected {
        /// The reason.
        reason: Option<Reason>,
    },
    /// A participant joined. The model looks for the participant with this ID, then for a participant with this address that
    /// the model created or that is Disconnected, which then has this ID as well. Otherwise the model adds a participant.
    ParticipantAdded(ParticipantFact),
    /// An added participant was invited.
    #[non_exhaustive]
    ParticipantInvited {
        /// The participant.
        participant: ParticipantId,
    },
    /// New values of a participant.
    #[non_exhaustive]
    ParticipantUpdated {
        /// The participant.
        participant: ParticipantId,
        /// The values.
        update: ParticipantUpdate,
    },
    /// A participant left, or did not join. It stays in the collection, unless a command removes it.
    #[non_exhaustive]
    ParticipantLeft {
        /// The participant.
        participant: ParticipantId,
        /// The reason.
        reason: Option<Reason>,
    },
    /// The chat of a participant.
    #[non_exhaustive]
    ParticipantChat {
        /// The participant.
        participant: ParticipantId,
        /// Whether the participant is in the chat.
        connected: bool,
    },
    /// The typing state of a participant.
    #[non_exhaustive]
    Typing {
        /// The participant.
        participant: ParticipantId,
        /// Whether the participant is typing.
        is_typing: bool,
    },
    /// New values of the user's own participant.
    #[non_exhaustive]
    Myself {
        /// The state.
        state: Option<ParticipantState>,
        /// The role.
        role: Option<ParticipantRole>,
    },
    /// An incoming message. Ignored if the ID is known.
    #[non_exhaustive]
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
    /// Archived messages. Those with a known ID are ignored. They come before all other messages, by their time. Messages
    /// with the same time keep the order of this list and come before those of earlier facts, since an archive is read
    /// backwards.
    Archived(Vec<ArchivedMessage>),
    /// Whether there are more archived messages to load.
    MoreHistory(bool),
    /// Whether the archive has messages of the conversation that were not marked as read.
    Unread(bool),
    /// The ID of a message at the server. For an incoming message, in the commit of its
    /// [`MessageReceived`](Self::MessageReceived) and after it.
    #[non_exhaustive]
    MessageRemoteId {
        /// The ID of the message.
        message: MessageId,
        /// The ID at the server.
        remote_id: String,
    },
    /// The delivery status of an outgoing message.
    #[non_exhaustive]
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
    #[non_exhaustive]
    Group {
        /// The address of the conference.
        uri: Option<String>,
    },
    /// The number of participants as the server counts them.
    ParticipantsCount(usize),
    /// The server refused to end the chat or the conversation, which continues.
    #[non_exhaustive]
    EndRefused {
        /// Whether the user's chat is established.
        chat: bool,
    },
    /// The conversation ended: pending messages fail, then the chats, typing and the participants end, and last the
    /// conversation is Disconnected. Further facts of this kind are ignored.
    #[non_exhaustive]
    Ended {
        /// The reason. `None` if the user left.
        reason: Option<Reason>,
    },
}

impl ConversationFact {
    /// A [`ChatConnected`](Self::ChatConnected) with the formats that both sides agreed on.
    #[must_use]
    pub const fn chat_connected(formats: Vec<MessageFormat>) -> Self {
        Self::ChatConnected { formats }
    }

    /// A [`ChatDisconnected`](Self::ChatDisconnected).
    #[must_use]
    pub const fn chat_disconnected(reason: Option<Reason>) -> Self {
        Self::ChatDisconnected { reason }
    }

    /// A [`ParticipantInvited`](Self::ParticipantInvited).
    #[must_use]
    pub const fn participant_invited(participant: ParticipantId) -> Self {
        Self::ParticipantInvited { participant }
    }

    /// A [`ParticipantUpdated`](Self::ParticipantUpdated).
    #[must_use]
    pub const fn participant_updated(
        participant: ParticipantId,
        update: ParticipantUpdate,
    ) -> Self {
        Self::ParticipantUpdated {
            participant,
            update,
        }
    }

    /// A [`ParticipantLeft`](Self::ParticipantLeft).
    #[must_use]
    pub const fn participant_left(participant: ParticipantId, reason: Option<Reason>) -> Self {
        Self::ParticipantLeft {
            participant,
            reason,
        }
    }

    /// A [`ParticipantChat`](Self::ParticipantChat): whether the participant is in the chat.
    #[must_use]
    pub const fn participant_chat(participant: ParticipantId, connected: bool) -> Self {
        Self::ParticipantChat {
            participant,
            connected,
        }
    }

    /// A [`Typing`](Self::Typing): whether the participant is typing.
    #[must_use]
    pub const fn typing(participant: ParticipantId, is_typing: bool) -> Self {
        Self::Typing {
            participant,
            is_typing,
        }
    }

    /// A [`Myself`](Self::Myself) with new values of the user's own participant. `None` changes nothing.
    #[must_use]
    pub const fn myself(state: Option<ParticipantState>, role: Option<ParticipantRole>) -> Self {
        Self::Myself { state, role }
    }

    /// A [`MessageReceived`](Self::MessageReceived), with the time when the message was written.
    #[must_use]
    pub fn message_received(
        message: MessageId,
        sender: SenderFact,
        body: impl Into<MessageBody>,
        timestamp: SystemTime,
    ) -> Self {
        Self::MessageReceived {
            message,
            sender,
            body: body.into(),
            timestamp,
        }
    }

    /// A [`MessageRemoteId`](Self::MessageRemoteId): the ID of a message at the server.
    #[must_use]
    pub fn message_remote_id(message: MessageId, remote_id: impl Into<String>) -> Self {
        Self::MessageRemoteId {
            message,
            remote_id: remote_id.into(),
        }
    }

    /// A [`MessageStatus`](Self::MessageStatus), with the server's time of the message, and the reason why the message failed
    /// or why its status is not known.
    #[must_use]
    pub const fn message_status(
        message: MessageId,
        status: MessageStatus,
        timestamp: Option<SystemTime>,
        reason: Option<Reason>,
    ) -> Self {
        Self::MessageStatus {
            message,
            status,
            timestamp,
            reason,
        }
    }

    /// A [`Group`](Self::Group) with the address of the conference.
    #[must_use]
    pub const fn group(uri: Option<String>) -> Self {
        Self::Group { uri }
    }

    /// An [`EndRefused`](Self::EndRefused): the server refused to end the conversation, or its chat if the chat is
    /// established.
    #[must_use]
    pub const fn end_refused(chat: bool) -> Self {
        Self::EndRefused { chat }
    }

    /// An [`Ended`](Self::Ended). Without a reason, the user left.
    #[must_use]
    pub const fn ended(reason: Option<Reason>) -> Self {
        Self::Ended { reason }
    }
}
