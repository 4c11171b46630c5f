//! Workers as processes of their own, on PostgreSQL and a server with sockets. One of three is killed, again and again.
//!
//! `FLEET_IDENTITIES` and `FLEET_KILLS` set the size of the run, and `--nocapture` shows the times of the takeovers.

use std::{
    collections::BTreeMap,
    env,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use skype_p2p::{Application, CallConnectionState, Credentials, Direction, HyperTransport, Root};
use skype_p2p_fleet::{
    Content, MessageState, NewIdentity, NewMessage, PostgresConfig, PostgresStore, Purpose, Store,
    Worker, WorkerConfig,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use ucwa_server::{Server, ServerConfig, User};

use crate::{
    harness::cluster::Cluster,
    worker::world::{LENE, bot, keyring},
};

/// Waits for the result of a message to an identity.
type Sending = JoinHandle<Result<(), skype_p2p::Reason>>;

const PASSWORD: &str = "secret-password";

/// The connection string of the database, for the process of a worker.
const DATABASE: &str = "FLEET_DATABASE";

/// The time from the death of a worker until its identities poll again.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(15);

/// The process of a worker, until it is killed.
#[test]
#[ignore = "runs as a process of the other test"]
fn worker_process() {
    let Ok(url) = env::var(DATABASE) else {
        return;
    };
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    runtime.block_on(async {
        let config = PostgresConfig::new(&url).unwrap();
        let store = PostgresStore::connect(&config).await.unwrap();
        let transport = Arc::new(HyperTransport::new());
        let config = WorkerConfig::new(std::process::id().to_string());
        let worker = Worker::new(Arc::new(store), keyring(), transport, config);
        worker.run(std::future::pending()).await.unwrap();
    });
}

struct Process(Child);

impl Process {
    fn start(url: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "worker_processes::worker_process",
                "--ignored",
                "--nocapture",
            ])
            .env(DATABASE, url)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Process {
    /// Kills the process with SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn size(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |it| it.parse().unwrap())
}

#[tokio::test]
async fn after_kill_9_every_identity_polls_within_15_s_and_no_message_is_lost_or_doubled() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let (identities, kills) = (size("FLEET_IDENTITIES", 200), size("FLEET_KILLS", 2));
    let database = cluster.create_database().await;
    PostgresStore::migrate(&cluster.config(&database))
        .await
        .unwrap();
    let store = PostgresStore::connect(&cluster.config(&database))
        .await
        .unwrap();
    let users = (0..identities).map(|n| User::new(&bot(n), "Bot", PASSWORD).unwrap());
    let lene = User::new(LENE, "Lene Aaling", PASSWORD).unwrap();
    let server = Server::bind("127.0.0.1:0", ServerConfig::new(users.chain([lene]))).await;
    let server = server.unwrap();
    for n in 0..identities {
        let mut identity = NewIdentity::new(bot(n));
        identity.root = Some(server.root_url());
        let sealed = keyring().seal(&bot(n), Purpose::Credential, PASSWORD.as_bytes());
        identity.credential = Some(sealed.unwrap());
        store.add_identity(identity).await.unwrap();
    }
    let lene = sign_in_lene(&server).await;
    let url = cluster.url(&database, "fleet");
    let mut workers: Vec<_> = (0..3).map(|_| Process::start(&url)).collect();
    all_ready(&store, identities).await;
    let client = cluster.connect(&database, "fleet").await;
    let mut keys = Vec::new();
    let mut incoming = Vec::new();
    // The conversations exist when the first worker is killed: the text of an invitation that was just accepted may be recorded
    // a second time, under the href of a message.
    enqueue(&store, &mut keys, "hello", identities).await;
    check_outgoing(&store, &lene, &keys).await;
    for round in 0..kills {
        // Messages are in every state when the worker is killed.
        enqueue(&store, &mut keys, &round.to_string(), identities).await;
        sleep(Duration::from_millis(300 + 100 * (round as u64 % 7))).await;
        let before = fences(&client, &workers[0]).await;
        assert!(
            before.len() > identities / 5,
            "the identities are not shared"
        );
        let killed_at = Instant::now();
        drop(workers.remove(0));
        for n in (0..identities).step_by(10) {
            let text = format!("{round} to {n}");
            incoming.push((bot(n), text.clone(), send(&lene, &bot(n), &text)));
        }
        let times = takeover_times(&client, before, killed_at).await;
        let at = |share: usize| times.get(times.len().saturating_sub(1) * share / 100);
        println!(
            "round {round}: {} identities; half {:.1?}, 95 % {:.1?}, all {:.1?}",
            times.len(),
            at(50),
            at(95),
            at(100)
        );
        workers.push(Process::start(&url));
        all_ready(&store, identities).await;
    }
    check_outgoing(&store, &lene, &keys).await;
    check_incoming(&store, incoming).await;
}

/// Enqueues a message of each identity.
async fn enqueue(
    store: &PostgresStore,
    keys: &mut Vec<(String, String)>,
    text: &str,
    identities: usize,
) {
    let new = (0..identities).map(|n| (bot(n), format!("{text} from {n}")));
    let new: Vec<_> = new.collect();
    let message =
        |(bot, key): &(String, String)| NewMessage::new(bot, key, LENE, Content::plain(key));
    let messages: Vec<_> = new.iter().map(message).collect();
    store.enqueue(&messages).await.unwrap();
    keys.extend(new);
}

/// Every message has a result, and the result is true.
async fn check_outgoing(store: &PostgresStore, lene: &Application, keys: &[(String, String)]) {
    let began = Instant::now();
    let mut unknown = 0;
    for (bot, key) in keys {
        let state = loop {
            let deliveries = store.deliveries(bot, &[key]).await.unwrap();
            let state = deliveries[0].as_ref().unwrap().state;
            if state.is_settled() {
                break state;
            }
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "{key} is {state:?}"
            );
            sleep(Duration::from_millis(100)).await;
        };
        // Lene's application shows the text of an invitation soon after the server has reported the delivery.
        while state == MessageState::Delivered
            && heard(lene, key) == 0
            && began.elapsed() < Duration::from_secs(120)
        {
            sleep(Duration::from_millis(100)).await;
        }
        let heard = heard(lene, key);
        match state {
            MessageState::Delivered => assert_eq!(heard, 1, "{key} was delivered"),
            MessageState::Unknown => {
                unknown += 1;
                assert!(heard <= 1, "{key} was heard {heard} times");
            }
            state => panic!("{key} is {state:?}"),
        }
    }
    println!("{} messages, {unknown} unknown", keys.len());
}

