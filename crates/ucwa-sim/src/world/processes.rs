//! The processes of the world: processes are detached, killed or paused, and their successors resume the sessions.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ucwa_session::{Checkpoint, Input, Lane, Output, RequestId, Session, SessionConfig};

use super::World;
use super::client_side::Cause;
use crate::coverage::CoveragePoint;
use crate::endpoint::{Endpoint, EndpointId, Process, StoredCheckpoint};
use crate::handover_schedule::Stop;
use crate::message::MessageId;
use crate::network::Arrival;
use crate::violation::{Invariant, Violation};

impl World {
    /// Whether the process of a session runs.
    pub(crate) fn is_running(&self, id: EndpointId) -> bool {
        let endpoint = self.endpoint(id);
        endpoint.is_some_and(|it| matches!(it.process, Process::Running))
    }

    /// Stops the process of a session that can be resumed; its successor is to start after `gap`. Returns whether the process
    /// stopped: a session that is not signed in has no checkpoint, and a process that is to be killed at the next event page
    /// still runs.
    pub(crate) fn stop(&mut self, id: EndpointId, stop: Stop, gap: Duration) -> bool {
        self.read_wall_clock(id);
        let Some(endpoint) = self.endpoints.get_mut(id.0).filter(is_running) else {
            return false;
        };
        let Some(checkpoint) = endpoint.session.checkpoint() else {
            return false;
        };
        let text = format_args!("{stop:?}");
        self.trace.note(self.now, &endpoint.name, text);
        let stored = StoredCheckpoint {
            encoded: checkpoint.encode(),
            gap: Some(gap),
        };
        match stop {
            Stop::Detach => self.detach(id, gap),
            Stop::Kill => {
                endpoint.store_checkpoint(stored);
                self.kill(id, false);
            }
            Stop::KillUncommitted => {
                endpoint.kill_before_commit = Some(gap);
                return false;
            }
            Stop::Pause(length) => {
                endpoint.store_checkpoint(stored);
                endpoint.kill_before_commit = None;
                endpoint.resumed = None;
                endpoint.process = Process::Paused { held: Vec::new() };
                for (exchange, client) in self.open_exchanges().collect::<Vec<_>>() {
                    if client == id {
                        self.network.extend_deadline(exchange, length);
                    }
                }
            }
        }
        true
    }

    fn detach(&mut self, id: EndpointId, gap: Duration) {
        let now = self.session_time(id);
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        // Detaching fails the operations that are open now.
        let open: BTreeSet<_> = endpoint.open_tickets().collect();
        let checkpoint = endpoint.session.detach(now);
        endpoint.process = Process::Detached;
        if let Some(checkpoint) = checkpoint {
            endpoint.store_checkpoint(StoredCheckpoint {
                encoded: checkpoint.encode(),
                gap: Some(gap),
            });
            endpoint.open_at_stop = open;
        }
        self.carry_out(id, Cause::Other);
    }

    /// Kills a process. Its connections are closed.
    fn kill(&mut self, id: EndpointId, uncommitted: bool) {
        for (exchange, client) in self.open_exchanges().collect::<Vec<_>>() {
            if client == id {
                self.network.abort(self.now, exchange);
                if let Some(exchange) = self.exchanges.get_mut(&exchange) {
                    exchange.ended = true;
                }
            }
        }
        if let Some(endpoint) = self.endpoints.get_mut(id.0) {
            endpoint.kill(uncommitted);
        }
    }

