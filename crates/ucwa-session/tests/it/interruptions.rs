//! Interruptions of the event channel: a report when no events arrive, with its reason, and a report when they arrive again.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::{first_remote, signed_out};
use crate::driver::*;
use crate::pages::*;

/// Takes the reports about the channel: `true` for an interruption, `false` for its end.
fn interruptions(driver: &mut TestDriver) -> Vec<bool> {
    std::mem::take(&mut driver.events)
        .into_iter()
        .filter_map(|event| match event {
            SessionEvent::ChannelInterrupted { failure, .. } => {
                assert_eq!(failure.kind(), &FailureKind::ConnectionLost);
                Some(true)
            }
            SessionEvent::ChannelRestored => Some(false),
            _ => None,
        })
        .collect()
}

/// Answers the pending GET with a truncated page.
#[track_caller]
fn malformed_page(driver: &mut TestDriver) {
    let poll = driver.take("GET", &format!("{APP}/events"));
    let page = http::Response::builder()
        .header("content-type", "application/json")
        .body("{\"_links\":".into())
        .unwrap();
    driver.respond(poll.id, page);
    driver.advance(Duration::from_secs(5));
}

#[test]
fn an_unreadable_page_is_reported_once_until_a_page_can_be_read() {
    let mut driver = TestDriver::signed_in();
    for round in 0..4 {
        for unreadable in 1..=3 {
            assert_eq!(
                interruptions(&mut driver),
                [false; 0],
                "{round} {unreadable}"
            );
            malformed_page(&mut driver);
        }
        if round == 0 {
            assert_eq!(interruptions(&mut driver), [true]);
        }
        driver.reply("GET", APP, 200, application(false));
    }
    driver.page(offered("17b", "Hi Tosh"));
    first_remote(&driver);
    assert_eq!(interruptions(&mut driver), [false]);
    // A single unreadable page is polled again, and not reported.
    malformed_page(&mut driver);
    driver.page(json!([]));
    assert_eq!(interruptions(&mut driver), [false; 0]);
}

#[test]
fn pages_that_are_unreadable_for_15_minutes_end_the_session() {
    let mut driver = TestDriver::signed_in();
    while signed_out(&driver).is_none() {
        assert!(driver.now < Duration::from_secs(1000));
        if driver.is_sent("GET", &format!("{APP}/events")) {
            malformed_page(&mut driver);
        } else {
            driver.reply("GET", APP, 200, application(false));
        }
        driver
            .sent
            .retain(|sent| !sent.target().contains("reportMyActivity"));
    }
    assert!(driver.now >= Duration::from_secs(900));
    let failure = signed_out(&driver).unwrap();
    assert_eq!(failure.kind(), &FailureKind::ConnectionLost);
    assert!(failure.message().is_some());
}

#[test]
fn a_channel_that_restarts_resynchronizes() {
    let list = format!("{APP}/communication/conversations");
    let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
    for is_replaced in [true, false] {
        let mut driver = TestDriver::signed_in();
        if is_replaced {
            let events = format!("{APP}/events");
            driver.reply("GET", &events, 409, replaced.clone());
        } else {
            (0..3).for_each(|_| malformed_page(&mut driver));
            driver.reply("GET", APP, 200, application(false));
        }
        assert!(!driver.is_sent("GET", &list));
        driver.page(json!([]));
        driver.reply("GET", &list, 200, json!({"_links": {}}));
        driver.page(json!([]));
        assert!(!driver.is_sent("GET", &list), "once");
    }
}

#[test]
fn a_session_without_events_for_30_seconds_reports_it() {
    let failing = |driver: &mut TestDriver| {
        driver.break_off("GET", &format!("{APP}/events"), Sent::No);
        driver.advance(Duration::from_secs(5));
    };
    let mut driver = TestDriver::signed_in();
    let began = TestDriver::config().wall_at_epoch + driver.now;
    (0..4).for_each(|_| failing(&mut driver));
    assert!(
        !driver
            .events
            .iter()
            .any(|event| matches!(event, SessionEvent::ChannelInterrupted { .. }))
    );
    (0..8).for_each(|_| failing(&mut driver));
    let since = driver.events.iter().find_map(|event| match event {
        SessionEvent::ChannelInterrupted { since, .. } => Some(*since),
        _ => None,
    });
    assert_eq!(since, Some(began), "the time of the first failed poll");
    assert_eq!(interruptions(&mut driver), [true]);
    driver.page(json!([]));
    assert_eq!(interruptions(&mut driver), [false]);

    // The same applies if the application is lost and cannot be replaced.
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    let until = driver.now + Duration::from_secs(100);
    while driver.now < until {
        driver.advance(Duration::from_secs(1));
        while let Some(sent) = driver.sent.pop_front() {
            driver.respond(sent.id, answer(400, Value::Null));
        }
    }
    assert_eq!(interruptions(&mut driver), [true]);
}

/// Answers the report of activity.
fn report_activity(driver: &mut TestDriver) {
    let activity = format!("{APP}/me/reportMyActivity");
    while driver.is_sent("POST", &activity) {
        driver.reply("POST", &activity, 204, Value::Null);
    }
}

#[test]
fn a_proxy_that_breaks_every_poll_without_events_is_no_interruption() {
    for gateway_timeout in [true, false] {
        let mut driver = TestDriver::signed_in();
        for _ in 0..40 {
            driver.advance(Duration::from_secs(100));
            report_activity(&mut driver);
            let events = format!("{APP}/events");
            if gateway_timeout {
                driver.reply("GET", &events, 504, Value::Null);
            } else {
                driver.break_off("GET", &events, Sent::Maybe);
            }
            driver.advance(Duration::from_secs(1));
            assert!(driver.is_sent("GET", &events));
        }
        assert!(signed_out(&driver).is_none());
        assert_eq!(interruptions(&mut driver), [false; 0]);
    }
}

#[test]
fn a_poll_that_the_server_holds_ends_an_interruption() {
    let mut driver = TestDriver::signed_in();
    for _ in 0..12 {
        driver.break_off("GET", &format!("{APP}/events"), Sent::No);
        driver.advance(Duration::from_secs(5));
    }
    assert_eq!(interruptions(&mut driver), [true]);
    driver.advance(Duration::from_secs(60));
    driver.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
    assert_eq!(interruptions(&mut driver), [false]);
}

#[test]
fn polls_without_any_response_interrupt_the_channel() {
    let mut driver = TestDriver::signed_in();
    while signed_out(&driver).is_none() {
        driver.advance(Duration::from_secs(1));
        driver.sent.clear();
        assert!(driver.now < Duration::from_secs(2000));
    }
    assert!(driver.now >= Duration::from_secs(900));
    assert_eq!(interruptions(&mut driver), [true]);
}
