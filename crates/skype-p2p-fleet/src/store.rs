//! The store that the workers of a fleet, its operators and its clients share.

mod batch;
mod error;
mod identity;
mod inbox;
mod lease;
mod outbox;
mod status;
mod worker;

use std::{fmt, time::Duration};

use async_trait::async_trait;

pub use batch::{Batch, CommitRefusal, Posted, Settled, Verdict};
pub use error::StoreError;
pub use identity::{
    Identity, IdentityId, IdentityState, NewIdentity, Replacement, Sealed, SealedValues,
};
pub(crate) use inbox::without_nul;
pub use inbox::{Content, InboxMessage, ReceivedMessage};
pub use lease::{Claim, DoubtfulMessage, Lease, LeaseLost, Release};
pub use outbox::{
    DeadLetter, Delivery, EnqueueOutcome, MessageState, NewMessage, OperationId, QueuedMessage,
};
pub use status::{FleetStatus, IdentityCounts, MessageCounts, WorkerStatus};
pub use worker::{Heartbeat, NewWorker, Sweep, WorkerId, WorkerState};

/// The store that the workers of a fleet, its operators and its clients share.
///
/// Each method is one transaction. It takes effect as a whole or not at all, and is durable when it returns `Ok`.
/// After [`StoreError::Unavailable`] it is not known whether the method took effect; each method says what a repeated call does.
///
/// # Time
///
/// The only clock is that of the store. No method takes or returns a point in time that a decision depends on: callers give
/// durations, which begin when the store executes the method.
///
/// # Workers and leases
///
/// 1. A process calls [`register_worker`](Self::register_worker) and then [`heartbeat`](Self::heartbeat) every second. One
///    heartbeat keeps all leases of the worker.
/// 2. [`claim`](Self::claim) gives the worker identities that no live worker has. Each [`Lease`] has a fence, a number that is
///    higher than those of the former leases of the identity. A method with a lease changes nothing if the lease is no
///    longer the current one, or if the worker is dead.
/// 3. The worker resumes the session from the checkpoint of the claim, and calls [`set_ready`](Self::set_ready) when it polls
///    for events.
/// 4. Every half second [`sweep`](Self::sweep) declares workers dead whose last heartbeat is older than the lease time. A
///    worker that has not been live for a full lease time declares no other worker dead: after an outage of the store, all
///    workers have that much time for their heartbeat.
/// 5. A dead worker never becomes live again. Its methods fail with [`StoreError::WorkerDead`]; the process ends all of its
///    sessions without changing anything at the server, and registers again.
/// 6. [`release`](Self::release) gives an identity back, with a last checkpoint.
///
/// The worker may rely on its leases for [`Heartbeat::lease_time`], counted on its own monotonic clock from the moment before
/// the call of the last successful heartbeat. It must not begin to send a message later.
///
/// # Outgoing messages
///
/// [`enqueue`](Self::enqueue) adds a message, and deduplicates it by its key. [`next_messages`](Self::next_messages)
/// returns the messages to be sent: for each identity and peer only the oldest one without a result. Before the first byte of a
/// message leaves, [`commit`](Self::commit) changes it from queued to posting. This succeeds once in the life of a message, so
/// no message is sent twice.
///
/// If the worker dies after that, the next [`claim`](Self::claim) of the identity returns the message as a [`DoubtfulMessage`].
/// The worker finds out the result, or commits [`Verdict::Unknown`] after 30 s without evidence.
///
/// # Incoming messages
///
/// A [`Batch`] has the messages of an event page, the results that the page reports, and the checkpoint after it.
/// Acknowledge the page only after [`commit`](Self::commit) has returned `Ok` for its batch. A message that was received again
/// is recorded once.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    // Workers.

    /// Adds a live worker without leases.
    ///
    /// Repeated after `Unavailable`, the method may leave a worker behind that dies after the lease time.
    async fn register_worker(&self, worker: NewWorker) -> Result<WorkerId, StoreError>;

    /// Keeps the leases of a worker. Call it every second, or every fifth of a shorter lease time than 5 s.
    ///
    /// If the heartbeat before is older than half of the lease time, the time for which the worker has been live begins anew.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if another worker has declared the worker dead.
    async fn heartbeat(&self, worker: WorkerId) -> Result<Heartbeat, StoreError>;

    /// Declares workers dead whose last heartbeat is older than the lease time, unless the calling worker has itself been live
    /// for less than that, and changes queued messages to dead whose deadline has passed. Call it every half second.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if the calling worker is dead.
    async fn sweep(&self, worker: WorkerId) -> Result<Sweep, StoreError>;

    /// Makes a worker draining: it claims nothing more, and [`Heartbeat::is_draining`] tells it to release its identities. An
    /// operator can call the method for any worker.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if the worker is dead.
    async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Ends a worker: it is dead at once, and other workers can claim the identities that it still has. Succeeds also if the
    /// worker is dead.
    async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError>;

    // Leases.

    /// Claims identities that no live worker has: first those of dead workers, then free ones, each in the order of
    /// their last claims. Returns at most `limit`, and no more than the worker's capacity and its fair share allow: the number
    /// of identities that are not suspended, divided by the number of live workers that are not draining, rounded up.
    ///
    /// A draining worker claims nothing. After `Unavailable`, [`leases`](Self::leases) returns leases whose claims have not
    /// arrived; release them.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if the worker is dead.
    async fn claim(&self, worker: WorkerId, limit: usize) -> Result<Vec<Claim>, StoreError>;

    /// Returns the leases of a worker, in the order of the identities. A lease is missing if an operator has suspended the
    /// identity.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if the worker is dead.
    async fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError>;

    /// Makes leased identities ready: their sessions poll for events, and [`next_messages`](Self::next_messages) returns their
    /// messages. Returns a result for each lease. Can be repeated.
    async fn set_ready(&self, leases: &[Lease]) -> Result<Vec<Result<(), LeaseLost>>, StoreError>;

    /// Makes leased identities releasing: [`next_messages`](Self::next_messages) no longer returns their messages, so the
    /// worker can wait for the results of those in flight, and then [release](Self::release) them. Returns a result for each
    /// lease. Can be repeated.
    async fn set_releasing(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError>;

    /// Frees identities. Returns a result for each. After `Unavailable`, a repeated call returns [`LeaseLost`] if the first one
    /// took effect.
    async fn release(&self, releases: &[Release])
    -> Result<Vec<Result<(), LeaseLost>>, StoreError>;

    /// Suspends an identity in the whole fleet, for example because the server has refused its password: no worker claims it
    /// before [`resume`](Self::resume). The lease ends. Messages in posting or posted become unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if the lease is not the current one.
    async fn suspend_lease(&self, lease: Lease, reason: &str) -> Result<(), StoreError>;

    // Passwords of leased identities.

    /// Records that the worker is about to send the password of a leased identity. Call it before the first byte of each request
    /// with the password leaves.
    ///
    /// Returns `None` if the worker may send the password. Otherwise a former owner has died in its own attempt, and may have known
    /// that the server refuses the password: returns the time for which the worker must not send it. The time counts from
    /// that attempt, and is 10 minutes unless the store has another setting.
    ///
    /// An attempt of the same lease does not prevent another one: its worker lives, and has received no refusal, after which it
    /// would have [suspended](Self::suspend_lease) the identity. The attempt ends with
    /// [`end_password_attempt`](Self::end_password_attempt), with the release or suspension of the identity, with a new
    /// credential, and with [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if the lease is not the current one.
    async fn begin_password_attempt(&self, lease: Lease) -> Result<Option<Duration>, StoreError>;

    /// Records that the server has not refused the password in the attempt of this lease, or did not receive it. Can be repeated.
    ///
    /// # Errors
    ///
    /// [`StoreError::LeaseLost`] if the lease is not the current one.
    async fn end_password_attempt(&self, lease: Lease) -> Result<(), StoreError>;

    // Messages of the workers.

    /// Returns queued messages of the worker's ready identities, in the order of their numbers, at most `limit`, with a number
    /// higher than `after`. For each identity and peer, only the oldest message that is queued, posting or posted is
    /// considered. Messages whose deadline has passed are left out.
    ///
    /// The method changes nothing, so it returns a message again until the message is posting. To visit all messages, pass
    /// the number of the last one as `after`, and begin again at 0 when fewer than `limit` are returned.
    ///
    /// # Errors
    ///
    /// [`StoreError::WorkerDead`] if the worker is dead.
    async fn next_messages(
        &self,
        worker: WorkerId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError>;

    /// Stores batches of events, in one transaction. Returns a result for each batch: a refused batch changes nothing, and does
    /// not affect the others. No two batches of a call may have the same lease.
    ///
    /// Can be repeated after `Unavailable`: a batch whose [number](Batch::number) is not higher than that of the last stored
    /// batch of the lease is stored already, and changes nothing.
    async fn commit(&self, batches: &[Batch])
    -> Result<Vec<Result<(), CommitRefusal>>, StoreError>;

    // Operators.

    /// Adds a free identity.
    ///
    /// # Errors
    ///
    /// [`StoreError::IdentityExists`] if there is one with this SIP URI.
    async fn add_identity(&self, identity: NewIdentity) -> Result<IdentityId, StoreError>;

    /// Replaces the sealed credential of an identity. Workers read it with their next claim.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`].
    async fn set_credential(&self, identity: &str, credential: Sealed) -> Result<(), StoreError>;

    /// Suspends an identity, by its SIP URI. If a worker has it, the lease ends, and the worker's next method with
    /// the lease changes nothing. Messages in posting or posted become unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`].
    async fn suspend(&self, identity: &str, reason: &str) -> Result<(), StoreError>;

    /// Frees a suspended identity, and ends the pause of a free one. An identity that a worker has does not change.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`].
    async fn resume(&self, identity: &str) -> Result<(), StoreError>;

    /// Removes an identity, by its SIP URI, with its password, its checkpoint and its messages. If a worker has it, the lease ends as
    /// in [`suspend`](Self::suspend). The SIP URI can be added again, as another identity.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`], and unless `is_forced`, [`StoreError::IdentityHasMessages`].
    async fn remove_identity(&self, identity: &str, is_forced: bool) -> Result<(), StoreError>;

    /// Returns the sealed values of the identities with a higher number than `after`, in the order of the numbers, of at most `limit`
    /// identities.
    async fn sealed_values(
        &self,
        after: IdentityId,
        limit: usize,
    ) -> Result<Vec<SealedValues>, StoreError>;

    /// Replaces sealed values, while workers store others. Returns for each whether it was replaced: not if the stored value is no
    /// longer [`Replacement::old`].
    async fn replace_sealed(&self, values: &[Replacement]) -> Result<Vec<bool>, StoreError>;

    /// Returns an identity, by its SIP URI.
    async fn identity(&self, identity: &str) -> Result<Option<Identity>, StoreError>;

    /// Returns the suspended identities, in the order of their numbers, at most `limit`.
    async fn suspended(&self, limit: usize) -> Result<Vec<Identity>, StoreError>;

    /// Returns the workers, and the numbers of identities and of messages without a result, by state.
    async fn status(&self) -> Result<FleetStatus, StoreError>;

    /// Returns the messages that are failed, unknown or dead, the latest first, at most `limit`.
    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError>;

    /// Copies a failed or dead message of an identity into a new queued message with the key `new_key`. The message itself
    /// keeps its result: it is never sent again.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRequeued`] if there is no such message, or if it is in another state.
    async fn requeue(
        &self,
        identity: &str,
        key: &str,
        new_key: &str,
        time_to_live: Option<Duration>,
    ) -> Result<EnqueueOutcome, StoreError>;

    /// Removes messages of the outbox with a result, and messages of the inbox that every consumer has acknowledged, that are
    /// older than `age`. Removes the workers that died longer ago. Returns the number of removed messages.
    ///
    /// The key of a removed message no longer deduplicates, and a received message is recorded again if the server repeats it:
    /// keep them for a day at least.
    async fn prune(&self, age: Duration) -> Result<u64, StoreError>;

    // Clients.

    /// Adds messages to the outbox. Returns an outcome for each. A message whose key the identity has used before is not added,
    /// so the call can be repeated.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`]: no message was added.
    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<EnqueueOutcome>, StoreError>;

    /// Returns the delivery of messages of an identity, by their keys. `None` for a key without a message.
    async fn deliveries(
        &self,
        identity: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Delivery>>, StoreError>;

    /// Returns the oldest messages of the inbox that the consumer has not acknowledged, in the order of their positions, at
    /// most `limit`. A consumer is a name; a new one begins at the oldest message. The messages of an identity have the order
    /// in which they were received.
    ///
    /// The method does not acknowledge: it returns the same messages again until
    /// [`acknowledge`](Self::acknowledge). Two processes with the same name therefore get the same messages.
    async fn read_inbox(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError>;

    /// Acknowledges the messages up to a position, which the consumer has read. A lower position than that of an earlier call
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownConsumer`] if the consumer has never read.
    async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), StoreError>;
}
