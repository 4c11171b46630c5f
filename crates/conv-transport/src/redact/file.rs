//! Taking the secrets out of a file that another program wrote.

use serde_json::Value;

use super::{REDACTED, Redactor, SECRET_FIELDS, is_one_of, without_secret_fields};
use crate::har::{
    Content, Extra, Har, HarBodyError, HarError, HarHeader, HarRequest, HarResponse, PostData,
    text_of,
};

impl Har {
    /// Takes the secrets out of the file, so that it can be shared: those that a [`Record`](crate::Record) takes out, `secrets`, each
    /// replaced by a pseudonym that is made for it, and `pseudonyms`, each replaced by its own.
    ///
    /// Bodies are decoded for it, and written as text where they are text. The lists of cookies are emptied.
    ///
    /// # Errors
    ///
    /// [`HarError::Entry`] where a body cannot be decoded, so that nobody knows what is in it; nothing is changed then.
    pub fn redact(
        &mut self,
        secrets: &[String],
        pseudonyms: &[(String, String)],
    ) -> Result<(), HarError> {
        let mut redactor = Redactor::new(secrets, pseudonyms);
        let mut bodies = Vec::with_capacity(self.log.entries.len());
        for (index, entry) in self.log.entries.iter().enumerate() {
            let failed = |error: HarBodyError| HarError::Entry {
                number: index + 1,
                reason: error.to_string(),
            };
            let [request, response] = [entry.request.decoded_body(), entry.response.decoded_body()]
                .map(|body| {
                    let body = body.map_err(failed)?;
                    match body.doubt {
                        Some(reason) => Err(HarError::Entry {
                            number: index + 1,
                            reason,
                        }),
                        None => Ok(body.bytes),
                    }
                });
            let (request, response) = (request?, response?);
            redactor.learn_tokens(&response);
            redactor.learn_parameters(&entry.request.url);
            let headers = entry.request.headers.iter();
            for header in headers.chain(&entry.response.headers) {
                redactor.learn_header(&header.name, &header.value);
            }
            bodies.push((request, response));
        }

        redactor.extra(&mut self.extra);
        redactor.extra(&mut self.log.extra);
        for (entry, (request, response)) in self.log.entries.iter_mut().zip(bodies) {
            redactor.request(&mut entry.request, &request);
            redactor.response(&mut entry.response, &response);
            redactor.extra(&mut entry.extra);
            if let Some(detail) = entry.error.as_mut().and_then(|error| error.detail.as_mut()) {
                *detail = redactor.text(detail);
            }
        }
        Ok(())
    }
}

impl Redactor {
    fn request(&self, request: &mut HarRequest, body: &[u8]) {
        request.url = self.text(&request.url);
        self.har_headers(&mut request.headers);
        self.extra(&mut request.extra);
        let Some(data) = &mut request.post_data else {
            return;
        };
        self.extra(&mut data.extra);
        for field in &mut data.params {
            self.extra(&mut field.extra);
            if let Some(value) = &mut field.value {
                *value = if is_one_of(&field.name, &SECRET_FIELDS) {
                    REDACTED.to_owned()
                } else {
                    self.text(value)
                };
            }
        }
        if data.text.is_some() {
            let (text, encoding) = text_of(&self.bytes(&without_secret_fields(body)));
            *data = PostData {
                text: Some(text),
                encoding,
                ..std::mem::take(data)
            };
        }
    }

    fn response(&self, response: &mut HarResponse, body: &[u8]) {
        response.redirect_url = self.text(&response.redirect_url);
        self.har_headers(&mut response.headers);
        self.extra(&mut response.extra);
        self.extra(&mut response.content.extra);
        if response.content.text.is_some() {
            let content = std::mem::take(&mut response.content);
            response.content = Content {
                extra: content.extra,
                ..Content::of(&self.bytes(body), content.mime_type)
            };
        }
    }

    fn har_headers(&self, headers: &mut [HarHeader]) {
        for header in headers {
            header.value = self.header(&header.name, &header.value);
            self.extra(&mut header.extra);
        }
    }

    fn extra(&self, extra: &mut Extra) {
        for (name, value) in extra {
            if name == "cookies" {
                *value = Value::Array(Vec::new());
            } else {
                self.value(value);
            }
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => self.extra(members),
            _ => {}
        }
    }
}
