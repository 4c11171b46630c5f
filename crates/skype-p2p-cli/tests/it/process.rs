//! Runs the binary and reads its output.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;
use skype_p2p::{Application, ApplicationBuilder, Credentials, Root};

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
        // The configuration of the person who runs the tests is not used.
        .env("XDG_CONFIG_HOME", "/nowhere")
        .env("APPDATA", "C:\\nowhere")
        // Nor is their keyring.
        .env("XDG_RUNTIME_DIR", "/nowhere")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
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

impl Ended {
    /// The lines of standard output, which are JSON objects.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let lines = self.stdout.iter();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
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

    /// Writes this to its standard input, and closes it.
    pub(crate) fn write(&mut self, text: &[u8]) {
        let mut input = self.child.stdin.take().unwrap();
        input.write_all(text).unwrap();
    }

    /// Writes this to its standard input, which stays open until the end.
    pub(crate) fn write_and_stay(&mut self, text: &[u8]) {
        self.child.stdin.as_mut().unwrap().write_all(text).unwrap();
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
    serve(&["--user", &tosh, "--user", &lene])
}

/// A server with these options, and its root URL.
pub(crate) fn serve(options: &[&str]) -> (Process, String) {
    let mut server = Process::start(command([&["serve"], options].concat()));
    let root = server.line();
    (server, root)
}

/// A server with this file, and its root URL.
pub(crate) fn serve_file(text: impl AsRef<[u8]>) -> (Process, String) {
    let folder = Folder::new("server-file");
    serve(&["--config", &folder.file("server.toml", text)])
}

/// A user in the file of a server.
pub(crate) fn user_of_file(address: &str, name: &str) -> String {
    format!("[[user]]\nuri = {address:?}\nname = {name:?}\npassword = {PASSWORD:?}\n")
}

/// A user of the library, signed in.
pub(crate) async fn signed_in(root: &str, user: &str) -> Application {
    signed_in_with(Application::builder(), root, user).await
}

/// A user of the library with these settings, signed in.
pub(crate) async fn signed_in_with(
    builder: ApplicationBuilder,
    root: &str,
    user: &str,
) -> Application {
    let application = builder.root(Root::Url(root.to_owned())).build().unwrap();
    let credentials = Credentials::password(user, PASSWORD);
    let sign_in = application.sign_in_manager().sign_in(credentials);
    sign_in.await.unwrap();
    application
}

/// The command `send` with a sender, a receiver and further arguments.
pub(crate) fn sending(root: &str, from: &str, to: &str, more: &[&str]) -> Command {
    let arguments = ["send", "--root", root, "--user", from, "--to", to];
    command(arguments.iter().chain(more))
}

/// Sends a message to its end.
pub(crate) fn send(root: &str, from: &str, to: &str, more: &[&str]) -> Ended {
    Process::start(sending(root, from, to, more)).end()
}

/// Lene, listening and signed in. She accepts all invitations, unless `more` says otherwise.
pub(crate) fn lene(root: &str, more: &[&str]) -> Process {
    let mut arguments = vec!["listen", "--root", root, "--user", LENE, "--json"];
    if !more.contains(&"--accept") {
        arguments.extend(["--accept", "all"]);
    }
    let mut lene = Process::start(command(arguments.iter().chain(more)));
    lene.line_of("sign_in.state", "SignedIn");
    lene
}

/// Runs the binary to its end with this on its standard input.
pub(crate) fn run_with_input(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped());
    let mut process = Process::start(command);
    process.write(input.as_bytes());
    process.end()
}

/// A folder that is removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("skype-p2p-{name}-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in the folder.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
