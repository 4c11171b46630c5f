//! The event channel, lost applications, sign-out and shutdown.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;

pub(crate) fn signed_out(bench: &Bench) -> Option<Failure> {
    bench.events.iter().find_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
        } => failure.clone(),
        _ => None,
    })
}

#[test]
fn a_broken_poll_is_repeated_at_the_same_address_within_seconds() {
    let mut bench = Bench::signed_in();
    bench.page(json!([]));
    for _ in 0..12 {
        bench.break_off("GET", &format!("{APP}/events?ack=2"), Sent::Maybe);
        let before = bench.now;
        while !bench.is_sent("GET", &format!("{APP}/events?ack=2")) {
            bench.advance(Duration::from_millis(10));
        }
        assert!(
            bench.now - before <= Duration::from_millis(5010),
            "{:?}",
            bench.now - before
        );
    }
}

#[test]
fn a_channel_that_fails_for_15_minutes_ends_the_session() {
    let mut bench = Bench::signed_in();
    while signed_out(&bench).is_none() {
        bench.break_off("GET", &format!("{APP}/events"), Sent::No);
        bench.advance(Duration::from_secs(6));
        assert!(bench.now < Duration::from_secs(1000));
        bench
            .sent
            .retain(|sent| !sent.target().contains("reportMyActivity"));
    }
    assert_eq!(
        signed_out(&bench).unwrap().kind(),
        &FailureKind::ConnectionLost
    );
    assert!(bench.now >= Duration::from_secs(900));
    assert_eq!(bench.wake_at, None);
}

#[test]
fn a_poll_that_is_cut_late_is_repeated() {
    let mut config = Bench::config();
    config.channel.timeout = Some(Duration::from_secs(1800));
    let mut bench = Bench::new(config);
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter();
    for quiet in [16 * 60, 30 * 60] {
        bench.advance(Duration::from_secs(quiet));
        bench.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
        bench.advance(Duration::from_secs(5));
        assert!(bench.is_sent("GET", &format!("{APP}/events")), "{quiet}");
        assert!(signed_out(&bench).is_none());
        bench.page(json!([]));
    }
}

#[test]
fn an_unreadable_page_is_polled_again_and_then_the_channel_restarts() {
    let mut bench = Bench::signed_in();
    for _ in 0..3 {
        let poll = bench.take("GET", &format!("{APP}/events?ack=1"));
        let page = http::Response::builder()
            .header("content-type", "application/json")
            .body("{\"_links\":".into())
            .unwrap();
        bench.respond(poll.id, page);
        bench.advance(Duration::from_secs(5));
    }
    bench.reply("GET", APP, 200, application(false));
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
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
    // The read of the application.
    for silent in [false, true] {
        let mut bench = Bench::signed_in();
        for _ in 0..3 {
            let lost = json!({"_links": {"self": {"href": "x"}}});
            bench.reply("GET", &format!("{APP}/events?ack=1"), 200, lost);
            bench.advance(Duration::from_secs(5));
        }
        if silent {
            let read = bench.take("GET", APP);
            assert_eq!(read.deadline, bench.now + Duration::from_secs(5));
            bench.advance(Duration::from_secs(10));
        } else {
            let read = bench.take("GET", APP);
            bench.respond(read.id, busy());
        }
        bench.advance(Duration::from_secs(5));
        assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
    }

    // A token.
    let mut bench = Bench::signed_in();
    let poll = bench.take("GET", &format!("{APP}/events"));
    bench.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    for _ in 0..4 {
        let token = bench.take("POST", "/WebTicket/oauthtoken");
        bench.respond(token.id, busy());
        assert!(!bench.is_sent("POST", "/WebTicket/oauthtoken"));
        bench.advance(Duration::from_secs(5));
    }
    bench.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));

    // Without a pending GET, the pause of the server applies.
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
    let token = bench.take("POST", "/WebTicket/oauthtoken");
    bench.respond(token.id, busy());
    bench.advance(Duration::from_secs(59));
    assert!(bench.sent.is_empty());
    bench.advance(Duration::from_secs(1));
    assert!(bench.is_sent("POST", "/WebTicket/oauthtoken"));
}

#[test]
fn a_page_without_a_next_link_counts_as_unreadable() {
    let mut bench = Bench::signed_in();
    for _ in 0..3 {
        let lost = json!({"_links": {"self": {"href": "x"}}, "sender": offered("17b", "Hi")});
        bench.reply("GET", &format!("{APP}/events?ack=1"), 200, lost);
        bench.advance(Duration::from_secs(5));
    }
    // The channel restarts at the events link of the application.
    bench.reply("GET", APP, 200, application(false));
    let shown = |event: &SessionEvent| !matches!(event, SessionEvent::SignIn { .. });
    assert!(
        !bench.events.iter().any(shown),
        "the page is not acknowledged, so its events will arrive again"
    );
    bench.page(offered("17b", "Hi"));
    first_remote(&bench);
}

