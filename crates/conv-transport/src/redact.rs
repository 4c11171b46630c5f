//! Removes the secrets from recordings, by the structure of their values.
//!
//! The redaction has three steps:
//!
//! 1. A walk visits every value of a file in its decoded form: the members of JSON, the parameters of forms and URLs, the texts and
//!    attributes of XML and HTML, the parts of multipart bodies, and each of these inside another. Values of fields with secret names
//!    are dropped.
//! 2. A search finds each dropped value in the rest of the file, in every spelling, in one pass, and replaces it.
//! 3. A check reads and walks the result again. The result must contain neither a secret field nor a dropped value. If it does,
//!    because a replacement has made another document readable, all steps are repeated.

mod archive;
mod base64;
mod canonical;
mod names;
mod search;
mod text;
mod walk;

use std::collections::BTreeMap;

use self::{
    canonical::key,
    names::Secret,
    search::{Literal, Search},
    walk::Visitor,
};

pub(crate) use self::archive::{Unreadable, redacted};
use self::walk::Walk;
pub use self::walk::{HarField, HarFieldKind};

/// The replacement for a secret that a replay does not have to distinguish from other secrets.
pub(crate) const REDACTED: &str = "redacted";

/// The least length, in characters, of a token that is searched for in the whole file. A shorter token is dropped in its own field
/// only: it is a flag or a number, and a search for it would replace unrelated text.
const SHORTEST_TOKEN: usize = 8;

/// The least length, in characters, of a password that is searched for in the whole file. A password that is shorter than
/// [`SHORTEST_TOKEN`] is searched for as a whole word.
const SHORTEST_PASSWORD: usize = 4;

