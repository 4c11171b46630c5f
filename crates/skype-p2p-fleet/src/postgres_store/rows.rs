//! Rows of the database as values of the store.

use std::time::Duration;

use tokio_postgres::{Error, Row};

use crate::store::{
    Claim, Content, DeadLetter, Delivery, DoubtfulMessage, EnqueueOutcome, FleetStatus, Identity,
    IdentityId, IdentityState, InboxMessage, Lease, MessageState, OperationId, QueuedMessage,
    ReceivedMessage, Sealed, SealedValues, WorkerId, WorkerState, WorkerStatus,
};

/// The longest duration that the database adds to a time: a hundred years.
const LONGEST: Duration = Duration::from_secs(3_155_760_000);

/// A duration as the database takes it.
pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.min(LONGEST).as_micros()).unwrap_or(i64::MAX)
}

/// A duration of the database. Zero if its clock was set back.
pub(super) fn duration(micros: i64) -> Duration {
    Duration::from_micros(micros.try_into().unwrap_or(0))
}

fn count(row: &Row, column: usize) -> Result<u64, Error> {
    let count: i64 = row.try_get(column)?;
    Ok(count.try_into().unwrap_or(0))
}

pub(super) fn claim(worker: WorkerId, row: &Row) -> Result<Claim, Error> {
    Ok(Claim {
        lease: Lease {
            worker,
            identity: IdentityId(row.try_get(0)?),
            fence: row.try_get(1)?,
        },
        is_takeover: row.try_get(2)?,
        sip_uri: row.try_get(3)?,
        root: row.try_get(4)?,
        endpoint_id: row.try_get(5)?,
        user_agent: row.try_get(6)?,
        credential: sealed(row, 7)?,
        checkpoint: sealed(row, 8)?,
        doubtful: doubtful_messages(row)?,
        gap: duration(row.try_get(15)?),
    })
}

fn sealed(row: &Row, column: usize) -> Result<Option<Sealed>, Error> {
    let bytes: Option<Vec<u8>> = row.try_get(column)?;
    Ok(bytes.map(Sealed::from_bytes))
}

pub(super) fn sealed_values(row: &Row) -> Result<SealedValues, Error> {
    Ok(SealedValues {
        identity: IdentityId(row.try_get(0)?),
        sip_uri: row.try_get(1)?,
        credential: sealed(row, 2)?,
        checkpoint: sealed(row, 3)?,
    })
}

/// The columns of a claim that are arrays, with an element for each doubtful message.
fn doubtful_messages(row: &Row) -> Result<Vec<DoubtfulMessage>, Error> {
    let operations: Vec<String> = row.try_get(9)?;
    let peers: Vec<String> = row.try_get(10)?;
    let media_types: Vec<String> = row.try_get(11)?;
    let bodies: Vec<String> = row.try_get(12)?;
    let hrefs: Vec<Option<String>> = row.try_get(13)?;
    let ages: Vec<i64> = row.try_get(14)?;
    let contents = media_types.into_iter().zip(bodies);
    let contents = contents.map(|(media_type, text)| Content { media_type, text });
    let places = operations.into_iter().zip(peers);
    let rest = contents.zip(hrefs).zip(ages);
    let messages = places.zip(rest);
    let messages = messages.map(
        |((operation, peer), ((content, href), age))| DoubtfulMessage {
            operation: OperationId::new(operation),
            peer,
            content,
            href,
            age: duration(age),
        },
    );
    Ok(messages.collect())
}

/// `None` for a worker without leases.
pub(super) fn lease(worker: WorkerId, row: &Row) -> Result<Option<Lease>, Error> {
    let identity: Option<i64> = row.try_get(0)?;
    let fence: Option<i64> = row.try_get(1)?;
    Ok(identity.zip(fence).map(|(identity, fence)| Lease {
        worker,
        identity: IdentityId(identity),
        fence,
    }))
}

pub(super) fn queued_message(worker: WorkerId, row: &Row) -> Result<QueuedMessage, Error> {
    Ok(QueuedMessage {
        number: row.try_get(0)?,
        lease: Lease {
            worker,
            identity: IdentityId(row.try_get(1)?),
            fence: row.try_get(2)?,
        },
        operation: OperationId::new(row.try_get::<_, String>(3)?),
        peer: row.try_get(4)?,
        content: Content {
            media_type: row.try_get(5)?,
            text: row.try_get(6)?,
        },
    })
}

