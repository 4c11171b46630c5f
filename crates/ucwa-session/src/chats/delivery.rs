//! Delivery results of outgoing messages: the matching of events with messages, and the reporting of results.

mod restoration;

use std::collections::VecDeque;
use std::time::SystemTime;

use ucwa_proto::{Event, EventStatus, HrefKey, Problem, Resource};

use super::conversation::{Address, Context, Conversation};
use super::event_dispatch::{failure_of, may_be_completed};
use super::purpose::{ChatPurpose, ChatTimer};
use super::sending::{DELIVERY_GRACE, Draft};
use super::{html, payload};
use crate::event::{ConversationChange, MessageStatus};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{MessageKey, Ticket};
use crate::operation::Outcome;
use crate::recent::Recent;
use crate::response::Answer;

/// How many messages with an unknown result a conversation keeps, for late events. The oldest is evicted first.
const MAX_UNKNOWN: usize = 64;
/// How many results that match no message yet a conversation keeps. The oldest is evicted first.
const MAX_EARLY: usize = 64;

/// The outgoing messages of a conversation without a known result.
#[derive(Default)]
pub(super) struct Deliveries {
    /// The queued messages, in the order of the commands.
    pub(super) drafts: VecDeque<Draft>,
    /// The messages that were sent, in order.
    sent: VecDeque<Sent>,
    /// Results that arrived before the href of their message was known.
    early: VecDeque<Early>,
    /// The hrefs of messages with a known result. A repeated event for such an href is ignored.
    settled: Recent<HrefKey, (), 1_024>,
}

/// A message that was sent and has no known result.
struct Sent {
    message: MessageKey,
    /// The operation that waits for the result. `None` after the result was reported as unknown, and if an earlier session
    /// sent the message.
    ticket: Option<Ticket>,
    /// The caller has chosen the operation ID.
    has_callers_id: bool,
    /// No result was reported. `false` after the result was reported as unknown.
    is_open: bool,
    /// An earlier session sent the message, whose caller knows only the operation ID.
    is_restored: bool,
    operation_id: String,
    /// The hash of the text.
    text: u64,
    /// The chat to which the message was posted. `None` if it was sent in an invitation or by an earlier session.
    messaging: Option<HrefKey>,
    place: MessageHref,
}

/// The href by which events identify a message.
enum MessageHref {
    /// No href: the message is inside an invitation, or was sent in an earlier life.
    None,
    /// The response to the request will contain the href.
    Posting,
    /// The response was lost, or did not contain the href.
    Unnamed,
    At(Address),
}

/// A result that matches no message yet.
struct Early {
    address: Address,
    result: DeliveryResult,
}

/// The delivery result of an outgoing message.
pub(super) struct DeliveryResult {
    status: MessageStatus,
    /// When the server received the message, if the event has the time.
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

    /// A failed delivery. If the kind of the failure is `DeliveryUnknown`, the result is unknown.
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

/// The failure for a message that was sent and whose result cannot be determined.
pub(super) fn unknown(message: &str) -> Failure {
    Failure::new(FailureKind::DeliveryUnknown, Stage::Message).with_message(message)
}

/// The failure for a message that was not sent, given the reason for the end of its conversation.
pub(super) fn not_sent(failure: &Failure) -> Failure {
    match failure.kind() {
        FailureKind::DeliveryUnknown => Failure::new(FailureKind::Ended, Stage::Message)
            .with_message("the conversation ended before the message was sent"),
        _ => failure.clone(),
    }
}

impl Sent {
    /// Whether the queue waits for this message. Later messages must not overtake it.
    fn blocks(&self) -> bool {
        self.ticket.is_some() && matches!(self.place, MessageHref::Posting | MessageHref::Unnamed)
    }

    fn is_at(&self, href: &HrefKey) -> bool {
        matches!(&self.place, MessageHref::At(address) if address.key == *href)
    }

    /// Whether an event with this href and operation ID is about the message. The message of an open invitation gets its
    /// result from the invitation.
    fn is_named(&self, href: &HrefKey, operation: Option<&str>) -> bool {
        let is_in_invitation = matches!(self.place, MessageHref::None) && self.is_open;
        self.is_at(href) || operation == Some(self.operation_id.as_str()) && !is_in_invitation
    }
}

impl Deliveries {
    /// The number of messages without a result and of results without a message.
    pub(super) fn awaited(&self) -> usize {
        let sent = self
            .sent
            .iter()
            .filter(|sent| sent.is_open && !matches!(sent.place, MessageHref::None));
        self.drafts.len() + sent.count() + self.early.len()
    }