/// Whether a value is the replacement of a secret.
pub(crate) fn is_redacted(value: &str) -> bool {
    value.strip_prefix(REDACTED).is_some_and(|rest| {
        let number = rest.strip_prefix('-');
        rest.is_empty()
            || number.is_some_and(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// The reason why a value is dropped.
#[derive(Clone, Copy, PartialEq)]
enum Reason {
    /// The name of its field is in the table of secret names.
    Named(Secret),
    /// The field is inside a field with a secret name, or in a body of which only listed fields are kept.
    Context,
}

/// Returns the reason to drop the value of a field. `None` if the value is kept.
fn reason(field: &HarField<'_>) -> Option<Reason> {
    let named = match field.kind {
        HarFieldKind::Cookie | HarFieldKind::Credentials => Some(Secret::Token),
        HarFieldKind::Body | HarFieldKind::Text | HarFieldKind::HtmlScript => None,
        HarFieldKind::Parameter => names::secret(field.name, true),
        _ => names::secret(field.name, false),
    };
    if let Some(secret) = named {
        return Some(Reason::Named(secret));
    }
    let is_guarded = match field.kind {
        HarFieldKind::HtmlValue => true,
        HarFieldKind::Member
        | HarFieldKind::Parameter
        | HarFieldKind::Element
        | HarFieldKind::Attribute => field.is_guarded && !names::is_public(field.name),
        _ => false,
    };
    let is_leaf = !matches!(field.kind, HarFieldKind::Body);
    (is_leaf && (field.in_secret || is_guarded)).then_some(Reason::Context)
}

/// A visitor that drops the values of secret fields, and collects the dropped values for the search.
#[derive(Default)]
struct Dropper {
    /// The index in `dropped` for the canonical form of each dropped value.
    known: BTreeMap<Vec<u8>, usize>,
    dropped: Vec<Dropped>,
    /// The highest number of a pseudonym so far, including the pseudonyms that the file already has.
    highest: usize,
    /// The name of the first field whose value was dropped. The final check reports it.
    found: Option<String>,
}

/// A value that was dropped.
struct Dropped {
    text: String,
    /// Whether the search matches whole words only.
    is_word: bool,
    /// The number of the pseudonym, if it is assigned.
    number: Option<usize>,
}

impl Dropper {
    /// Adds a value to the values to search for, and returns its index. Returns `None` if the
    /// search must not replace the value in other fields.
    fn learn(&mut self, value: &str, reason: Reason) -> Option<usize> {
        let value = value.trim().trim_matches('"');
        let is_long = value.chars().count() >= SHORTEST_TOKEN;
        let is_learned = match reason {
            Reason::Named(Secret::Password) => value.chars().count() >= SHORTEST_PASSWORD,
            Reason::Named(Secret::Token) => is_long,
            Reason::Context => looks_random(value),
        };
        if !is_learned || is_redacted(value) {
            return None;
        }
        let next = self.dropped.len();
        let index = *self.known.entry(key(value)).or_insert(next);
        if index == next {
            self.dropped.push(Dropped {
                text: value.to_owned(),
                is_word: !is_long,
                number: None,
            });
        }
        Some(index)
    }

    /// Returns the dropped values, each with its pseudonym.
    fn literals(&mut self) -> Vec<Literal> {
        let highest = &mut self.highest;
        let dropped = self.dropped.iter_mut();
        let literals = dropped.map(|dropped| {
            let number = *dropped.number.get_or_insert_with(|| {
                *highest += 1;
                *highest
            });
            Literal {
                text: dropped.text.clone(),
                pseudonym: format!("{REDACTED}-{number}"),
                is_word: dropped.is_word,
            }
        });
        literals.collect()
    }

    fn pseudonym(&mut self, index: usize) -> String {
        let Some(dropped) = self.dropped.get_mut(index) else {
            return REDACTED.to_owned();
        };
        let number = *dropped.number.get_or_insert_with(|| {
            self.highest += 1;
            self.highest
        });
        format!("{REDACTED}-{number}")
    }
}

/// Whether a value looks random: it is long, has letters and digits and no spaces, and is neither an address nor a date.
fn looks_random(value: &str) -> bool {
    value.len() >= 16
        && !value.contains(|c: char| c.is_whitespace() || "@<>".contains(c))
        && !value.contains("://")
        && !value.starts_with("urn:")
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
        && !is_date(value)
}

/// Whether a value begins with a year and a hyphen.
fn is_date(value: &str) -> bool {
    let year = value.split_once('-').map_or("", |(year, _)| year);
    year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit())
}

impl Visitor for Dropper {
    fn enter(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        let reason = reason(field)?;
        // In malformed text, a backslash at the end of the value may escape the closing quote.
        let bare = value.trim().trim_end_matches('\\');
        if bare.is_empty() || is_redacted(bare) {
            return Some(value.to_owned());
        }
        self.found.get_or_insert_with(|| field.name.to_owned());
        let learned = self.learn(value, reason);
        if field.kind == HarFieldKind::Credentials
            && field.name.eq_ignore_ascii_case("basic")
            && let Some(password) = basic_password(value)
        {
            self.learn(&password, Reason::Named(Secret::Password));
        }
        // A replay does not compare secrets that the client sends, so they need no pseudonym.
        let is_sent_by_client = field.in_request || field.kind == HarFieldKind::Cookie;
        Some(match (learned, reason) {
            (Some(index), Reason::Named(Secret::Token) | Reason::Context) if !is_sent_by_client => {
                self.pseudonym(index)
            }
            _ => REDACTED.to_owned(),
        })
    }

    fn leave(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        without_scripts(field, value)
    }
}

/// Returns the password in the credentials of HTTP basic authentication.
fn basic_password(credentials: &str) -> Option<String> {
    use ::base64::{Engine, prelude::BASE64_STANDARD};

    let bytes = BASE64_STANDARD.decode(credentials).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

/// Returns an empty text in place of a script. Scripts of sign-in pages contain tokens under arbitrary names, and a replay does not
/// need scripts.
fn without_scripts(field: &HarField<'_>, value: &str) -> Option<String> {
    let is_script = field.kind == HarFieldKind::HtmlScript && !value.trim().is_empty();
    (is_script && !is_document_type(value)).then(String::new)
}

fn is_document_type(value: &str) -> bool {
    value
        .trim_start()
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("doctype"))
}

/// A visitor that replaces the known secrets in every value.
struct Searcher {
    search: Search,
    /// The name of the first field that contained a known secret.
    found: Option<String>,
}

impl Visitor for Searcher {
    fn enter(&mut self, _: &HarField<'_>, _: &str) -> Option<String> {
        None
    }

    fn leave(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        let replaced = self.search.replace(value)?;
        self.found.get_or_insert_with(|| field.name.to_owned());
        Some(replaced)
    }
}

/// A visitor that replaces every secret by the same text.
struct Blank;

impl Visitor for Blank {
    fn enter(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        reason(field).map(|_| {
            if value.trim().is_empty() {
                value.to_owned()
            } else {
                REDACTED.to_owned()
            }
        })
    }

    fn leave(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
        without_scripts(field, value)
    }
}

/// Returns the body of a request with all secrets replaced by the same text. In a comparison, any password then matches the recorded
/// one.
pub(crate) fn comparable(content_type: &str, text: String) -> String {
    let blank = Walk::in_request(&mut Blank).body(content_type, &text);
    blank.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_replacement_is_redacted() {
        for value in ["redacted", "redacted-1", "redacted-20"] {
            assert!(is_redacted(value), "{value}");
        }
        for value in [
            "",
            "redacted-",
            "redacted-x",
            "redacted1",
            "redacted-1x",
            "xredacted",
        ] {
            assert!(!is_redacted(value), "{value}");
        }
    }

    #[test]
    fn requests_that_differ_in_a_script_are_the_same() {
        let page = |token| format!("<p>Hi</p><script>var t = '{token}';</script>");
        let [one, two] = ["a", "b"].map(|token| comparable("text/html", page(token)));
        assert_eq!(one, two);
        assert_ne!(one, comparable("text/html", "<p>Bye</p>".to_owned()));
    }

    #[test]
    fn the_rest_of_an_address_stays() {
        for (text, blank) in [
            ("data:text/plain,Hi", "data:text/plain,Hi"),
            (
                "the pages of the sign-in are at \
                 https://lene.aaling:correct-horse-battery@h.example/?password=s3cret&x=1",
                "the pages of the sign-in are at \
                 https://lene.aaling:redacted@h.example/?password=redacted&x=1",
            ),
        ] {
            assert_eq!(comparable("text/plain", text.to_owned()), blank);
        }
    }

    #[test]
    fn a_request_without_a_secret_stays_before_another() {
        let request = |password| {
            let body = format!(r#"{{"password":"{password}"}}"#);
            let length = body.len();
            let head = "POST /a HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length:";
            format!("{head} {length}\r\n\r\n{body}")
        };
        let first = "DELETE /b HTTP/1.1\r\ncontent-length: 0\r\n\r\n";
        let both = |password| format!("{first}{}", request(password));
        let blank = comparable("application/http", both("s3cret"));
        assert_eq!(blank, both(REDACTED));
    }

    #[test]
    fn a_slash_separates_the_attributes_of_html() {
        let page = r#"<input/name="password"/value="s3cret">"#;
        let blank = comparable("text/html", page.to_owned());
        assert!(!blank.contains("s3cret"), "{blank}");
    }

    #[test]
    fn the_attributes_of_an_element_with_a_secret_name_are_secrets() {
        // Elsewhere, an address stays.
        let document = r#"<a><password address="s3cret"/></a>"#;
        let blank = comparable("application/xml", document.to_owned());
        assert!(!blank.contains("s3cret"), "{blank}");
    }

    #[test]
    fn random_values_are_distinguished_from_text() {
        for value in [
            "0123456789abcdef",
            "5f3c-9b1e-77d2-aa01",
            "20150-3-01T10:00Z",
        ] {
            assert!(looks_random(value), "{value}");
        }
        for value in [
            "0123456789abcde",
            "0123456789 abcdef",
            "0123456789abc@example",
            "<0123456789abcde",
            "https://a.example/0123456789",
            "urn:uuid:0123456789",
            "abcdefghijklmnopqrst",
            "01234567890123456789",
            "2015-03-01T10:00:00Z",
        ] {
            assert!(!looks_random(value), "{value}");
        }
    }
}
