//! A fleet, as its operators run it: on a PostgreSQL cluster of the tests, and a server of the binary.

#[path = "../../../skype-p2p-fleet/tests/it/harness/cluster.rs"]
#[expect(
    dead_code,
    clippy::print_stdout,
    reason = "the tests of the library use the rest; the message of a skipped test"
)]
mod cluster;
mod endpoints;
mod logging;
mod open_metrics;
mod packaging;
mod removal;
mod settings;
mod shutdown;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;

use self::{cluster::Cluster, open_metrics::Metrics};
use crate::process::{Ended, Folder, LENE, PASSWORD, Process, command, lene};

const PAGE: &str = include_str!("../../../../docs/src/fleet-operations.md");

/// The key of the tests.
const KEY: &str = "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";

const BOT: &str = "bot0@contoso.com";

/// A database, a server with bots and Lene, and the files of an operator.
struct Fleet {
    cluster: &'static Cluster,
    database: String,
    folder: Folder,
    root: String,
    _server: Process,
}

impl Fleet {
    /// `None` where PostgreSQL is not installed.
    async fn new() -> Option<Self> {
        Some(Self::on(Cluster::shared()?).await)
    }

    async fn on(cluster: &'static Cluster) -> Self {
        let database = cluster.create_database().await;
        let users = ["bot0::Bot", "bot1::Bot", "bot2::Bot", "lenea::Lene"];
        let users = users.iter().flat_map(|user| ["--user", user]);
        let mut server = Process::start(command(["serve"].into_iter().chain(users)));
        let folder = Folder::new("fleet");
        folder.file("fleet.keys", format!("# of the tests\n1 {KEY}\n"));
        let url = cluster.url(&database, "fleet");
        let config =
            format!("database = \"{url}\"\nkeys_file = \"fleet.keys\"\nlisten = \"127.0.0.1:0\"\n");
        folder.file("fleet.toml", config);
        Self {
            cluster,
            database,
            folder,
            root: server.line(),
            _server: server,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(["fleet"].iter().chain(arguments));
        let file = self.folder.path().join("fleet.toml");
        command.env("SKYPE_P2P_FLEET_CONFIG", file);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Process::start(self.command(arguments)).end()
    }

    /// Runs a command that succeeds. Returns its output.
    fn done(&self, arguments: &[&str]) -> Vec<String> {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    fn add(&self, bots: &[&str]) {
        for bot in bots {
            self.done(&["add", bot, "--root", &self.root]);
        }
    }

    /// A worker, and the URL of its endpoints.
    fn worker(&self, more: &[&str]) -> (Process, String) {
        let mut command = self.command(&[&["worker"], more].concat());
        // The log is searched for secrets.
        command.env("RUST_LOG", "trace,hyper=info,mio=info,hyper_util=info");
        let mut worker = Process::start(command);
        let url = worker.line();
        (worker, url)
    }

    fn status(&self) -> Value {
        let line = self.done(&["status", "--json"]).remove(0);
        serde_json::from_str(&line).unwrap()
    }

    /// Waits until this number of identities is ready.
    fn ready(&self, count: u64) {
        until("the identities are ready", || {
            self.status()["identities"]["ready"] == count
        });
    }

    fn enqueue(&self, key: &str, to: &str, text: &str, more: &[&str]) -> Ended {
        let message = ["enqueue", "--identity", BOT, "--key", key, "--to", to, text];
        self.run(&[&message, more].concat())
    }
}

/// The names in the first column of a table of the page.
fn first_cells(head: &str) -> BTreeSet<String> {
    let (_, table) = PAGE.split_once(head).unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('`').nth(1).unwrap().to_owned());
    cells.collect()
}

/// Waits for a condition.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The status and the text of an endpoint.
fn get(url: &str, path: &str) -> (u16, String) {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, text) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), text.to_owned())
}

