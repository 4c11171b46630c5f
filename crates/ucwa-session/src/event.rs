//! Events that the session emits, in the order in which they happened.

use std::time::SystemTime;

use crate::contact_list::ContactListChange;
use crate::failure::Failure;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::operation::{CustomContent, Importance, MessageBody};
use crate::person::PersonFact;

/// A change to show in an application. The events of one input belong together: an event page of the server comes out
/// as one run of events up to the next [`Output::Idle`](crate::Output::Idle).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The state of the sign-in changed.
    #[non_exhaustive]
    SignIn {
        /// The new state.
        state: SignInState,
        /// The reason, unless the caller asked for the change.
        failure: Option<Failure>,
    },
    /// The event channel of a signed-in user is interrupted: polls have failed for 30 s, three event pages in a row were
    /// unreadable, or the server lost the application. The session reconnects. [`ChannelRestored`](Self::ChannelRestored) or
    /// the end of the sign-in follows.
    #[non_exhaustive]
    ChannelInterrupted {
        /// The wall time of the first failure.
        since: SystemTime,
        /// The failure, with the kind [`ConnectionLost`](crate::FailureKind::ConnectionLost).
        failure: Failure,
    },
    /// The event channel works again: an event page arrived, or the server held a poll for 10 s.
    ChannelRestored,
    /// The identity of the signed-in user.
    #[non_exhaustive]
    Me {
        /// The user's SIP URI.
        uri: String,
        /// The display name, if the server knows one.
        name: Option<String>,
    },
    /// The address of the user resource. A caller that stores it and passes it as [`Root::User`](crate::Root::User)
    /// saves the next sign-in the discovery. Emitted at sign-in, and again if the user is found at another address
    /// later. Delete the stored address when the user signs out permanently (`RootURL`).
    #[non_exhaustive]
    Home {
        /// The address of the user resource.
        user: String,
    },
    /// The server no longer has the application of the [`Checkpoint`](crate::Checkpoint), so the session signs in instead.
    /// The conversations of the checkpoint have ended.
    #[non_exhaustive]
    NotResumed {
        /// The reason.
        failure: Failure,
    },
    /// A fact about a person, because an operation read it, or because it changed and the person is followed.
    #[non_exhaustive]
    Person {
        /// The person's SIP URI; the user's own for facts about the user.
        uri: String,
        /// The fact.
        fact: PersonFact,
    },
    /// A change of the contact list.
    ContactList(ContactListChange),
    /// An incoming invitation to a chat. It creates a conversation.
    #[non_exhaustive]
    Incoming {
        /// The session's key for the conversation.
        conversation: ConversationKey,
        /// The inviter.
        from: Participant,
        /// The subject, if there is one.
        subject: Option<String>,
        /// The importance.
        importance: Importance,
        /// The message that the invitation carries. A preview: the session also reports it once as a received message.
        preview: Option<MessageBody>,
        /// Custom content of the invitation, if it carries some.
        context: Option<CustomContent>,
        /// True if the invitation can be accepted; false if the server or another endpoint of the user answers it.
        answerable: bool,
    },
    /// The server has a conversation that this session did not start: another endpoint of the user started it.
    #[non_exhaustive]
    Discovered {
        /// The session's key for the conversation.
        conversation: ConversationKey,
        /// The peer, as far as it is known.
        peer: Option<Participant>,
        /// The subject, if there is one.
        subject: Option<String>,
    },
    /// A conversation was found in the archive. It has ended, and can be restarted.
    #[non_exhaustive]
    Archived {
        /// The session's key for the conversation.
        conversation: ConversationKey,
        /// The other participants: one, or several for a group. A group also gets [`Group`](ConversationChange::Group).
        participants: Vec<Participant>,
        /// The subject, if there was one.
        subject: Option<String>,
    },
    /// Whether the archive holds more conversations than have been reported. Assume that it does until the first of
    /// these events.
    MoreArchived(bool),
    /// The number of missed conversations that have not been read. Emitted once when the server archives conversations
    /// or the archive is first requested, and with every change that the server reports.
    UnreadConversations(u64),
    /// Whether the server archives conversations.
    #[non_exhaustive]
    History {
        /// The server archives conversations.
        enabled: bool,
        /// The setting can be changed.
        settable: bool,
    },
    /// Something changed in a conversation.
    #[non_exhaustive]
    Conversation {
        /// The conversation.
        conversation: ConversationKey,
        /// What changed.
        change: ConversationChange,
    },
}

