//! The commands that change the contact list, and the rules that decide which of them are enabled.

use crate::contact_list_fact::{GroupKey, GroupType, PrivacyLevel};
use crate::contact_list_request::ContactsRequest;
use crate::group::Group;
use crate::group_registry;
use crate::model::{Model, Step};
use crate::observable::Property;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture, disabled, failed};
use crate::observable::store::Transaction;
use crate::person::Person;
use crate::reason::{Reason, ReasonCode};
use crate::remote_collection::RemoteCollection;
use crate::sync::Arc;

/// The state that decides whether the contact list can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContactsCommandState {
    pub(crate) signed_in: bool,
    /// The server lets the user change the contact list.
    pub(crate) writable: bool,
}

impl ContactsCommandState {
    fn change(&self) -> Result<(), Reason> {
        match (self.signed_in, self.writable) {
            (false, _) => Err(Reason::new(ReasonCode::SignedOut)),
            (true, false) => Err(not_supported(
                "the server does not let users change the contact list",
            )),
            (true, true) => Ok(()),
        }
    }
}

/// Whether a group is in the contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// The group was created here.
    Unsaved,
    /// The group was created here, and is being added.
    Saving,
    Listed,
    /// The group was removed, or is a distribution group that was found elsewhere.
    NotListed,
}

/// The state that decides which commands of a group are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupCommandState {
    pub(crate) group_type: GroupType,
    pub(crate) listing: Listing,
    pub(crate) contacts: ContactsCommandState,
}

/// A rule: `Ok` if the command is enabled, otherwise the reason why it is not.
type Rule = fn(&GroupCommandState) -> Result<(), Reason>;

impl GroupCommandState {
    /// Adding and removing persons.
    fn change_persons(&self) -> Result<(), Reason> {
        match self.group_type {
            GroupType::Root | GroupType::Favorites | GroupType::Custom | GroupType::Others => {}
            _ => {
                return Err(not_supported(
                    "the persons in a group of this type cannot be changed",
                ));
            }
        }
        self.is_listed()?;
        self.contacts.change()
    }

    /// Adding and removing groups.
    fn change_groups(&self) -> Result<(), Reason> {
        match self.group_type {
            GroupType::Root => self.contacts.change(),
            _ => Err(not_supported(
                "groups are added to the contact list and removed from it as a whole",
            )),
        }
    }

    fn rename(&self) -> Result<(), Reason> {
        match (self.group_type, self.listing) {
            (GroupType::Custom, Listing::Unsaved) => Ok(()),
            (GroupType::Custom, _) => self.is_listed().and_then(|()| self.contacts.change()),
            _ => Err(not_supported("a group of this type cannot be renamed")),
        }
    }

    fn be_added(&self) -> Result<(), Reason> {
        match (self.group_type, self.listing) {
            (GroupType::Custom, Listing::Unsaved) | (GroupType::Distribution, _) => Ok(()),
            (GroupType::Custom, Listing::NotListed) => self.is_listed(),
            (GroupType::Custom, _) => Err(invalid("the group is in the contact list")),
            _ => Err(not_supported("a group of this type cannot be added")),
        }
    }

    fn be_removed(&self) -> Result<(), Reason> {
        match (self.group_type, self.listing) {
            // A group that is gone already needs no second removal.
            (GroupType::Custom | GroupType::Distribution, Listing::Listed | Listing::NotListed) => {
                Ok(())
            }
            (GroupType::Custom, _) => self.is_listed(),
            _ => Err(not_supported("a group of this type cannot be removed")),
        }
    }

    fn is_listed(&self) -> Result<(), Reason> {
        match self.listing {
            Listing::Listed => Ok(()),
            Listing::Unsaved | Listing::Saving => {
                Err(invalid("the group is not in the contact list yet"))
            }
            Listing::NotListed => {
                Err(Reason::new(ReasonCode::Gone).with_message("the group was removed"))
            }
        }
    }
}

fn invalid(message: &'static str) -> Reason {
    Reason::new(ReasonCode::InvalidState).with_message(message)
}

fn not_supported(message: &'static str) -> Reason {
    Reason::new(ReasonCode::NotSupported).with_message(message)
}

fn invalid_argument(message: &'static str) -> Reason {
    Reason::new(ReasonCode::InvalidArgument).with_message(message)
}

/// A person to add to a group: an address, or a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact(ContactKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum ContactKind {
    Address(String),
    Person(Person),
}

impl From<&str> for Contact {
    fn from(address: &str) -> Self {
        Self(ContactKind::Address(address.to_owned()))
    }
}

impl From<String> for Contact {
    fn from(address: String) -> Self {
        Self(ContactKind::Address(address))
    }
}

impl From<&Person> for Contact {
    fn from(person: &Person) -> Self {
        Self(ContactKind::Person(person.clone()))
    }
}

impl From<Person> for Contact {
    fn from(person: Person) -> Self {
        Self(ContactKind::Person(person))
    }
}

