//! Answers and events that cross, come late, or tell of a conversation that is like another.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::given::*;
use crate::pages::*;

#[test]
fn an_answer_after_the_verdict_does_not_bring_a_refused_invitation_back() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello");
    let request = bench.take("POST", INVITATIONS);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let refused = invitation("completed", &operation, "21a1", "Declined");
    let refused = with(refused, "status", json!("Failure"));
    bench.page(senders("21a1", vec![(false, refused)]));
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::Remote);
    bench.changes(chat());
    let taken = http::Response::builder()
        .status(201)
        .header("location", INVITATION)
        .body(bytes::Bytes::new())
        .unwrap();
    bench.respond(request.id, taken);
    bench.advance(Duration::from_secs(120));
    assert_eq!(bench.changes(chat()), []);
    assert!(!bench.is_sent("GET", INVITATION));
}

#[test]
fn an_invitation_that_the_server_refused_is_not_ours_when_an_event_names_it() {
    let mut bench = Bench::with_conversation();
    bench.send(1, "Hello");
    let body = json!({"code": "BadRequest"});
    let request = bench.reply("POST", INVITATIONS, 400, body).json();
    bench.changes(chat());
    let operation = request["operationId"].as_str().unwrap();
    let started = invitation("started", operation, "77", "Connecting");
    bench.page(senders("77", vec![(false, started)]));
    assert!(matches!(
        bench.events.as_slice(),
        [SessionEvent::Discovered { .. }]
    ));
}

#[test]
fn an_invitation_while_a_chat_with_the_same_peer_stands_is_another_conversation() {
    for thread in ["t1", "t9"] {
        let mut given = established();
        let mut page = offered("17b", "Are you there?");
        page[0]["events"][0]["_embedded"]["messagingInvitation"]["threadId"] = json!(thread);
        given.bench.page(page);
        let key = ConversationKey::Remote(first_remote(&given.bench));
        assert_ne!(key, given.key);
        given.changes_are(&[]);
        // Each goes its own way.
        let over = conversation_event("updated", "17b", "Disconnected");
        given.bench.page(senders("17b", vec![(false, over)]));
        given.bench.send(1, "I am");
        assert!(given.bench.is_sent("POST", &given.messages()), "{thread}");
    }
}

#[test]
fn an_acceptance_of_an_invitation_that_is_not_there_ends_with_what_the_server_tells() {
    let mut given = offered_by_lene();
    let ticket = given.bench.submit(Operation::Accept(given.key));
    let gone = json!({"code": "NotFound"});
    let accept = format!("{INVITATION}/accept");
    given.bench.reply("POST", &accept, 404, gone.clone());
    assert_eq!(given.bench.result(ticket), None);
    // No event tells: the invitation is asked.
    given.bench.advance(Duration::from_secs(5));
    given.bench.reply("GET", INVITATION, 404, gone);
    assert_eq!(given.bench.failure(ticket).kind(), &FailureKind::Remote);
    assert_eq!(given.bench.received(given.key), ["Hi Tosh"]);
}

#[test]
fn where_to_cancel_is_looked_up_when_no_event_says_it() {
    for leave in [true, false] {
        let mut given = inviting();
        let ticket = given.bench.submit(match leave {
            true => Operation::Leave(given.key),
            false => Operation::StopChat(given.key),
        });
        given.bench.advance(Duration::from_secs(31));
        let seen = invitation("x", &given.operation, "21a1", "Connecting");
        let seen = seen["_embedded"]["messagingInvitation"].clone();
        given.bench.reply("GET", INVITATION, 200, seen);
        let cancel = format!("{}/messaging/terminate", conversation_href("21a1"));
        given.bench.reply("POST", &cancel, 204, Value::Null);
        let done = invitation("completed", &given.operation, "21a1", "Cancelled");
        let done = with(done, "status", json!("Failure"));
        given.bench.page(senders("21a1", vec![(false, done)]));
        assert_eq!(given.bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
}

#[test]
fn a_conversation_with_another_modality_outlives_its_chat() {
    let mut given = established();
    let mut calling = conversation_event("updated", "21a1", "Connected");
    calling["_embedded"]["conversation"]["activeModalities"] = json!(["Messaging", "Audio"]);
    given.bench.page(senders("21a1", vec![(false, calling)]));
    given.changes();
    let over = messaging("21a1", "Disconnected");
    given.bench.page(senders("21a1", vec![(true, over)]));
    given.changes_are(&[ConversationChange::ChatDisconnected { failure: None }]);
    given.bench.advance(Duration::from_secs(60));
    assert!(!given.bench.is_sent("GET", &conversation_href("21a1")));
    given.changes_are(&[]);
}

#[test]
fn a_lost_chat_and_its_reconnection_in_one_page_end_nothing() {
    let mut given = established();
    given.bench.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (true, messaging("21a1", "Connected")),
        ],
    ));
    given.bench.advance(Duration::from_secs(60));
    assert!(!given.bench.is_sent("GET", &conversation_href("21a1")));
    let ticket = given.bench.send(1, "one");
    assert!(given.bench.is_sent("POST", &given.messages()));
    assert_eq!(given.bench.result(ticket), None);
}

