//! Live collections made from a collection.
//!
//! A derived collection stores nothing. A read reads the parent; each registration keeps, inside its listener, the copy that
//! it needs to find the index of an added or removed item. A change of the parent takes time proportional to its size.

use super::collection::{
    Collection, CollectionChange, Key, ListEvent, ListSource, Pace, WeakSource,
};
use super::listener::Callback;
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

impl<T: Clone + Send + Sync + 'static> Collection<T> {
    /// A live collection of `map` of each item, with the same order and keys. `map` must be a pure function; it runs for each
    /// read and each change.
    #[must_use]
    pub fn map<U>(&self, map: impl Fn(&T) -> U + Send + Sync + 'static) -> Collection<U>
    where
        U: Clone + Send + Sync + 'static,
    {
        Collection::new(Mapped {
            parent: Arc::clone(self.source()),
            map: Arc::new(map),
        })
    }

    /// A live collection of the items that match, in the same order and with the same keys. `matches` runs when an item is
    /// added, not when one of its properties changes, so it must read only what never changes of an item.
    #[must_use]
    pub fn filter(&self, matches: impl Fn(&T) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Derived {
            parent: Arc::clone(self.source()),
            arrange: Arc::new(Filter(matches)),
        })
    }

    /// A live collection of the same items and keys in another order: `in_order(a, b)` says whether `a` may come before `b`.
    /// Items that may come in either order keep their order. An item gets its place when it is added, not when one of its
    /// properties changes.
    #[must_use]
    pub fn sort(&self, in_order: impl Fn(&T, &T) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Derived {
            parent: Arc::clone(self.source()),
            arrange: Arc::new(Sort(in_order)),
        })
    }
}

struct Mapped<T, M> {
    parent: Arc<dyn ListSource<T>>,
    map: Arc<M>,
}

impl<T, U, M> ListSource<U> for Mapped<T, M>
where
    T: Clone + Send + Sync + 'static,
    U: Clone + Send + Sync + 'static,
    M: Fn(&T) -> U + Send + Sync + 'static,
{
    fn snapshot(&self) -> Vec<(Key, U)> {
        self.parent
            .snapshot()
            .iter()
            .map(|(key, item)| (*key, (self.map)(item)))
            .collect()
    }

    fn size(&self) -> usize {
        self.parent.size()
    }

    fn get(&self, index: usize) -> Option<U> {
        self.parent.get(index).map(|item| (self.map)(&item))
    }

    fn by_key(&self, key: Key) -> Option<U> {
        self.parent.by_key(key).map(|item| (self.map)(&item))
    }

    fn downgrade(&self) -> WeakSource<U> {
        let (parent, map) = (self.parent.downgrade(), Arc::clone(&self.map));
        Box::new(move || {
            let (parent, map) = (parent()?, Arc::clone(&map));
            Some(Arc::new(Self { parent, map }))
        })
    }

    fn subscribe(&self, pace: Pace, items: bool, callback: Callback<ListEvent<U>>) -> Subscription {
        let map = Arc::clone(&self.map);
        self.parent.subscribe(
            pace,
            items,
            Box::new(move |event, phase| {
                let changes = event
                    .changes()
                    .iter()
                    .map(|change| change.map(&*map))
                    .collect();
                callback(&event.derive(changes, event.size), phase);
            }),
        )
    }
}

/// The arrangement of the parent's items in a derived collection.
trait Arrange<T>: Send + Sync + 'static {
    /// Adds an item that the parent has at `index`. Returns its index here, if it is visible.
    fn add(&self, items: &mut Arranged<T>, key: Key, item: &T, index: usize) -> Option<usize>;
}

/// The copy that a registration keeps: all items of the parent, in the arranged order, and which are visible.
type Arranged<T> = Vec<Entry<T>>;

struct Entry<T> {
    key: Key,
    item: T,
    visible: bool,
}

