//! Workers, heartbeats and leases of the store in memory.

use std::{collections::BTreeMap, ops::Range, time::SystemTime};

use super::state::{IdentityRow, State, WorkerRow, since};
use crate::store::{
    Claim, Heartbeat, IdentityId, IdentityState, Lease, LeaseLost, NewWorker, Release, StoreError,
    Sweep, WorkerId, WorkerState,
};

impl State {
    pub(super) fn register_worker(&mut self, now: SystemTime, worker: NewWorker) -> WorkerId {
        let id = WorkerId(self.next_number());
        let row = WorkerRow {
            name: worker.name,
            version: worker.version,
            capacity: worker.capacity,
            state: WorkerState::Live,
            heartbeat: now,
            live_since: now,
            leases: BTreeMap::new(),
        };
        self.workers.insert(id, row);
        id
    }

    pub(super) fn heartbeat(
        &mut self,
        now: SystemTime,
        worker: WorkerId,
    ) -> Result<Heartbeat, StoreError> {
        let lease_time = self.lease_time;
        let row = self.worker_mut(worker)?;
        // After an outage, or after a jump of the clock, the heartbeats of the other workers are old, too.
        let is_late = now
            .duration_since(row.heartbeat)
            .map_or(true, |gap| gap > lease_time / 2);
        if is_late {
            row.live_since = now;
        }
        row.heartbeat = now;
        Ok(Heartbeat {
            lease_time,
            is_draining: row.state == WorkerState::Draining,
        })
    }

    pub(super) fn sweep(&mut self, now: SystemTime, worker: WorkerId) -> Result<Sweep, StoreError> {
        let lease_time = self.lease_time;
        let row = self.worker(worker)?;
        let is_current = now
            .duration_since(row.heartbeat)
            .is_ok_and(|gap| gap <= lease_time / 2);
        let mut dead_workers = Vec::new();
        if is_current && since(now, row.live_since) >= lease_time {
            // A heartbeat that is far in the future is from before a jump of the clock.
            let is_stale = |it: &WorkerRow| {
                since(now, it.heartbeat) > lease_time || since(it.heartbeat, now) > lease_time
            };
            let live = self.workers.iter();
            let live = live.filter(|(_, it)| it.state != WorkerState::Dead && is_stale(it));
            dead_workers.extend(live.map(|(id, _)| *id));
        }
        for dead in &dead_workers {
            self.bury(*dead);
        }
        Ok(Sweep {
            dead_workers,
            dead_messages: self.expire(now),
        })
    }

    pub(super) fn drain_worker(&mut self, worker: WorkerId) -> Result<(), StoreError> {
        self.worker_mut(worker)?.state = WorkerState::Draining;
        Ok(())
    }

    /// Declares a worker dead. Its identities keep their states, and can be claimed.
    pub(super) fn bury(&mut self, worker: WorkerId) {
        let Some(row) = self.workers.get_mut(&worker) else {
            return;
        };
        row.state = WorkerState::Dead;
        for id in std::mem::take(&mut row.leases).into_keys() {
            if let Some(identity) = self.identities.get(&id) {
                self.claimable.insert(identity.claim_order(id));
            }
        }
    }

    pub(super) fn claim(
        &mut self,
        now: SystemTime,
        worker: WorkerId,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let row = self.worker(worker)?;
        if row.state == WorkerState::Draining {
            return Ok(Vec::new());
        }
        let room = self.fair_share().min(row.capacity);
        let limit = limit.min(room.saturating_sub(row.leases.len()));
        let is_paused =
            |row: &IdentityRow| row.pause.as_ref().is_some_and(|pause| pause.contains(&now));
        let claimable = self.claimable.iter().copied();
        let chosen: Vec<_> = claimable
            .filter(|(.., id)| self.identities.get(id).is_some_and(|it| !is_paused(it)))
            .take(limit)
            .collect();
        let mut claims = Vec::with_capacity(chosen.len());
        for order in chosen {
            self.claimable.remove(&order);
            claims.extend(self.take(now, worker, order.2));
        }
        Ok(claims)
    }

    /// The number of identities that each live worker may have.
    fn fair_share(&self) -> usize {
        let live = self.workers.values();
        let live = live.filter(|it| it.state == WorkerState::Live).count();
        let leased: usize = self.workers.values().map(|it| it.leases.len()).sum();
        (leased + self.claimable.len()).div_ceil(live.max(1))
    }

