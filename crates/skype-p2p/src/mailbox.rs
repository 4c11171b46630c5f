//! The channel that carries commands from the model to the driver, in call order. It is unbounded: sending never waits.

use conv_model::CommandId;
use futures_channel::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    oneshot::Sender,
};
use ucwa_session::{Checkpoint, Operation, Root};

/// A command to the driver.
#[derive(Debug)]
pub(crate) enum Command {
    /// Submits the operation to the session.
    Perform(CommandId, Operation),
    /// Sets where the discovery of the server starts.
    SetRoot(Root),
    /// Fails the command, because no operation of the session carries it out.
    Refuse(CommandId),
    /// Returns the state that another process needs.
    Checkpoint(Sender<Option<Checkpoint>>),
    /// Ends the session without deleting anything, and returns the state that another process needs.
    Detach(Sender<Option<Checkpoint>>),
    /// Acknowledges the event page with this number.
    Commit(u64),
    /// The last handle of the application was dropped.
    Shutdown,
}

/// The sending half. Without a driver a send does nothing: the model ends every command when the driver drops its writer.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(UnboundedSender<Command>);

impl Mailbox {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Command>) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    pub(crate) fn send(&self, command: Command) {
        let _ = self.0.unbounded_send(command);
    }
}
