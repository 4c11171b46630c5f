//! Incoming messages: each shown once, in the order of their events.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use ucwa_proto::{Event, HrefKey, Resource};

use super::conversation::{Address, Context, Conversation};
use super::delivery::DeliveryResult;
use super::event_dispatch::may_be_completed;
use super::html;
use super::payload::{self, ParticipantFacts};
use super::purpose::{ChatPurpose, ChatTimer};
use crate::event::{ConversationChange, Participant};
use crate::keys::{MessageKey, ParticipantKey};
use crate::operation::MessageBody;
use crate::recent::Recent;
use crate::response::Answer;

/// How long after an accepted invitation its text may come as a message event before it is shown from the invitation,
/// and how far from the acceptance a message may lie to count as that text.
const FIRST_MESSAGE_GRACE: Duration = Duration::from_secs(5);

/// What was shown, over all lives of the conversation.
#[derive(Default)]
pub(super) struct Shown {
    /// The messages that are shown or in line.
    messages: Recent<HrefKey, (), 1_024>,
    /// The text of an invitation in a life that is over, which a late event may bring again.
    preview: Option<Preview>,
}

impl Shown {
    /// The application is gone: the next one may use the same hrefs.
    pub(super) fn forget_hrefs(&mut self) {
        self.messages.clear();
        self.preview = None;
    }
}

/// The messages of one life that are not shown yet.
#[derive(Default)]
pub(super) struct Arrivals {
    /// In the order of their events. A message that is being read holds up the ones behind it.
    line: VecDeque<Waiting>,
    /// The text of the peer's invitation, until it is shown.
    preview: Option<Preview>,
    /// The text of the invitation as it was shown, which the first event may bring again.
    shown_preview: Option<Preview>,
}

struct Waiting {
    address: Address,
    content: Option<Content>,
    /// The delivery result in the event, for a message that turns out to be this user's when it has been read.
    result: Option<DeliveryResult>,
    sender: Participant,
    /// When its event came, by the client's clock.
    arrived_at: SystemTime,
}

struct Content {
    body: MessageBody,
    /// When the server took it, by the server's clock.
    timestamp: Option<SystemTime>,
}

impl Content {
    /// A message whose content cannot be had. That there is one is shown all the same.
    fn unavailable() -> Self {
        let body = MessageBody::Other {
            media_type: String::new(),
            raw: String::new(),
        };
        Self {
            body,
            timestamp: None,
        }
    }
}

struct Preview {
    body: MessageBody,
    sender: ParticipantKey,
    /// The server's time when it told of the invitation, if it said so.
    offered_at: Option<SystemTime>,
    accepted: bool,
    /// The server's time when it told of the acceptance, if it said so.
    accepted_at: Option<SystemTime>,
}

impl Preview {
    fn is_repeated_by(&self, body: &MessageBody, sender: ParticipantKey) -> bool {
        self.sender == sender && html::comparable(&self.body) == html::comparable(body)
    }

    /// Whether a message may have been written between the offer and the acceptance, by the server's clock alone. Where the
    /// server does not tell the time, nothing speaks against it.
    fn is_of_the_acceptance(&self, timestamp: Option<SystemTime>) -> bool {
        let follows = |earlier: Option<SystemTime>, later: Option<SystemTime>| {
            let (Some(earlier), Some(later)) = (earlier, later) else {
                return true;
            };
            earlier.duration_since(later).unwrap_or_default() <= FIRST_MESSAGE_GRACE
        };
        self.accepted && follows(self.offered_at, timestamp) && follows(timestamp, self.accepted_at)
    }
}

impl Arrivals {
    /// Whether the text of a message is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.line.iter().any(|waiting| waiting.content.is_none())
    }

    /// How many messages are not shown yet.
    pub(super) fn awaited(&self) -> usize {
        self.line.len() + usize::from(self.preview.is_some())
    }

    /// A peer's invitation carries this text.
    pub(super) fn expect_first(
        &mut self,
        body: Option<MessageBody>,
        sender: ParticipantKey,
        server_time: Option<SystemTime>,
    ) {
        self.preview = body.map(|body| Preview {
            body,
            sender,
            offered_at: server_time,
            accepted: false,
            accepted_at: None,
        });
        self.shown_preview = None;
    }

    /// The life that `shown` remembers goes on: its first event may still bring the text that was shown.
    pub(super) fn resume(&mut self, shown: &mut Shown) {
        self.shown_preview = self.shown_preview.take().or(shown.preview.take());
    }
}

