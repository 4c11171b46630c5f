//! Forms: `application/x-www-form-urlencoded` and `multipart/form-data`.

use std::str;

use http::header::CONTENT_TYPE;

use super::exchange::{Exchange, form};

/// The fields of a form.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// The form in the body of a request. `None` if the body is not a form.
    pub(super) fn of(exchange: &Exchange<'_>) -> Option<Self> {
        let body = str::from_utf8(exchange.request.body()).ok()?;
        let content_type = exchange.header(CONTENT_TYPE).unwrap_or_default();
        let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        if media_type
            .trim()
            .eq_ignore_ascii_case("multipart/form-data")
        {
            return multipart(body, &parameter(parameters, "boundary")?).map(Self);
        }
        Some(Self(form(body)))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.as_str())
    }
}

/// A parameter of a header, which may be quoted.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The fields of a multipart form (RFC 7578). `None` if the closing boundary or the name of a part is missing.
fn multipart(body: &str, boundary: &str) -> Option<Vec<(String, String)>> {
    let delimiter = format!("\r\n--{boundary}");
    // The body may start with the first delimiter.
    let body = format!("\r\n{body}");
    let mut parts = body.split(delimiter.as_str()).skip(1);
    let mut fields = Vec::new();
    loop {
        let part = parts.next()?;
        if part.starts_with("--") {
            return Some(fields);
        }
        let (head, value) = part.split_once("\r\n\r\n")?;
        let disposition = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_it = name.trim().eq_ignore_ascii_case("Content-Disposition");
            is_it.then_some(value)
        })?;
        fields.push((parameter(disposition, "name")?, value.to_owned()));
    }
}
