//! Removes the secrets from a whole HAR file.

use serde_json::{Value, json};

use super::{
    Dropper, HarField, HarFieldKind, Literal, REDACTED, Search, Searcher,
    names::{self, marks_sign_in},
    text::{Text, text},
    walk::{Visitor, Walk},
};
use crate::har::{
    Content, Entry, Extra, Har, HarBodyError, HarError, HarHeader, HarRequest, HarResponse,
    MemberError, PostData,
};

/// The treatment of a body that cannot be decoded. Secrets in such a body cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Return an error.
    Refuse,
    /// Replace the body by a comment.
    Drop,
}

impl Har {
    /// Removes the secrets from the file, so that the file can be shared.
    ///
    /// These values are dropped:
    ///
    /// - credentials and cookies;
    /// - values of fields with secret names (`Password`, `access_token`, `client_secret`, `SAMLResponse`, …), compared without case;
    /// - in sign-in forms, sign-in requests in JSON or XML, responses of token services, SOAP, and forms and scripts in HTML: all values
    ///   that a replay does not need;
    /// - the texts in `secrets`.
    ///
    /// The first text of each pair in `pseudonyms` is replaced by the second. A dropped value is also replaced in the rest of the file,
    /// in every spelling. The replacement is the same everywhere, so that a replay can distinguish tokens.
    ///
    /// Bodies are decoded first. A body that is text is written as UTF-8. The lists of cookies are emptied.
    ///
    /// # Errors
    ///
    /// After an error the file is unchanged.
    ///
    /// - [`HarError::Entry`] if a body cannot be decoded, so that no secret can be found in it.
    ///   [`drop_unreadable_bodies`](Self::drop_unreadable_bodies) removes such bodies.
    /// - [`HarError::Secret`] if the result still contains a secret: for example, because a pseudonym contains a text to replace.
    pub fn redact(
        &mut self,
        secrets: &[String],
        pseudonyms: &[(String, String)],
    ) -> Result<(), HarError> {
        *self = redacted(self.clone(), secrets, pseudonyms, Unreadable::Refuse)?;
        Ok(())
    }

    /// Replaces every body that cannot be decoded by a comment. Returns the number of these bodies.
    pub fn drop_unreadable_bodies(&mut self) -> usize {
        let mut dropped = 0;
        for entry in &mut self.log.entries {
            if let Err(reason) = request_text(&mut entry.request) {
                drop_request(&mut entry.request, &reason);
                dropped += 1;
            }
            if let Err(reason) = response_text(&mut entry.response) {
                drop_response(&mut entry.response, &reason);
                dropped += 1;
            }
        }
        dropped
    }

    /// Calls `edit` with every value of the file in decoded form. If `edit` returns a text, that text replaces the value.
    ///
    /// `edit` is called with a whole body, or with a value that is a document, before it is called with the values in it. The values in
    /// a replaced document are not visited. The documents are JSON, XML, HTML, forms, URLs, multipart bodies, batches and data URIs.
    ///
    /// # Errors
    ///
    /// [`HarError::Entry`] if a body cannot be decoded. The file is then unchanged.
    pub fn edit(
        &mut self,
        edit: impl FnMut(&HarField<'_>, &str) -> Option<String>,
    ) -> Result<(), HarError> {
        struct Editor<F>(F);
        impl<F: FnMut(&HarField<'_>, &str) -> Option<String>> Visitor for Editor<F> {
            fn enter(&mut self, field: &HarField<'_>, value: &str) -> Option<String> {
                (self.0)(field, value)
            }
            fn leave(&mut self, _: &HarField<'_>, _: &str) -> Option<String> {
                None
            }
        }
        let mut edited = self.clone();
        read_bodies(&mut edited, Unreadable::Refuse)?;
        visit(&mut edited, &mut Editor(edit));
        *self = edited;
        Ok(())
    }
}

/// The greatest number of passes over a file.
///
/// A replacement can make a document readable that was not readable before: for example, base64 whose last bytes were not text. The
/// next pass then reads the document.
const MAX_PASSES: usize = 4;

/// Returns the file without its secrets.
pub(crate) fn redacted(
    mut har: Har,
    secrets: &[String],
    pseudonyms: &[(String, String)],
    unreadable: Unreadable,
) -> Result<Har, HarError> {
    read_bodies(&mut har, unreadable)?;
    let mut dropper = Dropper {
        highest: highest_number(&har)?,
        ..Dropper::default()
    };
    visit(&mut har, &mut dropper);
    let mut given: Vec<Literal> = Vec::new();
    for (text, pseudonym) in pseudonyms {
        given.push(Literal {
            text: text.clone(),
            pseudonym: pseudonym.clone(),
            is_word: false,
        });
    }
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        dropper.highest += 1;
        given.push(Literal {
            text: secret.clone(),
            pseudonym: format!("{REDACTED}-{}", dropper.highest),
            is_word: false,
        });
    }
    given.retain(|literal| !literal.text.is_empty() && literal.text != literal.pseudonym);
    let mut passes = 1;
    loop {
        empty_cookies(&mut har);
        let mut searcher = Searcher {
            search: Search::new([given.clone(), dropper.literals()].concat()),
            found: None,
        };
        visit(&mut har, &mut searcher);
        search_media(&mut har, &mut searcher, unreadable)?;
        let leaks = find_leaks(&har, &mut searcher, unreadable)?;
        if leaks.is_empty() {
            return Ok(har);
        }
        if passes == MAX_PASSES {
            return without_leaks(har, leaks, unreadable);
        }
        visit(&mut har, &mut dropper);
        passes += 1;
    }
}

