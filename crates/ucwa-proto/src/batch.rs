//! Batches: several HTTP messages in one body of `multipart/batching` (`BatchingRequests`, `batch_ref`).
//!
//! The decoder accepts LF as line end, a missing closing delimiter, parts without `Content-Length`, and bodies with a
//! byte order mark. The encoder is strict.
//!
//! A batch must not contain another batch, a request for events, or a request for a photo; its parts have no
//! `Authorization`. The responses are in the order of the requests, but the server executes the requests in any order.
//! If a user has more than 100 requests in flight, the server answers 429 and executes none of the batch.

use std::borrow::Cow;

use self::mime::{Part, decode, encode};
use crate::{DecodeError, Limits};

mod mime;

/// The media type of a batch, for `Accept` and, with a boundary, for `Content-Type`.
pub const MEDIA_TYPE: &str = "multipart/batching";

/// A request in a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method.
    pub method: Cow<'a, str>,
    /// The path and query, relative to the host.
    pub target: Cow<'a, str>,
    /// The headers, in order, such as `Host` and `Accept`. The encoder adds `Content-Length`.
    pub headers: Vec<Header<'a>>,
    /// The body; may be empty.
    pub body: Cow<'a, [u8]>,
}

/// A response in a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Response<'a> {
    /// The status.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: Cow<'a, str>,
    /// The headers, in order.
    pub headers: Vec<Header<'a>>,
    /// The body, without a byte order mark; may be empty.
    pub body: Cow<'a, [u8]>,
}

/// The name and value of a header.
pub type Header<'a> = (Cow<'a, str>, Cow<'a, str>);

/// An encoded batch.
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

    /// The value of the first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Decodes a batch of requests. Pass the [`boundary`] of the `Content-Type`; without one it is taken from the first
    /// delimiter.
    ///
    /// # Errors
    ///
    /// If the body has no parts, too many parts, or a part that is not a request.
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

    /// Encodes a batch of requests. The boundary contains `seed` and occurs in no body. Line breaks in headers are removed.
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

    /// The value of the first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// Decodes a batch of responses, as [`Request::decode_batch`] does for requests.
    ///
    /// # Errors
    ///
    /// If the body has no parts, too many parts, or a part that is not a response.
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

    /// Encodes a batch of responses, as [`Request::encode_batch`] does for requests, but without `Content-Length`, which the parts
    /// of servers do not have.
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

/// The boundary in a `Content-Type` of `multipart/batching`, quoted or not.
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

/// Debug output without bodies and header values, which may contain messages and tokens.
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
    fn encoded_batches_are_decoded_again() {
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
        let read = Response::decode_batch(
            &batch.body,
            boundary(&batch.content_type),
            &Limits::default(),
        )
        .unwrap();
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
    fn batches_of_servers_are_decoded() {
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
        for spare in [0, 1] {
            let limit = batch.body.len() - spare;
            let limits = Limits {
                body_bytes: limit,
                ..Limits::default()
            };
            let error = Request::decode_batch(&batch.body, None, &limits).err();
            let kind = (spare > 0).then_some(DecodeErrorKind::TooLarge { limit });
            assert_eq!(error.map(|error| error.kind().clone()), kind);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_no_delimiter() {
        for (length, parts) in [(70, Some(1)), (71, None)] {
            let delimiter = format!("--{}", "b".repeat(length));
            let body = format!("{delimiter}\r\n\r\nGET /x HTTP/1.1\r\n\r\n\r\n{delimiter}--");
            let read = Request::decode_batch(body.as_bytes(), None, &Limits::default());
            assert_eq!(read.ok().map(|read| read.len()), parts, "{length}");
        }
        let read = Request::decode_batch(
            b"--\r\n--b\r\n\r\nGET /x HTTP/1.1\r\n\r\n\r\n--b--",
            None,
            &Limits::default(),
        );
        assert_eq!(read.unwrap()[0].target, "/x");
    }
}
