//! The processes of a trial: the server, and workers. Each is this test program with the name of one ignored test.

use std::{
    env,
    io::{BufRead as _, BufReader, Lines, Read as _},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
};

use skype_p2p::HyperTransport;
use skype_p2p_fleet::{PostgresConfig, PostgresStore, Worker, WorkerConfig};
use tokio::runtime::Runtime;
use ucwa_server::{HttpConfig, Server, ServerConfig, User};

use super::{PASSWORD, peers::peer};
use crate::worker::world::{bot, keyring};

/// The connection string of the database, for the process of a worker.
const DATABASE: &str = "FLEET_DATABASE";

/// The claims per second of a worker.
const CLAIMS: &str = "FLEET_CLAIMS_PER_SECOND";

/// The numbers of identities and of peers, for the process of the server.
const USERS: &str = "FLEET_USERS";

/// The text before the URL in the output of the server.
const ROOT: &str = "root ";

/// The process of the server, until it is killed.
#[test]
#[ignore = "runs as a process of the other tests"]
fn server_process() {
    let Ok(users) = env::var(USERS) else {
        return;
    };
    exit_with_parent();
    let (bots, peers) = users.split_once(' ').unwrap();
    let bots = (0..bots.parse().unwrap()).map(bot);
    let peers = (0..peers.parse().unwrap()).map(peer);
    let users = bots
        .chain(peers)
        .map(|uri| User::new(&uri, "User", PASSWORD).unwrap());
    let users: Vec<_> = users.collect();
    Runtime::new().unwrap().block_on(async {
        let mut http = HttpConfig::default();
        http.limits.connections = 20_000;
        let server = Server::bind_with("127.0.0.1:0", ServerConfig::new(users), http).await;
        let server = server.unwrap();
        println!("\n{ROOT}{}", server.root_url());
        std::future::pending::<()>().await;
    });
}

/// The process of a worker, until it is killed or drained.
#[test]
#[ignore = "runs as a process of the other tests"]
fn worker_process() {
    let Ok(url) = env::var(DATABASE) else {
        return;
    };
    exit_with_parent();
    let claims_per_second = env::var(CLAIMS).unwrap().parse().unwrap();
    Runtime::new().unwrap().block_on(async {
        let config = PostgresConfig::new(&url).unwrap();
        let store = PostgresStore::connect(&config).await.unwrap();
        let transport = Arc::new(HyperTransport::new());
        let mut config = WorkerConfig::new(std::process::id().to_string());
        config.capacity = 100_000;
        config.claims_per_second = claims_per_second;
        let worker = Worker::new(Arc::new(store), keyring(), transport, config);
        worker.run(std::future::pending()).await.unwrap();
    });
}

/// Ends this process when the process of the tests ends, which holds the other end of the standard input.
fn exit_with_parent() {
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// A process of a trial, which is killed with SIGKILL when this is dropped.
pub(super) struct Process {
    child: Child,
    /// The output of the server. The test harness in the process writes to it later.
    _output: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    /// Starts the server. Returns it with the URL of its root.
    pub(super) fn server(identities: usize, peers: usize) -> (Self, String) {
        let mut command = command("server_process");
        command.env(USERS, format!("{identities} {peers}"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let root = lines.find_map(|line| Some(line.unwrap().strip_prefix(ROOT)?.to_owned()));
        let process = Self {
            child,
            _output: Some(lines),
        };
        (process, root.unwrap())
    }

    pub(super) fn worker(database: &str, claims_per_second: usize) -> Self {
        let mut command = command("worker_process");
        command
            .env(DATABASE, database)
            .env(CLAIMS, claims_per_second.to_string())
            .stdout(Stdio::null());
        Self {
            child: command.spawn().unwrap(),
            _output: None,
        }
    }

    /// The name of the worker in the store.
    pub(super) fn name(&self) -> String {
        self.child.id().to_string()
    }

    /// Sends a signal, such as `STOP`.
    pub(super) fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        let status = kill.args(["-s", signal, &self.name()]).status();
        assert!(status.unwrap().success());
    }

    /// Whether the process has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    command
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .stdin(Stdio::piped());
    command
}
