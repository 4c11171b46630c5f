//! The event channel, lost applications, sign-out and shutdown.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;

pub(crate) fn signed_out(driver: &TestDriver) -> Option<Failure> {
    driver.events.iter().find_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
            ..
        } => failure.clone(),
        _ => None,
    })
}

#[test]
fn a_broken_poll_is_repeated_at_the_same_address_within_seconds() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([]));
    for _ in 0..12 {
        driver.break_off("GET", &format!("{APP}/events?ack=2"), Sent::Maybe);
        let before = driver.now;
        while !driver.is_sent("GET", &format!("{APP}/events?ack=2")) {
            driver.advance(Duration::from_millis(10));
        }
        assert!(
            driver.now - before <= Duration::from_millis(5010),
            "{:?}",
            driver.now - before
        );
    }
}

#[test]
fn a_channel_that_fails_for_15_minutes_ends_the_session() {
    let mut driver = TestDriver::signed_in();
    while signed_out(&driver).is_none() {
        driver.break_off("GET", &format!("{APP}/events"), Sent::No);
        driver.advance(Duration::from_secs(6));
        assert!(driver.now < Duration::from_secs(1000));
        driver
            .sent
            .retain(|sent| !sent.target().contains("reportMyActivity"));
    }
    assert_eq!(
        signed_out(&driver).unwrap().kind(),
        &FailureKind::ConnectionLost
    );
    assert!(driver.now >= Duration::from_secs(900));
    assert_eq!(driver.wake_at, None);
}

#[test]
fn a_poll_that_breaks_late_is_repeated() {
    let mut config = TestDriver::config();
    config.channel.timeout = Some(Duration::from_secs(1800));
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    for quiet in [16 * 60, 30 * 60] {
        driver.advance(Duration::from_secs(quiet));
        driver.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
        driver.advance(Duration::from_secs(5));
        assert!(driver.is_sent("GET", &format!("{APP}/events")), "{quiet}");
        assert!(signed_out(&driver).is_none());
        driver.page(json!([]));
    }
}

#[test]
fn an_unreadable_page_is_polled_again_and_then_the_channel_restarts() {
    let mut driver = TestDriver::signed_in();
    for _ in 0..3 {
        let poll = driver.take("GET", &format!("{APP}/events?ack=1"));
        let page = http::Response::builder()
            .header("content-type", "application/json")
            .body("{\"_links\":".into())
            .unwrap();
        driver.respond(poll.id, page);
        driver.advance(Duration::from_secs(5));
    }
    driver.reply("GET", APP, 200, application(false));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
}

/// A server that asks for a pause of a minute.
fn busy() -> http::Response<bytes::Bytes> {
    let mut response = answer(503, Value::Null);
    response
        .headers_mut()
        .insert("retry-after", "60".parse().unwrap());
    response
}

#[test]
fn the_read_and_the_token_that_a_poll_waits_for_are_retried_as_often_as_the_poll() {
    // The poll waits for the read of the application.
    for silent in [false, true] {
        let mut driver = TestDriver::signed_in();
        for _ in 0..3 {
            let lost = json!({"_links": {"self": {"href": "x"}}});
            driver.reply("GET", &format!("{APP}/events?ack=1"), 200, lost);
            driver.advance(Duration::from_secs(5));
        }
        if silent {
            let read = driver.take("GET", APP);
            assert_eq!(read.deadline, driver.now + Duration::from_secs(5));
            driver.advance(Duration::from_secs(10));
        } else {
            let read = driver.take("GET", APP);
            driver.respond(read.id, busy());
        }
        driver.advance(Duration::from_secs(5));
        assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
    }

    // The poll waits for a token.
    let mut driver = TestDriver::signed_in();
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    for _ in 0..4 {
        let token = driver.take("POST", "/WebTicket/oauthtoken");
        driver.respond(token.id, busy());
        assert!(!driver.is_sent("POST", "/WebTicket/oauthtoken"));
        driver.advance(Duration::from_secs(5));
    }
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));

    // Without a pending GET, the pause of the server applies.
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
    let token = driver.take("POST", "/WebTicket/oauthtoken");
    driver.respond(token.id, busy());
    driver.advance(Duration::from_secs(59));
    assert!(driver.sent.is_empty());
    driver.advance(Duration::from_secs(1));
    assert!(driver.is_sent("POST", "/WebTicket/oauthtoken"));
}

