//! Tests of the redaction of whole files: bodies that cannot be decoded, members outside the entries, pseudonyms, and the duration.

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{Har, HarError, HarField};
use serde_json::{Value, json};

use super::compressed;

#[test]
fn edit_visits_and_replaces_every_value() {
    let body = r#"{"a":"x","b":["y"]}"#;
    let mut har = with_body(json!({ "text": body }), "application/json");
    let edit =
        |field: &HarField<'_>, value: &str| (field.name == "b").then(|| value.to_uppercase());
    har.edit(edit).unwrap();
    let text = har.log.entries[0].response.content.text.as_deref();
    assert_eq!(text, Some(r#"{"a":"x","b":["Y"]}"#));
}

fn with_body(content: Value, kind: &str) -> Har {
    let file = json!({ "log": { "entries": [{ "request": {}, "response": {
        "status": 200,
        "headers": [{ "name": "Content-Type", "value": kind }],
        "content": content,
    } }] } });
    Har::from_slice(file.to_string().as_bytes()).unwrap()
}

#[test]
fn the_body_of_a_request_that_cannot_be_decoded_is_left_out() {
    let file = json!({ "log": { "entries": [{ "request": {
        "method": "POST",
        "postData": { "mimeType": "application/json", "text": "\u{1f}\u{fffd}\u{8}\u{0}\u{0}" },
    }, "response": { "status": 200 } }] } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    assert_eq!(har.drop_unreadable_bodies(), 1);
    har.redact(&[], &[]).unwrap();
    let data = har.log.entries[0].request.post_data.as_ref().unwrap();
    assert_eq!(data.mime_type, "application/json");
    let comment = data.extra["comment"].as_str().unwrap();
    assert!(comment.contains("left out"), "{comment}");
}

#[test]
fn a_body_that_cannot_be_decoded_is_an_error_or_left_out() {
    let noise: Vec<u8> = (0..200_u32).map(|n| (n * n * 7 % 251) as u8).collect();
    let cut = &compressed("a text that is long enough to be cut off")[0].1[..30];
    for (content, kind) in [
        (
            json!({ "text": BASE64_STANDARD.encode(&noise), "encoding": "base64" }),
            "application/octet-stream",
        ),
        (
            json!({ "text": BASE64_STANDARD.encode(&noise), "encoding": "base64" }),
            "application/json",
        ),
        (
            json!({ "text": BASE64_STANDARD.encode(cut), "encoding": "base64" }),
            "application/json",
        ),
        (
            json!({ "text": "eyJ?cGFzc3dvcmQ", "encoding": "base64" }),
            "application/json",
        ),
        (
            json!({ "text": "\u{1f}\u{fffd}\u{8}\u{0}\u{0}" }),
            "application/json",
        ),
    ] {
        let mut har = with_body(content, kind);
        let before = har.clone();
        let error = har.redact(&[], &[]).unwrap_err();
        assert!(
            matches!(error, HarError::Entry { number: 1, .. }),
            "{error}"
        );
        assert!(har == before);
        assert_eq!(har.drop_unreadable_bodies(), 1);
        har.redact(&[], &[]).unwrap();
        let content = &har.log.entries[0].response.content;
        assert_eq!(content.text, None);
        assert!(
            content.extra["comment"]
                .as_str()
                .unwrap()
                .contains("left out")
        );
    }
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR \xff\xfe open-sesame";
    let picture = json!({ "text": BASE64_STANDARD.encode(picture), "encoding": "base64" });
    let mut har = with_body(picture, "image/png");
    har.redact(&[], &[]).unwrap();
    har.redact(&["open-sesame".to_owned()], &[]).unwrap_err();
}

#[test]
fn redaction_takes_linear_time() {
    let body = |kilobytes: usize| {
        let line = r#"{"href":"/ucwa/v1/applications/102/people/x?a=b%20c","text":"aGVsbG8gd29ybGQgaGVsbG8="},"#;
        let lines = line.repeat(kilobytes * 1024 / line.len());
        json!({ "text": format!("[{}]", lines.trim_end_matches(',')) })
    };
    let secrets: Vec<String> = (0..100).map(|n| format!("secret-number-{n}")).collect();
    let time = |kilobytes| {
        let mut har = with_body(body(kilobytes), "application/json");
        let began = std::time::Instant::now();
        har.redact(&secrets, &[]).unwrap();
        began.elapsed()
    };
    time(1);
    let (small, large) = (time(8), time(64));
    assert!(
        large < small * 24,
        "{small:?} for 8 KiB, {large:?} for 64 KiB"
    );
}

#[test]
fn members_outside_the_entries_are_redacted() {
    let file = json!({ "log": {
        "pages": [{ "title": "https://pool.contoso.com/?access_token=GRANTED-2015" }],
        "entries": [],
    }, "_session": { "password": "swordfish-2015" } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    har.redact(&[], &[]).unwrap();
    let file = String::from_utf8(har.to_vec().unwrap()).unwrap();
    assert!(
        !file.contains("GRANTED") && !file.contains("swordfish"),
        "{file}"
    );
}

/// A replacement that contains the text to replace does not remove the secret.
#[test]
fn a_remaining_secret_is_an_error() {
    let mut har = with_body(json!({ "text": "see swordfish" }), "text/plain");
    let before = har.clone();
    let pair = ("swordfish".to_owned(), "no swordfish".to_owned());
    let error = har.redact(&[], &[pair]).unwrap_err();
    assert!(
        matches!(
            error,
            HarError::Secret {
                number: Some(1),
                ..
            }
        ),
        "{error}"
    );
    assert!(har == before);
    let message = error.to_string();
    assert!(message.contains("entry 1: "), "{message}");
}

#[test]
fn an_existing_pseudonym_is_not_reused() {
    let body = r#"{"tokens":["redacted-3"],"access_token":"GRANTED-2015"}"#;
    let mut har = with_body(json!({ "text": body }), "application/json");
    har.redact(&[], &[]).unwrap();
    let text = har.log.entries[0].response.content.text.as_deref();
    assert_eq!(
        text,
        Some(r#"{"tokens":["redacted-3"],"access_token":"redacted-4"}"#)
    );
}

#[test]
fn cookies_are_removed_and_query_parameters_are_kept() {
    let file = json!({ "log": { "entries": [{ "request": {
        "url": "https://pool.contoso.com/?x=lunch",
        "queryString": [{ "name": "x", "value": "lunch" }, { "name": "password", "value": "swordfish-2015" }],
        "cookies": [{ "name": "x", "value": "GRANTED-2015" }],
    }, "comment": "see GRANTED-2015" }] } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    har.redact(&[], &[]).unwrap();
    let members = &har.log.entries[0].request.extra;
    let password = json!({ "name": "password", "value": "redacted" });
    assert_eq!(
        members["queryString"],
        json!([{ "name": "x", "value": "lunch" }, password])
    );
    assert_eq!(members["cookies"], json!([]));
    let comment = &har.log.entries[0].extra["comment"];
    assert_eq!(comment, "see redacted-1");
}

#[test]
fn the_text_around_a_dropped_value_is_kept() {
    let base64 = |text: &str| BASE64_STANDARD.encode(text);
    for (text, expected) in [
        (
            "see https://lenea:swordfish-2015@pool.contoso.com/a?b=c, and xmpp://swordfish-2015/"
                .to_owned(),
            "see https://lenea:redacted@pool.contoso.com/a?b=c, and xmpp://redacted-1/".to_owned(),
        ),
        // Sixteen base64 digits are decoded. Fewer digits are a word.
        (
            format!("see {}!", base64("pwd=12345678")),
            format!("see {}!", base64("pwd=redacted")),
        ),
        (
            format!("see {}!", base64("pwd=abcde")),
            format!("see {}!", base64("pwd=abcde")),
        ),
    ] {
        let mut har = with_body(json!({ "text": text }), "text/plain");
        har.redact(&[], &[]).unwrap();
        let redacted = har.log.entries[0].response.content.text.as_deref();
        assert_eq!(redacted, Some(&*expected));
    }
}
