//! The sessions of a worker, by identity.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    task::AbortHandle,
    time::Instant,
};

use super::fenced_transport::Permit;
use crate::store::{Claim, IdentityId, Lease, QueuedMessage};

/// An order to a session.
#[derive(Debug)]
pub(super) enum Order {
    /// Send a message. The slot is free again when the server has answered the request.
    Send(QueuedMessage, OwnedSemaphorePermit),
    /// Wait for the results of messages in flight, and release the identity.
    Release,
}

/// What a session does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Leased,
    Ready,
    Releasing,
}

/// The time after which a failed sign-in no longer counts, for example because another worker has the identity.
const FAILURE_MEMORY: Duration = Duration::from_secs(120);

/// The pause after the first of several failed sign-ins. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The sessions of a worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<IdentityId, Entry>,
    /// The identities whose last sign-in has failed.
    failures: BTreeMap<IdentityId, Failures>,
}

/// Failed sign-ins of an identity, without a successful one between them.
#[derive(Debug)]
struct Failures {
    count: u32,
    last_at: Instant,
}

#[derive(Debug)]
struct Entry {
    lease: Lease,
    permit: Permit,
    orders: mpsc::UnboundedSender<Order>,
    task: Option<AbortHandle>,
    phase: Phase,
    /// The time for which the identity has not polled. `None` while it polls.
    silence: Option<Silence>,
}

#[derive(Debug)]
struct Silence {
    since: Instant,
    /// The time before it.
    before: Duration,
}

impl Silence {
    fn new(before: Duration) -> Self {
        Self {
            since: Instant::now(),
            before,
        }
    }

    fn elapsed(&self) -> Duration {
        self.before + self.since.elapsed()
    }
}

/// The sessions in each phase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeaseCounts {
    pub(super) leased: usize,
    pub(super) ready: usize,
    pub(super) releasing: usize,
    /// The longest time for which an identity has not polled.
    pub(super) event_gap: Duration,
}

