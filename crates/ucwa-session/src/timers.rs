//! Timers: what is due at which time.

use std::collections::BTreeMap;
use std::time::Duration;

use ucwa_proto::Origin;

use crate::chats::ChatsTimer;
use crate::exchange::Exchange;
use crate::history::HistoryTimer;
use crate::keys::{QuestionId, RequestId};
use crate::people::PeopleTimer;

/// Something that is to be done at a time.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The transport should have reported the end of this request.
    Watchdog(RequestId),
    /// The machine was suspended, and the pending GET with this ID has had no response since.
    RepeatPoll(RequestId),
    /// The caller has not committed an event page in time.
    Uncommitted,
    /// Repeat this exchange.
    Retry(Box<Exchange>),
    /// The caller has not answered a question.
    Unanswered(QuestionId),
    /// The token for this origin is about to expire.
    RenewToken(Origin),
    /// The internal discovery host has not answered in time.
    DiscoveryGrace,
    /// Report that the user is active.
    ReportActivity,
    /// Create another application in the place of the lost one.
    Recreate,
    /// Read again which conversations the server has.
    ListConversations,
    /// Something about chats is due.
    Chats(ChatsTimer),
    /// Something about people is due.
    People(PeopleTimer),
    /// Something about history is due.
    History(HistoryTimer),
}

impl Timer {
    pub(crate) fn is_unclaimed(&self) -> bool {
        matches!(self, Self::Chats(ChatsTimer::Unclaimed(..)))
    }

    /// Whether the timer runs in real time, and so while the machine is suspended. The others wait for something that cannot
    /// arrive meanwhile.
    pub(crate) fn counts_suspends(&self) -> bool {
        matches!(
            self,
            Self::Retry(_)
                | Self::RenewToken(_)
                | Self::ReportActivity
                | Self::Recreate
                | Self::ListConversations
                | Self::People(
                    PeopleTimer::Poll(..) | PeopleTimer::Repeat(..) | PeopleTimer::Extend(_)
                )
        )
    }

    /// Whether the timer is armed again and again while the session lives, and waits for nothing.
    pub(crate) fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::RenewToken(_)
                | Self::ReportActivity
                | Self::People(PeopleTimer::Poll(..) | PeopleTimer::Extend(_))
        )
    }
}

/// Names an armed timer, wherever its time is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(u64);

/// Timers in the order in which they are due; of two that are due at the same time the one that was armed first is first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<(Duration, TimerKey), Timer>,
    times: BTreeMap<TimerKey, Duration>,
    armed: u64,
}

impl Timers {
    pub(crate) fn arm(&mut self, at: Duration, timer: Timer) -> TimerKey {
        let key = TimerKey(self.armed);
        self.armed += 1;
        self.due.insert((at, key), timer);
        self.times.insert(key, at);
        key
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Timer> {
        let at = self.times.remove(&key)?;
        self.due.remove(&(at, key))
    }

    /// Cancels every timer of which `unwanted` is true. Looks at every timer: an owner that has many keeps their keys.
    pub(crate) fn cancel_where(&mut self, unwanted: impl Fn(&Timer) -> bool) {
        let times = &mut self.times;
        self.due.retain(|(_, key), timer| {
            let cancelled = unwanted(timer);
            if cancelled {
                times.remove(key);
            }
            !cancelled
        });
    }

    /// The timers that are armed, in the order in which they are due.
    pub(crate) fn armed(&self) -> impl Iterator<Item = &Timer> {
        self.due.values()
    }

    /// Cancels every timer but this one.
    pub(crate) fn cancel_except(&mut self, kept: Option<TimerKey>) {
        self.due.retain(|(_, key), _| Some(*key) == kept);
        self.times.retain(|key, _| Some(*key) == kept);
    }

    /// Whether any armed timer satisfies the predicate.
    pub(crate) fn any(&self, predicate: impl Fn(&Timer) -> bool) -> bool {
        self.due.values().any(predicate)
    }

    /// The first timer that is due, if there is one.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<(TimerKey, Timer)> {
        let (&(at, key), _) = self.due.first_key_value()?;
        let timer = (at <= now).then(|| self.cancel(key))?;
        Some((key, timer?))
    }

    /// Makes every timer of which `wanted` is true due earlier, in the same order.
    pub(crate) fn bring_forward(&mut self, by: Duration, wanted: impl Fn(&Timer) -> bool) {
        for ((at, key), timer) in std::mem::take(&mut self.due) {
            let at = match wanted(&timer) {
                true => at.saturating_sub(by),
                false => at,
            };
            self.due.insert((at, key), timer);
            self.times.insert(key, at);
        }
    }

    /// Takes the timers out that are due and of which `wanted` is true.
    pub(crate) fn finish_timer(
        &mut self,
        now: Duration,
        wanted: impl Fn(&Timer) -> bool,
    ) -> Vec<Timer> {
        let keys: Vec<_> = (self.due.iter())
            .take_while(|((at, _), _)| *at <= now)
            .filter(|(_, timer)| wanted(timer))
            .map(|((_, key), _)| *key)
            .collect();
        keys.into_iter()
            .filter_map(|key| self.cancel(key))
            .collect()
    }

    /// When the next timer is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn clear(&mut self) {
        self.due.clear();
        self.times.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_timer_that_was_brought_forward_keeps_its_key() {
        let mut timers = Timers::default();
        let moved = timers.arm(9 * SECOND, Timer::Recreate);
        let other = timers.arm(8 * SECOND, Timer::ReportActivity);
        timers.bring_forward(5 * SECOND, |timer| matches!(timer, Timer::Recreate));
        assert_eq!(timers.next_due(), Some(4 * SECOND));
        assert!(matches!(timers.cancel(moved), Some(Timer::Recreate)));
        assert!(timers.cancel(moved).is_none());
        assert!(timers.pop_due(7 * SECOND).is_none());
        let due = timers.pop_due(8 * SECOND).map(|(key, _)| key);
        assert_eq!(due, Some(other));
        assert!(timers.cancel(other).is_none());
    }
}
