//! Operations that a caller submits to the session, and their outcomes.

use std::fmt;

use secrecy::SecretString;

use crate::contact_list::{ContactGroup, ContactsOperation};
use crate::event::Role;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::person::{FoundPerson, Interest, MeChange, PersonField};
use crate::telephony::{CallForwarding, PhotoResult, UserPhone};

/// An operation. It takes effect at [`Session::submit`](crate::Session::submit), in the order of the calls, and ends
/// with exactly one [`Output::Completed`](crate::Output::Completed).
#[derive(Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Discovers the server, authenticates, creates the application and opens the event channel. Completes when
    /// messages can be sent and received. A session signs in once.
    SignIn(Credentials),
    /// Deletes the application and ends the session.
    SignOut,
    /// Creates a one-to-one conversation. Sends nothing and completes at once.
    OpenConversation {
        /// The caller's key for the conversation.
        conversation: ConversationKey,
        /// The caller's key for the remote participant.
        participant: ParticipantKey,
        /// The participant's SIP URI.
        peer: String,
    },
    /// Creates a conference: a new one, or the one with this URI. Sends nothing and completes at once. Starting the
    /// chat, or sending a message, then starts the new conference with the participants who were added before
    /// (`startOnlineMeeting_ref`), or joins the existing one (`joinOnlineMeeting_ref`).
    OpenMeeting {
        /// The caller's key for the conversation.
        conversation: ConversationKey,
        /// The SIP URI of the conference to join.
        uri: Option<String>,
    },
    /// Sets the importance of the next invitation that starts the conversation. Sends nothing and completes at once.
    SetImportance {
        /// The conversation.
        conversation: ConversationKey,
        /// The importance.
        importance: Importance,
    },
    /// Removes a conversation that has ended. Leaves it first if it has not.
    ForgetConversation(ConversationKey),
    /// Invites the peer to a chat without a message. Completes when the invitation completes.
    StartChat {
        /// The conversation, which is not established.
        conversation: ConversationKey,
        /// The subject, at most 250 UTF-16 code units (`startMessaging_ref`).
        subject: Option<String>,
        /// Custom content for the invitation. Only the invitation of one peer into a new conversation can carry it; any
        /// other invitation with custom content fails.
        context: Option<CustomContent>,
    },
    /// Sends a message. Without an established chat, the message travels in an invitation; while a chat is being
    /// established, it is queued. Completes with success only when the server has reported the delivery.
    SendMessage {
        /// The conversation.
        conversation: ConversationKey,
        /// The caller's key for the message.
        message: MessageKey,
        /// The content.
        body: MessageBody,
        /// The subject of the invitation, if the message needs one.
        subject: Option<String>,
        /// The ID of the message on the wire (`operationId`), 1 to 50 UTF-16 code units, unlike that of any other message.
        /// For a caller that keeps an outbox: the session then reports
        /// [`MessagePosting`](crate::ConversationChange::MessagePosting) and
        /// [`MessagePosted`](crate::ConversationChange::MessagePosted), and a session that resumes this one reports the
        /// result by the same ID. The session chooses an ID if there is none.
        message_id: Option<String>,
    },
    /// Accepts the incoming invitation. Completes when the invitation completes, not when the server takes the command.
    Accept(ConversationKey),
    /// Declines the incoming invitation.
    Decline(ConversationKey),
    /// Ends the chat. In a one-to-one conversation without other modalities this ends the conversation.
    StopChat(ConversationKey),
    /// Leaves the conversation in any state. Completes at once if the conversation has not started or has ended.
    Leave(ConversationKey),
    /// Reports that the user is typing. The report expires at the server after about five seconds; reports in quick
    /// succession share one request.
    SendIsTyping(ConversationKey),
    /// Adds a participant. Before the conversation has started nothing is sent: the participant is invited when it
    /// starts, and a second participant makes it a conference. Afterwards the operation completes when the
    /// participant's invitation completes, which turns a one-to-one conversation into a conference.
    AddParticipant {
        /// The conversation.
        conversation: ConversationKey,
        /// The caller's key for the participant.
        participant: ParticipantKey,
        /// The participant's SIP URI.
        uri: String,
    },
    /// Ejects a participant from a conference, or cancels the participant's invitation. Completes when the participant
    /// has left.
    RemoveParticipant {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Promotes a participant of a conference to leader, or demotes the participant to attendee. Completes when the
    /// server has agreed; an event reports the new role when it takes effect.
    SetRole {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
        /// The new role.
        role: Role,
    },
    /// Admits a participant from the lobby of a conference. Completes when the server has agreed; an event reports the
    /// admission when it takes effect.
    Admit {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Rejects a participant in the lobby of a conference. Completes when the server has agreed, or when the
    /// participant has left.
    Reject {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Acknowledges a conversation that the server accepted for the user.
    Acknowledge(ConversationKey),
    /// Reads a field of a person, together with every field of the same server resource. Completes after the facts have
    /// been emitted as [`SessionEvent::Person`](crate::SessionEvent::Person). Reads of one resource share one request;
    /// requests that are due at the same time share one batch.
    FetchPerson {
        /// The SIP URI. Empty for the user, before sign-in only.
        address: String,
        /// The field.
        field: PersonField,
    },
    /// Sets the interest in a field of a person. It holds until it is changed, across all applications of the session.
    /// Completes at once; facts are emitted as [`SessionEvent::Person`](crate::SessionEvent::Person).
    FollowPerson {
        /// The SIP URI. Empty for the user, before sign-in only.
        address: String,
        /// The field.
        field: PersonField,
        /// The interest.
        interest: Interest,
    },
    /// Changes the user's own status, note or location. Completes when the server has agreed.
    SetMe(MeChange),
    /// Searches for people. Completes with [`Outcome::People`].
    SearchPeople {
        /// A name, a part of a name, or an address; at most 256 UTF-16 code units (`search_ref`).
        query: String,
        /// The maximum number of results, 1 to 100.
        limit: u32,
    },
    /// An operation on the contact list, or on the user's phones.
    Contacts(ContactsOperation),
    /// Turns the archiving of conversations on or off. While it is on, the server also accepts invitations for the
    /// user. Completes when the server has confirmed the setting.
    SetHistory(bool),
    /// Finds further archived chats, one-to-one and group, newest first. Completes after they have been emitted as
    /// [`SessionEvent::Archived`](crate::SessionEvent::Archived). The server lists its last 100 conversations, of every
    /// modality (`conversationLogs_ref`).
    ListArchived {
        /// The number of chats to find, 1 to 100. Fewer are found if the archive holds fewer.
        count: u32,
    },
    /// Reads the next page of messages of an archived conversation, from the newest log backwards. Completes after the
    /// messages have been emitted as [`ConversationChange::Archived`](crate::ConversationChange::Archived).
    ReadArchived(ConversationKey),
    /// Marks the known logs of an archived conversation as read (`markAsRead_ref`). Completes when the server has confirmed
    /// each, or at once if none is unread.
    MarkAsRead(ConversationKey),
}

/// The importance of an invitation (`importance_ref`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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

impl Importance {
    /// The importance with this name. An absent or unknown name counts as normal.
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("Urgent") => Self::Urgent,
            Some("Emergency") => Self::Emergency,
            _ => Self::Normal,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Urgent => "Urgent",
            Self::Emergency => "Emergency",
        }
    }
}