    /// Frees the room of empty queues.
    pub(super) fn shrink(&mut self) {
        if self.drafts.is_empty() {
            self.drafts.shrink_to_fit();
        }
        if self.sent.is_empty() {
            self.sent.shrink_to_fit();
        }
        if self.early.is_empty() {
            self.early.shrink_to_fit();
        }
    }

    /// Whether `href` is the href of an outgoing message, with or without a result.
    pub(super) fn is_at(&self, href: &HrefKey) -> bool {
        self.settled.contains(href) || self.sent.iter().any(|sent| sent.is_at(href))
    }

    /// The message with this href or operation ID.
    fn named(&self, address: &Address, operation: Option<&str>) -> Option<&Sent> {
        let mut sent = self.sent.iter();
        sent.find(|sent| sent.is_named(&address.key, operation))
    }

    /// Adds a message that is being sent inside an invitation.
    pub(super) fn add_invited(&mut self, draft: &Draft, operation: &str) {
        self.add(draft, operation, MessageHref::None, None);
    }

    /// Adds a message that is being posted to the chat with this href, if the href is known.
    pub(super) fn add_posted(
        &mut self,
        draft: &Draft,
        operation: &str,
        messaging: Option<HrefKey>,
    ) {
        self.add(draft, operation, MessageHref::Posting, messaging);
    }

    fn add(
        &mut self,
        draft: &Draft,
        operation: &str,
        place: MessageHref,
        messaging: Option<HrefKey>,
    ) {
        if self.sent.is_empty() {
            // Most conversations wait for the result of one message.
            self.sent.reserve_exact(1);
        }
        self.sent.push_back(Sent {
            message: draft.message,
            ticket: Some(draft.ticket),
            has_callers_id: draft.message_id.is_some(),
            is_open: true,
            is_restored: false,
            operation_id: operation.to_owned(),
            text: html::hash(&draft.body),
            messaging,
            place,
        });
    }

    /// Whether a message of the caller has this ID and no result.
    pub(super) fn is_id_in_use(&self, id: &str) -> bool {
        let drafts = self.drafts.iter();
        let mut drafts = drafts.filter_map(|draft| draft.message_id.as_deref());
        drafts.any(|other| other == id) || self.sent.iter().any(|sent| sent.operation_id == id)
    }

    /// Whether the next message has to wait for the result of one that was sent.
    pub(super) fn is_blocked(&self) -> bool {
        self.sent.iter().any(Sent::blocks)
    }

    /// Whether the response to a message is pending.
    pub(super) fn is_posting(&self) -> bool {
        self.posting().is_some()
    }

    /// The message whose response is pending.
    pub(super) fn posting(&self) -> Option<MessageKey> {
        let mut sent = self.sent.iter();
        sent.find(|sent| sent.ticket.is_some() && matches!(sent.place, MessageHref::Posting))
            .map(|sent| sent.message)
    }

    fn has_unnamed(&self) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|sent| matches!(sent.place, MessageHref::Unnamed))
    }

    /// Whether the result of the message in this invitation was reported as unknown.
    pub(super) fn is_unknown(&self, operation: &str) -> bool {
        let mut sent = self.sent.iter();
        sent.any(|sent| !sent.is_open && sent.operation_id == operation)
    }

    /// Sets the href of a message from its response. Returns the result, if an event reported it before.
    pub(super) fn locate(
        &mut self,
        message: MessageKey,
        address: Address,
    ) -> Option<DeliveryResult> {
        let mut early = self.early.iter();
        let early = early.position(|early| early.address.key == address.key);
        if let Some(sent) = self.by_message(message) {
            sent.place = MessageHref::At(address);
        }
        Some(self.early.remove(early?)?.result)
    }

    /// Handles a response that was lost or did not contain the href of the message.
    pub(super) fn lose_response(&mut self, message: MessageKey) {
        if let Some(sent) = self.by_message(message) {
            sent.place = MessageHref::Unnamed;
        }
    }

    fn by_message(&mut self, message: MessageKey) -> Option<&mut Sent> {
        self.sent.iter_mut().find(|sent| sent.message == message)
    }

    /// Called when a new life begins. Messages of earlier lives cannot be matched by href any more.
    pub(super) fn forget_unnamed(&mut self) {
        for sent in &mut self.sent {
            if !sent.is_open && matches!(sent.place, MessageHref::Unnamed) {
                sent.place = MessageHref::None;
            }
        }
    }

    /// Removes every href, because the application has ended.
    pub(super) fn forget_hrefs(&mut self) {
        self.settled.clear();
        self.early.clear();
        for sent in &mut self.sent {
            sent.place = MessageHref::None;
        }
    }

    /// Removes the record of a message that gets `result`, and returns the operation that waits for it. `None` if the
    /// message already has this result.
    fn conclude(&mut self, message: MessageKey, result: &DeliveryResult) -> Option<Option<Ticket>> {
        let position = self.sent.iter().position(|it| it.message == message)?;
        if result.status != MessageStatus::Unknown {
            let sent = self.sent.remove(position)?;
            if let MessageHref::At(address) = sent.place {
                self.settled.insert(address.key, ());
            }
            return Some(sent.ticket);
        }
        let sent = self.sent.get_mut(position)?;
        if !std::mem::take(&mut sent.is_open) {
            return None;
        }
        let ticket = sent.ticket.take();
        if matches!(sent.place, MessageHref::Posting) {
            sent.place = MessageHref::Unnamed;
        }
        let unknown = |sent: &Sent| !sent.is_open;
        if self.sent.iter().filter(|sent| unknown(sent)).count() > MAX_UNKNOWN
            && let Some(oldest) = self.sent.iter().position(unknown)
        {
            self.sent.remove(oldest);
        }
        Some(ticket)
    }

    /// The messages without an href.
    fn unnamed(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(|sent| matches!(sent.place, MessageHref::Unnamed))
    }
}

