//! What an adapter tells the model, in words of the domain.

use std::time::SystemTime;

use crate::backend::Context;
use crate::body::MessageBody;
use crate::ids::{ConversationId, MessageId, ParticipantId};
use crate::person::{Capabilities, EndpointType, Note, PersonStatus, PhoneNumber};
use crate::reason::Reason;
use crate::states::{
    Direction, MessageFormat, MessageStatus, ParticipantRole, ParticipantState, SignInState,
};

/// Something that happened. The model decides what follows from it; what does not fit its state is ignored.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// The sign-in moved on. [`SignInState::SignedOut`] ends every conversation that had begun.
    SignIn {
        /// Where it stands now.
        state: SignInState,
        /// Why. It also becomes the reason of the conversations that end.
        reason: Option<Reason>,
    },
    /// Who is signed in.
    Me {
        /// Our address.
        address: String,
        /// Our name.
        display_name: Option<String>,
    },
    /// Something became known of a person that the model knows by this address, ourselves included.
    Person {
        /// Their address.
        address: String,
        /// What.
        fact: PersonFact,
    },
    /// Someone invites us.
    Incoming(Incoming),
    /// A conversation that was begun elsewhere was found: by another endpoint of ours, or before we attached.
    Discovered(Discovered),
    /// A conversation of former days was found.
    Archived(Archived),
    /// Whether there are more conversations of former days to be had.
    MoreConversations(bool),
    /// Whether what is said is kept.
    History {
        /// It is.
        enabled: bool,
        /// That can be changed.
        settable: bool,
    },
    /// Something happened in a conversation.
    Conversation {
        /// In which one.
        conversation: ConversationId,
        /// What.
        fact: ConversationFact,
    },
    /// How many conversations have something unread.
    UnreadConversations(usize),
}

impl Fact {
    /// Something happened in a conversation.
    #[must_use]
    pub const fn of(conversation: ConversationId, fact: ConversationFact) -> Self {
        Self::Conversation { conversation, fact }
    }
}

/// Something that became known of a person. `None` and empty mean that there is none.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PersonFact {
    /// Their name. An empty one is none and replaces nothing.
    DisplayName(String),
    /// Their title.
    Title(Option<String>),
    /// Where they work.
    Office(Option<String>),
    /// Their department.
    Department(Option<String>),
    /// Their company.
    Company(Option<String>),
    /// Where their picture is.
    AvatarUrl(Option<String>),
    /// Their phone numbers.
    PhoneNumbers(Vec<PhoneNumber>),
    /// Their mail addresses.
    Emails(Vec<String>),
    /// Their status.
    Status(PersonStatus),
    /// What they are doing, in words.
    Activity(Option<String>),
    /// When they were last seen.
    LastSeenAt(Option<SystemTime>),
    /// What kind of device they are at.
    EndpointType(EndpointType),
    /// What they tell others.
    Note(Option<Note>),
    /// Where they are.
    Location(Option<String>),
    /// What can be done with them.
    Capabilities(Capabilities),
}

/// An invitation from outside. Its conversation is complete, the chat Notified and accept enabled, before it appears in
/// `conversations`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Incoming {
    /// The conversation that it makes; an id that is known already makes nothing.
    pub conversation: ConversationId,
    /// Who invites.
    pub from: ParticipantFact,
    /// The subject.
    pub subject: Option<String>,
    /// Custom content.
    pub context: Option<Context>,
    /// The invitation was, or is being, accepted for the user: the chat is Connecting, never Notified.
    pub auto_accepted: bool,
    /// The address of the conference, when it is one.
    pub group: Option<String>,
    /// What the invitation says. It becomes a message only by a fact of its own.
    pub preview: Option<MessageBody>,
}

impl Incoming {
    /// An invitation to be answered.
    #[must_use]
    pub const fn new(conversation: ConversationId, from: ParticipantFact) -> Self {
        Self {
            conversation,
            from,
            subject: None,
            context: None,
            auto_accepted: false,
            group: None,
            preview: None,
        }
    }
}

/// A conversation begun elsewhere. It appears Connecting; facts of the same commit say how far it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Discovered {
    /// The conversation that it makes; an id that is known already makes nothing.
    pub conversation: ConversationId,
    /// Who is, or is to be, in it.
    pub participants: Vec<ParticipantFact>,
    /// The subject.
    pub subject: Option<String>,
    /// The address of the conference, when it is one.
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

/// Who a participant is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantFact {
    /// Which participant.
    pub participant: ParticipantId,
    /// Their address; empty while it is not known.
    pub address: String,
    /// Their name.
    pub display_name: Option<String>,
    /// What they may do.
    pub role: ParticipantRole,
    /// Whether they joined without an account.
    pub is_anonymous: bool,
    /// Whether they wait in the lobby.
    pub in_lobby: bool,
    /// What we may do with them.
    pub capabilities: ParticipantCapabilities,
}

impl ParticipantFact {
    /// A participant of whom the address is known.
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

    /// With a name.
    #[must_use]
    pub fn named(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = Some(display_name.into());
        self
    }
}

/// A conversation of former days. It appears Disconnected.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Archived {
    /// The conversation that it makes; an id that is known already makes nothing.
    pub conversation: ConversationId,
    /// Who was in it. That it was a group is a [fact](ConversationFact::Group) of its own.
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

