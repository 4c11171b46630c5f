//! Batches: many HTTP messages in one body of `multipart/batching` (`BatchingRequests`, `batch_ref`).
//!
//! Reading is lenient: line ends may be LF, the closing delimiter may be missing, parts may lack `Content-Length`, bodies may begin with a byte order mark.
//! Writing is strict. A batch must hold no other batch, no request for events and none for a photo; parts carry no `Authorization`. Answers stand in the order of
//! the requests, but the server executes in any order; with too many requests outstanding (100 per user) it answers 429 and executes none.

use std::borrow::Cow;

use crate::{DecodeError, DecodeErrorKind, Limits};

/// The media type of a batch; both `Accept` and, with a boundary, `Content-Type`.
pub const MEDIA_TYPE: &str = "multipart/batching";

/// A request in a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: Cow<'a, str>,
    /// The path and query, relative to the host.
    pub target: Cow<'a, str>,
    /// The headers in order, `Host` and `Accept` among them; `Content-Length` is written by itself.
    pub headers: Vec<Header<'a>>,
    /// The body; may be empty.
    pub body: Cow<'a, [u8]>,
}

/// A response in a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status.
    pub status: u16,
    /// The phrase behind the status; may be empty.
    pub reason: Cow<'a, str>,
    /// The headers in order.
    pub headers: Vec<Header<'a>>,
    /// The body, without a byte order mark; may be empty.
    pub body: Cow<'a, [u8]>,
}

/// The name and value of a header.
pub type Header<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A batch ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    /// The value of `Content-Type`, with the boundary.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

impl<'a> Request<'a> {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: impl Into<Cow<'a, str>>, target: impl Into<Cow<'a, str>>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Cow::Borrowed(b""),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Reads a batch of requests. The boundary comes from `Content-Type` through [`boundary`]; without one the first delimiter shows it.
    ///
    /// # Errors
    ///
    /// If the body has no parts, too many, or one that is no request.
    pub fn decode_batch(
        body: &'a [u8],
        boundary: Option<&str>,
        limits: &Limits,
    ) -> Result<Vec<Self>, DecodeError> {
        decode(body, boundary, limits, |start_line, headers, body| {
            let mut words = start_line.split_ascii_whitespace();
            let (method, target, version) = (words.next()?, words.next()?, words.next()?);
            let sound = words.next().is_none()
                && version.starts_with("HTTP/")
                && method.bytes().all(|byte| byte.is_ascii_alphabetic());
            sound.then_some(Self {
                method: Cow::Borrowed(method),
                target: Cow::Borrowed(target),
                headers,
                body,
            })
        })
    }

    /// Writes a batch of requests. The boundary begins with `seed` and occurs in no body; a line break in a header is dropped.
    #[must_use]
    pub fn encode_batch(requests: &[Self], seed: &str) -> Batch {
        let parts = requests.iter().map(|request| Part {
            start_line: format!("{} {} HTTP/1.1", request.method, request.target),
            headers: &request.headers,
            body: &request.body,
        });
        encode(parts.collect(), "request", seed)
    }
}

