//! What operators do with the store on PostgreSQL.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::{
    connection::Parameter,
    database::{Database, size},
    rows::{
        dead_letter, enqueue_outcome, identity, identity_counts, message_counts, micros,
        worker_status,
    },
};
use crate::store::{
    DeadLetter, EnqueueOutcome, FleetStatus, Identity, IdentityId, NewIdentity, Sealed, StoreError,
};

impl Database {
    pub(super) async fn add_identity(
        &self,
        identity: NewIdentity,
    ) -> Result<IdentityId, StoreError> {
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

    pub(super) async fn set_credential(
        &self,
        identity: &str,
        credential: Sealed,
    ) -> Result<(), StoreError> {
        let sql = "select fleet.set_credential($1, $2)";
        let credential = credential.as_bytes();
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&credential, Type::BYTEA)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn suspend(&self, identity: &str, reason: &str) -> Result<(), StoreError> {
        let sql = "select fleet.suspend($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&reason, Type::TEXT)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn resume(&self, identity: &str) -> Result<(), StoreError> {
        let sql = "select fleet.resume($1)";
        let parameters: [Parameter<'_>; 1] = [(&identity, Type::TEXT)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn identity(&self, sip_uri: &str) -> Result<Option<Identity>, StoreError> {
        let sql = "select i.id, i.sip_uri, i.state, i.reason, i.owner, i.fence,
                case when i.attempt_fence <> i.fence or i.attempt_fence is not null and (i.owner is null or w.state = 'dead') then
                    (extract(epoch from least(i.attempted_at, t.now) + s.password_pause - t.now) * 1000000)::bigint
                end
            from fleet.identity i left join fleet.worker w on w.id = i.owner
            cross join fleet.settings s cross join (select clock_timestamp() as now) t
            where i.sip_key = lower($1 collate \"C\")";
        let found = self.read(sql, &[(&sip_uri, Type::TEXT)], identity).await?;
        Ok(found.into_iter().next())
    }

    pub(super) async fn suspended(&self, limit: usize) -> Result<Vec<Identity>, StoreError> {
        let sql =
            "select id, sip_uri, state, reason, owner, fence, null::bigint from fleet.identity
            where state = 'suspended' order by id limit $1";
        let limit = size(limit);
        self.read(sql, &[(&limit, Type::INT8)], identity).await
    }

    pub(super) async fn status(&self) -> Result<FleetStatus, StoreError> {
        // One statement, so that the numbers are of the same moment.
        let sql = "select 'worker', w.id, w.name, w.version, w.capacity, w.state,
                (select count(*) from fleet.identity i where i.owner = w.id),
                (extract(epoch from clock_timestamp() - w.heartbeat) * 1000000)::bigint
            from fleet.worker w where w.state <> 'dead'
            union all
            select 'identity', null, case when w.state = 'dead' then 'orphaned' else i.state end, null, null, null, count(*),
                (extract(epoch from clock_timestamp() -
                    min(coalesce(i.silent_since, case when w.state = 'dead' then w.heartbeat end))) * 1000000)::bigint
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
                "identity" => identity_counts(row, &mut status)?,
                _ => message_counts(row, &mut status)?,
            }
        }
        Ok(status)
    }

    pub(super) async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let sql = "select i.sip_uri, o.key, o.peer, o.state, o.reason,
                (extract(epoch from clock_timestamp() - o.settled_at) * 1000000)::bigint
            from fleet.outbox o join fleet.identity i on i.id = o.identity
            where o.state in ('failed', 'unknown', 'dead') order by o.settled_at desc, o.number desc limit $1";
        let limit = size(limit);
        self.read(sql, &[(&limit, Type::INT8)], dead_letter).await
    }

    pub(super) async fn requeue(
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

    pub(super) async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
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
}
