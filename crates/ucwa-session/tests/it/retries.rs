//! Retries: pauses that the server asks for, limits, and requests whose response was lost.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

const SECOND: Duration = Duration::from_secs(1);

fn messages() -> String {
    format!("{}/messaging/messages", conversation_href("21a1"))
}

fn busy(status: u16, retry_after: &str) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("retry-after", retry_after)
        .body(Bytes::new())
        .unwrap()
}

/// The pause before a message is repeated after this response.
fn pause_after(response: http::Response<Bytes>) -> Duration {
    let mut driver = established();
    driver.send(1, "one");
    let post = driver.take("POST", &messages());
    driver.respond(post.id, response);
    let since = driver.now;
    while !driver.is_sent("POST", &messages()) {
        driver.advance(Duration::from_millis(100));
        assert!(driver.now - since < Duration::from_secs(100));
    }
    driver.now - since
}

#[test]
fn retry_after_is_a_number_of_seconds_or_a_date_and_never_more_than_a_minute() {
    assert_eq!(pause_after(busy(429, "7")), 7 * SECOND);
    // A date is compared with the response's own `Date`, so the client's clock does not matter.
    let date = |seconds| httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    for server_time in [1_000_000_000, 1_700_000_000, 1_700_000_060] {
        let dated = |after| {
            let mut response = busy(429, &date(server_time + after));
            let date = date(server_time).parse().unwrap();
            response.headers_mut().insert("date", date);
            response
        };
        assert_eq!(pause_after(dated(9)), 9 * SECOND);
        assert_eq!(pause_after(dated(86_400)), 60 * SECOND);
    }
    assert!(pause_after(busy(429, &date(1_700_000_020))) <= SECOND);
    assert_eq!(pause_after(busy(429, "86400")), 60 * SECOND);
    // A date in the past asks for no pause. An invalid value is ignored.
    let mut past = busy(429, &date(1_000_000_000));
    past.headers_mut()
        .insert("date", date(1_700_000_000).parse().unwrap());
    assert_eq!(pause_after(past), Duration::ZERO);
    assert!(pause_after(busy(429, "soon")) <= SECOND);
}

#[test]
fn retry_after_delays_a_poll_by_at_most_five_seconds() {
    let mut driver = TestDriver::signed_in();
    for (asked, waits) in [("2", 2 * SECOND), ("600", 5 * SECOND)] {
        let poll = driver.take("GET", &format!("{APP}/events"));
        driver.respond(poll.id, busy(503, asked));
        driver.advance(waits - Duration::from_millis(1));
        assert!(!driver.is_sent("GET", &format!("{APP}/events")), "{asked}");
        driver.advance(Duration::from_millis(1));
        assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
    }
}

#[test]
fn a_server_that_asks_for_no_pause_is_not_polled_in_a_loop() {
    let mut driver = TestDriver::signed_in();
    let mut polls = 0;
    while driver.now < 60 * SECOND {
        while driver.is_sent("GET", &format!("{APP}/events")) {
            polls += 1;
            assert!(polls <= 30, "{:?}", driver.now);
            let poll = driver.take("GET", &format!("{APP}/events"));
            driver.respond(poll.id, busy(503, "0"));
        }
        driver.advance(Duration::from_millis(100));
    }
}

/// Answers each attempt to read a conversation with this response. Returns the number of attempts, and the time between
/// the first and the last one.
fn attempts(answer: &http::Response<Bytes>, each_takes: Duration) -> (u32, Duration) {
    let mut driver = established();
    let bare = bare("updated", "conversation", &conversation_href("21a1"), None);
    driver.page(senders("21a1", vec![(false, bare)]));
    let (since, mut count) = (driver.now, 0);
    let mut last = since;
    while driver.now - last <= each_takes + 61 * SECOND {
        if driver.is_sent("GET", &conversation_href("21a1")) {
            count += 1;
            last = driver.now;
            driver.now += each_takes;
            let read = driver.take("GET", &conversation_href("21a1"));
            driver.respond(read.id, answer.clone());
        }
        driver.now += Duration::from_millis(100);
        driver.handle(Input::Timeout);
    }
    (count, last - since)
}

