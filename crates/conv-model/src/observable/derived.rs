//! Live collections made from a collection.
//!
//! A derived collection stores nothing. A read reads the parent; each registration keeps, inside its listener, the copy that
//! it needs to find the index of an added or removed item. A change of the parent or of an item takes time proportional to
//! the size of the parent.

use std::collections::VecDeque;

use super::collection::{
    Batching, Collection, CollectionChange, Key, ListEvent, ListSource, WeakSource,
};
use super::listener::{Callback, Phase};
use super::reduce::Reader;
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

    /// A live collection of the items that match, in the same order and with the same keys. `matches` reads properties of
    /// the item through the [`Reader`]; when such a property changes, the item is added or removed accordingly. `matches`
    /// must be a pure function of the item and these properties.
    ///
    /// ```
    /// # use conv_model::{Collection, Conversation, ConversationState};
    /// fn connected(conversations: &Collection<Conversation>) -> Collection<Conversation> {
    ///     conversations.filter(|conversation, reader| reader.read(&conversation.state()) == ConversationState::Connected)
    /// }
    /// ```
    #[must_use]
    pub fn filter(
        &self,
        matches: impl Fn(&T, &mut Reader<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::new(Derived {
            parent: Arc::clone(self.source()),
            arrange: Arc::new(Filter(matches)),
        })
    }

    /// A live collection of the same items and keys, sorted by a key. Items with equal keys keep their order. `key` reads
    /// properties of the item through the [`Reader`]; when such a property changes, the item moves: it is removed and then
    /// added at its new index. `key` must be a pure function of the item and these properties.
    ///
    /// ```
    /// # use std::cmp::Reverse;
    /// # use conv_model::{Collection, TextMessage};
    /// fn newest_first(messages: &Collection<TextMessage>) -> Collection<TextMessage> {
    ///     messages.sort_by_key(|message, reader| Reverse(reader.read(&message.timestamp())))
    /// }
    /// ```
    #[must_use]
    pub fn sort_by_key<K>(
        &self,
        key: impl Fn(&T, &mut Reader<'_>) -> K + Send + Sync + 'static,
    ) -> Self
    where
        K: Ord + Send + 'static,
    {
        Self::new(Derived {
            parent: Arc::clone(self.source()),
            arrange: Arc::new(SortByKey(key)),
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

    fn subscribe(
        &self,
        batching: Batching,
        items: bool,
        callback: Callback<ListEvent<U>>,
    ) -> Subscription {
        let map = Arc::clone(&self.map);
        self.parent.subscribe(
            batching,
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
    /// The value that determines the position of an item.
    type Rank: Ord + Send + 'static;

    fn rank(&self, item: &T, reader: &mut Reader<'_>) -> Self::Rank;

    /// The index in the arrangement of the item that the parent has at `position`. `None` if the item is hidden.
    fn index(entries: &[Entry<T, Self::Rank>], position: usize) -> Option<usize>;

    /// Sorts the items of the parent, and removes the hidden ones.
    fn arrange(items: &mut Vec<(Self::Rank, Key, T)>);

    fn size(entries: &[Entry<T, Self::Rank>]) -> usize;
}

/// An item in the copy that a registration keeps. The copy has the order of the parent.
struct Entry<T, R> {
    key: Key,
    item: T,
    rank: R,
    /// The registrations on the properties that the rank was computed from.
    _read: Vec<Subscription>,
}

struct Filter<P>(P);

impl<T, P> Arrange<T> for Filter<P>
where
    P: Fn(&T, &mut Reader<'_>) -> bool + Send + Sync + 'static,
{
    type Rank = bool;

    fn rank(&self, item: &T, reader: &mut Reader<'_>) -> bool {
        (self.0)(item, reader)
    }

    fn index(entries: &[Entry<T, bool>], position: usize) -> Option<usize> {
        let is_visible = entries.get(position)?.rank;
        is_visible.then(|| Self::size(entries.get(..position).unwrap_or_default()))
    }

    fn arrange(items: &mut Vec<(bool, Key, T)>) {
        items.retain(|(is_visible, _, _)| *is_visible);
    }

    fn size(entries: &[Entry<T, bool>]) -> usize {
        entries.iter().filter(|entry| entry.rank).count()
    }
}

struct SortByKey<P>(P);

impl<T, K, P> Arrange<T> for SortByKey<P>
where
    K: Ord + Send + 'static,
    P: Fn(&T, &mut Reader<'_>) -> K + Send + Sync + 'static,
{
    type Rank = K;

    fn rank(&self, item: &T, reader: &mut Reader<'_>) -> K {
        (self.0)(item, reader)
    }

    fn index(entries: &[Entry<T, K>], position: usize) -> Option<usize> {
        let rank = &entries.get(position)?.rank;
        let before = entries.iter().enumerate().filter(|(other, entry)| {
            // Items with equal ranks keep the order of the parent.
            (&entry.rank, *other) < (rank, position)
        });
        Some(before.count())
    }

    fn arrange(items: &mut Vec<(K, Key, T)>) {
        items.sort_by(|(one, _, _), (other, _, _)| one.cmp(other));
    }

    fn size(entries: &[Entry<T, K>]) -> usize {
        entries.len()
    }
}

struct Derived<T, A> {
    parent: Arc<dyn ListSource<T>>,
    arrange: Arc<A>,
}

impl<T, A> ListSource<T> for Derived<T, A>
where
    T: Clone + Send + Sync + 'static,
    A: Arrange<T>,
{
    fn snapshot(&self) -> Vec<(Key, T)> {
        let items = self.parent.snapshot().into_iter();
        let mut items = items
            .map(|(key, item)| {
                (
                    self.arrange.rank(&item, &mut Reader::untracked()),
                    key,
                    item,
                )
            })
            .collect();
        A::arrange(&mut items);
        items
            .into_iter()
            .map(|(_, key, item)| (key, item))
            .collect()
    }

    fn downgrade(&self) -> WeakSource<T> {
        let (parent, arrange) = (self.parent.downgrade(), Arc::clone(&self.arrange));
        Box::new(move || {
            let (parent, arrange) = (parent()?, Arc::clone(&arrange));
            Some(Arc::new(Self { parent, arrange }))
        })
    }

    fn subscribe(
        &self,
        batching: Batching,
        _: bool,
        callback: Callback<ListEvent<T>>,
    ) -> Subscription {
        let state = State {
            entries: Vec::new(),
            waiting: VecDeque::new(),
            is_busy: false,
            is_ended: false,
        };
        let follower = Arc::new(Follower {
            arrange: Arc::clone(&self.arrange),
            callback,
            phase: Phase::live(),
            state: Mutex::new(state),
        });
        let weak = Arc::downgrade(&follower);
        let items = self.parent.subscribe(
            batching,
            true,
            Box::new(move |event, _| follower.handle(Trigger::Parent(event.clone()))),
        );
        Subscription::new(move || {
            if let Some(follower) = weak.upgrade() {
                follower.end();
            }
            drop(items);
        })
    }
}

/// One registration on a derived collection. The listeners of the parent own it.
struct Follower<T, A: Arrange<T>> {
    arrange: Arc<A>,
    callback: Callback<ListEvent<T>>,
    phase: Phase,
    state: Mutex<State<T, A::Rank>>,
}

struct State<T, R> {
    entries: Vec<Entry<T, R>>,
    /// The triggers that arrived while a thread handled another one. That thread handles them too.
    waiting: VecDeque<Trigger<T>>,
    is_busy: bool,
    is_ended: bool,
}

/// The reason to change the copy.
enum Trigger<T> {
    /// The parent changed.
    Parent(ListEvent<T>),
    /// A property changed that the rank of this item was computed from.
    Item(Key),
}

impl<T, A> Follower<T, A>
where
    T: Clone + Send + Sync + 'static,
    A: Arrange<T>,
{
    fn handle(self: &Arc<Self>, trigger: Trigger<T>) {
        {
            let mut state = lock(&self.state);
            if state.is_ended {
                return;
            }
            state.waiting.push_back(trigger);
            if std::mem::replace(&mut state.is_busy, true) {
                return;
            }
        }
        let panicked = EndOnPanic(self);
        loop {
            let (trigger, mut entries) = {
                let mut state = lock(&self.state);
                let Some(trigger) = state.waiting.pop_front() else {
                    state.is_busy = false;
                    break;
                };
                (trigger, std::mem::take(&mut state.entries))
            };
            // The ranks and the callback are foreign code, so the lock is not held.
            let event = match trigger {
                Trigger::Parent(event) => self.on_event(&mut entries, &event),
                Trigger::Item(key) => self.on_item(&mut entries, key),
            };
            {
                let mut state = lock(&self.state);
                if !state.is_ended {
                    std::mem::swap(&mut state.entries, &mut entries);
                }
            }
            drop(entries);
            if let Some(event) = event.filter(|_| !self.phase.is_retired()) {
                (self.callback)(&event, &self.phase);
            }
        }
        std::mem::forget(panicked);
    }

    /// Ends the registration.
    fn end(&self) {
        self.phase.retire();
        let ended = {
            let mut state = lock(&self.state);
            state.is_ended = true;
            (
                std::mem::take(&mut state.entries),
                std::mem::take(&mut state.waiting),
            )
        };
        drop(ended);
    }

    fn entry(self: &Arc<Self>, key: Key, item: T) -> Entry<T, A::Rank> {
        let weak = Arc::downgrade(self);
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(follower) = weak.upgrade() {
                follower.handle(Trigger::Item(key));
            }
        });
        let (rank, read) = Reader::track(&changed, |reader| self.arrange.rank(&item, reader));
        Entry {
            key,
            item,
            rank,
            _read: read,
        }
    }

    fn on_event(
        self: &Arc<Self>,
        entries: &mut Vec<Entry<T, A::Rank>>,
        event: &ListEvent<T>,
    ) -> Option<ListEvent<T>> {
        let mut changes = Vec::new();
        for change in event.changes() {
            match change {
                CollectionChange::Added { item, key, index } => {
                    let index = (*index).min(entries.len());
                    entries.insert(index, self.entry(*key, item.clone()));
                    // A replay is ordered as a whole, below.
                    if !event.replay {
                        changes.extend(added::<T, A>(entries, index));
                    }
                }
                CollectionChange::Removed { key, .. } => {
                    if let Some(position) = entries.iter().position(|entry| entry.key == *key) {
                        changes.extend(removed::<T, A>(entries, position));
                        entries.remove(position);
                    }
                }
            }
        }
        if event.replay {
            let mut order: Vec<_> = (0..entries.len())
                .filter_map(|position| added::<T, A>(entries, position))
                .collect();
            order.sort_by_key(CollectionChange::index);
            changes = order;
        }
        (event.replay || !changes.is_empty()).then(|| event.derive(changes, A::size(entries)))
    }

    /// Computes the rank of an item again.
    fn on_item(
        self: &Arc<Self>,
        entries: &mut [Entry<T, A::Rank>],
        key: Key,
    ) -> Option<ListEvent<T>> {
        let position = entries.iter().position(|entry| entry.key == key)?;
        let before = A::index(entries, position);
        let out = removed::<T, A>(entries, position);
        let entry = entries.get_mut(position)?;
        *entry = self.entry(key, entry.item.clone());
        if A::index(entries, position) == before {
            return None;
        }
        let back = added::<T, A>(entries, position);
        let changes = out.into_iter().chain(back).collect();
        Some(ListEvent::many(changes, A::size(entries)))
    }
}

fn added<T: Clone, A: Arrange<T>>(
    entries: &[Entry<T, A::Rank>],
    position: usize,
) -> Option<CollectionChange<T>> {
    let index = A::index(entries, position)?;
    let Entry { key, item, .. } = entries.get(position)?;
    let (key, item) = (*key, item.clone());
    Some(CollectionChange::Added { item, key, index })
}

fn removed<T: Clone, A: Arrange<T>>(
    entries: &[Entry<T, A::Rank>],
    position: usize,
) -> Option<CollectionChange<T>> {
    let index = A::index(entries, position)?;
    let Entry { key, item, .. } = entries.get(position)?;
    let (key, item) = (*key, item.clone());
    Some(CollectionChange::Removed { item, key, index })
}

/// Ends the registration if a rank or the listener panics, because the copy is then lost.
struct EndOnPanic<'a, T: Clone + Send + Sync + 'static, A: Arrange<T>>(&'a Follower<T, A>);

impl<T: Clone + Send + Sync + 'static, A: Arrange<T>> Drop for EndOnPanic<'_, T, A> {
    fn drop(&mut self) {
        self.0.end();
    }
}
