//! The handle of a participant.

use wasm_bindgen::prelude::*;

use skype_p2p::ParticipantRole;

use crate::{command::Command, person::Person, property::Property, reason};

/// A participant of a conversation.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Participant(pub(crate) skype_p2p::Participant);

impl From<skype_p2p::Participant> for Participant {
    fn from(participant: skype_p2p::Participant) -> Self {
        Self(participant)
    }
}

#[wasm_bindgen]
impl Participant {
    /// A text that does not change and that differs from the keys of the other participants of the conversation.
    pub fn key(&self) -> String {
        format!("{:?}", self.0.id())
    }

    /// Whether both are handles of one participant.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &Participant) -> bool {
        self.0 == other.0
    }

    /// The person.
    pub fn person(&self) -> Person {
        self.0.person().into()
    }

    /// The name of the person.
    #[wasm_bindgen(js_name = displayName)]
    pub fn display_name(&self) -> Property {
        Property::of(&self.0.display_name())
    }

    /// The state of the participant.
    pub fn state(&self) -> Property {
        Property::of(&self.0.state())
    }

    /// The role, which a leader can set.
    pub fn role(&self) -> Property {
        let target = self.0.clone();
        Property::of(&self.0.role()).with_setter(move |role| match role.as_string().as_deref() {
            Some("Leader") => crate::command::map(target.set_role(ParticipantRole::Leader), |()| {
                ParticipantRole::Leader.into()
            }),
            Some("Attendee") => {
                crate::command::map(target.set_role(ParticipantRole::Attendee), |()| {
                    ParticipantRole::Attendee.into()
                })
            }
            _ => crate::command::failed(reason::invalid("a role is Leader or Attendee")),
        })
    }

    /// Whether the participant joined without an account.
    #[wasm_bindgen(js_name = isAnonymous)]
    pub fn is_anonymous(&self) -> Property {
        Property::of(&self.0.is_anonymous())
    }

    /// The state of the chat of the participant.
    #[wasm_bindgen(js_name = chatState)]
    pub fn chat_state(&self) -> Property {
        Property::of(&self.0.chat().state())
    }

    /// Whether the participant is typing.
    #[wasm_bindgen(js_name = isTyping)]
    pub fn is_typing(&self) -> Property {
        Property::of(&self.0.chat().is_typing())
    }

    /// Admits the participant from the lobby.
    pub fn admit(&self) -> Command {
        Command::plain(self.0.admit_command())
    }

    /// Rejects the participant in the lobby.
    pub fn reject(&self) -> Command {
        Command::plain(self.0.reject_command())
    }
}