#[test]
fn attempts_are_bounded_in_number_and_in_time() {
    for status in [408, 429, 500, 502, 503, 504] {
        let (count, took) = attempts(&answer(status, Value::Null), Duration::ZERO);
        assert_eq!(count, 5, "{status}");
        assert!(took <= 20 * SECOND, "{took:?}");
    }
    let (count, took) = attempts(&answer(503, Value::Null), 29 * SECOND);
    assert!(
        (3..=4).contains(&count) && took <= 90 * SECOND,
        "{count} in {took:?}"
    );
    // A pause that would end after the time limit is not started.
    for (asked, each_takes, expected) in [("60", 0, 2), ("60", 29, 2), ("60", 31, 1), ("25", 0, 4)]
    {
        let (count, took) = attempts(&busy(503, asked), each_takes * SECOND);
        assert_eq!(count, expected, "{asked} {each_takes}: {took:?}");
        assert!(took <= 90 * SECOND, "{took:?}");
    }
    for status in [400, 403, 404, 409, 413, 501] {
        let (count, _) = attempts(&answer(status, Value::Null), Duration::ZERO);
        assert_eq!(
            count, 1,
            "{status} will not be another answer the next time"
        );
    }
}

#[test]
fn backoff_grows_and_differs_between_seeds() {
    let pause = |seed: u64| {
        let mut config = TestDriver::config();
        config.seed = seed;
        let mut driver = TestDriver::new(config);
        driver.submit(Operation::SignIn(TestDriver::credentials()));
        let mut pauses = Vec::new();
        for _ in 0..4 {
            driver.break_off("GET", "/", Sent::Maybe);
            let since = driver.now;
            while !driver.is_sent("GET", "/") {
                driver.advance(Duration::from_millis(1));
            }
            pauses.push(driver.now - since);
        }
        pauses
    };
    let one = pause(1);
    assert!(one.windows(2).all(|pair| pair[0] < pair[1]), "{one:?}");
    assert_ne!(one, pause(2), "the jitter must differ between clients");
}

#[test]
fn a_sign_in_succeeds_although_any_one_response_is_lost() {
    let steps = [
        ("GET", "/"),
        ("GET", "/user"),
        ("POST", "/WebTicket/oauthtoken"),
        ("POST", "/ucwa/oauth/v1/applications"),
        ("POST", "/ucwa/oauth/v1/applications/102/me/makeMeAvailable"),
        ("GET", APP),
    ];
    for lost in 0..steps.len() {
        for broken in [true, false] {
            let mut driver = TestDriver::new(TestDriver::config());
            let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
            let mut left = true;
            let mut bodies = Vec::new();
            let mut has_token = false;
            let is_done = |driver: &TestDriver| {
                let polls = driver.sent.iter().all(|sent| sent.lane == Lane::Events);
                driver.result(ticket).is_some() && polls && driver.session.workload().requests == 0
            };
            while !is_done(&driver) {
                let is_command = |sent: &Request| sent.lane == Lane::Commands;
                let Some(position) = driver.sent.iter().position(is_command) else {
                    assert!(driver.now < Duration::from_secs(60));
                    driver.advance(SECOND);
                    continue;
                };
                let Some(sent) = driver.sent.remove(position) else {
                    assert!(driver.now < Duration::from_secs(60));
                    driver.advance(SECOND);
                    continue;
                };
                let target = sent.target();
                let is = |step: usize| (sent.request.method().as_str(), &*target) == steps[step];
                if is(lost) {
                    bodies.push(sent.body());
                    if std::mem::take(&mut left) {
                        driver.sent.push_front(sent);
                        match broken {
                            true => driver.break_off(steps[lost].0, steps[lost].1, Sent::Maybe),
                            false => {
                                driver.reply(steps[lost].0, steps[lost].1, 503, Value::Null);
                            }
                        }
                        continue;
                    }
                }
                let response = match (0..steps.len()).find(|step| is(*step)) {
                    Some(0) => answer(200, json!({"_links": {"user": {"href": "/user"}}})),
                    Some(1) if !has_token => challenge("/WebTicket/oauthtoken"),
                    Some(1) => {
                        let href = "/ucwa/oauth/v1/applications";
                        answer(200, json!({"_links": {"applications": {"href": href}}}))
                    }
                    Some(2) => {
                        has_token = true;
                        answer(200, token("cwt=one", 28_000))
                    }
                    Some(3) => answer(201, application(true)),
                    // The first of the two requests may have had an effect.
                    Some(4) if lost == 4 => {
                        answer(409, json!({"code": "Conflict", "subcode": "AlreadyExists"}))
                    }
                    Some(4) => answer(204, Value::Null),
                    Some(5) => answer(200, application(false)),
                    _ => panic!("unexpected: {} {target}", sent.request.method()),
                };
                driver.respond(sent.id, response);
            }
            // A discovery host that answers 503 is not used. A discovery request without a response is repeated.
            if lost == 0 && !broken {
                assert_eq!(driver.failure(ticket).status(), Some(503));
                continue;
            }
            assert_eq!(
                driver.result(ticket),
                Some(&Ok(Outcome::Done)),
                "{:?} {broken}",
                steps[lost]
            );
            assert_eq!(bodies[0], bodies[1], "it is the same request");
        }
    }
}

