//! The inputs of the user: keys, pasted text, the mouse and the size of the screen.

use std::mem;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Position;

use super::{
    Dialog, State,
    contacts_dialog::{self, ContactsDialog},
    find::Find,
    keys::{self, BINDINGS, Command},
    people_dialog::{self, PeopleDialog, Purpose},
    presence_dialog::PresenceDialog,
    scroll::{self, Anchor},
    text_field::Edit,
    update::{ContactChange, Effect, MessageText},
};
use crate::chat::{layout::help_rows, printable_text::PrintableText};

/// The lines that one step of the mouse wheel scrolls.
const WHEEL: usize = 3;

/// An input of the user.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    Key(KeyEvent),
    Paste(String),
    Resize {
        columns: u16,
        rows: u16,
    },
    Click {
        column: u16,
        row: u16,
    },
    WheelUp,
    WheelDown,
    /// The terminal has gained the focus, or lost it.
    Focus(bool),
}

impl State {
    /// Applies an input of the user.
    pub(crate) fn on_input(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.apply_input(input);
        self.show_selected();
        effects
    }

    fn apply_input(&mut self, input: Input) -> Vec<Effect> {
        if let Some(held) = &mut self.held
            && depends_on_conversation(&input)
        {
            held.push(input);
            return Vec::new();
        }
        match input {
            Input::Key(key) => {
                self.notice = None;
                let asked = mem::take(&mut self.asked_to_quit);
                match keys::command(key) {
                    Some(Command::Quit) => self.quit(asked),
                    Some(Command::Redraw) => vec![Effect::Redraw],
                    Some(Command::Suspend) => vec![Effect::Suspend],
                    command => self.on_key(key, command),
                }
            }
            Input::Paste(text) => self.on_paste(&text),
            Input::Resize { columns, rows } => {
                self.size = (columns, rows);
                // The size can have changed and changed back, and the terminal lost what it showed.
                vec![Effect::Redraw]
            }
            Input::Click { column, row } => self.on_click(column, row),
            Input::WheelUp => self.on_wheel(KeyCode::Up),
            Input::WheelDown => self.on_wheel(KeyCode::Down),
            Input::Focus(focused) => {
                self.focused = focused;
                Vec::new()
            }
        }
    }

    /// Scrolls the timeline, or moves the selection of the dialog that covers it.
    fn on_wheel(&mut self, direction: KeyCode) -> Vec<Effect> {
        match (&self.dialog, direction) {
            (None | Some(Dialog::Find(_)), KeyCode::Up) => self.scroll_up(WHEEL),
            (None | Some(Dialog::Find(_)), _) => self.scroll_down(WHEEL),
            (Some(_), _) => self.on_key(KeyEvent::new(direction, KeyModifiers::NONE), None),
        }
    }

    /// Applies the inputs that were held while a conversation was being opened.
    pub(crate) fn apply_held_inputs(&mut self) -> Vec<Effect> {
        let held = self.held.take().unwrap_or_default();
        held.into_iter().flat_map(|it| self.on_input(it)).collect()
    }

    /// Quits. With an unfinished message, the user has to ask for it twice.
    fn quit(&mut self, asked: bool) -> Vec<Effect> {
        let mut conversations = self.conversations.iter();
        let unfinished = conversations.find(|it| it.is_unfinished());
        match unfinished.map(|it| it.summary.title.as_str()) {
            Some(title) if !asked => {
                let text = format!("A message to {title} is not sent. Ctrl+Q again quits.");
                self.say(&text);
                self.asked_to_quit = true;
                Vec::new()
            }
            _ => vec![Effect::Quit],
        }
    }

    fn on_key(&mut self, key: KeyEvent, command: Option<Command>) -> Vec<Effect> {
        match &mut self.dialog {
            None => match command {
                Some(Command::Place) => self.go_to_place(key),
                Some(command) => self.on_command(command),
                None => self.on_edit(key),
            },
            Some(Dialog::Help { first }) => {
                let last = BINDINGS.len() - help_rows(self.size.1);
                match key.code {
                    KeyCode::Up => *first = first.saturating_sub(1),
                    KeyCode::Down => *first = (*first + 1).min(last),
                    _ => self.dialog = None,
                }
                Vec::new()
            }
            Some(Dialog::People(dialog)) => {
                let answer = dialog.on_key(key, &self.groups);
                let purpose = dialog.purpose.clone();
                self.on_people_answer(purpose, answer)
            }
            Some(Dialog::Contacts(dialog)) => {
                let answer = dialog.on_key(key, &self.groups);
                self.on_contacts_answer(answer)
            }
            Some(Dialog::Presence(dialog)) => {
                let changes = dialog.on_key(key);
                if changes.is_some() {
                    self.dialog = None;
                }
                changes.unwrap_or_default()
            }
            Some(Dialog::Find(_)) => self.on_find_key(key),
        }
    }

