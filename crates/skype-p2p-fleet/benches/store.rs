//! The throughput of the store on PostgreSQL: `cargo bench -p skype-p2p-fleet`. The cluster runs on this machine, with its default
//! settings: every commit waits for the disk. For a comparison, the last lines have the store in memory.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a benchmark, which uses a part of the test harness"
)]

#[path = "../tests/it/harness/cluster.rs"]
mod cluster;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use skype_p2p_fleet::{
    Batch, Content, Lease, MemoryStore, NewIdentity, NewMessage, NewWorker, PostgresStore,
    QueuedMessage, Sealed, Settled, Store, Verdict,
};

use cluster::Cluster;

/// The tasks that use the store at the same time.
const TASKS: usize = 16;

/// The identities, each with its messages.
const IDENTITIES: usize = 2000;

/// The messages in a batch.
const BATCH: usize = 50;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let memory = Arc::new(MemoryStore::new(SystemTime::now));
        if let Some(cluster) = Cluster::start("on") {
            let database = cluster.create_database().await;
            let config = cluster.config(&database).with_connections(TASKS);
            PostgresStore::migrate(&config).await.unwrap();
            let store = PostgresStore::connect(&config).await.unwrap();
            measure("PostgreSQL", Arc::new(store)).await;
        }
        measure("memory", memory).await;
    });
}

async fn measure(name: &str, store: Arc<dyn Store>) {
    println!("{name}, {TASKS} tasks, {IDENTITIES} identities");
    for number in 0..IDENTITIES {
        let identity = NewIdentity::new(sip_uri(number));
        store.add_identity(identity).await.unwrap();
    }
    let worker = NewWorker::new("worker", IDENTITIES);
    let worker = store.register_worker(worker).await.unwrap();

    let begin = Instant::now();
    let claims = store.claim(worker, IDENTITIES).await.unwrap();
    let leases: Vec<Lease> = claims.iter().map(|it| it.lease).collect();
    show("claim of all identities", leases.len(), begin.elapsed());
    store.set_ready(&leases).await.unwrap();

    let singly: Vec<Vec<NewMessage>> = messages("singly").map(|it| vec![it]).collect();
    enqueue("durable enqueue, singly", &store, singly).await;
    let batches: Vec<NewMessage> = messages("batch").collect();
    let batches = batches.chunks(BATCH).map(<[_]>::to_vec).collect();
    enqueue("durable enqueue, 50 in a batch", &store, batches).await;

    let next = next_messages(&store, worker).await;
    let singly = next.iter().map(|it| vec![it.clone()]).collect();
    send("posting and verdict, singly", &store, singly, 0).await;
    let next = next_messages(&store, worker).await;
    let batches = next.chunks(BATCH).map(<[_]>::to_vec).collect();
    send("posting and verdict, 50 in a batch", &store, batches, 2).await;

    let begin = Instant::now();
    store.retire_worker(worker).await.unwrap();
    let heir = NewWorker::new("heir", IDENTITIES);
    let heir = store.register_worker(heir).await.unwrap();
    let claims = store.claim(heir, IDENTITIES).await.unwrap();
    show("takeover of all identities", claims.len(), begin.elapsed());
}

fn sip_uri(number: usize) -> String {
    format!("sip:bot{number}@contoso.com")
}

fn messages(key: &str) -> impl Iterator<Item = NewMessage> {
    (0..IDENTITIES).map(move |number| {
        let content = Content::plain("Your order has been shipped.");
        NewMessage::new(sip_uri(number), key, "sip:lenea@contoso.com", content)
    })
}

/// The oldest message of each identity, in the page that a worker would read.
async fn next_messages(
    store: &Arc<dyn Store>,
    worker: skype_p2p_fleet::WorkerId,
) -> Vec<QueuedMessage> {
    let begin = Instant::now();
    let next = store.next_messages(worker, 0, IDENTITIES).await.unwrap();
    show("read of the next messages", next.len(), begin.elapsed());
    next
}

/// Divides the work among the tasks, and waits for all of them.
async fn concurrently<T, F>(work: Vec<T>, perform: impl Fn(Vec<T>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
    T: Clone,
{
    let share = work.len().div_ceil(TASKS).max(1);
    let shares = work.chunks(share).map(<[T]>::to_vec);
    let tasks: Vec<_> = shares.map(|it| tokio::spawn(perform(it))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn enqueue(what: &str, store: &Arc<dyn Store>, calls: Vec<Vec<NewMessage>>) {
    let count = calls.iter().map(Vec::len).sum();
    let begin = Instant::now();
    concurrently(calls, |calls| {
        let store = store.clone();
        async move {
            for messages in calls {
                store.enqueue(&messages).await.unwrap();
            }
        }
    })
    .await;
    show(what, count, begin.elapsed());
}

/// Commits the posting of messages, and then their results with checkpoints, as a worker does.
async fn send(what: &str, store: &Arc<dyn Store>, calls: Vec<Vec<QueuedMessage>>, last: i64) {
    let count = calls.iter().map(Vec::len).sum();
    let begin = Instant::now();
    concurrently(calls, |calls| {
        let store = store.clone();
        async move {
            for messages in calls {
                let posting = messages.iter().map(|it| {
                    let mut batch = Batch::new(it.lease, last + 1);
                    batch.posting.push(it.operation.clone());
                    batch
                });
                commit(&store, posting.collect()).await;
                let settled = messages.iter().map(|it| {
                    let mut batch = Batch::new(it.lease, last + 2);
                    batch.settled.push(Settled {
                        operation: it.operation.clone(),
                        verdict: Verdict::Delivered,
                        reason: None,
                    });
                    // The size of a checkpoint with a few conversations.
                    batch.checkpoint = Some(Sealed::from_bytes(vec![7; 1500]));
                    batch
                });
                commit(&store, settled.collect()).await;
            }
        }
    })
    .await;
    show(what, count, begin.elapsed());
}

async fn commit(store: &Arc<dyn Store>, batches: Vec<Batch>) {
    let outcomes = store.commit(&batches).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
}

fn show(what: &str, count: usize, time: Duration) {
    let rate = count as f64 / time.as_secs_f64();
    println!("{what:<36} {count:>6} in {time:>9.1?} {rate:>10.0}/s");
}
