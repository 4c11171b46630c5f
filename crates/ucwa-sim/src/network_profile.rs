//! Profiles of the network: delays and rates of loss.

use std::ops::Range;
use std::time::Duration;

/// A network with longer delays is slow.
const SHORT_LATENCY: Duration = Duration::from_millis(100);

const fn millis(range: Range<u64>) -> Range<Duration> {
    Duration::from_millis(range.start)..Duration::from_millis(range.end)
}

/// The delays and losses of a network. Rates are per 1,000 exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkProfile {
    /// The name on the command line and in reports.
    pub name: &'static str,
    /// The delay of a request or a response. Each is drawn separately, so a later request can arrive first.
    pub latency: Range<Duration>,
    /// How often a request or a response is delayed longer.
    pub stalls: u32,
    /// The additional delay of a stall.
    pub stall: Range<Duration>,
    /// How often a connection fails before anything is sent. The client knows that nothing was sent.
    pub unreachable: u32,
    /// How often a request is lost before it reaches the server. The client cannot distinguish it from a lost response.
    pub lost_requests: u32,
    /// How often a response is lost after the server executed the request.
    pub lost_responses: u32,
    /// How often a loss is visible at once, as a broken connection. Otherwise the exchange times out.
    pub resets: u32,
    /// How often an intermediary closes the connection of a pending GET.
    pub cut_polls: u32,
    /// How long that intermediary waits before it closes the connection.
    pub cut_after: Range<Duration>,
}

impl NetworkProfile {
    /// A local network: short delays, no losses.
    pub fn fast() -> Self {
        Self {
            name: "fast",
            latency: millis(2..80),
            stalls: 0,
            stall: millis(0..0),
            unreachable: 0,
            lost_requests: 0,
            lost_responses: 0,
            resets: 0,
            cut_polls: 0,
            cut_after: millis(0..0),
        }
    }

    /// A distant network: long delays that vary widely, no losses.
    pub fn slow() -> Self {
        Self {
            name: "slow",
            latency: millis(50..2_000),
            stalls: 50,
            stall: millis(1_000..5_000),
            ..Self::fast()
        }
    }

    /// A mobile network: delays, losses and cut connections.
    pub fn lossy() -> Self {
        Self {
            name: "lossy",
            latency: millis(20..1_000),
            stalls: 20,
            stall: millis(1_000..8_000),
            unreachable: 20,
            lost_requests: 30,
            lost_responses: 30,
            resets: 700,
            cut_polls: 200,
            cut_after: millis(5_000..60_000),
        }
    }

    /// A failing network: the delays of [`lossy`](Self::lossy) and two to three times its losses.
    pub fn failing() -> Self {
        Self {
            name: "failing",
            unreachable: 60,
            lost_requests: 100,
            lost_responses: 100,
            cut_polls: 400,
            ..Self::lossy()
        }
    }

    /// The profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::fast(), Self::slow(), Self::lossy(), Self::failing()]
            .into_iter()
            .find(|profile| profile.name == name)
    }

    /// Whether a request can take so long that several of them together exceed a time limit of the server.
    pub(crate) fn is_slow(&self) -> bool {
        self.latency.end > SHORT_LATENCY
    }

    /// Whether every request and every response arrives.
    pub fn is_lossless(&self) -> bool {
        self.unreachable == 0
            && self.lost_requests == 0
            && self.lost_responses == 0
            && self.cut_polls == 0
    }
}
