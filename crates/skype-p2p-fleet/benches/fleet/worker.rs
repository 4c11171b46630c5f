//! A worker of a fleet, on PostgreSQL.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use secrecy::SecretString;
use skype_p2p::HyperTransport;
use skype_p2p_fleet::{
    Content, Keyring, NewIdentity, NewMessage, PostgresConfig, PostgresStore, Purpose, Store,
    Worker, WorkerConfig,
};
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::{
    MESSAGES, MeasuredProcess, Measurements, PASSWORD, bot, cluster::Cluster, peer_of, text,
};

/// The time in which nothing is sent.
pub(crate) const IDLE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(20);

/// Runs a worker until it is killed.
pub(crate) async fn work(database: &str) {
    let config = PostgresConfig::new(database).unwrap();
    let store = PostgresStore::connect(&config).await.unwrap();
    let mut config = WorkerConfig::new("worker");
    config.capacity = 100_000;
    // No limit: the benchmark finds out how many are possible.
    config.claims_per_second = 100_000;
    let transport = Arc::new(HyperTransport::new());
    let worker = Worker::new(Arc::new(store), keyring(), transport, config);
    worker.run(std::future::pending()).await.unwrap();
}

fn keyring() -> Keyring {
    let keys = "1 q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
    Keyring::parse(&SecretString::from(keys)).unwrap()
}

/// Measures a worker from outside.
pub(crate) async fn measure(cluster: &Cluster, root: &str, sessions: usize) -> Measurements {
    let name = cluster.create_database().await;
    let config = cluster.config(&name);
    PostgresStore::migrate(&config).await.unwrap();
    let store = PostgresStore::connect(&config).await.unwrap();
    let fleet = Fleet {
        client: cluster.connect(&name, "fleet").await,
        statistics: cluster.connect("postgres", "fleet").await,
        store,
        database: name.clone(),
        sessions,
    };
    let url = cluster.url(&name, "fleet");
    let worker = MeasuredProcess::start(&["work", &url]);
    fleet.has("select count(*) from fleet.worker", 1).await;
    sleep(Duration::from_secs(1)).await;
    let empty = worker.resident();
    fleet.add_identities(root).await;
    fleet.all_ready().await;
    sleep(Duration::from_secs(2)).await;

    let count = sessions as f64;
    let memory = (worker.resident() - empty) / count;
    let (before, transactions) = (worker.cpu(), fleet.transactions().await);
    sleep(IDLE).await;
    let idle = (worker.cpu() - before).as_secs_f64() / IDLE.as_secs_f64();
    let idle_transactions = (fleet.transactions().await - transactions) / IDLE.as_secs_f64();

    // The first message of each identity is in an invitation.
    fleet.send(1).await;
    let (before, transactions) = (worker.cpu(), fleet.transactions().await);
    let seconds = fleet.send(MESSAGES).await;
    let used = (worker.cpu() - before).as_secs_f64();
    let transactions = fleet.transactions().await - transactions;

    drop(worker);
    let died = "update fleet.worker set state = 'dead'";
    fleet.client.execute(died, &[]).await.unwrap();
    let _heir = MeasuredProcess::start(&["work", &url]);
    fleet.has("select count(*) from fleet.worker", 2).await;
    let began = Instant::now();
    fleet.all_ready().await;
    let resumed = began.elapsed().as_secs_f64();

    let messages = count * MESSAGES as f64;
    [
        ("memory", memory),
        ("idle CPU", idle * 1e6 / count),
        ("idle transactions", idle_transactions),
        ("messages", messages / seconds),
        ("CPU", used * 1e6 / messages),
        ("transactions", transactions / messages),
        ("resumptions", count / resumed),
    ]
    .into()
}

struct Fleet {
    store: PostgresStore,
    client: Client,
    /// A connection to another database, which does not count itself.
    statistics: Client,
    database: String,
    sessions: usize,
}

impl Fleet {
    async fn add_identities(&self, root: &str) {
        for number in 0..self.sessions {
            let sip_uri = bot(number);
            let password = PASSWORD.as_bytes();
            let sealed = keyring().seal(&sip_uri, Purpose::Credential, password);
            let mut identity = NewIdentity::new(sip_uri);
            identity.root = Some(root.to_owned());
            identity.credential = Some(sealed.unwrap());
            self.store.add_identity(identity).await.unwrap();
        }
    }

    async fn all_ready(&self) {
        let ready = "select count(*) from fleet.identity i join fleet.worker w on w.id = i.owner
            where i.state = 'ready' and w.state = 'live'";
        self.has(ready, self.sessions).await;
    }

    /// Waits until a query has this result.
    async fn has(&self, query: &str, expected: usize) {
        let expected = i64::try_from(expected).unwrap();
        while self
            .client
            .query_one(query, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            != expected
        {
            sleep(POLL).await;
        }
    }

    /// The transactions of the database so far.
    async fn transactions(&self) -> f64 {
        let query = "select xact_commit from pg_stat_database where datname = $1";
        let row = self.statistics.query_one(query, &[&self.database]).await;
        row.unwrap().get::<_, i64>(0) as f64
    }

    /// Enqueues messages of each identity. Returns the seconds until all of them are delivered.
    async fn send(&self, messages: usize) -> f64 {
        let message = |number: usize, message: usize| {
            let content = Content::plain(text(number, message));
            let key = format!("{message} of {messages}");
            NewMessage::new(bot(number), key, peer_of(number), content)
        };
        let numbers = (0..messages).flat_map(|it| (0..self.sessions).map(move |n| (n, it)));
        let new: Vec<_> = numbers.map(|(n, it)| message(n, it)).collect();
        let began = Instant::now();
        self.store.enqueue(&new).await.unwrap();
        let open =
            "select count(*) from fleet.outbox where state in ('queued', 'posting', 'posted')";
        self.has(open, 0).await;
        began.elapsed().as_secs_f64()
    }
}
