//! The schema of the database, and its versions.

use tokio_postgres::Client;

use super::connection::{PostgresConfig, store_error};
use crate::store::StoreError;

/// The migrations, in order: the version of each is its place. A released migration never changes.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_tables.sql"),
    include_str!("migrations/0002_worker_functions.sql"),
    include_str!("migrations/0003_client_functions.sql"),
    include_str!("migrations/0004_secret_functions.sql"),
];

/// The version of the schema that this program needs.
pub(super) const VERSION: i32 = MIGRATIONS.len() as i32;

/// The key of the advisory lock: only one process migrates at a time.
const LOCK: &str = "select pg_advisory_xact_lock(hashtextextended('skype-p2p-fleet migration', 0))";

const VERSION_TABLE: &str = "
    create schema if not exists fleet;
    create table if not exists fleet.migration (
        version integer primary key,
        applied_at timestamptz not null default clock_timestamp()
    );";

/// Applies the migrations that the database does not have, each in a transaction of its own. Returns their number.
pub(super) async fn migrate(config: &PostgresConfig) -> Result<usize, StoreError> {
    let (mut client, connection) = config
        .config
        .connect(config.tls()?)
        .await
        .map_err(store_error)?;
    let connection = tokio::spawn(connection);
    let applied = apply(&mut client).await.map_err(store_error);
    drop(client);
    // The error of a broken connection is that of its last statement, too.
    let _ = connection.await;
    applied
}

async fn apply(client: &mut Client) -> Result<usize, tokio_postgres::Error> {
    let mut applied = 0;
    for (version, migration) in (1i32..).zip(MIGRATIONS) {
        let transaction = client.transaction().await?;
        // The lock of the transaction, because a pooler may give the next one another session.
        transaction.batch_execute(LOCK).await?;
        transaction.batch_execute(VERSION_TABLE).await?;
        let known = "select from fleet.migration where version = $1";
        if transaction.query_opt(known, &[&version]).await?.is_none() {
            transaction.batch_execute(migration).await?;
            let record = "insert into fleet.migration (version) values ($1)";
            transaction.execute(record, &[&version]).await?;
            applied += 1;
        }
        transaction.commit().await?;
    }
    Ok(applied)
}
