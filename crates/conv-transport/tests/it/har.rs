//! Tests of reading and writing HAR files of other programs.

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{Har, HarError, HarPlace};
use serde_json::{Value, json};

/// A shortened export of Chromium, with standard and vendor members that this crate does not use.
fn foreign() -> Value {
    json!({
        "log": {
            "version": "1.2",
            "creator": { "name": "WebInspector", "version": "537.36", "comment": "c" },
            "pages": [{ "id": "page_1", "title": "t", "startedDateTime": "2015-03-01T10:00:00.000Z", "pageTimings": { "onLoad": null } }],
            "entries": [{
                "_initiator": { "type": "script", "stack": { "callFrames": [] } },
                "_priority": "High",
                "cache": { "beforeRequest": null },
                "connection": "443",
                "pageref": "page_1",
                "request": {
                    "method": "POST",
                    "url": "https://pool.contoso.com/a?b=c",
                    "httpVersion": "http/1.1",
                    "headers": [{ "name": "Accept", "value": "*/*", "_v": 1 }],
                    "queryString": [{ "name": "b", "value": "c" }],
                    "cookies": [{ "name": "n", "value": "v", "httpOnly": true }],
                    "headersSize": 700,
                    "bodySize": 4,
                    "postData": { "mimeType": "text/plain", "text": "text", "_charset": "utf-8",
                        "params": [{ "name": "text", "fileName": "f" }] }
                },
                "response": {
                    "status": 200,
                    "statusText": "OK",
                    "httpVersion": "http/1.1",
                    "headers": [],
                    "cookies": [],
                    "content": { "size": 2, "mimeType": "text/plain", "text": "aGk=", "encoding": "base64", "compression": -2 },
                    "redirectURL": "",
                    "headersSize": 300,
                    "bodySize": 2,
                    "_transferSize": 302,
                    "_error": null
                },
                "serverIPAddress": "10.0.0.1",
                "startedDateTime": "2015-03-01T10:00:00.123Z",
                "time": 12.5,
                "timings": { "blocked": 1.0, "wait": 11.5, "_blocked_queueing": 0.5 }
            }]
        },
        "_exporter": "x"
    })
}

#[test]
fn a_file_of_another_program_is_kept_completely() {
    let har = Har::from_slice(&serde_json::to_vec(&foreign()).unwrap()).unwrap();
    let written: Value = serde_json::from_slice(&har.to_vec().unwrap()).unwrap();
    assert_eq!(written, foreign());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(serde_json::to_vec(&foreign()).unwrap());
    assert_eq!(Har::from_slice(&bytes).unwrap().log.entries.len(), 1);
}

#[test]
fn an_invalid_file_is_a_typed_error() {
    for bytes in [
        &b""[..],
        b"<html>",
        b"\xff\xfe",
        b"{\"log\":{\"entries\":[{}]}",
    ] {
        let error = Har::from_slice(bytes).unwrap_err();
        assert!(matches!(error, HarError::Syntax { .. }), "{error}");
    }
    for (bytes, place) in [
        (&b"\n []"[..], "line 2, column 2: not an object"),
        (b"{}", "line 1, column 1: no object"),
        (
            b"{\"log\": null}",
            "line 1, column 9, member log: no object",
        ),
        (
            b"{\"log\":{\n\"entries\":{}}}",
            "line 2, column 11, member log.entries: not an array",
        ),
    ] {
        let error = Har::from_slice(bytes).unwrap_err();
        assert!(matches!(error, HarError::Shape { .. }), "{error}");
        assert!(error.to_string().contains(place), "{error}");
    }
}

#[test]
fn a_file_that_is_cut_off_or_broken_says_where() {
    let file = serde_json::to_string_pretty(&foreign()).unwrap();
    let second = file.replacen(
        "\"entries\": [",
        "\"entries\": [\n{\"response\": {\"content\": {}}},",
        1,
    );
    let cut = second.find("\"aGk=").unwrap() + 3;
    let error = Har::from_slice(&second.as_bytes()[..cut]).unwrap_err();
    let HarError::Syntax { place, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(place.line, second[..cut].lines().count());
    assert_eq!(
        (place.entry, &*place.member),
        (Some(2), "response.content.text")
    );
    let message = error.to_string();
    assert!(
        message.contains("entry 2, member response.content.text"),
        "{message}"
    );

    let broken = second.replacen("\"blocked\": 1.0", "\"blocked\": 1.0.0", 1);
    let error = Har::from_slice(broken.as_bytes()).unwrap_err();
    let HarError::Syntax { place, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (place.entry, &*place.member),
        (Some(2), "timings.blocked"),
        "{error}"
    );
    let line = broken.lines().nth(place.line - 1).unwrap();
    assert!(line.contains("1.0.0"), "{line}");

    let error = Har::from_slice(b"{\"log\": {\"pages\": [{}, {\"id\": x").unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("line 1, column 31, member log.pages[1].id: "),
        "{message}"
    );
}

