//! The world: a server engine, sessions, the network between them, and a virtual clock that jumps to the next event.

mod client_side;
mod devices;
mod processes;
mod request_checks;
mod server_side;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use ucwa_server::{Engine, ServerConfig, User};
use ucwa_session::{ConversationKey, Lane, RequestId, Session};

use crate::attacker::ATTACKER_HOST;
use crate::coverage::CoveragePoint;
use crate::device::{ClockOffset, Device};
use crate::endpoint::{ConversationView, Endpoint, EndpointId, Process};
use crate::http_faults::{HttpFaultInjector, HttpFaults};
use crate::malformed_pages::{AllowedDelay, MalformedPages};
use crate::network::{Arrival, ExchangeId, Network};
use crate::network_profile::NetworkProfile;
use crate::oracle::Oracle;
use crate::random::{RandomStream, stream};
use crate::trace::Trace;
use crate::violation::Violation;

/// The wall time at which every world begins.
const WALL_AT_EPOCH: Duration = Duration::from_secs(1_364_327_898);

/// The host behind a host name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// The server.
    Server,
    /// A host that the attacker controls.
    Attacker,
}

/// The conditions in a world.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) network: NetworkProfile,
    pub(crate) http_faults: HttpFaults,
    /// The lifetime of tokens, if it is shorter than usual.
    pub(crate) token_life: Option<Duration>,
    /// Whether the sessions read the wall clocks of their devices.
    pub(crate) wall_clocks: bool,
    /// Whether responses have a `Date` header.
    pub(crate) date_headers: bool,
    /// Whether event pages can be malformed.
    pub(crate) malformed_pages: bool,
    /// The offset of each actor's wall clock.
    pub(crate) clock_offsets: Vec<ClockOffset>,
}

impl Conditions {
    /// A fast network and no faults.
    #[cfg(test)]
    pub(crate) fn ideal() -> Self {
        Self {
            network: NetworkProfile::fast(),
            http_faults: HttpFaults::none(),
            token_life: None,
            wall_clocks: false,
            date_headers: false,
            malformed_pages: false,
            clock_offsets: Vec::new(),
        }
    }
}

/// An outage of the server.
#[derive(Clone, Copy, Debug)]
struct Outage {
    until: Duration,
    behind_proxy: bool,
}

/// An exchange from the client's point of view.
#[derive(Clone, Debug)]
struct ClientExchange {
    endpoint: EndpointId,
    request: RequestId,
    lane: Lane,
    site: Option<Site>,
    /// The exchange may outlive its session: it deletes the application, or creates one that is then deleted.
    may_outlive_session: bool,
    /// The request, if it is a poll.
    poll: Option<Request<Bytes>>,
    /// The session aborted the exchange or got its result, and must ignore further results.
    ended: bool,
}

/// The state of a world.
#[derive(Debug)]
pub(crate) struct World {
    now: Duration,
    engine: Engine,
    engine_wake_at: Option<Duration>,
    network: Network,
    http_fault_injector: HttpFaultInjector,
    malformed_pages: MalformedPages,
    outage: Option<Outage>,
    /// The fault that affected an exchange. It counts for the coverage when the exchange ends.
    injected_faults: BTreeMap<ExchangeId, CoveragePoint>,
    sites: BTreeMap<String, Site>,
    endpoints: Vec<Endpoint>,
    /// The devices, by actor.
    devices: BTreeMap<usize, Device>,
    suspend_random: RandomStream,
    wall_clocks: bool,
    date_headers: bool,
    exchanges: BTreeMap<ExchangeId, ClientExchange>,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) violations: Vec<Violation>,
    steps: u64,
}

impl World {
    /// The host of the server after sign-in.
    const POOL: &'static str = "lyncweb.contoso.com";

    /// Creates a world with these users of `contoso.com` and no sessions.
    pub(crate) fn new(
        seed: u64,
        conditions: Conditions,
        users: impl IntoIterator<Item = User>,
        keep_trace: bool,
    ) -> Self {
        let mut config = ServerConfig::new(users);
        config.seed = Some(seed.into());
        config.origin = Some(format!("https://{}", Self::POOL));
        config.wall_at_epoch = Self::wall_at_epoch();
        config.token_life = conditions.token_life.unwrap_or(config.token_life);
        let ideal = conditions.network.is_lossless() && conditions.http_faults.is_none();
        let delay = match conditions.network.is_slow() {
            _ if !ideal => AllowedDelay::Any,
            false => AllowedDelay::OnePage,
            true => AllowedDelay::None,
        };
        let offsets = conditions.clock_offsets.into_iter();
        let devices = offsets.map(Device::with_clock_offset).enumerate().collect();
        Self {
            now: Duration::ZERO,
            engine: Engine::new(config),
            engine_wake_at: None,
            malformed_pages: MalformedPages::new(seed, conditions.malformed_pages, delay),
            network: Network::new(conditions.network, RandomStream::new(seed, stream::NETWORK)),
            http_fault_injector: HttpFaultInjector::new(conditions.http_faults, seed),
            outage: None,
            injected_faults: BTreeMap::new(),
            sites: BTreeMap::from([
                (Self::POOL.to_owned(), Site::Server),
                ("lyncdiscover.contoso.com".to_owned(), Site::Server),
                (ATTACKER_HOST.to_owned(), Site::Attacker),
            ]),
            endpoints: Vec::new(),
            devices,
            suspend_random: RandomStream::new(seed, stream::RESPONSES_IN_SUSPENDS),
            wall_clocks: conditions.wall_clocks,
            date_headers: conditions.date_headers,
            exchanges: BTreeMap::new(),
            oracle: Oracle::default(),
            trace: Trace::new(keep_trace),
            violations: Vec::new(),
            steps: 0,
        }
    }

