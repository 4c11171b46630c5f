//! Malformed events: the rest of the page is handled, and the resources of malformed events are read.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures;
use crate::pages::*;
/// Makes an event malformed so that its link remains readable and its resource is lost.
pub(crate) fn malform(event: &Value) -> Vec<Value> {
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
fn a_malformed_message_is_read_by_its_link_and_keeps_its_position() {
    let second = arrival("21a1", "2", "second");
    let resource = second["_embedded"]["message"].clone();
    for malformed in malform(&second) {
        let mut fixture = fixtures::established();
        let (driver, key) = (&mut fixture.driver, fixture.key);
        let [first, third] = ["1", "3"].map(|number| arrival("21a1", number, number));
        driver.page(json!([conversation("21a1", vec![first, malformed, third])]));
        assert_eq!(driver.session.malformed_parts(), 1);
        driver.reply("GET", &message_href("21a1", "2"), 200, resource.clone());
        assert_eq!(driver.received(key), ["1", "second", "3"]);
        driver.page(json!([]));
        assert_eq!(driver.session.malformed_parts(), 1);
    }
}

/// The conversation ends with `end` while the text of a message is being read: the text is shown first.
fn read_at_the_end(end: impl FnOnce(&mut TestDriver)) {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let message = arrival("21a1", "2", "late");
    let resource = message["_embedded"]["message"].clone();
    let malformed = with(message, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed])]));
    end(driver);
    driver.reply("GET", &message_href("21a1", "2"), 200, resource);
    let changes = driver.changes(key);
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
    read_at_the_end(|driver| {
        let gone = bare("deleted", "conversation", &conversation_href("21a1"), None);
        driver.page(senders("21a1", vec![(false, gone)]));
    });
}

/// Otherwise a one-to-one chat would get a third participant that does not exist, and restart as a conference.
#[test]
fn a_read_message_with_a_sender_on_another_host_is_from_the_peer() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let message = arrival("21a1", "2", "Hi");
    let mut resource = message["_embedded"]["message"].clone();
    let forged = json!({"href": "https://elsewhere.example/participant/1", "title": "Lene Aaling"});
    resource["_links"]["participant"] = forged;
    driver.page(json!([conversation(
        "21a1",
        vec![with(message, "_embedded", json!("x"))]
    )]));
    driver.reply("GET", &message_href("21a1", "2"), 200, resource);
    let changes = driver.changes(key);
    let is_of_peer = |change: &ConversationChange| matches!(change, ConversationChange::MessageReceived { sender, .. } if sender.key == peer());
    assert!(changes.iter().any(is_of_peer), "{changes:?}");
}

#[test]
fn a_message_that_is_being_read_is_shown_before_the_user_has_left() {
    read_at_the_end(|driver| {
        let key = ConversationKey::Local(1);
        let ticket = driver.submit(Operation::Leave(key));
        driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        assert_eq!(
            driver.result(ticket),
            None,
            "the conversation has not ended"
        );
    });
}

#[test]
fn a_malformed_result_before_the_response_counts_when_the_message_was_read() {
    for (status, expected) in [
        ("Success", MessageStatus::Succeeded),
        ("Failure", MessageStatus::Failed),
    ] {
        let mut fixture = fixtures::established();
        let (driver, key) = (&mut fixture.driver, fixture.key);
        driver.send(2, "Hi");
        let href = message_href("21a1", "2");
        let event = bare("completed", "message", &href, None);
        let event = with(event, "status", json!(status));
        let malformed = with(event, "_embedded", json!("x"));
        driver.page(json!([conversation("21a1", vec![malformed])]));
        let message = json!({"rel": "message", "direction": "Outgoing"});
        driver.reply("GET", &href, 200, message);
        assert_eq!(
            driver.delivery_results(key),
            [],
            "the response names the message"
        );
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        driver.created("POST", &messages, &href);
        assert_eq!(
            driver.delivery_results(key),
            [(MessageKey::Local(2), expected)]
        );
        assert_eq!(driver.received(key), Vec::<String>::new());
    }
}

