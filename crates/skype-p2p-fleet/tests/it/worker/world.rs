//! A server, a store and workers, in virtual time.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, Lane, SendOptions, Stage, TransportError, TransportErrorKind};
use http::{Request, Response, header};
use secrecy::SecretString;
use skype_p2p::{Application, CallConnectionState, Credentials, Direction, Root};
use skype_p2p_fleet::{
    Content, IdentityState, Keyring, MemoryStore, MessageState, NewIdentity, NewMessage, Purpose,
    Store, Worker, WorkerConfig,
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use ucwa_server::{Engine, Input, Output, RequestId, ServerConfig, User};

use super::unreliable_store::UnreliableStore;

pub(crate) const LENE: &str = "sip:lenea@contoso.com";
const PASSWORD: &str = "secret-password";
const ROOT: &str = "http://127.0.0.1/";

/// The server, the store, and a keyring. The clock of tokio must be paused.
pub(crate) struct World {
    server: Server,
    pub(crate) store: Arc<MemoryStore>,
}

/// A worker that runs.
pub(crate) struct Running {
    task: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
    pub(crate) monitor: skype_p2p_fleet::WorkerMonitor,
    pub(crate) is_store_away: Arc<AtomicBool>,
    pub(crate) is_server_away: Arc<AtomicBool>,
    /// A proxy answers in the place of the server.
    pub(crate) is_server_busy: Arc<AtomicBool>,
    /// The response to the next read of the application is lost.
    pub(crate) loses_read: Arc<AtomicBool>,
    /// The responses to requests with a password do not arrive.
    pub(crate) holds_tokens: Arc<AtomicBool>,
    /// The connection of the next request with a password breaks before the response.
    pub(crate) loses_token: Arc<AtomicBool>,
    /// Method and path of every request that the worker has sent.
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// A world with bots, whose passwords are sealed in the store, and Lene.
    pub(crate) async fn new(bots: usize) -> Self {
        Self::with_server(bots, |_| {}).await
    }

    /// A world whose server has other settings than the default ones.
    pub(crate) async fn with_server(bots: usize, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let users = (0..bots).map(|n| User::new(&bot(n), "Bot", PASSWORD).unwrap());
        let lene = User::new(LENE, "Lene Aaling", PASSWORD).unwrap();
        let began = Instant::now();
        let store = MemoryStore::new(move || {
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + began.elapsed()
        });
        let mut config = ServerConfig::new(users.chain([lene]));
        change(&mut config);
        let world = Self {
            server: Server::new(config),
            store: Arc::new(store),
        };
        for n in 0..bots {
            world.add_identity(&bot(n), PASSWORD).await;
        }
        world
    }

    pub(crate) async fn add_identity(&self, sip_uri: &str, password: &str) {
        let mut identity = NewIdentity::new(sip_uri);
        identity.root = Some(ROOT.to_owned());
        let sealed = keyring().seal(sip_uri, Purpose::Credential, password.as_bytes());
        identity.credential = Some(sealed.unwrap());
        self.store.add_identity(identity).await.unwrap();
    }

    pub(crate) fn worker(&self, name: &str) -> Running {
        let is_store_away = Arc::new(AtomicBool::new(false));
        let is_server_away = Arc::new(AtomicBool::new(false));
        let is_server_busy = Arc::new(AtomicBool::new(false));
        let loses_read = Arc::new(AtomicBool::new(false));
        let holds_tokens = Arc::new(AtomicBool::new(false));
        let loses_token = Arc::new(AtomicBool::new(false));
        let log = Arc::new(Mutex::new(Vec::new()));
        let store = UnreliableStore::new(self.store.clone(), is_store_away.clone());
        let transport = WorkerTransport {
            server: self.server.clone(),
            is_away: is_server_away.clone(),
            is_busy: is_server_busy.clone(),
            loses_read: loses_read.clone(),
            holds_tokens: holds_tokens.clone(),
            loses_token: loses_token.clone(),
            log: log.clone(),
        };
        let config = WorkerConfig::new(name);
        let worker = Worker::new(Arc::new(store), keyring(), Arc::new(transport), config);
        let monitor = worker.monitor();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stop = async move {
                if stopped.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            worker.run(stop).await.unwrap();
        });
        Running {
            task,
            stop: Some(stop),
            monitor,
            is_store_away,
            is_server_away,
            is_server_busy,
            loses_read,
            holds_tokens,
            loses_token,
            log,
        }
    }

    /// Lene, who accepts invitations.
    pub(crate) async fn lene(&self) -> Lene {
        let builder = Application::builder().root(Root::Url(ROOT.to_owned()));
        let application = builder
            .transport(Arc::new(self.server.clone()))
            .build()
            .unwrap();
        let sign_in = application.sign_in_manager();
        let credentials = Credentials::password(LENE, PASSWORD);
        sign_in.sign_in(credentials).await.unwrap();
        let conversations = application.conversations_manager().conversations();
        let accepting = conversations.added(|conversation, _, _| {
            let chat = conversation.chat_service();
            let state = conversation.self_participant().chat().state();
            state
                .when(CallConnectionState::Notified, move |_| drop(chat.accept()))
                .detach();
        });
        accepting.detach();
        Lene(application)
    }

    pub(crate) async fn enqueue(&self, identity: &str, key: &str) {
        let message = NewMessage::new(identity, key, LENE, Content::plain(key));
        self.store.enqueue(&[message]).await.unwrap();
    }

    pub(crate) async fn message(&self, identity: &str, key: &str) -> MessageState {
        let deliveries = self.store.deliveries(identity, &[key]).await.unwrap();
        deliveries[0].as_ref().unwrap().state
    }

    pub(crate) async fn delivered(&self, identity: &str, key: &str) {
        until(key, async || {
            self.message(identity, key).await == MessageState::Delivered
        })
        .await;
    }

    pub(crate) async fn identity(&self, sip_uri: &str) -> IdentityState {
        self.store.identity(sip_uri).await.unwrap().unwrap().state
    }

    /// Waits until this number of identities is ready at live workers.
    pub(crate) async fn ready(&self, count: u64) {
        let is_ready = async || self.store.status().await.unwrap().identities.ready == count;
        until("all identities are ready", is_ready).await;
    }

    /// The senders and texts of the inbox, in order.
    pub(crate) async fn inbox(&self) -> Vec<(String, String)> {
        let messages = self
            .store
            .read_inbox("test", 1000)
            .await
            .unwrap()
            .into_iter();
        messages
            .map(|it| (it.identity, it.message.content.text))
            .collect()
    }
}

