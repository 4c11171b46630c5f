//! Responses that do not come from the UCWA server, or come at an unexpected time.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

/// An HTML page as proxies and IIS send it.
fn page(status: u16) -> http::Response<Bytes> {
    http::Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(Bytes::from_static(b"<html>Not here</html>"))
        .unwrap()
}

#[test]
fn a_404_of_a_proxy_does_not_fail_an_invitation() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello Lene");
    bench.created("POST", INVITE, INVITATION);
    bench.advance(Duration::from_secs(31));
    let read = bench.take("GET", INVITATION);
    bench.respond(read.id, page(404));
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn the_page_of_a_proxy_does_not_complete_a_leave() {
    for (status, kind) in [
        (200, FailureKind::UnexpectedAnswer),
        (404, FailureKind::RequestFailed),
        (410, FailureKind::RequestFailed),
    ] {
        let mut bench = established();
        let leave = bench.submit(Operation::Leave(chat()));
        let delete = bench.take("DELETE", &conversation_href("21a1"));
        bench.respond(delete.id, page(status));
        assert_eq!(bench.failure(leave).kind(), &kind, "{status}");
        assert_eq!(
            bench.changes(chat()).last(),
            Some(&ConversationChange::EndRefused { chat: true }),
            "{status}"
        );
        let again = bench.submit(Operation::Leave(chat()));
        bench.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        assert_eq!(bench.result(again), Some(&Ok(Outcome::Done)), "{status}");
    }
}

#[test]
fn operations_end_if_the_server_creates_another_application() {
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
fn a_404_of_the_token_service_is_not_about_the_resource() {
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
fn a_new_message_does_not_overtake_one_in_flight_after_the_chat_ended() {
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
    assert!(
        !bench.is_sent("POST", INVITE),
        "the first message may still arrive"
    );
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
    assert!(
        !bench.is_sent("POST", INVITE),
        "the first message may still arrive"
    );
    bench.reply("POST", &messages, 409, json!({"code": "Conflict"}));
    assert!(bench.is_sent("POST", INVITE));
    assert_eq!(bench.result(second), None);
}

#[test]
fn the_response_that_reports_a_lost_application_causes_no_request_in_it() {
    let mut bench = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    // One response is lost, and an event may be about that message or about the next one.
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

/// No event may say again what the page said in place of the resource.
#[test]
fn a_chat_that_could_not_be_read_is_read_again() {
    let mut bench = established();
    let messaging_href = format!("{}/messaging", conversation_href("21a1"));
    let updated = bare("updated", "messaging", &messaging_href, None);
    bench.page(senders("21a1", vec![(true, updated)]));
    for _ in 0..2 {
        let read = bench.take("GET", &messaging_href);
        bench.respond(read.id, page(403));
        bench.advance(Duration::from_secs(119));
        assert!(!bench.is_sent("GET", &messaging_href));
        bench.advance(Duration::from_secs(1));
    }
    let mut disconnected = messaging("21a1", "Disconnected");
    let resource = disconnected["_embedded"]["messaging"].take();
    bench.reply("GET", &messaging_href, 200, resource);
    let changes = bench.changes(chat());
    let is_told =
        |change: &ConversationChange| matches!(change, ConversationChange::ChatDisconnected { .. });
    assert!(changes.iter().any(is_told), "{changes:?}");
    bench.advance(Duration::from_secs(300));
    assert!(!bench.is_sent("GET", &messaging_href));
}

#[test]
fn a_conversation_that_could_not_be_read_is_read_again() {
    let mut bench = established();
    let href = conversation_href("21a1");
    let updated = bare("updated", "conversation", &href, None);
    bench.page(json!([communication(vec![updated])]));
    for _ in 0..2 {
        let read = bench.take("GET", &href);
        bench.respond(read.id, page(200));
        bench.advance(Duration::from_secs(119));
        assert!(!bench.is_sent("GET", &href));
        bench.advance(Duration::from_secs(1));
    }
    let mut renamed = conversation_event("updated", "21a1", "Connected");
    let mut resource = renamed["_embedded"]["conversation"].take();
    resource["subject"] = json!("Tea");
    bench.reply("GET", &href, 200, resource);
    let changes = bench.changes(chat());
    assert!(
        changes.contains(&ConversationChange::Subject("Tea".to_owned())),
        "{changes:?}"
    );
    bench.advance(Duration::from_secs(300));
    assert!(!bench.is_sent("GET", &href));
}
