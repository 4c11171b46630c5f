//! The messages of a session that have no result, and the batches that store its events.

use std::{collections::BTreeMap, time::Duration};

use skype_p2p::{Event, MessageBody, MessageStatus, Reason, Resend};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::metrics::Metrics;
use crate::store::{
    Batch, Content, Lease, OperationId, Posted, QueuedMessage, ReceivedMessage, Sealed, Settled,
    Verdict,
};

/// The pause before a message that was not sent is tried again, for example because the server was busy.
const RETRY: Duration = Duration::from_secs(5);

/// The messages of a session that have no result, and the number of its last batch.
#[derive(Debug)]
pub(super) struct BatchBuilder {
    lease: Lease,
    number: i64,
    in_flight: BTreeMap<OperationId, InFlight>,
    /// The last message of each peer that the session was handed.
    handed: BTreeMap<String, Handed>,
}

#[derive(Debug)]
struct InFlight {
    peer: String,
    /// The message is posting in the store, or about to be.
    is_posting: bool,
    /// Held until the server has answered the request.
    slot: Option<OwnedSemaphorePermit>,
}

#[derive(Debug)]
struct Handed {
    number: i64,
    /// The message was not sent, and is tried again then.
    retry_at: Option<Instant>,
}

impl BatchBuilder {
    pub(super) fn new(lease: Lease) -> Self {
        Self {
            lease,
            number: 0,
            in_flight: BTreeMap::new(),
            handed: BTreeMap::new(),
        }
    }

    /// A former owner may have sent the message.
    pub(super) fn add_doubtful(&mut self, operation: &OperationId, peer: &str) {
        let message = InFlight {
            peer: peer.to_owned(),
            is_posting: true,
            slot: None,
        };
        self.in_flight.insert(operation.clone(), message);
    }

    /// Whether the session has to send the message: it was not handed to it before.
    pub(super) fn accepts(&mut self, message: &QueuedMessage, slot: OwnedSemaphorePermit) -> bool {
        let handed = self.handed.get(&message.peer);
        let is_repeated = handed.is_some_and(|it| match it.retry_at {
            Some(at) => message.number < it.number || Instant::now() < at,
            None => message.number <= it.number,
        });
        if is_repeated {
            return false;
        }
        let handed = Handed {
            number: message.number,
            retry_at: None,
        };
        self.handed.insert(message.peer.clone(), handed);
        let in_flight = InFlight {
            peer: message.peer.clone(),
            is_posting: false,
            slot: Some(slot),
        };
        self.in_flight.insert(message.operation.clone(), in_flight);
        true
    }

    /// Whether no message of the session waits for its result.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Forgets which messages were handed out. A message that the store returns late is then refused by the store.
    pub(super) fn forget_handed(&mut self) {
        let now = Instant::now();
        self.handed
            .retain(|_, it| it.retry_at.is_some_and(|at| now < at));
    }

    /// A batch of events, with the checkpoint after them.
    pub(super) fn batch(
        &mut self,
        events: &[Event],
        checkpoint: Option<Sealed>,
        metrics: &Metrics,
    ) -> Batch {
        let mut batch = self.next_batch();
        batch.checkpoint = checkpoint;
        for event in events {
            self.add(&mut batch, event, metrics);
        }
        batch
    }

    /// The batch of the events that a detached session has left, with the checkpoint that acknowledges them. Messages that
    /// were not sent stay queued, and the next owner finds out the results of the others.
    pub(super) fn last_batch(
        &mut self,
        events: &[Event],
        checkpoint: Option<Sealed>,
        metrics: &Metrics,
    ) -> Batch {
        let is_kept = |event: &&Event| match event {
            Event::MessagePosting { .. } => false,
            Event::MessageSettled { status, reason, .. } => {
                *status == MessageStatus::Succeeded
                    || *status == MessageStatus::Failed
                        && reason
                            .as_ref()
                            .is_none_or(|it| *it.code() != skype_p2p::ReasonCode::SignedOut)
            }
            _ => true,
        };
        let events: Vec<_> = events.iter().filter(is_kept).cloned().collect();
        self.batch(&events, checkpoint, metrics)
    }

