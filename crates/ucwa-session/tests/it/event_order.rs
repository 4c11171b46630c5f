//! Responses and events that cross, arrive late, or belong to similar conversations.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;

#[test]
fn a_response_after_the_refusal_does_not_reopen_an_invitation() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let request = driver.take("POST", INVITATIONS);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let refused = invitation("completed", &operation, "21a1", "Declined");
    let refused = with(refused, "status", json!("Failure"));
    driver.page(senders("21a1", vec![(false, refused)]));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Remote);
    driver.changes(chat());
    let taken = http::Response::builder()
        .status(201)
        .header("location", INVITATION)
        .body(bytes::Bytes::new())
        .unwrap();
    driver.respond(request.id, taken);
    driver.advance(Duration::from_secs(120));
    assert_eq!(driver.changes(chat()), []);
    assert!(!driver.is_sent("GET", INVITATION));
}

#[test]
fn an_event_with_the_operation_id_of_a_refused_invitation_is_another_invitation() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hello");
    let body = json!({"code": "BadRequest"});
    let request = driver.reply("POST", INVITATIONS, 400, body).json();
    driver.changes(chat());
    let operation = request["operationId"].as_str().unwrap();
    let started = invitation("started", operation, "77", "Connecting");
    driver.page(senders("77", vec![(false, started)]));
    assert!(matches!(
        driver.events.as_slice(),
        [SessionEvent::Discovered { .. }]
    ));
}

#[test]
fn an_invitation_of_a_peer_in_an_established_chat_is_another_conversation() {
    for thread in ["t1", "t9"] {
        let mut fixture = established();
        let mut page = offered("17b", "Are you there?");
        page[0]["events"][0]["_embedded"]["messagingInvitation"]["threadId"] = json!(thread);
        fixture.driver.page(page);
        let key = ConversationKey::Remote(first_remote(&fixture.driver));
        assert_ne!(key, fixture.key);
        fixture.changes_are(&[]);
        // The two conversations are independent.
        let over = conversation_event("updated", "17b", "Disconnected");
        fixture.driver.page(senders("17b", vec![(false, over)]));
        fixture.driver.send(1, "I am");
        assert!(
            fixture.driver.is_sent("POST", &fixture.messages()),
            "{thread}"
        );
    }
}

#[test]
fn accepting_a_missing_invitation_ends_with_the_reason_of_the_server() {
    let mut fixture = invited_by_lene();
    let ticket = fixture.driver.submit(Operation::Accept(fixture.key));
    let gone = json!({"code": "NotFound"});
    let accept = format!("{INVITATION}/accept");
    fixture.driver.reply("POST", &accept, 404, gone.clone());
    assert_eq!(fixture.driver.result(ticket), None);
    // No event arrives, so the invitation is read.
    fixture.driver.advance(Duration::from_secs(5));
    fixture.driver.reply("GET", INVITATION, 404, gone);
    assert_eq!(fixture.driver.failure(ticket).kind(), &FailureKind::Remote);
    assert_eq!(fixture.driver.received(fixture.key), ["Hi Tosh"]);
}

#[test]
fn an_invitation_without_a_cancel_link_is_read_for_it() {
    for leave in [true, false] {
        let mut fixture = inviting();
        let ticket = fixture.driver.submit(match leave {
            true => Operation::Leave(fixture.key),
            false => Operation::StopChat(fixture.key),
        });
        fixture.driver.advance(Duration::from_secs(31));
        let seen = invitation("x", &fixture.operation, "21a1", "Connecting");
        let seen = seen["_embedded"]["messagingInvitation"].clone();
        fixture.driver.reply("GET", INVITATION, 200, seen);
        let cancel = format!("{}/messaging/terminate", conversation_href("21a1"));
        fixture.driver.reply("POST", &cancel, 204, Value::Null);
        let done = invitation("completed", &fixture.operation, "21a1", "Cancelled");
        let done = with(done, "status", json!("Failure"));
        fixture.driver.page(senders("21a1", vec![(false, done)]));
        assert_eq!(fixture.driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn a_conversation_with_another_modality_does_not_end_with_its_chat() {
    let mut fixture = established();
    let mut calling = conversation_event("updated", "21a1", "Connected");
    calling["_embedded"]["conversation"]["activeModalities"] = json!(["Messaging", "Audio"]);
    fixture.driver.page(senders("21a1", vec![(false, calling)]));
    fixture.changes();
    let over = messaging("21a1", "Disconnected");
    fixture.driver.page(senders("21a1", vec![(true, over)]));
    fixture.changes_are(&[ConversationChange::chat_disconnected(None)]);
    fixture.driver.advance(Duration::from_secs(60));
    assert!(!fixture.driver.is_sent("GET", &conversation_href("21a1")));
    fixture.changes_are(&[]);
}

#[test]
fn a_disconnected_and_reconnected_chat_in_one_page_ends_nothing() {
    let mut fixture = established();
    fixture.driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (true, messaging("21a1", "Connected")),
        ],
    ));
    fixture.driver.advance(Duration::from_secs(60));
    assert!(!fixture.driver.is_sent("GET", &conversation_href("21a1")));
    let ticket = fixture.driver.send(1, "one");
    assert!(fixture.driver.is_sent("POST", &fixture.messages()));
    assert_eq!(fixture.driver.result(ticket), None);
}

