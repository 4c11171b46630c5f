//! Malformed events: the rest of the page is handled, and the resources of malformed events are read.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::fixtures;
use crate::pages::*;

/// Malforms an event so that its link remains readable and its resource is lost.
fn malform(event: &Value) -> Vec<Value> {
    let event = with(event.clone(), "_embedded", json!("x"));
    let mut without_type = event.clone();
    without_type.as_object_mut().unwrap().remove("type");
    vec![
        with(event.clone(), "type", json!(7)),
        with(event.clone(), "in", json!("/x")),
        event,
        without_type,
    ]
}

#[test]
fn a_malformed_message_is_read_by_its_link_in_its_place() {
    let second = arrival("21a1", "2", "second");
    let resource = second["_embedded"]["message"].clone();
    for malformed in malform(&second) {
        let mut fixture = fixtures::established();
        let (bench, key) = (&mut fixture.bench, fixture.key);
        let [first, third] = ["1", "3"].map(|number| arrival("21a1", number, number));
        bench.page(json!([conversation("21a1", vec![first, malformed, third])]));
        assert_eq!(bench.session.malformed_parts(), 1);
        bench.reply("GET", &message_href("21a1", "2"), 200, resource.clone());
        assert_eq!(bench.received(key), ["1", "second", "3"]);
        bench.page(json!([]));
        assert_eq!(bench.session.malformed_parts(), 1);
    }
}

/// The conversation ends with `end` while the text of a message is being read: the text is shown first.
fn read_at_the_end(end: impl FnOnce(&mut Bench)) {
    let mut fixture = fixtures::established();
    let (bench, key) = (&mut fixture.bench, fixture.key);
    let message = arrival("21a1", "2", "late");
    let resource = message["_embedded"]["message"].clone();
    let malformed = with(message, "_embedded", json!("x"));
    bench.page(json!([conversation("21a1", vec![malformed])]));
    end(bench);
    bench.reply("GET", &message_href("21a1", "2"), 200, resource);
    let changes = bench.changes(key);
    let shown = changes
        .iter()
        .position(|it| matches!(it, ConversationChange::MessageReceived { body: MessageBody::Text(text), .. } if text == "late"));
    let ended = changes
        .iter()
        .position(|it| matches!(it, ConversationChange::Ended { .. }));
    assert!(shown.is_some() && shown < ended, "{changes:?}");
}

#[test]
fn a_message_that_is_being_read_is_shown_before_its_conversation_ends() {
    read_at_the_end(|bench| {
        let gone = bare("deleted", "conversation", &conversation_href("21a1"), None);
        bench.page(senders("21a1", vec![(false, gone)]));
    });
}

/// Otherwise the chat of two would have a made-up third participant, and start again as a conference.
#[test]
fn a_read_message_whose_sender_is_on_another_host_is_the_peers() {
    let mut fixture = fixtures::established();
    let (bench, key) = (&mut fixture.bench, fixture.key);
    let message = arrival("21a1", "2", "Hi");
    let mut resource = message["_embedded"]["message"].clone();
    let forged = json!({"href": "https://elsewhere.example/participant/1", "title": "Lene Aaling"});
    resource["_links"]["participant"] = forged;
    bench.page(json!([conversation(
        "21a1",
        vec![with(message, "_embedded", json!("x"))]
    )]));
    bench.reply("GET", &message_href("21a1", "2"), 200, resource);
    let changes = bench.changes(key);
    let is_of_peer = |change: &ConversationChange| matches!(change, ConversationChange::MessageReceived { sender, .. } if sender.key == peer());
    assert!(changes.iter().any(is_of_peer), "{changes:?}");
}

#[test]
fn a_message_that_is_being_read_is_shown_before_the_user_has_left() {
    read_at_the_end(|bench| {
        let key = ConversationKey::Local(1);
        let ticket = bench.submit(Operation::Leave(key));
        bench.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        assert_eq!(bench.result(ticket), None, "the conversation has not ended");
    });
}

#[test]
fn a_malformed_result_before_the_response_counts_when_the_message_was_read() {
    for (status, expected) in [
        ("Success", MessageStatus::Succeeded),
        ("Failure", MessageStatus::Failed),
    ] {
        let mut fixture = fixtures::established();
        let (bench, key) = (&mut fixture.bench, fixture.key);
        bench.send(2, "Hi");
        let href = message_href("21a1", "2");
        let event = bare("completed", "message", &href, None);
        let event = with(event, "status", json!(status));
        let malformed = with(event, "_embedded", json!("x"));
        bench.page(json!([conversation("21a1", vec![malformed])]));
        let message = json!({"rel": "message", "direction": "Outgoing"});
        bench.reply("GET", &href, 200, message);
        assert_eq!(bench.verdicts(key), [], "the response names the message");
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        bench.created("POST", &messages, &href);
        assert_eq!(bench.verdicts(key), [(MessageKey::Local(2), expected)]);
        assert_eq!(bench.received(key), Vec::<String>::new());
    }
}

#[test]
fn a_malformed_invitation_is_read_by_its_link() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let resource = event["_embedded"]["messagingInvitation"].clone();
    for malformed in malform(event) {
        let mut bench = Bench::signed_in();
        bench.page(json!([communication(vec![malformed])]));
        assert!(bench.events.is_empty(), "{:?}", bench.events);
        bench.reply("GET", INVITATION, 200, resource.clone());
        assert!(matches!(
            bench.events.first(),
            Some(SessionEvent::Incoming { .. })
        ));
    }
}

/// Only the invitation names the conversation, so the acceptance is worth nothing without it.
#[test]
fn a_malformed_acceptance_is_read_for_the_conversation() {
    let mut fixture = fixtures::inviting();
    let (operation, key) = (fixture.operation.clone(), fixture.key);
    let bench = &mut fixture.bench;
    let completed = invitation("completed", &operation, "21a1", "Connected");
    let resource = completed["_embedded"]["messagingInvitation"].clone();
    let completed = with(completed, "status", json!("Success"));
    let malformed = with(completed, "_embedded", json!("x"));
    bench.page(json!([communication(vec![malformed])]));
    assert_eq!(bench.verdicts(key), []);
    bench.reply("GET", INVITATION, 200, resource);
    let verdicts = bench.verdicts(key);
    assert_eq!(verdicts, [(MessageKey::Local(1), MessageStatus::Succeeded)]);
    assert!(bench.is_sent("GET", &conversation_href("21a1")));
}

#[test]
fn a_malformed_verdict_is_asked_for() {
    let mut fixture = fixtures::handed_over();
    let event = bare("completed", "message", &message_href("21a1", "2"), None);
    let (bench, key) = (&mut fixture.bench, fixture.key);
    bench.page(json!([conversation(
        "21a1",
        vec![with(event, "status", json!(7))]
    )]));
    assert!(bench.verdicts(key).is_empty());
    assert_eq!(bench.count_sent("GET", &message_href("21a1", "2")), 1);
}

#[test]
fn an_event_that_may_be_typing_or_leaving_removes_no_participant() {
    let mut fixture = fixtures::established();
    let event = bare("deleted", "participant", &participant_href("21a1"), None);
    let (bench, key) = (&mut fixture.bench, fixture.key);
    bench.page(json!([conversation(
        "21a1",
        vec![with(event, "in", json!("/x"))]
    )]));
    assert_eq!(bench.changes(key), []);
    assert!(bench.is_sent("GET", &participant_href("21a1")));
}