#[test]
fn a_page_without_a_next_link_counts_as_unreadable() {
    let mut driver = TestDriver::signed_in();
    for _ in 0..3 {
        let lost = json!({"_links": {"self": {"href": "x"}}, "sender": offered("17b", "Hi")});
        driver.reply("GET", &format!("{APP}/events?ack=1"), 200, lost);
        driver.advance(Duration::from_secs(5));
    }
    // The channel restarts at the events link of the application.
    driver.reply("GET", APP, 200, application(false));
    let shown = |event: &SessionEvent| {
        !matches!(
            event,
            SessionEvent::SignIn { .. } | SessionEvent::ChannelInterrupted { .. }
        )
    };
    assert!(
        !driver.events.iter().any(shown),
        "the page is not acknowledged, so its events will arrive again"
    );
    driver.page(offered("17b", "Hi"));
    first_remote(&driver);
}

#[test]
fn a_transient_failure_of_a_poll_is_repeated_at_the_same_address() {
    for status in [408, 429, 500, 502, 503, 504] {
        let mut driver = TestDriver::signed_in();
        for _ in 0..7 {
            driver.reply("GET", &format!("{APP}/events?ack=1"), status, Value::Null);
            driver.advance(Duration::from_secs(5));
        }
        assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
        assert!(!driver.is_sent("GET", &format!("{APP}?")), "{status}");
    }
}

#[test]
fn a_lost_application_is_replaced_and_its_conversations_end() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "one");
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    let changes = driver.changes(chat());
    assert!(
        matches!(
            changes.last(),
            Some(ConversationChange::Ended {
                failure: Some(_),
                ..
            })
        ),
        "{changes:?}"
    );
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    driver.advance(Duration::from_secs(2));
    driver.create_application();
    assert!(signed_out(&driver).is_none());
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
    driver.send(2, "two");
    assert!(driver.is_sent("POST", &format!("{APP}/communication/messagingInvitations")));
}

#[test]
fn repeated_losses_of_a_new_application_end_the_session() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut driver = TestDriver::signed_in();
    for _ in 0..6 {
        // `makeMeAvailable` causes a page at once.
        driver.page(json!([]));
        driver.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        if signed_out(&driver).is_some() {
            break;
        }
        while !driver.is_sent("POST", "/ucwa/oauth/v1/applications") {
            driver.advance(Duration::from_secs(1));
        }
        driver.create_application();
    }
    assert_eq!(
        signed_out(&driver).unwrap().kind(),
        &FailureKind::ConnectionLost
    );
}

#[test]
fn occasional_losses_of_an_application_are_repaired_each_time() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut driver = TestDriver::signed_in();
    for _ in 0..12 {
        driver.advance(Duration::from_secs(150));
        driver.page(json!([]));
        driver.advance(Duration::from_secs(150));
        driver.sent.retain(|sent| sent.lane == Lane::Events);
        driver.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        driver.advance(Duration::from_secs(2));
        driver.create_application();
    }
    assert!(signed_out(&driver).is_none());
}

#[test]
fn an_application_that_the_server_ended_is_not_replaced() {
    let mut driver = TestDriver::signed_in();
    driver.reply(
        "GET",
        &format!("{APP}/events"),
        410,
        json!({"code": "Gone", "subcode": "InactiveApplicationExpired"}),
    );
    let failure = signed_out(&driver).unwrap();
    assert_eq!(
        (failure.kind(), failure.subcode()),
        (&FailureKind::Gone, Some("InactiveApplicationExpired"))
    );
    assert_eq!(driver.wake_at, None);
    assert!(!driver.is_sent("POST", "/ucwa"));
    assert!(!driver.is_sent("DELETE", APP));
}

