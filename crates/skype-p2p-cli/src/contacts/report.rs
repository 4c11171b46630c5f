//! The lines of `contacts`: sentences, and JSON objects.

use serde::Serialize;
use skype_p2p::Person;

use crate::{
    json_line::{self, VERSION},
    session::address,
    timeline::printable,
};

/// The line of a contact who is in these groups.
pub(crate) fn contact(person: &Person, groups: Vec<String>, json: bool) -> String {
    #[derive(Serialize)]
    struct Json {
        version: u32,
        event: &'static str,
        uri: String,
        name: String,
        groups: Vec<String>,
    }
    if json {
        let json = Json {
            version: VERSION,
            event: "contact",
            uri: person.id().get(),
            name: person.display_name().get(),
            groups,
        };
        return json_line::line(&json);
    }
    let mut line = format!("{:<24} {}", address(person), person.display_name().get());
    if !groups.is_empty() {
        line.push_str(&format!(" ({})", groups.join(", ")));
    }
    printable(&line)
}

/// A change that is made for several persons.
pub(crate) struct Change {
    event: &'static str,
    /// What was done, and what is done, as verbs.
    done: &'static str,
    verb: &'static str,
    from_group: Option<String>,
    to_group: Option<String>,
}

impl Change {
    /// Adds to a group, or to the contact list.
    pub(crate) fn added(group: Option<String>) -> Self {
        Self {
            event: "contact.added",
            done: "Added",
            verb: "add",
            from_group: None,
            to_group: group,
        }
    }

    /// Removes from a group, or from the contact list.
    pub(crate) fn removed(group: Option<String>) -> Self {
        Self {
            event: "contact.removed",
            done: "Removed",
            verb: "remove",
            from_group: group,
            to_group: None,
        }
    }

    /// Moves from one group to another.
    pub(crate) fn moved(from: String, to: String) -> Self {
        Self {
            event: "contact.moved",
            done: "Moved",
            verb: "move",
            from_group: Some(from),
            to_group: Some(to),
        }
    }

    /// What the change does with a person: "add", "remove" or "move".
    pub(crate) fn verb(&self) -> &'static str {
        self.verb
    }

    /// The line of a change that was made.
    pub(crate) fn render(&self, person: &Person, json: bool) -> String {
        #[derive(Serialize)]
        struct Json<'a> {
            version: u32,
            event: &'static str,
            uri: String,
            from_group: Option<&'a str>,
            to_group: Option<&'a str>,
        }
        if json {
            let json = Json {
                version: VERSION,
                event: self.event,
                uri: person.id().get(),
                from_group: self.from_group.as_deref(),
                to_group: self.to_group.as_deref(),
            };
            return json_line::line(&json);
        }
        let mut line = format!("{} {}", self.done, address(person));
        if let Some(group) = &self.from_group {
            line.push_str(&format!(" from {group}"));
        }
        if let Some(group) = &self.to_group {
            line.push_str(&format!(" to {group}"));
        }
        printable(&format!("{line}."))
    }
}
