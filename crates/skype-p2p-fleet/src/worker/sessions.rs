//! The sessions of a worker, by identity.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::AbortHandle, time::Instant};

use super::fenced_transport::Permit;
use crate::store::{Claim, IdentityId, Lease, QueuedMessage};

/// An order to a session.
#[derive(Debug)]
pub(super) enum Order {
    /// Send a message.
    Send(QueuedMessage),
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

/// The sessions of a worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Arc<Mutex<BTreeMap<IdentityId, Entry>>>);

#[derive(Debug)]
struct Entry {
    lease: Lease,
    permit: Permit,
    orders: mpsc::UnboundedSender<Order>,
    task: Option<AbortHandle>,
    phase: Phase,
    claimed_at: Instant,
    is_takeover: bool,
}

/// The sessions in each phase.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LeaseCounts {
    pub(super) leased: usize,
    pub(super) ready: usize,
    pub(super) releasing: usize,
    /// The longest time that an identity has not polled.
    pub(super) event_gap: Duration,
}

impl Sessions {
    pub(super) fn add(&self, claim: &Claim, permit: Permit) -> mpsc::UnboundedReceiver<Order> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let entry = Entry {
            lease: claim.lease,
            permit,
            orders,
            task: None,
            phase: Phase::Leased,
            claimed_at: Instant::now(),
            is_takeover: claim.is_takeover,
        };
        self.lock().insert(claim.lease.identity, entry);
        receiver
    }

    /// Stores the task of a session, which may have ended already.
    pub(super) fn set_task(&self, lease: Lease, task: AbortHandle) {
        self.update(lease, |entry| entry.task = Some(task));
    }

    pub(super) fn set_phase(&self, lease: Lease, phase: Phase) {
        self.update(lease, |entry| entry.phase = phase);
    }

    pub(super) fn remove(&self, lease: Lease) {
        let mut entries = self.lock();
        if entries
            .get(&lease.identity)
            .is_some_and(|it| it.lease == lease)
        {
            entries.remove(&lease.identity);
        }
    }

    /// Ends a session at once, without a change at the server.
    pub(super) fn abandon(&self, lease: Lease) {
        let mut entries = self.lock();
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
        for entry in std::mem::take(&mut *self.lock()).into_values() {
            entry.abandon();
        }
    }

    pub(super) fn order(&self, lease: Lease, order: Order) {
        self.update(lease, |entry| {
            // A session that has ended removes its entry soon.
            let _ = entry.orders.send(order);
        });
    }

    /// Orders ready sessions to release their identities, at most `limit`. Returns their number.
    pub(super) fn release(&self, limit: usize) -> usize {
        let mut entries = self.lock();
        let ready = entries
            .values_mut()
            .filter(|it| it.phase != Phase::Releasing);
        let mut count = 0;
        for entry in ready.take(limit) {
            entry.phase = Phase::Releasing;
            let _ = entry.orders.send(Order::Release);
            count += 1;
        }
        count
    }

    pub(super) fn leases(&self) -> Vec<Lease> {
        self.lock().values().map(|it| it.lease).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Counts the sessions. `lease_time` passed before an identity of a dead worker was claimed.
    pub(super) fn counts(&self, lease_time: Duration) -> LeaseCounts {
        let mut counts = LeaseCounts::default();
        for entry in self.lock().values() {
            match entry.phase {
                Phase::Leased => {
                    counts.leased += 1;
                    let before = if entry.is_takeover {
                        lease_time
                    } else {
                        Duration::ZERO
                    };
                    let gap = entry.claimed_at.elapsed() + before;
                    counts.event_gap = counts.event_gap.max(gap);
                }
                Phase::Ready => counts.ready += 1,
                Phase::Releasing => counts.releasing += 1,
            }
        }
        counts
    }

    fn update(&self, lease: Lease, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        let entry = entries.get_mut(&lease.identity);
        if let Some(entry) = entry.filter(|it| it.lease == lease) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IdentityId, Entry>> {
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
