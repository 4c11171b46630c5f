//! Messages of which nothing has left yet when it is over: they were certainly not sent, and are not.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::given::*;
use crate::pages::*;

type Hold = fn(&mut Bench, &str);
type Step = fn(&mut Given);

/// Why a request that was handed over has not left, or has done nothing.
const WAITS: [(&str, Hold); 3] = [
    ("it could not be sent", |bench, target| {
        bench.break_off("POST", target, Sent::No);
    }),
    ("it was too many", |bench, target| {
        bench.reply("POST", target, 429, Value::Null);
    }),
    ("it needs another token", |bench, target| {
        let request = bench.take("POST", target);
        bench.respond(request.id, challenge("https://127.0.0.1:5061/token"));
    }),
];

/// What puts an end to it.
const ENDS: [(&str, Step); 4] = [
    ("the user leaves", |given| {
        given.bench.submit(Operation::Leave(given.key));
        let conversation = conversation_href(given.id);
        if given.bench.is_sent("DELETE", &conversation) {
            given.bench.reply("DELETE", &conversation, 204, Value::Null);
        }
    }),
    ("the user signs out", |given| {
        given.bench.submit(Operation::SignOut);
    }),
    ("the program ends", |given| {
        given.bench.handle(Input::Shutdown);
    }),
    ("the application is lost", |given| {
        let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
        let events = format!("{APP}/events");
        given.bench.reply("GET", &events, 404, lost);
    }),
];

fn fails(what: &str, given: &mut Given, target: &str, end: Step) {
    let ticket = given.ticket.unwrap();
    assert_eq!(given.bench.result(ticket), None, "{what}: too early");
    end(given);
    assert_ne!(
        *given.failure().kind(),
        FailureKind::DeliveryUnknown,
        "{what}"
    );
    let failed = [(MessageKey::Local(1), MessageStatus::Failed)];
    assert_eq!(given.bench.verdicts(given.key), failed, "{what}");
    given.bench.advance(Duration::from_secs(120));
    assert!(!given.bench.is_sent("POST", target), "{what}: sent later");
}

#[test]
fn a_message_that_has_not_left_when_it_is_over_has_failed() {
    for (wait, hold) in WAITS {
        for (end, happens) in ENDS {
            let mut given = established();
            given.ticket = Some(given.bench.send(1, "x"));
            let messages = given.messages();
            hold(&mut given.bench, &messages);
            fails(&format!("{wait}, {end}"), &mut given, &messages, happens);
        }
    }
}

#[test]
fn an_invitation_that_has_not_left_when_it_is_over_has_failed_with_its_message() {
    for (wait, hold) in WAITS {
        for (end, happens) in ENDS {
            let mut given = signed_in();
            given.bench = Bench::with_conversation();
            given.ticket = Some(given.bench.send(1, "x"));
            hold(&mut given.bench, INVITATIONS);
            fails(&format!("{wait}, {end}"), &mut given, INVITATIONS, happens);
        }
    }
}

#[test]
fn an_invitation_that_has_not_left_is_not_sent_to_be_cancelled() {
    for (wait, hold) in WAITS {
        let mut given = signed_in();
        given.bench = Bench::with_conversation();
        given.ticket = Some(given.bench.send(1, "x"));
        hold(&mut given.bench, INVITATIONS);
        let stop = given.bench.submit(Operation::StopChat(given.key));
        assert_eq!(given.bench.result(stop), Some(&Ok(Outcome::Done)), "{wait}");
        assert_eq!(*given.failure().kind(), FailureKind::Ended, "{wait}");
        given.bench.advance(Duration::from_secs(120));
        assert!(!given.bench.is_sent("POST", INVITATIONS), "{wait}");
    }
}

#[test]
fn a_message_that_waited_for_a_token_in_vain_has_failed_with_the_channel() {
    let mut given = established();
    let events = format!("{APP}/events");
    let poll = given.bench.take("GET", &events);
    let challenge = || challenge("https://127.0.0.1:5061/token");
    given.bench.respond(poll.id, challenge());
    given.ticket = Some(given.bench.send(1, "x"));
    let messages = given.messages();
    let post = given.bench.take("POST", &messages);
    given.bench.respond(post.id, challenge());
    let refused = json!({"error": "invalid_grant"});
    given.bench.reply("POST", "/token", 400, refused);
    assert_ne!(*given.failure().kind(), FailureKind::DeliveryUnknown);
    let failed = [(MessageKey::Local(1), MessageStatus::Failed)];
    assert_eq!(given.bench.verdicts(given.key), failed);
}
