//! Tests of the matching of live requests with recorded exchanges.

use std::time::Duration;

use bytes::Bytes;
use conv_transport::{Har, HttpTransport, Replay, ReplayOptions, Sent, TransportErrorKind};
use http::{Request, Response};

use super::{recording, replay};
use crate::scripted::{commands, events, get, ok, post};

const NOW: Duration = Duration::ZERO;

async fn body(replay: &Replay, request: Request<Bytes>) -> String {
    let response = replay.send(request, commands()).await.unwrap();
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn equal_requests_are_answered_in_order_and_different_ones_in_any_order() {
    let counter = std::sync::atomic::AtomicU32::new(1);
    let har = recording(
        move |_| {
            let number = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            (NOW, ok(number.to_string()))
        },
        |transport| async move {
            for (path, text) in [("/a", "x"), ("/a", "x"), ("/a", "y"), ("/b", "x")] {
                let request = post(&format!("http://pool{path}"), text);
                transport.send(request, commands()).await.unwrap();
            }
        },
    )
    .await;
    let replay = replay(&har, ReplayOptions::new());
    let send = |path: &str, text: &'static str| {
        let replay = &replay;
        let request = post(&format!("http://pool{path}"), text);
        async move { body(replay, request).await }
    };
    let (a, b, c, d) = tokio::join!(
        send("/b", "x"),
        send("/a", "y"),
        send("/a", "x"),
        send("/a", "x")
    );
    assert_eq!([a, b, c, d], ["4", "3", "1", "2"]);
    replay.finish().unwrap();
}

/// Records a root with links to itself and to another server, and then an operation with values that the client generated.
async fn with_volatile_values() -> Har {
    recording(
        |request| {
            let response = match request.uri().path() {
                "/" => r#"{"user":"https:\/\/pool.contoso.com\/user","other":"https://other.contoso.com/x","sip":"sip:a@pool.contoso.com"}"#,
                "/applications/1/start" => r#"{"operationId":"op-r","_links":{"self":{"href":"/operations/op-r?e=ep%2fr"}}}"#,
                _ => "done",
            };
            let response = Response::builder()
                .header("location", "https://pool.contoso.com/operations/op-r")
                .header("content-length", response.len())
                .body(Bytes::from_static(response.as_bytes()))
                .unwrap();
            (NOW, Ok(response))
        },
        |transport| async move {
            for request in [
                get("https://pool.contoso.com/"),
                post(
                    "https://pool.contoso.com/applications/1/start?endpointId=ep/r",
                    r#"{"operationId":"op-r","to":"sip:a@contoso.com"}"#,
                ),
                get("https://pool.contoso.com/operations/op-r"),
            ] {
                transport.send(request, commands()).await.unwrap();
            }
        },
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn values_that_the_client_generates_are_bound_and_substituted() {
    let har = with_volatile_values().await;
    let options = ReplayOptions::new()
        .client_made(["operationId", "endpointId"])
        .volatile_after(["applications"]);
    let replay = replay(&har, options);
    let root = body(&replay, get("http://127.0.0.1:8080/")).await;
    assert_eq!(
        root,
        r#"{"user":"http:\/\/127.0.0.1:8080\/user","other":"https://other.contoso.com/x","sip":"sip:a@pool.contoso.com"}"#
    );
    let start = post(
        "http://127.0.0.1:8080/applications/77/start?endpointId=ep/live",
        r#"{"to":"sip:a@contoso.com","operationId":"op-live"}"#,
    );
    let response = replay.send(start, commands()).await.unwrap();
    assert_eq!(
        response.body(),
        r#"{"operationId":"op-live","_links":{"self":{"href":"/operations/op-live?e=ep%2flive"}}}"#
    );
    assert_eq!(
        response.headers()["location"],
        "http://127.0.0.1:8080/operations/op-live"
    );
    assert_eq!(
        response.headers()["content-length"],
        response.body().len().to_string()
    );
    assert_eq!(
        body(&replay, get("http://127.0.0.1:8080/operations/op-live")).await,
        "done"
    );
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_once_bound_stays_bound() {
    let har = with_volatile_values().await;
    let replay = replay(&har, ReplayOptions::new());
    body(&replay, get("http://127.0.0.1:8080/")).await;
    let elsewhere = get("http://evil.contoso.com/operations/op-r");
    let error = replay.send(elsewhere, commands()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unexpected);
    assert!(
        error
            .to_string()
            .contains("another server than http://127.0.0.1:8080"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn servers_with_their_recorded_names_are_distinguished() {
    let har = recording(
        |request| (NOW, ok(request.uri().host().unwrap().to_owned())),
        |transport| async move {
            for url in [
                "http://internal.contoso.com/",
                "http://external.contoso.com/",
            ] {
                transport.send(get(url), commands()).await.unwrap();
            }
        },
    )
    .await;
    let replay = replay(&har, ReplayOptions::new());
    let external = body(&replay, get("http://external.contoso.com/"));
    let internal = body(&replay, get("http://internal.contoso.com/"));
    let (external, internal) = tokio::join!(external, internal);
    assert_eq!(
        [&*external, &*internal],
        ["external.contoso.com", "internal.contoso.com"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_unexpected_request_is_an_error_and_is_reported() {
    let har = recording(
        |_| (NOW, ok("")),
        |transport| async move {
            let request = post("http://pool/messages?token=t", r#"{"text":"hello"}"#);
            transport.send(request, commands()).await.unwrap();
            transport
                .send(get("http://pool/me"), commands())
                .await
                .unwrap();
        },
    )
    .await;
    let replay = replay(&har, ReplayOptions::new());
    let request = post("http://pool/messages?token=t", r#"{"text":"goodbye"}"#);
    let error = replay.send(request, commands()).await.unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Unexpected);
    assert_eq!(error.sent(), Sent::No);
    let expected = "POST /messages?token=… is not in the recording; \
                the nearest is entry 1, POST /messages?token=…: the body differs at /text";
    assert!(error.to_string().contains(expected), "{error}");
    let error = replay
        .send(get("http://pool/me"), events())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("entry 2, GET /me: the lane differs"),
        "{error}"
    );

    let report = replay.finish().unwrap_err();
    assert_eq!(
        report.to_string(),
        "the live traffic is not the recorded one: 2 unused, 2 unexpected\
         \n  unused entry 1: POST /messages?token=…; the nearest is 1, POST /messages?token=…: the body differs at /text\
         \n  unused entry 2: GET /me; the nearest is 2, GET /me: the lane differs\
         \n  unexpected request 1: POST /messages?token=…; the nearest is 1, POST /messages?token=…: the body differs at /text\
         \n  unexpected request 2: GET /me; the nearest is 2, GET /me: the lane differs"
    );
}

#[tokio::test(start_paused = true)]
async fn a_password_matches_any_recorded_password() {
    let har = recording(
        |_| (NOW, ok(r#"{"access_token":"cwt=secret"}"#)),
        |transport| async move {
            let form = post("http://pool/token", "username=a&password=one");
            transport.send(form, commands()).await.unwrap();
        },
    )
    .await;
    let replay = replay(&har, ReplayOptions::new());
    let form = post("http://pool/token", "username=a&password=two");
    assert_eq!(
        body(&replay, form).await,
        r#"{"access_token":"redacted-1"}"#
    );
}
