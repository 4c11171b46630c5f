//! The clients' side of the world: drives the sessions, carries out their outputs and passes in their inputs.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use ucwa_session::{
    ConversationChange, Input, Lane, Operation, Output, RequestId, Sent, SessionEvent, SignInState,
    Ticket, TransportFailure,
};

use super::{ClientExchange, World};
use crate::coverage::CoveragePoint;
use crate::endpoint::{Endpoint, EndpointId};
use crate::message::MessageId;
use crate::network::ExchangeId;
use crate::violation::{Invariant, Violation};

/// The input that causes outputs of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// An event page.
    EventPage,
    /// A timer.
    Timer,
    /// Any other input.
    Other,
}

impl World {
    /// Submits an operation to a session. Returns `None` if its device or its process does not run.
    pub(crate) fn submit(&mut self, id: EndpointId, operation: Operation) -> Option<Ticket> {
        if self.is_suspended(id) || !self.is_running(id) {
            return None;
        }
        self.read_wall_clock(id);
        let now = self.now;
        let session_time = self.session_time(id);
        let endpoint = self.endpoints.get_mut(id.0)?;
        let name = &endpoint.name;
        self.trace
            .note(now, name, format_args!("submit {operation:?}"));
        if let Operation::OpenConversation { conversation, .. } = &operation {
            endpoint.conversations.entry(*conversation).or_default();
        }
        let ticket = endpoint.submit(session_time, operation);
        self.carry_out(id, Cause::Other);
        Some(ticket)
    }

    /// Shuts a session down, like a process that exits.
    pub(crate) fn shut_down(&mut self, id: EndpointId) {
        if let Some(endpoint) = self.endpoints.get_mut(id.0) {
            endpoint.shut_down = true;
        }
        self.read_wall_clock(id);
        self.pass_input(id, Input::Shutdown, Cause::Other);
    }

    /// Wakes the first session whose timer is due.
    pub(super) fn wake_session(&mut self) {
        let due = |world: &Self, endpoint: &Endpoint| {
            world.wake_up(endpoint).is_some_and(|at| at <= world.now)
        };
        let Some(index) = self.endpoints.iter().position(|it| due(self, it)) else {
            return;
        };
        self.read_wall_clock(EndpointId(index));
        self.pass_input(EndpointId(index), Input::Timeout, Cause::Timer);
        if let Some(endpoint) = self.endpoints.get(index).filter(|it| due(self, it)) {
            self.violations.push(Violation::new(
                Invariant::Terminates,
                format!("{} keeps a timer that has fired", endpoint.name),
            ));
        }
    }

    pub(super) fn on_response(&mut self, id: ExchangeId, response: Response<Bytes>) {
        let Some((exchange, awaited)) = self.end_exchange(id) else {
            return;
        };
        let client = exchange.endpoint;
        let page = awaited && exchange.lane == Lane::Events && response.status().is_success();
        if page && self.kill_before_commit(client, exchange.request, &response) {
            self.oracle.on_failed(id, Sent::Maybe);
            return;
        }
        if awaited {
            let point = self.record_fault(id);
            let authentic = !point.is_some_and(CoveragePoint::is_false_response);
            self.oracle.on_arrived(id, &response, authentic);
        }
        let input = Input::Response {
            id: exchange.request,
            result: Ok(response),
        };
        // The timers that became due while the process was paused fire before the page is handled.
        let late = self.is_late(client);
        let cause = if page && !late {
            Cause::EventPage
        } else {
            Cause::Other
        };
        self.pass_input(client, input, cause);
    }

    pub(super) fn on_failure(&mut self, id: ExchangeId, failure: TransportFailure) {
        let Some((exchange, awaited)) = self.end_exchange(id) else {
            return;
        };
        if awaited {
            self.oracle.on_failed(id, failure.sent);
            self.record_fault(id);
        }
        let input = Input::Response {
            id: exchange.request,
            result: Err(failure),
        };
        self.pass_input(exchange.endpoint, input, Cause::Other);
    }

