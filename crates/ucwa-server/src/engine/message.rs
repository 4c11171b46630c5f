//! Messages and their deliveries (`sendMessage_ref`, `message_ref`).

use std::time::SystemTime;

use http::header::CONTENT_TYPE;
use ucwa_proto::{DateTime, Event, EventKind, EventLink, EventStatus, Link, Resource};

use super::Engine;
use super::conversation::{MessagingState, Reason, because};
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::ConversationId;
use super::reply::{Refusal, Reply};
use super::routes;
use super::text::{Formats, Text};
use super::timers::Timer;

/// The number of the first message of a conversation, as in the published chats.
const FIRST: u64 = 2;

/// A message in one view.
#[derive(Debug)]
pub(super) struct Message {
    /// The address of the sender.
    author: String,
    outgoing: bool,
    text: Text,
    at: SystemTime,
    operation: Option<String>,
    status: Status,
    /// The number of receivers who have not acknowledged the message.
    outstanding: usize,
    /// The addresses of the receivers to whom the delivery failed, and the reason of the last failure.
    failed: Vec<String>,
    failure: Option<Reason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Succeeded,
    Failed,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// A message in flight to one receiver. It is delivered when the receiver acknowledges the event page with the message.
#[derive(Debug)]
pub(super) struct Delivery {
    from: ConversationId,
    /// The number of the message in the sender's view.
    number: u64,
    to: ConversationId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DeliveryId(u64);

const NOT_FETCHED: Reason = Reason {
    code: "RemoteFailure",
    subcode: "Timeout",
    message: "The receiver didn't fetch the message.",
};

const CUT_OFF: Reason = Reason {
    code: "RemoteFailure",
    subcode: "CallTerminated",
    message: "The chat ended before the receiver fetched the message.",
};

impl Engine {
    /// POST sendMessage. The body is the text.
    pub(super) fn send_message(
        &mut self,
        exchange: &Exchange<'_>,
        id: ConversationId,
    ) -> Result<Reply, Refusal> {
        let media_type = exchange.header(CONTENT_TYPE).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        let html = if media_type.eq_ignore_ascii_case("text/html") {
            true
        } else if media_type.eq_ignore_ascii_case("text/plain") {
            false
        } else {
            return Err(Refusal::UNSUPPORTED_MEDIA_TYPE);
        };
        let text = std::str::from_utf8(exchange.request.body())
            .map_err(|_| Refusal::bad_request("DeserializationFailure", "The text isn't UTF-8."))?;
        if text.is_empty() {
            return Err(Refusal::parameter("The message is empty."));
        }
        let text = Text {
            html,
            text: text.to_owned(),
        };
        let conversation = self.conversation(id)?;
        if conversation.messaging != MessagingState::Connected {
            return Err(Refusal::NOT_FOUND);
        }
        // The parameter is operationId in the reference, OperationContext in the published chats, and absent in some clients.
        let operation = exchange
            .query("operationId")
            .or_else(|| exchange.query("operationContext"))
            .map(str::to_owned);
        let application = conversation.application;
        let local = conversation.local.clone();
        let receivers = self.chatting(id);
        let number = self.add_message(id, &local, text.clone(), operation)?;
        if let Some(message) = self.message_mut(id, number) {
            message.outstanding = receivers.len();
        }
        if receivers.is_empty() {
            // A message in a conference without other members succeeds.
            self.settle(id, number);
        }
        for (other, formats) in receivers {
            self.deliveries_made += 1;
            let delivery = DeliveryId(self.deliveries_made);
            self.add_delivery(
                delivery,
                Delivery {
                    from: id,
                    number,
                    to: other,
                },
            );
            self.set_timer(self.config.message_timeout, Timer::Delivery(delivery));
            self.typing_ends(other, &local);
            self.receive(other, &local, text.within(formats), Some(delivery));
        }
        Ok(Reply::Created(routes::message(application, id, number)))
    }

    /// The views of the other participants in the chat, with their formats.
    pub(super) fn chatting(&self, id: ConversationId) -> Vec<(ConversationId, Formats)> {
        let others = self.others(id).into_iter();
        others
            .filter_map(|(other, _)| {
                let view = self.conversations.get(&other)?;
                (view.messaging == MessagingState::Connected).then_some((other, view.formats))
            })
            .collect()
    }

