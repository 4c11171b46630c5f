//! The port that a protocol implements.

use std::fmt;
use std::time::SystemTime;

use crate::ids::CommandId;
use crate::reason::{Reason, ReasonCode};
use crate::request::Request;

/// The port that a protocol implements.
///
/// The model calls [`request`](Self::request) in the order in which the commands took effect, also across threads, and
/// holds no lock during the call. An implementation may write facts and invoke commands inside it. If two threads invoke
/// commands at the same time, one of them makes both calls.
///
/// [`request`](Self::request) starts the work and returns without waiting for the result. A protocol with async functions
/// sends the request to a task:
///
/// ```
/// use conv_model::{Backend, CommandId, Request};
/// use tokio::sync::mpsc::UnboundedSender;
///
/// #[derive(Debug)]
/// struct Port(UnboundedSender<(CommandId, Request)>);
///
/// impl Backend for Port {
///     fn request(&self, command: CommandId, request: Request) {
///         // If the task is gone, so is its `ModelWriter`, and the model ends the command.
///         let _ = self.0.send((command, request));
///     }
/// }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// The present time, for the local timestamps of outgoing messages.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    /// The protocol's spelling of an address. Two addresses that differ only in ASCII case are the same person.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if `address` is not an address.
    fn normalize_address(&self, address: &str) -> Result<String, Reason> {
        let address = address.trim();
        if address.is_empty() {
            return Err(
                Reason::new(ReasonCode::InvalidArgument).with_message("the address is empty")
            );
        }
        Ok(address.to_owned())
    }

    /// Starts `request`. The end of the request is a fact, [`Fact::Completed`](crate::Fact::Completed) with `command`,
    /// which may be committed before this returns. Each command needs exactly one; the model ignores further ones.
    fn request(&self, command: CommandId, request: Request);
}
