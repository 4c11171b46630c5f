//! Traces of a session.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tracing_subscriber::fmt::format::FmtSpan;
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;
use crate::people::{LENE, acquainted, batch_of, fetch, follow, following, presence};
use crate::sending::established;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log of a run at the finest level.
fn logged(run: impl FnOnce()) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let ours = tracing::Dispatch::new(subscriber);
    // With a single subscriber, a thread without that subscriber that reaches a call site first disables the call site for
    // all threads. A second subscriber prevents that.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::dispatcher::with_default(&ours, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_exchange_records_operation_host_status_subcode_and_correlation_id() {
    let log = logged(|| {
        let mut driver = established();
        driver.send(1, "the secret plan");
        let post = driver.take(
            "POST",
            &format!("{}/messaging/messages", conversation_href("21a1")),
        );
        let mut refused = answer(
            403,
            json!({"code": "Forbidden", "subcode": "LimitExceeded"}),
        );
        refused
            .headers_mut()
            .insert("x-ms-correlation-id", "4711".parse().unwrap());
        driver.respond(post.id, refused);
    });
    let closed = log
        .lines()
        .find(|line| line.contains("sendMessage") && line.contains("close"))
        .unwrap_or_else(|| panic!("{log}"));
    for field in [
        "127.0.0.1",
        "attempts=1",
        "status=403",
        "LimitExceeded",
        "4711",
    ] {
        assert!(closed.contains(field), "{field} in {closed}");
    }
}

/// The closing line of the exchange with this operation.
fn closed<'a>(log: &'a str, operation: &str) -> &'a str {
    let operation = format!("operation=\"{operation}\"");
    log.lines()
        .find(|line| line.contains(&operation) && line.contains("close"))
        .unwrap_or_else(|| panic!("{operation} in {log}"))
}

fn refused(status: u16, subcode: &str) -> http::Response<bytes::Bytes> {
    answer(status, json!({"code": "Refused", "subcode": subcode}))
}

#[test]
fn a_subcode_is_recorded_for_every_response() {
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let log = logged(|| {
        let mut driver = established();
        driver.send(1, "one");
        // The repeat of the request gets no response.
        let post = driver.take("POST", &messages);
        driver.respond(post.id, refused(429, "TooManyRequestsOfYours"));
        driver.advance(SECOND);
        driver.break_off("POST", &messages, Sent::Maybe);
    });
    let line = closed(&log, "sendMessage");
    assert!(line.contains("TooManyRequestsOfYours"), "{line}");

    let log = logged(|| {
        let mut driver = established();
        driver.send(1, "one");
        // The response is a challenge, and the request for the next token fails.
        let post = driver.take("POST", &messages);
        let mut challenge = refused(403, "TicketOfYesterday");
        let diagnostics = "28033;reason=\"x\"".parse().unwrap();
        challenge
            .headers_mut()
            .insert("x-ms-diagnostics", diagnostics);
        driver.respond(post.id, challenge);
    });
    let line = closed(&log, "sendMessage");
    assert!(
        line.contains("status=403") && line.contains("TicketOfYesterday"),
        "{line}"
    );

    let log = logged(|| {
        let mut driver = following();
        driver.submit(follow(LENE, PersonField::Status, Interest::None));
        let dropped = driver.take("DELETE", &format!("{APP}/presenceSubscriptions"));
        driver.respond(dropped.id, refused(403, "NotToday"));
    });
    assert!(log.contains("NotToday"), "{log}");

    let log = logged(|| {
        let mut driver = TestDriver::signed_in();
        driver.advance(Duration::from_secs(210));
        let activity = format!("{APP}/me/reportMyActivity");
        let report = driver.take("POST", &activity);
        driver.respond(report.id, refused(409, "MakeMeAvailableRequired"));
    });
    let warned = |line: &&str| line.contains("WARN") && line.contains("MakeMeAvailableRequired");
    assert!(log.lines().any(|line| warned(&line)), "{log}");
}

#[test]
fn all_attempts_share_a_correlation_id_and_failures_name_it() {
    let id_of = |sent: &Request| {
        let id = &sent.request.headers()["x-ms-correlation-id"];
        id.to_str().unwrap().to_owned()
    };
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let mut driver = established();
    let ticket = driver.send(1, "one");
    let first = driver.take("POST", &messages);
    driver.respond(first.id, answer(429, serde_json::Value::Null));
    driver.advance(SECOND);
    let second = driver.take("POST", &messages);
    assert_eq!(id_of(&first), id_of(&second));
    let poll = driver.take("GET", &format!("{APP}/events"));
    assert_ne!(id_of(&first), id_of(&poll));
    // A response without an ID leaves that of the request.
    driver.respond(second.id, refused(403, "NotToday"));
    let failure = driver.failure(ticket);
    assert_eq!(failure.correlation_id(), Some(&*id_of(&first)));
    let ticket = driver.send(2, "two");
    let post = driver.take("POST", &messages);
    let failure = TransportFailure::new(
        TransportFailureKind::Tls,
        "connect",
        "127.0.0.1".to_owned(),
        Sent::No,
        "a broken certificate".to_owned(),
    );
    let result = Err(failure);
    driver.handle(Input::Response {
        id: post.id,
        result,
    });
    let failure = driver.failure(ticket);
    assert_eq!(failure.correlation_id(), Some(&*id_of(&post)));
    // The server's own ID replaces it.
    let ticket = driver.send(3, "three");
    let post = driver.take("POST", &messages);
    let mut answer = refused(403, "NotToday");
    let own = "4711".parse().unwrap();
    answer.headers_mut().insert("x-ms-correlation-id", own);
    driver.respond(post.id, answer);
    assert_eq!(driver.failure(ticket).correlation_id(), Some("4711"));
}

