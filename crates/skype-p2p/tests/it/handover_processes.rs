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
    handover::{Watch, until},
    standard_chat::{statuses, transcript},
    world::{LENE, LENE_PASSWORD, TOSH, TOSH_PASSWORD, users},
};

#[path = "../../examples/handover.rs"]
#[allow(dead_code, reason = "the test does not call `main`")]
mod example;

/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The directory of the bot, for its process.
const DIRECTORY: &str = "HANDOVER_DIRECTORY";

/// A test in real time must not hang.
async fn in_time(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(60), test)
        .await
        .expect("it hangs");
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// The code of a process: what `main` of the example does.
#[test]
#[ignore = "runs as a process of the other tests"]
fn the_bot() {
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
    said: Vec<String>,
}

impl Process {
    fn start(root: &str, directory: &Path, password: Option<&str>) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "handover_processes::the_bot",
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
            said: Vec::new(),
        }
    }

    /// Waits until the process has said this.
    async fn says(&mut self, text: &str) {
        let lines = async {
            while !self.said.iter().any(|line| line.contains(text)) {
                let Some(line) = self.lines.recv().await else {
                    return false;
                };
                self.said.push(line);
            }
            true
        };
        let has_said = timeout(PATIENCE, lines).await;
        assert_eq!(has_said, Ok(true), "{text} is not in {:?}", self.said);
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
                    self.said.push(line);
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

/// A TCP proxy in front of a server. It notes the first line of each request.
struct Tap {
    root: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Tap {
    async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let root = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (server, log) = (server.local_addr(), requests.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server, log.clone()));
            }
        });
        Self { root, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until the last request asks for events, and nothing else happens.
    async fn until_idle(&self) {
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

async fn pass(client: TcpStream, server: SocketAddr, log: Arc<Mutex<Vec<String>>>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async move {
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
    let down = async move { drop(copy(&mut from_server, &mut to_client).await) };
    tokio::join!(up, down);
}

/// Lene, who chats with the bot. Her program has not stored a message with "late" in it before it is released.
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
            let batch = until(&mut events, is_late).await;
            arrival.send(()).unwrap();
            // Also when the sender is dropped.
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
    async fn ask(&self, text: &str) {
        self.send(text).await.unwrap().unwrap();
        self.answered(text).await;
    }

    /// Waits for the answer to a message.
    async fn answered(&self, text: &str) {
        let answer = format!("You wrote: {text}");
        let answers = async {
            while !self.answers().contains(&answer) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let is_answered = timeout(PATIENCE, answers).await;
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

/// Checks that a process continued with two requests, and that nothing was created anew.
#[track_caller]
fn assert_resumed(requests: &[String]) {
    // They are sent on two connections, so either may arrive first.
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
fn a_killed_process_is_continued_and_an_interrupted_one_too() {
    runtime().block_on(in_time(async {
        let server = server().await;
        let tap = Tap::before(&server).await;
        let directory = directory("handover-killed");
        let mut lene = Peer::sign_in(&server).await;
        let mut bot = Process::start(&tap.root, &directory, Some(TOSH_PASSWORD));
        bot.says("signed in with 0 conversations").await;
        lene.ask("one").await;
        let watch = Watch::new(&lene.chat);

        // The answer has left, and its result is not known, when the process is killed.
        lene.send("late").await.unwrap().unwrap();
        lene.arrived.take().unwrap().await.unwrap();
        bot.says("answer-2: Doubtful").await;
        drop(bot);
        let before = tap.requests().len();
        let meanwhile = lene.send("two");
        let mut bot = Process::start(&tap.root, &directory, None);
        bot.says("signed in with 1 conversations").await;
        drop(lene.release.take());
        bot.says("answer-2: Delivered").await;
        meanwhile.await.unwrap().unwrap();
        lene.answered("two").await;
        bot.says("answer-3: Delivered").await;
        assert_resumed(&tap.requests()[before..]);

        // An interrupted process detaches.
        bot.signal("TERM");
        let status = bot.end().await;
        assert!(status.success(), "{status} {:?}", bot.said);
        let before = tap.requests().len();
        let meanwhile = lene.send("three");
        let mut bot = Process::start(&tap.root, &directory, None);
        meanwhile.await.unwrap().unwrap();
        lene.answered("three").await;
        bot.says("answer-4: Delivered").await;
        assert_resumed(&tap.requests()[before..]);

        lene.assert_answered_once(&["one", "late", "two", "three"]);
        watch.assert_quiet();
        server.shutdown().await;
    }));
}

#[test]
fn a_paused_process_yields_to_its_successor_when_it_continues() {
    for (has_event, name) in [
        (false, "handover-paused"),
        (true, "handover-paused-with-event"),
    ] {
        runtime().block_on(in_time(async {
            let server = server().await;
            let tap = Tap::before(&server).await;
            let directory = directory(name);
            let mut lene = Peer::sign_in(&server).await;
            let mut first = Process::start(&tap.root, &directory, Some(TOSH_PASSWORD));
            first.says("signed in with 0 conversations").await;
            lene.ask("one").await;
            first.says("answer-1: Delivered").await;
            tap.until_idle().await;
            let watch = Watch::new(&lene.chat);

            first.signal("STOP");
            // The response with this message reaches the paused process, which handles it when it continues.
            let early = has_event.then(|| lene.send("two"));
            sleep(Duration::from_millis(200)).await;
            let before = tap.requests().len();
            let mut second = Process::start(&tap.root, &directory, None);
            second.says("signed in with 1 conversations").await;
            let sent = early.unwrap_or_else(|| lene.send("two"));
            sent.await.unwrap().unwrap();
            second.says("answer-2: Delivered").await;
            assert_resumed(&tap.requests()[before..]);

            first.signal("CONT");
            let status = first.end().await;
            assert_eq!(status.code(), Some(1), "{:?}", first.said);
            let why = first.said.last().unwrap();
            let expected = match has_event {
                true => "another process has taken over",
                false => "subcode PGetReplaced",
            };
            assert!(why.contains(expected), "{:?}", first.said);

            lene.release.take();
            lene.ask("three").await;
            second.says("answer-3: Delivered").await;
            lene.assert_answered_once(&["one", "two", "three"]);
            watch.assert_quiet();
            let requests = tap.requests();
            assert!(!requests.iter().any(|it| it.starts_with("DELETE")));
            server.shutdown().await;
        }));
    }
}
