//! Compares the bodies of requests: JSON by its structure, forms by their fields, and other text byte by byte. Values that differ
//! from run to run are bound instead of compared.

use bytes::Bytes;
use serde_json::Value;

use super::{
    binding::Bindings,
    matching::{Volatile, form_decoded},
};
use crate::redact::comparable;

/// The parsed body of a request.
pub(super) enum Body {
    Json(Value),
    /// The fields of a form, sorted by name, because their order has no meaning.
    Form(Vec<(String, String)>),
    Text(Vec<Piece>),
    Bytes(Vec<u8>),
}

/// A part of a text: fixed text, or a value that differs from run to run.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    Fixed(String),
    Value { name: String, value: String },
}

impl Body {
    /// Parses a body by its content type and its content.
    pub(super) fn of(content_type: Option<&str>, body: &Bytes, volatile: &Volatile) -> Self {
        let text = match String::from_utf8(body.to_vec()) {
            Ok(text) => comparable(content_type.unwrap_or_default(), text),
            Err(binary) => return Self::Bytes(binary.into_bytes()),
        };
        if let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(&text) {
            return Self::Json(value);
        }
        if is_form(content_type, &text) {
            let fields = text.split('&').filter(|field| !field.is_empty());
            let mut fields: Vec<(String, String)> = fields
                .map(|field| field.split_once('=').unwrap_or((field, "")))
                .map(|(name, value)| (form_decoded(name), form_decoded(value)))
                .collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            return Self::Form(fields);
        }
        // The boundary of a multipart body is random, so it is not compared.
        let text = match content_type.and_then(|content_type| boundary(content_type, &text)) {
            Some(boundary) => text.replace(boundary, "boundary"),
            None => text,
        };
        Self::Text(pieces(&text, volatile))
    }

    /// Compares this recorded body with a live one. The error names the place where they differ.
    pub(super) fn matches(
        &self,
        live: &Self,
        volatile: &Volatile,
        bindings: &mut Bindings,
    ) -> Result<(), String> {
        match (self, live) {
            (Self::Json(recorded), Self::Json(live)) => {
                match_json(recorded, live, "", volatile, bindings)
            }
            (Self::Form(recorded), Self::Form(live)) => {
                match_form(recorded, live, volatile, bindings)
            }
            (Self::Text(recorded), Self::Text(live)) => match_text(recorded, live, bindings),
            (Self::Bytes(recorded), Self::Bytes(live)) if recorded == live => Ok(()),
            _ => Err("the root".to_owned()),
        }
    }
}

/// Whether a body is a form. Without a content type, the characters of the body decide.
fn is_form(content_type: Option<&str>, text: &str) -> bool {
    match content_type.map(str::trim).filter(|it| !it.is_empty()) {
        Some(content_type) => content_type
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded"),
        None => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || "-._~%+*=&".contains(c);
            text.contains('=') && text.chars().all(is_part)
        }
    }
}

/// Returns the boundary of a multipart body, from the first line of the body.
fn boundary<'t>(content_type: &str, text: &'t str) -> Option<&'t str> {
    let kind = content_type.trim_start().get(.."multipart/".len())?;
    let first_line = text.lines().next()?.trim_ascii_end();
    let boundary = first_line.strip_prefix("--")?;
    (kind.eq_ignore_ascii_case("multipart/") && !boundary.is_empty()).then_some(boundary)
}

/// Splits `text` at the values of volatile names, in the forms `<property name="x">value</property>`, `"x": "value"` and `x=value`.
fn pieces(text: &str, volatile: &Volatile) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut fixed = 0;
    let mut at = 0;
    while at < text.len() {
        match value_at(text, at, volatile) {
            Some((name, start, end)) => {
                pieces.push(Piece::Fixed(slice(text, fixed, start)));
                pieces.push(Piece::Value {
                    name,
                    value: slice(text, start, end),
                });
                fixed = end;
                at = end;
            }
            None => {
                let next = text.get(at..).and_then(|rest| rest.chars().next());
                at += next.map_or(1, char::len_utf8);
            }
        }
    }
    pieces.push(Piece::Fixed(slice(text, fixed, text.len())));
    pieces
}

fn slice(text: &str, start: usize, end: usize) -> String {
    text.get(start..end).unwrap_or_default().to_owned()
}