/// Waits for a condition, 3 minutes at most.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = timeout(Duration::from_secs(180), async {
        while !condition().await {
            sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(waiting.await.is_ok(), "still waiting: {what}");
}

pub(crate) fn bot(number: usize) -> String {
    format!("sip:bot{number}@contoso.com")
}

pub(crate) fn keyring() -> Keyring {
    let keys = "1 q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
    Keyring::parse(&SecretString::from(keys)).unwrap()
}

impl Running {
    /// Ends the worker like SIGKILL.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Drains the worker, and waits for its end.
    pub(crate) async fn drain(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        let end = timeout(Duration::from_secs(60), &mut self.task).await;
        end.expect("the worker was not drained").unwrap();
    }

    /// The number of requests with this method, and this text in the path.
    pub(crate) fn requests(&self, method: &str, path: &str) -> usize {
        let log = self.log.lock().unwrap();
        let log = log
            .iter()
            .filter(|it| it.starts_with(method) && it.contains(path));
        log.count()
    }
}

/// The peer of the bots.
pub(crate) struct Lene(Application);

impl Lene {
    /// The texts of all messages that have arrived.
    pub(crate) fn texts(&self) -> Vec<String> {
        let conversations = self.0.conversations_manager().conversations().snapshot();
        let messages = conversations
            .iter()
            .flat_map(|it| it.chat_service().messages().snapshot());
        let incoming = messages.filter(|it| it.direction() == Direction::Incoming);
        incoming.map(|it| it.body().raw().to_owned()).collect()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.texts().iter().filter(|it| *it == text).count()
    }

    /// Sends a message, and returns the task that waits for its result.
    pub(crate) fn send(&self, to: &str, text: &str) -> JoinHandle<Result<(), skype_p2p::Reason>> {
        let conversation = self.0.conversations_manager().get_conversation(to).unwrap();
        tokio::spawn(conversation.chat_service().send_message(text))
    }
}

/// The engine of the server.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    requests: u64,
    waiting: BTreeMap<RequestId, oneshot::Sender<Response<Bytes>>>,
    wake_at: Option<Duration>,
}

