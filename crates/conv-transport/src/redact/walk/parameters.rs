//! Visits the parameters of forms, URLs and other texts.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;

use super::{HarFieldKind, Walk, json::Edits, names};

/// The greatest length, in characters, of a name before `=` or `:` in a text.
const LONGEST_NAME: usize = 80;

impl Walk<'_> {
    /// Visits the fields of a form.
    pub(super) fn form(&mut self, text: &str) -> Option<String> {
        let fields: Vec<&str> = text.split('&').collect();
        let name = |field: &str| decoded(field.split('=').next().unwrap_or_default(), true);
        let around = self.is_guarded;
        self.is_guarded |= fields
            .iter()
            .any(|field| names::marks_sign_in(&name(field)));
        let mut edits = Edits::new(text);
        let mut at = 0;
        for field in fields {
            let value = field.split_once('=').map_or(field, |(_, value)| value);
            let name = if value.len() < field.len() {
                name(field)
            } else {
                String::new()
            };
            let plain = decoded(value, true);
            if let Some(edited) = self.value(HarFieldKind::Parameter, &name, &plain) {
                let start = at + field.len() - value.len();
                edits.replace(start, at + field.len(), &encoded_like(&edited, value, true));
            }
            at += field.len() + 1;
        }
        self.is_guarded = around;
        edits.finish()
    }

    /// Visits the parameters of a URL or another text: every value after a name and `=` or `:`.
    pub(super) fn text(&mut self, text: &str) -> Option<String> {
        let around = self.is_guarded;
        self.is_guarded |= has_sign_in(text);
        let edited = self.parameters(text);
        self.is_guarded = around;
        edited
    }

    fn parameters(&mut self, text: &str) -> Option<String> {
        let mut edits = Edits::new(text);
        let mut at = 0;
        while let Some(found) = text.get(at..).and_then(|rest| rest.find(['=', ':', '/'])) {
            let mark = at + found;
            at = mark + 1;
            let after = text.get(at..).unwrap_or_default();
            match text.as_bytes().get(mark) {
                Some(b'/') => {
                    // The value may be a path segment with escapes.
                    let end = after.find(|c| !is_value(c) || "/?&=:#;,".contains(c));
                    let segment = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
                    if segment.contains('%') {
                        let plain = decoded(segment, false);
                        if let Some(edited) = self.value(HarFieldKind::Text, "", &plain) {
                            let encoded = encoded_like(&edited, segment, false);
                            edits.replace(at, at + segment.len(), &encoded);
                        }
                        at += segment.len();
                    }
                    // This is the user information of a URL.
                    if let Some(rest) = after.strip_prefix('/')
                        && text.get(..mark).is_some_and(|before| before.ends_with(':'))
                    {
                        let end = rest.find(|c: char| "/?#\"'<> ".contains(c) || c.is_whitespace());
                        let authority = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                        if let Some((user, _)) = authority.rsplit_once('@') {
                            let (name, password) = user.split_once(':').unwrap_or(("", ""));
                            let start = mark + 2 + name.len() + 1;
                            let plain = decoded(password, false);
                            if let Some(edited) =
                                self.value(HarFieldKind::Parameter, "userinfo", &plain)
                            {
                                let encoded = encoded_like(&edited, password, false);
                                edits.replace(start, start + password.len(), &encoded);
                            }
                            at = mark + 2 + user.len();
                        }
                    }
                }
                Some(b'=') => {
                    let name = name_before(text, mark);
                    if name.is_empty() {
                        continue;
                    }
                    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
                    let start = at + quote.map_or(0, char::len_utf8);
                    let value = text.get(start..).unwrap_or_default();
                    let end = match quote {
                        Some(quote) => value.find(quote),
                        // A value in a query may contain more unescaped characters than a word of a text.
                        None if is_in_query(text, mark) => value.find(ends_in_query),
                        None => value.find(|c| !is_value(c)),
                    };
                    let value = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
                    at = start;
                    if !value.is_empty() {
                        let is_form = value.contains('+') && !value.contains("%20");
                        let plain = decoded(value, is_form);
                        if let Some(edited) = self.value(HarFieldKind::Parameter, &name, &plain) {
                            let encoded = encoded_like(&edited, value, is_form);
                            edits.replace(start, start + value.len(), &encoded);
                        }
                        at = start + value.len();
                    }
                }
                _ => {
                    // Scripts and malformed JSON have a name and a quoted value.
                    let trimmed = after.trim_start();
                    let Some(quote) = opening_quote(trimmed) else {
                        continue;
                    };
                    let name = name_before(text, mark);
                    if names::secret(&name, false).is_none() {
                        continue;
                    }
                    let start = text.len() - trimmed.len() + quote.len();
                    let value = text.get(start..).unwrap_or_default();
                    let value = value.get(..value.find(quote).unwrap_or(value.len()));
                    let value = value.unwrap_or_default();
                    if let Some(edited) = self.value(HarFieldKind::Member, &name, value) {
                        edits.replace(start, start + value.len(), &edited);
                    }
                    at = start + value.len();
                }
            }
        }
        edits.finish()
    }
}