#[test]
fn a_malformed_delivery_result_is_read() {
    let mut fixture = fixtures::message_accepted();
    let event = bare("completed", "message", &message_href("21a1", "2"), None);
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(json!([conversation(
        "21a1",
        vec![with(event, "status", json!(7))]
    )]));
    assert!(driver.delivery_results(key).is_empty());
    assert_eq!(driver.count_sent("GET", &message_href("21a1", "2")), 1);
}

#[test]
fn an_event_that_may_be_typing_or_leaving_removes_no_participant() {
    let mut fixture = fixtures::established();
    let event = bare("deleted", "participant", &participant_href("21a1"), None);
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(json!([conversation(
        "21a1",
        vec![with(event, "in", json!("/x"))]
    )]));
    assert_eq!(driver.changes(key), []);
    assert!(driver.is_sent("GET", &participant_href("21a1")));
}

/// The event does not identify the message, and the response to the message does.
#[test]
fn a_malformed_result_counts_when_the_response_names_the_message() {
    for (status, expected) in [
        ("Success", MessageStatus::Succeeded),
        ("Failure", MessageStatus::Failed),
    ] {
        let mut fixture = fixtures::established();
        let (driver, key) = (&mut fixture.driver, fixture.key);
        driver.send(2, "Hi");
        let href = message_href("21a1", "2");
        let event = with(
            bare("completed", "message", &href, None),
            "status",
            json!(status),
        );
        let malformed = with(event, "_embedded", json!("x"));
        let next = arrival("21a1", "3", "next");
        driver.page(json!([conversation("21a1", vec![malformed, next])]));
        assert_eq!(driver.received(key), Vec::<String>::new());
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        driver.created("POST", &messages, &href);
        let changes = driver.changes(key);
        let is_result = |change: &ConversationChange| matches!(change, ConversationChange::MessageStatus { message: MessageKey::Local(2), status, .. } if *status == expected);
        let shown = |change: &ConversationChange| matches!(change, ConversationChange::MessageReceived { body: MessageBody::Text(text), .. } if text == "next");
        assert!(changes.iter().any(is_result), "{changes:?}");
        // The next message in the queue is not delayed by a read that is no longer needed.
        assert!(changes.iter().any(shown), "{changes:?}");
        let received = |change: &&ConversationChange| {
            matches!(change, ConversationChange::MessageReceived { .. })
        };
        assert_eq!(changes.iter().filter(received).count(), 1, "{changes:?}");
    }
}

#[test]
fn the_response_to_a_message_leaves_others_in_the_queue() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.send(2, "Hi");
    let href = message_href("21a1", "2");
    let first = arrival("21a1", "1", "Hello");
    let resource = first["_embedded"]["message"].clone();
    let events = [first, bare("completed", "message", &href, None)];
    let malformed = events.map(|event| with(event, "_embedded", json!("x")));
    driver.page(json!([conversation("21a1", malformed.to_vec())]));
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.created("POST", &messages, &href);
    driver.reply("GET", &message_href("21a1", "1"), 200, resource);
    assert_eq!(driver.received(key), ["Hello"]);
}

#[test]
fn a_malformed_repetition_of_a_result_shows_no_message() {
    let mut fixture = fixtures::message_accepted();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let result = delivery_event("21a1", "2", "Success");
    driver.page(json!([conversation("21a1", vec![result.clone()])]));
    assert_eq!(driver.delivery_results(key).len(), 1);
    let malformed = with(result, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed])]));
    assert!(!driver.is_sent("GET", &message_href("21a1", "2")));
    assert_eq!(driver.received(key), Vec::<String>::new());
}