/// Returns the volatile name at `at`, and the start and the end of its value.
fn value_at(text: &str, at: usize, volatile: &Volatile) -> Option<(String, usize, usize)> {
    let before = text.get(..at)?;
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let rest = text.get(at..)?;
    let name = volatile
        .names
        .iter()
        .find(|name| rest.strip_prefix(&***name).is_some_and(is_after_name))?;
    let after = rest.strip_prefix(&**name)?;
    let (value, ends): (&str, &[char]) = if let Some(value) = after.strip_prefix("\">") {
        (value, &['<'])
    } else if let Some(value) = after.strip_prefix('=') {
        (value, &['&', ' ', '\r', '\n', '"', '\'', '<', '>', ';'])
    } else {
        let value = after.strip_prefix('"')?.trim_ascii_start();
        let value = value.strip_prefix(':')?.trim_ascii_start();
        (value.strip_prefix('"')?, &['"'])
    };
    let start = text.len() - value.len();
    let end = value.find(ends).map_or(text.len(), |end| start + end);
    Some((name.clone(), start, end))
}

fn is_after_name(after: &str) -> bool {
    after.starts_with(['"', '='])
}

fn match_json(
    recorded: &Value,
    live: &Value,
    place: &str,
    volatile: &Volatile,
    bindings: &mut Bindings,
) -> Result<(), String> {
    let differs = |place: String| {
        Err(if place.is_empty() {
            "the root".to_owned()
        } else {
            place
        })
    };
    match (recorded, live) {
        (Value::Object(recorded), Value::Object(live)) => {
            let is_volatile = |name: &String| volatile.names.contains(name);
            for name in live.keys() {
                if !recorded.contains_key(name) && !is_volatile(name) {
                    return differs(format!("{place}/{name}"));
                }
            }
            // The members are sorted by name, so that the order in the text does not change the order of the bindings.
            let mut members: Vec<_> = recorded.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            for (name, recorded) in members {
                let place = format!("{place}/{name}");
                match (recorded, live.get(name)) {
                    (_, None) if is_volatile(name) => {}
                    (_, None) => return differs(place),
                    (Value::String(recorded), Some(Value::String(live))) if is_volatile(name) => {
                        if !bindings.bind(recorded, live) {
                            return differs(place);
                        }
                    }
                    (recorded, Some(live)) => {
                        match_json(recorded, live, &place, volatile, bindings)?;
                    }
                }
            }
            Ok(())
        }
        (Value::Array(recorded), Value::Array(live)) => {
            if recorded.len() != live.len() {
                return differs(place.to_owned());
            }
            for (index, (recorded, live)) in recorded.iter().zip(live).enumerate() {
                let place = format!("{place}/{index}");
                match_json(recorded, live, &place, volatile, bindings)?;
            }
            Ok(())
        }
        (Value::String(recorded), Value::String(live))
            if bindings.substitute(recorded) == *live =>
        {
            Ok(())
        }
        (Value::String(_), _) => differs(place.to_owned()),
        (recorded, live) if recorded == live => Ok(()),
        _ => differs(place.to_owned()),
    }
}

fn match_form(
    recorded: &[(String, String)],
    live: &[(String, String)],
    volatile: &Volatile,
    bindings: &mut Bindings,
) -> Result<(), String> {
    let names = |fields: &[(String, String)]| fields.iter().map(|(name, _)| name.clone()).collect();
    let (recorded_names, live_names): (Vec<_>, Vec<_>) = (names(recorded), names(live));
    if let Some(index) = (0..recorded_names.len().max(live_names.len()))
        .find(|index| recorded_names.get(*index) != live_names.get(*index))
    {
        let name = recorded_names.get(index).or(live_names.get(index));
        return Err(format!("the field {}", name.map_or("", String::as_str)));
    }
    let pairs = || recorded.iter().zip(live);
    // Bind the volatile values before the other fields are compared, because other fields may contain them.
    for ((name, value), (_, live)) in pairs() {
        if volatile.names.contains(name) && !bindings.bind(value, live) {
            return Err(format!("the field {name}"));
        }
    }
    for ((name, value), (_, live)) in pairs() {
        if !volatile.names.contains(name) && bindings.substitute(value) != *live {
            return Err(format!("the field {name}"));
        }
    }
    Ok(())
}

