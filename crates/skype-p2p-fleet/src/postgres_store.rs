//! The store on PostgreSQL.

mod batch_columns;
mod connection;
mod migrations;
mod rows;
mod tls;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use tokio_postgres::{Row, types::Type};

pub use connection::PostgresConfig;

use crate::store::{
    Batch, Claim, CommitRefusal, DeadLetter, Delivery, EnqueueOutcome, FleetStatus, Heartbeat,
    Identity, IdentityId, InboxMessage, Lease, LeaseLost, NewIdentity, NewMessage, NewWorker,
    OperationId, QueuedMessage, Release, Sealed, Store, StoreError, Sweep, WorkerId,
};
use batch_columns::BatchColumns;
use connection::{Connections, Parameter};
use rows::{
    claim, dead_letter, delivery, enqueue_outcome, identity, identity_counts, inbox_message,
    micros, queued_message, worker_status,
};

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
    connections: Connections,
    heartbeats: Connections,
}

impl PostgresStore {
    /// Connects to a database that has the schema of this version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if the database cannot be reached, and [`StoreError::NotMigrated`] if its schema is older.
    pub async fn connect(config: &PostgresConfig) -> Result<Self, StoreError> {
        let store = Self {
            connections: Connections::new(config)?,
            heartbeats: Connections::single(config)?,
        };
        let version = store.schema_version().await?;
        match version >= migrations::VERSION {
            true => Ok(store),
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

    /// 0 if the database has no schema of a fleet.
    async fn schema_version(&self) -> Result<i32, StoreError> {
        let exists = "select to_regclass('fleet.migration') is not null";
        if !self.connections.query_one(exists, &[]).await?.try_get(0)? {
            return Ok(0);
        }
        let version = "select coalesce(max(version), 0) from fleet.migration";
        Ok(self.connections.query_one(version, &[]).await?.try_get(0)?)
    }

    /// Executes a statement that returns the places of the leases that are the current ones, in order.
    async fn fenced(
        &self,
        sql: &str,
        leases: &[Lease],
        more: &[Parameter<'_>],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let workers: Vec<i64> = leases.iter().map(|it| it.worker.0).collect();
        let identities: Vec<i64> = leases.iter().map(|it| it.identity.0).collect();
        let fences: Vec<i64> = leases.iter().map(|it| it.fence).collect();
        let mut parameters: Vec<Parameter<'_>> = vec![
            (&workers, Type::INT8_ARRAY),
            (&identities, Type::INT8_ARRAY),
            (&fences, Type::INT8_ARRAY),
        ];
        parameters.extend_from_slice(more);
        let row = self.connections.query_one(sql, &parameters).await?;
        let held: Vec<i64> = row.try_get(0)?;
        let is_held = |place: i64| held.binary_search(&place).map(drop);
        let outcomes = (1..).zip(leases).map(|(place, _)| is_held(place));
        Ok(outcomes.map(|it| it.map_err(|_| LeaseLost)).collect())
    }

    async fn set_lease_state(
        &self,
        leases: &[Lease],
        state: &str,
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let sql = "select fleet.set_lease_state($1, $2, $3, $4)";
        self.fenced(sql, leases, &[(&state, Type::TEXT)]).await
    }

    /// Executes a statement, and reads every row.
    async fn read<T>(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
        read: impl Fn(&Row) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.connections.query(sql, parameters).await?;
        let values: Result<Vec<T>, _> = rows.iter().map(read).collect();
        Ok(values?)
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
        let sql =
            "insert into fleet.worker (name, version, capacity) values ($1, $2, $3) returning id";
        let capacity = i64::try_from(worker.capacity).unwrap_or(i64::MAX);
        let parameters: [Parameter<'_>; 3] = [
            (&worker.name, Type::TEXT),
            (&worker.version, Type::TEXT),
            (&capacity, Type::INT8),
        ];
        let row = self.heartbeats.query_one(sql, &parameters).await?;
        Ok(WorkerId(row.try_get(0)?))
    }

    async fn heartbeat(&self, worker: WorkerId) -> Result<Heartbeat, StoreError> {
        let sql = "select * from fleet.heartbeat($1)";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        let row = self.heartbeats.query_one(sql, &parameters).await?;
        let lease_time: i64 = row.try_get(0)?;
        Ok(Heartbeat {
            lease_time: Duration::from_micros(lease_time.try_into().unwrap_or(0)),
            is_draining: row.try_get(1)?,
        })
    }

    async fn sweep(&self, worker: WorkerId) -> Result<Sweep, StoreError> {
        let sql = "select * from fleet.sweep($1)";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        let row = self.heartbeats.query_one(sql, &parameters).await?;
        let dead_workers: Vec<i64> = row.try_get(0)?;
        let dead_messages: i64 = row.try_get(1)?;
        Ok(Sweep {
            dead_workers: dead_workers.into_iter().map(WorkerId).collect(),
            dead_messages: dead_messages.try_into().unwrap_or(0),
        })
    }

    async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        let sql = "select fleet.drain_worker($1)";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        let sql = "update fleet.worker set state = 'dead' where id = $1";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn claim(&self, worker: WorkerId, limit: usize) -> Result<Vec<Claim>, StoreError> {
        let sql = "select * from fleet.claim($1, $2)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 2] = [(&worker.0, Type::INT8), (&limit, Type::INT8)];
        self.read(sql, &parameters, |row| claim(worker, row)).await
    }

    async fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError> {
        // The outer join has a row for a live worker without leases.
        let sql =
            "select i.id, i.fence from fleet.worker w left join fleet.identity i on i.owner = w.id
            where w.id = $1 and w.state <> 'dead' order by i.id";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        let leases = self.read(sql, &parameters, |row| rows::lease(worker, row));
        let leases = leases.await?;
        if leases.is_empty() {
            return Err(StoreError::WorkerDead(worker));
        }
        Ok(leases.into_iter().flatten().collect())
    }

    async fn set_ready(&self, leases: &[Lease]) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.set_lease_state(leases, "ready").await
    }

    async fn set_releasing(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.set_lease_state(leases, "releasing").await
    }

    async fn release(
        &self,
        releases: &[Release],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let leases: Vec<Lease> = releases.iter().map(|it| it.lease).collect();
        let checkpoints: Vec<Option<&[u8]>> = releases
            .iter()
            .map(|it| it.checkpoint.as_ref().map(Sealed::as_bytes))
            .collect();
        let pauses: Vec<i64> = releases.iter().map(|it| micros(it.pause)).collect();
        let more: [Parameter<'_>; 2] = [
            (&checkpoints, Type::BYTEA_ARRAY),
            (&pauses, Type::INT8_ARRAY),
        ];
        let sql = "select fleet.release($1, $2, $3, $4, $5)";
        self.fenced(sql, &leases, &more).await
    }

    async fn suspend_lease(&self, lease: Lease, reason: &str) -> Result<(), StoreError> {
        let sql = "select fleet.suspend_lease($1, $2, $3, $4)";
        let parameters: [Parameter<'_>; 4] = [
            (&lease.worker.0, Type::INT8),
            (&lease.identity.0, Type::INT8),
            (&lease.fence, Type::INT8),
            (&reason, Type::TEXT),
        ];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn next_messages(
        &self,
        worker: WorkerId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<QueuedMessage>, StoreError> {
        let sql = "select * from fleet.next_messages($1, $2, $3)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 3] = [
            (&worker.0, Type::INT8),
            (&after, Type::INT8),
            (&limit, Type::INT8),
        ];
        let read = |row: &Row| queued_message(worker, row);
        self.read(sql, &parameters, read).await
    }

    async fn commit(
        &self,
        batches: &[Batch],
    ) -> Result<Vec<Result<(), CommitRefusal>>, StoreError> {
        let sql = "select * from fleet.commit_batches($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
            $17, $18, $19, $20, $21)";
        let columns = BatchColumns::new(batches);
        let parameters = columns.parameters();
        let row = self.connections.query_one(sql, &parameters).await?;
        let held: Vec<i64> = row.try_get(0)?;
        let refused: Vec<&str> = row.try_get(1)?;
        let outcome = |(place, batch): (i64, &Batch)| {
            if held.binary_search(&place).is_err() {
                return Err(CommitRefusal::LeaseLost(LeaseLost));
            }
            let posting = batch.posting.iter();
            let not_posted: Vec<OperationId> = posting
                .filter(|it| refused.contains(&it.as_str()))
                .cloned()
                .collect();
            match not_posted.is_empty() {
                true => Ok(()),
                false => Err(CommitRefusal::NotPosted(not_posted)),
            }
        };
        Ok((1..).zip(batches).map(outcome).collect())
    }

    async fn add_identity(&self, identity: NewIdentity) -> Result<IdentityId, StoreError> {
        identity.check()?;
        let sql = "select fleet.add_identity($1, $2, $3, $4)";
        let credential = identity.credential.as_ref().map(Sealed::as_bytes);
        let parameters: [Parameter<'_>; 4] = [
            (&identity.sip_uri, Type::TEXT),
            (&identity.root, Type::TEXT),
            (&identity.user_agent, Type::TEXT),
            (&credential, Type::BYTEA),
        ];
        let row = self.connections.query_one(sql, &parameters).await?;
        Ok(IdentityId(row.try_get(0)?))
    }

    async fn set_credential(&self, identity: &str, credential: Sealed) -> Result<(), StoreError> {
        let sql = "select fleet.set_credential($1, $2)";
        let credential = credential.as_bytes();
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&credential, Type::BYTEA)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn suspend(&self, identity: &str, reason: &str) -> Result<(), StoreError> {
        let sql = "select fleet.suspend($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&reason, Type::TEXT)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn resume(&self, identity: &str) -> Result<(), StoreError> {
        let sql = "select fleet.resume($1)";
        let parameters: [Parameter<'_>; 1] = [(&identity, Type::TEXT)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    async fn identity(&self, sip_uri: &str) -> Result<Option<Identity>, StoreError> {
        let sql = "select id, sip_uri, state, reason, owner, fence from fleet.identity
            where sip_key = lower($1 collate \"C\")";
        let found = self.read(sql, &[(&sip_uri, Type::TEXT)], identity).await?;
        Ok(found.into_iter().next())
    }

    async fn suspended(&self, limit: usize) -> Result<Vec<Identity>, StoreError> {
        let sql = "select id, sip_uri, state, reason, owner, fence from fleet.identity
            where state = 'suspended' order by id limit $1";
        let limit = size(limit);
        self.read(sql, &[(&limit, Type::INT8)], identity).await
    }

    async fn status(&self) -> Result<FleetStatus, StoreError> {
        // One statement, so that the numbers are of the same moment.
        let sql = "select 'worker', w.id, w.name, w.version, w.capacity, w.state,
                (select count(*) from fleet.identity i where i.owner = w.id),
                (extract(epoch from clock_timestamp() - w.heartbeat) * 1000000)::bigint
            from fleet.worker w where w.state <> 'dead'
            union all
            select 'identity', null, case when w.state = 'dead' then 'orphaned' else i.state end, null, null, null, count(*), null
            from fleet.identity i left join fleet.worker w on w.id = i.owner group by 3
            union all
            select 'message', null, o.state, null, null, null, count(*),
                (extract(epoch from clock_timestamp() - min(o.queued_at)) * 1000000)::bigint
            from fleet.outbox o where o.state in ('queued', 'posting', 'posted') group by o.state
            order by 1, 2";
        let rows = self.connections.query(sql, &[]).await?;
        let mut status = FleetStatus::default();
        for row in &rows {
            match row.try_get::<_, &str>(0)? {
                "worker" => status.workers.push(worker_status(row)?),
                "identity" => identity_counts(row, &mut status.identities)?,
                _ => rows::message_counts(row, &mut status)?,
            }
        }
        Ok(status)
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = "select i.sip_uri, o.key, o.peer, o.state, o.reason,
                (extract(epoch from clock_timestamp() - o.settled_at) * 1000000)::bigint
            from fleet.outbox o join fleet.identity i on i.id = o.identity
            where o.state in ('failed', 'unknown', 'dead') order by o.settled_at desc, o.number desc limit $1";
        let limit = size(limit);
        self.read(sql, &[(&limit, Type::INT8)], dead_letter).await
    }

    async fn requeue(
        &self,
        identity: &str,
        key: &str,
        new_key: &str,
        time_to_live: Option<Duration>,
    ) -> Result<EnqueueOutcome, StoreError> {
        let sql = "select e.outcome, e.state from fleet.outbox o join fleet.identity i on i.id = o.identity
            cross join lateral fleet.enqueue_many(array[i.sip_uri], array[$3], array[o.peer], array[o.body],
                array[o.media_type], array[$4 * interval '1 us']) e
            where i.sip_key = lower($1 collate \"C\") and o.key = $2 and o.state in ('failed', 'dead')";
        let time_to_live = time_to_live.map(micros);
        let parameters: [Parameter<'_>; 4] = [
            (&identity, Type::TEXT),
            (&key, Type::TEXT),
            (&new_key, Type::TEXT),
            (&time_to_live, Type::INT8),
        ];
        let outcomes = self.read(sql, &parameters, enqueue_outcome).await?;
        let outcome = outcomes.into_iter().next();
        outcome.ok_or_else(|| StoreError::NotRequeued(key.to_owned()))
    }

    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let age = micros(age);
        let parameters: [Parameter<'_>; 1] = [(&age, Type::INT8)];
        let sql = "select fleet.prune($1)";
        let removed: i64 = self
            .connections
            .query_one(sql, &parameters)
            .await?
            .try_get(0)?;
        Ok(removed.try_into().unwrap_or(0))
    }

    async fn enqueue(&self, messages: &[NewMessage]) -> Result<Vec<EnqueueOutcome>, StoreError> {
        messages.iter().try_for_each(NewMessage::check)?;
        let texts =
            |text: fn(&NewMessage) -> &str| -> Vec<&str> { messages.iter().map(text).collect() };
        let times_to_live = messages.iter().map(|it| it.time_to_live.map(micros));
        let times_to_live: Vec<Option<i64>> = times_to_live.collect();
        let sql = "select * from fleet.enqueue_many($1, $2, $3, $4, $5,
            array(select t.us * interval '1 us' from unnest($6) with ordinality as t(us, ordinal) order by t.ordinal))";
        let parameters: [Parameter<'_>; 6] = [
            (&texts(|it| &it.identity), Type::TEXT_ARRAY),
            (&texts(|it| &it.key), Type::TEXT_ARRAY),
            (&texts(|it| &it.peer), Type::TEXT_ARRAY),
            (&texts(|it| &it.content.text), Type::TEXT_ARRAY),
            (&texts(|it| &it.content.media_type), Type::TEXT_ARRAY),
            (&times_to_live, Type::INT8_ARRAY),
        ];
        self.read(sql, &parameters, enqueue_outcome).await
    }

    async fn deliveries(
        &self,
        identity: &str,
        keys: &[&str],
    ) -> Result<Vec<Option<Delivery>>, StoreError> {
        let sql = "select o.state, o.reason, o.operation from unnest($2) with ordinality as k(key, ordinal)
            left join fleet.identity i on i.sip_key = lower($1 collate \"C\")
            left join fleet.outbox o on o.identity = i.id and o.key = k.key order by k.ordinal";
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&keys, Type::TEXT_ARRAY)];
        self.read(sql, &parameters, delivery).await
    }

    async fn read_inbox(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError> {
        let sql = "select * from fleet.read_inbox($1, $2)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 2] = [(&consumer, Type::TEXT), (&limit, Type::INT8)];
        self.read(sql, &parameters, inbox_message).await
    }

    async fn acknowledge(&self, consumer: &str, position: i64) -> Result<(), StoreError> {
        let sql = "select fleet.acknowledge($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&consumer, Type::TEXT), (&position, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }
}

fn size(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The error of a value that cannot be read.
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(error.into())
    }
}
