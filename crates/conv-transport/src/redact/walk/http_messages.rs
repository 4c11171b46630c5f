//! Visits the HTTP messages of batches. A part of a batch contains one message, or several in sequence.

use super::{HarFieldKind, Walk};

/// An HTTP message in a text.
struct Message<'t> {
    head: &'t str,
    /// The empty line between the head and the body.
    between: &'t str,
    body: Body<'t>,
    /// The text after the message: the next message, or nothing.
    rest: &'t str,
}

enum Body<'t> {
    /// The body as it is in the text.
    Plain(&'t str),
    /// A body that was joined from its chunks, and the trailer fields after the last chunk.
    Chunked { joined: String, trailers: &'t str },
    /// A body in malformed chunks. Readers could disagree on its content.
    Damaged(&'t str),
}

impl Walk<'_> {
    /// Visits HTTP requests or responses: the first line, the headers and the body of each.
    pub(super) fn http_messages(&mut self, text: &str) -> Option<String> {
        let mut messages = String::new();
        let mut is_edited = false;
        let mut rest = text;
        loop {
            let message = rest.trim_start_matches(['\r', '\n']);
            messages += rest.get(..rest.len() - message.len()).unwrap_or_default();
            rest = message;
            if rest.is_empty() {
                break;
            }
            let read = Message::read(rest);
            let whole = rest.get(..rest.len() - read.rest.len()).unwrap_or_default();
            rest = read.rest;
            match self.http_message(read) {
                Some(edited) => {
                    messages += &edited;
                    is_edited = true;
                }
                None => messages += whole,
            }
        }
        is_edited.then_some(messages)
    }

    fn http_message(&mut self, read: Message<'_>) -> Option<String> {
        let mut headers = Headers::read(read.head);
        let content_type = headers.value("content-type").unwrap_or_default().to_owned();
        let (body, edited) = match read.body {
            Body::Plain(body) => (body, self.body(&content_type, body)),
            Body::Damaged(body) => (body, self.opaque(body)),
            Body::Chunked { joined, trailers } => {
                let mut fields = Headers::read(trailers);
                fields.edit(self);
                let edited = self.body(&content_type, &joined);
                headers.edit(self);
                if edited.is_none() && !fields.is_edited && !headers.is_edited {
                    return None;
                }
                let body = chunked(edited.as_deref().unwrap_or(&joined), &fields.lines.concat());
                return message(headers, read.between, "", Some(body));
            }
        };
        headers.edit(self);
        if let Some(body) = &edited {
            headers.set_length(body.len());
        }
        message(headers, read.between, body, edited)
    }
}

impl<'t> Message<'t> {
    /// Reads the message at the start of a text.
    ///
    /// The headers determine the end of the body (RFC 9112, 6.3) if nothing or another message follows there. Otherwise the rest of
    /// the text is the body, because some programs write batches with wrong lengths.
    fn read(text: &'t str) -> Self {
        let (head, between, after) = match split_head(text) {
            (_, "", _) if is_first_line(text) => (text, "", ""),
            split if is_first_line(text) || split.0.lines().all(is_header) => split,
            _ => ("", "", text),
        };
        let headers = Headers::read(head);
        let coding = headers.value("transfer-encoding").unwrap_or_default();
        let is_chunked = coding.to_ascii_lowercase().ends_with("chunked");
        let (body, rest) = if is_chunked && chunk_size(after).is_some() {
            match joined(after) {
                Some((joined, trailers, rest)) if is_end(rest) => {
                    (Body::Chunked { joined, trailers }, rest)
                }
                _ => (Body::Damaged(after), ""),
            }
        } else {
            let length = headers.value("content-length");
            let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            match after.split_at_checked(length) {
                Some((body, rest)) if is_end(rest) => (Body::Plain(body), rest),
                _ => (Body::Plain(after), ""),
            }
        };
        Self {
            head,
            between,
            body,
            rest,
        }
    }
}

/// Whether a message can end before this text: the text has only line ends, or begins with another message.
fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['\r', '\n']);
    rest.is_empty() || is_first_line(rest)
}

/// Whether a text begins with a request line or a status line.
fn is_first_line(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (first, second, third) = (words.next(), words.next(), words.next());
    let is_version = |word: &str| {
        let version = word.strip_prefix("HTTP/").unwrap_or_default();
        version.starts_with(|c: char| c.is_ascii_digit())
    };
    match (first, second, third, words.next()) {
        (Some(version), Some(status), ..) if is_version(version) => {
            status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit())
        }
        (Some(method), Some(_), Some(version), None) => {
            is_version(version) && method.bytes().all(|byte| byte.is_ascii_alphabetic())
        }
        _ => false,
    }
}

