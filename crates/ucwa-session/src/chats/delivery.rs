//! Delivery results of outgoing messages: which message an event is about, and how its result is reported.

use std::collections::VecDeque;
use std::time::SystemTime;

use ucwa_proto::{Event, EventStatus, HrefKey, Problem, Resource};

use super::conversation::{Address, Context, Conversation};
use super::event_dispatch::{failure_of, may_be_completed};
use super::payload;
use super::purpose::{ChatPurpose, ChatTimer};
use super::sending::Draft;
use crate::event::{ConversationChange, MessageStatus};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{MessageKey, Ticket};
use crate::operation::Outcome;
use crate::recent::Recent;
use crate::response::Answer;

/// How many messages with an unknown result a conversation remembers, for events that come late. The oldest is forgotten
/// first.
const MAX_UNKNOWN: usize = 64;
/// How many results that match no message yet a conversation holds. The oldest is dropped first.
const MAX_EARLY: usize = 64;

/// The outgoing messages of a conversation whose result is not known.
#[derive(Default)]
pub(super) struct Deliveries {
    /// Not sent, in the order of the commands.
    pub(super) drafts: VecDeque<Draft>,
    /// Sent, in order.
    sent: VecDeque<Sent>,
    /// Results that came before the href of their message was known.
    early: VecDeque<Early>,
    /// The hrefs of messages whose result is known: a repeated event is about no other message.
    settled: Recent<HrefKey, (), 1_024>,
}

/// A message that was sent.
struct Sent {
    message: MessageKey,
    /// The operation that waits for the result; `None` after the result was reported as unknown.
    ticket: Option<Ticket>,
    operation_id: String,
    place: Place,
}

/// The href by which events name a message.
enum Place {
    /// None: the message is inside an invitation, or was sent in a life that is over.
    None,
    /// The response to the request will name it.
    Posting,
    /// The response was lost, or did not name it.
    Unnamed,
    At(Address),
}

/// A result that matches no message yet.
struct Early {
    address: Address,
    result: DeliveryResult,
}

/// What became of an outgoing message.
pub(super) struct DeliveryResult {
    status: MessageStatus,
    /// When the server took it, if it says so.
    timestamp: Option<SystemTime>,
    failure: Option<Failure>,
}

impl DeliveryResult {
    pub(super) fn delivered(timestamp: Option<SystemTime>) -> Self {
        Self {
            status: MessageStatus::Succeeded,
            timestamp,
            failure: None,
        }
    }

    /// Not delivered, or unknown if the kind of the failure says so.
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
}

/// The message was sent, and whether it arrived cannot be found out.
pub(super) fn unknown(message: &str) -> Failure {
    Failure::new(FailureKind::DeliveryUnknown, Stage::Message).with_message(message)
}

/// The reason why a message was not sent, given the reason for the end of its conversation.
pub(super) fn not_sent(failure: &Failure) -> Failure {
    match failure.kind() {
        FailureKind::DeliveryUnknown => Failure::new(FailureKind::Ended, Stage::Message)
            .with_message("the conversation ended before the message was sent"),
        _ => failure.clone(),
    }
}

impl Sent {
    /// Whether the queue waits for this message: what follows must not overtake it.
    fn blocks(&self) -> bool {
        self.ticket.is_some() && matches!(self.place, Place::Posting | Place::Unnamed)
    }

    fn is_at(&self, href: &HrefKey) -> bool {
        matches!(&self.place, Place::At(address) if address.key == *href)
    }

    /// Whether an event with this href and operation ID is about the message. An open invitation settles its own message.
    fn is_named(&self, href: &HrefKey, operation: Option<&str>) -> bool {
        let is_in_invitation = matches!(self.place, Place::None) && self.ticket.is_some();
        self.is_at(href) || operation == Some(self.operation_id.as_str()) && !is_in_invitation
    }
}

impl Deliveries {
    /// How many messages have no result, and how many results no message.
    pub(super) fn awaited(&self) -> usize {
        let sent = self
            .sent
            .iter()
            .filter(|sent| sent.ticket.is_some() && !matches!(sent.place, Place::None));
        self.drafts.len() + sent.count() + self.early.len()
    }