/// The states of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignInState {
    /// Not signed in. Final after a sign-in.
    SignedOut,
    /// Signing in.
    SigningIn,
    /// Messages can be sent. They can also be received, unless the server refused `makeMeAvailable`.
    SignedIn,
    /// Signing out.
    SigningOut,
}

/// A participant as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// The key that later changes of this participant use.
    pub key: ParticipantKey,
    /// The SIP URI, if it is known.
    pub uri: Option<String>,
    /// The display name, if it is known.
    pub name: Option<String>,
    /// The role in a conference, if it is known.
    pub role: Option<Role>,
    /// The participant joined without an account.
    pub anonymous: bool,
    /// The participant waits in the lobby of a conference until a leader admits it.
    pub in_lobby: bool,
    /// What this user may do with the participant.
    pub capabilities: ParticipantCapabilities,
}

impl Participant {
    /// A participant of whom nothing but the key is known.
    pub fn new(key: ParticipantKey) -> Self {
        Self {
            key,
            uri: None,
            name: None,
            role: None,
            anonymous: false,
            in_lobby: false,
            capabilities: ParticipantCapabilities::default(),
        }
    }
}

/// What this user may do with a participant of a conference, derived from the participant's links (`participant_ref`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParticipantCapabilities {
    /// Promote the participant to leader.
    pub promote: bool,
    /// Demote the participant to attendee.
    pub demote: bool,
    /// Admit the participant from the lobby.
    pub admit: bool,
    /// Reject the participant in the lobby.
    pub reject: bool,
}

/// The role of a participant in a conference (`Role_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// An ordinary participant.
    Attendee,
    /// A participant who may also admit and eject others.
    Leader,
}

/// The presence of this user in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// The user is in the conversation.
    Joined,
    /// The user is in the lobby of the conference.
    InLobby,
    /// The user has left the conversation.
    Gone,
}