impl RemoteCollection<Person> {
    /// Adds a person: `persons().add("sip:lenea@contoso.com")`. Enabled when signed in, if the server lets the user change the
    /// contact list; [`Group::persons`] states to which groups persons can be added.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if the address is not an address. Fails at once if the command is not
    /// enabled. Otherwise fails with the reason that the protocol reports.
    pub fn add(&self, contact: impl Into<Contact>) -> CommandFuture<()> {
        match contact.into().0 {
            ContactKind::Person(person) => self.add_command().invoke(person),
            ContactKind::Address(address) => match self.person_at(&address) {
                Ok(person) => self.add_command().invoke(person),
                Err(reason) => failed(reason),
            },
        }
    }
}

impl RemoteCollection<Group> {
    /// Adds a group to the contact list. [`Group::groups`] states which groups can be added.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if the group has no name, or the name of another group. Fails at once if
    /// the command is not enabled, or not for this group. Otherwise fails with the reason that the protocol reports.
    pub fn add(&self, group: &Group) -> CommandFuture<()> {
        self.add_command().invoke(group.clone())
    }
}

impl Group {
    /// Changes the name of a group that the user created. If the group is in the contact list, [`name`](Self::name) changes when
    /// the server reports the change, which is usually after the future has resolved. Otherwise it changes at once.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn set_name(&self, name: &str) -> CommandFuture<()> {
        let name = name.to_owned();
        self.invoke(GroupCommandState::rename, move |transaction, group| {
            let Some(key) = transaction.cells(&group.node).key.clone() else {
                group.set_name_now(transaction, Some(name));
                return Ok(Step::Done(()));
            };
            Ok(Step::request(ContactsRequest::RenameGroup {
                group: key,
                name,
            }))
        })
    }

    /// [`set_name`](Self::set_name) as a [`Command`].
    #[must_use]
    pub fn set_name_command(&self) -> Command<String, ()> {
        self.command(GroupCommandState::rename, |group, name: String| {
            group.set_name(&name)
        })
    }

    /// Moves a person to another group: adds the person there, and then removes it here. Enabled if persons can be added to
    /// this group and to the other one.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. [`Partial`](ReasonCode::Partial) if the person is in both groups, because
    /// only the addition succeeded. Otherwise fails with the reason that the protocol reports.
    pub fn move_person(&self, person: &Person, to: &Self) -> CommandFuture<()> {
        self.invoke(GroupCommandState::change_persons, |transaction, from| {
            let state = *transaction.cells(&to.node).command_state.get();
            state.change_persons().map_err(disabled)?;
            let from = transaction.cells(&from.node).key.clone();
            let to = transaction.cells(&to.node).key.clone();
            let (Some(from), Some(to)) = (from, to) else {
                return Err(invalid_argument(
                    "the contact list as a whole is no group to move a person from or to",
                ));
            };
            let address = address_of(transaction, person)?;
            Ok(Step::request(ContactsRequest::MoveContact {
                address,
                from,
                to,
            }))
        })
    }

    pub(crate) fn add_person_command(&self) -> Command<Person, ()> {
        self.persons_command(|address, group| ContactsRequest::AddContact { address, group })
    }

    pub(crate) fn remove_person_command(&self) -> Command<Person, ()> {
        self.persons_command(|address, group| ContactsRequest::RemoveContact { address, group })
    }

    fn persons_command(
        &self,
        request: fn(String, Option<GroupKey>) -> ContactsRequest,
    ) -> Command<Person, ()> {
        let rule = GroupCommandState::change_persons;
        self.command(rule, move |group, person: Person| {
            group.invoke(rule, |transaction, group| {
                let address = address_of(transaction, &person)?;
                let key = transaction.cells(&group.node).key.clone();
                Ok(Step::request(request(address, key)))
            })
        })
    }

    pub(crate) fn add_group_command(&self) -> Command<Self, ()> {
        let rule = GroupCommandState::change_groups;
        self.command(rule, move |root, group: Self| {
            root.invoke(rule, |transaction, root| {
                let request = root.addition_of(transaction, &group)?;
                group.change_listing(transaction, Listing::Unsaved, Listing::Saving);
                let added = group.clone();
                Ok(Step::request_then(request, move |transaction, result| {
                    if result.is_err() {
                        added.change_listing(transaction, Listing::Saving, Listing::Unsaved);
                    }
                    result.map(drop)
                }))
            })
        })
    }

    fn change_listing(&self, transaction: &mut Transaction<'_>, from: Listing, to: Listing) {
        let is_meant = transaction.cells(&self.node).command_state.get().listing == from;
        if is_meant {
            self.set_listing(transaction, to);
        }
    }

    /// The request that adds a group to this contact list.
    fn addition_of(
        &self,
        transaction: &mut Transaction<'_>,
        group: &Self,
    ) -> Result<ContactsRequest, Reason> {
        let cells = transaction.cells(&group.node);
        cells.command_state.get().be_added().map_err(disabled)?;
        let name = cells.name.get().clone().unwrap_or_default();
        if name.trim().is_empty() {
            return Err(invalid_argument("the group has no name"));
        }
        if group.group_type() == GroupType::Distribution {
            let uri = cells.uri.get().clone();
            let uri = uri.ok_or_else(|| invalid_argument("the group has no address"))?;
            return Ok(ContactsRequest::AddDistributionGroup { name, uri });
        }
        let others: Vec<Self> = (transaction.cells(&self.node).groups.iter())
            .cloned()
            .collect();
        let is_taken = others.iter().any(|other| {
            other != group
                && other.group_type() == GroupType::Custom
                && transaction.cells(&other.node).name.get().as_ref() == Some(&name)
        });
        transaction.discard(others);
        if is_taken {
            return Err(invalid_argument("another group has this name"));
        }
        Ok(ContactsRequest::AddGroup { name })
    }

    pub(crate) fn remove_group_command(&self) -> Command<Self, ()> {
        let rule = GroupCommandState::change_groups;
        self.command(rule, move |root, group: Self| {
            root.invoke(rule, |transaction, _| {
                let cells = transaction.cells(&group.node);
                cells.command_state.get().be_removed().map_err(disabled)?;
                let key = cells.key.clone();
                let key = key.ok_or_else(|| invalid("the group is not in the contact list yet"))?;
                Ok(Step::request(ContactsRequest::RemoveGroup(key)))
            })
        })
    }

    /// Runs a command if its rule allows it.
    fn invoke(
        &self,
        rule: Rule,
        decide: impl FnOnce(&mut Transaction<'_>, &Self) -> Result<Step, Reason>,
    ) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            rule(transaction.cells(&self.node).command_state.get()).map_err(disabled)?;
            decide(transaction, self)
        })
    }

    fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let enabled = self.command_state().map_with_reason(move |state, _| {
            let result = rule(state);
            (result.is_ok(), result.err())
        });
        let group = self.clone();
        Command::new(enabled, move |arguments| run(&group, arguments))
    }
}

