//! A person.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{OnceLock, Weak};
use std::time::SystemTime;

use crate::contact_list_fact::PrivacyLevel;
use crate::fact::PersonFact;
use crate::group::Group;
use crate::ids::{ConversationId, ParticipantId};
use crate::model::Model;
use crate::observable::cell::{Accessor, Cell, Field};
use crate::observable::command::Command;
use crate::observable::list::{List, ListField};
use crate::observable::store::{Node, Transaction};
use crate::observable::{Collection, Property};
use crate::people;
use crate::presence::{Capabilities, EndpointType, Note, PersonStatus, PersonType, PhoneNumber};
use crate::remote_collection::{RemoteCollection, RemoteList};
use crate::remote_property::{Interests, RemoteProperty};
use crate::request::{Interest, PersonField, Request};
use crate::sync::Arc;

pub(crate) struct PersonCells {
    model: Arc<Model>,
    id: Cell<String>,
    display_name: Cell<String>,
    details: Option<Box<PersonDetails>>,
    /// The groups are kept, because the application has asked for them. A person whose groups are not kept has none.
    pub(crate) keeps_groups: bool,
    /// The conversations with the person, in order, and the participants that the person is there.
    pub(crate) rosters: Vec<(ConversationId, ParticipantId)>,
}

/// The values that most persons do not have, because an application asks only for those of the persons that it shows. They are
/// allocated when the first of them is read or written.
pub(crate) struct PersonDetails {
    title: Cell<Option<String>>,
    office: Cell<Option<String>>,
    department: Cell<Option<String>>,
    company: Cell<Option<String>>,
    avatar_url: Cell<Option<String>>,
    phone_numbers: Cell<Vec<PhoneNumber>>,
    emails: Cell<Vec<String>>,
    person_type: Cell<PersonType>,
    pub(crate) status: Cell<PersonStatus>,
    activity: Cell<Option<String>>,
    last_seen_at: Cell<Option<SystemTime>>,
    endpoint_type: Cell<EndpointType>,
    pub(crate) note: Cell<Option<Note>>,
    pub(crate) location: Cell<Option<String>>,
    capabilities: Cell<Capabilities>,
    relationship_level: Cell<Option<PrivacyLevel>>,
    /// Other objects of the same person, which get every change too.
    aliases: Vec<Weak<PersonNode>>,
    pub(crate) groups: List<Group>,
    pub(crate) interests: BTreeMap<PersonField, Interests>,
}

impl PersonCells {
    pub(crate) fn details(&mut self) -> &mut PersonDetails {
        self.details.get_or_insert_with(Box::default)
    }

    /// The interests in the person, without an allocation if there are none.
    fn interests(&self) -> impl Iterator<Item = (&PersonField, &Interests)> {
        self.details.iter().flat_map(|details| &details.interests)
    }
}

impl Default for PersonDetails {
    fn default() -> Self {
        Self {
            title: Cell::new(None),
            office: Cell::new(None),
            department: Cell::new(None),
            company: Cell::new(None),
            avatar_url: Cell::new(None),
            phone_numbers: Cell::new(Vec::new()),
            emails: Cell::new(Vec::new()),
            person_type: Cell::new(PersonType::Unknown),
            status: Cell::new(PersonStatus::Unknown),
            activity: Cell::new(None),
            last_seen_at: Cell::new(None),
            endpoint_type: Cell::new(EndpointType::Unknown),
            note: Cell::new(None),
            location: Cell::new(None),
            capabilities: Cell::new(Capabilities::default()),
            relationship_level: Cell::new(None),
            aliases: Vec::new(),
            groups: List::new(),
            interests: BTreeMap::new(),
        }
    }
}

pub(crate) struct PersonIdentity {
    pub(crate) model: Arc<Model>,
    /// The person is the user.
    pub(crate) is_me: bool,
    /// The principal object of the same person, if this object was created before the address was known.
    alias_of: OnceLock<Person>,
}

pub(crate) type PersonNode = Node<PersonCells, PersonIdentity>;

/// A person with the known values. Creating a person sends no request; an unknown value is `None`, empty or `Unknown`.
///
/// Cloning gives another handle on the same person. All handles on the person with one address are equal, also a handle
/// that is older than the address.
#[derive(Clone)]
pub struct Person {
    pub(crate) node: Arc<PersonNode>,
}

