//! The entry: an application, which is one user's presence at a server.

use std::sync::Arc;

use conv_model::{ConversationsManager, MePerson, PersonsManager};

use crate::{builder::ApplicationBuilder, home::Home, mailbox::Mailbox, sign_in::SignInManager};

/// One user's chat: sign in, converse, sign out.
///
/// Several may live side by side, with different users; they share nothing. Clones are handles of the same application.
/// When the last handle (the application's or its [`SignInManager`]'s) is dropped without
/// [`sign_out`](SignInManager::sign_out), the deletion is sent to the server and not waited for.
#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) model: conv_model::Application,
    pub(crate) handle: Arc<Handle>,
    pub(crate) home: Home,
}

impl Application {
    /// Begins a new application.
    pub fn builder() -> ApplicationBuilder {
        ApplicationBuilder::new()
    }

    /// Signs in and out.
    #[must_use]
    pub fn sign_in_manager(&self) -> SignInManager {
        SignInManager {
            handle: self.handle.clone(),
            state: self.model.sign_in_state(),
            home: self.home.clone(),
        }
    }

    /// Conversations, running and ended.
    #[must_use]
    pub fn conversations_manager(&self) -> ConversationsManager {
        self.model.conversations_manager()
    }

    /// The people whom one can talk to.
    #[must_use]
    pub fn persons_manager(&self) -> PersonsManager {
        self.model.persons_manager()
    }

    /// Who is signed in.
    #[must_use]
    pub fn me(&self) -> MePerson {
        self.model.me()
    }
}

/// Tells the driver when the last handle goes.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) mailbox: Mailbox,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.mailbox.shut_down();
    }
}
