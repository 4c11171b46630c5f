//! A transport to the server's engine in this process, in the time of a runtime.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use conv_transport::{HttpTransport, SendOptions, Stage, TransportError, TransportErrorKind};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use http::{Request, Response};
use skype_p2p::{Application, ApplicationBuilder, Credentials, Root, Runtime, TokioRuntime};
use ucwa_server::{Engine, Fault, Input, Output, RequestId, ServerConfig, User};

pub(crate) const ROOT: &str = "http://127.0.0.1/";
pub(crate) const TOSH: &str = "sip:toshm@contoso.com";
pub(crate) const LENE: &str = "sip:lenea@contoso.com";
pub(crate) const ALEX: &str = "sip:alexd@contoso.com";
pub(crate) const TOSH_PASSWORD: &str = "tosh-secret-password";
pub(crate) const LENE_PASSWORD: &str = "lene-secret-password";
const ALEX_PASSWORD: &str = "alex-secret-password";
/// A user of another enterprise.
pub(crate) const JOE: &str = "sip:joe@fabrikam.com";
const JOE_PASSWORD: &str = "joe-secret-password";

/// The wall time at the start of every world.
pub(crate) fn beginning() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_400_000_000)
}

/// The current tokio runtime, with a wall clock that starts at the beginning.
pub(crate) fn runtime() -> Arc<TokioRuntime> {
    Arc::new(TokioRuntime::current().unwrap().starting_at(beginning()))
}

pub(crate) fn users() -> [User; 4] {
    [
        User::new(TOSH, "Tosh Meston", TOSH_PASSWORD).unwrap(),
        User::new(LENE, "Lene Aaling", LENE_PASSWORD).unwrap(),
        User::new(ALEX, "Alex Darrow", ALEX_PASSWORD).unwrap(),
        User::new(JOE, "Joe Smith", JOE_PASSWORD).unwrap(),
    ]
}

/// The server and a transport to it. Clones share the server.
#[derive(Clone, Debug)]
pub(crate) struct World(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    runtime: Arc<dyn Runtime>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    epoch: Duration,
    requests: u64,
    waiting: BTreeMap<RequestId, oneshot::Sender<Response<Bytes>>>,
    wake_at: Option<Duration>,
    /// Method and path of every request, in the order of sending.
    log: Vec<String>,
    /// The requests themselves, in the same order.
    requests_sent: Vec<Request<Bytes>>,
    /// Requests whose path contains this are lost.
    lost: Option<String>,
}

impl World {
    /// A world with the standard users, in the current tokio runtime, whose clock must be paused.
    pub(crate) fn new() -> Self {
        Self::with_config(ServerConfig::new(users()))
    }

    /// A world with a server of this configuration.
    pub(crate) fn with_config(config: ServerConfig) -> Self {
        Self::on_runtime(runtime(), config)
    }

