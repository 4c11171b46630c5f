//! The world: one server engine, any number of sessions, the network between them, and a clock that jumps.

mod judge;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use ucwa_server::{Engine, Fault, ServerConfig, User};
use ucwa_session::{
    ConversationChange, ConversationKey, Lane, Operation, Output, RequestId, Session,
    SessionConfig, SessionEvent, SignInState, Ticket,
};

use crate::breach::{Breach, Rule};
use crate::dice::Dice;
use crate::endpoint::{Endpoint, EndpointId, Seen};
use crate::felt::Trial;
use crate::impostor::{IMPOSTOR, lure};
use crate::network::{Arrival, ExchangeId, Network};
use crate::saying::SayingId;
use crate::trace::Trace;
use crate::trouble::{Meeting, Trouble, Troublemaker, page};
use crate::weather::Weather;
use crate::wire::Wire;

/// The wall time at which every world begins.
const BEGINNING: Duration = Duration::from_secs(1_364_327_898);

/// Why a session does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// It got a page of events.
    Page,
    /// The time has come.
    Time,
    /// Anything else.
    Other,
}

/// What stands behind a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// The server.
    Server,
    /// Somebody who leads to a host of his own, and would like to have a password there.
    Impostor,
}

/// In what conditions a world is.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) weather: Weather,
    pub(crate) trouble: Trouble,
    /// How long tokens live, if not as long as usual.
    pub(crate) token_life: Option<Duration>,
}

impl Conditions {
    /// The best of weathers, and no trouble.
    #[cfg(test)]
    pub(crate) fn calm() -> Self {
        Self {
            weather: Weather::calm(),
            trouble: Trouble::none(),
            token_life: None,
        }
    }
}

/// The server is down.
#[derive(Clone, Copy, Debug)]
struct Outage {
    until: Duration,
    behind_proxy: bool,
}

/// One exchange as its client knows it.
#[derive(Clone, Debug)]
struct Pending {
    endpoint: EndpointId,
    request: RequestId,
    lane: Lane,
    site: Option<Site>,
    /// It may outlive its session: the creation of an application, which is then deleted, or the deletion.
    last: bool,
    /// The session gave it up or got its end, and has to ignore what still comes of it.
    over: bool,
}

/// Everything there is, and what time it is.
#[derive(Debug)]
pub(crate) struct World {
    now: Duration,
    engine: Engine,
    engine_wakes: Option<Duration>,
    network: Network,
    troublemaker: Troublemaker,
    outage: Option<Outage>,
    /// What comes to an exchange on its way, and is felt when it ends.
    trials: BTreeMap<ExchangeId, Trial>,
    sites: BTreeMap<String, Site>,
    endpoints: Vec<Endpoint>,
    pending: BTreeMap<ExchangeId, Pending>,
    pub(crate) wire: Wire,
    pub(crate) trace: Trace,
    pub(crate) breaches: Vec<Breach>,
    steps: u64,
}

impl World {
    /// The host of everything behind the sign-in.
    const POOL: &'static str = "lyncweb.contoso.com";

    /// A world with these users of `contoso.com`, in which nothing has happened yet.
    pub(crate) fn new(
        seed: u64,
        conditions: Conditions,
        users: impl IntoIterator<Item = User>,
        keep_trace: bool,
    ) -> Self {
        let mut config = ServerConfig::new(users);
        config.seed = seed;
        config.origin = Some(format!("https://{}", Self::POOL));
        config.wall_at_epoch = SystemTime::UNIX_EPOCH + BEGINNING;
        config.token_life = conditions.token_life.unwrap_or(config.token_life);
        Self {
            now: Duration::ZERO,
            engine: Engine::new(config),
            engine_wakes: None,
            network: Network::new(conditions.weather, Dice::new(seed, 1)),
            troublemaker: Troublemaker::new(conditions.trouble, seed),
            outage: None,
            trials: BTreeMap::new(),
            sites: BTreeMap::from([
                (Self::POOL.to_owned(), Site::Server),
                ("lyncdiscover.contoso.com".to_owned(), Site::Server),
                (IMPOSTOR.to_owned(), Site::Impostor),
            ]),
            endpoints: Vec::new(),
            pending: BTreeMap::new(),
            wire: Wire::default(),
            trace: Trace::new(keep_trace),
            breaches: Vec::new(),
            steps: 0,
        }
    }

