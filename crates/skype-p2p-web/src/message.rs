//! The handles of a message, and of the other items of a history.

use skype_p2p::MessageBody;
use wasm_bindgen::prelude::*;

use crate::{participant::Participant, person::Person, property::Property, reason, value::Value};

/// A text message.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Message(skype_p2p::TextMessage);

impl From<skype_p2p::TextMessage> for Message {
    fn from(message: skype_p2p::TextMessage) -> Self {
        Self(message)
    }
}

#[wasm_bindgen]
impl Message {
    /// A text that does not change and that differs from the keys of the other messages of the conversation.
    pub fn key(&self) -> String {
        format!("{:?}", self.0.id())
    }

    /// Whether both are handles of one message.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &Message) -> bool {
        self.0 == other.0
    }

    /// `Incoming` or `Outgoing`.
    pub fn direction(&self) -> JsValue {
        Value::from(self.0.direction()).to_js()
    }

    /// The sender.
    pub fn sender(&self) -> Person {
        self.0.sender().into()
    }

    /// The text. `undefined` for a message in HTML.
    #[wasm_bindgen(js_name = plainText)]
    pub fn plain_text(&self) -> Option<String> {
        // The browser converts between text and HTML, which leaves the parser of the model out of the package.
        match self.0.body() {
            MessageBody::Html(_) => None,
            body => Some(body.raw().to_owned()),
        }
    }

    /// The HTML as the sender wrote it, which is not trusted. `undefined` for a message in text.
    #[wasm_bindgen(js_name = unsafeHtml)]
    pub fn unsafe_html(&self) -> Option<String> {
        self.0.unsafe_html().map(str::to_owned)
    }

    /// When the message was written.
    pub fn timestamp(&self) -> Property {
        Property::of(&self.0.timestamp())
    }

    /// The delivery status.
    pub fn status(&self) -> Property {
        Property::of(&self.0.status())
    }
}

/// An item of a history that tells that a participant joined or left.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ParticipantActivity {
    activity: skype_p2p::ParticipantActivity,
    joined: bool,
}

impl ParticipantActivity {
    pub(crate) fn new(activity: skype_p2p::ParticipantActivity, joined: bool) -> Self {
        Self { activity, joined }
    }
}

#[wasm_bindgen]
impl ParticipantActivity {
    /// Whether both are handles of one activity.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &ParticipantActivity) -> bool {
        self.joined == other.joined && self.activity == other.activity
    }

    /// Whether the participant joined. Otherwise the participant left.
    #[wasm_bindgen(js_name = hasJoined)]
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// The participant.
    pub fn participant(&self) -> Participant {
        self.activity.participant().clone().into()
    }

    /// When the participant joined or left.
    pub fn timestamp(&self) -> JsValue {
        Value::from(self.activity.timestamp()).to_js()
    }

    /// The reason why the participant left, or `undefined`.
    pub fn reason(&self) -> JsValue {
        reason::optional(self.activity.reason()).to_js()
    }
}
