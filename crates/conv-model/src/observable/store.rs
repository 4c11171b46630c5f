//! One lock, one delivery queue and one outbox: everything that can change in a model lives behind a [`Store`].
//!
//! A transaction changes cells under the lock and queues a delivery for each change. After the lock is released the calls
//! it made to the outside (the outbox) run in order, then the deliveries. Whoever finds nobody delivering becomes the one
//! who does; a transaction inside a listener therefore commits at once and is delivered after the current change.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use qcell::{QCell, QCellOwner, QCellOwnerID};

use super::listener::{Deliver, Listener, guarded};
use super::sync::{Arc, AtomicU8, Mutex, MutexGuard, Ordering, lock};

type Queue = VecDeque<Box<dyn Deliver>>;
type Call = Box<dyn FnOnce() + Send>;
type Flush = Box<dyn FnOnce(&mut Transaction<'_>) + Send>;

/// A queue that grew beyond this is given back to the allocator when it is empty.
const KEPT_CAPACITY: usize = 1024;

/// The lock, the queue and the outbox of one model. Cloning gives another handle on the same.
#[derive(Clone)]
pub(crate) struct Store {
    shared: Arc<Shared>,
    id: QCellOwnerID,
}

struct Shared {
    core: Mutex<Core>,
    role: Role,
}

/// Whether somebody delivers. The role is taken under the lock and given back without it: a write that nobody comes
/// between locks once.
struct Role(AtomicU8);

/// Nobody delivers, and nothing waits.
const FREE: u8 = 0;
/// Somebody delivers, and nothing waits behind.
const TAKEN: u8 = 1;
/// Somebody delivers, and has to look into the queue before the role is given back.
const WANTED: u8 = 2;

struct Core {
    owner: QCellOwner,
    queue: Queue,
    outbox: VecDeque<Call>,
    calling: bool,
}

/// Cells that are only reached under the lock of their store, beside what never changes.
pub(crate) struct Node<C, F = ()> {
    pub(crate) store: Store,
    pub(crate) fixed: F,
    cells: QCell<C>,
}

/// The lock, held: what is changed here is one commit.
pub(crate) struct Transaction<'a> {
    owner: &'a mut QCellOwner,
    outlet: Outlet<'a>,
    outbox: &'a mut VecDeque<Call>,
    flushes: Vec<Flush>,
}

/// What leaves a transaction when its lock is released.
pub(crate) struct Outlet<'a> {
    queue: &'a mut Queue,
    /// Foreign values that must not be dropped under the lock.
    garbage: Garbage,
}

type Garbage = Vec<Box<dyn Send>>;

impl Store {
    pub(crate) fn new() -> Self {
        let owner = QCellOwner::new();
        let id = owner.id();
        let core = Core {
            owner,
            queue: VecDeque::new(),
            outbox: VecDeque::new(),
            calling: false,
        };
        Self {
            shared: Arc::new(Shared {
                core: Mutex::new(core),
                role: Role(AtomicU8::new(FREE)),
            }),
            id,
        }
    }

