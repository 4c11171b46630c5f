//! A transport that records its traffic in HAR 1.2.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    HttpTransport, Lane, SendOptions, TransportError,
    har::{
        Content, Creator, Entry, Extra, Har, HarHeader, HarRequest, HarResponse, Log, PostData,
        RecordedError, text_of,
    },
    redact::{Unreadable, redacted},
};

/// Options of a [`Record`].
#[derive(Clone)]
#[non_exhaustive]
pub struct RecordOptions {
    /// The date at which the recording begins. The dates of the exchanges are this date plus the time on tokio's clock, so that
    /// recordings in virtual time are reproducible.
    pub wall_epoch: SystemTime,
    /// Texts that must not be in the recording, in any spelling: in any case, percent-encoded, in base64, escaped in JSON or XML, or
    /// several of these over one another. Each is replaced by a pseudonym that is made for it.
    pub secrets: Vec<String>,
    /// Texts and the pseudonym of each of them, for the same spellings: SIP URIs, names, the text of messages.
    pub pseudonyms: Vec<(String, String)>,
}

impl RecordOptions {
    /// Options for a recording that begins at `wall_epoch`, without known secrets.
    #[must_use]
    pub fn new(wall_epoch: SystemTime) -> Self {
        Self {
            wall_epoch,
            secrets: Vec::new(),
            pseudonyms: Vec::new(),
        }
    }
}

impl fmt::Debug for RecordOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordOptions")
            .field("wall_epoch", &self.wall_epoch)
            .field("secrets", &self.secrets.len())
            .field("pseudonyms", &self.pseudonyms.len())
            .finish()
    }
}

/// Records every exchange of the inner transport in HAR 1.2.
///
/// Sendings and receivings share one count, so that a [`Replay`](crate::Replay) can keep cause and effect in order. Errors of the
/// transport are recorded, and so are exchanges that the caller dropped.
///
/// The recorder keeps the messages in memory with their secrets. [`har`](Self::har) removes the secrets, as [`Har::redact`] does:
/// credentials and cookies, passwords and tokens by the names of their fields, and [`RecordOptions::secrets`]. A token becomes the same
/// pseudonym wherever it appears, so that a replay works. A challenge (`WWW-Authenticate`) is kept. Names and the texts of messages
/// are kept, too, unless [`RecordOptions::pseudonyms`] contains them, because a replay compares them.
///
/// A body that cannot be decoded, so that no secret could be found in it, is left out of the recording with a comment that says why.
pub struct Record<T> {
    inner: T,
    wall_epoch: SystemTime,
    secrets: Vec<String>,
    pseudonyms: Vec<(String, String)>,
    began: Instant,
    recording: Arc<Mutex<Recording>>,
}

#[derive(Default)]
struct Recording {
    exchanges: Vec<Exchange>,
    ordinal: u64,
}

/// An exchange with its secrets. Clones share the messages.
#[derive(Clone)]
struct Exchange {
    request: Arc<Request<Bytes>>,
    lane: Lane,
    date: String,
    sent: u64,
    ended: Option<Ended>,
}

#[derive(Clone)]
struct Ended {
    received: u64,
    /// In milliseconds.
    time: f64,
    end: End,
}

#[derive(Clone)]
enum End {
    Response(Arc<Response<Bytes>>),
    Error(RecordedError),
    Aborted,
}

impl<T: HttpTransport> Record<T> {
    /// Begins to record the traffic of `inner`.
    pub fn new(inner: T, options: RecordOptions) -> Self {
        Self {
            inner,
            wall_epoch: options.wall_epoch,
            secrets: options.secrets,
            pseudonyms: options.pseudonyms,
            began: Instant::now(),
            recording: Arc::default(),
        }
    }

    /// Returns the recording up to now, without secrets. An exchange in flight has neither a response nor an ordinal of receiving.
    ///
    /// The call takes time in proportion to the size of the recording. Requests are not blocked meanwhile.
    pub fn har(&self) -> Har {
        // Under the lock only pointers are copied.
        let exchanges = lock(&self.recording).exchanges.clone();
        let har = Har {
            log: Log {
                version: "1.2".to_owned(),
                creator: Creator {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    extra: Extra::new(),
                },
                entries: exchanges.iter().map(Exchange::entry).collect(),
                extra: Extra::new(),
            },
            extra: Extra::new(),
        };
        let redacted = redacted(har, &self.secrets, &self.pseudonyms, Unreadable::Drop);
        // Exchanges that cannot be redacted are left out. If the file cannot be written as JSON, the recording is empty.
        redacted.unwrap_or_default()
    }

    /// The date of `now`, to the microsecond.
    fn date(&self, now: Instant) -> String {
        let at = self.wall_epoch.checked_add(now.duration_since(self.began));
        // Beyond the year 9999, which no clock shows, the last date stands for all.
        let at = at.and_then(|at| Timestamp::try_from(at).ok());
        format!("{:.6}", at.unwrap_or(Timestamp::MAX))
    }
}

