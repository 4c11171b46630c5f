//! The commands on their way from the model to the driver, in call order. Sending never waits.

use std::future::Future;

use conv_model::{Reason, ReasonCode};
use futures_channel::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    oneshot,
};
use ucwa_session::{Failure, Operation, Outcome};

use crate::reason::reason;

/// A command to the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Submit the operation to the session, and send its result.
    Perform {
        operation: Operation,
        done: oneshot::Sender<Result<Outcome, Failure>>,
    },
    /// The last handle of the application was dropped.
    Shutdown,
}

/// The sending half.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(UnboundedSender<Command>);

impl Mailbox {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Command>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Sends the operation before it returns. The future resolves to the operation's result; dropping it does not cancel
    /// the operation.
    pub(crate) fn perform(
        &self,
        operation: Operation,
    ) -> impl Future<Output = Result<Outcome, Unfulfilled>> + Send + use<> {
        let (done, result) = oneshot::channel();
        // Without a driver the send fails and drops `done`.
        let _ = self.0.unbounded_send(Command::Perform { operation, done });
        async move {
            match result.await {
                Ok(result) => result.map_err(Unfulfilled::Failed),
                Err(_) => Err(Unfulfilled::ShutDown),
            }
        }
    }

    pub(crate) fn shut_down(&self) {
        let _ = self.0.unbounded_send(Command::Shutdown);
    }
}

/// Why an operation was not done.
#[derive(Debug)]
pub(crate) enum Unfulfilled {
    /// The session's reason.
    Failed(Failure),
    /// The driver has ended: the application was dropped, or its runtime was.
    ShutDown,
}

impl From<Unfulfilled> for Reason {
    fn from(unfulfilled: Unfulfilled) -> Self {
        match unfulfilled {
            Unfulfilled::Failed(failure) => reason(&failure),
            Unfulfilled::ShutDown => {
                Self::new(ReasonCode::SignedOut).with_message("the application was shut down")
            }
        }
    }
}
