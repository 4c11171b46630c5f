//! What the session tells of: domain events, in the order in which they happened.

use std::time::SystemTime;

use crate::failure::Failure;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::operation::{CustomContent, MessageBody};
use crate::person::PersonFact;

/// A change that an application may want to see. All events that one input causes belong together: an event page of
/// the server comes out as one run of events up to the next [`Output::Idle`](crate::Output::Idle).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The state of the sign-in changed, or whether events arrive.
    ///
    /// [`SignedIn`](SignInState::SignedIn) with a failure: for this reason no events have arrived for 30 s, or the event
    /// pages cannot be read. The session goes on trying, and says `SignedIn` without a failure when a page has arrived.
    SignIn {
        /// The new state, or the present one.
        state: SignInState,
        /// Why, when it was not asked for.
        failure: Option<Failure>,
    },
    /// Who is signed in.
    Me {
        /// The user's SIP URI.
        uri: String,
        /// The display name, if the server knows one.
        name: Option<String>,
    },
    /// Where the user is at home: kept, it saves the next sign-in the discovery ([`Root::User`](crate::Root::User)). Told
    /// at the sign-in, and again if the user is found elsewhere later. To be forgotten when the user signs out for good
    /// (`RootURL`).
    Home {
        /// The address of the user resource.
        user: String,
    },
    /// Something became known of a person: because it was asked for, or because it changed and somebody is interested.
    Person {
        /// The person's SIP URI; the user's own for what concerns the user.
        uri: String,
        /// What.
        fact: PersonFact,
    },
    /// Somebody invites this user to a chat; a new conversation.
    Incoming {
        /// The session's name for the conversation.
        conversation: ConversationKey,
        /// Who invites.
        from: Participant,
        /// The subject, if there is one.
        subject: Option<String>,
        /// The message that the invitation carries. A preview: it is reported as a message once, when it is due.
        preview: Option<MessageBody>,
        /// Custom content of the invitation, if it carries some.
        context: Option<CustomContent>,
        /// True when the invitation can be accepted; false when the server or another endpoint is answering it.
        answerable: bool,
    },
    /// A conversation that this session did not begin exists at the server: another endpoint of the user started it.
    Discovered {
        /// The session's name for the conversation.
        conversation: ConversationKey,
        /// The peer, as far as he is known.
        peer: Option<Participant>,
        /// The subject, if there is one.
        subject: Option<String>,
    },
    /// A conversation of former days was found in the archive. It is over, and can be started again.
    Archived {
        /// The session's name for the conversation.
        conversation: ConversationKey,
        /// The others in it: one, or several, who made a group of it. A
        /// [`Group`](ConversationChange::Group) says so then.
        participants: Vec<Participant>,
        /// The subject, if there was one.
        subject: Option<String>,
    },
    /// Whether the archive holds more conversations than were told of. Until the first time, it may.
    MoreArchived(bool),
    /// How many conversations were missed and not read since. Told once the server archives, or the archive was asked for,
    /// and with every change that the server tells of.
    UnreadConversations(u64),
    /// Whether the server archives conversations.
    History {
        /// It does.
        enabled: bool,
        /// It can be told to, or not to.
        settable: bool,
    },
    /// Something changed in a conversation.
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
    /// Not signed in; after having been signed in, for good.
    SignedOut,
    /// On the way in.
    SigningIn,
    /// Messages can be sent; they can be received as well unless the server refused to make the user available.
    SignedIn,
    /// On the way out.
    SigningOut,
}

/// A participant as the server describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// The name under which further changes speak of it.
    pub key: ParticipantKey,
    /// The SIP URI, if it is known.
    pub uri: Option<String>,
    /// The display name, if it is known.
    pub name: Option<String>,
    /// What it may do in a conference, if it is known.
    pub role: Option<Role>,
    /// Joined without an account.
    pub anonymous: bool,
    /// Waits in the lobby of a conference until somebody admits it.
    pub in_lobby: bool,
    /// What this user may do with it.
    pub capabilities: ParticipantCapabilities,
}

/// What this user may do with a participant of a conference: what the participant has links for (`participant_ref`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParticipantCapabilities {
    /// Make a leader of him.
    pub promote: bool,
    /// Make an attendee of him.
    pub demote: bool,
    /// Let him in from the lobby, where he is.
    pub admit: bool,
    /// Turn him away from the lobby, where he is.
    pub reject: bool,
}

