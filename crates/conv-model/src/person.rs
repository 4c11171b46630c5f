//! What is known of a person.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use crate::backend::PersonField;
use crate::fact::PersonFact;
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Accessor, Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::remote_property::{Interests, RemoteProperty};
use crate::sync::Arc;

/// What a person is doing, as far as they let us know (`Person.status` of the Web SDK).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonStatus {
    /// Here.
    Online,
    /// Not signed in.
    Offline,
    /// Signed in, but does not show it.
    Hidden,
    /// Busy.
    Busy,
    /// Here, but has done nothing for a while.
    Idle,
    /// Will be right back.
    BeRightBack,
    /// Away.
    Away,
    /// Wants no interruptions.
    DoNotDisturb,
    /// Not known.
    #[default]
    Unknown,
}

/// What kind of device a person is at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointType {
    /// A computer.
    Desktop,
    /// A phone or tablet.
    Mobile,
    /// A browser.
    Web,
    /// Not known.
    #[default]
    Unknown,
}

/// A note that a person shows to others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// What kind.
    pub kind: NoteKind,
    /// What it says.
    pub text: String,
}

/// What kind of note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// Written by the person.
    Personal,
    /// Taken from their calendar while they are out of the office.
    OutOfOffice,
}

/// A phone number of a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneNumber {
    /// Whose or where: work, mobile, home, in the protocol's words.
    pub kind: String,
    /// The number.
    pub number: String,
}

/// What can be done with a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// Chat.
    pub chat: bool,
    /// Audio.
    pub audio: bool,
    /// Video.
    pub video: bool,
}

pub(crate) struct PersonCells {
    id: Cell<String>,
    display_name: Cell<String>,
    title: Cell<Option<String>>,
    office: Cell<Option<String>>,
    department: Cell<Option<String>>,
    company: Cell<Option<String>>,
    avatar_url: Cell<Option<String>>,
    phone_numbers: Cell<Vec<PhoneNumber>>,
    emails: Cell<Vec<String>>,
    pub(crate) status: Cell<PersonStatus>,
    activity: Cell<Option<String>>,
    last_seen_at: Cell<Option<SystemTime>>,
    endpoint_type: Cell<EndpointType>,
    pub(crate) note: Cell<Option<Note>>,
    pub(crate) location: Cell<Option<String>>,
    capabilities: Cell<Capabilities>,
    pub(crate) interests: BTreeMap<PersonField, Interests>,
}

pub(crate) type PersonNode = Node<PersonCells, Arc<Model>>;

/// Someone: who they are and what is known of them. Nothing is fetched when one is made; what is not known, or not ours to
/// know, is `None`, empty or `Unknown`. Cloning gives another handle on the same person, and there is one object for each
/// address.
#[derive(Clone)]
pub struct Person {
    pub(crate) node: Arc<PersonNode>,
}

impl Person {
    pub(crate) fn new(model: &Arc<Model>, address: &str, display_name: Option<&str>) -> Self {
        let name = display_name
            .filter(|name| !name.is_empty())
            .unwrap_or(address);
        let cells = PersonCells {
            id: Cell::new(address.to_owned()),
            display_name: Cell::new(name.to_owned()),
            title: Cell::new(None),
            office: Cell::new(None),
            department: Cell::new(None),
            company: Cell::new(None),
            avatar_url: Cell::new(None),
            phone_numbers: Cell::new(Vec::new()),
            emails: Cell::new(Vec::new()),
            status: Cell::new(PersonStatus::Unknown),
            activity: Cell::new(None),
            last_seen_at: Cell::new(None),
            endpoint_type: Cell::new(EndpointType::Unknown),
            note: Cell::new(None),
            location: Cell::new(None),
            capabilities: Cell::new(Capabilities::default()),
            interests: BTreeMap::new(),
        };
        Self {
            node: model.store.node(Arc::clone(model), cells),
        }
    }

    /// Their address. Empty while it is not known.
    #[must_use]
    pub fn id(&self) -> Property<String> {
        self.property(|cells| &mut cells.id)
    }

