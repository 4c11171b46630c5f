//! Something the application can do, and whether it can do it now.

use std::fmt;

use futures_core::future::BoxFuture;

use super::listener::Callback;
use super::property::{Change, Property, Source};
use super::reason::{Reason, ReasonCode};
use super::subscription::Subscription;
use super::sync::Arc;

/// What a command returns: it resolves when the command is done, or with the reason why it failed. The command itself took
/// effect when it was invoked; dropping the future cancels nothing.
pub type CommandFuture<R> = BoxFuture<'static, Result<R, Reason>>;

/// Something the application can do, as a value: bind it to a button, and the button's state to [`enabled`](Self::enabled).
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
    /// `run` checks for itself, under the lock, that it is enabled: between a look at the property and the call anything
    /// may happen.
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

    /// Whether it can be invoked now; the property's reason says why not.
    #[must_use]
    pub fn enabled(&self) -> Property<bool> {
        self.enabled.clone()
    }

    /// Does it.
    ///
    /// # Errors
    /// At once, with code [`CommandDisabled`](ReasonCode::CommandDisabled) and the cause, when it is not enabled; nothing
    /// has happened then. Otherwise as the protocol behind the model decides.
    pub fn invoke(&self, arguments: A) -> CommandFuture<R> {
        (self.run)(arguments)
    }

    /// The command with its arguments given, to be invoked later.
    pub fn bind(&self, arguments: A) -> Command<(), R>
    where
        A: Clone + Sync,
    {
        let run = Arc::clone(&self.run);
        Command::new(self.enabled.clone(), move |()| run(arguments.clone()))
    }
}

/// Why a command that is not enabled fails.
pub(crate) fn disabled(cause: Reason) -> Reason {
    Reason::new(ReasonCode::CommandDisabled).with_cause(cause)
}

/// A future that has failed already.
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

    fn reason(&self) -> Option<Reason> {
        self.reason.clone()
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