#[test]
fn a_transient_failure_of_a_poll_is_repeated_at_the_same_address() {
    for status in [408, 429, 500, 502, 503, 504] {
        let mut bench = Bench::signed_in();
        for _ in 0..7 {
            bench.reply("GET", &format!("{APP}/events?ack=1"), status, Value::Null);
            bench.advance(Duration::from_secs(5));
        }
        assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
        assert!(!bench.is_sent("GET", &format!("{APP}?")), "{status}");
    }
}

#[test]
fn a_poll_that_is_replaced_now_and_then_is_repeated_each_time() {
    let mut bench = Bench::signed_in();
    for _ in 0..3 {
        let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
        bench.reply("GET", &format!("{APP}/events"), 409, replaced);
        assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
        bench.advance(Duration::from_secs(61));
    }
    assert!(signed_out(&bench).is_none());
}

#[test]
fn a_poll_that_is_replaced_twice_within_a_minute_ends_the_session() {
    let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
    let mut bench = Bench::signed_in();
    bench.reply("GET", &format!("{APP}/events"), 409, replaced.clone());
    bench.advance(Duration::from_secs(30));
    bench.reply("GET", &format!("{APP}/events"), 409, replaced);
    let failure = signed_out(&bench).unwrap();
    assert_eq!(
        (failure.kind(), failure.subcode()),
        (&FailureKind::ConnectionLost, Some("PGetReplaced"))
    );
    // The other process uses the same application.
    assert!(bench.sent.is_empty(), "{:?}", bench.sent);
}

#[test]
fn a_lost_application_is_replaced_and_its_conversations_end() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "one");
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    let changes = bench.changes(chat());
    assert!(
        matches!(
            changes.last(),
            Some(ConversationChange::Ended { failure: Some(_) })
        ),
        "{changes:?}"
    );
    assert!(bench.sent.is_empty(), "{:?}", bench.sent);
    bench.advance(Duration::from_secs(2));
    bench.enter();
    assert!(signed_out(&bench).is_none());
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
    bench.send(2, "two");
    assert!(bench.is_sent("POST", &format!("{APP}/communication/messagingInvitations")));
}

#[test]
fn repeated_losses_of_a_new_application_end_the_session() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut bench = Bench::signed_in();
    for _ in 0..6 {
        // `makeMeAvailable` causes a page at once.
        bench.page(json!([]));
        bench.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        if signed_out(&bench).is_some() {
            break;
        }
        while !bench.is_sent("POST", "/ucwa/oauth/v1/applications") {
            bench.advance(Duration::from_secs(1));
        }
        bench.enter();
    }
    assert_eq!(
        signed_out(&bench).unwrap().kind(),
        &FailureKind::ConnectionLost
    );
}

#[test]
fn occasional_losses_of_an_application_are_repaired_each_time() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut bench = Bench::signed_in();
    for _ in 0..12 {
        bench.advance(Duration::from_secs(150));
        bench.page(json!([]));
        bench.advance(Duration::from_secs(150));
        bench.sent.retain(|sent| sent.lane == Lane::Events);
        bench.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        bench.advance(Duration::from_secs(2));
        bench.enter();
    }
    assert!(signed_out(&bench).is_none());
}

#[test]
fn an_application_that_the_server_ended_is_not_replaced() {
    let mut bench = Bench::signed_in();
    bench.reply(
        "GET",
        &format!("{APP}/events"),
        410,
        json!({"code": "Gone", "subcode": "InactiveApplicationExpired"}),
    );
    let failure = signed_out(&bench).unwrap();
    assert_eq!(
        (failure.kind(), failure.subcode()),
        (&FailureKind::Gone, Some("InactiveApplicationExpired"))
    );
    assert_eq!(bench.wake_at, None);
    assert!(!bench.is_sent("POST", "/ucwa"));
    assert!(!bench.is_sent("DELETE", APP));
}

#[test]
fn after_a_resync_only_listed_conversations_continue() {
    for follow in ["resync", "resume"] {
        let mut bench = Bench::with_conversation();
        bench.page(offered("17b", "hello"));
        let key = ConversationKey::Remote(first_remote(&bench));
        bench.page_with(follow, json!([]));
        bench.changes(key);
        let list = format!("{APP}/communication/conversations");
        bench.reply("GET", &list, 200, json!({"_links": {}}));
        bench.advance(Duration::from_secs(6));
        bench.reply("GET", INVITATION, 404, json!({"code": "NotFound"}));
        assert!(matches!(
            bench.changes(key).last(),
            Some(ConversationChange::Ended { .. })
        ));

        let mut bench = crate::sending::established();
        bench.page_with(follow, json!([]));
        let one = json!({"href": conversation_href("21a1")});
        bench.reply("GET", &list, 200, json!({"_links": {"conversation": one}}));
        bench.advance(Duration::from_secs(60));
        assert_eq!(bench.changes(chat()), [], "the conversation continues");
    }
}

