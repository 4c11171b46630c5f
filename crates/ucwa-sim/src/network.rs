//! The way between clients and servers: it delays, loses and breaks, by a seed, and contains no I/O itself.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use ucwa_session::{Lane, Sent, TransportFailure, TransportFailureKind};

use crate::dice::Dice;
use crate::weather::Weather;

/// The name of one exchange, all over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExchangeId(pub(crate) u64);

/// Something that comes out of the network.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A request reaches the server.
    Request {
        /// Which.
        id: ExchangeId,
        /// The request.
        request: Request<Bytes>,
    },
    /// The server notices that nobody waits for this response any more.
    Disconnect {
        /// To which request.
        id: ExchangeId,
    },
    /// A response reaches the client.
    Response {
        /// To which request.
        id: ExchangeId,
        /// The response.
        response: Response<Bytes>,
    },
    /// A response reaches the client once more than it should. It may be there before its original.
    Copy {
        /// To which request.
        id: ExchangeId,
        /// The response.
        response: Response<Bytes>,
    },
    /// The client learns that there will be no response.
    Failure {
        /// To which request.
        id: ExchangeId,
        /// What its transport says.
        failure: TransportFailure,
    },
}

/// An exchange that the client waits for.
#[derive(Debug)]
struct Open {
    host: String,
    deadline: Duration,
}

/// Where requests and responses are while they are under way.
#[derive(Debug)]
pub(crate) struct Network {
    weather: Weather,
    dice: Dice,
    sent: u64,
    open: BTreeMap<ExchangeId, Open>,
    due: BTreeMap<(Duration, u64), Arrival>,
    scheduled: u64,
}

impl Network {
    /// An idle network.
    pub(crate) fn new(weather: Weather, dice: Dice) -> Self {
        Self {
            weather,
            dice,
            sent: 0,
            open: BTreeMap::new(),
            due: BTreeMap::new(),
            scheduled: 0,
        }
    }

