//! A registered callback, the list of callbacks of an observable value, and one delivery of an event to such a list.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::store::Outlet;
use super::sync::{Arc, AtomicBool, AtomicU8, BATCH, Mutex, Ordering, Stopwatch, lock};

/// The function that a registration runs for each event. The second argument is the registration's own phase, by which the
/// function can end the registration.
pub(crate) type Callback<E> = Box<dyn Fn(&E, &Phase) + Send + Sync>;

const REPLAYING: u8 = 0;
/// The replaying thread has made a batch of calls and offers the rest to the delivering thread.
const OFFERED: u8 = 1;
const LIVE: u8 = 2;
const RETIRED: u8 = 3;

/// The phase of a listener: replaying, then live, then retired.
pub(crate) struct Phase(AtomicU8);

impl Phase {
    /// The phase of a registration that needs no replay.
    pub(crate) fn live() -> Self {
        Self(AtomicU8::new(LIVE))
    }

    /// Ends the registration: no call begins after this.
    pub(crate) fn retire(&self) {
        self.0.store(RETIRED, Ordering::Release);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.0.load(Ordering::Acquire) == RETIRED
    }

    /// Goes from one phase to another, unless the listener is in a third one.
    fn go(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// Runs foreign code. Returns false if it panicked; the panic does not propagate.
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
    /// The events that were delivered while another thread was replaying.
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

    /// Calls the listener. A panic ends this registration and no other.
    fn call(&self, event: &E) {
        if !guarded(|| (self.callback)(event, &self.phase)) {
            self.retire_panicked();
        }
    }

    #[cold]
    fn retire_panicked(&self) {
        self.phase.retire();
        tracing::error!("a listener panicked and was unsubscribed");
    }

    /// Calls the listener with the snapshot of its registration, and then with the backlog.
    pub(crate) fn replay(&self, event: &E) {
        if !self.phase.is_retired() {
            self.call(event);
        }
        let mut batch = BATCH;
        while let Some(event) = self.next_of_backlog() {
            let watch = (batch == 0).then(Stopwatch::start);
            batch = batch.saturating_sub(1);
            if !self.phase.is_retired() {
                self.call(&event);
            }
            if watch.is_some_and(|watch| self.offer(&watch)) {
                return;
            }
        }
    }

    /// The next event of the backlog. If there is none, the listener is live.
    fn next_of_backlog(&self) -> Option<E> {
        let mut backlog = lock(&self.backlog);
        let next = backlog.pop_front();
        if next.is_none() {
            // A retired listener stays retired.
            self.phase.go(REPLAYING, LIVE);
        }
        next
    }

    /// Offers the backlog to the delivering thread for as long as the last call took. True if that thread took it.
    fn offer(&self, watch: &Stopwatch) -> bool {
        if !self.phase.go(REPLAYING, OFFERED) {
            return false;
        }
        watch.offer(|| self.phase.0.load(Ordering::Relaxed) != OFFERED);
        !self.phase.go(OFFERED, REPLAYING) && !self.phase.is_retired()
    }

    /// Keeps an event for the replaying thread, or calls the listener if that thread has finished or offered the backlog.
    fn defer(&self, event: &E)
    where
        E: Clone,
    {
        {
            let mut backlog = lock(&self.backlog);
            match self.phase.0.load(Ordering::Acquire) {
                RETIRED => return,
                LIVE => {}
                _ => {
                    backlog.push_back(event.clone());
                    if !self.phase.go(OFFERED, REPLAYING) {
                        return;
                    }
                }
            }
        }
        if self.phase.0.load(Ordering::Acquire) == LIVE {
            return self.call(event);
        }
        while let Some(event) = self.next_of_backlog() {
            if !self.phase.is_retired() {
                self.call(&event);
            }
        }
    }
}

impl<E> fmt::Debug for Listener<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("retired", &self.phase.is_retired())
            .finish_non_exhaustive()
    }
}

/// The listeners of one observable value. The deliveries in flight share the list, so that each delivery reaches the
/// listeners that were registered at its commit.
pub(crate) struct Listeners<E>(Option<Arc<Shared<E>>>);

struct Shared<E> {
    list: Vec<Arc<Listener<E>>>,
    /// A delivery found a retired listener. The next write removes it.
    stale: AtomicBool,
}

/// The capacity of a list of listeners when it is allocated.
const MIN_CAPACITY: usize = 4;

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
            && shared.list.len() < shared.list.capacity()
        {
            shared.list.push(listener);
            return;
        }
        // Before a full list grows, its retired listeners are removed, so that ended registrations take no memory.
        let live = self.live().count();
        let mut list = Vec::with_capacity(MIN_CAPACITY.max(2 * live));
        list.extend(self.live().cloned());
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

    /// Queues `event` for the present listeners.
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
pub(crate) trait Deliver: Send {
    /// Calls the listeners and drops the event. A panic of a listener does not propagate.
    fn deliver(self: Box<Self>);
}

impl<E: Clone + Send + Sync> Deliver for Delivery<E> {
    fn deliver(self: Box<Self>) {
        let mut delivery = Some(self);
        let mut next = 0;
        // One guard for all listeners, set up again after each listener that panicked.
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
                RETIRED => self.to.stale.store(true, Ordering::Relaxed),
                _ => listener.defer(&self.event),
            }
        }
    }
}
