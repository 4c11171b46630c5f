//! The outbox and the event batches of the store on PostgreSQL, as workers see them.

use tokio_postgres::{Row, types::Type};

use super::{
    batch_columns::BatchColumns,
    connection::Parameter,
    database::{Database, size},
    rows::queued_message,
};
use crate::store::{
    Batch, CommitRefusal, LeaseLost, OperationId, QueuedMessage, StoreError, WorkerId,
};

impl Database {
    pub(super) async fn next_messages(
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

    pub(super) async fn commit(
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
}
