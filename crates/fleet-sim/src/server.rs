//! The server's engine, and the bytes on their way to it and back.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use tokio::sync::oneshot;
use ucwa_server::{Engine, Fault, Input, Output, RequestId, ServerConfig};

use crate::{link::LinkState, traffic::Traffic};

/// The time after which a connection on a cut link fails: that of TCP keep-alive.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The connection was lost before the whole answer arrived.
#[derive(Debug)]
pub(crate) struct ConnectionLost;

/// The answer to a request.
pub(crate) type Answer = Result<Response<Bytes>, ConnectionLost>;

/// The engine, with the requests and responses on their way.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<State>>);

struct State {
    engine: Engine,
    /// The time of the last event.
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    events_added: u64,
    requests: u64,
    waiting: BTreeMap<RequestId, Waiting>,
    wake_at: Option<Duration>,
    traffic: Traffic,
}

struct Waiting {
    link: Arc<LinkState>,
    answer: oneshot::Sender<Answer>,
}

enum Event {
    Arrive(RequestId, Request<Bytes>),
    Answer(RequestId, Response<Bytes>),
    /// The client has closed the connection.
    Close(RequestId),
    /// The connection of a cut link fails.
    Fail(RequestId),
}

impl Server {
    pub(crate) fn new(config: ServerConfig, traffic: Traffic) -> Self {
        Self(Arc::new(Mutex::new(State {
            engine: Engine::new(config),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            events_added: 0,
            requests: 0,
            waiting: BTreeMap::new(),
            wake_at: None,
            traffic,
        })))
    }

    /// Sends a request at `now` through a link.
    pub(crate) fn submit(
        &self,
        now: Duration,
        link: &Arc<LinkState>,
        mut request: Request<Bytes>,
    ) -> (RequestId, oneshot::Receiver<Answer>) {
        let length = request.body().len();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length.into());
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        state.requests += 1;
        let id = RequestId(state.requests);
        if let Some(worker) = link.worker() {
            state.traffic.left(worker, id, &request);
        }
        let waiting = Waiting {
            link: link.clone(),
            answer,
        };
        state.waiting.insert(id, waiting);
        let event = match link.loses() {
            true => (now + KEEP_ALIVE, Event::Fail(id)),
            false => (now + link.delay(), Event::Arrive(id, request)),
        };
        state.schedule(event.0, event.1);
        (id, answered)
    }

    /// The client no longer waits for the answer.
    pub(crate) fn close(&self, now: Duration, id: RequestId) {
        let mut state = self.state();
        if let Some(waiting) = state.waiting.remove(&id) {
            state.traffic.lost(id);
            let at = now + waiting.link.delay();
            state.schedule(at, Event::Close(id));
        }
    }

    /// Handles everything that happens until `now`.
    pub(crate) fn run_until(&self, now: Duration) {
        let mut state = self.state();
        loop {
            let event = state.events.first_key_value().map(|((at, _), _)| *at);
            let timer = state.wake_at;
            match (event, timer) {
                (Some(at), timer) if at <= now && timer.is_none_or(|it| at <= it) => {
                    if let Some((_, event)) = state.events.pop_first() {
                        state.handle(at, event);
                    }
                }
                (_, Some(at)) if at <= now => state.input(at, Input::Timeout),
                _ => return,
            }
        }
    }

    /// Whether a request or an answer was lost, and the client does not know it yet.
    pub(crate) fn has_undetected_loss(&self) -> bool {
        let state = self.state();
        let mut events = state.events.values();
        events.any(|event| matches!(event, Event::Fail(_)))
    }

    pub(crate) fn inject(&self, now: Duration, fault: Fault) {
        let mut state = self.state();
        let now = now.max(state.now);
        state.engine.inject(now, fault);
        state.pump(now);
    }

    /// What has left the workers.
    pub(crate) fn with_traffic<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.state().traffic)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn schedule(&mut self, at: Duration, event: Event) {
        self.events_added += 1;
        self.events.insert((at, self.events_added), event);
    }

    fn handle(&mut self, at: Duration, event: Event) {
        match event {
            Event::Arrive(id, request) => self.input(at, Input::Request { id, request }),
            Event::Close(id) => self.input(at, Input::Disconnected { id }),
            Event::Fail(id) => {
                if let Some(waiting) = self.waiting.remove(&id) {
                    self.traffic.lost(id);
                    let _ = waiting.answer.send(Err(ConnectionLost));
                    self.input(at, Input::Disconnected { id });
                }
            }
            Event::Answer(id, response) => {
                let Some(waiting) = self.waiting.get(&id) else {
                    return;
                };
                if waiting.link.cuts.is_cut() || waiting.link.loses() {
                    self.schedule(at + KEEP_ALIVE, Event::Fail(id));
                } else if let Some(waiting) = self.waiting.remove(&id) {
                    self.traffic.received(id, &response);
                    let _ = waiting.answer.send(Ok(response));
                }
            }
        }
    }

    fn input(&mut self, at: Duration, input: Input) {
        // Events are handled in order, but the timer of the engine may lie in the past.
        self.now = self.now.max(at);
        self.engine.handle(self.now, input);
        self.pump(self.now);
    }

    fn pump(&mut self, now: Duration) {
        loop {
            match self.engine.poll_output() {
                Output::Reply { id, response } => {
                    if let Some(waiting) = self.waiting.get(&id) {
                        let at = now + waiting.link.delay();
                        self.schedule(at, Event::Answer(id, response));
                    }
                }
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    return;
                }
                _ => {}
            }
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}
