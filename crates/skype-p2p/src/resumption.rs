//! Whether the application of a checkpoint was resumed.

use std::sync::{Arc, Mutex, PoisonError};

use conv_model::Reason;

/// The reason why the application of the checkpoint was not resumed. Written by the driver, read by the sign-in manager.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resumption(Arc<Mutex<Option<Reason>>>);

impl Resumption {
    pub(crate) fn fail(&self, reason: Reason) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    pub(crate) fn failure(&self) -> Option<Reason> {
        let reason = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reason.clone()
    }
}