impl Sessions {
    /// Adds the session of a claim.
    pub(super) fn add(&self, claim: &Claim, permit: Permit) -> mpsc::UnboundedReceiver<Order> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let entry = Entry {
            lease: claim.lease,
            permit,
            orders,
            task: None,
            phase: Phase::Leased,
            silence: Some(Silence::new(claim.gap)),
        };
        self.lock().entries.insert(claim.lease.identity, entry);
        receiver
    }

    /// Stores the task of a session, which may have ended already.
    pub(super) fn set_task(&self, lease: Lease, task: AbortHandle) {
        self.update(lease, |entry| entry.task = Some(task));
    }

    pub(super) fn set_phase(&self, lease: Lease, phase: Phase) {
        self.update(lease, |entry| entry.phase = phase);
        if phase == Phase::Ready {
            self.set_polling(lease, true);
            self.lock().failures.remove(&lease.identity);
        }
    }

    /// A session polls, or does not reach the server.
    pub(super) fn set_polling(&self, lease: Lease, is_polling: bool) {
        self.update(lease, |entry| match is_polling {
            // A sign-in has read events, but the identity does not poll yet.
            true if entry.phase == Phase::Leased => {}
            true => entry.silence = None,
            false => {
                let silence = entry.silence.take();
                entry.silence = silence.or_else(|| Some(Silence::new(Duration::ZERO)));
            }
        });
    }

    /// The time for which the identity of a session has not polled.
    pub(super) fn silence(&self, lease: Lease) -> Duration {
        let state = self.lock();
        let entry = state.entries.get(&lease.identity);
        let entry = entry.filter(|it| it.lease == lease);
        entry
            .and_then(|it| it.silence.as_ref())
            .map_or(Duration::ZERO, Silence::elapsed)
    }

    /// Counts a failed sign-in. Returns the pause before the next one: short at first, because the senders of incoming messages
    /// wait, and at most `longest`.
    pub(super) fn pause(&self, lease: Lease, longest: Duration) -> Duration {
        let mut state = self.lock();
        let failures = &mut state.failures;
        failures.retain(|_, it| it.last_at.elapsed() < FAILURE_MEMORY);
        let now = Instant::now();
        let failures = failures.entry(lease.identity).or_insert(Failures {
            count: 0,
            last_at: now,
        });
        failures.last_at = now;
        let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.count));
        failures.count += 1;
        pause.min(longest)
    }

    pub(super) fn remove(&self, lease: Lease) {
        let entries = &mut self.lock().entries;
        if entries
            .get(&lease.identity)
            .is_some_and(|it| it.lease == lease)
        {
            entries.remove(&lease.identity);
        }
    }

    /// Ends a session at once, without a change at the server.
    pub(super) fn abandon(&self, lease: Lease) {
        let entries = &mut self.lock().entries;
        if entries
            .get(&lease.identity)
            .is_some_and(|it| it.lease == lease)
            && let Some(entry) = entries.remove(&lease.identity)
        {
            entry.abandon();
        }
    }

    /// Ends every session at once, without a change at the server.
    pub(super) fn abandon_all(&self) {
        for entry in std::mem::take(&mut self.lock().entries).into_values() {
            entry.abandon();
        }
    }

    pub(super) fn order(&self, lease: Lease, order: Order) {
        self.update(lease, |entry| {
            // A session that has ended removes its entry soon.
            let _ = entry.orders.send(order);
        });
    }

    /// Orders sessions to release their identities, at most `limit`, and only ready ones unless `also_leased`. Returns their number.
    pub(super) fn release(&self, limit: usize, also_leased: bool) -> usize {
        let entries = &mut self.lock().entries;
        let may_release = |phase| phase == Phase::Ready || also_leased && phase == Phase::Leased;
        let releasable = entries.values_mut().filter(|it| may_release(it.phase));
        let mut count = 0;
        for entry in releasable.take(limit) {
            entry.phase = Phase::Releasing;
            let _ = entry.orders.send(Order::Release);
            count += 1;
        }
        count
    }

    /// The leases of the sessions, in order.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.lock().entries.values().map(|it| it.lease).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    pub(super) fn counts(&self) -> LeaseCounts {
        let mut counts = LeaseCounts::default();
        for entry in self.lock().entries.values() {
            let gap = entry.silence.as_ref().map(Silence::elapsed);
            counts.event_gap = counts.event_gap.max(gap.unwrap_or_default());
            match entry.phase {
                Phase::Leased => counts.leased += 1,
                Phase::Ready => counts.ready += 1,
                Phase::Releasing => counts.releasing += 1,
            }
        }
        counts
    }

    fn update(&self, lease: Lease, change: impl FnOnce(&mut Entry)) {
        let entries = &mut self.lock().entries;
        let entry = entries.get_mut(&lease.identity);
        if let Some(entry) = entry.filter(|it| it.lease == lease) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn abandon(self) {
        // The application, which the task drops, would otherwise be deleted at the server.
        self.permit.revoke();
        if let Some(task) = self.task {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::WorkerId, worker::lease_clock::LeaseClock};

    #[tokio::test(start_paused = true)]
    async fn an_identity_that_is_taken_over_is_not_handed_on_before_it_polls() {
        let sessions = Sessions::default();
        let lease = Lease {
            worker: WorkerId(1),
            identity: IdentityId(1),
            fence: 2,
        };
        let permit = Permit::new(std::sync::Arc::new(LeaseClock::new()));
        let (orders, _receiver) = mpsc::unbounded_channel();
        let entry = Entry {
            lease,
            permit,
            orders,
            task: None,
            phase: Phase::Leased,
            silence: Some(Silence::new(Duration::ZERO)),
        };
        sessions.lock().entries.insert(lease.identity, entry);
        assert_eq!(sessions.release(1, false), 0);
        sessions.set_phase(lease, Phase::Ready);
        assert_eq!(sessions.release(1, false), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_after_failed_sign_ins_grows() {
        let sessions = Sessions::default();
        let lease = Lease {
            worker: WorkerId(1),
            identity: IdentityId(1),
            fence: 1,
        };
        let longest = Duration::from_secs(5);
        let pauses: Vec<_> = (0..5).map(|_| sessions.pause(lease, longest)).collect();
        assert_eq!(
            pauses,
            [500, 1000, 2000, 4000, 5000].map(Duration::from_millis)
        );
        tokio::time::advance(FAILURE_MEMORY).await;
        assert_eq!(sessions.pause(lease, longest), FIRST_PAUSE);
    }
}
