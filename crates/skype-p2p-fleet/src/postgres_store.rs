//! The store on PostgreSQL.

mod batch_columns;
mod clients;
mod connection;
mod database;
mod leases;
mod migrations;
mod operators;
mod outbox;
mod rows;
mod secrets;
mod tls;

use std::{fmt, time::Duration};

use async_trait::async_trait;

pub use connection::PostgresConfig;

use crate::store::{
    Batch, Claim, CommitRefusal, DeadLetter, Delivery, EnqueueOutcome, FleetStatus, Heartbeat,
    Identity, IdentityId, InboxMessage, Lease, LeaseLost, NewIdentity, NewMessage, NewWorker,
    QueuedMessage, Release, Replacement, Sealed, SealedValues, Store, StoreError, Sweep, WorkerId,
};
use database::Database;

/// A store in a PostgreSQL database, version 13 or later, in the schema `fleet`.
///
/// Each method is one statement in a transaction of its own, and needs one round trip. The store therefore works behind a
/// pooler that gives every transaction another connection. It listens to no notifications: workers and clients poll.
///
/// Connections are opened when they are needed. While the database is not reachable, or for 4 s without an answer, the
/// methods fail with [`StoreError::Unavailable`].
///
/// The SQL functions `fleet.enqueue`, `fleet.delivery`, `fleet.read_inbox` and `fleet.acknowledge` are the same as the methods, for
/// programs in any language. A role that uses them needs `grant usage on schema fleet` only.
pub struct PostgresStore {
    database: Database,
}

impl PostgresStore {
    /// Connects to a database that has the schema of this version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database cannot be reached, and [`StoreError::NotMigrated`] if its schema is older.
    pub async fn connect(config: &PostgresConfig) -> Result<Self, StoreError> {
        let database = Database::new(config)?;
        let version = database.schema_version().await?;
        match version >= migrations::VERSION {
            true => Ok(Self { database }),
            false => Err(StoreError::NotMigrated {
                found: version,
                needed: migrations::VERSION,
            }),
        }
    }

    /// Creates or updates the schema. Returns the number of migrations that were applied. Several processes can call the
    /// function at the same time. Programs with the version before can use the new schema.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached or refuses a statement. The migrations that were applied before remain.
    pub async fn migrate(config: &PostgresConfig) -> Result<usize, StoreError> {
        migrations::migrate(config).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn register_worker(&self, worker: NewWorker) -> Result<WorkerId, StoreError> {
        self.database.register_worker(worker).await
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<Heartbeat, StoreError> {
        self.database.heartbeat(worker).await
    }

    async fn sweep(&self, worker: WorkerId) -> Result<Sweep, StoreError> {
        self.database.sweep(worker).await
    }

    async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.database.drain_worker(worker).await
    }

    async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.database.retire_worker(worker).await
    }

    async fn claim(&self, worker: WorkerId, limit: usize) -> Result<Vec<Claim>, StoreError> {
        self.database.claim(worker, limit).await
    }

    async fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError> {
        self.database.leases(worker).await
    }

    async fn set_ready(&self, leases: &[Lease]) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.database.set_ready(leases).await
    }

    async fn set_releasing(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.database.set_releasing(leases).await
    }

    async fn release(
        &self,
        releases: &[Release],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.database.release(releases).await
    }

    async fn suspend_lease(&self, lease: Lease, reason: &str) -> Result<(), StoreError> {
        self.database.suspend_lease(lease, reason).await
    }

    async fn begin_password_attempt(&self, lease: Lease) -> Result<Option<Duration>, StoreError> {
        self.database.begin_password_attempt(lease).await
    }

    async fn end_password_attempt(&self, lease: Lease) -> Result<(), StoreError> {
        self.database.end_password_attempt(lease).await
    }

    async fn next_messages(
        &self,
        worker: WorkerId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        self.database.next_messages(worker, after, limit).await
    }

    async fn commit(
        &self,
        batches: &[Batch],
    ) -> Result<Vec<Result<(), CommitRefusal>>, StoreError> {
        self.database.commit(batches).await
    }

    async fn add_identity(&self, identity: NewIdentity) -> Result<IdentityId, StoreError> {
        self.database.add_identity(identity).await
    }

    async fn set_credential(&self, identity: &str, credential: Sealed) -> Result<(), StoreError> {
        self.database.set_credential(identity, credential).await
    }

    async fn suspend(&self, identity: &str, reason: &str) -> Result<(), StoreError> {
        self.database.suspend(identity, reason).await
    }

    async fn resume(&self, identity: &str) -> Result<(), StoreError> {
        self.database.resume(identity).await
    }

    async fn remove_identity(&self, identity: &str, is_forced: bool) -> Result<(), StoreError> {
        self.database.remove_identity(identity, is_forced).await
    }

    async fn sealed_values(
        &self,
        after: IdentityId,
        limit: usize,
    ) -> Result<Vec<SealedValues>, StoreError> {
        self.database.sealed_values(after, limit).await
    }

    async fn replace_sealed(&self, values: &[Replacement]) -> Result<Vec<bool>, StoreError> {
        self.database.replace_sealed(values).await
    }

    async fn identity(&self, sip_uri: &str) -> Result<Option<Identity>, StoreError> {
        self.database.identity(sip_uri).await
    }

    async fn suspended(&self, limit: usize) -> Result<Vec<Identity>, StoreError> {
        self.database.suspended(limit).await
    }

    async fn status(&self) -> Result<FleetStatus, StoreError> {
        self.database.status().await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.database.dead_letters(limit).await
    }

    async fn requeue(
        &self,
        identity: &str,
        key: &str,
        new_key: &str,
        time_to_live: Option<Duration>,
    ) -> Result<EnqueueOutcome, StoreError> {
        self.database
            .requeue(identity, key, new_key, time_to_live)
            .await
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        self.database.prune(age).await
    }

    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        self.database.enqueue(messages).await
    }

    async fn deliveries(
        &self,
        identity: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Delivery>>, StoreError> {
        self.database.deliveries(identity, keys).await
    }

    async fn read_inbox(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError> {
        self.database.read_inbox(consumer, limit).await
    }

    async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), StoreError> {
        self.database.acknowledge(consumer, position).await
    }
}