#[test]
fn a_post_is_repeated_only_if_it_was_not_sent() {
    let mut driver = established();
    driver.send(1, "one");
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.advance(25 * SECOND);
    assert!(
        !driver.is_sent("POST", &messages()),
        "the message may have arrived"
    );
    let mut driver = established();
    driver.send(1, "one");
    driver.reply("POST", &messages(), 503, Value::Null);
    driver.advance(25 * SECOND);
    assert!(
        !driver.is_sent("POST", &messages()),
        "the message may have arrived"
    );
    let mut driver = established();
    driver.send(1, "one");
    driver.break_off("POST", &messages(), Sent::No);
    driver.advance(SECOND);
    assert!(
        driver.is_sent("POST", &messages()),
        "the message was not sent"
    );
}

fn diagnosed(status: u16, diagnostics: &str) -> http::Response<Bytes> {
    let mut response = answer(status, json!({"code": "Forbidden"}));
    let value = diagnostics.parse().unwrap();
    response.headers_mut().insert("x-ms-diagnostics", value);
    response
}

#[test]
fn a_bad_token_counts_as_a_challenge_once_with_any_status() {
    let tickets = [28020, 28032, 28033, 28055, 28056, 28072, 28077];
    for (status, code) in [401, 403, 500]
        .into_iter()
        .flat_map(|status| tickets.map(|code| (status, code)))
    {
        let refused = diagnosed(status, &format!("{code};source=\"fe\";reason=\"x\""));
        let mut driver = established();
        let ticket = driver.send(1, "one");
        let post = driver.take("POST", &messages());
        driver.respond(post.id, refused.clone());
        let asked = driver.take("GET", &messages());
        assert!(!asked.request.headers().contains_key(AUTHORIZATION));
        driver.respond(asked.id, challenge("/WebTicket/oauthtoken"));
        let renewed = token("cwt=two", 28_000);
        driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        let post = driver.take("POST", &messages());
        assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
        driver.respond(post.id, refused);
        assert!(!driver.is_sent("POST", "/WebTicket"), "{status} {code}");
        assert!(!driver.is_sent("GET", &messages()), "{status} {code}");
        // A refused token proves that the message was not sent. Otherwise a 500 leaves that open.
        assert_eq!(driver.failure(ticket).status(), Some(status));
        assert_eq!(
            driver.delivery_results(chat()),
            [(MessageKey::Local(1), MessageStatus::Failed)]
        );
    }
}

#[test]
fn a_refusal_without_a_challenge_is_final() {
    for (status, diagnostics) in [(403, "28000;reason=\"no license\""), (403, "")] {
        let mut driver = established();
        let ticket = driver.send(1, "one");
        let post = driver.take("POST", &messages());
        driver.respond(post.id, diagnosed(status, diagnostics));
        assert_eq!(driver.failure(ticket).status(), Some(status));
        assert!(!driver.is_sent("GET", &messages()) && !driver.is_sent("POST", ""));
    }
}

#[test]
fn a_renewal_whose_response_is_lost_is_repeated_once_for_all_waiting_requests() {
    let mut driver = established();
    driver.send(1, "one");
    let poll = driver.take("GET", &format!("{APP}/events"));
    let post = driver.take("POST", &messages());
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
    driver.break_off("POST", "/WebTicket/oauthtoken", Sent::Maybe);
    driver.advance(SECOND);
    assert_eq!(driver.sent.len(), 1, "{:?}", driver.sent);
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    assert!(driver.is_sent("GET", &format!("{APP}/events")));
    assert!(driver.is_sent("POST", &messages()));
}

/// An HTML page with a success status comes from a proxy, and says nothing about the request.
fn proxy_page() -> http::Response<Bytes> {
    http::Response::builder()
        .header("content-type", "Text/HTML; charset=utf-8")
        .body(Bytes::from_static(b"<html>Welcome</html>"))
        .unwrap()
}

