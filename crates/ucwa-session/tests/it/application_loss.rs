//! Applications that the server lost, ended or refused, reported by the response to any request.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::fixtures::*;

const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

fn signed_out(bench: &Bench) -> Option<&Failure> {
    bench.events.iter().find_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
        } => failure.as_ref(),
        _ => None,
    })
}

fn is_created_anew(bench: &mut Bench) {
    bench.advance(Duration::from_secs(2));
    bench.enter();
    assert!(bench.is_sent("GET", &format!("{APP}/events?ack=1")));
}

#[test]
fn the_code_or_the_subcode_of_any_response_reports_a_lost_application() {
    for body in [
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
        json!({"code": "ApplicationNotFound"}),
    ] {
        let mut polled = Bench::signed_in();
        polled.reply("GET", &format!("{APP}/events"), 404, body.clone());
        is_created_anew(&mut polled);

        let mut reported = Bench::signed_in();
        reported.advance(Duration::from_secs(211));
        let activity = format!("{APP}/me/reportMyActivity");
        reported.reply("POST", &activity, 404, body.clone());
        is_created_anew(&mut reported);
    }
}

#[test]
fn a_message_to_a_lost_application_has_failed() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut fixture = established();
    let ticket = fixture.bench.send(1, "one");
    let messages = fixture.messages();
    fixture.bench.reply("POST", &messages, 404, lost.clone());
    assert_eq!(fixture.bench.failure(ticket).status(), Some(404));
    assert_eq!(
        fixture.bench.verdicts(fixture.key),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    is_created_anew(&mut fixture.bench);

    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "one");
    bench.reply("POST", INVITATIONS, 404, lost);
    assert_eq!(bench.failure(ticket).status(), Some(404));
    assert_eq!(
        bench.verdicts(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    is_created_anew(&mut bench);
}

#[test]
fn an_application_that_the_server_ended_signs_the_user_out() {
    for subcode in [
        "TooManyApplications",
        "InactiveApplicationExpired",
        "UserAgentNotAllowed",
    ] {
        let gone = json!({"code": "Gone", "subcode": subcode});
        // During a chat.
        let mut fixture = established();
        let ticket = fixture.bench.send(1, "one");
        let messages = fixture.messages();
        fixture.bench.reply("POST", &messages, 410, gone.clone());
        let failure = signed_out(&fixture.bench).unwrap();
        assert_eq!(
            (failure.kind(), failure.subcode()),
            (&FailureKind::Gone, Some(subcode))
        );
        assert!(fixture.bench.result(ticket).is_some_and(Result::is_err));
        assert_eq!((fixture.bench.sent.len(), fixture.bench.wake_at), (0, None));

        // During sign-in.
        let mut bench = Bench::new(Bench::config());
        let ticket = bench.submit(Operation::SignIn(Bench::credentials()));
        bench.discover();
        bench.reply("POST", APPLICATIONS, 410, gone.clone());
        let failure = bench.failure(ticket);
        assert_eq!(
            (failure.kind(), failure.subcode()),
            (&FailureKind::Gone, Some(subcode))
        );

        // While a lost application is being replaced.
        let mut bench = Bench::signed_in();
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        bench.reply("GET", &format!("{APP}/events"), 404, lost);
        bench.advance(Duration::from_secs(2));
        bench.reply("POST", APPLICATIONS, 410, gone);
        assert_eq!(signed_out(&bench).unwrap().kind(), &FailureKind::Gone);
        assert_eq!((bench.sent.len(), bench.wake_at), (0, None));
    }
}

#[test]
fn any_other_410_concerns_only_its_resource() {
    let mut bench = Bench::signed_in();
    bench.advance(Duration::from_secs(211));
    let moved = json!({"code": "Gone", "subcode": "CannotRedirect"});
    bench.reply("POST", &format!("{APP}/me/reportMyActivity"), 410, moved);
    assert_eq!(signed_out(&bench), None);
    assert!(bench.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn a_password_refused_while_an_application_is_replaced_is_not_retried() {
    let mut bench = Bench::signed_in();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    bench.advance(Duration::from_secs(2));
    let create = bench.take("POST", APPLICATIONS);
    bench.respond(create.id, challenge("/WebTicket/oauthtoken"));
    let refused = json!({"error": "invalid_grant"});
    bench.reply("POST", "/WebTicket/oauthtoken", 400, refused);
    assert_eq!(
        signed_out(&bench).unwrap().kind(),
        &FailureKind::InvalidCredentials
    );
    assert_eq!((bench.sent.len(), bench.wake_at), (0, None));
}

#[test]
fn activity_is_reported_only_if_the_server_offers_it() {
    let mut bench = Bench::signed_in_to(|fresh| {
        let mut application = application(fresh);
        let links = application["_embedded"]["me"]["_links"].as_object_mut();
        links.unwrap().remove("reportMyActivity");
        application
    });
    for _ in 0..10 {
        bench.advance(Duration::from_secs(60));
        bench.page(json!([]));
    }
    assert!(!bench.is_sent("POST", ""), "{:?}", bench.sent);
}

#[test]
fn a_failed_report_of_activity_is_repeated_in_time() {
    const ACTIVITY: &str = "/ucwa/oauth/v1/applications/102/me/reportMyActivity";
    let due = || {
        let mut bench = Bench::signed_in();
        while !bench.is_sent("POST", ACTIVITY) {
            bench.advance(Duration::from_secs(1));
            assert!(bench.now <= Duration::from_secs(211));
        }
        bench
    };
    let in_time = Duration::from_secs(240);
    // One failure, and five in a row.
    for times in [1, 5] {
        for status in [None, Some(408), Some(429), Some(500), Some(503)] {
            let mut bench = due();
            for _ in 0..times {
                while !bench.is_sent("POST", ACTIVITY) {
                    bench.advance(Duration::from_millis(100));
                }
                match status {
                    None => bench.break_off("POST", ACTIVITY, Sent::Maybe),
                    Some(status) => {
                        bench.reply("POST", ACTIVITY, status, Value::Null);
                    }
                }
            }
            while !bench.is_sent("POST", ACTIVITY) {
                bench.advance(Duration::from_millis(100));
                assert!(bench.now < in_time, "{status:?} {times}");
            }
            bench.reply("POST", ACTIVITY, 204, Value::Null);
            bench.advance(Duration::from_secs(190));
            assert!(!bench.is_sent("POST", ACTIVITY), "{status:?} {times}");
        }
    }
    // A report whose response is late is given up in time.
    let bench = &mut due();
    let report = bench.take("POST", ACTIVITY);
    assert!(report.deadline - bench.now <= Duration::from_secs(10));
    // A refusal is final.
    for status in [403, 409] {
        let mut bench = due();
        bench.reply("POST", ACTIVITY, status, Value::Null);
        bench.advance(Duration::from_secs(200));
        assert!(!bench.is_sent("POST", ACTIVITY), "{status}");
        bench.advance(Duration::from_secs(10));
        assert!(bench.is_sent("POST", ACTIVITY), "{status}");
    }
}

#[test]
fn a_message_without_a_verdict_is_unknown_when_the_channel_is_lost_for_good() {
    let mut fixture = handed_over();
    for _ in 0..2 {
        let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
        fixture
            .bench
            .reply("GET", &format!("{APP}/events"), 409, replaced);
    }
    assert_eq!(fixture.failure().kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        fixture.bench.verdicts(fixture.key),
        [(MessageKey::Local(1), MessageStatus::Unknown)]
    );
}