impl Person {
    /// Changes the privacy level of the person: the level of the user's data that the person may see.
    /// [`relationship_level`](Self::relationship_level) changes when the server reports the new level. Enabled when signed in, if
    /// the server lets the user change the contact list.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn set_relationship_level(&self, level: PrivacyLevel) -> CommandFuture<()> {
        self.change_relationship_level(Some(level))
    }

    /// [`set_relationship_level`](Self::set_relationship_level) as a [`Command`].
    #[must_use]
    pub fn set_relationship_level_command(&self) -> Command<PrivacyLevel, ()> {
        let person = self.clone();
        Command::new(self.may_change_level(), move |level| {
            person.set_relationship_level(level)
        })
    }

    /// Resets the privacy level of the person to the level that the server chooses. Enabled like
    /// [`set_relationship_level`](Self::set_relationship_level).
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn reset_relationship_level(&self) -> CommandFuture<()> {
        self.change_relationship_level(None)
    }

    /// [`reset_relationship_level`](Self::reset_relationship_level) as a [`Command`].
    #[must_use]
    pub fn reset_relationship_level_command(&self) -> Command<(), ()> {
        let person = self.clone();
        Command::new(self.may_change_level(), move |()| {
            person.reset_relationship_level()
        })
    }

    fn may_change_level(&self) -> Property<bool> {
        let command_state = Property::new(Field {
            node: Arc::clone(&self.node.fixed.model.groups),
            cell: |groups| &mut groups.command_state,
        });
        command_state.map_with_reason(|state, _| {
            let result = state.change();
            (result.is_ok(), result.err())
        })
    }

    fn change_relationship_level(&self, level: Option<PrivacyLevel>) -> CommandFuture<()> {
        let model = &self.node.fixed.model;
        model.command(|transaction| {
            let state = *transaction.cells(&model.groups).command_state.get();
            state.change().map_err(disabled)?;
            let address = address_of(transaction, self)?;
            Ok(Step::request(ContactsRequest::SetPrivacyLevel {
                address,
                level,
            }))
        })
    }
}

fn address_of(transaction: &mut Transaction<'_>, person: &Person) -> Result<String, Reason> {
    match person.address(transaction) {
        "" => Err(invalid("the address of the person is not known yet")),
        address => Ok(address.to_owned()),
    }
}

/// Changes the state that decides whether the contact list can be changed, for all of its objects.
pub(crate) fn change_command_state(
    transaction: &mut Transaction<'_>,
    model: &Model,
    change: impl FnOnce(&mut ContactsCommandState),
) {
    let groups = &model.groups;
    let mut contacts = *transaction.cells(groups).command_state.get();
    change(&mut contacts);
    if !transaction.set(groups, |groups| &mut groups.command_state, contacts, None) {
        return;
    }
    for group in group_registry::all(transaction, model) {
        group.change_command_state(transaction, |state| state.contacts = contacts);
        transaction.discard(group);
    }
}
