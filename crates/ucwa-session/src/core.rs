//! Services for every part of the session: outputs, time, identifiers and exchanges.
//!
//! [`Core::issue`] starts an exchange, and [`Core::next_finished`] returns its end, once. Trust, tokens and retries are
//! decided here and in [`crate::auth`], and nowhere else.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, header};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use ucwa_proto::{Origin, Resource};

use crate::auth::Auth;
use crate::channel::MAX_PAUSE;
use crate::clock::{Clocks, READING_INTERVAL};
use crate::commit_gate::CommitGate;
use crate::config::SessionConfig;
use crate::event::{ConversationChange, SessionEvent};
use crate::exchange::{Credential, Exchange, ExchangeId, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::{Output, Sent, TransportFailure, TransportFailureKind};
use crate::keys::{ConversationKey, RequestId, Ticket};
use crate::operation::Outcome;
use crate::question::Questions;
use crate::response::{CORRELATION_ID, may_have_been_sent, retry_after};
use crate::timers::{Timer, TimerKey, Timers};
use crate::trust::{Trust, TrustDecision, is_plain_http};
use crate::workload::Workload;

/// An exchange that has ended, with its result, for the part of the session that started it.
pub(crate) type Finished = (Exchange, Result<Response<Bytes>, Failure>);

/// The most attempts of an idempotent request.
pub(crate) const MAX_ATTEMPTS: u32 = 5;
/// How long after the first attempt a request may be repeated.
const MAX_RETRY_TIME: Duration = Duration::from_secs(90);
/// How long after its deadline the transport may report a failure.
const WATCHDOG_GRACE: Duration = Duration::from_secs(5);
/// The greatest number of outputs for which an idle session keeps room.
const KEPT_OUTPUTS: usize = 4;
/// The longest pause that a `Retry-After` header can impose.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The state of an exchange.
#[derive(Clone, Copy)]
pub(crate) enum ExchangeState {
    OnWire(RequestId),
    /// Waits for this timer before the retry.
    Paused(TimerKey),
}

pub(crate) struct Core {
    pub(crate) config: SessionConfig,
    pub(crate) now: Duration,
    pub(crate) clocks: Clocks,
    pub(crate) auth: Auth,
    pub(crate) trust: Trust,
    /// The origin of the application, against which hrefs are resolved.
    pub(crate) base: Option<Origin>,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) timers: Timers,
    rng: ChaCha8Rng,
    /// A separate random stream, so that correlation IDs change no other random draw.
    correlation_rng: ChaCha8Rng,
    numbers: u64,
    /// The operations that have not completed.
    tickets: BTreeSet<Ticket>,
    /// Boxed, because a node of the map has room for eleven values, and an idle session has one request.
    pub(crate) on_wire: BTreeMap<RequestId, Box<Exchange>>,
    /// The owned exchanges that are in flight or wait for a retry. The others are found by a scan of the few that wait for
    /// something else.
    pub(crate) states: BTreeMap<ExchangeId, ExchangeState>,
    exchanges: u64,
    pub(crate) questions: Questions,
    pub(crate) finished: VecDeque<Finished>,
    /// The link to send several GETs in one request, if the server offers it.
    pub(crate) batch: Option<String>,
    /// The exchanges of each batch in flight. `None` stands for an abandoned one.
    pub(crate) batches: BTreeMap<u64, Vec<Option<Exchange>>>,
    /// The reads that are collected for a batch. `None` if reads are sent at once.
    pub(crate) collected: Option<Vec<Exchange>>,
    pub(crate) commit_gate: CommitGate,
}

