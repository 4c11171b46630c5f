//! Numbers of any size, in arguments of the caller and in responses of the server. None of them overflows, panics or
//! makes the session loop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
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
fn signed_in(config: SessionConfig) -> TestDriver {
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    driver
}

#[test]
fn an_interval_of_interest_has_any_length() {
    for interval in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let mut driver = signed_in_with_people();
        driver.advance(SECOND);
        driver.submit(follow(LENE, PersonField::Status, Interest::Every(interval)));
        driver.advance(10 * SECOND);
        assert!(driver.count_sent("GET", &format!("{APP}/search")) <= 1);
    }
}

#[test]
fn an_interval_of_reports_has_any_length() {
    for (interval, reports) in [(Duration::ZERO, 1), (Duration::MAX, 0)] {
        let mut config = TestDriver::config();
        config.activity_interval = interval;
        let mut driver = signed_in(config);
        driver.advance(15 * SECOND);
        let sent = driver.count_sent("POST", &format!("{APP}/me/reportMyActivity"));
        assert_eq!(sent, reports, "{interval:?}");
    }
}

#[test]
fn times_of_the_channel_have_any_length() {
    for time in [Duration::ZERO, Duration::MAX] {
        let mut config = TestDriver::config();
        config.channel.timeout = Some(time);
        config.channel.medium = Some(time);
        config.channel.low = Some(time);
        let mut driver = signed_in(config);
        driver.advance(SECOND);
        driver.page(json!([]));
    }
}

#[test]
fn a_session_may_start_near_the_end_of_time() {
    let mut config = TestDriver::config();
    config.wall_at_epoch = end_of_time();
    let mut driver = TestDriver::new(config);
    driver.now = Duration::MAX - Duration::from_secs(100_000);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    driver.now = Duration::MAX - SECOND;
    driver.page(offered("17b", "Hi Tosh"));
    driver.submit(follow(LENE, PersonField::Status, Interest::Live));
}

#[test]
fn a_token_has_any_lifetime() {
    for life in [0, 1, u64::MAX / 2, u64::MAX] {
        let mut driver = TestDriver::new(TestDriver::config());
        driver.submit(Operation::SignIn(TestDriver::credentials()));
        driver.reply(
            "GET",
            "/",
            200,
            json!({"_links": {"user": {"href": "/user"}}}),
        );
        let user = driver.take("GET", "/user");
        driver.respond(user.id, challenge("/WebTicket/oauthtoken"));
        let issued = token("cwt=one", life);
        driver.reply("POST", "/WebTicket/oauthtoken", 200, issued);
        assert!(driver.is_sent("GET", "/user"), "{life}");
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
        let mut driver = established();
        driver.server_clock = Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        for (method, target) in [
            ("GET", format!("{APP}/events")),
            (
                "POST",
                format!("{}/messaging/messages", conversation_href("21a1")),
            ),
        ] {
            if method == "POST" {
                driver.send(1, "one");
            }
            let request = driver.take(method, &target);
            let mut busy = answer(429, Value::Null);
            busy.headers_mut()
                .insert("retry-after", asked.parse().unwrap());
            driver.respond(request.id, busy);
            let latest = driver.now + 60 * SECOND;
            while !driver.is_sent(method, &target) {
                assert!(driver.now < latest, "{asked}");
                driver.advance(SECOND);
            }
        }
    }
}

#[test]
fn a_reading_of_the_clock_has_any_value() {
    let mut driver = TestDriver::signed_in();
    let end = end_of_time();
    for time in [end, UNIX_EPOCH, end, end] {
        driver.handle(Input::WallClock(time));
        driver.now += 3600 * SECOND;
    }
    let renewed = token("cwt=two", 28_000);
    driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
    driver.handle(Input::Timeout);
    driver.advance(SECOND);
    driver.page(offered("17b", "Hi Tosh"));
}
