//! Sessions that only wait for events: the turns of their polls, their memory and their connections.

use std::sync::Arc;
use std::time::Duration;

use skype_p2p::{HttpTransport, HyperTransport};
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::bare::{Pool, Sender, Session, poll};
use crate::client::{Client, Metrics, metrics};
use crate::meters::{cpu, micros, resident, sockets};
use crate::sdk;

/// The sessions whose memory is not measured, since the first ones load code and fill caches.
const WARM_UP: usize = 20;
/// The time in which the last polls are answered.
const SETTLE: Duration = Duration::from_millis(500);
/// The time in which the connections that only the sign-in needs are closed.
const QUIET: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct TurnOptions {
    #[command(flatten)]
    client: Client,
    /// The measured time in milliseconds
    #[arg(long)]
    milliseconds: u64,
}

#[derive(clap::Args)]
pub(crate) struct MemoryOptions {
    #[command(flatten)]
    client: Client,
    /// The number of measured sessions. The host needs 20 users more.
    #[arg(long)]
    sessions: usize,
    /// One transport for all sessions
    #[arg(long)]
    shared: bool,
}

/// The processor time of a turn of the pending GET. The host answers every poll with an empty page.
pub(crate) async fn turns(options: TurnOptions) -> Metrics {
    let root = &options.client.root;
    let application = match options.client.pool() {
        None => Some(sdk::sign_in(root, 0, None).await),
        Some(pool) => {
            start(&pool, root, 0).await;
            None
        }
    };
    sleep(SETTLE).await;
    let mut counter = Sender::new(&Pool::None, root, "").await;
    let before = counter.get("/empty-polls").await.as_f64().unwrap();
    let begin = cpu();
    sleep(Duration::from_millis(options.milliseconds)).await;
    let used = cpu() - begin;
    let turns = counter.get("/empty-polls").await.as_f64().unwrap() - before;
    drop(application);
    metrics([("cpu_us", micros(used) / turns)])
}

/// The memory and the connections of a session that waits.
pub(crate) async fn memory(options: MemoryOptions) -> Metrics {
    let root = &options.client.root;
    let pool = options.client.pool();
    let transport = options
        .shared
        .then(|| Arc::new(HyperTransport::new()) as Arc<dyn HttpTransport>);
    let mut applications = Vec::new();
    let mut before = (0.0, 0);
    for number in 0..WARM_UP + options.sessions {
        if number == WARM_UP {
            sleep(QUIET).await;
            before = (resident(), sockets());
        }
        match &pool {
            None => applications.push(sdk::sign_in(root, number, transport.clone()).await),
            Some(pool) => start(pool, root, number).await,
        }
    }
    sleep(QUIET).await;
    let count = options.sessions as f64;
    metrics([
        ("resident_kb", (resident() - before.0) / count / 1024.0),
        ("connections", (sockets() - before.1) as f64 / count),
    ])
}

/// Signs in and polls on the same connection.
async fn start(pool: &Pool, root: &str, number: usize) {
    let (sender, next) = Session::sign_in(pool, root, number).await.into_poll();
    spawn_local(poll(sender, next, |_| {}));
}
