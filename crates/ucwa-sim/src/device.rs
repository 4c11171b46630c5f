//! A device: the machine of an actor, with its clocks. It can be suspended.

use std::time::{Duration, SystemTime};

use crate::network::Arrival;

/// How far a wall clock is ahead of the server's, in milliseconds; negative if it is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClockOffset(i64);

impl ClockOffset {
    pub(crate) fn ahead(by: Duration) -> Self {
        Self(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
    }

    pub(crate) fn behind(by: Duration) -> Self {
        Self(-Self::ahead(by).0)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) fn is_ahead(self) -> bool {
        self.0 > 0
    }

    pub(crate) fn is_behind(self) -> bool {
        self.0 < 0
    }

    /// The reading of the clock at a time of the server's clock.
    fn apply(self, time: SystemTime) -> SystemTime {
        let by = Duration::from_millis(self.0.unsigned_abs());
        match self.is_behind() {
            true => time - by,
            false => time + by,
        }
    }
}

/// A suspend in progress. No input reaches the sessions of the device, and its monotonic clock stops.
#[derive(Debug)]
pub(crate) struct Suspend {
    since: Duration,
    pub(crate) until: Duration,
    /// The arrivals that the network stack of the device delivers when the device resumes.
    pub(crate) held: Vec<Arrival>,
}

/// The machine of an actor. All its sessions share its clocks.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// The total time of all suspends, without the one in progress.
    suspended_time: Duration,
    pub(crate) suspend: Option<Suspend>,
    pub(crate) clock_offset: ClockOffset,
}

impl Device {
    pub(crate) fn with_clock_offset(clock_offset: ClockOffset) -> Self {
        Self {
            clock_offset,
            ..Self::default()
        }
    }

    /// The monotonic clock of the device at `now`, the time of the world.
    pub(crate) fn monotonic(&self, now: Duration) -> Duration {
        let now = self.suspend.as_ref().map_or(now, |suspend| suspend.since);
        now.saturating_sub(self.suspended_time)
    }

    /// The time of the world at which the monotonic clock shows `at`, if the device is not suspended until then.
    pub(crate) fn world_time(&self, at: Duration) -> Duration {
        at + self.suspended_time
    }

    /// The wall clock of the device; `server_wall` is that of the server at the same time.
    pub(crate) fn wall(&self, server_wall: SystemTime) -> SystemTime {
        self.clock_offset.apply(server_wall)
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspend.is_some()
    }

    /// Suspends the device from `now` until `until`.
    pub(crate) fn begin_suspend(&mut self, now: Duration, until: Duration) {
        self.suspend = Some(Suspend {
            since: now,
            until,
            held: Vec::new(),
        });
    }

    /// Resumes the device at `now`. Returns the arrivals that were held.
    pub(crate) fn resume(&mut self, now: Duration) -> Vec<Arrival> {
        let Some(suspend) = self.suspend.take() else {
            return Vec::new();
        };
        self.suspended_time += now.saturating_sub(suspend.since);
        suspend.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_monotonic_clock_stops_during_a_suspend() {
        let mut device = Device::default();
        assert_eq!(device.monotonic(seconds(10)), seconds(10));
        device.begin_suspend(seconds(10), seconds(100));
        assert_eq!(device.monotonic(seconds(50)), seconds(10));
        device.resume(seconds(100));
        assert_eq!(device.monotonic(seconds(101)), seconds(11));
        assert_eq!(device.world_time(seconds(11)), seconds(101));
    }

    #[test]
    fn the_wall_clock_runs_during_a_suspend_and_keeps_its_offset() {
        let server = SystemTime::UNIX_EPOCH + seconds(10_000);
        let offset = ClockOffset::behind(seconds(3_600));
        let mut device = Device::with_clock_offset(offset);
        device.begin_suspend(seconds(10), seconds(100));
        device.resume(seconds(100));
        assert_eq!(device.wall(server), SystemTime::UNIX_EPOCH + seconds(6_400));
    }
}
