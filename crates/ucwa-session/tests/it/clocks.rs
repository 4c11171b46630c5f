//! Clocks: readings of the wall clock, suspends of the machine, and the server's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::pages::*;
use crate::people::{LENE, acquainted, follow};
use crate::sending::established;

const SECOND: Duration = Duration::from_secs(1);

/// The wall time after the machine was suspended for this long in total.
fn wall(driver: &TestDriver, suspended: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + driver.now + suspended
}

impl TestDriver {
    /// Wakes the session like a driver that reads the wall clock.
    fn wake(&mut self, suspended: Duration) {
        let time = wall(self, suspended);
        self.handle(Input::WallClock(time));
        self.handle(Input::Timeout);
    }

    /// Wakes the session, and lets the time pass after which the pending GET is repeated.
    fn wake_and_poll(&mut self, suspended: Duration) {
        self.wake(suspended);
        self.advance(SECOND);
    }
}

/// The timestamp that a message without a date gets.
fn dated(driver: &mut TestDriver, number: &str) -> SystemTime {
    let mut message = arrival("17b", number, "Hi");
    message["_embedded"]["message"]["timeStamp"] = Value::Null;
    driver.page(senders("17b", vec![(true, message)]));
    let key = ConversationKey::Remote(first_remote(driver));
    let dates = driver.changes(key).into_iter();
    let mut dates = dates.filter_map(|change| match change {
        ConversationChange::MessageReceived { timestamp, .. } => Some(timestamp),
        _ => None,
    });
    dates.next_back().expect("no message")
}

#[test]
fn a_message_without_a_date_gets_the_wall_time() {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    let discovered = driver.events.clone();
    driver.advance(10 * SECOND);
    assert_eq!(dated(&mut driver, "1"), wall(&driver, Duration::ZERO));
    // The clock is set forward and back by an hour.
    for (number, suspended) in [("2", 3600 * SECOND), ("3", Duration::ZERO)] {
        driver.wake(suspended);
        driver.now += 3 * SECOND;
        driver.events.clone_from(&discovered);
        assert_eq!(dated(&mut driver, number), wall(&driver, suspended));
    }
}

#[test]
fn after_a_suspend_the_pending_get_is_repeated_within_a_second() {
    let mut driver = TestDriver::signed_in();
    driver.wake(Duration::ZERO);
    let poll = driver.take("GET", &format!("{APP}/events"));
    // A deviation of two seconds is not a suspend.
    driver.wake(2 * SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.wake(60 * SECOND);
    assert_eq!(driver.aborted, []);
    driver.advance(SECOND);
    assert_eq!(driver.aborted, [poll.id]);
    let again = driver.take("GET", &format!("{APP}/events"));
    assert_eq!(again.target(), poll.target());
    driver.wake_and_poll(60 * SECOND);
    assert_eq!(driver.aborted, [poll.id], "one suspend, one repeat");
    // Every suspend repeats the poll.
    for minutes in 2..20 {
        driver.wake_and_poll(minutes * 60 * SECOND);
        driver.take("GET", &format!("{APP}/events"));
    }
}

#[test]
fn after_a_suspend_idempotent_requests_are_repeated_and_others_keep_waiting() {
    let mut driver = established();
    driver.wake(Duration::ZERO);
    let href = conversation_href("21a1");
    driver.page(senders(
        "21a1",
        vec![(false, bare("updated", "conversation", &href, None))],
    ));
    driver.send(1, "one");
    let message = driver.take("POST", &format!("{href}/messaging/messages"));
    let read = driver.take("GET", &href);
    driver.wake(60 * SECOND);
    assert!(driver.aborted.contains(&read.id));
    assert!(driver.is_sent("GET", &href));
    assert!(
        !driver.aborted.contains(&message.id),
        "the message may have arrived"
    );
    assert!(!driver.is_sent("POST", &href));
}

#[test]
fn an_idle_session_notices_a_suspend_within_15_seconds() {
    let mut driver = TestDriver::signed_in();
    driver.wake(Duration::ZERO);
    let wake_at = driver.wake_at.expect("no wake-up time");
    assert!(wake_at - driver.now <= 15 * SECOND, "{wake_at:?}");
    // On platforms whose monotonic clock continues during a suspend, the driver wakes late.
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.now = wake_at + 2 * SECOND;
    driver.wake(Duration::ZERO);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.now += 90 * SECOND;
    driver.wake_and_poll(Duration::ZERO);
    assert_eq!(driver.aborted, [poll.id]);
    assert!(driver.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn a_token_that_expired_during_a_suspend_is_renewed_before_it_is_sent() {
    let mut driver = TestDriver::signed_in();
    driver.wake(Duration::ZERO);
    driver.take("GET", &format!("{APP}/events"));
    // First nine tenths of the lifetime have passed, so the token is still valid; then all of it.
    for (suspended, is_good) in [(26_000, true), (60_000, false)] {
        driver.wake_and_poll(suspended * SECOND);
        assert_eq!(driver.is_sent("GET", &format!("{APP}/events")), is_good);
        let renewed = token("cwt=two", 28_000);
        driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        let poll = driver.take("GET", &format!("{APP}/events"));
        let expected = if is_good {
            "Bearer cwt=one"
        } else {
            "Bearer cwt=two"
        };
        assert_eq!(poll.request.headers()["authorization"], expected);
    }
}

#[test]
fn a_retry_that_became_due_during_a_suspend_is_sent() {
    let mut driver = established();
    driver.wake(Duration::ZERO);
    driver.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let post = driver.take("POST", &messages);
    let mut busy = answer(429, Value::Null);
    busy.headers_mut()
        .insert("retry-after", "60".parse().unwrap());
    driver.respond(post.id, busy);
    driver.wake(40 * SECOND);
    assert!(!driver.is_sent("POST", &messages));
    driver.wake(70 * SECOND);
    assert!(driver.is_sent("POST", &messages));
}

#[test]
fn a_suspend_does_not_shorten_the_wait_for_a_delivery_report() {
    let mut driver = established();
    driver.wake(Duration::ZERO);
    let message = driver.send(1, "one");
    let href = message_href("21a1", "9");
    driver.created(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
        &href,
    );
    driver.wake(3600 * SECOND);
    assert!(
        !driver.is_sent("GET", &href),
        "the delivery event may be in the next page"
    );
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "9", "Success"))],
    ));
    assert!(matches!(driver.result(message), Some(Ok(_))));
}

#[test]
fn a_session_that_has_ended_ignores_the_clock() {
    let mut driver = TestDriver::signed_in();
    driver.wake(Duration::ZERO);
    driver.submit(Operation::SignOut);
    driver.reply("DELETE", APP, 204, Value::Null);
    driver.wake(3600 * SECOND);
    assert_eq!(driver.wake_at, None);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn a_refused_subscription_is_retried_although_the_machine_was_suspended() {
    let mut driver = acquainted();
    driver.wake(Duration::ZERO);
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
    driver.advance(SECOND);
    let subscriptions = format!("{APP}/presenceSubscriptions");
    driver.reply("POST", &subscriptions, 403, json!({"code": "Forbidden"}));
    driver.wake(30 * SECOND);
    driver.advance(61 * SECOND);
    assert!(driver.is_sent("POST", &subscriptions));
}
