//! The facts about the contact list, applied to the groups and persons of a model.

use std::collections::BTreeMap;

use crate::contact_list_fact::{ContactListFact, GroupFact, GroupKey, GroupType, PrivacyLevel};
use crate::group::{Group, GroupCells};
use crate::group_commands::{self, Listing};
use crate::group_registry::{self, with_group};
use crate::model::Model;
use crate::observable::list::List;
use crate::observable::store::Transaction;
use crate::people;
use crate::person::{Person, PersonCells};
use crate::sync::Arc;

/// Applies a fact. `root` is the contact list as a whole.
pub(crate) fn apply(transaction: &mut Transaction<'_>, root: &Group, fact: ContactListFact) {
    let model = &root.node.fixed.model;
    match fact {
        ContactListFact::Writable(writable) => {
            group_commands::change_command_state(transaction, model, |state| {
                state.writable = writable;
            });
        }
        ContactListFact::Contacts(contacts) => set_persons(transaction, root, &contacts),
        ContactListFact::ContactAdded(contact) => add_person(transaction, root, &contact),
        ContactListFact::ContactRemoved(contact) => remove_person(transaction, root, &contact),
        ContactListFact::Groups(groups) => set_groups(transaction, root, groups),
        ContactListFact::Group(group) => set_group(transaction, root, group),
        ContactListFact::GroupRemoved(key) => {
            with_group(transaction, model, &key, |transaction, group| {
                remove_group(transaction, root, group);
            });
        }
        ContactListFact::Members {
            group,
            contacts,
            groups,
        } => with_group(transaction, model, &group, |transaction, group| {
            set_persons(transaction, group, &contacts);
            if transaction.cells(&group.node).keeps_groups {
                let groups = (groups.into_iter())
                    .map(|it| group_registry::find_or_create(transaction, model, it))
                    .collect();
                transaction.replace(&group.node, groups_of_group, groups, Group::group_type);
            }
        }),
        ContactListFact::MemberAdded { group, contact } => {
            with_group(transaction, model, &group, |transaction, group| {
                add_person(transaction, group, &contact);
                add_membership(transaction, model, group, &contact);
            });
        }
        ContactListFact::MemberRemoved { group, contact } => {
            with_group(transaction, model, &group, |transaction, group| {
                remove_person(transaction, group, &contact);
                if let Some(person) = people::find(transaction, model, &contact) {
                    transaction.remove(&person.node, groups_of_person, |it| it == group);
                    transaction.discard(person);
                }
            });
        }
        ContactListFact::Memberships(memberships) => {
            set_memberships(transaction, model, memberships);
        }
    }
}

fn persons_of_group(cells: &mut GroupCells) -> &mut List<Person> {
    &mut cells.persons
}

fn groups_of_group(cells: &mut GroupCells) -> &mut List<Group> {
    &mut cells.groups
}

fn groups_of_person(cells: &mut PersonCells) -> &mut List<Group> {
    &mut cells.details().groups
}

/// Persons have no order of their own: new ones come last.
const fn no_rank(_: &Person) {}

fn set_persons(transaction: &mut Transaction<'_>, group: &Group, contacts: &[String]) {
    if !transaction.cells(&group.node).keeps_persons {
        return;
    }
    let model = &group.node.fixed.model;
    let persons = (contacts.iter())
        .filter(|contact| !contact.is_empty())
        .map(|contact| people::find_or_create(transaction, model, contact, None))
        .collect();
    transaction.replace(&group.node, persons_of_group, persons, no_rank);
}

fn add_person(transaction: &mut Transaction<'_>, group: &Group, contact: &str) {
    if contact.is_empty() || !transaction.cells(&group.node).keeps_persons {
        return;
    }
    let model = &group.node.fixed.model;
    let person = people::find_or_create(transaction, model, contact, None);
    transaction.insert_new(&group.node, persons_of_group, person, no_rank);
}

fn remove_person(transaction: &mut Transaction<'_>, group: &Group, contact: &str) {
    let model = &group.node.fixed.model;
    if let Some(person) = people::find(transaction, model, contact) {
        transaction.remove(&group.node, persons_of_group, |it| *it == person);
        transaction.discard(person);
    }
}

