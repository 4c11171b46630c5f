//! The time of an application.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The clock by which an application waits and dates its messages.
///
/// It runs on tokio's time, so that a paused runtime pauses it as well; the wall time is counted on from the moment of
/// creation, so that a replay which starts at a recorded date gives the recorded dates.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
    wall_at_epoch: SystemTime,
}

impl Clock {
    /// The system's time.
    #[must_use]
    pub fn system() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// A clock that reads `wall` now.
    #[must_use]
    pub fn starting_at(wall: SystemTime) -> Self {
        Self {
            epoch: Instant::now(),
            wall_at_epoch: wall,
        }
    }

    /// The time since the clock was made.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// The date and time.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        self.wall_at_epoch
            .checked_add(self.elapsed())
            .unwrap_or(self.wall_at_epoch)
    }

    /// The wall time at which the clock was made.
    pub(crate) fn wall_at_epoch(&self) -> SystemTime {
        self.wall_at_epoch
    }

    /// The instant at which `elapsed` says `at`; `None` when that is beyond what can be told.
    pub(crate) fn instant(&self, at: Duration) -> Option<Instant> {
        self.epoch.checked_add(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_on_tokios_time_from_the_date_given() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_400_000_000);
        let clock = Clock::starting_at(start);
        assert_eq!(clock.wall(), start);

        tokio::time::sleep(Duration::from_secs(90)).await;

        assert_eq!(clock.elapsed(), Duration::from_secs(90));
        assert_eq!(clock.wall(), start + Duration::from_secs(90));
        assert_eq!(clock.instant(Duration::from_secs(90)), Some(Instant::now()));
        assert_eq!(clock.instant(Duration::MAX), None);
    }
}
