//! The purposes of the requests and timers of the chats, and the conversations that own them.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use ucwa_proto::{HrefKey, Resource};

use super::moderation::Action;
use crate::core::Core;
use crate::exchange::{Exchange, ExchangeId, Purpose};
use crate::failure::Stage;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::timers::{Timer, TimerKey};

/// The purpose of a request of the chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatsPurpose {
    /// A request of a conversation. Its [`Tasks`] hold the ID as long as the response matters.
    Conversation(ConversationKey, ChatPurpose),
    /// GET an invitation of which an event had only the link. Holds its href and rel.
    ReadUnknownInvitation(String, String),
    /// GET a conversation that no invitation has named. Holds its href and the number of failed reads.
    ReadUnclaimed(String, u32),
}

/// The purpose of a request of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatPurpose {
    /// POST startMessaging, addMessaging, startOnlineMeeting or joinOnlineMeeting, with the operation ID.
    Invite(String),
    /// GET an invitation.
    ReadInvitation(InvitationId),
    Accept,
    Decline,
    /// POST the cancellation of the outgoing invitation.
    Cancel,
    StopMessaging,
    /// POST stopMessaging to a server that does not allow deleting the conversation.
    StopInsteadOfDelete,
    DeleteConversation,
    ReadConversation,
    ReadMessaging,
    /// GET the messaging resource of the derived conversation that replaces this one.
    ReadDerivedMessaging,
    ReadParticipants,
    /// GET a participant.
    ReadParticipant(HrefKey),
    SendMessage(MessageKey),
    /// GET an outgoing message for its delivery result.
    ReadDelivery(MessageKey),
    /// GET an outgoing message of which only the href is known, for its operation ID.
    ReadOutgoing(HrefKey),
    /// GET an incoming message of which an event had only the link.
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

/// Identifies an invitation without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvitationId {
    /// An outgoing invitation, by its operation ID.
    Outgoing(String),
    /// An incoming invitation, by its href. The operation IDs of other users have no meaning in this session.
    Incoming(HrefKey),
}

impl ChatsPurpose {
    /// The stage in failures of the request, and the name of the operation in traces. The name contains no ID and no name of
    /// a person.
    pub(crate) fn describe(&self) -> (Stage, &'static str) {
        match self {
            Self::Conversation(_, purpose) => purpose.describe(),
            Self::ReadUnknownInvitation(..) => (Stage::Invitation, "messagingInvitation"),
            Self::ReadUnclaimed(..) => (Stage::Conversation, "conversation"),
        }
    }

    /// Whether the request contains a message of the user. Its failure is reported even after the application has ended.
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

/// The purpose of a timer of the chats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatsTimer {
    /// A timer of a conversation.
    Conversation(ConversationKey, ChatTimer),
    /// No invitation has named the conversation at this href in time. Holds the number of failed reads.
    Unclaimed(String, u32),
}

/// The purpose of a timer of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatTimer {
    /// No event reported the start of the invitation with this operation ID in time.
    InvitationStarted(String),
    /// The invitation has not completed in time.
    InvitationCompleted(InvitationId),
    /// The delivery result of a message has not arrived in time.
    Delivery(MessageKey),
    /// No message event brought the text of the accepted invitation in time.
    FirstMessage,
    /// A conversation that lost its chat has not reported in time whether it continues.
    Probe,
    /// A failed read of the conversation is due to be repeated.
    ConversationUnread,
    /// A failed read of the messaging resource is due to be repeated.
    MessagingUnread,
    /// The invitation of a participant with this operation ID made no progress in time.
    ParticipantInvitation(String),
    /// An ejected participant has not left in time.
    Ejected(ParticipantKey),
}

/// The requests in flight and the running timers of one life of a conversation. Responses and timers of any other life are
/// discarded by [`Tasks::finish`] and [`Tasks::finish_timer`].
pub(super) struct Tasks {
    conversation: ConversationKey,
    /// In the order in which they began. There are few of them.
    requests: Vec<(ExchangeId, ChatPurpose)>,
    timers: Vec<(TimerKey, ChatTimer)>,
}

