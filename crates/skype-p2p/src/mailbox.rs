//! The way into the driver: unbounded, in call order, and never waiting.

use std::future::Future;

use conv_model::{Reason, ReasonCode};
use tokio::sync::{mpsc, oneshot};
use ucwa_session::{Failure, Operation, Outcome};

use crate::reason::reason;

/// What is put into the mailbox.
#[derive(Debug)]
pub(crate) enum Order {
    /// Do this, and tell how it ended.
    Perform {
        operation: Operation,
        done: oneshot::Sender<Result<Outcome, Failure>>,
    },
    /// Nobody holds the application any more.
    Shutdown,
}

/// The sending side.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(mpsc::UnboundedSender<Order>);

impl Mailbox {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Hands the operation over before it returns; the future only tells the end, and dropping it changes nothing.
    pub(crate) fn perform(
        &self,
        operation: Operation,
    ) -> impl Future<Output = Result<Outcome, Unfulfilled>> + Send + use<> {
        let (done, end) = oneshot::channel();
        // A mailbox without a driver drops the order, and with it `done`.
        let _ = self.0.send(Order::Perform { operation, done });
        async move {
            match end.await {
                Ok(result) => result.map_err(Unfulfilled::Failed),
                Err(_) => Err(Unfulfilled::ShutDown),
            }
        }
    }

    pub(crate) fn shut_down(&self) {
        let _ = self.0.send(Order::Shutdown);
    }
}

/// Why an operation did not come about.
#[derive(Debug)]
pub(crate) enum Unfulfilled {
    /// The session says why.
    Failed(Failure),
    /// The driver is gone: the application was dropped, or its runtime ended.
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
