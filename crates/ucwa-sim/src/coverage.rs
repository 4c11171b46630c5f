//! Coverage: how often each fault and each recovery occurred in a run.
//!
//! A test requires every [`CoveragePoint`] to be reached, so that no fault stays without effect.

use std::collections::BTreeMap;
use std::fmt;

/// A fault that reached a session which awaited the response, or a recovery that a session completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CoveragePoint {
    /// A request was refused with this status and not executed.
    Refused(u16),
    /// A valid token was refused.
    Unauthorized,
    /// A request was refused with this status and the diagnostics of an invalid ticket, and not executed.
    InvalidTicket(u16),
    /// The server executed a request, and an intermediary replaced its response with one of this status.
    Replaced(u16),
    /// A response body was truncated or replaced with random bytes.
    Corrupted,
    /// The addresses in a response pointed to the attacker's host.
    ForgedLinks,
    /// A response arrived twice.
    Duplicated,
    /// A connection was refused during an outage.
    Outage,
    /// A proxy answered during an outage.
    OutageBehindProxy,
    /// Another process replaced the pending GET (409 PGetReplaced).
    PollReplaced,
    /// The server ended an application for inactivity (410).
    ApplicationExpired,
    /// A session replaced its lost application.
    Recreated,
    /// A session replaced its lost application after a first attempt, with all its retries, had failed.
    RecreatedLate,
    /// A session that had lost its application repeated the discovery of the server.
    Rediscovered,
    /// An event page contained the end of an invitation whose start no page had contained.
    Aggregated,
    /// The event that a request caused arrived before the response to that request.
    EventBeforeResponse,
    /// A page of the event channel could not be read.
    MalformedPage,
    /// A page of the event channel could not be read again.
    MalformedPageAgain,
    /// The embedded resource of an event could not be read.
    MalformedEvent,
    /// A session read its application resource while a page of its event channel could not be read.
    ApplicationReread,
    /// A session signed in on a device whose clock was ahead of the server's.
    ClockAhead,
    /// A session signed in on a device whose clock was behind the server's.
    ClockBehind,
    /// The wall clock of a signed-in session jumped forward.
    ClockJumpForward,
    /// The wall clock of a signed-in session jumped back.
    ClockJumpBack,
    /// A device with a signed-in session was suspended and resumed.
    Suspended,
    /// A response was lost because it arrived during a suspend.
    LostInSuspend,
    /// A response that arrived during a suspend was delivered after it.
    LateAfterSuspend,
    /// A pending GET that was in flight when the device resumed ended soon afterwards.
    PolledAfterSuspend,
    /// A session was detached, and another one started from its checkpoint.
    Detached,
    /// A process was killed, and a session started from its checkpoint.
    Killed,
    /// A process was killed before it had committed an event page, and a session started from the checkpoint before that.
    KilledUncommitted,
    /// A session started from the checkpoint of a paused process.
    Paused,
    /// A session continued the application of a checkpoint.
    Resumed,
    /// A session signed in anew, because the server no longer had the application of its checkpoint.
    NotResumed,
    /// A session reported the delivery result of a message that had none in the checkpoint.
    DoubtfulSettled,
    /// A process that was paused left the application to its successor.
    Yielded,
    /// A session's view of its contact list was compared with the server's list.
    ContactsCompared,
    /// A session renewed its token.
    TokenRenewed,
    /// A session renewed its token on its own timer, before the token expired.
    TokenRenewedInTime,
}

impl CoveragePoint {
    /// Whether the client got a response that the server did not send.
    pub(crate) fn is_false_response(self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::InvalidTicket(_)
                | Self::Replaced(_)
                | Self::Corrupted
                | Self::ForgedLinks
                | Self::OutageBehindProxy
                | Self::MalformedPage
                | Self::MalformedPageAgain
        )
    }
}

impl fmt::Display for CoveragePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "refused-{status}"),
            Self::Unauthorized => f.write_str("unauthorized"),
            Self::InvalidTicket(status) => write!(f, "invalid-ticket-{status}"),
            Self::Replaced(status) => write!(f, "replaced-{status}"),
            Self::Corrupted => f.write_str("corrupted"),
            Self::ForgedLinks => f.write_str("forged-links"),
            Self::Duplicated => f.write_str("duplicated"),
            Self::Outage => f.write_str("outage"),
            Self::OutageBehindProxy => f.write_str("outage-behind-proxy"),
            Self::PollReplaced => f.write_str("poll-replaced"),
            Self::ApplicationExpired => f.write_str("application-expired"),
            Self::Recreated => f.write_str("recreated"),
            Self::RecreatedLate => f.write_str("recreated-late"),
            Self::Rediscovered => f.write_str("rediscovered"),
            Self::Aggregated => f.write_str("aggregated"),
            Self::EventBeforeResponse => f.write_str("event-before-response"),
            Self::MalformedPage => f.write_str("malformed-page"),
            Self::MalformedPageAgain => f.write_str("malformed-page-again"),
            Self::MalformedEvent => f.write_str("malformed-event"),
            Self::ApplicationReread => f.write_str("application-reread"),
            Self::ClockAhead => f.write_str("clock-ahead"),
            Self::ClockBehind => f.write_str("clock-behind"),
            Self::ClockJumpForward => f.write_str("clock-jump-forward"),
            Self::ClockJumpBack => f.write_str("clock-jump-back"),
            Self::Suspended => f.write_str("suspended"),
            Self::LostInSuspend => f.write_str("lost-in-suspend"),
            Self::LateAfterSuspend => f.write_str("late-after-suspend"),
            Self::PolledAfterSuspend => f.write_str("polled-after-suspend"),
            Self::Detached => f.write_str("detached"),
            Self::Killed => f.write_str("killed"),
            Self::KilledUncommitted => f.write_str("killed-uncommitted"),
            Self::Paused => f.write_str("paused"),
            Self::Resumed => f.write_str("resumed"),
            Self::NotResumed => f.write_str("not-resumed"),
            Self::DoubtfulSettled => f.write_str("doubtful-settled"),
            Self::Yielded => f.write_str("yielded"),
            Self::ContactsCompared => f.write_str("contacts-compared"),
            Self::TokenRenewed => f.write_str("token-renewed"),
            Self::TokenRenewedInTime => f.write_str("token-renewed-in-time"),
        }
    }
}

/// How often each [`CoveragePoint`] was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<CoveragePoint, u64>);

impl Coverage {
    pub(crate) fn record(&mut self, point: CoveragePoint) {
        *self.0.entry(point).or_default() += 1;
    }

    /// How often `point` was reached.
    pub fn count(&self, point: CoveragePoint) -> u64 {
        self.0.get(&point).copied().unwrap_or_default()
    }

    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        for (point, count) in &other.0 {
            *self.0.entry(*point).or_default() += count;
        }
    }
}

/// The counts that are not zero, as in `refused-503=2 corrupted=1`.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (point, count)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{point}={count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_runs_add_up() {
        let mut first = Coverage::default();
        first.record(CoveragePoint::Corrupted);
        let mut second = first.clone();
        second.record(CoveragePoint::Refused(503));
        second.add(&first);
        assert_eq!(second.count(CoveragePoint::Corrupted), 2);
        assert_eq!(second.count(CoveragePoint::Outage), 0);
        assert_eq!(second.to_string(), "refused-503=1 corrupted=2");
    }
}