/// What we may do with a participant of a conference, as the other side says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantCapabilities {
    /// Make a leader of them.
    pub promote: bool,
    /// Make an attendee of them.
    pub demote: bool,
    /// Let them in from the lobby.
    pub admit: bool,
    /// Turn them away from the lobby.
    pub reject: bool,
}

/// What became known of a participant; `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantUpdate {
    /// Their address.
    pub address: Option<String>,
    /// Their name.
    pub display_name: Option<String>,
    /// What they may do.
    pub role: Option<ParticipantRole>,
    /// Whether they wait in the lobby.
    pub in_lobby: Option<bool>,
    /// Whether they joined without an account.
    pub is_anonymous: Option<bool>,
    /// What we may do with them.
    pub capabilities: Option<ParticipantCapabilities>,
}

/// Who wrote a message: maybe nobody among the participants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderFact {
    /// The participant, when they are one.
    pub participant: Option<ParticipantId>,
    /// Their address.
    pub address: String,
    /// Their name.
    pub display_name: Option<String>,
}

impl SenderFact {
    /// A sender of whom the address is known.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            participant: None,
            address: address.into(),
            display_name: None,
        }
    }
}

/// A message of former days.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArchivedMessage {
    /// Which one.
    pub message: MessageId,
    /// Whether it came in or went out.
    pub direction: Direction,
    /// Who wrote it.
    pub sender: SenderFact,
    /// What it says.
    pub body: MessageBody,
    /// When it was written.
    pub timestamp: SystemTime,
}

impl ArchivedMessage {
    /// A message that came in.
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

    /// A message that went out.
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

/// Which modalities are present in a conversation.
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

/// Something that happened in a conversation. In one that is Disconnected only messages, verdicts and names still count: a
/// command restarts it, no fact does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConversationFact {
    /// Our invitation is on its way: those who are not in it are Connecting.
    Inviting,
    /// Their device alerts: those whose chat is Connecting are Ringing.
    Alerting,
    /// The conversation is connecting.
    Connecting,
    /// The conversation is live, or became a conference; we are in it.
    Connected,
    /// The chat is offered and can be accepted: anew in a conversation that lives, or again after an accept or a reject
    /// that was refused.
    ChatOffered,
    /// Our side of the chat is connecting.
    ChatConnecting,
    /// Our side of the chat is established.
    ChatConnected {
        /// The forms of message that were agreed on.
        formats: Vec<MessageFormat>,
    },
    /// Our side of the chat is ending.
    ChatDisconnecting,
    /// Our side of the chat ended; the conversation may go on.
    ChatDisconnected {
        /// Why.
        reason: Option<Reason>,
    },
    /// Someone is in: the participant with this id, or the one with this address who was made here or is Disconnected,
    /// and is known by this id too from now on, or a new one.
    ParticipantAdded(ParticipantFact),
    /// The invitation of someone who was added is on its way.
    ParticipantInvited {
        /// Who.
        participant: ParticipantId,
    },
    /// Something became known of a participant.
    ParticipantUpdated {
        /// Which one.
        participant: ParticipantId,
        /// What.
        update: ParticipantUpdate,
    },
    /// Someone is out, or never came in. They stay in the collection, unless they were to be removed from it.
    ParticipantLeft {
        /// Who.
        participant: ParticipantId,
        /// Why.
        reason: Option<Reason>,
    },
    /// A participant is in the chat, or not any more.
    ParticipantChat {
        /// Who.
        participant: ParticipantId,
        /// Whether they are in it.
        connected: bool,
    },
    /// A participant types, or stopped.
    Typing {
        /// Who.
        participant: ParticipantId,
        /// Whether they type.
        is_typing: bool,
    },
    /// What became known of our own part.
    Myself {
        /// Where we stand.
        state: Option<ParticipantState>,
        /// What we may do.
        role: Option<ParticipantRole>,
    },
    /// A message came in. An id that is known already is ignored.
    MessageReceived {
        /// Which one.
        message: MessageId,
        /// Who wrote it.
        sender: SenderFact,
        /// What it says.
        body: MessageBody,
        /// When it was written.
        timestamp: SystemTime,
    },
    /// Messages of former days; ids that are known already are ignored. They stand before all others, by their time; those
    /// of one time in the order of this list, and before those that were told before, since an archive is read backwards.
    Archived(Vec<ArchivedMessage>),
    /// Whether there is more to be had of what was said before.
    MoreHistory(bool),
    /// What became known of a message's delivery.
    MessageStatus {
        /// Which one.
        message: MessageId,
        /// The verdict.
        status: MessageStatus,
        /// The server's time for it.
        timestamp: Option<SystemTime>,
        /// Why it failed, or is not known.
        reason: Option<Reason>,
    },
    /// The subject.
    Subject(String),
    /// What is present in it.
    Modalities(Modalities),
    /// Whether it waits for [`acknowledge`](crate::Conversation::acknowledge).
    Acknowledgeable(bool),
    /// It is a conference now; there is no way back.
    Group {
        /// The conference's address.
        uri: Option<String>,
    },
    /// How many are in it, by the server's count.
    ParticipantsCount(usize),
    /// What was to end, the chat or the conversation, was not ended and goes on.
    EndRefused {
        /// Whether our side of the chat is established.
        chat: bool,
    },
    /// It is over: messages still pending fail, then the chat, typing, and the participants end, last the conversation is
    /// Disconnected; once.
    Ended {
        /// Why, when it was no ordinary end.
        reason: Option<Reason>,
    },
}
