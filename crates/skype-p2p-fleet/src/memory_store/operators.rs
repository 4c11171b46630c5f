//! What operators do with the store in memory.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::state::{IdentityRow, OutboxRow, State, since};
use crate::store::{
    DeadLetter, EnqueueOutcome, FleetStatus, Identity, IdentityCounts, IdentityId, IdentityState,
    MessageCounts, MessageState, NewIdentity, NewMessage, Sealed, StoreError, WorkerState,
    WorkerStatus,
};

impl State {
    pub(super) fn add_identity(&mut self, identity: NewIdentity) -> Result<IdentityId, StoreError> {
        identity.check()?;
        if self.find(&identity.sip_uri).is_some() {
            return Err(StoreError::IdentityExists(identity.sip_uri));
        }
        let id = IdentityId(self.next_number());
        let key = identity.sip_uri.to_ascii_lowercase();
        let row = IdentityRow {
            sip_uri: identity.sip_uri,
            root: identity.root,
            user_agent: identity.user_agent,
            endpoint_id: self.next_uuid(),
            credential: identity.credential,
            checkpoint: None,
            state: IdentityState::Free,
            reason: None,
            owner: None,
            fence: 0,
            batch: 0,
            claimed_at: None,
            pause: None,
            attempt: None,
            silent_since: None,
        };
        self.claimable.insert(row.claim_order(id));
        self.identities.insert(id, row);
        *self.states.entry(IdentityState::Free).or_default() += 1;
        self.by_sip_uri.insert(key, id);
        Ok(id)
    }

    pub(super) fn set_credential(
        &mut self,
        identity: &str,
        credential: Sealed,
    ) -> Result<(), StoreError> {
        let id = self.known(identity)?;
        if let Some(row) = self.identities.get_mut(&id) {
            row.credential = Some(credential);
            row.attempt = None;
        }
        Ok(())
    }

    pub(super) fn suspend(
        &mut self,
        now: SystemTime,
        identity: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let id = self.known(identity)?;
        self.set_suspended(now, id, reason);
        Ok(())
    }

    pub(super) fn resume(&mut self, identity: &str) -> Result<(), StoreError> {
        let id = self.known(identity)?;
        if let Some(row) = self.identities.get_mut(&id)
            && matches!(row.state, IdentityState::Free | IdentityState::Suspended)
        {
            row.attempt = None;
            self.set_free(id, None);
        }
        Ok(())
    }

    pub(super) fn identity(&self, now: SystemTime, identity: &str) -> Option<Identity> {
        let id = self.find(identity)?;
        let row = self.identities.get(&id)?;
        Some(row.identity(id, self.password_pause(now, row)))
    }

    pub(super) fn suspended(&self, limit: usize) -> Vec<Identity> {
        let rows = self.identities.iter();
        let suspended = rows.filter(|(_, row)| row.state == IdentityState::Suspended);
        suspended
            .take(limit)
            .map(|(id, row)| row.identity(*id, None))
            .collect()
    }

    pub(super) fn status(&self, now: SystemTime) -> FleetStatus {
        let live = self.workers.iter();
        let live = live.filter(|(_, row)| row.state != WorkerState::Dead);
        let workers = live.map(|(id, row)| WorkerStatus {
            id: *id,
            name: row.name.clone(),
            version: row.version.clone(),
            capacity: row.capacity,
            leases: row.leases.len(),
            state: row.state,
            last_heartbeat: since(now, row.heartbeat),
        });
        let mut messages = MessageCounts::default();
        let mut oldest_queued = None;
        let numbers = self.open.values().flatten();
        for row in numbers.filter_map(|number| self.outbox.get(number)) {
            match row.state {
                MessageState::Queued => {
                    messages.queued += 1;
                    oldest_queued = oldest_queued.max(Some(since(now, row.queued_at)));
                }
                MessageState::Posting => messages.posting += 1,
                _ => messages.posted += 1,
            }
        }
        FleetStatus {
            workers: workers.collect(),
            identities: self.identity_counts(),
            messages,
            oldest_queued,
            event_gap: self.event_gap(now),
        }
    }

    /// The longest time for which an identity has not polled.
    fn event_gap(&self, now: SystemTime) -> Duration {
        let gaps = self.identities.values().filter_map(|row| {
            let owner = row.owner.and_then(|owner| self.workers.get(&owner));
            let dead = owner.filter(|it| it.state == WorkerState::Dead);
            let silent_since = row.silent_since.or(dead.map(|it| it.heartbeat));
            silent_since.map(|it| since(now, it))
        });
        gaps.max().unwrap_or_default()
    }

