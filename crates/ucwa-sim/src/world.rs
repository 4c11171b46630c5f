//! The world: one server engine, any number of sessions, the network between them, and a clock that jumps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::{Representation, Resource};
use ucwa_server::{Engine, Fault, ServerConfig, User};
use ucwa_session::{
    ConversationChange, ConversationKey, Lane, Operation, Output, RequestId, Session,
    SessionConfig, SessionEvent, SignInState, Ticket,
};

use crate::breach::{Breach, Rule};
use crate::dice::Dice;
use crate::endpoint::{Endpoint, EndpointId, Seen};
use crate::network::{Arrival, ExchangeId, Network};
use crate::saying::SayingId;
use crate::trace::Trace;
use crate::trouble::{Trouble, Troublemaker};
use crate::weather::Weather;
use crate::wire::Wire;

/// The wall time at which every world begins.
const BEGINNING: Duration = Duration::from_secs(1_364_327_898);

/// A host whose name looks like the enterprise's, and is not.
const IMPOSTOR: &str = "lyncweb.contoso.com.evil.example";

/// What stands behind a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// The server.
    Server,
    /// Somebody who leads to a host of his own, and would like to have a password there.
    Impostor,
}

/// One exchange as its client knows it.
#[derive(Clone, Debug)]
struct Pending {
    endpoint: EndpointId,
    request: RequestId,
    lane: Lane,
    site: Option<Site>,
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
    /// The answers that something on the way has changed or made up.
    false_answers: BTreeSet<ExchangeId>,
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
        (weather, trouble): (Weather, Trouble),
        users: impl IntoIterator<Item = User>,
        keep_trace: bool,
    ) -> Self {
        let mut config = ServerConfig::new(users);
        config.seed = seed;
        config.origin = Some(format!("https://{}", Self::POOL));
        config.wall_at_epoch = SystemTime::UNIX_EPOCH + BEGINNING;
        Self {
            now: Duration::ZERO,
            engine: Engine::new(config),
            engine_wakes: None,
            network: Network::new(weather, Dice::new(seed, 1)),
            troublemaker: Troublemaker::new(trouble, Dice::new(seed, 4)),
            false_answers: BTreeSet::new(),
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
        self.carry_out(id, false);
        Some(ticket)
    }

    /// Ends a session as an application does that is closed.
    pub(crate) fn shut_down(&mut self, id: EndpointId) {
        self.hand(id, ucwa_session::Input::Shutdown, false);
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
        self.hand(EndpointId(index), ucwa_session::Input::Timeout, false);
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
            Arrival::Response { id, response } | Arrival::Copy { id, response } => {
                let Some((pending, heard)) = self.close(id) else {
                    return;
                };
                if heard {
                    let honest = !self.false_answers.contains(&id);
                    self.wire.on_arrived(id, &response, honest);
                }
                let page = heard && pending.lane == Lane::Events && response.status().is_success();
                let input = ucwa_session::Input::Response {
                    id: pending.request,
                    result: Ok(response),
                };
                self.hand(pending.endpoint, input, page);
            }
            Arrival::Failure { id, failure } => {
                if let Some((pending, _)) = self.close(id) {
                    let input = ucwa_session::Input::Response {
                        id: pending.request,
                        result: Err(failure),
                    };
                    self.hand(pending.endpoint, input, false);
                }
            }
        }
    }

    fn on_request(&mut self, id: ExchangeId, mut request: Request<Bytes>) {
        if self.pending.get(&id).map(|it| it.site) == Some(Some(Site::Impostor)) {
            let response = lure(&request);
            return self.network.respond(self.now, id, response);
        }
        let wall = Self::wall_at_epoch() + self.now;
        if let Some(response) = self.troublemaker.refuse(wall, &mut request) {
            let what = format_args!("{} is refused: {}", id.0, response.status());
            self.trace.note(self.now, "trouble", what);
            self.false_answers.insert(id);
            return self.network.respond(self.now, id, response);
        }
        let id = ucwa_server::RequestId(id.0);
        let input = ucwa_server::Input::Request { id, request };
        self.trace
            .note(self.now, "server", format_args!("{input:?}"));
        self.engine.handle(self.now, input);
        self.carry_replies();
    }

    /// Ends an exchange. Returns what is known of it, and whether its session still waits for the end.
    fn close(&mut self, id: ExchangeId) -> Option<(Pending, bool)> {
        let pending = self.pending.get_mut(&id)?;
        let heard = !std::mem::replace(&mut pending.over, true);
        let endpoint = self.endpoints.get_mut(pending.endpoint.0)?;
        endpoint.poll.take_if(|poll| *poll == id);
        Some((pending.clone(), heard))
    }

    /// Gives an input to a session; `page` says that it is a page of events.
    fn hand(&mut self, id: EndpointId, input: ucwa_session::Input, page: bool) {
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        if !matches!(input, ucwa_session::Input::Timeout) {
            self.trace
                .note(self.now, &endpoint.name, format_args!("{input:?}"));
        }
        endpoint.session.handle(self.now, input);
        self.carry_out(id, page);
    }

    /// Carries out what a session wants; `page` says that it has just got a page of events.
    fn carry_out(&mut self, id: EndpointId, page: bool) {
        let mut polled = !page;
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
                    self.send(id, request_id, request, lane, deadline);
                    None
                }
                Output::Abort(request) => {
                    self.abort(id, request);
                    None
                }
                Output::Event(event) => {
                    let early = !polled && matches!(event, SessionEvent::Conversation { .. });
                    if early {
                        let what = format!("{} tells before it polls", endpoint.name);
                        self.breaches.push(Breach::new(Rule::OnePoll, what));
                    }
                    let breach = endpoint.on_event(&event);
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
        request_id: RequestId,
        request: Request<Bytes>,
        lane: Lane,
        deadline: Duration,
    ) {
        let site = request
            .uri()
            .host()
            .and_then(|host| self.sites.get(host).copied());
        self.judge(id, &request, lane, site);
        let exchange = self
            .network
            .send(self.now, request.clone(), lane, deadline, site.is_some());
        self.wire.on_sent(exchange, id, &request);
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
                over: false,
            },
        );
    }

    /// What no request may do.
    fn judge(&mut self, id: EndpointId, request: &Request<Bytes>, lane: Lane, site: Option<Site>) {
        let Some(endpoint) = self.endpoints.get(id.0) else {
            return;
        };
        let name = &endpoint.name;
        // What was being created when the session was closed can only be deleted when it is there.
        let path = request.uri().path();
        let entered =
            (endpoint.last_poll.as_ref()).is_some_and(|it| it.uri().path().starts_with(path));
        let deletes = request.method() == Method::DELETE && !entered;
        if endpoint.state == SignInState::SignedOut && !deletes {
            let what = format!("{name} sends {} after its end", request.uri().path());
            self.breaches.push(Breach::new(Rule::Rest, what));
        }
        let secret = request.headers().contains_key(AUTHORIZATION) || !request.body().is_empty();
        if secret && site != Some(Site::Server) {
            let host = request.uri().host().unwrap_or_default();
            let what = format!("{name} gives a credential to {host}");
            self.breaches.push(Breach::new(Rule::Trust, what));
        }
        if lane == Lane::Events && endpoint.poll.is_some() {
            let what = format!("{name} sends a second pending GET");
            self.breaches.push(Breach::new(Rule::OnePoll, what));
        }
        let path = request.uri().path();
        if !self.wire.is_of_present_application(id, path) {
            let what = format!("{name} uses {path}, of an application that is gone");
            self.breaches.push(Breach::new(Rule::Generation, what));
        }
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
                    let spoiled = self.troublemaker.spoil(&response);
                    if let Some(spoiled) = &spoiled {
                        let what = format_args!("{} is spoiled: {}", id.0, spoiled.status());
                        self.trace.note(self.now, "trouble", what);
                        self.false_answers.insert(id);
                    }
                    let response = spoiled.unwrap_or(response);
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

/// What an impostor answers: a way to its own host, and there a challenge that asks for a password.
fn lure(request: &Request<Bytes>) -> Response<Bytes> {
    let representation = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| Representation::negotiate(accept.to_str().ok()?))
        .unwrap_or(Representation::Json);
    let (rel, path) = match (request.uri().host(), request.uri().path()) {
        (Some(IMPOSTOR), "/root") => ("user", "user"),
        (Some(IMPOSTOR), _) => {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let challenge =
                format!("MsRtcOAuth href=\"https://{IMPOSTOR}/token\",grant_type=\"password\"");
            if let Ok(challenge) = challenge.parse() {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            return response;
        }
        _ => ("redirect", "root"),
    };
    let root = Resource::new("root")
        .with_href(request.uri().to_string())
        .with_link(rel, format!("https://{IMPOSTOR}/{path}"));
    let mut response = Response::new(Bytes::from(root.encode(representation)));
    if let Ok(content_type) = representation.content_type().parse() {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

#[cfg(test)]
mod tests {
    use ucwa_session::Root;

    use super::*;

    const APPLICATION: &str = "https://lyncweb.contoso.com/ucwa/oauth/v1/applications/1";

    /// A world with a session that is signing in, and has an application.
    fn world() -> (World, EndpointId) {
        let calm = (Weather::calm(), Trouble::none());
        let mut world = World::new(1, calm, Vec::new(), false);
        let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
        let config = SessionConfig::new(root, 1, World::wall_at_epoch());
        let id = world.add_endpoint("toshm.0", 0, config);
        world.endpoints[0].state = SignInState::SignedIn;
        let create = Request::post("https://lyncweb.contoso.com/ucwa/oauth/v1/applications");
        let created = Response::builder().header(CONTENT_TYPE, "application/json");
        let created = created.body(format!(
            r#"{{"_links":{{"self":{{"href":"{APPLICATION}"}}}}}}"#
        ));
        let (create, created) = (
            create.body(Bytes::new()).unwrap(),
            created.unwrap().map(Bytes::from),
        );
        world.wire.on_sent(ExchangeId(0), id, &create);
        world.wire.on_answered(ExchangeId(0), &created);
        world.wire.on_arrived(ExchangeId(0), &created, true);
        (world, id)
    }

    fn judged(world: &mut World, id: EndpointId, uri: &str, secret: bool, lane: Lane) -> Vec<Rule> {
        let mut request = Request::get(uri);
        if secret {
            request = request.header(AUTHORIZATION, "Bearer x");
        }
        let request = request.body(Bytes::new()).unwrap();
        let host = request.uri().host().unwrap();
        let site = world.sites.get(host).copied();
        world.judge(id, &request, lane, site);
        std::mem::take(&mut world.breaches)
            .iter()
            .map(|breach| breach.rule)
            .collect()
    }

    #[test]
    fn a_request_to_the_own_application_breaks_no_rule() {
        let (mut world, id) = world();
        let rules = judged(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(rules, []);
    }

    #[test]
    fn a_credential_goes_to_the_server_only() {
        let (mut world, id) = world();
        let foreign = format!("https://{IMPOSTOR}/user");
        let rules = judged(&mut world, id, &foreign, true, Lane::Commands);
        assert_eq!(rules, [Rule::Trust]);
        let rules = judged(&mut world, id, &foreign, false, Lane::Commands);
        assert_eq!(rules, [], "who asks nothing of it may look");
    }

    #[test]
    fn one_pending_get_is_in_flight() {
        let (mut world, id) = world();
        world.endpoints[0].poll = Some(ExchangeId(1));
        let events = format!("{APPLICATION}/events");
        let rules = judged(&mut world, id, &events, true, Lane::Events);
        assert_eq!(rules, [Rule::OnePoll]);
    }

    #[test]
    fn what_belongs_to_another_application_is_gone() {
        let (mut world, id) = world();
        let other = APPLICATION.replace("/1", "/2");
        let rules = judged(&mut world, id, &other, true, Lane::Commands);
        assert_eq!(rules, [Rule::Generation]);
    }

    #[test]
    fn who_is_signed_out_sends_nothing() {
        let (mut world, id) = world();
        world.endpoints[0].state = SignInState::SignedOut;
        let rules = judged(&mut world, id, APPLICATION, true, Lane::Commands);
        assert_eq!(rules, [Rule::Rest]);
    }
}
