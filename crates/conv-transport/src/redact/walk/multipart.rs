//! The parts of multipart bodies, and the messages of HTTP that batches have in their parts.

use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_STANDARD_NO_PAD};

use super::{HarFieldKind, Walk, json::Edits, names, type_parameter};

impl Walk<'_> {
    pub(super) fn multipart(&mut self, text: &str, boundary: &str) -> Option<String> {
        let delimiter = format!("--{boundary}");
        let mut edits = Edits::new(text);
        let mut part_starts = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if line.starts_with(&delimiter) {
                if let Some(start) = part_starts {
                    // The line break before a delimiter belongs to it.
                    let part: &str = text.get(start..at).unwrap_or_default();
                    let end = part.strip_suffix('\n').unwrap_or(part);
                    let end = end.strip_suffix('\r').unwrap_or(end);
                    if let Some(edited) = self.part(end) {
                        edits.replace(start, start + end.len(), &edited);
                    }
                }
                part_starts = Some(at + line.len());
            }
            at += line.len();
        }
        // What follows the last delimiter is a part that was cut off, or nothing.
        let start = part_starts.unwrap_or_default();
        let rest = text.get(start..).unwrap_or_default();
        if let Some(edited) = self.part(rest) {
            edits.replace(start, text.len(), &edited);
        }
        edits.finish()
    }

    fn part(&mut self, part: &str) -> Option<String> {
        let (head, between, body) = split_head(part);
        let mut headers = Headers::read(head);
        let name = headers
            .value("content-disposition")
            .and_then(|value| type_parameter(value, "name"))
            .map(str::to_owned);
        let content_type = headers.value("content-type").unwrap_or_default().to_owned();
        let coding = headers
            .value("content-transfer-encoding")
            .unwrap_or_default();
        let coding = Coding::named(coding);
        let decoded = coding.decode(body);
        let body_text = decoded.as_deref().unwrap_or(body);
        let edited = match &name {
            Some(name) if names::secret(name, true).is_some() => {
                self.value(HarFieldKind::Parameter, name, body_text)
            }
            _ => self.body(&content_type, body_text),
        };
        let edited = edited.map(|edited| match &decoded {
            Some(_) => coding.encode(&edited),
            None => edited,
        });
        headers.edit(self);
        if let Some(body) = &edited {
            headers.set_length(body.len());
        }
        message(headers, between, body, edited)
    }

    /// A request or a response of HTTP: a line, headers, and a body.
    pub(super) fn http_message(&mut self, text: &str) -> Option<String> {
        let (head, between, body) = split_head(text);
        let mut headers = Headers::read(head);
        let content_type = headers.value("content-type").unwrap_or_default().to_owned();
        let edited = self.body(&content_type, body);
        headers.edit(self);
        if let Some(body) = &edited {
            headers.set_length(body.len());
        }
        message(headers, between, body, edited)
    }
}

fn message(headers: Headers, between: &str, body: &str, edited: Option<String>) -> Option<String> {
    if !headers.is_edited && edited.is_none() {
        return None;
    }
    let body = edited.as_deref().unwrap_or(body);
    Some(format!("{}{between}{body}", headers.lines.concat()))
}

/// The headers, the empty line, and what follows. A part may begin with the empty line.
fn split_head(text: &str) -> (&str, &str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if matches!(line, "\n" | "\r\n") {
            let (head, rest) = text.split_at(at);
            let (between, body) = rest.split_at(line.len());
            return (head, between, body);
        }
        at += line.len();
    }
    // Without an empty line nothing says that this is a head.
    ("", "", text)
}

/// The lines of a head, with their ends.
struct Headers {
    lines: Vec<String>,
    is_edited: bool,
}

impl Headers {
    fn read(head: &str) -> Self {
        let lines = head.split_inclusive('\n');
        Self {
            lines: lines.map(str::to_owned).collect(),
            is_edited: false,
        }
    }

    fn value(&self, wanted: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    }

    fn edit(&mut self, walk: &mut Walk<'_>) {
        for line in &mut self.lines {
            let end = line.trim_end_matches(['\r', '\n']).len();
            let (content, ending) = line.split_at(end);
            let edited = match content.split_once(':') {
                Some((name, value)) if !name.contains([' ', '/']) => walk
                    .header(name.trim(), value.trim())
                    .map(|value| format!("{name}: {value}{ending}")),
                // The first line of a message.
                _ => walk
                    .value(HarFieldKind::Text, "", content)
                    .map(|content| content + ending),
            };
            if let Some(edited) = edited {
                *line = edited;
                self.is_edited = true;
            }
        }
    }

    fn set_length(&mut self, length: usize) {
        for line in &mut self.lines {
            if let Some((name, _)) = line.split_once(':')
                && name.trim().eq_ignore_ascii_case("content-length")
            {
                *line = format!("{name}: {length}\r\n");
                self.is_edited = true;
            }
        }
    }
}

/// How the body of a part is written.
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

    /// The body, `None` if it is as it was written.
    fn decode(self, body: &str) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Base64 => {
                let digits: String = body.split_ascii_whitespace().collect();
                let bytes = BASE64_STANDARD_NO_PAD
                    .decode(digits.trim_end_matches('='))
                    .ok()?;
                String::from_utf8(bytes).ok()
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
                String::from_utf8(bytes).ok()
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
