//! Malformed events: the rest of the page is handled, and the resources of malformed events are read.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures;
use crate::pages::*;

/// Makes an event malformed so that its link remains readable and its resource is lost.
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
fn a_malformed_invitation_is_read_by_its_link() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let resource = event["_embedded"]["messagingInvitation"].clone();
    for malformed in malform(event) {
        let mut driver = TestDriver::signed_in();
        driver.page(json!([communication(vec![malformed])]));
        assert!(driver.events.is_empty(), "{:?}", driver.events);
        driver.reply("GET", INVITATION, 200, resource.clone());
        assert!(matches!(
            driver.events.first(),
            Some(SessionEvent::Incoming { .. })
        ));
    }
}

/// Only the invitation names the conversation, so the acceptance has no effect without the resource of the invitation.
#[test]
fn a_malformed_acceptance_is_read_for_the_conversation() {
    let mut fixture = fixtures::inviting();
    let (operation, key) = (fixture.operation.clone(), fixture.key);
    let driver = &mut fixture.driver;
    let completed = invitation("completed", &operation, "21a1", "Connected");
    let resource = completed["_embedded"]["messagingInvitation"].clone();
    let completed = with(completed, "status", json!("Success"));
    let malformed = with(completed, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    assert_eq!(driver.delivery_results(key), []);
    driver.reply("GET", INVITATION, 200, resource);
    let delivery_results = driver.delivery_results(key);
    assert_eq!(
        delivery_results,
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    assert!(driver.is_sent("GET", &conversation_href("21a1")));
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

/// An invitation may start and alert in one page, so that its only event is an update.
#[test]
fn a_malformed_update_of_an_unknown_invitation_is_read() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let resource = event["_embedded"]["messagingInvitation"].clone();
    let mut driver = TestDriver::signed_in();
    let updated = with(event.clone(), "type", json!("updated"));
    let malformed = with(updated, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming { .. })
    ));
}

#[test]
fn an_invitation_is_read_once_while_its_request_is_in_flight_or_waits() {
    for status in [None, Some(503), Some(401)] {
        let offer = offered("17b", "Hi");
        let event = &offer[0]["events"][0];
        let resource = event["_embedded"]["messagingInvitation"].clone();
        let malformed = with(event.clone(), "_embedded", json!("x"));
        let page = json!([communication(vec![malformed])]);
        let mut driver = TestDriver::signed_in();
        driver.page(page.clone());
        match status {
            None => {}
            Some(401) => {
                let read = driver.take("GET", INVITATION);
                driver.respond(read.id, challenge("/WebTicket/oauthtoken"));
            }
            Some(status) => {
                driver.reply("GET", INVITATION, status, Value::Null);
            }
        }
        driver.page(page);
        if status == Some(401) {
            let renewed = token("cwt=two", 28_000);
            driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        }
        driver.advance(Duration::from_secs(10));
        assert_eq!(driver.count_sent("GET", INVITATION), 1, "{status:?}");
        driver.reply("GET", INVITATION, 200, resource);
        assert!(matches!(
            driver.events.first(),
            Some(SessionEvent::Incoming { .. })
        ));
    }
}

/// The page with the result may be lost with the application.
#[test]
fn a_malformed_start_of_an_invitation_is_read_with_its_result() {
    for is_response_lost in [false, true] {
        for (state, expected) in [
            ("Connected", MessageStatus::Succeeded),
            ("Declined", MessageStatus::Failed),
        ] {
            let mut driver = TestDriver::with_conversation();
            driver.send(1, "Hello");
            let sent = driver.sent.iter();
            let mut sent = sent.filter(|request| request.target() == fixtures::INVITATIONS);
            let request = sent.next().unwrap().json();
            let operation = request["operationId"].as_str().unwrap().to_owned();
            if is_response_lost {
                driver.break_off("POST", fixtures::INVITATIONS, Sent::Maybe);
            } else {
                driver.created("POST", fixtures::INVITATIONS, INVITATION);
            }
            let started = invitation("started", &operation, "21a1", state);
            let resource = started["_embedded"]["messagingInvitation"].clone();
            let malformed = with(started, "_embedded", json!("x"));
            driver.page(json!([communication(vec![malformed])]));
            driver.reply("GET", INVITATION, 200, resource);
            let delivery_results = driver.delivery_results(chat());
            assert_eq!(
                delivery_results,
                [(MessageKey::Local(1), expected)],
                "{is_response_lost}"
            );
        }
    }
}

