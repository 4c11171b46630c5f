//! A request with its decoded query and body.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use http::{Method, Request};
use percent_encoding::percent_decode_str;
use ucwa_proto::{Limits, Representation, Resource, Value};

use super::RequestId;
use super::reply::Refusal;

/// A request that the engine handles.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) id: RequestId,
    pub(super) request: &'a Request<Bytes>,
    /// The correlation ID of the logs: the client's, or one that the server generated.
    pub(super) correlation: String,
    query: Vec<(String, String)>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(id: RequestId, correlation: String, request: &'a Request<Bytes>) -> Self {
        Self {
            id,
            correlation,
            request,
            query: form(request.uri().query().unwrap_or_default()),
        }
    }

    pub(super) fn method(&self) -> &Method {
        self.request.method()
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// A query parameter. Names are compared case-insensitively.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Refuses a request that requires a revision of its resource above 2 (`Versioning`).
    pub(super) fn check_revision(&self) -> Result<(), Refusal> {
        const REQUIRED: HeaderName = HeaderName::from_static("x-ms-requiresminresourceversion");
        match self.header(REQUIRED).map(|value| value.trim().parse()) {
            None => Ok(()),
            Some(Ok(required)) if (0.0..=2.0).contains(&required) => Ok(()),
            Some(_) => Err(Refusal::API_VERSION_NOT_SUPPORTED),
        }
    }

    /// The representation that the `Accept` header asks for. JSON without the header, `None` if the client accepts neither.
    pub(super) fn representation(&self) -> Option<Representation> {
        match self.header(ACCEPT) {
            None => Some(Representation::Json),
            Some(accept) => Representation::negotiate(accept),
        }
    }

    /// The fields of the body and of the query. UCWA takes the input of a POST from either; the body has precedence.
    pub(super) fn fields(&self) -> Result<Fields<'_>, Refusal> {
        let body = self.request.body();
        let resource = if body.is_empty() {
            None
        } else {
            let representation = self
                .header(CONTENT_TYPE)
                .and_then(Representation::from_content_type)
                .ok_or(Refusal::UNSUPPORTED_MEDIA_TYPE)?;
            let resource = Resource::decode(body, representation, &Limits::default())
                .map_err(|_| Refusal::MALFORMED)?;
            Some(resource)
        };
        Ok(Fields {
            resource,
            query: &self.query,
        })
    }
}

/// The input of an operation. Names are compared case-insensitively, since the published requests differ in case.
pub(super) struct Fields<'a> {
    pub(super) resource: Option<Resource<'a>>,
    query: &'a [(String, String)],
}

impl Fields<'_> {
    fn value(&self, name: &str) -> Option<&Value<'_>> {
        let properties = &self.resource.as_ref()?.properties;
        properties
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.value(name) {
            Some(Value::String(text)) => Some(Cow::Borrowed(text)),
            _ => self
                .query
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| Cow::Borrowed(value.as_str())),
        }
    }

    /// A text. A value of another type is an error.
    pub(super) fn only_text(&self, name: &str) -> Result<Option<Cow<'_, str>>, Refusal> {
        match self.value(name) {
            None | Some(Value::String(_) | Value::Null) => Ok(self.text(name)),
            Some(_) => Err(Refusal::parameter("A parameter isn't a text.")),
        }
    }

    /// A text of at most `limit` UTF-16 code units.
    pub(super) fn limited(&self, name: &str, limit: usize) -> Result<Option<String>, Refusal> {
        match self.text(name) {
            Some(text) if text.encode_utf16().count() > limit => {
                Err(Refusal::parameter("A parameter is too long."))
            }
            text => Ok(text.map(Cow::into_owned)),
        }
    }

    /// A text that is required and not empty.
    pub(super) fn required(&self, name: &str, limit: usize) -> Result<String, Refusal> {
        self.limited(name, limit)?
            .filter(|text| !text.is_empty())
            .ok_or(Refusal::parameter("A required parameter is missing."))
    }

    /// Checks that the input has the marker property, which a PUT must send back (`PayloadFormat`).
    pub(super) fn check_marker(&self, marker: &str) -> Result<(), Refusal> {
        match self.text(marker) {
            Some(_) => Ok(()),
            None => Err(Refusal::parameter(
                "The property that asks to be passed in a PUT request is missing.",
            )),
        }
    }

    /// An integer, which may be written as a text.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name).and_then(Value::as_integer) {
            Some(number) => Some(number),
            None => self.text(name)?.parse().ok(),
        }
    }

    /// A list of texts. `None` if it is absent.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.value(name)?.as_list();
        let texts = items.iter().filter_map(Value::as_str);
        Some(texts.map(str::to_owned).collect())
    }

    pub(super) fn link_href(&self, rel: &str) -> Option<&str> {
        self.resource.as_ref()?.link_href(rel)
    }
}

/// The decoded pairs of a form or a query.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| {
        percent_decode_str(&part.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}
