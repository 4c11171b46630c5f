//! Outgoing messages: one request at a time, in the order of the commands.

use std::time::Duration;

use ucwa_proto::Origin;

use super::conversation::{Address, Chat, Context, Conversation};
use super::delivery::{DeliveryResult, not_sent};
use super::purpose::{ChatPurpose, ChatTimer};
use super::{html, invalid, wrong_state};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{MessageKey, Ticket};
use crate::operation::MessageBody;
use crate::response::{Answer, Effect};
use crate::text_limits;

/// The maximum time between the response to a message and its delivery result.
pub(super) const DELIVERY_GRACE: Duration = Duration::from_secs(30);

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// A queued message.
pub(super) struct Draft {
    pub(super) message: MessageKey,
    pub(super) body: MessageBody,
    pub(super) ticket: Ticket,
    /// The operation ID that the caller has chosen.
    pub(super) message_id: Option<String>,
}

impl Conversation {
    pub(super) fn send_message(
        &mut self,
        cx: &mut Context<'_>,
        draft: Draft,
        subject: Option<String>,
    ) {
        if !cx.account.signed_in {
            let failure = Failure::new(FailureKind::NotSignedIn, Stage::Command);
            return self.report_unsent(cx, draft, failure);
        }
        if matches!(&draft.body, MessageBody::Text(text) | MessageBody::Html(text) if text.is_empty())
        {
            return self.report_unsent(cx, draft, invalid("the message is empty".to_owned()));
        }
        if matches!(draft.body, MessageBody::Other { .. }) {
            let why = "only text and HTML can be sent".to_owned();
            return self.report_unsent(cx, draft, invalid(why));
        }
        if let Some(id) = &draft.message_id {
            let is_used = cx.index.operation(id).is_some() || self.deliveries.is_id_in_use(id);
            let checked =
                text_limits::check("message ID", id, text_limits::OPERATION_ID, Stage::Command);
            let failure = match checked {
                Err(failure) => Some(failure),
                Ok(()) if id.is_empty() => Some(invalid("the message ID is empty".to_owned())),
                Ok(()) => is_used.then(|| invalid("the message ID is in use".to_owned())),
            };
            if let Some(failure) = failure {
                return self.report_unsent(cx, draft, failure);
            }
        }
        let established = self.life.established().is_some();
        let Some(live) = self.life.live_mut() else {
            return self.invite(cx, subject, Some(draft));
        };
        live.typing.sent_at = None;
        let chat = live.chat;
        match chat {
            Chat::Disconnecting => {
                self.report_unsent(cx, draft, wrong_state("the chat is being ended"));
            }
            Chat::Notified => {
                self.deliveries.drafts.push_back(draft);
                self.post_accept(cx);
            }
            Chat::Disconnected if established && self.may_restart_chat() => {
                // Older messages may be waiting.
                self.deliveries.drafts.push_back(draft);
                let first = self.deliveries.drafts.pop_front();
                self.invite(cx, subject, first);
            }
            Chat::Disconnected | Chat::Connecting | Chat::Connected { .. } => {
                self.deliveries.drafts.push_back(draft);
                self.send_next(cx);
            }
        }
    }

    /// Whether the chat of a live conversation is disconnected and can be restarted now.
    fn may_restart_chat(&self) -> bool {
        self.life.live().is_some_and(|live| {
            live.chat == Chat::Disconnected
                // The session restores the chat of a conference itself.
                && !live.wants_chat_of_conference()
                // A read in flight shows whether the conversation has ended as well.
                && !live.is_being_probed()
                // A message in the old chat could arrive after one in the new chat.
                && !self.deliveries.is_posting()
        })
    }

    /// Restarts the chat with the first queued message, if that is possible.
    pub(super) fn restart_chat(&mut self, cx: &mut Context<'_>) {
        if self.may_restart_chat()
            && let Some(first) = self.deliveries.drafts.pop_front()
        {
            self.invite(cx, None, Some(first));
        }
    }

