//! The network between clients and the server: it delays, loses and cuts exchanges, by draws from a random
//! stream. It contains no I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ucwa_session::{Lane, Sent, TransportFailure, TransportFailureKind};

use crate::network_profile::NetworkProfile;
use crate::random::RandomStream;

/// Identifies an exchange. IDs are unique in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExchangeId(pub(crate) u64);

/// A request, a response or a failure that the network delivers.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A request reaches the server.
    Request {
        /// The exchange.
        id: ExchangeId,
        /// The request.
        request: Request<Bytes>,
    },
    /// The server notices that the client has closed the connection.
    Disconnect {
        /// The exchange.
        id: ExchangeId,
    },
    /// A response reaches the client.
    Response {
        /// The exchange.
        id: ExchangeId,
        /// The response.
        response: Response<Bytes>,
    },
    /// The duplicate of a response reaches the client, possibly before the original.
    Duplicate {
        /// The exchange.
        id: ExchangeId,
        /// The response.
        response: Response<Bytes>,
    },
    /// The client learns that no response will come.
    Failure {
        /// The exchange.
        id: ExchangeId,
        /// The failure that the transport reports.
        failure: TransportFailure,
    },
}

/// An exchange whose response the client awaits.
#[derive(Debug)]
struct Open {
    host: String,
    deadline: Duration,
}

/// The requests and responses in transit.
#[derive(Debug)]
pub(crate) struct Network {
    profile: NetworkProfile,
    random: RandomStream,
    sent: u64,
    open: BTreeMap<ExchangeId, Open>,
    due: BTreeMap<(Duration, u64), Arrival>,
    scheduled: u64,
}

impl Network {
    /// An idle network.
    pub(crate) fn new(profile: NetworkProfile, random: RandomStream) -> Self {
        Self {
            profile,
            random,
            sent: 0,
            open: BTreeMap::new(),
            due: BTreeMap::new(),
            scheduled: 0,
        }
    }

    /// Accepts a request. The exchange ends with one [`Arrival::Response`] or [`Arrival::Failure`], at `deadline` at the
    /// latest. `reachable` is whether the host name resolves.
    pub(crate) fn send(
        &mut self,
        now: Duration,
        request: Request<Bytes>,
        lane: Lane,
        deadline: Duration,
        reachable: bool,
    ) -> ExchangeId {
        self.sent += 1;
        let id = ExchangeId(self.sent);
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.open.insert(id, Open { host, deadline });
        // The transport reports a timeout at the deadline unless the exchange ends earlier.
        let timeout = TransportFailureKind::Timeout;
        self.fail(deadline, id, timeout, "wait", Sent::Maybe);
        let delay = self.delay();
        if !reachable || self.random.chance(self.profile.unreachable) {
            let kind = TransportFailureKind::Unreachable;
            self.fail(now + delay, id, kind, "connect", Sent::No);
            return id;
        }
        if self.random.chance(self.profile.lost_requests) {
            self.lose(now + delay, id);
            return id;
        }
        self.schedule(now + delay, Arrival::Request { id, request });
        if lane == Lane::Events && self.random.chance(self.profile.cut_polls) {
            let cut = now + delay + self.random.duration(&self.profile.cut_after);
            self.fail(cut, id, TransportFailureKind::Broken, "wait", Sent::Maybe);
        }
        id
    }

    /// The ID of an exchange that belongs to no client of this world.
    pub(crate) fn foreign_exchange(&mut self) -> ExchangeId {
        self.sent += 1;
        ExchangeId(self.sent)
    }

    /// Accepts a response of the server. The response is dropped if the client no longer awaits it.
    pub(crate) fn respond(&mut self, now: Duration, id: ExchangeId, response: Response<Bytes>) {
        if !self.open.contains_key(&id) {
            return;
        }
        let delay = self.delay();
        if self.random.chance(self.profile.lost_responses) {
            self.lose(now + delay, id);
        } else {
            self.schedule(now + delay, Arrival::Response { id, response });
        }
    }

