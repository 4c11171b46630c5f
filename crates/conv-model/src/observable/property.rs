//! An observable value.

use std::fmt;

use super::listener::Callback;
use super::reason::Reason;
use super::stream::{Changes, Closed, Latest, channel, latest};
use super::subscription::Subscription;
use super::sync::{Arc, Mutex, lock};

/// One change of a [`Property`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change<T> {
    /// The new value.
    pub new: T,
    /// The reason for the new value.
    pub reason: Option<Reason>,
    /// The value before. `None` for the replay of the present value at registration.
    pub old: Option<T>,
}

impl<T: PartialEq> Change<T> {
    /// Whether the value went from `old` to `new`. False for the replay at registration.
    pub fn is(&self, old: &T, new: &T) -> bool {
        self.new == *new && self.old.as_ref() == Some(old)
    }
}

/// The source of a property's value.
pub(crate) trait Source<T>: Send + Sync {
    fn get(&self) -> T;
    /// The value and its reason, read at one time.
    fn get_with_reason(&self) -> (T, Option<Reason>);
    /// Registers `callback` and calls it at once with the present value.
    fn subscribe(&self, callback: Callback<Change<T>>) -> Subscription;
}

/// A read handle on one observable value, its reason, and every change of it.
///
/// Lossless: every unequal write gives each listener exactly one [`Change`], in commit order, and `old` of one change equals
/// `new` of the change before. Cloning is cheap and gives a handle on the same value.
pub struct Property<T>(Arc<dyn Source<T>>);

impl<T> Clone for Property<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Property<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property").finish_non_exhaustive()
    }
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Property<T> {
    pub(crate) fn new(source: impl Source<T> + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The present value. Reads memory; does no I/O.
    #[must_use]
    pub fn get(&self) -> T {
        self.0.get()
    }

    /// The reason for the present value. Each write replaces the reason, with `None` if it gives none.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.get_with_reason().1
    }

    /// Calls `listener` with the present value (`old` is `None`) before this returns, and then with each change.
    ///
    /// The crate documentation states on which thread later calls run and what a listener may do.
    pub fn changed(&self, listener: impl Fn(&Change<T>) + Send + Sync + 'static) -> Subscription {
        self.0
            .subscribe(Box::new(move |change, _| listener(change)))
    }

    /// Calls `listener` each time the property gets `value`, and at once if it has `value` now.
    pub fn when(
        &self,
        value: T,
        listener: impl Fn(&Change<T>) + Send + Sync + 'static,
    ) -> Subscription {
        self.when_matching(move |new| *new == value, listener)
    }

    /// Calls `listener` each time the property gets a value that matches, and at once if the present value matches.
    pub fn when_matching(
        &self,
        predicate: impl Fn(&T) -> bool + Send + Sync + 'static,
        listener: impl Fn(&Change<T>) + Send + Sync + 'static,
    ) -> Subscription {
        self.changed(move |change| {
            if predicate(&change.new) {
                listener(change);
            }
        })
    }

    /// Calls `listener` the first time the property has `value`, which may be now. Then the registration ends.
    pub fn once(
        &self,
        value: T,
        listener: impl FnOnce(&Change<T>) + Send + 'static,
    ) -> Subscription {
        self.once_matching(move |new| *new == value, listener)
    }

    /// Calls `listener` with the first value that matches, which may be the present one. Then the registration ends.
    pub fn once_matching(
        &self,
        predicate: impl Fn(&T) -> bool + Send + Sync + 'static,
        listener: impl FnOnce(&Change<T>) + Send + 'static,
    ) -> Subscription {
        let listener = Mutex::new(Some(listener));
        self.0.subscribe(Box::new(move |change, phase| {
            if predicate(&change.new) {
                phase.retire();
                let listener = lock(&listener).take();
                if let Some(listener) = listener {
                    listener(change);
                }
            }
        }))
    }

    /// A stream of the present value and every change. Lossless: unread changes are kept, without bound.
    pub fn changes(&self) -> Changes<Change<T>> {
        let (sender, changes) = channel();
        changes.of(self.changed(move |change| sender.send(change.clone())))
    }

    /// A stream of the latest value that was not read yet, beginning with the present one. Conflating: values between two
    /// reads are skipped.
    pub fn latest(&self) -> Latest<T> {
        let (sender, values) = latest();
        values.of(self.changed(move |change| sender.send(change.new.clone())))
    }

    /// Resolves when the property has `value`, or had it at any time since this call.
    ///
    /// # Errors
    /// [`Closed`] if the model is gone, so that the property can no longer change.
    pub fn wait_for(&self, value: T) -> impl Future<Output = Result<T, Closed>> + Send + use<T> {
        let mut changes = self.changes();
        async move {
            while let Some(change) = changes.recv().await {
                if change.new == value {
                    return Ok(change.new);
                }
            }
            Err(Closed)
        }
    }

    /// Resolves with the first value that matches: the present one, or one that the property had at any time since this call.
    ///
    /// # Errors
    /// [`Closed`] if the model is gone, so that the property can no longer change.
    pub fn wait_for_matching<P>(
        &self,
        predicate: P,
    ) -> impl Future<Output = Result<T, Closed>> + Send + use<T, P>
    where
        P: Fn(&T) -> bool + Send + 'static,
    {
        let mut changes = self.changes();
        async move {
            while let Some(change) = changes.recv().await {
                if predicate(&change.new) {
                    return Ok(change.new);
                }
            }
            Err(Closed)
        }
    }

    /// A live property whose value is `map` of this property's value. `map` must be a pure function; it runs once for each
    /// read and each change. A change that leaves the mapped value equal is not delivered.
    #[must_use]
    pub fn map<U>(&self, map: impl Fn(&T) -> U + Send + Sync + 'static) -> Property<U>
    where
        U: Clone + PartialEq + Send + Sync + 'static,
    {
        self.map_with_reason(move |value, reason| (map(value), reason.cloned()))
    }

    /// Like [`map`](Self::map), but makes the reason too.
    pub(crate) fn map_with_reason<U, M>(&self, map: M) -> Property<U>
    where
        U: Clone + PartialEq + Send + Sync + 'static,
        M: Fn(&T, Option<&Reason>) -> (U, Option<Reason>) + Send + Sync + 'static,
    {
        Property::new(Mapped {
            parent: self.clone(),
            map: Arc::new(map),
        })
    }
}

struct Mapped<T, M> {
    parent: Property<T>,
    map: Arc<M>,
}

impl<T, U, M> Source<U> for Mapped<T, M>
where
    T: Clone + PartialEq + Send + Sync + 'static,
    U: Clone + PartialEq + Send + Sync + 'static,
    M: Fn(&T, Option<&Reason>) -> (U, Option<Reason>) + Send + Sync + 'static,
{
    fn get(&self) -> U {
        (self.map)(&self.parent.get(), None).0
    }

    fn get_with_reason(&self) -> (U, Option<Reason>) {
        let (value, reason) = self.parent.0.get_with_reason();
        (self.map)(&value, reason.as_ref())
    }

    fn subscribe(&self, callback: Callback<Change<U>>) -> Subscription {
        let map = Arc::clone(&self.map);
        let last = Mutex::new(None);
        self.parent.0.subscribe(Box::new(move |change, phase| {
            let (new, reason) = map(&change.new, change.reason.as_ref());
            // Calls of one listener never overlap, so no other thread uses `last` between the two locks.
            let old = lock(&last).take();
            *lock(&last) = Some(new.clone());
            if old.as_ref() != Some(&new) {
                callback(&Change { new, reason, old }, phase);
            }
        }))
    }
}