    /// Their name; their address as long as no name is known.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.property(|cells| &mut cells.display_name)
    }

    /// Their title.
    #[must_use]
    pub fn title(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Title,
            |cells| &mut cells.title,
            Option::is_some,
        )
    }

    /// Where they work.
    #[must_use]
    pub fn office(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Office,
            |cells| &mut cells.office,
            Option::is_some,
        )
    }

    /// Their department.
    #[must_use]
    pub fn department(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Department,
            |cells| &mut cells.department,
            Option::is_some,
        )
    }

    /// Their company.
    #[must_use]
    pub fn company(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Company,
            |cells| &mut cells.company,
            Option::is_some,
        )
    }

    /// Where their picture is.
    #[must_use]
    pub fn avatar_url(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::AvatarUrl,
            |cells| &mut cells.avatar_url,
            Option::is_some,
        )
    }

    /// Their phone numbers.
    #[must_use]
    pub fn phone_numbers(&self) -> RemoteProperty<Vec<PhoneNumber>> {
        self.card(
            PersonField::PhoneNumbers,
            |cells| &mut cells.phone_numbers,
            |numbers| !numbers.is_empty(),
        )
    }

    /// Their mail addresses.
    #[must_use]
    pub fn emails(&self) -> RemoteProperty<Vec<String>> {
        self.card(
            PersonField::Emails,
            |cells| &mut cells.emails,
            |emails| !emails.is_empty(),
        )
    }

    /// What they are doing, as far as they let us know.
    #[must_use]
    pub fn status(&self) -> RemoteProperty<PersonStatus> {
        self.remote(PersonField::Status, |cells| &mut cells.status)
    }

    /// What they are doing, in words.
    #[must_use]
    pub fn activity(&self) -> RemoteProperty<Option<String>> {
        self.remote(PersonField::Activity, |cells| &mut cells.activity)
    }

    /// When they were last seen.
    #[must_use]
    pub fn last_seen_at(&self) -> RemoteProperty<Option<SystemTime>> {
        self.remote(PersonField::LastSeenAt, |cells| &mut cells.last_seen_at)
    }

    /// What kind of device they are at.
    #[must_use]
    pub fn endpoint_type(&self) -> RemoteProperty<EndpointType> {
        self.remote(PersonField::EndpointType, |cells| &mut cells.endpoint_type)
    }

    /// What they tell others.
    #[must_use]
    pub fn note(&self) -> RemoteProperty<Option<Note>> {
        self.remote(PersonField::Note, |cells| &mut cells.note)
    }

    /// Where they are.
    #[must_use]
    pub fn location(&self) -> RemoteProperty<Option<String>> {
        self.remote(PersonField::Location, |cells| &mut cells.location)
    }

    /// What can be done with them.
    #[must_use]
    pub fn capabilities(&self) -> RemoteProperty<Capabilities> {
        self.remote(PersonField::Capabilities, |cells| &mut cells.capabilities)
    }

    /// This person: a message's `sender().person()` reads like a participant's `person()`.
    #[must_use]
    pub fn person(&self) -> Self {
        self.clone()
    }

    fn property<T>(&self, cell: Accessor<PersonCells, T>) -> Property<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell,
        })
    }

    pub(crate) fn remote<T>(
        &self,
        field: PersonField,
        cell: Accessor<PersonCells, T>,
    ) -> RemoteProperty<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        RemoteProperty {
            property: self.property(cell),
            person: self.clone(),
            field,
            known: None,
            set: None,
        }
    }

    /// A field of the contact card, which need not be fetched again once it is known.
    fn card<T>(
        &self,
        field: PersonField,
        cell: Accessor<PersonCells, T>,
        known: fn(&T) -> bool,
    ) -> RemoteProperty<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        RemoteProperty {
            known: Some(known),
            ..self.remote(field, cell)
        }
    }

    pub(crate) fn address<'t>(&'t self, transaction: &'t mut Transaction<'_>) -> &'t str {
        transaction.cells(&self.node).id.get()
    }

    /// Takes in who they are: nothing known is replaced by nothing.
    pub(crate) fn learn(
        &self,
        transaction: &mut Transaction<'_>,
        address: Option<&str>,
        display_name: Option<&str>,
    ) {
        let cells = transaction.cells(&self.node);
        let nameless = cells.display_name.get() == cells.id.get();
        let address = address.filter(|address| !address.is_empty());
        let display_name = display_name.filter(|name| !name.is_empty());
        if let Some(address) = address {
            self.set(transaction, |cells| &mut cells.id, address.to_owned());
        }
        if let Some(name) = display_name.or(address.filter(|_| nameless)) {
            self.set(
                transaction,
                |cells| &mut cells.display_name,
                name.to_owned(),
            );
        }
    }

    /// Takes in what became known of them.
    pub(crate) fn apply(&self, transaction: &mut Transaction<'_>, fact: PersonFact) {
        match fact {
            PersonFact::DisplayName(name) => self.learn(transaction, None, Some(&name)),
            PersonFact::Title(value) => self.set(transaction, |cells| &mut cells.title, value),
            PersonFact::Office(value) => self.set(transaction, |cells| &mut cells.office, value),
            PersonFact::Department(value) => {
                self.set(transaction, |cells| &mut cells.department, value);
            }
            PersonFact::Company(value) => self.set(transaction, |cells| &mut cells.company, value),
            PersonFact::AvatarUrl(value) => {
                self.set(transaction, |cells| &mut cells.avatar_url, value);
            }
            PersonFact::PhoneNumbers(value) => {
                self.set(transaction, |cells| &mut cells.phone_numbers, value);
            }
            PersonFact::Emails(value) => self.set(transaction, |cells| &mut cells.emails, value),
            PersonFact::Status(value) => self.set(transaction, |cells| &mut cells.status, value),
            PersonFact::Activity(value) => {
                self.set(transaction, |cells| &mut cells.activity, value);
            }
            PersonFact::LastSeenAt(value) => {
                self.set(transaction, |cells| &mut cells.last_seen_at, value);
            }
            PersonFact::EndpointType(value) => {
                self.set(transaction, |cells| &mut cells.endpoint_type, value);
            }
            PersonFact::Note(value) => self.set(transaction, |cells| &mut cells.note, value),
            PersonFact::Location(value) => {
                self.set(transaction, |cells| &mut cells.location, value);
            }
            PersonFact::Capabilities(value) => {
                self.set(transaction, |cells| &mut cells.capabilities, value);
            }
        }
    }

    fn set<T>(&self, transaction: &mut Transaction<'_>, cell: Accessor<PersonCells, T>, value: T)
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        transaction.set(&self.node, cell, value, None);
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Person {}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}
