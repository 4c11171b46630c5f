//! What the requests and timers of the chats are for, and which conversation owns them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use ucwa_proto::{HrefKey, Resource};

use super::moderation::Action;
use crate::core::Core;
use crate::exchange::{Exchange, ExchangeId, Purpose};
use crate::failure::Stage;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::timers::{Timer, TimerKey};

/// What a request of the chats is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatsPurpose {
    /// A request of a conversation. Its [`Tasks`] hold the ID for as long as the response matters.
    Conversation(ConversationKey, ChatPurpose),
    /// GET an invitation of which an event gave only the link: its href and rel.
    ReadUnknownInvitation(String, String),
    /// GET a conversation that no invitation has named: its href and the number of failed reads.
    ReadUnclaimed(String, u32),
}

/// What a request of a conversation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatPurpose {
    /// POST startMessaging, addMessaging, startOnlineMeeting or joinOnlineMeeting, with the operation ID.
    Invite(String),
    /// GET an invitation.
    ReadInvitation(InvitationId),
    Accept,
    Decline,
    /// POST the cancellation of our invitation.
    Cancel,
    StopMessaging,
    /// POST stopMessaging to a server that does not let the conversation be deleted.
    StopInsteadOfDelete,
    DeleteConversation,
    ReadConversation,
    ReadMessaging,
    /// GET the messaging resource of the conversation into which this one was taken.
    ReadDerivedMessaging,
    ReadParticipants,
    /// GET a participant.
    ReadParticipant(HrefKey),
    SendMessage(MessageKey),
    /// GET an outgoing message for its delivery result.
    ReadDelivery(MessageKey),
    /// GET an outgoing message of which only the href is known, to learn its operation ID.
    ReadOutgoing(HrefKey),
    /// GET an incoming message of which an event gave only the link.
    ReadIncoming(HrefKey),
    SetIsTyping,
    /// POST addParticipant, with the operation ID.
    AddParticipant(String),
    /// GET the invitation of a participant, by its operation ID.
    ReadParticipantInvitation(String),
    /// POST the cancellation of a participant's invitation.
    CancelParticipant(ParticipantKey),
    Eject(ParticipantKey),
    /// POST promote, demote, admit or reject.
    Moderate(ParticipantKey, Action),
    Acknowledge,
}

/// Names an invitation that has no result yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvitationId {
    /// An outgoing one, by its operation ID.
    Outgoing(String),
    /// An incoming one, by its href: operation IDs of others mean nothing here.
    Incoming(HrefKey),
}

impl ChatsPurpose {
    /// The stage that a failure of the request names, and the operation's name for traces, which holds no ID and no name
    /// of a person.
    pub(crate) fn describe(&self) -> (Stage, &'static str) {
        match self {
            Self::Conversation(_, purpose) => purpose.describe(),
            Self::ReadUnknownInvitation(..) => (Stage::Invitation, "messagingInvitation"),
            Self::ReadUnclaimed(..) => (Stage::Conversation, "conversation"),
        }
    }

    /// Whether the request carries what the user wrote: its failure is reported even where the application has ended.
    pub(crate) fn carries_message(&self) -> bool {
        matches!(
            self,
            Self::Conversation(_, ChatPurpose::Invite(_) | ChatPurpose::SendMessage(_))
        )
    }
}

impl ChatPurpose {
    fn describe(&self) -> (Stage, &'static str) {
        match self {
            Self::Invite(_) => (Stage::Invitation, "startMessaging"),
            Self::ReadInvitation(_) => (Stage::Invitation, "messagingInvitation"),
            Self::Accept => (Stage::Invitation, "accept"),
            Self::Decline => (Stage::Invitation, "decline"),
            Self::Cancel | Self::CancelParticipant(_) => (Stage::Invitation, "cancel"),
            Self::AddParticipant(_) => (Stage::Invitation, "addParticipant"),
            Self::ReadParticipantInvitation(_) => (Stage::Invitation, "participantInvitation"),
            Self::SendMessage(_) => (Stage::Message, "sendMessage"),
            Self::ReadDelivery(_) | Self::ReadOutgoing(_) | Self::ReadIncoming(_) => {
                (Stage::Message, "message")
            }
            Self::StopMessaging | Self::StopInsteadOfDelete => {
                (Stage::Conversation, "stopMessaging")
            }
            Self::DeleteConversation => (Stage::Conversation, "conversation.delete"),
            Self::ReadConversation => (Stage::Conversation, "conversation"),
            Self::ReadMessaging | Self::ReadDerivedMessaging => (Stage::Conversation, "messaging"),
            Self::ReadParticipants => (Stage::Conversation, "participants"),
            Self::ReadParticipant(_) => (Stage::Conversation, "participant"),
            Self::SetIsTyping => (Stage::Conversation, "setIsTyping"),
            Self::Eject(_) => (Stage::Conversation, "eject"),
            Self::Moderate(_, action) => (Stage::Conversation, action.rel()),
            Self::Acknowledge => (Stage::Conversation, "userAcknowledged"),
        }
    }
}

/// What is due for the chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatsTimer {
    /// A timer of a conversation.
    Conversation(ConversationKey, ChatTimer),
    /// An invitation should have named the conversation at this href by now. The number of failed reads.
    Unclaimed(String, u32),
}

