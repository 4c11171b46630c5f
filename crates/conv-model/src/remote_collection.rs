//! A collection whose items are on the server.

use std::fmt;
use std::time::Duration;

use crate::contact_list_fact::{ContactList, GroupType};
use crate::contact_list_request::ContactsRequest;
use crate::group::Group;
use crate::group_registry;
use crate::model::{Model, Step};
use crate::observable::command::{Command, CommandFuture};
use crate::observable::store::Transaction;
use crate::observable::{Changes, Collection, CollectionChange, Key, Property, Subscription};
use crate::people;
use crate::person::Person;
use crate::reason::Reason;
use crate::sync::Arc;

/// A collection whose items are on the server. Reading it, as with a [`Collection`], returns the last known items. It is empty
/// until it is fetched or followed.
///
/// The model counts the subscriptions, and requests a list from the protocol once for all of them.
pub struct RemoteCollection<T> {
    items: Collection<T>,
    list: RemoteList,
    now: fn(&RemoteList, &mut Transaction<'_>) -> Vec<T>,
    add: Command<T, ()>,
    remove: Command<T, ()>,
}

/// The owner of a [`RemoteCollection`], and with it the list that fills the collection.
#[derive(Clone)]
pub(crate) enum RemoteList {
    /// The persons in a group.
    Persons(Group),
    /// The groups in a group.
    Groups(Group),
    /// The groups with a person.
    Memberships(Person),
}

impl RemoteList {
    fn model(&self) -> &Arc<Model> {
        match self {
            Self::Persons(group) | Self::Groups(group) => &group.node.fixed.model,
            Self::Memberships(person) => &person.node.fixed.model,
        }
    }

    /// The list that fills the collection. `None` if the server has none: then the collection stays as it is.
    fn list(&self, transaction: &mut Transaction<'_>) -> Option<ContactList> {
        let (group, of_root) = match self {
            Self::Persons(group) => (group, ContactList::Contacts),
            Self::Groups(group) => (group, ContactList::Groups),
            Self::Memberships(_) => return Some(ContactList::Memberships),
        };
        match (self, group.group_type()) {
            (_, GroupType::Root) => Some(of_root),
            (Self::Persons(_), _) | (_, GroupType::Distribution) => {
                let key = transaction.cells(&group.node).key.clone()?;
                Some(ContactList::Members(key))
            }
            _ => None,
        }
    }

    /// Keeps the items from now on.
    fn keep(&self, transaction: &mut Transaction<'_>) {
        match self {
            Self::Persons(group) => transaction.cells(&group.node).keeps_persons = true,
            Self::Groups(group) => transaction.cells(&group.node).keeps_groups = true,
            Self::Memberships(person) => {
                let person = person.canonical();
                transaction.cells(&person.node).keeps_groups = true;
                // The protocol names the groups of a person by their keys.
                group_registry::keep_groups(transaction, self.model());
            }
        }
    }

    pub(crate) fn persons_now(&self, transaction: &mut Transaction<'_>) -> Vec<Person> {
        match self {
            Self::Persons(group) => {
                let persons = &transaction.cells(&group.node).persons;
                persons.iter().cloned().collect()
            }
            Self::Groups(_) | Self::Memberships(_) => Vec::new(),
        }
    }

