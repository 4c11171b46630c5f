//! States for the tests of the reducer and the views.

use std::time::{Duration, SystemTime};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use skype_p2p::{ConversationId, ConversationState, GroupType, MessageId, PersonStatus};

use super::{
    printable_text::PrintableText,
    state::{
        State,
        conversation::{Delivery, Item, Message, Person, Summary},
        input::Input,
        update::{ContactGroup, Effect, Presence, Update},
    },
};

pub(crate) const LENE: ConversationId = ConversationId::Remote(1);
pub(crate) const JOHN: ConversationId = ConversationId::Remote(2);

/// A line of printable text.
pub(crate) fn text(text: &str) -> PrintableText {
    PrintableText::line(text)
}

/// The time so many seconds after noon on 30 November 2026, in UTC.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_796_040_000 + seconds)
}

pub(crate) fn person(name: &str, address: &str) -> Person {
    Person {
        address: format!("sip:{address}"),
        name: text(name),
    }
}

pub(crate) fn lene() -> Person {
    person("Lene Aaling", "lenea@contoso.com")
}

pub(crate) fn john() -> Person {
    person("John Doe", "johnd@contoso.com")
}

/// A connected conversation with one person.
pub(crate) fn summary(id: ConversationId, person: Person) -> Summary {
    Summary {
        id,
        title: person.name.clone(),
        is_group: false,
        people: vec![person],
        state: ConversationState::Connected,
        end: None,
        invitation: None,
        typing: Vec::new(),
        more_history: false,
        missed: false,
    }
}

/// A message of Lene, or with a delivery one of Tosh.
pub(crate) fn message(number: u64, words: &str, delivery: Option<Delivery>) -> Message {
    let sender = match delivery {
        Some(_) => "Tosh Meston",
        None => "Lene Aaling",
    };
    Message {
        id: MessageId::Remote(number),
        sender: text(sender),
        text: PrintableText::new(words),
        at: at(number * 10),
        delivery,
    }
}

/// Tosh on a screen of 80 by 24, with connected conversations with Lene, which is shown, and with John.
pub(crate) fn state() -> State {
    let mut state = State::new("toshm@contoso.com", (80, 24), TimeZone::UTC);
    state.on_update(Update::Me {
        name: text("Tosh Meston"),
        status: PersonStatus::Online,
        note: text("At my desk"),
    });
    for (address, status, note) in [
        (
            "sip:lenea@contoso.com",
            PersonStatus::Online,
            "In building 7",
        ),
        ("sip:johnd@contoso.com", PersonStatus::Busy, ""),
    ] {
        state.on_update(Update::Presence {
            address: address.to_owned(),
            presence: Presence {
                status,
                note: text(note),
            },
        });
    }
    state.on_update(Update::Conversation(summary(LENE, lene())));
    state.on_update(Update::Conversation(summary(JOHN, john())));
    state
}

/// The groups of a contact list.
pub(crate) fn groups() -> Vec<ContactGroup> {
    vec![
        ContactGroup {
            id: "7".to_owned(),
            kind: GroupType::Custom,
            name: text("Team"),
            members: vec![lene(), john()],
        },
        ContactGroup {
            id: "others".to_owned(),
            kind: GroupType::Others,
            name: text("Other contacts"),
            members: vec![person("Ada Byron", "adab@fabrikam.com")],
        },
    ]
}

/// Adds a message at the end of a conversation.
pub(crate) fn add(
    state: &mut State,
    conversation: ConversationId,
    message: Message,
) -> Vec<Effect> {
    state.on_update(Update::Item {
        conversation,
        index: usize::MAX,
        item: Item::Message(message),
    })
}

pub(crate) fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    state.on_input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

pub(crate) fn control(state: &mut State, c: char) -> Vec<Effect> {
    let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    state.on_input(Input::Key(key))
}

/// Types a text. Returns the effects of the last key.
pub(crate) fn type_text(state: &mut State, text: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in text.chars() {
        effects = press(state, KeyCode::Char(c));
    }
    effects
}
