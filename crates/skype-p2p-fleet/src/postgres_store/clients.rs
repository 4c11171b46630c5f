//! The clients of the store on PostgreSQL.

use tokio_postgres::types::Type;

use super::{
    connection::Parameter,
    database::{Database, size},
    rows::{delivery, enqueue_outcome, inbox_message, micros},
};
use crate::store::{Delivery, EnqueueOutcome, InboxMessage, NewMessage, StoreError};

impl Database {
    pub(super) async fn enqueue(
        &self,
        messages: &[NewMessage],
    ) -> Result<Vec<EnqueueOutcome>, StoreError> {
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

    pub(super) async fn deliveries(
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

    pub(super) async fn read_inbox(
        &self,
        consumer: &str,
        limit: usize,
    ) -> Result<Vec<InboxMessage>, StoreError> {
        let sql = "select * from fleet.read_inbox($1, $2)";
        let limit = size(limit);
        let parameters: [Parameter<'_>; 2] = [(&consumer, Type::TEXT), (&limit, Type::INT8)];
        self.read(sql, &parameters, inbox_message).await
    }

    pub(super) async fn acknowledge(
        &self,
        consumer: &str,
        position: i64,
    ) -> Result<(), StoreError> {
        let sql = "select fleet.acknowledge($1, $2)";
        let parameters: [Parameter<'_>; 2] = [(&consumer, Type::TEXT), (&position, Type::INT8)];
        self.connections.query(sql, &parameters).await?;
        Ok(())
    }
}
