//! Conversations on the server that no invitation has named.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;

const LIST: &str = "/ucwa/oauth/v1/applications/102/communication/conversations";

pub(crate) fn discovered(driver: &TestDriver) -> Option<ConversationKey> {
    driver.events.iter().find_map(|event| match event {
        SessionEvent::Discovered { conversation, .. } => Some(*conversation),
        _ => None,
    })
}

fn conversation_resource(state: &str) -> Value {
    let mut resource = conversation_event("x", "77", state)["_embedded"]["conversation"].clone();
    resource["subject"] = json!("Lunch");
    resource["_links"]["participants"] =
        json!({"href": format!("{}/participants", conversation_href("77"))});
    resource
}

/// Answers the reads of a discovered conversation: it has a chat with Lene.
fn answer_reads(driver: &mut TestDriver) -> ConversationKey {
    driver.reply(
        "GET",
        &conversation_href("77"),
        200,
        conversation_resource("Connected"),
    );
    let key = discovered(driver).expect("no conversation was discovered");
    let lene = json!({"href": participant_href("77"), "title": "Lene Aaling"});
    driver.reply(
        "GET",
        &format!("{}/participants", conversation_href("77")),
        200,
        json!({"rel": "participants", "_links": {"participant": [lene]}}),
    );
    driver.reply(
        "GET",
        &participant_href("77"),
        200,
        json!({"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com"}),
    );
    driver.reply(
        "GET",
        &format!("{}/messaging", conversation_href("77")),
        200,
        messaging("77", "Connected")["_embedded"]["messaging"].clone(),
    );
    key
}