#[async_trait]
impl<T: HttpTransport> HttpTransport for Record<T> {
    async fn send(
        &self,
        request: Request<Bytes>,
        options: SendOptions,
    ) -> Result<Response<Bytes>, TransportError> {
        let started = Instant::now();
        let date = self.date(started);
        let shared = Arc::new(request.clone());
        let index = {
            let mut recording = lock(&self.recording);
            let sent = recording.next_ordinal();
            recording.exchanges.push(Exchange {
                request: shared,
                lane: options.lane,
                date,
                sent,
                ended: None,
            });
            recording.exchanges.len() - 1
        };
        let mut pending = Pending {
            recording: Arc::clone(&self.recording),
            index,
            started,
            ended: false,
        };
        let result = self.inner.send(request, options).await;
        pending.end(&result);
        result
    }
}

impl<T: fmt::Debug> fmt::Debug for Record<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("inner", &self.inner)
            .field("exchanges", &lock(&self.recording).exchanges.len())
            .finish_non_exhaustive()
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An exchange in flight. If it is dropped before its end, it is recorded as aborted.
struct Pending {
    recording: Arc<Mutex<Recording>>,
    index: usize,
    started: Instant,
    ended: bool,
}

impl Pending {
    fn end(&mut self, result: &Result<Response<Bytes>, TransportError>) {
        self.ended = true;
        self.complete(match result {
            Ok(response) => End::Response(Arc::new(response.clone())),
            Err(error) => End::Error(RecordedError::of(error)),
        });
    }

    fn complete(&self, end: End) {
        let time = milliseconds(self.started.elapsed());
        let mut recording = lock(&self.recording);
        let received = recording.next_ordinal();
        if let Some(exchange) = recording.exchanges.get_mut(self.index) {
            exchange.ended = Some(Ended {
                received,
                time,
                end,
            });
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.ended {
            self.complete(End::Aborted);
        }
    }
}

impl Recording {
    fn next_ordinal(&mut self) -> u64 {
        self.ordinal += 1;
        self.ordinal
    }
}

impl Exchange {
    /// The exchange with its secrets.
    fn entry(&self) -> Entry {
        let ended = self.ended.as_ref();
        let time = ended.map_or(0.0, |ended| ended.time);
        let end = ended.map(|ended| &ended.end);
        Entry {
            started_date_time: self.date.clone(),
            time,
            request: request(
                self.request.method(),
                self.request.uri(),
                self.request.headers(),
                self.request.body(),
            ),
            response: match end {
                Some(End::Response(response)) => recorded_response(response),
                _ => no_response(),
            },
            lane: Some(self.lane),
            sent: Some(self.sent),
            received: ended.map(|ended| ended.received),
            aborted: matches!(end, Some(End::Aborted)),
            error: match end {
                Some(End::Error(error)) => Some(error.clone()),
                _ => None,
            },
            extra: extra([("cache", json!({})), ("timings", timings(time))]),
        }
    }
}

fn request(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> HarRequest {
    let url = uri.to_string();
    HarRequest {
        method: method.to_string(),
        http_version: "HTTP/1.1".to_owned(),
        headers: har_headers(headers),
        post_data: (!body.is_empty()).then(|| {
            let (text, encoding) = text_of(body);
            PostData {
                mime_type: content_type(headers),
                text: Some(text),
                encoding,
                ..PostData::default()
            }
        }),
        extra: extra([
            ("cookies", json!([])),
            ("queryString", query(&url)),
            ("headersSize", json!(-1)),
            ("bodySize", json!(body.len())),
        ]),
        url,
    }
}

fn recorded_response(response: &Response<Bytes>) -> HarResponse {
    let headers = har_headers(response.headers());
    let redirect_url = headers
        .iter()
        .find(|header| header.name == header::LOCATION.as_str())
        .map(|header| header.value.clone());
    let mime_type = content_type(response.headers());
    let body = response.body();
    // A coded body is bytes, even if they happen to be UTF-8.
    let content = if response.headers().contains_key(header::CONTENT_ENCODING) {
        Content::in_base64(body, mime_type)
    } else {
        Content::of(body, mime_type)
    };
    let status = response.status();
    HarResponse {
        status: status.as_u16(),
        status_text: status.canonical_reason().unwrap_or_default().to_owned(),
        http_version: "HTTP/1.1".to_owned(),
        headers,
        content,
        redirect_url: redirect_url.unwrap_or_default(),
        extra: extra([
            ("cookies", json!([])),
            ("headersSize", json!(-1)),
            ("bodySize", json!(body.len())),
        ]),
    }
}

fn har_headers(headers: &HeaderMap) -> Vec<HarHeader> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            HarHeader::new(name.as_str(), value.into_owned())
        })
        .collect()
}

fn content_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// The query of a URL as a list, which the format requires in addition to the URL.
fn query(url: &str) -> Value {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({ "name": name, "value": value })
        })
        .collect()
}

fn no_response() -> HarResponse {
    HarResponse {
        extra: extra([
            ("cookies", json!([])),
            ("headersSize", json!(-1)),
            ("bodySize", json!(-1)),
        ]),
        ..HarResponse::default()
    }
}

fn timings(time: f64) -> Value {
    json!({ "send": 0, "wait": time, "receive": 0 })
}

/// To the microsecond, as the dates are.
fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

fn extra<const N: usize>(members: [(&str, Value); N]) -> Extra {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
