//! An observable, ordered collection.

use std::fmt;

use super::command::{Command, CommandFuture};
use super::listener::Callback;
use super::property::{Change, Property, Source};
use super::reason::Reason;
use super::stream::{Changes, channel};
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// The identity of an item in its collection. The key of an item never changes, and no other item gets the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(crate) u64);

/// One change of a [`Collection`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CollectionChange<T> {
    /// An item was added.
    #[non_exhaustive]
    Added {
        /// The item.
        item: T,
        /// The item's key.
        key: Key,
        /// The item's index just after this change.
        index: usize,
    },
    /// An item was removed.
    #[non_exhaustive]
    Removed {
        /// The item.
        item: T,
        /// The item's key.
        key: Key,
        /// The item's index just before this change.
        index: usize,
    },
}

/// Whether a registration is called for each change, or once for all changes of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Batching {
    EachChange,
    EachCommit,
}

/// The event for the listeners of a list.
#[derive(Clone)]
pub(crate) struct ListEvent<T> {
    /// Whether this is the replay at registration.
    pub(crate) replay: bool,
    changes: Changed<T>,
    /// The size after these changes.
    pub(crate) size: usize,
}

#[derive(Clone)]
enum Changed<T> {
    One(CollectionChange<T>),
    Many(Vec<CollectionChange<T>>),
}

impl<T> ListEvent<T> {
    pub(crate) const fn one(change: CollectionChange<T>, size: usize) -> Self {
        Self {
            replay: false,
            changes: Changed::One(change),
            size,
        }
    }

    pub(crate) const fn many(changes: Vec<CollectionChange<T>>, size: usize) -> Self {
        Self {
            replay: false,
            changes: Changed::Many(changes),
            size,
        }
    }

    pub(crate) fn replay(items: Vec<(Key, T)>, size: usize) -> Self {
        let added = |(index, (key, item))| CollectionChange::Added { item, key, index };
        let changes = Changed::Many(items.into_iter().enumerate().map(added).collect());
        Self {
            replay: true,
            changes,
            size,
        }
    }

    /// The same event for a collection that is derived from this one.
    pub(crate) const fn derive<U>(
        &self,
        changes: Vec<CollectionChange<U>>,
        size: usize,
    ) -> ListEvent<U> {
        ListEvent {
            replay: self.replay,
            changes: Changed::Many(changes),
            size,
        }
    }

    pub(crate) fn changes(&self) -> &[CollectionChange<T>] {
        match &self.changes {
            Changed::One(change) => std::slice::from_ref(change),
            Changed::Many(changes) => changes,
        }
    }
}

/// The source of a collection's items.
pub(crate) trait ListSource<T>: Send + Sync {
    fn snapshot(&self) -> Vec<(Key, T)>;

    /// A handle that does not keep the items alive.
    fn downgrade(&self) -> WeakSource<T>;

    /// Registers `callback` and calls it at once: with the present items as added if `items` is true, else with the size
    /// alone.
    fn subscribe(
        &self,
        batching: Batching,
        items: bool,
        callback: Callback<ListEvent<T>>,
    ) -> Subscription;

    fn size(&self) -> usize {
        self.snapshot().len()
    }

    fn get(&self, index: usize) -> Option<T> {
        self.snapshot().into_iter().nth(index).map(|(_, item)| item)
    }

    fn by_key(&self, key: Key) -> Option<T> {
        self.snapshot()
            .into_iter()
            .find(|(other, _)| *other == key)
            .map(|(_, item)| item)
    }
}

/// Gives the source again, unless the object that holds the items is gone.
pub(crate) type WeakSource<T> = Box<dyn Fn() -> Option<Arc<dyn ListSource<T>>> + Send + Sync>;

/// A read handle on an ordered collection: its items, their keys, and every change.
///
/// Lossless: each item that is added or removed gives each listener exactly one call, in commit order. Cloning is cheap and
/// gives a handle on the same collection.
pub struct Collection<T> {
    source: Arc<dyn ListSource<T>>,
    commands: Option<Arc<CollectionCommands<T>>>,
}

/// The application's commands that add and remove items.
pub(crate) struct CollectionCommands<T> {
    pub(crate) add: Command<T, Key>,
    pub(crate) remove: Command<T, ()>,
    /// Finds or creates the item for an address. `None` if items have no address.
    pub(crate) resolve: Option<Resolve<T>>,
}

/// Finds or creates the item for an address.
pub(crate) type Resolve<T> = Box<dyn Fn(&str) -> Result<T, Reason> + Send + Sync>;

impl<T> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self {
            source: Arc::clone(&self.source),
            commands: self.commands.clone(),
        }
    }
}

impl<T> fmt::Debug for Collection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Collection<T> {
    pub(crate) fn new(source: impl ListSource<T> + 'static) -> Self {
        Self {
            source: Arc::new(source),
            commands: None,
        }
    }

    pub(crate) fn with_commands(self, commands: CollectionCommands<T>) -> Self {
        Self {
            commands: Some(Arc::new(commands)),
            ..self
        }
    }

    pub(crate) fn source(&self) -> &Arc<dyn ListSource<T>> {
        &self.source
    }

