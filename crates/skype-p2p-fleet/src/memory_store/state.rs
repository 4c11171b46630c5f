//! The rows of the store in memory, and their indexes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::{Duration, SystemTime},
};

use crate::store::{
    Content, Identity, IdentityId, IdentityState, MessageState, OperationId, ReceivedMessage,
    Sealed, WorkerId, WorkerState,
};

/// The rows of the store, and their indexes.
pub(super) struct State {
    pub(super) lease_time: Duration,
    pub(super) password_pause: Duration,
    pub(super) workers: BTreeMap<WorkerId, WorkerRow>,
    pub(super) identities: BTreeMap<IdentityId, IdentityRow>,
    /// The number of the identities in each state.
    pub(super) states: BTreeMap<IdentityState, u64>,
    /// The identities by their SIP URIs in lower case.
    pub(super) by_sip_uri: BTreeMap<String, IdentityId>,
    /// The identities that no live worker has and that are not suspended.
    pub(super) claimable: BTreeSet<ClaimOrder>,
    pub(super) outbox: BTreeMap<i64, OutboxRow>,
    pub(super) by_key: BTreeMap<(IdentityId, String), i64>,
    pub(super) by_operation: BTreeMap<OperationId, i64>,
    /// The messages without a result, by identity and receiver.
    pub(super) open: BTreeMap<Lane, BTreeSet<i64>>,
    /// The queued messages that are the oldest of their lanes.
    pub(super) heads: BTreeSet<i64>,
    /// The queued messages with a deadline.
    pub(super) deadlines: BTreeSet<(SystemTime, i64)>,
    pub(super) inbox: BTreeMap<i64, InboxRow>,
    /// The hrefs of the messages in the inbox.
    pub(super) received: BTreeSet<(IdentityId, String)>,
    /// The acknowledged positions.
    pub(super) consumers: BTreeMap<String, i64>,
    last_number: i64,
}

/// An identity and the address of a receiver in lower case.
pub(super) type Lane = (IdentityId, String);

/// The order of claims: identities of dead workers first, and among them that with the oldest claim.
pub(super) type ClaimOrder = (bool, Option<SystemTime>, IdentityId);

pub(super) struct WorkerRow {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) capacity: usize,
    pub(super) state: WorkerState,
    pub(super) heartbeat: SystemTime,
    /// The begin of the heartbeats without a gap.
    pub(super) live_since: SystemTime,
    /// The identities of the worker, with the fences of their leases.
    pub(super) leases: BTreeMap<IdentityId, i64>,
}

pub(super) struct IdentityRow {
    pub(super) sip_uri: String,
    pub(super) root: Option<String>,
    pub(super) user_agent: String,
    pub(super) endpoint_id: String,
    pub(super) credential: Option<Sealed>,
    pub(super) checkpoint: Option<Sealed>,
    /// Changed by [`State::set_state`] only.
    pub(super) state: IdentityState,
    pub(super) reason: Option<String>,
    pub(super) owner: Option<WorkerId>,
    pub(super) fence: i64,
    /// The number of the last batch of the lease.
    pub(super) batch: i64,
    pub(super) claimed_at: Option<SystemTime>,
    /// No worker claims the identity in this time. A clock that is set back leaves it.
    pub(super) pause: Option<Range<SystemTime>>,
    pub(super) attempt: Option<Attempt>,
    /// The identity has not polled since then. `None` while it polls, while it is suspended, and before its first claim.
    pub(super) silent_since: Option<SystemTime>,
}

/// A worker may have sent the password, and has not recorded the result.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    /// The fence of its lease.
    pub(super) fence: i64,
    pub(super) at: SystemTime,
}

impl IdentityRow {
    /// The place of the identity among the claimable ones.
    pub(super) fn claim_order(&self, id: IdentityId) -> ClaimOrder {
        (self.owner.is_none(), self.claimed_at, id)
    }

    /// The identity, as an operator sees it.
    pub(super) fn identity(&self, id: IdentityId, password_pause: Option<Duration>) -> Identity {
        Identity {
            id,
            sip_uri: self.sip_uri.clone(),
            state: self.state,
            reason: self.reason.clone(),
            owner: self.owner,
            fence: self.fence,
            password_pause,
        }
    }
}

pub(super) struct OutboxRow {
    pub(super) identity: IdentityId,
    pub(super) key: String,
    pub(super) peer: String,
    pub(super) content: Content,
    pub(super) operation: OperationId,
    pub(super) state: MessageState,
    pub(super) href: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) deadline: Option<SystemTime>,
    pub(super) queued_at: SystemTime,
    pub(super) posting_at: Option<SystemTime>,
    pub(super) settled_at: Option<SystemTime>,
}

impl OutboxRow {
    pub(super) fn lane(&self) -> Lane {
        (self.identity, self.peer.to_ascii_lowercase())
    }

    pub(super) fn is_in_time(&self, now: SystemTime) -> bool {
        self.deadline.is_none_or(|deadline| now < deadline)
    }
}

pub(super) struct InboxRow {
    pub(super) identity: IdentityId,
    pub(super) message: ReceivedMessage,
    pub(super) recorded_at: SystemTime,
}

impl State {
    pub(super) fn new(lease_time: Duration) -> Self {
        Self {
            lease_time,
            password_pause: Duration::from_secs(600),
            workers: BTreeMap::new(),
            identities: BTreeMap::new(),
            states: BTreeMap::new(),
            by_sip_uri: BTreeMap::new(),
            claimable: BTreeSet::new(),
            outbox: BTreeMap::new(),
            by_key: BTreeMap::new(),
            by_operation: BTreeMap::new(),
            open: BTreeMap::new(),
            heads: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            inbox: BTreeMap::new(),
            received: BTreeSet::new(),
            consumers: BTreeMap::new(),
            last_number: 0,
        }
    }

    /// Returns a number that is higher than all before.
    pub(super) fn next_number(&mut self) -> i64 {
        self.last_number += 1;
        self.last_number
    }

    /// Returns an ID in the form of a UUID, which no call before has returned.
    pub(super) fn next_uuid(&mut self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.next_number())
    }

    /// Changes the state of an identity.
    pub(super) fn set_state(&mut self, id: IdentityId, state: IdentityState) {
        if let Some(row) = self.identities.get_mut(&id) {
            let before = std::mem::replace(&mut row.state, state);
            if let Some(count) = self.states.get_mut(&before) {
                *count = count.saturating_sub(1);
            }
            *self.states.entry(state).or_default() += 1;
        }
    }

    /// Returns an identity by its SIP URI, in any case.
    pub(super) fn find(&self, sip_uri: &str) -> Option<IdentityId> {
        self.by_sip_uri.get(&sip_uri.to_ascii_lowercase()).copied()
    }
}

/// The time from `earlier` to `later`. Zero if the clock was set back in between.
pub(super) fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}
