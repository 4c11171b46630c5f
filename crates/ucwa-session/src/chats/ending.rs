//! How chats and conversations end: stopped, left, ended by the other side, or found to be gone.
//!
//! The server tells of an end in several events, of which any may be missing and whose order is not documented. So the
//! events only note that a conversation is over, and the end itself happens once, when the page is through: whatever
//! else the page says, such as a verdict, has been heard by then.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::conversation::{Chat, Conversation, Probe, State};
use super::invite::VERDICT_GRACE;
use super::{Chats, wrong_state};
use crate::core::Core;
use crate::event::{ConversationChange, Standing};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Outcome;
use crate::response::Effect;
use crate::timers::Timer;

/// How long a conversation that lost its chat may take to say whether it goes on.
const PROBE_AFTER: Duration = Duration::from_secs(10);

impl Chats {
    pub(super) fn stop_chat(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        match conversation.chat {
            Chat::Connected | Chat::Connecting => {}
            Chat::Disconnecting => return conversation.stopping.push(ticket),
            Chat::Disconnected | Chat::Notified => {
                return core.complete(ticket, Err(wrong_state("there is no chat to stop")));
            }
        }
        conversation.stopping.push(ticket);
        conversation.chat_unwanted = true;
        if conversation.invite.is_some() {
            return self.cancel_invite(core, key);
        }
        // In the lobby there is nothing yet but the wish to be let in.
        if conversation.standing == Some(Standing::InLobby) {
            return self.delete_conversation(core, key);
        }
        conversation.chat = Chat::Disconnecting;
        core.change(key, ConversationChange::ChatDisconnecting);
        self.post_stop(core, key, Purpose::StopMessaging(key));
    }