#[test]
fn a_member_is_found_in_the_text() {
    let file = b"\xef\xbb\xbf{\"log\": {\"entries\": [{\"a\": \"},[\"},\n {\"a\": [1, {\"b\":\n 2}], \"c\":3}]}}";
    let place = |entry, member| {
        let place = HarPlace::find(file, Some(entry), member)?;
        Some((place.line, place.column))
    };
    for (entry, member, expected) in [
        (1, "", Some((1, 22))),
        (1, "a", Some((1, 28))),
        (2, "", Some((2, 2))),
        (2, "a", Some((2, 8))),
        (2, "a[1].b", Some((3, 2))),
        (2, "c", Some((3, 11))),
        // The entry has no such member.
        (2, "d", Some((2, 2))),
        (3, "a", None),
    ] {
        assert_eq!(place(entry, member), expected, "{entry} {member}");
    }
}

#[test]
fn a_member_is_found_behind_strings_with_escapes() {
    let file = br#"{"log":{"a":"\"[{","b":"\\","c":"\\\"}","entries":[{"d":1}]}}"#;
    let place = HarPlace::find(file, Some(1), "d").unwrap();
    assert_eq!((place.line, place.column), (1, 57));
    assert_eq!(file[place.column - 1], b'1');
}

#[test]
fn values_of_another_type_are_read_as_far_as_they_can_be() {
    let read = |entry: &str| {
        let file = format!(r#"{{"log":{{"entries":[{entry}]}}}}"#);
        let har = Har::from_slice(file.as_bytes()).unwrap();
        let [entry] = &har.log.entries[..] else {
            panic!("one entry");
        };
        entry.clone()
    };
    let entry = read(
        r#"{"time":"12.5","request":{"method":"GET","url":"http://a/","headers":{"A":1,"B":null},"postData":"text"},
            "response":{"status":"200","statusText":null,"content":{"size":null,"text":null},"headers":null}}"#,
    );
    assert_eq!(entry.time, 12.5);
    let headers = entry.request.headers.iter();
    let headers: Vec<_> = headers.map(|it| (&*it.name, &*it.value)).collect();
    assert_eq!(headers, [("A", "1"), ("B", "")]);
    assert_eq!(entry.request.body().unwrap(), "text");
    assert_eq!(entry.response.status, 200);
    assert_eq!(entry.response.status_text, "");
    assert_eq!(entry.response.content.text, None);

    for status in ["-1", "-999", "\"-1\"", "null", "\"\"", "{}"] {
        let entry = read(&format!(r#"{{"response":{{"status":{status}}}}}"#));
        assert_eq!(entry.response.status, 0, "{status}");
    }
    // The `statusText` ends with half an emoji. The object has two members `status`.
    let entry = read(r#"{"response":{"statusText":"cut \ud83d","status":1,"status":204}}"#);
    assert_eq!(entry.response.status_text, "cut \u{fffd}");
    assert_eq!(entry.response.status, 204);
    // The member `_error` of a browser is a string, not an error of this crate.
    let entry = read(r#"{"_error":"net::ERR_ABORTED","_lane":7}"#);
    assert_eq!(entry.error, None);
    assert_eq!(entry.extra["_error"], "net::ERR_ABORTED");
    for nothing in ["null", "7", "[]", "{}"] {
        assert_eq!(read(nothing).request.url, "");
    }
}

#[test]
fn utf_16_with_a_byte_order_mark_is_read() {
    let file = serde_json::to_string(&foreign()).unwrap();
    for (mark, bytes) in [
        (
            0xfeff_u16.to_le_bytes(),
            u16::to_le_bytes as fn(u16) -> [u8; 2],
        ),
        (0xfeff_u16.to_be_bytes(), u16::to_be_bytes),
    ] {
        let mut file: Vec<u8> = file.encode_utf16().flat_map(bytes).collect();
        file.splice(..0, mark);
        assert_eq!(Har::from_slice(&file).unwrap().log.entries.len(), 1);
    }
}

#[test]
fn debug_output_hides_the_contents() {
    let har = Har::from_slice(&serde_json::to_vec(&foreign()).unwrap()).unwrap();
    let entry = &har.log.entries[0];
    let shown = format!("{har:?} {entry:?} {:?} {:?}", entry.request, entry.response);
    for hidden in ["contoso", "text", "aGk="] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn no_secret_is_left_in_a_foreign_file_that_was_redacted() {
    let token = BASE64_STANDARD.encode(r#"{"access_token":"token-sesame","text":"hello"}"#);
    let file = json!({ "log": {
        "version": "1.2",
        "pages": [{ "id": "p", "title": "https://pool.contoso.com/?t=token-sesame" }],
        "entries": [{
            "startedDateTime": "2015-03-01T10:00:00Z",
            "time": 1.0,
            "request": {
                "method": "POST",
                "url": "https://pool.contoso.com/a?t=token-sesame&to=sip%3Alenea%40contoso.com",
                "headers": [
                    { "name": "AUTHORIZATION", "value": "Bearer credential-sesame" },
                    { "name": "Cookie", "value": "a=cookie-sesame" },
                ],
                "cookies": [{ "name": "a", "value": "cookie-sesame" }],
                "queryString": [{ "name": "t", "value": "token-sesame" }],
                "postData": {
                    "mimeType": "application/x-www-form-urlencoded",
                    "text": "password=form-sesame&c=credential-sesame",
                    "params": [{ "name": "password", "value": "form-sesame" }, { "name": "c", "value": "credential-sesame" }],
                },
            },
            "response": {
                "status": 200,
                "headers": [{ "name": "Set-Cookie", "value": "b=first-sesame; path=/\nc=second-sesame" }],
                "content": { "size": 1, "mimeType": "application/json", "text": token, "encoding": "base64", "comment": "first-sesame" },
                "redirectURL": "/?c=second-sesame",
            },
            "_initiator": { "stack": ["https://pool.contoso.com/?t=told-sesame"] },
        }],
    } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    let lenea = (
        "sip:lenea@contoso.com".to_owned(),
        "sip:b@example.com".to_owned(),
    );
    har.redact(&["told-sesame".to_owned()], &[lenea]).unwrap();

    let text = String::from_utf8(har.to_vec().unwrap()).unwrap();
    assert!(!text.contains("sesame"), "{text}");
    assert!(!text.contains("lenea"), "{text}");
    let entry = &har.log.entries[0];
    assert!(
        entry.request.url.ends_with("&to=sip%3Ab%40example.com"),
        "{}",
        entry.request.url
    );
    assert_eq!(entry.request.headers[0].value, "Bearer redacted-1");
    let form = entry.request.post_data.as_ref().unwrap().text.as_deref();
    assert_eq!(form, Some("password=redacted&c=redacted"));
    let content = entry.response.content.text.as_deref();
    assert_eq!(
        content,
        Some(r#"{"access_token":"redacted-2","text":"hello"}"#)
    );
    assert_eq!(entry.response.content.encoding, None);
    assert_eq!(
        entry.response.headers[0].value,
        "b=redacted; path=/\nc=redacted"
    );
}

#[test]
fn a_failed_redaction_leaves_the_file_unchanged() {
    let entry = |text: &str| {
        json!({
            "startedDateTime": "2015-03-01T10:00:00Z",
            "request": { "method": "GET", "url": "https://pool.contoso.com/?t=told-sesame" },
            "response": { "status": 200, "content": { "text": text, "encoding": "base64" } },
        })
    };
    let file = json!({ "log": { "entries": [entry(""), entry("?")] } });
    let mut har = Har::from_slice(file.to_string().as_bytes()).unwrap();
    let before = har.clone();
    let error = har.redact(&["told-sesame".to_owned()], &[]).unwrap_err();
    assert!(
        matches!(error, HarError::Entry { number: 2, .. }),
        "{error}"
    );
    assert!(har == before);
}