impl Conversation {
    /// Reports the result of a message that was sent. No other function sets a result.
    pub(super) fn report(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        mut result: DeliveryResult,
    ) {
        let (mut is_restored, mut message_id) = (false, None);
        if let Some(sent) = self.deliveries.by_message(message) {
            let failure = result.failure.take();
            result.failure = failure.map(|it| it.with_operation_id(&sent.operation_id));
            is_restored = sent.is_restored;
            let is_known_to_caller = is_restored || sent.has_callers_id;
            message_id = is_known_to_caller.then(|| sent.operation_id.clone());
        }
        let Some(ticket) = self.deliveries.conclude(message, &result) else {
            return;
        };
        self.tasks
            .cancel(cx.core, |timer| *timer == ChatTimer::Delivery(message));
        if let Some(message_id) = message_id {
            self.report_settled(cx, message_id, &result);
        }
        // The caller does not have the key of a message of an earlier session.
        if !is_restored {
            self.report_to(cx, message, ticket, result);
        }
    }

    /// Reports the result of a message by its ID.
    fn report_settled(&self, cx: &mut Context<'_>, message_id: String, result: &DeliveryResult) {
        cx.change(
            self.key,
            ConversationChange::MessageSettled {
                message_id,
                status: result.status,
                timestamp: result.timestamp,
                failure: result.failure.clone(),
            },
        );
    }

    /// Reports that the request for a message is about to be sent, if the caller has chosen the ID. Returns the number of the
    /// commit for which the request has to wait.
    pub(super) fn report_posting(&self, cx: &mut Context<'_>, draft: &Draft) -> Option<u64> {
        let message_id = draft.message_id.clone()?;
        cx.change(self.key, ConversationChange::MessagePosting { message_id });
        let is_gated = cx.core.config.commit_gate;
        is_gated.then(|| cx.core.commit_gate.next())
    }

    /// Reports the href of a message, if the caller has chosen the ID.
    pub(super) fn report_posted(&self, cx: &mut Context<'_>, message: MessageKey, href: &str) {
        let mut sent = self.deliveries.sent.iter();
        let sent = sent.find(|sent| sent.message == message && sent.has_callers_id);
        if let Some(sent) = sent {
            let change = ConversationChange::MessagePosted {
                message,
                message_id: sent.operation_id.clone(),
                href: href.to_owned(),
            };
            cx.change(self.key, change);
        }
    }

    /// Reports the href of the invitation that carries a message.
    pub(super) fn report_invitation_posted(
        &self,
        cx: &mut Context<'_>,
        operation: &str,
        href: &str,
    ) {
        let mut sent = self.deliveries.sent.iter();
        let sent = sent.find(|sent| sent.operation_id == operation);
        if let Some(message) = sent.map(|sent| sent.message) {
            self.report_posted(cx, message, href);
        }
    }

    /// Reports that a message was not sent.
    pub(super) fn report_unsent(&mut self, cx: &mut Context<'_>, draft: Draft, failure: Failure) {
        let result = DeliveryResult::failed(failure);
        if let Some(message_id) = draft.message_id {
            self.report_settled(cx, message_id, &result);
        }
        self.report_to(cx, draft.message, Some(draft.ticket), result);
    }

