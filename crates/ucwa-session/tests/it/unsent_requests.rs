//! Messages whose requests have not been sent when the conversation or the session ends: they have failed, and are not
//! sent.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;

type Prevent = fn(&mut TestDriver, &str);
type End = fn(&mut Fixture);

/// The causes for which a request has not been sent, or had no effect.
const CAUSES: [(&str, Prevent); 3] = [
    ("the connection failed", |driver, target| {
        driver.break_off("POST", target, Sent::No);
    }),
    ("429", |driver, target| {
        driver.reply("POST", target, 429, Value::Null);
    }),
    ("the token was refused", |driver, target| {
        let request = driver.take("POST", target);
        driver.respond(request.id, challenge("https://127.0.0.1:5061/token"));
    }),
];

/// The ways in which the conversation or the session ends.
const ENDS: [(&str, End); 4] = [
    ("the user leaves", |fixture| {
        fixture.driver.submit(Operation::Leave(fixture.key));
        let conversation = conversation_href(fixture.id);
        if fixture.driver.is_sent("DELETE", &conversation) {
            fixture
                .driver
                .reply("DELETE", &conversation, 204, Value::Null);
        }
    }),
    ("the user signs out", |fixture| {
        fixture.driver.submit(Operation::SignOut);
    }),
    ("the program ends", |fixture| {
        fixture.driver.handle(Input::Shutdown);
    }),
    ("the application is lost", |fixture| {
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        let events = format!("{APP}/events");
        fixture.driver.reply("GET", &events, 404, lost);
    }),
];

fn assert_fails(case: &str, fixture: &mut Fixture, target: &str, end: End) {
    let ticket = fixture.ticket.unwrap();
    assert_eq!(fixture.driver.result(ticket), None, "{case}: too early");
    end(fixture);
    assert_ne!(
        *fixture.failure().kind(),
        FailureKind::DeliveryUnknown,
        "{case}"
    );
    let failed = [(MessageKey::Local(1), MessageStatus::Failed)];
    assert_eq!(
        fixture.driver.delivery_results(fixture.key),
        failed,
        "{case}"
    );
    // The token that the request waited for arrives.
    if fixture.driver.is_sent("POST", "/token") {
        let token = token("cwt=two", 28_000);
        fixture.driver.reply("POST", "/token", 200, token);
    }
    fixture.driver.advance(Duration::from_secs(120));
    assert!(
        !fixture.driver.is_sent("POST", target),
        "{case}: sent later"
    );
}

#[test]
fn an_unsent_message_fails_at_the_end() {
    for (cause, prevent) in CAUSES {
        for (end, happens) in ENDS {
            let mut fixture = established();
            fixture.ticket = Some(fixture.driver.send(1, "x"));
            let messages = fixture.messages();
            prevent(&mut fixture.driver, &messages);
            assert_fails(&format!("{cause}, {end}"), &mut fixture, &messages, happens);
        }
    }
}

#[test]
fn an_unsent_invitation_fails_with_its_message_at_the_end() {
    for (cause, prevent) in CAUSES {
        for (end, happens) in ENDS {
            let mut fixture = signed_in();
            fixture.driver = TestDriver::with_conversation();
            fixture.ticket = Some(fixture.driver.send(1, "x"));
            prevent(&mut fixture.driver, INVITATIONS);
            assert_fails(
                &format!("{cause}, {end}"),
                &mut fixture,
                INVITATIONS,
                happens,
            );
        }
    }
}

#[test]
fn an_unsent_invitation_is_dropped_instead_of_cancelled() {
    for (cause, prevent) in CAUSES {
        let mut fixture = signed_in();
        fixture.driver = TestDriver::with_conversation();
        fixture.ticket = Some(fixture.driver.send(1, "x"));
        prevent(&mut fixture.driver, INVITATIONS);
        let stop = fixture.driver.submit(Operation::StopChat(fixture.key));
        assert_eq!(
            fixture.driver.result(stop),
            Some(&Ok(Outcome::Done)),
            "{cause}"
        );
        assert_eq!(*fixture.failure().kind(), FailureKind::Ended, "{cause}");
        if fixture.driver.is_sent("POST", "/token") {
            let renewed = token("cwt=two", 28_000);
            fixture.driver.reply("POST", "/token", 200, renewed);
        }
        fixture.driver.advance(Duration::from_secs(120));
        assert!(!fixture.driver.is_sent("POST", INVITATIONS), "{cause}");
    }
}

#[test]
fn a_message_that_waits_for_a_token_fails_with_the_channel() {
    let mut fixture = established();
    let events = format!("{APP}/events");
    let poll = fixture.driver.take("GET", &events);
    let challenge = || challenge("https://127.0.0.1:5061/token");
    fixture.driver.respond(poll.id, challenge());
    fixture.ticket = Some(fixture.driver.send(1, "x"));
    let messages = fixture.messages();
    let post = fixture.driver.take("POST", &messages);
    fixture.driver.respond(post.id, challenge());
    let refused = json!({"error": "invalid_grant"});
    fixture.driver.reply("POST", "/token", 400, refused);
    assert_ne!(*fixture.failure().kind(), FailureKind::DeliveryUnknown);
    let failed = [(MessageKey::Local(1), MessageStatus::Failed)];
    assert_eq!(fixture.driver.delivery_results(fixture.key), failed);
}

#[test]
fn a_message_that_waits_for_a_token_is_not_sent_into_an_ended_conversation() {
    let mut fixture = established();
    let messages = fixture.messages();
    let ticket = fixture.driver.send(1, "x");
    let request = fixture.driver.take("POST", &messages);
    let refused = challenge("https://127.0.0.1:5061/token");
    fixture.driver.respond(request.id, refused);
    let over = conversation_event("updated", fixture.id, "Disconnected");
    fixture
        .driver
        .page(senders(fixture.id, vec![(false, over)]));
    let failure = fixture.driver.failure(ticket);
    assert_ne!(*failure.kind(), FailureKind::DeliveryUnknown);
    let token = token("cwt=two", 28_000);
    fixture.driver.reply("POST", "/token", 200, token);
    assert!(!fixture.driver.is_sent("POST", &messages));
}
