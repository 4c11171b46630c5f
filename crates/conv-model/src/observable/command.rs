//! A command as an object that can be stored, and whether it is enabled.

use std::fmt;

use futures_core::future::BoxFuture;

use super::listener::Callback;
use super::property::{Change, Property, Source};
use super::reason::{Reason, ReasonCode};
use super::subscription::Subscription;
use super::sync::Arc;

/// The future that a command returns. It resolves when the command has ended, with the result or with the reason why the
/// command failed. The command took effect when it was invoked; dropping the future cancels nothing.
pub type CommandFuture<R> = BoxFuture<'static, Result<R, Reason>>;

/// A command as an object that can be stored. Bind it to a button, and the button's state to [`enabled`](Self::enabled).
///
/// Eager: [`invoke`](Self::invoke) takes effect before it returns. Cloning is cheap.
pub struct Command<A, R> {
    enabled: Property<bool>,
    run: Arc<dyn Fn(A) -> CommandFuture<R> + Send + Sync>,
}

impl<A, R> Clone for Command<A, R> {
    fn clone(&self) -> Self {
        Self {
            enabled: self.enabled.clone(),
            run: Arc::clone(&self.run),
        }
    }
}

impl<A, R> fmt::Debug for Command<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

impl<A: Send + 'static, R: Send + 'static> Command<A, R> {
    /// `run` must check under the lock whether the command is enabled: the state may change between a read of the property
    /// and the call.
    pub(crate) fn new(
        enabled: Property<bool>,
        run: impl Fn(A) -> CommandFuture<R> + Send + Sync + 'static,
    ) -> Self {
        Self {
            enabled,
            run: Arc::new(run),
        }
    }

    /// A command that is always enabled.
    pub(crate) fn always(run: impl Fn(A) -> CommandFuture<R> + Send + Sync + 'static) -> Self {
        Self::new(
            Property::new(Constant {
                value: true,
                reason: None,
            }),
            run,
        )
    }

    pub(crate) fn not_supported() -> Self {
        let reason = Reason::new(ReasonCode::NotSupported);
        let enabled = Property::new(Constant {
            value: false,
            reason: Some(reason.clone()),
        });
        Self::new(enabled, move |_| failed(disabled(reason.clone())))
    }

    /// Whether the command can be invoked now. If it cannot, the property's reason says why.
    #[must_use]
    pub fn enabled(&self) -> Property<bool> {
        self.enabled.clone()
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Fails at once with code [`CommandDisabled`](ReasonCode::CommandDisabled) and a cause if the command is not enabled;
    /// then it has no effect. Otherwise fails with the reason that the protocol reports.
    pub fn invoke(&self, arguments: A) -> CommandFuture<R> {
        (self.run)(arguments)
    }

    /// The same command with its arguments given.
    pub fn bind(&self, arguments: A) -> Command<(), R>
    where
        A: Clone + Sync,
    {
        let run = Arc::clone(&self.run);
        Command::new(self.enabled.clone(), move |()| run(arguments.clone()))
    }
}

/// The reason for the failure of a command that is not enabled. If the object of the command is gone, that is the reason.
pub(crate) fn disabled(cause: Reason) -> Reason {
    if *cause.code() == ReasonCode::Gone {
        return cause;
    }
    Reason::new(ReasonCode::CommandDisabled).with_cause(cause)
}

/// A future that has failed.
pub(crate) fn failed<R: Send + 'static>(reason: Reason) -> CommandFuture<R> {
    Box::pin(std::future::ready(Err(reason)))
}

/// A value that never changes.
pub(crate) struct Constant<T> {
    pub(crate) value: T,
    pub(crate) reason: Option<Reason>,
}

impl<T: Clone + Send + Sync> Source<T> for Constant<T> {
    fn get(&self) -> T {
        self.value.clone()
    }

    fn get_with_reason(&self) -> (T, Option<Reason>) {
        (self.value.clone(), self.reason.clone())
    }

    fn subscribe(&self, callback: Callback<Change<T>>) -> Subscription {
        let change = Change {
            new: self.value.clone(),
            reason: self.reason.clone(),
            old: None,
        };
        super::listener::Listener::new(callback).replay(&change);
        Subscription::default()
    }
}
