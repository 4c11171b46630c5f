//! The groups of a model: one object for each group of the server.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::time::Duration;

use crate::contact_list_fact::{ContactList, GroupFact, GroupKey, GroupType};
use crate::contact_list_request::ContactsRequest;
use crate::group::{Group, GroupNode};
use crate::group_commands::{ContactsCommandState, GroupCommandState, Listing};
use crate::model::Model;
use crate::observable::cell::Cell;
use crate::observable::store::{Node, Transaction};
use crate::remote_property::Interests;
use crate::request::Interest;
use crate::sync::Arc;

/// The groups that have a handle, and the lists that are followed.
pub(crate) struct GroupRegistry {
    by_key: BTreeMap<GroupKey, Weak<GroupNode>>,
    /// The contact list as a whole.
    root: Weak<GroupNode>,
    /// The groups that were created here and have no key yet.
    unsaved: Vec<Weak<GroupNode>>,
    pub(crate) command_state: Cell<ContactsCommandState>,
    /// The subscriptions to each followed list.
    followed: BTreeMap<ContactList, Interests>,
}

pub(crate) type Groups = Node<GroupRegistry>;

impl GroupRegistry {
    pub(crate) const fn new() -> Self {
        Self {
            by_key: BTreeMap::new(),
            root: Weak::new(),
            unsaved: Vec::new(),
            command_state: Cell::new(ContactsCommandState {
                signed_in: false,
                writable: false,
            }),
            followed: BTreeMap::new(),
        }
    }
}

/// Creates the contact list as a whole.
pub(crate) fn create_root(model: &Arc<Model>) -> Group {
    model.store.transact(|transaction| {
        let state = new_state(transaction, model, GroupType::Root, Listing::Listed);
        let root = Group::new(model, GroupType::Root, None, state);
        transaction.cells(&model.groups).root = Arc::downgrade(&root.node);
        root
    })
}

/// Creates a group that is not in the contact list yet.
pub(crate) fn create_unsaved(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    name: &str,
) -> Group {
    let state = new_state(transaction, model, GroupType::Custom, Listing::Unsaved);
    let group = Group::new(model, GroupType::Custom, None, state);
    group.set_name_now(transaction, Some(name.to_owned()));
    let unsaved = &mut transaction.cells(&model.groups).unsaved;
    unsaved.retain(|it| it.strong_count() > 0);
    unsaved.push(Arc::downgrade(&group.node));
    group
}

fn new_state(
    transaction: &mut Transaction<'_>,
    model: &Model,
    group_type: GroupType,
    listing: Listing,
) -> GroupCommandState {
    GroupCommandState {
        group_type,
        listing,
        contacts: *transaction.cells(&model.groups).command_state.get(),
    }
}

/// The group with this key, if there is a handle on it. Discard it in the transaction: it may be the last handle by then.
pub(crate) fn find(
    transaction: &mut Transaction<'_>,
    model: &Model,
    key: &GroupKey,
) -> Option<Group> {
    let known = transaction.cells(&model.groups).by_key.get(key)?;
    known.upgrade().map(|node| Group { node })
}

