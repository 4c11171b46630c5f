//! The handles of a person and of the signed-in user.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use js_sys::Promise;
use skype_p2p::{MePerson, Note, PersonStatus, Photo, Reason};
use wasm_bindgen::prelude::*;

use crate::{
    collection::{Collection, Item},
    command,
    property::Property,
    reason,
    value::Value,
};

/// A person.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Person(pub(crate) skype_p2p::Person);

impl From<skype_p2p::Person> for Person {
    fn from(person: skype_p2p::Person) -> Self {
        Self(person)
    }
}

/// Declares properties of the contact card.
macro_rules! card {
    ($($(#[$doc:meta])* $js:ident $name:ident;)+) => {
        #[wasm_bindgen]
        impl Person {
            $(
                $(#[$doc])*
                #[wasm_bindgen(js_name = $js)]
                pub fn $name(&self) -> Property {
                    Property::remote(self.0.$name(), |value| value.clone().into())
                }
            )+
        }
    };
}

card! {
    /// The title.
    title title;
    /// The department.
    department department;
    /// The company.
    company company;
    /// The office.
    office office;
    /// The URL of the photo at the server.
    avatarUrl avatar_url;
    /// The addresses, a list of texts.
    emails emails;
    /// The telephone numbers, a list of objects with `type` and `number`.
    phoneNumbers phone_numbers;
    /// The presence.
    status status;
    /// The activity that refines the presence.
    activity activity;
    /// When the person was last seen.
    lastSeenAt last_seen_at;
    /// The type of the endpoint that the person uses.
    endpointType endpoint_type;
    /// The location.
    location location;
    /// The privacy level that the user gives the person.
    relationshipLevel relationship_level;
}

#[wasm_bindgen]
impl Person {
    /// Whether both are handles of one person.
    #[wasm_bindgen(js_name = isSame)]
    pub fn is_same(&self, other: &Person) -> bool {
        self.0 == other.0
    }

    /// The SIP URI.
    pub fn id(&self) -> Property {
        Property::of(&self.0.id())
    }

    /// The name; the SIP URI while no name is known.
    #[wasm_bindgen(js_name = displayName)]
    pub fn display_name(&self) -> Property {
        Property::of(&self.0.display_name())
    }

    /// The text of the note.
    #[wasm_bindgen(js_name = noteText)]
    pub fn note_text(&self) -> Property {
        Property::remote(self.0.note(), note_text)
    }

    /// The type of the note.
    #[wasm_bindgen(js_name = noteType)]
    pub fn note_type(&self) -> Property {
        Property::remote(self.0.note(), |note| {
            note.as_ref().map(|note| note.kind).into()
        })
    }

    /// Whether the person can chat.
    #[wasm_bindgen(js_name = canChat)]
    pub fn can_chat(&self) -> Property {
        Property::remote(self.0.capabilities(), |it| it.chat.into())
    }

    /// Whether the person can take part in an audio call.
    #[wasm_bindgen(js_name = canUseAudio)]
    pub fn can_use_audio(&self) -> Property {
        Property::remote(self.0.capabilities(), |it| it.audio.into())
    }

    /// Whether the person can take part in a video call.
    #[wasm_bindgen(js_name = canUseVideo)]
    pub fn can_use_video(&self) -> Property {
        Property::remote(self.0.capabilities(), |it| it.video.into())
    }

    /// Loads the photo. The promise resolves with a data URL, or with `undefined` if the person has no photo, or if the user
    /// may not see it.
    pub fn photo(&self) -> Promise {
        let photo = self.0.fetch_photo(None, None);
        let url = |photo: Option<Photo>| photo.and_then(|photo| data_url(&photo)).into();
        command::promise(command::map(photo, url))
    }

    /// The groups of the contact list that have the person.
    pub fn groups(&self) -> Collection {
        Collection::remote(&self.0.groups(), |group| Item::Group(group.clone()))
    }
}

/// The photo as a data URL. `None` if it is not an image.
fn data_url(photo: &Photo) -> Option<String> {
    let kind = photo.media_type.strip_prefix("image/")?;
    let is_valid = kind
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_valid.then(|| format!("data:image/{kind};base64,{}", STANDARD.encode(&photo.image)))
}

/// The text of a note.
fn note_text(note: &Option<Note>) -> Value {
    note.as_ref().map(|note| note.text.clone()).into()
}

/// The signed-in user.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Me(MePerson);

impl From<MePerson> for Me {
    fn from(me: MePerson) -> Self {
        Self(me)
    }
}

#[wasm_bindgen]
impl Me {
    /// The user as a person.
    pub fn person(&self) -> Person {
        self.0.person().into()
    }

    /// The address of the user.
    pub fn email(&self) -> Property {
        Property::of(&self.0.email())
    }

    /// The presence that the user publishes.
    pub fn status(&self) -> Property {
        Property::published(self.0.status(), |status| (*status).into(), status)
    }

    /// Publishes the presence that the server derives from the user's activity.
    #[wasm_bindgen(js_name = resetStatus)]
    pub fn reset_status(&self) -> Promise {
        command::promise(command::map(self.0.reset_status(), Value::from))
    }

    /// The text of the note that the user publishes. Setting `undefined` removes the note.
    #[wasm_bindgen(js_name = noteText)]
    pub fn note_text(&self) -> Property {
        Property::published(self.0.note(), note_text, |text| {
            optional_text(&text).map(|text| text.map(Note::personal))
        })
    }

    /// The location that the user publishes. Setting `undefined` removes it.
    pub fn location(&self) -> Property {
        Property::published(
            self.0.location(),
            |location| location.clone().into(),
            |location| optional_text(&location),
        )
    }
}

/// A text, or none for `undefined` and `null`.
fn optional_text(value: &JsValue) -> Result<Option<String>, Reason> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    let text = value.as_string();
    text.map(Some)
        .ok_or_else(|| reason::invalid("the value is not a text"))
}

/// The status with this name.
fn status(value: JsValue) -> Result<PersonStatus, Reason> {
    Ok(match value.as_string().as_deref() {
        Some("Online") => PersonStatus::Online,
        Some("Busy") => PersonStatus::Busy,
        Some("DoNotDisturb") => PersonStatus::DoNotDisturb,
        Some("BeRightBack") => PersonStatus::BeRightBack,
        Some("Away") => PersonStatus::Away,
        Some("Offline") => PersonStatus::Offline,
        Some("Hidden") => PersonStatus::Hidden,
        Some("Idle") => PersonStatus::Idle,
        _ => return Err(reason::invalid("the value is not a status")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_becomes_a_url_unless_it_is_no_image() {
        let url = |media_type: &str| data_url(&Photo::new(media_type, &b"abc"[..], None));
        let jpeg = Some("data:image/jpeg;base64,YWJj".to_owned());
        assert_eq!(url("image/jpeg"), jpeg);
        assert_eq!(url("text/html"), None);
        assert_eq!(url("image/png,<script>"), None);
    }
}
