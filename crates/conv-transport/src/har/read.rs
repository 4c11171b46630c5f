//! Reads HAR files leniently: members may be missing, or have another type than in the specification.

use std::borrow::Cow;

use encoding_rs::{UTF_16BE, UTF_16LE};
use serde_json::Value;

use super::{
    Content, Creator, Entry, Extra, FormField, Har, HarError, HarHeader, HarPlace, HarRequest,
    HarResponse, Log, PostData,
};

pub(super) fn har(bytes: &[u8]) -> Result<Har, HarError> {
    let text = text(bytes);
    let text = without_lone_surrogates(&text);
    let shape = |place: Option<HarPlace>, reason| HarError::Shape {
        place: place.unwrap_or_else(|| HarPlace::start(&text)),
        reason,
    };
    let value: Value = serde_json::from_str(&text).map_err(|error| {
        let message = error.to_string();
        HarError::Syntax {
            place: HarPlace::at(&text, error.line(), error.column()),
            // The message of serde_json ends with the position, which `place` contains already.
            reason: message
                .split(" at line ")
                .next()
                .unwrap_or_default()
                .to_owned(),
        }
    })?;
    let Value::Object(mut file) = value else {
        return Err(shape(None, "not an object"));
    };
    let Some(Value::Object(mut log)) = file.remove("log") else {
        let place = HarPlace::find_in(&text, None, "log");
        return Err(shape(place, "no object `log`"));
    };
    let entries = match log.remove("entries") {
        Some(Value::Array(entries)) => entries,
        None | Some(Value::Null) => Vec::new(),
        Some(_) => {
            let place = HarPlace::find_in(&text, None, "log.entries");
            return Err(shape(place, "not an array"));
        }
    };
    let mut creator = object(&mut log, "creator");
    Ok(Har {
        log: Log {
            version: string(&mut log, "version"),
            creator: Creator {
                name: string(&mut creator, "name"),
                version: string(&mut creator, "version"),
                extra: creator,
            },
            entries: entries.into_iter().map(|it| entry(members(it))).collect(),
            extra: log,
        },
        extra: file,
    })
}

/// Decodes the text of a file: UTF-8 with or without a byte order mark, or UTF-16 with a byte order mark. PowerShell writes the
/// output of a program in UTF-16.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8_lossy(text),
        [0xff, 0xfe, text @ ..] => UTF_16LE.decode_without_bom_handling(text).0,
        [0xfe, 0xff, text @ ..] => UTF_16BE.decode_without_bom_handling(text).0,
        _ => String::from_utf8_lossy(bytes),
    }
}

/// Replaces each escape of a lone surrogate by U+FFFD. A JavaScript program writes a lone surrogate if it cuts a string within a pair.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut result: Option<Vec<u8>> = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(escape) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| *b == b'\\'))
    {
        at += escape;
        let length = match (surrogate(bytes, at), surrogate(bytes, at + 6)) {
            (Some(Half::High), Some(Half::Low)) => 12,
            (Some(_), _) => {
                let fixed = result.get_or_insert_with(|| bytes.to_vec());
                if let Some(escape) = fixed.get_mut(at..at + 6) {
                    escape.copy_from_slice(br"\ufffd");
                }
                6
            }
            (None, _) => 2,
        };
        at += length;
    }
    match result.map(String::from_utf8) {
        Some(Ok(fixed)) => Cow::Owned(fixed),
        _ => Cow::Borrowed(text),
    }
}

enum Half {
    High,
    Low,
}

/// Returns the half of a surrogate pair that the escape at `at` stands for. `None` if there is no such escape.
fn surrogate(bytes: &[u8], at: usize) -> Option<Half> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    let unit = u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    match unit {
        0xd800..=0xdbff => Some(Half::High),
        0xdc00..=0xdfff => Some(Half::Low),
        _ => None,
    }
}

fn entry(mut members: Extra) -> Entry {
    // This crate writes an object. Browsers write a string, which is kept in `extra`.
    let error = members
        .get("_error")
        .and_then(|error| serde_json::from_value(error.clone()).ok());
    if error.is_some() {
        members.remove("_error");
    }
    let lane = members
        .get("_lane")
        .and_then(|lane| serde_json::from_value(lane.clone()).ok());
    if lane.is_some() {
        members.remove("_lane");
    }
    Entry {
        started_date_time: string(&mut members, "startedDateTime"),
        time: number(&mut members, "time").unwrap_or_default(),
        request: request(object(&mut members, "request")),
        response: response(object(&mut members, "response")),
        lane,
        sent: ordinal(&mut members, "_sent"),
        received: ordinal(&mut members, "_received"),
        aborted: members.remove("_aborted") == Some(Value::Bool(true)),
        error,
        extra: members,
    }
}

