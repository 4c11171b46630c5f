//! Answers that are not the server's, or that come at the wrong time.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

/// A page for people, as proxies and IIS send it.
fn page(status: u16) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(Bytes::from_static(b"<html>Not here</html>"))
        .unwrap()
}

#[test]
fn a_proxy_that_does_not_find_an_invitation_does_not_decide_on_its_message() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello Lene");
    bench.created("POST", INVITE, INVITATION);
    bench.advance(Duration::from_secs(31));
    let read = bench.take("GET", INVITATION);
    bench.respond(read.id, page(404));
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn what_was_begun_in_an_application_that_did_not_come_about_ends_with_it() {
    let mut bench = Bench::with_conversation();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    bench.advance(Duration::from_secs(2));
    bench.reply(
        "POST",
        "/ucwa/oauth/v1/applications",
        201,
        application(true),
    );
    let ticket = bench.send(1, "Hello Lene");
    bench.created("POST", INVITE, INVITATION);
    bench.reply(
        "POST",
        &format!("{APP}/me/makeMeAvailable"),
        204,
        Value::Null,
    );
    let read = bench.take("GET", APP);
    bench.respond(read.id, page(404));
    bench.advance(Duration::from_secs(5));
    let other: Value =
        serde_json::from_str(&application(true).to_string().replace("/102", "/103")).unwrap();
    bench.reply("POST", "/ucwa/oauth/v1/applications", 201, other);
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    bench.advance(Duration::from_secs(60));
    assert!(!bench.is_sent("GET", APP), "{:?}", bench.sent);
}

#[test]
fn a_token_service_that_is_not_found_does_not_decide_on_what_was_asked() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello Lene");
    bench.created("POST", INVITE, INVITATION);
    bench.advance(Duration::from_secs(31));
    let read = bench.take("GET", INVITATION);
    bench.respond(read.id, challenge("/WebTicket/oauthtoken"));
    bench.reply(
        "POST",
        "/WebTicket/oauthtoken",
        404,
        json!({"code": "NotFound"}),
    );
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn what_is_written_after_the_chat_went_does_not_overtake_what_is_still_on_its_way() {
    let mut bench = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    bench.send(1, "one");
    let sent = bench.take("POST", &messages);
    bench.respond(sent.id, challenge("/WebTicket/oauthtoken"));
    bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    let second = bench.send(2, "two");
    assert!(!bench.is_sent("POST", INVITE), "one may still arrive");
    bench.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    bench.advance(Duration::from_secs(11));
    let conversation = conversation_event("updated", "21a1", "Connected");
    let resource = conversation["_embedded"]["conversation"].clone();
    bench.reply("GET", &conversation_href("21a1"), 200, resource);
    assert!(!bench.is_sent("POST", INVITE), "one may still arrive");
    bench.reply("POST", &messages, 409, json!({"code": "Conflict"}));
    assert!(bench.is_sent("POST", INVITE));
    assert_eq!(bench.result(second), None);
}

#[test]
fn nothing_is_asked_of_an_application_by_the_answer_that_says_that_it_is_gone() {
    let mut bench = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    // One answer is lost, and an event tells of a message that may be that one, or the next.
    bench.send(1, "one");
    bench.send(2, "two");
    bench.break_off("POST", &messages, Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    bench.page(senders(
        "21a1",
        vec![(true, verdict("21a1", "3", "Success"))],
    ));
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("POST", &messages, 404, lost);
    assert!(!bench.order.contains(&"send"), "{:?}", bench.order);
    bench.advance(Duration::from_secs(2));
    assert!(bench.is_sent("POST", "/ucwa/oauth/v1/applications"));
}
