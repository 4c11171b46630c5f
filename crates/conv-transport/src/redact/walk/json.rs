//! Visits the strings of JSON. The JSON may be incomplete or malformed.

use super::{HarFieldKind, Walk};
use crate::redact::names;

/// A token of JSON. Only white space separates tokens.
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    Colon,
    Comma,
    Text,
    /// A number, a keyword, or text that is not JSON.
    Bare,
}

/// An object or array that contains the current token.
#[derive(Default)]
struct Container {
    member: String,
    /// The value of the member `name` if the object is a pair, such as `{"name": "password", "value": "…"}`.
    pair: Option<String>,
    around_is_secret: bool,
    around_is_guarded: bool,
}

impl Walk<'_> {
    pub(super) fn json(&mut self, text: &str) -> Option<String> {
        let tokens = tokens(text);
        let pairs = pairs(text, &tokens);
        let signs_in = sign_ins(text, &tokens, &pairs);
        let around = (self.in_secret, self.is_guarded);
        // In a response, only the object with the secret is guarded, because an event page has many other objects.
        self.is_guarded |= self.in_request && signs_in.contains(&true);
        let mut contents = pairs.into_iter().zip(signs_in);
        let mut edits = Edits::new(text);
        let mut containers: Vec<Container> = Vec::new();
        let (around_is_secret, around_is_guarded) = (self.in_secret, self.is_guarded);
        // Malformed JSON may have more closing brackets than opening ones.
        let outermost = || Container {
            around_is_secret,
            around_is_guarded,
            ..Container::default()
        };
        let mut current = outermost();
        for (index, token) in tokens.iter().enumerate() {
            let raw = text.get(token.start..token.end).unwrap_or_default();
            let is_name = tokens
                .get(index + 1)
                .is_some_and(|next| next.kind == Kind::Colon);
            match token.kind {
                Kind::Open => {
                    let (pair, signs_in) = contents.next().unwrap_or_default();
                    let inner = Container {
                        // The items of an array get the name of the array.
                        member: current.member.clone(),
                        pair,
                        around_is_secret: self.in_secret,
                        around_is_guarded: self.is_guarded,
                    };
                    self.is_guarded |= signs_in;
                    self.in_secret |= names::secret(&current.member, false).is_some();
                    containers.push(std::mem::replace(&mut current, inner));
                }
                Kind::Close => {
                    self.in_secret = current.around_is_secret;
                    self.is_guarded = current.around_is_guarded;
                    current = containers.pop().unwrap_or_else(outermost);
                }
                Kind::Colon | Kind::Comma => {}
                Kind::Text | Kind::Bare if is_name => {
                    let name = unquoted(raw);
                    if let Some(edited) = self.value(HarFieldKind::Text, "", &name) {
                        edits.replace(token.start, token.end, &quoted(&edited, raw));
                    }
                    current.member = name;
                }
                Kind::Bare if matches!(raw, "true" | "false" | "null") => {}
                Kind::Text | Kind::Bare => {
                    let value = unquoted(raw);
                    let is_value = ["value", "v", "content"].contains(&&*current.member);
                    let (name, kind) = match &current.pair {
                        Some(pair) if is_value => (pair.clone(), HarFieldKind::Parameter),
                        _ => (current.member.clone(), HarFieldKind::Member),
                    };
                    // A guarded body keeps numbers, unless their name is the name of a secret. It also keeps the names of pairs.
                    let guarded = self.is_guarded;
                    let is_pairs_name = current.pair.as_ref() == Some(&value);
                    self.is_guarded = guarded && raw.parse::<f64>().is_err() && !is_pairs_name;
                    if let Some(edited) = self.value(kind, &name, &value) {
                        edits.replace(token.start, token.end, &quoted(&edited, raw));
                    }
                    self.is_guarded = guarded;
                }
            }
        }
        (self.in_secret, self.is_guarded) = around;
        let edited = edits.finish();
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return edited;
        }
        let text = self.text(edited.as_deref().unwrap_or(text));
        text.or(edited)
    }
}

/// Returns, for each object and array in document order, whether it is part of a sign-in: a member is a secret or names a grant.
fn sign_ins(text: &str, tokens: &[Token], pairs: &[Option<String>]) -> Vec<bool> {
    let is_sign_in =
        |name: &str| names::is_grant_type(name) || names::secret(name, false).is_some();
    let is_pair = |pair: &Option<String>| pair.as_deref().is_some_and(is_sign_in);
    let mut sign_ins: Vec<bool> = pairs.iter().map(is_pair).collect();
    let mut open = Vec::new();
    let mut next = 0;
    for (token, following) in tokens.iter().zip(tokens.iter().skip(1)) {
        match token.kind {
            Kind::Open => {
                open.push(next);
                next += 1;
            }
            Kind::Close => {
                open.pop();
            }
            Kind::Text | Kind::Bare if following.kind == Kind::Colon => {
                let raw = text.get(token.start..token.end).unwrap_or_default();
                if let Some(sign_in) = open.last().and_then(|open| sign_ins.get_mut(*open)) {
                    *sign_in |= is_sign_in(&unquoted(raw));
                }
            }
            _ => {}
        }
    }
    sign_ins
}