/// What is due in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatTimer {
    /// The event channel should have told of the invitation with this operation ID.
    InvitationStarted(String),
    /// The invitation should have completed.
    InvitationCompleted(InvitationId),
    /// The delivery result of a message should have come.
    Delivery(MessageKey),
    /// The text of the accepted invitation should have come as a message event.
    FirstMessage,
    /// A conversation that lost its chat should have told whether it goes on.
    Probe,
    /// The invitation of a participant with this operation ID should have made progress.
    ParticipantInvitation(String),
    /// A participant who was ejected should have left.
    Ejected(ParticipantKey),
}

/// The requests in flight and the armed timers of one life of a conversation. What comes back for any other life is
/// discarded: [`Tasks::finish`] and [`Tasks::take_due`] do not know it.
pub(super) struct Tasks {
    conversation: ConversationKey,
    requests: BTreeMap<ExchangeId, ChatPurpose>,
    timers: BTreeMap<TimerKey, ChatTimer>,
}

impl Tasks {
    pub(super) fn new(conversation: ConversationKey) -> Self {
        Self {
            conversation,
            requests: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    /// Aborts the requests and cancels the timers.
    pub(super) fn drop_all(&mut self, core: &mut Core) {
        let ended = std::mem::replace(self, Self::new(self.conversation));
        for timer in ended.timers.into_keys() {
            core.cancel_timer(timer);
        }
        core.abandon_owned(&ended.requests.into_keys().collect());
    }

    pub(super) fn issue(
        &mut self,
        core: &mut Core,
        purpose: ChatPurpose,
        method: Method,
        url: String,
    ) {
        let exchange = self.exchange(purpose.clone(), method, url);
        self.track(core, purpose, exchange);
    }

    pub(super) fn post(&mut self, core: &mut Core, purpose: ChatPurpose, url: String) {
        self.issue(core, purpose, Method::POST, url);
    }

    pub(super) fn post_input(
        &mut self,
        core: &mut Core,
        purpose: ChatPurpose,
        url: String,
        input: &Resource<'_>,
    ) {
        let exchange = self.exchange(purpose.clone(), Method::POST, url);
        let exchange = core.with_input(exchange, input);
        self.track(core, purpose, exchange);
    }

    pub(super) fn post_text(
        &mut self,
        core: &mut Core,
        purpose: ChatPurpose,
        url: String,
        (content_type, text): (&'static str, String),
    ) {
        let exchange = self.exchange(purpose.clone(), Method::POST, url);
        self.track(core, purpose, exchange.with_body(content_type, text));
    }

    /// GETs `href`, unless a request for the same purpose is in flight.
    pub(super) fn read(&mut self, core: &mut Core, href: Option<&str>, purpose: ChatPurpose) {
        if let Some(href) = href
            && !self.is_in_flight(&purpose)
            && let Ok(url) = core.resolve(href, purpose.describe().0)
        {
            self.issue(core, purpose, Method::GET, url);
        }
    }

    fn exchange(&self, purpose: ChatPurpose, method: Method, url: String) -> Exchange {
        let purpose = ChatsPurpose::Conversation(self.conversation, purpose);
        Exchange::new(Purpose::Chats(purpose), method, url)
    }

    fn track(&mut self, core: &mut Core, purpose: ChatPurpose, exchange: Exchange) {
        let id = core.issue_owned(exchange);
        self.requests.insert(id, purpose);
    }

    /// Takes a request whose end has come off the list. `false` if it belongs to a life that is over.
    pub(super) fn finish(&mut self, exchange: &Exchange) -> bool {
        let known = exchange.id.and_then(|id| self.requests.remove(&id));
        known.is_some()
    }

    pub(super) fn is_in_flight(&self, purpose: &ChatPurpose) -> bool {
        self.requests.values().any(|other| other == purpose)
    }

    /// Whether the request is in flight and has certainly not left.
    pub(super) fn is_unsent(&self, core: &Core, purpose: &ChatPurpose) -> bool {
        let mut requests = self.requests.iter();
        requests.any(|(id, other)| other == purpose && core.is_unsent(*id))
    }

    /// Aborts the requests of which `unwanted` is true.
    pub(super) fn abandon(&mut self, core: &mut Core, unwanted: impl Fn(&ChatPurpose) -> bool) {
        let requests = self.requests.iter();
        let unwanted = requests.filter(|(_, purpose)| unwanted(purpose));
        let ids: BTreeSet<_> = unwanted.map(|(id, _)| *id).collect();
        self.requests.retain(|id, _| !ids.contains(id));
        core.abandon_owned(&ids);
    }

    pub(super) fn arm(&mut self, core: &mut Core, after: Duration, timer: ChatTimer) {
        let owned = ChatsTimer::Conversation(self.conversation, timer.clone());
        let key = core.arm(after, Timer::Chats(owned));
        self.timers.insert(key, timer);
    }

    pub(super) fn is_armed(&self, timer: &ChatTimer) -> bool {
        self.timers.values().any(|other| other == timer)
    }

    /// Takes a timer that is due off the list. `false` if it belongs to a life that is over.
    pub(super) fn take_due(&mut self, key: TimerKey) -> bool {
        self.timers.remove(&key).is_some()
    }

    /// Cancels the timers of which `unwanted` is true.
    pub(super) fn cancel(&mut self, core: &mut Core, unwanted: impl Fn(&ChatTimer) -> bool) {
        self.timers.retain(|key, timer| {
            let cancelled = unwanted(timer);
            if cancelled {
                core.cancel_timer(*key);
            }
            !cancelled
        });
    }
}
