//! Visits every value of a body by the structure of the body: forms, JSON, XML, HTML, multipart bodies and batches, data URIs, URLs,
//! and each of them inside another.

mod header_parameters;
mod http_messages;
mod json;
mod markup;
mod multipart;
mod parameters;

use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;

use self::json::Edits;
pub(super) use self::{header_parameters::type_parameter, parameters::encoded_like};
use super::{base64::Base64, names};
use crate::har::is_binary;

/// The deepest nesting of documents that is walked. A document below it is dropped as a whole.
const MAX_DEPTH: usize = 12;

/// The least number of base64 digits that are decoded.
const SHORTEST_BASE64: usize = 16;

/// The kind of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HarFieldKind {
    /// A member of JSON.
    Member,
    /// A parameter of a form or of a URL's query.
    Parameter,
    /// The text in an element of XML or HTML. The name of the field is the name of the element, or the attribute `name` of a property.
    Element,
    /// An attribute of an element of XML or HTML.
    Attribute,
    /// A header of HTTP.
    Header,
    /// A cookie.
    Cookie,
    /// The credentials of an authentication scheme, from a header or a URL.
    Credentials,
    /// A whole body, a part of a batch, or a data URI. The name of the field is the media type.
    Body,
    /// An attribute of HTML that holds a value, such as the value of a form field.
    HtmlValue,
    /// A script, a style sheet or a comment in HTML.
    HtmlScript,
    /// Any other text.
    Text,
}

/// A value of a HAR file, as [`Har::edit`](crate::Har::edit) shows it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HarField<'a> {
    /// The name without escapes. Empty if the value has no name.
    pub name: &'a str,
    /// The kind of the field.
    pub kind: HarFieldKind,
    /// Whether the value is in the body of a request.
    pub in_request: bool,
    /// Whether the value is in a data URI.
    pub in_data_uri: bool,
    /// Whether the field is inside a field with a secret name.
    pub(crate) in_secret: bool,
    /// Whether the body keeps only the values of public names.
    pub(crate) is_guarded: bool,
}

/// Receives each value of a walk.
pub(crate) trait Visitor {
    /// Visits a value before the values inside it. Returns a replacement, or `None` to walk into the value.
    fn enter(&mut self, field: &HarField<'_>, value: &str) -> Option<String>;

    /// Visits a value after the values inside it. Returns a replacement, or `None` to keep the value.
    fn leave(&mut self, field: &HarField<'_>, value: &str) -> Option<String>;
}

/// The state of a walk.
pub(crate) struct Walk<'v> {
    visitor: &'v mut dyn Visitor,
    in_request: bool,
    in_data_uri: bool,
    in_secret: bool,
    in_cookies: bool,
    is_guarded: bool,
    depth: usize,
}

impl<'v> Walk<'v> {
    pub(crate) fn new(visitor: &'v mut dyn Visitor) -> Self {
        Self {
            visitor,
            in_request: false,
            in_data_uri: false,
            in_secret: false,
            in_cookies: false,
            is_guarded: false,
            depth: 0,
        }
    }

    /// Creates a walk through the body of a request.
    pub(crate) fn in_request(visitor: &'v mut dyn Visitor) -> Self {
        Self {
            in_request: true,
            ..Self::new(visitor)
        }
    }

    /// Sets whether the following bodies keep only the values of public names: those that a replay needs of a sign-in.
    pub(crate) fn guard(&mut self, is_guarded: bool) {
        self.is_guarded = is_guarded;
    }

    /// Whether the walk is in a list of cookies.
    pub(crate) fn is_in_cookies(&self) -> bool {
        self.in_cookies
    }

    /// Calls `walk` for the value of a member `name` of the HAR file itself.
    pub(crate) fn within(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        let outer = (self.in_secret, self.in_cookies);
        if name == "cookies" {
            self.in_cookies = true;
        } else {
            self.in_secret |= names::secret(name, false).is_some();
        }
        walk(self);
        (self.in_secret, self.in_cookies) = outer;
    }

