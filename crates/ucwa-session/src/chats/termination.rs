//! The end of chats and conversations: stopped, left, ended by the other side, or missing at the server.
//!
//! The server reports an end in several events. Any of them may be missing, and their order is not documented. The events
//! only mark the conversation. It ends once, after the page, when all other events of the page, such as delivery
//! results, have been handled.

use std::collections::VecDeque;
use std::time::Duration;

use super::conversation::{Chat, Context, Conversation, Life, Probe, ended};
use super::link::Link;
use super::purpose::{ChatPurpose, ChatTimer};
use super::wrong_state;
use crate::event::{ConversationChange, Standing};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::response::{Answer, Effect};

/// How long a conversation that lost its chat waits for an event before it is read.
const PROBE_AFTER: Duration = Duration::from_secs(10);
/// The pause after a failed read of a conversation or of its messaging resource.
const REPEAT_AFTER: Duration = Duration::from_secs(120);

impl Conversation {
    // Commands.

    pub(super) fn stop_chat(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        let live = self.life.live_mut();
        let stoppable =
            live.filter(|live| !matches!(live.chat, Chat::Disconnected | Chat::Notified));
        let Some(live) = stoppable else {
            return cx.fail([ticket], &wrong_state("there is no chat to stop"));
        };
        live.stopping.push(ticket);
        if live.chat == Chat::Disconnecting {
            return;
        }
        live.chat_refused = true;
        if live.invite.is_some() {
            return self.cancel_invite(cx);
        }
        // In the lobby there is no chat yet. Stopping the chat leaves the lobby.
        if live.reported.standing == Some(Standing::InLobby) {
            return self.delete_conversation(cx);
        }
        live.chat = Chat::Disconnecting;
        cx.change(self.key, ConversationChange::ChatDisconnecting);
        self.post_stop(cx, ChatPurpose::StopMessaging);
    }

    pub(super) fn leave(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        let Some(live) = self.life.live_mut() else {
            return cx.done([ticket]);
        };
        live.leaving.push(ticket);
        live.chat_refused = true;
        // A decline, a stop or another leave is in flight. This operation waits for its end.
        if live.leaving.len() > 1 || live.chat == Chat::Disconnecting {
            return;
        }
        if live.invite.is_some() {
            self.cancel_invite(cx);
        } else if live
            .offer
            .as_ref()
            .is_some_and(|offer| !offer.is_accepted())
        {
            self.post_decline(cx);
        } else {
            self.delete_conversation(cx);
        }
    }

    pub(super) fn post_stop(&mut self, cx: &mut Context<'_>, purpose: ChatPurpose) {
        let live = self.life.live();
        let link = live.and_then(|live| live.messaging.stop_messaging.as_ref());
        let href = link.map(Link::href).unwrap_or_default();
        match cx.core.resolve(&href, Stage::Conversation) {
            Ok(url) => self.tasks.post(cx.core, purpose, url),
            Err(failure) => self.on_end_refused(cx, &failure),
        }
    }