/// A field that still contains a secret.
struct Leak {
    /// The index of the field's entry. `None` if the field is not in an entry.
    entry: Option<usize>,
    field: String,
}

/// Reads the file again from its bytes, and returns the fields that a walk or a search would change.
fn find_leaks(
    har: &Har,
    searcher: &mut Searcher,
    unreadable: Unreadable,
) -> Result<Vec<Leak>, HarError> {
    let mut again = Har::from_slice(&har.to_vec()?)?;
    read_bodies(&mut again, unreadable)?;
    let mut dropper = Dropper::default();
    searcher.found = None;
    let mut leaks = Vec::new();
    for (index, entry) in again.log.entries.iter_mut().enumerate() {
        visit_entry(entry, &mut dropper);
        visit_entry(entry, searcher);
        leaks.extend(
            dropper
                .found
                .take()
                .or(searcher.found.take())
                .map(|field| Leak {
                    entry: Some(index),
                    field,
                }),
        );
    }
    again.log.entries.clear();
    visit(&mut again, &mut dropper);
    visit(&mut again, searcher);
    let found = dropper.found.or(searcher.found.take());
    leaks.extend(found.map(|field| Leak { entry: None, field }));
    Ok(leaks)
}

/// Removes the entries that still contain a secret, or returns an error that names the first of them.
fn without_leaks(mut har: Har, leaks: Vec<Leak>, unreadable: Unreadable) -> Result<Har, HarError> {
    for Leak { entry, field } in leaks {
        match (unreadable, entry) {
            (Unreadable::Refuse, _) => {
                return Err(HarError::Secret {
                    number: entry.map(|index| index + 1),
                    field,
                });
            }
            (Unreadable::Drop, Some(index)) => {
                if let Some(entry) = har.log.entries.get_mut(index) {
                    drop_entry(entry);
                }
            }
            (Unreadable::Drop, None) => {
                har.extra.clear();
                har.log.extra.clear();
            }
        }
    }
    Ok(har)
}

/// Returns the highest number of a pseudonym in the file.
fn highest_number(har: &Har) -> Result<usize, HarError> {
    let bytes = har.to_vec()?;
    let text = String::from_utf8_lossy(&bytes);
    let numbers = text.split("redacted-").skip(1).filter_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.get(..end.min(9))?.parse().ok()
    });
    Ok(numbers.max().unwrap_or(0))
}

/// Decodes every body. A body that is text is stored as UTF-8 text.
fn read_bodies(har: &mut Har, unreadable: Unreadable) -> Result<(), HarError> {
    for (index, entry) in har.log.entries.iter_mut().enumerate() {
        let failed = |member, reason| MemberError::new(member, reason).in_entry(index + 1);
        if let Err(reason) = request_text(&mut entry.request) {
            match unreadable {
                Unreadable::Refuse => return Err(failed("request.postData", reason)),
                Unreadable::Drop => drop_request(&mut entry.request, &reason),
            }
        }
        if let Err(reason) = response_text(&mut entry.response) {
            match unreadable {
                Unreadable::Refuse => return Err(failed("response.content", reason)),
                Unreadable::Drop => drop_response(&mut entry.response, &reason),
            }
        }
    }
    Ok(())
}

fn request_text(request: &mut HarRequest) -> Result<(), String> {
    if request
        .post_data
        .as_ref()
        .is_none_or(|data| data.text.as_deref().unwrap_or_default().is_empty())
    {
        return Ok(());
    }
    let decoded = request.decoded_body().map_err(|error| error.to_string())?;
    if let Some(doubt) = decoded.doubt {
        return Err(doubt);
    }
    let stated = request.post_data.as_ref();
    let content_type = content_type(&request.headers, stated.map_or("", |data| &data.mime_type));
    let read = text(&decoded.bytes, &content_type)?;
    if let (Some(data), Text::Text { text, is_converted }) = (&mut request.post_data, read) {
        data.text = Some(text);
        data.encoding = None;
        if is_converted {
            declare_utf8(&mut request.headers, &mut data.mime_type);
        }
    }
    Ok(())
}

