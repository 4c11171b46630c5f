//! Visits the parts of multipart bodies.

use std::{borrow::Cow, ops::Range};

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_STANDARD_NO_PAD};

use super::{
    HarFieldKind, Walk,
    header_parameters::field_name,
    http_messages::{Headers, is_header, message, split_head},
    json::Edits,
    names,
};

impl Walk<'_> {
    pub(super) fn multipart(&mut self, text: &str, boundary: &str) -> Option<String> {
        let Some(parts) = parts(text, boundary) else {
            return self.opaque(text);
        };
        let parts = parts.into_iter().map(|range| {
            let part = Part::read(text.get(range.clone()).unwrap_or_default());
            (range, part)
        });
        let parts: Vec<_> = parts.collect();
        let around = self.is_guarded;
        self.is_guarded |= parts
            .iter()
            .any(|(_, part)| names::marks_sign_in(&part.name));
        let mut edits = Edits::new(text);
        for (range, part) in parts {
            if let Some(edited) = self.part(part) {
                edits.replace(range.start, range.end, &edited);
            }
        }
        self.is_guarded = around;
        edits.finish()
    }

    fn part(&mut self, part: Part<'_>) -> Option<String> {
        let mut headers = part.headers;
        let content_type = headers.value("content-type").unwrap_or_default().to_owned();
        let coding = headers
            .value("content-transfer-encoding")
            .unwrap_or_default();
        let coding = Coding::named(coding);
        let edited = match coding.decode(part.body) {
            None => self.opaque(part.body),
            Some(body) => self
                .form_data(&part.name, &content_type, &body)
                .map(|edited| coding.encode(&edited)),
        };
        headers.edit(self);
        if let Some(body) = &edited {
            headers.set_length(body.len());
        }
        message(headers, part.between, part.body, edited)
    }

    /// Visits the body of a part. If the part has a name, its body is the value of a form field.
    fn form_data(&mut self, name: &str, content_type: &str, body: &str) -> Option<String> {
        let field = self.field(HarFieldKind::Parameter, name);
        let entered = match name {
            "" => None,
            _ => self.visitor.enter(&field, body),
        };
        match entered {
            Some(edited) => (edited != body).then_some(edited),
            None => self.body(content_type, body),
        }
    }
}

/// Returns the ranges of the parts. The text before the first delimiter and the text after the last one count as parts.
///
/// Returns `None` if readers can disagree on the parts: a delimiter is within a line, at the start of a longer line, or after the
/// closing delimiter. A part may then contain a body with the same boundary, and the ranges would split documents.
fn parts(text: &str, boundary: &str) -> Option<Vec<Range<usize>>> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let (mut start, mut at, mut is_closed) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        let after = line.strip_prefix(&delimiter);
        if after.unwrap_or(line).contains(&delimiter) {
            return None;
        }
        if let Some(after) = after {
            let after = after.trim();
            if is_closed || !matches!(after, "" | "--") {
                return None;
            }
            is_closed = after == "--";
            // The line break before a delimiter belongs to the delimiter (RFC 2046, 5.1.1).
            let part = text.get(start..at).unwrap_or_default();
            let part = part.strip_suffix('\n').unwrap_or(part);
            let part = part.strip_suffix('\r').unwrap_or(part);
            parts.push(start..start + part.len());
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push(start..text.len());
    Some(parts)
}

/// A part of a multipart body.
struct Part<'t> {
    /// The name of the form field. Empty if the part is not a form field.
    name: String,
    headers: Headers,
    between: &'t str,
    body: &'t str,
}

impl<'t> Part<'t> {
    fn read(text: &'t str) -> Self {
        let (head, between, body) = match split_head(text) {
            (head, ..) if !head.lines().all(is_header) => ("", "", text),
            split => split,
        };
        let headers = Headers::read(head);
        let name = headers.value("content-disposition").map(field_name);
        Self {
            name: name.unwrap_or_default(),
            headers,
            between,
            body,
        }
    }
}

/// The content transfer encoding of a part.
#[derive(Clone, Copy, PartialEq)]
enum Coding {
    Plain,
    Base64,
    QuotedPrintable,
}

impl Coding {
    fn named(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Plain,
        }
    }

    /// Decodes a body. Returns `None` if it cannot be decoded to text.
    fn decode(self, body: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Plain => Some(Cow::Borrowed(body)),
            Self::Base64 => {
                let digits: String = body.split_ascii_whitespace().collect();
                let bytes = BASE64_STANDARD_NO_PAD
                    .decode(digits.trim_end_matches('='))
                    .ok()?;
                String::from_utf8(bytes).ok().map(Cow::Owned)
            }
            Self::QuotedPrintable => {
                let joined = body.replace("=\r\n", "").replace("=\n", "");
                let mut bytes = Vec::with_capacity(joined.len());
                let mut rest = joined.as_bytes();
                while let Some((first, after)) = rest.split_first() {
                    let code = after.get(..2).filter(|_| *first == b'=');
                    let code = code.and_then(|code| std::str::from_utf8(code).ok());
                    match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                        Some(byte) => {
                            bytes.push(byte);
                            rest = after.get(2..).unwrap_or_default();
                        }
                        None => {
                            bytes.push(*first);
                            rest = after;
                        }
                    }
                }
                String::from_utf8(bytes).ok().map(Cow::Owned)
            }
        }
    }

    fn encode(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Base64 => BASE64_STANDARD.encode(text),
            Self::QuotedPrintable => {
                let mut encoded = String::with_capacity(text.len());
                for byte in text.bytes() {
                    if byte == b'=' || !byte.is_ascii() {
                        encoded.push_str(&format!("={byte:02X}"));
                    } else {
                        encoded.push(char::from(byte));
                    }
                }
                encoded
            }
        }
    }
}
