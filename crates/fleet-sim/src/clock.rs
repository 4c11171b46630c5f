//! The time of the world, and the clock of the database.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The wall-clock time at which every run begins.
pub(crate) fn start_date() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

/// The time since the beginning of the run, which the world moves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<Times>);

#[derive(Debug, Default)]
struct Times {
    micros: AtomicU64,
    database_offset_millis: AtomicI64,
}

impl Clock {
    pub(crate) fn now(&self) -> Duration {
        Duration::from_micros(self.0.micros.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, now: Duration) {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        self.0.micros.store(micros, Ordering::Relaxed);
    }

    /// Moves the database's clock, forwards or back.
    pub(crate) fn jump_database(&self, millis: i64) {
        self.0
            .database_offset_millis
            .fetch_add(millis, Ordering::Relaxed);
    }

    /// The time of the database's clock.
    pub(crate) fn database_time(&self) -> SystemTime {
        let now = start_date() + self.now();
        let offset = self.0.database_offset_millis.load(Ordering::Relaxed);
        let by = Duration::from_millis(offset.unsigned_abs());
        if offset < 0 { now - by } else { now + by }
    }
}
