//! The port: what a protocol does for the model.

use std::fmt;
use std::time::{Duration, SystemTime};

use futures_core::future::BoxFuture;

use crate::body::MessageBody;
use crate::ids::{ConversationId, MessageId, ParticipantId};
use crate::person::PersonStatus;
use crate::persons_manager::FoundPersons;
use crate::reason::{Reason, ReasonCode};
use crate::states::ParticipantRole;

/// What a port method returns.
pub type PortFuture<R = ()> = BoxFuture<'static, Result<R, Reason>>;

/// The other side of a conversation of two that was made here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The participant that stands for them; facts about them should use this id.
    pub participant: ParticipantId,
    /// Their address as [`Backend::normalize_address`] wrote it.
    pub address: String,
}

/// How a conversation is to be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartOptions {
    /// The subject of the invitation.
    pub subject: Option<String>,
    /// Custom content for the invitation.
    pub context: Option<Context>,
}

/// Custom content of an invitation.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Context {
    /// Its media type.
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

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutgoingMessage {
    /// By this id facts tell its fate.
    pub id: MessageId,
    /// What it says.
    pub body: MessageBody,
    /// The subject of the invitation, should the message need one.
    pub subject: Option<String>,
}

/// What can be fetched of a person, or followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PersonField {
    /// Their title.
    Title,
    /// Where they work.
    Office,
    /// Their department.
    Department,
    /// Their company.
    Company,
    /// Where their picture is.
    AvatarUrl,
    /// Their phone numbers.
    PhoneNumbers,
    /// Their mail addresses.
    Emails,
    /// Their status.
    Status,
    /// What they are doing, in words.
    Activity,
    /// When they were last seen.
    LastSeenAt,
    /// What kind of device they are at.
    EndpointType,
    /// What they tell others.
    Note,
    /// Where they are.
    Location,
    /// What can be done with them.
    Capabilities,
}

/// How much anybody wants to know about a field of a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Nobody does.
    #[default]
    None,
    /// Somebody wants it fetched this often.
    Every(Duration),
    /// Somebody wants to know of each change.
    Live,
}

/// What we change of ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeChange {
    /// Show this status.
    Status(PersonStatus),
    /// Show this note.
    Note(String),
    /// Show this location.
    Location(String),
    /// Let the server find the status.
    ResetStatus,
    /// Show no note.
    ResetNote,
    /// Let the server find the location.
    ResetLocation,
}

