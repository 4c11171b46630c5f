//! The handle of a collection, for all types of items.

use js_sys::{Array, Function};
use send_wrapper::SendWrapper;
use skype_p2p::{ActivityItem, MessageFormat, RemoteCollection};
use wasm_bindgen::prelude::*;

use crate::{
    command,
    conversation::Conversation,
    group::Group,
    message::{Message, ParticipantActivity},
    participant::Participant,
    person::Person,
    property::Property,
    subscription::Subscription,
    value::Value,
};

/// An item of a collection.
#[derive(Clone)]
pub(crate) enum Item {
    Conversation(skype_p2p::Conversation),
    Participant(skype_p2p::Participant),
    Message(skype_p2p::TextMessage),
    /// A participant joined (true) or left.
    Activity(skype_p2p::ParticipantActivity, bool),
    /// An activity of a kind that this version does not know.
    Unknown,
    Person(skype_p2p::Person),
    Group(skype_p2p::Group),
    Format(MessageFormat),
}

impl Item {
    pub(crate) fn activity(item: &ActivityItem) -> Self {
        match item {
            ActivityItem::TextMessage(message) => Self::Message(message.clone()),
            ActivityItem::ParticipantJoined(activity) => Self::Activity(activity.clone(), true),
            ActivityItem::ParticipantLeft(activity) => Self::Activity(activity.clone(), false),
            _ => Self::Unknown,
        }
    }

    /// A new handle of the object, or the word of a format.
    fn to_js(&self) -> JsValue {
        match self {
            Self::Conversation(it) => Conversation::from(it.clone()).into(),
            Self::Participant(it) => Participant::from(it.clone()).into(),
            Self::Message(it) => Message::from(it.clone()).into(),
            Self::Activity(it, joined) => ParticipantActivity::new(it.clone(), *joined).into(),
            Self::Unknown => JsValue::UNDEFINED,
            Self::Person(it) => Person::from(it.clone()).into(),
            Self::Group(it) => Group::from(it.clone()).into(),
            Self::Format(it) => Value::from(*it).to_js(),
        }
    }
}

/// A collection. The items are handles of objects, or words.
#[wasm_bindgen]
pub struct Collection {
    local: skype_p2p::Collection<Item>,
    remote: Option<Remote>,
}

/// The server's side of a collection.
struct Remote {
    fetch: Box<dyn Fn() -> skype_p2p::CommandFuture<Value>>,
    subscribe: Box<dyn Fn() -> skype_p2p::Subscription>,
}

impl Collection {
    pub(crate) fn new<T>(
        collection: &skype_p2p::Collection<T>,
        item: impl Fn(&T) -> Item + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        Self {
            local: collection.map(item),
            remote: None,
        }
    }

    /// A collection whose items are on the server.
    pub(crate) fn remote<T>(
        collection: &RemoteCollection<T>,
        item: impl Fn(&T) -> Item + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
    {
        let (fetching, following) = (collection.clone(), collection.clone());
        Self {
            remote: Some(Remote {
                fetch: Box::new(move || command::map(fetching.fetch(), |_| Value::Undefined)),
                subscribe: Box::new(move || following.subscribe()),
            }),
            ..Self::new(&collection.collection(), item)
        }
    }
}

#[wasm_bindgen]
impl Collection {
    /// A copy of the items.
    pub fn items(&self) -> Array {
        self.local.snapshot().iter().map(Item::to_js).collect()
    }

    /// The number of items.
    pub fn size(&self) -> Property {
        Property::of(&self.local.size())
    }

    /// Calls `listener` with the item and the index of each present item, and then of each item that is added.
    pub fn added(&self, listener: Function) -> Subscription {
        let listener = SendWrapper::new(listener);
        self.local
            .added(move |item, _, index| call(&listener, item, index))
            .into()
    }

    /// Calls `listener` with the item and the former index of each item that is removed from now on.
    pub fn removed(&self, listener: Function) -> Subscription {
        let listener = SendWrapper::new(listener);
        self.local
            .removed(move |item, _, index| call(&listener, item, index))
            .into()
    }

    /// Fetches the items from the server. Items that are only here need no fetch.
    pub fn fetch(&self) -> js_sys::Promise {
        match &self.remote {
            Some(remote) => command::promise((remote.fetch)()),
            None => js_sys::Promise::resolve(&JsValue::UNDEFINED),
        }
    }

    /// Follows the items on the server. `undefined` for items that are only here.
    pub fn subscribe(&self) -> Option<Subscription> {
        let remote = self.remote.as_ref()?;
        Some((remote.subscribe)().into())
    }
}

/// Calls a listener, which reports its own errors.
fn call(listener: &Function, item: &Item, index: usize) {
    let index = Value::from(index).to_js();
    let _ = listener.call2(&JsValue::NULL, &item.to_js(), &index);
}

impl std::fmt::Debug for Collection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collection").finish_non_exhaustive()
    }
}
