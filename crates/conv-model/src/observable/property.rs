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
    /// The value from now on.
    pub new: T,
    /// Why it has that value.
    pub reason: Option<Reason>,
    /// The value before. `None` on the call that a registration makes for the present value.
    pub old: Option<T>,
}

impl<T: PartialEq> Change<T> {
    /// Whether the value went from `old` to `new`. False for the call that a registration makes.
    pub fn is(&self, old: &T, new: &T) -> bool {
        self.new == *new && self.old.as_ref() == Some(old)
    }
}

/// Where a property has its value from.
pub(crate) trait Source<T>: Send + Sync {
    fn get(&self) -> T;
    fn reason(&self) -> Option<Reason>;
    /// Registers, and calls at once with the present value.
    fn subscribe(&self, callback: Callback<Change<T>>) -> Subscription;
}

/// A read handle on one observable value: what it is, why, and every change of it.
///
/// Lossless: every unequal write gives each listener exactly one [`Change`], in commit order, and `old` of one equals
/// `new` of the one before. Cloning is cheap and gives a handle on the same value.
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

    /// The present value, from memory: never any I/O.
    #[must_use]
    pub fn get(&self) -> T {
        self.0.get()
    }

    /// Why the value is what it is; set anew by each write, `None` when the write gave none.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.reason()
    }

    /// Calls `listener` now with the present value (`old` is `None`) and then with each change.
    ///
    /// The first call is made before this returns. See the crate documentation for the thread that later calls run on and
    /// what a listener may do.
    pub fn changed(&self, listener: impl Fn(&Change<T>) + Send + Sync + 'static) -> Subscription {
        self.0
            .subscribe(Box::new(move |change, _| listener(change)))
    }

    /// Calls `listener` each time the property gets `value`; at once when it has it.
    pub fn when(
        &self,
        value: T,
        listener: impl Fn(&Change<T>) + Send + Sync + 'static,
    ) -> Subscription {
        self.when_matching(move |new| *new == value, listener)
    }

    /// Calls `listener` each time the property gets a value that matches; at once when the present one does.
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

    /// Calls `listener` the first time the property gets `value`, at once when it has it; then the registration is over.
    pub fn once(
        &self,
        value: T,
        listener: impl FnOnce(&Change<T>) + Send + 'static,
    ) -> Subscription {
        self.once_matching(move |new| *new == value, listener)
    }

    /// Calls `listener` with the first value that matches, at once when the present one does; then the registration is over.
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

    /// The present value and then every change, none left out, however slowly the stream is read: unread changes are kept.
    pub fn changes(&self) -> Changes<Change<T>> {
        let (sender, changes) = channel();
        changes.of(self.changed(move |change| sender.send(change.clone())))
    }

    /// The latest value that was not read yet, beginning with the present one. Conflating: values between two reads are
    /// skipped.
    pub fn latest(&self) -> Latest<T> {
        let (sender, values) = latest();
        values.of(self.changed(move |change| sender.send(change.new.clone())))
    }

    /// Resolves when the property has `value`, or had it since this was called: values passed through count.
    ///
    /// # Errors
    /// [`Closed`] when nothing can change the property any more.
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

    /// A live property whose value is `map` of this one's. `map` must be a pure function; it runs once for each read and
    /// each change. Changes that it maps to equal values are no changes.
    #[must_use]
    pub fn map<U>(&self, map: impl Fn(&T) -> U + Send + Sync + 'static) -> Property<U>
    where
        U: Clone + PartialEq + Send + Sync + 'static,
    {
        self.map_with_reason(move |value, reason| (map(value), reason.cloned()))
    }

    /// As [`map`](Self::map), where the reason too is made from the value.
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

    fn reason(&self) -> Option<Reason> {
        let parent = &self.parent.0;
        (self.map)(&parent.get(), parent.reason().as_ref()).1
    }

    fn subscribe(&self, callback: Callback<Change<U>>) -> Subscription {
        let map = Arc::clone(&self.map);
        let last = Mutex::new(None);
        self.parent.0.subscribe(Box::new(move |change, phase| {
            let (new, reason) = map(&change.new, change.reason.as_ref());
            // Calls of one listener never overlap, so the value between the two locks is nobody else's.
            let old = lock(&last).take();
            *lock(&last) = Some(new.clone());
            if old.as_ref() != Some(&new) {
                callback(&Change { new, reason, old }, phase);
            }
        }))
    }
}
