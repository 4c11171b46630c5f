//! A transport that writes down what passes through it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    HttpTransport, SendOptions, TransportError,
    coding::Coding,
    har::{
        Content, Creator, Entry, Extra, Har, HarRequest, HarResponse, Log, PostData, RecordedError,
        text_of,
    },
    redact::{Redactor, without_secret_fields},
};

/// A body larger than this is not unpacked to be recorded, in bytes.
const UNPACKED_LIMIT: usize = 64 * 1024 * 1024;

/// How a [`Record`] writes.
#[derive(Clone)]
#[non_exhaustive]
pub struct RecordOptions {
    /// The date at which the recording begins: dates in it are this one plus what tokio's clock says, so that a recording made
    /// in virtual time is the same each time.
    pub wall_epoch: SystemTime,
    /// Literals that must not be in the recording, in any form: plain, percent-encoded, in base64, escaped in JSON or XML.
    /// Each is replaced by a pseudonym that is made for it.
    pub secrets: Vec<String>,
    /// Literals and what is to stand for each of them, in the same forms: SIP URIs, names, the text of messages.
    pub pseudonyms: Vec<(String, String)>,
}

impl RecordOptions {
    /// A recording that begins at `wall_epoch` and of which no particular secret is known.
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

/// Records every exchange that passes through it to the transport inside, in HAR 1.2.
///
/// Sendings and receivings share one count, so that a [`Replay`](crate::Replay) can keep cause and effect in order. An error of
/// the transport is recorded as that error, an exchange whose future was dropped as aborted.
///
/// These are taken out while recording, always: the credentials in `Authorization` and `Proxy-Authorization`, the values of
/// cookies, passwords and other secrets in forms, tokens that a JSON response grants or a URL hands on (`access_token`,
/// `refresh_token`, `id_token`), and [`RecordOptions::secrets`]. A token becomes a pseudonym, the same wherever it appears from there on, so a
/// replay works; so do credentials and cookies of 8 characters or more. A challenge (`WWW-Authenticate`) is kept. Names and the
/// text of messages are kept as well, unless [`RecordOptions::pseudonyms`] has them: they are what a replay is about.
///
/// A response in gzip or deflate is recorded decoded; one in a coding that is not read here is recorded without its body, since
/// no secret could be found in it.
pub struct Record<T> {
    inner: T,
    wall_epoch: SystemTime,
    began: Instant,
    recording: Arc<Mutex<Recording>>,
}

#[derive(Default)]
struct Recording {
    entries: Vec<Entry>,
    ordinal: u64,
    redactor: Redactor,
}

impl<T: HttpTransport> Record<T> {
    /// Begins a recording of what passes to `inner`.
    pub fn new(inner: T, options: RecordOptions) -> Self {
        Self {
            inner,
            wall_epoch: options.wall_epoch,
            began: Instant::now(),
            recording: Arc::new(Mutex::new(Recording {
                redactor: Redactor::new(&options.secrets, &options.pseudonyms),
                ..Recording::default()
            })),
        }
    }

    /// The recording as it is now; an exchange under way has neither a response nor an ordinal of receiving.
    pub fn har(&self) -> Har {
        Har {
            log: Log {
                version: "1.2".to_owned(),
                creator: Creator {
                    name: env!("CARGO_PKG_NAME").to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    extra: Extra::new(),
                },
                entries: lock(&self.recording).entries.clone(),
                extra: Extra::new(),
            },
            extra: Extra::new(),
        }
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
        let index = {
            let mut recording = lock(&self.recording);
            let entry = Entry {
                started_date_time: self.date(started),
                request: recording.request(&request),
                response: no_response(),
                lane: Some(options.lane),
                sent: Some(recording.next_ordinal()),
                extra: extra([("cache", json!({})), ("timings", timings(0.0))]),
                ..Entry::default()
            };
            recording.entries.push(entry);
            recording.entries.len() - 1
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
            .field("entries", &lock(&self.recording).entries.len())
            .finish_non_exhaustive()
    }
}

fn lock(recording: &Mutex<Recording>) -> MutexGuard<'_, Recording> {
    recording.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An exchange under way; dropped before its end, it was aborted.
struct Pending {
    recording: Arc<Mutex<Recording>>,
    index: usize,
    started: Instant,
    ended: bool,
}

impl Pending {
    fn end(&mut self, result: &Result<Response<Bytes>, TransportError>) {
        self.ended = true;
        self.complete(Some(result));
    }

