//! The wall clock, and what it tells about a suspend of the machine.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;

use crate::core::Core;
use crate::response::date_of;

/// How far the wall clock may move against the monotonic clock between two readings, and how late a wake-up may come,
/// before the machine counts as suspended. A stepped clock looks the same and costs a repeated poll.
const TOLERANCE: Duration = Duration::from_secs(5);
/// The longest that the session sleeps between two readings: the delay with which a suspend is noticed.
pub(crate) const READING_INTERVAL: Duration = Duration::from_secs(15);

/// A reading of a clock of the world outside, from which its present time follows.
#[derive(Clone, Copy, Debug)]
struct Reading {
    time: SystemTime,
    /// The session's time of the reading.
    at: Duration,
}

impl Reading {
    fn now(self, now: Duration) -> SystemTime {
        self.time
            .checked_add(now.saturating_sub(self.at))
            .unwrap_or(self.time)
    }
}

/// The client's wall clock and the server's. They differ, and nothing may depend on a comparison of the two.
#[derive(Debug)]
pub(crate) struct Clocks {
    wall: Reading,
    /// The driver reads the wall clock again and again; `false` while `wall` is that of the configuration.
    pub(crate) is_read: bool,
    /// The `Date` of the last response that had one.
    server: Option<Reading>,
}

impl Clocks {
    pub(crate) fn new(wall_at_epoch: SystemTime) -> Self {
        Self {
            wall: Reading {
                time: wall_at_epoch,
                at: Duration::ZERO,
            },
            is_read: false,
            server: None,
        }
    }

    /// Takes a reading of the wall clock at `now`. Returns how far it is ahead of what the last reading let expect.
    fn read_wall(&mut self, now: Duration, time: SystemTime) -> Duration {
        let ahead = time.duration_since(self.wall.now(now)).unwrap_or_default();
        self.wall = Reading { time, at: now };
        self.is_read = true;
        ahead
    }

    /// Lets the time of a suspend pass at the server.
    fn bring_forward(&mut self, by: Duration) {
        if let Some(server) = &mut self.server {
            server.time = server.time.checked_add(by).unwrap_or(server.time);
        }
    }
}

impl Core {
    /// The time of the client, for dates that are shown.
    pub(crate) fn wall_now(&self) -> SystemTime {
        self.clocks.wall.now(self.now)
    }

    /// The time of the server, to compare with dates that it gave. Up to a second and the way of a response behind. The
    /// client's clock takes its place while no response had a date.
    pub(crate) fn server_now(&self) -> SystemTime {
        self.clocks.server.unwrap_or(self.clocks.wall).now(self.now)
    }

    /// The time of the server, if a response had a date. Decisions that have to compare dates of the server use it: none is
    /// better than one that the client's clock makes.
    pub(crate) fn server_time(&self) -> Option<SystemTime> {
        Some(self.clocks.server?.now(self.now))
    }

    /// Takes the date of a response that just came.
    pub(crate) fn read_server_clock(&mut self, response: &Response<Bytes>) {
        if let Some(time) = date_of(response) {
            let at = self.now;
            self.clocks.server = Some(Reading { time, at });
        }
    }

    /// Takes a reading of the wall clock, `idle` after the input before. If the machine was suspended since, everything
    /// that passes in real time is brought forward, and what is under way is begun again.
    pub(crate) fn read_wall_clock(&mut self, time: SystemTime, idle: Duration) {
        // Most monotonic clocks stop during a suspend. Where they run on, the driver wakes long after it was to.
        let late = self.clocks.is_read && idle > READING_INTERVAL + TOLERANCE;
        let ahead = self.clocks.read_wall(self.now, time);
        if ahead > TOLERANCE {
            self.bring_forward(ahead);
            self.clocks.bring_forward(ahead);
        } else if !late {
            return;
        }
        tracing::info!(?ahead, ?idle, "resumed after a suspend");
        // A token that expired meanwhile is renewed before anything is sent with it.
        self.renew_due_tokens();
        self.resend();
    }
}