#[test]
fn a_chat_that_disconnects_and_reconnects_is_reported_as_connected() {
    let mut fixture = established();
    fixture.driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnecting"))],
    ));
    fixture.changes_are(&[ConversationChange::ChatDisconnecting]);
    fixture.driver.send(1, "one");
    fixture.driver.sent.retain(|sent| sent.lane == Lane::Events);
    fixture.driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Connected"))],
    ));
    fixture.changes_are(&[ConversationChange::chat_connected(false)]);
    assert_eq!(
        fixture.driver.take("POST", &fixture.messages()).body(),
        "one"
    );
}

#[test]
fn the_text_of_a_declined_invitation_is_shown() {
    let mut fixture = invited_by_lene();
    fixture.driver.submit(Operation::Decline(fixture.key));
    let decline = format!("{INVITATION}/decline");
    fixture.driver.reply("POST", &decline, 204, Value::Null);
    assert_eq!(fixture.driver.received(fixture.key), ["Hi Tosh"]);
}

#[test]
fn a_message_of_another_sender_or_time_is_not_the_invitation_text() {
    let mut fixture = accepting();
    fixture.driver.page(offer_completed("17b", "Success"));
    fixture.driver.advance(Duration::from_secs(5));
    assert_eq!(fixture.driver.received(fixture.key), ["Hi Tosh"]);
    // The same text, written a minute later.
    let mut later = arrival("17b", "1", "Hi Tosh");
    later["_embedded"]["message"]["timeStamp"] = json!("/Date(1700000061000)/");
    fixture.driver.page(senders("17b", vec![(true, later)]));
    assert_eq!(fixture.driver.received(fixture.key), ["Hi Tosh"]);
}

/// Delivers each page twice, like a server that did not get the acknowledgement. Returns the events of the second
/// delivery.
fn deliver_twice(fixture: &mut Fixture, pages: &[Value]) -> Vec<SessionEvent> {
    let mut repeated = Vec::new();
    for page in pages {
        fixture.driver.page(page.clone());
        fixture.driver.events.clear();
        let sent = fixture.driver.sent.len();
        fixture.driver.page(page.clone());
        repeated.append(&mut fixture.driver.events);
        assert!(
            fixture.driver.sent.len() <= sent,
            "{:?}",
            fixture.driver.sent
        );
    }
    repeated
}

#[test]
fn a_repeated_page_changes_nothing() {
    let mut fixture = inviting();
    let started = invitation("started", &fixture.operation, "21a1", "Connecting");
    let ours = [
        senders("21a1", vec![(false, started)]),
        senders("21a1", accepted(&fixture.operation, "21a1")),
        senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]),
    ];
    assert_eq!(deliver_twice(&mut fixture, &ours), []);
    fixture.ended_with(&Ok(Outcome::Delivered));
    let messages = fixture.messages();
    fixture.driver.send(2, "x");
    fixture
        .driver
        .created("POST", &messages, &message_href("21a1", "2"));
    let over = conversation_event("updated", "21a1", "Disconnected");
    let ends = [
        senders("21a1", vec![(true, delivery_event("21a1", "2", "Success"))]),
        senders("21a1", vec![(false, over)]),
    ];
    assert_eq!(deliver_twice(&mut fixture, &ends), []);

    let mut fixture = signed_in();
    assert_eq!(
        deliver_twice(&mut fixture, &[offered("17b", "Hi Tosh")]),
        []
    );
    let missed = offer_completed("17b", "Failure");
    assert_eq!(deliver_twice(&mut fixture, &[missed]), []);
}
