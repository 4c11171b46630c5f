//! Which process has claimed which identity last.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The last claims of the identities.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The fence and the number of the worker, by SIP URI.
    claims: BTreeMap<String, (i64, usize)>,
    takeovers: u64,
    /// Claims whose fence was not higher than the one before.
    stale: Vec<String>,
}

impl Owners {
    pub(crate) fn claimed(&self, sip_uri: &str, fence: i64, process: usize) {
        let mut state = self.state();
        let claim = (fence, process);
        match state.claims.insert(sip_uri.to_owned(), claim) {
            Some((before, _)) if before >= fence => {
                state
                    .stale
                    .push(format!("{sip_uri}: fence {fence} after {before}"));
            }
            Some((_, before)) if before != process => state.takeovers += 1,
            _ => {}
        }
    }

    /// The worker that claimed an identity last.
    pub(crate) fn owner(&self, sip_uri: &str) -> Option<usize> {
        self.state()
            .claims
            .get(sip_uri)
            .map(|(_, process)| *process)
    }

    pub(crate) fn takeovers(&self) -> u64 {
        self.state().takeovers
    }

    pub(crate) fn stale_claims(&self) -> Vec<String> {
        self.state().stale.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