/// What a participant may do in a conference (`Role_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes part.
    Attendee,
    /// Takes part, admits and ejects others.
    Leader,
}

/// Where this user stands in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// In it.
    Joined,
    /// In the lobby of the conference.
    InLobby,
    /// Not in it any more.
    Gone,
}

/// A change in one conversation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConversationChange {
    /// Our invitation is on its way to the peer.
    Inviting,
    /// It rings at the peer's.
    Alerting,
    /// The conversation is being established at the server.
    Connecting,
    /// The conversation is established: updates are live.
    Connected,
    /// The subject became known.
    Subject(String),
    /// The chat of an existing conversation is offered anew and can be accepted.
    ChatOffered,
    /// The chat is being established.
    ChatConnecting,
    /// The chat is established; these are the formats that both sides take.
    ChatConnected {
        /// `true` if HTML may be sent.
        html: bool,
    },
    /// The chat is being ended.
    ChatDisconnecting,
    /// There is no chat any more, although the conversation may live on.
    ChatDisconnected {
        /// Why, if it was not asked for.
        failure: Option<Failure>,
    },
    /// The conversation is a conference from here on, or more became known of that.
    Group {
        /// The SIP URI of the conference, if it is known.
        uri: Option<String>,
    },
    /// Which modalities are active in the conversation, whoever began them.
    Modalities {
        /// Messaging is.
        messaging: bool,
        /// Audio is, over the network or a telephone.
        audio: bool,
        /// Video is.
        video: bool,
    },
    /// How many take part, by the server's count.
    ParticipantCount(u64),
    /// Whether the conversation was accepted for the user, who has not acknowledged that yet.
    Acknowledgeable(bool),
    /// Where this user stands, or what he may do, as far as it changed.
    Myself {
        /// Where he stands.
        standing: Option<Standing>,
        /// What he may do.
        role: Option<Role>,
    },
    /// The invitation of a participant who was added is on its way.
    ParticipantInvited(ParticipantKey),
    /// A participant is in the conversation, or in its lobby, or is admitted from there.
    ParticipantJoined(Participant),
    /// More became known of a participant.
    ParticipantUpdated(Participant),
    /// A participant left, or did not come.
    ParticipantLeft {
        /// Who.
        participant: ParticipantKey,
        /// Why, if there is a reason that is a failure.
        failure: Option<Failure>,
    },
    /// A participant's chat came up or went down.
    ParticipantChat {
        /// Whose.
        participant: ParticipantKey,
        /// Up, or down.
        connected: bool,
    },
    /// A participant began or stopped typing.
    Typing {
        /// Who.
        participant: ParticipantKey,
        /// Began, or stopped.
        typing: bool,
    },
    /// A message arrived.
    MessageReceived {
        /// The session's name for it.
        message: MessageKey,
        /// Who wrote it; not always somebody in the roster.
        sender: Participant,
        /// What it says.
        body: MessageBody,
        /// When the server took it, or when it arrived where the server does not say.
        timestamp: SystemTime,
    },
    /// Messages of former days, in any order.
    Archived(Vec<ArchivedMessage>),
    /// Whether the archive holds more of what was said in it.
    MoreHistory(bool),
    /// The verdict on a message of ours, or a later and better one.
    MessageStatus {
        /// Which message.
        message: MessageKey,
        /// The verdict.
        status: MessageStatus,
        /// When the server took it, if it says so.
        timestamp: Option<SystemTime>,
        /// Why it was not delivered, or why that is unknown.
        failure: Option<Failure>,
    },
    /// What was to end, the chat or the conversation, was not ended by the server and goes on.
    EndRefused {
        /// Whether the chat is established.
        chat: bool,
    },
    /// The conversation is over. Everything that was pending in it has been reported before.
    Ended {
        /// Why, if it was not asked for.
        failure: Option<Failure>,
    },
}

/// A message of former days (`conversationLogTranscript_ref`).
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedMessage {
    /// The session's name for it.
    pub message: MessageKey,
    /// This user wrote it, and nobody else.
    pub outgoing: bool,
    /// The SIP URI of who wrote it; empty where the log of a group does not say.
    pub sender: String,
    /// The display name of who wrote it, if it is known.
    pub sender_name: Option<String>,
    /// What it says.
    pub body: MessageBody,
    /// When it was sent.
    pub timestamp: SystemTime,
}

/// The verdict on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// It reached the peer.
    Succeeded,
    /// It did not reach the peer.
    Failed,
    /// Nobody could be asked. A later event may still tell.
    Unknown,
}