fn set_groups(transaction: &mut Transaction<'_>, root: &Group, facts: Vec<GroupFact>) {
    let model = &root.node.fixed.model;
    transaction.cells(&root.node).keeps_groups = true;
    let groups: Vec<Group> = (facts.into_iter())
        .map(|fact| group_registry::find_or_create(transaction, model, fact))
        .collect();
    let known = transaction.cells(&root.node).groups.iter();
    let gone: Vec<Group> = known.filter(|it| !groups.contains(it)).cloned().collect();
    for group in &gone {
        remove_group(transaction, root, group);
    }
    transaction.discard(gone);
    for group in &groups {
        group.set_listing(transaction, Listing::Listed);
    }
    transaction.replace(&root.node, groups_of_group, groups, Group::group_type);
}

fn set_group(transaction: &mut Transaction<'_>, root: &Group, fact: GroupFact) {
    let model = &root.node.fixed.model;
    if !transaction.cells(&root.node).keeps_groups {
        return with_group(transaction, model, &fact.key.clone(), |transaction, it| {
            it.apply(transaction, fact);
        });
    }
    let group = group_registry::find_or_create(transaction, model, fact);
    group.set_listing(transaction, Listing::Listed);
    transaction.insert_new(&root.node, groups_of_group, group, Group::group_type);
}

/// Removes a group from the contact list. The group keeps its values.
fn remove_group(transaction: &mut Transaction<'_>, root: &Group, group: &Group) {
    group.set_listing(transaction, Listing::NotListed);
    transaction.remove(&root.node, groups_of_group, |it| it == group);
    for person in people::all(transaction, &root.node.fixed.model) {
        if transaction.cells(&person.node).keeps_groups {
            transaction.remove(&person.node, groups_of_person, |it| it == group);
        }
        transaction.discard(person);
    }
}

fn add_membership(transaction: &mut Transaction<'_>, model: &Model, group: &Group, contact: &str) {
    let Some(person) = people::find(transaction, model, contact) else {
        return;
    };
    let principal = person.canonical();
    if transaction.cells(&principal.node).keeps_groups {
        let group = group.clone();
        transaction.insert_new(&principal.node, groups_of_person, group, Group::group_type);
    }
    transaction.discard(person);
}

fn set_memberships(
    transaction: &mut Transaction<'_>,
    model: &Model,
    memberships: Vec<(String, GroupKey)>,
) {
    let mut by_address: BTreeMap<String, Vec<GroupKey>> = BTreeMap::new();
    for (contact, group) in memberships {
        let groups = by_address.entry(contact.to_ascii_lowercase()).or_default();
        groups.push(group);
    }
    for person in people::all(transaction, model) {
        if transaction.cells(&person.node).keeps_groups {
            let address = person.address(transaction).to_ascii_lowercase();
            let keys = by_address.remove(&address).unwrap_or_default();
            let groups = (keys.iter())
                .filter_map(|key| group_registry::find(transaction, model, key))
                .collect();
            transaction.replace(&person.node, groups_of_person, groups, Group::group_type);
        }
        transaction.discard(person);
    }
}

/// Removes the handles that groups and persons have on each other, so that a model is freed with its last handle.
pub(crate) fn unlink(model: &Arc<Model>) {
    model.store.transact(|transaction| {
        for group in group_registry::all(transaction, model) {
            if group.group_type() != GroupType::Root {
                let cells = transaction.cells(&group.node);
                let groups = std::mem::replace(&mut cells.groups, List::new());
                transaction.discard(groups);
            }
            transaction.discard(group);
        }
        for person in people::all(transaction, model) {
            if transaction.cells(&person.node).keeps_groups {
                let groups = groups_of_person(transaction.cells(&person.node));
                let groups = std::mem::replace(groups, List::new());
                transaction.discard(groups);
            }
            transaction.discard(person);
        }
    });
}

/// Moves a person whose privacy level has changed between the groups of the levels.
pub(crate) fn apply_level(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    address: &str,
    level: Option<PrivacyLevel>,
) {
    let Some(level) = level else {
        return;
    };
    for group in group_registry::all(transaction, model) {
        match group.relationship_level() {
            None => {}
            Some(other) if other == level => add_person(transaction, &group, address),
            Some(_) => remove_person(transaction, &group, address),
        }
        transaction.discard(group);
    }
}