pub(super) fn identity(row: &Row) -> Result<Identity, Error> {
    let owner: Option<i64> = row.try_get(4)?;
    let pause: Option<i64> = row.try_get(6)?;
    Ok(Identity {
        id: IdentityId(row.try_get(0)?),
        sip_uri: row.try_get(1)?,
        state: match row.try_get(2)? {
            "leased" => IdentityState::Leased,
            "ready" => IdentityState::Ready,
            "releasing" => IdentityState::Releasing,
            "suspended" => IdentityState::Suspended,
            _ => IdentityState::Free,
        },
        reason: row.try_get(3)?,
        owner: owner.map(WorkerId),
        fence: row.try_get(5)?,
        password_pause: pause.map(duration).filter(|it| !it.is_zero()),
    })
}

pub(super) fn worker_status(row: &Row) -> Result<WorkerStatus, Error> {
    Ok(WorkerStatus {
        id: WorkerId(row.try_get(1)?),
        name: row.try_get(2)?,
        version: row.try_get(3)?,
        capacity: row.try_get::<_, i64>(4)?.try_into().unwrap_or(0),
        state: match row.try_get(5)? {
            "draining" => WorkerState::Draining,
            "dead" => WorkerState::Dead,
            _ => WorkerState::Live,
        },
        leases: row.try_get::<_, i64>(6)?.try_into().unwrap_or(0),
        last_heartbeat: duration(row.try_get(7)?),
    })
}

pub(super) fn identity_counts(row: &Row, status: &mut FleetStatus) -> Result<(), Error> {
    let counts = &mut status.identities;
    let of_state = match row.try_get(2)? {
        "free" => &mut counts.free,
        "leased" => &mut counts.leased,
        "ready" => &mut counts.ready,
        "releasing" => &mut counts.releasing,
        "suspended" => &mut counts.suspended,
        _ => &mut counts.orphaned,
    };
    *of_state = count(row, 6)?;
    let gap: Option<i64> = row.try_get(7)?;
    status.event_gap = status.event_gap.max(gap.map(duration).unwrap_or_default());
    Ok(())
}

pub(super) fn message_counts(row: &Row, status: &mut FleetStatus) -> Result<(), Error> {
    let messages = count(row, 6)?;
    match row.try_get(2)? {
        "queued" => {
            status.messages.queued = messages;
            status.oldest_queued = Some(duration(row.try_get(7)?));
        }
        "posting" => status.messages.posting = messages,
        _ => status.messages.posted = messages,
    }
    Ok(())
}

pub(super) fn dead_letter(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        identity: row.try_get(0)?,
        key: row.try_get(1)?,
        peer: row.try_get(2)?,
        state: message_state(row.try_get(3)?),
        reason: row.try_get(4)?,
        age: duration(row.try_get(5)?),
    })
}

pub(super) fn enqueue_outcome(row: &Row) -> Result<EnqueueOutcome, Error> {
    Ok(match row.try_get(0)? {
        "queued" => EnqueueOutcome::Queued,
        "duplicate" => EnqueueOutcome::Duplicate(message_state(row.try_get(1)?)),
        _ => EnqueueOutcome::KeyInUse,
    })
}

/// `None` for a key without a message.
pub(super) fn delivery(row: &Row) -> Result<Option<Delivery>, Error> {
    let Some(state) = row.try_get(0)? else {
        return Ok(None);
    };
    Ok(Some(Delivery {
        state: message_state(state),
        reason: row.try_get(1)?,
        operation: OperationId::new(row.try_get::<_, String>(2)?),
    }))
}

pub(super) fn inbox_message(row: &Row) -> Result<InboxMessage, Error> {
    Ok(InboxMessage {
        position: row.try_get(0)?,
        identity: row.try_get(1)?,
        message: ReceivedMessage {
            href: row.try_get(2)?,
            thread_id: row.try_get(3)?,
            sender: row.try_get(4)?,
            content: Content {
                media_type: row.try_get(5)?,
                text: row.try_get(6)?,
            },
            written_at: row.try_get(7)?,
        },
    })
}

fn message_state(state: &str) -> MessageState {
    match state {
        "queued" => MessageState::Queued,
        "posting" => MessageState::Posting,
        "posted" => MessageState::Posted,
        "delivered" => MessageState::Delivered,
        "failed" => MessageState::Failed,
        "dead" => MessageState::Dead,
        _ => MessageState::Unknown,
    }
}
