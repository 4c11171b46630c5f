//! Passwords and keys in the store in memory: attempts to sign in, the removal of an identity, and the replacement of keys.

use std::time::{Duration, SystemTime};

use super::state::{Attempt, IdentityRow, State};
use crate::{
    sealing::Purpose,
    store::{IdentityId, Lease, Replacement, SealedValues, StoreError},
};

impl State {
    pub(super) fn begin_password_attempt(
        &mut self,
        now: SystemTime,
        lease: Lease,
    ) -> Result<Option<Duration>, StoreError> {
        let pause = self.password_pause;
        let row = self.leased_mut(lease).map_err(|_| StoreError::LeaseLost)?;
        if let Some(attempt) = &mut row.attempt
            && attempt.fence != lease.fence
        {
            // A clock that is set back makes the time longer, and not shorter.
            attempt.at = attempt.at.min(now);
            let rest = rest(now, *attempt, pause);
            if !rest.is_zero() {
                return Ok(Some(rest));
            }
        }
        row.attempt = Some(Attempt {
            fence: lease.fence,
            at: now,
        });
        Ok(None)
    }

    pub(super) fn end_password_attempt(&mut self, lease: Lease) -> Result<(), StoreError> {
        let row = self.leased_mut(lease).map_err(|_| StoreError::LeaseLost)?;
        row.attempt = row.attempt.filter(|it| it.fence != lease.fence);
        Ok(())
    }

    /// The time for which no worker sends the password of an identity.
    pub(super) fn password_pause(&self, now: SystemTime, row: &IdentityRow) -> Option<Duration> {
        let attempt = row.attempt?;
        let is_of_owner =
            attempt.fence == row.fence && row.owner.is_some_and(|owner| self.worker(owner).is_ok());
        let rest = rest(now, attempt, self.password_pause);
        (!is_of_owner && !rest.is_zero()).then_some(rest)
    }

    pub(super) fn remove_identity(
        &mut self,
        sip_uri: &str,
        is_forced: bool,
    ) -> Result<(), StoreError> {
        let id = self.known(sip_uri)?;
        if !is_forced {
            let (unsent, unread) = self.open_messages(id);
            if unsent + unread > 0 {
                return Err(StoreError::IdentityHasMessages { unsent, unread });
            }
        }
        self.end_lease(id);
        if let Some(row) = self.identities.remove(&id)
            && let Some(count) = self.states.get_mut(&row.state)
        {
            *count = count.saturating_sub(1);
        }
        self.by_sip_uri.remove(&sip_uri.to_ascii_lowercase());
        let (by_operation, heads, deadlines) =
            (&mut self.by_operation, &mut self.heads, &mut self.deadlines);
        self.outbox.retain(|number, row| {
            let is_kept = row.identity != id;
            if !is_kept {
                by_operation.remove(&row.operation);
                heads.remove(number);
                deadlines.retain(|(_, it)| it != number);
            }
            is_kept
        });
        self.by_key.retain(|(identity, _), _| *identity != id);
        self.open.retain(|(identity, _), _| *identity != id);
        self.inbox.retain(|_, row| row.identity != id);
        self.received.retain(|(identity, _)| *identity != id);
        Ok(())
    }

    /// The messages of an identity without a result, and those that not every consumer has acknowledged.
    fn open_messages(&self, id: IdentityId) -> (u64, u64) {
        let open = self
            .open
            .iter()
            .filter(|((identity, _), _)| *identity == id);
        let unsent: usize = open.map(|(_, numbers)| numbers.len()).sum();
        let acknowledged = self.consumers.values().min().copied().unwrap_or(0);
        let unread = self.inbox.range(acknowledged.saturating_add(1)..);
        let unread = unread.filter(|(_, row)| row.identity == id).count();
        (unsent as u64, unread as u64)
    }

    pub(super) fn sealed_values(&self, after: IdentityId, limit: usize) -> Vec<SealedValues> {
        let rows = self
            .identities
            .range(IdentityId(after.0.saturating_add(1))..);
        let values = rows.map(|(id, row)| SealedValues {
            identity: *id,
            sip_uri: row.sip_uri.clone(),
            credential: row.credential.clone(),
            checkpoint: row.checkpoint.clone(),
        });
        values.take(limit).collect()
    }

    pub(super) fn replace_sealed(&mut self, value: &Replacement) -> bool {
        let Some(row) = self.identities.get_mut(&value.identity) else {
            return false;
        };
        let stored = match value.purpose {
            Purpose::Credential => &mut row.credential,
            Purpose::Checkpoint => &mut row.checkpoint,
        };
        let is_unchanged = stored.as_ref() == Some(&value.old);
        if is_unchanged {
            *stored = Some(value.new.clone());
        }
        is_unchanged
    }
}

/// The rest of the time after an attempt in which another worker does not send the password.
fn rest(now: SystemTime, attempt: Attempt, pause: Duration) -> Duration {
    let end = attempt.at.min(now).checked_add(pause).unwrap_or(now);
    end.duration_since(now).unwrap_or_default()
}
