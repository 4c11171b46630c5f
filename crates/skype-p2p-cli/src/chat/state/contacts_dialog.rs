//! The dialog that changes the contact list: its groups, and the persons in them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use skype_p2p::GroupType;

use super::{
    conversation::Person,
    selection,
    text_field::TextField,
    update::{ContactChange, ContactGroup},
};
use crate::chat::printable_text::PrintableText;

/// The dialog.
#[derive(Clone, Debug)]
pub(crate) struct ContactsDialog {
    /// The index of the selected row.
    pub(crate) selected: Option<usize>,
    pub(crate) step: Step,
}

/// What the dialog shows.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The groups and their members.
    List,
    /// The name of a group is edited.
    Name { field: TextField, of: NameOf },
    /// The user chooses one of several changes.
    Choice(Choice),
}

/// The group whose name is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NameOf {
    /// A group that is created.
    New,
    /// The group with this ID.
    Group(String),
}

/// A question with possible answers.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) question: PrintableText,
    /// Each answer with its change; the change is `None` if the contact list stays as it is.
    pub(crate) answers: Vec<(PrintableText, Option<ContactChange>)>,
    /// The index of the selected answer.
    pub(crate) selected: usize,
}

/// A row of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row<'a> {
    Group(&'a ContactGroup),
    Member(&'a ContactGroup, &'a Person),
}

impl<'a> Row<'a> {
    pub(crate) fn group(self) -> &'a ContactGroup {
        match self {
            Self::Group(group) | Self::Member(group, _) => group,
        }
    }

    /// Whether the row is about the same group or the same member.
    fn is(self, other: Row<'_>) -> bool {
        let member = |row: Row<'_>| match row {
            Row::Group(_) => None,
            Row::Member(_, person) => Some(person.address.clone()),
        };
        self.group().id == other.group().id && member(self) == member(other)
    }
}

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The dialog goes on.
    Open,
    Close,
    /// The user chooses a person who is added to the group with this ID, or to the contact list.
    ChoosePerson(Option<String>),
    Change(ContactChange),
    /// The key does not apply, for this reason.
    Refuse(&'static str),
}

impl ContactsDialog {
    pub(crate) fn new() -> Self {
        Self {
            selected: None,
            step: Step::List,
        }
    }

    /// Each group with its members below it.
    pub(crate) fn rows(groups: &[ContactGroup]) -> Vec<Row<'_>> {
        let rows = groups.iter().flat_map(|group| {
            let members = group.members.iter();
            let members = members.map(move |person| Row::Member(group, person));
            std::iter::once(Row::Group(group)).chain(members)
        });
        rows.collect()
    }

    fn selected_row<'a>(&self, groups: &'a [ContactGroup]) -> Option<Row<'a>> {
        Self::rows(groups).get(self.selected?).copied()
    }

    /// Keeps the selected group or person selected when the contact list changes. If the row is gone, the row in its place is
    /// selected.
    pub(crate) fn on_contacts(&mut self, old: &[ContactGroup], new: &[ContactGroup]) {
        let Some(selected) = self.selected_row(old) else {
            return;
        };
        let rows = Self::rows(new);
        let moved = rows.iter().position(|row| row.is(selected));
        let last = rows.len().checked_sub(1);
        self.selected = moved.or_else(|| Some(self.selected?.min(last?)));
    }

    pub(crate) fn on_paste(&mut self, text: &str) {
        if let Step::Name { field, .. } = &mut self.step {
            field.insert(PrintableText::line(text).as_str());
        }
    }

    pub(crate) fn on_key(&mut self, key: KeyEvent, groups: &[ContactGroup]) -> Answer {
        match &mut self.step {
            Step::List => self.on_list_key(key, groups),
            _ if key.code == KeyCode::Esc => {
                self.step = Step::List;
                Answer::Open
            }
            Step::Name { field, of } => {
                if key.code != KeyCode::Enter {
                    field.on_key(key);
                    return Answer::Open;
                }
                let name = field.text().trim().to_owned();
                let change = match of {
                    _ if name.is_empty() => return Answer::Refuse("A group needs a name."),
                    NameOf::New => ContactChange::CreateGroup { name },
                    NameOf::Group(id) => ContactChange::RenameGroup {
                        group: id.clone(),
                        name,
                    },
                };
                self.step = Step::List;
                Answer::Change(change)
            }
            Step::Choice(choice) => {
                if key.code != KeyCode::Enter {
                    let answers = 0..choice.answers.len();
                    let moved = selection::moved(key.code, Some(choice.selected), answers);
                    choice.selected = moved.flatten().unwrap_or(choice.selected);
                    return Answer::Open;
                }
                let chosen = choice.answers.get(choice.selected);
                let change = chosen.and_then(|(_, change)| change.clone());
                self.step = Step::List;
                change.map_or(Answer::Open, Answer::Change)
            }
        }
    }

    fn on_list_key(&mut self, key: KeyEvent, groups: &[ContactGroup]) -> Answer {
        let rows = 0..Self::rows(groups).len();
        if let Some(selected) = selection::moved(key.code, self.selected, rows) {
            self.selected = selected;
            return Answer::Open;
        }
        let row = self.selected_row(groups);
        let plain = key.modifiers == KeyModifiers::NONE;
        match (key.code, row) {
            (KeyCode::Esc, _) => Answer::Close,
            (KeyCode::Char('a'), row) if plain => match row.map(Row::group) {
                Some(group) if group.kind == GroupType::Distribution => {
                    Answer::Refuse(KEPT_BY_ORGANIZATION)
                }
                group => Answer::ChoosePerson(group.map(|group| group.id.clone())),
            },
            (KeyCode::Char('n'), _) if plain => {
                self.step = Step::Name {
                    field: TextField::default(),
                    of: NameOf::New,
                };
                Answer::Open
            }
            (KeyCode::Char('r'), Some(Row::Group(group))) if plain => self.rename(group),
            (KeyCode::Char('m'), Some(Row::Member(from, person))) if plain => {
                self.choose(relocation(from, person, groups))
            }
            (KeyCode::Char('d') | KeyCode::Delete, Some(row)) if plain => self.choose(removal(row)),
            _ => Answer::Open,
        }
    }

    fn rename(&mut self, group: &ContactGroup) -> Answer {
        if group.kind != GroupType::Custom {
            return Answer::Refuse("Only your own groups can be renamed.");
        }
        let mut field = TextField::default();
        field.insert(group.name.as_str());
        self.step = Step::Name {
            field,
            of: NameOf::Group(group.id.clone()),
        };
        Answer::Open
    }

    fn choose(&mut self, choice: Result<Choice, &'static str>) -> Answer {
        match choice {
            Ok(choice) => self.step = Step::Choice(choice),
            Err(why) => return Answer::Refuse(why),
        }
        Answer::Open
    }
}