impl Conversation {
    /// The peer's invitation was accepted. Its text is expected as a message event.
    pub(super) fn expect_first_message(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let arrivals = &mut live.arrivals;
        let is_expected = arrivals.preview.is_some();
        let preview = arrivals.preview.as_mut();
        if let Some(preview) = preview.or(arrivals.shown_preview.as_mut()) {
            preview.accepted = true;
            preview.accepted_at = cx.core.server_time();
        }
        if is_expected {
            self.tasks
                .arm(cx.core, FIRST_MESSAGE_GRACE, ChatTimer::FirstMessage);
        }
    }

    /// A message event of a life that is over: the result of an outgoing message, or an incoming one that the server has
    /// delivered. It is shown, however late.
    pub(super) fn on_late_message(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let Some(address) = cx.address_of(&event.link.href) else {
            return;
        };
        let message = event.resource();
        if message.and_then(|message| message.text("direction")) != Some("Incoming") {
            return self.on_outgoing(cx, address, event);
        }
        let content = message.and_then(|message| Some((message, payload::message_body(message)?)));
        let Some((message, body)) = content else {
            return;
        };
        if !self.shown.messages.insert(address.key, ()) {
            return;
        }
        // The roster's hrefs belong to another life. Between two, there is no doubt about the sender.
        let sender = match self.roster.only() {
            Some(only) => only,
            None => self.sender_of(cx, message),
        };
        // The text of that life's invitation, or of this life's, if the conversation has moved.
        let repeated = |preview: &mut Preview| preview.is_repeated_by(&body, sender.key);
        let mut again = self.shown.preview.take_if(repeated).is_some();
        if let Some(live) = self.life.live_mut() {
            let arrivals = &mut live.arrivals;
            again = again || arrivals.shown_preview.take_if(repeated).is_some();
            if arrivals.preview.take_if(repeated).is_some() {
                self.tasks
                    .cancel(cx.core, |timer| *timer == ChatTimer::FirstMessage);
            }
        }
        if !again {
            let timestamp = payload::timestamp(message);
            let timestamp = timestamp.unwrap_or_else(|| cx.core.wall_now());
            self.show(cx, sender, body, timestamp);
        }
    }

    /// The life ends: shows every message that is in line, with what is known of it.
    pub(super) fn show_all(&mut self, cx: &mut Context<'_>) {
        if let Some(live) = self.life.live_mut() {
            for waiting in &mut live.arrivals.line {
                waiting.content.get_or_insert_with(Content::unavailable);
            }
        }
        self.show_next(cx);
        self.show_preview(cx);
        if let Some(live) = self.life.live_mut() {
            let shown = live.arrivals.shown_preview.take();
            self.shown.preview = shown.or(self.shown.preview.take());
        }
    }

    /// A message event, of either direction.
    pub(super) fn on_message(&mut self, cx: &mut Context<'_>, event: &Event<'_>) {
        let Some(address) = cx.address_of(&event.link.href) else {
            return;
        };
        let resource = event.resource();
        let outgoing = match resource.and_then(|message| message.text("direction")) {
            Some(direction) => direction == "Outgoing",
            None => self.deliveries.is_at(&address.key),
        };
        if outgoing {
            return self.on_outgoing(cx, address, event);
        }
        if self.shown.messages.contains(&address.key) {
            return;
        }
        let content = resource.and_then(|message| Some((message, payload::message_body(message)?)));
        if let Some((message, body)) = content {
            let sender = self.sender_of(cx, message);
            let timestamp = payload::timestamp(message);
            let content = Content { body, timestamp };
            self.line_up(cx, address, sender, Some(content), None);
        } else if may_be_completed(&event.kind) {
            let sender = match resource {
                Some(message) => self.sender_of(cx, message),
                None => self.unnamed_sender(cx),
            };
            let result = self.result_in(cx, event);
            let purpose = ChatPurpose::ReadIncoming(address.key.clone());
            self.line_up(cx, address, sender, None, result);
            self.tasks.read(cx.core, Some(&event.link.href), purpose);
        }
    }