impl<'a> Response<'a> {
    /// A response without headers and body.
    #[must_use]
    pub fn new(status: u16, reason: impl Into<Cow<'a, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
            headers: Vec::new(),
            body: Cow::Borrowed(b""),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(
        mut self,
        name: impl Into<Cow<'a, str>>,
        value: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = body.into();
        self
    }

    /// The value of the first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Reads a batch of responses, as [`Request::decode_batch`] does.
    ///
    /// # Errors
    ///
    /// If the body has no parts, too many, or one that is no response.
    pub fn decode_batch(
        body: &'a [u8],
        boundary: Option<&str>,
        limits: &Limits,
    ) -> Result<Vec<Self>, DecodeError> {
        decode(body, boundary, limits, |start_line, headers, body| {
            let rest = start_line.strip_prefix("HTTP/")?;
            let (_, rest) = rest.split_once(' ')?;
            let (status, reason) = rest
                .trim_start()
                .split_once(' ')
                .unwrap_or((rest.trim(), ""));
            let status = status
                .parse()
                .ok()
                .filter(|status| (100..1000).contains(status))?;
            Some(Self {
                status,
                reason: Cow::Borrowed(reason.trim()),
                headers,
                body,
            })
        })
    }

    /// Writes a batch of responses, as [`Request::encode_batch`] does.
    #[must_use]
    pub fn encode_batch(responses: &[Self], seed: &str) -> Batch {
        let parts = responses.iter().map(|response| Part {
            start_line: format!("HTTP/1.1 {} {}", response.status, response.reason),
            headers: &response.headers,
            body: &response.body,
        });
        encode(parts.collect(), "response", seed)
    }
}

/// The boundary that a `Content-Type` of `multipart/batching` names, quoted or not.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let (media_type, mut rest) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case(MEDIA_TYPE) {
        return None;
    }
    while let Some((name, value)) = rest.split_once('=') {
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(';').unwrap_or((value, "")),
        };
        if name
            .trim_matches(|c: char| c.is_whitespace() || c == ';')
            .eq_ignore_ascii_case("boundary")
        {
            return Some(value.trim()).filter(|value| !value.is_empty());
        }
        rest = after;
    }
    None
}

fn header<'h>(headers: &'h [Header<'_>], name: &str) -> Option<&'h str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value)
}

struct Part<'p> {
    start_line: String,
    headers: &'p [Header<'p>],
    body: &'p [u8],
}

fn encode(parts: Vec<Part<'_>>, kind: &str, seed: &str) -> Batch {
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
        if !part.body.is_empty() {
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

/// A boundary that occurs in no part: the seed's letters and digits, and a number if need be.
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

fn decode<'a, T>(
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
        // The headers of the part say that it is HTTP, which it is.
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

/// RFC 2046 allows no longer one.
const LONGEST_BOUNDARY: usize = 70;

/// Where the parts begin and end. What stands before the first delimiter and after the last is nobody's.
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

/// The body of a message: as long as its header says, or up to the delimiter but for the line ends before it.
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
    // One line end belongs to the delimiter, and one more is usual.
    let content = without_line_end(without_line_end(rest));
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end.
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

    /// Headers up to an empty line or the end; empty lines before the first are skipped.
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

/// Bodies may hold messages, and headers tokens.
macro_rules! debug {
    ($name:ident, $($field:ident),+) => {
        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))+
                    .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
                    .field("body", &format_args!("[{} bytes]", self.body.len()))
                    .finish()
            }
        }
    };
}

