//! Events of conversations that no invitation has named yet.
//!
//! An invitation names its conversation, but the conversation's own events may come first: in the same page, or in an
//! earlier one if the invitation has to be read. The buffer holds them until an invitation claims the conversation.

use std::collections::{BTreeMap, VecDeque};

use ucwa_proto::{Event, EventKind, EventPage, HrefKey, Sender};

use crate::recent::Recent;

/// The maximum number of unclaimed conversations in the buffer, and of events of each.
const CAPACITY: usize = 64;

/// Events by the href of their conversation. A full buffer evicts the oldest conversation. An event with a message is never
/// evicted: [`EventBuffer::overflow`] returns the conversation that has to be shown instead.
#[derive(Default)]
pub(super) struct EventBuffer {
    held: BTreeMap<HrefKey, Held>,
    /// The keys of `held` in the order of their first events.
    order: BTreeMap<u64, HrefKey>,
    entered: u64,
    /// Conversations that were deleted without a message. A late invitation to one of them is shown as missed.
    over: Recent<HrefKey, VecDeque<Sender<'static>>, CAPACITY>,
}

struct Held {
    number: u64,
    href: String,
    /// The events in order, each with its sender.
    events: VecDeque<Sender<'static>>,
    has_message: bool,
    deleted: bool,
}

impl EventBuffer {
    /// Adds an event of the conversation at `href`. The caller then calls [`EventBuffer::overflow`].
    pub(super) fn push(
        &mut self,
        key: HrefKey,
        href: &str,
        sender: &Sender<'_>,
        event: &Event<'_>,
    ) {
        let known = self.over.remove(&key);
        let deleted = known.is_some();
        let held = self.held.entry(key.clone()).or_insert_with(|| {
            self.entered += 1;
            self.order.insert(self.entered, key.clone());
            Held {
                number: self.entered,
                href: href.to_owned(),
                events: known.unwrap_or_default(),
                has_message: false,
                deleted,
            }
        });
        held.has_message |= is_message(sender, event);
        held.deleted |= event.link.rel == "conversation" && event.kind == EventKind::Deleted;
        let sender = Sender::new(sender.rel.clone(), sender.href.clone()).with_event(event.clone());
        let page = EventPage {
            senders: vec![sender],
            ..EventPage::default()
        };
        held.events.extend(page.into_owned().senders);
        if held.deleted && !held.has_message {
            self.close(&key);
        }
    }

    /// Makes room after a push for `pushed` by evicting events without a message. If that is not enough, returns the href of
    /// a conversation that has to be shown. The caller takes its events out and calls this function again.
    pub(super) fn overflow(&mut self, pushed: &HrefKey) -> Option<String> {
        while self.held.len() > CAPACITY {
            let (_, oldest) = self.order.first_key_value()?;
            let oldest = oldest.clone();
            if let Some(held) = self.held.get(&oldest).filter(|held| held.has_message) {
                return Some(held.href.clone());
            }
            self.take(&oldest);
        }
        let full = |held: &&mut Held| held.events.len() > CAPACITY;
        let held = self.held.get_mut(pushed).filter(full)?;
        if held.has_message {
            return Some(held.href.clone());
        }
        held.events.pop_front();
        None
    }

    /// Removes and returns the events of a conversation, in order.
    pub(super) fn take(&mut self, key: &HrefKey) -> VecDeque<Sender<'static>> {
        match self.held.remove(key) {
            Some(held) => {
                self.order.remove(&held.number);
                held.events
            }
            None => self.over.remove(key).unwrap_or_default(),
        }
    }

    /// Marks a conversation as ended. Its events are dropped, unless one of them contains a message.
    pub(super) fn close(&mut self, key: &HrefKey) {
        if !self.has_message(key) {
            let events = self.take(key);
            self.over.insert(key.clone(), events);
        }
    }

    pub(super) fn has_message(&self, key: &HrefKey) -> bool {
        self.held.get(key).is_some_and(|held| held.has_message)
    }

    /// The hrefs of the conversations with a message, oldest first.
    pub(super) fn with_messages(&self) -> Vec<String> {
        let held = self.order.values().filter_map(|key| self.held.get(key));
        held.filter(|held| held.has_message)
            .map(|held| held.href.clone())
            .collect()
    }

    /// The messages of the unclaimed conversations: the hrefs of the conversation and of its messages, oldest first.
    pub(super) fn messages(&self) -> Vec<(String, Vec<String>)> {
        let held = self.order.values().filter_map(|key| self.held.get(key));
        held.filter(|held| held.has_message)
            .map(|held| {
                let senders = held.events.iter();
                let events =
                    senders.flat_map(|sender| sender.events.iter().map(move |it| (sender, it)));
                let messages = events.filter(|(sender, event)| is_message(sender, event));
                let hrefs = messages.map(|(_, event)| event.link.href.to_string());
                (held.href.clone(), hrefs.collect())
            })
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn is_message(sender: &Sender<'_>, event: &Event<'_>) -> bool {
    sender.rel == "conversation" && event.link.rel == "message"
}