fn response_text(response: &mut HarResponse) -> Result<(), String> {
    if response.content.text.is_none() {
        return Ok(());
    }
    let decoded = response
        .decoded_body()
        .map_err(|error: HarBodyError| error.to_string())?;
    if let Some(doubt) = decoded.doubt {
        return Err(doubt);
    }
    let content_type = content_type(&response.headers, &response.content.mime_type);
    if let Text::Text { text, is_converted } = text(&decoded.bytes, &content_type)? {
        response.content.text = Some(text);
        response.content.encoding = None;
        if is_converted {
            declare_utf8(&mut response.headers, &mut response.content.mime_type);
        }
    }
    Ok(())
}

fn content_type(headers: &[HarHeader], stated: &str) -> String {
    let header = headers.iter().find(|header| is_content_type(header));
    header.map_or_else(|| stated.to_owned(), |header| header.value.clone())
}

fn is_content_type(header: &HarHeader) -> bool {
    header.name.eq_ignore_ascii_case("content-type")
}

/// Changes the charset in the content type to UTF-8.
fn declare_utf8(headers: &mut [HarHeader], mime_type: &mut String) {
    let headers = headers.iter_mut().filter(|header| is_content_type(header));
    for value in headers.map(|header| &mut header.value).chain([mime_type]) {
        let parameters = value.split(';').filter(|parameter| {
            let name = parameter.split('=').next().unwrap_or_default();
            !name.trim().eq_ignore_ascii_case("charset")
        });
        *value = parameters.collect::<Vec<_>>().join(";") + "; charset=utf-8";
    }
}

fn comment(reason: &str) -> Value {
    json!(format!("the body is left out: {reason}"))
}

fn drop_request(request: &mut HarRequest, reason: &str) {
    if let Some(data) = &mut request.post_data {
        data.extra.insert("comment".to_owned(), comment(reason));
        *data = PostData {
            mime_type: std::mem::take(&mut data.mime_type),
            extra: std::mem::take(&mut data.extra),
            ..PostData::default()
        };
    }
}

fn drop_response(response: &mut HarResponse, reason: &str) {
    let content = std::mem::take(&mut response.content);
    let mut extra = content.extra;
    extra.insert("comment".to_owned(), comment(reason));
    response.content = Content {
        mime_type: content.mime_type,
        extra,
        ..Content::default()
    };
}

/// Removes everything from an entry except the method and the status.
fn drop_entry(entry: &mut Entry) {
    let reason = "a secret could not be removed from the entry";
    entry.request = HarRequest {
        method: std::mem::take(&mut entry.request.method),
        ..HarRequest::default()
    };
    entry.response = HarResponse {
        status: entry.response.status,
        ..HarResponse::default()
    };
    entry.error = None;
    entry.extra = Extra::new();
    entry.extra.insert("comment".to_owned(), comment(reason));
}

fn empty_cookies(har: &mut Har) {
    for entry in &mut har.log.entries {
        for extra in [&mut entry.request.extra, &mut entry.response.extra] {
            if let Some(cookies) = extra.get_mut("cookies") {
                *cookies = json!([]);
            }
        }
    }
}

/// Searches the bytes of images and other media for known secrets. No walk visits these bodies.
fn search_media(
    har: &mut Har,
    searcher: &mut Searcher,
    unreadable: Unreadable,
) -> Result<(), HarError> {
    for (index, entry) in har.log.entries.iter_mut().enumerate() {
        let is_media = entry.response.content.encoding.is_some();
        let body = is_media.then(|| entry.response.decoded_body());
        if let Some(Ok(body)) = body
            && searcher.search.replace_bytes(&body.bytes).is_some()
        {
            let reason = "the body is not text, and its bytes contain a secret";
            match unreadable {
                Unreadable::Drop => drop_response(&mut entry.response, reason),
                Unreadable::Refuse => {
                    return Err(MemberError::new("response.content", reason).in_entry(index + 1));
                }
            }
        }
    }
    Ok(())
}

fn visit(har: &mut Har, visitor: &mut dyn Visitor) {
    for entry in &mut har.log.entries {
        visit_entry(entry, visitor);
    }
    members(&mut Walk::new(visitor), &mut har.extra);
    members(&mut Walk::new(visitor), &mut har.log.extra);
    members(&mut Walk::new(visitor), &mut har.log.creator.extra);
}

fn visit_entry(entry: &mut Entry, visitor: &mut dyn Visitor) {
    let is_grant = is_grant(&entry.request);
    visit_request(&mut entry.request, visitor);
    visit_response(&mut entry.response, is_grant, visitor);
    let mut walk = Walk::new(visitor);
    members(&mut walk, &mut entry.extra);
    if let Some(detail) = entry.error.as_mut().and_then(|error| error.detail.as_mut()) {
        set(detail, |text| walk.value(HarFieldKind::Text, "", text));
    }
}