    /// A world on this runtime, on which its applications also run.
    pub(crate) fn on_runtime(runtime: Arc<dyn Runtime>, mut config: ServerConfig) -> Self {
        config.wall_at_epoch = beginning();
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                engine: Engine::new(config),
                epoch: runtime.now(),
                requests: 0,
                waiting: BTreeMap::new(),
                wake_at: None,
                log: Vec::new(),
                requests_sent: Vec::new(),
                lost: None,
            }),
            runtime,
        }))
    }

    /// An application on this world, not signed in.
    pub(crate) fn application(&self) -> Application {
        self.builder().build().unwrap()
    }

    /// A builder of an application on this world.
    pub(crate) fn builder(&self) -> ApplicationBuilder {
        Application::builder()
            .root(Root::Url(ROOT.to_owned()))
            .transport(Arc::new(self.clone()))
            .runtime(self.0.runtime.clone())
    }

    /// Tosh, signed in.
    pub(crate) async fn tosh(&self) -> Application {
        self.signed_in(TOSH, TOSH_PASSWORD).await
    }

    /// Lene, signed in.
    pub(crate) async fn lene(&self) -> Application {
        self.signed_in(LENE, LENE_PASSWORD).await
    }

    /// Alex, signed in.
    pub(crate) async fn alex(&self) -> Application {
        self.signed_in(ALEX, ALEX_PASSWORD).await
    }

    /// Joe, signed in.
    pub(crate) async fn joe(&self) -> Application {
        self.signed_in(JOE, JOE_PASSWORD).await
    }

    async fn signed_in(&self, address: &str, password: &str) -> Application {
        let application = self.application();
        application
            .sign_in_manager()
            .sign_in(Credentials::password(address, password))
            .await
            .unwrap();
        application
    }

    pub(crate) fn inject(&self, fault: Fault) {
        let mut state = self.state();
        let now = self.now(&state);
        state.engine.inject(now, fault);
        self.pump(state);
    }

    /// Method and path of every request so far, in the order of sending.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// Every request so far, in the order of sending.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.state().requests_sent.clone()
    }

    /// How many requests wait for their response.
    pub(crate) fn parked(&self) -> usize {
        self.state().waiting.len()
    }

    /// Loses every later request whose path contains `part`: it does not reach the server and gets no response.
    pub(crate) fn lose(&self, part: &str) {
        self.state().lost = Some(part.to_owned());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// The server's time.
    fn now(&self, state: &State) -> Duration {
        self.0.runtime.now().saturating_sub(state.epoch)
    }

    /// Delivers the engine's replies and sets its timer.
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
                        let (world, at) = (self.clone(), state.epoch + at);
                        self.0.runtime.spawn(Box::pin(async move {
                            world.0.runtime.sleep_until(at).await;
                            world.pass(Input::Timeout);
                        }));
                    }
                    state.wake_at = wake_at;
                    return;
                }
                _ => unreachable!(),
            }
        }
    }

    /// Records a request and passes it to the server, unless it is to be lost.
    fn submit(&self, request: Request<Bytes>) -> (RequestId, oneshot::Receiver<Response<Bytes>>) {
        let mut state = self.state();
        let path = request.uri().path().to_owned();
        state.log.push(format!("{} {path}", request.method()));
        state.requests_sent.push(request.clone());
        let (sender, reply) = oneshot::channel();
        state.requests += 1;
        let id = RequestId(state.requests);
        state.waiting.insert(id, sender);
        let now = self.now(&state);
        if state
            .lost
            .as_deref()
            .is_none_or(|lost| !path.contains(lost))
        {
            state.engine.handle(
                now,
                Input::Request {
                    id,
                    request: with_length(request),
                },
            );
        }
        self.pump(state);
        (id, reply)
    }

    /// The immediate response of the server. `None` if the server would park the request.
    pub(crate) fn answer(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        let (id, mut reply) = self.submit(request);
        let _connection = Connection { world: self, id };
        reply.try_recv().unwrap()
    }

    /// Passes an input to the server.
    fn pass(&self, input: Input) {
        let mut state = self.state();
        let now = self.now(&state);
        state.engine.handle(now, input);
        self.pump(state);
    }
}

#[async_trait]
impl HttpTransport for World {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = request.uri().authority().unwrap().to_string();
        let (id, reply) = self.submit(request);
        let connection = Connection { world: self, id };
        let runtime = &self.0.runtime;
        let deadline = runtime.sleep_until(runtime.now().saturating_add(options.deadline));
        let response = select(reply, deadline).await;
        drop(connection);
        match response {
            Either::Left((response, _)) => Ok(response.unwrap()),
            Either::Right(_) => Err(TransportError::new(
                TransportErrorKind::Timeout,
                Stage::Wait,
                host,
            )),
        }
    }
}

/// The request with the headers that a transport adds.
fn with_length(mut request: Request<Bytes>) -> Request<Bytes> {
    let length = request.body().len();
    if request.method() != http::Method::GET {
        request
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, length.into());
    }
    let host = request.uri().authority().unwrap().as_str().parse().unwrap();
    request.headers_mut().insert(http::header::HOST, host);
    request
}

/// Reports a disconnect to the server if the response is no longer awaited.
struct Connection<'a> {
    world: &'a World,
    id: RequestId,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        if self.world.state().waiting.remove(&self.id).is_some() {
            self.world.pass(Input::Disconnected { id: self.id });
        }
    }
}
