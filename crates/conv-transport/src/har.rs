//! HTTP Archive 1.2: the file format that browsers and debugging proxies export.
//!
//! The members that a recording or a replay needs have fields. Every other member, of the specification or of a vendor, is kept
//! unchanged in the `extra` of its object, so that reading and writing a file loses nothing.

mod body;
mod place;
mod read;

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::body::is_binary;
pub use self::place::HarPlace;
use crate::{Lane, Sent, Stage, TransportError, TransportErrorKind};

/// The members of an object that have no field.
pub type Extra = Map<String, Value>;

/// A HAR file.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Har {
    /// The log, the only member that the specification defines.
    pub log: Log,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Har {
    /// Reads a file as browsers and proxies write it.
    ///
    /// A member that is missing, `null` or of another type than the specification says is read as far as it can be: a number in a
    /// string as that number, a status below 0 as 0, half a surrogate pair as U+FFFD. Of two members with one name the later
    /// counts. A byte order mark is skipped; UTF-16 with such a mark is read too.
    ///
    /// # Errors
    ///
    /// [`HarError::Syntax`], with the place, if the text is not JSON. [`HarError::Shape`] if it has no `log` with a list of entries.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, HarError> {
        read::har(bytes)
    }

    /// The file, indented, with a line feed at its end.
    ///
    /// # Errors
    ///
    /// [`HarError::Write`] if a member cannot be written as JSON.
    pub fn to_vec(&self) -> Result<Vec<u8>, HarError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(HarError::Write)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The exchanges of a recording, and the program that recorded them.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Log {
    /// The version of the format, `1.2`.
    pub version: String,
    /// The program that wrote the file.
    pub creator: Creator,
    /// The exchanges. In recordings of this crate they are in the order of sending, in files of other programs in any order.
    pub entries: Vec<Entry>,
    /// The other members (`pages`, `browser`, `comment`).
    #[serde(flatten)]
    pub extra: Extra,
}

/// The name and the version of a program.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Creator {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One exchange.
///
/// The members with an underscore are extensions of this crate, as the format allows. Files of other programs have none of them.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// The time at which the request was sent, in ISO 8601 with an offset.
    pub started_date_time: String,
    /// The time from the request to the end of the exchange, in milliseconds.
    pub time: f64,
    /// The request.
    pub request: HarRequest,
    /// The response. Its status is 0 if there was none.
    pub response: HarResponse,
    /// The lane of the request.
    #[serde(rename = "_lane", skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    /// The ordinal of the sending. All sendings and receivings of the recording share one count.
    #[serde(rename = "_sent", skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// The ordinal of the end of the exchange, in the same count. `None` if it was still in flight.
    #[serde(rename = "_received", skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Whether the caller dropped the exchange before it ended.
    #[serde(rename = "_aborted", skip_serializing_if = "is_false")]
    pub aborted: bool,
    /// The error, if the exchange failed.
    #[serde(rename = "_error", skip_serializing_if = "Option::is_none")]
    pub error: Option<RecordedError>,
    /// The other members (`cache`, `timings`, `pageref`, …).
    #[serde(flatten)]
    pub extra: Extra,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Entry {
    /// The time at which the request was sent. `None` if the file does not contain it.
    ///
    /// A date without an offset is read as UTC, and a number as milliseconds since 1970.
    pub(crate) fn started(&self) -> Result<Option<Timestamp>, MemberError> {
        let text = self.started_date_time.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let error = match text.parse::<Timestamp>() {
            Ok(date) => return Ok(Some(date)),
            Err(error) => error,
        };
        let civil = text.parse::<DateTime>().ok();
        let civil = civil.and_then(|date| TimeZone::UTC.to_timestamp(date).ok());
        let number = text.parse::<f64>().ok();
        let number = number.and_then(|it| Timestamp::from_millisecond(it as i64).ok());
        match civil.or(number) {
            Some(date) => Ok(Some(date)),
            None => Err(MemberError::new("startedDateTime", error)),
        }
    }
}

/// A [`TransportError`] as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedError {
    /// The kind of the error.
    pub kind: TransportErrorKind,
    /// The stage in which the exchange failed.
    pub stage: Stage,
    /// Whether the server may have received the request.
    pub sent: Sent,
    /// The description of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl RecordedError {
    pub(crate) fn of(error: &TransportError) -> Self {
        Self {
            kind: error.kind(),
            stage: error.stage(),
            sent: error.sent(),
            detail: error.detail().map(str::to_owned),
        }
    }

    pub(crate) fn replayed(&self, host: String) -> TransportError {
        let mut error = TransportError::new(self.kind, self.stage, host);
        if self.sent == Sent::No {
            error = error.never_sent();
        }
        match &self.detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        }
    }
}