#[test]
fn a_failed_list_of_conversations_is_requested_three_times() {
    let list = format!("{APP}/communication/conversations");
    for recovers in [true, false] {
        let mut bench = crate::sending::established();
        bench.page_with("resync", json!([]));
        // A list with links to another host has no effect.
        let elsewhere = json!({"href": "https://evil.example/conversations/21a1"});
        let answers = [
            (403, Value::Null),
            (200, json!({"_links": {"conversation": elsewhere}})),
        ];
        for (status, body) in answers {
            bench.reply("GET", &list, status, body);
            assert!(!bench.is_sent("GET", &list));
            bench.advance(Duration::from_secs(10));
        }
        if recovers {
            bench.reply("GET", &list, 200, json!({"_links": {}}));
            bench.advance(Duration::from_secs(6));
            let ended = matches!(
                bench.changes(chat()).last(),
                Some(ConversationChange::Ended { .. })
            );
            assert!(ended, "the conversation is not listed");
        } else {
            bench.reply("GET", &list, 403, Value::Null);
            bench.advance(Duration::from_secs(60));
            assert!(!bench.is_sent("GET", &list));
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
    let mut bench = Bench::signed_in_to(with_presence);
    for (change, expected) in [
        (None, Value::Null),
        (Some(MeChange::Status(PersonStatus::Busy)), json!("Busy")),
        (Some(MeChange::ResetStatus), Value::Null),
    ] {
        if let Some(change) = change {
            bench.submit(Operation::SetMe(change));
            bench.reply("POST", &presence, 204, Value::Null);
        }
        bench.reply("GET", &format!("{APP}/events"), 404, lost.clone());
        bench.advance(Duration::from_secs(4));
        let applications = "/ucwa/oauth/v1/applications";
        bench.reply("POST", applications, 201, with_presence(true));
        let available = format!("{APP}/me/makeMeAvailable");
        let sent = bench.reply("POST", &available, 204, Value::Null).json();
        assert_eq!(sent["signInAs"], expected);
        assert_eq!(sent["supportedModalities"], json!(["Messaging"]));
        bench.reply("GET", APP, 200, with_presence(false));
    }
}

#[test]
fn a_password_refused_during_a_poll_is_reported_as_such() {
    let mut bench = Bench::signed_in();
    let poll = bench.take("GET", &format!("{APP}/events"));
    bench.respond(poll.id, challenge("/WebTicket/oauthtoken"));
    let refused = json!({"error": "invalid_grant"});
    bench.reply("POST", "/WebTicket/oauthtoken", 400, refused);
    let failure = signed_out(&bench).unwrap();
    assert_eq!(failure.kind(), &FailureKind::InvalidCredentials);
}

pub(crate) fn first_remote(bench: &Bench) -> u64 {
    bench
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
    let mut bench = Bench::signed_in();
    bench.advance(Duration::from_secs(239));
    bench.reply(
        "POST",
        &format!("{APP}/me/reportMyActivity"),
        204,
        Value::Null,
    );
}

#[test]
fn sign_out_deletes_the_application_and_leaves_nothing_behind() {
    let mut bench = Bench::with_conversation();
    let message = bench.send(1, "one");
    let out = bench.submit(Operation::SignOut);
    assert!(bench.result(message).is_some());
    assert_eq!(bench.result(out), None);
    bench.reply("DELETE", APP, 204, Value::Null);
    assert_eq!(bench.result(out), Some(&Ok(Outcome::Done)));
    assert!(bench.sent.is_empty() && bench.wake_at.is_none());
    let late = bench.send(2, "two");
    assert_eq!(bench.failure(late).kind(), &FailureKind::NotSignedIn);
    assert_eq!(
        bench.verdicts(chat()).last(),
        Some(&(MessageKey::Local(2), MessageStatus::Failed))
    );
}

#[test]
fn a_sign_out_during_the_sign_in_cancels_it() {
    let mut bench = Bench::new(Bench::config());
    let sign_in = bench.submit(Operation::SignIn(Bench::credentials()));
    let out = bench.submit(Operation::SignOut);
    assert_eq!(bench.failure(sign_in).kind(), &FailureKind::Ended);
    assert_eq!(bench.result(out), Some(&Ok(Outcome::Done)));
    assert!(bench.sent.is_empty() && bench.wake_at.is_none());
}

/// A session whose application is being created.
fn creating() -> Bench {
    let mut bench = Bench::new(Bench::config());
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench
}

const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

#[test]
fn a_sign_out_during_the_creation_of_the_application_deletes_it_afterwards() {
    for status in [201, 200] {
        let mut bench = creating();
        let out = bench.submit(Operation::SignOut);
        assert_eq!(
            bench.result(out),
            None,
            "the href of the application is unknown"
        );
        bench.reply("POST", APPLICATIONS, status, application(true));
        assert_eq!(bench.sent.len(), 1, "{:?}", bench.sent);
        bench.reply("DELETE", APP, 204, Value::Null);
        assert_eq!(bench.result(out), Some(&Ok(Outcome::Done)));
        assert!(bench.sent.is_empty() && bench.wake_at.is_none());
    }
}

#[test]
fn a_sign_out_does_not_repeat_the_creation_of_the_application() {
    let mut bench = creating();
    let out = bench.submit(Operation::SignOut);
    bench.break_off("POST", APPLICATIONS, Sent::Maybe);
    assert_eq!(bench.failure(out).stage(), Stage::Application);
    assert!(bench.sent.is_empty() && bench.wake_at.is_none());

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
        let mut bench = creating();
        bench.submit(Operation::SignOut);
        let create = bench.take("POST", APPLICATIONS);
        bench.respond(create.id, refused);
        assert!(bench.sent.is_empty() && bench.wake_at.is_none());
        assert_eq!(bench.completed.len(), 2);
    }
}

#[test]
fn a_shutdown_during_the_creation_of_the_application_deletes_it_afterwards() {
    let mut bench = creating();
    bench.handle(Input::Shutdown);
    assert_eq!(bench.completed.len(), 1, "nobody waits");
    assert_eq!(bench.wake_at, None);
    bench.reply("POST", APPLICATIONS, 201, application(true));
    let deletion = bench.take("DELETE", APP);
    assert!(deletion.request.headers().contains_key("authorization"));
    assert!(bench.sent.is_empty() && bench.wake_at.is_none());
}

#[test]
fn a_shutdown_completes_everything_and_sends_the_deletion() {
    let mut bench = Bench::with_conversation();
    let message = bench.send(1, "one");
    bench.handle(Input::Shutdown);
    assert!(bench.result(message).is_some());
    assert!(bench.is_sent("DELETE", APP));
    assert_eq!(bench.wake_at, None);
}

#[test]
fn a_request_is_aborted_if_the_transport_misses_its_deadline() {
    let mut bench = Bench::signed_in();
    let poll = bench.take("GET", &format!("{APP}/events"));
    assert_eq!(poll.deadline, bench.now + Duration::from_secs(210));
    // The bench asserts that there is one poll at a time, so the first one is taken out.
    bench.advance(Duration::from_secs(216));
    assert!(bench.aborted.contains(&poll.id));
    assert!(bench.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let run = || {
        let mut bench = Bench::with_conversation();
        bench.send(1, "one");
        bench
            .take("POST", &format!("{APP}/communication/messagingInvitations"))
            .body()
    };
    assert_eq!(run(), run());
}

#[test]
fn the_first_poll_and_the_one_after_a_resume_have_the_channel_parameters() {
    let mut config = Bench::config();
    config.channel.timeout = Some(Duration::from_secs(60));
    config.channel.priority = Some(2);
    let mut bench = Bench::new(config);
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter();
    let first = bench
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
    bench.page(json!([]));
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=2")));
    bench.page_with("resume", json!([]));
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=3&timeout=180&priority=2")));
}

#[test]
fn an_expired_application_is_replaced_if_configured() {
    let mut config = Bench::config();
    config.recreate_expired = true;
    let mut bench = Bench::new(config);
    bench.submit(Operation::SignIn(Bench::credentials()));
    bench.discover();
    bench.enter();
    bench.reply(
        "GET",
        &format!("{APP}/events"),
        410,
        json!({"code": "Gone", "subcode": "InactiveApplicationExpired"}),
    );
    bench.advance(Duration::from_secs(2));
    bench.enter();
    assert!(signed_out(&bench).is_none());
}

#[test]
fn a_user_who_moved_to_another_pool_is_found_again() {
    let mut bench = Bench::signed_in();
    bench.reply(
        "GET",
        &format!("{APP}/events"),
        404,
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
    );
    for _ in 0..2 {
        while !bench.is_sent("POST", "/ucwa/oauth/v1/applications") {
            bench.advance(Duration::from_secs(1));
        }
        bench.reply(
            "POST",
            "/ucwa/oauth/v1/applications",
            404,
            json!({"code": "NotFound"}),
        );
    }
    while !bench.is_sent("GET", "/user") {
        bench.advance(Duration::from_secs(1));
    }
    let links = json!({"_links": {"applications": {"href": "/ucwa/oauth/v1/applications"}}});
    bench.reply("GET", "/user", 200, links);
    bench.enter();
    assert!(signed_out(&bench).is_none());
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
}