    /// Delivers a duplicate of a response at `at`.
    pub(crate) fn duplicate(&mut self, at: Duration, id: ExchangeId, response: Response<Bytes>) {
        self.schedule(at, Arrival::Duplicate { id, response });
    }

    /// The client aborts an exchange. A request in transit still reaches the server, and the response can still reach the
    /// client.
    pub(crate) fn abort(&mut self, now: Duration, id: ExchangeId) {
        let delay = self.delay();
        self.schedule(now + delay, Arrival::Disconnect { id });
        if self.random.chance(700) {
            self.open.remove(&id);
        }
    }

    /// The server refuses the connection of a request that has just arrived.
    pub(crate) fn refuse_connection(&mut self, now: Duration, id: ExchangeId) {
        let at = now + self.delay();
        let kind = TransportFailureKind::Unreachable;
        self.fail(at, id, kind, "connect", Sent::No);
    }

    /// The server closes every connection.
    pub(crate) fn cut_all(&mut self, now: Duration) {
        let open: Vec<_> = self.open.keys().copied().collect();
        for id in open {
            let at = now + self.delay();
            self.fail(at, id, TransportFailureKind::Broken, "wait", Sent::Maybe);
        }
    }

    /// When the next arrival is due.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        while let Some(entry) = self.due.first_entry() {
            match entry.get() {
                // The end of an exchange that has already ended is dropped.
                Arrival::Response { id, .. } | Arrival::Failure { id, .. }
                    if !self.open.contains_key(id) =>
                {
                    entry.remove();
                }
                // A timeout whose deadline was extended is dropped, too.
                Arrival::Failure { id, failure }
                    if failure.kind == TransportFailureKind::Timeout
                        && (self.open.get(id)).is_some_and(|it| entry.key().0 < it.deadline) =>
                {
                    entry.remove();
                }
                _ => return Some(entry.key().0),
            }
        }
        None
    }

    /// The next arrival that is due at `now`.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<Arrival> {
        self.next_due().filter(|due| *due <= now)?;
        let (_, arrival) = self.due.pop_first()?;
        Some(arrival)
    }

    /// Ends the exchange of an arrival that is delivered to its client.
    pub(crate) fn end(&mut self, now: Duration, arrival: &Arrival) {
        match arrival {
            Arrival::Request { .. } | Arrival::Disconnect { .. } => {}
            Arrival::Response { id, .. } | Arrival::Duplicate { id, .. } => {
                self.open.remove(id);
            }
            Arrival::Failure { id, failure } => {
                let id = *id;
                self.open.remove(&id);
                // The server does not always notice a broken connection.
                if failure.sent == Sent::Maybe && self.random.chance(800) {
                    let delay = self.delay();
                    self.schedule(now + delay, Arrival::Disconnect { id });
                }
            }
        }
    }

    /// Extends the deadline of an exchange by the time `by` for which the clock of its client stops.
    pub(crate) fn extend_deadline(&mut self, id: ExchangeId, by: Duration) {
        if let Some(open) = self.open.get_mut(&id) {
            open.deadline += by;
            let deadline = open.deadline;
            let timeout = TransportFailureKind::Timeout;
            self.fail(deadline, id, timeout, "wait", Sent::Maybe);
        }
    }

    /// The delay of one request or response.
    fn delay(&mut self) -> Duration {
        let mut delay = self.random.duration(&self.profile.latency);
        if self.random.chance(self.profile.stalls) {
            delay += self.random.duration(&self.profile.stall);
        }
        delay
    }

    fn schedule(&mut self, at: Duration, arrival: Arrival) {
        self.scheduled += 1;
        self.due.insert((at, self.scheduled), arrival);
    }

    /// Schedules the failure of an exchange at `at`. The failure is dropped if the exchange ends earlier.
    fn fail(
        &mut self,
        at: Duration,
        id: ExchangeId,
        kind: TransportFailureKind,
        stage: &'static str,
        sent: Sent,
    ) {
        let Some(open) = self.open.get(&id) else {
            return;
        };
        let failure = TransportFailure::new(
            kind,
            stage,
            open.host.clone(),
            sent,
            format!("simulated: {kind:?} while in {stage}"),
        );
        let at = at.min(open.deadline);
        self.schedule(at, Arrival::Failure { id, failure });
    }

    /// The request or the response is lost: the client sees a broken connection at `at`, or a timeout.
    fn lose(&mut self, at: Duration, id: ExchangeId) {
        if self.random.chance(self.profile.resets) {
            self.fail(at, id, TransportFailureKind::Broken, "wait", Sent::Maybe);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(30);

    fn send(network: &mut Network, lane: Lane) -> ExchangeId {
        let request = Request::get("https://lyncweb.contoso.com/")
            .body(Bytes::new())
            .unwrap();
        network.send(Duration::ZERO, request, lane, DEADLINE, true)
    }

    /// Answers every request at once and returns all arrivals with their times.
    fn run(network: &mut Network) -> Vec<(Duration, Arrival)> {
        let mut out = Vec::new();
        while let Some(due) = network.next_due() {
            let arrival = network.poll(due).unwrap();
            network.end(due, &arrival);
            if let Arrival::Request { id, .. } = &arrival {
                network.respond(due, *id, Response::new(Bytes::new()));
            }
            out.push((due, arrival));
        }
        out
    }

    fn ends(out: &[(Duration, Arrival)]) -> usize {
        let is_end = |(_, arrival): &&(Duration, Arrival)| {
            matches!(arrival, Arrival::Response { .. } | Arrival::Failure { .. })
        };
        out.iter().filter(is_end).count()
    }

    #[test]
    fn a_lossless_network_delivers_every_request_and_response() {
        let mut network = Network::new(NetworkProfile::slow(), RandomStream::new(1, 1));
        for _ in 0..100 {
            send(&mut network, Lane::Commands);
        }
        let out = run(&mut network);
        let answered =
            |(_, arrival): &&(Duration, Arrival)| matches!(arrival, Arrival::Response { .. });
        assert_eq!(out.iter().filter(answered).count(), 100);
        assert_eq!(ends(&out), 100);
    }

    #[test]
    fn every_exchange_ends_once_by_its_deadline_and_reports_correctly_whether_it_was_sent() {
        let mut network = Network::new(NetworkProfile::failing(), RandomStream::new(1, 1));
        for round in 0..1_000 {
            let lane = if round % 2 == 0 {
                Lane::Events
            } else {
                Lane::Commands
            };
            send(&mut network, lane);
        }
        let out = run(&mut network);
        assert_eq!(ends(&out), 1_000);
        let mut arrived = std::collections::BTreeSet::new();
        let mut kinds = std::collections::BTreeMap::new();
        for (at, arrival) in &out {
            match arrival {
                Arrival::Request { id, .. } => {
                    arrived.insert(*id);
                }
                Arrival::Failure { id, failure } => {
                    assert!(*at <= DEADLINE);
                    if failure.sent == Sent::No {
                        assert!(!arrived.contains(id), "{failure}");
                    }
                    *kinds.entry(format!("{:?}", failure.kind)).or_insert(0) += 1;
                }
                Arrival::Response { .. } | Arrival::Duplicate { .. } => assert!(*at <= DEADLINE),
                Arrival::Disconnect { .. } => {}
            }
        }
        assert_eq!(
            kinds.keys().collect::<Vec<_>>(),
            ["Broken", "Timeout", "Unreachable"]
        );
    }

    #[test]
    fn a_host_that_does_not_resolve_is_unreachable() {
        let mut network = Network::new(NetworkProfile::fast(), RandomStream::new(1, 1));
        let request = Request::get("https://nowhere.example/")
            .body(Bytes::new())
            .unwrap();
        network.send(Duration::ZERO, request, Lane::Commands, DEADLINE, false);
        let out = run(&mut network);
        let [(_, Arrival::Failure { failure, .. })] = out.as_slice() else {
            panic!("{out:?}")
        };
        assert_eq!(failure.sent, Sent::No);
    }
}
