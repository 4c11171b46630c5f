//! The user's home server.

use std::sync::{Arc, Mutex, PoisonError};

use ucwa_session::Root;

/// The URL of the user resource, once it is known. Written by the driver, read by the sign-in manager.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home(Arc<Mutex<Option<String>>>);

impl Home {
    pub(crate) fn set(&self, user: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(user);
    }

    pub(crate) fn root(&self) -> Option<Root> {
        let user = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        user.clone().map(Root::User)
    }
}
