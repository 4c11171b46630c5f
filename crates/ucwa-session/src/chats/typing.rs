//! Reports of this user to the other participants: typing, and the acknowledgement of a conversation.

use std::time::Duration;

use super::conversation::{Context, Conversation, Live};
use super::purpose::ChatPurpose;
use super::wrong_state;
use crate::event::ConversationChange;
use crate::failure::Stage;
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::response::Answer;

/// The minimum time between two typing reports. The server shows a report for a longer time (`setIsTyping_ref`).
const TYPING_PAUSE: Duration = Duration::from_millis(1500);

impl Conversation {
    pub(super) fn send_is_typing(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        let chatting = self.life.live_mut().filter(|live| live.is_chat_connected());
        let link = |live: &Live| live.messaging.set_is_typing.clone();
        let Some((link, live)) = chatting.and_then(|live| Some((link(live)?, live))) else {
            return cx.fail([ticket], &wrong_state("there is no chat to type in"));
        };
        let typing = &mut live.typing;
        // A report that is in flight or was just sent is sufficient.
        if !typing.waiting.is_empty() {
            return typing.waiting.push(ticket);
        }
        let fresh = |at| cx.core.now.saturating_sub(at) < TYPING_PAUSE;
        if typing.sent_at.is_some_and(fresh) {
            return cx.done([ticket]);
        }
        match cx.core.resolve(&link.href(), Stage::Conversation) {
            Ok(url) => {
                typing.sent_at = Some(cx.core.now);
                typing.waiting.push(ticket);
                self.tasks.post(cx.core, ChatPurpose::SetIsTyping, url);
            }
            Err(failure) => cx.fail([ticket], &failure),
        }
    }

    pub(super) fn on_typing_response(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let result = answer.effect(cx.core).done();
        if result.is_err() {
            // The report failed, so the next one is sent at once.
            live.typing.sent_at = None;
        }
        for ticket in live.typing.waiting.drain(..) {
            cx.core
                .complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }

    pub(super) fn acknowledge(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        let live = self.life.live_mut();
        let link = |live: &Live| live.links.user_acknowledged.clone();
        let Some((link, live)) = live.and_then(|live| Some((link(live)?, live))) else {
            return cx.fail([ticket], &wrong_state("there is nothing to acknowledge"));
        };
        match cx.core.resolve(&link.href(), Stage::Conversation) {
            Ok(url) => {
                live.acknowledging.push(ticket);
                if !self.tasks.is_in_flight(&ChatPurpose::Acknowledge) {
                    self.tasks.post(cx.core, ChatPurpose::Acknowledge, url);
                }
            }
            Err(failure) => cx.fail([ticket], &failure),
        }
    }

    pub(super) fn on_acknowledged(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let tickets = std::mem::take(&mut live.acknowledging);
        let result = answer.effect(cx.core).done();
        if result.is_ok() && live.links.user_acknowledged.take().is_some() {
            cx.change(self.key, ConversationChange::Acknowledgeable(false));
        }
        for ticket in tickets {
            cx.core
                .complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }
}