/// The result of a successful operation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Success without a value.
    Done,
    /// The message reached the peer.
    Delivered,
    /// The result of a search.
    #[non_exhaustive]
    People {
        /// The people, in the server's order.
        people: Vec<FoundPerson>,
        /// Whether there are more results than the limit.
        more: bool,
    },
    /// The result of a search for distribution groups.
    #[non_exhaustive]
    Groups {
        /// The groups, in the server's order.
        groups: Vec<ContactGroup>,
        /// Whether there are more results than the limit.
        more: bool,
    },
    /// A photo.
    Photo(PhotoResult),
    /// The user's phones.
    Phones(Vec<UserPhone>),
    /// How the user's calls are forwarded.
    CallForwarding(CallForwarding),
}

/// The credentials of a user.
#[non_exhaustive]
pub enum Credentials {
    /// The password grant of the web ticket service.
    Password {
        /// The user's SIP URI, with or without `sip:`. Discovery starts at its domain, and hosts of the domain are
        /// trusted.
        sip_uri: String,
        /// The user name to authenticate with, `user@domain` or `DOMAIN\user`. The SIP address if absent.
        user_name: Option<String>,
        /// The password.
        password: SecretString,
    },
    /// The Windows grant. The transport proves the user's identity on the connection of the token request.
    Windows {
        /// The user's SIP URI.
        sip_uri: String,
    },
    /// The passive grant. The user signs in at a page that the session passes to the caller as
    /// [`Question::PassiveSignIn`](crate::Question::PassiveSignIn).
    Passive {
        /// The user's SIP URI.
        sip_uri: String,
    },
    /// An anonymous participant of a meeting. The token is valid for an hour and is renewed automatically.
    AnonymousMeeting {
        /// The conference URI of the meeting. Discovery starts at its domain.
        conference_uri: String,
        /// The display name in the meeting, at most 250 UTF-16 code units (`onlineMeetingInvitation_ref`).
        display_name: String,
        /// The conference key, if the meeting has one.
        key: Option<SecretString>,
    },
    /// Tokens of another issuer, one for each host. The session requests them with
    /// [`Question::Token`](crate::Question::Token).
    Bearer {
        /// The user's SIP URI.
        sip_uri: String,
    },
    /// No credentials, for a session that [resumes](crate::Session::resume) a checkpoint. The session uses the token of the
    /// checkpoint. When it needs another token, it ends with
    /// [`FailureKind::NoCredentials`](crate::FailureKind::NoCredentials), and deletes nothing at the server.
    None {
        /// The user's SIP URI, which is that of the checkpoint.
        sip_uri: String,
    },
}

