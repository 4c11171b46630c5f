//! An observed value: the stored side of a [`Property`](super::Property).

use super::listener::{Callback, Listener, Listeners};
use super::property::{Change, Source};
use super::reason::Reason;
use super::store::{Node, Transaction};
use super::subscription::Subscription;
use super::sync::Arc;

/// A value, its reason and its listeners. An application observes few of its values, so the rest is allocated when it is needed.
pub(crate) struct Cell<T> {
    value: T,
    observed: Option<Box<Observed<T>>>,
}

struct Observed<T> {
    reason: Option<Reason>,
    listeners: Listeners<Change<T>>,
}

impl<T> Cell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            value,
            observed: None,
        }
    }

    pub(crate) const fn get(&self) -> &T {
        &self.value
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.observed.as_ref()?.reason.clone()
    }

    fn observed(&mut self) -> &mut Observed<T> {
        self.observed.get_or_insert_with(|| {
            Box::new(Observed {
                reason: None,
                listeners: Listeners::new(),
            })
        })
    }

    fn set_reason(&mut self, reason: Option<&Reason>) {
        if self.observed.is_some() || reason.is_some() {
            self.observed().reason = reason.cloned();
        }
    }
}

/// Selects a cell of an object.
pub(crate) type Accessor<C, T> = fn(&mut C) -> &mut Cell<T>;

impl Transaction<'_> {
    /// Writes a cell. An unequal value is one change; an equal value replaces only the reason.
    pub(crate) fn set<C, F, T>(
        &mut self,
        node: &Node<C, F>,
        cell: Accessor<C, T>,
        value: T,
        reason: Option<Reason>,
    ) -> bool
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        let (cells, outlet) = self.split(node);
        let cell = cell(cells);
        cell.set_reason(reason.as_ref());
        if cell.value == value {
            outlet.discard(value);
            return false;
        }
        match &mut cell.observed {
            Some(observed) if !observed.listeners.is_empty() => {
                let old = std::mem::replace(&mut cell.value, value.clone());
                let change = Change {
                    new: value,
                    reason,
                    old: Some(old),
                };
                observed.listeners.deliver(change, outlet);
            }
            _ => outlet.discard(std::mem::replace(&mut cell.value, value)),
        }
        true
    }
}

/// A read handle on a cell: the object and the accessor.
pub(crate) struct Field<C, F, T> {
    pub(crate) node: Arc<Node<C, F>>,
    pub(crate) cell: Accessor<C, T>,
}

impl<C, F, T> Source<T> for Field<C, F, T>
where
    C: Send + Sync + 'static,
    F: Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + 'static,
{
    fn get(&self) -> T {
        self.node.read(|cells| (self.cell)(cells).value.clone())
    }

    fn get_with_reason(&self) -> (T, Option<Reason>) {
        self.node.read(|cells| {
            let cell = (self.cell)(cells);
            (cell.value.clone(), cell.reason())
        })
    }

    fn subscribe(&self, callback: Callback<Change<T>>) -> Subscription {
        let cell = self.cell;
        register(
            &self.node,
            callback,
            move |cells| &mut cell(cells).observed().listeners,
            move |cells| {
                let cell = cell(cells);
                Change {
                    new: cell.value.clone(),
                    reason: cell.reason(),
                    old: None,
                }
            },
        )
    }
}

/// Registers `callback` among the listeners of an object and replays the result of `snapshot`.
pub(crate) fn register<C, F, E>(
    node: &Arc<Node<C, F>>,
    callback: Callback<E>,
    listeners: impl Fn(&mut C) -> &mut Listeners<E> + Send + Sync + 'static,
    snapshot: impl FnOnce(&mut C) -> E,
) -> Subscription
where
    C: Send + Sync + 'static,
    F: Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    let listener = Listener::new(callback);
    node.store.register(&listener, |transaction| {
        let (cells, outlet) = transaction.split(node);
        listeners(cells).insert(Arc::clone(&listener), outlet);
        snapshot(cells)
    });
    // The subscription keeps neither the object nor the listener alive, so that a stream ends with the object that it
    // observes.
    let (node, listener) = (Arc::downgrade(node), Arc::downgrade(&listener));
    Subscription::new(move || {
        let Some(listener) = listener.upgrade() else {
            return;
        };
        listener.phase().retire();
        if let Some(node) = node.upgrade() {
            node.store.transact(|transaction| {
                let (cells, outlet) = transaction.split(&node);
                listeners(cells).remove(&listener, outlet);
            });
        }
    })
}