#[test]
fn an_exchange_with_an_untrusted_host_records_the_host() {
    let log = logged(|| {
        let mut driver = TestDriver::new(TestDriver::config());
        driver.submit(Operation::SignIn(TestDriver::credentials()));
        let elsewhere = "https://elsewhere.example/user";
        let root = json!({"_links": {"user": {"href": elsewhere}}});
        driver.reply("GET", "/", 200, root);
        assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    });
    let line = closed(&log, "user");
    assert!(line.contains("host=\"elsewhere.example\""), "{line}");
    assert!(line.contains("correlation_id"), "{line}");
}

#[test]
fn exchanges_in_a_batch_are_recorded_like_single_ones() {
    let log = logged(|| {
        let mut driver = acquainted();
        for field in [PersonField::Status, PersonField::Note] {
            driver.submit(fetch(LENE, field));
        }
        driver.advance(SECOND);
        let batch = driver.take("POST", &format!("{APP}/batch"));
        let note = json!({"rel": "contactNote"});
        let parts = [(200, presence("Online")), (200, note)];
        driver.respond(batch.id, batch_of(&parts));
    });
    for operation in ["contactPresence", "contactNote"] {
        let line = closed(&log, operation);
        for field in ["host=\"127.0.0.1\"", "status=200", "correlation_id="] {
            assert!(line.contains(field), "{field} in {line}");
        }
    }
}

#[test]
fn no_secret_and_no_text_is_logged() {
    let log = logged(|| {
        let mut driver = established();
        driver.send(1, "the secret plan");
        driver.created(
            "POST",
            &format!("{}/messaging/messages", conversation_href("21a1")),
            &message_href("21a1", "2"),
        );
        driver.page(senders(
            "21a1",
            vec![(true, arrival("21a1", "3", "another secret"))],
        ));
        driver.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
        driver.submit(Operation::SignOut);
    });
    assert!(
        log.contains("startMessaging") && log.contains("token"),
        "{log}"
    );
    for secret in [PASSWORD, "pa55", "cwt=", "secret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// The lines of a log at this level about the channel and the application.
fn lines_at<'a>(log: &'a str, level: &str) -> Vec<&'a str> {
    log.lines()
        .filter(|line| line.contains(level) && line.contains("ucwa_session::sign_in"))
        .filter(|line| !line.contains("activity could not be reported"))
        .collect()
}

#[test]
fn an_outage_of_seven_minutes_and_a_lost_application_are_logged() {
    let mut seven_minutes = Duration::ZERO;
    let log = logged(|| {
        let mut driver = TestDriver::signed_in();
        let began = driver.now;
        while driver.now - began < Duration::from_secs(420) {
            driver.break_off("GET", &format!("{APP}/events"), Sent::No);
            driver.advance(5 * SECOND);
        }
        seven_minutes = driver.now - began;
        driver.page(json!([]));
    });
    let [lost] = lines_at(&log, "WARN")[..] else {
        panic!("{log}");
    };
    for part in ["interrupted", "seconds=30", "127.0.0.1"] {
        assert!(lost.contains(part), "{part} in {lost}");
    }
    let [restored] = lines_at(&log, " INFO")[..] else {
        panic!("{log}");
    };
    let seconds = format!("restored seconds={}", seven_minutes.as_secs());
    assert!(restored.contains(&seconds), "{restored}");

    let log = logged(|| {
        let mut driver = TestDriver::signed_in();
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        driver.reply("GET", &format!("{APP}/events"), 404, lost);
        driver.advance(2 * SECOND);
        driver.create_application();
        driver.page(json!([]));
    });
    let warnings = lines_at(&log, "WARN").join("\n");
    assert!(warnings.contains("the application is lost"), "{log}");
    assert!(warnings.contains("ApplicationNotFound"), "{log}");
    let news = lines_at(&log, " INFO").join("\n");
    assert!(news.contains("another application was created"), "{log}");
    assert!(news.contains("the event channel is restored"), "{log}");
}
