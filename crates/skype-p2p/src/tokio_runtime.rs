//! The [`Runtime`] of tokio.

use std::{
    future::pending,
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

use tokio::{
    runtime::Handle,
    task,
    time::{Instant, sleep_until},
};

use crate::{
    builder::BuildError,
    runtime::{Runtime, RuntimeFuture},
};

/// A timer later than this (100 years) never fires. The bound keeps the arithmetic on instants from overflowing.
const LONGEST_SLEEP: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A tokio runtime with time enabled.
///
/// Timers follow tokio's clock, so a paused runtime also pauses its applications. The wall clock is the system's, unless
/// [`starting_at`](Self::starting_at) sets it.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    epoch: Instant,
    wall_at_epoch: Option<SystemTime>,
}

impl TokioRuntime {
    /// Returns the runtime in which the caller runs.
    ///
    /// # Errors
    ///
    /// [`BuildError::NoRuntime`] outside a tokio runtime.
    pub fn current() -> Result<Self, BuildError> {
        let handle = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        Ok(Self {
            handle,
            epoch: Instant::now(),
            wall_at_epoch: None,
        })
    }

    /// Sets the wall clock to `date`. From now on it follows tokio's clock. A replay that starts at the date of a recording
    /// reproduces the timestamps of the recording.
    #[must_use]
    pub fn starting_at(self, date: SystemTime) -> Self {
        Self {
            epoch: Instant::now(),
            wall_at_epoch: Some(date),
            ..self
        }
    }
}

impl Runtime for TokioRuntime {
    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    fn wall_clock(&self) -> SystemTime {
        match self.wall_at_epoch {
            Some(date) => date.checked_add(self.now()).unwrap_or(date),
            None => SystemTime::now(),
        }
    }

    fn seed(&self) -> u64 {
        // The keys of the standard library's hash maps come from the system's random number generator.
        RandomState::new().hash_one(0_u8)
    }

    fn sleep_until(&self, at: Duration) -> RuntimeFuture {
        match self.epoch.checked_add(at) {
            Some(instant) if at <= LONGEST_SLEEP => Box::pin(sleep_until(instant)),
            _ => Box::pin(pending()),
        }
    }

    fn spawn(&self, task: RuntimeFuture) {
        self.handle.spawn(task);
    }

    fn yield_now(&self) -> RuntimeFuture {
        Box::pin(task::yield_now())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_with_a_date_follows_tokios_clock() {
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_400_000_000);
        let runtime = TokioRuntime::current().unwrap().starting_at(date);
        assert_eq!(runtime.wall_clock(), date);

        runtime.sleep_until(Duration::from_secs(90)).await;

        assert_eq!(runtime.now(), Duration::from_secs(90));
        assert_eq!(runtime.wall_clock(), date + Duration::from_secs(90));
    }

    /// Tokio's paused clock stands for the monotonic clock of a suspended machine, which does not advance.
    #[tokio::test(start_paused = true)]
    async fn the_wall_clock_is_read_anew_after_a_suspend() {
        let runtime = TokioRuntime::current().unwrap();
        let before = runtime.wall_clock();
        thread::sleep(Duration::from_millis(2));
        assert_eq!(runtime.now(), Duration::ZERO);
        assert!(runtime.wall_clock() >= before + Duration::from_millis(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_may_be_due_at_the_end_of_time() {
        let runtime = TokioRuntime::current().unwrap();
        for at in [
            Duration::MAX,
            Duration::from_secs(i64::MAX.unsigned_abs()),
            LONGEST_SLEEP,
        ] {
            assert_eq!(runtime.sleep_until(at).now_or_never(), None, "{at:?}");
        }
    }
}
