//! Messages that arrive: each shown once, in the order of their events.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, HrefKey, Resource};

use super::read::{self, ParticipantFacts};
use super::roster::stranger;
use super::{Chats, Met, key_of};
use crate::core::Core;
use crate::event::{ConversationChange, Participant};
use crate::exchange::{Exchange, Purpose};
use crate::failure::Failure;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey};
use crate::operation::MessageBody;
use crate::timers::Timer;

/// How long after an accepted invitation its text may come as a message event before it is shown from the invitation,
/// and how far from the acceptance a message may lie to count as that text.
pub(super) const FIRST_MESSAGE_GRACE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Inbox {
    /// Messages that are shown or in line, by the key of their href.
    seen: Met,
    /// Messages in the order of their events; one whose content is still being fetched holds up those behind it.
    line: VecDeque<Waiting>,
    /// The text of the peer's invitation, until it is shown.
    preview: Option<Preview>,
    /// The text of the invitation as it was shown, which the first event may bring again.
    shown_preview: Option<Preview>,
    /// The same of a life that is over.
    past_preview: Option<Preview>,
}

struct Waiting {
    href: HrefKey,
    content: Option<Arrival>,
    sender: Participant,
    /// When its event came, by the client's clock.
    arrived_at: SystemTime,
}

struct Arrival {
    body: MessageBody,
    /// When the server took it, by the server's clock.
    timestamp: Option<SystemTime>,
}

struct Preview {
    body: MessageBody,
    sender: ParticipantKey,
    /// The server's time when it told of the invitation, if it said so.
    offered_at: Option<SystemTime>,
    accepted: bool,
    /// The server's time when it told that the invitation was accepted, if it said so.
    accepted_at: Option<SystemTime>,
}

impl Inbox {
    /// The peer's invitation carries this text.
    pub(super) fn expect_first(
        &mut self,
        body: Option<MessageBody>,
        sender: ParticipantKey,
        at: Option<SystemTime>,
    ) {
        self.preview = body.map(|body| Preview {
            body,
            sender,
            offered_at: at,
            accepted: false,
            accepted_at: None,
        });
        self.shown_preview = None;
    }

    pub(super) fn offer_accepted(&mut self, at: Option<SystemTime>) {
        if let Some(preview) = self.preview.as_mut().or(self.shown_preview.as_mut()) {
            preview.accepted = true;
            preview.accepted_at = at;
        }
    }

    /// Whether the text of the invitation has not been shown yet.
    pub(super) fn expects_first(&self) -> bool {
        self.preview.is_some()
    }

    /// How many messages are not shown yet.
    pub(super) fn awaited(&self) -> usize {
        self.line.len() + usize::from(self.preview.is_some())
    }

    /// The application is gone: the next one may hand out the same hrefs again.
    pub(super) fn forget_addresses(&mut self) {
        self.seen.clear();
        self.past_preview = None;
    }

    /// What belongs to one life of a conversation ends with it.
    pub(super) fn end_life(&mut self) {
        self.line.clear();
        self.preview = None;
        self.past_preview = self.shown_preview.take().or(self.past_preview.take());
    }

    /// A life that was over goes on where it was: its first event may still bring the text that was shown.
    pub(super) fn resume_life(&mut self) {
        self.shown_preview = self.shown_preview.take().or(self.past_preview.take());
    }
}

