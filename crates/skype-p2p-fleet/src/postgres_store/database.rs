//! The connections of the store on PostgreSQL, and the statements that several methods share.

use tokio_postgres::{Row, types::Type};

use super::connection::{Connections, Parameter, PostgresConfig};
use crate::store::{Lease, LeaseLost, StoreError};

/// The connections of the store. Its methods are in the files of the parts of the store.
pub(super) struct Database {
    pub(super) connections: Connections,
    /// Statements that must not wait for others.
    pub(super) heartbeats: Connections,
}

impl Database {
    pub(super) fn new(config: &PostgresConfig) -> Result<Self, StoreError> {
        Ok(Self {
            connections: Connections::new(config)?,
            heartbeats: Connections::single(config)?,
        })
    }

    /// 0 if the database has no schema of a fleet.
    pub(super) async fn schema_version(&self) -> Result<i32, StoreError> {
        let exists = "select to_regclass('fleet.migration') is not null";
        if !self.connections.query_one(exists, &[]).await?.try_get(0)? {
            return Ok(0);
        }
        let version = "select coalesce(max(version), 0) from fleet.migration";
        Ok(self.connections.query_one(version, &[]).await?.try_get(0)?)
    }

    /// Executes a statement that returns the places of the leases that are the current ones, in order.
    pub(super) async fn fenced(
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

    pub(super) async fn set_lease_state(
        &self,
        leases: &[Lease],
        state: &str,
    ) -> Result<Vec<Result<(), LeaseLost>>, StoreError> {
        let sql = "select fleet.set_lease_state($1, $2, $3, $4)";
        self.fenced(sql, leases, &[(&state, Type::TEXT)]).await
    }

    /// Executes a statement, and reads every row.
    pub(super) async fn read<T>(
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

pub(super) fn size(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The error of a value that cannot be read.
impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(error.into())
    }
}
