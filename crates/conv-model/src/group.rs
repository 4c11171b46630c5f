//! A group of the contact list.

use std::fmt;

use crate::contact_list_fact::{GroupFact, GroupKey, GroupType, PrivacyLevel};
use crate::contact_list_request::ContactsRequest;
use crate::group_commands::{GroupCommandState, Listing};
use crate::group_registry;
use crate::model::Model;
use crate::observable::cell::{Accessor, Cell, Field};
use crate::observable::list::{List, ListField};
use crate::observable::store::{Node, Transaction};
use crate::observable::{Collection, Property, Subscription};
use crate::person::Person;
use crate::remote_collection::{RemoteCollection, RemoteList};
use crate::sync::Arc;

pub(crate) struct GroupCells {
    model: Arc<Model>,
    pub(crate) key: Option<GroupKey>,
    id: Cell<Option<String>>,
    pub(crate) name: Cell<Option<String>>,
    pub(crate) uri: Cell<Option<String>>,
    pub(crate) persons: List<Person>,
    pub(crate) groups: List<Group>,
    /// The persons are kept, because the application has asked for them.
    pub(crate) keeps_persons: bool,
    /// The groups are kept.
    pub(crate) keeps_groups: bool,
    pub(crate) command_state: Cell<GroupCommandState>,
    /// The number of subscriptions to the presence of the members.
    presence: usize,
}

pub(crate) struct GroupIdentity {
    pub(crate) model: Arc<Model>,
    pub(crate) group_type: GroupType,
    level: Option<PrivacyLevel>,
}

pub(crate) type GroupNode = Node<GroupCells, GroupIdentity>;

/// A group of the contact list, or the contact list as a whole. Creating a group sends no request.
///
/// Cloning gives another handle on the same group. All handles on the group with one ID are equal.
#[derive(Clone)]
pub struct Group {
    pub(crate) node: Arc<GroupNode>,
}

impl Group {
    /// A group that is known to the server if it has a key.
    pub(crate) fn new(
        model: &Arc<Model>,
        group_type: GroupType,
        key: Option<GroupKey>,
        command_state: GroupCommandState,
    ) -> Self {
        let level = match key {
            Some(GroupKey::Level(level)) => Some(level),
            _ => None,
        };
        let cells = GroupCells {
            model: Arc::clone(model),
            id: Cell::new(id_of(key.as_ref())),
            key,
            name: Cell::new(None),
            uri: Cell::new(None),
            persons: List::new(),
            groups: List::new(),
            keeps_persons: false,
            keeps_groups: false,
            command_state: Cell::new(command_state),
            presence: 0,
        };
        let identity = GroupIdentity {
            model: Arc::clone(model),
            group_type,
            level,
        };
        Self {
            node: model.store.node(identity, cells),
        }
    }

    /// The type.
    #[must_use]
    pub fn group_type(&self) -> GroupType {
        self.node.fixed.group_type
    }

    /// The ID that the server gave to the group. `None` for the contact list as a whole, for the groups of privacy levels, and
    /// for a group that was created here and is not in the contact list yet.
    #[must_use]
    pub fn id(&self) -> Property<Option<String>> {
        self.property(|cells| &mut cells.id)
    }

    /// The name, which [`set_name`](Self::set_name) changes. `None` for the contact list as a whole and for the groups of
    /// privacy levels.
    #[must_use]
    pub fn name(&self) -> Property<Option<String>> {
        self.property(|cells| &mut cells.name)
    }

    /// The address of a distribution group.
    #[must_use]
    pub fn uri(&self) -> Property<Option<String>> {
        self.property(|cells| &mut cells.uri)
    }

    /// The privacy level of the persons, if the type is [`PrivacyRelationship`](GroupType::PrivacyRelationship).
    #[must_use]
    pub fn relationship_level(&self) -> Option<PrivacyLevel> {
        self.node.fixed.level
    }

    /// The persons in the group; for the contact list as a whole, all contacts, each once. Empty until it is fetched or
    /// followed. The collection does not contain the members of the groups in a distribution group.
    ///
    /// The application can add persons to the contact list, the favourites, the other contacts and its own groups, and remove
    /// them. The collection changes when the server reports the change, which is usually after the future of the command has
    /// resolved.
    #[must_use]
    pub fn persons(&self) -> RemoteCollection<Person> {
        let items = Collection::new(ListField {
            node: Arc::clone(&self.node),
            list: |cells| &mut cells.persons,
        });
        RemoteCollection::new(
            items,
            RemoteList::Persons(self.clone()),
            RemoteList::persons_now,
            self.add_person_command(),
            self.remove_person_command(),
        )
    }