/// Whether a request asks a token service for a token.
fn is_grant(request: &HarRequest) -> bool {
    let Some(data) = &request.post_data else {
        return false;
    };
    let mut search = GrantSearch { is_found: false };
    let content_type = content_type(&request.headers, &data.mime_type);
    let mut walk = Walk::in_request(&mut search);
    walk.body(&content_type, data.text.as_deref().unwrap_or_default());
    search.is_found
        || data
            .params
            .iter()
            .any(|field| names::is_grant_type(&field.name))
}

/// A visitor that searches a body for the field with the grant type.
struct GrantSearch {
    is_found: bool,
}

impl Visitor for GrantSearch {
    fn enter(&mut self, field: &HarField<'_>, _: &str) -> Option<String> {
        self.is_found |= names::is_grant_type(field.name);
        None
    }

    fn leave(&mut self, _: &HarField<'_>, _: &str) -> Option<String> {
        None
    }
}

fn visit_request(request: &mut HarRequest, visitor: &mut dyn Visitor) {
    let content_type = content_type(
        &request.headers,
        request
            .post_data
            .as_ref()
            .map_or("", |data| &data.mime_type),
    );
    let mut walk = Walk::new(visitor);
    set(&mut request.url, |text| {
        walk.value(HarFieldKind::Text, "", text)
    });
    headers(&mut walk, &mut request.headers);
    members(&mut walk, &mut request.extra);
    let Some(data) = &mut request.post_data else {
        return;
    };
    set(&mut data.mime_type, |text| {
        walk.value(HarFieldKind::Text, "", text)
    });
    members(&mut walk, &mut data.extra);
    let mut walk = Walk::in_request(visitor);
    if let Some(text) = &mut data.text {
        set(text, |text| walk.body(&content_type, text));
    }
    walk.guard(data.params.iter().any(|field| marks_sign_in(&field.name)));
    for field in &mut data.params {
        members(&mut walk, &mut field.extra);
        if let Some(value) = &mut field.value {
            set(value, |text| {
                walk.value(HarFieldKind::Parameter, &field.name, text)
            });
        }
        set(&mut field.name, |text| {
            walk.value(HarFieldKind::Text, "", text)
        });
    }
}

fn visit_response(response: &mut HarResponse, is_grant: bool, visitor: &mut dyn Visitor) {
    let content_type = content_type(&response.headers, &response.content.mime_type);
    let mut walk = Walk::new(visitor);
    headers(&mut walk, &mut response.headers);
    for text in [
        &mut response.redirect_url,
        &mut response.status_text,
        &mut response.content.mime_type,
    ] {
        set(text, |text| walk.value(HarFieldKind::Text, "", text));
    }
    members(&mut walk, &mut response.extra);
    members(&mut walk, &mut response.content.extra);
    walk.guard(is_grant);
    let content = &mut response.content;
    if content.encoding.is_none()
        && let Some(text) = &mut content.text
    {
        set(text, |text| walk.body(&content_type, text));
        content.size = i64::try_from(text.len()).unwrap_or(i64::MAX);
    }
}

fn headers(walk: &mut Walk<'_>, headers: &mut [HarHeader]) {
    for header in headers {
        set(&mut header.value, |text| walk.header(&header.name, text));
        set(&mut header.name, |text| {
            walk.value(HarFieldKind::Text, "", text)
        });
        members(walk, &mut header.extra);
    }
}

fn set(text: &mut String, edit: impl FnOnce(&str) -> Option<String>) {
    if let Some(edited) = edit(text) {
        *text = edited;
    }
}

fn members(walk: &mut Walk<'_>, members: &mut Extra) {
    // A query parameter or a cookie is an object with a name and a value.
    let pair = match (members.get("name"), members.get("value")) {
        (Some(Value::String(name)), Some(Value::String(_))) => Some(name.clone()),
        _ => None,
    };
    for (name, value) in members {
        match (&pair, value) {
            (Some(pair), Value::String(value)) if name == "value" => {
                let kind = if walk.is_in_cookies() {
                    HarFieldKind::Cookie
                } else {
                    HarFieldKind::Parameter
                };
                set(value, |text| walk.value(kind, pair, text));
            }
            (_, value) => walk.within(name, |walk| tree(walk, name, value)),
        }
    }
}

fn tree(walk: &mut Walk<'_>, name: &str, value: &mut Value) {
    match value {
        Value::String(text) => set(text, |text| walk.value(HarFieldKind::Member, name, text)),
        Value::Array(items) => items.iter_mut().for_each(|item| tree(walk, name, item)),
        Value::Object(inner) => members(walk, inner),
        _ => {}
    }
}
