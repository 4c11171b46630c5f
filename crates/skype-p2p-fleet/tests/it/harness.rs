//! A store with a clock that tests move, in memory or on PostgreSQL.

pub(crate) mod cluster;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use skype_p2p_fleet::{
    Batch, Content, Delivery, IdentityId, Lease, MemoryStore, MessageState, NewIdentity,
    NewMessage, NewWorker, OperationId, PostgresStore, QueuedMessage, ReceivedMessage, Settled,
    Store, Verdict, WorkerId,
};
use tokio_postgres::Client;

use cluster::Cluster;

pub(crate) const PEER: &str = "sip:lenea@contoso.com";

/// A store, and its clock. A second of a test is a longer time on PostgreSQL, so that a slow machine makes no difference.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    clock: Clock,
}

enum Clock {
    /// The milliseconds of the clock.
    Memory(Arc<AtomicI64>),
    /// The clock of the database cannot be set, so every stored time is moved instead.
    Postgres(Client),
}

impl Clock {
    async fn of(cluster: &Cluster, database: &str) -> Self {
        Self::Postgres(cluster.connect(database, "fleet").await)
    }
}

/// A second of a test on PostgreSQL, in seconds.
const SCALE: u32 = 1000;

impl World {
    pub(crate) fn memory() -> Self {
        let clock = Arc::new(AtomicI64::new(1_700_000_000_000));
        let now = clock.clone();
        let store = MemoryStore::new(move || {
            let millis = u64::try_from(now.load(Ordering::Relaxed)).unwrap();
            SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
        });
        Self {
            store: Arc::new(store),
            clock: Clock::Memory(clock),
        }
    }

    /// `None` where PostgreSQL is not installed.
    pub(crate) async fn postgres() -> Option<Self> {
        let cluster = Cluster::shared()?;
        let database = cluster.create_database().await;
        Some(Self::on(cluster, &database).await)
    }

    /// Migrates a database.
    pub(crate) async fn on(cluster: &Cluster, database: &str) -> Self {
        let config = cluster.config(database);
        PostgresStore::migrate(&config).await.unwrap();
        let store = PostgresStore::connect(&config).await.unwrap();
        let clock = Clock::of(cluster, database).await;
        if let Clock::Postgres(client) = &clock {
            let lease_time = "update fleet.settings set lease_time = lease_time * $1, password_pause = password_pause * $1";
            let changed = client.execute(lease_time, &[&f64::from(SCALE)]).await;
            assert_eq!(changed.unwrap(), 1);
        }
        Self {
            store: Arc::new(store),
            clock,
        }
    }

    /// Replaces the connection of the clock after a restart of the database.
    pub(crate) async fn reconnect_clock(&mut self, cluster: &Cluster, database: &str) {
        self.clock = Clock::of(cluster, database).await;
    }

    /// A number of seconds, as a duration of the store.
    pub(crate) fn seconds(&self, seconds: u64) -> Duration {
        match self.clock {
            Clock::Memory(_) => Duration::from_secs(seconds),
            Clock::Postgres(_) => Duration::from_secs(seconds) * SCALE,
        }
    }

    /// Moves the clock by seconds, which may be negative.
    pub(crate) async fn advance(&self, seconds: f64) {
        match &self.clock {
            Clock::Memory(millis) => {
                millis.fetch_add((seconds * 1000.0) as i64, Ordering::Relaxed);
            }
            Clock::Postgres(client) => {
                let back = format!("make_interval(secs => {seconds} * {SCALE})");
                let sql = format!(
                    "update fleet.worker set heartbeat = heartbeat - {back}, live_since = live_since - {back};
                    update fleet.identity set claimed_at = claimed_at - {back}, silent_since = silent_since - {back},
                        attempted_at = attempted_at - {back},
                        pause = case when pause is not null then tstzrange(lower(pause) - {back}, upper(pause) - {back}) end;
                    update fleet.outbox set deadline = deadline - {back}, queued_at = queued_at - {back},
                        posting_at = posting_at - {back}, settled_at = settled_at - {back};
                    update fleet.inbox set recorded_at = recorded_at - {back};"
                );
                client.batch_execute(&sql).await.unwrap();
            }
        }
    }