    /// Counts the fault that affected an exchange, when its session gets the result.
    fn record_fault(&mut self, id: ExchangeId) -> Option<CoveragePoint> {
        let point = self.injected_faults.get(&id).copied();
        if let Some(point) = point {
            self.oracle.coverage.record(point);
        }
        point
    }

    /// Ends an exchange. Returns it, and whether its session still awaited the result.
    fn end_exchange(&mut self, id: ExchangeId) -> Option<(ClientExchange, bool)> {
        // The driver reads the clock first. A session that notices a suspend then aborts exchanges.
        let client = self.exchanges.get(&id)?.endpoint;
        self.read_wall_clock(client);
        let exchange = self.exchanges.get_mut(&id)?;
        let awaited = !std::mem::replace(&mut exchange.ended, true);
        let endpoint = self.endpoints.get_mut(exchange.endpoint.0)?;
        endpoint.poll.take_if(|poll| *poll == id);
        Some((exchange.clone(), awaited))
    }

    /// Whether a timer of a session is overdue.
    fn is_late(&self, id: EndpointId) -> bool {
        let wake_at = self.endpoints.get(id.0).and_then(|it| it.wake_at);
        wake_at.is_some_and(|at| at < self.session_time(id))
    }

    /// Passes an input to a session, if its process runs, and carries out the outputs.
    fn pass_input(&mut self, id: EndpointId, input: Input, cause: Cause) {
        if !self.is_running(id) {
            return;
        }
        let session_time = self.session_time(id);
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        if !matches!(input, Input::Timeout) {
            self.trace
                .note(self.now, &endpoint.name, format_args!("{input:?}"));
        }
        endpoint.session.handle(session_time, input);
        self.carry_out(id, cause);
    }

    /// Passes the wall time of its device to the session, as a driver does at each wake-up.
    pub(super) fn read_wall_clock(&mut self, id: EndpointId) {
        if !self.wall_clocks || !self.is_running(id) {
            return;
        }
        let session_time = self.session_time(id);
        let wall = self.server_wall();
        let wall = self.device_of(id).map(|device| device.wall(wall));
        if let Some(wall) = wall
            && let Some(endpoint) = self.endpoints.get_mut(id.0)
        {
            endpoint.clock_reading = Some((wall, session_time));
            endpoint
                .session
                .handle(session_time, Input::WallClock(wall));
            self.carry_out(id, Cause::Other);
            self.check_resumed(id);
        }
    }

    /// The time of a session: the monotonic clock of its device.
    pub(super) fn session_time(&self, id: EndpointId) -> Duration {
        let device = self.device_of(id);
        device.map_or(self.now, |device| device.monotonic(self.now))
    }