/// The port: what a protocol does for the model.
///
/// The methods are eager: they take effect, in call order, before they return; the future only tells the end, and dropping
/// it cancels nothing. The model calls them in the order in which the commands took effect, also across threads, and holds
/// no lock meanwhile: an implementation may write facts from inside. When two threads give commands at the same time, one of
/// them makes both calls.
///
/// A future resolves after the facts that settled it were committed: `Ok` from [`send_message`](Self::send_message)
/// means that the message was delivered. Every message must come to an end by a fact, since nobody needs to poll the
/// future; as a second line of defence the model settles a message that is still pending when its future ends.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// The time, for the local timestamps of outgoing messages.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The protocol's spelling of an address. Two addresses that are equal but for ASCII case are the same person.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) when it cannot be an address.
    fn normalize_address(&self, address: &str) -> Result<String, Reason> {
        let address = address.trim();
        if address.is_empty() {
            return Err(
                Reason::new(ReasonCode::InvalidArgument).with_message("the address is empty")
            );
        }
        Ok(address.to_owned())
    }

    /// A conversation of two was made here. Nothing is to be sent yet.
    fn open_conversation(&self, conversation: ConversationId, peer: Peer);

    /// A conference was made here: one to be begun, or the one at this address, to be joined. Nothing is to be sent yet. A
    /// port that has no conferences leaves it at that, refuses to start it, and says by a fact that it has ended.
    fn open_meeting(&self, conversation: ConversationId, uri: Option<String>) {
        let _ = (conversation, uri);
    }

    /// The conversation was removed from the model; facts about it will be ignored.
    fn forget_conversation(&self, conversation: ConversationId);

    /// Starts the chat, or restarts it.
    fn start(&self, conversation: ConversationId, options: StartOptions) -> PortFuture;

    /// Sends a message. Where the chat is not established the invitation carries it; while it is being established it waits.
    fn send_message(&self, conversation: ConversationId, message: OutgoingMessage) -> PortFuture;

    /// Accepts the invitation.
    fn accept(&self, conversation: ConversationId) -> PortFuture;

    /// Declines the invitation.
    fn reject(&self, conversation: ConversationId) -> PortFuture;

    /// Ends the chat, or cancels its invitation; other modalities go on.
    fn stop(&self, conversation: ConversationId) -> PortFuture;

    /// Ends the conversation for us. May be called again while an end is under way: it joins that.
    fn leave(&self, conversation: ConversationId) -> PortFuture;

    /// Tells that a conversation that was accepted for the user was seen.
    fn acknowledge(&self, conversation: ConversationId) -> PortFuture;

    /// Tells the others that the user is typing.
    fn send_is_typing(&self, conversation: ConversationId) -> PortFuture;

    /// Someone was put into a conversation. In one that has not begun nothing is to be sent: they are invited with it.
    fn add_participant(&self, conversation: ConversationId, participant: Peer) -> PortFuture {
        let _ = (conversation, participant);
        not_supported()
    }

    /// Someone is to be taken out of a conversation.
    fn remove_participant(
        &self,
        conversation: ConversationId,
        participant: ParticipantId,
    ) -> PortFuture {
        let _ = (conversation, participant);
        not_supported()
    }

    /// A participant is to have another role. Resolves when the other side agreed; the role itself comes as a fact.
    fn set_role(
        &self,
        conversation: ConversationId,
        participant: ParticipantId,
        role: ParticipantRole,
    ) -> PortFuture {
        let _ = (conversation, participant, role);
        not_supported()
    }

    /// Someone in the lobby is to be let in. Resolves when the other side agreed; that they are in comes as a fact.
    fn admit(&self, conversation: ConversationId, participant: ParticipantId) -> PortFuture {
        let _ = (conversation, participant);
        not_supported()
    }

    /// Someone in the lobby is to be turned away. Resolves when the other side agreed; that they are out comes as a fact.
    fn turn_away(&self, conversation: ConversationId, participant: ParticipantId) -> PortFuture {
        let _ = (conversation, participant);
        not_supported()
    }

    /// More of what was said in a conversation before is wanted.
    fn more_history(&self, conversation: ConversationId) -> PortFuture {
        let _ = conversation;
        not_supported()
    }

    /// So many more of the conversations of former days are wanted.
    fn more_conversations(&self, count: u32) -> PortFuture {
        let _ = count;
        not_supported()
    }

    /// What is said from now on is to be kept, or not.
    fn set_history(&self, enabled: bool) -> PortFuture {
        let _ = enabled;
        not_supported()
    }

    /// Finds out a field of a person.
    fn fetch_person(&self, address: &str, field: PersonField) -> PortFuture {
        let _ = (address, field);
        not_supported()
    }

    /// The interest in a field of a person changed to this. Joining, batching and timers are the protocol's.
    fn set_interest(&self, address: &str, field: PersonField, interest: Interest) {
        let _ = (address, field, interest);
    }

    /// Searches for people, at most this many.
    fn search_persons(&self, query: &str, limit: u32) -> PortFuture<FoundPersons> {
        let _ = (query, limit);
        not_supported()
    }

    /// Changes what others see of us.
    fn set_me(&self, change: MeChange) -> PortFuture {
        let _ = change;
        not_supported()
    }
}

fn not_supported<R: Send + 'static>() -> PortFuture<R> {
    Box::pin(std::future::ready(Err(Reason::new(
        ReasonCode::NotSupported,
    ))))
}
