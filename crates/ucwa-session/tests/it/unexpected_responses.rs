//! Responses that do not come from the UCWA server, or come at an unexpected time.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
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

/// Answers every attempt of a request with a page.
fn answer_with_pages(driver: &mut TestDriver, method: &str, target: &str, status: u16) {
    while driver.is_sent(method, target) {
        let sent = driver.take(method, target);
        driver.respond(sent.id, page(status));
        // Longer than any pause between two attempts.
        driver.advance(Duration::from_secs(8));
    }
}

#[test]
fn a_404_of_a_proxy_does_not_fail_an_invitation() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello Lene");
    driver.created("POST", INVITE, INVITATION);
    driver.advance(Duration::from_secs(31));
    let read = driver.take("GET", INVITATION);
    driver.respond(read.id, page(404));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn the_page_of_a_proxy_does_not_complete_a_leave() {
    for (status, kind) in [
        (200, FailureKind::UnexpectedAnswer),
        (404, FailureKind::RequestFailed),
        (410, FailureKind::RequestFailed),
    ] {
        let mut driver = established();
        let leave = driver.submit(Operation::Leave(chat()));
        answer_with_pages(&mut driver, "DELETE", &conversation_href("21a1"), status);
        assert_eq!(driver.failure(leave).kind(), &kind, "{status}");
        assert_eq!(
            driver.changes(chat()).last(),
            Some(&ConversationChange::end_refused(true)),
            "{status}"
        );
        let again = driver.submit(Operation::Leave(chat()));
        driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        assert_eq!(driver.result(again), Some(&Ok(Outcome::Done)), "{status}");
    }
}

#[test]
fn operations_end_if_the_server_returns_another_application() {
    let mut driver = TestDriver::with_conversation();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(Duration::from_secs(2));
    driver.reply(
        "POST",
        "/ucwa/oauth/v1/applications",
        201,
        application(true),
    );
    driver.reply(
        "POST",
        &format!("{APP}/me/makeMeAvailable"),
        204,
        Value::Null,
    );
    let ticket = driver.send(1, "Hello Lene");
    driver.created("POST", INVITE, INVITATION);
    let other = application(false).to_string().replace("/102", "/103");
    let other: Value = serde_json::from_str(&other).unwrap();
    driver.reply("GET", APP, 200, other);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    let sent: Vec<_> = driver.sent.iter().map(Request::target).collect();
    assert_eq!(sent, ["/ucwa/oauth/v1/applications/103/events?ack=1"]);
    driver.advance(Duration::from_secs(60));
    assert!(!driver.is_sent("GET", APP), "{:?}", driver.sent);
}

#[test]
fn a_404_of_the_token_service_is_not_about_the_resource() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello Lene");
    driver.created("POST", INVITE, INVITATION);
    driver.advance(Duration::from_secs(31));
    let read = driver.take("GET", INVITATION);
    driver.respond(read.id, challenge("/WebTicket/oauthtoken"));
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        404,
        json!({"code": "NotFound"}),
    );
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn a_new_message_does_not_overtake_one_in_flight_after_the_chat_ended() {
    for (status, code) in [(409, "Conflict"), (404, "NotFound")] {
        queued_behind_a_message_in_flight(status, code);
    }
}

/// The second message goes on when the first one is refused.
fn queued_behind_a_message_in_flight(status: u16, code: &str) {
    let mut driver = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.send(1, "one");
    let sent = driver.take("POST", &messages);
    driver.respond(sent.id, challenge("/WebTicket/oauthtoken"));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    let second = driver.send(2, "two");
    assert!(
        !driver.is_sent("POST", INVITE),
        "the first message may still arrive"
    );
    driver.reply(
        "POST",
        "/WebTicket/oauthtoken",
        200,
        token("cwt=two", 28_000),
    );
    driver.advance(Duration::from_secs(11));
    let conversation = conversation_event("updated", "21a1", "Connected");
    let resource = conversation["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("21a1"), 200, resource);
    assert!(
        !driver.is_sent("POST", INVITE),
        "the first message may still arrive"
    );
    driver.reply("POST", &messages, status, json!({"code": code}));
    assert!(driver.is_sent("POST", INVITE), "{status}");
    assert_eq!(driver.result(second), None);
}

#[test]
fn the_response_that_reports_a_lost_application_causes_no_request_in_it() {
    let mut driver = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    // One response is lost, and an event may be about that message or about the next one.
    driver.send(1, "one");
    driver.send(2, "two");
    driver.break_off("POST", &messages, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "3", "Success"))],
    ));
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("POST", &messages, 404, lost);
    assert!(!driver.order.contains(&"send"), "{:?}", driver.order);
    driver.advance(Duration::from_secs(2));
    assert!(driver.is_sent("POST", "/ucwa/oauth/v1/applications"));
}

/// The read failed with a proxy's page, and no further event may report the state of the chat.
#[test]
fn a_chat_that_could_not_be_read_is_read_again() {
    let mut driver = established();
    let messaging_href = format!("{}/messaging", conversation_href("21a1"));
    let updated = bare("updated", "messaging", &messaging_href, None);
    driver.page(senders("21a1", vec![(true, updated)]));
    for _ in 0..2 {
        let read = driver.take("GET", &messaging_href);
        driver.respond(read.id, page(403));
        driver.advance(Duration::from_secs(119));
        assert!(!driver.is_sent("GET", &messaging_href));
        driver.advance(Duration::from_secs(1));
    }
    let mut disconnected = messaging("21a1", "Disconnected");
    let resource = disconnected["_embedded"]["messaging"].take();
    driver.reply("GET", &messaging_href, 200, resource);
    let changes = driver.changes(chat());
    let is_reported =
        |change: &ConversationChange| matches!(change, ConversationChange::ChatDisconnected { .. });
    assert!(changes.iter().any(is_reported), "{changes:?}");
    driver.advance(Duration::from_secs(300));
    assert!(!driver.is_sent("GET", &messaging_href));
}

#[test]
fn a_conversation_that_could_not_be_read_is_read_again() {
    let mut driver = established();
    let href = conversation_href("21a1");
    let updated = bare("updated", "conversation", &href, None);
    driver.page(json!([communication(vec![updated])]));
    for _ in 0..2 {
        let read = driver.take("GET", &href);
        driver.respond(read.id, page(403));
        driver.advance(Duration::from_secs(119));
        assert!(!driver.is_sent("GET", &href));
        driver.advance(Duration::from_secs(1));
    }
    let mut renamed = conversation_event("updated", "21a1", "Connected");
    let mut resource = renamed["_embedded"]["conversation"].take();
    resource["subject"] = json!("Tea");
    driver.reply("GET", &href, 200, resource);
    let changes = driver.changes(chat());
    assert!(
        changes.contains(&ConversationChange::Subject("Tea".to_owned())),
        "{changes:?}"
    );
    driver.advance(Duration::from_secs(300));
    assert!(!driver.is_sent("GET", &href));
}

/// The chat may be connected by events that are older than the invitation.
#[test]
fn an_invitation_that_cannot_be_read_is_not_accepted_because_its_chat_is_connected() {
    let mut driver = established();
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.advance(Duration::from_secs(10));
    let read = conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("21a1"), 200, read);
    driver.send(1, "again");
    driver.created("POST", &format!("{INVITE}?conversationId=21a1"), INVITATION);
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Connected"))],
    ));
    driver.advance(Duration::from_secs(31));
    answer_with_pages(&mut driver, "GET", INVITATION, 200);
    let results = driver.delivery_results(chat());
    assert_eq!(results, [(MessageKey::Local(1), MessageStatus::Unknown)]);
}
