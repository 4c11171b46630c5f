//! The handle of an application, and its settings.

use std::sync::Arc;

use js_sys::Promise;
use skype_p2p::{ApplicationBuilder, Checkpoint, Root};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::{
    browser::Browser,
    collection::{Collection, Item},
    command::{self, Command},
    conversation::Conversation,
    group::Group,
    person::{Me, Person},
    property::Property,
    reason,
    sign_in::TokenSource,
    transport::ChosenTransport,
    value::Value,
};

/// The settings of an application.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Settings(ApplicationBuilder);

#[wasm_bindgen]
impl Settings {
    /// Settings with their defaults.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a domain whose hosts may receive the credentials of the user.
    pub fn trust(self, domain: &str) -> Self {
        Self(self.0.trust_suffix(domain))
    }

    /// Has the server archive conversations.
    pub fn history(self) -> Self {
        Self(self.0.history(true))
    }

    /// Sets the ID of this endpoint.
    pub fn endpoint(self, id: &str) -> Self {
        Self(self.0.endpoint_id(id))
    }

    /// Sets the name of the program.
    pub fn program(self, name: &str) -> Self {
        Self(self.0.user_agent(name))
    }

    /// Continues the application of a snapshot.
    ///
    /// # Errors
    ///
    /// The reason, as plain data, if the text is not a snapshot.
    pub fn resume(self, snapshot: &str) -> Result<Self, JsValue> {
        match Checkpoint::decode(snapshot) {
            Ok(checkpoint) => Ok(Self(self.0.resume(checkpoint))),
            Err(_) => Err(reason::of(&reason::invalid("the text is not a snapshot")).to_js()),
        }
    }

    /// Builds the application.
    ///
    /// # Errors
    ///
    /// If the browser lacks what the runtime needs.
    pub fn build(self) -> Result<Application, JsValue> {
        let transport = Arc::new(ChosenTransport::default());
        let tokens = TokenSource::default();
        let application = self
            .0
            .runtime(Arc::new(Browser::new()?))
            .transport(transport.clone())
            .without_cookie_jar()
            .on_token(tokens.callback())
            .build()
            .map_err(|error| JsError::new(&error.to_string()))?;
        Ok(Application {
            application,
            transport,
            tokens,
        })
    }
}

/// An application: one user, who signs in and chats. Freeing the last handle ends it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Application {
    pub(crate) application: skype_p2p::Application,
    pub(crate) transport: Arc<ChosenTransport>,
    pub(crate) tokens: TokenSource,
}

#[wasm_bindgen]
impl Application {
    /// The sign-in state.
    #[wasm_bindgen(js_name = signInState)]
    pub fn sign_in_state(&self) -> Property {
        Property::of(&self.application.sign_in_manager().state())
    }

    /// The address of the user's home server, after the sign-in.
    pub fn home(&self) -> Option<String> {
        match self.application.sign_in_manager().home()? {
            Root::Url(url) | Root::User(url) => Some(url),
            _ => None,
        }
    }

    /// The state that another page needs to continue this application. `undefined` unless the application is signed in.
    pub fn snapshot(&self) -> Promise {
        snapshot(self.application.checkpoint())
    }

    /// Ends the application here, deletes nothing at the server, and returns the state that another page needs to continue.
    pub fn detach(&self) -> Promise {
        snapshot(self.application.detach())
    }

    /// The signed-in user.
    pub fn me(&self) -> Me {
        self.application.me().into()
    }
}

/// The conversations.
#[wasm_bindgen]
impl Application {
    /// The conversations.
    pub fn conversations(&self) -> Collection {
        let conversations = self.application.conversations_manager().conversations();
        Collection::new(&conversations, |it| Item::Conversation(it.clone()))
    }

    /// The conversation with the person of this address.
    ///
    /// # Errors
    ///
    /// The reason, as plain data, if the address is not valid.
    #[wasm_bindgen(js_name = getConversation)]
    pub fn get_conversation(&self, address: &str) -> Result<Conversation, JsValue> {
        let manager = self.application.conversations_manager();
        found(manager.get_conversation(address))
    }

    /// The conference with this URI.
    ///
    /// # Errors
    ///
    /// The reason, as plain data, if the URI is not valid.
    #[wasm_bindgen(js_name = getConversationByUri)]
    pub fn get_conversation_by_uri(&self, uri: &str) -> Result<Conversation, JsValue> {
        let manager = self.application.conversations_manager();
        found(manager.get_conversation_by_uri(uri))
    }