/// In a group, a sender on another host is no known participant, so the text identifies the message as that of the
/// invitation.
#[test]
fn the_text_of_an_invitation_from_an_unusable_sender_is_shown_once() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    let alex = format!(
        "{}/participants/alexd@contoso.com",
        conversation_href("17b")
    );
    let alex = event(
        "added",
        "participant",
        &alex,
        json!({"name": "Alex Darrow", "uri": "sip:alexd@contoso.com"}),
    );
    driver.page(senders("17b", vec![(true, alex)]));
    driver.advance(Duration::from_secs(5));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let mut first = arrival("17b", "1", "Hi Tosh");
    let sender = json!({"href": "https://elsewhere.example/participant/1", "title": "Lene Aaling"});
    first["_embedded"]["message"]["_links"]["participant"] = sender;
    driver.page(senders("17b", vec![(true, first)]));
    assert_eq!(driver.received(key), Vec::<String>::new());
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

/// The changes after the malformed result of an invitation that has timed out, and whose conversation has ended. With
/// `is_over`, the invitation has lost its links when it is read.
fn late_result(state: &str, is_over: bool) -> Vec<ConversationChange> {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hello");
    let mut sent = driver.sent.iter();
    let request = sent.find(|request| request.target() == fixtures::INVITATIONS);
    let operation = request.unwrap().json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.break_off("POST", fixtures::INVITATIONS, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.events.clear();
    let completed = invitation("completed", &operation, "21a1", state);
    let mut resource = completed["_embedded"]["messagingInvitation"].clone();
    if is_over {
        resource["_links"] = json!({});
    }
    let malformed = with(completed, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    driver.changes(chat())
}

/// Whether the only change is the result of the message in the invitation.
fn settles(changes: &[ConversationChange], expected: MessageStatus) -> bool {
    matches!(
        changes,
        [ConversationChange::MessageStatus { message: MessageKey::Local(1), status, .. }] if *status == expected
    )
}

#[test]
fn a_late_refusal_of_a_lost_invitation_does_not_end_the_conversation_again() {
    for is_over in [true, false] {
        let changes = late_result("Declined", is_over);
        assert!(
            settles(&changes, MessageStatus::Failed),
            "{is_over}: {changes:?}"
        );
    }
}

#[test]
fn a_late_acceptance_of_a_lost_invitation_settles_its_message() {
    let changes = late_result("Connected", true);
    assert!(settles(&changes, MessageStatus::Succeeded), "{changes:?}");
}

/// Messages that are being read precede the text of a later invitation, which restarts the chat.
#[test]
fn the_text_of_an_invitation_follows_the_messages_before_it() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let [first, second] = ["first", "second"].map(|text| arrival("21a1", text, text));
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed, second])]));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.page(offered("21a1", "Hi Tosh"));
    driver.submit(Operation::Accept(key));
    let accept = format!("{INVITATION}/accept");
    driver.reply("POST", &accept, 204, Value::Null);
    driver.page(offer_completed("21a1", "Success"));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), Vec::<String>::new());
    driver.reply("GET", &message_href("21a1", "first"), 200, resource);
    assert_eq!(driver.received(key), ["first", "second"]);
    let event = arrival("21a1", "3", "Hi Tosh");
    driver.page(senders("21a1", vec![(true, event)]));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
}

/// The message with the text may have been sent long before the invitation was read.
#[test]
fn the_text_of_an_invitation_that_was_read_late_is_shown_once() {
    let mut driver = TestDriver::signed_in();
    // A minute after the time of the message.
    driver.server_clock = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_061));
    let offer = offered("17b", "Hi Tosh");
    let event = &offer[0]["events"][0];
    let mut resource = event["_embedded"]["messagingInvitation"].clone();
    resource["state"] = json!("Connected");
    let malformed = with(event.clone(), "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let event = arrival("17b", "1", "Hi Tosh");
    driver.page(senders("17b", vec![(true, event)]));
    assert_eq!(driver.received(key), Vec::<String>::new());
}

/// The same holds for an invitation that was missed, and the message that is being read may be the text of the invitation
/// before.
#[test]
fn the_text_of_an_invitation_is_shown_once_although_others_follow() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let first = arrival("17b", "1", "Hi Tosh");
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    driver.page(senders(
        "17b",
        vec![(true, malformed), (true, messaging("17b", "Disconnected"))],
    ));
    for text in ["one", "two"] {
        let mut offer = offered("17b", text);
        let href = format!("{APP}/communication/messagingInvitations/{text}");
        let invitation = &mut offer[0]["events"][0];
        invitation["link"]["href"] = json!(href);
        let mut missed = invitation.clone();
        missed["type"] = json!("completed");
        missed["status"] = json!("Failure");
        missed["_embedded"]["messagingInvitation"]["state"] = json!("Failed");
        driver.page(json!([communication(vec![invitation.clone(), missed])]));
    }
    assert_eq!(driver.received(key), Vec::<String>::new());
    driver.reply("GET", &message_href("17b", "1"), 200, resource);
    assert_eq!(driver.received(key), ["one", "two"]);
}