/// A change in one conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConversationChange {
    /// The server has taken the outgoing invitation.
    Inviting,
    /// The invitation alerts the peer.
    Alerting,
    /// The server establishes the conversation.
    Connecting,
    /// The conversation is established and its events arrive.
    Connected,
    /// The subject.
    Subject(String),
    /// The chat of an existing conversation is offered again and can be accepted.
    ChatOffered,
    /// The chat is being established.
    ChatConnecting,
    /// The chat is established.
    #[non_exhaustive]
    ChatConnected {
        /// Both sides accept HTML.
        html: bool,
    },
    /// The chat is being ended.
    ChatDisconnecting,
    /// The chat has ended. The conversation may continue.
    #[non_exhaustive]
    ChatDisconnected {
        /// The reason, unless the caller asked for the end.
        failure: Option<Failure>,
    },
    /// The conversation has become a conference, or its URI has become known.
    #[non_exhaustive]
    Group {
        /// The SIP URI of the conference, if it is known.
        uri: Option<String>,
    },
    /// The modalities that are active in the conversation, whichever participant started them.
    #[non_exhaustive]
    Modalities {
        /// Messaging is active.
        messaging: bool,
        /// Audio is active, over the network or a telephone.
        audio: bool,
        /// Video is active.
        video: bool,
    },
    /// The number of participants by the server's count.
    ParticipantCount(u64),
    /// Whether the server accepted the conversation for the user and waits for an acknowledgement.
    Acknowledgeable(bool),
    /// The presence or the role of this user changed.
    #[non_exhaustive]
    Myself {
        /// The new presence, if it changed.
        standing: Option<Standing>,
        /// The new role, if it changed.
        role: Option<Role>,
    },
    /// The server has taken the invitation of a participant who was added.
    ParticipantInvited(ParticipantKey),
    /// A participant joined the conversation or its lobby, or was admitted from the lobby.
    ParticipantJoined(Participant),
    /// The participant's data changed.
    ParticipantUpdated(Participant),
    /// A participant left, or did not accept the invitation.
    #[non_exhaustive]
    ParticipantLeft {
        /// The participant.
        participant: ParticipantKey,
        /// The reason, if it is a failure.
        failure: Option<Failure>,
    },
    /// The chat of a participant was established or ended.
    #[non_exhaustive]
    ParticipantChat {
        /// The participant.
        participant: ParticipantKey,
        /// Established, or ended.
        connected: bool,
    },
    /// A participant started or stopped typing.
    #[non_exhaustive]
    Typing {
        /// The participant.
        participant: ParticipantKey,
        /// Started, or stopped.
        typing: bool,
    },
    /// A message arrived.
    #[non_exhaustive]
    MessageReceived {
        /// The session's key for the message.
        message: MessageKey,
        /// The sender, who is not always in the roster.
        sender: Participant,
        /// The content.
        body: MessageBody,
        /// When the server received the message. The time of its arrival if the server does not say.
        timestamp: SystemTime,
        /// The href of the message, or of the invitation that carried it. It is the same in each session that resumes this
        /// one.
        href: String,
    },
    /// The request for a message with an ID of the caller is about to be sent. Its result is doubtful if the session ends
    /// before [`MessageStatus`](Self::MessageStatus). With [`SessionConfig::commit_gate`](crate::SessionConfig::commit_gate)
    /// the request leaves after the commit of this change.
    #[non_exhaustive]
    MessagePosting {
        /// The ID of the message.
        message_id: String,
    },
    /// The server has a message with an ID of the caller.
    #[non_exhaustive]
    MessagePosted {
        /// The session's key for the message.
        message: MessageKey,
        /// The ID of the message.
        message_id: String,
        /// The href of the message, or of the invitation that carries it.
        href: String,
    },
    /// Archived messages, in any order.
    Archived(Vec<ArchivedMessage>),
    /// Whether the archive holds more messages of this conversation.
    MoreHistory(bool),
    /// Whether the archive holds a log of this conversation that was not marked as read. Assume that it does not until the
    /// first of these changes.
    Unread(bool),
    /// The delivery result of an outgoing message. A later event may improve on it.
    #[non_exhaustive]
    MessageStatus {
        /// The message.
        message: MessageKey,
        /// The result.
        status: MessageStatus,
        /// When the server received the message, if it says so.
        timestamp: Option<SystemTime>,
        /// The reason for a failed or unknown delivery.
        failure: Option<Failure>,
    },
    /// The delivery result of a message with an ID of the caller, or of a message that was without a result in the
    /// [`Checkpoint`](crate::Checkpoint) of an earlier session. A later event may improve on [`MessageStatus::Unknown`].
    #[non_exhaustive]
    MessageSettled {
        /// The ID of the message.
        message_id: String,
        /// The result.
        status: MessageStatus,
        /// When the server received the message, if it says so.
        timestamp: Option<SystemTime>,
        /// The reason for a failed or unknown delivery.
        failure: Option<Failure>,
    },
    /// The server refused to end the chat or the conversation, which continues.
    #[non_exhaustive]
    EndRefused {
        /// Whether the chat is established.
        chat: bool,
    },
    /// The conversation has ended. All its pending messages and commands have been reported before.
    #[non_exhaustive]
    Ended {
        /// The reason, unless the caller asked for the end.
        failure: Option<Failure>,
    },
}

impl SessionEvent {
    /// A [`Conversation`](Self::Conversation): a change of this conversation.
    #[must_use]
    pub const fn of(conversation: ConversationKey, change: ConversationChange) -> Self {
        Self::Conversation {
            conversation,
            change,
        }
    }
}

/// Creates changes, for the tests of a driver.
impl ConversationChange {
    /// A [`ChatConnected`](Self::ChatConnected).
    #[must_use]
    pub const fn chat_connected(html: bool) -> Self {
        Self::ChatConnected { html }
    }

