//! What clients do with the store in memory.

use std::time::SystemTime;

use super::state::{OutboxRow, State};
use crate::store::{
    Delivery, EnqueueOutcome, IdentityId, InboxMessage, MessageState, NewMessage, OperationId,
    StoreError,
};

impl State {
    pub(super) fn enqueue(
        &mut self,
        now: SystemTime,
        messages: &[NewMessage],
    ) -> Result<Vec<EnqueueOutcome>, StoreError> {
        let mut identities = Vec::with_capacity(messages.len());
        for message in messages {
            message.check()?;
            let id = self.find(&message.identity);
            let unknown = || StoreError::UnknownIdentity(message.identity.clone());
            identities.push(id.ok_or_else(unknown)?);
        }
        let rows = identities.into_iter().zip(messages);
        Ok(rows.map(|(id, it)| self.enqueue_one(now, id, it)).collect())
    }

    fn enqueue_one(
        &mut self,
        now: SystemTime,
        id: IdentityId,
        message: &NewMessage,
    ) -> EnqueueOutcome {
        let existing = self.by_key.get(&(id, message.key.clone()));
        if let Some(row) = existing.and_then(|number| self.outbox.get(number)) {
            return match row.peer == message.peer && row.content == message.content {
                true => EnqueueOutcome::Duplicate(row.state),
                false => EnqueueOutcome::KeyInUse,
            };
        }
        let number = self.next_number();
        let row = OutboxRow {
            identity: id,
            key: message.key.clone(),
            peer: message.peer.clone(),
            content: message.content.clone(),
            operation: OperationId::new(self.next_uuid()),
            state: MessageState::Queued,
            href: None,
            reason: None,
            deadline: message.time_to_live.and_then(|it| now.checked_add(it)),
            queued_at: now,
            posting_at: None,
            settled_at: None,
        };
        self.insert_message(number, row);
        EnqueueOutcome::Queued
    }

    pub(super) fn deliveries(&self, identity: &str, keys: &[&str]) -> Vec<Option<Delivery>> {
        let id = self.find(identity);
        let deliveries = keys.iter().map(|key| {
            let number = self.by_key.get(&(id?, (*key).to_owned()))?;
            let row = self.outbox.get(number)?;
            Some(Delivery {
                state: row.state,
                reason: row.reason.clone(),
                operation: row.operation.clone(),
            })
        });
        deliveries.collect()
    }

    pub(super) fn read_inbox(
        &mut self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError> {
        if consumer.is_empty() {
            return Err(StoreError::InvalidValue("the name of a consumer is empty"));
        }
        let acknowledged = *self.consumers.entry(consumer.to_owned()).or_default();
        let rows = self.inbox.range(acknowledged.saturating_add(1)..);
        let rows = rows.take(limit);
        let messages = rows.filter_map(|(position, row)| {
            Some(InboxMessage {
                position: *position,
                identity: self.identities.get(&row.identity)?.sip_uri.clone(),
                message: row.message.clone(),
            })
        });
        Ok(messages.collect())
    }

    pub(super) fn acknowledge(&mut self, consumer: &str, position: i64) -> Result<(), StoreError> {
        let unknown = || StoreError::UnknownConsumer(consumer.to_owned());
        let acknowledged = self.consumers.get_mut(consumer).ok_or_else(unknown)?;
        // A position that does not exist yet would skip messages.
        let last = self.inbox.last_key_value().map_or(0, |(last, _)| *last);
        *acknowledged = position.min(last).max(*acknowledged);
        Ok(())
    }
}
