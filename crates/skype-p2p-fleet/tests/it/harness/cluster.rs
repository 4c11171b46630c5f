//! A PostgreSQL cluster of the tests.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use skype_p2p_fleet::PostgresConfig;
use tokio_postgres::{Client, NoTls};

/// A cluster on a port of loopback. A shell runs it, and stops it when its standard input ends: with the value, or with the
/// process of the tests.
pub(crate) struct Cluster {
    port: u16,
    programs: PathBuf,
    shell: Mutex<Shell>,
    databases: AtomicU32,
}

struct Shell {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Cluster {
    /// The cluster that tests share. `None`, with a message, where PostgreSQL is not installed.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(Self::start).as_ref()
    }

    /// Starts a cluster. `None`, with a message, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: PostgreSQL is not installed (Debian: postgresql)");
            return None;
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut process = shell()
            .args(["-c", include_str!("cluster.sh"), "cluster"])
            .arg(&programs)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shell = Shell {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
        };
        assert_eq!(shell.answer(), "ready\n", "PostgreSQL did not start");
        Some(Self {
            port,
            programs,
            shell: Mutex::new(shell),
            databases: AtomicU32::new(0),
        })
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&self) {
        self.command("kill");
    }

    /// Starts a killed server, and waits until it accepts connections.
    pub(crate) fn restart(&self) {
        self.command("start");
    }

    fn command(&self, command: &str) {
        let mut shell = self.shell.lock().unwrap();
        writeln!(shell.input.as_mut().unwrap(), "{command}").unwrap();
        assert_eq!(shell.answer(), "done\n");
    }

    /// Creates a database, and returns its name.
    pub(crate) async fn create_database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("fleet_{number}");
        let client = self.connect("postgres", "fleet").await;
        let create = format!("create database {name} template template0");
        client.batch_execute(&create).await.unwrap();
        name
    }

    pub(crate) fn config(&self, database: &str) -> PostgresConfig {
        PostgresConfig::new(&self.url(database, "fleet")).unwrap()
    }

    /// Connects without a store.
    pub(crate) async fn connect(&self, database: &str, user: &str) -> Client {
        let url = self.url(database, user);
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// A dump of a database, as text.
    pub(crate) fn dump(&self, database: &str) -> String {
        let output = Command::new(self.programs.join("pg_dump"))
            .arg(self.url(database, "fleet"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn url(&self, database: &str, user: &str) -> String {
        format!("postgresql://{user}@127.0.0.1:{}/{database}", self.port)
    }
}

impl Shell {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// PostgreSQL refuses to run as root.
fn shell() -> Command {
    let is_root = fs::metadata("/proc/self").is_ok_and(|it| owner(&it) == 0);
    if !is_root {
        return Command::new("sh");
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let has_postgres = users.lines().any(|line| line.starts_with("postgres:"));
    let user = if has_postgres { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--clear-groups", "--", "sh"]);
    command.current_dir("/");
    command
}

#[cfg(unix)]
fn owner(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::uid(metadata)
}

#[cfg(not(unix))]
fn owner(_: &fs::Metadata) -> u32 {
    1
}

/// The folder of PostgreSQL's programs: of the newest version of Debian's packages, or of the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = versions.flatten().map(|it| it.path());
    let newest = folders.max_by_key(|path| version(path));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = newest.map(|it| it.join("bin")).into_iter();
    let mut folders = folders.chain(std::env::split_paths(&path));
    folders.find(|it| it.join("initdb").exists() && it.join("pg_dump").exists())
}
