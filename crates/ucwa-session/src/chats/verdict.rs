//! What became of the messages that left: told by events, or by the messages themselves when no event tells.

use std::time::SystemTime;

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, EventStatus, HrefKey};

use super::outbox::{Early, Place};
use super::page::failure_of;
use super::{Chats, read};
use crate::core::Core;
use crate::event::{ConversationChange, MessageStatus};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, MessageKey, Ticket};
use crate::operation::Outcome;
use crate::timers::Timer;

/// What became of a message of ours.
pub(super) struct Verdict {
    status: MessageStatus,
    /// When the server took it, if it says so.
    timestamp: Option<SystemTime>,
    failure: Option<Failure>,
}

impl Verdict {
    pub(super) fn delivered(timestamp: Option<SystemTime>) -> Self {
        Self {
            status: MessageStatus::Succeeded,
            timestamp,
            failure: None,
        }
    }

    /// It did not arrive, unless nobody could tell.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            status: match failure.kind() {
                FailureKind::DeliveryUnknown => MessageStatus::Unknown,
                _ => MessageStatus::Failed,
            },
            timestamp: None,
            failure: Some(failure),
        }
    }

    fn at(self, timestamp: Option<SystemTime>) -> Self {
        Self { timestamp, ..self }
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.status == MessageStatus::Unknown
    }
}

/// It was handed over, and whether it arrived cannot be found out.
pub(super) fn unknown(message: &str) -> Failure {
    Failure::new(FailureKind::DeliveryUnknown, Stage::Message).with_message(message)
}

impl Chats {
    /// Finds out whose the verdicts are that match nothing, as far as that can be: the messages are asked.
    pub(super) fn sort_early(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        if outbox.is_posting() {
            // The answer that names it is still to come.
        } else if outbox.has_nameless() {
            for early in &outbox.early {
                let purpose = Purpose::ReadSent(key, early.href.as_str().to_owned());
                Self::read(core, Some(&early.link), purpose);
            }
        } else {
            // Another endpoint's, or told of twice.
            outbox.early.clear();
        }
    }

