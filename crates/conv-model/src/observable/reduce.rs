//! A property computed from a collection and from properties of its items.

use super::collection::{Collection, ListSource, Pace};
use super::listener::{Callback, Phase};
use super::property::{Change, Property, Source};
use super::reason::Reason;
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// Reads properties on behalf of [`Collection::reduce`] and remembers them: when one of them changes, the reduction is
/// computed anew. What a computation does not read is not observed.
pub struct Reader<'a>(Option<&'a mut Tracker<'a>>);

struct Tracker<'a> {
    changed: &'a Arc<dyn Fn() + Send + Sync>,
    read: &'a mut Vec<Subscription>,
}

impl Reader<'_> {
    /// The present value of `property`.
    pub fn read<V: Clone + PartialEq + Send + Sync + 'static>(
        &mut self,
        property: &Property<V>,
    ) -> V {
        let Some(tracker) = &mut self.0 else {
            return property.get();
        };
        // The registration gives the value and the place at once, so that no change is missed between them.
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
    /// A live property: the items folded in order, beginning with `init`. It is computed anew when an item comes in or goes
    /// out, and when a property that the last computation read through its [`Reader`] changes. Several changes that were
    /// committed together may be seen as one.
    #[must_use]
    pub fn reduce<A>(
        &self,
        init: A,
        fold: impl Fn(A, &T, &mut Reader<'_>) -> A + Send + Sync + 'static,
    ) -> Property<A>
    where
        A: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Reduced(Arc::new(Reduction {
            source: Arc::clone(self.source()),
            init,
            fold,
        })))
    }
}

struct Reduction<T, A, F> {
    source: Arc<dyn ListSource<T>>,
    init: A,
    fold: F,
}

impl<T, A, F> Reduction<T, A, F>
where
    A: Clone,
    F: Fn(A, &T, &mut Reader<'_>) -> A,
{
    fn compute(&self, mut reader: Reader<'_>) -> A {
        self.source
            .snapshot()
            .iter()
            .fold(self.init.clone(), |result, (_, item)| {
                (self.fold)(result, item, &mut reader)
            })
    }
}

struct Reduced<T, A, F>(Arc<Reduction<T, A, F>>);

/// One registration on a reduction.
struct Follower<T, A, F> {
    reduction: Arc<Reduction<T, A, F>>,
    callback: Callback<Change<A>>,
    phase: Phase,
    state: Mutex<State<A>>,
}

struct State<A> {
    /// Somebody computes; `again` tells them to do it once more.
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
            let mut read = Vec::new();
            let mut tracker = Tracker {
                changed: &changed,
                read: &mut read,
            };
            let new = self.reduction.compute(Reader(Some(&mut tracker)));
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
        self.0.compute(Reader(None))
    }

    fn reason(&self) -> Option<Reason> {
        None
    }

    fn subscribe(&self, callback: Callback<Change<A>>) -> Subscription {
        let state = State {
            computing: false,
            again: false,
            last: None,
            read: Vec::new(),
        };
        let follower = Arc::new(Follower {
            reduction: Arc::clone(&self.0),
            callback,
            phase: Phase::live(),
            state: Mutex::new(state),
        });
        let listening = Arc::clone(&follower);
        let items = self.0.source.subscribe(
            Pace::EachChange,
            false,
            Box::new(move |_, _| listening.compute()),
        );
        Subscription::new(move || {
            follower.phase.retire();
            drop(items);
            let read = std::mem::take(&mut lock(&follower.state).read);
            drop(read);
        })
    }
}
