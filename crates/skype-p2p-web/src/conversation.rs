//! The handle of a conversation.

use std::cell::OnceCell;

use js_sys::Promise;
use skype_p2p::{Context, MessageBody, Reason, StartOptions};
use wasm_bindgen::prelude::*;

use crate::{
    collection::{Collection, Item},
    command::{self, Command},
    participant::Participant,
    person::Person,
    property::Property,
    reason,
    roster::Roster,
    value::Value,
};

/// A conversation with its chat and its history.
#[wasm_bindgen]
pub struct Conversation {
    pub(crate) conversation: skype_p2p::Conversation,
    roster: OnceCell<Roster>,
}

impl From<skype_p2p::Conversation> for Conversation {
    fn from(conversation: skype_p2p::Conversation) -> Self {
        Self {
            conversation,
            roster: OnceCell::new(),
        }
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.conversation.fmt(f)
    }
}

#[wasm_bindgen]
impl Conversation {
    /// A text that does not change and that differs from the keys of the other conversations.
    pub fn key(&self) -> String {
        format!("{:?}", self.conversation.id())
    }

    /// Whether both are handles of one conversation.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &Conversation) -> bool {
        self.conversation == other.conversation
    }

    /// The state of the conversation.
    pub fn state(&self) -> Property {
        Property::of(&self.conversation.state())
    }

    /// The subject, which can be set before the conversation begins.
    pub fn topic(&self) -> Property {
        let target = self.conversation.clone();
        Property::of(&self.conversation.topic()).with_setter(move |topic| match topic.as_string() {
            Some(topic) => command::map(target.set_topic(topic.as_str()), |()| topic.into()),
            None => command::failed(reason::invalid("the topic is not a text")),
        })
    }

    /// The URI of the conference.
    pub fn uri(&self) -> Property {
        Property::of(&self.conversation.uri())
    }

    /// Whether the conversation is a conference.
    #[wasm_bindgen(js_name = isGroupConversation)]
    pub fn is_group_conversation(&self) -> Property {
        Property::of(&self.conversation.is_group_conversation())
    }

    /// Whether others can join the conversation.
    #[wasm_bindgen(js_name = isJoiningEnabled)]
    pub fn is_joining_enabled(&self) -> Property {
        Property::of(&self.conversation.is_joining_enabled())
    }

    /// The person who started the conversation, if that is known.
    pub fn creator(&self) -> Option<Person> {
        self.conversation.creator().map(Person::from)
    }

    /// The content of the context that came with the invitation.
    pub fn context(&self) -> Property {
        Property::new(&self.conversation.context(), |context| {
            context
                .as_ref()
                .map(|context| context.content.clone())
                .into()
        })
    }

    /// The media type of the context that came with the invitation.
    #[wasm_bindgen(js_name = contextType)]
    pub fn context_type(&self) -> Property {
        Property::new(&self.conversation.context(), |context| {
            context
                .as_ref()
                .map(|context| context.content_type.clone())
                .into()
        })
    }

    /// The other participants who are in the conversation.
    pub fn participants(&self) -> Collection {
        let roster = self.roster.get_or_init(|| Roster::of(&self.conversation));
        Collection::new(roster.present(), |it| Item::Participant(it.clone()))
    }

    /// The number of participants that the server reports.
    #[wasm_bindgen(js_name = participantsCount)]
    pub fn participants_count(&self) -> Property {
        Property::of(&self.conversation.participants_count())
    }

    /// The user as a participant.
    #[wasm_bindgen(js_name = selfParticipant)]
    pub fn self_participant(&self) -> Participant {
        self.conversation.self_participant().into()
    }

    /// Creates a participant that is not in the conversation until it is added.
    ///
    /// # Errors
    ///
    /// The reason, as plain data, if the address is not valid.
    #[wasm_bindgen(js_name = createParticipant)]
    pub fn create_participant(&self, address: &str) -> Result<Participant, JsValue> {
        let created = self.conversation.create_participant(address);
        created
            .map(Participant::from)
            .map_err(|failure| reason::of(&failure).to_js())
    }

    /// Whether participants can be added.
    #[wasm_bindgen(js_name = canAddParticipants)]
    pub fn can_add_participants(&self) -> Property {
        Property::of(&self.conversation.participants().add_command().enabled())
    }

    /// Adds the person with this SIP URI.
    #[wasm_bindgen(js_name = addAddress)]
    pub fn add_address(&self, address: &str) -> Promise {
        let added = self.conversation.participants().add(address);
        command::promise(command::map(added, |_| Value::Undefined))
    }

    /// Adds a participant.
    #[wasm_bindgen(js_name = addParticipant)]
    pub fn add_participant(&self, participant: &Participant) -> Promise {
        let added = self.conversation.participants().add(&participant.0);
        command::promise(command::map(added, |_| Value::Undefined))
    }

    /// Removes a participant.
    #[wasm_bindgen(js_name = removeParticipant)]
    pub fn remove_participant(&self, participant: &Participant) -> Promise {
        let removed = self
            .conversation
            .participants()
            .remove(participant.0.clone());
        command::promise(command::map(removed, Value::from))
    }

    /// Whether the conversation has chat.
    #[wasm_bindgen(js_name = hasChat)]
    pub fn has_chat(&self) -> Property {
        Property::of(&self.conversation.active_modalities().chat())
    }

    /// Whether the conversation has audio.
    #[wasm_bindgen(js_name = hasAudio)]
    pub fn has_audio(&self) -> Property {
        Property::of(&self.conversation.active_modalities().audio())
    }

    /// Whether the conversation has video.
    #[wasm_bindgen(js_name = hasVideo)]
    pub fn has_video(&self) -> Property {
        Property::of(&self.conversation.active_modalities().video())
    }

    /// Leaves the conversation.
    pub fn leave(&self) -> Promise {
        command::promise(command::map(self.conversation.leave(), Value::from))
    }

    /// Tells the server that the user has seen a conversation that the server accepted.
    pub fn acknowledge(&self) -> Command {
        Command::plain(self.conversation.acknowledge_command())
    }
}

