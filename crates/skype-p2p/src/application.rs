//! The entry point: an application, one user's presence on a server.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use conv_model::{ConversationsManager, MePerson, PersonsAndGroupsManager};
use futures_channel::oneshot;
use ucwa_session::Checkpoint;

use crate::{
    builder::ApplicationBuilder,
    home::Home,
    mailbox::{Command, Mailbox},
    resumption::Resumption,
    runtime::Runtime,
    sign_in::SignInManager,
};

/// One user's chat client: signs in, holds conversations, signs out.
///
/// Clones are handles of the same application. Several applications may exist side by side, with different users; they
/// share nothing.
///
/// # The end
///
/// An application ends when its last handle, an `Application` or a [`SignInManager`], is dropped. Without a
/// [`sign_out`](SignInManager::sign_out) before, the application sends its deletion to the server and does not wait for the
/// response.
///
/// Conversations, persons and messages are not handles. After the end they can still be read, and their commands fail with
/// [`CommandDisabled`](conv_model::ReasonCode::CommandDisabled). If they were handles, a listener that captures a
/// conversation would form a cycle with the application and keep the user signed in for ever. So keep an `Application` as
/// long as its conversations are in use.
///
/// An application also ends when its runtime is dropped or when its driver panics. In each case the
/// [state](SignInManager::state) becomes [`SignedOut`](conv_model::SignInState::SignedOut) with a reason, and every pending
/// command ends.
#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) model: conv_model::Application,
    pub(crate) handle: Arc<Handle>,
    pub(crate) home: Home,
    pub(crate) resumption: Resumption,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) malformed_events: Arc<AtomicU64>,
}

impl Application {
    /// Returns a builder for a new application.
    pub fn builder() -> ApplicationBuilder {
        ApplicationBuilder::new()
    }

    /// Returns the manager that signs the application in and out.
    #[must_use]
    pub fn sign_in_manager(&self) -> SignInManager {
        SignInManager {
            handle: self.handle.clone(),
            model: self.model.clone(),
            home: self.home.clone(),
            resumption: self.resumption.clone(),
        }
    }

    /// Returns the state that another process needs to continue this application, as of now. `None` unless the application is
    /// signed in. Changes nothing.
    ///
    /// A process that resumes the checkpoint gets the events that the server did not send to this one. With
    /// [`build_with_events`](ApplicationBuilder::build_with_events), each batch has the checkpoint that agrees with it.
    pub fn checkpoint(&self) -> impl Future<Output = Option<Checkpoint>> + Send + use<> {
        self.request_checkpoint(Command::Checkpoint)
    }

    /// Ends the application without deleting anything at the server, and returns the state that another process needs to
    /// continue it. `None` if the application is not signed in. The application ends in either case.
    ///
    /// The [state](SignInManager::state) becomes SignedOut, and the conversations end here; the other participants notice
    /// nothing. Await the futures of [`send_message`](conv_model::ChatService::send_message) before: a message without a
    /// result becomes Unknown here, and its result is reported only to the process that resumes the checkpoint.
    pub fn detach(&self) -> impl Future<Output = Option<Checkpoint>> + Send + use<> {
        self.request_checkpoint(Command::Detach)
    }

    fn request_checkpoint(
        &self,
        command: fn(oneshot::Sender<Option<Checkpoint>>) -> Command,
    ) -> impl Future<Output = Option<Checkpoint>> + Send + use<> {
        let (sender, checkpoint) = oneshot::channel();
        self.handle.mailbox.send(command(sender));
        // Without a driver the sender is dropped.
        async move { checkpoint.await.ok().flatten() }
    }

    /// Returns the conversations, live and ended.
    #[must_use]
    pub fn conversations_manager(&self) -> ConversationsManager {
        self.model.conversations_manager()
    }

    /// Returns the people that the user can chat with, and the user's contact list.
    #[must_use]
    pub fn persons_and_groups_manager(&self) -> PersonsAndGroupsManager {
        self.model.persons_and_groups_manager()
    }

    /// Returns the signed-in user.
    #[must_use]
    pub fn me(&self) -> MePerson {
        self.model.me()
    }

    /// Returns the number of malformed events, and other malformed parts of event pages, since the application was built.
    /// Each is logged as a warning. The readable part of an event is shown, and the resource behind its link is read. If the
    /// number grows, parts of the conversations may be missing.
    #[must_use]
    pub fn malformed_events(&self) -> u64 {
        self.malformed_events.load(Ordering::Relaxed)
    }
}

/// Shuts the driver down when the last handle is dropped.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) mailbox: Mailbox,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.mailbox.send(Command::Shutdown);
    }
}