    pub(super) fn leave(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return core.complete(ticket, Ok(Outcome::Done));
        };
        if !conversation.is_live() {
            return core.complete(ticket, Ok(Outcome::Done));
        }
        conversation.leaving.push(ticket);
        conversation.chat_unwanted = true;
        // A decline, a stop or another leave is under way: this one joins it.
        if conversation.leaving.len() > 1 || conversation.chat == Chat::Disconnecting {
            return;
        }
        if conversation.invite.is_some() {
            self.cancel_invite(core, key);
        } else if conversation
            .offer
            .as_ref()
            .is_some_and(|offer| !offer.is_accepted())
        {
            self.post_decline(core, key);
        } else {
            self.delete_conversation(core, key);
        }
    }

    // Commands to the server.

    fn cancel_invite(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(invite) = &mut conversation.invite else {
            return;
        };
        let purpose = Purpose::Invite(key, invite.operation_id.clone());
        if core.is_unsent(&purpose) {
            // What has not left is not sent only to be cancelled.
            core.abandon(|other| *other == purpose);
            return self.refuse_invite(core, key, ended("the invitation was not sent"));
        }
        invite.cancel_wanted = true;
        let known = invite.started;
        conversation.chat = Chat::Disconnecting;
        core.change(key, ConversationChange::ChatDisconnecting);
        if known {
            self.post_cancel(core, key);
        }
    }

    pub(super) fn post_cancel(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get(&key) else {
            return;
        };
        let Some(invite) = &conversation.invite else {
            return;
        };
        let operation = invite.operation_id.clone();
        // Ending the chat cancels the invitation to it where the invitation itself has no link for that.
        let href = invite
            .cancel
            .as_deref()
            .or(conversation.links.stop_messaging.as_deref())
            .unwrap_or_default();
        match core.resolve(href, Stage::Invitation) {
            Ok(url) => core.issue(Exchange::new(Purpose::Cancel(key), Method::POST, url)),
            // An invitation to a conference has no verdict as long as this user waits in the lobby, and carries nothing.
            Err(_) if invite.kind.is_conference() => self.delete_conversation(core, key),
            Err(_) => {
                core.arm(VERDICT_GRACE, Timer::InvitationCompleted(key, operation));
            }
        }
    }

    pub(super) fn on_cancel_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        if let Err(failure) = core.effect(exchange, result).done() {
            tracing::debug!(%failure, "the invitation could not be cancelled");
        }
        // Cancelled or too late, the invitation has a verdict now, and the message in it with it.
        let invite = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.invite.as_ref());
        if let Some(invite) = invite {
            core.arm(
                VERDICT_GRACE,
                Timer::InvitationCompleted(key, invite.operation_id.clone()),
            );
        }
    }

    pub(super) fn post_stop(&mut self, core: &mut Core, key: ConversationKey, purpose: Purpose) {
        let href = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.links.stop_messaging.as_deref());
        match core.resolve(href.unwrap_or_default(), Stage::Conversation) {
            Ok(url) => core.issue(Exchange::new(purpose, Method::POST, url)),
            Err(failure) => self.on_end_refused(core, key, &failure),
        }
    }

    pub(super) fn on_stop_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result) {
            Effect::Done(_) | Effect::Gone(_) => {
                let Some(conversation) = self.conversations.get(&key) else {
                    return;
                };
                if conversation.is_ending() {
                    // Who stopped the chat and then left is still in a conversation that lives without it.
                    let instead = matches!(exchange.purpose, Purpose::StopInstead(_));
                    if instead || conversation.lives_by_its_chat() {
                        self.end(core, key, None);
                    } else {
                        self.delete_conversation(core, key);
                    }
                } else {
                    self.on_chat_gone(core, key, None);
                    self.arm_probe(core, key);
                }
            }
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_end_refused(core, key, &failure);
            }
        }
    }

    pub(super) fn delete_conversation(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(href) = conversation.links.conversation.clone() else {
            return self.end(core, key, None);
        };
        if conversation.chat != Chat::Disconnecting {
            conversation.chat = Chat::Disconnecting;
            core.change(key, ConversationChange::ChatDisconnecting);
        }
        match core.resolve(&href, Stage::Conversation) {
            Ok(url) => core.issue(Exchange::new(
                Purpose::DeleteConversation(key),
                Method::DELETE,
                url,
            )),
            Err(failure) => self.on_end_refused(core, key, &failure),
        }
    }

    pub(super) fn on_delete_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result) {
            Effect::Done(_) | Effect::Gone(_) => self.end(core, key, None),
            // A server that does not let a conversation be deleted lets its only modality be stopped.
            Effect::Refused(failure) if matches!(failure.status(), Some(403 | 405)) => {
                self.post_stop(core, key, Purpose::StopInstead(key));
            }
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_end_refused(core, key, &failure);
            }
        }
    }

    /// The server did not end what was to end: it goes on.
    fn on_end_refused(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.chat_unwanted = false;
        if conversation.chat == Chat::Disconnecting {
            let chat = conversation.links.send_message.is_some();
            conversation.chat = if chat {
                Chat::Connected
            } else {
                Chat::Disconnected
            };
            core.change(key, ConversationChange::EndRefused { chat });
        }
        let tickets: Vec<_> = conversation
            .leaving
            .drain(..)
            .chain(conversation.stopping.drain(..))
            .collect();
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
        self.pump(core, key);
    }

    // Ends that are told of.

    /// The conversation is over at the server. It ends when the page is through, or now where there is no page.
    pub(super) fn on_remote_end(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: Option<Failure>,
    ) {
        let Some(conversation) = self
            .conversations
            .get_mut(&key)
            .filter(|conversation| conversation.is_live())
        else {
            return;
        };
        match &mut conversation.over {
            Some(known @ None) => *known = failure,
            Some(Some(_)) => {}
            over @ None => *over = Some(failure),
        }
        if !self.in_page {
            self.finish_over(core, key);
        }
    }

    /// Ends a conversation that was noted to be over.
    pub(super) fn finish_over(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(failure) = conversation.over.clone() else {
            return;
        };
        // An invitation that is still open has its verdict on the way, and the message in it depends on that.
        match conversation.open_invitation().map(str::to_owned) {
            Some(operation) if !conversation.waits_for_verdict => {
                conversation.waits_for_verdict = true;
                core.arm(VERDICT_GRACE, Timer::InvitationCompleted(key, operation));
            }
            Some(_) => {}
            None => self.end(core, key, failure),
        }
    }

    /// There is no chat in the conversation any more.
    pub(super) fn on_chat_gone(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: Option<Failure>,
    ) {
        let Some(conversation) = self
            .conversations
            .get_mut(&key)
            .filter(|conversation| conversation.is_live())
        else {
            return;
        };
        // A conference comes without its chat: what there is of one is asked for when the rest of the page is known.
        let comes = conversation.group && conversation.chat == Chat::Connecting;
        if comes && (conversation.chat_wanted || conversation.is_joining_conference()) {
            return;
        }
        // The chat of an open invitation ends with the invitation, whose verdict says more.
        if let Some(operation) = conversation.open_invitation().map(str::to_owned) {
            if !std::mem::replace(&mut conversation.waits_for_verdict, true) {
                core.arm(VERDICT_GRACE, Timer::InvitationCompleted(key, operation));
            }
            return;
        }
        let links = &mut conversation.links;
        links.send_message = None;
        links.stop_messaging = None;
        links.set_is_typing = None;
        if conversation.chat == Chat::Disconnected {
            return;
        }
        // Becoming a conference takes the chat away for a while, even one that was only just accepted: what was written
        // waits for it.
        let stood = match conversation.chat {
            Chat::Connected => true,
            Chat::Connecting => failure.is_none(),
            _ => false,
        };
        let returns = conversation.group && !conversation.chat_unwanted && stood;
        conversation.chat = Chat::Disconnected;
        conversation.fading = false;
        conversation.chat_wanted |= returns;
        conversation.messaging_read = false;
        let stopping = std::mem::take(&mut conversation.stopping);
        if !returns {
            let why = failure
                .clone()
                .unwrap_or_else(|| ended("the chat ended first"));
            self.fail_drafts(core, key, &why);
        }
        core.change(key, ConversationChange::ChatDisconnected { failure });
        for ticket in stopping {
            core.complete(ticket, Ok(Outcome::Done));
        }
    }

    // Finding out.

    /// Gives a conversation without its chat some time to say whether it goes on.
    pub(super) fn arm_probe(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation.state == State::Connected
            && conversation.chat == Chat::Disconnected
            && conversation.lives_by_its_chat()
            && conversation.probe == Probe::None
        {
            conversation.probe = Probe::Waiting;
            core.arm(PROBE_AFTER, Timer::Probe(key));
        }
    }

    pub(super) fn probe(&mut self, core: &mut Core, key: ConversationKey) {
        if self
            .conversations
            .get(&key)
            .is_some_and(Conversation::is_being_probed)
        {
            self.read_conversation(core, key);
        }
    }

    pub(super) fn on_conversation_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.fetched(exchange, result) {
            Ok(resource) => {
                self.take_conversation(core, key, &resource, None);
                if let Some(messaging) = resource.embedded("messaging") {
                    self.take_messaging(core, key, messaging, None);
                }
            }
            Err(failure) if failure.is_gone() => {
                self.on_remote_end(core, key, Some(failure.with_kind(FailureKind::Remote)));
            }
            Err(failure) => tracing::debug!(%failure, "a conversation could not be read"),
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation.is_being_probed() {
            conversation.probe = Probe::Done;
            self.ask_back(core, key);
        }
        self.after_page(core, key);
    }

    pub(super) fn on_messaging_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.fetched(exchange, result) {
            Ok(resource) => self.take_messaging(core, key, &resource, None),
            Err(failure) if failure.is_gone() => {
                self.on_chat_gone(core, key, Some(failure.with_kind(FailureKind::Remote)));
            }
            Err(failure) => tracing::debug!(%failure, "a chat could not be read"),
        }
        self.after_page(core, key);
    }

    /// A conversation lives on without its chat: what was written meanwhile asks the peer back into it, as soon as nothing
    /// stands before it.
    pub(super) fn ask_back(&mut self, core: &mut Core, key: ConversationKey) {
        let free = self.conversations.get(&key).is_some_and(|conversation| {
            conversation.is_live()
                && conversation.chat == Chat::Disconnected
                && !conversation.wants_chat_of_conference()
                && !conversation.is_being_probed()
                && !conversation.outbox.is_posting()
        });
        if free {
            self.restart_with_drafts(core, key);
        }
    }

    /// Begins the chat again with the first of the messages that were written while it was gone.
    fn restart_with_drafts(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let mut drafts = conversation.outbox.take_drafts();
        if let Some(first) = drafts.pop_front() {
            conversation.outbox.put_drafts(drafts);
            self.invite_with(core, key, None, first);
        }
    }

    // The end.

    /// Ends a conversation, once: everything pending is settled, the end is told, and whoever waits for it hears.
    pub(super) fn end(&mut self, core: &mut Core, key: ConversationKey, failure: Option<Failure>) {
        let Some(conversation) = self
            .conversations
            .get_mut(&key)
            .filter(|conversation| conversation.is_live())
        else {
            return;
        };
        // What was asked for needs no reason.
        let wanted = !conversation.leaving.is_empty() || !conversation.stopping.is_empty();
        let failure = failure.filter(|_| !wanted);
        let why = failure
            .clone()
            .unwrap_or_else(|| ended("the conversation was ended"));
        // Messages written while the chat was gone wait for just this, to begin the conversation again.
        let waits = conversation.is_being_probed()
            || conversation.chat == Chat::Disconnected && conversation.outbox.is_posting();
        let goes_on = waits && !wanted && self.signed_in;
        let drafts = match goes_on {
            true => conversation.outbox.take_drafts(),
            false => std::collections::VecDeque::new(),
        };
        conversation.state = State::Ended;
        conversation.chat = Chat::Disconnected;
        conversation.fading = false;
        conversation.over = None;
        conversation.waits_for_verdict = false;
        conversation.probe = Probe::None;
        core.cancel_timers(|timer| timer.conversation() == Some(key));
        self.withdraw(core, key, &why);
        core.abandon(|purpose| purpose.conversation() == Some(key));
        self.close_invite(core, key, &why);
        self.close_outbox(core, key, &why);
        self.show_all(core, key);
        self.end_offer(core, key, &why);
        self.close_joining(core, key, &why);
        self.close_leading(core, key, &why);
        self.unbind(core, key);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let ejected = conversation.roster.end_life();
        conversation.end_life();
        let tickets: Vec<_> = conversation
            .leaving
            .drain(..)
            .chain(conversation.stopping.drain(..))
            .chain(ejected)
            .collect();
        let asked = std::mem::take(&mut conversation.acknowledging)
            .into_iter()
            .chain(std::mem::take(&mut conversation.hinting));
        let forgotten = conversation.forgotten;
        core.change(key, ConversationChange::Ended { failure });
        for ticket in tickets {
            core.complete(ticket, Ok(Outcome::Done));
        }
        for ticket in asked {
            core.complete(ticket, Err(why.clone()));
        }
        if forgotten {
            return self.drop_record(key);
        }
        if !drafts.is_empty() {
            if let Some(conversation) = self.conversations.get_mut(&key) {
                conversation.outbox.put_drafts(drafts);
            }
            self.restart_with_drafts(core, key);
        }
    }
}

pub(super) fn ended(message: &str) -> Failure {
    Failure::new(FailureKind::Ended, Stage::Conversation).with_message(message)
}