    /// The groups in the group: all groups of the contact list, or the groups in a distribution group. A group of another type
    /// contains no groups. Empty until it is fetched or followed.
    ///
    /// The application can add groups to the contact list: one from
    /// [`create_group`](crate::PersonsAndGroupsManager::create_group), or a distribution group. It can remove both kinds. The
    /// collection changes when the server reports the change, which is usually after the future of the command has resolved.
    #[must_use]
    pub fn groups(&self) -> RemoteCollection<Self> {
        let items = Collection::new(ListField {
            node: Arc::clone(&self.node),
            list: |cells| &mut cells.groups,
        });
        RemoteCollection::new(
            items,
            RemoteList::Groups(self.clone()),
            RemoteList::groups_now,
            self.add_group_command(),
            self.remove_group_command(),
        )
    }

    /// Follows the presence of all persons in the group for as long as the subscription lives, with one subscription at the
    /// server. Loads the [`persons`](Self::persons). After [`detach`](Subscription::detach), for as long as the group lives.
    ///
    /// Has no effect for the contact list as a whole, for a group of a privacy level, and for a group that is not in the contact
    /// list yet.
    pub fn subscribe_presence(&self) -> Subscription {
        if !self.count_presence(|count| *count += 1) {
            return Subscription::default();
        }
        let group = self.clone();
        Subscription::new(move || {
            group.count_presence(|count| *count -= 1);
        })
    }

    /// Changes the number of subscriptions to the presence. Returns whether the presence of the group can be followed.
    fn count_presence(&self, by: fn(&mut usize)) -> bool {
        self.node.store.transact(|transaction| {
            let cells = transaction.cells(&self.node);
            let Some(group) = cells.key.clone() else {
                return false;
            };
            if self.group_type() == GroupType::PrivacyRelationship {
                return false;
            }
            let before = cells.presence > 0;
            by(&mut cells.presence);
            let follow = cells.presence > 0;
            // The persons are kept alive by the collection, so that facts about them arrive.
            cells.keeps_persons |= follow;
            if follow != before {
                let request = ContactsRequest::FollowGroupPresence { group, follow };
                self.node.fixed.model.notify(transaction, request);
            }
            true
        })
    }

    fn property<T>(&self, cell: Accessor<GroupCells, T>) -> Property<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell,
        })
    }

    pub(crate) fn command_state(&self) -> Property<GroupCommandState> {
        self.property(|cells| &mut cells.command_state)
    }

    /// Takes the values that the server reported.
    pub(crate) fn apply(&self, transaction: &mut Transaction<'_>, fact: GroupFact) {
        self.set_name_now(transaction, fact.name);
        transaction.set(&self.node, |cells| &mut cells.uri, fact.uri, None);
    }

    pub(crate) fn set_name_now(&self, transaction: &mut Transaction<'_>, name: Option<String>) {
        transaction.set(&self.node, |cells| &mut cells.name, name, None);
    }

    /// Gives a group its key, when the server has created it.
    pub(crate) fn identify(&self, transaction: &mut Transaction<'_>, key: GroupKey) {
        let id = id_of(Some(&key));
        transaction.cells(&self.node).key = Some(key);
        transaction.set(&self.node, |cells| &mut cells.id, id, None);
    }

    /// Changes the state that decides which commands are enabled.
    pub(crate) fn change_command_state(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut GroupCommandState),
    ) {
        let mut state = *transaction.cells(&self.node).command_state.get();
        change(&mut state);
        transaction.set(&self.node, |cells| &mut cells.command_state, state, None);
    }

    pub(crate) fn set_listing(&self, transaction: &mut Transaction<'_>, listing: Listing) {
        self.change_command_state(transaction, |state| state.listing = listing);
    }
}

fn id_of(key: Option<&GroupKey>) -> Option<String> {
    match key {
        Some(GroupKey::Id(id)) => Some(id.clone()),
        _ => None,
    }
}

impl Drop for GroupCells {
    /// Ends the subscriptions to the group, and its entry among the groups.
    fn drop(&mut self) {
        let Some(key) = self.key.take() else {
            return;
        };
        let is_followed = self.presence > 0;
        self.model.store.transact(|transaction| {
            group_registry::evict(transaction, &self.model, &key);
            if is_followed {
                let request = ContactsRequest::FollowGroupPresence {
                    group: key,
                    follow: false,
                };
                self.model.notify(transaction, request);
            }
        });
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Group {}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("group_type", &self.group_type())
            .finish_non_exhaustive()
    }
}
