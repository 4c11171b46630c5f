//! What is due when.

use std::collections::BTreeMap;
use std::time::Duration;

use ucwa_proto::Origin;

use crate::exchange::Exchange;
use crate::history::HistoryTimer;
use crate::keys::{ConversationKey, MessageKey, ParticipantKey, QuestionId, RequestId};
use crate::people::PeopleTimer;

/// Something that is to be done at a time.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The transport should have given this exchange up by now.
    Watchdog(RequestId),
    /// Send this exchange again.
    Retry(Box<Exchange>),
    /// Nobody answered a question.
    Unanswered(QuestionId),
    /// The token for this origin is about to expire.
    RenewToken(Origin),
    /// The internal discovery host had its time.
    DiscoveryGrace,
    /// Report that the user is active.
    ReportActivity,
    /// Create the lost application anew.
    Recreate,
    /// Ask again which conversations live on.
    ListConversations,
    /// The invitation with this operation id should have been seen on the event channel by now.
    InvitationStarted(ConversationKey, String),
    /// The invitation with this operation id should have completed by now.
    InvitationCompleted(ConversationKey, String),
    /// A message that the server took should have its verdict by now.
    Verdict(ConversationKey, MessageKey),
    /// The first message of an accepted invitation should have come as an event by now.
    FirstMessage(ConversationKey),
    /// A conversation without its chat should have told by now whether it goes on.
    Probe(ConversationKey),
    /// The invitation of a participant with this operation id should have moved on by now.
    ParticipantInvitation(ConversationKey, String),
    /// A participant who was ejected should be gone by now.
    Ejected(ConversationKey, ParticipantKey),
    /// The invitation to the conversation at this href, asked in vain so often, should have shown by now.
    Unclaimed(String, u32),
    /// Something about people is due.
    People(PeopleTimer),
    /// Something about history is due.
    History(HistoryTimer),
}

impl Timer {
    /// The conversation that it belongs to.
    pub(crate) fn conversation(&self) -> Option<ConversationKey> {
        match self {
            Self::InvitationStarted(key, _)
            | Self::InvitationCompleted(key, _)
            | Self::Verdict(key, _)
            | Self::FirstMessage(key)
            | Self::Probe(key)
            | Self::ParticipantInvitation(key, _)
            | Self::Ejected(key, _) => Some(*key),
            _ => None,
        }
    }

    /// Whether it stands for a time of the world outside, which passes while the machine is suspended too. The others
    /// wait for something that cannot arrive meanwhile.
    pub(crate) fn counts_suspends(&self) -> bool {
        matches!(
            self,
            Self::Retry(_)
                | Self::RenewToken(_)
                | Self::ReportActivity
                | Self::Recreate
                | Self::ListConversations
                | Self::People(_)
        )
    }

    /// Whether it is armed again and again for as long as the session lives, and nothing is under way for its sake.
    pub(crate) fn is_routine(&self) -> bool {
        matches!(
            self,
            Self::RenewToken(_)
                | Self::ReportActivity
                | Self::People(PeopleTimer::Poll(..) | PeopleTimer::Extend(_))
        )
    }
}

/// The name of an armed timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey(Duration, u64);

/// Timers in the order in which they are due; armed first is due first at the same time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    armed: u64,
}

impl Timers {
    pub(crate) fn arm(&mut self, at: Duration, timer: Timer) -> TimerKey {
        let key = TimerKey(at, self.armed);
        self.armed += 1;
        self.due.insert(key, timer);
        key
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) -> Option<Timer> {
        self.due.remove(&key)
    }

    /// Cancels every timer of which `unwanted` is true.
    pub(crate) fn cancel_where(&mut self, unwanted: impl Fn(&Timer) -> bool) {
        self.due.retain(|_, timer| !unwanted(timer));
    }

    /// The timers that are armed, in the order in which they are due.
    pub(crate) fn armed(&self) -> impl Iterator<Item = &Timer> {
        self.due.values()
    }

    /// Cancels every timer but this one.
    pub(crate) fn cancel_but(&mut self, kept: Option<TimerKey>) {
        self.due.retain(|key, _| Some(*key) == kept);
    }

    /// Whether any armed timer satisfies the predicate.
    pub(crate) fn any(&self, predicate: impl Fn(&Timer) -> bool) -> bool {
        self.due.values().any(predicate)
    }

    /// The first timer that is due, if there is one.
    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// Makes every timer of which `wanted` is true due earlier, in the same order.
    pub(crate) fn bring_forward(&mut self, by: Duration, wanted: impl Fn(&Timer) -> bool) {
        let due = std::mem::take(&mut self.due);
        self.due = (due.into_iter())
            .map(|(key, timer)| match wanted(&timer) {
                true => (TimerKey(key.0.saturating_sub(by), key.1), timer),
                false => (key, timer),
            })
            .collect();
    }

    /// Takes the timers out that are due and of which `wanted` is true.
    pub(crate) fn take_due(
        &mut self,
        now: Duration,
        wanted: impl Fn(&Timer) -> bool,
    ) -> Vec<Timer> {
        let keys: Vec<_> = (self.due.iter())
            .take_while(|(key, _)| key.0 <= now)
            .filter(|(_, timer)| wanted(timer))
            .map(|(key, _)| *key)
            .collect();
        keys.into_iter()
            .filter_map(|key| self.cancel(key))
            .collect()
    }

    /// When the next timer is due.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    pub(crate) fn clear(&mut self) {
        self.due.clear();
    }
}