impl Preview {
    fn is_said_again(&self, body: &MessageBody, sender: ParticipantKey) -> bool {
        self.sender == sender && read::plain(&self.body) == read::plain(body)
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

impl Chats {
    /// A message event of a life that is over: the verdict on one of ours, or something that the peer wrote into it and
    /// that the server says has arrived. It is shown, however late.
    pub(super) fn on_late_message(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        event: &Event<'_>,
    ) {
        let Some(href) = key_of(core, &event.link.href) else {
            return;
        };
        let message = event.resource();
        if message.and_then(|message| message.text("direction")) != Some("Incoming") {
            return self.on_outgoing(core, key, href, event);
        }
        let Some((message, body)) =
            message.and_then(|message| Some((message, read::message_body(message)?)))
        else {
            return;
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if !conversation.inbox.seen.insert(href, ()) {
            return;
        }
        // The roster's hrefs are those of another life: between two, there is no doubt who wrote.
        let sender = match conversation.roster.only() {
            Some(only) => only,
            None => self.sender_of(core, key, message),
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let inbox = &mut conversation.inbox;
        // Shown from the invitation of that life, or of this one where it moved to another address under way.
        let is_again = |shown: &mut Preview| shown.is_said_again(&body, sender.key);
        let again = inbox.past_preview.take_if(is_again);
        let again = again.or_else(|| inbox.shown_preview.take_if(is_again));
        if inbox.preview.take_if(is_again).is_some() {
            core.cancel_timers(
                |timer| matches!(timer, Timer::FirstMessage(other) if *other == key),
            );
        }
        if again.is_none() {
            let timestamp = read::timestamp(message).unwrap_or_else(|| core.wall_now());
            self.show(core, key, sender, body, timestamp);
        }
    }

    /// Shows everything that is in line, with what is known of it: nothing more will come.
    pub(super) fn show_all(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        for waiting in &mut conversation.inbox.line {
            waiting.content.get_or_insert_with(|| Arrival {
                body: MessageBody::Other {
                    media_type: String::new(),
                    raw: String::new(),
                },
                timestamp: None,
            });
        }
        self.advance(core, key);
        self.show_preview(core, key);
    }

    /// A message event, of either direction.
    pub(super) fn on_message(&mut self, core: &mut Core, key: ConversationKey, event: &Event<'_>) {
        let Some(href) = key_of(core, &event.link.href) else {
            return;
        };
        let resource = event.resource();
        let outgoing = match resource.and_then(|message| message.text("direction")) {
            Some(direction) => direction == "Outgoing",
            None => self.is_outgoing(key, &href),
        };
        if outgoing {
            return self.on_outgoing(core, key, href, event);
        }
        let Some(conversation) = self.conversations.get(&key) else {
            return;
        };
        if conversation.inbox.seen.contains(&href) {
            return;
        }
        match resource.and_then(|message| Some((message, read::message_body(message)?))) {
            Some((message, body)) => {
                let sender = self.sender_of(core, key, message);
                let timestamp = read::timestamp(message);
                let arrival = Arrival { body, timestamp };
                self.line_up(core, key, href, sender, Some(arrival));
            }
            // A bare start says that something is coming; its completion brings it, or says where it is.
            None if event.kind != EventKind::Completed => {}
            None => {
                let sender = match resource {
                    Some(message) => self.sender_of(core, key, message),
                    None => self.unnamed_sender(core, key),
                };
                let purpose = Purpose::ReadMessage(key, href.as_str().to_owned());
                self.line_up(core, key, href, sender, None);
                let link = event.link.href.to_string();
                Self::read(core, Some(&link), purpose);
            }
        }
    }

    fn line_up(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: HrefKey,
        sender: Participant,
        content: Option<Arrival>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.inbox.seen.insert(href.clone(), ());
        conversation.inbox.line.push_back(Waiting {
            href,
            content,
            sender,
            arrived_at: core.wall_now(),
        });
        self.advance(core, key);
    }

    /// Shows what has its content, from the front of the line.
    fn advance(&mut self, core: &mut Core, key: ConversationKey) {
        while let Some(conversation) = self.conversations.get_mut(&key) {
            let Some(Waiting {
                content: Some(_), ..
            }) = conversation.inbox.line.front()
            else {
                return;
            };
            let Some(Waiting {
                content: Some(arrival),
                sender,
                arrived_at,
                ..
            }) = conversation.inbox.line.pop_front()
            else {
                return;
            };
            let timestamp = arrival.timestamp.unwrap_or(arrived_at);
            let inbox = &mut conversation.inbox;
            if let Some(preview) = inbox.preview.take() {
                core.cancel_timers(
                    |timer| matches!(timer, Timer::FirstMessage(other) if *other == key),
                );
                // The server may have changed the text on its way; where the two differ, showing both loses nothing.
                if !preview.is_said_again(&arrival.body, sender.key) {
                    self.show(core, key, sender.clone(), preview.body, timestamp);
                }
            } else if let Some(shown) = inbox.shown_preview.take()
                && shown.is_of_the_acceptance(arrival.timestamp)
                && shown.is_said_again(&arrival.body, sender.key)
            {
                continue;
            }
            self.stopped_typing(core, key, sender.key);
            self.show(core, key, sender, arrival.body, timestamp);
        }
    }

    fn show(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        sender: Participant,
        body: MessageBody,
        timestamp: SystemTime,
    ) {
        let message = MessageKey::Remote(core.number());
        core.change(
            key,
            ConversationChange::MessageReceived {
                message,
                sender,
                body,
                timestamp,
            },
        );
    }

    /// Shows the text of the peer's invitation, if no event did.
    pub(super) fn show_preview(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(preview) = conversation.inbox.preview.take() else {
            return;
        };
        let body = preview.body.clone();
        let sender = conversation.roster.get(preview.sender);
        conversation.inbox.shown_preview = Some(preview);
        let timestamp = core.wall_now();
        if let Some(sender) = sender {
            self.show(core, key, sender, body, timestamp);
        }
    }

    pub(super) fn on_message_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        href: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let message = core.fetched(exchange, result);
        let outgoing = message
            .as_ref()
            .is_ok_and(|message| message.text("direction") == Some("Outgoing"));
        let read = message.ok().and_then(|message| {
            let sender = self.sender_of(core, key, &message);
            Some((
                sender,
                read::message_body(&message)?,
                read::timestamp(&message),
            ))
        });
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let line = &mut conversation.inbox.line;
        let Some(position) = line
            .iter()
            .position(|waiting| waiting.href.as_str() == href)
        else {
            return;
        };
        if outgoing {
            // It was one of this user's own, and not one to show as received.
            line.remove(position);
        } else if let Some(waiting) = line.get_mut(position) {
            let (body, timestamp) = match read {
                Some((sender, body, timestamp)) => {
                    waiting.sender = sender;
                    (body, timestamp)
                }
                // That something was written is shown even where it cannot be had.
                None => {
                    let unavailable = MessageBody::Other {
                        media_type: String::new(),
                        raw: String::new(),
                    };
                    (unavailable, None)
                }
            };
            waiting.content = Some(Arrival { body, timestamp });
        }
        self.advance(core, key);
    }

    /// Who wrote a message: named in it, linked from it, or the one peer there is. Not always somebody in the roster.
    fn sender_of(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        message: &Resource<'_>,
    ) -> Participant {
        let met = if let Some(sender) = message.embedded("senderParticipant") {
            self.meet(core, key, sender.href(), &read::participant(sender))
        } else if let Some(participant) = message.link("participant") {
            let facts = ParticipantFacts::titled(participant.title.as_deref());
            let met = self.meet(core, key, Some(&participant.href), &facts);
            if met.as_ref().is_some_and(|met| met.name.is_none()) {
                // What he wrote is shown at once, and his name when it is known.
                self.read_participant(core, key, &participant.href);
            }
            met
        } else if let Some(contact) = message.embedded("contact") {
            // Its href is that of the person, and not of the participant.
            self.meet(core, key, None, &read::participant(contact))
        } else {
            None
        };
        met.unwrap_or_else(|| self.unnamed_sender(core, key))
    }

    fn unnamed_sender(&mut self, core: &mut Core, key: ConversationKey) -> Participant {
        let only = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.roster.only());
        only.or_else(|| self.meet(core, key, None, &ParticipantFacts::default()))
            .unwrap_or_else(|| stranger(core))
    }
}
