//! Passwords and keys in the store on PostgreSQL: attempts to sign in, the removal of an identity, and the replacement of keys.

use std::time::Duration;

use tokio_postgres::types::Type;

use super::{
    connection::Parameter,
    database::{Database, size},
    rows::{duration, sealed_values},
};
use crate::{
    sealing::Purpose,
    store::{IdentityId, Lease, Replacement, Sealed, SealedValues, StoreError},
};

impl Database {
    pub(super) async fn begin_password_attempt(
        &self,
        lease: Lease,
    ) -> Result<Option<Duration>, StoreError> {
        let sql = "select fleet.begin_password_attempt($1, $2, $3)";
        let row = self.connections.query_one(sql, &of_lease(&lease)).await?;
        let pause = duration(row.try_get(0)?);
        Ok((!pause.is_zero()).then_some(pause))
    }

    pub(super) async fn end_password_attempt(&self, lease: Lease) -> Result<(), StoreError> {
        let sql = "select fleet.end_password_attempt($1, $2, $3)";
        self.connections.query(sql, &of_lease(&lease)).await?;
        Ok(())
    }

    pub(super) async fn remove_identity(
        &self,
        identity: &str,
        is_forced: bool,
    ) -> Result<(), StoreError> {
        let sql = "select fleet.remove_identity($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&identity, Type::TEXT), (&is_forced, Type::BOOL)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }

    pub(super) async fn sealed_values(
        &self,
        after: IdentityId,
        limit: usize,
    ) -> Result<Vec<SealedValues>, StoreError> {
        let sql = "select * from fleet.sealed_values($1, $2)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 2] = [(&after.0, Type::INT8), (&limit, Type::INT8)];
        self.read(sql, &parameters, sealed_values).await
    }

    pub(super) async fn replace_sealed(
        &self,
        values: &[Replacement],
    ) -> Result<Vec<bool>, StoreError> {
        let identities: Vec<i64> = values.iter().map(|it| it.identity.0).collect();
        let purpose = |it: &Replacement| match it.purpose {
            Purpose::Credential => "credential",
            Purpose::Checkpoint => "checkpoint",
        };
        let purposes: Vec<&str> = values.iter().map(purpose).collect();
        let bytes = |value: fn(&Replacement) -> &Sealed| -> Vec<&[u8]> {
            values.iter().map(|it| value(it).as_bytes()).collect()
        };
        let parameters: [Parameter<'_>; 4] = [
            (&identities, Type::INT8_ARRAY),
            (&purposes, Type::TEXT_ARRAY),
            (&bytes(|it| &it.old), Type::BYTEA_ARRAY),
            (&bytes(|it| &it.new), Type::BYTEA_ARRAY),
        ];
        let sql = "select fleet.replace_sealed($1, $2, $3, $4)";
        let row = self.connections.query_one(sql, &parameters).await?;
        let replaced: Vec<i64> = row.try_get(0)?;
        let is_replaced = |(place, _)| replaced.binary_search(&place).is_ok();
        Ok((1..).zip(values).map(is_replaced).collect())
    }
}

fn of_lease(lease: &Lease) -> [Parameter<'_>; 3] {
    [
        (&lease.worker.0, Type::INT8),
        (&lease.identity.0, Type::INT8),
        (&lease.fence, Type::INT8),
    ]
}
