//! Names and the texts of messages in a recording, each with a pseudonym that is the same wherever it stands.

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{Har, HarHeader};
use ucwa_proto::{DataUri, Limits, MediaType, batch};

use super::{RedactError, json, xml};
use crate::traffic::Names;

/// What a contact card or a roster calls somebody, and by what he can be told.
const NAMES: [&str; 17] = [
    "anonymousDisplayName",
    "company",
    "department",
    "displayName",
    "emailAddresses",
    "homePhoneNumber",
    "mobilePhoneNumber",
    "name",
    "number",
    "office",
    "officeLocation",
    "organizerName",
    "otherPhoneNumber",
    "phoneNumber",
    "smtpAddress",
    "title",
    "workPhoneNumber",
];

/// What somebody has written, besides messages: a note is a `message` too.
const TEXTS: [&str; 4] = ["description", "message", "previewMessage", "subject"];

/// The pseudonyms of a recording.
#[derive(Default)]
pub(super) struct People {
    /// None where names stay.
    pub(super) names: Option<Names>,
    /// None where texts stay.
    pub(super) texts: Option<Names>,
}

impl People {
    /// Replaces names and texts where UCWA has them: in members of JSON and XML, in data URIs, in messages, in the parts of a batch.
    ///
    /// A body that should be JSON, XML or a batch and cannot be read is an error, since nobody knows what is in it.
    pub(super) fn redact(&mut self, har: &mut Har) -> Result<(), RedactError> {
        if self.names.is_none() && self.texts.is_none() {
            return Ok(());
        }
        for (index, entry) in har.log.entries.iter_mut().enumerate() {
            let unreadable = |reason| RedactError::Unreadable {
                number: index + 1,
                reason,
            };
            let body = entry.request.body()?;
            if let Some(data) = &mut entry.request.post_data {
                let kind = Kind::of(&entry.request.headers, &data.mime_type);
                let edited = self.request(&kind, &body).map_err(unreadable)?;
                if let Some((text, kind)) = edited {
                    data.text = Some(text);
                    data.encoding = None;
                    data.mime_type.clone_from(&kind.0);
                    kind.write(&mut entry.request.headers);
                }
            }
            let body = entry.response.body()?;
            let kind = Kind::of(&entry.response.headers, &entry.response.content.mime_type);
            let edited = self.response(&kind, &body).map_err(unreadable)?;
            if let Some((text, kind)) = edited {
                let content = &mut entry.response.content;
                content.size = i64::try_from(text.len()).unwrap_or(i64::MAX);
                content.text = Some(text);
                content.encoding = None;
                content.mime_type.clone_from(&kind.0);
                kind.write(&mut entry.response.headers);
            }
        }
        Ok(())
    }

    /// The pairs of the names that are more than one word, which can be found in a text without finding anything else.
    pub(super) fn full_names(&self) -> Vec<(String, String)> {
        let names = self.names.iter().flat_map(Names::pairs);
        let full = names.filter(|(name, _)| name.contains(' '));
        full.map(|(name, pseudonym)| (name.to_owned(), pseudonym.to_owned()))
            .collect()
    }

    /// The body of a request, and its type, if they have changed.
    fn request(&mut self, kind: &Kind, body: &[u8]) -> Result<Option<(String, Kind)>, String> {
        if kind.is("text/plain") || kind.is("text/html") {
            let text = String::from_utf8_lossy(body);
            return Ok(self.text(&text).map(|text| (text, kind.clone())));
        }
        if let Some(boundary) = batch::boundary(&kind.0) {
            let limits = Limits::default();
            let mut parts = batch::Request::decode_batch(body, Some(boundary), &limits)
                .map_err(|error| error.to_string())?;
            for part in &mut parts {
                let kind = Kind(part.header("content-type").unwrap_or_default().to_owned());
                if let Some((text, _)) = self.request(&kind, &part.body)? {
                    part.body = text.into_bytes().into();
                }
            }
            return encoded(batch::Request::encode_batch(&parts, BOUNDARY)).map(Some);
        }
        self.page(kind, body)
    }

