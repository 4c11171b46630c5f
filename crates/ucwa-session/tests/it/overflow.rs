//! Numbers of any size, in arguments of the caller and in responses of the server. None of them overflows, panics or
//! makes the session loop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;
use crate::people::{follow, signed_in_with_people};
use crate::sending::established;

const LENE: &str = "sip:lenea@contoso.com";
const SECOND: Duration = Duration::from_secs(1);

/// The greatest power of two, in seconds since 1970, that a [`SystemTime`] of this platform can hold.
fn end_of_time() -> SystemTime {
    let mut powers = (0..64).rev().map(|bits| Duration::from_secs(1 << bits));
    powers
        .find_map(|time| UNIX_EPOCH.checked_add(time))
        .unwrap()
}

/// A session that is signed in with this configuration.
fn signed_in(config: SessionConfig) -> Bench {
    let mut bench = Bench::new(config);
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter();
    bench
}

#[test]
fn an_interval_of_interest_has_any_length() {
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let mut bench = signed_in_with_people();
        bench.advance(SECOND);
        bench.submit(follow(LENE, PersonField::Status, Interest::Every(interval)));
        bench.advance(10 * SECOND);
        assert!(bench.count_sent("GET", &format!("{APP}/search")) <= 1);
    }
}

#[test]
fn an_interval_of_reports_has_any_length() {
    for (interval, reports) in [(Duration::ZERO, 1), (Duration::MAX, 0)] {
        let mut config = Bench::config();
        config.activity_interval = interval;
        let mut bench = signed_in(config);
        bench.advance(15 * SECOND);
        let sent = bench.count_sent("POST", &format!("{APP}/me/reportMyActivity"));
        assert_eq!(sent, reports, "{interval:?}");
    }
}

#[test]
fn times_of_the_channel_have_any_length() {
    for time in [Duration::ZERO, Duration::MAX] {
        let mut config = Bench::config();
        config.channel.timeout = Some(time);
        config.channel.medium = Some(time);
        config.channel.low = Some(time);
        let mut bench = signed_in(config);
        bench.advance(SECOND);
        bench.page(json!([]));
    }
}

#[test]
fn a_session_may_start_near_the_end_of_time() {
    let mut config = Bench::config();
    config.wall_at_epoch = end_of_time();
    let mut bench = Bench::new(config);
    bench.now = Duration::MAX - Duration::from_secs(100_000);
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter();
    bench.now = Duration::MAX - SECOND;
    bench.page(offered("17b", "Hi Tosh"));
    bench.submit(follow(LENE, PersonField::Status, Interest::Live));
}

#[test]
fn a_token_has_any_lifetime() {
    for life in [0, 1, u64::MAX / 2, u64::MAX] {
        let mut bench = Bench::new(Bench::config());
        bench.submit(Operation::SignIn(Bench::credentials()));
        bench.reply(
            "GET",
            "/",
            200,
            json!({"_links": {"user": {"href": "/user"}}}),
        );
        let user = bench.take("GET", "/user");
        bench.respond(user.id, challenge("/WebTicket/oauthtoken"));
        let issued = token("cwt=one", life);
        bench.reply("POST", "/WebTicket/oauthtoken", 200, issued);
        assert!(bench.is_sent("GET", "/user"), "{life}");
    }
}

#[test]
fn a_pause_that_the_server_asks_for_has_any_length() {
    let numbers = [
        "0",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "1e9",
    ];
    let dates = [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ];
    for asked in numbers.into_iter().chain(dates) {
        let mut bench = established();
        bench.server_clock = Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        for (method, target) in [
            ("GET", format!("{APP}/events")),
            (
                "POST",
                format!("{}/messaging/messages", conversation_href("21a1")),
            ),
        ] {
            if method == "POST" {
                bench.send(1, "one");
            }
            let request = bench.take(method, &target);
            let mut busy = answer(429, Value::Null);
            busy.headers_mut()
                .insert("retry-after", asked.parse().unwrap());
            bench.respond(request.id, busy);
            let latest = bench.now + 60 * SECOND;
            while !bench.is_sent(method, &target) {
                assert!(bench.now < latest, "{asked}");
                bench.advance(SECOND);
            }
        }
    }
}

#[test]
fn a_reading_of_the_clock_has_any_value() {
    let mut bench = Bench::signed_in();
    let end = end_of_time();
    for time in [end, UNIX_EPOCH, end, end] {
        bench.handle(Input::WallClock(time));
        bench.now += 3600 * SECOND;
    }
    let renewed = token("cwt=two", 28_000);
    bench.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    bench.page(offered("17b", "Hi Tosh"));
}