#[test]
fn a_read_is_repeated_after_the_page_of_a_proxy_and_a_message_is_not() {
    let (count, took) = attempts(&proxy_page(), Duration::ZERO);
    assert_eq!(count, 5);
    assert!(took < 10 * SECOND, "{took:?}");
    let mut driver = established();
    driver.send(1, "one");
    let post = driver.take("POST", &messages());
    driver.respond(post.id, proxy_page());
    driver.advance(9 * SECOND);
    assert!(!driver.is_sent("POST", &messages()));
}

/// A read that waits for the token is not lost with one response.
#[test]
fn a_renewal_is_repeated_after_the_page_of_a_proxy() {
    let mut driver = established();
    let href = conversation_href("21a1");
    let bare = bare("updated", "conversation", &href, None);
    driver.page(senders("21a1", vec![(false, bare)]));
    let read = driver.take("GET", &href);
    driver.respond(read.id, challenge("/WebTicket/oauthtoken"));
    let renewal = driver.take("POST", "/WebTicket/oauthtoken");
    driver.respond(renewal.id, proxy_page());
    assert!(!driver.is_sent("POST", "/WebTicket/oauthtoken"));
    driver.advance(SECOND);
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    let read = driver.take("GET", &href);
    assert_eq!(read.request.headers()[AUTHORIZATION], "Bearer cwt=two");
}

/// The server refused both requests before the renewal, and its second response comes after it.
#[test]
fn a_request_with_an_old_token_is_repeated_with_the_new_one() {
    let mut driver = established();
    driver.send(1, "one");
    let poll = driver.take("GET", &format!("{APP}/events"));
    let post = driver.take("POST", &messages());
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
    assert!(!driver.is_sent("POST", "/WebTicket/oauthtoken"));
    let repeated = driver.take("POST", &messages());
    assert_eq!(repeated.request.headers()[AUTHORIZATION], "Bearer cwt=two");
}

/// A session that is renewing its token, because nine tenths of its lifetime have passed.
fn renewing() -> TestDriver {
    let mut driver = established();
    while !driver.is_sent("POST", "/WebTicket") {
        assert!(driver.now < 28_000 * SECOND);
        driver.advance(100 * SECOND);
        driver.page(json!([]));
        driver
            .sent
            .retain(|sent| !sent.target().contains("reportMyActivity"));
    }
    driver
}

#[test]
fn a_request_refused_during_a_renewal_waits_for_the_new_token() {
    let mut driver = renewing();
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let renewals = driver
        .sent
        .iter()
        .filter(|sent| sent.target().starts_with("/WebTicket"));
    assert_eq!(renewals.count(), 1);
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    let poll = driver.take("GET", &format!("{APP}/events"));
    assert_eq!(poll.request.headers()[AUTHORIZATION], "Bearer cwt=two");
}

#[test]
fn a_failed_early_renewal_has_no_effect_while_the_token_is_valid() {
    let mut driver = renewing();
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        400,
        json!({"error": "server_error"}),
    );
    driver.send(1, "one");
    let post = driver.take("POST", &messages());
    assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=one");
    // When the token is refused, another one is requested.
    driver.respond(post.id, challenge("/WebTicket/oauthtoken"));
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    let post = driver.take("POST", &messages());
    assert_eq!(post.request.headers()[AUTHORIZATION], "Bearer cwt=two");
}

#[test]
fn retry_after_delays_the_repeat_of_a_503() {
    let mut driver = established();
    let bare = bare("updated", "conversation", &conversation_href("21a1"), None);
    driver.page(senders("21a1", vec![(false, bare)]));
    let read = driver.take("GET", &conversation_href("21a1"));
    driver.respond(read.id, busy(503, "7"));
    driver.advance(7 * SECOND - Duration::from_millis(1));
    assert!(!driver.is_sent("GET", &conversation_href("21a1")));
    driver.advance(Duration::from_millis(1));
    assert!(driver.is_sent("GET", &conversation_href("21a1")));
}

/// A renewal that was abandoned with the session does not delay the requests of the next sign-in.
#[test]
fn a_renewal_ends_with_the_session() {
    let mut driver = TestDriver::signed_in();
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    assert!(driver.is_sent("POST", "/WebTicket/oauthtoken"));
    driver.submit(Operation::SignOut);
    for _ in 0..60 {
        driver.advance(Duration::from_secs(1));
    }
    assert_eq!(driver.session.workload().renewals, 0);
}
