//! The presence of a person at one time, as text and as a JSON object.

use std::time::SystemTime;

use serde::Serialize;
use skype_p2p::{Note, NoteKind, Person, PersonStatus};

use crate::{
    json_line::{self, VERSION, rfc3339},
    session::address,
    timeline::printable,
};

/// The last known presence of a person.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    uri: String,
    address: String,
    name: String,
    status: PersonStatus,
    activity: Option<String>,
    note: Option<Note>,
}

/// The JSON object of a presence.
#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    time: String,
    event: &'static str,
    uri: &'a str,
    name: &'a str,
    status: String,
    activity: Option<&'a str>,
    note: Option<&'a str>,
    note_kind: Option<String>,
}

impl Snapshot {
    /// The values that are known now. No request is sent.
    pub(crate) fn of(person: &Person) -> Self {
        Self {
            uri: person.id().get(),
            address: address(person),
            name: person.display_name().get(),
            status: person.status().get(),
            activity: person.activity().get(),
            note: person.note().get().filter(|note| !note.text.is_empty()),
        }
    }

    pub(crate) fn render(&self, json: bool) -> String {
        if json { self.json() } else { self.text() }
    }

    fn text(&self) -> String {
        let mut line = format!("{:<24} {:<12}", self.address, format!("{:?}", self.status));
        if let Some(note) = &self.note {
            let kind = match note.kind {
                NoteKind::OutOfOffice => "out of office",
                _ => "note",
            };
            line.push_str(&format!(" {kind}: {}", note.text));
        }
        printable(line.trim_end())
    }

    fn json(&self) -> String {
        let json = Json {
            version: VERSION,
            time: rfc3339(SystemTime::now()),
            event: "presence",
            uri: &self.uri,
            name: &self.name,
            status: format!("{:?}", self.status),
            activity: self.activity.as_deref(),
            note: self.note.as_ref().map(|note| note.text.as_str()),
            note_kind: self.note.as_ref().map(|note| format!("{:?}", note.kind)),
        };
        json_line::line(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_cannot_steer_the_terminal() {
        let snapshot = Snapshot {
            uri: "sip:lenea@contoso.com".to_owned(),
            address: "lenea@contoso.com".to_owned(),
            name: "Lene Aaling".to_owned(),
            status: PersonStatus::Busy,
            activity: None,
            note: Some(Note::personal(
                "\u{1b}]0;owned\u{7}\nlenea@contoso.com Online",
            )),
        };
        let text = snapshot.render(false);
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(
            text.starts_with("lenea@contoso.com        Busy         note: "),
            "{text}"
        );
    }
}