    /// The server's wall time at the epoch of virtual time.
    pub(crate) fn wall_at_epoch() -> SystemTime {
        SystemTime::UNIX_EPOCH + WALL_AT_EPOCH
    }

    /// The virtual time since the world began.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// The number of events processed so far.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Sets the site behind a host name. Other host names are unreachable.
    pub(crate) fn add_site(&mut self, host: impl Into<String>, site: Site) {
        self.sites.insert(host.into(), site);
    }

    /// Adds a session that has not signed in.
    pub(crate) fn add_endpoint(
        &mut self,
        name: impl Into<String>,
        owner: usize,
        session: Session,
    ) -> EndpointId {
        let offset = self.device_mut(owner).clock_offset;
        if offset.is_ahead() {
            self.oracle.coverage.record(CoveragePoint::ClockAhead);
        } else if offset.is_behind() {
            self.oracle.coverage.record(CoveragePoint::ClockBehind);
        }
        self.endpoints
            .push(Endpoint::new(name.into(), owner, session));
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

    /// The reported state of a conversation at an endpoint; `None` for an unknown conversation.
    pub(crate) fn conversation(
        &self,
        endpoint: EndpointId,
        conversation: ConversationKey,
    ) -> Option<&ConversationView> {
        self.endpoint(endpoint)?.conversations.get(&conversation)
    }

    /// Whether a conversation has begun and not ended.
    pub(crate) fn is_live(&self, endpoint: EndpointId, conversation: ConversationKey) -> bool {
        self.conversation(endpoint, conversation)
            .is_some_and(|view| view.live)
    }

    /// Whether the chat of a conversation is connected.
    pub(crate) fn is_chatting(&self, endpoint: EndpointId, conversation: ConversationKey) -> bool {
        self.conversation(endpoint, conversation)
            .is_some_and(|view| view.chatting)
    }

    /// Drops the records of exchanges and operations that have ended.
    pub(crate) fn drop_ended(&mut self) {
        self.exchanges.retain(|_, exchange| !exchange.ended);
        self.injected_faults.clear();
        for endpoint in &mut self.endpoints {
            endpoint.drop_completed();
        }
    }

    /// Ends the world and returns its sessions and the server.
    pub(crate) fn into_sessions(self) -> (BTreeMap<EndpointId, Session>, Engine) {
        let sessions = self.endpoints.into_iter().map(|it| it.session);
        let sessions = (0..).map(EndpointId).zip(sessions).collect();
        (sessions, self.engine)
    }

    /// The exchanges that have neither ended nor been aborted.
    pub(crate) fn open_exchanges(&self) -> impl Iterator<Item = (ExchangeId, EndpointId)> {
        let open = self.exchanges.iter().filter(|(_, it)| !it.ended);
        open.map(|(id, exchange)| (*id, exchange.endpoint))
    }

    /// When the next event is due.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        let wake_ups = self
            .endpoints
            .iter()
            .filter_map(|it| self.wake_up(it))
            .min();
        [
            wake_ups,
            self.next_resume(),
            self.network.next_due(),
            self.engine_wake_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// When a session wakes up, in the time of the world; `None` while its device is suspended.
    fn wake_up(&self, endpoint: &Endpoint) -> Option<Duration> {
        let running = |_: &Duration| matches!(endpoint.process, Process::Running);
        let wake_at = endpoint.wake_at.filter(running)?;
        match self.devices.get(&endpoint.owner) {
            Some(device) if device.is_suspended() => None,
            Some(device) => Some(device.world_time(wake_at)),
            None => Some(wake_at),
        }
    }

    /// Whether no request or response is in transit and no session has a timer.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.network.next_due().is_none()
            && self
                .endpoints
                .iter()
                .all(|endpoint| endpoint.wake_at.is_none())
    }

    /// Processes the next event and returns true. If none is due by `until`, advances the time to `until` and returns
    /// false.
    pub(crate) fn step(&mut self, until: Duration) -> bool {
        let Some(due) = self.next_due().filter(|due| *due <= until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(due);
        self.steps += 1;
        if let Some(arrival) = self.network.poll(self.now) {
            self.on_arrival(arrival);
        } else if self.engine_wake_at.is_some_and(|at| at <= self.now) {
            self.wake_engine();
        } else if !self.resume_device() {
            self.wake_session();
        }
        true
    }

    /// Delivers an arrival, unless the device or the process of the client does not run.
    fn on_arrival(&mut self, arrival: Arrival) {
        let client = match &arrival {
            Arrival::Request { .. } | Arrival::Disconnect { .. } => None,
            Arrival::Duplicate { id, .. }
            | Arrival::Response { id, .. }
            | Arrival::Failure { id, .. } => self.exchanges.get(id).map(|it| it.endpoint),
        };
        match client {
            Some(client) if self.is_suspended(client) => self.hold(client, arrival),
            Some(client) => {
                if let Some(arrival) = self.hold_for_process(client, arrival) {
                    self.deliver(arrival);
                }
            }
            None => self.deliver(arrival),
        }
    }

    /// Delivers an arrival to the server or to a session.
    fn deliver(&mut self, arrival: Arrival) {
        self.network.end(self.now, &arrival);
        match arrival {
            Arrival::Request { id, request } => self.on_request(id, request),
            Arrival::Disconnect { id } => self.on_disconnect(id),
            Arrival::Duplicate { id, response } => {
                self.oracle.coverage.record(CoveragePoint::Duplicated);
                self.on_response(id, response);
            }
            Arrival::Response { id, response } => self.on_response(id, response),
            Arrival::Failure { id, failure } => self.on_failure(id, failure),
        }
    }
}