    /// The batch for a message that the session refused without an event, such as one to an invalid address. `None` if an
    /// event has told the result.
    pub(super) fn refusal(
        &mut self,
        operation: &OperationId,
        reason: &Reason,
        metrics: &Metrics,
    ) -> Option<Batch> {
        if self.in_flight.get(operation)?.is_posting {
            return None;
        }
        let mut batch = self.next_batch();
        self.settle(
            &mut batch,
            operation,
            MessageStatus::Failed,
            Some(reason),
            metrics,
        );
        Some(batch)
    }

    /// The batch for messages whose results cannot be found out.
    pub(super) fn unknown(&mut self, operations: Vec<OperationId>, metrics: &Metrics) -> Batch {
        let mut batch = self.next_batch();
        for operation in operations {
            self.in_flight.remove(&operation);
            metrics.verdict(Verdict::Unknown);
            batch.settled.push(Settled {
                operation,
                verdict: Verdict::Unknown,
                reason: Some("the worker died, and its session cannot be continued".to_owned()),
            });
        }
        batch
    }

    fn next_batch(&mut self) -> Batch {
        self.number += 1;
        Batch::new(self.lease, self.number)
    }

    fn add(&mut self, batch: &mut Batch, event: &Event, metrics: &Metrics) {
        match event {
            Event::MessageReceived {
                remote_id,
                sender,
                body,
                timestamp,
                ..
            } => batch.received.push(ReceivedMessage {
                href: remote_id.clone(),
                thread_id: None,
                sender: sender.clone(),
                content: content(body),
                written_at: *timestamp,
            }),
            Event::MessagePosting { message_id, .. } => {
                let operation = OperationId::new(message_id);
                if let Some(message) = self.in_flight.get_mut(&operation) {
                    message.is_posting = true;
                }
                batch.posting.push(operation);
            }
            Event::MessagePosted {
                message_id,
                remote_id,
                ..
            } => {
                let operation = OperationId::new(message_id);
                if let Some(message) = self.in_flight.get_mut(&operation) {
                    message.slot = None;
                }
                batch.posted.push(Posted {
                    operation,
                    href: remote_id.clone(),
                });
            }
            Event::MessageSettled {
                message_id,
                status,
                reason,
                ..
            } => {
                let operation = OperationId::new(message_id);
                self.settle(batch, &operation, *status, reason.as_ref(), metrics);
            }
            Event::NotResumed { reason, .. } => {
                tracing::info!(reason = %reason.code(), "the server no longer has the application");
            }
            _ => {}
        }
    }

    fn settle(
        &mut self,
        batch: &mut Batch,
        operation: &OperationId,
        status: MessageStatus,
        reason: Option<&Reason>,
        metrics: &Metrics,
    ) {
        let message = self.in_flight.remove(operation);
        let verdict = match status {
            MessageStatus::Succeeded => Verdict::Delivered,
            MessageStatus::Failed => Verdict::Failed,
            _ => Verdict::Unknown,
        };
        let is_retried =
            verdict == Verdict::Failed && reason.is_some_and(|it| it.resend() == Resend::Later);
        if let Some(message) = message.filter(|it| is_retried && !it.is_posting)
            && let Some(handed) = self.handed.get_mut(&message.peer)
        {
            // The message is still queued.
            handed.retry_at = Some(Instant::now() + RETRY);
            return;
        }
        metrics.verdict(verdict);
        batch.settled.push(Settled {
            operation: operation.clone(),
            verdict,
            reason: reason.map(|it| format!("{it:#}")),
        });
    }
}

fn content(body: &MessageBody) -> Content {
    let media_type = match body {
        MessageBody::Text(_) => "text/plain",
        MessageBody::Html(_) => "text/html",
        MessageBody::Other { media_type, .. } => media_type,
        _ => "application/octet-stream",
    };
    Content {
        media_type: media_type.to_owned(),
        text: body.raw().to_owned(),
    }
}