    /// Whether a message of this user's is at `href`, with a result or without.
    pub(super) fn is_at(&self, href: &HrefKey) -> bool {
        self.settled.contains(href) || self.sent.iter().any(|sent| sent.is_at(href))
    }

    /// The message that an event or a response is about.
    fn named(&self, address: &Address, operation: Option<&str>) -> Option<&Sent> {
        let mut sent = self.sent.iter();
        sent.find(|sent| sent.is_named(&address.key, operation))
    }

    /// A message leaves in a request of its own, or inside an invitation.
    pub(super) fn add(&mut self, message: MessageKey, ticket: Ticket, operation: &str, own: bool) {
        self.sent.push_back(Sent {
            message,
            ticket: Some(ticket),
            operation_id: operation.to_owned(),
            place: if own { Place::Posting } else { Place::None },
        });
    }

    /// Whether a message was sent whose result must precede the next one.
    pub(super) fn is_blocked(&self) -> bool {
        self.sent.iter().any(Sent::blocks)
    }

    /// Whether the response to a message is still to come.
    pub(super) fn is_posting(&self) -> bool {
        self.posting().is_some()
    }

    /// The message whose response is still to come.
    pub(super) fn posting(&self) -> Option<MessageKey> {
        let mut sent = self.sent.iter();
        sent.find(|sent| sent.ticket.is_some() && matches!(sent.place, Place::Posting))
            .map(|sent| sent.message)
    }

    fn has_unnamed(&self) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|sent| matches!(sent.place, Place::Unnamed))
    }

    /// Whether the result of the message in this invitation was reported as unknown.
    pub(super) fn is_unknown(&self, operation: &str) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|sent| sent.ticket.is_none() && sent.operation_id == operation)
    }

    /// The response to a message named its href. The result, if an event brought it before.
    pub(super) fn locate(
        &mut self,
        message: MessageKey,
        address: Address,
    ) -> Option<DeliveryResult> {
        let mut early = self.early.iter();
        let early = early.position(|early| early.address.key == address.key);
        if let Some(sent) = self.by_message(message) {
            sent.place = Place::At(address);
        }
        Some(self.early.remove(early?)?.result)
    }

    /// The response to a message was lost, or did not name it.
    pub(super) fn lose_response(&mut self, message: MessageKey) {
        if let Some(sent) = self.by_message(message) {
            sent.place = Place::Unnamed;
        }
    }

    fn by_message(&mut self, message: MessageKey) -> Option<&mut Sent> {
        self.sent.iter_mut().find(|sent| sent.message == message)
    }

    /// A new life of the conversation begins: messages of the one before will not be named any more.
    pub(super) fn forget_unnamed(&mut self) {
        for sent in &mut self.sent {
            if sent.ticket.is_none() && matches!(sent.place, Place::Unnamed) {
                sent.place = Place::None;
            }
        }
    }

    /// The application is gone, and every href with it.
    pub(super) fn forget_hrefs(&mut self) {
        self.settled.clear();
        self.early.clear();
        for sent in &mut self.sent {
            sent.place = Place::None;
        }
    }

    /// Takes the record of a message that gets its result, and the operation that waits for it. `None` if the message has
    /// got this result before.
    fn conclude(&mut self, message: MessageKey, result: &DeliveryResult) -> Option<Option<Ticket>> {
        let position = self.sent.iter().position(|it| it.message == message)?;
        if result.status != MessageStatus::Unknown {
            let sent = self.sent.remove(position)?;
            if let Place::At(address) = sent.place {
                self.settled.insert(address.key, ());
            }
            return Some(sent.ticket);
        }
        let sent = self.sent.get_mut(position)?;
        let ticket = sent.ticket.take()?;
        if matches!(sent.place, Place::Posting) {
            sent.place = Place::Unnamed;
        }
        let unknown = |sent: &Sent| sent.ticket.is_none();
        if self.sent.iter().filter(|sent| unknown(sent)).count() > MAX_UNKNOWN
            && let Some(oldest) = self.sent.iter().position(unknown)
        {
            self.sent.remove(oldest);
        }
        Some(Some(ticket))
    }

    /// The operation IDs of the messages that have no href.
    fn unnamed(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(|sent| matches!(sent.place, Place::Unnamed))
    }
}

