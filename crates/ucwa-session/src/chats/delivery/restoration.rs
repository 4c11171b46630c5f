//! Saves the messages without a result in a checkpoint, and restores them in the session that resumes it.

use ucwa_proto::EventStatus;

use super::{DELIVERY_GRACE, Early, MessageHref, Sent};
use crate::chats::conversation::{Context, Conversation};
use crate::chats::purpose::{ChatPurpose, ChatTimer};
use crate::checkpoint::SavedMessage;
use crate::event::MessageStatus;
use crate::keys::MessageKey;

impl Conversation {
    /// The messages without a result, for a checkpoint. `is_unsent` returns whether the request for a message has certainly
    /// not been sent.
    pub(in crate::chats) fn doubtful_messages(
        &self,
        is_gated: bool,
        is_unsent: impl Fn(&ChatPurpose) -> bool,
    ) -> Vec<SavedMessage> {
        let sent = self.deliveries.sent.iter().filter(|sent| sent.is_open);
        let sent = sent.filter(|sent| match sent.place {
            _ if is_gated && sent.has_callers_id => true,
            MessageHref::Posting => !is_unsent(&ChatPurpose::SendMessage(sent.message)),
            MessageHref::None => !is_unsent(&ChatPurpose::Invite(sent.operation_id.clone())),
            MessageHref::Unnamed | MessageHref::At(_) => true,
        });
        let saved = sent.map(|sent| SavedMessage {
            operation_id: sent.operation_id.clone(),
            href: match &sent.place {
                MessageHref::At(address) => address.href.to_string(),
                _ => String::new(),
            },
            text: sent.text,
        });
        saved.collect()
    }

    /// Adds a message that an earlier session sent, and asks the server for its result. The result is unknown if no response
    /// and no event reports it in time. The message of the open invitation gets its result from the invitation.
    pub(in crate::chats) fn restore_message(&mut self, cx: &mut Context<'_>, saved: SavedMessage) {
        let message = MessageKey::Remote(cx.core.number());
        let invite = self.life.live().and_then(|live| live.invite.as_ref());
        let is_in_invitation = invite.is_some_and(|it| it.operation_id == saved.operation_id);
        let place = match cx.address_of(&saved.href) {
            _ if is_in_invitation => MessageHref::None,
            Some(address) if !saved.href.is_empty() => MessageHref::At(address),
            _ => MessageHref::Unnamed,
        };
        self.deliveries.sent.push_back(Sent {
            message,
            ticket: None,
            has_callers_id: false,
            is_open: true,
            is_restored: true,
            operation_id: saved.operation_id,
            text: saved.text,
            messaging: None,
            place,
        });
        if !is_in_invitation {
            let timer = ChatTimer::Delivery(message);
            self.tasks.arm(cx.core, DELIVERY_GRACE, timer);
        }
    }

    /// The results that match no message yet, for a checkpoint with messages without a result.
    pub(in crate::chats) fn early_results(&self, has_doubtful: bool) -> Vec<(String, bool)> {
        let early = self.deliveries.early.iter().filter(|_| has_doubtful);
        let early = early.map(|early| {
            let is_delivered = early.result.status == MessageStatus::Succeeded;
            (early.address.href.to_string(), is_delivered)
        });
        early.collect()
    }

    /// Adds a result of a checkpoint that matches no message yet.
    pub(in crate::chats) fn restore_early_result(
        &mut self,
        cx: &mut Context<'_>,
        href: &str,
        is_delivered: bool,
    ) {
        let status = match is_delivered {
            true => EventStatus::Success,
            false => EventStatus::Failure,
        };
        if let Some(address) = cx.address_of(href)
            && let Some(result) = self.result_of(cx, Some(&status), None, None)
        {
            self.deliveries.early.push_back(Early { address, result });
        }
    }

    /// Reads the messages of an earlier session whose hrefs are known, and the messages of the results that match none.
    pub(in crate::chats) fn read_restored_messages(&mut self, cx: &mut Context<'_>) {
        self.identify_early(cx);
        let sent = self.deliveries.sent.iter();
        let restored = sent.filter(|sent| sent.is_restored && sent.is_open);
        for sent in restored {
            if let MessageHref::At(address) = &sent.place {
                let purpose = ChatPurpose::ReadDelivery(sent.message);
                self.tasks.read(cx.core, Some(&address.href), purpose);
            }
        }
    }
}
