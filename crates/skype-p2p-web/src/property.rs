//! The handle of a property, for all types of values.

use std::time::Duration;

use js_sys::{Function, Promise};
use send_wrapper::SendWrapper;
use skype_p2p::{CommandFuture, PublishedProperty, RemoteProperty};
use wasm_bindgen::prelude::*;

use crate::{command, reason, subscription::Subscription, value::Value};

/// A property whose values are plain data.
#[wasm_bindgen]
pub struct Property {
    local: skype_p2p::Property<Value>,
    remote: Option<Box<dyn Remote>>,
    set: Option<Setter>,
}

/// Sets a value from JavaScript, and resolves with the value that the property then has.
type Setter = Box<dyn Fn(JsValue) -> CommandFuture<Value>>;

/// The server's side of a property.
trait Remote {
    fn fetch(&self) -> CommandFuture<Value>;
    /// Follows the value, or fetches it at an interval.
    fn subscribe(&self, interval: Option<Duration>) -> skype_p2p::Subscription;
}

impl Property {
    /// A property whose values are converted by `convert`.
    pub(crate) fn new<T>(
        property: &skype_p2p::Property<T>,
        convert: impl Fn(&T) -> Value + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Self {
            local: property.map(convert),
            remote: None,
            set: None,
        }
    }

    /// A property whose values have a usual conversion.
    pub(crate) fn of<T>(property: &skype_p2p::Property<T>) -> Self
    where
        T: Clone + PartialEq + Send + Sync + Into<Value> + 'static,
    {
        Self::new(property, |value| value.clone().into())
    }

    /// A property whose value is on the server.
    pub(crate) fn remote<T>(property: RemoteProperty<T>, convert: fn(&T) -> Value) -> Self
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Self {
            remote: Some(Box::new(Converted {
                property: property.clone(),
                convert,
            })),
            ..Self::new(&property.property(), convert)
        }
    }

    /// A property of the user whose value is on the server.
    pub(crate) fn published<T>(
        property: PublishedProperty<T>,
        convert: fn(&T) -> Value,
        parse: impl Fn(JsValue) -> Result<T, skype_p2p::Reason> + 'static,
    ) -> Self
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        let target = property.clone();
        let set = move |value| match parse(value) {
            Ok(value) => command::map(target.set(value), move |value| convert(&value)),
            Err(reason) => command::failed(reason),
        };
        Self {
            remote: Some(Box::new(Converted {
                property: property.clone(),
                convert,
            })),
            ..Self::new(&property.property(), convert).with_setter(set)
        }
    }

    /// The same property, set by this command.
    pub(crate) fn with_setter(
        self,
        set: impl Fn(JsValue) -> CommandFuture<Value> + 'static,
    ) -> Self {
        Self {
            set: Some(Box::new(set)),
            ..self
        }
    }
}

#[wasm_bindgen]
impl Property {
    /// The present value.
    pub fn get(&self) -> JsValue {
        self.local.get().to_js()
    }

    /// The reason for the present value, or `undefined`.
    pub fn reason(&self) -> JsValue {
        reason::optional(self.local.reason().as_ref()).to_js()
    }

    /// Calls `listener` with the value, the reason and the value before: at once with the present value, and then with each
    /// change.
    pub fn changed(&self, listener: Function) -> Subscription {
        let listener = SendWrapper::new(listener);
        self.local
            .changed(move |change| {
                let old = change.old.as_ref().map_or(JsValue::UNDEFINED, Value::to_js);
                let reason = reason::optional(change.reason.as_ref()).to_js();
                // The listener reports its own errors.
                let _ = listener.call3(&JsValue::NULL, &change.new.to_js(), &reason, &old);
            })
            .into()
    }

    /// Fetches the value from the server. A value that is only here is returned as it is.
    pub fn fetch(&self) -> Promise {
        match &self.remote {
            Some(remote) => command::promise(remote.fetch()),
            None => Promise::resolve(&self.get()),
        }
    }

    /// Whether the value can be set.
    #[wasm_bindgen(js_name = isSettable)]
    pub fn is_settable(&self) -> bool {
        self.set.is_some()
    }

    /// Sets the value, and resolves with it when the server has accepted it.
    pub fn set(&self, value: JsValue) -> Promise {
        command::promise(match &self.set {
            Some(set) => set(value),
            None => command::failed(reason::not_supported("this property cannot be set")),
        })
    }

    /// Follows the value on the server, or fetches it every so many seconds. `undefined` for a value that is only here.
    pub fn subscribe(&self, seconds: Option<f64>) -> Option<Subscription> {
        let interval = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let remote = self.remote.as_ref()?;
        Some(remote.subscribe(interval).into())
    }
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Property").finish_non_exhaustive()
    }
}

struct Converted<P, T> {
    property: P,
    convert: fn(&T) -> Value,
}

macro_rules! remote {
    ($name:ident) => {
        impl<T: Clone + PartialEq + Send + Sync + 'static> Remote for Converted<$name<T>, T> {
            fn fetch(&self) -> CommandFuture<Value> {
                let convert = self.convert;
                command::map(self.property.fetch(), move |value| convert(&value))
            }

            fn subscribe(&self, interval: Option<Duration>) -> skype_p2p::Subscription {
                match interval {
                    Some(interval) => self.property.subscribe_every(interval),
                    None => self.property.subscribe(),
                }
            }
        }
    };
}

remote!(RemoteProperty);
remote!(PublishedProperty);