#[test]
fn after_a_resync_only_listed_conversations_continue() {
    for follow in ["resync", "resume"] {
        let mut driver = TestDriver::with_conversation();
        driver.page(offered("17b", "hello"));
        let key = ConversationKey::Remote(first_remote(&driver));
        driver.page_with(follow, json!([]));
        driver.changes(key);
        let list = format!("{APP}/communication/conversations");
        driver.reply("GET", &list, 200, json!({"_links": {}}));
        driver.advance(Duration::from_secs(6));
        driver.reply("GET", INVITATION, 404, json!({"code": "NotFound"}));
        assert!(matches!(
            driver.changes(key).last(),
            Some(ConversationChange::Ended { .. })
        ));

        let mut driver = crate::sending::established();
        driver.page_with(follow, json!([]));
        let one = json!({"href": conversation_href("21a1")});
        driver.reply("GET", &list, 200, json!({"_links": {"conversation": one}}));
        driver.advance(Duration::from_secs(60));
        assert_eq!(driver.changes(chat()), [], "the conversation continues");
    }
}

#[test]
fn a_failed_list_of_conversations_is_requested_three_times() {
    let list = format!("{APP}/communication/conversations");
    for recovers in [true, false] {
        let mut driver = crate::sending::established();
        driver.page_with("resync", json!([]));
        // A list with links to another host has no effect.
        let elsewhere = json!({"href": "https://evil.example/conversations/21a1"});
        let answers = [
            (403, Value::Null),
            (200, json!({"_links": {"conversation": elsewhere}})),
        ];
        for (status, body) in answers {
            driver.reply("GET", &list, status, body);
            assert!(!driver.is_sent("GET", &list));
            driver.advance(Duration::from_secs(10));
        }
        if recovers {
            driver.reply("GET", &list, 200, json!({"_links": {}}));
            driver.advance(Duration::from_secs(6));
            let ended = matches!(
                driver.changes(chat()).last(),
                Some(ConversationChange::Ended { .. })
            );
            assert!(ended, "the conversation is not listed");
        } else {
            driver.reply("GET", &list, 403, Value::Null);
            driver.advance(Duration::from_secs(60));
            assert!(!driver.is_sent("GET", &list));
        }
    }
}

#[test]
fn a_new_application_keeps_the_status_that_the_user_chose() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let presence = format!("{APP}/me/presence");
    let with_presence = |fresh: bool| {
        let mut application = application(fresh);
        application["_embedded"]["me"]["_links"]["presence"] = json!({"href": presence});
        application
    };
    let mut driver = TestDriver::signed_in_to(with_presence);
    for (change, expected) in [
        (None, Value::Null),
        (Some(MeChange::Status(PersonStatus::Busy)), json!("Busy")),
        (Some(MeChange::ResetStatus), Value::Null),
    ] {
        if let Some(change) = change {
            driver.submit(Operation::SetMe(change));
            driver.reply("POST", &presence, 204, Value::Null);
        }
        driver.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        driver.advance(Duration::from_secs(4));
        let applications = "/ucwa/oauth/v1/applications";
        driver.reply("POST", applications, 201, with_presence(true));
        let available = format!("{APP}/me/makeMeAvailable");
        let sent = driver.reply("POST", &available, 204, Value::Null).json();
        assert_eq!(sent["signInAs"], expected);
        assert_eq!(sent["supportedModalities"], json!(["Messaging"]));
        driver.reply("GET", APP, 200, with_presence(false));
    }
}

