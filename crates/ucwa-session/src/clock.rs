//! The client's and the server's clock, and the detection of suspends.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Response;

use crate::core::{Core, MAX_ATTEMPTS};
use crate::exchange::Purpose;
use crate::io::Output;
use crate::keys::RequestId;
use crate::response::date_of;
use crate::timers::Timer;

/// How far the wall clock may deviate from the monotonic clock between two readings, and how late a wake-up may come.
/// Beyond it the machine counts as suspended. Setting the clock has the same effect and costs a repeated poll.
const TOLERANCE: Duration = Duration::from_secs(5);
/// The maximum time between two readings, and with it the delay in noticing a suspend.
pub(crate) const READING_INTERVAL: Duration = Duration::from_secs(15);

/// How long after a suspend the response to the pending GET may take to arrive before the request is repeated.
const POLL_GRACE: Duration = Duration::from_secs(1);

/// A reading of a clock, from which its current time follows.
#[derive(Clone, Copy, Debug)]
struct Reading {
    time: SystemTime,
    /// The session's time at the reading.
    at: Duration,
}

impl Reading {
    fn now(self, now: Duration) -> SystemTime {
        self.time
            .checked_add(now.saturating_sub(self.at))
            .unwrap_or(self.time)
    }
}

/// The clocks of the client and of the server. They differ, and no decision may compare them.
#[derive(Debug)]
pub(crate) struct Clocks {
    wall: Reading,
    /// Whether the driver reads the wall clock. Before its first reading, `wall` is the configured time.
    pub(crate) is_read: bool,
    /// The `Date` of the last response with one.
    server: Option<Reading>,
    /// The session's time at which the last suspend was noticed.
    pub(crate) suspend_noticed_at: Option<Duration>,
    /// When the pending GET was repeated after a suspend. The first one may reach the server later, and then replaces it.
    pub(crate) poll_repeated_at: Option<Duration>,
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
            suspend_noticed_at: None,
            poll_repeated_at: None,
        }
    }

    /// Takes a reading of the wall clock at `now`. Returns how far it is ahead of the expected time.
    fn read_wall(&mut self, now: Duration, time: SystemTime) -> Duration {
        let ahead = time.duration_since(self.wall.now(now)).unwrap_or_default();
        self.wall = Reading { time, at: now };
        self.is_read = true;
        ahead
    }

    /// Advances the server's clock by the time of a suspend.
    fn bring_forward(&mut self, by: Duration) {
        if let Some(server) = &mut self.server {
            server.time = server.time.checked_add(by).unwrap_or(server.time);
        }
    }
}

impl Core {
    /// The client's time, for timestamps that are shown.
    pub(crate) fn wall_now(&self) -> SystemTime {
        self.clocks.wall.now(self.now)
    }

    /// The server's time, to compare with the server's timestamps. Late by up to a second and the latency of a
    /// response. The client's time until a response has a `Date`.
    pub(crate) fn server_now(&self) -> SystemTime {
        self.clocks.server.unwrap_or(self.clocks.wall).now(self.now)
    }

    /// The server's time. `None` until a response has a `Date`: a decision about server timestamps must not use the client's
    /// clock instead.
    pub(crate) fn server_time(&self) -> Option<SystemTime> {
        Some(self.clocks.server?.now(self.now))
    }

    /// Takes the `Date` of a response that has just arrived.
    pub(crate) fn read_server_clock(&mut self, response: &Response<Bytes>) {
        if let Some(time) = date_of(response) {
            let at = self.now;
            self.clocks.server = Some(Reading { time, at });
        }
    }

    /// Takes a reading of the wall clock, `idle` after the last input. After a suspend, moves all real-time deadlines
    /// forward, and repeats requests whose connections are probably broken.
    pub(crate) fn read_wall_clock(&mut self, time: SystemTime, idle: Duration) {
        // Most monotonic clocks stop during a suspend. On platforms where they do not, the driver wakes late.
        let late = self.clocks.is_read && idle > READING_INTERVAL + TOLERANCE;
        let ahead = self.clocks.read_wall(self.now, time);
        if ahead > TOLERANCE {
            self.bring_forward(ahead);
            self.clocks.bring_forward(ahead);
        } else if !late {
            return;
        }
        tracing::info!(?ahead, ?idle, "resumed after a suspend");
        self.clocks.suspend_noticed_at = Some(self.now);
        // A token that has expired is renewed before it is sent.
        self.renew_due_tokens();
        self.resend();
    }

    /// Aborts and repeats every idempotent request on the wire: its connection is probably broken. The others keep
    /// their deadlines.
    ///
    /// The pending GET is repeated a little later. If only this process was paused, its connection works and may have a
    /// response: another process may have taken over the application, and a repeated GET would replace that process's.
    fn resend(&mut self) {
        let waiting: BTreeSet<_> = (self.outputs.iter())
            .filter_map(|output| match output {
                Output::Send { id, .. } => Some(*id),
                _ => None,
            })
            .collect();
        let lost: Vec<_> = (self.on_wire.iter())
            .filter(|(id, exchange)| {
                !waiting.contains(id)
                    && exchange.is_idempotent()
                    && (exchange.attempts < MAX_ATTEMPTS || exchange.purpose == Purpose::Poll)
            })
            .map(|(id, _)| *id)
            .collect();
        self.cancel_timers(|timer| matches!(timer, Timer::RepeatPoll(_)));
        for id in lost {
            match self.on_wire.get(&id) {
                Some(exchange) if exchange.purpose == Purpose::Poll => {
                    self.arm(POLL_GRACE, Timer::RepeatPoll(id));
                }
                _ => self.repeat_now(id),
            }
        }
    }

    /// Aborts and repeats a request, if it is still on the wire.
    pub(crate) fn repeat_now(&mut self, id: RequestId) {
        if let Some(mut exchange) = self.remove_from_wire(id) {
            if let Some(watchdog) = exchange.watchdog.take() {
                self.timers.cancel(watchdog);
            }
            self.outputs.push_back(Output::Abort(id));
            if exchange.purpose == Purpose::Poll {
                self.clocks.poll_repeated_at = Some(self.now);
            }
            self.issue(exchange);
        }
    }
}
