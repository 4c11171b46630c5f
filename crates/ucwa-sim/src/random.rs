//! Seeded random streams.

use std::ops::Range;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random stream of one part of the world.
///
/// Each part and each kind of fault has its own stream, so that a new draw in one does not shift the draws of another.
/// [`stream`] lists the numbers in use.
#[derive(Debug)]
pub(crate) struct RandomStream(ChaCha8Rng);

/// The numbers of the random streams. A new fault takes a new number; a number is never reused, so that existing seeds
/// replay unchanged.
pub(crate) mod stream {
    /// The choice of the network profile.
    pub(crate) const NETWORK_PROFILE: u64 = 0;
    /// Delays and losses of the network.
    pub(crate) const NETWORK: u64 = 1;
    /// The actions of the actors.
    pub(crate) const SCENARIO: u64 = 2;
    /// The choice of the HTTP faults' rates.
    pub(crate) const HTTP_FAULT_RATES: u64 = 3;
    /// Refused requests, and responses that are replaced, corrupted or duplicated.
    pub(crate) const HTTP_FAULTS: u64 = 4;
    /// The number of sessions.
    pub(crate) const SESSION_COUNT: u64 = 5;
    /// Outages, token lifetimes, replaced polls.
    pub(crate) const FAULT_SCHEDULE: u64 = 6;
    /// Refused tickets and forged links.
    pub(crate) const TICKETS_AND_FORGED_LINKS: u64 = 7;
    /// Whether event pages can be malformed.
    pub(crate) const MALFORMED_PAGES: u64 = 8;
    /// The offsets of the clients' wall clocks, and `Date` headers.
    pub(crate) const CLOCK_OFFSETS: u64 = 9;
    /// Jumps of the clients' wall clocks.
    pub(crate) const CLOCK_JUMPS: u64 = 10;
    /// When devices are suspended.
    pub(crate) const SUSPENDS: u64 = 11;
    /// The effect of a suspend on responses.
    pub(crate) const RESPONSES_IN_SUSPENDS: u64 = 12;
    /// The selection of malformed event pages, and their defects.
    pub(crate) const MALFORMED_PAGE_DEFECTS: u64 = 13;
    /// The actions of the users of an endurance run.
    pub(crate) const ENDURANCE: u64 = 14;
    /// Hand-overs of sessions to other processes.
    pub(crate) const HANDOVERS: u64 = 15;
    /// Changes of contact lists.
    pub(crate) const CONTACT_LISTS: u64 = 16;
}

impl RandomStream {
    /// The stream with the number `stream` of the world of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    /// An index below `length`; 0 if `length` is 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of `choices`, or `None` if there is none.
    pub(crate) fn choice<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.index(choices.len()))
    }

    /// True with a probability of `per_mille` out of 1,000.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < u64::from(per_mille)
    }

    /// A duration in `range`, in whole microseconds.
    pub(crate) fn duration(&mut self, range: &Range<Duration>) -> Duration {
        let width = range.end.saturating_sub(range.start).as_micros();
        range.start + Duration::from_micros(self.below(u64::try_from(width).unwrap_or(u64::MAX)))
    }

    /// A seed for a component that has its own random generator.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