/// The events with the texts come when the user has left the conversation. The server has confirmed both acceptances, or only
/// the first.
#[test]
fn the_texts_of_several_accepted_invitations_are_shown_once() {
    for is_confirmed in [true, false] {
        let mut fixture = fixtures::accepting();
        let (driver, key) = (&mut fixture.driver, fixture.key);
        driver.page(offer_completed("17b", "Success"));
        driver.advance(Duration::from_secs(6));
        driver.page(senders(
            "17b",
            vec![(true, messaging("17b", "Disconnected"))],
        ));
        let href = format!("{APP}/communication/messagingInvitations/second");
        let mut offer = offered("17b", "Hi again");
        let invitation = &mut offer[0]["events"][0];
        invitation["link"]["href"] = json!(href);
        invitation["_embedded"]["messagingInvitation"]["_links"]["accept"]["href"] =
            json!(format!("{href}/accept"));
        let mut completed = invitation.clone();
        driver.page(json!([communication(vec![invitation.clone()])]));
        driver.submit(Operation::Accept(key));
        driver.reply("POST", &format!("{href}/accept"), 204, Value::Null);
        if is_confirmed {
            completed["type"] = json!("completed");
            completed["status"] = json!("Success");
            completed["_embedded"]["messagingInvitation"]["state"] = json!("Connected");
            driver.page(json!([communication(vec![completed])]));
        }
        driver.submit(Operation::Leave(key));
        driver.reply("DELETE", &conversation_href("17b"), 204, Value::Null);
        assert_eq!(driver.received(key), ["Hi Tosh", "Hi again"]);
        for (number, text) in [("1", "Hi Tosh"), ("2", "Hi again")] {
            let event = arrival("17b", number, text);
            driver.page(senders("17b", vec![(true, event)]));
            assert_eq!(driver.received(key), Vec::<String>::new(), "{text}");
        }
    }
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

/// The result of an earlier invitation is malformed, so that invitation is read while the next one is being accepted.
#[test]
fn an_invitation_that_was_missed_does_not_replace_the_next_one() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let earlier = format!("{INVITATION}-earlier");
    let mut missed = offered("17b", "earlier")[0]["events"][0].clone();
    missed["link"]["href"] = json!(earlier);
    let resource = missed["_embedded"]["messagingInvitation"].clone();
    let resource = with(resource, "state", json!("Failed"));
    let malformed = with(
        with(missed, "type", json!("completed")),
        "_embedded",
        json!("x"),
    );
    driver.page(json!([communication(vec![malformed.clone()])]));
    driver.reply("GET", &earlier, 200, resource);
    assert_eq!(driver.received(key), ["earlier"]);
    assert_eq!(fixture.ticket.and_then(|it| driver.result(it)), None);
    let mut accepted = offer_completed("17b", "Success")
        .as_array()
        .unwrap()
        .clone();
    accepted.push(conversation("17b", vec![arrival("17b", "1", "Hi Tosh")]));
    driver.page(json!(accepted));
    let done = fixture.ticket.and_then(|it| driver.result(it)).cloned();
    assert_eq!(done, Some(Ok(Outcome::Done)));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    // It is not read again.
    driver.page(json!([communication(vec![malformed])]));
    assert!(!driver.is_sent("GET", &earlier));
}

/// The message that is being read may be the text of the invitation.
#[test]
fn the_text_of_an_invitation_precedes_the_messages_behind_its_malformed_event() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    let first = arrival("17b", "1", "Hi Tosh");
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    let second = arrival("17b", "2", "second");
    driver.page(json!([conversation("17b", vec![malformed, second])]));
    driver.advance(Duration::from_secs(6));
    driver.reply("GET", &message_href("17b", "1"), 200, resource);
    assert_eq!(driver.received(key), ["Hi Tosh", "second"]);
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

/// Otherwise the session would show a second conversation, which has no address.
#[test]
fn a_read_invitation_into_a_conversation_on_another_host_is_not_shown() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let mut resource = event["_embedded"]["messagingInvitation"].clone();
    let forged = json!({"href": "https://elsewhere.example/conversations/17b"});
    resource["_links"]["conversation"] = forged;
    let mut driver = TestDriver::signed_in();
    let malformed = with(event.clone(), "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    assert!(driver.events.is_empty(), "{:?}", driver.events);
}