impl Person {
    pub(crate) fn new(model: &Arc<Model>, address: &str, is_me: bool) -> Self {
        let cells = PersonCells {
            model: Arc::clone(model),
            id: Cell::new(address.to_owned()),
            display_name: Cell::new(address.to_owned()),
            details: None,
            keeps_groups: false,
            rosters: Vec::new(),
        };
        let identity = PersonIdentity {
            model: Arc::clone(model),
            is_me,
            alias_of: OnceLock::new(),
        };
        Self {
            node: model.store.node(identity, cells),
        }
    }

    /// The principal object of this person.
    pub(crate) fn canonical(&self) -> &Self {
        let mut person = self;
        while let Some(principal) = person.node.fixed.alias_of.get() {
            person = principal;
        }
        person
    }

    /// The address. Empty while it is not known.
    #[must_use]
    pub fn id(&self) -> Property<String> {
        self.property(|cells| &mut cells.id)
    }

    /// The name; the address while no name is known.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.property(|cells| &mut cells.display_name)
    }

    /// The job title.
    #[must_use]
    pub fn title(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Title,
            |cells| &mut cells.details().title,
            Option::is_some,
        )
    }

    /// The office.
    #[must_use]
    pub fn office(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Office,
            |cells| &mut cells.details().office,
            Option::is_some,
        )
    }

    /// The department.
    #[must_use]
    pub fn department(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Department,
            |cells| &mut cells.details().department,
            Option::is_some,
        )
    }

    /// The company.
    #[must_use]
    pub fn company(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::Company,
            |cells| &mut cells.details().company,
            Option::is_some,
        )
    }

    /// The URL of the picture.
    #[must_use]
    pub fn avatar_url(&self) -> RemoteProperty<Option<String>> {
        self.card(
            PersonField::AvatarUrl,
            |cells| &mut cells.details().avatar_url,
            Option::is_some,
        )
    }

    /// The phone numbers.
    #[must_use]
    pub fn phone_numbers(&self) -> RemoteProperty<Vec<PhoneNumber>> {
        self.card(
            PersonField::PhoneNumbers,
            |cells| &mut cells.details().phone_numbers,
            |numbers| !numbers.is_empty(),
        )
    }

    /// The mail addresses.
    #[must_use]
    pub fn emails(&self) -> RemoteProperty<Vec<String>> {
        self.card(
            PersonField::Emails,
            |cells| &mut cells.details().emails,
            |emails| !emails.is_empty(),
        )
    }

    /// The type: a user, a phone or a bot.
    #[must_use]
    pub fn person_type(&self) -> RemoteProperty<PersonType> {
        self.card(
            PersonField::PersonType,
            |cells| &mut cells.details().person_type,
            |person_type| *person_type != PersonType::Unknown,
        )
    }

    /// The presence status.
    #[must_use]
    pub fn status(&self) -> RemoteProperty<PersonStatus> {
        self.remote(PersonField::Status, |cells| &mut cells.details().status)
    }

    /// The activity, a text such as "In a meeting".
    #[must_use]
    pub fn activity(&self) -> RemoteProperty<Option<String>> {
        self.remote(PersonField::Activity, |cells| &mut cells.details().activity)
    }

    /// The time of the last activity.
    #[must_use]
    pub fn last_seen_at(&self) -> RemoteProperty<Option<SystemTime>> {
        self.remote(PersonField::LastSeenAt, |cells| {
            &mut cells.details().last_seen_at
        })
    }

    /// The kind of device.
    #[must_use]
    pub fn endpoint_type(&self) -> RemoteProperty<EndpointType> {
        self.remote(PersonField::EndpointType, |cells| {
            &mut cells.details().endpoint_type
        })
    }

    /// The note.
    #[must_use]
    pub fn note(&self) -> RemoteProperty<Option<Note>> {
        self.remote(PersonField::Note, |cells| &mut cells.details().note)
    }

    /// The location.
    #[must_use]
    pub fn location(&self) -> RemoteProperty<Option<String>> {
        self.remote(PersonField::Location, |cells| &mut cells.details().location)
    }

    /// The modalities that the person can use.
    #[must_use]
    pub fn capabilities(&self) -> RemoteProperty<Capabilities> {
        self.remote(PersonField::Capabilities, |cells| {
            &mut cells.details().capabilities
        })
    }

    /// The level of the user's data that the person may see. `None` if it is not known.
    #[must_use]
    pub fn relationship_level(&self) -> RemoteProperty<Option<PrivacyLevel>> {
        self.remote(PersonField::RelationshipLevel, |cells| {
            &mut cells.details().relationship_level
        })
    }

    /// The groups of the contact list that contain the person, without the groups of privacy levels. Empty until it is fetched
    /// or followed, which loads the groups of the contact list too. To change it, add the person to a group, or remove it there.
    #[must_use]
    pub fn groups(&self) -> RemoteCollection<Group> {
        let items = Collection::new(ListField {
            node: Arc::clone(&self.canonical().node),
            list: |cells| &mut cells.details().groups,
        });
        RemoteCollection::new(
            items,
            RemoteList::Memberships(self.clone()),
            RemoteList::groups_now,
            Command::not_supported(),
            Command::not_supported(),
        )
    }

    /// This person, so that a message's `sender().person()` reads like a participant's `person()`.
    #[must_use]
    pub fn person(&self) -> Self {
        self.clone()
    }

    fn property<T>(&self, cell: Accessor<PersonCells, T>) -> Property<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Field {
            node: Arc::clone(&self.canonical().node),
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
            cell,
            person: self.clone(),
            field,
            known: None,
        }
    }

    /// A field of the contact card, which is not fetched again once it is known.
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
        transaction.cells(&self.canonical().node).id.get()
    }

    /// Sets the address of a person that had none. The address is the name too, while no name is known.
    pub(crate) fn set_address(&self, transaction: &mut Transaction<'_>, address: &str) {
        let is_nameless = transaction.cells(&self.node).display_name.get().is_empty();
        self.set(transaction, |cells| &mut cells.id, address.to_owned());
        if is_nameless {
            self.set_name(transaction, Some(address));
        }
    }

    /// Sets the name. An empty name is unknown and replaces nothing.
    pub(crate) fn set_name(&self, transaction: &mut Transaction<'_>, display_name: Option<&str>) {
        if let Some(name) = display_name.filter(|name| !name.is_empty()) {
            self.set(
                transaction,
                |cells| &mut cells.display_name,
                name.to_owned(),
            );
        }
    }

    /// Makes this object an alias of `principal`, which is the same person: both then have the values and the interests of
    /// both.
    pub(crate) fn merge_into(&self, transaction: &mut Transaction<'_>, principal: &Self) {
        let mine = transaction.cells(&self.node);
        let has_name = mine.display_name.get() != mine.id.get();
        let name = has_name.then(|| mine.display_name.get().clone());
        let mut details = mine.details.take();
        let facts = details.as_ref().map_or_else(Vec::new, |it| it.facts());
        let interests = details.as_mut().map(|it| std::mem::take(&mut it.interests));
        let aliases = details.as_mut().map(|it| std::mem::take(&mut it.aliases));
        mine.details = details;
        let rosters = std::mem::take(&mut mine.rosters);
        let keeps_groups = mine.keeps_groups;
        let theirs = transaction.cells(&principal.node);
        theirs.keeps_groups |= keeps_groups;
        let known = theirs.details.as_ref();
        let known = known.map_or_else(Vec::new, |it| it.facts());
        let is_nameless = theirs.display_name.get() == theirs.id.get();
        let known_aliases = &mut theirs.details().aliases;
        known_aliases.extend(aliases.into_iter().flatten());
        known_aliases.push(Arc::downgrade(&self.node));
        for (field, interest) in interests.into_iter().flatten() {
            let interests = &mut theirs.details().interests;
            interests.entry(field).or_default().add(interest);
        }
        let is_known = |fact: &PersonFact| {
            let kind = std::mem::discriminant(fact);
            known
                .iter()
                .any(|known| std::mem::discriminant(known) == kind)
        };
        for fact in facts.into_iter().filter(|fact| !is_known(fact)) {
            principal.apply(transaction, fact);
        }
        principal.set_name(transaction, name.filter(|_| is_nameless).as_deref());
        for fact in known {
            principal.apply(transaction, fact);
        }
        let name = transaction
            .cells(&principal.node)
            .display_name
            .get()
            .clone();
        principal.set_name(transaction, Some(&name));
        // Fails only for an object that is an alias already.
        let _ = self.node.fixed.alias_of.set(principal.clone());
        for (conversation, participant) in rosters {
            principal.join_roster(transaction, conversation, participant);
        }
        principal.request_interests(transaction);
    }

    /// Records that the person is a participant of a conversation.
    pub(crate) fn join_roster(
        &self,
        transaction: &mut Transaction<'_>,
        conversation: ConversationId,
        participant: ParticipantId,
    ) {
        let rosters = &mut transaction.cells(&self.canonical().node).rosters;
        let entry = (conversation, participant);
        if let Err(index) = rosters.binary_search(&entry) {
            if rosters.is_empty() {
                // Most people are in one conversation.
                rosters.reserve_exact(1);
            }
            rosters.insert(index, entry);
        }
    }

    /// Records that the person is no participant of a conversation any more.
    pub(crate) fn leave_roster(
        &self,
        transaction: &mut Transaction<'_>,
        conversation: ConversationId,
        participant: ParticipantId,
    ) {
        let rosters = &mut transaction.cells(&self.canonical().node).rosters;
        if let Ok(index) = rosters.binary_search(&(conversation, participant)) {
            rosters.remove(index);
        }
    }

    /// Requests the interests that were not requested from the backend before.
    pub(crate) fn request_interests(&self, transaction: &mut Transaction<'_>) {
        let cells = transaction.cells(&self.node);
        let fields: Vec<_> = cells.interests().map(|(field, _)| *field).collect();
        for field in fields {
            self.request_interest(transaction, field);
        }
    }

    pub(crate) fn request_interest(&self, transaction: &mut Transaction<'_>, field: PersonField) {
        let cells = transaction.cells(&self.node);
        let address = cells.id.get().clone();
        // The backend cannot follow a person without an address, and takes an empty one for the user's.
        if address.is_empty() && !self.node.fixed.is_me {
            return;
        }
        let interests = cells.details.as_mut().map(|it| &mut it.interests);
        let interest = interests.and_then(|it| it.get_mut(&field)?.update());
        if let Some(interest) = interest {
            let request = Request::SetInterest {
                address,
                field,
                interest,
            };
            self.node.fixed.model.notify(transaction, request);
        }
    }

    /// Writes a value to this person, aliases included.
    fn set<T>(&self, transaction: &mut Transaction<'_>, cell: Accessor<PersonCells, T>, value: T)
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        let principal = self.canonical();
        let details = transaction.cells(&principal.node).details.as_ref();
        let aliases = details.map(|details| details.aliases.clone());
        for alias in aliases.into_iter().flatten() {
            if let Some(alias) = alias.upgrade() {
                transaction.set(&alias, cell, value.clone(), None);
                transaction.discard(alias);
            }
        }
        transaction.set(&principal.node, cell, value, None);
    }
}

