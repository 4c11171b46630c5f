//! Recorded exchanges in the form that a replay uses.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri,
    header::{self, InvalidHeaderName},
};
use jiff::Timestamp;

use super::{
    ReplayOptions,
    binding::Bindings,
    matching::{Shape, Volatile},
    report::{LeftOut, LeftOutReason},
};
use crate::har::{Entry, Har, HarError, MemberError, RecordedError};

pub(super) struct Exchange {
    /// The number of its entry in the file, counted from 1.
    pub(super) number: usize,
    pub(super) request: Shape,
    /// The ordinals of its sending and its end, in one order with all other exchanges.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// The time of its end, counted from the first request of the recording.
    pub(super) offset: Duration,
    pub(super) end: End,
}

pub(super) enum End {
    Response {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
    },
    Error(RecordedError),
    /// The exchange was in flight when the recording ended.
    Open,
    /// The caller dropped the exchange.
    Aborted,
    /// Another program recorded the exchange, and it got no response.
    Failed,
}

impl End {
    /// Whether the caller got a response or an error.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self, Self::Response { .. } | Self::Error(_))
    }

    /// Whether a replay is complete without the exchange.
    pub(super) fn is_optional(&self) -> bool {
        matches!(self, Self::Aborted | Self::Failed)
    }
}

/// Returns the exchanges of a recording in the order of their sending, and the entries that take no part in a replay. The entries of a
/// file may be in any order.
pub(super) fn exchanges(
    har: &Har,
    options: &ReplayOptions,
) -> Result<(Vec<Exchange>, Vec<LeftOut>), HarError> {
    let mut dated = Vec::with_capacity(har.log.entries.len());
    let mut left_out = Vec::new();
    let mut date = None;
    for (index, entry) in har.log.entries.iter().enumerate() {
        let row = Row::of(entry, options, &mut date).map_err(|error| error.in_entry(index + 1))?;
        let reason = match row {
            Row::LeftOut(reason) => Some(reason),
            Row::Exchange(exchange) => {
                let is_failed = exchange.is_failed();
                dated.push((index, exchange));
                is_failed.then_some(LeftOutReason::Failed)
            }
        };
        left_out.extend(reason.map(|reason| LeftOut {
            number: index + 1,
            reason,
        }));
    }
    // Ordinals if all entries have them, dates otherwise; the two cannot be compared.
    let has_ordinals = dated.iter().all(|(_, it)| it.entry.sent.is_some());
    let began = dated.iter().map(|(_, it)| it.started).min();
    let began = began.unwrap_or(Timestamp::UNIX_EPOCH);
    let exchange = |(index, dated): (usize, Dated<'_>)| {
        let after = Duration::try_from(dated.started.duration_since(began)).unwrap_or_default();
        let offset = after.saturating_add(dated.time);
        let ordinals = if has_ordinals {
            (dated.entry.sent, dated.entry.received)
        } else {
            let sent = after.saturating_add(dated.uncertainty());
            (Some(microseconds(sent)), Some(microseconds(offset)))
        };
        Exchange::of(index + 1, dated, &options.volatile, ordinals, offset)
            .map_err(|error| error.in_entry(index + 1))
    };
    let exchanges = dated.into_iter().map(exchange);
    let mut exchanges: Vec<Exchange> = exchanges.collect::<Result<_, _>>()?;
    exchanges.sort_by_key(|exchange| exchange.sent);
    Ok((exchanges, left_out))
}

/// An entry of the file: an exchange of the replay, or left out.
enum Row<'a> {
    Exchange(Dated<'a>),
    LeftOut(LeftOutReason),
}

/// An entry with its parsed URL and times.
struct Dated<'a> {
    entry: &'a Entry,
    uri: Uri,
    started: Timestamp,
    time: Duration,
}

impl<'a> Row<'a> {
    /// Reads an entry. `date` is the date of the entry before; it is used if this one has none.
    fn of(
        entry: &'a Entry,
        options: &ReplayOptions,
        date: &mut Option<Timestamp>,
    ) -> Result<Self, MemberError> {
        let request = &entry.request;
        let header = |wanted: &str| {
            let mut headers = request.headers.iter();
            headers.any(|header| header.name.eq_ignore_ascii_case(wanted))
        };
        let is_web_socket = entry.response.status == 101 || header("sec-websocket-key");
        let reason = match request.method.as_str() {
            "" => Some(LeftOutReason::NoRequest),
            "CONNECT" => Some(LeftOutReason::Tunnel),
            "OPTIONS" => Some(LeftOutReason::Preflight),
            _ if request.url.is_empty() => Some(LeftOutReason::NoRequest),
            _ if is_web_socket => Some(LeftOutReason::WebSocket),
            _ => other_scheme(&request.url),
        };
        if let Some(reason) = reason {
            return Ok(Self::LeftOut(reason));
        }
        // A fragment is not sent.
        let url = request.url.split('#').next().unwrap_or_default();
        let uri: Uri = url
            .parse()
            .map_err(|error| MemberError::new("request.url", error))?;
        if options.left_out.contains(uri.path()) {
            return Ok(Self::LeftOut(LeftOutReason::Path));
        }
        let time = Duration::try_from_secs_f64(entry.time.max(0.0) / 1000.0)
            .map_err(|_| MemberError::new("time", "not a duration"))?;
        let started = match (entry.started()?, *date) {
            (Some(started), _) | (None, Some(started)) => started,
            (None, None) => Timestamp::UNIX_EPOCH,
        };
        *date = Some(started);
        Ok(Self::Exchange(Dated {
            entry,
            uri,
            started,
            time,
        }))
    }
}

