//! Removes secrets, addresses, names and texts from a recording.

mod persons;

use std::{collections::BTreeSet, fmt};

use conv_transport::{Har, HarError};
use percent_encoding::percent_decode_str;

use self::persons::Persons;
use crate::{exchange::exchanges, pseudonyms::Pseudonyms};

/// What to remove from a recording besides the secrets that are always removed: credentials, cookies, and the values of fields with the
/// name of a secret.
///
/// A value gets the same pseudonym in the whole file, so that the recording still replays.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Redaction {
    /// Secrets, to be removed in every spelling.
    pub secrets: Vec<String>,
    /// Texts with their replacements, in every spelling.
    pub replacements: Vec<(String, String)>,
    /// Replaces SIP addresses (`sip:user-1@domain-1.example`), and their domains in the whole file.
    pub addresses: bool,
    /// Replaces names and the other properties of a contact card (`Person 1`), and names of several words in the whole file.
    pub names: bool,
    /// Replaces the texts of messages, subjects and notes (`Text 1`).
    pub texts: bool,
    /// Leaves out bodies that cannot be decoded. Without this, such a body is an error.
    pub drop_unreadable: bool,
}

/// Hides the secrets.
impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redaction")
            .field("secrets", &self.secrets.len())
            .field("replacements", &self.replacements.len())
            .field("addresses", &self.addresses)
            .field("names", &self.names)
            .field("texts", &self.texts)
            .field("drop_unreadable", &self.drop_unreadable)
            .finish()
    }
}

impl Redaction {
    /// Redacts the recording.
    ///
    /// # Errors
    ///
    /// As [`Har::redact`]. The recording must not be shared then.
    pub fn apply(&self, har: &mut Har) -> Result<(), HarError> {
        if self.drop_unreadable {
            har.drop_unreadable_bodies();
        }
        let mut persons = Persons {
            names: self.names.then(Pseudonyms::default),
            texts: self.texts.then(Pseudonyms::default),
        };
        persons.redact(har)?;
        let mut replacements = self.replacements.clone();
        replacements.extend(persons.full_names());
        if self.addresses {
            replacements.extend(address_pseudonyms(har)?);
        }
        har.redact(&self.secrets, &replacements)
    }
}

/// The SIP addresses and their domains in order of appearance, each with a pseudonym. Spellings in another case get the same pseudonym.
fn address_pseudonyms(har: &Har) -> Result<Vec<(String, String)>, HarError> {
    let mut found = BTreeSet::new();
    let (mut users, mut domains) = (Pseudonyms::default(), Pseudonyms::default());
    let mut pseudonyms = Vec::new();
    for exchange in exchanges(har) {
        let bodies = exchange.bodies()?;
        let [request, response] = bodies.each_ref().map(|body| String::from_utf8_lossy(body));
        let texts = [exchange.entry.request.url.as_str(), &request, &response];
        for text in texts {
            for (user, domain) in addresses(text) {
                let address = format!("{user}@{domain}");
                if !found.insert(address.clone()) {
                    continue;
                }
                let name = domains.of(&domain.to_lowercase(), |n| format!("domain-{n}.example"));
                let user = users.of(&address.to_lowercase(), |n| format!("user-{n}"));
                pseudonyms.push((address, format!("{user}@{name}")));
                pseudonyms.push((domain, name.to_owned()));
            }
        }
    }
    Ok(pseudonyms)
}

/// The users and domains of the SIP addresses in `text`, which may be percent-encoded.
fn addresses(text: &str) -> Vec<(String, String)> {
    let text = percent_decode_str(text).decode_utf8_lossy();
    let is_user = |c: char| c.is_alphanumeric() || "-_.!~*'()&=+$,/".contains(c);
    let is_domain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    // The conversion keeps the positions, since it changes ASCII only.
    let lower = text.to_ascii_lowercase();
    let mut addresses = Vec::new();
    for (at, scheme) in lower.match_indices("sip:") {
        let rest = text.get(at + scheme.len()..).unwrap_or_default();
        let Some((user, rest)) = rest.split_once('@') else {
            continue;
        };
        let end = rest.find(|c| !is_domain(c)).unwrap_or(rest.len());
        let domain = rest.get(..end).unwrap_or_default();
        let domain = domain.trim_end_matches('.');
        if !user.is_empty() && user.chars().all(is_user) && !domain.is_empty() {
            addresses.push((user.to_owned(), domain.to_owned()));
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_addresses_in_every_spelling() {
        let user = |name: &str| (name.to_owned(), "contoso.com".to_owned());
        assert_eq!(
            addresses(
                r#"{"to": "sip:lenea@contoso.com", "x": "sip:nobody"} SIP%3ATosh.M%40contoso.com&"#
            ),
            [user("lenea"), user("Tosh.M")]
        );
        assert!(addresses("sip: a b@contoso.com sip:@contoso.com sip:a@").is_empty());
    }
}
