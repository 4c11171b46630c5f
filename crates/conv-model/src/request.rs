//! The requests of the model to the protocol, and their results.

use std::fmt;
use std::time::Duration;

use crate::body::MessageBody;
use crate::call_forwarding::{CallForwarding, UserPhone};
use crate::contact_list_request::ContactsRequest;
use crate::ids::{ConversationId, MessageId, ParticipantId};
use crate::persons_and_groups_manager::{FoundGroups, FoundPersons};
use crate::photo::Photo;
use crate::presence::PersonStatus;
use crate::states::{Importance, ParticipantRole};

/// A request of the model to the [`Backend`](crate::Backend).
///
/// A protocol that cannot carry out a request completes it with [`NotSupported`](crate::ReasonCode::NotSupported).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// The application opened a conversation with one other person. Nothing is sent yet.
    #[non_exhaustive]
    OpenConversation {
        /// The new conversation.
        conversation: ConversationId,
        /// The other person.
        peer: Peer,
    },
    /// The application opened a conference. Nothing is sent yet. A protocol without conferences ends the conversation by a
    /// fact.
    #[non_exhaustive]
    OpenMeeting {
        /// The new conversation.
        conversation: ConversationId,
        /// The address of the conference to join; `None` to begin a new one.
        uri: Option<String>,
    },
    /// The application set the importance of the invitation that will start the conversation. Nothing is sent yet.
    #[non_exhaustive]
    SetImportance {
        /// The conversation.
        conversation: ConversationId,
        /// The importance.
        importance: Importance,
    },
    /// The model removed the conversation and ignores facts about it from now on.
    ForgetConversation(ConversationId),
    /// Start the chat, or restart it. Completes when the chat is established.
    #[non_exhaustive]
    Start {
        /// The conversation.
        conversation: ConversationId,
        /// The contents of the invitation.
        options: StartOptions,
    },
    /// Send a message. If the chat is not established, the invitation carries the message; while the chat is being
    /// established, the message waits. Completes when the message was delivered. If it fails, the message has failed; with
    /// [`DeliveryUnknown`](crate::ReasonCode::DeliveryUnknown), its status is Unknown.
    #[non_exhaustive]
    SendMessage {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        message: OutgoingMessage,
    },
    /// Accept the invitation.
    Accept(ConversationId),
    /// Decline the invitation.
    Reject(ConversationId),
    /// End the chat, or cancel its invitation. Other modalities continue.
    Stop(ConversationId),
    /// End the conversation for the user. A second request while the first is in flight completes with the first.
    Leave(ConversationId),
    /// Report that the user saw a conversation that was accepted automatically.
    Acknowledge(ConversationId),
    /// Show the others that the user is typing.
    SendIsTyping(ConversationId),
    /// Add a participant. If the conversation has not begun, send nothing: the participant is invited with it.
    #[non_exhaustive]
    AddParticipant {
        /// The conversation.
        conversation: ConversationId,
        /// The participant.
        participant: Peer,
    },
    /// Remove a participant. If the conversation has not begun, the participant is not invited with it; if the participant is
    /// not in the conversation, the request completes at once.
    #[non_exhaustive]
    RemoveParticipant {
        /// The conversation.
        conversation: ConversationId,
        /// The participant.
        participant: ParticipantId,
    },
    /// Change the role of a participant. Completes when the other side has accepted the request; a fact reports the new
    /// role.
    #[non_exhaustive]
    SetRole {
        /// The conversation.
        conversation: ConversationId,
        /// The participant.
        participant: ParticipantId,
        /// The new role.
        role: ParticipantRole,
    },
    /// Admit a participant from the lobby. Completes when the other side has accepted the request; a fact reports that the
    /// participant joined.
    #[non_exhaustive]
    Admit {
        /// The conversation.
        conversation: ConversationId,
        /// The participant.
        participant: ParticipantId,
    },
    /// Reject a participant in the lobby. Completes when the other side has accepted the request; a fact reports that the
    /// participant left.
    #[non_exhaustive]
    RejectParticipant {
        /// The conversation.
        conversation: ConversationId,
        /// The participant.
        participant: ParticipantId,
    },
    /// Load more archived messages of a conversation.
    MoreHistory(ConversationId),
    /// Mark the archived messages of a conversation as read. A fact reports that it is not unread any more.
    MarkAsRead(ConversationId),
    /// Load more archived conversations, at most this many.
    MoreConversations(u32),
    /// Switch the archiving of new messages on or off.
    SetHistory(bool),
    /// Read a field of a person. A fact reports the value before the request completes.
    #[non_exhaustive]
    FetchPerson {
        /// The address of the person. Empty for the user, before the sign-in.
        address: String,
        /// The field.
        field: PersonField,
    },
    /// Follow a field of a person from now on with this interest. The protocol decides on batches and timers.
    #[non_exhaustive]
    SetInterest {
        /// The address of the person. Empty for the user, before the sign-in.
        address: String,
        /// The field.
        field: PersonField,
        /// The new interest, which replaces the one before.
        interest: Interest,
    },
    /// Search for people. Completes with [`Outcome::Found`].
    #[non_exhaustive]
    SearchPersons {
        /// A name or an address, or the beginning of one.
        query: String,
        /// The largest number of results.
        limit: u32,
    },
    /// Change the user's own presence.
    SetMe(MeChange),
    /// Load or change the contact list.
    Contacts(ContactsRequest),
}

