//! The seed of the random numbers of tokens and identifiers.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// The seed of a server's random numbers: the same seed and the same inputs give the same tokens and identifiers.
///
/// A seed from a number is for tests, since the number determines every token that the server issues.
#[derive(Clone)]
pub struct Seed(ChaCha8Rng);

impl Seed {
    /// An unpredictable seed: a key from the randomness of the operating system.
    #[cfg(feature = "http")]
    pub(crate) fn from_os() -> std::io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(std::io::Error::other)?;
        Ok(Self(ChaCha8Rng::from_seed(key)))
    }

    /// The generator of the random numbers of the seed.
    pub(crate) fn random(&self) -> ChaCha8Rng {
        self.0.clone()
    }
}

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(number))
    }
}

/// Hides the seed.
impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seed").finish_non_exhaustive()
    }
}