    fn message_mut(&mut self, id: ConversationId, number: u64) -> Option<&mut Message> {
        message_mut(&mut self.conversations.get_mut(&id)?.messages, number)
    }

    fn add_message(
        &mut self,
        id: ConversationId,
        author: &str,
        text: Text,
        operation: Option<String>,
    ) -> Result<u64, Refusal> {
        let at = self.wall();
        let conversation = self
            .conversations
            .get_mut(&id)
            .ok_or(Refusal::CONVERSATION_NOT_FOUND)?;
        let outgoing = conversation.local == author;
        let messages = &mut conversation.messages;
        let status = if outgoing {
            Status::Pending
        } else {
            Status::Succeeded
        };
        messages.push(Message {
            author: author.to_owned(),
            outgoing,
            text: text.clone(),
            at,
            operation,
            status,
            outstanding: 0,
            failed: Vec::new(),
            failure: None,
        });
        let number = FIRST - 1 + messages.len() as u64;
        self.record_message(id, author, text);
        Ok(number)
    }

    /// Adds an incoming message to a view, and queues its event. With `delivery`, the sender gets the result.
    pub(super) fn receive(
        &mut self,
        id: ConversationId,
        author: &str,
        text: Text,
        delivery: Option<DeliveryId>,
    ) {
        let Ok(number) = self.add_message(id, author, text, None) else {
            return;
        };
        let (Ok(conversation), Ok(resource)) =
            (self.conversation(id), self.event_resource(id, number))
        else {
            return;
        };
        let application = conversation.application;
        let link = EventLink::new("message", routes::message(application, id, number));
        let event = Event::new(EventKind::Completed, link)
            .status(EventStatus::Success)
            .embedding(resource);
        self.enqueue(application, Source::Conversation(id), event, delivery);
    }

    /// Ends a delivery whose event page was acknowledged.
    pub(super) fn message_fetched(&mut self, delivery: DeliveryId) {
        if let Some(delivery) = self.take_delivery(delivery) {
            self.account(&delivery, None);
        }
    }

    /// Fails a delivery that was not acknowledged in time, and withdraws the message.
    pub(super) fn message_lost(&mut self, delivery: DeliveryId) {
        self.fail_delivery(delivery, NOT_FETCHED);
    }

    /// Fails the deliveries from and to a view.
    pub(super) fn fail_deliveries(&mut self, id: ConversationId) {
        let lost = self.conversation(id).map(|view| view.deliveries.clone());
        for delivery in lost.unwrap_or_default() {
            self.fail_delivery(delivery, CUT_OFF);
        }
    }

    fn add_delivery(&mut self, id: DeliveryId, delivery: Delivery) {
        for view in [delivery.from, delivery.to] {
            if let Some(view) = self.conversations.get_mut(&view) {
                view.deliveries.insert(id);
            }
        }
        self.deliveries.insert(id, delivery);
    }

    fn take_delivery(&mut self, id: DeliveryId) -> Option<Delivery> {
        let delivery = self.deliveries.remove(&id)?;
        for view in [delivery.from, delivery.to] {
            if let Some(view) = self.conversations.get_mut(&view) {
                view.deliveries.remove(&id);
            }
        }
        Some(delivery)
    }

    fn fail_delivery(&mut self, id: DeliveryId, reason: Reason) {
        let Some(delivery) = self.take_delivery(id) else {
            return;
        };
        let receiver = self
            .conversations
            .get(&delivery.to)
            .map(|conversation| conversation.application)
            .and_then(|application| self.applications.get_mut(application));
        if let Some(receiver) = receiver {
            receiver.channel.withdraw(id);
        }
        self.account(&delivery, Some(reason));
    }