    fn on_command(&mut self, command: Command) -> Vec<Effect> {
        let page = usize::from(self.layout().timeline.height.saturating_sub(1)).max(1);
        match command {
            Command::Send => return self.send(),
            Command::NewLine => {
                if let Some(conversation) = self.current_mut() {
                    conversation.insert_text("\n");
                }
            }
            Command::Next => return self.step(1),
            Command::Previous => return self.step(-1),
            Command::NextWaiting => return self.next_waiting(),
            Command::ScrollUp => return self.scroll_up(page),
            Command::ScrollDown => return self.scroll_down(page),
            Command::ScrollToEnd => return self.set_anchor(None),
            Command::People => {
                self.dialog = Some(Dialog::People(PeopleDialog::new(Purpose::Chat)));
            }
            Command::AddParticipant => match self.current().map(|it| it.summary.id) {
                Some(id) => {
                    self.dialog = Some(Dialog::People(PeopleDialog::new(Purpose::Invite(id))));
                }
                None => self.say("There is no conversation. Ctrl+O opens one."),
            },
            Command::Contacts => self.dialog = Some(Dialog::Contacts(ContactsDialog::new())),
            Command::Presence => {
                self.dialog = Some(Dialog::Presence(PresenceDialog::new(&self.note)));
            }
            Command::Accept => return self.answer_invitation(Effect::Accept),
            Command::Decline => return self.answer_invitation(Effect::Decline),
            Command::Leave => return self.leave(),
            Command::Find if self.current().is_some() => {
                self.dialog = Some(Dialog::Find(Find::default()));
            }
            Command::LoadConversations => return vec![Effect::LoadConversations],
            Command::Help => self.dialog = Some(Dialog::Help { first: 0 }),
            Command::Find | Command::Place | Command::Redraw | Command::Suspend | Command::Quit => {
            }
        }
        Vec::new()
    }

    /// Edits the message.
    fn on_edit(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(conversation) = self.current_mut() else {
            return Vec::new();
        };
        match conversation.on_key(key) {
            Edit::Changed if !conversation.draft.is_empty() => {
                vec![Effect::Typing(conversation.summary.id)]
            }
            _ => Vec::new(),
        }
    }

    fn on_paste(&mut self, text: &str) -> Vec<Effect> {
        match &mut self.dialog {
            Some(Dialog::People(dialog)) => dialog.on_paste(text),
            Some(Dialog::Find(find)) => {
                find.query.insert(PrintableText::line(text).as_str());
                let mut find = find.clone();
                find.newest(self.current().map_or(&[][..], |it| &it.items));
                return self.show_match(find);
            }
            Some(Dialog::Contacts(dialog)) => dialog.on_paste(text),
            Some(Dialog::Presence(dialog)) => dialog.on_paste(text),
            Some(Dialog::Help { .. }) => {}
            None => {
                if let Some(conversation) = self.current_mut() {
                    conversation.insert_text(text);
                    return vec![Effect::Typing(conversation.summary.id)];
                }
            }
        }
        Vec::new()
    }

    fn send(&mut self) -> Vec<Effect> {
        let Some(conversation) = self.current_mut() else {
            self.say("There is no conversation. Ctrl+O opens one.");
            return Vec::new();
        };
        if conversation.summary.invitation.is_some() {
            self.say("Accept the invitation with Ctrl+Y, or decline it with Ctrl+D.");
            return Vec::new();
        }
        if conversation.draft.text().trim().is_empty() {
            return Vec::new();
        }
        let send = Effect::Send {
            conversation: conversation.summary.id,
            text: MessageText(conversation.take_text()),
        };
        conversation.first_new = None;
        let mut effects = self.set_anchor(None);
        effects.push(send);
        effects
    }

    /// Goes to another conversation of the list, by so many places.
    fn step(&mut self, by: isize) -> Vec<Effect> {
        let listed = self.listed();
        let at = listed
            .iter()
            .position(|it| Some(it.summary.id) == self.selected);
        let next = match at {
            Some(at) => at.saturating_add_signed(by),
            None => 0,
        };
        match listed.get(next).map(|it| it.summary.id) {
            Some(id) if Some(id) != self.selected => self.select(id),
            _ => Vec::new(),
        }
    }

    /// Goes to the conversation of the list in the place of the digit.
    fn go_to_place(&mut self, key: KeyEvent) -> Vec<Effect> {
        let digit = match key.code {
            KeyCode::Char(digit) => digit.to_digit(10),
            _ => None,
        };
        let place = digit.and_then(|digit| usize::try_from(digit).ok()?.checked_sub(1));
        let listed = self.listed();
        match place.and_then(|place| listed.get(place)) {
            Some(conversation) => self.select(conversation.summary.id),
            None => Vec::new(),
        }
    }

