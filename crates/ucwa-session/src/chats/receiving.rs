//! Incoming messages: each shown once, in the order of their events.

use std::collections::VecDeque;
use std::time::SystemTime;

use ucwa_proto::{Event, HrefKey, Resource};

use super::conversation::{Address, Context, Conversation};
use super::delivery::DeliveryResult;
use super::event_dispatch::may_be_completed;
use super::html;
use super::invitation_text::{InvitationText, ShownText};
use super::payload::{self, ParticipantFacts};
use super::purpose::ChatPurpose;
use crate::event::{ConversationChange, Participant};
use crate::keys::MessageKey;
use crate::operation::MessageBody;
use crate::recent::Recent;
use crate::response::Answer;

/// The number of shown texts of earlier invitations that a conversation keeps.
const REMEMBERED_TEXTS: usize = 8;

/// The incoming messages of a conversation, in all of its lives.
#[derive(Default)]
pub(super) struct Received {
    /// The messages that are shown or queued.
    known: Recent<HrefKey, (), 1_024>,
    /// The messages that are not shown yet, in the order of their events. A message that is being read delays the
    /// messages after it.
    queue: VecDeque<Waiting>,
    /// The time of sending and the hash of the text of recent messages, and whether the message was late.
    recent: Recent<(SystemTime, u64), bool, 64>,
    /// The shown texts of earlier invitations, the newest last. A late event may repeat each of them.
    pub(super) invitation_texts: VecDeque<ShownText>,
    /// The hashes of the texts that an earlier session showed last.
    pub(super) shown_before: Vec<u64>,
}

impl Received {
    /// Removes every href, because the application has ended. The next application may use the same hrefs.
    pub(super) fn forget_hrefs(&mut self) {
        self.known.clear();
        self.recent.clear();
        self.invitation_texts.clear();
        self.shown_before.clear();
    }

    /// Whether the message was shown with another href. A server that did not remove this user from an ended conversation
    /// delivers every message in the ended and in the present conversation.
    fn is_shown_twice(&mut self, message: &Waiting, content: &Content) -> bool {
        let Some(sent_at) = content.timestamp else {
            return false;
        };
        let sent = (sent_at, html::hash(&content.body));
        let is_repeated = self.recent.remove(&sent) == Some(!message.is_late);
        if !is_repeated {
            self.recent.insert(sent, message.is_late);
        }
        is_repeated
    }

    /// Whether a message or an invitation with this text was shown recently.
    pub(super) fn has_shown(&self, body: &MessageBody) -> bool {
        let hash = html::hash(body);
        let mut texts = self.invitation_texts.iter();
        self.recent.keys().any(|(_, recent)| *recent == hash)
            || self.shown_before.contains(&hash)
            || texts.any(|text| text.hash == hash)
    }

    /// The hashes of the texts that were shown last, for a checkpoint.
    pub(super) fn shown_texts(&self) -> impl Iterator<Item = u64> {
        let recent = self.recent.keys().rev().map(|(_, hash)| *hash);
        let recent = recent.chain(self.shown_before.iter().copied());
        recent.take(REMEMBERED_TEXTS)
    }

    /// The text of the invitation at `href`, if it was shown.
    pub(super) fn take_shown_invitation(&mut self, href: &str) -> Option<InvitationText> {
        let mut texts = self.invitation_texts.iter();
        let position = texts.position(|text| text.href == href)?;
        let shown = self.invitation_texts.remove(position)?;
        Some(InvitationText::of_shown(shown))
    }

    /// Stores the text of an invitation that was shown. The server repeats the text of an accepted invitation in an
    /// event, so these texts are kept before others.
    pub(super) fn remember(&mut self, shown: Option<Box<ShownText>>) {
        let Some(shown) = shown.filter(|text| text.accepted || self.invitation_texts.is_empty())
        else {
            return;
        };
        if self.invitation_texts.len() == REMEMBERED_TEXTS {
            self.invitation_texts.pop_front();
        }
        self.invitation_texts.push_back(*shown);
    }

    /// Removes the text of an earlier invitation that a late event repeats. Returns whether there was one.
    pub(super) fn remove_repeated(&mut self, repeats: impl FnMut(&ShownText) -> bool) -> bool {
        let position = self.invitation_texts.iter().position(repeats);
        position.is_some_and(|position| self.invitation_texts.remove(position).is_some())
    }

    /// Handles another invitation of the peer. Its text follows the messages in the queue, which may repeat the earlier text.
    pub(super) fn mark_earlier(&mut self, text: &mut InvitationText) {
        self.remember(text.take_shown());
        for waiting in &mut self.queue {
            waiting.is_late = true;
        }
    }

    /// The hrefs of the messages that are not shown yet, in order.
    pub(super) fn unshown(&self) -> impl Iterator<Item = &str> {
        let addresses = self.queue.iter().filter_map(|it| it.address.as_ref());
        addresses.map(|address| &*address.href)
    }