    /// The item at `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.source.get(index)
    }

    /// The item with this key.
    #[must_use]
    pub fn by_key(&self, key: Key) -> Option<T> {
        self.source.by_key(key)
    }

    /// All items, in order.
    #[must_use]
    pub fn snapshot(&self) -> Vec<T> {
        self.source
            .snapshot()
            .into_iter()
            .map(|(_, item)| item)
            .collect()
    }

    /// The number of items, as a live property.
    #[must_use]
    pub fn size(&self) -> Property<usize> {
        Property::new(Size(Arc::clone(&self.source)))
    }

    /// Calls `listener` with every item, in order, before this returns, and then with each item that is added: item, key,
    /// index.
    pub fn added(&self, listener: impl Fn(&T, Key, usize) + Send + Sync + 'static) -> Subscription {
        self.each(true, move |change| {
            if let CollectionChange::Added { item, key, index } = change {
                listener(item, *key, *index);
            }
        })
    }

    /// Calls `listener` with each item that is removed from now on: item, key, and the index that it had.
    pub fn removed(
        &self,
        listener: impl Fn(&T, Key, usize) + Send + Sync + 'static,
    ) -> Subscription {
        self.each(false, move |change| {
            if let CollectionChange::Removed { item, key, index } = change {
                listener(item, *key, *index);
            }
        })
    }

    /// A stream of every item: the present ones, in order, and then each item that is added. Lossless: unread items are kept,
    /// without bound.
    pub fn additions(&self) -> Changes<T> {
        let (sender, items) = channel();
        items.of(self.added(move |item, _, _| sender.send(item.clone())))
    }

    /// A stream of each item that is removed from now on. Lossless: unread items are kept, without bound.
    pub fn removals(&self) -> Changes<T> {
        let (sender, items) = channel();
        items.of(self.removed(move |item, _, _| sender.send(item.clone())))
    }

    /// Calls `listener` after each item that is added or removed, and once before this returns if there are items.
    pub fn changed(&self, listener: impl Fn() + Send + Sync + 'static) -> Subscription {
        self.source.subscribe(
            Batching::EachChange,
            false,
            Box::new(move |event, _| {
                if !event.replay || event.size > 0 {
                    listener();
                }
            }),
        )
    }

    /// The present items and a lossless stream of their changes, one batch for each commit. In a collection that is filtered
    /// or sorted, the change of an item's property is a batch of its own. The batches, applied in order to the snapshot,
    /// keep it equal to the collection.
    pub fn observe(&self) -> (Vec<T>, Changes<Vec<CollectionChange<T>>>) {
        let (sender, changes) = channel();
        let snapshot = Arc::new(Mutex::new(Vec::new()));
        let found = Arc::clone(&snapshot);
        let registration = self.source.subscribe(
            Batching::EachCommit,
            true,
            Box::new(move |event, _| {
                if event.replay {
                    *lock(&found) = event
                        .changes()
                        .iter()
                        .map(|change| change.item().clone())
                        .collect();
                } else {
                    sender.send(event.changes().to_vec());
                }
            }),
        );
        let snapshot = std::mem::take(&mut *lock(&snapshot));
        (snapshot, changes.of(registration))
    }

    pub(crate) fn commands(&self) -> Option<&CollectionCommands<T>> {
        self.commands.as_deref()
    }

    /// Removes an item.
    ///
    /// # Errors
    /// Fails at once if the application cannot remove from this collection. The method that returns the collection states
    /// the other errors.
    pub fn remove(&self, item: T) -> CommandFuture<()> {
        self.remove_command().invoke(item)
    }

    /// Adding an item, as a [`Command`]. Not enabled if the application cannot add to this collection.
    #[must_use]
    pub fn add_command(&self) -> Command<T, Key> {
        self.commands
            .as_ref()
            .map_or_else(Command::not_supported, |commands| commands.add.clone())
    }

    /// [`remove`](Self::remove) as a [`Command`]. Not enabled if the application cannot remove from this collection.
    #[must_use]
    pub fn remove_command(&self) -> Command<T, ()> {
        self.commands
            .as_ref()
            .map_or_else(Command::not_supported, |commands| commands.remove.clone())
    }

    fn each(
        &self,
        items: bool,
        call: impl Fn(&CollectionChange<T>) + Send + Sync + 'static,
    ) -> Subscription {
        self.source.subscribe(
            Batching::EachChange,
            items,
            Box::new(move |event, _| event.changes().iter().for_each(&call)),
        )
    }
}

impl<T> CollectionChange<T> {
    /// The same change with the item mapped.
    pub(crate) fn map<U>(&self, map: impl Fn(&T) -> U) -> CollectionChange<U> {
        match self {
            Self::Added { item, key, index } => CollectionChange::Added {
                item: map(item),
                key: *key,
                index: *index,
            },
            Self::Removed { item, key, index } => CollectionChange::Removed {
                item: map(item),
                key: *key,
                index: *index,
            },
        }
    }

    /// The index of the item: just after it was added, or just before it was removed.
    pub const fn index(&self) -> usize {
        match self {
            Self::Added { index, .. } | Self::Removed { index, .. } => *index,
        }
    }

    /// The item that was added or removed.
    pub const fn item(&self) -> &T {
        match self {
            Self::Added { item, .. } | Self::Removed { item, .. } => item,
        }
    }
}

/// The size of a collection as a property.
struct Size<T>(Arc<dyn ListSource<T>>);

impl<T: Send + Sync + 'static> Source<usize> for Size<T> {
    fn get(&self) -> usize {
        self.0.size()
    }

    fn get_with_reason(&self) -> (usize, Option<Reason>) {
        (self.get(), None)
    }

    fn subscribe(&self, callback: Callback<Change<usize>>) -> Subscription {
        let last = Mutex::new(None);
        self.0.subscribe(
            Batching::EachChange,
            false,
            Box::new(move |event, phase| {
                let old = lock(&last).replace(event.size);
                if old != Some(event.size) {
                    callback(
                        &Change {
                            new: event.size,
                            reason: None,
                            old,
                        },
                        phase,
                    );
                }
            }),
        )
    }
}