/// Whether a text contains a parameter of a sign-in form outside of a URL query. Such a text may be a form with escapes.
fn has_sign_in(text: &str) -> bool {
    let mut at = 0;
    text.split_inclusive(char::is_whitespace).any(|word| {
        let start = at;
        at += word.len();
        let before_query = word.split('?').next().unwrap_or_default();
        before_query
            .match_indices('=')
            .any(|(mark, _)| names::marks_sign_in(&name_before(text, start + mark)))
    })
}

/// Returns the quote at the start of a text, with the backslash before the quote if the text is within a string.
fn opening_quote(text: &str) -> Option<&'static str> {
    ["\"", "'", "\\\"", "\\'"]
        .into_iter()
        .find(|quote| text.starts_with(quote))
}

/// Returns the name that ends before `mark`, without its quotes.
fn name_before(text: &str, mark: usize) -> String {
    let before = text.get(..mark).unwrap_or_default();
    let before = before.trim_end_matches(|c: char| c == ' ' || "\"'\\".contains(c));
    let is_name = |c: &char| c.is_ascii_alphanumeric() || "-_.$%[]".contains(*c);
    let name = before.chars().rev().take(LONGEST_NAME).take_while(is_name);
    let length: usize = name.map(char::len_utf8).sum();
    let name = before.get(before.len() - length..).unwrap_or_default();
    decoded(name, false)
}

/// Whether the name that ends before `mark` is the name of a parameter in a URL query.
fn is_in_query(text: &str, mark: usize) -> bool {
    let before = text.get(..mark).unwrap_or_default();
    let is_name = |c: &char| c.is_ascii_alphanumeric() || "-_.$%[]".contains(*c);
    let name = before.chars().rev().take(LONGEST_NAME).take_while(is_name);
    let length: usize = name.map(char::len_utf8).sum();
    before
        .get(..before.len() - length)
        .is_some_and(|before| before.ends_with(['?', '&']))
}

fn ends_in_query(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "&#\"<>".contains(c)
}

/// Whether the character can be part of an unquoted value.
fn is_value(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"&\"'<>;#\\`{}|^,()".contains(c)
}

/// Decodes percent escapes. Each byte that is not UTF-8 becomes one character.
pub(super) fn decoded(text: &str, is_form: bool) -> String {
    let spaced = if is_form {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(plain) => plain.into_owned(),
        Err(_) => percent_decode_str(&spaced).map(char::from).collect(),
    }
}

/// Encodes `text` in the style of `source`, which it replaces: with hexadecimal digits in the same case, and without escapes for
/// the characters that `source` does not escape.
pub(crate) fn encoded_like(text: &str, source: &str, is_form: bool) -> String {
    let mut plain = BTreeSet::new();
    let mut coded = [false; 256];
    let (mut has_lower, mut has_upper) = (false, false);
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let digits = rest.get(1..3).filter(|_| c == '%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok().zip(Some(digits))) {
            Some((byte, digits)) => {
                has_lower |= digits.contains(|c: char| c.is_ascii_lowercase());
                has_upper |= digits.contains(|c: char| c.is_ascii_uppercase());
                if let Some(coded) = coded.get_mut(usize::from(byte)) {
                    *coded = true;
                }
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                plain.insert(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    let is_coded = |byte: u8| coded.get(usize::from(byte)).copied().unwrap_or_default();
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if c == ' ' && is_form {
            encoded.push('+');
            continue;
        }
        let is_plain = if c.is_ascii_alphanumeric() {
            true
        } else if let (true, Ok(byte)) = ("-._~".contains(c), u8::try_from(c)) {
            !is_coded(byte)
        } else {
            plain.contains(&c) && !"%+ &=#".contains(c)
        };
        if is_plain {
            encoded.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            encoded.push_str(&if has_lower && !has_upper {
                format!("%{byte:02x}")
            } else {
                format!("%{byte:02X}")
            });
        }
    }
    encoded
}
