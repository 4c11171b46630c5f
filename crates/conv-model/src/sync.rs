//! The synchronisation primitives of the observable core, in one module, so that a test can run the core's source under a
//! scheduler that explores interleavings.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many deliveries a thread makes, beside those of its own commit, before it offers the rest to another thread.
pub(crate) const BATCH: usize = 16;

/// The longest time that a thread waits for another thread to take over.
const LONGEST_OFFER: Duration = Duration::from_millis(100);

/// The interval at which a waiting thread checks whether another thread took over.
const CHECK_INTERVAL: Duration = Duration::from_micros(50);

/// Locks `mutex`. A poisoned lock is used as it is: its value is consistent between two statements of this crate.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Measures one delivery. Does nothing in a browser, which has one thread and no [`Instant`].
pub(crate) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self((!cfg!(target_family = "wasm")).then(Instant::now))
    }

    /// Waits for as long as the delivery took, or until `is_taken`. A thread that commits more often than a delivery takes
    /// commits at least once in that time.
    pub(crate) fn offer(&self, is_taken: impl Fn() -> bool) {
        let Some(start) = self.0 else {
            return;
        };
        let begin = Instant::now();
        let end = begin + begin.duration_since(start).min(LONGEST_OFFER);
        while !is_taken() {
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return,
                left if left > CHECK_INTERVAL => thread::sleep(CHECK_INTERVAL),
                _ => thread::yield_now(),
            }
        }
    }
}