#[test]
fn a_chat_that_seemed_to_end_and_stands_again_is_told_to_stand() {
    let mut given = established();
    given.bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnecting"))],
    ));
    given.changes_are(&[ConversationChange::ChatDisconnecting]);
    given.bench.send(1, "one");
    given.bench.sent.retain(|sent| sent.lane == Lane::Events);
    given.bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Connected"))],
    ));
    given.changes_are(&[ConversationChange::ChatConnected { html: false }]);
    assert_eq!(given.bench.take("POST", &given.messages()).body(), "one");
}

#[test]
fn a_declined_invitation_shows_what_it_said() {
    let mut given = offered_by_lene();
    given.bench.submit(Operation::Decline(given.key));
    let decline = format!("{INVITATION}/decline");
    given.bench.reply("POST", &decline, 204, Value::Null);
    assert_eq!(given.bench.received(given.key), ["Hi Tosh"]);
}

#[test]
fn a_first_message_of_another_sender_or_of_another_time_is_not_the_invitations() {
    let mut given = accepting();
    given.bench.page(offer_completed("17b", "Success"));
    given.bench.advance(Duration::from_secs(5));
    assert_eq!(given.bench.received(given.key), ["Hi Tosh"]);
    // The same words, but said a minute later.
    let mut later = arrival("17b", "1", "Hi Tosh");
    later["_embedded"]["message"]["timeStamp"] = json!("/Date(1700000061000)/");
    given.bench.page(senders("17b", vec![(true, later)]));
    assert_eq!(given.bench.received(given.key), ["Hi Tosh"]);
}

/// Delivers each page twice, as a server does that did not hear of the acknowledgement, and says what the second brought.
fn twice(given: &mut Given, pages: &[Value]) -> Vec<SessionEvent> {
    let mut repeated = Vec::new();
    for page in pages {
        given.bench.page(page.clone());
        given.bench.events.clear();
        let sent = given.bench.sent.len();
        given.bench.page(page.clone());
        repeated.append(&mut given.bench.events);
        assert!(given.bench.sent.len() <= sent, "{:?}", given.bench.sent);
    }
    repeated
}

#[test]
fn a_page_that_comes_twice_tells_nothing_new() {
    let mut given = inviting();
    let started = invitation("started", &given.operation, "21a1", "Connecting");
    let ours = [
        senders("21a1", vec![(false, started)]),
        senders("21a1", accepted(&given.operation, "21a1")),
        senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]),
    ];
    assert_eq!(twice(&mut given, &ours), []);
    given.ended_with(&Ok(Outcome::Delivered));
    let messages = given.messages();
    given.bench.send(2, "x");
    given
        .bench
        .created("POST", &messages, &message_href("21a1", "2"));
    let over = conversation_event("updated", "21a1", "Disconnected");
    let ends = [
        senders("21a1", vec![(true, verdict("21a1", "2", "Success"))]),
        senders("21a1", vec![(false, over)]),
    ];
    assert_eq!(twice(&mut given, &ends), []);

    let mut given = signed_in();
    assert_eq!(twice(&mut given, &[offered("17b", "Hi Tosh")]), []);
    let missed = offer_completed("17b", "Failure");
    assert_eq!(twice(&mut given, &[missed]), []);
}
