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

/// How long the session waits after an accepted invitation for a message event with its text, before it shows the text of
/// the invitation. A message further from the acceptance than this time is not that text.
const FIRST_MESSAGE_GRACE: Duration = Duration::from_secs(5);

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
    invitation_texts: VecDeque<Preview>,
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
    fn has_shown(&self, body: &MessageBody) -> bool {
        let hash = html::hash(body);
        let mut texts = self.invitation_texts.iter();
        self.recent.keys().any(|(_, recent)| *recent == hash)
            || self.shown_before.contains(&hash)
            || texts.any(|text| html::hash(&text.body) == hash)
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
        Some(InvitationText {
            preview: None,
            shown_preview: self.invitation_texts.remove(position),
        })
    }

    /// Stores the text of an invitation that was shown. The server repeats the text of an accepted invitation in an
    /// event, so these texts are kept before others.
    fn remember(&mut self, shown: Option<Preview>) {
        let Some(shown) = shown.filter(|text| text.accepted || self.invitation_texts.is_empty())
        else {
            return;
        };
        if self.invitation_texts.len() == REMEMBERED_TEXTS {
            self.invitation_texts.pop_front();
        }
        self.invitation_texts.push_back(shown);
    }

    /// Removes the text of an earlier invitation that a late event repeats. Returns whether there was one.
    fn remove_repeated(&mut self, repeats: impl FnMut(&Preview) -> bool) -> bool {
        let position = self.invitation_texts.iter().position(repeats);
        position.is_some_and(|position| self.invitation_texts.remove(position).is_some())
    }

    /// Handles another invitation of the peer. Its text follows the messages in the queue, which may repeat the earlier text.
    pub(super) fn mark_earlier(&mut self, text: &mut InvitationText) {
        self.remember(text.shown_preview.take());
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

    /// The number of messages that are not shown yet.
    pub(super) fn awaited(&self) -> usize {
        self.queue.len()
    }
}

/// The text of the incoming invitation of one life.
#[derive(Default)]
pub(super) struct InvitationText {
    /// The text, until it is shown.
    preview: Option<Preview>,
    /// The text after it was shown. The first message event may repeat it.
    shown_preview: Option<Preview>,
}

pub(super) struct Waiting {
    /// `None` for the text of an invitation.
    address: Option<Address>,
    /// The href of the invitation whose text this is.
    invitation: String,
    content: Option<Content>,
    /// The delivery result in the event, which is used if the message turns out to be outgoing.
    pub(super) result: Option<DeliveryResult>,
    sender: Participant,
    /// The event belongs to an ended conversation, or arrived before the present invitation of the peer.
    is_late: bool,
    /// When the event arrived, by the client's clock.
    arrived_at: SystemTime,
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

struct Content {
    body: MessageBody,
    /// When the server received the message, by the server's clock.
    timestamp: Option<SystemTime>,
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

struct Preview {
    body: MessageBody,
    /// The href of the invitation.
    href: String,
    sender: ParticipantKey,
    /// A server leaves out the inviter who has left the conversation.
    is_sender_known: bool,
    /// The server's time at the offer, if it is known.
    offered_at: Option<SystemTime>,
    /// Whether this user has accepted the invitation, even if the server has not confirmed it yet.
    accepted: bool,
    /// The server's time when it confirmed the acceptance, if it is known.
    accepted_at: Option<SystemTime>,
}

impl Preview {
    /// Whether a message has the same text and the same sender, as far as the sender is known.
    fn is_repeated_by(&self, body: &MessageBody, sender: Option<ParticipantKey>) -> bool {
        sender.is_none_or(|sender| self.sender == sender || !self.is_sender_known)
            && html::comparable(&self.body) == html::comparable(body)
    }

    /// Whether a message may have been written between the offer and the acceptance. Only times of the server are compared;
    /// an unknown time excludes nothing.
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

impl InvitationText {
    /// The href of the invitation, if its text is not shown yet.
    pub(super) fn awaited_href(&self) -> Option<&str> {
        self.preview.as_ref().map(|text| &*text.href)
    }

    /// Whether this is the text of the invitation at `href`, shown or not.
    fn is_at(&self, href: &str) -> bool {
        let mut texts = self.preview.iter().chain(&self.shown_preview);
        texts.any(|text| text.href == href)
    }

    /// Whether the text is not shown yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.preview.is_some()
    }

    /// This user has accepted the invitation, or the server has confirmed it at this time of its clock.
    pub(super) fn set_accepted(&mut self, confirmed_at: Option<SystemTime>) {
        if let Some(text) = self.preview.as_mut().or(self.shown_preview.as_mut()) {
            text.accepted = true;
            text.accepted_at = confirmed_at;
        }
    }

    /// Stores the text of an incoming invitation, with the inviter and whether the inviter is known.
    pub(super) fn expect_first(
        &mut self,
        body: Option<MessageBody>,
        (sender, is_sender_known): (ParticipantKey, bool),
        offered_at: Option<SystemTime>,
        href: String,
    ) {
        self.preview = body.map(|body| Preview {
            body,
            href,
            sender,
            is_sender_known,
            offered_at,
            accepted: false,
            accepted_at: None,
        });
        self.shown_preview = None;
    }