    fn take(&mut self, now: SystemTime, worker: WorkerId, id: IdentityId) -> Option<Claim> {
        let row = self.identities.get_mut(&id)?;
        let is_takeover = row.owner.is_some();
        let former = row.owner.and_then(|owner| self.workers.get(&owner));
        let silent_since = row
            .silent_since
            .unwrap_or_else(|| former.map_or(now, |it| it.heartbeat));
        row.silent_since = Some(silent_since);
        row.owner = Some(worker);
        row.fence += 1;
        row.batch = 0;
        row.claimed_at = Some(now);
        let lease = Lease {
            worker,
            identity: id,
            fence: row.fence,
        };
        self.workers
            .get_mut(&worker)?
            .leases
            .insert(id, lease.fence);
        self.set_state(id, IdentityState::Leased);
        let row = self.identities.get(&id)?;
        Some(Claim {
            lease,
            sip_uri: row.sip_uri.clone(),
            root: row.root.clone(),
            endpoint_id: row.endpoint_id.clone(),
            user_agent: row.user_agent.clone(),
            credential: row.credential.clone(),
            checkpoint: row.checkpoint.clone(),
            doubtful: self.doubtful_messages(now, id),
            is_takeover,
            gap: since(now, silent_since),
        })
    }

    pub(super) fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError> {
        let row = self.worker(worker)?;
        let leases = row.leases.iter().map(|(id, fence)| Lease {
            worker,
            identity: *id,
            fence: *fence,
        });
        Ok(leases.collect())
    }

    pub(super) fn set_ready(&mut self, lease: Lease) -> Result<(), LeaseLost> {
        self.leased_mut(lease)?.silent_since = None;
        self.set_state(lease.identity, IdentityState::Ready);
        Ok(())
    }

    pub(super) fn set_releasing(&mut self, lease: Lease) -> Result<(), LeaseLost> {
        self.leased_mut(lease)?;
        self.set_state(lease.identity, IdentityState::Releasing);
        Ok(())
    }

    pub(super) fn release(&mut self, now: SystemTime, release: &Release) -> Result<(), LeaseLost> {
        let row = self.leased_mut(release.lease)?;
        if let Some(checkpoint) = &release.checkpoint {
            row.checkpoint = Some(checkpoint.clone());
        }
        // The attempt of a worker that died remains.
        row.attempt = row.attempt.filter(|it| it.fence != release.lease.fence);
        let silent_since = now.checked_sub(release.gap).unwrap_or(now);
        let before = row.silent_since.unwrap_or(silent_since);
        row.silent_since = Some(before.min(silent_since));
        let pause = now.checked_add(release.pause).map(|end| now..end);
        self.set_free(release.lease.identity, pause);
        Ok(())
    }

    /// Suspends a leased identity.
    pub(super) fn suspend_lease(
        &mut self,
        now: SystemTime,
        lease: Lease,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.leased_mut(lease).map_err(|_| StoreError::LeaseLost)?;
        self.set_suspended(now, lease.identity, reason);
        Ok(())
    }

    /// Ends the lease of an identity, if it has one, and lets workers claim the identity after a pause.
    pub(super) fn set_free(&mut self, id: IdentityId, pause: Option<Range<SystemTime>>) {
        self.end_lease(id);
        self.set_state(id, IdentityState::Free);
        if let Some(row) = self.identities.get_mut(&id) {
            row.reason = None;
            row.pause = pause;
            self.claimable.insert(row.claim_order(id));
        }
    }

    /// Ends the lease of an identity, if it has one, so that no worker claims the identity, and settles its messages.
    pub(super) fn set_suspended(&mut self, now: SystemTime, id: IdentityId, reason: &str) {
        self.end_lease(id);
        self.set_state(id, IdentityState::Suspended);
        if let Some(row) = self.identities.get_mut(&id) {
            row.attempt = None;
            row.silent_since = None;
            row.reason = Some(reason.to_owned());
        }
        self.doubt_messages(now, id);
    }

    pub(super) fn end_lease(&mut self, id: IdentityId) {
        let Some(row) = self.identities.get_mut(&id) else {
            return;
        };
        self.claimable.remove(&row.claim_order(id));
        if let Some(owner) = row.owner.take()
            && let Some(owner) = self.workers.get_mut(&owner)
        {
            owner.leases.remove(&id);
        }
    }

    /// Returns a worker that is not dead.
    pub(super) fn worker(&self, worker: WorkerId) -> Result<&WorkerRow, StoreError> {
        let row = self.workers.get(&worker);
        row.filter(|row| row.state != WorkerState::Dead)
            .ok_or(StoreError::WorkerDead(worker))
    }

    fn worker_mut(&mut self, worker: WorkerId) -> Result<&mut WorkerRow, StoreError> {
        let row = self.workers.get_mut(&worker);
        row.filter(|row| row.state != WorkerState::Dead)
            .ok_or(StoreError::WorkerDead(worker))
    }

    /// Returns the identity of a lease, if the lease is the current one and its worker is not dead.
    pub(super) fn leased_mut(&mut self, lease: Lease) -> Result<&mut IdentityRow, LeaseLost> {
        self.worker(lease.worker).map_err(|_| LeaseLost)?;
        let row = self.identities.get_mut(&lease.identity);
        row.filter(|row| row.owner == Some(lease.worker) && row.fence == lease.fence)
            .ok_or(LeaseLost)
    }
}
