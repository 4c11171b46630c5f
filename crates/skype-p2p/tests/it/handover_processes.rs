//! The example `handover.rs` as processes of its own, which are killed, paused and interrupted, over real HTTP.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use futures_util::StreamExt as _;
use skype_p2p::{
    Application, Conversation, Credentials, Direction, Event, MessageStatus, Reason, Root,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    sync::{
        mpsc::{self, UnboundedReceiver},
        oneshot,
    },
    task::JoinHandle,
    time::{sleep, timeout},
};
use ucwa_server::{Server, ServerConfig};

use crate::{
    handover::{ChangeRecorder, next_batch_with},
    standard_chat::{statuses, transcript},
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, users},
};

#[path = "../../examples/handover.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod example;

/// How long a step may take.
const STEP_LIMIT: Duration = Duration::from_secs(20);

/// The directory of the bot, for its process.
const DIRECTORY: &str = "HANDOVER_DIRECTORY";

/// Fails, instead of hanging, if `test` does not complete.
async fn with_time_limit(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(60), test)
        .await
        .expect("the test does not end");
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// The code of a process: the same as `main` of the example.
#[test]
#[ignore = "runs as a process of the other tests"]
fn bot_process() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let bot = example::run(TOSH, Path::new(&directory), example::interrupted());
    if let Err(error) = runtime().block_on(bot) {
        eprintln!("Error: {error}");
        std::process::exit(1);
    }
}

/// A process of the bot.
struct Process {
    child: Child,
    lines: UnboundedReceiver<String>,
    /// The lines that the process has written so far.
    output: Vec<String>,
}

impl Process {
    fn start(root: &str, directory: &Path, password: Option<&str>) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "handover_processes::bot_process",
                "--ignored",
                "--nocapture",
            ])
            .env("CHAT_ROOT", root)
            .env(DIRECTORY, directory)
            .env_remove("CHAT_PASSWORD")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Some(password) = password {
            command.env("CHAT_PASSWORD", password);
        }
        let mut child = command.spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            child,
            lines,
            output: Vec::new(),
        }
    }

    /// Waits until the process has written a line that contains `text`.
    async fn wait_for_line(&mut self, text: &str) {
        let lines = async {
            while !self.output.iter().any(|line| line.contains(text)) {
                let Some(line) = self.lines.recv().await else {
                    return false;
                };
                self.output.push(line);
            }
            true
        };
        let is_written = timeout(STEP_LIMIT, lines).await;
        assert_eq!(is_written, Ok(true), "{text} is not in {:?}", self.output);
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of the process.
    async fn end(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while let Some(line) = self.lines.recv().await {
                    self.output.push(line);
                }
                return status;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Kills the process, with SIGKILL.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP proxy in front of a server. It records the first line of each request.
struct RecordingProxy {
    root: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl RecordingProxy {
    async fn new(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let root = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (server, log) = (server.local_addr(), requests.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, server, log.clone()));
            }
        });
        Self { root, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until the last request is a poll and no further request arrives.
    async fn wait_until_idle(&self) {
        loop {
            let before = self.requests();
            sleep(Duration::from_millis(200)).await;
            let last = before.last().is_some_and(|it| it.contains("/events?ack="));
            if last && self.requests().len() == before.len() {
                return;
            }
        }
    }
}

/// Forwards the bytes of a connection in both directions.
async fn forward(client: TcpStream, server: SocketAddr, log: Arc<Mutex<Vec<String>>>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let requests = async move {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let bytes = &buffer[..length];
            for line in String::from_utf8_lossy(bytes).lines() {
                if let Some(request) = line.strip_suffix(" HTTP/1.1") {
                    log.lock().unwrap().push(request.to_owned());
                }
            }
            if to_server.write_all(bytes).await.is_err() {
                return;
            }
        }
    };
    let responses = async move { drop(copy(&mut from_server, &mut to_client).await) };
    tokio::join!(requests, responses);
}

