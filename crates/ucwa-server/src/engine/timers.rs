//! The timers of the engine.

use std::time::Duration;

use super::Engine;
use super::group_presence::SubscriptionId;
use super::identifiers::{ApplicationId, ConversationId, InvitationId, MeetingId};
use super::message::DeliveryId;
use super::table::Table;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// The timeout of a pending GET.
    Poll(ApplicationId),
    /// The user becomes idle, if the last activity at the application was at this time.
    Idle(ApplicationId, Duration),
    /// The application ends if it has been without a pending GET for too long.
    Inactivity(ApplicationId),
    /// The timeout of an outgoing invitation.
    Invitation(InvitationId),
    /// The remote participant is reported to a callee that has not answered.
    Introduction(InvitationId),
    /// The timeout of a delivery.
    Delivery(DeliveryId),
    /// A participant of this conversation has stopped typing, unless there was another report of typing since this one.
    Typing(ConversationId, u64),
    /// A subscription to presence ends, or ends soon.
    Subscription(ApplicationId, SubscriptionId),
    /// A subscription to a contact list ends, or ends soon.
    ListSubscription(ApplicationId),
    /// An escalation to a conference is complete.
    Conferenced(MeetingId),
    /// The timeout of an invitation of a participant.
    Call(InvitationId),
}

/// The ID of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerId {
    due: Duration,
    /// The number of timers that were set before.
    number: u64,
}

/// The timers in the order in which they are due. Timers that are due at the same time are in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: Table<TimerId, Timer>,
    made: u64,
}

impl Timers {
    pub(super) fn visited(&self) -> u64 {
        self.due.visited()
    }

    /// Sets a timer. Prefer [`Engine::set_timer`], unless another part of the engine is borrowed.
    pub(super) fn set(&mut self, due: Duration, timer: Timer) -> TimerId {
        let id = TimerId {
            due,
            number: self.made,
        };
        self.made += 1;
        self.due.insert(id, timer);
        id
    }
}

impl Engine {
    pub(super) fn set_timer(&mut self, after: Duration, timer: Timer) -> TimerId {
        self.timers.set(self.now + after, timer)
    }

    /// Removes a timer before it is due. A timer that is not cancelled stays until it is due, even if it has no effect any more.
    pub(super) fn cancel_timer(&mut self, id: TimerId) {
        self.timers.due.remove(&id);
    }

    pub(super) fn run_timers(&mut self) {
        while let Some((&id, &timer)) = self.timers.due.first()
            && id.due <= self.now
        {
            self.timers.due.remove(&id);
            if self.is_awaited(timer) {
                self.fire(timer);
            }
        }
    }

    /// When the next timer with an effect is due.
    pub(super) fn wake_at(&mut self) -> Option<Duration> {
        while let Some((&id, &timer)) = self.timers.due.first() {
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
