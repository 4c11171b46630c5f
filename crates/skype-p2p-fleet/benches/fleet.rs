//! A worker of a fleet beside a bare program with the same sessions and no database: `cargo bench -p skype-p2p-fleet --bench fleet`.
//!
//! Both are processes, with the same number of sessions at the same server, and the same peers. The rounds alternate, so that
//! other load of the machine affects both. `FLEET_IDENTITIES` is the number of sessions, 500 by default. PostgreSQL runs with its
//! default settings: every commit waits for the disk.
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

#[path = "fleet/bare.rs"]
mod bare;
#[path = "../tests/it/harness/cluster.rs"]
mod cluster;
#[path = "fleet/measured_process.rs"]
mod measured_process;
#[path = "fleet/worker.rs"]
mod worker;

use std::{collections::BTreeMap, env};

use skype_p2p::{Application, CallConnectionState, Credentials, Root};
use tokio::runtime::Runtime;
use ucwa_server::{HttpConfig, Server, ServerConfig, User};

use cluster::Cluster;
use measured_process::MeasuredProcess;

const PASSWORD: &str = "secret-password";

/// The peers that the identities write to.
const PEERS: usize = 10;

/// The messages of each identity.
const MESSAGES: usize = 10;

const ROUNDS: usize = 3;

/// The measurements of a round, by name.
type Measurements = BTreeMap<&'static str, f64>;

/// What is measured, its unit, and whether the bare program has it.
const ROWS: [(&str, &str, bool); 7] = [
    ("memory", "KB for each idle session", true),
    ("idle CPU", "µs a second for each session", false),
    ("idle transactions", "a second", false),
    ("messages", "a second", true),
    ("CPU", "µs for each message", true),
    ("transactions", "for each message", false),
    ("resumptions", "sessions a second", true),
];

fn main() {
    // The main task waits for processes, while the sessions of the peers go on.
    let runtime = Runtime::new().unwrap();
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", sessions] => runtime.block_on(serve(sessions.parse().unwrap())),
        ["work", database] => runtime.block_on(worker::work(database)),
        ["bare", root, sessions] => runtime.block_on(bare::run(root, sessions.parse().unwrap())),
        _ => runtime.block_on(async { tokio::spawn(measure()).await.unwrap() }),
    }
}

async fn measure() {
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let sessions = env::var("FLEET_IDENTITIES").map_or(500, |it| it.parse().unwrap());
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let fleet = {
            let server = Peers::start(sessions).await;
            worker::measure(&cluster, &server.root, sessions).await
        };
        let bare = {
            let server = Peers::start(sessions).await;
            bare::measure(&server.root, sessions).await
        };
        rounds.push((fleet, bare));
    }
    println!("{sessions} sessions, {MESSAGES} messages of each, {ROUNDS} rounds; medians\n");
    println!("| what | unit | fleet | bare | ratio |\n|---|---|---|---|---|");
    for (name, unit, is_compared) in ROWS {
        let fleet = median(rounds.iter().map(|(fleet, _)| fleet[name]));
        let compared = is_compared.then(|| {
            let bare = median(rounds.iter().map(|(_, bare)| bare[name]));
            let ratio = median(rounds.iter().map(|(fleet, bare)| fleet[name] / bare[name]));
            format!("{bare:.1} | {ratio:.2} ×")
        });
        let compared = compared.unwrap_or_else(|| " | ".to_owned());
        println!("| {name} | {unit} | {fleet:.1} | {compared} |");
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The server, and the peers, who accept every invitation.
struct Peers {
    root: String,
    _applications: Vec<Application>,
    _server: MeasuredProcess,
}

impl Peers {
    async fn start(sessions: usize) -> Self {
        let mut server = MeasuredProcess::start(&["serve", &sessions.to_string()]);
        let root = server.line();
        let mut applications = Vec::new();
        for number in 0..PEERS {
            let application = sign_in(&root, &peer(number)).await;
            let conversations = application.conversations_manager().conversations();
            let added = conversations.added(|conversation, _, _| {
                let chat = conversation.chat_service();
                let state = conversation.self_participant().chat().state();
                let accept = move |_: &_| drop(chat.accept());
                state.when(CallConnectionState::Notified, accept).detach();
            });
            added.detach();
            applications.push(application);
        }
        Self {
            root,
            _applications: applications,
            _server: server,
        }
    }
}

async fn sign_in(root: &str, sip_uri: &str) -> Application {
    let root = Root::Url(root.to_owned());
    let application = Application::builder().root(root).build().unwrap();
    let credentials = Credentials::password(sip_uri, PASSWORD);
    let signed_in = application.sign_in_manager().sign_in(credentials).await;
    signed_in.unwrap();
    application
}

async fn serve(sessions: usize) {
    let users = (0..sessions).map(bot).chain((0..PEERS).map(peer));
    let users = users.map(|it| User::new(&it, "User", PASSWORD).unwrap());
    let users: Vec<_> = users.collect();
    let mut http = HttpConfig::default();
    http.limits.connections = 20_000;
    let server = Server::bind_with("127.0.0.1:0", ServerConfig::new(users), http).await;
    let server = server.unwrap();
    println!("{}", server.root_url());
    std::future::pending::<()>().await;
}

fn bot(number: usize) -> String {
    format!("sip:bot{number}@contoso.com")
}

fn peer(number: usize) -> String {
    format!("sip:peer{number}@contoso.com")
}

/// The peer of an identity.
fn peer_of(number: usize) -> String {
    peer(number % PEERS)
}

fn text(number: usize, message: usize) -> String {
    format!("message {message} from {number}: your order has been shipped.")
}