/// The result of a request that succeeded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The request was carried out.
    Done,
    /// The results of a search for persons.
    Found(FoundPersons),
    /// The results of a search for distribution groups.
    FoundGroups(FoundGroups),
    /// A photo; `None` if the person has none.
    Photo(Option<Photo>),
    /// The photo has the version that the application has.
    PhotoUnchanged,
    /// The user's phones.
    Phones(Vec<UserPhone>),
    /// How the user's calls are forwarded.
    CallForwarding(CallForwarding),
}

/// A participant and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The participant. Facts about it should use this ID.
    pub participant: ParticipantId,
    /// The address, as [`Backend::normalize_address`](crate::Backend::normalize_address) returned it.
    pub address: String,
}

impl Peer {
    /// A participant and its address.
    pub fn new(participant: ParticipantId, address: impl Into<String>) -> Self {
        Self {
            participant,
            address: address.into(),
        }
    }
}

/// The contents of an invitation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartOptions {
    /// The subject.
    pub subject: Option<String>,
    /// Custom content.
    pub context: Option<Context>,
}

/// Custom content of an invitation.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Context {
    /// The media type.
    pub content_type: String,
    /// The content.
    pub content: String,
}

impl Context {
    /// Content of this media type.
    pub fn new(content_type: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            content_type: content_type.into(),
            content: content.into(),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Context({}, {} bytes)",
            self.content_type,
            self.content.len()
        )
    }
}

/// An outgoing message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingMessage {
    /// The ID that facts about the message use.
    pub id: MessageId,
    /// The body.
    pub body: MessageBody,
    /// The subject of the conversation, for an invitation that carries the message.
    pub subject: Option<String>,
    /// The ID that the application has chosen for the message.
    pub message_id: Option<String>,
}

/// A field of a person that can be fetched or followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PersonField {
    /// The job title.
    Title,
    /// The office.
    Office,
    /// The department.
    Department,
    /// The company.
    Company,
    /// The URL of the picture.
    AvatarUrl,
    /// The phone numbers.
    PhoneNumbers,
    /// The mail addresses.
    Emails,
    /// The type: a user, a phone or a bot.
    PersonType,
    /// The presence status.
    Status,
    /// The activity, a text such as "In a meeting".
    Activity,
    /// The time of the last activity.
    LastSeenAt,
    /// The kind of device.
    EndpointType,
    /// The note.
    Note,
    /// The location.
    Location,
    /// The modalities that the person can use.
    Capabilities,
    /// The level of the user's data that the person may see.
    RelationshipLevel,
}

/// How a field of a person or a list of contacts is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interest {
    /// It is not followed.
    #[default]
    None,
    /// It is fetched at this interval.
    Every(Duration),
    /// Each change is reported.
    Live,
}

/// A change of the user's own presence.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeChange {
    /// Publish this status.
    Status(PersonStatus),
    /// Publish this note.
    Note(String),
    /// Publish this location.
    Location(String),
    /// Let the server determine the status.
    ResetStatus,
    /// Publish no note.
    ResetNote,
    /// Let the server determine the location.
    ResetLocation,
}

impl fmt::Debug for MeChange {
    /// Shows no text that the user wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "Status({status:?})"),
            Self::Note(text) => write!(f, "Note({} bytes)", text.len()),
            Self::Location(text) => write!(f, "Location({} bytes)", text.len()),
            Self::ResetStatus => f.write_str("ResetStatus"),
            Self::ResetNote => f.write_str("ResetNote"),
            Self::ResetLocation => f.write_str("ResetLocation"),
        }
    }
}
