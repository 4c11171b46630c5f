//! Replaces names and the texts of messages by pseudonyms.

use conv_transport::{Har, HarError, HarField, HarFieldKind};

use crate::pseudonyms::Pseudonyms;

/// The properties of contact cards and rosters that identify or locate a person.
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

/// The properties with a text that a person has written. The text of a note is its `message`.
const TEXTS: [&str; 4] = ["description", "message", "previewMessage", "subject"];

/// The pseudonyms of a recording.
#[derive(Default)]
pub(super) struct Persons {
    /// `None` if names are kept.
    pub(super) names: Option<Pseudonyms>,
    /// `None` if texts are kept.
    pub(super) texts: Option<Pseudonyms>,
}

impl Persons {
    /// Replaces names and texts in properties, in the messages of requests and data URIs, and in the parts of a batch.
    pub(super) fn redact(&mut self, har: &mut Har) -> Result<(), HarError> {
        if self.names.is_none() && self.texts.is_none() {
            return Ok(());
        }
        har.edit(|field, value| self.edit(field, value))
    }

    /// The names of several words with their pseudonyms. A search for such a name in other texts finds nothing else.
    pub(super) fn full_names(&self) -> Vec<(String, String)> {
        let names = self.names.iter().flat_map(Pseudonyms::pairs);
        let full = names.filter(|(name, _)| name.contains(' '));
        full.map(|(name, pseudonym)| (name.to_owned(), pseudonym.to_owned()))
            .collect()
    }

    /// The replacement of a value. `None` if the value is kept.
    fn edit(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        // The walk visits the contents of a data URI.
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
                // The attribute `name` of an element has the name of a property.
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
