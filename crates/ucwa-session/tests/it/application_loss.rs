//! Applications that the server lost, ended or refused, reported by the response to any request.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::messages;
use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;
use crate::sending;

const APPLICATIONS: &str = "/ucwa/oauth/v1/applications";

fn signed_out(driver: &TestDriver) -> Option<&Failure> {
    driver.events.iter().find_map(|event| match event {
        SessionEvent::SignIn {
            state: SignInState::SignedOut,
            failure,
            ..
        } => failure.as_ref(),
        _ => None,
    })
}

fn is_created_anew(driver: &mut TestDriver) {
    driver.advance(Duration::from_secs(2));
    driver.create_application();
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=1")));
}

#[test]
fn the_code_or_the_subcode_of_any_response_reports_a_lost_application() {
    for body in [
        json!({"code": "NotFound", "subcode": "ApplicationNotFound"}),
        json!({"code": "ApplicationNotFound"}),
    ] {
        let mut polled = TestDriver::signed_in();
        polled.reply("GET", &format!("{APP}/events"), 404, body.clone());
        is_created_anew(&mut polled);

        let mut reported = TestDriver::signed_in();
        reported.advance(Duration::from_secs(211));
        let activity = format!("{APP}/me/reportMyActivity");
        reported.reply("POST", &activity, 404, body.clone());
        is_created_anew(&mut reported);
    }
}

#[test]
fn the_sixth_application_in_a_row_that_is_lost_at_once_signs_the_user_out() {
    let mut driver = TestDriver::signed_in();
    let lost = || json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    for _ in 0..5 {
        driver.reply("GET", &format!("{APP}/events"), 404, lost());
        assert_eq!(signed_out(&driver), None);
        driver.advance(Duration::from_secs(60));
        driver.create_application();
    }
    driver.reply("GET", &format!("{APP}/events"), 404, lost());
    let failure = signed_out(&driver).unwrap();
    assert_eq!(failure.kind(), &FailureKind::ConnectionLost);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

/// The pending GET waits for a token, or for the caller's answer to the question about the host of the token service.
#[test]
fn activity_is_reported_while_the_pending_get_waits() {
    for service in ["/WebTicket/oauthtoken", "https://sts.fabrikam.com/token"] {
        let mut config = TestDriver::config();
        config.trust.ask = true;
        let mut driver = TestDriver::new(config);
        driver.submit(Operation::SignIn(TestDriver::credentials()));
        driver.discover();
        driver.create_application();
        driver.advance(Duration::from_secs(205));
        let poll = driver.take("GET", &format!("{APP}/events"));
        driver.respond(poll.id, challenge(service));
        assert_eq!(
            driver.asked.len(),
            usize::from(service.starts_with("https"))
        );
        driver.advance(Duration::from_secs(6));
        let activity = format!("{APP}/me/reportMyActivity");
        assert!(driver.is_sent("POST", &activity), "{service}");
    }
}

#[test]
fn a_request_before_the_application_reports_no_lost_application() {
    let mut driver = TestDriver::new(TestDriver::config());
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("POST", APPLICATIONS, 404, lost);
    assert_eq!(driver.failure(ticket).status(), Some(404));
}

#[test]
fn a_message_to_a_lost_application_has_failed() {
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    let mut fixture = established();
    let ticket = fixture.driver.send(1, "one");
    let messages = fixture.messages();
    fixture.driver.reply("POST", &messages, 404, lost.clone());
    assert_eq!(fixture.driver.failure(ticket).status(), Some(404));
    assert_eq!(
        fixture.driver.delivery_results(fixture.key),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    is_created_anew(&mut fixture.driver);

    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "one");
    driver.reply("POST", INVITATIONS, 404, lost);
    assert_eq!(driver.failure(ticket).status(), Some(404));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    is_created_anew(&mut driver);
}

#[test]
fn an_href_of_a_lost_application_may_be_another_message_in_the_next_one() {
    let mut driver = sending::established();
    let deliver = |driver: &mut TestDriver, number| {
        let ticket = driver.send(number, "text");
        let href = message_href("21a1", "5");
        driver.created("POST", &messages("21a1"), &href);
        driver.page(senders(
            "21a1",
            vec![(true, delivery_event("21a1", "5", "Success"))],
        ));
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    };
    deliver(&mut driver, 1);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    is_created_anew(&mut driver);
    sending::establish(&mut driver);
    deliver(&mut driver, 2);
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
        let ticket = fixture.driver.send(1, "one");
        let messages = fixture.messages();
        fixture.driver.reply("POST", &messages, 410, gone.clone());
        let failure = signed_out(&fixture.driver).unwrap();
        assert_eq!(
            (failure.kind(), failure.subcode()),
            (&FailureKind::Gone, Some(subcode))
        );
        assert!(fixture.driver.result(ticket).is_some_and(Result::is_err));
        assert_eq!(
            (fixture.driver.sent.len(), fixture.driver.wake_at),
            (0, None)
        );

        // During sign-in.
        let mut driver = TestDriver::new(TestDriver::config());
        let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
        driver.discover();
        driver.reply("POST", APPLICATIONS, 410, gone.clone());
        let failure = driver.failure(ticket);
        assert_eq!(
            (failure.kind(), failure.subcode()),
            (&FailureKind::Gone, Some(subcode))
        );

        // While a lost application is being replaced.
        let mut driver = TestDriver::signed_in();
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        driver.reply("GET", &format!("{APP}/events"), 404, lost);
        driver.advance(Duration::from_secs(2));
        driver.reply("POST", APPLICATIONS, 410, gone);
        assert_eq!(signed_out(&driver).unwrap().kind(), &FailureKind::Gone);
        assert_eq!((driver.sent.len(), driver.wake_at), (0, None));
    }
}