debug!(Request, method, target);
debug!(Response, status, reason);

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch")
            .field("content_type", &self.content_type)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Request, Response, boundary};
    use crate::{DecodeErrorKind, Limits};

    fn requests() -> Vec<Request<'static>> {
        vec![
            Request::new("GET", "/ucwa/v1/me?x=1")
                .with_header("Host", "pool.example")
                .with_header("Accept", "application/json"),
            Request::new("POST", "/ucwa/v1/note")
                .with_header("Content-Type", "application/json")
                .with_body(&b"{\"message\":\"a\r\n\r\n\"}\r\n"[..]),
        ]
    }

    fn without_length(mut requests: Vec<Request<'_>>) -> Vec<Request<'_>> {
        for request in &mut requests {
            request.headers.retain(|(name, _)| name != "Content-Length");
        }
        requests
    }

    #[test]
    fn what_is_written_reads_back() {
        let batch = Request::encode_batch(&requests(), "7f-3");
        assert_eq!(batch.content_type, "multipart/batching;boundary=batch7f3");
        for boundary in [boundary(&batch.content_type), None] {
            let read = Request::decode_batch(&batch.body, boundary, &Limits::default()).unwrap();
            assert_eq!(without_length(read), requests());
        }
        let responses = vec![
            Response::new(200, "OK")
                .with_header("Content-Type", "application/json; charset=utf-8")
                .with_body(&b"{}"[..]),
            Response::new(204, "No Content").with_header("Cache-Control", "no-cache"),
        ];
        let batch = Response::encode_batch(&responses, "x");
        let mut read = Response::decode_batch(
            &batch.body,
            boundary(&batch.content_type),
            &Limits::default(),
        )
        .unwrap();
        read[0].headers.retain(|(name, _)| name != "Content-Length");
        assert_eq!(read, responses);
    }

    #[test]
    fn a_boundary_never_occurs_in_a_body() {
        let batch = Request::encode_batch(
            &[Request::new("POST", "/x").with_body(&b"--batcha\r\n--batchax1"[..])],
            "a",
        );
        assert_eq!(boundary(&batch.content_type), Some("batchax2"));
    }

    #[test]
    fn what_servers_write_is_read() {
        let body = b"\r\n--b\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 200 OK\r\nCache-Control: no-cache\r\n\
            Content-Type: application/json; charset=utf-8\r\n\r\n\xef\xbb\xbf{\"rel\":\"me\"}\r\n--b\r\nContent-Type: application/http; msgtype=response\r\n\r\n\
            HTTP/1.1 204 No Content\r\nCache-Control: no-cache\r\n\r\n\r\n--b--\r\nepilogue";
        let read = Response::decode_batch(body, Some("b"), &Limits::default()).unwrap();
        assert_eq!(
            (read[0].status, &*read[0].body),
            (200, &b"{\"rel\":\"me\"}"[..])
        );
        assert_eq!(
            (read[1].status, &*read[1].reason, &*read[1].body),
            (204, "No Content", &b""[..])
        );
        assert_eq!(
            read[0].header("content-TYPE"),
            Some("application/json; charset=utf-8")
        );
    }

    #[test]
    fn line_feeds_and_a_missing_end_are_tolerated() {
        let body = b"--b\nContent-Type: application/http\n\nGET /x HTTP/1.1\nHost: h\n\n\n--b\n\nGET /y HTTP/1.1\nHost: h";
        let read = Request::decode_batch(body, None, &Limits::default()).unwrap();
        assert_eq!(
            read.iter()
                .map(|request| &*request.target)
                .collect::<Vec<_>>(),
            ["/x", "/y"]
        );
    }

    #[test]
    fn the_boundary_is_found_quoted_or_not() {
        assert_eq!(boundary("multipart/batching;boundary=a-b"), Some("a-b"));
        assert_eq!(
            boundary("Multipart/Batching; x=\"1;2\"; Boundary=\"a b\"; y=z"),
            Some("a b")
        );
        assert_eq!(boundary("multipart/batching; boundary="), None);
        assert_eq!(boundary("multipart/mixed; boundary=a"), None);
        assert_eq!(boundary("multipart/batching"), None);
    }

    #[test]
    fn broken_batches_are_errors_with_a_place() {
        for (body, offset) in [
            (&b"no delimiter"[..], 12),
            (b"--b--", 5),
            (
                b"--b\r\nContent-Type: x\r\n\r\nHTTP/1.1200OK\r\n\r\n--b--",
                24,
            ),
            (b"--b\r\nbroken header\r\n\r\n--b--", 5),
            (b"--b\r\n--b--", 5),
        ] {
            let error = Response::decode_batch(body, Some("b"), &Limits::default()).unwrap_err();
            assert_eq!(error.position().offset, offset, "{error}");
        }
        let limits = Limits {
            parts: 1,
            ..Limits::default()
        };
        let batch = Request::encode_batch(&requests(), "");
        let error = Request::decode_batch(&batch.body, None, &limits).unwrap_err();
        assert_eq!(error.kind(), &DecodeErrorKind::TooManyParts { limit: 1 });
    }
}
