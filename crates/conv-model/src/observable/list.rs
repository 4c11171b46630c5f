//! Observed items: the stored side of a [`Collection`](super::Collection).

use std::collections::VecDeque;

use super::cell::register;
use super::collection::{Batching, CollectionChange, Key, ListEvent, ListSource, WeakSource};
use super::keys::Keys;
use super::listener::{Callback, Listeners};
use super::store::{Node, Transaction};
use super::subscription::Subscription;
use super::sync::Arc;

/// Items in order, their keys, and the listeners. An application observes few of its collections, so the listeners are allocated
/// when they are needed.
pub(crate) struct List<T> {
    items: VecDeque<T>,
    keys: Keys,
    observed: Option<Box<Observed<T>>>,
}

struct Observed<T> {
    listeners: Listeners<ListEvent<T>>,
    /// The listeners that get one event for each commit, and the changes of this commit so far.
    observers: Listeners<ListEvent<T>>,
    batch: Vec<CollectionChange<T>>,
}

/// The number of items for which a full list of this size gets room: of one at first, because many lists have one item, such as the
/// participants of most conversations. Later of a quarter, since a list of twice the size is half empty.
pub(crate) const fn growth(size: usize) -> usize {
    match size {
        0 => 1,
        1..12 => 2,
        _ => size / 4,
    }
}

/// Selects a list of an object.
pub(crate) type ListAccessor<C, T> = fn(&mut C) -> &mut List<T>;

impl<T: Clone + Send + Sync + 'static> List<T> {
    pub(crate) const fn new() -> Self {
        Self {
            items: VecDeque::new(),
            keys: Keys::new(),
            observed: None,
        }
    }

    fn observed(&mut self) -> &mut Observed<T> {
        self.observed.get_or_insert_with(|| {
            Box::new(Observed {
                listeners: Listeners::new(),
                observers: Listeners::new(),
                batch: Vec::new(),
            })
        })
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.items.get(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn key_of(&self, matches: impl Fn(&T) -> bool) -> Option<Key> {
        let mut entries = self.entries();
        let found = entries.find(|(_, item)| matches(item));
        found.map(|(key, _)| key)
    }

    fn entries(&self) -> impl Iterator<Item = (Key, &T)> {
        self.keys.iter(self.items.len()).zip(&self.items)
    }

    fn snapshot(&self) -> Vec<(Key, T)> {
        let entries = self.entries();
        entries.map(|(key, item)| (key, item.clone())).collect()
    }

    fn by_key(&self, key: Key) -> Option<T> {
        let index = self.keys.position(key, self.items.len())?;
        self.items.get(index).cloned()
    }
}

impl Transaction<'_> {
    /// Inserts an item at `index`, or at the end if there are fewer items.
    pub(crate) fn insert<C, F, T>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        index: usize,
        item: T,
    ) -> Key
    where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let cells = list(self.cells(node));
        let size = cells.items.len();
        let index = index.min(size);
        let key = cells.keys.insert(index, size);
        if size == cells.items.capacity() {
            cells.items.reserve_exact(growth(size));
        }
        cells.items.insert(index, item.clone());
        self.deliver_change(node, list, CollectionChange::Added { item, key, index });
        key
    }

    /// Adds an item at the end.
    pub(crate) fn push<C, F, T>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        item: T,
    ) -> Key
    where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        self.insert(node, list, usize::MAX, item)
    }

    /// Inserts an item behind those whose rank is not greater, unless the list contains it.
    pub(crate) fn insert_new<C, F, T, R>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        item: T,
        rank: impl Fn(&T) -> R,
    ) where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + PartialEq + Send + Sync + 'static,
        R: Ord,
    {
        let items = list(self.cells(node));
        if items.iter().any(|other| *other == item) {
            return self.discard(item);
        }
        let own = rank(&item);
        let behind = items.iter().position(|other| rank(other) > own);
        self.insert(node, list, behind.unwrap_or(usize::MAX), item);
    }

    /// Makes a list contain exactly these items, each once: removes the others, and inserts the new ones in their order, each
    /// behind the items whose rank is not greater. An item that stays keeps its place.
    pub(crate) fn replace<C, F, T, R>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        items: Vec<T>,
        rank: impl Fn(&T) -> R,
    ) where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + PartialEq + Send + Sync + 'static,
        R: Ord,
    {
        let is_gone = |item: &T| !items.contains(item);
        while self.remove(node, list, is_gone).is_some() {}
        for item in items {
            self.insert_new(node, list, item, &rank);
        }
    }

    /// Removes the first item that matches. Returns the index that it had.
    pub(crate) fn remove<C, F, T>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        matches: impl Fn(&T) -> bool,
    ) -> Option<usize>
    where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let cells = list(self.cells(node));
        let index = cells.iter().position(matches)?;
        let key = cells.keys.remove(index, cells.len());
        let item = cells.items.remove(index)?;
        self.deliver_change(node, list, CollectionChange::Removed { item, key, index });
        Some(index)
    }

    /// Queues a change for the listeners, and adds it to the batch of the commit for the observers.
    fn deliver_change<C, F, T>(
        &mut self,
        node: &Arc<Node<C, F>>,
        list: ListAccessor<C, T>,
        change: CollectionChange<T>,
    ) where
        C: Send + Sync + 'static,
        F: Send + Sync + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let (cells, outlet) = self.split(node);
        let cells = list(cells);
        let size = cells.len();
        let Some(observed) = &mut cells.observed else {
            return outlet.discard(change);
        };
        let has_observers = !observed.observers.is_empty();
        let first = has_observers && observed.batch.is_empty();
        if has_observers {
            observed.batch.push(change.clone());
        }
        if observed.listeners.is_empty() {
            outlet.discard(change);
        } else {
            let event = ListEvent::one(change, size);
            observed.listeners.deliver(event, outlet);
        }
        if first {
            let node = Arc::clone(node);
            self.at_end(move |transaction| {
                let (cells, outlet) = transaction.split(&node);
                let cells = list(cells);
                let size = cells.len();
                let observed = cells.observed();
                let batch = std::mem::take(&mut observed.batch);
                let event = ListEvent::many(batch, size);
                observed.observers.deliver(event, outlet);
            });
        }
    }
}