    /// Resumes a life whose shown text is in `received`. Its first event may still repeat this text.
    pub(super) fn resume(&mut self, received: &mut Received) {
        if self.shown_preview.is_none() {
            self.shown_preview = received.invitation_texts.pop_back();
        }
    }
}

impl Conversation {
    /// Called when the incoming invitation was accepted. A message event with its text is expected.
    pub(super) fn expect_first_message(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let text = &mut live.invitation_text;
        text.set_accepted(cx.core.server_time());
        if text.is_awaited() {
            self.tasks
                .arm(cx.core, FIRST_MESSAGE_GRACE, ChatTimer::FirstMessage);
        }
    }

    /// Expects the text of an invitation that was answered before it was read, unless a message with this text was shown.
    pub(super) fn expect_text_of_answered(
        &mut self,
        cx: &mut Context<'_>,
        body: MessageBody,
        sender: ParticipantKey,
        href: String,
    ) {
        let live = self.life.live();
        let is_known = live.is_some_and(|live| live.invitation_text.is_at(&href));
        if is_known || self.received.has_shown(&body) {
            return;
        }
        self.show_preview(cx);
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let text = &mut live.invitation_text;
        self.received.remember(text.shown_preview.take());
        let sender = (sender, self.roster.is_identified(sender));
        text.expect_first(Some(body), sender, None, href);
        self.expect_first_message(cx);
    }

    /// Shows every queued message with the content that is known, because the life or the application ends.
    pub(super) fn show_all(&mut self, cx: &mut Context<'_>) {
        for waiting in &mut self.received.queue {
            waiting.content.get_or_insert_with(Content::unavailable);
        }
        self.show_next(cx);
        self.show_preview(cx);
        if let Some(live) = self.life.live_mut() {
            let shown = live.invitation_text.shown_preview.take();
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
    fn enqueue(&mut self, cx: &mut Context<'_>, waiting: Waiting) {
        if let Some(Address { href, key }) = &waiting.address {
            self.received.known.insert(key.clone(), ());
            if waiting.content.is_none() {
                let purpose = ChatPurpose::ReadIncoming(key.clone());
                self.tasks.read(cx.core, Some(href), purpose);
            }
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
                    .map_or(first.invitation, |address| address.href);
                self.show(cx, first.sender, content.body, timestamp, href);
            }
        }
    }

    /// Whether a message repeats the text of an invitation that was shown. In the life of the invitation, the first message
    /// should be this text. If the first message is another one, the text is shown before it.
    fn is_shown_invitation_text(
        &mut self,
        cx: &mut Context<'_>,
        message: &Waiting,
        content: &Content,
    ) -> bool {
        let sender = Some(message.sender.key).filter(|sender| self.roster.is_identified(*sender));
        let repeats = |text: &Preview| text.is_repeated_by(&content.body, sender);
        let mut is_shown = message.is_late && self.received.remove_repeated(repeats);
        let Some(live) = self.life.live_mut() else {
            return is_shown;
        };
        let text = &mut live.invitation_text;
        if message.is_late {
            // If the conversation has another href, the message may belong to the invitation of this life.
            is_shown = is_shown || text.shown_preview.take_if(|text| repeats(text)).is_some();
            if text.preview.take_if(|text| repeats(text)).is_some() {
                self.cancel_first_message(cx);
            }
            return is_shown;
        }
        if let Some(preview) = text.preview.take() {
            self.cancel_first_message(cx);
            // The server may have changed the text. If the two texts differ, both are shown.
            if !repeats(&preview) {
                let timestamp = content.timestamp.unwrap_or(message.arrived_at);
                let (sender, body) = (message.sender.clone(), preview.body);
                self.show(cx, sender, body, timestamp, preview.href);
            }
            return false;
        }
        let shown = text.shown_preview.take();
        let shown = shown.filter(|text| text.is_of_the_acceptance(content.timestamp));
        shown.is_some_and(|text| repeats(&text))
    }

    fn cancel_first_message(&mut self, cx: &mut Context<'_>) {
        self.tasks
            .cancel(cx.core, |timer| *timer == ChatTimer::FirstMessage);
    }

    fn show(
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

    /// Handles the timeout of the message event with the text of the invitation.
    pub(super) fn on_first_message_overdue(&mut self, cx: &mut Context<'_>) {
        if self.received.is_reading() {
            // The message that is being read may be the text.
            self.tasks
                .arm(cx.core, FIRST_MESSAGE_GRACE, ChatTimer::FirstMessage);
        } else {
            self.show_preview(cx);
        }
    }

    /// Shows the text of the incoming invitation, if no event brought it.
    pub(super) fn show_preview(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(preview) = live.invitation_text.preview.take() else {
            return;
        };
        let (body, href) = (preview.body.clone(), preview.href.clone());
        let sender = self.roster.get(preview.sender);
        live.invitation_text.shown_preview = Some(preview);
        if let Some(sender) = sender {
            self.show_text(cx, sender, body, href);
        }
    }

    /// Shows the text of an invitation behind the messages that are being read.
    pub(super) fn show_text(
        &mut self,
        cx: &mut Context<'_>,
        sender: Participant,
        body: MessageBody,
        href: String,
    ) {
        let content = Content {
            body,
            timestamp: None,
        };
        let text = Waiting {
            address: None,
            invitation: href,
            content: Some(content),
            result: None,
            sender,
            is_late: false,
            arrived_at: cx.core.wall_now(),
        };
        self.enqueue(cx, text);
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