    pub(crate) fn node<C, F>(&self, fixed: F, cells: C) -> Arc<Node<C, F>> {
        Arc::new(Node {
            store: self.clone(),
            fixed,
            cells: QCell::new(self.id, cells),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.shared.core)
    }

    /// Changes cells as one commit, then makes the calls and deliveries that follow from it.
    pub(crate) fn transact<R>(&self, change: impl FnOnce(&mut Transaction<'_>) -> R) -> R {
        let (result, garbage, work) = {
            let mut core = self.lock();
            let (result, garbage) = core.transact(change);
            (result, garbage, self.take_work(&mut core))
        };
        if !garbage.is_empty() {
            quietly(|| drop(garbage));
        }
        match work {
            Work::None => {}
            Work::Deliver(first) => self.deliver(Some(first)),
            Work::Call(first) => self.call(first),
        }
        result
    }

    /// Registers a listener: `enter` takes the snapshot and the place under one lock, then the snapshot is replayed.
    pub(crate) fn register<E: Send + Sync>(
        &self,
        listener: &Listener<E>,
        enter: impl FnOnce(&mut Transaction<'_>) -> E,
    ) {
        let (event, garbage, first) = {
            let mut core = self.lock();
            let (event, garbage) = core.transact(enter);
            // A replay is a delivery like any other: what is written inside it waits for its end, unless another delivery
            // is running already, of which it is then a part.
            let first = self.shared.role.take();
            (event, garbage, first)
        };
        listener.replay(&event);
        quietly(|| drop((event, garbage)));
        if first {
            self.deliver(None);
        }
    }

    /// Makes the calls that wait, then the deliveries.
    fn call(&self, first: Call) {
        let mut panicked = None;
        let mut next = Some(first);
        while let Some(call) = next {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
                panicked = Some(panic);
            }
            let mut core = self.lock();
            next = core.outbox.pop_front();
            core.calling = next.is_some();
        }
        let work = self.take_work(&mut self.lock());
        if let Work::Deliver(first) = work {
            self.deliver(Some(first));
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }

    /// Takes the role that is free and has work: calls to the outside come before deliveries.
    fn take_work(&self, core: &mut Core) -> Work {
        if !core.calling
            && let Some(first) = core.outbox.pop_front()
        {
            core.calling = true;
            return Work::Call(first);
        }
        if core.queue.is_empty() || !self.shared.role.take() {
            return Work::None;
        }
        self.next_delivery(core).map_or(Work::None, Work::Deliver)
    }

    /// The delivery that whoever has the role makes next.
    fn next_delivery(&self, core: &mut Core) -> Option<Box<dyn Deliver>> {
        let next = core.queue.pop_front();
        if core.queue.is_empty() && core.queue.capacity() > KEPT_CAPACITY {
            core.queue = VecDeque::new();
        }
        self.shared.role.keep(!core.queue.is_empty());
        next
    }

    /// Delivers until nothing waits, `first` before all else.
    fn deliver(&self, first: Option<Box<dyn Deliver>>) {
        let mut next = first;
        loop {
            if let Some(delivery) = next {
                delivery.deliver();
            }
            if self.shared.role.give_back() {
                return;
            }
            next = self.next_delivery(&mut self.lock());
        }
    }
}

impl Role {
    /// Takes the role if it is free, and otherwise bids its holder to look into the queue. Only under the lock.
    fn take(&self) -> bool {
        let is_free =
            self.0.load(Ordering::Acquire) == FREE || self.0.swap(WANTED, Ordering::AcqRel) == FREE;
        if is_free {
            self.0.store(TAKEN, Ordering::Relaxed);
        }
        is_free
    }

    /// Notes, under the lock, whether something waits behind what its holder delivers next.
    fn keep(&self, waits: bool) {
        let state = if waits { WANTED } else { TAKEN };
        self.0.store(state, Ordering::Relaxed);
    }

    /// Gives the role back, unless something came meanwhile.
    fn give_back(&self) -> bool {
        self.0
            .compare_exchange(TAKEN, FREE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

enum Work {
    None,
    Deliver(Box<dyn Deliver>),
    Call(Call),
}

impl Core {
    fn transact<R>(&mut self, change: impl FnOnce(&mut Transaction<'_>) -> R) -> (R, Garbage) {
        let mut transaction = Transaction {
            owner: &mut self.owner,
            outlet: Outlet {
                queue: &mut self.queue,
                garbage: Vec::new(),
            },
            outbox: &mut self.outbox,
            flushes: Vec::new(),
        };
        let result = change(&mut transaction);
        if !transaction.flushes.is_empty() {
            for flush in std::mem::take(&mut transaction.flushes) {
                flush(&mut transaction);
            }
        }
        (result, transaction.outlet.garbage)
    }
}

impl<C, F> Node<C, F> {
    /// Reads cells under the lock. `read` is our own code: no listener, no drop of a foreign value.
    pub(crate) fn read<R>(&self, read: impl FnOnce(&mut C) -> R) -> R {
        read(self.cells.rw(&mut self.store.lock().owner))
    }
}

impl<C, F: fmt::Debug> fmt::Debug for Node<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fixed.fmt(f)
    }
}

impl<'a> Transaction<'a> {
    pub(crate) fn cells<'c, C, F>(&'c mut self, node: &'c Node<C, F>) -> &'c mut C {
        node.cells.rw(self.owner)
    }

    /// The cells and the way out, to be used together.
    pub(crate) fn split<'c, C, F>(
        &'c mut self,
        node: &'c Node<C, F>,
    ) -> (&'c mut C, &'c mut Outlet<'a>) {
        (node.cells.rw(self.owner), &mut self.outlet)
    }

    /// Makes `call` after the commit, outside the lock, in the order of the commits.
    pub(crate) fn call(&mut self, call: Call) {
        self.outbox.push_back(call);
    }

    /// Runs `flush` at the end of this transaction, still inside it.
    pub(crate) fn at_end(&mut self, flush: impl FnOnce(&mut Transaction<'_>) + Send + 'static) {
        self.flushes.push(Box::new(flush));
    }

    /// Drops `value` after the lock is released.
    pub(crate) fn discard<T: Send + 'static>(&mut self, value: T) {
        self.outlet.discard(value);
    }
}

impl Outlet<'_> {
    pub(crate) fn queue(&mut self, delivery: Box<dyn Deliver>) {
        self.queue.push_back(delivery);
    }

    /// Drops `value` after the lock is released.
    pub(crate) fn discard<T: Send + 'static>(&mut self, value: T) {
        if std::mem::needs_drop::<T>() {
            self.garbage.push(Box::new(value));
        }
    }
}

/// Runs foreign code whose panic must not stop the queue.
fn quietly(run: impl FnOnce()) {
    if !guarded(run) {
        tracing::error!("a panic while values were dropped was caught");
    }
}