/// Returns, for each object and array in document order, the value of its member `name`.
fn pairs(text: &str, tokens: &[Token]) -> Vec<Option<String>> {
    let mut pairs = Vec::new();
    let mut open = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => {
                open.push(pairs.len());
                pairs.push(None);
            }
            Kind::Close => {
                open.pop();
            }
            Kind::Text => {
                let raw = |index: usize| {
                    let token: &Token = tokens.get(index)?;
                    (token.kind == Kind::Text).then(|| text.get(token.start..token.end))?
                };
                let is_name = matches!(
                    raw(index),
                    Some("\"name\"" | "\"Name\"" | "\"key\"" | "\"n\"")
                );
                if is_name
                    && tokens
                        .get(index + 1)
                        .is_some_and(|next| next.kind == Kind::Colon)
                    && let Some(value) = raw(index + 2)
                    && let Some(pair) = open.last().and_then(|open| pairs.get_mut(*open))
                {
                    *pair = Some(unquoted(value));
                }
            }
            _ => {}
        }
    }
    pairs
}

fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let start = at;
        let kind = match byte {
            b'{' | b'[' => Kind::Open,
            b'}' | b']' => Kind::Close,
            b':' => Kind::Colon,
            b',' => Kind::Comma,
            b'"' | b'\'' => {
                at = end_of_string(bytes, at);
                Kind::Text
            }
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            _ => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest.iter().position(|b| b"{}[]:,\"\r\n".contains(b));
                at += length.unwrap_or(rest.len());
                Kind::Bare
            }
        };
        if at == start {
            at += 1;
        }
        let raw = bytes.get(start..at).unwrap_or_default();
        let end = start + raw.trim_ascii_end().len();
        tokens.push(Token { kind, start, end });
    }
    tokens
}

/// Returns the position after the string that begins at `start`. An unterminated string ends with the text.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes.get(start);
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' {
            at += 1;
        } else if Some(byte) == quote {
            return at + 1;
        }
        at += 1;
    }
    bytes.len()
}

/// Removes the quotes and escapes of a string. Other tokens are returned unchanged.
fn unquoted(raw: &str) -> String {
    let Some(quote) = raw.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return raw.to_owned();
    };
    let inner = raw.get(1..).unwrap_or_default();
    unescaped(inner.strip_suffix(quote).unwrap_or(inner))
}

/// Decodes the escapes of a string. Malformed escapes lose their backslash.
pub(super) fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        units.extend(before.encode_utf16());
        let code = escape
            .get(2..6)
            .and_then(|it| u16::from_str_radix(it, 16).ok());
        let (unit, length) = match (escape.as_bytes().get(1), code) {
            (Some(b'u'), Some(code)) => (Some(code), 6),
            (Some(b'n'), _) => (Some(0x0a), 2),
            (Some(b'r'), _) => (Some(0x0d), 2),
            (Some(b't'), _) => (Some(0x09), 2),
            (Some(b'b'), _) => (Some(0x08), 2),
            (Some(b'f'), _) => (Some(0x0c), 2),
            // An escaped quote, slash or backslash, or a malformed escape.
            _ => (None, 1),
        };
        units.extend(unit);
        rest = escape.get(length..).unwrap_or_default();
        if unit.is_none()
            && let Some(escaped) = rest.chars().next()
        {
            units.extend(escaped.encode_utf16(&mut [0; 2]).iter());
            rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
        }
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

/// Escapes the text for a string, without quotes.
pub(super) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    inner.unwrap_or(text).to_owned()
}

/// Writes `text` as a string that replaces `raw`. If `raw` has no closing quote, the result has none either.
fn quoted(text: &str, raw: &str) -> String {
    let mut quoted = serde_json::Value::from(text).to_string();
    let was_cut_off =
        raw.starts_with(['"', '\'']) && end_of_string(raw.as_bytes(), 0) == raw.len() && {
            let quote = raw.chars().next().unwrap_or_default();
            !raw.ends_with(quote)
        };
    if was_cut_off {
        quoted.pop();
    }
    quoted
}

/// Replaces ranges of a text. The ranges must be given in ascending order.
pub(super) struct Edits<'t> {
    text: &'t str,
    result: String,
    copied: usize,
}

impl<'t> Edits<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            result: String::new(),
            copied: 0,
        }
    }

    pub(super) fn replace(&mut self, start: usize, end: usize, by: &str) {
        self.result
            .push_str(self.text.get(self.copied..start).unwrap_or_default());
        self.result.push_str(by);
        self.copied = end;
    }

    /// Returns the edited text, or `None` if nothing was replaced.
    pub(super) fn finish(mut self) -> Option<String> {
        if self.copied == 0 {
            return None;
        }
        self.result
            .push_str(self.text.get(self.copied..).unwrap_or_default());
        Some(self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_is_cut_off_stays_so() {
        for (raw, expected) in [
            (r#""secret""#, r#""x""#),
            (r#""secret"#, r#""x"#),
            ("'secret'", r#""x""#),
            ("'secret", r#""x"#),
            ("12", r#""x""#),
        ] {
            assert_eq!(quoted("x", raw), expected, "{raw}");
        }
    }

    #[test]
    fn every_escape_is_decoded() {
        let text = r#"\n\r\t\b\f\/\\\"\u00e4\ud83d\ude00\x"#;
        assert_eq!(unescaped(text), "\n\r\t\u{8}\u{c}/\\\"\u{e4}\u{1f600}x");
    }
}