impl Conversation {
    /// Reports the result of a message that was sent: the only way to a result.
    pub(super) fn report(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        mut result: DeliveryResult,
    ) {
        if let Some(sent) = self.deliveries.by_message(message) {
            let failure = result.failure.take();
            result.failure = failure.map(|it| it.with_operation_id(&sent.operation_id));
        }
        if let Some(ticket) = self.deliveries.conclude(message, &result) {
            self.report_to(cx, message, ticket, result);
        }
    }

    /// Reports that a message was not sent.
    pub(super) fn report_unsent(&mut self, cx: &mut Context<'_>, draft: Draft, failure: Failure) {
        let result = DeliveryResult::failed(failure);
        self.report_to(cx, draft.message, Some(draft.ticket), result);
    }

    fn report_to(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        ticket: Option<Ticket>,
        result: DeliveryResult,
    ) {
        self.tasks
            .cancel(cx.core, |timer| *timer == ChatTimer::Delivery(message));
        let outcome = result.failure.clone().map_or(Ok(Outcome::Delivered), Err);
        cx.change(
            self.key,
            ConversationChange::MessageStatus {
                message,
                status: result.status,
                timestamp: result.timestamp,
                failure: result.failure,
            },
        );
        if let Some(ticket) = ticket {
            cx.core.complete(ticket, outcome);
        }
    }

    /// Reports the result of the message in an invitation. `false` if there is none without a result.
    pub(super) fn report_invitation(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        result: DeliveryResult,
    ) -> bool {
        let mut sent = self.deliveries.sent.iter();
        let message = sent.find(|sent| sent.operation_id == operation);
        let Some(message) = message.map(|sent| sent.message) else {
            return false;
        };
        self.report(cx, message, result);
        true
    }

    /// Identifies the results that match no message, as far as that is possible: the messages are read.
    pub(super) fn identify_early(&mut self, cx: &mut Context<'_>) {
        if self.deliveries.is_posting() {
            // The response that names the message is still to come.
        } else if self.deliveries.has_unnamed() {
            for early in &self.deliveries.early {
                let purpose = ChatPurpose::ReadOutgoing(early.address.key.clone());
                self.tasks.read(cx.core, Some(&early.address.href), purpose);
            }
        } else {
            // Another endpoint's message, or a repeated event.
            self.deliveries.early.clear();
        }
    }

    /// The message of an early result says which it is: by its operation ID or, without one, by being the only possible.
    pub(super) fn on_outgoing_read(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
        answer: Answer<'_>,
    ) {
        let read = answer.resource(cx.core);
        let deliveries = &mut self.deliveries;
        let mut early = deliveries.early.iter();
        let position = early.position(|early| early.address.key == *href);
        let Some(early) = position.and_then(|position| deliveries.early.remove(position)) else {
            return;
        };
        let Ok(read) = read else { return };
        let mut unnamed = deliveries.unnamed();
        let message = match read.text("operationId") {
            Some(operation) => unnamed.find(|sent| sent.operation_id == operation),
            None => match (unnamed.next(), unnamed.next()) {
                (Some(only), None) => Some(only),
                _ => None,
            },
        };
        let message = message.map(|sent| sent.message);
        drop(unnamed);
        if let Some(message) = message {
            deliveries.settled.insert(early.address.key, ());
            self.report(cx, message, early.result);
            self.send_next(cx);
        }
    }

    /// An event of a message of this user's.
    pub(super) fn on_outgoing(
        &mut self,
        cx: &mut Context<'_>,
        address: Address,
        event: &Event<'_>,
    ) {
        if !may_be_completed(&event.kind) {
            return;
        }
        let result = self.result_in(cx, event);
        let resource = event.resource();
        let operation = resource.and_then(|message| message.text("operationId"));
        let Some(result) = result else {
            // The event does not say how the message completed. The message may.
            let sent = self.deliveries.named(&address, operation);
            let waiting = sent.filter(|sent| sent.ticket.is_some() && !sent.blocks());
            if let Some(message) = waiting.map(|sent| sent.message) {
                self.on_delivery_overdue(cx, message);
            }
            return;
        };
        self.take_result(cx, address, operation, result);
    }