    pub(crate) fn groups_now(&self, transaction: &mut Transaction<'_>) -> Vec<Group> {
        let groups = match self {
            Self::Groups(group) => &transaction.cells(&group.node).groups,
            Self::Memberships(person) => {
                &transaction.cells(&person.canonical().node).details().groups
            }
            Self::Persons(_) => return Vec::new(),
        };
        groups.iter().cloned().collect()
    }
}

impl<T: Clone + Send + Sync + 'static> RemoteCollection<T> {
    pub(crate) const fn new(
        items: Collection<T>,
        list: RemoteList,
        now: fn(&RemoteList, &mut Transaction<'_>) -> Vec<T>,
        add: Command<T, ()>,
        remove: Command<T, ()>,
    ) -> Self {
        Self {
            items,
            list,
            now,
            add,
            remove,
        }
    }

    /// The person with this address.
    pub(crate) fn person_at(&self, address: &str) -> Result<Person, Reason> {
        let model = self.list.model();
        let address = model.backend.normalize_address(address)?;
        Ok(model
            .store
            .transact(|transaction| people::find_or_create(transaction, model, &address, None)))
    }

    /// The last known items as a collection, which can be mapped, filtered, sorted and reduced.
    #[must_use]
    pub fn collection(&self) -> Collection<T> {
        self.items.clone()
    }

    /// Loads the items from the server. Resolves with them. Several fetches at one time share one request.
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn fetch(&self) -> CommandFuture<Vec<T>> {
        let (source, now) = (self.list.clone(), self.now);
        self.list.model().command(move |transaction| {
            let Some(list) = source.list(transaction) else {
                let items = now(&source, transaction);
                transaction.discard(source);
                return Ok(Step::Done(items));
            };
            source.keep(transaction);
            Ok(Step::request_then(
                ContactsRequest::FetchList(list),
                move |transaction, result| result.map(|_| now(&source, transaction)),
            ))
        })
    }

    /// Loads the items, and follows their changes on the server for as long as the subscription lives. After
    /// [`detach`](Subscription::detach), for as long as the object with the collection lives.
    pub fn subscribe(&self) -> Subscription {
        self.interest(None)
    }

    /// Loads the items at this interval for as long as the subscription lives. The shortest interval of all subscriptions is used,
    /// and none while a [`subscribe`](Self::subscribe) follows the items.
    pub fn subscribe_every(&self, interval: Duration) -> Subscription {
        self.interest(Some(interval))
    }

    fn interest(&self, interval: Option<Duration>) -> Subscription {
        let source = self.list.clone();
        let model = source.model();
        let list = model.store.transact(|transaction| {
            let list = source.list(transaction)?;
            source.keep(transaction);
            group_registry::count_interest(transaction, model, &list, interval, |it| *it += 1);
            Some(list)
        });
        let Some(list) = list else {
            return Subscription::default();
        };
        Subscription::new(move || {
            let model = source.model();
            model.store.transact(|transaction| {
                // The subscriptions of a group end with the group.
                group_registry::count_interest(transaction, model, &list, interval, |it| {
                    *it = it.saturating_sub(1);
                });
            });
        })
    }

    /// The item at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.items.get(index)
    }

    /// The last known items, in order.
    #[must_use]
    pub fn snapshot(&self) -> Vec<T> {
        self.items.snapshot()
    }

    /// The number of items, as a live property.
    #[must_use]
    pub fn size(&self) -> Property<usize> {
        self.items.size()
    }

    /// See [`Collection::added`].
    pub fn added(&self, listener: impl Fn(&T, Key, usize) + Send + Sync + 'static) -> Subscription {
        self.items.added(listener)
    }

    /// See [`Collection::removed`].
    pub fn removed(
        &self,
        listener: impl Fn(&T, Key, usize) + Send + Sync + 'static,
    ) -> Subscription {
        self.items.removed(listener)
    }

    /// See [`Collection::additions`].
    pub fn additions(&self) -> Changes<T> {
        self.items.additions()
    }

    /// See [`Collection::removals`].
    pub fn removals(&self) -> Changes<T> {
        self.items.removals()
    }

    /// See [`Collection::observe`].
    pub fn observe(&self) -> (Vec<T>, Changes<Vec<CollectionChange<T>>>) {
        self.items.observe()
    }

    /// Adding an item, as a [`Command`]. The method that returns the collection states which items can be added.
    #[must_use]
    pub fn add_command(&self) -> Command<T, ()> {
        self.add.clone()
    }

    /// Removes an item on the server. Succeeds if it is not there. Enabled when signed in, if the server lets the user change the
    /// contact list; the method that returns the collection states which items can be removed.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn remove(&self, item: &T) -> CommandFuture<()> {
        self.remove.invoke(item.clone())
    }

    /// [`remove`](Self::remove) as a [`Command`].
    #[must_use]
    pub fn remove_command(&self) -> Command<T, ()> {
        self.remove.clone()
    }
}

impl<T> Clone for RemoteCollection<T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            list: self.list.clone(),
            now: self.now,
            add: self.add.clone(),
            remove: self.remove.clone(),
        }
    }
}

impl<T> fmt::Debug for RemoteCollection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteCollection").finish_non_exhaustive()
    }
}