fn heard(lene: &Application, text: &str) -> usize {
    let conversations = lene.conversations_manager().conversations().snapshot();
    let messages = conversations
        .iter()
        .flat_map(|it| it.chat_service().messages().snapshot());
    let incoming = messages.filter(|it| it.direction() == Direction::Incoming);
    incoming.filter(|it| it.body().raw() == text).count()
}

/// Checks that the inbox has each message once whose sender got the result Delivered.
async fn check_incoming(store: &PostgresStore, incoming: Vec<(String, String, Sending)>) {
    let mut delivered = Vec::new();
    for (bot, text, sent) in incoming {
        if sent.await.unwrap().is_ok() {
            delivered.push((bot, text));
        }
    }
    let mut inbox: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    loop {
        let page = store.read_inbox("test", 1000).await.unwrap();
        let Some(last) = page.last().map(|it| it.position) else {
            break;
        };
        for it in page {
            let key = (it.identity, it.message.content.text);
            inbox.entry(key).or_default().push(it.message.href);
        }
        store.acknowledge("test", last).await.unwrap();
    }
    println!("{} incoming messages delivered", delivered.len());
    for (message, hrefs) in &inbox {
        assert_eq!(hrefs.len(), 1, "{message:?} is recorded as {hrefs:?}");
    }
    for message in delivered {
        assert!(inbox.contains_key(&message), "{message:?} is not recorded");
    }
}

async fn sign_in_lene(server: &Server) -> Application {
    let application = Application::builder()
        .root(Root::Url(server.root_url()))
        .build()
        .unwrap();
    let sign_in = application.sign_in_manager();
    sign_in
        .sign_in(Credentials::password(LENE, PASSWORD))
        .await
        .unwrap();
    let conversations = application.conversations_manager().conversations();
    let accepting = conversations.added(|conversation, _, _| {
        let chat = conversation.chat_service();
        let state = conversation.self_participant().chat().state();
        state
            .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
            .detach();
    });
    accepting.detach();
    application
}

fn send(lene: &Application, to: &str, text: &str) -> Sending {
    let conversation = lene.conversations_manager().get_conversation(to).unwrap();
    tokio::spawn(conversation.chat_service().send_message(text))
}

async fn all_ready(store: &PostgresStore, identities: usize) {
    let began = Instant::now();
    loop {
        let status = store.status().await.unwrap();
        let shares = status
            .workers
            .iter()
            .filter(|it| it.leases >= identities / 4);
        if status.identities.ready == identities as u64 && shares.count() == 3 {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(300),
            "the identities are not ready: {status:?}"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

/// The fences of the identities of a worker.
async fn fences(client: &tokio_postgres::Client, worker: &Process) -> BTreeMap<i64, i64> {
    let query = "select i.id, i.fence from fleet.identity i join fleet.worker w on w.id = i.owner
        where w.name = $1";
    let rows = client
        .query(query, &[&worker.0.id().to_string()])
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The times from the death of a worker until each of its identities polls again, in order.
async fn takeover_times(
    client: &tokio_postgres::Client,
    mut before: BTreeMap<i64, i64>,
    killed_at: Instant,
) -> Vec<Duration> {
    let mut times = Vec::new();
    while !before.is_empty() {
        let waited = killed_at.elapsed();
        assert!(
            waited < TAKEOVER_LIMIT,
            "{} identities do not poll",
            before.len()
        );
        let query = "select id, fence from fleet.identity where state = 'ready'";
        for row in client.query(query, &[]).await.unwrap() {
            let (id, fence): (i64, i64) = (row.get(0), row.get(1));
            if before.get(&id).is_some_and(|it| fence > *it) {
                times.push(killed_at.elapsed());
                before.remove(&id);
            }
        }
        sleep(Duration::from_millis(100)).await;
    }
    times
}