    /// A [`ChatDisconnected`](Self::ChatDisconnected).
    #[must_use]
    pub const fn chat_disconnected(failure: Option<Failure>) -> Self {
        Self::ChatDisconnected { failure }
    }

    /// A [`MessagePosting`](Self::MessagePosting).
    #[must_use]
    pub fn message_posting(message_id: impl Into<String>) -> Self {
        let message_id = message_id.into();
        Self::MessagePosting { message_id }
    }

    /// A [`MessagePosted`](Self::MessagePosted).
    #[must_use]
    pub fn message_posted(
        message: MessageKey,
        message_id: impl Into<String>,
        href: impl Into<String>,
    ) -> Self {
        Self::MessagePosted {
            message,
            message_id: message_id.into(),
            href: href.into(),
        }
    }

    /// A [`MessageReceived`](Self::MessageReceived).
    #[must_use]
    pub fn message_received(
        message: MessageKey,
        sender: Participant,
        body: MessageBody,
        timestamp: SystemTime,
        href: impl Into<String>,
    ) -> Self {
        Self::MessageReceived {
            message,
            sender,
            body,
            timestamp,
            href: href.into(),
        }
    }

    /// A [`MessageStatus`](Self::MessageStatus).
    #[must_use]
    pub const fn message_status(
        message: MessageKey,
        status: MessageStatus,
        timestamp: Option<SystemTime>,
        failure: Option<Failure>,
    ) -> Self {
        Self::MessageStatus {
            message,
            status,
            timestamp,
            failure,
        }
    }

    /// A [`Modalities`](Self::Modalities).
    #[must_use]
    pub const fn modalities(messaging: bool, audio: bool, video: bool) -> Self {
        Self::Modalities {
            messaging,
            audio,
            video,
        }
    }

    /// A [`Group`](Self::Group).
    #[must_use]
    pub const fn group(uri: Option<String>) -> Self {
        Self::Group { uri }
    }

    /// A [`Myself`](Self::Myself).
    #[must_use]
    pub const fn myself(standing: Option<Standing>, role: Option<Role>) -> Self {
        Self::Myself { standing, role }
    }

    /// A [`ParticipantLeft`](Self::ParticipantLeft).
    #[must_use]
    pub const fn participant_left(participant: ParticipantKey, failure: Option<Failure>) -> Self {
        Self::ParticipantLeft {
            participant,
            failure,
        }
    }

    /// A [`ParticipantChat`](Self::ParticipantChat).
    #[must_use]
    pub const fn participant_chat(participant: ParticipantKey, connected: bool) -> Self {
        Self::ParticipantChat {
            participant,
            connected,
        }
    }

    /// A [`Typing`](Self::Typing).
    #[must_use]
    pub const fn typing(participant: ParticipantKey, typing: bool) -> Self {
        Self::Typing {
            participant,
            typing,
        }
    }

    /// An [`EndRefused`](Self::EndRefused).
    #[must_use]
    pub const fn end_refused(chat: bool) -> Self {
        Self::EndRefused { chat }
    }

    /// An [`Ended`](Self::Ended).
    #[must_use]
    pub const fn ended(failure: Option<Failure>) -> Self {
        Self::Ended { failure }
    }
}

/// An archived message (`conversationLogTranscript_ref`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArchivedMessage {
    /// The session's key for the message.
    pub message: MessageKey,
    /// True if this user wrote the message.
    pub outgoing: bool,
    /// The sender's SIP URI. Empty if the log of a group does not name the sender.
    pub sender: String,
    /// The sender's display name, if it is known.
    pub sender_name: Option<String>,
    /// The content.
    pub body: MessageBody,
    /// When the message was sent.
    pub timestamp: SystemTime,
}

/// The delivery result of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageStatus {
    /// The message reached the peer.
    Succeeded,
    /// The message did not reach the peer.
    Failed,
    /// The result could not be determined. A later event may still report it.
    Unknown,
}