#[test]
fn a_password_refused_during_a_poll_is_reported_as_such() {
    let mut driver = TestDriver::signed_in();
    let poll = driver.take("GET", &format!("{APP}/events"));
    driver.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let refused = json!({"error": "invalid_grant"});
    driver.reply("POST", "/WebTicket/oauthtoken", 400, refused);
    let failure = signed_out(&driver).unwrap();
    assert_eq!(failure.kind(), &FailureKind::InvalidCredentials);
}

pub(crate) fn first_remote(driver: &TestDriver) -> u64 {
    driver
        .events
        .iter()
        .find_map(|event| match event {
            SessionEvent::Incoming {
                conversation: ConversationKey::Remote(number),
                ..
            } => Some(*number),
            _ => None,
        })
        .expect("no incoming conversation")
}

#[test]
fn activity_is_reported_within_four_minutes() {
    let mut driver = TestDriver::signed_in();
    driver.advance(Duration::from_secs(239));
    driver.reply(
        "POST",
        &format!("{APP}/me/reportMyActivity"),
        204,
        Value::Null,
    );
}

#[test]
fn a_sign_out_deletes_the_application_and_leaves_no_request_or_timer() {
    let mut driver = TestDriver::with_conversation();
    let message = driver.send(1, "one");
    let out = driver.submit(Operation::SignOut);
    assert!(driver.result(message).is_some());
    assert_eq!(driver.result(out), None);
    driver.reply("DELETE", APP, 204, Value::Null);
    assert_eq!(driver.result(out), Some(&Ok(Outcome::Done)));
    assert!(driver.sent.is_empty() && driver.wake_at.is_none());
    let late = driver.send(2, "two");
    assert_eq!(driver.failure(late).kind(), &FailureKind::NotSignedIn);
    assert_eq!(
        driver.delivery_results(chat()).last(),
        Some(&(MessageKey::Local(2), MessageStatus::Failed))
    );
}

#[test]
fn a_sign_out_during_the_sign_in_cancels_it() {
    let mut driver = TestDriver::new(TestDriver::config());
    let sign_in = driver.submit(Operation::SignIn(TestDriver::credentials()));
    let out = driver.submit(Operation::SignOut);
    assert_eq!(driver.failure(sign_in).kind(), &FailureKind::Ended);
    assert_eq!(driver.result(out), Some(&Ok(Outcome::Done)));
    assert!(driver.sent.is_empty() && driver.wake_at.is_none());
}

/// A session whose application is being created.
fn creating() -> TestDriver {
    let mut driver = TestDriver::new(TestDriver::config());
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver
}

const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

#[test]
fn a_sign_out_during_the_creation_of_the_application_deletes_it_afterwards() {
    for status in [201, 200] {
        let mut driver = creating();
        let out = driver.submit(Operation::SignOut);
        assert_eq!(
            driver.result(out),
            None,
            "the href of the application is unknown"
        );
        driver.reply("POST", APPLICATIONS, status, application(true));
        assert_eq!(driver.sent.len(), 1, "{:?}", driver.sent);
        driver.reply("DELETE", APP, 204, Value::Null);
        assert_eq!(driver.result(out), Some(&Ok(Outcome::Done)));
        assert!(driver.sent.is_empty() && driver.wake_at.is_none());
    }
}

#[test]
fn a_sign_out_does_not_repeat_the_creation_of_the_application() {
    let mut driver = creating();
    let out = driver.submit(Operation::SignOut);
    driver.break_off("POST", APPLICATIONS, Sent::Maybe);
    assert_eq!(driver.failure(out).stage(), Stage::Application);
    assert!(driver.sent.is_empty() && driver.wake_at.is_none());

    let mut silent = creating();
    let out = silent.submit(Operation::SignOut);
    silent.advance(Duration::from_secs(36));
    assert_eq!(silent.failure(out).kind(), &FailureKind::Timeout);
    assert!(silent.sent.is_empty() && silent.wake_at.is_none());
    for refused in [
        challenge("/WebTicket/oauthtoken"),
        answer(503, Value::Null),
        answer(403, Value::Null),
    ] {
        let mut driver = creating();
        driver.submit(Operation::SignOut);
        let create = driver.take("POST", APPLICATIONS);
        driver.respond(create.id, refused);
        assert!(driver.sent.is_empty() && driver.wake_at.is_none());
        assert_eq!(driver.completed.len(), 2);
    }
}