    fn report_to(
        &mut self,
        cx: &mut Context<'_>,
        message: MessageKey,
        ticket: Option<Ticket>,
        result: DeliveryResult,
    ) {
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

    /// Reports the result of the message in an invitation. `false` if no message without a result is in it.
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

    /// Reads the message resources of the results that match no message.
    pub(super) fn identify_early(&mut self, cx: &mut Context<'_>) {
        if self.deliveries.is_posting() {
            // The pending response will contain the href of a message.
        } else if self.deliveries.has_unnamed() {
            for early in &self.deliveries.early {
                let purpose = ChatPurpose::ReadOutgoing(early.address.key.clone());
                self.tasks.read(cx.core, Some(&early.address.href), purpose);
            }
        } else {
            // These are results of other endpoints, or repeated events.
            self.deliveries.early.clear();
        }
    }

    /// Matches an early result with a message: by the operation ID in the message resource, or because exactly one possible
    /// message has the text of the resource and was posted to its chat. Messages of the user's other endpoints cause results, too,
    /// and a user who has joined a conference twice gets a copy of each message in the other chat.
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
        if read.text("direction") == Some("Incoming") {
            return;
        }
        let text = payload::message_body(&read).map(|body| html::hash(&body));
        let messaging = read.link_href("messaging").and_then(|href| cx.key_of(href));
        let is_elsewhere = |sent: &Sent| {
            let both = messaging.as_ref().zip(sent.messaging.as_ref());
            both.is_some_and(|(read, sent)| read != sent)
        };
        let unnamed = deliveries.unnamed();
        let mut unnamed =
            unnamed.filter(|sent| text.is_none_or(|text| text == sent.text) && !is_elsewhere(sent));
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

    /// Handles an event of an outgoing message.
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
            // The event does not contain a result. The message resource may.
            let sent = self.deliveries.named(&address, operation);
            let waiting = sent.filter(|sent| sent.is_open && !sent.blocks());
            if let Some(message) = waiting.map(|sent| sent.message) {
                self.on_delivery_overdue(cx, message);
            }
            return;
        };
        self.apply_result(cx, address, operation, result);
    }

    /// Applies a result to the outgoing message with this href or operation ID.
    pub(super) fn apply_result(
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
            // The message cannot be identified yet: a pending response will contain its href, or the response was lost and
            // the message has to be read.
            if self.deliveries.early.len() >= MAX_EARLY {
                self.deliveries.early.pop_front();
            }
            self.deliveries.early.push_back(Early { address, result });
            self.identify_early(cx);
        }
    }

    /// Reads a message once, because no event reported its result in time.
    pub(super) fn on_delivery_overdue(&mut self, cx: &mut Context<'_>, message: MessageKey) {
        let mut sent = self.deliveries.sent.iter();
        let Some(sent) = sent.find(|sent| sent.message == message && sent.is_open) else {
            return;
        };
        match &sent.place {
            MessageHref::At(address) => {
                let purpose = ChatPurpose::ReadDelivery(message);
                self.tasks.read(cx.core, Some(&address.href), purpose);
            }
            MessageHref::Unnamed => {
                let failure = unknown("the connection broke, and no event tells of the message");
                self.report(cx, message, DeliveryResult::failed(failure));
                self.send_next(cx);
            }
            MessageHref::Posting | MessageHref::None => {}
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
        if result.is_none() && self.tasks.is_armed(&ChatTimer::Delivery(message)) {
            // The message was read as soon as the session resumed, and an event may still report the result.
            return;
        }
        let result = result.unwrap_or_else(|| {
            DeliveryResult::failed(unknown(
                "the server accepted the message and did not report its delivery",
            ))
        });
        self.report(cx, message, result);
    }

    /// Called when the conversation ends. Messages that were sent stay unknown, and queued messages fail.
    pub(super) fn close_deliveries(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        self.deliveries.early.clear();
        let open = |sent: &&Sent| sent.is_open;
        let open = self.deliveries.sent.iter().filter(open);
        let open: Vec<_> = open
            .map(|sent| (sent.message, matches!(sent.place, MessageHref::None)))
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

    /// The result in the completion event of a message, if it contains one.
    pub(super) fn result_in(&self, cx: &Context<'_>, event: &Event<'_>) -> Option<DeliveryResult> {
        self.result_of(
            cx,
            event.status.as_ref(),
            event.reason.as_deref(),
            event.resource(),
        )
    }

    /// The result of a message, if there is one. The status of the event decides; without it, the status of the message
    /// does.
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
        let failure = reason.and_then(failure_of);
        let failure = failure.unwrap_or_else(|| Failure::new(FailureKind::Remote, Stage::Message));
        let failed = message.map(|message| self.roster.failed(cx.core, message));
        let failure = failure.with_failed_participants(failed.unwrap_or_default());
        Some(DeliveryResult::failed(failure).at(timestamp))
    }
}