/// A request.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HarRequest {
    /// The method.
    pub method: String,
    /// The absolute URL with its query.
    pub url: String,
    /// The version of the protocol, `HTTP/1.1`.
    pub http_version: String,
    /// The headers in their order.
    pub headers: Vec<HarHeader>,
    /// The body, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_data: Option<PostData>,
    /// The other members (`cookies`, `queryString`, `headersSize`, `bodySize`, …).
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body of a request.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PostData {
    /// The `Content-Type` of the request.
    pub mime_type: String,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `base64` if the body is not text. The specification has this member for responses only.
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The fields of a form, which some programs write instead of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<FormField>,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A field of a form.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A response.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HarResponse {
    /// The status. 0 if there was no response.
    pub status: u16,
    /// The reason phrase.
    pub status_text: String,
    /// The version of the protocol.
    pub http_version: String,
    /// The headers in their order.
    pub headers: Vec<HarHeader>,
    /// The body.
    pub content: Content,
    /// The value of `Location`. Empty if there is none.
    #[serde(rename = "redirectURL")]
    pub redirect_url: String,
    /// The other members (`cookies`, `headersSize`, `bodySize`, …).
    #[serde(flatten)]
    pub extra: Extra,
}

/// The body of a response.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Content {
    /// The length in bytes, without codings.
    pub size: i64,
    /// The `Content-Type` of the response.
    pub mime_type: String,
    /// The body, as text or in the [`encoding`](Self::encoding).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// `base64`. `None` if the text is the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Content {
    /// A content with this body.
    pub(crate) fn of(body: &[u8], mime_type: String) -> Self {
        let (text, encoding) = text_of(body);
        Self {
            size: i64::try_from(body.len()).unwrap_or(i64::MAX),
            mime_type,
            text: Some(text),
            encoding,
            extra: Extra::new(),
        }
    }
}

impl Content {
    /// The content that holds `body` in base64, whatever it is.
    pub(crate) fn in_base64(body: &[u8], mime_type: String) -> Self {
        Self {
            text: Some(BASE64_STANDARD.encode(body)),
            encoding: Some("base64".to_owned()),
            ..Self::of(&[], mime_type)
        }
    }
}

/// A body as a HAR file holds it: the text, or base64 and its name.
pub(crate) fn text_of(body: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (BASE64_STANDARD.encode(body), Some("base64".to_owned())),
    }
}

/// A header.
#[derive(Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HarHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The other members.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HarHeader {
    pub(crate) fn new(name: &str, value: String) -> Self {
        Self {
            name: name.to_owned(),
            value,
            extra: Extra::new(),
        }
    }
}

/// Files of other programs hold tokens, passwords and messages, so `Debug` shows none of what a file holds.
macro_rules! opaque {
    ($($name:ident),*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )* };
}

opaque!(
    Har,
    Log,
    Entry,
    HarRequest,
    PostData,
    FormField,
    HarResponse,
    Content,
    HarHeader
);

/// The reason why a body in a HAR file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HarBodyError(String);

/// What is wrong with a member of an entry.
pub(crate) struct MemberError {
    member: &'static str,
    reason: String,
}

impl MemberError {
    pub(crate) fn new(member: &'static str, reason: impl fmt::Display) -> Self {
        Self {
            member,
            reason: reason.to_string(),
        }
    }

    /// The error of the file in whose entry the member is. `number` counts the entries from 1.
    pub(crate) fn in_entry(self, number: usize) -> HarError {
        HarError::Entry {
            number,
            member: self.member,
            reason: self.reason,
        }
    }
}

fn entry(number: Option<usize>) -> String {
    number.map_or_else(String::new, |number| format!("entry {number}: "))
}

/// The reason why a HAR file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HarError {
    /// The text is not JSON: it is cut off, or broken.
    #[error("not a HAR file: {place}: {reason}")]
    Syntax {
        /// Where the text stops being JSON.
        place: HarPlace,
        /// What is wrong there.
        reason: String,
    },
    /// The text is JSON, and not a HAR file.
    #[error("not a HAR file: {place}: {reason}")]
    Shape {
        /// Where the file differs.
        place: HarPlace,
        /// How it differs.
        reason: &'static str,
    },
    /// The file cannot be written as JSON.
    #[error("the HAR file cannot be written: {0}")]
    Write(serde_json::Error),
    /// A secret is left in an entry that was redacted.
    #[error("{}a secret would be left in the field {field:?}", entry(*number))]
    Secret {
        /// The number of the entry, counted from 1; none outside of the entries.
        number: Option<usize>,
        /// The name of the field, empty for a value without one.
        field: String,
    },
    /// An entry is not an exchange, or a body in it cannot be decoded.
    #[error("entry {number}, member {member}: {reason}")]
    Entry {
        /// The number of the entry, counted from 1.
        number: usize,
        /// The path of the member in the entry, such as `response.content`.
        member: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
