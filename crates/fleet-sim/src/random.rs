//! Seeded random streams.

use std::{ops::Range, time::Duration};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// The random stream of one part of the world. Each part has its own, so that a new draw in one does not shift the draws of
/// another.
#[derive(Debug)]
pub(crate) struct RandomStream(ChaCha8Rng);

/// The numbers of the random streams. A number is never reused, so that existing seeds replay unchanged.
pub(crate) mod stream {
    /// The numbers of workers, identities and messages, and their times.
    pub(crate) const PLAN: u64 = 0;
    /// The seed of the server's engine.
    pub(crate) const SERVER: u64 = 1;
    /// The seeds of the peers.
    pub(crate) const PEERS: u64 = 2;
    /// The faults, and their times.
    pub(crate) const FAULTS: u64 = 3;
    /// What happens to the worker that receives the refusal of a password.
    pub(crate) const REFUSAL: u64 = 4;
    /// The links of processes, from here on: 1,000 numbers for the peers, and 1,000 for each worker.
    pub(crate) const PROCESSES: u64 = 1000;
}

impl RandomStream {
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

    /// True with a probability of `per_mille` out of 1,000.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// A duration in a range of milliseconds.
    pub(crate) fn millis(&mut self, range: Range<u64>) -> Duration {
        let width = range.end.saturating_sub(range.start);
        Duration::from_millis(range.start + self.below(width))
    }

    /// A seed for a component that has its own random generator.
    pub(crate) fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }
}
