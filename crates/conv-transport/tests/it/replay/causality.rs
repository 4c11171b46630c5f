//! Tests of the order and the timing of replayed responses.

use std::{sync::Arc, time::Duration};

use conv_transport::{
    Har, HttpTransport, Lane, ReplayOptions, SendOptions, Sent, Stage, TransportError,
    TransportErrorKind,
};
use tokio::{
    join,
    time::{Instant, sleep, timeout},
};

use super::{recording, replay};
use crate::scripted::{commands, events, get, ok, post, seconds};

/// Sends a poll that takes 5 s, and after 2 s a command that takes 1 s.
async fn scenario(transport: Arc<dyn HttpTransport>) {
    join!(
        async {
            let page = transport.send(get("http://pool/events"), events()).await;
            assert_eq!(page.unwrap().body(), "page");
        },
        async {
            sleep(seconds(2)).await;
            let answer = transport
                .send(post("http://pool/me", "a"), commands())
                .await;
            assert_eq!(answer.unwrap().body(), "me");
        }
    );
}

async fn recorded() -> Har {
    recording(
        |request| match request.uri().path() {
            "/events" => (seconds(5), ok("page")),
            _ => (seconds(1), ok("me")),
        },
        scenario,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn recorded_traffic_replays_in_its_recorded_time() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let began = Instant::now();
    scenario(Arc::clone(&replay) as Arc<dyn HttpTransport>).await;
    assert_eq!(began.elapsed().as_millis(), 5000);
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_response_is_returned_at_its_recorded_time() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let began = Instant::now();
    join!(
        async {
            replay
                .send(get("http://pool/events"), events())
                .await
                .unwrap();
            assert_eq!(began.elapsed().as_millis(), 5000);
        },
        async {
            // The request is earlier than recorded. The response still comes at its recorded time.
            replay
                .send(post("http://pool/me", "a"), commands())
                .await
                .unwrap();
            assert_eq!(began.elapsed().as_millis(), 3000);
        }
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_is_held_until_the_client_has_sent_all_earlier_requests() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let began = Instant::now();
    join!(
        async {
            replay
                .send(get("http://pool/events"), events())
                .await
                .unwrap();
            assert_eq!(began.elapsed().as_millis(), 60_000);
        },
        async {
            sleep(seconds(60)).await;
            replay
                .send(post("http://pool/me", "a"), commands())
                .await
                .unwrap();
        }
    );
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn late_responses_are_returned_in_the_recorded_order() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let order = std::sync::Mutex::new(Vec::new());
    let order = &order;
    let began = Instant::now();
    join!(
        async {
            sleep(seconds(60)).await;
            replay
                .send(get("http://pool/events"), events())
                .await
                .unwrap();
            order.lock().unwrap().push("events");
        },
        async {
            // The response is held until the client sends the poll. By then, the recorded times of both responses have passed.
            replay
                .send(post("http://pool/me", "a"), commands())
                .await
                .unwrap();
            assert_eq!(began.elapsed().as_millis(), 60_000);
            order.lock().unwrap().push("commands");
        }
    );
    assert_eq!(*order.lock().unwrap(), ["commands", "events"]);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_held_response_names_the_missing_request() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let options = SendOptions::new(Lane::Events, seconds(10));
    let began = Instant::now();
    let error = replay
        .send(get("http://pool/events"), options)
        .await
        .unwrap_err();
    assert_eq!(began.elapsed(), seconds(10));
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
    assert_eq!(error.stage(), Stage::Wait);
    assert!(error.to_string().contains("entry 2, POST /me"), "{error}");
    let report = replay.finish().unwrap_err();
    assert_eq!(report.unused.len(), 1);
    assert_eq!(report.unused[0].request, "POST /me");
}

#[tokio::test(start_paused = true)]
async fn a_recorded_error_is_returned_again() {
    let har = recording(
        |_| {
            let error = TransportError::new(TransportErrorKind::Closed, Stage::Wait, "pool:80");
            (seconds(7), Err(error.with_detail("by the peer")))
        },
        |transport| async move {
            transport
                .send(get("http://pool/events"), events())
                .await
                .unwrap_err();
        },
    )
    .await;
    let replay = replay(&har, ReplayOptions::new());
    let began = Instant::now();
    let error = replay
        .send(get("http://other:81/events"), events())
        .await
        .unwrap_err();
    assert_eq!(began.elapsed().as_millis(), 7000);
    assert_eq!(error.kind(), TransportErrorKind::Closed);
    assert_eq!(error.stage(), Stage::Wait);
    assert_eq!(error.sent(), Sent::Maybe);
    assert_eq!(error.host(), "other:81");
    assert_eq!(error.detail(), Some("by the peer"));
    replay.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_aborted_exchange_may_be_missing_or_pending() {
    let har = recording(
        |request| match request.uri().path() {
            "/events" => (seconds(180), ok("page")),
            _ => (seconds(1), ok("me")),
        },
        |transport| async move {
            let poll = transport.send(get("http://pool/events"), events());
            timeout(seconds(2), poll).await.unwrap_err();
            transport
                .send(get("http://pool/me"), commands())
                .await
                .unwrap();
        },
    )
    .await;

    let without = replay(&har, ReplayOptions::new());
    without
        .send(get("http://pool/me"), commands())
        .await
        .unwrap();
    without.finish().unwrap();

    let with = replay(&har, ReplayOptions::new());
    let poll = with.send(get("http://pool/events"), events());
    timeout(seconds(2), poll).await.unwrap_err();
    with.send(get("http://pool/me"), commands()).await.unwrap();
    with.finish().unwrap();

    let options = SendOptions::new(Lane::Events, seconds(3));
    let parked = replay(&har, ReplayOptions::new());
    let error = parked
        .send(get("http://pool/events"), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_exchange_does_not_hold_the_others() {
    let replay = replay(&recorded().await, ReplayOptions::new());
    let command = replay.send(post("http://pool/me", "a"), commands());
    timeout(Duration::from_millis(1), command)
        .await
        .unwrap_err();
    let page = replay.send(get("http://pool/events"), events()).await;
    assert_eq!(page.unwrap().body(), "page");
}
