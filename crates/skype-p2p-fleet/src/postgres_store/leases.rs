//! Workers, heartbeats and leases of the store on PostgreSQL.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::{
    connection::Parameter,
    database::{Database, size},
    rows::{claim, lease, micros},
};
use crate::store::{
    Claim, Heartbeat, Lease, LeaseLost, NewWorker, Release, Sealed, StoreError, Sweep, WorkerId,
};

impl Database {
    pub(super) async fn register_worker(&self, worker: NewWorker) -> Result<WorkerId, StoreError> {
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

    pub(super) async fn heartbeat(&self, worker: WorkerId) -> Result<Heartbeat, StoreError> {
        let sql = "select * from fleet.heartbeat($1)";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        let row = self.heartbeats.query_one(sql, &parameters).await?;
        let lease_time: i64 = row.try_get(0)?;
        Ok(Heartbeat {
            lease_time: Duration::from_micros(lease_time.try_into().unwrap_or(0)),
            is_draining: row.try_get(1)?,
        })
    }

    pub(super) async fn sweep(&self, worker: WorkerId) -> Result<Sweep, StoreError> {
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

    pub(super) async fn drain_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        let sql = "select fleet.drain_worker($1)";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn retire_worker(&self, worker: WorkerId) -> Result<(), StoreError> {
        let sql = "update fleet.worker set state = 'dead' where id = $1";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn claim(
        &self,
        worker: WorkerId,
        limit: usize,
    ) -> Result<Vec<Claim>, StoreError> {
        let sql = "select * from fleet.claim($1, $2)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 2] = [(&worker.0, Type::INT8), (&limit, Type::INT8)];
        self.read(sql, &parameters, |row| claim(worker, row)).await
    }

    pub(super) async fn leases(&self, worker: WorkerId) -> Result<Vec<Lease>, StoreError> {
        // The outer join has a row for a live worker without leases.
        let sql =
            "select i.id, i.fence from fleet.worker w left join fleet.identity i on i.owner = w.id
            where w.id = $1 and w.state <> 'dead' order by i.id";
        let parameters: [Parameter<'_>; 1] = [(&worker.0, Type::INT8)];
        let leases = self.read(sql, &parameters, |row| lease(worker, row));
        let leases = leases.await?;
        if leases.is_empty() {
            return Err(StoreError::WorkerDead(worker));
        }
        Ok(leases.into_iter().flatten().collect())
    }

    pub(super) async fn set_ready(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.set_lease_state(leases, "ready").await
    }

    pub(super) async fn set_releasing(
        &self,
        leases: &[Lease],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        self.set_lease_state(leases, "releasing").await
    }

    pub(super) async fn release(
        &self,
        releases: &[Release],
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let leases: Vec<Lease> = releases.iter().map(|it| it.lease).collect();
        let checkpoints: Vec<Option<&[u8]>> = releases
            .iter()
            .map(|it| it.checkpoint.as_ref().map(Sealed::as_bytes))
            .collect();
        let pauses: Vec<i64> = releases.iter().map(|it| micros(it.pause)).collect();
        let gaps: Vec<i64> = releases.iter().map(|it| micros(it.gap)).collect();
        let more: [Parameter<'_>; 3] = [
            (&checkpoints, Type::BYTEA_ARRAY),
            (&pauses, Type::INT8_ARRAY),
            (&gaps, Type::INT8_ARRAY),
        ];
        let sql = "select fleet.release($1, $2, $3, $4, $5, $6)";
        self.fenced(sql, &leases, &more).await
    }

    pub(super) async fn suspend_lease(&self, lease: Lease, reason: &str) -> Result<(), StoreError> {
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
}