    /// Takes a request. Its end comes out as one [`Arrival::Response`] or [`Arrival::Failure`], at `deadline` at the
    /// latest. `reachable` says whether the name of its host leads anywhere.
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
        // The transport keeps its deadline, whatever becomes of the exchange.
        let timeout = TransportFailureKind::Timeout;
        self.fail(deadline, id, timeout, "wait", Sent::Maybe);
        let way = self.way();
        if !reachable || self.dice.chance(self.weather.unreachable) {
            let kind = TransportFailureKind::Unreachable;
            self.fail(now + way, id, kind, "connect", Sent::No);
            return id;
        }
        if self.dice.chance(self.weather.lost_requests) {
            self.lose(now + way, id);
            return id;
        }
        self.schedule(now + way, Arrival::Request { id, request });
        if lane == Lane::Events && self.dice.chance(self.weather.cut_polls) {
            let cut = now + way + self.dice.time(&self.weather.patience);
            self.fail(cut, id, TransportFailureKind::Broken, "wait", Sent::Maybe);
        }
        id
    }

    /// The name of an exchange that no client of this world has.
    pub(crate) fn stray(&mut self) -> ExchangeId {
        self.sent += 1;
        ExchangeId(self.sent)
    }

    /// Takes the server's response. One that nobody waits for any more is lost.
    pub(crate) fn respond(&mut self, now: Duration, id: ExchangeId, response: Response<Bytes>) {
        if !self.open.contains_key(&id) {
            return;
        }
        let way = self.way();
        if self.dice.chance(self.weather.lost_responses) {
            self.lose(now + way, id);
        } else {
            self.schedule(now + way, Arrival::Response { id, response });
        }
    }

    /// Lets a response come once more.
    pub(crate) fn copy(&mut self, at: Duration, id: ExchangeId, response: Response<Bytes>) {
        self.schedule(at, Arrival::Copy { id, response });
    }

    /// The client gives an exchange up. What is on its way to the server arrives all the same, and a response may still
    /// slip through to the client.
    pub(crate) fn abort(&mut self, now: Duration, id: ExchangeId) {
        let way = self.way();
        self.schedule(now + way, Arrival::Disconnect { id });
        if self.dice.chance(700) {
            self.open.remove(&id);
        }
    }

    /// No connection is made for a request that has come as far as the server.
    pub(crate) fn refuse_connection(&mut self, now: Duration, id: ExchangeId) {
        let at = now + self.way();
        let kind = TransportFailureKind::Unreachable;
        self.fail(at, id, kind, "connect", Sent::No);
    }

    /// Every connection breaks at the server.
    pub(crate) fn cut_all(&mut self, now: Duration) {
        let open: Vec<_> = self.open.keys().copied().collect();
        for id in open {
            let at = now + self.way();
            self.fail(at, id, TransportFailureKind::Broken, "wait", Sent::Maybe);
        }
    }

    /// When the next thing comes out.
    pub(crate) fn next_due(&mut self) -> Option<Duration> {
        while let Some(entry) = self.due.first_entry() {
            match entry.get() {
                // Ends of exchanges that have ended are forgotten.
                Arrival::Response { id, .. } | Arrival::Failure { id, .. }
                    if !self.open.contains_key(id) =>
                {
                    entry.remove();
                }
                _ => return Some(entry.key().0),
            }
        }
        None
    }

    /// The next thing that is due.
    pub(crate) fn poll(&mut self, now: Duration) -> Option<Arrival> {
        self.next_due().filter(|due| *due <= now)?;
        let (_, arrival) = self.due.pop_first()?;
        match &arrival {
            Arrival::Request { .. } | Arrival::Disconnect { .. } => {}
            Arrival::Response { id, .. } | Arrival::Copy { id, .. } => {
                self.open.remove(id);
            }
            Arrival::Failure { id, failure } => {
                let id = *id;
                self.open.remove(&id);
                // A broken connection is broken at both ends; the server does not always learn of it.
                if failure.sent == Sent::Maybe && self.dice.chance(800) {
                    let way = self.way();
                    self.schedule(now + way, Arrival::Disconnect { id });
                }
            }
        }
        Some(arrival)
    }

    /// One way, from one end to the other.
    fn way(&mut self) -> Duration {
        let mut way = self.dice.time(&self.weather.latency);
        if self.dice.chance(self.weather.stalls) {
            way += self.dice.time(&self.weather.stall);
        }
        way
    }

    fn schedule(&mut self, at: Duration, arrival: Arrival) {
        self.scheduled += 1;
        self.due.insert((at, self.scheduled), arrival);
    }

    /// Lets the exchange fail at `at`, if it is open by then.
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
        let failure = TransportFailure {
            kind,
            stage,
            host: open.host.clone(),
            sent,
            message: format!("simulated: {kind:?} while in {stage}"),
        };
        let at = at.min(open.deadline);
        self.schedule(at, Arrival::Failure { id, failure });
    }

    /// Something of the exchange got lost: the client sees a broken connection soon, or nothing until its deadline.
    fn lose(&mut self, at: Duration, id: ExchangeId) {
        if self.dice.chance(self.weather.resets) {
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

    /// Everything that comes out, in order, with its time; requests are answered on the spot.
    fn run(network: &mut Network) -> Vec<(Duration, Arrival)> {
        let mut out = Vec::new();
        while let Some(due) = network.next_due() {
            let arrival = network.poll(due).unwrap();
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
    fn in_fair_weather_every_request_arrives_and_so_does_every_answer() {
        let mut network = Network::new(Weather::slow(), Dice::new(1, 1));
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
    fn every_exchange_ends_once_and_by_its_deadline_and_says_truly_whether_it_was_sent() {
        let mut network = Network::new(Weather::storm(), Dice::new(1, 1));
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
        let mut seen = std::collections::BTreeSet::new();
        let mut kinds = std::collections::BTreeMap::new();
        for (at, arrival) in &out {
            match arrival {
                Arrival::Request { id, .. } => {
                    seen.insert(*id);
                }
                Arrival::Failure { id, failure } => {
                    assert!(*at <= DEADLINE);
                    if failure.sent == Sent::No {
                        assert!(!seen.contains(id), "{failure}");
                    }
                    *kinds.entry(format!("{:?}", failure.kind)).or_insert(0) += 1;
                }
                Arrival::Response { .. } | Arrival::Copy { .. } => assert!(*at <= DEADLINE),
                Arrival::Disconnect { .. } => {}
            }
        }
        assert_eq!(
            kinds.keys().collect::<Vec<_>>(),
            ["Broken", "Timeout", "Unreachable"]
        );
    }

    #[test]
    fn what_is_behind_no_name_is_not_reached() {
        let mut network = Network::new(Weather::calm(), Dice::new(1, 1));
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