    fn line_up(
        &mut self,
        cx: &mut Context<'_>,
        address: Address,
        sender: Participant,
        content: Option<Content>,
        result: Option<DeliveryResult>,
    ) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        self.shown.messages.insert(address.key.clone(), ());
        live.arrivals.line.push_back(Waiting {
            address,
            content,
            result,
            sender,
            arrived_at: cx.core.wall_now(),
        });
        self.show_next(cx);
    }

    /// Shows the messages whose content is known, from the front of the line.
    fn show_next(&mut self, cx: &mut Context<'_>) {
        while let Some(live) = self.life.live_mut() {
            let arrivals = &mut live.arrivals;
            let first = arrivals.line.front_mut();
            let Some(content) = first.and_then(|first| first.content.take()) else {
                return;
            };
            let Some(first) = arrivals.line.pop_front() else {
                return;
            };
            let timestamp = content.timestamp.unwrap_or(first.arrived_at);
            if let Some(preview) = arrivals.preview.take() {
                self.tasks
                    .cancel(cx.core, |timer| *timer == ChatTimer::FirstMessage);
                // The server may have changed the text. Where the two differ, both are shown, and nothing is lost.
                if !preview.is_repeated_by(&content.body, first.sender.key) {
                    self.show(cx, first.sender.clone(), preview.body, timestamp);
                }
            } else if let Some(shown) = arrivals.shown_preview.take()
                && shown.is_of_the_acceptance(content.timestamp)
                && shown.is_repeated_by(&content.body, first.sender.key)
            {
                continue;
            }
            self.set_typing(cx, first.sender.key, false);
            self.show(cx, first.sender, content.body, timestamp);
        }
    }

    fn show(
        &mut self,
        cx: &mut Context<'_>,
        sender: Participant,
        body: MessageBody,
        timestamp: SystemTime,
    ) {
        let message = MessageKey::Remote(cx.core.number());
        cx.change(
            self.key,
            ConversationChange::MessageReceived {
                message,
                sender,
                body,
                timestamp,
            },
        );
    }

    /// Shows the text of the peer's invitation, if no event brought it.
    pub(super) fn show_preview(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(preview) = live.arrivals.preview.take() else {
            return;
        };
        let body = preview.body.clone();
        let sender = self.roster.get(preview.sender);
        live.arrivals.shown_preview = Some(preview);
        let timestamp = cx.core.wall_now();
        if let Some(sender) = sender {
            self.show(cx, sender, body, timestamp);
        }
    }

    pub(super) fn on_incoming_read(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
        answer: Answer<'_>,
    ) {
        let message = answer.resource(cx.core).ok();
        let direction = message
            .as_ref()
            .and_then(|message| message.text("direction"));
        let outgoing = message.as_ref().filter(|_| direction == Some("Outgoing"));
        let outgoing = outgoing.map(|message| {
            let operation = message.text("operationId").map(str::to_owned);
            (operation, self.result_of(cx, None, None, Some(message)))
        });
        let sender = message.as_ref().map(|message| self.sender_of(cx, message));
        let content = message.and_then(|message| {
            let body = payload::message_body(&message)?;
            let timestamp = payload::timestamp(&message);
            Some(Content { body, timestamp })
        });
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let line = &mut live.arrivals.line;
        let Some(position) = line.iter().position(|waiting| waiting.address.key == *href) else {
            return;
        };
        if let Some((operation, told)) = outgoing {
            // This user's own message is not shown as received.
            if let Some(Waiting {
                address, result, ..
            }) = line.remove(position)
                && let Some(result) = result.or(told)
            {
                self.take_result(cx, address, operation.as_deref(), result);
            }
        } else if let Some(waiting) = line.get_mut(position) {
            if let Some(sender) = sender.filter(|_| content.is_some()) {
                waiting.sender = sender;
            }
            waiting.content = Some(content.unwrap_or_else(Content::unavailable));
        }
        self.show_next(cx);
        self.end_if_over(cx);
    }

    /// The sender of a message: named in it, linked from it, or the only peer. Not always in the roster.
    fn sender_of(&mut self, cx: &mut Context<'_>, message: &Resource<'_>) -> Participant {
        if let Some(sender) = message.embedded("senderParticipant") {
            return self.meet(cx, sender.href(), &payload::participant(sender));
        }
        if let Some(participant) = message.link("participant") {
            let facts = ParticipantFacts::titled(participant.title.as_deref());
            let sender = self.meet(cx, Some(&participant.href), &facts);
            if sender.name.is_none()
                && self.is_live()
                && let Some(address) = cx.address_of(&participant.href)
            {
                // The message is shown at once, and the name when it is known.
                self.read_participant(cx, &address);
            }
            return sender;
        }
        match message.embedded("contact") {
            // Its href is that of the person, not of the participant.
            Some(contact) => self.meet(cx, None, &payload::participant(contact)),
            None => self.unnamed_sender(cx),
        }
    }

    fn unnamed_sender(&mut self, cx: &mut Context<'_>) -> Participant {
        match self.roster.only() {
            Some(only) => only,
            None => self.meet(cx, None, &ParticipantFacts::default()),
        }
    }
}