#[test]
fn any_other_410_concerns_only_its_resource() {
    let mut driver = TestDriver::signed_in();
    driver.advance(Duration::from_secs(211));
    let moved = json!({"code": "Gone", "subcode": "CannotRedirect"});
    driver.reply("POST", &format!("{APP}/me/reportMyActivity"), 410, moved);
    assert_eq!(signed_out(&driver), None);
    assert!(driver.is_sent("GET", &format!("{APP}/events")));
}

#[test]
fn a_password_refused_while_an_application_is_replaced_is_not_retried() {
    let mut driver = TestDriver::signed_in();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(Duration::from_secs(2));
    let create = driver.take("POST", APPLICATIONS);
    driver.respond(create.id, challenge("/WebTicket/oauthtoken"));
    let refused = json!({"error": "invalid_grant"});
    driver.reply("POST", "/WebTicket/oauthtoken", 400, refused);
    assert_eq!(
        signed_out(&driver).unwrap().kind(),
        &FailureKind::InvalidCredentials
    );
    assert_eq!((driver.sent.len(), driver.wake_at), (0, None));
}

#[test]
fn activity_is_reported_only_if_the_server_offers_it() {
    let mut driver = TestDriver::signed_in_to(|fresh| {
        let mut application = application(fresh);
        let links = application["_embedded"]["me"]["_links"].as_object_mut();
        links.unwrap().remove("reportMyActivity");
        application
    });
    for _ in 0..10 {
        driver.advance(Duration::from_secs(60));
        driver.page(json!([]));
    }
    assert!(!driver.is_sent("POST", ""), "{:?}", driver.sent);
}

#[test]
fn a_failed_report_of_activity_is_repeated_in_time() {
    const ACTIVITY: &str = "/ucwa/oauth/v1/applications/102/me/reportMyActivity";
    let due = || {
        let mut driver = TestDriver::signed_in();
        while !driver.is_sent("POST", ACTIVITY) {
            driver.advance(Duration::from_secs(1));
            assert!(driver.now <= Duration::from_secs(211));
        }
        driver
    };
    let in_time = Duration::from_secs(240);
    // One failure, and five in a row.
    for times in [1, 5] {
        for status in [None, Some(408), Some(429), Some(500), Some(503)] {
            let mut driver = due();
            for _ in 0..times {
                while !driver.is_sent("POST", ACTIVITY) {
                    driver.advance(Duration::from_millis(100));
                }
                match status {
                    None => driver.break_off("POST", ACTIVITY, Sent::Maybe),
                    Some(status) => {
                        driver.reply("POST", ACTIVITY, status, Value::Null);
                    }
                }
            }
            while !driver.is_sent("POST", ACTIVITY) {
                driver.advance(Duration::from_millis(100));
                assert!(driver.now < in_time, "{status:?} {times}");
            }
            driver.reply("POST", ACTIVITY, 204, Value::Null);
            driver.advance(Duration::from_secs(190));
            assert!(!driver.is_sent("POST", ACTIVITY), "{status:?} {times}");
        }
    }
    // A report without a response times out before the application expires.
    let driver = &mut due();
    let report = driver.take("POST", ACTIVITY);
    assert!(report.deadline - driver.now <= Duration::from_secs(10));
    // A refusal is final.
    for status in [403, 409] {
        let mut driver = due();
        driver.reply("POST", ACTIVITY, status, Value::Null);
        driver.advance(Duration::from_secs(200));
        assert!(!driver.is_sent("POST", ACTIVITY), "{status}");
        driver.advance(Duration::from_secs(10));
        assert!(driver.is_sent("POST", ACTIVITY), "{status}");
    }
}

#[test]
fn a_message_without_a_result_is_unknown_when_the_channel_is_lost() {
    let mut fixture = message_accepted();
    for _ in 0..4 {
        fixture.driver.advance(Duration::from_secs(8));
        let replaced = json!({"code": "Conflict", "subcode": "PGetReplaced"});
        fixture
            .driver
            .reply("GET", &format!("{APP}/events"), 409, replaced);
    }
    assert_eq!(fixture.failure().kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        fixture.driver.delivery_results(fixture.key),
        [(MessageKey::Local(1), MessageStatus::Unknown)]
    );
}
