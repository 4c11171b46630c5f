//! Clocks: readings of the wall clock, suspends of the machine, and the server's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::pages::*;
use crate::people::{LENE, acquainted, follow};
use crate::sending::established;

const SECOND: Duration = Duration::from_secs(1);

/// The wall time after the machine was suspended for this long in total.
fn wall(bench: &Bench, suspended: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + bench.now + suspended
}

impl Bench {
    /// Wakes the session like a driver that reads the wall clock.
    fn wake(&mut self, suspended: Duration) {
        let time = wall(self, suspended);
        self.handle(Input::WallClock(time));
        self.handle(Input::Timeout);
    }
}

/// The timestamp that a message without a date gets.
fn dated(bench: &mut Bench, number: &str) -> SystemTime {
    let mut message = arrival("17b", number, "Hi");
    message["_embedded"]["message"]["timeStamp"] = Value::Null;
    bench.page(senders("17b", vec![(true, message)]));
    let key = ConversationKey::Remote(first_remote(bench));
    let dates = bench.changes(key).into_iter();
    let mut dates = dates.filter_map(|change| match change {
        ConversationChange::MessageReceived { timestamp, .. } => Some(timestamp),
        _ => None,
    });
    dates.next_back().expect("no message")
}

#[test]
fn a_message_without_a_date_gets_the_wall_time() {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.submit(Operation::Accept(key));
    bench.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    bench.page(offer_completed("17b", "Success"));
    let discovered = bench.events.clone();
    bench.advance(10 * SECOND);
    assert_eq!(dated(&mut bench, "1"), wall(&bench, Duration::ZERO));
    // The clock is set forward and back by an hour.
    for (number, suspended) in [("2", 3600 * SECOND), ("3", Duration::ZERO)] {
        bench.wake(suspended);
        bench.now += 3 * SECOND;
        bench.events.clone_from(&discovered);
        assert_eq!(dated(&mut bench, number), wall(&bench, suspended));
    }
}

#[test]
fn after_a_suspend_the_pending_get_is_repeated_at_once() {
    let mut bench = Bench::signed_in();
    bench.wake(Duration::ZERO);
    let poll = bench.take("GET", &format!("{APP}/events"));
    // A deviation of two seconds is not a suspend.
    bench.wake(2 * SECOND);
    assert!(!bench.is_sent("GET", &format!("{APP}/events")));
    bench.wake(60 * SECOND);
    assert_eq!(bench.aborted, [poll.id]);
    let again = bench.take("GET", &format!("{APP}/events"));
    assert_eq!(again.target(), poll.target());
    bench.wake(60 * SECOND);
    assert_eq!(bench.aborted, [poll.id], "one suspend, one repeat");
    // Every suspend repeats the poll.
    for minutes in 2..20 {
        bench.wake(minutes * 60 * SECOND);
        bench.take("GET", &format!("{APP}/events"));
    }
}

#[test]
fn after_a_suspend_idempotent_requests_are_repeated_and_others_keep_waiting() {
    let mut bench = established();
    bench.wake(Duration::ZERO);
    let href = conversation_href("21a1");
    bench.page(senders(
        "21a1",
        vec![(false, bare("updated", "conversation", &href, None))],
    ));
    bench.send(1, "one");
    let message = bench.take("POST", &format!("{href}/messaging/messages"));
    let read = bench.take("GET", &href);
    bench.wake(60 * SECOND);
    assert!(bench.aborted.contains(&read.id));
    assert!(bench.is_sent("GET", &href));
    assert!(
        !bench.aborted.contains(&message.id),
        "the message may have arrived"
    );
    assert!(!bench.is_sent("POST", &href));
}

#[test]
fn an_idle_session_notices_a_suspend_within_15_seconds() {
    let mut bench = Bench::signed_in();
    bench.wake(Duration::ZERO);
    let wake_at = bench.wake_at.expect("no wake-up time");
    assert!(wake_at - bench.now <= 15 * SECOND, "{wake_at:?}");
    // On platforms whose monotonic clock continues during a suspend, the driver wakes late.
    let poll = bench.take("GET", &format!("{APP}/events"));
    bench.now = wake_at + 2 * SECOND;
    bench.wake(Duration::ZERO);
    assert!(!bench.is_sent("GET", &format!("{APP}/events")));
    bench.now += 90 * SECOND;
    bench.wake(Duration::ZERO);
    assert_eq!(bench.aborted, [poll.id]);
    assert!(bench.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn a_token_that_expired_during_a_suspend_is_renewed_before_it_is_sent() {
    let mut bench = Bench::signed_in();
    bench.wake(Duration::ZERO);
    bench.take("GET", &format!("{APP}/events"));
    // First nine tenths of the lifetime have passed, so the token is still valid; then all of it.
    for (suspended, is_good) in [(26_000, true), (60_000, false)] {
        bench.wake(suspended * SECOND);
        assert_eq!(bench.is_sent("GET", &format!("{APP}/events")), is_good);
        let renewed = token("cwt=two", 28_000);
        bench.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        let poll = bench.take("GET", &format!("{APP}/events"));
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
    let mut bench = established();
    bench.wake(Duration::ZERO);
    bench.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let post = bench.take("POST", &messages);
    let mut busy = answer(429, Value::Null);
    busy.headers_mut()
        .insert("retry-after", "60".parse().unwrap());
    bench.respond(post.id, busy);
    bench.wake(40 * SECOND);
    assert!(!bench.is_sent("POST", &messages));
    bench.wake(70 * SECOND);
    assert!(bench.is_sent("POST", &messages));
}

#[test]
fn a_suspend_does_not_shorten_the_wait_for_a_delivery_report() {
    let mut bench = established();
    bench.wake(Duration::ZERO);
    let message = bench.send(1, "one");
    let href = message_href("21a1", "9");
    bench.created(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
        &href,
    );
    bench.wake(3600 * SECOND);
    assert!(
        !bench.is_sent("GET", &href),
        "the delivery event may be in the next page"
    );
    bench.page(senders(
        "21a1",
        vec![(true, verdict("21a1", "9", "Success"))],
    ));
    assert!(matches!(bench.result(message), Some(Ok(_))));
}

#[test]
fn a_session_that_has_ended_ignores_the_clock() {
    let mut bench = Bench::signed_in();
    bench.wake(Duration::ZERO);
    bench.submit(Operation::SignOut);
    bench.reply("DELETE", APP, 204, Value::Null);
    bench.wake(3600 * SECOND);
    assert_eq!(bench.wake_at, None);
    assert!(bench.sent.is_empty(), "{:?}", bench.sent);
}

#[test]
fn a_refused_subscription_is_retried_although_the_machine_was_suspended() {
    let mut bench = acquainted();
    bench.wake(Duration::ZERO);
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
    bench.advance(SECOND);
    let subscriptions = format!("{APP}/presenceSubscriptions");
    bench.reply("POST", &subscriptions, 403, json!({"code": "Forbidden"}));
    bench.wake(30 * SECOND);
    bench.advance(61 * SECOND);
    assert!(bench.is_sent("POST", &subscriptions));
}
