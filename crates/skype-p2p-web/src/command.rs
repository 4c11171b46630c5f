//! The handle of a command, and the promises of commands.

use js_sys::Promise;
use skype_p2p::{CommandFuture, Reason};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::{property::Property, reason, value::Value};

/// A command. Its arguments are plain data.
#[wasm_bindgen]
pub struct Command {
    enabled: skype_p2p::Property<bool>,
    run: Box<dyn Fn(JsValue, JsValue) -> CommandFuture<Value>>,
}

impl Command {
    /// A command without arguments.
    pub(crate) fn plain<R>(command: skype_p2p::Command<(), R>) -> Self
    where
        R: Into<Value> + Send + 'static,
    {
        Self::new(command, |_, _| Ok(()))
    }

    /// A command whose argument is parsed from at most two values of JavaScript.
    pub(crate) fn new<A, R>(
        command: skype_p2p::Command<A, R>,
        parse: impl Fn(JsValue, JsValue) -> Result<A, Reason> + 'static,
    ) -> Self
    where
        A: Send + 'static,
        R: Into<Value> + Send + 'static,
    {
        Self {
            enabled: command.enabled(),
            run: Box::new(move |first, second| match parse(first, second) {
                Ok(arguments) => map(command.invoke(arguments), Into::into),
                Err(reason) => failed(reason),
            }),
        }
    }
}

#[wasm_bindgen]
impl Command {
    /// Whether the command can be invoked now. If not, the reason of the property says why.
    pub fn enabled(&self) -> Property {
        Property::of(&self.enabled)
    }

    /// Runs the command. The promise rejects with the reason, as plain data, if the command fails.
    pub fn invoke(&self, first: JsValue, second: JsValue) -> Promise {
        promise((self.run)(first, second))
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").finish_non_exhaustive()
    }
}

/// The promise of a command that has been invoked. The result is plain data, and so is the reason of a failure.
pub(crate) fn promise(future: CommandFuture<Value>) -> Promise {
    future_to_promise(async move {
        match future.await {
            Ok(value) => Ok(value.to_js()),
            Err(failure) => Err(reason::of(&failure).to_js()),
        }
    })
}

/// The same command with its result converted.
pub(crate) fn map<R: Send + 'static>(
    future: CommandFuture<R>,
    convert: impl FnOnce(R) -> Value + Send + 'static,
) -> CommandFuture<Value> {
    Box::pin(async move { future.await.map(convert) })
}

/// A command that has failed.
pub(crate) fn failed<R: Send + 'static>(reason: Reason) -> CommandFuture<R> {
    Box::pin(std::future::ready(Err(reason)))
}