#[test]
fn a_shutdown_during_the_creation_of_the_application_deletes_it_afterwards() {
    let mut driver = creating();
    driver.handle(Input::Shutdown);
    assert_eq!(
        driver.completed.len(),
        1,
        "no task awaits the result of the deletion"
    );
    assert_eq!(driver.wake_at, None);
    driver.reply("POST", APPLICATIONS, 201, application(true));
    let deletion = driver.take("DELETE", APP);
    assert!(deletion.request.headers().contains_key("authorization"));
    assert!(driver.sent.is_empty() && driver.wake_at.is_none());
}

#[test]
fn a_shutdown_completes_everything_and_sends_the_deletion() {
    let mut driver = TestDriver::with_conversation();
    let message = driver.send(1, "one");
    driver.handle(Input::Shutdown);
    assert!(driver.result(message).is_some());
    assert!(driver.is_sent("DELETE", APP));
    assert_eq!(driver.wake_at, None);
}

#[test]
fn a_request_is_aborted_if_the_transport_misses_its_deadline() {
    let mut driver = TestDriver::signed_in();
    let poll = driver.take("GET", &format!("{APP}/events"));
    assert_eq!(poll.deadline, driver.now + Duration::from_secs(210));
    // The driver asserts that there is one poll at a time, so the first one is taken out.
    driver.advance(Duration::from_secs(216));
    assert!(driver.aborted.contains(&poll.id));
    assert!(driver.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let run = || {
        let mut driver = TestDriver::with_conversation();
        driver.send(1, "one");
        driver
            .take("POST", &format!("{APP}/communication/messagingInvitations"))
            .body()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_first_poll_and_the_one_after_a_resume_have_the_channel_parameters() {
    let mut config = TestDriver::config();
    config.channel.timeout = Some(Duration::from_secs(60));
    config.channel.priority = Some(2);
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    let first = driver
        .sent
        .iter()
        .find(|sent| sent.lane == Lane::Events)
        .unwrap();
    assert!(
        first
            .target()
            .ends_with("/events?ack=1&timeout=180&priority=2"),
        "{}",
        first.target()
    );
    driver.page(json!([]));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=2")));
    driver.page_with("resume", json!([]));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=3&timeout=180&priority=2")));
}

#[test]
fn an_expired_application_is_replaced_if_configured() {
    let mut config = TestDriver::config();
    config.recreate_expired = true;
    let mut driver = TestDriver::new(config);
    driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    driver.create_application();
    driver.reply(
        "GET",
        &format!("{APP}/events"),
        410,
        json!({"code": "Gone", "subcode": "InactiveApplicationExpired"}),
    );
    driver.advance(Duration::from_secs(2));
    driver.create_application();
    assert!(signed_out(&driver).is_none());
}

#[test]
fn a_user_who_moved_to_another_pool_is_found_again() {
    let mut driver = TestDriver::signed_in();
    driver.reply(
        "GET",
        &format!("{APP}/events"),
        404,
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
    );
    for _ in 0..2 {
        while !driver.is_sent("POST", "/ucwa/oauth/v1/applications") {
            driver.advance(Duration::from_secs(1));
        }
        driver.reply(
            "POST",
            "/ucwa/oauth/v1/applications",
            404,
            json!({"code": "NotFound"}),
        );
    }
    while !driver.is_sent("GET", "/user") {
        driver.advance(Duration::from_secs(1));
    }
    let links = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    driver.reply("GET", "/user", 200, links);
    driver.create_application();
    assert!(signed_out(&driver).is_none());
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
}