    pub(super) fn on_stop_response(
        &mut self,
        cx: &mut Context<'_>,
        instead_of_delete: bool,
        answer: Answer<'_>,
    ) {
        match answer.effect(cx.core) {
            Effect::Done(_) | Effect::Gone(_) => {
                let Some(live) = self.life.live() else {
                    return;
                };
                if !live.is_ending() {
                    self.on_chat_gone(cx, None);
                    self.arm_probe(cx);
                } else if instead_of_delete || live.ends_with_chat() {
                    self.end_after_reads(cx, None);
                } else {
                    // The user stopped the chat, and then left the conversation, which continues without the chat.
                    self.delete_conversation(cx);
                }
            }
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_end_refused(cx, &failure);
            }
        }
    }

    pub(super) fn delete_conversation(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(address) = &live.address else {
            return self.end(cx, None);
        };
        let url = cx.core.resolve(&address.href, Stage::Conversation);
        if live.chat != Chat::Disconnecting {
            live.chat = Chat::Disconnecting;
            cx.change(self.key, ConversationChange::ChatDisconnecting);
        }
        match url {
            Ok(url) => {
                let purpose = ChatPurpose::DeleteConversation;
                self.tasks
                    .issue(cx.core, purpose, http::Method::DELETE, url);
            }
            Err(failure) => self.on_end_refused(cx, &failure),
        }
    }

    pub(super) fn on_delete_response(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        match answer.effect(cx.core) {
            Effect::Done(_) | Effect::Gone(_) => self.end_after_reads(cx, None),
            // A conversation without a link to delete it is left by stopping its only modality.
            Effect::Refused(failure) if matches!(failure.status(), Some(403 | 405)) => {
                self.post_stop(cx, ChatPurpose::StopInsteadOfDelete);
            }
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_end_refused(cx, &failure);
            }
        }
    }

    /// Handles a refused end: the chat or the conversation continues.
    fn on_end_refused(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        live.chat_refused = false;
        if live.chat == Chat::Disconnecting {
            let chat = live.messaging.send_message.is_some();
            live.chat = match chat {
                true => Chat::Connected { is_ending: false },
                false => Chat::Disconnected,
            };
            cx.change(self.key, ConversationChange::EndRefused { chat });
        }
        let leaving = live.leaving.drain(..);
        cx.fail(leaving.chain(live.stopping.drain(..)), failure);
        self.send_next(cx);
    }

    // Ends reported by the server.

    /// Handles an end that the server reported. The conversation ends after the page, or at once if no page is open.
    pub(super) fn on_remote_end(&mut self, cx: &mut Context<'_>, failure: Option<Failure>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        match &mut live.over {
            Some(known @ None) => *known = failure,
            Some(Some(_)) => {}
            over @ None => *over = Some(failure),
        }
        if !cx.page.is_open {
            self.end_if_over(cx);
        }
    }

    /// Ends the conversation if the server reported its end.
    pub(super) fn end_if_over(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(failure) = live.over.clone() else {
            return;
        };
        // An open invitation still gets its result, which also settles its message.
        if live.open_invitation().is_none() {
            self.end_after_reads(cx, failure);
        } else if !std::mem::replace(&mut live.awaits_last_result, true) {
            self.await_last_result(cx);
        }
    }

    /// Handles the end of the chat.
    pub(super) fn on_chat_gone(&mut self, cx: &mut Context<'_>, failure: Option<Failure>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        // A conference is established without its chat, which is requested after the page.
        let joins = live.is_conference() && live.chat == Chat::Connecting;
        let is_wanted = live.conference_mut().is_some_and(|it| it.chat_wanted);
        if joins && (is_wanted || live.is_joining_conference()) {
            return;
        }
        // The chat of an open invitation ends with the invitation, whose result has the reason.
        if live.open_invitation().is_some() {
            if !std::mem::replace(&mut live.awaits_last_result, true) {
                self.await_last_result(cx);
            }
            return;
        }
        let messaging = &mut live.messaging;
        messaging.send_message = None;
        messaging.stop_messaging = None;
        messaging.set_is_typing = None;
        // Becoming a conference ends the chat for a while, even a chat that was just accepted. The queue waits.
        let stood = match live.chat {
            Chat::Disconnected => return,
            Chat::Connected { .. } => true,
            Chat::Connecting => failure.is_none(),
            Chat::Notified | Chat::Disconnecting => false,
        };
        live.chat = Chat::Disconnected;
        live.messaging_read = false;
        let refused = live.chat_refused;
        let stopping = std::mem::take(&mut live.stopping);
        let returns = match live.conference_mut().filter(|_| stood && !refused) {
            Some(conference) => {
                conference.chat_wanted = true;
                true
            }
            None => false,
        };
        if !returns {
            let why = failure.clone();
            let why = why.unwrap_or_else(|| ended("the chat ended first"));
            self.fail_drafts(cx, &why);
        }
        cx.change(self.key, ConversationChange::ChatDisconnected { failure });
        cx.done(stopping);
    }

    // Conversations without a chat.

    /// Starts the timer after which a conversation without a chat is read.
    pub(super) fn arm_probe(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.established_mut() else {
            return;
        };
        if live.chat == Chat::Disconnected && live.ends_with_chat() && live.probe == Probe::None {
            live.probe = Probe::Waiting;
            self.tasks.arm(cx.core, PROBE_AFTER, ChatTimer::Probe);
        }
    }

    pub(super) fn probe(&mut self, cx: &mut Context<'_>) {
        if self.life.live().is_some_and(|live| live.is_being_probed()) {
            self.read_conversation(cx);
        }
    }

    pub(super) fn on_conversation_read(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        match answer.resource(cx.core) {
            Ok(resource) => {
                self.apply_conversation(cx, &resource, None);
                if let Some(messaging) = resource.embedded("messaging") {
                    self.apply_messaging(cx, messaging, None);
                }
                self.read_restored(cx, &resource);
            }
            Err(failure) if failure.is_gone() => {
                self.on_remote_end(cx, Some(failure.with_kind(FailureKind::Remote)));
            }
            Err(failure) => {
                tracing::debug!(%failure, "a conversation could not be read");
                self.arm_repeat(cx, ChatTimer::ConversationUnread);
            }
        }
        if let Some(live) = self.life.live_mut()
            && live.is_being_probed()
        {
            live.probe = Probe::Done;
            self.restart_chat(cx);
        }
    }

    pub(super) fn on_messaging_read(
        &mut self,
        cx: &mut Context<'_>,
        derived: bool,
        answer: Answer<'_>,
    ) {
        match answer.resource(cx.core) {
            Ok(resource) => {
                // The chat was moved to another conversation, which the resource names.
                let conversation = resource.link_href("conversation");
                if let Some(href) = conversation.filter(|_| derived) {
                    self.follow_link(cx, href);
                }
                self.apply_messaging(cx, &resource, None);
            }
            Err(failure) if failure.is_gone() => {
                self.on_chat_gone(cx, Some(failure.with_kind(FailureKind::Remote)));
            }
            Err(failure) => {
                tracing::debug!(%failure, "a chat could not be read");
                self.arm_repeat(cx, ChatTimer::MessagingUnread);
            }
        }
    }

    /// Starts the timer for another read of a resource. Without it, the conversation would wait for an event that may never
    /// arrive.
    pub(super) fn arm_repeat(&mut self, cx: &mut Context<'_>, timer: ChatTimer) {
        if !self.tasks.is_armed(&timer) {
            self.tasks.arm(cx.core, REPEAT_AFTER, timer);
        }
    }

    // The end.

    /// Ends the conversation, now or after all messages that are being read have been shown.
    pub(super) fn end_after_reads(&mut self, cx: &mut Context<'_>, failure: Option<Failure>) {
        match self.life.live_mut() {
            Some(live) if self.received.is_reading() => {
                live.over.get_or_insert(failure);
            }
            _ => self.end(cx, failure),
        }
    }

    /// Ends the life of the conversation: settles all messages and operations, reports the end, and completes the operations
    /// that wait for it.
    pub(super) fn end(&mut self, cx: &mut Context<'_>, failure: Option<Failure>) {
        let Some(live) = self.life.live() else {
            return;
        };
        // If the user requested the end, no reason is reported.
        let wanted = !live.leaving.is_empty() || !live.stopping.is_empty();
        let failure = failure.filter(|_| !wanted);
        let why = failure.clone();
        let why = why.unwrap_or_else(|| ended("the conversation was ended"));
        // Messages that were queued while the chat was disconnected restart the conversation.
        let waits = live.is_being_probed()
            || live.chat == Chat::Disconnected && self.deliveries.is_posting();
        let restarts = waits && !wanted && !self.forgotten && cx.account.signed_in;
        let mut drafts = match restarts {
            true => std::mem::take(&mut self.deliveries.drafts),
            false => VecDeque::new(),
        };
        self.withdraw_unsent(cx, &why);
        self.tasks.drop_all(cx.core);
        self.close_invite(cx, &why);
        self.close_deliveries(cx, &why);
        self.show_all(cx);
        self.close_offer(cx, &why);
        self.close_joining(cx, &why);
        let (Life::Beginning(live) | Life::Established(live)) =
            std::mem::replace(&mut self.life, Life::Idle)
        else {
            return;
        };
        let seats = self.roster.end_life();
        for (_, ticket) in seats.iter().flat_map(|seat| &seat.moderating) {
            cx.core.complete(*ticket, Err(why.clone()));
        }
        if let Some(address) = live.address {
            cx.index.unbind(address.key, self.key);
        }
        cx.index.remove_conference(&self.thread_id, self.key);
        // A conversation that restarts at once has not ended for the caller: its messages are still queued.
        if drafts.is_empty() {
            cx.change(self.key, ConversationChange::Ended { failure });
        }
        let ended = live.leaving.into_iter().chain(live.stopping);
        cx.done(ended.chain(seats.into_iter().flat_map(|seat| seat.ejecting)));
        cx.fail(
            live.acknowledging.into_iter().chain(live.typing.waiting),
            &why,
        );
        if let Some(first) = drafts.pop_front() {
            self.deliveries.drafts = drafts;
            self.invite(cx, None, Some(first));
        }
    }
}