fn visible_before<T>(items: &Arranged<T>, index: usize) -> usize {
    items
        .iter()
        .take(index)
        .filter(|entry| entry.visible)
        .count()
}

struct Filter<P>(P);

impl<T: Clone, P: Fn(&T) -> bool + Send + Sync + 'static> Arrange<T> for Filter<P> {
    fn add(&self, items: &mut Arranged<T>, key: Key, item: &T, index: usize) -> Option<usize> {
        let visible = (self.0)(item);
        let index = index.min(items.len());
        items.insert(
            index,
            Entry {
                key,
                item: item.clone(),
                visible,
            },
        );
        visible.then(|| visible_before(items, index))
    }
}

struct Sort<P>(P);

impl<T: Clone, P: Fn(&T, &T) -> bool + Send + Sync + 'static> Arrange<T> for Sort<P> {
    fn add(&self, items: &mut Arranged<T>, key: Key, item: &T, _: usize) -> Option<usize> {
        let in_order = &self.0;
        let before = |entry: &Entry<T>| in_order(&entry.item, item) || !in_order(item, &entry.item);
        let index = items.partition_point(before);
        items.insert(
            index,
            Entry {
                key,
                item: item.clone(),
                visible: true,
            },
        );
        Some(index)
    }
}

struct Derived<T, A> {
    parent: Arc<dyn ListSource<T>>,
    arrange: Arc<A>,
}

impl<T, A> Derived<T, A>
where
    T: Clone + Send + Sync + 'static,
    A: Arrange<T>,
{
    /// Applies one change of the parent. Returns the change of this collection, if there is one.
    fn follow(
        arrange: &A,
        items: &mut Arranged<T>,
        change: &CollectionChange<T>,
    ) -> Option<CollectionChange<T>> {
        match change {
            CollectionChange::Added { item, key, index } => {
                let index = arrange.add(items, *key, item, *index)?;
                Some(CollectionChange::Added {
                    item: item.clone(),
                    key: *key,
                    index,
                })
            }
            CollectionChange::Removed { key, .. } => {
                let place = items.iter().position(|entry| entry.key == *key)?;
                let index = visible_before(items, place);
                let Entry { key, item, visible } = items.remove(place);
                visible.then_some(CollectionChange::Removed { item, key, index })
            }
        }
    }
}

impl<T, A> ListSource<T> for Derived<T, A>
where
    T: Clone + Send + Sync + 'static,
    A: Arrange<T>,
{
    fn snapshot(&self) -> Vec<(Key, T)> {
        let mut items = Vec::new();
        for (index, (key, item)) in self.parent.snapshot().iter().enumerate() {
            self.arrange.add(&mut items, *key, item, index);
        }
        items
            .into_iter()
            .filter(|entry| entry.visible)
            .map(|entry| (entry.key, entry.item))
            .collect()
    }

    fn downgrade(&self) -> WeakSource<T> {
        let (parent, arrange) = (self.parent.downgrade(), Arc::clone(&self.arrange));
        Box::new(move || {
            let (parent, arrange) = (parent()?, Arc::clone(&arrange));
            Some(Arc::new(Self { parent, arrange }))
        })
    }

    fn subscribe(&self, pace: Pace, _: bool, callback: Callback<ListEvent<T>>) -> Subscription {
        let arrange = Arc::clone(&self.arrange);
        let items = Mutex::new(Vec::new());
        self.parent.subscribe(
            pace,
            true,
            Box::new(move |event, phase| {
                // Calls of one listener never overlap, and the arrangement runs foreign code, so the lock is not held here.
                let mut copy = std::mem::take(&mut *lock(&items));
                let changes: Vec<_> = event
                    .changes()
                    .iter()
                    .filter_map(|change| Self::follow(&arrange, &mut copy, change))
                    .collect();
                let size = visible_before(&copy, copy.len());
                *lock(&items) = copy;
                if event.replay || !changes.is_empty() {
                    callback(&event.derive(changes, size), phase);
                }
            }),
        )
    }
}
