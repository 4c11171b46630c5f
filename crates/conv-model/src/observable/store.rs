//! One lock, one delivery queue and one outbox: everything that can change in a model is behind a [`Store`].
//!
//! A transaction changes cells under the lock and queues a delivery for each change. After the lock is released, the
//! thread makes the calls of the outbox in order, and then the deliveries. At most one thread delivers at a time. A commit
//! that finds no delivering thread makes its own thread the delivering one; a commit inside a listener therefore returns at
//! once, and its changes are delivered after the current one.
//!
//! A thread delivers the changes of its own commit and at most [`BATCH`] others. If the queue is not empty then, the thread
//! offers the delivering role between two deliveries, each time for as long as the delivery before took. The next thread
//! that commits takes the role. If no thread commits in that time, the first thread continues, so that every change is
//! delivered.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use qcell::{QCell, QCellOwner, QCellOwnerID};

use super::listener::{Deliver, Listener, guarded};
use super::sync::{Arc, AtomicU8, BATCH, Mutex, MutexGuard, Ordering, Stopwatch, lock};

type Queue = VecDeque<Box<dyn Deliver>>;
type Call = Box<dyn FnOnce() + Send>;

/// An action at the end of a transaction.
enum Ending {
    /// Runs under the same lock.
    Flush(Box<dyn FnOnce(&mut Transaction<'_>) + Send>),
    /// Is queued behind all other deliveries of the transaction.
    Delivery(Box<dyn Deliver>),
}

/// A queue with a larger capacity is given back to the allocator when it is empty.
const KEPT_CAPACITY: usize = 1024;

/// The lock, the queue and the outbox of one model. Cloning gives another handle on the same store.
#[derive(Clone)]
pub(crate) struct Store(Arc<Shared>);

struct Shared {
    /// The owner in `core`.
    id: QCellOwnerID,
    core: Mutex<Core>,
    role: Role,
}

/// The state of the delivering role. A thread takes the role under the lock and gives it back without the lock, so that an
/// uncontended write locks once.
struct Role(AtomicU8);

/// No thread delivers, and the queue is empty.
const FREE: u8 = 0;
/// A thread delivers, and the queue is empty.
const TAKEN: u8 = 1;
/// A thread delivers, and must look into the queue before it gives the role back.
const WANTED: u8 = 2;
/// A thread has the role and is between two deliveries: any thread that commits may take the role.
const OFFERED: u8 = 3;

struct Core {
    owner: QCellOwner,
    queue: Queue,
    outbox: VecDeque<Call>,
    calling: bool,
}

/// Cells that are reached only under the lock of their store, and a part that never changes.
pub(crate) struct Node<C, F = ()> {
    pub(crate) store: Store,
    pub(crate) fixed: F,
    cells: QCell<C>,
}

/// The held lock. All changes made through one transaction are one commit.
pub(crate) struct Transaction<'a> {
    owner: &'a mut QCellOwner,
    outlet: Outlet<'a>,
    outbox: &'a mut VecDeque<Call>,
    endings: Vec<Ending>,
}

/// The deliveries, calls and values that leave a transaction when its lock is released.
pub(crate) struct Outlet<'a> {
    queue: &'a mut Queue,
    /// Foreign values, which must not be dropped under the lock.
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
        Self(Arc::new(Shared {
            id,
            core: Mutex::new(core),
            role: Role(AtomicU8::new(FREE)),
        }))
    }

    pub(crate) fn node<C, F>(&self, fixed: F, cells: C) -> Arc<Node<C, F>> {
        Arc::new(Node {
            store: self.clone(),
            fixed,
            cells: QCell::new(self.0.id, cells),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.0.core)
    }

    /// Changes cells as one commit, then makes the calls and the deliveries of the commit.
    pub(crate) fn transact<R>(&self, change: impl FnOnce(&mut Transaction<'_>) -> R) -> R {
        let (result, garbage, own, work) = {
            let mut core = self.lock();
            let before = core.queue.len();
            let (result, garbage) = core.transact(change);
            let own = core.queue.len() - before;
            (result, garbage, own, self.acquire_role(&mut core))
        };
        if !garbage.is_empty() {
            quietly(|| drop(garbage));
        }
        match work {
            Work::None => {}
            Work::Deliver(first) => self.deliver(Some(first), own),
            Work::Call(first) => self.call(first, own),
        }
        result
    }

    /// Registers a listener: `enter` takes the snapshot and inserts the listener under one lock, then the snapshot is
    /// replayed.
    pub(crate) fn register<E: Send + Sync>(
        &self,
        listener: &Listener<E>,
        enter: impl FnOnce(&mut Transaction<'_>) -> E,
    ) {
        let (event, garbage, is_first) = {
            let mut core = self.lock();
            let (event, garbage) = core.transact(enter);
            // A replay is a delivery: a write inside it waits for its end. If another thread already delivers, the replay
            // runs concurrently, and the listener queues the deliveries of that thread.
            let is_first = self.0.role.take();
            (event, garbage, is_first)
        };
        listener.replay(&event);
        quietly(|| drop((event, garbage)));
        if is_first {
            self.deliver(None, 0);
        }
    }

    /// Makes the calls of the outbox, then the deliveries.
    fn call(&self, first: Call, own: usize) {
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
        let work = self.acquire_role(&mut self.lock());
        if let Work::Deliver(first) = work {
            self.deliver(Some(first), own);
        }
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }

    /// Takes the role if it is free and there is work. Calls of the outbox come before deliveries.
    fn acquire_role(&self, core: &mut Core) -> Work {
        if !core.calling
            && let Some(first) = core.outbox.pop_front()
        {
            core.calling = true;
            return Work::Call(first);
        }
        if core.queue.is_empty() || !self.0.role.take() {
            return Work::None;
        }
        self.next_delivery(core).map_or(Work::None, Work::Deliver)
    }

    /// The next delivery for the thread that has the role.
    fn next_delivery(&self, core: &mut Core) -> Option<Box<dyn Deliver>> {
        let next = core.queue.pop_front();
        if core.queue.is_empty() && core.queue.capacity() > KEPT_CAPACITY {
            core.queue = VecDeque::new();
        }
        self.0.role.keep(!core.queue.is_empty());
        next
    }

    /// Delivers until the queue is empty or another thread takes the role. `own` is the number of deliveries of this
    /// thread's commit.
    fn deliver(&self, first: Option<Box<dyn Deliver>>, own: usize) {
        if let Some(delivery) = first {
            delivery.deliver();
        }
        if !self.0.role.give_back() {
            self.deliver_queue(own + BATCH);
        }
    }

    /// Delivers from the queue. After `batch` deliveries the thread offers the role.
    #[inline(never)]
    fn deliver_queue(&self, mut batch: usize) {
        loop {
            let watch = (batch == 0).then(Stopwatch::start);
            batch = batch.saturating_sub(1);
            // A statement of its own, so that the lock is released before the delivery.
            let next = self.next_delivery(&mut self.lock());
            if let Some(delivery) = next {
                delivery.deliver();
            }
            if self.0.role.give_back() || watch.is_some_and(|watch| self.0.role.offer(&watch)) {
                return;
            }
        }
    }
}

impl Role {
    /// Takes the role if it is free or offered; otherwise makes its holder look into the queue. Only under the lock.
    fn take(&self) -> bool {
        let is_free = self.0.load(Ordering::Acquire) == FREE
            || matches!(self.0.swap(WANTED, Ordering::AcqRel), FREE | OFFERED);
        if is_free {
            self.0.store(TAKEN, Ordering::Relaxed);
        }
        is_free
    }

    /// Records, under the lock, whether the queue has more than the next delivery.
    fn keep(&self, has_more: bool) {
        let state = if has_more { WANTED } else { TAKEN };
        self.0.store(state, Ordering::Relaxed);
    }

    /// Gives the role back, unless something was queued in the meantime.
    fn give_back(&self) -> bool {
        self.0
            .compare_exchange(TAKEN, FREE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Offers the role for as long as the delivery took. True if another thread took it.
    fn offer(&self, watch: &Stopwatch) -> bool {
        self.0.store(OFFERED, Ordering::Release);
        watch.offer(|| self.0.load(Ordering::Relaxed) != OFFERED);
        self.0
            .compare_exchange(OFFERED, WANTED, Ordering::AcqRel, Ordering::Acquire)
            .is_err()
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
            endings: Vec::new(),
        };
        let result = change(&mut transaction);
        if !transaction.endings.is_empty() {
            transaction.finish();
        }
        (result, transaction.outlet.garbage)
    }
}

impl<C, F> Node<C, F> {
    /// Reads cells under the lock. `read` must not call a listener or drop a foreign value.
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

    /// The cells of a node together with the outlet.
    pub(crate) fn split<'c, C, F>(
        &'c mut self,
        node: &'c Node<C, F>,
    ) -> (&'c mut C, &'c mut Outlet<'a>) {
        (node.cells.rw(self.owner), &mut self.outlet)
    }

    /// Makes `call` after the commit, outside the lock, in the order of the commits.
    pub(crate) fn call(&mut self, call: impl FnOnce() + Send + 'static) {
        self.outbox.push_back(Box::new(call));
    }

    /// Runs `flush` at the end of this transaction, under the same lock.
    pub(crate) fn at_end(&mut self, flush: impl FnOnce(&mut Transaction<'_>) + Send + 'static) {
        self.endings.push(Ending::Flush(Box::new(flush)));
    }

    /// Queues a delivery behind all other deliveries of this transaction.
    pub(crate) fn deliver_last(&mut self, delivery: impl Deliver + 'static) {
        self.endings.push(Ending::Delivery(Box::new(delivery)));
    }

    fn finish(&mut self) {
        let mut last = Vec::new();
        // A flush may change cells, and so add another flush.
        while !self.endings.is_empty() {
            for ending in std::mem::take(&mut self.endings) {
                match ending {
                    Ending::Flush(flush) => flush(self),
                    Ending::Delivery(delivery) => last.push(delivery),
                }
            }
        }
        self.outlet.queue.extend(last);
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