    /// Counts the result of one delivery. After the last one, the sender gets the result of the message.
    fn account(&mut self, delivery: &Delivery, failure: Option<Reason>) {
        let receiver = self.conversations.get(&delivery.to);
        let receiver = receiver.map(|conversation| conversation.local.clone());
        let Some(message) = self.message_mut(delivery.from, delivery.number) else {
            return;
        };
        message.outstanding = message.outstanding.saturating_sub(1);
        if failure.is_some() {
            message.failed.extend(receiver);
            message.failure = failure;
        }
        if message.outstanding == 0 {
            self.settle(delivery.from, delivery.number);
        }
    }

    /// Reports the result of a message to its sender.
    fn settle(&mut self, id: ConversationId, number: u64) {
        let Some(message) = self.message_mut(id, number) else {
            return;
        };
        let failure = message.failure;
        let status = match failure {
            None => {
                message.status = Status::Succeeded;
                EventStatus::Success
            }
            Some(_) => {
                message.status = Status::Failed;
                EventStatus::Failure
            }
        };
        let (Ok(conversation), Ok(resource)) =
            (self.conversation(id), self.event_resource(id, number))
        else {
            return;
        };
        let application = conversation.application;
        let link = EventLink::new("message", routes::message(application, id, number));
        let event = Event::new(EventKind::Completed, link)
            .status(status)
            .embedding(resource);
        self.emit(
            application,
            Source::Conversation(id),
            because(event, failure),
        );
    }

    /// A message in the form of an event: an outgoing one has no text, status and operationId (`SendAnIM`).
    fn event_resource(
        &self,
        id: ConversationId,
        number: u64,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let message = message_at(&conversation.messages, number).ok_or(Refusal::NOT_FOUND)?;
        let application = conversation.application;
        let direction = if message.outgoing {
            "Outgoing"
        } else {
            "Incoming"
        };
        let resource = Resource::new("message")
            .with_href(routes::message(application, id, number))
            .with_property("direction", direction)
            .with_property("timeStamp", DateTime::from(message.at).to_json())
            .with_link("messaging", routes::messaging(application, id));
        if message.outgoing {
            // In a chat of two, the failed receiver is the remote participant.
            if conversation.meeting.is_none() || message.failed.is_empty() {
                return Ok(resource);
            }
            let failed = message.failed.iter().map(|address| {
                Link::new(routes::participant(application, id, address))
                    .with_title(self.display_name(address).to_owned())
            });
            return Ok(resource.with_links("failedDeliveryParticipant", failed));
        }
        let participant = routes::participant(application, id, &message.author);
        let name = self.display_name(&message.author).to_owned();
        let resource = if self.is_guest(&message.author) {
            resource
        } else {
            resource.with_link("contact", routes::contact(application, &message.author))
        };
        Ok(resource
            .with_link("participant", Link::new(participant).with_title(name))
            .with_link(message.text.rel(), message.text.data_uri()))
    }

    /// A message in the form of a GET response.
    pub(super) fn message_resource(
        &self,
        id: ConversationId,
        number: u64,
    ) -> Result<Resource<'static>, Refusal> {
        let mut resource = self.event_resource(id, number)?;
        let messages = &self.conversation(id)?.messages;
        let message = message_at(messages, number).ok_or(Refusal::NOT_FOUND)?;
        resource = resource.with_property("status", message.status.name());
        if let Some(operation) = &message.operation {
            resource = resource.with_property("operationId", operation.clone());
        }
        if message.outgoing {
            resource = resource.with_link(message.text.rel(), message.text.data_uri());
        }
        Ok(resource)
    }

    pub(super) fn messages_resource(
        &self,
        id: ConversationId,
    ) -> Result<Resource<'static>, Refusal> {
        let conversation = self.conversation(id)?;
        let application = conversation.application;
        let resource = Resource::new("messages").with_href(routes::messages(application, id));
        if conversation.messages.is_empty() {
            return Ok(resource);
        }
        let links = (FIRST..)
            .zip(&conversation.messages)
            .map(|(number, _)| Link::new(routes::message(application, id, number)));
        Ok(resource.with_links("message", links))
    }
}

fn index(number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(FIRST)?).ok()
}

fn message_at(messages: &[Message], number: u64) -> Option<&Message> {
    messages.get(index(number)?)
}

fn message_mut(messages: &mut [Message], number: u64) -> Option<&mut Message> {
    messages.get_mut(index(number)?)
}
