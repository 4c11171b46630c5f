//! The state of the client. It changes by inputs of the user and updates of the session, and returns the effects that the
//! session has to carry out. Nothing here reads a terminal, a clock or the network.

pub(crate) mod contacts_dialog;
pub(crate) mod conversation;
pub(crate) mod find;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod people_dialog;
pub(crate) mod presence_dialog;
pub(crate) mod scroll;
mod selection;
#[cfg(test)]
mod tests;
pub(crate) mod text_field;
pub(crate) mod update;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use skype_p2p::{ConversationId, PersonStatus};

use self::{
    contacts_dialog::ContactsDialog,
    conversation::{Conversation, Item, Summary},
    find::Find,
    input::Input,
    people_dialog::PeopleDialog,
    presence_dialog::PresenceDialog,
    scroll::Anchor,
    update::{Connection, ContactGroup, Effect, Presence, Update},
};
use super::{layout::Layout, printable_text::PrintableText, timeline_lines};

/// Everything that the screen shows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: PrintableText,
    pub(crate) status: PersonStatus,
    note: PrintableText,
    pub(crate) connection: Connection,
    /// In the order in which they appeared.
    conversations: Vec<Conversation>,
    selected: Option<ConversationId>,
    /// The index of the first conversation in the list's area.
    pub(crate) first_listed: usize,
    /// The terminal has the focus, or does not report it.
    focused: bool,
    presence: BTreeMap<String, Presence>,
    pub(crate) groups: Vec<ContactGroup>,
    pub(crate) dialog: Option<Dialog>,
    /// The last line of the screen, until the next key.
    pub(crate) notice: Option<PrintableText>,
    /// The inputs that the state applies when the conversation that is being opened is shown. `None` if none is being opened.
    held: Option<Vec<Input>>,
    /// The last key was Ctrl+Q, and the screen warns that a message is not sent or has no result yet. A second Ctrl+Q quits.
    asked_to_quit: bool,
    /// The columns and rows of the screen.
    pub(crate) size: (u16, u16),
    pub(crate) zone: TimeZone,
}

/// What is open above the conversation.
#[derive(Debug)]
pub(crate) enum Dialog {
    /// The keys, from the row `first` on.
    Help {
        first: usize,
    },
    People(PeopleDialog),
    Contacts(ContactsDialog),
    Presence(PresenceDialog),
    Find(Find),
}

impl State {
    pub(crate) fn new(name: &str, size: (u16, u16), zone: TimeZone) -> Self {
        Self {
            name: PrintableText::line(name),
            status: PersonStatus::Unknown,
            note: PrintableText::default(),
            connection: Connection::default(),
            conversations: Vec::new(),
            selected: None,
            first_listed: 0,
            focused: true,
            presence: BTreeMap::new(),
            groups: Vec::new(),
            dialog: None,
            notice: None,
            held: None,
            asked_to_quit: false,
            size,
            zone,
        }
    }

    /// The state of a user who is signing in. Keeps the inputs until [`Update::Opened`] or
    /// [`apply_held_inputs`](Self::apply_held_inputs).
    pub(crate) fn signing_in(name: &str, size: (u16, u16), zone: TimeZone) -> Self {
        Self {
            connection: Connection::SigningIn,
            held: Some(Vec::new()),
            ..Self::new(name, size, zone)
        }
    }

    /// The conversations as the list shows them: those that go on, and then those that have ended.
    pub(crate) fn listed(&self) -> Vec<&Conversation> {
        let (ended, present): (Vec<_>, Vec<_>) = self
            .conversations
            .iter()
            .partition(|conversation| conversation.summary.has_ended());
        present.into_iter().chain(ended).collect()
    }

    /// The conversation that is shown.
    pub(crate) fn current(&self) -> Option<&Conversation> {
        let id = self.selected?;
        self.conversations.iter().find(|it| it.summary.id == id)
    }