/// The reason to leave out a URL whose scheme is not `http` or `https`.
fn other_scheme(url: &str) -> Option<LeftOutReason> {
    let (scheme, _) = url.split_once(':')?;
    let is_scheme = scheme
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !is_scheme {
        return None;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => None,
        "ws" | "wss" => Some(LeftOutReason::WebSocket),
        _ => Some(LeftOutReason::Scheme),
    }
}

impl Dated<'_> {
    /// Whether another program's request got no response. A recording of this crate says how such an exchange ended.
    fn is_failed(&self) -> bool {
        self.entry.sent.is_none()
            && self.entry.response.status == 0
            && self.entry.error.is_none()
            && !self.entry.aborted
    }

    /// The time by which a request may have been sent later than its date says.
    ///
    /// Browsers truncate dates to the millisecond. A request that follows a response within the same millisecond must not count as
    /// sent before it: the replay would hold the response until the client sends a request that waits for the response.
    fn uncertainty(&self) -> Duration {
        if self.started.subsec_nanosecond() % 1_000_000 == 0 {
            Duration::from_micros(999)
        } else {
            Duration::ZERO
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Exchange {
    fn of(
        number: usize,
        dated: Dated<'_>,
        volatile: &Volatile,
        (sent, received): (Option<u64>, Option<u64>),
        offset: Duration,
    ) -> Result<Self, MemberError> {
        let is_failed = dated.is_failed();
        let Dated { entry, uri, .. } = dated;
        let method: Method = entry
            .request
            .method
            .parse()
            .map_err(|error| MemberError::new("request.method", error))?;
        let mut headers = entry.request.headers.iter();
        let content_type = headers
            .find(|header| {
                header
                    .name
                    .eq_ignore_ascii_case(header::CONTENT_TYPE.as_str())
            })
            .map(|header| header.value.as_str());
        let stated = entry.request.post_data.as_ref();
        let content_type = content_type.or(stated.map(|data| data.mime_type.as_str()));
        let body = entry.request.body();
        let body = body.map_err(|error| MemberError::new("request.postData", error))?;
        Ok(Self {
            number,
            request: Shape::of(entry.lane, &method, &uri, content_type, &body, volatile),
            sent: sent.unwrap_or_default(),
            received: received.unwrap_or(u64::MAX),
            offset,
            end: if is_failed { End::Failed } else { end(entry)? },
        })
    }

    /// The recorded response with the live values in it.
    pub(super) fn response(
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
        bindings: &Bindings,
    ) -> Response<Bytes> {
        let body = match std::str::from_utf8(body) {
            Ok(text) => Bytes::from(bindings.substitute(text)),
            Err(_) => body.clone(),
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        for (name, value) in headers {
            let substituted = value
                .to_str()
                .ok()
                .and_then(|text| HeaderValue::from_str(&bindings.substitute(text)).ok());
            let value = substituted.unwrap_or_else(|| value.clone());
            response.headers_mut().append(name.clone(), value);
        }
        if response.headers().contains_key(header::CONTENT_LENGTH) {
            let length = HeaderValue::from(response.body().len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        response
    }
}

fn end(entry: &Entry) -> Result<End, MemberError> {
    if entry.aborted {
        return Ok(End::Aborted);
    }
    if let Some(error) = &entry.error {
        return Ok(End::Error(error.clone()));
    }
    if entry.response.status == 0 {
        return Ok(End::Open);
    }
    let status = StatusCode::from_u16(entry.response.status)
        .map_err(|error| MemberError::new("response.status", error))?;
    let malformed = |name: &str, error: &dyn fmt::Display| {
        MemberError::new("response.headers", format_args!("{name}: {error}"))
    };
    let mut headers = HeaderMap::new();
    for recorded in &entry.response.headers {
        // HTTP/2 has the status among its headers, and some programs write the status line as a header without a name.
        if recorded.name.is_empty() || recorded.name.starts_with(':') {
            continue;
        }
        let name: HeaderName = recorded
            .name
            .parse()
            .map_err(|error: InvalidHeaderName| malformed(&recorded.name, &error))?;
        // The body is replayed without its codings.
        if name == header::CONTENT_ENCODING || name == header::TRANSFER_ENCODING {
            continue;
        }
        // Chromium joins the values of repeated headers with line breaks.
        for line in recorded.value.split('\n') {
            let value = HeaderValue::from_bytes(line.as_bytes())
                .map_err(|error| malformed(name.as_str(), &error))?;
            headers.append(name.clone(), value);
        }
    }
    let body = entry.response.body();
    Ok(End::Response {
        status,
        headers,
        body: body.map_err(|error| MemberError::new("response.content", error))?,
    })
}