    /// Lets time pass, with a heartbeat of the workers in each second.
    pub(crate) async fn pass(&self, seconds: u32, workers: &[WorkerId]) {
        for _ in 0..seconds {
            self.advance(1.0).await;
            for worker in workers {
                self.store.heartbeat(*worker).await.unwrap();
            }
        }
    }

    /// Lets time pass, and then sweeps. Returns the workers that were declared dead.
    pub(crate) async fn sweep_after(&self, seconds: u32, sweeper: WorkerId) -> Vec<WorkerId> {
        self.pass(seconds, &[sweeper]).await;
        self.store.sweep(sweeper).await.unwrap().dead_workers
    }

    pub(crate) async fn worker(&self) -> WorkerId {
        let worker = NewWorker::new("worker", 1000);
        self.store.register_worker(worker).await.unwrap()
    }

    pub(crate) async fn identity(&self, sip_uri: &str) -> IdentityId {
        let identity = NewIdentity::new(sip_uri);
        self.store.add_identity(identity).await.unwrap()
    }

    /// Adds an identity, which a worker claims and makes ready.
    pub(crate) async fn ready(&self, worker: WorkerId, sip_uri: &str) -> Lease {
        self.identity(sip_uri).await;
        let claims = self.store.claim(worker, 1).await.unwrap();
        assert_eq!(claims[0].sip_uri, sip_uri);
        let ready = self.store.set_ready(&[claims[0].lease]).await.unwrap();
        assert_eq!(ready, [Ok(())]);
        claims[0].lease
    }

    /// Lets a worker die, and another one claim everything that it had. Returns the leases of the heir.
    pub(crate) async fn take_over(&self, heir: WorkerId) -> Vec<Lease> {
        assert_eq!(self.sweep_after(6, heir).await.len(), 1);
        let claims = self.store.claim(heir, 1000).await.unwrap();
        let leases: Vec<Lease> = claims.iter().map(|it| it.lease).collect();
        self.store.set_ready(&leases).await.unwrap();
        leases
    }

    pub(crate) async fn enqueue(&self, identity: &str, key: &str, peer: &str) {
        let message = NewMessage::new(identity, key, peer, Content::plain(key));
        self.store.enqueue(&[message]).await.unwrap();
    }

    pub(crate) async fn next(&self, worker: WorkerId) -> Vec<QueuedMessage> {
        self.store.next_messages(worker, 0, 100).await.unwrap()
    }

    /// The texts of the messages to be sent.
    pub(crate) async fn next_texts(&self, worker: WorkerId) -> Vec<String> {
        let next = self.next(worker).await.into_iter();
        next.map(|it| it.content.text).collect()
    }

    pub(crate) async fn delivery(&self, identity: &str, key: &str) -> Delivery {
        let deliveries = self.store.deliveries(identity, &[key]).await.unwrap();
        deliveries.into_iter().next().flatten().unwrap()
    }

    pub(crate) async fn state(&self, identity: &str, key: &str) -> MessageState {
        self.delivery(identity, key).await.state
    }

    /// Commits one batch.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<(), skype_p2p_fleet::CommitRefusal> {
        let mut outcomes = self.store.commit(&[batch]).await.unwrap();
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }
}

pub(crate) fn posting(lease: Lease, number: i64, operation: &OperationId) -> Batch {
    let mut batch = Batch::new(lease, number);
    batch.posting.push(operation.clone());
    batch
}

pub(crate) fn settling(
    lease: Lease,
    number: i64,
    operation: &OperationId,
    verdict: Verdict,
) -> Batch {
    let mut batch = Batch::new(lease, number);
    batch.settled.push(Settled {
        operation: operation.clone(),
        verdict,
        reason: None,
    });
    batch
}

pub(crate) fn receiving(lease: Lease, number: i64, hrefs: &[&str]) -> Batch {
    let mut batch = Batch::new(lease, number);
    let received = hrefs.iter().map(|href| ReceivedMessage {
        href: (*href).to_owned(),
        thread_id: Some("thread".to_owned()),
        sender: PEER.to_owned(),
        content: Content::plain(*href),
        written_at: SystemTime::UNIX_EPOCH,
    });
    batch.received.extend(received);
    batch
}