    /// The wall time at the epoch of the world's time.
    pub(crate) fn wall_at_epoch() -> SystemTime {
        SystemTime::UNIX_EPOCH + BEGINNING
    }

    /// The time since the world began.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// How many things have happened.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Puts something behind a host name. Names with nothing behind them cannot be reached.
    pub(crate) fn put_site(&mut self, host: impl Into<String>, site: Site) {
        self.sites.insert(host.into(), site);
    }

    /// Adds a client that has not signed in.
    pub(crate) fn add_endpoint(
        &mut self,
        name: impl Into<String>,
        owner: usize,
        config: SessionConfig,
    ) -> EndpointId {
        self.endpoints
            .push(Endpoint::new(name.into(), owner, Session::new(config)));
        EndpointId(self.endpoints.len() - 1)
    }

    pub(crate) fn endpoint(&self, id: EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id.0)
    }

    pub(crate) fn endpoint_mut(&mut self, id: EndpointId) -> Option<&mut Endpoint> {
        self.endpoints.get_mut(id.0)
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = (EndpointId, &Endpoint)> {
        self.endpoints
            .iter()
            .enumerate()
            .map(|(index, endpoint)| (EndpointId(index), endpoint))
    }

    /// How a conversation looks at an endpoint; nothing like one that was never spoken of.
    pub(crate) fn seen(&self, endpoint: EndpointId, conversation: ConversationKey) -> Seen {
        self.endpoint(endpoint)
            .and_then(|endpoint| endpoint.conversations.get(&conversation))
            .cloned()
            .unwrap_or_default()
    }

    /// Asks a session for something.
    pub(crate) fn submit(&mut self, id: EndpointId, operation: Operation) -> Option<Ticket> {
        let now = self.now;
        let endpoint = self.endpoints.get_mut(id.0)?;
        let name = &endpoint.name;
        self.trace
            .note(now, name, format_args!("submit {operation:?}"));
        if let Operation::OpenConversation { conversation, .. } = &operation {
            endpoint.conversations.entry(*conversation).or_default();
        }
        let ticket = endpoint.session.submit(now, operation);
        endpoint.tickets.entry(ticket).or_insert(None);
        self.carry_out(id, Cause::Other);
        Some(ticket)
    }

    /// Ends a session as an application does that is closed.
    pub(crate) fn shut_down(&mut self, id: EndpointId) {
        if let Some(endpoint) = self.endpoints.get_mut(id.0) {
            endpoint.closed = true;
        }
        self.hand(id, ucwa_session::Input::Shutdown, Cause::Other);
    }

    /// Lets the server misbehave.
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.trace
            .note(self.now, "server", format_args!("inject {fault:?}"));
        self.engine.inject(self.now, fault);
        self.carry_replies();
    }

    /// Another process polls on behalf of a session, for a while, as one does that was started by mistake.
    pub(crate) fn intrude(&mut self, id: EndpointId) {
        let poll = self.endpoints.get(id.0).and_then(|it| it.last_poll.clone());
        let Some(request) = poll else { return };
        let exchange = self.network.stray();
        self.trace
            .note(self.now, "server", format_args!("{} intrudes", exchange.0));
        let id = ucwa_server::RequestId(exchange.0);
        self.engine
            .handle(self.now, ucwa_server::Input::Request { id, request });
        self.carry_replies();
        self.network.abort(self.now, exchange);
    }

    /// The server is down for a while: nobody connects to it, or a proxy answers in its place.
    pub(crate) fn go_down(&mut self, length: Duration, behind_proxy: bool) {
        let until = self.now + length;
        let what = format_args!("is down until {until:?}");
        self.trace.note(self.now, "server", what);
        self.outage = Some(Outage {
            until,
            behind_proxy,
        });
    }

    /// Breaks every connection to the server.
    pub(crate) fn cut_connections(&mut self) {
        self.trace
            .note(self.now, "network", format_args!("every connection breaks"));
        self.network.cut_all(self.now);
    }

    /// When the next thing happens.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.wake_at)
            .chain([self.network.next_due(), self.engine_wakes])
            .flatten()
            .min()
    }

    /// Whether nothing is under way and no session wants to be woken.
    pub(crate) fn is_at_rest(&mut self) -> bool {
        self.network.next_due().is_none()
            && self
                .endpoints
                .iter()
                .all(|endpoint| endpoint.wake_at.is_none())
    }

    /// Lets the next thing happen and returns true, or lets time pass to `until` if nothing happens before.
    pub(crate) fn step(&mut self, until: Duration) -> bool {
        let Some(due) = self.next_due().filter(|due| *due <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(due);
        self.steps += 1;
        if let Some(arrival) = self.network.poll(self.now) {
            self.on_arrival(arrival);
        } else if self.engine_wakes.is_some_and(|wakes| wakes <= self.now) {
            self.engine.handle(self.now, ucwa_server::Input::Timeout);
            self.carry_replies();
        } else {
            self.wake_sessions();
        }
        true
    }

    fn wake_sessions(&mut self) {
        let now = self.now;
        let due = |endpoint: &Endpoint| endpoint.wake_at.is_some_and(|wake| wake <= now);
        let Some(index) = self.endpoints.iter().position(due) else {
            return;
        };
        self.hand(EndpointId(index), ucwa_session::Input::Timeout, Cause::Time);
        if let Some(endpoint) = self.endpoints.get(index).filter(|it| due(it)) {
            self.breaches.push(Breach::new(
                Rule::Bounded,
                format!("{} wants to be woken for nothing", endpoint.name),
            ));
        }
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Request { id, request } => self.on_request(id, request),
            Arrival::Disconnect { id } => {
                let id = ucwa_server::RequestId(id.0);
                self.engine
                    .handle(self.now, ucwa_server::Input::Disconnected { id });
                self.carry_replies();
            }
            Arrival::Copy { id, response } => {
                self.wire.felt.note(Trial::Doubled);
                self.on_response(id, response);
            }
            Arrival::Response { id, response } => self.on_response(id, response),
            Arrival::Failure { id, failure } => {
                if let Some((pending, heard)) = self.close(id) {
                    if heard {
                        self.wire.on_failed(id, failure.sent);
                        self.feel(id);
                    }
                    let input = ucwa_session::Input::Response {
                        id: pending.request,
                        result: Err(failure),
                    };
                    self.hand(pending.endpoint, input, Cause::Other);
                }
            }
        }
    }

    fn on_response(&mut self, id: ExchangeId, response: Response<Bytes>) {
        let Some((pending, heard)) = self.close(id) else {
            return;
        };
        if heard {
            let trial = self.feel(id);
            let honest = !trial.is_some_and(Trial::is_false_answer);
            self.wire.on_arrived(id, &response, honest);
        }
        let page = heard && pending.lane == Lane::Events && response.status().is_success();
        let input = ucwa_session::Input::Response {
            id: pending.request,
            result: Ok(response),
        };
        let cause = if page { Cause::Page } else { Cause::Other };
        self.hand(pending.endpoint, input, cause);
    }

    /// What came to an exchange on its way is felt by its session.
    fn feel(&mut self, id: ExchangeId) -> Option<Trial> {
        let trial = self.trials.get(&id).copied();
        if let Some(trial) = trial {
            self.wire.felt.note(trial);
        }
        trial
    }

    fn on_request(&mut self, id: ExchangeId, mut request: Request<Bytes>) {
        if self.pending.get(&id).map(|it| it.site) == Some(Some(Site::Impostor)) {
            let response = lure(&request);
            return self.network.respond(self.now, id, response);
        }
        if let Some(outage) = self.outage.filter(|outage| self.now < outage.until) {
            return self.miss_the_server(id, outage);
        }
        let wall = Self::wall_at_epoch() + self.now;
        match self.troublemaker.meet(wall, &mut request) {
            Meeting::Passed => {}
            Meeting::Disowned => {
                self.trials.insert(id, Trial::Unauthorized);
            }
            Meeting::Answered(trial, response) => {
                let what = format_args!("{} is refused: {}", id.0, response.status());
                self.trace.note(self.now, "trouble", what);
                self.trials.insert(id, trial);
                return self.network.respond(self.now, id, response);
            }
        }
        let id = ucwa_server::RequestId(id.0);
        let input = ucwa_server::Input::Request { id, request };
        self.trace
            .note(self.now, "server", format_args!("{input:?}"));
        self.engine.handle(self.now, input);
        self.carry_replies();
    }

    /// A request comes to where the server should be.
    fn miss_the_server(&mut self, id: ExchangeId, outage: Outage) {
        if outage.behind_proxy {
            self.trials.insert(id, Trial::DownBehindProxy);
            let response = page(StatusCode::SERVICE_UNAVAILABLE);
            self.network.respond(self.now, id, response);
        } else {
            self.trials.insert(id, Trial::Down);
            self.network.refuse_connection(self.now, id);
        }
    }

    /// Ends an exchange. Returns what is known of it, and whether its session still waits for the end.
    fn close(&mut self, id: ExchangeId) -> Option<(Pending, bool)> {
        let pending = self.pending.get_mut(&id)?;
        let heard = !std::mem::replace(&mut pending.over, true);
        let endpoint = self.endpoints.get_mut(pending.endpoint.0)?;
        endpoint.poll.take_if(|poll| *poll == id);
        Some((pending.clone(), heard))
    }

    /// Gives an input to a session.
    fn hand(&mut self, id: EndpointId, input: ucwa_session::Input, cause: Cause) {
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        if !matches!(input, ucwa_session::Input::Timeout) {
            self.trace
                .note(self.now, &endpoint.name, format_args!("{input:?}"));
        }
        endpoint.session.handle(self.now, input);
        self.carry_out(id, cause);
    }

    /// Carries out what a session wants.
    fn carry_out(&mut self, id: EndpointId, cause: Cause) {
        let mut polled = cause != Cause::Page;
        let mut early = None;
        let mut ended = false;
        loop {
            let Some(endpoint) = self.endpoints.get_mut(id.0) else {
                return;
            };
            let output = endpoint.session.poll_output();
            if !matches!(output, Output::Idle { .. }) {
                self.trace
                    .note(self.now, &endpoint.name, format_args!("{output:?}"));
            }
            let breach = match output {
                Output::Send {
                    id: request_id,
                    request,
                    lane,
                    deadline,
                    ..
                } => {
                    polled |= lane == Lane::Events;
                    let in_time = cause == Cause::Time;
                    self.send(id, (request_id, request), lane, deadline, in_time);
                    None
                }
                Output::Abort(request) => {
                    self.abort(id, request);
                    None
                }
                Output::Event(event) => {
                    // That no events arrive is told while nothing is polled.
                    if !polled && !matches!(event, SessionEvent::SignIn { .. }) {
                        early.get_or_insert_with(|| format!("{event:?}"));
                    }
                    let breach = endpoint.on_event(&event);
                    ended |= matches!(
                        event,
                        SessionEvent::SignIn {
                            state: SignInState::SignedOut,
                            ..
                        }
                    );
                    if let Some(saying) = shown(&event) {
                        let what = format_args!("shows {saying:?}");
                        self.trace.note(self.now, &endpoint.name, what);
                    }
                    endpoint.news.push_back(event);
                    breach
                }
                Output::Completed { ticket, result } => endpoint.on_completed(ticket, result),
                Output::Idle { wake_at } => {
                    endpoint.wake_at = wake_at;
                    // Who cannot go on tells so, and polls no more; who lacks a token polls when it has one.
                    let workload = endpoint.session.workload();
                    let waits = workload.polls == 1 && workload.renewals > 0;
                    if let Some(event) = early.filter(|_| !ended && !waits) {
                        let what = format!("{} tells before it polls: {event}", endpoint.name);
                        self.breaches.push(Breach::new(Rule::OnePoll, what));
                    }
                    if ended {
                        self.judge_end(id);
                    }
                    return;
                }
                // Nobody is asked: no answer means no.
                _ => None,
            };
            self.breaches.extend(breach);
        }
    }

    fn send(
        &mut self,
        id: EndpointId,
        (request_id, request): (RequestId, Request<Bytes>),
        lane: Lane,
        deadline: Duration,
        in_time: bool,
    ) {
        let site = request
            .uri()
            .host()
            .and_then(|host| self.sites.get(host).copied());
        self.judge(id, &request, lane, site);
        let exchange = self
            .network
            .send(self.now, request.clone(), lane, deadline, site.is_some());
        self.wire.on_sent(exchange, id, &request, in_time);
        let last = match *request.method() {
            Method::DELETE => true,
            Method::POST => request.uri().path().ends_with("/applications"),
            _ => false,
        };
        if lane == Lane::Events
            && let Some(endpoint) = self.endpoints.get_mut(id.0)
        {
            endpoint.poll = Some(exchange);
            endpoint.last_poll = Some(request);
        }
        self.pending.insert(
            exchange,
            Pending {
                endpoint: id,
                request: request_id,
                lane,
                site,
                last,
                over: false,
            },
        );
    }

    /// The exchanges that nobody got the end of, and nobody gave up.
    pub(crate) fn under_way(&self) -> impl Iterator<Item = (ExchangeId, EndpointId)> {
        let open = self.pending.iter().filter(|(_, pending)| !pending.over);
        open.map(|(exchange, pending)| (*exchange, pending.endpoint))
    }

    fn abort(&mut self, id: EndpointId, request: RequestId) {
        let found = self
            .pending
            .iter_mut()
            .find(|(_, pending)| pending.endpoint == id && pending.request == request);
        if let Some((&exchange, pending)) = found {
            pending.over = true;
            self.network.abort(self.now, exchange);
            if let Some(endpoint) = self.endpoints.get_mut(id.0) {
                endpoint.poll.take_if(|poll| *poll == exchange);
            }
        }
    }

    /// Carries what the server says to the network.
    fn carry_replies(&mut self) {
        loop {
            match self.engine.poll_output() {
                ucwa_server::Output::Reply { id, response } => {
                    let id = ExchangeId(id.0);
                    self.trace.note(
                        self.now,
                        "server",
                        format_args!("reply {} {}", id.0, response.status()),
                    );
                    self.wire.on_answered(id, &response);
                    let spoiled = self.troublemaker.spoil(&response, Self::POOL);
                    if let Some((trial, spoiled)) = &spoiled {
                        let what = format_args!("{} is spoiled: {}", id.0, spoiled.status());
                        self.trace.note(self.now, "trouble", what);
                        self.trials.insert(id, *trial);
                    }
                    let response = spoiled.map_or(response, |(_, spoiled)| spoiled);
                    if let Some(later) = self.troublemaker.echo() {
                        self.network.copy(self.now + later, id, response.clone());
                    }
                    self.network.respond(self.now, id, response);
                }
                ucwa_server::Output::Idle { wake_at } => {
                    self.engine_wakes = wake_at;
                    return;
                }
                _ => {}
            }
        }
    }
}

/// The message that an event shows.
fn shown(event: &SessionEvent) -> Option<SayingId> {
    match event {
        SessionEvent::Conversation {
            change: ConversationChange::MessageReceived { body, .. },
            ..
        } => SayingId::of_body(body),
        _ => None,
    }
}
