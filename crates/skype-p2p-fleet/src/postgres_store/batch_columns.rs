//! Batches as the arrays that the function `fleet.commit_batches` takes.

use std::time::SystemTime;

use tokio_postgres::types::Type;

use super::connection::Parameter;
use crate::store::{Batch, Posted, ReceivedMessage, Settled, Verdict, without_nul};

/// The values of batches, by columns. The values of one kind have the same number of rows; those of messages have the place of
/// their batch.
#[derive(Default)]
pub(super) struct BatchColumns<'a> {
    workers: Vec<i64>,
    identities: Vec<i64>,
    fences: Vec<i64>,
    numbers: Vec<i64>,
    checkpoints: Vec<Option<&'a [u8]>>,
    received: Received,
    posted_batches: Vec<i64>,
    posted_operations: Vec<&'a str>,
    posted_hrefs: Vec<String>,
    settled_batches: Vec<i64>,
    settled_operations: Vec<&'a str>,
    settled_states: Vec<&'a str>,
    settled_reasons: Vec<Option<String>>,
    posting_batches: Vec<i64>,
    posting_operations: Vec<&'a str>,
}

#[derive(Default)]
struct Received {
    batches: Vec<i64>,
    hrefs: Vec<String>,
    threads: Vec<Option<String>>,
    senders: Vec<String>,
    media_types: Vec<String>,
    bodies: Vec<String>,
    times: Vec<SystemTime>,
}

impl<'a> BatchColumns<'a> {
    pub(super) fn new(batches: &'a [Batch]) -> Self {
        let mut columns = Self::default();
        // Arrays of PostgreSQL begin at 1.
        for (place, batch) in (1..).zip(batches) {
            columns.push(place, batch);
        }
        columns
    }

    fn push(&mut self, place: i64, batch: &'a Batch) {
        self.workers.push(batch.lease.worker.0);
        self.identities.push(batch.lease.identity.0);
        self.fences.push(batch.lease.fence);
        self.numbers.push(batch.number);
        let checkpoint = batch.checkpoint.as_ref().map(|it| it.as_bytes());
        self.checkpoints.push(checkpoint);
        for message in &batch.received {
            self.received.push(place, message);
        }
        for Posted { operation, href } in &batch.posted {
            self.posted_batches.push(place);
            self.posted_operations.push(operation.as_str());
            self.posted_hrefs.push(without_nul(href));
        }
        for settled in &batch.settled {
            let Settled {
                operation,
                verdict,
                reason,
            } = settled;
            self.settled_batches.push(place);
            self.settled_operations.push(operation.as_str());
            self.settled_states.push(match verdict {
                Verdict::Delivered => "delivered",
                Verdict::Failed => "failed",
                Verdict::Unknown => "unknown",
            });
            let reason = reason.as_deref().map(without_nul);
            self.settled_reasons.push(reason);
        }
        for operation in &batch.posting {
            self.posting_batches.push(place);
            self.posting_operations.push(operation.as_str());
        }
    }

    /// The parameters of the function, in order.
    pub(super) fn parameters(&self) -> [Parameter<'_>; 21] {
        let received = &self.received;
        [
            (&self.workers, Type::INT8_ARRAY),
            (&self.identities, Type::INT8_ARRAY),
            (&self.fences, Type::INT8_ARRAY),
            (&self.numbers, Type::INT8_ARRAY),
            (&self.checkpoints, Type::BYTEA_ARRAY),
            (&received.batches, Type::INT8_ARRAY),
            (&received.hrefs, Type::TEXT_ARRAY),
            (&received.threads, Type::TEXT_ARRAY),
            (&received.senders, Type::TEXT_ARRAY),
            (&received.media_types, Type::TEXT_ARRAY),
            (&received.bodies, Type::TEXT_ARRAY),
            (&received.times, Type::TIMESTAMPTZ_ARRAY),
            (&self.posted_batches, Type::INT8_ARRAY),
            (&self.posted_operations, Type::TEXT_ARRAY),
            (&self.posted_hrefs, Type::TEXT_ARRAY),
            (&self.settled_batches, Type::INT8_ARRAY),
            (&self.settled_operations, Type::TEXT_ARRAY),
            (&self.settled_states, Type::TEXT_ARRAY),
            (&self.settled_reasons, Type::TEXT_ARRAY),
            (&self.posting_batches, Type::INT8_ARRAY),
            (&self.posting_operations, Type::TEXT_ARRAY),
        ]
    }
}

impl Received {
    fn push(&mut self, batch: i64, message: &ReceivedMessage) {
        let message = message.storable();
        self.batches.push(batch);
        self.hrefs.push(message.href);
        self.threads.push(message.thread_id);
        self.senders.push(message.sender);
        self.media_types.push(message.content.media_type);
        self.bodies.push(message.content.text);
        self.times.push(message.written_at);
    }
}
