//! The dialog that chooses a person: the contact list, and a search of the directory.

use crossterm::event::{KeyCode, KeyEvent};
use skype_p2p::ConversationId;

use super::{
    conversation::Person,
    selection,
    text_field::{Edit, TextField},
    update::ContactGroup,
};
use crate::chat::printable_text::PrintableText;

/// What happens with the chosen person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A chat with the person is opened.
    Chat,
    /// The person is invited to the conversation.
    Invite(ConversationId),
    /// The person is added to the group with this ID, or to the contact list.
    AddContact(Option<String>),
}

/// The dialog.
#[derive(Clone, Debug)]
pub(crate) struct PeopleDialog {
    pub(crate) purpose: Purpose,
    pub(crate) query: TextField,
    /// The query of the last search.
    searched: Option<String>,
    found: Option<Vec<Person>>,
    /// The directory has more people than the search returned.
    pub(crate) more: bool,
    /// The index of the selected row.
    pub(crate) selected: Option<usize>,
}

/// A row of the dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Group(PrintableText),
    Person(Person),
}

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The dialog goes on.
    Open,
    Cancel,
    Choose(String),
    Search(String),
}

impl PeopleDialog {
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self {
            purpose,
            query: TextField::default(),
            searched: None,
            found: None,
            more: false,
            selected: None,
        }
    }

    /// The search is in progress.
    pub(crate) fn is_searching(&self) -> bool {
        self.searched.is_some() && self.found.is_none()
    }

    /// The search has ended.
    pub(crate) fn has_searched(&self) -> bool {
        self.found.is_some()
    }

    fn query(&self) -> &str {
        self.query.text().trim()
    }

    /// The contacts by group without a query. Otherwise the query itself if it is an address, the contacts that match, and the
    /// people that the search found.
    pub(crate) fn rows(&self, groups: &[ContactGroup]) -> Vec<Row> {
        let query = self.query().to_lowercase();
        if query.is_empty() {
            let rows = groups.iter().filter(|group| !group.members.is_empty());
            return rows
                .flat_map(|group| {
                    let members = group.members.iter().cloned().map(Row::Person);
                    std::iter::once(Row::Group(group.name.clone())).chain(members)
                })
                .collect();
        }
        let mut people = Vec::<Person>::new();
        if is_address(&query) {
            people.push(Person {
                address: query.clone(),
                name: PrintableText::line(&query),
            });
        }
        let contacts = groups.iter().flat_map(|group| &group.members);
        let matching = contacts.filter(|person| {
            let name = person.name.as_str().to_lowercase();
            name.contains(&query) || person.address.to_lowercase().contains(&query)
        });
        let found = self.found.iter().flatten();
        for person in matching.chain(found) {
            match people.iter_mut().find(|it| same(it, person)) {
                // The known name is better than the typed address.
                Some(present) => *present = person.clone(),
                None => people.push(person.clone()),
            }
        }
        people.into_iter().map(Row::Person).collect()
    }

    /// Takes the result of a search, unless the query has changed since.
    pub(crate) fn on_found(&mut self, query: &str, people: Vec<Person>, more: bool) {
        if self.searched.as_deref() == Some(query) {
            self.found = Some(people);
            self.more = more;
        }
    }

    pub(crate) fn on_paste(&mut self, text: &str) {
        self.query.insert(PrintableText::line(text).as_str());
        self.on_edit();
    }

    fn on_edit(&mut self) {
        self.searched = None;
        self.found = None;
        self.more = false;
        self.selected = None;
    }

    pub(crate) fn on_key(&mut self, key: KeyEvent, groups: &[ContactGroup]) -> Answer {
        match key.code {
            KeyCode::Esc => return Answer::Cancel,
            KeyCode::Enter => return self.on_enter(groups),
            code => {
                let rows = self.rows(groups);
                let is_person = |index: &usize| matches!(rows.get(*index), Some(Row::Person(_)));
                let people = (0..rows.len()).filter(is_person);
                if let Some(selected) = selection::moved(code, self.selected, people) {
                    self.selected = selected;
                } else if self.query.on_key(key) == Edit::Changed {
                    self.on_edit();
                }
            }
        }
        Answer::Open
    }

    /// Chooses the selected person, or the one with the typed address. Otherwise searches, and chooses the first person of a
    /// search that is done.
    fn on_enter(&mut self, groups: &[ContactGroup]) -> Answer {
        let rows = self.rows(groups);
        let chosen = match self.selected {
            Some(selected) => rows.get(selected),
            None if is_address(self.query()) || self.found.is_some() => rows.first(),
            None => None,
        };
        if let Some(Row::Person(person)) = chosen {
            return Answer::Choose(person.address.clone());
        }
        if self.query().is_empty() || self.searched.is_some() {
            return Answer::Open;
        }
        let query = self.query().to_owned();
        self.searched = Some(query.clone());
        Answer::Search(query)
    }
}

fn is_address(query: &str) -> bool {
    let query = query.strip_prefix("sip:").unwrap_or(query);
    match query.split_once('@') {
        Some((name, domain)) => {
            !name.is_empty() && !domain.is_empty() && !query.contains(char::is_whitespace)
        }
        None => false,
    }
}

fn same(one: &Person, other: &Person) -> bool {
    let plain = |person: &Person| person.address.trim_start_matches("sip:").to_lowercase();
    plain(one) == plain(other)
}