macro_rules! fields {
    ($($fact:ident $field:ident,)+) => {
        impl Person {
            /// Applies a fact about the person.
            pub(crate) fn apply(&self, transaction: &mut Transaction<'_>, fact: PersonFact) {
                match fact {
                    PersonFact::DisplayName(name) => self.set_name(transaction, Some(&name)),
                    $(PersonFact::$fact(value) => {
                        self.set(transaction, |cells| &mut cells.details().$field, value);
                    })+
                }
            }
        }

        impl PersonDetails {
            /// The values that are known.
            fn facts(&self) -> Vec<PersonFact> {
                let mut facts = Vec::new();
                $(if is_known(self.$field.get()) {
                    facts.push(PersonFact::$fact(self.$field.get().clone()));
                })+
                facts
            }
        }
    };
}

fields! {
    Title title,
    Office office,
    Department department,
    Company company,
    AvatarUrl avatar_url,
    PhoneNumbers phone_numbers,
    Emails emails,
    PersonType person_type,
    Status status,
    Activity activity,
    LastSeenAt last_seen_at,
    EndpointType endpoint_type,
    Note note,
    Location location,
    Capabilities capabilities,
    RelationshipLevel relationship_level,
}

fn is_known<T: Default + PartialEq>(value: &T) -> bool {
    *value != T::default()
}

impl Drop for PersonCells {
    /// Ends the interests in the person, and its entry among the people.
    fn drop(&mut self) {
        let address = self.id.get();
        let followed: Vec<_> = (self.interests())
            .filter(|(_, interests)| interests.is_requested())
            .map(|(field, _)| *field)
            .collect();
        if address.is_empty() && followed.is_empty() {
            return;
        }
        self.model.store.transact(|transaction| {
            people::evict(transaction, &self.model, address);
            for field in followed {
                let request = Request::SetInterest {
                    address: address.clone(),
                    field,
                    interest: Interest::None,
                };
                self.model.notify(transaction, request);
            }
        });
    }
}

impl PartialEq for Person {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.canonical().node, &other.canonical().node)
    }
}

impl Eq for Person {}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}