fn match_text(recorded: &[Piece], live: &[Piece], bindings: &mut Bindings) -> Result<(), String> {
    let mut position = 0;
    let mut recorded = recorded.iter();
    for piece in live {
        match (recorded.next(), piece) {
            (Some(Piece::Fixed(recorded)), Piece::Fixed(live)) => {
                let recorded = bindings.substitute(recorded);
                if recorded != *live {
                    let same = recorded
                        .bytes()
                        .zip(live.bytes())
                        .take_while(|(r, l)| r == l);
                    return Err(format!("byte {}", position + same.count()));
                }
                position += live.len();
            }
            (
                Some(Piece::Value { name, value }),
                Piece::Value {
                    name: live_name,
                    value: live,
                },
            ) if name == live_name => {
                if !bindings.bind(value, live) {
                    return Err(name.clone());
                }
                position += live.len();
            }
            _ => return Err(format!("byte {position}")),
        }
    }
    match recorded.next() {
        None => Ok(()),
        Some(_) => Err(format!("byte {position}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volatile() -> Volatile {
        Volatile {
            names: ["operationId".to_owned(), "endpointId".to_owned()].into(),
            segments: [].into(),
        }
    }

    fn compare(recorded: &str, live: &str) -> Result<(), String> {
        let of = |text: &str| {
            let body = Bytes::from(text.to_owned());
            Body::of(
                Some("multipart/related; boundary=\"b-1\""),
                &body,
                &volatile(),
            )
        };
        of(recorded).matches(&of(live), &volatile(), &mut Bindings::default())
    }

    #[test]
    fn json_is_compared_by_structure() {
        compare(r#"{"a":1,"b":["x"]}"#, r#"{ "b": ["x"], "a": 1 }"#).unwrap();
        for (recorded, live, place) in [
            (r#"{"a":1}"#, r#"{"a":2}"#, "/a"),
            (r#"{"a":1}"#, r#"{"a":1,"b":{}}"#, "/b"),
            (r#"{"a":1,"b":{}}"#, r#"{"a":1}"#, "/b"),
            (r#"{"a":[{"t":"x"}]}"#, r#"{"a":[{"t":"y"}]}"#, "/a/0/t"),
            (r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, "/a"),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, "/a"),
            (r"[1]", r"{}", "the root"),
            (r"{}", "", "the root"),
        ] {
            assert_eq!(
                compare(recorded, live).unwrap_err(),
                place,
                "{recorded} {live}"
            );
        }
    }

    #[test]
    fn volatile_values_are_bound_in_every_format() {
        for (recorded, live) in [
            (
                r#"{"operationId":"r","x":"is r"}"#,
                r#"{"operationId":"l","x":"is l"}"#,
            ),
            (
                r#"<input><property name="operationId">r</property><a href="/o/r"/></input>"#,
                r#"<input><property name="operationId">l</property><a href="/o/l"/></input>"#,
            ),
            ("a=1&operationId=r&b=r", "a=1&operationId=l&b=l"),
            (
                "--b-1\r\n\r\n{\"operationId\" : \"r\"}",
                "--b-2\r\n\r\n{\"operationId\" : \"l\"}",
            ),
        ] {
            compare(recorded, live).unwrap();
        }
        // A volatile value that only one of the two bodies has is not bound.
        compare(r#"{"operationId":"r","a":"r"}"#, r#"{"a":"r"}"#).unwrap();
        compare(r#"{"a":"r"}"#, r#"{"operationId":"l","a":"r"}"#).unwrap();
        // One live value cannot be bound to two recorded values.
        compare(
            r#"{"operationId":"r","endpointId":"s"}"#,
            r#"{"operationId":"l","endpointId":"l"}"#,
        )
        .unwrap_err();
        compare("operationId=r&endpointId=s", "operationId=l&endpointId=l").unwrap_err();
    }

    #[test]
    fn forms_are_compared_by_their_fields() {
        let of = |text: &str, content_type| {
            Body::of(content_type, &Bytes::from(text.to_owned()), &volatile())
        };
        let compare = |recorded, live| {
            let typed = Some("application/x-www-form-urlencoded; charset=utf-8");
            of(recorded, typed).matches(&of(live, None), &volatile(), &mut Bindings::default())
        };
        for (recorded, live) in [
            ("a=1%262&b=x%2Ey+z", "b=x.y%20z&a=1%262"),
            ("a=%72&operationId=r", "operationId=l&a=l"),
            ("a", "a="),
        ] {
            compare(recorded, live).unwrap();
        }
        for (recorded, live, field) in [
            ("a=1&b=2", "a=1&b=3", "b"),
            ("a=1", "a=1&b=2", "b"),
            ("a=1&b=2", "a=1", "b"),
        ] {
            let difference = compare(recorded, live).unwrap_err();
            assert_eq!(difference, format!("the field {field}"));
        }
    }

    #[test]
    fn text_is_compared_byte_by_byte() {
        for (recorded, live, place) in [
            ("abc", "abd", "byte 2"),
            ("abc", "abcd", "byte 3"),
            ("a&operationId=r", "a", "byte 1"),
            ("a", "a&operationId=r", "byte 1"),
            ("a&operationId=r&b=1", "a&operationId=lll&b=2", "byte 20"),
            ("myoperationId=r", "myoperationId=l", "byte 14"),
        ] {
            assert_eq!(
                compare(recorded, live).unwrap_err(),
                place,
                "{recorded} {live}"
            );
        }
    }

    #[test]
    fn a_password_matches_any_other_password() {
        compare(
            "grant_type=password&password=redacted",
            "grant_type=password&password=x",
        )
        .unwrap();
    }
}