    /// The other conversations that wait for the user.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations
            .iter()
            .filter(|it| it.needs_attention() && Some(it.summary.id) != self.selected)
    }

    fn current_mut(&mut self) -> Option<&mut Conversation> {
        let id = self.selected?;
        self.conversation_mut(id)
    }

    fn conversation_mut(&mut self, id: ConversationId) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|it| it.summary.id == id)
    }

    /// The presence of a person, as far as it is known.
    pub(crate) fn presence_of(&self, address: &str) -> Presence {
        let presence = self.presence.get(&address.to_lowercase());
        presence.cloned().unwrap_or_default()
    }

    /// The areas of the screen.
    pub(crate) fn layout(&self) -> Layout {
        let (columns, rows) = self.size;
        let draft = self.current().map_or("", |it| it.draft.text());
        Layout::new(columns, rows, draft)
    }

    /// Applies a change that the session reports.
    pub(crate) fn on_update(&mut self, update: Update) -> Vec<Effect> {
        let effects = self.apply(update);
        self.show_selected();
        effects
    }

    fn apply(&mut self, update: Update) -> Vec<Effect> {
        match update {
            Update::Me { name, status, note } => {
                self.name = name;
                self.status = status;
                self.note = note;
            }
            Update::Connection(connection) => self.connection = connection,
            Update::Conversation(summary) => return self.on_summary(summary),
            Update::ConversationRemoved(id) => return self.on_removed(id),
            Update::Opened(id) => return self.on_opened(id),
            Update::Item {
                conversation,
                index,
                item,
            } => {
                return self.on_item(conversation, index, item);
            }
            Update::Message {
                conversation,
                message,
            } => {
                if let Some(conversation) = self.conversation_mut(conversation) {
                    conversation.update(message);
                }
            }
            Update::Loaded(id) => {
                if let Some(conversation) = self.conversation_mut(id) {
                    conversation.loading = false;
                }
            }
            Update::NotSent { conversation, text } => {
                if let Some(conversation) = self.conversation_mut(conversation)
                    && conversation.draft.is_empty()
                {
                    conversation.draft.insert(&text);
                }
            }
            Update::Presence { address, presence } => {
                self.presence.insert(address.to_lowercase(), presence);
            }
            Update::Contacts(groups) => {
                if let Some(Dialog::Contacts(dialog)) = &mut self.dialog {
                    dialog.on_contacts(&self.groups, &groups);
                }
                self.groups = groups;
            }
            Update::Found {
                query,
                people,
                more,
            } => {
                if let Some(Dialog::People(dialog)) = &mut self.dialog {
                    dialog.on_found(&query, people, more);
                }
            }
            Update::Notice(notice) => self.notice = Some(notice),
        }
        Vec::new()
    }

    /// Shows the conversation, and applies the inputs that were held for it. If it could not be opened, they are discarded,
    /// because they could be part of a message.
    fn on_opened(&mut self, id: Option<ConversationId>) -> Vec<Effect> {
        let Some(id) = id else {
            self.held = None;
            return Vec::new();
        };
        let mut effects = self.select(id);
        effects.extend(self.apply_held_inputs());
        effects
    }

    /// Adds an item. The bell rings for a message that the user does not see.
    fn on_item(&mut self, id: ConversationId, index: usize, item: Item) -> Vec<Effect> {
        let (is_selected, focused) = (self.selected == Some(id), self.focused);
        let Some(conversation) = self.conversation_mut(id) else {
            return Vec::new();
        };
        let index = index.min(conversation.items.len());
        if !conversation.insert(index, item) {
            return Vec::new();
        }
        if !is_selected || conversation.anchor.is_some() {
            conversation.count_unread(index);
            return vec![Effect::Ring];
        }
        let seen = Effect::Seen(id);
        match focused {
            true => vec![seen],
            false => vec![seen, Effect::Ring],
        }
    }

    /// The bell rings for a new invitation.
    fn on_summary(&mut self, summary: Summary) -> Vec<Effect> {
        let id = summary.id;
        let is_invited = summary.invitation.is_some();
        let is_selected = self.selected == Some(id);
        let mut effects = Vec::new();
        match self.conversation_mut(id) {
            Some(conversation) => {
                let old = &conversation.summary;
                if is_invited && old.invitation.is_none() {
                    effects.push(Effect::Ring);
                }
                // What was missed before is on the screen now.
                if is_selected && summary.missed && !old.missed {
                    effects.push(Effect::Seen(id));
                }
                conversation.summary = summary;
            }
            None => {
                if is_invited {
                    effects.push(Effect::Ring);
                }
                self.conversations.push(Conversation::new(summary));
                if self.selected.is_none() {
                    effects.extend(self.select(id));
                }
            }
        }
        effects
    }

    fn on_removed(&mut self, id: ConversationId) -> Vec<Effect> {
        let listed = self.listed();
        let position = listed.iter().position(|it| it.summary.id == id);
        let mut others = listed.iter().map(|it| it.summary.id);
        let neighbour = position.and_then(|at| {
            let before = at.checked_sub(1).unwrap_or(1);
            others.nth(before)
        });
        self.conversations.retain(|it| it.summary.id != id);
        if self.selected != Some(id) {
            return Vec::new();
        }
        self.selected = None;
        neighbour.map_or_else(Vec::new, |next| self.select(next))
    }

    /// Shows a conversation. Loads the messages of an archived one.
    fn select(&mut self, id: ConversationId) -> Vec<Effect> {
        // The user has seen the end of the other conversation.
        if let Some(other) = self.current_mut()
            && other.summary.id != id
            && other.unread == 0
        {
            other.first_new = None;
        }
        let Some(conversation) = self.conversation_mut(id) else {
            return Vec::new();
        };
        if conversation.anchor.is_none() {
            conversation.unread = 0;
        }
        let mut effects = vec![Effect::Seen(id)];
        let summary = &conversation.summary;
        if summary.has_ended() && summary.more_history && conversation.items.is_empty() {
            conversation.loading = true;
            effects.push(Effect::LoadItems(id));
        }
        self.selected = Some(id);
        if matches!(self.dialog, Some(Dialog::Find(_))) {
            self.dialog = None;
        }
        effects
    }

    /// Scrolls the timeline up by `lines`. Loads older items at the top.
    fn scroll_up(&mut self, lines: usize) -> Vec<Effect> {
        let area = self.layout().timeline;
        let Some(conversation) = self.current() else {
            return Vec::new();
        };
        let moved = scroll::up(
            conversation.anchor,
            lines,
            usize::from(area.height),
            conversation.items.len(),
            |index| self.height(conversation, index),
        );
        let Some(conversation) = self.current_mut() else {
            return Vec::new();
        };
        conversation.anchor = moved.anchor;
        if moved.at_top && conversation.summary.more_history && !conversation.loading {
            conversation.loading = true;
            return vec![Effect::LoadItems(conversation.summary.id)];
        }
        Vec::new()
    }

    fn scroll_down(&mut self, lines: usize) -> Vec<Effect> {
        let Some(conversation) = self.current() else {
            return Vec::new();
        };
        let items = conversation.items.len();
        let height = |index| self.height(conversation, index);
        let anchor = scroll::down(conversation.anchor, lines, items, height);
        self.set_anchor(anchor)
    }

    /// Moves the timeline. The user has seen the messages at its end when the end is shown.
    fn set_anchor(&mut self, anchor: Option<Anchor>) -> Vec<Effect> {
        let Some(conversation) = self.current_mut() else {
            return Vec::new();
        };
        conversation.anchor = anchor;
        if anchor.is_some() || conversation.unread == 0 {
            return Vec::new();
        }
        conversation.unread = 0;
        vec![Effect::Seen(conversation.summary.id)]
    }

    /// The number of lines of an item of the timeline.
    fn height(&self, conversation: &Conversation, index: usize) -> usize {
        self.lines(conversation, index).len()
    }

    /// The lines of an item of the timeline.
    pub(crate) fn lines(
        &self,
        conversation: &Conversation,
        index: usize,
    ) -> Vec<timeline_lines::TimelineLine> {
        let Some(item) = conversation.items.get(index) else {
            return Vec::new();
        };
        if !conversation.shows(item) {
            return Vec::new();
        }
        let mut before = conversation.items.iter().take(index);
        let previous = before.rfind(|it| conversation.shows(it));
        let (columns, rows) = self.size;
        // The width does not depend on the draft, which can be long.
        let columns = usize::from(Layout::new(columns, rows, "").timeline.width);
        let is_first_new = conversation.first_new == Some(index);
        timeline_lines::lines(previous, item, is_first_new, columns, &self.zone)
    }

    /// Scrolls the list of conversations so that the selected one is in its area.
    fn show_selected(&mut self) {
        let rows = usize::from(self.layout().list.height);
        let listed = self.listed();
        let last = listed.len().saturating_sub(rows);
        let selected = listed
            .iter()
            .position(|it| Some(it.summary.id) == self.selected);
        let first = match selected {
            Some(at) => {
                let lowest = (at + 1).saturating_sub(rows);
                self.first_listed.clamp(lowest.min(at), at)
            }
            None => self.first_listed,
        };
        self.first_listed = first.min(last);
    }
}