impl Tasks {
    pub(super) fn new(conversation: ConversationKey) -> Self {
        Self {
            conversation,
            requests: Vec::new(),
            timers: Vec::new(),
        }
    }

    /// Frees the room of empty lists.
    pub(super) fn shrink(&mut self) {
        if self.requests.is_empty() {
            self.requests.shrink_to_fit();
        }
        if self.timers.is_empty() {
            self.timers.shrink_to_fit();
        }
    }

    /// Aborts the requests and cancels the timers.
    pub(super) fn drop_all(&mut self, core: &mut Core) {
        let ended = std::mem::replace(self, Self::new(self.conversation));
        for (timer, _) in ended.timers {
            core.cancel_timer(timer);
        }
        core.abandon_owned(&ended.requests.into_iter().map(|(id, _)| id).collect());
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
        commit: Option<u64>,
    ) {
        let mut exchange = self.exchange(purpose.clone(), Method::POST, url);
        exchange.commit = commit;
        self.track(core, purpose, exchange.with_body(content_type, text));
    }

    /// POSTs an invitation, after this commit of the caller.
    pub(super) fn post_invitation(
        &mut self,
        core: &mut Core,
        purpose: ChatPurpose,
        url: String,
        input: &Resource<'_>,
        commit: Option<u64>,
    ) {
        let mut exchange = self.exchange(purpose.clone(), Method::POST, url);
        exchange.commit = commit;
        let exchange = core.with_input(exchange, input);
        self.track(core, purpose, exchange);
    }

    /// GETs `href`, unless a request with the same purpose is in flight.
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
        self.requests.push((id, purpose));
    }

    /// Removes a request that has ended. `false` if the request belongs to an earlier life.
    pub(super) fn finish(&mut self, exchange: &Exchange) -> bool {
        let Some(finished) = exchange.id else {
            return false;
        };
        remove(&mut self.requests, finished)
    }

    pub(super) fn is_in_flight(&self, purpose: &ChatPurpose) -> bool {
        self.requests.iter().any(|(_, other)| other == purpose)
    }

    /// Whether the request has certainly not been sent yet.
    pub(super) fn is_unsent(&self, core: &Core, purpose: &ChatPurpose) -> bool {
        let mut requests = self.requests.iter();
        requests.any(|(id, other)| other == purpose && core.is_unsent(*id))
    }

    /// Aborts the requests for which `unwanted` is true.
    pub(super) fn abandon(&mut self, core: &mut Core, unwanted: impl Fn(&ChatPurpose) -> bool) {
        let requests = self.requests.iter();
        let unwanted = requests.filter(|(_, purpose)| unwanted(purpose));
        let ids: BTreeSet<_> = unwanted.map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return;
        }
        self.requests.retain(|(id, _)| !ids.contains(id));
        core.abandon_owned(&ids);
    }

    pub(super) fn arm(&mut self, core: &mut Core, after: Duration, timer: ChatTimer) {
        let owned = ChatsTimer::Conversation(self.conversation, timer.clone());
        let key = core.arm(after, Timer::Chats(owned));
        self.timers.push((key, timer));
    }

    pub(super) fn is_armed(&self, timer: &ChatTimer) -> bool {
        self.timers.iter().any(|(_, other)| other == timer)
    }

    /// Removes a timer that is due. `false` if the timer belongs to an earlier life.
    pub(super) fn finish_timer(&mut self, key: TimerKey) -> bool {
        remove(&mut self.timers, key)
    }

    /// Cancels the timers for which `unwanted` is true.
    pub(super) fn cancel(&mut self, core: &mut Core, unwanted: impl Fn(&ChatTimer) -> bool) {
        self.timers.retain(|(key, timer)| {
            let cancelled = unwanted(timer);
            if cancelled {
                core.cancel_timer(*key);
            }
            !cancelled
        });
    }
}

/// Removes the entry with this ID. Returns whether there was one.
fn remove<I: PartialEq, T>(entries: &mut Vec<(I, T)>, id: I) -> bool {
    let position = entries.iter().position(|(other, _)| *other == id);
    position.map(|position| entries.remove(position)).is_some()
}
