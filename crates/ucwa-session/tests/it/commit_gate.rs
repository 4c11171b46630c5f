//! The commit gate: an event page is acknowledged only after the caller has stored it.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::handover::{answer_reads, chatting, resumed, resumed_with};
use crate::message_ids::received_hrefs;
use crate::pages::*;

const SECOND: Duration = Duration::from_secs(1);

fn gated() -> TestDriver {
    let checkpoint = chatting().session.checkpoint().unwrap();
    let mut config = TestDriver::config();
    config.commit_gate = true;
    let (mut driver, _) = resumed_with(config, &checkpoint);
    driver.reply("GET", APP, 200, application(false));
    answer_reads(&mut driver, "21a1");
    driver.events.clear();
    driver
}

/// Answers the pending GET. With the gate, no GET follows.
fn answer_poll(driver: &mut TestDriver, ack: u32, senders: Value) {
    let next = json!({"href": format!("{APP}/events?ack={ack}")});
    let body = json!({"_links": {"self": {"href": "x"}, "next": next}, "sender": senders});
    driver.reply("GET", &format!("{APP}/events"), 200, body);
}

#[test]
fn a_page_is_acknowledged_after_its_commit() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page.clone());
    assert_eq!(received_hrefs(&driver).len(), 1);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    let number = driver.session.uncommitted().unwrap();
    let checkpoint = driver.session.checkpoint().unwrap();
    // Another number changes nothing.
    driver.handle(Input::Commit(number + 1));
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.handle(Input::Commit(number));
    let next = format!("{APP}/events?ack=10");
    assert_eq!(driver.count_sent("GET", &next), 1);
    driver.handle(Input::Commit(number));
    assert_eq!(driver.count_sent("GET", &next), 1);
    assert_eq!(driver.session.uncommitted(), None);
    // The checkpoint of the page acknowledges the page.
    let (resumed, _) = resumed(&checkpoint);
    assert!(resumed.is_sent("GET", &next));
    // A page without events needs no commit.
    answer_poll(&mut driver, 11, json!([]));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=11")));
}

#[test]
fn a_commit_that_takes_too_long_is_reported_and_still_awaited() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    let is_interrupted = |driver: &TestDriver| {
        let mut events = driver.events.iter();
        events.any(|it| matches!(it, SessionEvent::ChannelInterrupted { .. }))
    };
    driver.advance(24 * SECOND);
    assert!(!is_interrupted(&driver));
    driver.advance(SECOND);
    assert!(is_interrupted(&driver));
    driver.advance(60 * SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.handle(Input::Commit(driver.session.uncommitted().unwrap()));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=10")));
    assert!(driver.events.contains(&SessionEvent::ChannelRestored));
}

#[test]
fn an_unacknowledged_page_without_a_commit_is_not_acknowledged_by_a_suspend_or_the_end() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    let wall = TestDriver::config().wall_at_epoch;
    driver.handle(Input::WallClock(wall));
    driver.handle(Input::WallClock(wall + 3600 * SECOND));
    driver.advance(10 * SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    let number = driver.session.uncommitted().unwrap();
    driver.session.detach(driver.now);
    driver.handle(Input::Commit(number));
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}