/// An ended conversation, and the malformed event of a message that the server delivered before the end.
fn malformed_after_the_end() -> (TestDriver, ConversationKey, Value) {
    let fixture = fixtures::established();
    let (mut driver, key) = (fixture.driver, fixture.key);
    let gone = bare("deleted", "conversation", &conversation_href("21a1"), None);
    driver.page(senders("21a1", vec![(false, gone)]));
    let message = arrival("21a1", "2", "late");
    let resource = message["_embedded"]["message"].clone();
    let malformed = with(message, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed])]));
    driver.changes(key);
    (driver, key, resource)
}

#[test]
fn a_malformed_message_of_an_ended_conversation_is_read_and_shown() {
    let (mut driver, key, resource) = malformed_after_the_end();
    driver.reply("GET", &message_href("21a1", "2"), 200, resource);
    assert_eq!(driver.received(key), ["late"]);
}

#[test]
fn a_malformed_message_of_an_ended_conversation_is_shown_before_the_sign_out() {
    let (mut driver, key, _) = malformed_after_the_end();
    driver.submit(Operation::SignOut);
    let changes = driver.changes(key);
    let is_unread = |change: &ConversationChange| {
        matches!(
            change,
            ConversationChange::MessageReceived {
                body: MessageBody::Other { .. },
                ..
            }
        )
    };
    assert!(changes.iter().any(is_unread), "{changes:?}");
}

/// The response to a read may be older than an event that came meanwhile.
#[test]
fn an_event_with_the_messaging_resource_outdates_a_read_of_it() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let messaging_href = format!("{}/messaging", conversation_href("21a1"));
    let malformed = with(messaging("21a1", "Connected"), "_embedded", json!("x"));
    driver.page(senders("21a1", vec![(true, malformed)]));
    let read = driver.take("GET", &messaging_href);
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Connected"))],
    ));
    let old = messaging("21a1", "Disconnected")["_embedded"]["messaging"].clone();
    driver.respond(read.id, answer(200, old));
    assert_eq!(driver.changes(key), []);
}

/// The response to a read may also be older than an event whose resource is lost, so the resource is read again.
#[test]
fn a_malformed_event_outdates_a_read_of_its_resource() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let lost = |event: Value| with(event, "_embedded", json!("x"));
    let malformed = || {
        senders(
            "21a1",
            vec![
                (
                    false,
                    lost(conversation_event("updated", "21a1", "Connected")),
                ),
                (true, lost(messaging("21a1", "Connected"))),
            ],
        )
    };
    let hrefs = [
        conversation_href("21a1"),
        format!("{}/messaging", conversation_href("21a1")),
    ];
    driver.page(malformed());
    let first = hrefs.clone().map(|href| driver.take("GET", &href).id);
    driver.page(malformed());
    let second = hrefs.map(|href| driver.take("GET", &href).id);
    assert!(first.iter().all(|id| driver.aborted.contains(id)));
    let conversation = conversation_event("updated", "21a1", "Disconnected");
    let conversation = conversation["_embedded"]["conversation"].clone();
    let chat = messaging("21a1", "Disconnected")["_embedded"]["messaging"].clone();
    driver.respond(first[0], answer(200, conversation));
    driver.respond(first[1], answer(200, chat.clone()));
    assert_eq!(
        driver.changes(key),
        [],
        "the responses to the first reads are not used"
    );
    driver.respond(second[1], answer(200, chat));
    assert!(matches!(
        driver.changes(key).as_slice(),
        [ConversationChange::ChatDisconnected { .. }, ..]
    ));
}

/// The read failed, and the response to the message comes after it.
#[test]
fn a_malformed_result_counts_although_the_message_could_not_be_read() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.send(2, "Hi");
    let href = message_href("21a1", "2");
    let event = bare("completed", "message", &href, None);
    let event = with(event, "status", json!("Success"));
    let malformed = with(event, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed])]));
    driver.reply("GET", &href, 403, json!({"code": "Forbidden"}));
    driver.events.clear();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.created("POST", &messages, &href);
    let results = driver.delivery_results(key);
    assert_eq!(results, [(MessageKey::Local(2), MessageStatus::Succeeded)]);
}
