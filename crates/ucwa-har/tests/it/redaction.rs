//! Redactions.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use conv_transport::Har;
use serde_json::json;
use ucwa_har::Redaction;

use crate::fixture::{har, names};

#[test]
fn a_text_has_one_pseudonym_in_whatever_form_it_stands() {
    let content = |kind: &str, text: &str| {
        let headers = json!([{ "name": "Content-Type", "value": kind }]);
        json!({
            "startedDateTime": "2015-03-02T09:00:00Z",
            "request": {
                "method": "POST", "url": "http://pool/search?query=Lene%20Aaling", "headers": headers,
                "postData": { "mimeType": kind, "text": text },
            },
        })
    };
    let parts = "--b\r\nContent-Type: application/http; msgtype=request\r\n\r\nPOST /a HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nHi Lene, ok\r\n--b--\r\n";
    let entries = [
        content("text/plain; charset=utf-8", "Hi Lene, ok"),
        content(
            "application/json",
            r#"{"message":{"href":"data:text/plain;base64,SGkgTGVuZSwgb2s="},"subject":"Hi Lene, ok"}"#,
        ),
        content(
            "application/vnd.microsoft.com.ucwa+xml",
            r#"<r><link rel="m" href="data:text/html;charset=utf-8,Hi+Lene%2c+ok"/><property name="name">Lene Aaling</property></r>"#,
        ),
        content("multipart/batching; boundary=\"b\"", parts),
    ];
    let file = json!({ "log": { "version": "1.2", "entries": entries } }).to_string();
    let mut har = Har::from_slice(file.as_bytes()).unwrap();
    let mut asked = Redaction::default();
    asked.names = true;
    asked.texts = true;
    asked.apply(&mut har).unwrap();
    let body = |number: usize| {
        let body = har.log.entries[number].request.body().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    };
    assert_eq!(body(0), "Text 1");
    assert_eq!(
        body(1),
        r#"{"message":{"href":"data:text/plain;base64,VGV4dCAx"},"subject":"Text 1"}"#
    );
    assert_eq!(
        body(2),
        r#"<r><link rel="m" href="data:text/html;charset=utf-8,Text+1"/><property name="name">Person 1</property></r>"#
    );
    assert!(body(3).contains("\r\n\r\nText 1\r\n--b--"), "{}", body(3));
    let request = &har.log.entries[3].request;
    assert_eq!(request.url, "http://pool/search?query=Person%201");
    assert!(
        !String::from_utf8(har.to_vec().unwrap())
            .unwrap()
            .contains("Lene")
    );
}

#[test]
fn a_body_that_was_cut_off_is_redacted_too() {
    let mut har = har("outgoing-declined-json");
    har.log.entries[8].response.content.text = Some("{\"name\":\"Len".to_owned());
    let mut asked = Redaction::default();
    asked.names = true;
    asked.apply(&mut har).unwrap();
    let body = har.log.entries[8].response.body().unwrap();
    let body = std::str::from_utf8(&body).unwrap();
    assert!(body.starts_with("{\"name\":\"Person "), "{body}");
}

#[test]
fn a_body_that_cannot_be_decoded_is_an_error_or_left_out() {
    let mut har = har("outgoing-declined-json");
    let content = &mut har.log.entries[8].response.content;
    content.text = Some("/w==".to_owned());
    content.encoding = Some("base64".to_owned());
    content.mime_type = "application/pdf".to_owned();
    har.log.entries[8].response.headers.clear();
    let error = Redaction::default().apply(&mut har).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("entry 9, member response.content: "),
        "{error}"
    );
    let mut asked = Redaction::default();
    asked.drop_unreadable = true;
    asked.apply(&mut har).unwrap();
    assert_eq!(har.log.entries[8].response.content.text, None);
}

#[test]
fn redacting_a_fixture_again_changes_nothing() {
    for name in names() {
        let before = har(&name);
        let mut after = before.clone();
        Redaction::default().apply(&mut after).unwrap();
        assert!(after == before, "{name}");
    }
}

#[test]
fn persons_and_their_messages_are_replaced() {
    for name in [
        "outgoing-delivered-json",
        "incoming-accepted-xml",
        "group-json",
        "browser-outgoing-json",
    ] {
        let mut har = har(name);
        let mut asked = Redaction::default();
        asked.addresses = true;
        asked.names = true;
        asked.texts = true;
        asked.apply(&mut har).unwrap();
        let file = String::from_utf8(har.to_vec().unwrap()).unwrap();
        for gone in [
            "lenea@", "toshm@", "contoso", "Aaling", "Meston", "minute", "agenda",
        ] {
            assert!(!file.contains(gone), "{name}: {gone}");
        }
        // Neither in base64.
        for after in file.split("text/plain;base64,").skip(1) {
            let encoded = after.split(['=', '"', '\\', '<', '&']).next().unwrap();
            let text = BASE64_STANDARD_NO_PAD.decode(encoded).unwrap();
            assert!(text.starts_with(b"Text "), "{name}: {encoded}");
        }
        assert!(file.contains("@domain-1.example"), "{name}");
    }
}

#[test]
fn a_given_secret_is_removed() {
    let mut har = har("outgoing-declined-json");
    let before = String::from_utf8(har.to_vec().unwrap()).unwrap();
    assert!(before.contains("lyncweb"));
    let mut asked = Redaction::default();
    asked.secrets.push("lyncweb".to_owned());
    asked.apply(&mut har).unwrap();
    let after = String::from_utf8(har.to_vec().unwrap()).unwrap();
    assert!(!after.contains("lyncweb"));
    assert!(!format!("{asked:?}").contains("lyncweb"));
}
