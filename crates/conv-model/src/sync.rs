//! The synchronisation primitives of the delivery queue, in one place so that its test can run the same source under a
//! scheduler that explores interleavings.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks, also when a panic poisoned the lock: what it guards is consistent between two statements of ours.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