/// Returns the size in the first line of a chunk.
fn chunk_size(text: &str) -> Option<usize> {
    let line = text.lines().next().unwrap_or_default();
    let digits = line.split(';').next().unwrap_or_default();
    usize::from_str_radix(digits.trim(), 16).ok()
}

/// Joins the chunks at the start of a text (RFC 9112, 7.1). Returns the joined body, the trailer fields, and the text after them. If
/// the text is truncated within a chunk, that chunk is the last one.
fn joined(text: &str) -> Option<(String, &str, &str)> {
    let mut joined = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let size = chunk_size(rest)?;
        let (_, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if size == 0 {
            return Some(match split_head(after) {
                (_, "", _) => (joined, after, ""),
                (trailers, _, rest) => (joined, trailers, rest),
            });
        }
        if size >= after.len() {
            return Some((joined + after, "", ""));
        }
        let (chunk, after) = after.split_at_checked(size)?;
        joined += chunk;
        rest = after
            .strip_prefix("\r\n")
            .or_else(|| after.strip_prefix('\n'))?;
    }
    Some((joined, "", ""))
}

/// Writes a body as one chunk.
fn chunked(body: &str, trailers: &str) -> String {
    let size = body.len();
    if size == 0 {
        return format!("0\r\n{trailers}\r\n");
    }
    format!("{size:x}\r\n{body}\r\n0\r\n{trailers}\r\n")
}

pub(super) fn message(
    headers: Headers,
    between: &str,
    body: &str,
    edited: Option<String>,
) -> Option<String> {
    if !headers.is_edited && edited.is_none() {
        return None;
    }
    let body = edited.as_deref().unwrap_or(body);
    Some(format!("{}{between}{body}", headers.lines.concat()))
}

/// Splits a text into its headers, the empty line, and the rest. The headers may be empty.
pub(super) fn split_head(text: &str) -> (&str, &str, &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if matches!(line, "\n" | "\r\n") {
            let (head, rest) = text.split_at(at);
            let (between, body) = rest.split_at(line.len());
            return (head, between, body);
        }
        at += line.len();
    }
    // A text without an empty line has no headers.
    ("", "", text)
}

/// Whether a line is a header or the continuation of a header. The name of a header is a token (RFC 9110, 5.6.2).
pub(super) fn is_header(line: &str) -> bool {
    let name = line.split_once(':').map_or("", |(name, _)| name.trim_end());
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    line.starts_with([' ', '\t']) || (!name.is_empty() && name.bytes().all(is_token))
}

/// The header lines of a message or part, with their line ends. Folded headers are joined.
pub(super) struct Headers {
    lines: Vec<String>,
    is_edited: bool,
}

impl Headers {
    pub(super) fn read(head: &str) -> Self {
        let fold = |head: String, fold: &str| head.replace(fold, " ");
        let head = ["\r\n ", "\r\n\t", "\n ", "\n\t"]
            .into_iter()
            .fold(head.to_owned(), fold);
        let lines = head.split_inclusive('\n');
        Self {
            lines: lines.map(str::to_owned).collect(),
            is_edited: false,
        }
    }

    pub(super) fn value(&self, wanted: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim())
        })
    }

    pub(super) fn edit(&mut self, walk: &mut Walk<'_>) {
        for line in &mut self.lines {
            let end = line.trim_end_matches(['\r', '\n']).len();
            let (content, ending) = line.split_at(end);
            let edited = match content.split_once(':') {
                Some((name, value)) if is_header(content) => walk
                    .header(name.trim(), value.trim())
                    .map(|value| format!("{name}: {value}{ending}")),
                // This is the request line or the status line.
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

    pub(super) fn set_length(&mut self, length: usize) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_and_status_lines_are_distinguished_from_text() {
        for line in [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 204",
            "GET /a?b HTTP/1.1",
            "PATCH * HTTP/2\r\nHost: x",
        ] {
            assert!(is_first_line(line), "{line}");
        }
        for line in [
            "",
            "HTTP/1.1 is old",
            "HTTP/1.1 20",
            "HTTP/1.1 2000",
            "HTTP/x 200 OK",
            "GET /a",
            "GET /a HTTP/x",
            "GET /a b HTTP/1.1",
            "{\"a\": /b HTTP/1.1",
        ] {
            assert!(!is_first_line(line), "{line}");
        }
    }
}
