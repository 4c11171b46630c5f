//! A registered callback, the list of them that an observable value keeps, and one delivery of an event to such a list.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::store::Outlet;
use super::sync::{Arc, AtomicBool, AtomicU8, Mutex, Ordering, lock};

/// What a registration runs for each event. The second argument is its own phase, by which it can retire itself.
pub(crate) type Callback<E> = Box<dyn Fn(&E, &Phase) + Send + Sync>;

const REPLAYING: u8 = 0;
const LIVE: u8 = 1;
const RETIRED: u8 = 2;

/// Where a listener is in its life: replaying, live, retired; never backwards.
pub(crate) struct Phase(AtomicU8);

impl Phase {
    /// Of a registration that replays by itself.
    pub(crate) fn live() -> Self {
        Self(AtomicU8::new(LIVE))
    }

    /// No call begins after this.
    pub(crate) fn retire(&self) {
        self.0.store(RETIRED, Ordering::Release);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.0.load(Ordering::Acquire) == RETIRED
    }
}

/// Runs foreign code; whether it went well. Neither its panic nor the drop of what it panicked with goes further.
pub(crate) fn guarded(run: impl FnOnce()) -> bool {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
        return true;
    };
    if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(worse);
    }
    false
}

/// One registration.
pub(crate) struct Listener<E> {
    phase: Phase,
    /// What the queue wanted to deliver while the replay was running on another thread.
    backlog: Mutex<VecDeque<E>>,
    callback: Callback<E>,
}

impl<E> Listener<E> {
    pub(crate) fn new(callback: Callback<E>) -> Arc<Self> {
        Arc::new(Self {
            phase: Phase(AtomicU8::new(REPLAYING)),
            backlog: Mutex::new(VecDeque::new()),
            callback,
        })
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// A panic ends this listener and nobody else.
    fn call(&self, event: &E) {
        if !guarded(|| (self.callback)(event, &self.phase)) {
            self.retire_panicked();
        }
    }

    #[cold]
    fn retire_panicked(&self) {
        self.phase.retire();
        tracing::error!("a listener panicked and was retired");
    }

    /// Gives the listener what its registration found, then what was committed meanwhile, then to the queue.
    pub(crate) fn replay(&self, event: &E) {
        if !self.phase.is_retired() {
            self.call(event);
        }
        loop {
            let next = {
                let mut backlog = lock(&self.backlog);
                let next = backlog.pop_front();
                if next.is_none() {
                    // Fails only when retired, which stays.
                    let _ = self.phase.0.compare_exchange(
                        REPLAYING,
                        LIVE,
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    );
                }
                next
            };
            match next {
                Some(event) if !self.phase.is_retired() => self.call(&event),
                Some(_) => {}
                None => return,
            }
        }
    }

    /// Keeps an event for the thread that replays, unless it has just finished.
    fn defer(&self, event: &E)
    where
        E: Clone,
    {
        {
            let mut backlog = lock(&self.backlog);
            match self.phase.0.load(Ordering::Acquire) {
                REPLAYING => return backlog.push_back(event.clone()),
                LIVE => {}
                _ => return,
            }
        }
        self.call(event);
    }
}

impl<E> fmt::Debug for Listener<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("retired", &self.phase.is_retired())
            .finish_non_exhaustive()
    }
}

/// The listeners of one observable value. Shared with the deliveries under way, so that each keeps the listeners it was
/// committed with.
pub(crate) struct Listeners<E>(Option<Arc<Shared<E>>>);

struct Shared<E> {
    list: Vec<Arc<Listener<E>>>,
    /// Set when a delivery met a retired listener; the next write removes it.
    stale: AtomicBool,
}

impl<E> Listeners<E> {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl<E: Clone + Send + Sync + 'static> Listeners<E> {
    pub(crate) fn insert(&mut self, listener: Arc<Listener<E>>, outlet: &mut Outlet<'_>) {
        if let Some(shared) = self.0.as_mut().and_then(Arc::get_mut)
            && !shared.stale.load(Ordering::Relaxed)
        {
            shared.list.push(listener);
            return;
        }
        let mut list: Vec<_> = self.live().cloned().collect();
        list.push(listener);
        self.replace(list, outlet);
    }

    pub(crate) fn remove(&mut self, listener: &Arc<Listener<E>>, outlet: &mut Outlet<'_>) {
        if self
            .0
            .iter()
            .flat_map(|shared| &shared.list)
            .any(|other| Arc::ptr_eq(other, listener))
        {
            let list = self
                .live()
                .filter(|other| !Arc::ptr_eq(other, listener))
                .cloned()
                .collect();
            self.replace(list, outlet);
        }
    }

    /// Queues `event` for those who are registered now.
    pub(crate) fn deliver(&mut self, event: E, outlet: &mut Outlet<'_>) {
        if self
            .0
            .as_ref()
            .is_some_and(|shared| shared.stale.load(Ordering::Relaxed))
        {
            let list = self.live().cloned().collect();
            self.replace(list, outlet);
        }
        match &self.0 {
            Some(to) => outlet.queue(Box::new(Delivery {
                to: Arc::clone(to),
                event,
            })),
            None => outlet.discard(event),
        }
    }

    fn live(&self) -> impl Iterator<Item = &Arc<Listener<E>>> {
        self.0
            .iter()
            .flat_map(|shared| &shared.list)
            .filter(|listener| !listener.phase.is_retired())
    }

    fn replace(&mut self, list: Vec<Arc<Listener<E>>>, outlet: &mut Outlet<'_>) {
        let shared = (!list.is_empty()).then(|| {
            Arc::new(Shared {
                list,
                stale: AtomicBool::new(false),
            })
        });
        outlet.discard(std::mem::replace(&mut self.0, shared));
    }
}

/// An event and the listeners that were registered when it was committed.
pub(crate) struct Delivery<E> {
    to: Arc<Shared<E>>,
    event: E,
}

/// An entry of the queue.
pub(crate) trait Deliver: Send + Sync {
    /// Calls the listeners, and drops what they were told. No panic of theirs goes further.
    fn deliver(self: Box<Self>);
}

impl<E: Clone + Send + Sync> Deliver for Delivery<E> {
    fn deliver(self: Box<Self>) {
        let mut delivery = Some(self);
        let mut next = 0;
        // One guard for all listeners, set up again after each that panicked.
        while !guarded(|| {
            if let Some(delivery) = &delivery {
                delivery.call_from(&mut next);
            }
            drop(delivery.take());
        }) {
            if let Some(panicked) = delivery
                .as_ref()
                .and_then(|delivery| delivery.to.list.get(next.checked_sub(1)?))
            {
                panicked.retire_panicked();
            }
        }
    }
}

impl<E: Clone> Delivery<E> {
    fn call_from(&self, next: &mut usize) {
        while let Some(listener) = self.to.list.get(*next) {
            *next += 1;
            match listener.phase.0.load(Ordering::Acquire) {
                LIVE => (listener.callback)(&self.event, &listener.phase),
                REPLAYING => listener.defer(&self.event),
                _ => self.to.stale.store(true, Ordering::Relaxed),
            }
        }
    }
}
