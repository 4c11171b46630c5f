//! The commit gate: requests that are sent only after the caller has stored the events before them.

use crate::core::Core;
use crate::exchange::{Exchange, ExchangeId};

/// The commits of the caller, and the requests that wait for one. Event pages wait in the channel.
#[derive(Default)]
pub(crate) struct CommitGate {
    /// The number of the last requested commit.
    last: u64,
    /// The number of the last commit.
    committed: u64,
    /// Requests that carry messages with an ID of the caller.
    held: Vec<Exchange>,
}

impl CommitGate {
    /// Requests another commit, and returns its number.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The number of the last commit that a request waits for.
    pub(crate) fn awaited(&self) -> Option<u64> {
        self.held.iter().filter_map(|held| held.commit).max()
    }

    /// Whether an exchange has to wait.
    pub(crate) fn holds(&self, exchange: &Exchange) -> bool {
        exchange.commit.is_some_and(|it| it > self.committed)
    }

    pub(crate) fn hold(&mut self, exchange: Exchange) {
        self.held.push(exchange);
    }

    pub(crate) fn is_held(&self, id: ExchangeId) -> bool {
        self.held.iter().any(|held| held.id == Some(id))
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Exchange> {
        self.held.iter()
    }

    pub(crate) fn abandon(&mut self, unwanted: impl Fn(&Exchange) -> bool) {
        self.held.retain(|held| !unwanted(held));
    }
}

impl Core {
    /// Issues the requests that waited for this commit or for one before. `false` if there is no such commit.
    pub(crate) fn commit(&mut self, number: u64) -> bool {
        let gate = &mut self.commit_gate;
        if number > gate.last {
            return false;
        }
        gate.committed = gate.committed.max(number);
        for exchange in std::mem::take(&mut gate.held) {
            self.issue(exchange);
        }
        true
    }
}