    /// A message that an event told of says which it is: by its operation id or, where it has none, by being the only
    /// one that it can be.
    pub(super) fn on_sent_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let read = core.fetched(exchange, result);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        let Some(position) = outbox
            .early
            .iter()
            .position(|early| early.href.as_str() == href)
        else {
            return;
        };
        let Early { href, verdict, .. } = outbox.early.remove(position);
        let Ok(read) = read else { return };
        let posting = outbox.posting.as_ref().filter(|posting| posting.lost);
        let mut nameless = posting
            .map(|posting| &posting.operation_id)
            .into_iter()
            .chain(
                outbox
                    .unsettled
                    .iter()
                    .filter(|message| message.place == Place::Untold)
                    .map(|message| &message.operation_id),
            );
        let operation = match read.text("operationId") {
            Some(operation) => nameless.find(|id| *id == operation).cloned(),
            None => match (nameless.next(), nameless.next()) {
                (Some(only), None) => Some(only.clone()),
                _ => None,
            },
        };
        let Some(operation) = operation else { return };
        outbox.settled.insert(href, ());
        if let Some(posting) = outbox
            .posting
            .take_if(|posting| posting.operation_id == operation)
        {
            self.settle_message(core, key, posting.message, Some(posting.ticket), verdict);
            self.pump(core, key);
        } else if let Some(message) = outbox.take_unsettled(&operation) {
            self.settle_message(core, key, message, None, verdict);
        }
    }

    /// Whether an href is that of a message of ours.
    pub(super) fn is_outgoing(&self, key: ConversationKey, href: &HrefKey) -> bool {
        self.conversations.get(&key).is_some_and(|conversation| {
            conversation
                .outbox
                .awaiting
                .iter()
                .any(|message| message.location_key == *href)
                || conversation
                    .outbox
                    .unsettled
                    .iter()
                    .any(|message| matches!(&message.place, Place::At(place) if place == href))
        })
    }

    /// An event of a message of this user's.
    pub(super) fn on_outgoing(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: HrefKey,
        event: &Event<'_>,
    ) {
        if event.kind != EventKind::Completed {
            return;
        }
        let resource = event.resource();
        let verdict = self.verdict_in(core, key, event);
        let operation = resource.and_then(|message| message.text("operationId"));
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        let names =
            |id: &str, location: Option<&HrefKey>| operation == Some(id) || location == Some(&href);
        let awaiting = outbox
            .awaiting
            .iter()
            .position(|message| names(&message.operation_id, Some(&message.location_key)));
        let Some(verdict) = verdict else {
            // Completed, but how? The message itself may say.
            if let Some(message) = awaiting.and_then(|position| outbox.awaiting.get(position)) {
                let message = message.message;
                self.on_verdict_overdue(core, key, message);
            }
            return;
        };
        if outbox.settled.contains(&href) {
            return;
        }
        if let Some(position) = awaiting {
            let message = outbox.awaiting.remove(position);
            outbox.settled.insert(href, ());
            self.settle_message(core, key, message.message, Some(message.ticket), verdict);
        } else if outbox
            .posting
            .as_ref()
            .is_some_and(|posting| names(&posting.operation_id, None))
        {
            if let Some(posting) = outbox.posting.take() {
                outbox.settled.insert(href, ());
                self.settle_message(core, key, posting.message, Some(posting.ticket), verdict);
                self.pump(core, key);
            }
        } else if let Some(position) =
            outbox
                .unsettled
                .iter()
                .position(|message| match &message.place {
                    Place::At(place) => names(&message.operation_id, Some(place)),
                    Place::Nowhere | Place::Untold => names(&message.operation_id, None),
                })
        {
            let message = outbox.unsettled.remove(position).message;
            outbox.settled.insert(href, ());
            self.settle_message(core, key, message, None, verdict);
        } else if outbox.posting.is_some() || outbox.has_nameless() {
            // Either an answer is still to come and will name it, or one was lost and the message has to be asked.
            let link = event.link.href.to_string();
            outbox.early.push(Early {
                href,
                link,
                verdict,
            });
            self.sort_early(core, key);
        }
    }

    /// No event told what became of a message: the message is asked, once.
    pub(super) fn on_verdict_overdue(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: MessageKey,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let outbox = &mut conversation.outbox;
        if let Some(awaiting) = outbox
            .awaiting
            .iter()
            .find(|awaiting| awaiting.message == message)
        {
            let location = awaiting.location.clone();
            return Self::read(core, Some(&location), Purpose::ReadVerdict(key, message));
        }
        if let Some(posting) = outbox
            .posting
            .take_if(|posting| posting.lost && posting.message == message)
        {
            outbox.remember_unsettled(message, &posting.operation_id, Place::Untold);
            let failure = unknown("the connection broke, and no event tells of the message");
            let verdict = Verdict::failed(failure);
            self.settle_message(core, key, message, Some(posting.ticket), verdict);
            self.pump(core, key);
        }
    }

    pub(super) fn on_verdict_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: MessageKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let read = core.fetched(exchange, result);
        let status = read
            .as_ref()
            .ok()
            .and_then(|resource| resource.text("status"));
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let failed = read
            .as_ref()
            .map(|message| conversation.roster.failed(core, message));
        let failed = failed.unwrap_or_default();
        let outbox = &mut conversation.outbox;
        let Some(position) = outbox
            .awaiting
            .iter()
            .position(|awaiting| awaiting.message == message)
        else {
            return;
        };
        let awaiting = outbox.awaiting.remove(position);
        let timestamp = read.as_ref().ok().and_then(read::timestamp);
        let verdict = match status {
            Some("Succeeded") => Verdict::delivered(timestamp),
            Some("Failed") => {
                let failure = Failure::new(FailureKind::Remote, Stage::Message)
                    .with_failed_participants(failed);
                Verdict::failed(failure).at(timestamp)
            }
            _ => Verdict::failed(unknown(
                "the server took the message and does not say what became of it",
            )),
        };
        if verdict.is_unknown() {
            let place = Place::At(awaiting.location_key);
            outbox.remember_unsettled(message, &awaiting.operation_id, place);
        } else {
            outbox.settled.insert(awaiting.location_key, ());
        }
        self.settle_message(core, key, message, Some(awaiting.ticket), verdict);
    }

    /// The verdict on a message: told to whoever watches, and to whoever still waits.
    pub(super) fn settle_message(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: MessageKey,
        ticket: Option<Ticket>,
        verdict: Verdict,
    ) {
        core.cancel_timers(
            |timer| matches!(timer, Timer::Verdict(other, id) if *other == key && *id == message),
        );
        let result = verdict.failure.clone().map_or(Ok(Outcome::Delivered), Err);
        core.change(
            key,
            ConversationChange::MessageStatus {
                message,
                status: verdict.status,
                timestamp: verdict.timestamp,
                failure: verdict.failure,
            },
        );
        if let Some(ticket) = ticket {
            core.complete(ticket, result);
        }
    }

    /// The verdict that the completion of a message tells, if it does: the event's status decides, and the resource's own
    /// where the event has none.
    fn verdict_in(&self, core: &Core, key: ConversationKey, event: &Event<'_>) -> Option<Verdict> {
        let message = event.resource();
        let delivered = match (
            &event.status,
            message.and_then(|message| message.text("status")),
        ) {
            (Some(EventStatus::Success), _) | (None, Some("Succeeded")) => true,
            (Some(EventStatus::Failure), _) | (None, Some("Failed")) => false,
            _ => return None,
        };
        let timestamp = message.and_then(read::timestamp);
        if delivered {
            return Some(Verdict::delivered(timestamp));
        }
        let told = event.reason.as_ref().and_then(failure_of);
        let failure = told.unwrap_or_else(|| Failure::new(FailureKind::Remote, Stage::Message));
        let roster = &self.conversations.get(&key)?.roster;
        let failed = message.map(|message| roster.failed(core, message));
        let failure = failure.with_failed_participants(failed.unwrap_or_default());
        Some(Verdict::failed(failure).at(timestamp))
    }
}