impl Server {
    fn new(config: ServerConfig) -> Self {
        Self(Arc::new(Shared {
            began: Instant::now(),
            state: Mutex::new(State {
                engine: Engine::new(config),
                requests: 0,
                waiting: BTreeMap::new(),
                wake_at: None,
            }),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    fn pass(&self, input: Input) {
        let mut state = self.state();
        state.engine.handle(self.0.began.elapsed(), input);
        self.pump(state);
    }

    /// Delivers the replies of the engine, and sets its timer.
    fn pump(&self, mut state: MutexGuard<'_, State>) {
        loop {
            match state.engine.poll_output() {
                Output::Reply { id, response } => {
                    if let Some(waiting) = state.waiting.remove(&id) {
                        let _ = waiting.send(response);
                    }
                }
                Output::Idle { wake_at } => {
                    if let Some(at) = wake_at.filter(|_| wake_at != state.wake_at) {
                        let (server, at) = (self.clone(), self.0.began + at);
                        tokio::spawn(async move {
                            tokio::time::sleep_until(at).await;
                            server.pass(Input::Timeout);
                        });
                    }
                    state.wake_at = wake_at;
                    return;
                }
                _ => unreachable!(),
            }
        }
    }

    fn submit(
        &self,
        mut request: Request<Bytes>,
    ) -> (RequestId, oneshot::Receiver<Response<Bytes>>) {
        let length = request.body().len();
        request
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length.into());
        let host = request.uri().authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert(header::HOST, host);
        let mut state = self.state();
        let (sender, reply) = oneshot::channel();
        state.requests += 1;
        let id = RequestId(state.requests);
        state.waiting.insert(id, sender);
        state
            .engine
            .handle(self.0.began.elapsed(), Input::Request { id, request });
        self.pump(state);
        (id, reply)
    }
}

#[async_trait]
impl HttpTransport for Server {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().unwrap().to_string();
        // The time of a round trip.
        sleep(Duration::from_millis(10)).await;
        let (id, reply) = self.submit(request);
        let _connection = Connection { server: self, id };
        match timeout(options.deadline, reply).await {
            Ok(response) => {
                sleep(Duration::from_millis(10)).await;
                Ok(response.unwrap())
            }
            Err(_) => Err(TransportError::new(
                TransportErrorKind::Timeout,
                Stage::Wait,
                host,
            )),
        }
    }
}

/// Reports a disconnect to the server if the response is no longer awaited.
struct Connection<'a> {
    server: &'a Server,
    id: RequestId,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if self.server.state().waiting.remove(&self.id).is_some() {
            self.server.pass(Input::Disconnected { id: self.id });
        }
    }
}

/// The network between a worker and the server.
#[derive(Debug)]
struct WorkerTransport {
    server: Server,
    is_away: Arc<AtomicBool>,
    is_busy: Arc<AtomicBool>,
    loses_read: Arc<AtomicBool>,
    holds_tokens: Arc<AtomicBool>,
    loses_token: Arc<AtomicBool>,
    log: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl HttpTransport for WorkerTransport {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let entry = format!("{} {}", request.method(), request.uri().path());
        self.log.lock().unwrap().push(entry);
        let host = request.uri().authority().unwrap().to_string();
        if self.is_away.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(1)).await;
            return Err(TransportError::new(
                TransportErrorKind::Connect,
                Stage::Connect,
                host,
            ));
        }
        if self.is_busy.load(Ordering::Relaxed) {
            sleep(Duration::from_secs(1)).await;
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
            return Ok(response);
        }
        let is_read = request.method() == http::Method::GET && options.lane == Lane::Commands;
        if is_read && self.loses_read.swap(false, Ordering::Relaxed) {
            sleep(options.deadline).await;
            let error = TransportErrorKind::Timeout;
            return Err(TransportError::new(error, Stage::Wait, host));
        }
        let is_password = request.uri().path().contains("oauthtoken");
        let response = self.server.send(request, options).await;
        if is_password && self.holds_tokens.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let is_lost = is_password && self.loses_token.swap(false, Ordering::Relaxed);
        match is_lost || self.is_away.load(Ordering::Relaxed) {
            true => Err(TransportError::new(
                TransportErrorKind::Closed,
                Stage::Wait,
                host,
            )),
            false => response,
        }
    }
}