    /// Sends the next queued message, unless it has to wait.
    pub(super) fn send_next(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live() else {
            return;
        };
        if live.chat == Chat::Disconnected && self.life.established().is_some() {
            return self.restart_chat(cx);
        }
        if !live.is_chat_connected() || self.deliveries.is_blocked() {
            return;
        }
        // The message waits for the participants who are being invited, so that they receive it.
        if live.is_conference() && !live.joining.is_empty() && !self.roster.has_joined() {
            return;
        }
        let messaging = &live.messaging;
        let Some(link) = &messaging.send_message else {
            return;
        };
        let Some(draft) = self.deliveries.drafts.pop_front() else {
            return;
        };
        let content = match &draft.body {
            MessageBody::Html(body) if messaging.html => (HTML, body.clone()),
            body if messaging.only_html => (HTML, html::from_text(&html::plain_text(body))),
            body => (TEXT, html::plain_text(body).into_owned()),
        };
        let operation_id = draft.message_id.clone().unwrap_or_else(|| cx.core.uuid());
        let message = draft.message;
        let chat = live.links.messaging.as_ref();
        let messaging = chat.and_then(|chat| cx.key_of(&chat.href()));
        self.deliveries.add_posted(&draft, &operation_id, messaging);
        let url = cx.core.resolve(&link.href(), Stage::Message);
        let commit = self.report_posting(cx, &draft);
        match url {
            Ok(url) => {
                let url = Origin::append_query(&url, "operationId", &operation_id);
                let purpose = ChatPurpose::SendMessage(message);
                self.tasks.post_text(cx.core, purpose, url, content, commit);
            }
            Err(failure) => self.on_not_sent(cx, message, failure),
        }
    }

    pub(super) fn on_send_response(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        answer: Answer<'_>,
    ) {
        // An event may have reported the result before the response.
        if self.deliveries.posting() != Some(message) {
            return;
        }
        match answer.effect(cx.core) {
            Effect::Done(response) => {
                let location = cx.core.location(&response);
                match location.and_then(|location| cx.address_of(location)) {
                    Some(address) => self.on_sent(cx, message, address),
                    // Without the href, events of the message cannot be matched. This is handled like a lost response.
                    None => self.on_send_response_lost(cx, message),
                }
            }
            Effect::Gone(failure) => {
                // The conversation has ended, and the message did not reach it. A restart without a command of the user could
                // send the message twice.
                self.on_not_sent(cx, message, failure.clone());
                self.on_chat_gone(cx, Some(failure));
                self.arm_probe(cx);
                // Before this response, a read may have shown that the conversation continues.
                self.send_next(cx);
            }
            Effect::Unclear(_) => self.on_send_response_lost(cx, message),
            Effect::Refused(failure) => {
                self.on_not_sent(cx, message, failure);
                self.send_next(cx);
            }
        }
    }

    /// Handles the response with the href of the message.
    fn on_sent(&mut self, cx: &mut Context<'_>, message: MessageKey, address: Address) {
        self.report_posted(cx, message, &address.href);
        // The event may have arrived before, without identifying the message.
        let own = self.remove_own_message(cx, &address.key);
        let early = own.and_then(|own| own.result);
        match self.deliveries.locate(message, address).or(early) {
            Some(result) => self.report(cx, message, result),
            None => {
                let timer = ChatTimer::Delivery(message);
                self.tasks.arm(cx.core, DELIVERY_GRACE, timer);
            }
        }
        self.identify_early(cx);
        self.send_next(cx);
    }

    fn on_not_sent(&mut self, cx: &mut Context<'_>, message: MessageKey, failure: Failure) {
        self.report(cx, message, DeliveryResult::failed(failure));
        self.identify_early(cx);
    }

    /// Handles a lost response. The message may have arrived, and an event may report it under an unknown href. The queue
    /// waits until then.
    fn on_send_response_lost(&mut self, cx: &mut Context<'_>, message: MessageKey) {
        self.deliveries.lose_response(message);
        let timer = ChatTimer::Delivery(message);
        self.tasks.arm(cx.core, DELIVERY_GRACE, timer);
        self.identify_early(cx);
        self.send_next(cx);
    }

    /// Fails all queued messages.
    pub(super) fn fail_drafts(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let failure = not_sent(failure);
        for draft in std::mem::take(&mut self.deliveries.drafts) {
            self.report_unsent(cx, draft, failure.clone());
        }
    }

    /// Called when the conversation ends. A message whose request was certainly not sent has failed.
    pub(super) fn withdraw_unsent(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let live = self.life.live();
        let invite = live.and_then(|live| live.invite.as_ref());
        if let Some(operation) = invite.map(|invite| invite.operation_id.clone())
            && self
                .tasks
                .is_unsent(cx.core, &ChatPurpose::Invite(operation.clone()))
        {
            let result = DeliveryResult::failed(not_sent(failure));
            self.report_invitation(cx, &operation, result);
        }
        if let Some(message) = self.deliveries.posting()
            && self
                .tasks
                .is_unsent(cx.core, &ChatPurpose::SendMessage(message))
        {
            let result = DeliveryResult::failed(not_sent(failure));
            self.report(cx, message, result);
        }
    }
}
