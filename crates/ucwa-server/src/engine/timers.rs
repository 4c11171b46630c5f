//! What is due, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Engine;
use super::group_presence::SubscriptionId;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::message::DeliveryId;

/// Something that happens unless something else happens before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// A pending GET has waited for events long enough.
    Poll(ApplicationId),
    /// Nothing was heard of the user at this application since then, for so long that he may look idle.
    Idle(ApplicationId, Duration),
    /// An application may have been without a pending GET for too long.
    Inactivity(ApplicationId),
    /// An outgoing invitation has rung long enough.
    Invitation(InvitationId),
    /// The callee learns who takes part in the conversation it is invited to.
    Introduction(InvitationId),
    /// A message has waited to be fetched long enough.
    Delivery(DeliveryId),
    /// The other side of this conversation has stopped typing, unless it said so again since.
    Typing(ConversationId, u64),
    /// A subscription to presence may be about to end.
    Subscription(ApplicationId, SubscriptionId),
    /// A subscription to a contact list may be about to end.
    ListSubscription(ApplicationId),
    /// Two have become a conference.
    Conferenced(MeetingId),
    /// The invitation of a participant has rung long enough.
    Call(InvitationId),
}

/// A timer that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId {
    due: Duration,
    /// How many timers were set before.
    number: u64,
}

/// The timers in the order in which they are due; those of the same time in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerId, Timer>,
    set: u64,
}

impl Engine {
    pub(super) fn set_timer(&mut self, after: Duration, timer: Timer) -> TimerId {
        let id = TimerId {
            due: self.now + after,
            number: self.timers.set,
        };
        self.timers.set += 1;
        self.timers.due.insert(id, timer);
        id
    }

    /// Drops a timer before it is due. A timer that is not cancelled stays until it is due, even if it has lost its meaning.
    pub(super) fn cancel_timer(&mut self, id: TimerId) {
        self.timers.due.remove(&id);
    }

    pub(super) fn run_timers(&mut self) {
        while let Some(entry) = self.timers.due.first_entry()
            && entry.key().due <= self.now
        {
            let timer = entry.remove();
            if self.is_awaited(timer) {
                self.fire(timer);
            }
        }
    }

    /// When the next timer is due that still matters.
    pub(super) fn wake_at(&mut self) -> Option<Duration> {
        while let Some((&id, &timer)) = self.timers.due.first_key_value() {
            if self.is_awaited(timer) {
                return Some(id.due);
            }
            self.timers.due.remove(&id);
        }
        None
    }

    fn is_awaited(&self, timer: Timer) -> bool {
        match timer {
            Timer::Poll(application) => self.pending.is_waiting(application),
            Timer::Idle(application, since) => self.is_inactive(application, since),
            Timer::Inactivity(application) => self.applications.get(application).is_some(),
            Timer::Invitation(invitation) => self.is_ringing(invitation),
            Timer::Introduction(invitation) => self.is_to_be_introduced(invitation),
            Timer::Delivery(delivery) => self.deliveries.contains_key(&delivery),
            Timer::Typing(conversation, times) => self.is_typing(conversation, times).is_some(),
            Timer::Conferenced(meeting) => self.meetings.contains_key(&meeting),
            Timer::Call(invitation) => self.is_calling(invitation),
            Timer::Subscription(application, key) => self.is_subscribed(application, key),
            Timer::ListSubscription(application) => self.is_subscribed_to_list(application),
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Poll(application) => self.poll_timed_out(application),
            Timer::Idle(application, _) => self.may_be_idle(application),
            Timer::Inactivity(application) => self.check_inactivity(application),
            Timer::Invitation(invitation) => self.invitation_timed_out(invitation),
            Timer::Introduction(invitation) => self.introduce(invitation),
            Timer::Delivery(delivery) => self.message_lost(delivery),
            Timer::Typing(conversation, times) => {
                if let Some(address) = self.is_typing(conversation, times) {
                    self.typing_ends(conversation, &address);
                }
            }
            Timer::Conferenced(meeting) => self.conferenced(meeting),
            Timer::Call(invitation) => self.call_timed_out(invitation),
            Timer::Subscription(application, key) => self.check_subscription(application, key),
            Timer::ListSubscription(application) => self.check_list_subscription(application),
        }
    }
}
