//! Names and the texts of messages in a recording, each with a pseudonym that is the same wherever it stands.

use conv_transport::{Har, HarError, HarField, HarFieldKind};

use crate::traffic::Names;

/// Properties of contact cards and rosters: names, and what identifies or locates a person.
const NAMES: [&str; 17] = [
    "anonymousDisplayName",
    "company",
    "department",
    "displayName",
    "emailAddresses",
    "homePhoneNumber",
    "mobilePhoneNumber",
    "name",
    "number",
    "office",
    "officeLocation",
    "organizerName",
    "otherPhoneNumber",
    "phoneNumber",
    "smtpAddress",
    "title",
    "workPhoneNumber",
];

/// Properties that hold a text that a person has written. The text of a note is its `message`.
const TEXTS: [&str; 4] = ["description", "message", "previewMessage", "subject"];

/// The pseudonyms of a recording.
#[derive(Default)]
pub(super) struct People {
    /// None where names stay.
    pub(super) names: Option<Names>,
    /// None where texts stay.
    pub(super) texts: Option<Names>,
}

impl People {
    /// Replaces names and texts where UCWA has them: in properties, in the messages of requests and data URIs, in the parts of a
    /// batch.
    pub(super) fn redact(&mut self, har: &mut Har) -> Result<(), HarError> {
        if self.names.is_none() && self.texts.is_none() {
            return Ok(());
        }
        har.edit(|field, value| self.edit(field, value))
    }

    /// The pairs of the names that have more than one word: elsewhere in a text they are found without anything else.
    pub(super) fn full_names(&self) -> Vec<(String, String)> {
        let names = self.names.iter().flat_map(Names::pairs);
        let full = names.filter(|(name, _)| name.contains(' '));
        full.map(|(name, pseudonym)| (name.to_owned(), pseudonym.to_owned()))
            .collect()
    }

    /// What stands in the place of `value`, if not itself.
    fn edit(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        // A property that holds a data URI is looked into.
        if value.trim().is_empty() || value.starts_with("data:") {
            return None;
        }
        match field.kind {
            HarFieldKind::Body => {
                let is_message = field.in_request || field.in_data_uri;
                let is_text = matches!(field.name, "text/plain" | "text/html");
                (is_message && is_text).then(|| self.text(value)).flatten()
            }
            HarFieldKind::Member | HarFieldKind::Element | HarFieldKind::Attribute => {
                // The name of a property, and the class of a header, name no person.
                let is_syntax = field.kind == HarFieldKind::Attribute && field.name == "name";
                if NAMES.contains(&field.name) && !is_syntax {
                    let names = self.names.as_mut()?;
                    return Some(names.of(value, |n| format!("Person {n}")).to_owned());
                }
                TEXTS
                    .contains(&field.name)
                    .then(|| self.text(value))
                    .flatten()
            }
            _ => None,
        }
    }

    fn text(&mut self, text: &str) -> Option<String> {
        let texts = self.texts.as_mut()?;
        Some(texts.of(text, |n| format!("Text {n}")).to_owned())
    }
}