    /// The hrefs of the invitations whose text is not shown yet, because it follows a message that is being read.
    pub(super) fn unshown_invitations(&self) -> impl Iterator<Item = &str> {
        let texts = self.queue.iter().filter(|it| it.address.is_none());
        texts.map(|text| &*text.invitation)
    }

    /// Removes the messages that are not shown yet.
    pub(super) fn drop_unshown(&mut self) {
        self.queue.clear();
    }

    /// Whether the content of a message is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.queue.iter().any(|waiting| waiting.content.is_none())
    }

    /// Frees the room of an empty queue.
    pub(super) fn shrink(&mut self) {
        if self.queue.is_empty() {
            self.queue.shrink_to_fit();
        }
    }

    /// The number of messages that are not shown yet.
    pub(super) fn awaited(&self) -> usize {
        self.queue.len()
    }
}

pub(super) struct Waiting {
    /// `None` for the text of an invitation.
    pub(super) address: Option<Address>,
    /// The href of the invitation whose text this is.
    pub(super) invitation: String,
    pub(super) content: Option<Content>,
    /// The delivery result in the event, which is used if the message turns out to be outgoing.
    pub(super) result: Option<DeliveryResult>,
    pub(super) sender: Participant,
    /// The event belongs to an ended conversation, or arrived before the present invitation of the peer.
    pub(super) is_late: bool,
    /// When the event arrived, by the client's clock.
    pub(super) arrived_at: SystemTime,
}

impl Waiting {
    fn is_at(&self, href: &HrefKey) -> bool {
        let address = self.address.as_ref();
        address.is_some_and(|address| address.key == *href)
    }

    fn with_content(mut self) -> Option<(Self, Content)> {
        let content = self.content.take()?;
        Some((self, content))
    }
}

pub(super) struct Content {
    pub(super) body: MessageBody,
    /// When the server received the message, by the server's clock.
    pub(super) timestamp: Option<SystemTime>,
}

impl Content {
    /// The content with which a message that cannot be read is shown.
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

impl Conversation {
    /// Shows every queued message with the content that is known, because the life or the application ends.
    pub(super) fn show_all(&mut self, cx: &mut Context<'_>) {
        for waiting in &mut self.received.queue {
            waiting.content.get_or_insert_with(Content::unavailable);
        }
        self.show_next(cx);
        self.show_preview(cx);
        if let Some(live) = self.life.live_mut() {
            let shown = live.invitation_text.take_shown();
            self.received.remember(shown);
        }
    }

    /// Handles an incoming or outgoing message event. A late event belongs to a conversation that has ended: it reports the
    /// result of an outgoing message, or an incoming message, which is shown however late it is.
    pub(super) fn on_message(&mut self, cx: &mut Context<'_>, event: &Event<'_>, is_late: bool) {
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
        if self.received.known.contains(&address.key) {
            return;
        }
        let body = resource.and_then(payload::message_body);
        if body.is_none() && !may_be_completed(&event.kind) {
            return;
        }
        let content = body.map(|body| Content {
            body,
            timestamp: resource.and_then(payload::timestamp),
        });
        let waiting = Waiting {
            result: self.result_in(cx, event),
            sender: self.sender_of(cx, resource, is_late),
            address: Some(address),
            invitation: String::new(),
            content,
            is_late,
            arrived_at: cx.core.wall_now(),
        };
        self.enqueue(cx, waiting);
    }

    /// Adds a message of a checkpoint to the queue. It is read when the application has been read.
    pub(super) fn restore_unshown(&mut self, cx: &mut Context<'_>, href: String) {
        let Some(address) = cx.address_of(&href) else {
            return;
        };
        self.received.known.insert(address.key.clone(), ());
        let waiting = Waiting {
            result: None,
            sender: self.unnamed_sender(cx),
            address: Some(address),
            invitation: String::new(),
            content: None,
            is_late: false,
            arrived_at: cx.core.wall_now(),
        };
        self.received.queue.push_back(waiting);
    }

    /// Reads the messages in the queue whose content is unknown.
    pub(super) fn read_unshown(&mut self, cx: &mut Context<'_>) {
        let unknown = self.received.queue.iter().filter(|it| it.content.is_none());
        let addresses = unknown.filter_map(|it| it.address.clone());
        for Address { href, key } in addresses.collect::<Vec<_>>() {
            self.tasks
                .read(cx.core, Some(&href), ChatPurpose::ReadIncoming(key));
        }
    }

    /// Adds a message to the queue, and reads it if its content is unknown.
    pub(super) fn enqueue(&mut self, cx: &mut Context<'_>, waiting: Waiting) {
        if let Some(Address { href, key }) = &waiting.address {
            self.received.known.insert(key.clone(), ());
            if waiting.content.is_none() {
                let purpose = ChatPurpose::ReadIncoming(key.clone());
                self.tasks.read(cx.core, Some(href), purpose);
            }
        }
        if self.received.queue.is_empty() {
            // Usually the message is shown at once.
            self.received.queue.reserve_exact(1);
        }
        self.received.queue.push_back(waiting);
        self.show_next(cx);
    }

