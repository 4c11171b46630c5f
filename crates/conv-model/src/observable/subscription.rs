//! The handle on a registration.

use std::fmt;

/// A registration of a listener. Dropping the subscription ends it.
///
/// After the drop no call begins; a call that already runs on another thread continues to its end. A listener may drop its
/// own subscription and those of other listeners.
#[must_use = "dropping a subscription ends it; `detach` keeps it"]
#[derive(Default)]
pub struct Subscription(Option<Box<dyn Dispose>>);

/// Ends a registration.
pub(crate) trait Dispose: Send + Sync {
    fn dispose(self: Box<Self>);
}

impl<F: FnOnce() + Send + Sync> Dispose for F {
    fn dispose(self: Box<Self>) {
        self();
    }
}

impl Subscription {
    pub(crate) fn new(dispose: impl Dispose + 'static) -> Self {
        Self(Some(Box::new(dispose)))
    }

    /// Keeps the registration for as long as the observed object exists.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(dispose) = self.0.take() {
            dispose.dispose();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// A set of subscriptions that end together, when the set is cleared or dropped.
#[derive(Debug, Default)]
pub struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a subscription.
    pub fn add(&mut self, subscription: Subscription) {
        self.0.push(subscription);
    }

    /// Ends all of them.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The number of subscriptions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Subscription> for Subscriptions {
    fn extend<I: IntoIterator<Item = Subscription>>(&mut self, subscriptions: I) {
        self.0.extend(subscriptions);
    }
}