/// The chat.
#[wasm_bindgen]
impl Conversation {
    /// The messages.
    pub fn messages(&self) -> Collection {
        let messages = self.conversation.chat_service().messages();
        Collection::new(&messages, |it| Item::Message(it.clone()))
    }

    /// The formats that the other side accepts.
    #[wasm_bindgen(js_name = supportedMessageFormats)]
    pub fn supported_message_formats(&self) -> Collection {
        let formats = self.conversation.chat_service().supported_message_formats();
        Collection::new(&formats, |it| Item::Format(*it))
    }

    /// Starts the chat, with a context and its media type.
    #[wasm_bindgen(js_name = startChat)]
    pub fn start_chat(&self) -> Command {
        Command::new(
            self.conversation.chat_service().start_command(),
            start_options,
        )
    }

    /// Stops the chat.
    #[wasm_bindgen(js_name = stopChat)]
    pub fn stop_chat(&self) -> Command {
        Command::plain(self.conversation.chat_service().stop_command())
    }

    /// Accepts the invitation.
    #[wasm_bindgen(js_name = acceptChat)]
    pub fn accept_chat(&self) -> Command {
        Command::plain(self.conversation.chat_service().accept_command())
    }

    /// Rejects the invitation.
    #[wasm_bindgen(js_name = rejectChat)]
    pub fn reject_chat(&self) -> Command {
        Command::plain(self.conversation.chat_service().reject_command())
    }

    /// Sends a message in the format `Text`, or `Html`.
    #[wasm_bindgen(js_name = sendMessage)]
    pub fn send_message(&self) -> Command {
        Command::new(
            self.conversation.chat_service().send_message_command(),
            body,
        )
    }

    /// Tells the others that the user is typing.
    #[wasm_bindgen(js_name = sendIsTyping)]
    pub fn send_is_typing(&self) -> Command {
        Command::plain(self.conversation.chat_service().send_is_typing_command())
    }
}

/// The history.
#[wasm_bindgen]
impl Conversation {
    /// The items of the history.
    #[wasm_bindgen(js_name = activityItems)]
    pub fn activity_items(&self) -> Collection {
        let items = self.conversation.history_service().activity_items();
        let known = items.filter(|item, _| !matches!(Item::activity(item), Item::Unknown));
        Collection::new(&known, Item::activity)
    }

    /// Loads more archived items.
    #[wasm_bindgen(js_name = getMoreActivityItems)]
    pub fn get_more_activity_items(&self) -> Command {
        let history = self.conversation.history_service();
        Command::plain(history.get_more_activity_items_command())
    }

    /// Marks the archived messages as read.
    #[wasm_bindgen(js_name = markAsRead)]
    pub fn mark_as_read(&self) -> Command {
        Command::plain(self.conversation.history_service().mark_as_read_command())
    }
}

fn start_options(content: JsValue, content_type: JsValue) -> Result<StartOptions, Reason> {
    let mut options = StartOptions::default();
    if let Some(content) = content.as_string() {
        let content_type = content_type.as_string();
        let content_type = content_type.unwrap_or_else(|| "text/plain".to_owned());
        options.context = Some(Context::new(content_type, content));
    }
    Ok(options)
}

fn body(text: JsValue, format: JsValue) -> Result<MessageBody, Reason> {
    let text = text.as_string();
    let text = text.ok_or_else(|| reason::invalid("the message is not a text"))?;
    match format.as_string().as_deref() {
        None | Some("Text") => Ok(MessageBody::Text(text)),
        Some("Html") => Ok(MessageBody::Html(text)),
        Some(_) => Err(reason::invalid("the format is Text or Html")),
    }
}
