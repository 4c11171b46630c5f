//! A conversation as the client shows it.

use std::time::SystemTime;

use crossterm::event::{KeyCode, KeyEvent};
use skype_p2p::{ConversationId, ConversationState, MessageId};

use super::{
    scroll::Anchor,
    text_field::{Edit, TextField},
};
use crate::chat::printable_text::PrintableText;

/// A person with the present name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// The SIP URI.
    pub(crate) address: String,
    pub(crate) name: PrintableText,
}

impl Person {
    /// The address without `sip:`, for the screen.
    pub(crate) fn shown_address(&self) -> PrintableText {
        PrintableText::line(self.address.trim_start_matches("sip:"))
    }
}

/// Everything about a conversation except its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) id: ConversationId,
    pub(crate) title: PrintableText,
    pub(crate) is_group: bool,
    /// The other participants who are in the conversation or were invited.
    pub(crate) people: Vec<Person>,
    pub(crate) state: ConversationState,
    /// The reason why the conversation ended.
    pub(crate) end: Option<PrintableText>,
    /// The incoming invitation that waits for an answer.
    pub(crate) invitation: Option<Invitation>,
    /// The names of the participants who are typing.
    pub(crate) typing: Vec<PrintableText>,
    /// The server may have older messages.
    pub(crate) more_history: bool,
    /// The archive has messages that no device of the user has shown.
    pub(crate) missed: bool,
}

impl Summary {
    pub(crate) fn has_ended(&self) -> bool {
        self.state == ConversationState::Disconnected
    }
}

/// An incoming invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub(crate) from: PrintableText,
    pub(crate) message: PrintableText,
}

/// An entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Message(Message),
    Joined { name: PrintableText, at: SystemTime },
    Left { name: PrintableText, at: SystemTime },
}

impl Item {
    pub(crate) fn at(&self) -> SystemTime {
        match self {
            Self::Message(message) => message.at,
            Self::Joined { at, .. } | Self::Left { at, .. } => *at,
        }
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }

    /// Whether it is a message of the user.
    fn is_own(&self) -> bool {
        self.message().is_some_and(|it| it.delivery.is_some())
    }
}

/// A message of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) sender: PrintableText,
    pub(crate) text: PrintableText,
    pub(crate) at: SystemTime,
    /// The delivery of a message of the user; `None` for the messages of others.
    pub(crate) delivery: Option<Delivery>,
}

/// The delivery of an outgoing message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Sending,
    Delivered,
    /// Not delivered, for this reason.
    Failed(PrintableText),
    /// The message may have been delivered.
    Unknown,
}

/// A conversation with its timeline and the message that the user is writing.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) summary: Summary,
    pub(crate) items: Vec<Item>,
    /// The number of messages that arrived while the end of the timeline was not shown.
    pub(crate) unread: usize,
    pub(crate) draft: TextField,
    /// The position of the timeline; `None` at its end.
    pub(crate) anchor: Option<Anchor>,
    /// Older messages are being loaded.
    pub(crate) loading: bool,
    /// The index of the first message that arrived while the end of the timeline was not shown.
    pub(crate) first_new: Option<usize>,
    /// The index of the message of the user that the draft repeats.
    recalled: Option<usize>,
}

impl Conversation {
    pub(crate) fn new(summary: Summary) -> Self {
        Self {
            summary,
            items: Vec::new(),
            unread: 0,
            draft: TextField::default(),
            anchor: None,
            loading: false,
            first_new: None,
            recalled: None,
        }
    }

    /// Whether the timeline shows the item: only a group has lines about its participants.
    pub(crate) fn shows(&self, item: &Item) -> bool {
        self.summary.is_group || item.message().is_some()
    }

    /// Whether the user has not sent a message that they typed, or the server has not reported the result of one.
    pub(crate) fn is_unfinished(&self) -> bool {
        let mut messages = self.items.iter().filter_map(Item::message);
        !self.draft.text().trim().is_empty()
            || messages.any(|it| it.delivery == Some(Delivery::Sending))
    }

    /// Whether something in the conversation waits for the user.
    pub(crate) fn needs_attention(&self) -> bool {
        self.unread > 0 || self.summary.invitation.is_some() || self.summary.missed
    }

    /// Adds an item. Returns whether it is a message of another person that has just arrived.
    pub(crate) fn insert(&mut self, index: usize, item: Item) -> bool {
        let index = index.min(self.items.len());
        let is_last = index == self.items.len();
        let incoming = item.message().is_some_and(|it| it.delivery.is_none());
        self.items.insert(index, item);
        let anchor = self.anchor.as_mut().map(|anchor| &mut anchor.item);
        let others = [self.first_new.as_mut(), self.recalled.as_mut()];
        for moved in others.into_iter().chain([anchor]).flatten() {
            if index <= *moved {
                *moved += 1;
            }
        }
        // Messages of the archive are inserted before others, or into a conversation that has ended.
        incoming && is_last && !self.summary.has_ended()
    }

    /// Adds an unread message to the count.
    pub(crate) fn count_unread(&mut self, index: usize) {
        if self.unread == 0 {
            self.first_new = Some(index);
        }
        self.unread += 1;
    }

    /// Applies a key to the draft. In an empty draft, Up and Down go through the messages of the user.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Edit {
        let recalls = self.draft.is_empty() || self.recalled.is_some();
        match key.code {
            KeyCode::Up if recalls => self.recall(Self::older),
            KeyCode::Down if recalls => self.recall(Self::newer),
            _ => {
                self.recalled = None;
                self.draft.on_key(key)
            }
        }
    }

    /// Inserts text into the draft.
    pub(crate) fn insert_text(&mut self, text: &str) {
        self.recalled = None;
        self.draft.insert(text);
    }

    /// Removes and returns the text of the draft.
    pub(crate) fn take_text(&mut self) -> String {
        self.recalled = None;
        self.draft.take()
    }

    fn recall(&mut self, next: fn(&Self) -> Option<usize>) -> Edit {
        let recalled = next(self);
        self.recalled = recalled;
        self.draft.take();
        let message = recalled.and_then(|index| self.items.get(index)?.message());
        if let Some(message) = message {
            self.draft.insert(message.text.as_str());
        }
        Edit::Moved
    }

    /// The message of the user before the one that is recalled; the oldest one stays.
    fn older(&self) -> Option<usize> {
        let end = self.recalled.unwrap_or(self.items.len());
        let mut before = self.items.iter().take(end);
        before.rposition(Item::is_own).or(self.recalled)
    }

    /// The message of the user behind the one that is recalled.
    fn newer(&self) -> Option<usize> {
        let start = self.recalled? + 1;
        let mut after = self.items.iter().skip(start);
        after.position(Item::is_own).map(|index| start + index)
    }

    /// Replaces a message by a newer version of itself.
    pub(crate) fn update(&mut self, message: Message) {
        let present = self.items.iter_mut().rev().find_map(|item| match item {
            Item::Message(present) if present.id == message.id => Some(present),
            _ => None,
        });
        if let Some(present) = present {
            *present = message;
        }
    }
}
