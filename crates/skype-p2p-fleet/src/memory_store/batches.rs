//! The commit of event batches in the store in memory.

use std::time::SystemTime;

use super::state::{InboxRow, State};
use crate::store::{
    Batch, CommitRefusal, IdentityId, MessageState, OperationId, Posted, ReceivedMessage, Settled,
    Verdict,
};

impl State {
    pub(super) fn commit(&mut self, now: SystemTime, batch: &Batch) -> Result<(), CommitRefusal> {
        let id = batch.lease.identity;
        if batch.number <= self.leased_mut(batch.lease)?.batch {
            return Ok(());
        }
        let is_refused = |it: &&OperationId| !self.may_post(now, id, it);
        let refused: Vec<_> = batch.posting.iter().filter(is_refused).cloned().collect();
        if !refused.is_empty() {
            return Err(CommitRefusal::NotPosted(refused));
        }
        for message in &batch.received {
            self.record(now, id, message);
        }
        for posted in &batch.posted {
            self.set_posted(now, id, posted);
        }
        for settled in &batch.settled {
            self.settle(now, id, settled);
        }
        for operation in &batch.posting {
            if let Some(number) = self.number_of(id, operation) {
                self.set_message_state(now, number, MessageState::Posting, None);
            }
        }
        let row = self.leased_mut(batch.lease)?;
        row.batch = batch.number;
        if let Some(checkpoint) = &batch.checkpoint {
            row.checkpoint = Some(checkpoint.clone());
        }
        Ok(())
    }

    /// A message may be posting if it is queued, in time, and the oldest one of its identity and receiver.
    fn may_post(&self, now: SystemTime, id: IdentityId, operation: &OperationId) -> bool {
        let number = self.number_of(id, operation);
        number.is_some_and(|number| {
            let is_head = self.heads.contains(&number);
            is_head
                && self
                    .outbox
                    .get(&number)
                    .is_some_and(|it| it.is_in_time(now))
        })
    }

    fn record(&mut self, now: SystemTime, id: IdentityId, message: &ReceivedMessage) {
        if self.received.insert((id, message.href.clone())) {
            let position = self.next_number();
            let row = InboxRow {
                identity: id,
                message: message.storable(),
                recorded_at: now,
            };
            self.inbox.insert(position, row);
        }
    }

    fn set_posted(&mut self, now: SystemTime, id: IdentityId, posted: &Posted) {
        let Some(number) = self.number_of(id, &posted.operation) else {
            return;
        };
        let Some(row) = self.outbox.get_mut(&number) else {
            return;
        };
        if row.posting_at.is_none() {
            return;
        }
        row.href = Some(posted.href.clone());
        if row.state == MessageState::Posting {
            self.set_message_state(now, number, MessageState::Posted, None);
        }
    }

    fn settle(&mut self, now: SystemTime, id: IdentityId, settled: &Settled) {
        let Some(number) = self.number_of(id, &settled.operation) else {
            return;
        };
        let before = self.outbox.get(&number).map(|row| row.state);
        let (state, is_possible) = match settled.verdict {
            Verdict::Delivered => (MessageState::Delivered, false),
            Verdict::Failed => (MessageState::Failed, before == Some(MessageState::Queued)),
            Verdict::Unknown => (MessageState::Unknown, false),
        };
        let is_sent = matches!(
            before,
            Some(MessageState::Posting | MessageState::Posted | MessageState::Unknown)
        );
        if (is_sent || is_possible) && before != Some(state) {
            self.set_message_state(now, number, state, settled.reason.as_deref());
        }
    }

    /// The number of a message of an identity.
    fn number_of(&self, id: IdentityId, operation: &OperationId) -> Option<i64> {
        let number = *self.by_operation.get(operation)?;
        let row = self.outbox.get(&number)?;
        (row.identity == id).then_some(number)
    }
}