    /// Takes the result of the message of this user's that is at an address, and may have the ID of an operation.
    pub(super) fn take_result(
        &mut self,
        cx: &mut Context<'_>,
        address: Address,
        operation: Option<&str>,
        result: DeliveryResult,
    ) {
        if self.deliveries.settled.contains(&address.key) {
            return;
        }
        if let Some(sent) = self.deliveries.named(&address, operation) {
            let (message, blocked) = (sent.message, sent.blocks());
            self.deliveries.settled.insert(address.key, ());
            self.report(cx, message, result);
            if blocked {
                self.send_next(cx);
            }
        } else if self.deliveries.is_blocked() || self.deliveries.has_unnamed() {
            // A response is still to come and names the message, or was lost, and the message has to be read.
            if self.deliveries.early.len() >= MAX_EARLY {
                self.deliveries.early.pop_front();
            }
            self.deliveries.early.push_back(Early { address, result });
            self.identify_early(cx);
        }
    }

    /// No event told the result of a message: the message is read, once.
    pub(super) fn on_delivery_overdue(&mut self, cx: &mut Context<'_>, message: MessageKey) {
        let mut sent = self.deliveries.sent.iter();
        let Some(sent) = sent.find(|sent| sent.message == message && sent.ticket.is_some()) else {
            return;
        };
        match &sent.place {
            Place::At(address) => {
                let purpose = ChatPurpose::ReadDelivery(message);
                self.tasks.read(cx.core, Some(&address.href), purpose);
            }
            Place::Unnamed => {
                let failure = unknown("the connection broke, and no event tells of the message");
                self.report(cx, message, DeliveryResult::failed(failure));
                self.send_next(cx);
            }
            Place::Posting | Place::None => {}
        }
    }

    pub(super) fn on_delivery_read(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        answer: Answer<'_>,
    ) {
        let read = answer.resource(cx.core).ok();
        let result = self.result_of(cx, None, None, read.as_ref());
        let result = result.unwrap_or_else(|| {
            DeliveryResult::failed(unknown(
                "the server took the message and does not say what became of it",
            ))
        });
        self.report(cx, message, result);
    }

    /// The conversation ends: what was sent without a result stays unknown, and what was not sent has failed.
    pub(super) fn close_deliveries(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        self.deliveries.early.clear();
        let open = |sent: &&Sent| sent.ticket.is_some();
        let open = self.deliveries.sent.iter().filter(open);
        let open: Vec<_> = open
            .map(|sent| (sent.message, matches!(sent.place, Place::None)))
            .collect();
        for (message, in_invitation) in open {
            let why = match in_invitation {
                true => "the conversation ended before the invitation had a result",
                false => "the conversation ended before the server said what became of the message",
            };
            self.report(cx, message, DeliveryResult::failed(unknown(why)));
        }
        self.fail_drafts(cx, failure);
    }

    /// The result in the event of a completion, if there is one.
    pub(super) fn result_in(&self, cx: &Context<'_>, event: &Event<'_>) -> Option<DeliveryResult> {
        self.result_of(
            cx,
            event.status.as_ref(),
            event.reason.as_ref(),
            event.resource(),
        )
    }

    /// The result of a message, if there is one: the status of its event decides, and its own where the event has none.
    pub(super) fn result_of(
        &self,
        cx: &Context<'_>,
        event: Option<&EventStatus>,
        reason: Option<&Problem<'_>>,
        message: Option<&Resource<'_>>,
    ) -> Option<DeliveryResult> {
        let status = message.and_then(|message| message.text("status"));
        let delivered = match (event, status) {
            (Some(EventStatus::Success), _) | (None, Some("Succeeded")) => true,
            (Some(EventStatus::Failure), _) | (None, Some("Failed")) => false,
            _ => return None,
        };
        let timestamp = message.and_then(payload::timestamp);
        if delivered {
            return Some(DeliveryResult::delivered(timestamp));
        }
        let told = reason.and_then(failure_of);
        let failure = told.unwrap_or_else(|| Failure::new(FailureKind::Remote, Stage::Message));
        let failed = message.map(|message| self.roster.failed(cx.core, message));
        let failure = failure.with_failed_participants(failed.unwrap_or_default());
        Some(DeliveryResult::failed(failure).at(timestamp))
    }
}
