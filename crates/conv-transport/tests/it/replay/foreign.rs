//! Tests of HAR files of other programs, which have no lanes and no ordinals.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use conv_transport::{
    Har, HarError, HttpTransport, LeftOutReason, Replay, ReplayOptions, TransportErrorKind,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::{join, time::Instant};

use super::replay;
use crate::scripted::{commands, events, get, post};

fn entry(started: &str, time: f64, method: &str, url: &str, response: Value) -> Value {
    json!({
        "startedDateTime": started,
        "time": time,
        "request": { "method": method, "url": url, "headers": [] },
        "response": response,
    })
}

fn har(entries: &[Value]) -> Har {
    let file = json!({ "log": { "version": "1.2", "entries": entries } });
    Har::from_slice(file.to_string().as_bytes()).unwrap()
}

fn gzip(text: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    BASE64_STANDARD.encode(encoder.finish().unwrap())
}

#[tokio::test(start_paused = true)]
async fn cause_and_effect_come_from_the_dates() {
    // The entries are in the order of their ends, as some programs write them, and in two time zones.
    let har = har(&[
        entry(
            "2015-03-01T11:00:02.000+01:00",
            500.0,
            "GET",
            "http://pool/me",
            json!({ "status": 200, "content": { "text": "me" } }),
        ),
        entry(
            "2015-03-01T10:00:00Z",
            4000.0,
            "GET",
            "http://pool/events",
            json!({ "status": 200, "content": { "text": "page" } }),
        ),
    ]);
    let replay = replay(&har, ReplayOptions::new());
    let began = Instant::now();
    join!(
        async {
            let page = replay
                .send(get("http://pool/events"), events())
                .await
                .unwrap();
            assert_eq!(page.body(), "page");
            assert_eq!(began.elapsed().as_millis(), 4000);
        },
        async {
            let me = replay
                .send(get("http://pool/me"), commands())
                .await
                .unwrap();
            assert_eq!(me.body(), "me");
            assert_eq!(began.elapsed().as_millis(), 2500);
        }
    );
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn equal_requests_are_answered_in_the_order_of_the_dates() {
    let har = har(&[
        entry(
            "2015-03-01T10:00:02Z",
            0.0,
            "GET",
            "http://pool/me",
            json!({ "status": 200, "content": { "text": "second" } }),
        ),
        entry(
            "2015-03-01T10:00:01Z",
            0.0,
            "GET",
            "http://pool/me",
            json!({ "status": 200, "content": { "text": "first" } }),
        ),
    ]);
    let replay = replay(&har, ReplayOptions::new());
    for expected in ["first", "second"] {
        let response = replay.send(get("http://pool/me"), commands()).await;
        assert_eq!(response.unwrap().body(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_are_decoded_from_every_encoding() {
    let gzipped = json!([{ "name": "Content-Encoding", "value": "gzip" }]);
    let responses = [
        json!({ "status": 200, "headers": gzipped, "content": { "text": gzip("text"), "encoding": "base64" } }),
        json!({ "status": 200, "headers": gzipped, "content": { "text": BASE64_STANDARD.encode("text"), "encoding": "base64" } }),
        json!({ "status": 200, "headers": gzipped, "content": { "text": "text" } }),
        json!({ "status": 200, "headers": [{ "name": ":status", "value": "200" }, { "name": "transfer-encoding", "value": "chunked" }],
            "content": { "text": "dGV4\r\ndA==", "encoding": "base64" } }),
    ];
    for response in responses {
        let har = har(&[entry(
            "2015-03-01T10:00:00Z",
            0.0,
            "GET",
            "http://pool/",
            response,
        )]);
        let replay = replay(&har, ReplayOptions::new());
        let response = replay.send(get("http://pool/"), commands()).await.unwrap();
        assert_eq!(response.body(), "text");
        assert!(response.headers().is_empty(), "{:?}", response.headers());
    }
}

#[tokio::test(start_paused = true)]
async fn headers_that_chromium_joined_are_split() {
    let har = har(&[entry(
        "2015-03-01T10:00:00Z",
        0.0,
        "GET",
        "http://pool/",
        json!({ "status": 401, "headers": [{ "name": "WWW-Authenticate", "value": "Bearer a\nMsRtcOAuth b" }] }),
    )]);
    let replay = replay(&har, ReplayOptions::new());
    let response = replay.send(get("http://pool/"), commands()).await.unwrap();
    let challenges: Vec<_> = response
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges, ["Bearer a", "MsRtcOAuth b"]);
}

#[tokio::test(start_paused = true)]
async fn a_form_may_be_written_as_fields() {
    let mut entry = entry(
        "2015-03-01T10:00:00Z",
        0.0,
        "POST",
        "http://pool/",
        json!({ "status": 204 }),
    );
    entry["request"]["postData"] = json!({
        "mimeType": "application/x-www-form-urlencoded",
        "text": "",
        "params": [{ "name": "a", "value": "1&2" }, { "name": "b" }, { "name": "c", "value": "x-y z" }],
    });
    let replay = replay(&har(&[entry]), ReplayOptions::new());
    let response = replay
        .send(post("http://pool/", "a=1%262&b=&c=x-y+z"), commands())
        .await;
    assert_eq!(response.unwrap().status(), 204);
}

#[test]
fn a_malformed_entry_is_named() {
    let good = || {
        entry(
            "2015-03-01T10:00:00Z",
            0.0,
            "GET",
            "http://pool/",
            json!({ "status": 200 }),
        )
    };
    for (member, value, reason) in [
        ("/startedDateTime", json!("yesterday"), "startedDateTime"),
        ("/time", json!(1e300), "time"),
        ("/request/method", json!("G T"), "request.method"),
        ("/request/url", json!("http://[/"), "request.url"),
        ("/response/status", json!(42), "response.status"),
        (
            "/response/headers",
            json!([{ "name": "a b", "value": "" }]),
            "response.headers: a b",
        ),
        (
            "/response/headers",
            json!([{ "name": "a", "value": "\u{1}" }]),
            "response.headers: a",
        ),
    ] {
        let mut bad = good();
        let (object, name) = member.rsplit_once('/').unwrap();
        bad.pointer_mut(object).unwrap()[name] = value;
        match Replay::new(&har(&[good(), bad]), ReplayOptions::new()) {
            Err(error @ HarError::Entry { number, .. }) => {
                assert_eq!(number, 2);
                let message = error.to_string();
                assert!(message.contains(&format!("member {reason}")), "{message}");
            }
            other => panic!("{member}: {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn paths_that_only_a_browser_requests_are_left_out() {
    let nothing = || json!({ "status": 404 });
    let har = har(&[
        entry(
            "2015-03-01T10:00:00Z",
            1.0,
            "GET",
            "http://pool/page?x",
            nothing(),
        ),
        entry(
            "2015-03-01T10:00:01Z",
            1.0,
            "GET",
            "data:image/png;base64,AA==",
            nothing(),
        ),
        entry(
            "2015-03-01T10:00:01Z",
            1.0,
            "GET",
            "blob:http://pool/1-2",
            nothing(),
        ),
        entry(
            "2015-03-01T10:00:02Z",
            1.0,
            "GET",
            "http://pool/favicon.ico",
            nothing(),
        ),
        entry(
            "2015-03-01T10:00:03Z",
            7.0,
            "GET",
            "http://pool/me",
            json!({ "status": 200 }),
        ),
    ]);
    let options = ReplayOptions::new().without_paths(["/page", "/favicon.ico"]);
    let replay = replay(&har, options);
    let began = Instant::now();
    replay
        .send(get("http://pool/me"), commands())
        .await
        .unwrap();
    // The clock of the replay starts with the first exchange that is not left out.
    assert_eq!(began.elapsed().as_millis(), 7);
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn entries_that_this_client_never_sends_are_left_out_and_counted() {
    let at = "2015-03-01T10:00:00Z";
    let ok = || json!({ "status": 200 });
    let mut upgrade = entry(at, 1.0, "GET", "http://pool/live", ok());
    upgrade["request"]["headers"] = json!([{ "name": "Sec-WebSocket-Key", "value": "x" }]);
    let har = har(&[
        entry(at, 1.0, "GET", "chrome-extension://abc/x.js", ok()),
        entry(at, 1.0, "GET", "about:blank", ok()),
        entry(at, 1.0, "CONNECT", "pool:443", ok()),
        entry(at, 1.0, "OPTIONS", "http://pool/me", ok()),
        entry(at, 1.0, "GET", "wss://pool/live", json!({ "status": 101 })),
        entry(at, 1.0, "GET", "http://pool/live", json!({ "status": 101 })),
        upgrade,
        entry(
            at,
            1.0,
            "GET",
            "http://pool/cancelled",
            json!({ "status": -1 }),
        ),
        json!({}),
        entry(at, 1.0, "", "http://pool/me", ok()),
        entry(at, 1.0, "GET", "", ok()),
        entry(at, 1.0, "GET", "http://pool/page", ok()),
        entry(at, 1.0, "GET", "http://pool/me#part", ok()),
    ]);
    let replay = replay(&har, ReplayOptions::new().without_paths(["/page"]));
    replay
        .send(get("http://pool/me"), commands())
        .await
        .unwrap();
    replay.finish().unwrap();
    let left_out = replay.left_out().iter();
    let left_out: Vec<_> = left_out.map(|it| (it.number, it.reason)).collect();
    use LeftOutReason::{Failed, NoRequest, Path, Preflight, Scheme, Tunnel, WebSocket};
    assert_eq!(
        left_out,
        [
            (1, Scheme),
            (2, Scheme),
            (3, Tunnel),
            (4, Preflight),
            (5, WebSocket),
            (6, WebSocket),
            (7, WebSocket),
            (8, Failed),
            (9, NoRequest),
            (10, NoRequest),
            (11, NoRequest),
            (12, Path),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_retried_request_gets_the_response_of_the_retry() {
    let har = har(&[
        entry(
            "2015-03-01T10:00:00Z",
            1.0,
            "GET",
            "http://pool/me",
            json!({ "status": 0, "_error": "net::ERR_CONNECTION_RESET" }),
        ),
        entry(
            "2015-03-01T10:00:01Z",
            1.0,
            "GET",
            "http://pool/me",
            json!({ "status": 200 }),
        ),
    ]);
    let replay = replay(&har, ReplayOptions::new());
    let response = replay.send(get("http://pool/me"), commands()).await;
    assert_eq!(response.unwrap().status(), 200);
    // A second request of the client stays pending, like the failed request of the browser.
    let error = replay.send(get("http://pool/me"), commands()).await;
    assert_eq!(error.unwrap_err().kind(), TransportErrorKind::Timeout);
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn dates_that_are_missing_or_without_an_offset_are_read() {
    let har = har(&[
        entry(
            "2015-03-01T10:00:00.500",
            1000.0,
            "GET",
            "http://pool/a",
            json!({ "status": 200 }),
        ),
        entry("", 2000.0, "GET", "http://pool/b", json!({ "status": 200 })),
        entry(
            "1425204003500",
            0.0,
            "GET",
            "http://pool/c",
            json!({ "status": 200, "headers": [{ "name": "", "value": "HTTP/1.1 200 OK" }] }),
        ),
    ]);
    let replay = replay(&har, ReplayOptions::new());
    let began = Instant::now();
    let ended = |path| {
        let replay = &replay;
        let url = format!("http://pool/{path}");
        async move {
            replay.send(get(&url), commands()).await.unwrap();
            began.elapsed().as_millis()
        }
    };
    let ended = join!(ended("a"), ended("b"), ended("c"));
    assert_eq!(ended, (1000, 2000, 3000));
}

/// The dates of browsers have milliseconds. Their durations have microseconds.
#[tokio::test(start_paused = true)]
async fn a_request_within_the_millisecond_of_an_answer_follows_it() {
    let har = har(&[
        entry(
            "2015-03-01T10:00:00.100Z",
            4.7,
            "GET",
            "http://pool/a",
            json!({ "status": 200 }),
        ),
        entry(
            "2015-03-01T10:00:00.104Z",
            3.0,
            "GET",
            "http://pool/b",
            json!({ "status": 200 }),
        ),
    ]);
    let replay = replay(&har, ReplayOptions::new());
    replay.send(get("http://pool/a"), commands()).await.unwrap();
    replay.send(get("http://pool/b"), commands()).await.unwrap();
    replay.finish().unwrap();
}