    fn identity_counts(&self) -> IdentityCounts {
        // The claimable identities with an owner are those of dead workers, and keep their states.
        let orphans = self.claimable.iter().take_while(|(is_free, ..)| !is_free);
        let orphans = orphans.filter_map(|(.., id)| self.identities.get(id));
        let mut orphaned = BTreeMap::new();
        for row in orphans {
            *orphaned.entry(row.state).or_default() += 1;
        }
        let count = |state| {
            let of = |counts: &BTreeMap<_, u64>| counts.get(&state).copied().unwrap_or_default();
            of(&self.states).saturating_sub(of(&orphaned))
        };
        IdentityCounts {
            free: count(IdentityState::Free),
            leased: count(IdentityState::Leased),
            ready: count(IdentityState::Ready),
            releasing: count(IdentityState::Releasing),
            orphaned: orphaned.values().sum(),
            suspended: count(IdentityState::Suspended),
        }
    }

    pub(super) fn dead_letters(&self, now: SystemTime, limit: usize) -> Vec<DeadLetter> {
        let is_dead_letter =
            |row: &OutboxRow| row.state.is_settled() && row.state != MessageState::Delivered;
        let rows = self.outbox.iter();
        let mut rows: Vec<_> = rows.filter(|(_, row)| is_dead_letter(row)).collect();
        rows.sort_by_key(|(number, row)| Reverse((row.settled_at, **number)));
        let letters = rows.into_iter().filter_map(|(_, row)| {
            let identity = self.identities.get(&row.identity)?;
            Some(DeadLetter {
                identity: identity.sip_uri.clone(),
                key: row.key.clone(),
                peer: row.peer.clone(),
                state: row.state,
                reason: row.reason.clone(),
                age: since(now, row.settled_at.unwrap_or(now)),
            })
        });
        letters.take(limit).collect()
    }

    pub(super) fn requeue(
        &mut self,
        now: SystemTime,
        identity: &str,
        key: &str,
        new_key: &str,
        time_to_live: Option<Duration>,
    ) -> Result<EnqueueOutcome, StoreError> {
        let not_requeued = || StoreError::NotRequeued(key.to_owned());
        let id = self.find(identity).ok_or_else(not_requeued)?;
        let number = self.by_key.get(&(id, key.to_owned()));
        let row = number.and_then(|number| self.outbox.get(number));
        let row = row.filter(|it| matches!(it.state, MessageState::Failed | MessageState::Dead));
        let row = row.ok_or_else(not_requeued)?;
        let message = NewMessage {
            identity: identity.to_owned(),
            key: new_key.to_owned(),
            peer: row.peer.clone(),
            content: row.content.clone(),
            time_to_live,
        };
        let outcomes = self.enqueue(now, &[message])?;
        outcomes.into_iter().next().ok_or_else(not_requeued)
    }

    pub(super) fn prune(&mut self, now: SystemTime, age: Duration) -> u64 {
        let before = self.outbox.len() + self.inbox.len();
        let (by_key, by_operation) = (&mut self.by_key, &mut self.by_operation);
        self.outbox.retain(|_, row| {
            let is_old = row.settled_at.is_some_and(|it| since(now, it) > age);
            if is_old && row.state.is_settled() {
                by_key.remove(&(row.identity, row.key.clone()));
                by_operation.remove(&row.operation);
                return false;
            }
            true
        });
        let acknowledged = self.consumers.values().min().copied().unwrap_or(0);
        let received = &mut self.received;
        self.inbox.retain(|position, row| {
            let is_old = *position <= acknowledged && since(now, row.recorded_at) > age;
            if is_old {
                received.remove(&(row.identity, row.message.href.clone()));
            }
            !is_old
        });
        let owners: Vec<_> = self.identities.values().filter_map(|it| it.owner).collect();
        self.workers.retain(|id, row| {
            let is_old = row.state == WorkerState::Dead && since(now, row.heartbeat) > age;
            !is_old || owners.contains(id)
        });
        (before - self.outbox.len() - self.inbox.len()) as u64
    }

    pub(super) fn known(&self, identity: &str) -> Result<IdentityId, StoreError> {
        self.find(identity)
            .ok_or_else(|| StoreError::UnknownIdentity(identity.to_owned()))
    }
}
