//! The entry: an application, which is one user's presence at a server.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use conv_model::{ConversationsManager, MePerson, PersonsManager};

use crate::{
    builder::ApplicationBuilder,
    home::Home,
    mailbox::{Command, Mailbox},
    sign_in::SignInManager,
};

/// One user's chat: sign in, converse, sign out.
///
/// Clones are handles of the same application. Several applications may exist side by side, with different users; they
/// share nothing.
///
/// # The end
///
/// An application ends when its last handle, an `Application` or a [`SignInManager`], is dropped. Without a
/// [`sign_out`](SignInManager::sign_out) before, the deletion is sent to the server and not waited for.
///
/// Conversations, persons and messages are not handles: they can be read after the end, and their commands fail with
/// [`CommandDisabled`](conv_model::ReasonCode::CommandDisabled). If they kept the application, a listener that holds a
/// conversation, which the application holds, would keep the user signed in for ever. So keep the application as long as you
/// want to chat.
///
/// An application also ends when its runtime is dropped or when its driver panics. In each case the
/// [state](SignInManager::state) becomes [`SignedOut`](conv_model::SignInState::SignedOut) with a reason, and every command
/// that is pending ends.
#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) model: conv_model::Application,
    pub(crate) handle: Arc<Handle>,
    pub(crate) home: Home,
    pub(crate) malformed_events: Arc<AtomicU64>,
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
            model: self.model.clone(),
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

    /// The number of malformed events, and other malformed parts of event pages, since the application was built. Each
    /// is logged as a warning. What could be read of an event is shown, and the resource behind its link is read; a number
    /// that grows means that something may be missing.
    #[must_use]
    pub fn malformed_events(&self) -> u64 {
        self.malformed_events.load(Ordering::Relaxed)
    }
}

/// Tells the driver when the last handle goes.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) mailbox: Mailbox,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.mailbox.send(Command::Shutdown);
    }
}