/// Signs in to an application that existed before.
fn taken_over() -> TestDriver {
    let mut driver = TestDriver::new(TestDriver::config());
    let ticket = driver.submit(Operation::SignIn(TestDriver::credentials()));
    driver.discover();
    // Without the `makeMeAvailable` link, because the user is available.
    driver.reply(
        "POST",
        "/ucwa/oauth/v1/applications",
        200,
        application(false),
    );
    let sent: Vec<_> = driver.sent.iter().map(Request::target).collect();
    assert_eq!(
        sent,
        [format!("{APP}/events?ack=1"), LIST.to_owned()],
        "the user is available already"
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.events.clear();
    driver
}

#[test]
fn a_taken_over_application_has_its_conversations_listed() {
    let mut driver = taken_over();
    let list = json!({"_links": {"conversation": [{"href": conversation_href("77")}]}});
    driver.reply("GET", LIST, 200, list);
    let key = answer_reads(&mut driver);
    let changes = driver.changes(key);
    for expected in [
        ConversationChange::Connected,
        ConversationChange::chat_connected(false),
    ] {
        assert!(changes.contains(&expected), "{expected:?} in {changes:?}");
    }
    assert!(changes.iter().any(|change| matches!(
        change,
        ConversationChange::ParticipantJoined(it) | ConversationChange::ParticipantUpdated(it)
            if it.uri.as_deref() == Some("sip:lenea@contoso.com")
    )));
    let ticket = driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Where were we?".to_owned()),
        subject: None,
        message_id: None,
    });
    let messages = format!("{}/messaging/messages", conversation_href("77"));
    driver.created("POST", &messages, &message_href("77", "3"));
    driver.page(senders(
        "77",
        vec![(true, delivery_event("77", "3", "Success"))],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

/// The event with the text may come before the read of the invitation, after it, or never.
#[test]
fn the_text_of_an_invitation_that_an_earlier_session_accepted_is_shown_once() {
    for (before, after) in [(true, false), (false, true), (false, false)] {
        let mut driver = taken_over();
        let list = json!({"_links": {"conversation": [{"href": conversation_href("77")}]}});
        driver.reply("GET", LIST, 200, list);
        let (page, mut invitation) = merged_offer();
        driver.page(page);
        let key = answer_reads(&mut driver);
        let mut shown = Vec::new();
        let text = || senders("77", vec![(true, arrival("77", "1", "Hi Tosh"))]);
        if before {
            driver.page(text());
            shown.extend(driver.received(key));
        }
        invitation["state"] = json!("Connected");
        driver.reply("GET", INVITATION, 200, invitation);
        shown.extend(driver.received(key));
        if after {
            driver.page(text());
        }
        // The application ends before the event would be overdue.
        driver.handle(Input::Shutdown);
        shown.extend(driver.received(key));
        assert_eq!(shown, ["Hi Tosh"], "{before} {after}");
    }
}

#[test]
fn a_new_application_has_no_conversations_to_list() {
    let driver = TestDriver::signed_in();
    assert!(!driver.is_sent("GET", LIST));
}

#[test]
fn an_unclaimed_established_conversation_is_shown_with_its_messages() {
    for (event, shown) in [
        (conversation_event("added", "77", "Connected"), true),
        (conversation_event("added", "77", "Conferenced"), true),
        (conversation_event("added", "77", "Connecting"), false),
        (conversation_event("added", "77", "Disconnected"), false),
    ] {
        let mut driver = TestDriver::signed_in();
        let said = (true, arrival("77", "1", "Anybody there?"));
        driver.page(senders("77", vec![(false, event), said]));
        driver.advance(Duration::from_millis(9_999));
        assert!(!driver.is_sent("GET", &conversation_href("77")));
        driver.advance(Duration::from_millis(1));
        assert_eq!(driver.is_sent("GET", &conversation_href("77")), shown);
        if shown {
            let key = answer_reads(&mut driver);
            assert_eq!(driver.received(key), ["Anybody there?"]);
        }
    }
}

#[test]
fn an_unclaimed_conversation_that_has_ended_is_not_shown() {
    for (status, body) in [
        (200, conversation_resource("Disconnected")),
        (404, json!({"code": "NotFound"})),
    ] {
        let mut driver = TestDriver::signed_in();
        let added = conversation_event("added", "77", "Connected");
        driver.page(senders("77", vec![(false, added)]));
        driver.advance(Duration::from_secs(10));
        driver.reply("GET", &conversation_href("77"), status, body);
        assert_eq!(discovered(&driver), None);
    }
}

#[test]
fn a_late_invitation_does_not_show_its_conversation_twice() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = driver.created("POST", &invitations, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap();
    let added = conversation_event("added", "77", "Connected");
    driver.page(senders("77", vec![(false, added)]));
    driver.advance(Duration::from_secs(10));
    driver.reply(
        "GET",
        &conversation_href("77"),
        200,
        conversation_resource("Connected"),
    );
    assert_eq!(
        discovered(&driver),
        None,
        "the conversation may belong to the pending invitation"
    );
    let started = invitation("started", operation, "77", "Connecting");
    driver.page(senders("77", vec![(false, started)]));
    driver.page(senders("77", accepted(operation, "77")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    driver.advance(Duration::from_secs(30));
    assert_eq!(discovered(&driver), None);
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::Connected)
    );
}

#[test]
fn an_invitation_that_timed_out_does_not_claim_a_discovered_conversation() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = driver.take("POST", &invitations);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.sent.push_front(request);
    driver.break_off("POST", &invitations, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    let added = conversation_event("added", "77", "Connected");
    driver.page(senders("77", vec![(false, added)]));
    driver.advance(Duration::from_secs(10));
    let key = answer_reads(&mut driver);
    driver.changes(key);
    // The completed event assigns the conversation to the invitation: the message was delivered, and there is one
    // conversation.
    driver.page(senders("77", accepted(&operation, "77")));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    driver.page(senders("77", vec![(true, arrival("77", "1", "Hi"))]));
    assert_eq!(driver.received(key), ["Hi"]);
}

#[test]
fn a_listed_conversation_is_shown_though_another_begins_meanwhile() {
    let mut driver = taken_over();
    driver.submit(Operation::OpenConversation {
        conversation: chat(),
        participant: peer(),
        peer: "sip:sarad@contoso.com".to_owned(),
    });
    driver.send(1, "Hello");
    let list = json!({"_links": {"conversation": [{"href": conversation_href("77")}]}});
    driver.reply("GET", LIST, 200, list);
    driver.reply(
        "GET",
        &conversation_href("77"),
        200,
        conversation_resource("Connected"),
    );
    assert_eq!(
        discovered(&driver),
        None,
        "the conversation may belong to the pending invitation"
    );
    let invitations = format!("{APP}/communication/messagingInvitations");
    let refused = json!({"code": "NotFound", "subcode": "DestinationNotFound"});
    driver.reply("POST", &invitations, 404, refused);
    driver.advance(Duration::from_secs(10));
    answer_reads(&mut driver);
}

#[test]
fn unclaimed_conversations_of_a_lost_application_are_dropped() {
    let mut driver = TestDriver::signed_in();
    let added = conversation_event("added", "77", "Connected");
    driver.page(senders("77", vec![(false, added)]));
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    driver.advance(Duration::from_secs(2));
    driver.create_application();
    driver.advance(Duration::from_secs(20));
    assert!(!driver.is_sent("GET", &conversation_href("77")));
}

#[test]
fn an_unclaimed_conversation_is_read_a_limited_number_of_times() {
    let list = json!({"_links": {"conversation": [{"href": conversation_href("77")}]}});
    let rubbish = || {
        http::Response::builder()
            .status(200)
            .body("?".into())
            .unwrap()
    };
    let mut driver = taken_over();
    driver.reply("GET", LIST, 200, list.clone());
    let asked = driver.take("GET", &conversation_href("77"));
    driver.respond(asked.id, rubbish());
    assert_eq!(discovered(&driver), None);
    driver.advance(Duration::from_secs(11));
    answer_reads(&mut driver);

    let mut driver = taken_over();
    driver.reply("GET", LIST, 200, list);
    for pause in 1..=7 {
        let asked = driver.take("GET", &conversation_href("77"));
        driver.respond(asked.id, rubbish());
        driver.advance(Duration::from_secs(10 * pause + 1));
    }
    for _ in 0..30 {
        assert!(!driver.is_sent("GET", &conversation_href("77")));
        driver.advance(Duration::from_secs(10));
    }
}

#[test]
fn messages_of_unclaimed_conversations_are_shown_at_the_end() {
    let mut driver = TestDriver::signed_in();
    let said = (true, arrival("77", "1", "Anybody there?"));
    let added = conversation_event("added", "77", "Connected");
    driver.page(senders("77", vec![(false, added), said]));
    driver.submit(Operation::SignOut);
    let key = discovered(&driver).expect("no conversation was discovered");
    assert_eq!(driver.received(key), ["Anybody there?"]);
    driver.reply("DELETE", APP, 204, Value::Null);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn an_unclaimed_conversation_without_messages_is_not_shown_at_the_end() {
    let mut driver = TestDriver::signed_in();
    let added = conversation_event("added", "77", "Connected");
    let chat = messaging("77", "Connected");
    driver.page(senders("77", vec![(false, added), (true, chat)]));
    driver.submit(Operation::SignOut);
    assert_eq!(discovered(&driver), None);
}

/// Another endpoint of the user has invited a person.
#[test]
fn only_an_open_invitation_of_another_endpoint_shows_its_conversation() {
    for is_open in [true, false] {
        let mut driver = TestDriver::signed_in();
        let (kind, state) = match is_open {
            true => ("started", "Connecting"),
            false => ("completed", "Connected"),
        };
        let theirs = invitation(kind, "of another endpoint", "77", state);
        driver.page(senders("77", vec![(false, theirs)]));
        assert_eq!(discovered(&driver).is_some(), is_open);
    }
}

/// A session of which a process died before it had read the conversation of a message.
fn resumed_with_unclaimed_message(detaches: bool) -> TestDriver {
    let mut old = TestDriver::signed_in();
    let message = (true, arrival("77", "1", "Anybody there?"));
    let added = conversation_event("added", "77", "Connected");
    old.page(senders("77", vec![(false, added), message]));
    let checkpoint = match detaches {
        true => old.session.detach(old.now),
        false => old.session.checkpoint(),
    };
    old.handle(Input::Timeout);
    assert_eq!(discovered(&old), None);
    let (mut driver, _) = crate::handover::resumed(&checkpoint.unwrap());
    driver.reply("GET", APP, 200, application(false));
    driver
}

#[test]
fn messages_of_unclaimed_conversations_are_handed_over() {
    for detaches in [true, false] {
        let mut driver = resumed_with_unclaimed_message(detaches);
        let key = answer_reads(&mut driver);
        assert_eq!(driver.received(key), [""; 0]);
        let message = arrival("77", "1", "Anybody there?")["_embedded"]["message"].clone();
        driver.reply("GET", &message_href("77", "1"), 200, message);
        assert_eq!(driver.received(key), ["Anybody there?"]);
    }
}

#[test]
fn the_message_of_an_unclaimed_conversation_that_has_ended_is_handed_over() {
    let mut driver = resumed_with_unclaimed_message(false);
    let gone = json!({"code": "NotFound", "subcode": "ConversationNotFound"});
    driver.reply("GET", &conversation_href("77"), 404, gone);
    let key = discovered(&driver).expect("no conversation was discovered");
    let message = arrival("77", "1", "Anybody there?")["_embedded"]["message"].clone();
    driver.reply("GET", &message_href("77", "1"), 200, message);
    assert_eq!(driver.received(key), ["Anybody there?"]);
}

#[test]
fn a_list_of_conversations_without_a_response_is_read_by_the_next_session() {
    let old = taken_over();
    assert!(old.is_sent("GET", LIST));
    let (driver, _) = crate::handover::resumed(&old.session.checkpoint().unwrap());
    // A session that stops before it has read its application hands the list over again.
    let (mut driver, _) = crate::handover::resumed(&driver.session.checkpoint().unwrap());
    driver.reply("GET", APP, 200, application(false));
    assert!(driver.is_sent("GET", LIST));
    driver.reply("GET", LIST, 200, json!({}));
    let (mut driver, _) = crate::handover::resumed(&driver.session.checkpoint().unwrap());
    driver.reply("GET", APP, 200, application(false));
    assert!(!driver.is_sent("GET", LIST), "the list was read");
}

/// The event of an invitation without the links to answer it.
fn merged_offer() -> (Value, Value) {
    let mut page = offered("77", "Hi Tosh");
    let event = &mut page[0]["events"][0];
    event["type"] = json!("updated");
    let invitation = &mut event["_embedded"]["messagingInvitation"];
    for rel in ["accept", "decline"] {
        invitation["_links"].as_object_mut().unwrap().remove(rel);
    }
    let invitation = invitation.clone();
    (page, invitation)
}

#[test]
fn an_invitation_without_links_is_shown_as_its_event_described_it() {
    let mut driver = TestDriver::signed_in();
    driver.page(merged_offer().0);
    // The server removes the links of an invitation whose conversation is over.
    let bare = json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Cancelled"});
    driver.reply("GET", INVITATION, 200, bare);
    let incoming = driver.events.iter().find_map(|event| match event {
        SessionEvent::Incoming { from, preview, .. } => Some((from.uri.clone(), preview.clone())),
        _ => None,
    });
    let preview = MessageBody::Text("Hi Tosh".to_owned());
    let peer = Some("sip:lenea@contoso.com".to_owned());
    assert_eq!(incoming, Some((peer, Some(preview))));
}

#[test]
fn an_accepted_invitation_into_an_established_conversation_is_not_offered_again() {
    let mut driver = taken_over();
    let list = json!({"_links": {"conversation": [{"href": conversation_href("77")}]}});
    driver.reply("GET", LIST, 200, list);
    let (page, mut invitation) = merged_offer();
    driver.page(page);
    let key = answer_reads(&mut driver);
    driver.page(senders("77", vec![(true, arrival("77", "1", "Hi Tosh"))]));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    // The chat is disconnected when the invitation is read.
    driver.page(senders("77", vec![(true, messaging("77", "Disconnected"))]));
    driver.changes(key);
    invitation["state"] = json!("Connected");
    driver.reply("GET", INVITATION, 200, invitation);
    driver.advance(Duration::from_secs(10));
    assert_eq!(driver.changes(key), []);
}