    fn complete(&self, result: Option<&Result<Response<Bytes>, TransportError>>) {
        let mut recording = lock(&self.recording);
        let time = milliseconds(self.started.elapsed());
        let ordinal = recording.next_ordinal();
        let response = match result {
            Some(Ok(response)) => Some(recording.response(response)),
            _ => None,
        };
        let error = match result {
            Some(Err(error)) => Some(recording.error(error)),
            _ => None,
        };
        let Some(entry) = recording.entries.get_mut(self.index) else {
            return;
        };
        entry.time = time;
        entry.received = Some(ordinal);
        entry.extra.insert("timings".to_owned(), timings(time));
        entry.aborted = result.is_none();
        entry.error = error;
        if let Some(response) = response {
            entry.response = response;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.ended {
            self.complete(None);
        }
    }
}

impl Recording {
    fn next_ordinal(&mut self) -> u64 {
        self.ordinal += 1;
        self.ordinal
    }

    fn request(&mut self, request: &Request<Bytes>) -> HarRequest {
        self.redactor.learn_headers(request.headers());
        self.redactor.learn_parameters(&request.uri().to_string());
        let url = self.redactor.text(&request.uri().to_string());
        let post_data = (!request.body().is_empty()).then(|| {
            let body = self.redactor.bytes(&without_secret_fields(request.body()));
            let (text, encoding) = text_of(&body);
            PostData {
                mime_type: content_type(request.headers()),
                text: Some(text),
                encoding,
                ..PostData::default()
            }
        });
        HarRequest {
            method: request.method().to_string(),
            http_version: "HTTP/1.1".to_owned(),
            headers: self.redactor.headers(request.headers()),
            post_data,
            extra: extra([
                ("cookies", json!([])),
                ("queryString", query(&url)),
                ("headersSize", json!(-1)),
                ("bodySize", json!(request.body().len())),
            ]),
            url,
        }
    }

    fn response(&mut self, response: &Response<Bytes>) -> HarResponse {
        let body = readable(response.headers(), response.body());
        if let Some(body) = &body {
            self.redactor.learn_tokens(body);
        }
        self.redactor.learn_headers(response.headers());

        let headers = self.redactor.headers(response.headers());
        let redirect_url = headers
            .iter()
            .find(|header| header.name == header::LOCATION.as_str())
            .map(|header| header.value.clone());
        let mime_type = content_type(response.headers());
        let content = match body {
            Some(body) => Content::of(&self.redactor.bytes(&body), mime_type),
            None => Content {
                mime_type,
                extra: extra([("comment", json!("not recorded: its coding is not read"))]),
                ..Content::default()
            },
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
                ("bodySize", json!(response.body().len())),
            ]),
        }
    }

    fn error(&self, error: &TransportError) -> RecordedError {
        let mut recorded = RecordedError::of(error);
        recorded.detail = recorded.detail.map(|detail| self.redactor.text(&detail));
        recorded
    }
}

/// The body without any coding, `None` where its coding is not read here.
fn readable(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let Some(coding) = headers.get(header::CONTENT_ENCODING) else {
        return Some(body.clone());
    };
    if body.is_empty() || coding == "identity" {
        return Some(body.clone());
    }
    let decoded = Coding::named(coding.to_str().ok()?)?.decode(body, UNPACKED_LIMIT);
    decoded.ok().flatten().map(Bytes::from)
}

fn content_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default()
}

/// The query of a URL as the format wants it beside the URL.
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