    /// Kills a process that is to be killed at the event page in `response`: the process handles the page and sends the
    /// resulting requests, and is killed before it commits the page. Returns false if the process is not to be killed.
    pub(super) fn kill_before_commit(
        &mut self,
        id: EndpointId,
        request: RequestId,
        response: &Response<Bytes>,
    ) -> bool {
        let now = self.session_time(id);
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return false;
        };
        let stored = endpoint.session.checkpoint();
        let (Some(gap), Some(stored)) = (endpoint.kill_before_commit, stored) else {
            return false;
        };
        endpoint.store_checkpoint(StoredCheckpoint {
            encoded: stored.encode(),
            gap: Some(gap),
        });
        let input = Input::Response {
            id: request,
            result: Ok(response.clone()),
        };
        self.trace.note(
            self.now,
            &endpoint.name,
            format_args!("is killed with {input:?}"),
        );
        endpoint.session.handle(now, input);
        while let Some(endpoint) = self.endpoints.get_mut(id.0) {
            match endpoint.session.poll_output() {
                Output::Send {
                    id: request,
                    request: content,
                    lane,
                    deadline,
                    ..
                } => self.send(id, (request, content), lane, deadline, false),
                Output::Abort(request) => self.abort(id, request),
                Output::Idle { .. } => break,
                _ => {}
            }
        }
        self.kill(id, true);
        true
    }

    /// Lets a paused process continue.
    pub(crate) fn continue_process(&mut self, id: EndpointId) {
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        let Process::Paused { held } = &mut endpoint.process else {
            return;
        };
        let held = std::mem::take(held);
        endpoint.process = Process::Running;
        self.trace
            .note(self.now, &endpoint.name, format_args!("continues"));
        for arrival in held {
            self.on_arrival(arrival);
        }
    }

    /// Holds an arrival for a paused process. Returns the arrival if the process is not paused.
    pub(super) fn hold_for_process(&mut self, id: EndpointId, arrival: Arrival) -> Option<Arrival> {
        match self.endpoints.get_mut(id.0).map(|it| &mut it.process) {
            Some(Process::Paused { held }) => {
                held.push(arrival);
                None
            }
            _ => Some(arrival),
        }
    }

    /// Adds the session that resumes the session of a stopped process. Returns `None` if there is no readable checkpoint.
    pub(crate) fn add_successor(
        &mut self,
        of: EndpointId,
        name: String,
        config: SessionConfig,
    ) -> Option<EndpointId> {
        let endpoint = self.endpoints.get_mut(of.0)?;
        let owner = endpoint.owner;
        let stored = endpoint.stored_checkpoint.take()?;
        let checkpoint = match Checkpoint::decode(&stored.encoded) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                let detail = format!("{}: {error}", endpoint.name);
                self.violations
                    .push(Violation::new(Invariant::ResumedByPoll, detail));
                return None;
            }
        };
        self.oracle.coverage.record(match endpoint.process {
            Process::Detached => CoveragePoint::Detached,
            Process::Killed { uncommitted: false } => CoveragePoint::Killed,
            Process::Killed { uncommitted: true } => CoveragePoint::KilledUncommitted,
            Process::Paused { .. } | Process::Running => CoveragePoint::Paused,
        });
        let doubtful = checkpoint.doubtful_messages();
        let doubtful: BTreeSet<_> = doubtful.filter_map(MessageId::of_message_id).collect();
        let successor = self.add_endpoint(name, owner, Session::resume(config, checkpoint));
        self.oracle.hand_over(of, successor, &doubtful);
        if let Some(endpoint) = self.endpoints.get_mut(of.0) {
            endpoint.successor = Some(successor);
        }
        if let Some(endpoint) = self.endpoints.get_mut(successor.0) {
            endpoint.predecessor = Some(of);
            endpoint.doubtful = doubtful;
        }
        Some(successor)
    }

    /// The first session in the chain of predecessors of this one.
    pub(crate) fn origin_of(&self, mut id: EndpointId) -> EndpointId {
        while let Some(before) = self.endpoint(id).and_then(|it| it.predecessor) {
            id = before;
        }
        id
    }

    /// Checks the first request of a session that resumes another one.
    pub(super) fn check_first_request(&mut self, id: EndpointId, lane: Lane, path: &str) {
        let Some(endpoint) = self.endpoints.get_mut(id.0) else {
            return;
        };
        let is_first = !std::mem::replace(&mut endpoint.has_sent, true);
        // A token that has expired is renewed before it is sent.
        let is_allowed = lane == Lane::Events || path.ends_with("/oauthtoken");
        if is_first && endpoint.predecessor.is_some() && !is_allowed {
            let detail = format!("{} sends {path} before it polls", endpoint.name);
            self.violations
                .push(Violation::new(Invariant::ResumedByPoll, detail));
        }
    }

    /// Checks that a process that was paused has yielded the application to its successor.
    pub(crate) fn check_yielded(&mut self, id: EndpointId) {
        let polls = |id: EndpointId| {
            let endpoint = self.endpoint(id);
            endpoint.is_some_and(|it| it.poll.is_some())
        };
        let endpoint = self.endpoint(id);
        let successor = endpoint.and_then(|it| it.successor);
        if polls(id) && successor.is_some_and(polls) {
            let name = endpoint.map(|it| it.name.clone()).unwrap_or_default();
            let detail = format!("{name} and its successor both poll");
            self.violations
                .push(Violation::new(Invariant::OneOwner, detail));
        }
    }
}