/// Lene, who chats with the bot. Her program commits a message that contains "late" only after `release`.
struct Peer {
    application: Application,
    chat: Conversation,
    arrived: Option<oneshot::Receiver<()>>,
    release: Option<oneshot::Sender<()>>,
}

impl Peer {
    async fn sign_in(server: &Server) -> Self {
        let builder = Application::builder().root(Root::Url(server.root_url()));
        let (application, mut events) = builder.build_with_events().unwrap();
        let (arrival, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        tokio::spawn(async move {
            let is_late = |event: &Event| matches!(event, Event::MessageReceived { body, .. } if body.raw().contains("late"));
            let batch = next_batch_with(&mut events, is_late).await;
            arrival.send(()).unwrap();
            // A dropped sender releases the message, too.
            let _ = released.await;
            batch.commit();
            events.for_each(|batch| async { batch.commit() }).await;
        });
        let credentials = Credentials::password(LENE, LENE_PASSWORD);
        let manager = application.sign_in_manager();
        manager.sign_in(credentials).await.unwrap();
        let conversations = application.conversations_manager();
        let chat = conversations.get_conversation(TOSH).unwrap();
        Self {
            application,
            chat,
            arrived: Some(arrived),
            release: Some(release),
        }
    }

    /// Sends a message, and does not wait for its result.
    fn send(&self, text: &str) -> JoinHandle<Result<(), Reason>> {
        tokio::spawn(self.chat.chat_service().send_message(text))
    }

    /// Sends a message, and waits until it is delivered and answered.
    async fn send_and_wait(&self, text: &str) {
        self.send(text).await.unwrap().unwrap();
        self.wait_for_answer(text).await;
    }

    /// Waits for the answer to a message.
    async fn wait_for_answer(&self, text: &str) {
        let answer = format!("You wrote: {text}");
        let answers = async {
            while !self.answers().contains(&answer) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let is_answered = timeout(STEP_LIMIT, answers).await;
        let statuses = statuses(&self.chat);
        assert_eq!(
            is_answered,
            Ok(()),
            "{text}: {:?} {statuses:?}",
            self.answers()
        );
    }

    fn answers(&self) -> Vec<String> {
        let all = transcript(&self.chat).into_iter();
        let incoming = all.filter(|it| it.0 == Direction::Incoming);
        incoming.map(|it| it.2).collect()
    }

    /// Checks that each of these messages was delivered and answered once, in order, in one conversation.
    #[track_caller]
    fn assert_answered_once(&self, texts: &[&str]) {
        let answers: Vec<_> = texts.iter().map(|it| format!("You wrote: {it}")).collect();
        assert_eq!(self.answers(), answers);
        let statuses = statuses(&self.chat);
        let delivered = statuses.iter().all(|it| *it == MessageStatus::Succeeded);
        assert!(
            delivered && statuses.len() == 2 * texts.len(),
            "{statuses:?}"
        );
        let conversations = self.application.conversations_manager().conversations();
        assert_eq!(conversations.size().get(), 1);
    }
}

/// An empty directory for a bot.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    directory
}

async fn server() -> Server {
    let config = ServerConfig::new(users());
    Server::bind((Ipv4Addr::LOCALHOST, 0), config)
        .await
        .unwrap()
}

/// Checks that a process resumed with two requests and created no token, application or invitation.
#[track_caller]
fn assert_resumed(requests: &[String]) {
    // The two requests use two connections, so either may arrive first.
    let mut first: Vec<_> = requests.iter().take(2).collect();
    first.sort();
    let [application, poll] = first.as_slice() else {
        panic!("{requests:?}");
    };
    let events = format!("{application}/events?ack=");
    assert!(poll.starts_with(&events), "{requests:?}");
    let is_new = |line: &&String| {
        line.contains("oauthtoken")
            || line.ends_with("/applications")
            || line.contains("messagingInvitations")
            || line.starts_with("DELETE")
    };
    assert_eq!(requests.iter().find(is_new), None);
}

#[test]
fn the_successors_of_a_killed_and_of_an_interrupted_process_continue() {
    runtime().block_on(with_time_limit(async {
        let server = server().await;
        let proxy = RecordingProxy::new(&server).await;
        let directory = directory("handover-killed");
        let mut lene = Peer::sign_in(&server).await;
        let mut bot = Process::start(&proxy.root, &directory, Some(TOSH_PASSWORD));
        bot.wait_for_line("signed in with 0 conversations").await;
        lene.send_and_wait("one").await;
        let changes = ChangeRecorder::new(&lene.chat);

        // When the process is killed, the answer has been sent and has no delivery result.
        lene.send("late").await.unwrap().unwrap();
        lene.arrived.take().unwrap().await.unwrap();
        bot.wait_for_line("answer-2: Doubtful").await;
        drop(bot);
        let before = proxy.requests().len();
        let sent = lene.send("two");
        let mut bot = Process::start(&proxy.root, &directory, None);
        bot.wait_for_line("signed in with 1 conversations").await;
        drop(lene.release.take());
        bot.wait_for_line("answer-2: Delivered").await;
        sent.await.unwrap().unwrap();
        lene.wait_for_answer("two").await;
        bot.wait_for_line("answer-3: Delivered").await;
        assert_resumed(&proxy.requests()[before..]);

        // An interrupted process detaches.
        bot.signal("TERM");
        let status = bot.end().await;
        assert!(status.success(), "{status} {:?}", bot.output);
        let before = proxy.requests().len();
        let sent = lene.send("three");
        let mut bot = Process::start(&proxy.root, &directory, None);
        sent.await.unwrap().unwrap();
        lene.wait_for_answer("three").await;
        bot.wait_for_line("answer-4: Delivered").await;
        assert_resumed(&proxy.requests()[before..]);

        lene.assert_answered_once(&["one", "late", "two", "three"]);
        changes.assert_no_changes();
        server.shutdown().await;
    }));
}

#[test]
fn a_paused_process_yields_to_its_successor_when_it_continues() {
    for (has_event, name) in [
        (false, "handover-paused"),
        (true, "handover-paused-with-event"),
    ] {
        runtime().block_on(with_time_limit(async {
            let server = server().await;
            let proxy = RecordingProxy::new(&server).await;
            let directory = directory(name);
            let mut lene = Peer::sign_in(&server).await;
            let mut first = Process::start(&proxy.root, &directory, Some(TOSH_PASSWORD));
            first.wait_for_line("signed in with 0 conversations").await;
            lene.send_and_wait("one").await;
            first.wait_for_line("answer-1: Delivered").await;
            proxy.wait_until_idle().await;
            let changes = ChangeRecorder::new(&lene.chat);

            first.signal("STOP");
            // The response with this message reaches the paused process, which handles it when it continues.
            let early = has_event.then(|| lene.send("two"));
            sleep(Duration::from_millis(200)).await;
            let before = proxy.requests().len();
            let mut second = Process::start(&proxy.root, &directory, None);
            second.wait_for_line("signed in with 1 conversations").await;
            let sent = early.unwrap_or_else(|| lene.send("two"));
            sent.await.unwrap().unwrap();
            second.wait_for_line("answer-2: Delivered").await;
            assert_resumed(&proxy.requests()[before..]);

            first.signal("CONT");
            let status = first.end().await;
            assert_eq!(status.code(), Some(1), "{:?}", first.output);
            let error = first.output.last().unwrap();
            let expected = match has_event {
                true => "another process has taken over",
                false => "subcode PGetReplaced",
            };
            assert!(error.contains(expected), "{:?}", first.output);

            lene.release.take();
            lene.send_and_wait("three").await;
            second.wait_for_line("answer-3: Delivered").await;
            lene.assert_answered_once(&["one", "two", "three"]);
            changes.assert_no_changes();
            let requests = proxy.requests();
            assert!(!requests.iter().any(|it| it.starts_with("DELETE")));
            server.shutdown().await;
        }));
    }
}