impl Core {
    pub(crate) fn new(config: SessionConfig) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(config.seed);
        let mut correlation_rng = rng.clone();
        correlation_rng.set_stream(1);
        Self {
            clocks: Clocks::new(config.wall_at_epoch),
            config,
            now: Duration::ZERO,
            auth: Auth::default(),
            trust: Trust::default(),
            base: None,
            outputs: VecDeque::new(),
            timers: Timers::default(),
            rng,
            correlation_rng,
            numbers: 0,
            tickets: BTreeSet::new(),
            on_wire: BTreeMap::new(),
            states: BTreeMap::new(),
            exchanges: 0,
            questions: Questions::default(),
            finished: VecDeque::new(),
            batch: None,
            batches: BTreeMap::new(),
            collected: None,
            commit_gate: CommitGate::default(),
        }
    }

    // Outputs.

    pub(crate) fn next_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| {
            // The room for the many outputs of a sign-in or a large page is not kept.
            if self.outputs.capacity() > KEPT_OUTPUTS {
                self.outputs = VecDeque::new();
            }
            self.finished.shrink_to_fit();
            let due = self.timers.next_due();
            let wake_at = match self.clocks.is_read {
                true => due.map(|due| due.min(self.now.saturating_add(READING_INTERVAL))),
                false => due,
            };
            Output::Idle { wake_at }
        })
    }

    pub(crate) fn emit(&mut self, event: SessionEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(crate) fn change(&mut self, conversation: ConversationKey, change: ConversationChange) {
        self.emit(SessionEvent::Conversation {
            conversation,
            change,
        });
    }

    /// Registers an operation that begins. It ends with [`Core::complete`].
    pub(crate) fn open_ticket(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket);
    }

    pub(crate) fn complete(&mut self, ticket: Ticket, result: Result<Outcome, Failure>) {
        self.tickets.remove(&ticket);
        self.outputs.push_back(Output::Completed { ticket, result });
    }

    // Identifiers and time.

    /// A number that is unique in this session.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A UUID of version 4 from the seed, for operation IDs, thread IDs and endpoint IDs.
    pub(crate) fn uuid(&mut self) -> String {
        uuid(&mut self.rng)
    }

    /// `base` doubled `doublings` times, at most `cap`, less a random part of up to a fifth, so that clients do not retry in
    /// step.
    pub(crate) fn backoff(&mut self, base: Duration, doublings: u32, cap: Duration) -> Duration {
        let full = base.saturating_mul(1 << doublings.min(16)).min(cap);
        full.mul_f64(1.0 - f64::from(self.rng.next_u32()) / f64::from(u32::MAX) / 5.0)
    }

    pub(crate) fn arm(&mut self, after: Duration, timer: Timer) -> TimerKey {
        self.timers.arm(self.now.saturating_add(after), timer)
    }

    pub(crate) fn cancel_timer(&mut self, key: TimerKey) {
        self.timers.cancel(key);
    }

    pub(crate) fn cancel_timers(&mut self, unwanted: impl Fn(&Timer) -> bool) {
        self.timers.cancel_where(unwanted);
    }

    pub(crate) fn pop_due(&mut self) -> Option<(TimerKey, Timer)> {
        self.timers.pop_due(self.now)
    }

    pub(crate) fn finish_timer(&mut self, wanted: impl Fn(&Timer) -> bool) -> Vec<Timer> {
        self.timers.finish_timer(self.now, wanted)
    }

    /// Moves the timers and tokens that run in real time forward by the length of a suspend, which `now` does not contain.
    pub(crate) fn bring_forward(&mut self, by: Duration) {
        self.timers.bring_forward(by, Timer::counts_suspends);
        self.auth.bring_forward(by);
    }

    // Exchanges.

    /// Records the host and the correlation ID in the span of an exchange. A repeat keeps the correlation ID.
    pub(crate) fn label(&mut self, exchange: &mut Exchange, origin: &Origin) {
        exchange.span.record("host", origin.host());
        if exchange.correlation_id.is_none() {
            let id = uuid(&mut self.correlation_rng);
            exchange.span.record("correlation_id", &*id);
            exchange.correlation_id = Some(id);
        }
    }

    /// Starts an exchange that its owner can abandon by the returned ID. [`Core::next_finished`] returns its end.
    pub(crate) fn issue_owned(&mut self, mut exchange: Exchange) -> ExchangeId {
        self.exchanges += 1;
        let id = ExchangeId(self.exchanges);
        exchange.id = Some(id);
        self.issue(exchange);
        id
    }

    /// Starts an exchange. [`Core::next_finished`] returns its end.
    pub(crate) fn issue(&mut self, mut exchange: Exchange) {
        if let Some(id) = exchange.id {
            // For a retry, the pause is over.
            self.states.remove(&id);
        }
        if let Some(collected) = &mut self.collected
            && exchange.is_batchable()
        {
            return collected.push(exchange);
        }
        if self.commit_gate.holds(&exchange) {
            return self.commit_gate.hold(exchange);
        }
        let origin = match Origin::of(&exchange.url) {
            Ok(origin) => origin,
            Err(error) => {
                let failure = Failure::new(FailureKind::UnexpectedAnswer, exchange.purpose.stage())
                    .with_message(format!("an address of the server cannot be used: {error}"));
                return self.finish(exchange, Err(failure));
            }
        };
        self.label(&mut exchange, &origin);
        if exchange.credential != Credential::None {
            let refusal = match self.trust.decide(&origin) {
                TrustDecision::Trusted => None,
                TrustDecision::Ask => return self.ask_trust(exchange, &origin),
                TrustDecision::Refused => Some(FailureKind::Untrusted),
                TrustDecision::PlainHttp => Some(FailureKind::PlainHttp),
                TrustDecision::Online => Some(FailureKind::HomedOnline),
            };
            if let Some(kind) = refusal {
                let failure = Failure::new(kind, exchange.purpose.stage())
                    .with_host(origin.host())
                    .with_correlation_id(exchange.correlation_id.clone());
                return self.finish(exchange, Err(failure));
            }
        }
        if exchange.credential == Credential::Bearer
            && let Some(waiting) = self.auth.renewal_to_wait_for(&origin, self.now)
        {
            return waiting.push(exchange);
        }
        self.send(exchange, &origin);
    }

    fn send(&mut self, mut exchange: Exchange, origin: &Origin) {
        let accept = exchange.accept(self.config.representation);
        let mut builder = http::Request::builder()
            .method(exchange.method.clone())
            .uri(exchange.url.as_str())
            .header(header::ACCEPT, accept)
            .header(header::USER_AGENT, self.config.user_agent.as_str());
        if let Some(id) = &exchange.correlation_id {
            builder = builder.header(CORRELATION_ID, id.as_str());
        }
        for (name, value) in &exchange.headers {
            builder = builder.header(name, value);
        }
        if exchange.credential == Credential::Bearer {
            exchange.token_version = None;
            if let Some((value, version)) = self.auth.authorization(origin) {
                builder = builder.header(header::AUTHORIZATION, value);
                exchange.token_version = Some(version);
            }
        }
        let body = match &exchange.body {
            Some((content_type, body)) => {
                builder = builder.header(header::CONTENT_TYPE, content_type.as_ref());
                body.clone()
            }
            None => Bytes::new(),
        };
        if exchange.method == http::Method::POST || exchange.method == http::Method::PUT {
            // IIS answers 411 to a POST without a length, and HTTP libraries leave it out for an empty body.
            builder = builder.header(header::CONTENT_LENGTH, body.len());
        }
        let request = match builder.body(body) {
            Ok(request) => request,
            Err(error) => {
                let failure = Failure::new(FailureKind::UnexpectedAnswer, exchange.purpose.stage())
                    .with_host(origin.host())
                    .with_correlation_id(exchange.correlation_id.clone())
                    .with_message(format!(
                        "no request can be built from the values of the server: {error}"
                    ));
                return self.finish(exchange, Err(failure));
            }
        };
        let id = RequestId(self.number());
        exchange.attempts += 1;
        exchange.first_sent.get_or_insert(self.now);
        let timeout = exchange.time_left(self.now);
        let watchdog = timeout.saturating_add(WATCHDOG_GRACE);
        exchange.watchdog = Some(self.arm(watchdog, Timer::Watchdog(id)));
        exchange.span.record("attempts", exchange.attempts);
        exchange
            .span
            .in_scope(|| tracing::debug!(request = id.0, method = %exchange.method, "sent"));
        self.outputs.push_back(Output::Send {
            id,
            request,
            lane: exchange.lane,
            deadline: self.now.saturating_add(timeout),
            authentication: exchange.authentication,
        });
        if let Some(owned) = exchange.id {
            self.states.insert(owned, ExchangeState::OnWire(id));
        }
        self.on_wire.insert(id, Box::new(exchange));
    }

    pub(crate) fn on_response(
        &mut self,
        id: RequestId,
        result: Result<Response<Bytes>, TransportFailure>,
    ) {
        // The exchange was aborted, or the watchdog ended it.
        let Some(mut exchange) = self.remove_from_wire(id) else {
            return;
        };
        if let Some(watchdog) = exchange.watchdog.take() {
            self.timers.cancel(watchdog);
        }
        match result {
            Ok(response) => {
                self.read_server_clock(&response);
                self.trace(&exchange, &response);
                exchange
                    .span
                    .in_scope(|| tracing::debug!(request = id.0, "answered"));
                self.on_answer(exchange, response);
            }
            Err(failure) => {
                exchange
                    .span
                    .in_scope(|| tracing::debug!(request = id.0, %failure, "the exchange failed"));
                self.on_transport_failure(exchange, failure);
            }
        }
    }

    fn on_answer(&mut self, exchange: Exchange, response: Response<Bytes>) {
        if exchange.credential == Credential::Bearer && self.is_challenge(&exchange, &response) {
            return self.on_unauthorized(exchange, response);
        }
        if self.is_transient(&exchange, &response)
            && let Some(pause) = self.pause_before_repeat(&exchange, retry_after(&response))
        {
            return self.repeat_after(pause, exchange);
        }
        self.finish(exchange, Ok(response));
    }

    fn on_transport_failure(&mut self, exchange: Exchange, failure: TransportFailure) {
        let repeatable = failure.sent == Sent::No || exchange.is_idempotent();
        let hopeless = matches!(failure.kind, TransportFailureKind::Tls | TransportFailureKind::Refused)
            // An address without a connection is probably wrong, so the failure is reported at once.
            || matches!(exchange.purpose, Purpose::Root(_)) && failure.sent == Sent::No;
        if repeatable
            && !hopeless
            && let Some(pause) = self.pause_before_repeat(&exchange, None)
        {
            return self.repeat_after(pause, exchange);
        }
        let failure = Failure::transport(failure, exchange.purpose.stage())
            .with_attempts(exchange.attempts)
            .with_correlation_id(exchange.correlation_id.clone());
        self.finish(exchange, Err(failure));
    }

    /// The pause before an exchange is repeated. `None` after the last attempt, or if the pause would end too late. The
    /// event channel repeats its polls itself.
    fn pause_before_repeat(
        &mut self,
        exchange: &Exchange,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        if exchange.purpose == Purpose::Poll || exchange.attempts >= MAX_ATTEMPTS {
            return None;
        }
        let token = matches!(exchange.purpose, Purpose::Token(_) | Purpose::Challenge(_));
        // The pending GET needs this token, now or as soon as its own token is refused.
        let longest = match token && self.is_under_way(&Purpose::Poll) {
            true => MAX_PAUSE,
            false => MAX_RETRY_AFTER,
        };
        let pause = match asked {
            Some(asked) => asked.min(longest),
            None => self.backoff(
                Duration::from_millis(500),
                exchange.attempts.saturating_sub(1),
                longest.min(Duration::from_secs(8)),
            ),
        };
        let since = exchange.first_sent.unwrap_or(self.now);
        let total = exchange.total.unwrap_or(MAX_RETRY_TIME);
        (self.now.saturating_add(pause) <= since.saturating_add(total)).then_some(pause)
    }

    fn repeat_after(&mut self, pause: Duration, exchange: Exchange) {
        let id = exchange.id;
        let timer = self.arm(pause, Timer::Retry(Box::new(exchange)));
        if let Some(id) = id {
            self.states.insert(id, ExchangeState::Paused(timer));
        }
    }

    /// Handles a request whose deadline and grace have passed without a report of the transport.
    pub(crate) fn on_watchdog(&mut self, id: RequestId) {
        let Some(exchange) = self.remove_from_wire(id) else {
            return;
        };
        self.outputs.push_back(Output::Abort(id));
        let failure = TransportFailure {
            kind: TransportFailureKind::Timeout,
            stage: "wait",
            host: Origin::of(&exchange.url)
                .map(|origin| origin.host().to_owned())
                .unwrap_or_default(),
            sent: Sent::Maybe,
            message: "the transport kept neither its deadline nor its promise".to_owned(),
        };
        self.on_transport_failure(exchange, failure);
    }

    pub(crate) fn finish(&mut self, exchange: Exchange, result: Result<Response<Bytes>, Failure>) {
        if let Purpose::Batch(id) = exchange.purpose {
            return self.on_batch(id, result);
        }
        if self.finished.is_empty() {
            // Usually there is one. Room for four exchanges would be a large allocation for each response.
            self.finished.reserve_exact(1);
        }
        self.finished.push_back((exchange, result));
    }

    pub(crate) fn next_finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    /// Whether an exchange with this purpose is in flight or waits, outside a batch. Scans every exchange.
    pub(crate) fn is_under_way(&self, purpose: &Purpose) -> bool {
        self.on_wire
            .values()
            .any(|exchange| exchange.purpose == *purpose)
            || self.timers.any(
                |timer| matches!(timer, Timer::Retry(exchange) if exchange.purpose == *purpose),
            )
            || (self.auth.waiting()).any(|exchange| exchange.purpose == *purpose)
            || (self.questions.waiting()).any(|exchange| exchange.purpose == *purpose)
            || (self.commit_gate.waiting()).any(|exchange| exchange.purpose == *purpose)
            || (self.collected.iter().flatten()).any(|exchange| exchange.purpose == *purpose)
    }

    /// Whether an owned exchange has certainly not been sent: it waits for its turn, for a token, for an answer or a commit
    /// of the caller, or for a retry after an attempt that was not sent. A request that must not be sent twice is never
    /// retried in other cases.
    pub(crate) fn is_unsent(&self, id: ExchangeId) -> bool {
        let wanted = |exchange: &Exchange| exchange.id == Some(id);
        match self.states.get(&id) {
            Some(ExchangeState::OnWire(request)) => self.is_queued(*request).is_some(),
            Some(ExchangeState::Paused(_)) => true,
            None => {
                self.auth.waiting().any(wanted)
                    || self.questions.waiting().any(wanted)
                    || self.commit_gate.is_held(id)
                    // The exchange failed before it was sent, for example because there is no token, and its failure has not
                    // been dispatched yet.
                    || (self.finished.iter()).any(|(exchange, result)| {
                        wanted(exchange)
                            && result.as_ref().is_err_and(|it| !may_have_been_sent(it))
                    })
            }
        }
    }

    /// The position among the outputs of a request that the driver has not taken.
    pub(crate) fn is_queued(&self, request: RequestId) -> Option<usize> {
        let mut outputs = self.outputs.iter();
        outputs.position(|output| matches!(output, Output::Send { id, .. } if *id == request))
    }

    /// Every exchange that has not ended: on the wire, alone or in a batch, waiting, or answered and not handled yet.
    pub(crate) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        let repeated = self.timers.armed().filter_map(|timer| match timer {
            Timer::Retry(exchange) => Some(&**exchange),
            _ => None,
        });
        (self.on_wire.values().map(|exchange| &**exchange))
            .chain(self.finished.iter().map(|(exchange, _)| exchange))
            .chain(self.batches.values().flatten().flatten())
            .chain(self.collected.iter().flatten())
            .chain(self.questions.waiting())
            .chain(self.commit_gate.waiting())
            .chain(self.auth.waiting())
            .chain(repeated)
    }

    /// The work in progress of all parts of the session.
    pub(crate) fn workload(&self) -> Workload {
        let (polls, requests): (Vec<_>, Vec<_>) =
            (self.exchanges()).partition(|exchange| exchange.purpose == Purpose::Poll);
        let timers = (self.timers.armed()).filter(|timer| !matches!(timer, Timer::Retry(_)));
        // The watchdog of a request in flight counts as a part of the request.
        let (routines, deadlines): (Vec<_>, Vec<_>) = timers
            .filter(|timer| !matches!(timer, Timer::Watchdog(id) if self.on_wire.contains_key(id)))
            .partition(|timer| timer.is_routine());
        Workload {
            operations: self.tickets.len(),
            requests: requests.len(),
            polls: polls.len(),
            questions: self.questions.count(),
            renewals: self.auth.renewals_under_way(),
            deadlines: deadlines.len(),
            routines: routines.len(),
            outputs: self.outputs.len(),
            ..Workload::default()
        }
    }

    /// Sends a request whose response is ignored.
    pub(crate) fn send_unobserved(&mut self, exchange: Exchange) {
        let purpose = exchange.purpose.clone();
        self.issue(exchange);
        self.on_wire
            .retain(|_, exchange| exchange.purpose != purpose);
        self.finished.clear();
        self.timers.clear();
    }

    /// Sets the body of a request, in the representation of the session.
    pub(crate) fn with_input(&self, exchange: Exchange, input: &Resource<'_>) -> Exchange {
        let representation = self.config.representation;
        let body = ucwa_proto::Input::from(input.borrowed()).encode(representation);
        exchange.with_body(representation.content_type(), body)
    }

    // Addresses.

    /// The absolute URL of an href of the application. An href on another host is refused, since it must not get a
    /// credential.
    pub(crate) fn resolve(&self, href: &str, stage: Stage) -> Result<String, Failure> {
        let Some(base) = &self.base else {
            return Err(Failure::new(FailureKind::NotSignedIn, stage));
        };
        let url = base.resolve(href).map_err(|error| {
            Failure::new(FailureKind::UnexpectedAnswer, stage)
                .with_host(base.host())
                .with_message(error.to_string())
        })?;
        // An href that begins with a slash is a path of the base.
        if href.starts_with('/') || base.is_same(&url) {
            return Ok(url);
        }
        match Origin::of(&url) {
            Ok(link) if is_plain_http(&link) => {
                Err(Failure::new(FailureKind::PlainHttp, stage).with_host(link.host()))
            }
            _ => Err(Failure::new(FailureKind::Untrusted, stage)
                .with_host(base.host())
                .with_message("the server links to another host, which gets no credential")),
        }
    }
}

/// A UUID of version 4.
fn uuid(rng: &mut ChaCha8Rng) -> String {
    let (a, b) = (rng.next_u64(), rng.next_u64());
    // A formatted string would keep room for twice as many characters.
    let mut uuid = String::with_capacity(36);
    let _ = write!(
        uuid,
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        (a >> 16) & 0xffff,
        a & 0xfff,
        0x8000 | (b >> 48) & 0x3fff,
        b & 0xffff_ffff_ffff
    );
    uuid
}
