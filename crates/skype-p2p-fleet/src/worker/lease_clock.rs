//! The time until which a worker may rely on its leases, on its own monotonic clock.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// The time until which a worker may rely on its leases.
///
/// A successful heartbeat extends it by four fifths of the lease time, counted from the moment before the call: another worker
/// can take the identities over after the whole lease time, so a request that begins in time has a fifth for reaching the server.
#[derive(Debug)]
pub(super) struct LeaseClock(Mutex<State>);

#[derive(Debug)]
struct State {
    valid_until: Instant,
    /// The end of the last attempt of a heartbeat, successful or not.
    attempted_at: Instant,
    lease_time: Duration,
}

impl LeaseClock {
    /// A clock that has expired.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            valid_until: now,
            attempted_at: now,
            lease_time: Duration::from_secs(5),
        }))
    }

    /// A heartbeat that was begun at `began` has succeeded.
    pub(super) fn extend(&self, began: Instant, lease_time: Duration) {
        let mut state = self.state();
        state.valid_until = began + lease_time * 4 / 5;
        state.attempted_at = Instant::now();
        state.lease_time = lease_time;
    }

    /// A heartbeat had no answer.
    pub(super) fn fail(&self) {
        self.state().attempted_at = Instant::now();
    }

    pub(super) fn lease_time(&self) -> Duration {
        self.state().lease_time
    }

    /// Whether the worker has its leases with certainty.
    pub(super) fn is_valid(&self) -> bool {
        Instant::now() < self.state().valid_until
    }

    /// Whether the process was paused for a lease time, and has not asked the store since. While the store is away the
    /// heartbeats fail, so this is false.
    pub(super) fn was_paused(&self) -> bool {
        let state = self.state();
        state.attempted_at.elapsed() >= state.lease_time
    }

    /// Completes when the leases are no longer certain.
    pub(super) async fn expired(&self) {
        loop {
            let until = self.state().valid_until;
            if Instant::now() >= until {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
