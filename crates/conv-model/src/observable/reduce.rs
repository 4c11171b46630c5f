//! A property that is computed from a collection and from properties of its items.

use super::collection::{Batching, Collection, ListSource, WeakSource};
use super::listener::{Callback, Phase};
use super::property::{Change, Property, Source};
use super::reason::Reason;
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// Reads properties for [`Collection::reduce`], [`Collection::filter`] and [`Collection::sort_by_key`], and observes them: if
/// one of them changes, the result is computed again. A property that the computation does not read is not observed.
pub struct Reader<'a>(Option<&'a mut Tracker<'a>>);

struct Tracker<'a> {
    changed: &'a Arc<dyn Fn() + Send + Sync>,
    read: &'a mut Vec<Subscription>,
}

impl Reader<'_> {
    /// Reads without observing.
    pub(super) const fn untracked() -> Self {
        Self(None)
    }

    /// Computes a value, and calls `changed` when a property changes that the computation read, for as long as the returned
    /// registrations live.
    pub(super) fn track<R>(
        changed: &Arc<dyn Fn() + Send + Sync>,
        compute: impl FnOnce(&mut Reader<'_>) -> R,
    ) -> (R, Vec<Subscription>) {
        let mut read = Vec::new();
        let mut tracker = Tracker {
            changed,
            read: &mut read,
        };
        let result = compute(&mut Reader(Some(&mut tracker)));
        (result, read)
    }

    /// The present value of `property`.
    pub fn read<V: Clone + PartialEq + Send + Sync + 'static>(
        &mut self,
        property: &Property<V>,
    ) -> V {
        let Some(tracker) = &mut self.0 else {
            return property.get();
        };
        // The registration reads the value and joins the list of listeners under one lock, so no change is missed.
        let found = Arc::new(Mutex::new(None));
        let (value, changed) = (Arc::clone(&found), Arc::clone(tracker.changed));
        tracker.read.push(property.changed(move |change| {
            if change.old.is_none() {
                let former = lock(&value).replace(change.new.clone());
                drop(former);
            } else {
                changed();
            }
        }));
        let value = lock(&found).take();
        value.unwrap_or_else(|| property.get())
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> Collection<T> {
    /// A live property: the items folded in order, beginning with `init`. It is computed again when an item is added or
    /// removed, and when a property changes that the last computation read through its [`Reader`]. Several changes of one
    /// commit may become one change of the reduction.
    #[must_use]
    pub fn reduce<A>(
        &self,
        init: A,
        fold: impl Fn(A, &T, &mut Reader<'_>) -> A + Send + Sync + 'static,
    ) -> Property<A>
    where
        A: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Reduced {
            source: Arc::clone(self.source()),
            reduction: Arc::new(Reduction { init, fold }),
        })
    }
}

struct Reduction<A, F> {
    init: A,
    fold: F,
}

impl<A: Clone, F> Reduction<A, F> {
    fn compute<T>(&self, source: &dyn ListSource<T>, reader: &mut Reader<'_>) -> A
    where
        F: Fn(A, &T, &mut Reader<'_>) -> A,
    {
        source
            .snapshot()
            .iter()
            .fold(self.init.clone(), |result, (_, item)| {
                (self.fold)(result, item, reader)
            })
    }
}

struct Reduced<T, A, F> {
    source: Arc<dyn ListSource<T>>,
    reduction: Arc<Reduction<A, F>>,
}

/// One registration on a reduction. The listeners of the collection own it, so it must not keep the collection alive.
struct Follower<T, A, F> {
    source: WeakSource<T>,
    reduction: Arc<Reduction<A, F>>,
    callback: Callback<Change<A>>,
    phase: Phase,
    state: Mutex<State<A>>,
}

struct State<A> {
    /// Whether a thread computes. If `again` is set, that thread computes once more.
    computing: bool,
    again: bool,
    last: Option<A>,
    read: Vec<Subscription>,
}

impl<T, A, F> Follower<T, A, F>
where
    T: Clone + Send + Sync + 'static,
    A: Clone + PartialEq + Send + Sync + 'static,
    F: Fn(A, &T, &mut Reader<'_>) -> A + Send + Sync + 'static,
{
    fn compute(self: &Arc<Self>) {
        let Some(source) = (self.source)() else {
            return;
        };
        {
            let mut state = lock(&self.state);
            if std::mem::replace(&mut state.computing, true) {
                state.again = true;
                return;
            }
        }
        let weak = Arc::downgrade(self);
        let changed: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(follower) = weak.upgrade() {
                follower.compute();
            }
        });
        loop {
            let (new, read) =
                Reader::track(&changed, |reader| self.reduction.compute(&*source, reader));
            let (old, former) = {
                let mut state = lock(&self.state);
                (
                    state.last.replace(new.clone()),
                    std::mem::replace(&mut state.read, read),
                )
            };
            drop(former);
            if old.as_ref() != Some(&new) && !self.phase.is_retired() {
                (self.callback)(
                    &Change {
                        new,
                        reason: None,
                        old,
                    },
                    &self.phase,
                );
            }
            let mut state = lock(&self.state);
            if !std::mem::take(&mut state.again) {
                state.computing = false;
                return;
            }
        }
    }
}

impl<T, A, F> Source<A> for Reduced<T, A, F>
where
    T: Clone + Send + Sync + 'static,
    A: Clone + PartialEq + Send + Sync + 'static,
    F: Fn(A, &T, &mut Reader<'_>) -> A + Send + Sync + 'static,
{
    fn get(&self) -> A {
        self.reduction
            .compute(&*self.source, &mut Reader::untracked())
    }

    fn get_with_reason(&self) -> (A, Option<Reason>) {
        (self.get(), None)
    }

    fn subscribe(&self, callback: Callback<Change<A>>) -> Subscription {
        let state = State {
            computing: false,
            again: false,
            last: None,
            read: Vec::new(),
        };
        let follower = Arc::new(Follower {
            source: self.source.downgrade(),
            reduction: Arc::clone(&self.reduction),
            callback,
            phase: Phase::live(),
            state: Mutex::new(state),
        });
        let weak = Arc::downgrade(&follower);
        let items = self.source.subscribe(
            Batching::EachChange,
            false,
            Box::new(move |_, _| follower.compute()),
        );
        Subscription::new(move || {
            if let Some(follower) = weak.upgrade() {
                follower.phase.retire();
                let read = std::mem::take(&mut lock(&follower.state).read);
                drop(read);
            }
            drop(items);
        })
    }
}