    fn response(&mut self, kind: &Kind, body: &[u8]) -> Result<Option<(String, Kind)>, String> {
        if let Some(boundary) = batch::boundary(&kind.0) {
            let limits = Limits::default();
            let mut parts = batch::Response::decode_batch(body, Some(boundary), &limits)
                .map_err(|error| error.to_string())?;
            for part in &mut parts {
                let kind = Kind(part.header("content-type").unwrap_or_default().to_owned());
                if let Some((text, _)) = self.response(&kind, &part.body)? {
                    part.body = text.into_bytes().into();
                }
            }
            return encoded(batch::Response::encode_batch(&parts, BOUNDARY)).map(Some);
        }
        self.page(kind, body)
    }

    fn page(&mut self, kind: &Kind, body: &[u8]) -> Result<Option<(String, Kind)>, String> {
        if body.is_empty() || !(kind.is_like("json") || kind.is_like("xml")) {
            return Ok(None);
        }
        let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
        let edit = |member: &str, value: &str| self.edit(member, value);
        let edited = if kind.is_like("json") {
            json::rewrite(text, edit).map_err(|error| error.to_string())?
        } else {
            xml::rewrite(text, edit).map_err(|error| error.to_string())?
        };
        Ok((edited != text).then(|| (edited, kind.clone())))
    }

    /// What stands in the place of `value`, if not itself.
    fn edit(&mut self, member: &str, value: &str) -> Option<String> {
        if let Ok(uri) = DataUri::parse(value) {
            return self.data_uri(value, &uri);
        }
        if value.trim().is_empty() {
            return None;
        }
        if NAMES.contains(&member) {
            let names = self.names.as_mut()?;
            return Some(names.of(value, |n| format!("Person {n}")).to_owned());
        }
        if TEXTS.contains(&member) {
            return self.text(value);
        }
        None
    }

    fn text(&mut self, text: &str) -> Option<String> {
        if text.trim().is_empty() {
            return None;
        }
        let texts = self.texts.as_mut()?;
        Some(texts.of(text, |n| format!("Text {n}")).to_owned())
    }

    /// The message that stands for the one in `uri`, written in the same way.
    fn data_uri(&mut self, whole: &str, uri: &DataUri<'_>) -> Option<String> {
        match uri.media_type() {
            MediaType::TextPlain | MediaType::TextHtml => {
                let text = self.text(&uri.text())?;
                let (head, _) = whole.split_once(',')?;
                Some(if head.ends_with(";base64") {
                    format!("{head},{}", BASE64_STANDARD.encode(text))
                } else {
                    format!("{head},{}", text.replace(' ', "+"))
                })
            }
            MediaType::MultipartAlternative => {
                let text = self.text(&uri.text())?;
                Some(DataUri::text_plain_percent_encoded(&text))
            }
            MediaType::Other(_) => None,
        }
    }
}

/// What the boundaries of batches begin with that are written anew.
const BOUNDARY: &str = "redacted";

fn encoded(batch: batch::Batch) -> Result<(String, Kind), String> {
    let text = String::from_utf8(batch.body).map_err(|error| error.to_string())?;
    Ok((text, Kind(batch.content_type)))
}

/// The type of a body, with its parameters.
#[derive(Clone)]
struct Kind(String);

impl Kind {
    fn of(headers: &[HarHeader], mime_type: &str) -> Self {
        let header = headers.iter().find(|header| is_type(header));
        Self(header.map_or_else(|| mime_type.to_owned(), |header| header.value.clone()))
    }

    /// Without its parameters.
    fn media_type(&self) -> String {
        let media_type = self.0.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    }

    fn is(&self, media_type: &str) -> bool {
        self.media_type() == media_type
    }

    /// Whether it is that syntax, `application/json` or `application/vnd.microsoft.com.ucwa+xml`.
    fn is_like(&self, syntax: &str) -> bool {
        self.media_type().ends_with(syntax)
    }

    fn write(&self, headers: &mut [HarHeader]) {
        for header in headers.iter_mut().filter(|header| is_type(header)) {
            header.value.clone_from(&self.0);
        }
    }
}

fn is_type(header: &HarHeader) -> bool {
    header.name.eq_ignore_ascii_case("content-type")
}