/// Calls `change` with the group that has this key, if there is a handle on it.
pub(crate) fn with_group(
    transaction: &mut Transaction<'_>,
    model: &Model,
    key: &GroupKey,
    change: impl FnOnce(&mut Transaction<'_>, &Group),
) {
    if let Some(group) = find(transaction, model, key) {
        change(transaction, &group);
        transaction.discard(group);
    }
}

/// The group that a fact describes, with the values of the fact. A new group of the server is the one that was created here
/// with its name, if there is one, otherwise a new object.
pub(crate) fn find_or_create(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    fact: GroupFact,
) -> Group {
    let group = match find(transaction, model, &fact.key) {
        Some(group) => group,
        None => match find_saving(transaction, model, &fact) {
            Some(group) => {
                group.identify(transaction, fact.key.clone());
                insert(transaction, model, fact.key.clone(), &group);
                group
            }
            None => create(transaction, model, fact.group_type, fact.key.clone()),
        },
    };
    group.apply(transaction, fact);
    group
}

/// The group with this fixed key, which is not in the list of groups.
pub(crate) fn find_or_create_fixed(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    group_type: GroupType,
    key: GroupKey,
) -> Group {
    find(transaction, model, &key).unwrap_or_else(|| create(transaction, model, group_type, key))
}

fn create(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    group_type: GroupType,
    key: GroupKey,
) -> Group {
    let state = new_state(transaction, model, group_type, Listing::NotListed);
    let group = Group::new(model, group_type, Some(key.clone()), state);
    insert(transaction, model, key, &group);
    group
}

fn insert(transaction: &mut Transaction<'_>, model: &Model, key: GroupKey, group: &Group) {
    let by_key = &mut transaction.cells(&model.groups).by_key;
    by_key.insert(key, Arc::downgrade(&group.node));
}

/// The group that is being added to the contact list with this name.
fn find_saving(
    transaction: &mut Transaction<'_>,
    model: &Model,
    fact: &GroupFact,
) -> Option<Group> {
    if fact.group_type != GroupType::Custom {
        return None;
    }
    let unsaved = transaction.cells(&model.groups).unsaved.clone();
    let mut found = None;
    for node in unsaved.iter().filter_map(Weak::upgrade) {
        let group = Group { node };
        let cells = transaction.cells(&group.node);
        let is_meant =
            cells.command_state.get().listing == Listing::Saving && *cells.name.get() == fact.name;
        if is_meant && found.is_none() {
            found = Some(group);
        } else {
            transaction.discard(group);
        }
    }
    if let Some(found) = &found {
        let node = Arc::downgrade(&found.node);
        let unsaved = &mut transaction.cells(&model.groups).unsaved;
        unsaved.retain(|it| !it.ptr_eq(&node));
    }
    found
}

/// Every group with a handle, and the contact list as a whole. Discard them in the transaction.
pub(crate) fn all(transaction: &mut Transaction<'_>, model: &Model) -> Vec<Group> {
    let groups = transaction.cells(&model.groups);
    let nodes = groups.by_key.values().chain(&groups.unsaved);
    let nodes = nodes.chain([&groups.root]);
    let groups = nodes.filter_map(|node| node.upgrade().map(|node| Group { node }));
    groups.collect()
}

/// Keeps the list of all groups from now on.
pub(crate) fn keep_groups(transaction: &mut Transaction<'_>, model: &Model) {
    let root = transaction.cells(&model.groups).root.upgrade();
    if let Some(root) = root {
        transaction.cells(&root).keeps_groups = true;
        transaction.discard(root);
    }
}

/// Changes the number of subscriptions to a list with this interval, or of those that follow every change. Requests the interest
/// if it changes with that.
pub(crate) fn count_interest(
    transaction: &mut Transaction<'_>,
    model: &Arc<Model>,
    list: &ContactList,
    interval: Option<Duration>,
    by: fn(&mut usize),
) {
    let followed = &mut transaction.cells(&model.groups).followed;
    let interests = followed.entry(list.clone()).or_default();
    interests.count(interval, by);
    let interest = interests.update();
    if !interests.is_requested() {
        followed.remove(list);
    }
    if let Some(interest) = interest {
        let list = list.clone();
        model.notify(transaction, ContactsRequest::FollowList { list, interest });
    }
}

/// Removes the entry of a group that has no handle any more, and ends the subscriptions to its members.
pub(crate) fn evict(transaction: &mut Transaction<'_>, model: &Arc<Model>, key: &GroupKey) {
    let groups = transaction.cells(&model.groups);
    // The key may have a new object by now.
    if groups
        .by_key
        .get(key)
        .is_none_or(|it| it.strong_count() > 0)
    {
        return;
    }
    groups.by_key.remove(key);
    let list = ContactList::Members(key.clone());
    if groups.followed.remove(&list).is_some() {
        let interest = Interest::None;
        model.notify(transaction, ContactsRequest::FollowList { list, interest });
    }
}
