//! Interruptions: the application learns that no events arrive, why, and when they arrive again.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::{first_remote, signed_out};
use crate::pages::*;

/// Takes the reports about the arrival of events: `true` for a failure, `false` for its end.
fn interruptions(bench: &mut Bench) -> Vec<bool> {
    std::mem::take(&mut bench.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::SignIn {
                state: SignInState::SignedIn,
                failure,
            } => Some(failure.is_some_and(|it| *it.kind() == FailureKind::ConnectionLost)),
            _ => None,
        })
        .collect()
}

/// Answers the pending GET with a truncated page.
#[track_caller]
fn malformed_page(bench: &mut Bench) {
    let poll = bench.take("GET", &format!("{APP}/events"));
    let page = http::Response::builder()
        .header("content-type", "application/json")
        .body("{\"_links\":".into())
        .unwrap();
    bench.respond(poll.id, page);
    bench.advance(Duration::from_secs(5));
}

#[test]
fn an_unreadable_page_is_reported_once_until_a_page_can_be_read() {
    let mut bench = Bench::signed_in();
    for round in 0..4 {
        for unreadable in 1..=3 {
            assert_eq!(
                interruptions(&mut bench),
                [false; 0],
                "{round} {unreadable}"
            );
            malformed_page(&mut bench);
        }
        if round == 0 {
            assert_eq!(interruptions(&mut bench), [true]);
        }
        bench.reply("GET", APP, 200, application(false));
    }
    bench.page(offered("17b", "Hi Tosh"));
    first_remote(&bench);
    assert_eq!(interruptions(&mut bench), [false]);
    // A single unreadable page is polled again, and not reported.
    malformed_page(&mut bench);
    bench.page(json!([]));
    assert_eq!(interruptions(&mut bench), [false; 0]);
}

#[test]
fn pages_that_are_unreadable_for_15_minutes_end_the_session() {
    let mut bench = Bench::signed_in();
    while signed_out(&bench).is_none() {
        assert!(bench.now < Duration::from_secs(1000));
        if bench.is_sent("GET", &format!("{APP}/events")) {
            malformed_page(&mut bench);
        } else {
            bench.reply("GET", APP, 200, application(false));
        }
        bench
            .sent
            .retain(|sent| !sent.target().contains("reportMyActivity"));
    }
    assert!(bench.now >= Duration::from_secs(900));
    let failure = signed_out(&bench).unwrap();
    assert_eq!(failure.kind(), &FailureKind::ConnectionLost);
    assert!(failure.message().is_some());
}

#[test]
fn a_channel_that_restarts_resynchronizes() {
    let list = format!("{APP}/communication/conversations");
    let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
    for is_replaced in [true, false] {
        let mut bench = Bench::signed_in();
        if is_replaced {
            let events = format!("{APP}/events");
            bench.reply("GET", &events, 409, replaced.clone());
        } else {
            (0..3).for_each(|_| malformed_page(&mut bench));
            bench.reply("GET", APP, 200, application(false));
        }
        assert!(!bench.is_sent("GET", &list));
        bench.page(json!([]));
        bench.reply("GET", &list, 200, json!({"_links": {}}));
        bench.page(json!([]));
        assert!(!bench.is_sent("GET", &list), "once");
    }
}

#[test]
fn a_session_without_events_for_30_seconds_reports_it() {
    let failing = |bench: &mut Bench| {
        bench.break_off("GET", &format!("{APP}/events"), Sent::No);
        bench.advance(Duration::from_secs(5));
    };
    let mut bench = Bench::signed_in();
    (0..4).for_each(|_| failing(&mut bench));
    assert_eq!(interruptions(&mut bench), [false; 0]);
    (0..8).for_each(|_| failing(&mut bench));
    assert_eq!(interruptions(&mut bench), [true]);
    bench.page(json!([]));
    assert_eq!(interruptions(&mut bench), [false]);

    // The same applies if the application is lost and cannot be replaced.
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    let until = bench.now + Duration::from_secs(100);
    while bench.now < until {
        bench.advance(Duration::from_secs(1));
        while let Some(sent) = bench.sent.pop_front() {
            bench.respond(sent.id, answer(400, Value::Null));
        }
    }
    assert_eq!(interruptions(&mut bench), [true]);
}

/// Answers what keeps the application alive.
fn report_activity(bench: &mut Bench) {
    let activity = format!("{APP}/me/reportMyActivity");
    while bench.is_sent("POST", &activity) {
        bench.reply("POST", &activity, 204, Value::Null);
    }
}

#[test]
fn a_proxy_that_cuts_every_poll_of_a_quiet_channel_interrupts_nothing() {
    for gateway_timeout in [true, false] {
        let mut bench = Bench::signed_in();
        for _ in 0..40 {
            bench.advance(Duration::from_secs(100));
            report_activity(&mut bench);
            let events = format!("{APP}/events");
            if gateway_timeout {
                bench.reply("GET", &events, 504, Value::Null);
            } else {
                bench.break_off("GET", &events, Sent::Maybe);
            }
            bench.advance(Duration::from_secs(1));
            assert!(bench.is_sent("GET", &events));
        }
        assert!(signed_out(&bench).is_none());
        assert_eq!(interruptions(&mut bench), [false; 0]);
    }
}

#[test]
fn a_poll_that_the_server_holds_ends_an_interruption() {
    let mut bench = Bench::signed_in();
    for _ in 0..12 {
        bench.break_off("GET", &format!("{APP}/events"), Sent::No);
        bench.advance(Duration::from_secs(5));
    }
    assert_eq!(interruptions(&mut bench), [true]);
    bench.advance(Duration::from_secs(60));
    bench.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
    assert_eq!(interruptions(&mut bench), [false]);
}

#[test]
fn polls_without_any_response_interrupt_the_channel() {
    let mut bench = Bench::signed_in();
    while signed_out(&bench).is_none() {
        bench.advance(Duration::from_secs(1));
        bench.sent.clear();
        assert!(bench.now < Duration::from_secs(2000));
    }
    assert!(bench.now >= Duration::from_secs(900));
    assert_eq!(interruptions(&mut bench), [true]);
}
