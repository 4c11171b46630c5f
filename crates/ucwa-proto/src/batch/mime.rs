//! The multipart framing of batches.

use std::borrow::Cow;

use super::{Batch, Header, MEDIA_TYPE, header};
use crate::{DecodeError, DecodeErrorKind, Limits};

pub(super) struct Part<'p> {
    pub(super) start_line: String,
    pub(super) headers: &'p [Header<'p>],
    pub(super) body: &'p [u8],
}

pub(super) fn encode(parts: Vec<Part<'_>>, kind: &str, seed: &str) -> Batch {
    let boundary = unused_boundary(&parts, seed);
    let mut out = Vec::new();
    let line = |out: &mut Vec<u8>, line: &str| {
        out.extend(line.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        out.extend(b"\r\n");
    };
    for part in parts {
        line(&mut out, &format!("--{boundary}"));
        line(
            &mut out,
            &format!("Content-Type: application/http; msgtype={kind}"),
        );
        line(&mut out, "");
        line(&mut out, &part.start_line);
        for (name, value) in part
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
        {
            line(&mut out, &format!("{name}: {value}"));
        }
        // The parts of servers have no length.
        if kind == "request" && !part.body.is_empty() {
            line(&mut out, &format!("Content-Length: {}", part.body.len()));
        }
        line(&mut out, "");
        out.extend(part.body);
        line(&mut out, "");
    }
    line(&mut out, &format!("--{boundary}--"));
    Batch {
        content_type: format!("{MEDIA_TYPE};boundary={boundary}"),
        body: out,
    }
}

/// A boundary that occurs in no part: the letters and digits of the seed, and a number if that is necessary.
fn unused_boundary(parts: &[Part<'_>], seed: &str) -> String {
    let seed: String = seed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(50)
        .collect();
    let used = |boundary: &str| {
        parts
            .iter()
            .any(|part| contains(part.body, boundary.as_bytes()))
    };
    let mut boundary = format!("batch{seed}");
    let mut number = 0_u32;
    while used(&boundary) {
        number += 1;
        boundary = format!("batch{seed}x{number}");
    }
    boundary
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

pub(super) fn decode<'a, T>(
    body: &'a [u8],
    boundary: Option<&str>,
    limits: &Limits,
    message: impl Fn(&'a str, Vec<Header<'a>>, Cow<'a, [u8]>) -> Option<T>,
) -> Result<Vec<T>, DecodeError> {
    if body.len() > limits.body_bytes {
        return Err(DecodeError::at(
            DecodeErrorKind::TooLarge {
                limit: limits.body_bytes,
            },
            body,
            limits.body_bytes,
        ));
    }
    let fail = |what, offset| DecodeError::at(DecodeErrorKind::Syntax(what), body, offset);
    let mut messages = Vec::new();
    let parts = parts(body, boundary);
    if parts.is_empty() {
        return Err(fail("the batch has no parts", body.len()));
    }
    for (start, end) in parts {
        if messages.len() >= limits.parts {
            return Err(DecodeError::at(
                DecodeErrorKind::TooManyParts {
                    limit: limits.parts,
                },
                body,
                start,
            ));
        }
        let mut lines = Lines {
            body,
            at: start,
            end,
        };
        // Skips the headers of the part, which only say that it is HTTP.
        lines.headers()?;
        let at = lines.at;
        let start_line = lines
            .next_text()?
            .ok_or_else(|| fail("a part of the batch is empty", start))?;
        let headers = lines.headers()?;
        let content = content(
            body.get(lines.at..end).unwrap_or_default(),
            header(&headers, "content-length"),
        );
        messages.push(
            message(start_line, headers, Cow::Borrowed(content))
                .ok_or_else(|| fail("a part of the batch is not such a message", at))?,
        );
    }
    Ok(messages)
}

/// The greatest length that RFC 2046 allows.
const LONGEST_BOUNDARY: usize = 70;

/// The beginnings and ends of the parts. The text before the first delimiter and after the last is ignored.
fn parts(body: &[u8], boundary: Option<&str>) -> Vec<(usize, usize)> {
    let mut boundary = boundary.map(str::as_bytes);
    let mut parts = Vec::new();
    let mut open = None;
    let mut lines = Lines {
        body,
        at: 0,
        end: body.len(),
    };
    loop {
        let at = lines.at;
        let Some(line) = lines.next() else { break };
        let Some(mark) = line.trim_ascii_end().strip_prefix(b"--") else {
            continue;
        };
        let expected = match boundary {
            Some(boundary) => boundary,
            None if mark.is_empty() || mark.len() > LONGEST_BOUNDARY => continue,
            None => {
                boundary = Some(mark);
                mark
            }
        };
        let closing = match mark.strip_prefix(expected) {
            Some(b"") => false,
            Some(b"--") => true,
            _ => continue,
        };
        if let Some(start) = open.take() {
            parts.push((start, at));
        }
        if closing {
            break;
        }
        open = Some(lines.at);
    }
    if let Some(start) = open
        && body
            .get(start..)
            .is_some_and(|rest| !rest.trim_ascii().is_empty())
    {
        parts.push((start, body.len()));
    }
    parts
}

/// The body of a message: of the length in its header, or else up to the line ends before the delimiter.
fn content<'a>(rest: &'a [u8], length: Option<&str>) -> &'a [u8] {
    if let Some(content) = length
        .and_then(|length| length.trim().parse().ok())
        .and_then(|length: usize| rest.get(..length))
    {
        return content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    }
    let without_line_end = |text: &'a [u8]| match text.strip_suffix(b"\n") {
        Some(text) => text.strip_suffix(b"\r").unwrap_or(text),
        None => text,
    };
    // One line end belongs to the delimiter. Servers write one more.
    let content = without_line_end(without_line_end(rest));
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its line end.
    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self
            .body
            .get(self.at..self.end)
            .filter(|rest| !rest.is_empty())?;
        let length = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        self.at += length;
        let line = rest.get(..length)?;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn next_text(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let at = self.at;
        let Some(line) = self.next() else {
            return Ok(None);
        };
        std::str::from_utf8(line)
            .map(Some)
            .map_err(|_| DecodeError::at(DecodeErrorKind::Encoding, self.body, at))
    }

    /// Reads headers up to an empty line or the end. Skips empty lines before the first header.
    fn headers(&mut self) -> Result<Vec<Header<'a>>, DecodeError> {
        let mut headers = Vec::new();
        loop {
            let at = self.at;
            let Some(line) = self.next_text()? else {
                return Ok(headers);
            };
            if line.is_empty() {
                return Ok(headers);
            }
            let (name, value) = line
                .split_once(':')
                .filter(|(name, _)| !name.is_empty() && !name.contains(|c: char| c.is_whitespace()))
                .ok_or_else(|| {
                    DecodeError::at(
                        DecodeErrorKind::Syntax("a header of the batch is broken"),
                        self.body,
                        at,
                    )
                })?;
            headers.push((Cow::Borrowed(name), Cow::Borrowed(value.trim())));
        }
    }
}