    /// Goes to the next conversation that waits for the user.
    fn next_waiting(&mut self) -> Vec<Effect> {
        let listed = self.listed();
        let at = listed
            .iter()
            .position(|it| Some(it.summary.id) == self.selected);
        let (before, after) = listed.split_at(at.map_or(0, |at| at + 1));
        let mut others = after.iter().chain(before);
        let waiting =
            others.find(|it| it.needs_attention() && Some(it.summary.id) != self.selected);
        match waiting.map(|it| it.summary.id) {
            Some(id) => self.select(id),
            None => {
                self.say("No other conversation has unread messages.");
                Vec::new()
            }
        }
    }

    fn answer_invitation(
        &mut self,
        answer: fn(skype_p2p::ConversationId) -> Effect,
    ) -> Vec<Effect> {
        match self.current() {
            Some(conversation) if conversation.summary.invitation.is_some() => {
                vec![answer(conversation.summary.id)]
            }
            _ => {
                self.say("This conversation has no invitation to answer.");
                Vec::new()
            }
        }
    }

    /// Leaves the conversation, or removes it from the list if it does not go on.
    fn leave(&mut self) -> Vec<Effect> {
        use skype_p2p::ConversationState::{Connected, Connecting};
        let Some(conversation) = self.current() else {
            return Vec::new();
        };
        let id = conversation.summary.id;
        match conversation.summary.state {
            _ if conversation.summary.invitation.is_some() => vec![Effect::Decline(id)],
            Connected | Connecting => vec![Effect::Leave(id)],
            _ => vec![Effect::Remove(id)],
        }
    }

    fn on_people_answer(&mut self, purpose: Purpose, answer: people_dialog::Answer) -> Vec<Effect> {
        use people_dialog::Answer;
        let address = match answer {
            Answer::Open => return Vec::new(),
            Answer::Search(query) => return vec![Effect::Search(query)],
            Answer::Cancel => None,
            Answer::Choose(address) => Some(address),
        };
        self.dialog = match purpose {
            Purpose::AddContact(_) => Some(Dialog::Contacts(ContactsDialog::new())),
            Purpose::Chat | Purpose::Invite(_) => None,
        };
        if address.is_some() && purpose == Purpose::Chat {
            self.held = Some(Vec::new());
        }
        let effect = address.map(|address| match purpose {
            Purpose::Chat => Effect::Open { address },
            Purpose::Invite(conversation) => Effect::Invite {
                conversation,
                address,
            },
            Purpose::AddContact(group) => {
                Effect::ChangeContacts(ContactChange::Add { address, group })
            }
        });
        effect.into_iter().collect()
    }

    fn on_contacts_answer(&mut self, answer: contacts_dialog::Answer) -> Vec<Effect> {
        use contacts_dialog::Answer;
        match answer {
            Answer::Open => {}
            Answer::Close => self.dialog = None,
            Answer::ChoosePerson(group) => {
                let dialog = PeopleDialog::new(Purpose::AddContact(group));
                self.dialog = Some(Dialog::People(dialog));
            }
            Answer::Change(change) => return vec![Effect::ChangeContacts(change)],
            Answer::Refuse(why) => self.say(why),
        }
        Vec::new()
    }

    fn on_find_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        let Some(Dialog::Find(mut find)) = self.dialog.take() else {
            return Vec::new();
        };
        let items = self.current().map_or(&[][..], |it| &it.items);
        match key.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Enter | KeyCode::Up => find.older(items),
            KeyCode::Down => find.newer(items),
            _ if find.query.on_key(key) == Edit::Changed => find.newest(items),
            _ => {}
        }
        self.show_match(find)
    }

    /// Scrolls to the message that was found, with some of the next ones below it.
    fn show_match(&mut self, find: Find) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let (Some(item), Some(conversation)) = (find.at, self.current()) {
            let below = usize::from(self.layout().timeline.height / 2);
            let anchor = Some(Anchor { item, hidden: 0 });
            let items = conversation.items.len();
            let anchor = scroll::down(anchor, below, items, |it| self.height(conversation, it));
            effects = self.set_anchor(anchor);
        }
        self.dialog = Some(Dialog::Find(find));
        effects
    }

    fn on_click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        let layout = self.layout();
        if self.dialog.is_some() || !layout.list.contains(Position::new(column, row)) {
            return Vec::new();
        }
        let listed = self.listed();
        let index = self.first_listed + usize::from(row - layout.list.y);
        match listed.get(index).map(|it| it.summary.id) {
            Some(id) => self.select(id),
            None => Vec::new(),
        }
    }

    /// Shows a sentence until the next key.
    fn say(&mut self, text: &str) {
        self.notice = Some(PrintableText::line(text));
    }
}

/// Whether the effect of the input depends on the conversation that is shown.
fn depends_on_conversation(input: &Input) -> bool {
    match input {
        Input::Key(key) => {
            let command = keys::command(*key);
            !matches!(
                command,
                Some(Command::Quit | Command::Redraw | Command::Suspend)
            )
        }
        Input::Resize { .. } | Input::Focus(_) => false,
        _ => true,
    }
}