/// The groups that the person can be moved to.
fn relocation(
    from: &ContactGroup,
    person: &Person,
    groups: &[ContactGroup],
) -> Result<Choice, &'static str> {
    if from.kind == GroupType::Distribution {
        return Err(KEPT_BY_ORGANIZATION);
    }
    let others = groups.iter().filter(|to| {
        let has_person = to.members.iter().any(|it| it.address == person.address);
        to.kind != GroupType::Distribution && to.id != from.id && !has_person
    });
    let answers: Vec<_> = others
        .map(|to| {
            let change = ContactChange::Move {
                address: person.address.clone(),
                from: from.id.clone(),
                to: to.id.clone(),
            };
            (to.name.clone(), Some(change))
        })
        .collect();
    if answers.is_empty() {
        return Err("There is no other group. n creates one.");
    }
    let (name, group) = (person.name.as_str(), from.name.as_str());
    Ok(Choice {
        question: PrintableText::line(&format!("Move {name} from {group} to:")),
        answers,
        selected: 0,
    })
}

/// What can be removed. The answer that removes nothing is selected at first.
fn removal(row: Row<'_>) -> Result<Choice, &'static str> {
    let keep = |name: &str| (PrintableText::line(&format!("Keep {name}")), None);
    let answer = |text: &str, change| (PrintableText::line(text), Some(change));
    let group = row.group();
    let group_name = group.name.as_str();
    let (question, answers) = match (row, group.kind) {
        (Row::Group(_), GroupType::Custom | GroupType::Distribution) => {
            let change = ContactChange::RemoveGroup {
                group: group.id.clone(),
            };
            let remove = "Remove the group; its contacts stay in the contact list";
            let remove = match group.kind {
                GroupType::Distribution => "Remove the group from the contact list",
                _ => remove,
            };
            let question = format!("Remove the group {group_name}?");
            (question, vec![keep(group_name), answer(remove, change)])
        }
        (Row::Group(_), _) => return Err("This group cannot be removed."),
        (Row::Member(..), GroupType::Distribution) => return Err(KEPT_BY_ORGANIZATION),
        (Row::Member(_, person), kind) => {
            let change = |group| ContactChange::Remove {
                address: person.address.clone(),
                group,
            };
            let mut answers = vec![keep(person.name.as_str())];
            // A contact in no group of the user is removed from the contact list only.
            if kind != GroupType::Others {
                let text = format!("Remove from the group {group_name}");
                answers.push(answer(&text, change(Some(group.id.clone()))));
            }
            let everywhere = "Remove from the contact list and from all its groups";
            answers.push(answer(everywhere, change(None)));
            (format!("Remove {}?", person.name.as_str()), answers)
        }
    };
    Ok(Choice {
        question: PrintableText::line(&question),
        answers,
        selected: 0,
    })
}

const KEPT_BY_ORGANIZATION: &str = "The organization decides who is in this group.";
