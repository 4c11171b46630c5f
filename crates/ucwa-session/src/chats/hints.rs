//! What a user lets the others know in passing: that he types, that he saw a conversation.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::conversation::Chat;
use super::{Chats, wrong_state};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Outcome;

/// How long one hint is good for. The server shows it for longer (`setIsTyping_ref`).
const TYPING_PAUSE: Duration = Duration::from_millis(1500);

impl Chats {
    pub(super) fn send_is_typing(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        let Some(href) = conversation
            .links
            .set_is_typing
            .as_deref()
            .filter(|_| conversation.chat == Chat::Connected)
        else {
            return core.complete(ticket, Err(wrong_state("there is no chat to type in")));
        };
        // A hint that is on its way, or was seen just now, need not be given again.
        if !conversation.hinting.is_empty() {
            return conversation.hinting.push(ticket);
        }
        let fresh = conversation
            .typed_at
            .is_some_and(|at| core.now.saturating_sub(at) < TYPING_PAUSE);
        if fresh {
            return core.complete(ticket, Ok(Outcome::Done));
        }
        match core.resolve(href, Stage::Conversation) {
            Ok(url) => {
                conversation.typed_at = Some(core.now);
                conversation.hinting.push(ticket);
                core.issue(Exchange::new(Purpose::SetIsTyping(key), Method::POST, url));
            }
            Err(failure) => core.complete(ticket, Err(failure)),
        }
    }

    pub(super) fn on_hinted(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let tickets = std::mem::take(&mut conversation.hinting);
        let result = core.effect(exchange, result).done();
        if result.is_err() {
            // Nobody saw it: the next one is not kept back.
            conversation.typed_at = None;
        }
        for ticket in tickets {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }

    pub(super) fn acknowledge(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        let Some(href) = conversation.links.user_acknowledged.as_deref() else {
            return core.complete(ticket, Err(wrong_state("there is nothing to acknowledge")));
        };
        match core.resolve(href, Stage::Conversation) {
            Ok(url) => {
                conversation.acknowledging.push(ticket);
                let purpose = Purpose::Acknowledge(key);
                if !core.is_under_way(&purpose) {
                    core.issue(Exchange::new(purpose, Method::POST, url));
                }
            }
            Err(failure) => core.complete(ticket, Err(failure)),
        }
    }

    pub(super) fn on_acknowledged(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let tickets = std::mem::take(&mut conversation.acknowledging);
        let result = core.effect(exchange, result).done();
        if result.is_ok() && conversation.links.user_acknowledged.take().is_some() {
            core.change(key, ConversationChange::Acknowledgeable(false));
        }
        for ticket in tickets {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }
}