    /// A new conversation of a group.
    #[wasm_bindgen(js_name = createConversation)]
    pub fn create_conversation(&self) -> Conversation {
        let manager = self.application.conversations_manager();
        manager.create_conversation().into()
    }

    /// Ends a conversation and removes it.
    #[wasm_bindgen(js_name = removeConversation)]
    pub fn remove_conversation(&self, conversation: &Conversation) -> Promise {
        let manager = self.application.conversations_manager();
        let removed = manager.remove(&conversation.conversation);
        command::promise(command::map(removed, Value::from))
    }

    /// Loads more archived conversations, at most as many as the argument says.
    #[wasm_bindgen(js_name = getMoreConversations)]
    pub fn get_more_conversations(&self) -> Command {
        let manager = self.application.conversations_manager();
        Command::new(manager.get_more_conversations_command(), |count, _| {
            Ok(number(&count).unwrap_or(DEFAULT_COUNT))
        })
    }

    /// The number of conversations that were missed.
    #[wasm_bindgen(js_name = unreadConversationsCount)]
    pub fn unread_conversations_count(&self) -> Property {
        let manager = self.application.conversations_manager();
        Property::of(&manager.unread_conversations_count())
    }

    /// Whether the server archives conversations.
    #[wasm_bindgen(js_name = isHistoryEnabled)]
    pub fn is_history_enabled(&self) -> Property {
        let manager = self.application.conversations_manager();
        let target = manager.clone();
        Property::of(&manager.is_history_enabled()).with_setter(move |enabled| {
            match enabled.as_bool() {
                Some(enabled) => command::map(target.set_history_enabled(enabled), move |()| {
                    enabled.into()
                }),
                None => command::failed(reason::invalid("the value is not true or false")),
            }
        })
    }
}

/// Persons and groups.
#[wasm_bindgen]
impl Application {
    /// The group with all contacts and all groups.
    #[wasm_bindgen(js_name = allContacts)]
    pub fn all_contacts(&self) -> Group {
        self.application.persons_and_groups_manager().all().into()
    }

    /// A new group of the user, which is not in the contact list until it is added.
    #[wasm_bindgen(js_name = createGroup)]
    pub fn create_group(&self, name: &str) -> Group {
        let manager = self.application.persons_and_groups_manager();
        manager.create_group(name).into()
    }

    /// The person with this address.
    ///
    /// # Errors
    ///
    /// The reason, as plain data, if the address is not valid.
    #[wasm_bindgen(js_name = getPerson)]
    pub fn get_person(&self, address: &str) -> Result<Person, JsValue> {
        let manager = self.application.persons_and_groups_manager();
        found(manager.get_person(address))
    }

    /// Searches for persons. The promise resolves with an object of the members `persons` and `moreAvailable`.
    #[wasm_bindgen(js_name = searchPersons)]
    pub fn search_persons(&self, text: &str, limit: u32) -> Promise {
        let manager = self.application.persons_and_groups_manager();
        let search = manager.search(text, limit);
        future_to_promise(async move {
            let found = search
                .await
                .map_err(|failure| reason::of(&failure).to_js())?;
            let persons: js_sys::Array = found
                .persons
                .into_iter()
                .map(|person| JsValue::from(Person::from(person)))
                .collect();
            let result = js_sys::Object::new();
            js_sys::Reflect::set(&result, &"persons".into(), &persons)?;
            js_sys::Reflect::set(
                &result,
                &"moreAvailable".into(),
                &found.more_available.into(),
            )?;
            Ok(result.into())
        })
    }
}

/// The number of archived conversations that are loaded if a page asks for no number.
const DEFAULT_COUNT: u32 = 20;

/// A positive whole number.
fn number(value: &JsValue) -> Option<u32> {
    let number = value.as_f64()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast of a floating-point number saturates"
    )]
    (number >= 1.0).then_some(number as u32)
}

fn found<T, H: From<T>>(result: Result<T, skype_p2p::Reason>) -> Result<H, JsValue> {
    result
        .map(H::from)
        .map_err(|failure| reason::of(&failure).to_js())
}

fn snapshot(checkpoint: impl Future<Output = Option<Checkpoint>> + 'static) -> Promise {
    future_to_promise(async move {
        let snapshot = checkpoint.await.map(|checkpoint| checkpoint.encode());
        Ok(Value::from(snapshot).to_js())
    })
}
