//! Timers: the actions that are due, and their times.

use std::collections::BTreeMap;
use std::time::Duration;

use ucwa_proto::Origin;

use crate::chats::ChatsTimer;
use crate::exchange::Exchange;
use crate::history::HistoryTimer;
use crate::keys::{QuestionId, RequestId};
use crate::people::{ContactsTimer, PeopleTimer};

/// The action of a timer.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The transport has not reported the end of this request in time.
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
    /// List the conversations at the server again.
    ListConversations,
    /// A timer of the chats.
    Chats(ChatsTimer),
    /// A timer of the people.
    People(PeopleTimer),
    /// A timer of the history.
    History(HistoryTimer),
}

impl Timer {
    pub(crate) fn is_unclaimed(&self) -> bool {
        matches!(self, Self::Chats(ChatsTimer::Unclaimed(..)))
    }

    /// Whether the timer runs in real time, and so while the machine is suspended. The others wait for responses or
    /// events, which cannot arrive meanwhile.
    pub(crate) fn counts_suspends(&self) -> bool {
        matches!(
            self,
            Self::Retry(_)
                | Self::RenewToken(_)
                | Self::ReportActivity
                | Self::Recreate
                | Self::ListConversations
                | Self::People(
                    PeopleTimer::Poll(..)
                        | PeopleTimer::Repeat(..)
                        | PeopleTimer::Extend(_)
                        | PeopleTimer::Contacts(_)
                )
        )
    }

    /// Whether the timer recurs until the session ends, and waits for no response or event.
    pub(crate) fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::RenewToken(_)
                | Self::ReportActivity
                | Self::People(PeopleTimer::Poll(..) | PeopleTimer::Extend(_))
                | Self::People(PeopleTimer::Contacts(
                    ContactsTimer::Subscribe
                        | ContactsTimer::FollowPresence(_)
                        | ContactsTimer::Read(_)
                        | ContactsTimer::Poll(_)
                ))
        )
    }
}

/// The ID of an armed timer. It stays the same if the timer becomes due earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(u64);

/// Timers in the order in which they are due. Of two that are due at the same time, the one that was armed first precedes.
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

    /// Cancels every timer for which `unwanted` is true. Scans all timers, so an owner of many timers keeps their keys
    /// instead.
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

    /// Cancels every timer except this one.
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

    /// Moves every timer for which `wanted` is true forward, and keeps their order.
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

    /// Removes and returns the timers that are due and for which `wanted` is true.
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