fn request(mut members: Extra) -> HarRequest {
    let post_data = match members.remove("postData") {
        Some(Value::Object(data)) => Some(post_data(data)),
        // Some programs write the text instead of the object.
        Some(Value::String(text)) if !text.is_empty() => Some(PostData {
            text: Some(text),
            ..PostData::default()
        }),
        _ => None,
    };
    HarRequest {
        method: string(&mut members, "method"),
        url: string(&mut members, "url"),
        http_version: string(&mut members, "httpVersion"),
        headers: headers(&mut members),
        post_data,
        extra: members,
    }
}

fn post_data(mut members: Extra) -> PostData {
    // HAR has no member for the encoding of a request body. Some programs add the member with an underscore, as HAR requires of
    // custom members, and others without one.
    let underscored = optional_string(&mut members, "_encoding");
    let plain = optional_string(&mut members, "encoding");
    PostData {
        mime_type: string(&mut members, "mimeType"),
        text: optional_string(&mut members, "text"),
        encoding: underscored.or(plain),
        params: pairs(members.remove("params"))
            .map(|(name, value, extra)| FormField { name, value, extra })
            .collect(),
        extra: members,
    }
}

fn response(mut members: Extra) -> HarResponse {
    let mut content = object(&mut members, "content");
    HarResponse {
        // For a request without a response, programs write 0, -1, -999, null, or no member.
        status: number(&mut members, "status").map_or(0, |status| status as u16),
        status_text: string(&mut members, "statusText"),
        http_version: string(&mut members, "httpVersion"),
        headers: headers(&mut members),
        content: Content {
            size: number(&mut content, "size").map_or(0, |size| size as i64),
            mime_type: string(&mut content, "mimeType"),
            text: optional_string(&mut content, "text"),
            encoding: optional_string(&mut content, "encoding"),
            extra: content,
        },
        redirect_url: string(&mut members, "redirectURL"),
        extra: members,
    }
}

fn headers(members: &mut Extra) -> Vec<HarHeader> {
    pairs(members.remove("headers"))
        .map(|(name, value, extra)| HarHeader {
            name,
            value: value.unwrap_or_default(),
            extra,
        })
        .collect()
}

/// Reads names and values from an array of objects, or from one object with a member for each name.
fn pairs(value: Option<Value>) -> impl Iterator<Item = (String, Option<String>, Extra)> {
    let items = match value {
        Some(Value::Array(items)) => items,
        Some(Value::Object(members)) => members
            .into_iter()
            .map(|(name, value)| serde_json::json!({ "name": name, "value": value }))
            .collect(),
        _ => Vec::new(),
    };
    items.into_iter().map(|item| {
        let mut members = members(item);
        let name = string(&mut members, "name");
        let value = optional_string(&mut members, "value");
        (name, value, members)
    })
}

fn members(value: Value) -> Extra {
    match value {
        Value::Object(members) => members,
        _ => Extra::new(),
    }
}

fn object(members_of: &mut Extra, name: &str) -> Extra {
    members_of.remove(name).map(members).unwrap_or_default()
}

fn optional_string(members: &mut Extra, name: &str) -> Option<String> {
    match members.remove(name)? {
        Value::String(text) => Some(text),
        Value::Null => None,
        // Some programs write a number, a boolean or an object instead of a string.
        other => Some(other.to_string()),
    }
}

fn string(members: &mut Extra, name: &str) -> String {
    optional_string(members, name).unwrap_or_default()
}

fn number(members: &mut Extra, name: &str) -> Option<f64> {
    match members.remove(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|it: &f64| it.is_finite()),
        _ => None,
    }
}

fn ordinal(members: &mut Extra, name: &str) -> Option<u64> {
    let ordinal = members.get(name)?.as_u64()?;
    members.remove(name);
    Some(ordinal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_replaced() {
        for (text, read) in [
            (r#"\ud83d\ude00"#, r#"\ud83d\ude00"#),
            (r#"cut \uD83D"#, r#"cut \ufffd"#),
            (r#"\ude00\ud83d"#, r#"\ufffd\ufffd"#),
            (r#"\ud83d\ud83d\ude00"#, r#"\ufffd\ud83d\ude00"#),
            (r#"\\ud83d \\\ud83d"#, r#"\\ud83d \\\ufffd"#),
            (r"\ud8", r"\ud8"),
            ("é\\", "é\\"),
        ] {
            assert_eq!(without_lone_surrogates(text), read);
        }
    }
}
