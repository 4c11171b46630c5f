//! Running the binary and reading what it prints.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long anything here may take. Nothing waits this long unless it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TOSH: &str = "toshm@contoso.com";
pub(crate) const LENE: &str = "lenea@contoso.com";
pub(crate) const PASSWORD: &str = "open-sesame";

/// The binary with these arguments, and the password in its environment.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skype-p2p"));
    command
        .args(arguments)
        .env("SKYPE_P2P_PASSWORD", PASSWORD)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running process. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
}

/// How a process ended, and what it had left to say.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut diagnostics = child.stderr.take().unwrap();
        // Read as it comes: a full pipe would stop the process.
        let stderr = Some(thread::spawn(move || {
            let mut text = String::new();
            diagnostics.read_to_string(&mut text).unwrap();
            text
        }));
        Self {
            child,
            lines,
            stderr,
        }
    }

    /// The next line of its standard output.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(_) => {
                let _ = self.child.kill();
                panic!("no line came; standard error: {}", self.diagnostics());
            }
        }
    }

    /// The next JSON line that is like this.
    pub(crate) fn line_with(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line: Value = serde_json::from_str(&self.line()).unwrap();
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The next JSON line that tells this of this event.
    pub(crate) fn line_of(&mut self, event: &str, new: &str) -> Value {
        self.line_with(|line| line["event"] == event && line["new"] == new)
    }

    /// Asks it to end.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let mut stdout = Vec::new();
        // Its standard output closes when it ends.
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            stdout.push(line);
        }
        if Instant::now() >= deadline {
            let _ = self.child.kill();
            panic!(
                "it does not end; it said {stdout:?} and {}",
                self.diagnostics()
            );
        }
        let stderr = self.diagnostics();
        Ended {
            code: self.child.wait().unwrap().code(),
            stdout,
            stderr,
        }
    }

    /// All that it said on standard error, once it has ended.
    fn diagnostics(&mut self) -> String {
        self.stderr
            .take()
            .map(|stderr| stderr.join().unwrap())
            .unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the binary to its end.
pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    Process::start(command(arguments)).end()
}

/// A server with Tosh and Lene, and its root URL.
pub(crate) fn server() -> (Process, String) {
    let tosh = format!("toshm:{PASSWORD}:Tosh Meston");
    let lene = format!("lenea:{PASSWORD}:Lene Aaling");
    let mut server = Process::start(command(["serve", "--user", &tosh, "--user", &lene]));
    let root = server.line();
    (server, root)
}

/// Lene, listening and signed in.
pub(crate) fn lene(root: &str, more: &[&str]) -> Process {
    let arguments = ["listen", "--root", root, "--user", LENE, "--json"];
    let mut lene = Process::start(command(arguments.iter().chain(more)));
    lene.line_of("sign_in.state", "SignedIn");
    lene
}