    /// Carries out the outputs of a session until it is idle.
    pub(super) fn carry_out(&mut self, id: EndpointId, cause: Cause) {
        let mut polled = cause != Cause::EventPage;
        let mut event_before_poll = None;
        let mut signed_out = false;
        loop {
            let Some(endpoint) = self.endpoints.get_mut(id.0) else {
                return;
            };
            let output = endpoint.session.poll_output();
            if !matches!(output, Output::Idle { .. }) {
                self.trace
                    .note(self.now, &endpoint.name, format_args!("{output:?}"));
            }
            let violation = match output {
                Output::Send {
                    id: request_id,
                    request,
                    lane,
                    deadline,
                    ..
                } => {
                    polled |= lane == Lane::Events;
                    let by_timer = cause == Cause::Timer;
                    self.send(id, (request_id, request), lane, deadline, by_timer);
                    None
                }
                Output::Abort(request) => {
                    self.abort(id, request);
                    None
                }
                Output::Event(event) => {
                    // The session may report a failure of the channel while it does not poll.
                    let of_channel = matches!(
                        event,
                        SessionEvent::SignIn { .. }
                            | SessionEvent::ChannelInterrupted { .. }
                            | SessionEvent::ChannelRestored
                    );
                    if !polled && !of_channel {
                        event_before_poll.get_or_insert_with(|| format!("{event:?}"));
                    }
                    let violation = endpoint.on_event(&event);
                    let recovery = endpoint.recovery(&event);
                    if let Some(point) = recovery {
                        self.oracle.coverage.record(point);
                    }
                    signed_out |= matches!(
                        event,
                        SessionEvent::SignIn {
                            state: SignInState::SignedOut,
                            ..
                        }
                    );
                    if let Some(message) = shown_message(&event) {
                        let text = format_args!("shows {message:?}");
                        self.trace.note(self.now, &endpoint.name, text);
                    }
                    endpoint.unread_events.push_back(event);
                    violation
                }
                Output::Completed { ticket, result, .. } => endpoint.on_completed(ticket, result),
                Output::Idle { wake_at, .. } => {
                    endpoint.wake_at = wake_at;
                    // A session that signs out polls no more; a session that lacks a token polls when it has one.
                    let workload = endpoint.session.workload();
                    let awaits_token = workload.polls == 1 && workload.renewals > 0;
                    let awaits_commit = endpoint.session.uncommitted().is_some();
                    let may_not_poll = signed_out || awaits_token || awaits_commit;
                    if let Some(event) = event_before_poll.filter(|_| !may_not_poll) {
                        let detail = format!(
                            "{} reports an event of a page before it polls: {event}",
                            endpoint.name
                        );
                        self.violations
                            .push(Violation::new(Invariant::OnePendingGet, detail));
                    }
                    if signed_out {
                        self.check_end(id);
                    }
                    return self.commit(id);
                }
                // A session treats an unanswered question as a refusal.
                _ => None,
            };
            self.violations.extend(violation);
        }
    }

    /// Commits the event page that a session with a commit gate has reported, and carries out the outputs that waited for the
    /// commit.
    fn commit(&mut self, id: EndpointId) {
        let uncommitted = self.endpoints.get(id.0).filter(|_| self.is_running(id));
        if let Some(number) = uncommitted.and_then(|it| it.session.uncommitted()) {
            self.pass_input(id, Input::Commit(number), Cause::Other);
        }
    }

    pub(super) fn send(
        &mut self,
        id: EndpointId,
        (request_id, request): (RequestId, Request<Bytes>),
        lane: Lane,
        deadline: Duration,
        by_timer: bool,
    ) {
        let site = request
            .uri()
            .host()
            .and_then(|host| self.sites.get(host).copied());
        self.check_request(id, &request, lane, site);
        self.check_first_request(id, lane, request.uri().path());
        let deadline = self
            .device_of(id)
            .map_or(deadline, |device| device.world_time(deadline));
        let exchange = self
            .network
            .send(self.now, request.clone(), lane, deadline, site.is_some());
        self.oracle.on_sent(exchange, id, &request, by_timer);
        let may_outlive_session = match *request.method() {
            Method::DELETE => true,
            Method::POST => request.uri().path().ends_with("/applications"),
            _ => false,
        };
        let poll = (lane == Lane::Events).then_some(request);
        if let Some(poll) = &poll
            && let Some(endpoint) = self.endpoints.get_mut(id.0)
        {
            endpoint.poll = Some(exchange);
            endpoint.last_poll = Some(poll.clone());
        }
        self.exchanges.insert(
            exchange,
            ClientExchange {
                endpoint: id,
                request: request_id,
                lane,
                site,
                may_outlive_session,
                poll,
                ended: false,
            },
        );
    }

    pub(super) fn abort(&mut self, id: EndpointId, request: RequestId) {
        let found = self
            .exchanges
            .iter_mut()
            .rev()
            .find(|(_, it)| it.endpoint == id && it.request == request);
        if let Some((&exchange_id, exchange)) = found {
            exchange.ended = true;
            self.network.abort(self.now, exchange_id);
            if let Some(endpoint) = self.endpoints.get_mut(id.0) {
                endpoint.poll.take_if(|poll| *poll == exchange_id);
            }
        }
    }
}

/// The message that an event shows.
fn shown_message(event: &SessionEvent) -> Option<MessageId> {
    match event {
        SessionEvent::Conversation {
            change: ConversationChange::MessageReceived { body, .. },
            ..
        } => MessageId::of_body(body),
        _ => None,
    }
}
