//! How well the network does.

use std::ops::Range;
use std::time::Duration;

const fn millis(range: Range<u64>) -> Range<Duration> {
    Duration::from_millis(range.start)..Duration::from_millis(range.end)
}

/// What happens to exchanges on their way. Rates are out of a thousand exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Weather {
    /// Its name, as it stands in traces.
    pub name: &'static str,
    /// How long a request or a response takes, each way by itself: so what is sent first may come last.
    pub latency: Range<Duration>,
    /// How often one way takes longer.
    pub stalls: u32,
    /// How much longer.
    pub stall: Range<Duration>,
    /// How often no connection is made: nothing was sent, and the client knows.
    pub unreachable: u32,
    /// How often a request is lost before the server sees it. The client cannot tell that from a lost response.
    pub lost_requests: u32,
    /// How often a response is lost after the server acted.
    pub lost_responses: u32,
    /// How often a loss shows at once, as a broken connection; otherwise it shows at the deadline.
    pub resets: u32,
    /// How often something on the way cuts a pending GET that waits too long for its taste.
    pub cut_polls: u32,
    /// How long that something waits.
    pub patience: Range<Duration>,
}

impl Weather {
    /// A network next door: short delays, nothing is lost.
    pub fn calm() -> Self {
        Self {
            name: "calm",
            latency: millis(2..80),
            stalls: 0,
            stall: millis(0..0),
            unreachable: 0,
            lost_requests: 0,
            lost_responses: 0,
            resets: 0,
            cut_polls: 0,
            patience: millis(0..0),
        }
    }

    /// A network far away: long delays of very different length, nothing is lost.
    pub fn slow() -> Self {
        Self {
            name: "slow",
            latency: millis(50..2_000),
            stalls: 50,
            stall: millis(1_000..5_000),
            ..Self::calm()
        }
    }

    /// A mobile network: some of everything goes wrong.
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
            patience: millis(5_000..60_000),
        }
    }

    /// A network that hardly is one.
    pub fn storm() -> Self {
        Self {
            name: "storm",
            unreachable: 60,
            lost_requests: 100,
            lost_responses: 100,
            cut_polls: 400,
            ..Self::lossy()
        }
    }

    /// The weather of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::calm(), Self::slow(), Self::lossy(), Self::storm()]
            .into_iter()
            .find(|weather| weather.name == name)
    }

    /// Whether nothing but delays happens: whatever is sent arrives, and so does every answer.
    pub fn is_fair(&self) -> bool {
        self.unreachable == 0
            && self.lost_requests == 0
            && self.lost_responses == 0
            && self.cut_polls == 0
    }
}
