//! Batches (`BatchingRequests`).

use super::Engine;
use super::exchange::Exchange;
use super::reply::{Refusal, Reply};

impl Engine {
    pub(super) fn batch(&mut self, _exchange: &Exchange<'_>) -> Result<Reply, Refusal> {
        Err(Refusal::NOT_OFFERED)
    }
}
