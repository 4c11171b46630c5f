//! Claims, releases, and the comparison of the sessions with the leases of the store.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    End, Registration,
    admission::{Admission, failover_limit},
    committer::Committer,
    fenced_transport::Permit,
    session,
};
use crate::store::{Claim, FleetStatus, Lease, Release, StoreError, WorkerState, WorkerStatus};

/// The pause between two claims.
const PAUSE: Duration = Duration::from_millis(250);

/// The age at which the status of the fleet is read again.
const STATUS_AGE: Duration = Duration::from_secs(1);

impl Registration {
    /// Claims identities and runs their sessions until the worker is dead or drained.
    pub(super) async fn claim(self, committer: Committer) -> End {
        let mut claiming = Claiming {
            admission: Admission::new(self.shared.config.claims_per_second),
            status: FleetStatus::default(),
            read_at: None,
            is_drain_stored: false,
            registration: self,
            committer,
        };
        let mut draining = claiming.registration.shared.is_draining.subscribe();
        loop {
            match claiming.step().await {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(StoreError::WorkerDead(_)) => return End::Dead,
                Err(error) => tracing::debug!(%error, "no claim"),
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                Ok(()) = draining.changed() => {}
            }
        }
    }
}

struct Claiming {
    registration: Registration,
    committer: Committer,
    admission: Admission,
    /// The last status of the fleet.
    status: FleetStatus,
    read_at: Option<Instant>,
    is_drain_stored: bool,
}

impl Claiming {
    async fn step(&mut self) -> Result<Option<End>, StoreError> {
        // While the store is away, claims would fail, and sessions of a claim could not sign in.
        if !self.registration.clock.is_valid() {
            return Ok(None);
        }
        if self.read_at.is_none_or(|it| it.elapsed() >= STATUS_AGE) {
            self.compare_leases().await?;
            self.status = self.registration.shared.store.status().await?;
            self.read_at = Some(Instant::now());
            self.registration
                .shared
                .metrics
                .set_fleet(self.status.clone());
        }
        if *self.registration.shared.is_draining.borrow() {
            return self.drain().await;
        }
        self.claim().await?;
        self.release_excess();
        Ok(None)
    }

    async fn claim(&mut self) -> Result<(), StoreError> {
        let registration = &self.registration;
        let mut limit = self.admission.available();
        if self.status.identities.orphaned == 0 {
            // Identities of a dead worker are claimed in any case: slowly is better than not at all.
            let room = self
                .failover_limit()
                .saturating_sub(registration.shared.sessions.len());
            limit = limit.min(room);
        }
        if limit == 0 {
            return Ok(());
        }
        let began = Instant::now();
        let claims = registration
            .shared
            .store
            .claim(registration.worker, limit)
            .await;
        registration
            .shared
            .metrics
            .statement(began.elapsed(), &claims);
        let claims = claims?;
        self.admission.take(claims.len());
        for claim in claims {
            self.begin_session(claim);
        }
        Ok(())
    }

    fn begin_session(&self, claim: Claim) {
        let registration = self.registration.clone();
        let sessions = registration.shared.sessions.clone();
        let permit = Permit::new(registration.clock.clone());
        let orders = sessions.add(&claim, permit.clone());
        let lease = claim.lease;
        let session = session::run(registration, self.committer.clone(), claim, permit, orders);
        // The session ends by itself, or when it is abandoned.
        let task = tokio::spawn(session);
        sessions.set_task(lease, task.abort_handle());
    }

    /// Abandons sessions whose lease an operator has ended, and releases leases whose claim did not arrive.
    async fn compare_leases(&self) -> Result<(), StoreError> {
        let registration = &self.registration;
        let store = &registration.shared.store;
        let running = registration.shared.sessions.leases();
        let mut stored = store.leases(registration.worker).await?;
        stored.sort_unstable();
        if running == stored {
            return Ok(());
        }
        let running: BTreeSet<Lease> = running.into_iter().collect();
        let stored: BTreeSet<Lease> = stored.into_iter().collect();
        for lost in running.difference(&stored) {
            // A session that has just released its identity has removed itself.
            registration.shared.metrics.lease_lost();
            registration.shared.sessions.abandon(*lost);
        }
        let releases: Vec<_> = stored
            .difference(&running)
            .map(|lease| release(*lease))
            .collect();
        if !releases.is_empty() {
            store.release(&releases).await?;
        }
        Ok(())
    }

    /// Releases identities beyond the fair share, as fast as the other workers claim them, so that a new worker gets its share.
    fn release_excess(&mut self) {
        let identities = self.status.identities;
        let workers = self.live_workers();
        let count = workers.len();
        if identities.orphaned + identities.free + identities.releasing > 0 || count < 2 {
            return;
        }
        let total = identities.leased + identities.ready;
        let share = usize::try_from(total).unwrap_or(usize::MAX).div_ceil(count);
        let target = share.min(self.failover_limit());
        let room = |it: &&WorkerStatus| target.min(it.capacity).saturating_sub(it.leases);
        let others = workers
            .iter()
            .filter(|it| it.id != self.registration.worker);
        let room: usize = others.map(room).sum();
        let sessions = &self.registration.shared.sessions;
        let excess = sessions.len().saturating_sub(share).min(room);
        let limit = excess.min(self.admission.available());
        // A session that is being resumed must poll first.
        let released = sessions.release(limit, false);
        self.admission.take(released);
        if released > 0 {
            // The status does not know the released ones.
            self.read_at = None;
        }
    }

    /// Releases identities as fast as the other workers can claim them.
    async fn drain(&mut self) -> Result<Option<End>, StoreError> {
        let registration = &self.registration;
        let (store, worker) = (&registration.shared.store, registration.worker);
        if !self.is_drain_stored {
            store.drain_worker(worker).await?;
            self.is_drain_stored = true;
        }
        let sessions = &registration.shared.sessions;
        if sessions.len() == 0 {
            store.retire_worker(worker).await?;
            return Ok(Some(End::Drained));
        }
        let others = self.live_workers().len().max(1);
        let released = sessions.release(self.admission.available() * others, true);
        self.admission.take(released.div_ceil(others));
        Ok(None)
    }

    fn failover_limit(&self) -> usize {
        let per_second = self.registration.shared.config.claims_per_second;
        let lease_time = self.registration.clock.lease_time();
        failover_limit(self.live_workers().len(), per_second, lease_time)
    }

    /// The workers that claim identities.
    fn live_workers(&self) -> Vec<&WorkerStatus> {
        let workers = self.status.workers.iter();
        workers.filter(|it| it.state == WorkerState::Live).collect()
    }
}

fn release(lease: Lease) -> Release {
    Release {
        lease,
        checkpoint: None,
        pause: Duration::ZERO,
        gap: Duration::ZERO,
    }
}
