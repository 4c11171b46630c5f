//! The rate at which a worker takes identities over, and the number that it may have.

use std::time::Duration;

use tokio::time::Instant;

/// The time from the death of a worker until its identities must poll again. The server keeps an incoming message for 30 s.
const TAKEOVER_TIME: Duration = Duration::from_secs(15);

/// Limits the claims of a worker to a number per second.
#[derive(Debug)]
pub(super) struct Admission {
    per_second: f64,
    tokens: f64,
    refilled_at: Instant,
}

impl Admission {
    /// Begins with the claims of a quarter of a second.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self {
            per_second,
            tokens: (per_second / 4.0).max(1.0),
            refilled_at: Instant::now(),
        }
    }

    /// Returns the number of claims that are possible now. At most those of a second accumulate.
    pub(super) fn available(&mut self) -> usize {
        let now = Instant::now();
        let passed = now.duration_since(self.refilled_at).as_secs_f64();
        self.refilled_at = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.per_second);
        self.tokens as usize
    }

    pub(super) fn take(&mut self, count: usize) {
        self.tokens -= count as f64;
    }
}

/// Returns how many identities each of `workers` may have, so that the others can take over those of one that dies in 15 s:
/// survivors × claims per second × the time that remains when the death has been noticed. A single worker has no
/// survivors, and no limit.
pub(super) fn failover_limit(workers: usize, per_second: u32, lease_time: Duration) -> usize {
    let Some(survivors) = workers.checked_sub(1).filter(|it| *it > 0) else {
        return usize::MAX;
    };
    // A sweep follows within a tenth of the lease time; the last claims need a second to poll.
    let unnoticed = lease_time * 11 / 10 + Duration::from_secs(1);
    let remaining = TAKEOVER_TIME.saturating_sub(unnoticed).as_secs_f64();
    let limit = (survivors as f64 * f64::from(per_second) * remaining) as usize;
    limit.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_7_the_survivors_can_take_over_the_share_of_one_worker_in_time() {
        let lease_time = Duration::from_secs(5);
        assert_eq!(failover_limit(3, 50, lease_time), 850);
        assert_eq!(failover_limit(2, 50, lease_time), 425);
        assert_eq!(failover_limit(1, 50, lease_time), usize::MAX);
        assert_eq!(failover_limit(2, 50, Duration::from_secs(60)), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn claims_are_limited_to_a_number_per_second() {
        let mut admission = Admission::new(40);
        assert_eq!(admission.available(), 10);
        admission.take(10);
        assert_eq!(admission.available(), 0);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(admission.available(), 20);
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert_eq!(admission.available(), 40);
    }
}