    fn field<'a>(&self, kind: HarFieldKind, name: &'a str) -> HarField<'a> {
        HarField {
            name,
            kind,
            in_request: self.in_request,
            in_data_uri: self.in_data_uri,
            in_secret: self.in_secret,
            is_guarded: self.is_guarded,
        }
    }

    /// Walks a value. Returns its replacement, or `None` if it is unchanged.
    pub(crate) fn value(&mut self, kind: HarFieldKind, name: &str, value: &str) -> Option<String> {
        if value.is_empty() {
            return None;
        }
        let mut field = self.field(kind, name);
        // A value that is nested too deep for the walk may contain a secret.
        field.in_secret |= self.depth >= MAX_DEPTH && is_more_than_text(value);
        if let Some(entered) = self.visitor.enter(&field, value) {
            return (entered != value).then_some(entered);
        }
        let inside = self.deeper(|walk| walk.inside(value));
        let left = self
            .visitor
            .leave(&field, inside.as_deref().unwrap_or(value));
        left.or(inside)
    }

    /// Walks a body. Returns its replacement, or `None` if it is unchanged.
    pub(crate) fn body(&mut self, content_type: &str, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        if self.depth >= MAX_DEPTH && is_more_than_text(text) {
            return self.opaque(text);
        }
        let media_type = media_type(content_type);
        let field = self.field(HarFieldKind::Body, &media_type);
        if let Some(entered) = self.visitor.enter(&field, text) {
            return (entered != text).then_some(entered);
        }
        let inside = self.deeper(|walk| walk.document(content_type, text));
        // The visitor also sees the whole text, because secrets may be in malformed parts that the walk does not visit.
        let left = self
            .visitor
            .leave(&field, inside.as_deref().unwrap_or(text));
        left.or(inside)
    }

    /// Drops a whole text, because readers could disagree on its structure.
    fn opaque(&mut self, text: &str) -> Option<String> {
        let mut field = self.field(HarFieldKind::Text, "");
        field.in_secret = true;
        let entered = self.visitor.enter(&field, text);
        let edited = entered.or_else(|| self.visitor.leave(&field, text));
        edited.filter(|edited| edited != text)
    }

    fn deeper<T>(&mut self, walk: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }

    fn document(&mut self, content_type: &str, text: &str) -> Option<String> {
        match Shape::of(content_type, text) {
            Shape::Json => self.json(text),
            Shape::Markup { is_html } => self.markup(text, is_html),
            Shape::Multipart(boundary) => self.multipart(text, &boundary),
            Shape::Http => self.http_messages(text),
            Shape::Form => self.form(text),
            Shape::DataUri => self.data_uri(text),
            Shape::FormOrBase64 | Shape::Text => self.untyped(text),
        }
    }

    /// Walks the content of a value: a document, a URL, or text with parameters.
    fn inside(&mut self, value: &str) -> Option<String> {
        match Shape::of("", value) {
            Shape::Json | Shape::Markup { .. } | Shape::Multipart(_) => self.body("", value),
            Shape::DataUri => self.data_uri(value),
            Shape::Form | Shape::Http | Shape::FormOrBase64 | Shape::Text => self.untyped(value),
        }
    }

    /// Walks a text of unknown type: a document in base64 or with escapes, or text with parameters.
    fn untyped(&mut self, text: &str) -> Option<String> {
        if let Some(edited) = self.in_base64(text) {
            return edited;
        }
        let edited = if looks_like_form(text) {
            self.form(text)
        } else {
            self.text(text)
        };
        let edited = self
            .base64_words(edited.as_deref().unwrap_or(text))
            .or(edited);
        let text = edited.as_deref().unwrap_or(text);
        self.in_escapes(text).or(edited)
    }

    /// Visits documents in base64 within other text. The values of parameters have been visited already.
    fn base64_words(&mut self, text: &str) -> Option<String> {
        let mut edits = Edits::new(text);
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let start = at + rest.find(is_base64_digit).unwrap_or(rest.len());
            let word = text.get(start..).unwrap_or_default();
            let digits = word.find(|c| !is_base64_digit(c)).unwrap_or(word.len());
            let padding = word.bytes().skip(digits).take(2);
            let length = digits + padding.take_while(|byte| *byte == b'=').count();
            let word = word.get(..length).unwrap_or_default();
            let before = text.get(..start).unwrap_or_default();
            let is_value = before.trim_end_matches(['"', '\'']).ends_with('=');
            if !is_value {
                self.base64_word(word, start, length < text.len(), &mut edits);
            }
            at = start + length.max(1);
        }
        edits.finish()
    }

    /// Visits the word at `start`. If `as_whole` is set and the word is base64, the word is decoded as a whole. Otherwise each part
    /// between slashes may be base64, because the word may be a path.
    fn base64_word(&mut self, word: &str, start: usize, as_whole: bool, edits: &mut Edits<'_>) {
        match self.in_base64(word).filter(|_| as_whole) {
            Some(Some(edited)) => edits.replace(start, start + word.len(), &edited),
            Some(None) => {}
            None if word.contains('/') => {
                let mut at = start;
                for segment in word.split('/') {
                    if let Some(Some(edited)) = self.in_base64(segment) {
                        edits.replace(at, at + segment.len(), &edited);
                    }
                    at += segment.len() + 1;
                }
            }
            None => {}
        }
    }

    /// Decodes one layer of escapes and walks the result.
    fn in_escapes(&mut self, text: &str) -> Option<String> {
        let percent = |text: &str| parameters::decoded(text, !text.contains("%20"));
        let json = |text: &str| json::unescaped(text);
        let xml = |text: &str| markup::unescaped(text).into_owned();
        let encode = |edited: &str| parameters::encoded_like(edited, text, text.contains('+'));
        // This decodes one kind of escapes. The walk of the result decodes the others.
        if text.contains('%') && percent(text) != text {
            self.in_decoded(text, percent, encode)
        } else if text.contains('\\') {
            self.in_decoded(text, json, json::escaped)
        } else if text.contains('&') {
            self.in_decoded(text, xml, markup::escaped)
        } else {
            None
        }
    }

    /// Walks the decoded text, and encodes the result.
    fn in_decoded(
        &mut self,
        text: &str,
        decode: impl Fn(&str) -> String,
        encode: impl Fn(&str) -> String,
    ) -> Option<String> {
        let decoded = decode(text);
        if decoded == text {
            return None;
        }
        if self.depth >= MAX_DEPTH {
            return self.opaque(text);
        }
        let edited = self.deeper(|walk| walk.inside(&decoded))?;
        Some(encode(&edited))
    }

    /// Walks a text in base64. Returns `None` if the value is not the base64 of a text, and `Some(None)` if the text is unchanged.
    fn in_base64(&mut self, value: &str) -> Option<Option<String>> {
        let digits = value.trim_end_matches('=');
        if digits.len() < SHORTEST_BASE64 || !digits.chars().all(is_base64_digit) {
            return None;
        }
        let base64 = Base64::of(digits.as_bytes());
        let text = String::from_utf8(base64.decode(digits.as_bytes())?).ok()?;
        if text.contains(is_binary) {
            return None;
        }
        let edited = self.body("", &text).map(|edited| {
            let padding = if digits.len() < value.len() { "=" } else { "" };
            let encoded = base64.encode(edited.as_bytes());
            let length = padding.len() * ((4 - encoded.len() % 4) % 4);
            encoded + &padding.repeat(length)
        });
        Some(edited)
    }

    fn data_uri(&mut self, uri: &str) -> Option<String> {
        let (head, data) = uri.split_once(',')?;
        let content_type = head.get(5..)?;
        let outer = self.in_data_uri;
        self.in_data_uri = true;
        let edited = if let Some(content_type) = content_type.strip_suffix(";base64") {
            let decoded = percent_decode_str(data).decode_utf8_lossy();
            let digits: String = decoded.split_ascii_whitespace().collect();
            let digits = digits.trim_end_matches('=').as_bytes();
            let bytes = Base64::of(digits).decode(digits);
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            match text {
                Some(text) => self
                    .body(content_type, &text)
                    .map(|edited| format!("{head},{}", BASE64_STANDARD.encode(edited))),
                // Other text follows the base64, or the base64 is malformed.
                None => self.untyped(uri),
            }
        } else {
            // UCWA writes a space as `+`, as in a form.
            let text = parameters::decoded(data, true);
            self.body(content_type, &text)
                .map(|edited| format!("{head},{}", parameters::encoded_like(&edited, data, true)))
        };
        self.in_data_uri = outer;
        edited
    }

    /// Walks the value of a header.
    pub(crate) fn header(&mut self, name: &str, value: &str) -> Option<String> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let lines = |walk: &mut Self, edit: fn(&mut Self, &str) -> Option<String>| {
            // A HAR file may join several headers of one name, with one header on each line.
            let mut is_edited = false;
            let lines = value.split('\n').map(|line| match edit(walk, line) {
                Some(edited) => {
                    is_edited = true;
                    edited
                }
                None => line.to_owned(),
            });
            let lines: Vec<String> = lines.collect();
            is_edited.then(|| lines.join("\n"))
        };
        let edited = if is("authorization") || is("proxy-authorization") {
            lines(self, Self::credentials)
        } else if is("cookie") {
            lines(self, |walk, line| walk.cookies(line, true))
        } else if is("set-cookie") {
            lines(self, |walk, line| walk.cookies(line, false))
        } else if is("www-authenticate") || is("proxy-authenticate") || is("authentication-info") {
            lines(self, Self::challenge)
        } else {
            return self.value(HarFieldKind::Header, name, value);
        };
        // The visitor also sees the whole value, because secrets may be outside the parts with a name.
        let field = self.field(HarFieldKind::Text, "");
        let left = self
            .visitor
            .leave(&field, edited.as_deref().unwrap_or(value));
        left.or(edited)
    }

    fn credentials(&mut self, line: &str) -> Option<String> {
        let (scheme, credentials) = line.split_once(' ').unwrap_or(("", line));
        let edited = self.value(HarFieldKind::Credentials, scheme, credentials.trim())?;
        Some(if scheme.is_empty() {
            edited
        } else {
            format!("{scheme} {edited}")
        })
    }

    /// Walks a challenge: keeps the parameters, and drops the token of a handshake (NTLM, Negotiate, Kerberos).
    fn challenge(&mut self, line: &str) -> Option<String> {
        let mut edited = false;
        let mut follows_scheme = false;
        let words: Vec<String> = line
            .split(' ')
            .map(|word| {
                let token = word.trim_end_matches(',');
                let is_token = follows_scheme
                    && token.len() >= 8
                    && !token.trim_end_matches('=').contains(['=', '"']);
                follows_scheme =
                    ["ntlm", "negotiate", "kerberos"].contains(&&*token.to_ascii_lowercase());
                let value = is_token.then(|| self.value(HarFieldKind::Credentials, "", token));
                match value.flatten() {
                    Some(value) => {
                        edited = true;
                        value + word.get(token.len()..).unwrap_or_default()
                    }
                    None => word.to_owned(),
                }
            })
            .collect();
        edited.then(|| words.join(" "))
    }

    /// Walks a line of `Cookie` or `Set-Cookie`. If `all` is set, each part is a cookie. Otherwise the first part is a cookie and the
    /// others are attributes.
    fn cookies(&mut self, line: &str, all: bool) -> Option<String> {
        let mut is_edited = false;
        let mut parts: Vec<String> = Vec::new();
        for (index, part) in line.split(';').enumerate() {
            let (name, value) = part.split_once('=').unwrap_or(("", part));
            let value = value.trim().trim_matches('"');
            let edited = if all || index == 0 {
                self.value(HarFieldKind::Cookie, name.trim(), value)
            } else {
                self.value(HarFieldKind::Text, "", value)
            };
            parts.push(match edited {
                Some(edited) => {
                    is_edited = true;
                    if part.contains('=') {
                        format!("{name}={edited}")
                    } else {
                        edited
                    }
                }
                None => part.to_owned(),
            });
        }
        is_edited.then(|| parts.join(";"))
    }
}

