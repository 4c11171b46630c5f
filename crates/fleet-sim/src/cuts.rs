//! Overlapping interruptions of a connection.

use std::sync::atomic::{AtomicU32, Ordering};

/// The number of interruptions that last.
#[derive(Debug, Default)]
pub(crate) struct Cuts(AtomicU32);

impl Cuts {
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends an interruption. Does nothing if there is none: the process may have been started after it began.
    pub(crate) fn end(&self) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |it| it.checked_sub(1));
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}
