//! The wall clock, and what it tells about a suspend of the machine.

use std::time::{Duration, SystemTime};

use crate::core::Core;

/// How far the wall clock may move against the monotonic clock between two readings, and how late a wake-up may come,
/// before the machine counts as suspended. A stepped clock looks the same and costs a repeated poll.
const TOLERANCE: Duration = Duration::from_secs(5);
/// The longest that the session sleeps between two readings: the delay with which a suspend is noticed.
pub(crate) const READING_INTERVAL: Duration = Duration::from_secs(15);

/// The last reading of the wall clock.
#[derive(Debug)]
pub(crate) struct WallClock {
    time: SystemTime,
    /// The session's time of the reading.
    at: Duration,
    /// The driver reads the clock again and again; `false` while `time` is that of the configuration.
    pub(crate) is_read: bool,
}

impl WallClock {
    pub(crate) fn new(wall_at_epoch: SystemTime) -> Self {
        Self {
            time: wall_at_epoch,
            at: Duration::ZERO,
            is_read: false,
        }
    }

    /// The wall time at the session's time `now`.
    pub(crate) fn now(&self, now: Duration) -> SystemTime {
        self.time
            .checked_add(now.saturating_sub(self.at))
            .unwrap_or(self.time)
    }

    /// Takes a reading at `now`. Returns how far the wall clock is ahead of the time that the last reading let expect.
    fn read(&mut self, now: Duration, time: SystemTime) -> Duration {
        let ahead = time.duration_since(self.now(now)).unwrap_or_default();
        *self = Self {
            time,
            at: now,
            is_read: true,
        };
        ahead
    }
}

impl Core {
    /// Takes a reading of the wall clock, `idle` after the input before. If the machine was suspended since, everything
    /// that passes in real time is brought forward, and what is under way is begun again.
    pub(crate) fn read_wall_clock(&mut self, time: SystemTime, idle: Duration) {
        // Most monotonic clocks stop during a suspend. Where they run on, the driver wakes long after it was to.
        let late = self.wall.is_read && idle > READING_INTERVAL + TOLERANCE;
        let ahead = self.wall.read(self.now, time);
        if ahead > TOLERANCE {
            self.bring_forward(ahead);
        } else if !late {
            return;
        }
        tracing::info!(?ahead, ?idle, "resumed after a suspend");
        // A token that expired meanwhile is renewed before anything is sent with it.
        self.renew_due_tokens();
        self.resend();
    }
}
