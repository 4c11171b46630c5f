//! An observable, ordered collection.

use std::fmt;

use super::command::Command;
use super::listener::Callback;
use super::property::{Change, Property, Source};
use super::reason::Reason;
use super::stream::{Changes, channel};
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// The identity of an item in its collection: it never changes, whatever the item's index, and is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub(crate) u64);

/// One change of a [`Collection`].
#[derive(Clone, Debug, PartialEq)]
pub enum CollectionChange<T> {
    /// An item came in.
    Added {
        /// The item.
        item: T,
        /// Its key for as long as it is in.
        key: Key,
        /// Its index just after this change.
        index: usize,
    },
    /// An item went out.
    Removed {
        /// The item.
        item: T,
        /// The key it had.
        key: Key,
        /// The index it had just before this change.
        index: usize,
    },
}

/// Whether a registration wants to be called for each change, or once for all changes of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    EachChange,
    EachCommit,
}

/// What the listeners of a list are given.
#[derive(Clone)]
pub(crate) struct ListEvent<T> {
    /// The call that a registration makes.
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

    /// What this event is for a collection that is derived from this one.
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

/// Where a collection has its items from.
pub(crate) trait ListSource<T>: Send + Sync {
    fn snapshot(&self) -> Vec<(Key, T)>;

    /// Registers, and calls at once: with the present items as added when `items` is true, else with the size alone.
    fn subscribe(&self, pace: Pace, items: bool, callback: Callback<ListEvent<T>>) -> Subscription;

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

/// A read handle on an ordered collection: its items, their keys, and every change of it.
///
/// Lossless: each item that comes in or goes out gives each listener exactly one call, in commit order. Cloning is cheap
/// and gives a handle on the same collection.
pub struct Collection<T> {
    source: Arc<dyn ListSource<T>>,
    commands: Option<Arc<CollectionCommands<T>>>,
}

/// How items are put in and taken out by the application, where it may.
pub(crate) struct CollectionCommands<T> {
    pub(crate) add: Command<T, Key>,
    pub(crate) remove: Command<T, ()>,
}

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

    /// The item at `index`, from memory.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.source.get(index)
    }

    /// The item with this key, from memory.
    #[must_use]
    pub fn by_key(&self, key: Key) -> Option<T> {
        self.source.by_key(key)
    }

    /// All items in order.
    #[must_use]
    pub fn snapshot(&self) -> Vec<T> {
        self.source
            .snapshot()
            .into_iter()
            .map(|(_, item)| item)
            .collect()
    }

    /// How many items there are, as a live property.
    #[must_use]
    pub fn size(&self) -> Property<usize> {
        Property::new(Size(Arc::clone(&self.source)))
    }

    /// Calls `listener` now for every item, in order, and then for each item that comes in: item, key, index.
    pub fn added(&self, listener: impl Fn(&T, Key, usize) + Send + Sync + 'static) -> Subscription {
        self.each(true, move |change| {
            if let CollectionChange::Added { item, key, index } = change {
                listener(item, *key, *index);
            }
        })
    }

    /// Calls `listener` for each item that goes out from now on: item, key, and the index it had.
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

    /// Calls `listener` after each item that comes in or goes out; once now when there are items.
    pub fn changed(&self, listener: impl Fn() + Send + Sync + 'static) -> Subscription {
        self.source.subscribe(
            Pace::EachChange,
            false,
            Box::new(move |event, _| {
                if !event.replay || event.size > 0 {
                    listener();
                }
            }),
        )
    }

    /// The items now, and a lossless stream of what changes them from now on: one batch for each commit. Applied in order
    /// to the snapshot, the batches keep it equal to the collection.
    pub fn observe(&self) -> (Vec<T>, Changes<Vec<CollectionChange<T>>>) {
        let (sender, changes) = channel();
        let snapshot = Arc::new(Mutex::new(Vec::new()));
        let found = Arc::clone(&snapshot);
        let registration = self.source.subscribe(
            Pace::EachCommit,
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

    /// Puts an item in. Not enabled on collections that only the other side, or nobody, can add to.
    #[must_use]
    pub fn add(&self) -> Command<T, Key> {
        self.commands
            .as_ref()
            .map_or_else(Command::not_supported, |commands| commands.add.clone())
    }

    /// Takes an item out. Not enabled on collections that only the other side, or nobody, can remove from.
    #[must_use]
    pub fn remove(&self) -> Command<T, ()> {
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
            Pace::EachChange,
            items,
            Box::new(move |event, _| event.changes().iter().for_each(&call)),
        )
    }
}

impl<T> CollectionChange<T> {
    /// The same change of another item in its place.
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

    /// The item that came in or went out.
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

    fn reason(&self) -> Option<Reason> {
        None
    }

    fn subscribe(&self, callback: Callback<Change<usize>>) -> Subscription {
        let last = Mutex::new(None);
        self.0.subscribe(
            Pace::EachChange,
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