impl Credentials {
    /// The address at whose domain discovery starts.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Password { sip_uri, .. }
            | Self::Windows { sip_uri }
            | Self::Passive { sip_uri }
            | Self::Bearer { sip_uri }
            | Self::None { sip_uri } => sip_uri,
            Self::AnonymousMeeting { conference_uri, .. } => conference_uri,
        }
    }

    /// The display name of an anonymous participant.
    pub(crate) fn guest(&self) -> Option<&str> {
        match self {
            Self::AnonymousMeeting { display_name, .. } => Some(display_name),
            _ => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { sip_uri, .. } => write!(f, "Password {{ {sip_uri}, .. }}"),
            Self::Windows { sip_uri } => write!(f, "Windows {{ {sip_uri} }}"),
            Self::Passive { sip_uri } => write!(f, "Passive {{ {sip_uri} }}"),
            Self::AnonymousMeeting { conference_uri, .. } => {
                write!(f, "AnonymousMeeting {{ {conference_uri}, .. }}")
            }
            Self::Bearer { sip_uri } => write!(f, "Bearer {{ {sip_uri} }}"),
            Self::None { sip_uri } => write!(f, "None {{ {sip_uri} }}"),
        }
    }
}

/// Custom content of an invitation, in a format that the two applications have agreed on.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CustomContent {
    /// The media type, with its parameters.
    pub content_type: String,
    /// The content.
    pub content: String,
}

impl CustomContent {
    /// Content of this media type.
    pub fn new(content_type: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            content_type: content_type.into(),
            content: content.into(),
        }
    }
}

impl fmt::Debug for CustomContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is private.
        write!(
            f,
            "CustomContent({}, {} bytes)",
            self.content_type,
            self.content.len()
        )
    }
}

impl Outcome {
    /// A [`People`](Self::People).
    #[must_use]
    pub const fn people(people: Vec<FoundPerson>, more: bool) -> Self {
        Self::People { people, more }
    }

    /// A [`Groups`](Self::Groups).
    #[must_use]
    pub const fn groups(groups: Vec<ContactGroup>, more: bool) -> Self {
        Self::Groups { groups, more }
    }
}

/// The content of a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageBody {
    /// Plain text.
    Text(String),
    /// HTML as it was written or received. Untrusted.
    Html(String),
    /// Any other content, as it arrived; it cannot be sent (`multipart/alternative` occurs). An empty media type means that
    /// the content could not be fetched.
    #[non_exhaustive]
    Other {
        /// The media type.
        media_type: String,
        /// The content, as text.
        raw: String,
    },
}

impl MessageBody {
    /// An [`Other`](Self::Other) with this media type and content.
    #[must_use]
    pub fn other(media_type: impl Into<String>, raw: impl Into<String>) -> Self {
        Self::Other {
            media_type: media_type.into(),
            raw: raw.into(),
        }
    }
}

impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Message texts must not appear in logs.
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Html(html) => write!(f, "Html({} bytes)", html.len()),
            Self::Other { media_type, raw } => {
                write!(f, "Other({media_type}, {} bytes)", raw.len())
            }
        }
    }
}