    /// Shows the messages at the front of the queue whose content is known.
    fn show_next(&mut self, cx: &mut Context<'_>) {
        let is_ready = |waiting: &Waiting| waiting.content.is_some();
        while self.received.queue.front().is_some_and(is_ready) {
            let first = self.received.queue.pop_front();
            let Some((first, content)) = first.and_then(Waiting::with_content) else {
                return;
            };
            let is_shown = self.received.is_shown_twice(&first, &content);
            if first.address.is_none()
                || !is_shown && !self.is_shown_invitation_text(cx, &first, &content)
            {
                if !first.is_late {
                    self.set_typing(cx, first.sender.key, false);
                }
                let timestamp = content.timestamp.unwrap_or(first.arrived_at);
                let href = first
                    .address
                    .map_or(first.invitation, |address| address.href.to_string());
                self.show(cx, first.sender, content.body, timestamp, href);
            }
        }
    }

    pub(super) fn show(
        &mut self,
        cx: &mut Context<'_>,
        sender: Participant,
        body: MessageBody,
        timestamp: SystemTime,
        href: String,
    ) {
        let message = MessageKey::Remote(cx.core.number());
        cx.change(
            self.key,
            ConversationChange::MessageReceived {
                message,
                sender,
                body,
                timestamp,
                href,
            },
        );
    }

    pub(super) fn on_incoming_read(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
        answer: Answer<'_>,
    ) {
        let message = answer.resource(cx.core).ok();
        let text = |name| message.as_ref().and_then(|message| message.text(name));
        if text("direction") == Some("Outgoing") {
            // An outgoing message is not shown as received.
            let operation = text("operationId").map(str::to_owned);
            let read = self.result_of(cx, None, None, message.as_ref());
            if let Some(own) = self.remove_own_message(cx, href)
                && let (Some(address), Some(result)) = (own.address, own.result.or(read))
            {
                self.apply_result(cx, address, operation.as_deref(), result);
            }
            return;
        }
        let mut queue = self.received.queue.iter();
        let Some(position) = queue.position(|waiting| waiting.is_at(href)) else {
            return;
        };
        let is_late = self
            .received
            .queue
            .get(position)
            .is_some_and(|it| it.is_late);
        let content = message.as_ref().and_then(|message| {
            let body = payload::message_body(message)?;
            let timestamp = payload::timestamp(message);
            Some((
                self.sender_of(cx, Some(message), is_late),
                Content { body, timestamp },
            ))
        });
        let mut result = None;
        if let Some(waiting) = self.received.queue.get_mut(position) {
            match content {
                Some((sender, content)) => {
                    waiting.sender = sender;
                    waiting.content = Some(content);
                }
                None => {
                    result = waiting.result.take().zip(waiting.address.clone());
                    waiting.content = Some(Content::unavailable());
                }
            }
        }
        // The message may be one of this user, and the response to its request may still show this.
        if let Some((result, address)) = result {
            self.apply_result(cx, address, None, result);
        }
        self.show_next(cx);
    }

    /// Removes a message from the queue that turns out to be outgoing.
    pub(super) fn remove_own_message(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
    ) -> Option<Waiting> {
        let mut queue = self.received.queue.iter();
        let position = queue.position(|it| it.content.is_none() && it.is_at(href))?;
        let own = self.received.queue.remove(position)?;
        let read = ChatPurpose::ReadIncoming(href.clone());
        self.tasks.abandon(cx.core, |purpose| *purpose == read);
        self.show_next(cx);
        Some(own)
    }

    /// The sender of a message: embedded, linked, or the only peer. The sender may be missing in the roster.
    fn sender_of(
        &mut self,
        cx: &mut Context<'_>,
        message: Option<&Resource<'_>>,
        is_late: bool,
    ) -> Participant {
        // For a late message, the hrefs of the roster belong to another life. If there is only one peer, the peer is the
        // sender.
        let only = self.roster.only().filter(|_| is_late);
        let Some(message) = message.filter(|_| only.is_none()) else {
            return only.unwrap_or_else(|| self.unnamed_sender(cx));
        };
        if let Some(sender) = message.embedded("senderParticipant") {
            return self.update_participant(cx, sender.href(), &payload::participant(sender));
        }
        if let Some(participant) = message.link("participant") {
            let facts = ParticipantFacts::titled(participant.title.as_deref());
            let sender = self.update_participant(cx, Some(&participant.href), &facts);
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
            // The href of a contact is the href of a person, not of a participant.
            Some(contact) => self.update_participant(cx, None, &payload::participant(contact)),
            None => self.unnamed_sender(cx),
        }
    }

    fn unnamed_sender(&mut self, cx: &mut Context<'_>) -> Participant {
        match self.roster.only() {
            Some(only) => only,
            None => self.update_participant(cx, None, &ParticipantFacts::default()),
        }
    }
}
