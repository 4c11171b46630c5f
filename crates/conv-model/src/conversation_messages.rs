//! The facts about the messages of a conversation.

use std::time::SystemTime;

use crate::body::MessageBody;
use crate::conversation::Conversation;
use crate::fact_parts::{ArchivedMessage, SenderFact};
use crate::history::ActivityItem;
use crate::ids::MessageId;
use crate::message::TextMessage;
use crate::observable::store::Transaction;
use crate::participant::Participant;
use crate::people;
use crate::person::Person;
use crate::reason::Reason;
use crate::remote_id::RemoteId;
use crate::states::{Direction, MessageFormat, MessageStatus};

impl Conversation {
    /// Adds an incoming message, unless its ID is known.
    pub(crate) fn receive(
        &self,
        transaction: &mut Transaction<'_>,
        message: MessageId,
        sender: &SenderFact,
        body: MessageBody,
        timestamp: SystemTime,
    ) {
        if transaction.cells(&self.node).by_id.contains(message) {
            return;
        }
        let (participant, person) = self.sender(transaction, sender);
        let item = TextMessage::new(
            &self.node.fixed.model,
            message,
            Direction::Incoming,
            person,
            body,
            timestamp,
            MessageStatus::Succeeded,
        );
        transaction
            .cells(&self.node)
            .by_id
            .insert(message, item.clone());
        self.push_message(transaction, item);
        if let Some(participant) = participant {
            participant.set(transaction, |values| values.is_typing = false);
        }
    }

    /// The sender of a message: a participant, or another person.
    fn sender(
        &self,
        transaction: &mut Transaction<'_>,
        sender: &SenderFact,
    ) -> (Option<Participant>, Person) {
        let participant = sender
            .participant
            .and_then(|id| self.participant(transaction, id))
            .or_else(|| self.participant_at(transaction, &sender.address));
        let person = match &participant {
            Some(participant) => {
                let person = participant.person();
                person.set_name(transaction, sender.display_name.as_deref());
                person
            }
            None => people::find_or_create(
                transaction,
                &self.node.fixed.model,
                &sender.address,
                sender.display_name.as_deref(),
            ),
        };
        (participant, person)
    }

    /// Inserts archived messages before all others, by their time. An archive is read backwards: of two messages with the
    /// same time, the one that was read later comes first.
    pub(crate) fn archive(
        &self,
        transaction: &mut Transaction<'_>,
        mut messages: Vec<ArchivedMessage>,
    ) {
        messages.sort_by_key(|message| message.timestamp);
        let cells = transaction.cells(&self.node);
        let known = cells.messages.iter().take(cells.archived).cloned();
        let known: Vec<_> = known.collect();
        let mut times: Vec<_> = known
            .iter()
            .map(|message| message.timestamp_now(transaction))
            .collect();
        let mut after_last = 0;
        for ArchivedMessage {
            message,
            direction,
            sender,
            body,
            timestamp,
        } in messages
        {
            if transaction.cells(&self.node).by_id.contains(message) {
                continue;
            }
            let (_, person) = self.sender(transaction, &sender);
            let item = TextMessage::new(
                &self.node.fixed.model,
                message,
                direction,
                person,
                body,
                timestamp,
                MessageStatus::Succeeded,
            );
            let cells = transaction.cells(&self.node);
            cells.by_id.insert(message, item.clone());
            cells.archived += 1;
            let index = times
                .partition_point(|other| *other < timestamp)
                .max(after_last);
            times.insert(index, timestamp);
            after_last = index + 1;
            // The archived messages come first in both lists.
            let activity = ActivityItem::TextMessage(item.clone());
            transaction.insert(&self.node, |cells| &mut cells.messages, index, item);
            transaction.insert(&self.node, |cells| &mut cells.activities, index, activity);
        }
    }

    /// Sets the ID of a message at the server.
    pub(crate) fn set_remote_id(
        &self,
        transaction: &mut Transaction<'_>,
        message: MessageId,
        remote_id: &str,
    ) {
        let cells = transaction.cells(&self.node);
        let item = cells.by_id.get(message).cloned();
        if let Some(item) = item {
            let remote_id = RemoteId::new(remote_id, &mut cells.last_folder);
            item.set_remote_id(transaction, remote_id);
        }
    }

    /// Sets the status of a message.
    pub(crate) fn settle(
        &self,
        transaction: &mut Transaction<'_>,
        message: MessageId,
        status: MessageStatus,
        timestamp: Option<SystemTime>,
        reason: Option<Reason>,
    ) {
        let cells = transaction.cells(&self.node);
        let Some(item) = cells.by_id.get(message).cloned() else {
            return;
        };
        if status != MessageStatus::Pending {
            cells.pending.retain(|pending| *pending != item);
            if cells.pending.is_empty() {
                cells.pending = Vec::new();
            }
        }
        item.settle(transaction, status, timestamp, reason);
    }

    /// Sets the message formats that both sides agreed on.
    pub(crate) fn set_formats(&self, transaction: &mut Transaction<'_>, formats: &[MessageFormat]) {
        let current: Vec<_> = transaction
            .cells(&self.node)
            .formats
            .iter()
            .copied()
            .collect();
        for format in current.iter().filter(|format| !formats.contains(format)) {
            transaction.remove(
                &self.node,
                |cells| &mut cells.formats,
                |item| item == format,
            );
        }
        for format in formats {
            if !transaction
                .cells(&self.node)
                .formats
                .iter()
                .any(|item| item == format)
            {
                transaction.push(&self.node, |cells| &mut cells.formats, *format);
            }
        }
    }
}