/// The read handle on a list of an object.
pub(crate) struct ListField<C, F, T> {
    pub(crate) node: Arc<Node<C, F>>,
    pub(crate) list: ListAccessor<C, T>,
}

impl<C, F, T> ListSource<T> for ListField<C, F, T>
where
    C: Send + Sync + 'static,
    F: Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    fn snapshot(&self) -> Vec<(Key, T)> {
        self.node.read(|cells| (self.list)(cells).snapshot())
    }

    fn size(&self) -> usize {
        self.node.read(|cells| (self.list)(cells).len())
    }

    fn get(&self, index: usize) -> Option<T> {
        self.node
            .read(|cells| (self.list)(cells).get(index).cloned())
    }

    fn by_key(&self, key: Key) -> Option<T> {
        self.node.read(|cells| (self.list)(cells).by_key(key))
    }

    fn downgrade(&self) -> WeakSource<T> {
        let (node, list) = (Arc::downgrade(&self.node), self.list);
        Box::new(move || {
            let node = node.upgrade()?;
            Some(Arc::new(Self { node, list }))
        })
    }

    fn subscribe(
        &self,
        batching: Batching,
        items: bool,
        callback: Callback<ListEvent<T>>,
    ) -> Subscription {
        let list = self.list;
        let snapshot = move |cells: &mut C| {
            let list = list(cells);
            let items = if items { list.snapshot() } else { Vec::new() };
            ListEvent::replay(items, list.len())
        };
        match batching {
            Batching::EachChange => register(
                &self.node,
                callback,
                move |cells| &mut list(cells).observed().listeners,
                snapshot,
            ),
            Batching::EachCommit => register(
                &self.node,
                callback,
                move |cells| &mut list(cells).observed().observers,
                snapshot,
            ),
        }
    }
}
