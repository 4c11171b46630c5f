//! The outbox of the store in memory, as workers see it.

use std::time::SystemTime;

use super::state::{OutboxRow, State, since};
use crate::store::{
    DoubtfulMessage, IdentityId, IdentityState, Lease, MessageState, QueuedMessage, StoreError,
    WorkerId,
};

impl State {
    pub(super) fn next_messages(
        &self,
        now: SystemTime,
        worker: WorkerId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        let leases = &self.worker(worker)?.leases;
        let heads = self.heads.range(after.saturating_add(1)..);
        let messages = heads.filter_map(|number| {
            let row = self.outbox.get(number)?;
            let identity = self.identities.get(&row.identity)?;
            let is_due = leases.contains_key(&row.identity)
                && identity.state == IdentityState::Ready
                && row.is_in_time(now);
            is_due.then(|| QueuedMessage {
                number: *number,
                lease: Lease {
                    worker,
                    identity: row.identity,
                    fence: identity.fence,
                },
                operation: row.operation.clone(),
                peer: row.peer.clone(),
                content: row.content.clone(),
            })
        });
        Ok(messages.take(limit).collect())
    }

    /// Adds a queued message.
    pub(super) fn insert_message(&mut self, number: i64, row: OutboxRow) {
        let (lane, deadline) = (row.lane(), row.deadline);
        self.by_key.insert((row.identity, row.key.clone()), number);
        self.by_operation.insert(row.operation.clone(), number);
        self.outbox.insert(number, row);
        self.deadlines.extend(deadline.map(|it| (it, number)));
        let open = self.open.entry(lane).or_default();
        if open.is_empty() {
            self.heads.insert(number);
        }
        open.insert(number);
    }

    /// Changes the state of a message to one that is not queued, and the indexes with it.
    pub(super) fn set_message_state(
        &mut self,
        now: SystemTime,
        number: i64,
        state: MessageState,
        reason: Option<&str>,
    ) {
        let Some(row) = self.outbox.get_mut(&number) else {
            return;
        };
        row.state = state;
        row.reason = reason.map(str::to_owned);
        match state {
            MessageState::Queued | MessageState::Posted => {}
            MessageState::Posting => row.posting_at = Some(now),
            _ => row.settled_at = Some(now),
        }
        let lane = row.lane();
        if let Some(deadline) = row.deadline {
            self.deadlines.remove(&(deadline, number));
        }
        self.heads.remove(&number);
        if !state.is_settled() {
            return;
        }
        if let Some(open) = self.open.get_mut(&lane) {
            open.remove(&number);
            match open.first() {
                None => drop(self.open.remove(&lane)),
                Some(first) => {
                    let first_row = self.outbox.get(first);
                    if first_row.is_some_and(|it| it.state == MessageState::Queued) {
                        self.heads.insert(*first);
                    }
                }
            }
        }
    }

    /// Changes queued messages to dead whose deadline has passed. Returns their number.
    pub(super) fn expire(&mut self, now: SystemTime) -> u64 {
        let expired = self.deadlines.iter();
        let expired = expired.take_while(|(deadline, _)| *deadline <= now);
        let expired: Vec<i64> = expired.map(|(_, number)| *number).collect();
        for number in &expired {
            self.set_message_state(now, *number, MessageState::Dead, Some("deadline"));
        }
        expired.len() as u64
    }

    /// Returns the messages of an identity that are posting or posted, in order.
    pub(super) fn doubtful_messages(
        &self,
        now: SystemTime,
        id: IdentityId,
    ) -> Vec<DoubtfulMessage> {
        let rows = self.sent_messages(id).into_iter();
        rows.filter_map(|number| {
            let row = self.outbox.get(&number)?;
            Some(DoubtfulMessage {
                operation: row.operation.clone(),
                peer: row.peer.clone(),
                content: row.content.clone(),
                href: row.href.clone(),
                age: since(now, row.posting_at.unwrap_or(now)),
            })
        })
        .collect()
    }

    /// Changes the messages of an identity to unknown that are posting or posted.
    pub(super) fn doubt_messages(&mut self, now: SystemTime, id: IdentityId) {
        for number in self.sent_messages(id) {
            self.set_message_state(now, number, MessageState::Unknown, Some("suspended"));
        }
    }

    /// The numbers of the messages of an identity that are posting or posted.
    fn sent_messages(&self, id: IdentityId) -> Vec<i64> {
        let lanes = self.open.range((id, String::new())..);
        let lanes = lanes.take_while(|((identity, _), _)| *identity == id);
        let numbers = lanes.flat_map(|(_, open)| open.iter().copied());
        let mut sent: Vec<i64> = numbers
            .filter(|number| {
                let row = self.outbox.get(number);
                row.is_some_and(|row| row.state != MessageState::Queued)
            })
            .collect();
        sent.sort_unstable();
        sent
    }
}
