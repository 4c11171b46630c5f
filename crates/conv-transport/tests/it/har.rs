//! HAR files of other programs, read and written.

use conv_transport::{Har, HarError};
use serde_json::{Value, json};

/// The shape that Chromium exports, shortened, with members of the specification and of the vendor that this crate has no use for.
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
fn nothing_of_a_foreign_file_is_lost() {
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
fn what_is_no_har_is_a_typed_error() {
    for bytes in [
        &b""[..],
        b"<html>",
        b"{}",
        b"{\"log\":{\"entries\":[{}]}}",
        b"\xff\xfe",
    ] {
        let error = Har::from_slice(bytes).unwrap_err();
        assert!(matches!(error, HarError::Json(_)), "{error}");
    }
}

#[test]
fn debug_output_tells_nothing_of_the_contents() {
    let har = Har::from_slice(&serde_json::to_vec(&foreign()).unwrap()).unwrap();
    let entry = &har.log.entries[0];
    let shown = format!("{har:?} {entry:?} {:?} {:?}", entry.request, entry.response);
    for hidden in ["contoso", "text", "aGk="] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}