#[tokio::test]
async fn an_operator_runs_a_fleet() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    let before = fleet.run(&["status"]);
    assert_eq!(before.code, Some(1), "{before:?}");
    assert!(before.stderr.contains("fleet migrate"), "{before:?}");
    let migrated = fleet.done(&["migrate"]);
    assert!(migrated[0].starts_with("Applied "), "{migrated:?}");
    assert_eq!(fleet.done(&["migrate"]), ["The schema is current."]);

    fleet.add(&[
        "bot0@contoso.com",
        "sip:bot1@contoso.com",
        "bot2@contoso.com",
    ]);
    let again = fleet.run(&["add", BOT]);
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.stderr.contains("already"), "{again:?}");
    let (worker, endpoints) = fleet.worker(&["--name", "one"]);
    fleet.ready(3);
    assert_eq!(get(&endpoints, "livez").0, 200);
    assert_eq!(get(&endpoints, "readyz").0, 200);
    assert_eq!(get(&endpoints, "other").0, 404);

    let mut lene = lene(&fleet.root, &[]);
    let text = "The text of a message that no log shows";
    let queued = fleet.enqueue("order-1", LENE, text, &[]);
    assert_eq!(queued.stdout, ["order-1 queued"], "{queued:?}");
    let delivered = fleet.enqueue("order-1", LENE, text, &["--wait"]);
    assert_eq!(delivered.stdout, ["order-1 delivered"], "{delivered:?}");
    assert_eq!(delivered.code, Some(0));
    lene.line_of("messages.added", text);
    let other = fleet.enqueue("order-1", LENE, "another text", &[]);
    assert_eq!(other.code, Some(1), "{other:?}");
    let json = fleet.enqueue("order-1", LENE, text, &["--json", "--wait"]);
    let json: Value = serde_json::from_str(&json.stdout[0]).unwrap();
    assert_eq!(
        (&json["outcome"], &json["state"]),
        (&"duplicate".into(), &"delivered".into())
    );

    let answer = command([
        "send",
        "--root",
        &fleet.root,
        "--user",
        LENE,
        "--to",
        "bot1",
        "An answer",
    ]);
    let answered = Process::start(answer).end();
    assert_eq!(answered.code, Some(0), "{answered:?}");
    let client = fleet.cluster.connect(&fleet.database, "fleet").await;
    let inbox = "select identity, sender, body from fleet.read_inbox('test')";
    // The sender learns that the invitation was accepted. Its text is recorded with the next event page.
    let deadline = Instant::now() + Duration::from_secs(60);
    let received = loop {
        assert!(Instant::now() < deadline, "the inbox is empty");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let rows = client.query(inbox, &[]).await.unwrap();
        if let [row] = &rows[..] {
            break [0, 1, 2].map(|column| row.get::<_, String>(column));
        }
        assert!(rows.is_empty(), "{rows:?}");
    };
    let expected = ["sip:bot1@contoso.com", "sip:lenea@contoso.com", "An answer"];
    assert_eq!(received, expected);

    fleet.done(&["suspend", BOT, "--reason", "maintenance"]);
    let status = fleet.status();
    assert_eq!(status["identities"]["suspended"], 1);
    assert_eq!(status["suspended"][0]["reason"], "maintenance");
    let waiting = fleet.enqueue("order-2", LENE, "Later", &["--wait", "--timeout", "1"]);
    assert_eq!(waiting.code, Some(3), "{waiting:?}");
    fleet.done(&["resume", BOT]);
    let resumed = fleet.enqueue("order-2", LENE, "Later", &["--wait"]);
    assert_eq!(resumed.stdout, ["order-2 delivered"], "{resumed:?}");

    let nobody = "nobody@contoso.com";
    let failed = fleet.enqueue("order-3", nobody, "Lost", &["--wait"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(
        failed.stdout[0].starts_with("order-3 failed: "),
        "{failed:?}"
    );
    let status = fleet.done(&["status"]).join("\n");
    assert!(
        status.contains("order-3 of sip:bot0@contoso.com to sip:nobody@contoso.com"),
        "{status}"
    );
    assert!(
        status.contains(" one: live, 3 of 2000 identities"),
        "{status}"
    );
    let requeued = fleet.done(&["requeue", BOT, "order-3", "--new-key", "order-4"]);
    assert_eq!(requeued, ["Queued order-4."]);
    let not_failed = fleet.run(&["requeue", BOT, "order-1", "--new-key", "order-5"]);
    assert_eq!(not_failed.code, Some(1), "{not_failed:?}");

    // The worker reads the state of the fleet once a second.
    let identities = "skype_p2p_fleet_identities{state=\"ready\"} 3";
    until("the metrics", || {
        get(&endpoints, "metrics").1.contains(identities)
    });
    let (status, text_of_metrics) = get(&endpoints, "metrics");
    assert_eq!(status, 200);
    let metrics = Metrics::parse(&text_of_metrics);
    metrics.check(&[
        ("skype_p2p_fleet_leases{state=\"ready\"}", 3.0..=3.0),
        (
            "skype_p2p_fleet_verdicts_total{verdict=\"delivered\"}",
            2.0..=2.0,
        ),
        (
            "skype_p2p_fleet_sign_ins_total{result=\"signed_in\"}",
            3.0..=4.0,
        ),
        ("skype_p2p_fleet_received_messages_total", 1.0..=1.0),
        ("skype_p2p_fleet_event_gap_seconds", 0.0..=15.0),
        ("skype_p2p_fleet_oldest_queued_seconds", 0.0..=60.0),
        ("skype_p2p_fleet_takeover_seconds_count", 0.0..=0.0),
        ("skype_p2p_fleet_store_seconds_count", 10.0..=f64::INFINITY),
    ]);

    let of_the_page = first_cells("| metric | labels | alert |\n|---|---|---|\n");
    assert_eq!(metrics.families(), of_the_page);

    fleet.done(&["drain", "one"]);
    let ended = worker.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let status = fleet.status();
    assert_eq!(status["workers"], Value::Array(Vec::new()));
    assert_eq!(status["identities"]["free"], 3);
    let gone = fleet.run(&["drain", "one"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");

    assert!(ended.stderr.contains("registered"), "{}", ended.stderr);
    let dump = fleet.cluster.dump(&fleet.database);
    let places = BTreeMap::from([
        ("the dump", dump.as_str()),
        ("the log", &ended.stderr),
        ("the metrics", &text_of_metrics),
    ]);
    for (place, contents) in &places {
        for secret in [PASSWORD, KEY] {
            assert!(!contents.contains(secret), "{secret} is in {place}");
        }
        // Whoever can read the database can read the messages.
        for shown in [text, "bot0@contoso.com"] {
            let is_dump = *place == "the dump";
            assert!(
                is_dump == contents.contains(shown) || *place == "the log" && shown != text,
                "{shown} and {place}"
            );
        }
    }
}