fn is_running(endpoint: &&mut Endpoint) -> bool {
    matches!(endpoint.process, Process::Running)
}

#[cfg(test)]
mod tests {
    use ucwa_session::Root;

    use super::*;
    use crate::network::ExchangeId;
    use crate::world::Conditions;

    const EVENTS: &str = "/ucwa/oauth/v1/applications/1/events";
    const TOKEN: &str = "/WebTicket/oauthtoken";

    /// A world with a session and its successor.
    fn world() -> (World, EndpointId, EndpointId) {
        let mut world = World::new(1, Conditions::ideal(), Vec::new(), false);
        let session = || {
            let root = Root::Url("https://lyncdiscover.contoso.com/".to_owned());
            Session::new(SessionConfig::new(root, 1, World::wall_at_epoch()))
        };
        let old = world.add_endpoint("toshm.0", 0, session());
        let new = world.add_endpoint("toshm.1", 0, session());
        world.endpoint_mut(old).unwrap().successor = Some(new);
        world.endpoint_mut(new).unwrap().predecessor = Some(old);
        (world, old, new)
    }

    fn violated(world: &World) -> Vec<Invariant> {
        world.violations.iter().map(|it| it.invariant).collect()
    }

    #[test]
    fn a_resumed_session_that_reads_before_it_polls_is_a_violation() {
        let read = "/ucwa/oauth/v1/applications/1";
        for (lane, path, is_allowed) in [
            (Lane::Events, EVENTS, true),
            (Lane::Commands, TOKEN, true),
            (Lane::Commands, read, false),
        ] {
            let (mut world, old, new) = world();
            world.check_first_request(old, lane, path);
            world.check_first_request(new, lane, path);
            assert_eq!(violated(&world).is_empty(), is_allowed, "{path}");
            world.violations.clear();
            world.check_first_request(new, Lane::Commands, read);
            assert_eq!(violated(&world), [], "the second request");
        }
    }

    #[test]
    fn a_process_that_polls_beside_its_successor_is_a_violation() {
        for (old_polls, new_polls) in [(true, true), (true, false), (false, true)] {
            let (mut world, old, new) = world();
            for (id, polls) in [(old, old_polls), (new, new_polls)] {
                let endpoint = world.endpoint_mut(id).unwrap();
                endpoint.poll = polls.then_some(ExchangeId(1));
            }
            world.check_yielded(old);
            let both = old_polls && new_polls;
            assert_eq!(violated(&world) == [Invariant::OneOwner], both);
        }
    }

    #[test]
    fn arrivals_at_a_paused_process_are_held() {
        let (mut world, old, _) = world();
        let arrival = || Arrival::Disconnect { id: ExchangeId(1) };
        assert!(world.hold_for_process(old, arrival()).is_some());
        let endpoint = world.endpoint_mut(old).unwrap();
        endpoint.process = Process::Paused { held: Vec::new() };
        assert!(world.hold_for_process(old, arrival()).is_none());
        assert!(!world.is_running(old));
        world.continue_process(old);
        assert!(world.is_running(old));
    }
}
