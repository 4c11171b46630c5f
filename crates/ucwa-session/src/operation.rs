//! What a caller can ask of the session.

use std::fmt;

use secrecy::SecretString;

use crate::event::Role;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::person::{FoundPerson, Interest, MeChange, PersonField};

/// Something that a caller asks for. It takes effect at [`Session::submit`](crate::Session::submit), in the order of the
/// calls, and ends with exactly one [`Output::Completed`](crate::Output::Completed).
#[derive(Debug)]
#[non_exhaustive]
pub enum Operation {
    /// Discovers the server, authenticates, creates the application and opens the event channel. Completes when messages
    /// can be sent and received; a session signs in once.
    SignIn(Credentials),
    /// Deletes the application and ends everything. The contract for leaving the server clean.
    SignOut,
    /// Names a one-to-one conversation that does not exist yet. Sends nothing and completes at once.
    OpenConversation {
        /// The caller's name for it.
        conversation: ConversationKey,
        /// The caller's name for the one remote participant.
        participant: ParticipantKey,
        /// The participant's SIP URI.
        peer: String,
    },
    /// Names a conference that is not joined yet: one to be begun, or the one with this URI. Sends nothing and completes at
    /// once; starting the chat, or a message, begins it (`startOnlineMeeting_ref`), with whoever was added before, or joins
    /// it (`joinOnlineMeeting_ref`).
    OpenMeeting {
        /// The caller's name for it.
        conversation: ConversationKey,
        /// The SIP URI of the conference that is to be joined.
        uri: Option<String>,
    },
    /// Forgets a conversation that has ended. One that has not is left first.
    ForgetConversation(ConversationKey),
    /// Invites the peer to a chat without a message. Completes when the invitation has.
    StartChat {
        /// The conversation, open and not established.
        conversation: ConversationKey,
        /// The subject, at most 250 UTF-16 code units (`startMessaging_ref`).
        subject: Option<String>,
        /// Custom content for the invitation of one peer into a new conversation. Nothing else carries any, and with some
        /// is not begun.
        context: Option<CustomContent>,
    },
    /// Sends a message: inside an invitation where no chat is established, queued while one is being established.
    /// Completes with success only when the server reported the delivery.
    SendMessage {
        /// The conversation.
        conversation: ConversationKey,
        /// The caller's name for the message.
        message: MessageKey,
        /// What to say.
        body: MessageBody,
        /// The subject of the invitation, if one is sent.
        subject: Option<String>,
    },
    /// Accepts the incoming invitation. Completes when the invitation has, not when the server took the command.
    Accept(ConversationKey),
    /// Declines the incoming invitation.
    Decline(ConversationKey),
    /// Ends the chat, which in a one-to-one conversation without other modalities ends the conversation.
    StopChat(ConversationKey),
    /// Leaves the conversation, in whatever state it is. One that is not established completes at once.
    Leave(ConversationKey),
    /// Tells the others that the user is typing. The server forgets it after about five seconds; hints in quick
    /// succession are one request.
    SendIsTyping(ConversationKey),
    /// Adds a participant. Before the conversation has begun nothing is sent: he is invited with its start, which makes
    /// it a conference if he is not the only one. Afterwards it completes when his invitation has, which makes a
    /// conversation of two a conference.
    AddParticipant {
        /// The conversation.
        conversation: ConversationKey,
        /// The caller's name for the participant.
        participant: ParticipantKey,
        /// The participant's SIP URI.
        uri: String,
    },
    /// Ejects a participant from a conference, or takes back his invitation. Completes when he is out.
    RemoveParticipant {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Promotes a participant of a conference to leader, or demotes him to attendee. Completes when the server agreed; the
    /// role itself is told of when the conference has it so.
    SetRole {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
        /// The role that he is to have.
        role: Role,
    },
    /// Lets a participant in from the lobby of a conference. Completes when the server agreed; that he is in is told of
    /// when he is.
    Admit {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Turns a participant away from the lobby of a conference. Completes when the server agreed, or he is gone.
    Reject {
        /// The conversation.
        conversation: ConversationKey,
        /// The participant.
        participant: ParticipantKey,
    },
    /// Tells the server that the user saw a conversation that was accepted for him.
    Acknowledge(ConversationKey),
    /// Reads a field of a person, and with it all that the server keeps in the same resource. Completes when it was told
    /// of as [`SessionEvent::Person`](crate::SessionEvent::Person). Several of one resource that are asked for
    /// together are one request, and requests that are due together are one batch.
    FetchPerson {
        /// The SIP URI; before the sign-in, empty for the user himself.
        address: String,
        /// The field.
        field: PersonField,
    },
    /// The interest in a field of a person is this from now on, over all applications of the session. Completes at once;
    /// what becomes known is told of as [`SessionEvent::Person`](crate::SessionEvent::Person).
    FollowPerson {
        /// The SIP URI; before the sign-in, empty for the user himself.
        address: String,
        /// The field.
        field: PersonField,
        /// The interest.
        interest: Interest,
    },
    /// Changes what others see of the user. Completes when the server agreed.
    SetMe(MeChange),
    /// Searches for people. Completes with [`Outcome::People`].
    SearchPeople {
        /// What to look for: a name, or a part of one, or an address; at most 256 UTF-16 code units (`search_ref`).
        query: String,
        /// How many to find at most, 1 to 100.
        limit: u32,
    },
    /// Has the server archive conversations, or not any more; while it does it also accepts invitations for the user.
    /// Completes when the server said that it is so.
    SetHistory(bool),
    /// Finds more chats in the archive, of two and of many, newest first. Completes when they were told of as
    /// [`SessionEvent::Archived`](crate::SessionEvent::Archived). The server lists its last 100 conversations, of every
    /// kind (`conversationLogs_ref`).
    ListArchived {
        /// How many to find, 1 to 100; there may be fewer.
        count: u32,
    },
    /// Reads the next page of what was said in an archived conversation, the newest of its logs first. Completes when it
    /// was told of as [`ConversationChange::Archived`](crate::ConversationChange::Archived).
    ReadArchived(ConversationKey),
}

/// What a completed operation brought.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing but its success.
    Done,
    /// The message reached the peer.
    Delivered,
    /// Whom a search found.
    People {
        /// The people, in the server's order.
        people: Vec<FoundPerson>,
        /// Whether there are more than the limit let through.
        more: bool,
    },
}

/// How a user proves who he is.
#[non_exhaustive]
pub enum Credentials {
    /// The password grant of the web ticket service.
    Password {
        /// The user's SIP URI, `user@domain`; its domain is where discovery starts and what hosts are anchored to.
        sip_uri: String,
        /// The name to authenticate with (`user@domain` or `DOMAIN\user`); the SIP address where absent.
        user_name: Option<String>,
        /// The password.
        password: SecretString,
    },
    /// The Windows grant: the transport proves who the user is, on the connection of the token request.
    Windows {
        /// The user's SIP URI.
        sip_uri: String,
    },
    /// The passive grant: the user signs in at a page whose address is asked about
    /// ([`Question::PassiveSignIn`](crate::Question::PassiveSignIn)).
    Passive {
        /// The user's SIP URI.
        sip_uri: String,
    },
    /// A guest of a meeting. Such a token lives an hour and is renewed by itself.
    AnonymousMeeting {
        /// The conference URI of the meeting; its domain is where discovery starts.
        conference_uri: String,
        /// The name that the others in the meeting see, at most 250 UTF-16 code units (`onlineMeetingInvitation_ref`).
        display_name: String,
        /// The conference key, where the meeting has one.
        key: Option<SecretString>,
    },
    /// Tokens of another issuer, one per host, asked for with [`Question::Token`](crate::Question::Token).
    Bearer {
        /// The user's SIP URI.
        sip_uri: String,
    },
}

impl Credentials {
    /// The address whose domain is where discovery starts.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Password { sip_uri, .. }
            | Self::Windows { sip_uri }
            | Self::Passive { sip_uri }
            | Self::Bearer { sip_uri } => sip_uri,
            Self::AnonymousMeeting { conference_uri, .. } => conference_uri,
        }
    }

    /// What a guest calls himself.
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
        }
    }
}

/// Custom content of an invitation: whatever two applications have agreed on.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomContent {
    /// The media type, with its parameters if there are some.
    pub content_type: String,
    /// The content.
    pub content: String,
}

impl fmt::Debug for CustomContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is somebody else's, and may say anything.
        write!(
            f,
            "CustomContent({}, {} bytes)",
            self.content_type,
            self.content.len()
        )
    }
}

/// The content of a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageBody {
    /// Plain text.
    Text(String),
    /// HTML as it was written or received: untrusted.
    Html(String),
    /// Something that is neither, kept as it arrived (`multipart/alternative` occurs). An empty media type says that
    /// the content could not be fetched.
    Other {
        /// The media type.
        media_type: String,
        /// The content, as text.
        raw: String,
    },
}

impl fmt::Debug for MessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people write to each other is not for logs.
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Html(html) => write!(f, "Html({} bytes)", html.len()),
            Self::Other { media_type, raw } => {
                write!(f, "Other({media_type}, {} bytes)", raw.len())
            }
        }
    }
}