/// Returns the media type without its parameters, in lower case.
pub(crate) fn media_type(content_type: &str) -> String {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

/// The syntax by which a text is read.
enum Shape {
    Json,
    Markup {
        is_html: bool,
    },
    Multipart(String),
    Http,
    Form,
    DataUri,
    /// The text has the characters of a form, and may be base64 with padding.
    FormOrBase64,
    Text,
}

impl Shape {
    /// Determines the syntax of a text. The content decides first, because content types are often wrong.
    fn of(content_type: &str, text: &str) -> Self {
        let media_type = media_type(content_type);
        let is_like = |syntax| media_type.ends_with(syntax);
        if media_type.starts_with("multipart/")
            && let Some(boundary) = type_parameter(content_type, "boundary")
            && !boundary.is_empty()
            && text.contains(&format!("--{boundary}"))
        {
            return Self::Multipart(boundary);
        }
        if media_type == "application/http" || media_type == "message/http" {
            return Self::Http;
        }
        let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let starts = |start: &str| {
            let begin = begins.get(..start.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
        };
        if begins.starts_with(['{', '[']) {
            return Self::Json;
        }
        if begins.starts_with('<') {
            let is_html = is_like("html") || starts("<!doctype html") || starts("<html");
            return Self::Markup { is_html };
        }
        if let Some(line) = begins
            .strip_prefix("--")
            .and_then(|rest| rest.lines().next())
            && (begins.contains("\n\n") || begins.contains("\n\r\n"))
            && !line.trim().is_empty()
        {
            return Self::Multipart(line.trim_end().to_owned());
        }
        if starts("data:") && begins.contains(',') && begins.len() == text.len() {
            return Self::DataUri;
        }
        if media_type == "application/x-www-form-urlencoded" {
            Self::Form
        } else if is_like("json") {
            Self::Json
        } else if is_like("xml") || is_like("html") {
            Self::Markup {
                is_html: is_like("html"),
            }
        } else if looks_like_form(text) {
            Self::FormOrBase64
        } else {
            Self::Text
        }
    }
}

/// Whether a text may contain another document.
fn is_more_than_text(text: &str) -> bool {
    text.contains(['%', '\\', '&', '=', ':'])
        || !matches!(Shape::of("", text), Shape::Text)
        || text
            .split(|c| !is_base64_digit(c))
            .any(|word| word.len() >= SHORTEST_BASE64)
}

/// Whether the character is a base64 digit of either alphabet.
fn is_base64_digit(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/-_".contains(c)
}

fn looks_like_form(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~%+*=&[]!'()@:/$,".contains(c);
    let name = text.split('=').next().unwrap_or_default();
    name.len() < text.len()
        && !name.is_empty()
        && !name.contains(['/', ':', '&'])
        && text.trim_end().chars().all(is_part)
}
