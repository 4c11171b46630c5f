//! Tests of injected faults: their effects, the requests that they affect, and their seeds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use conv_transport::{
    Effect, Fault, Faulty, HttpTransport, Lane, SendOptions, Sent, Stage, TransportErrorKind,
};
use http::StatusCode;
use tokio::time::Instant;

use crate::scripted::{Scripted, commands, events, get, ok, seconds};

const BODY: &str = "0123456789";

fn faulty(seed: u64, faults: &[&str]) -> (Faulty<Scripted>, Arc<AtomicU32>) {
    let served = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&served);
    let inner = Scripted::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        (seconds(1), ok(BODY))
    });
    let faults = faults.iter().map(|fault| fault.parse().unwrap());
    (Faulty::new(inner, seed, faults), served)
}

#[tokio::test(start_paused = true)]
async fn each_effect_acts_as_documented() {
    let (refuse, served) = faulty(1, &["refuse"]);
    let error = refuse
        .send(get("http://u:p@pool:80/"), commands())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Connect, Sent::No)
    );
    assert_eq!(error.host(), "pool:80");
    assert_eq!(served.load(Ordering::Relaxed), 0);

    let (reset, served) = faulty(1, &["reset"]);
    let error = reset
        .send(get("http://pool/"), commands())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Closed, Sent::Maybe)
    );
    assert_eq!(error.stage(), Stage::Wait);
    assert_eq!(served.load(Ordering::Relaxed), 1);

    let (status, served) = faulty(1, &["status=503"]);
    let response = status.send(get("http://pool/"), commands()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["content-type"], "text/html");
    assert_eq!(served.load(Ordering::Relaxed), 0);

    let (truncate, _) = faulty(1, &["truncate"]);
    let response = truncate
        .send(get("http://pool/"), commands())
        .await
        .unwrap();
    assert!(response.body().len() < BODY.len());
    assert!(BODY.as_bytes().starts_with(response.body()));

    let (garbage, _) = faulty(1, &["garbage"]);
    let response = garbage.send(get("http://pool/"), commands()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_ne!(response.body(), BODY);
}

#[tokio::test(start_paused = true)]
async fn delays_add_up_and_respect_the_deadline() {
    let (delayed, served) = faulty(1, &["delay=1500ms", "delay=2s", "reset", "delay=60s"]);
    let began = Instant::now();
    let error = delayed
        .send(get("http://pool/"), commands())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), TransportErrorKind::Closed);
    assert_eq!(began.elapsed(), Duration::from_millis(4500));

    let began = Instant::now();
    let options = SendOptions::new(Lane::Commands, seconds(3));
    let error = delayed
        .send(get("http://pool/"), options)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Timeout, Sent::No)
    );
    assert_eq!(began.elapsed(), seconds(3));
    assert_eq!(served.load(Ordering::Relaxed), 1);

    let began = Instant::now();
    let options = SendOptions::new(Lane::Commands, Duration::from_millis(3700));
    let error = delayed
        .send(get("http://pool/"), options)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (TransportErrorKind::Timeout, Sent::Maybe)
    );
    assert_eq!(began.elapsed(), Duration::from_millis(3700));
}

#[tokio::test(start_paused = true)]
async fn lane_and_path_select_the_affected_requests() {
    let (faulty, _) = faulty(1, &["status=500,lane=events", "status=404,path=/messages"]);
    for (path, options, status) in [
        ("/events", events(), 500),
        ("/messages", events(), 500),
        ("/a/messages/b", commands(), 404),
        ("/me?x=/messages", commands(), 200),
    ] {
        let request = get(&format!("http://pool{path}"));
        let response = faulty.send(request, options).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_seed_determines_all_faults() {
    async fn scenario(seed: u64) -> Vec<Option<usize>> {
        let (faulty, _) = faulty(seed, &["refuse,chance=0.3", "truncate,chance=0.5"]);
        let mut lengths = Vec::new();
        for _ in 0..200 {
            let response = faulty.send(get("http://pool/"), commands()).await;
            lengths.push(response.ok().map(|response| response.body().len()));
        }
        lengths
    }
    let first = scenario(7).await;
    assert_eq!(first, scenario(7).await);
    assert_ne!(first, scenario(8).await);
    let refused = first.iter().filter(|length| length.is_none()).count();
    assert!(
        (30..90).contains(&refused),
        "{refused} of 200 at a chance of 0.3"
    );
    let (never, _) = faulty(7, &["refuse,chance=0"]);
    for _ in 0..20 {
        never.send(get("http://pool/"), commands()).await.unwrap();
    }
}

#[test]
fn a_fault_is_read_from_text() {
    let mut expected = Fault::new(Effect::Status(StatusCode::BAD_GATEWAY));
    expected.lane = Some(Lane::Commands);
    expected.path = Some("/a=b".to_owned());
    expected.chance = 0.25;
    let fault: Fault = "status=502,lane=commands,path=/a=b,chance=0.25"
        .parse()
        .unwrap();
    assert_eq!(fault, expected);
    for (text, part) in [
        ("", ""),
        ("explode", "explode"),
        ("reset=1", "reset=1"),
        ("delay", "delay"),
        ("delay=2", "delay=2"),
        ("delay=-1s", "delay=-1s"),
        ("status=42", "status=42"),
        ("reset,lane=all", "lane=all"),
        ("reset,chance=1.5", "chance=1.5"),
        ("reset,chance=NaN", "chance=NaN"),
        ("reset,when=now", "when=now"),
        ("reset,", ""),
    ] {
        let error = text.parse::<Fault>().unwrap_err();
        assert_eq!(error.to_string(), format!("not a fault: {part}"));
    }
}
