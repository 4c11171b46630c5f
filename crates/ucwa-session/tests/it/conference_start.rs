//! Conferences that this user starts and rejoins.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::*;
use crate::driver::*;
use crate::joining::*;
use crate::pages::*;

/// The server lets the user begin conferences.
fn offer_conferences(driver: &mut TestDriver) {
    let communication_updated = event(
        "updated",
        "communication",
        &format!("{APP}/communication"),
        json!({"_links": {
            "startMessaging": {"href": MESSAGING_INVITATIONS},
            "startOnlineMeeting": {"href": format!("{APP}/communication/onlineMeetingInvitations?onlineMeetingUri=adhoc")},
            "joinOnlineMeeting": {"href": format!("{APP}/communication/onlineMeetingInvitations")},
        }}),
    );
    driver.page(json!([communication(vec![communication_updated])]));
}

/// A conversation with two others that has not started, on a server with conferences.
pub(crate) fn of_three() -> TestDriver {
    let mut driver = TestDriver::with_conversation();
    offer_conferences(&mut driver);
    let ticket = add(&mut driver);
    assert_eq!(
        driver.result(ticket),
        Some(&Ok(Outcome::Done)),
        "nothing is sent before the start"
    );
    driver
}

#[test]
fn starting_with_two_others_makes_a_conference_and_queues_the_message() {
    let mut driver = of_three();
    let said = driver.send(1, "Hello both");
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations?onlineMeetingUri=adhoc"),
        MEETING_INVITATION,
    );
    assert_eq!(request.json()["to"], Value::Null);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let ours = json!({"direction": "Outgoing", "operationId": operation});
    let mut done = ours.clone();
    done["state"] = json!("Connected");
    driver.page(senders(
        "21a1",
        vec![
            (false, meeting_invitation("started", "21a1", ours)),
            (
                false,
                with(
                    meeting_invitation("completed", "21a1", done),
                    "status",
                    json!("Success"),
                ),
            ),
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, messaging("21a1", "Disconnected")),
        ],
    ));
    let mut asked = Vec::new();
    for location in ["a", "b"] {
        let request = driver.created("POST", INVITATIONS, location).json();
        asked.push((
            request["to"].as_str().unwrap().to_owned(),
            request["operationId"].as_str().unwrap().to_owned(),
        ));
    }
    assert_eq!(asked[0].0, "sip:lenea@contoso.com");
    assert_eq!(asked[1].0, "sip:alexd@contoso.com");
    chat_returns(&mut driver, "21a1");
    assert!(
        !driver.is_sent("POST", &messages("21a1")),
        "no participant would receive the message"
    );
    driver.page(senders(
        "21a1",
        vec![(true, third_joins("21a1", json!({})))],
    ));
    assert_eq!(
        driver
            .created("POST", &messages("21a1"), &message_href("21a1", "3"))
            .body(),
        "Hello both"
    );
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "3", "Success"))],
    ));
    assert_eq!(driver.result(said), Some(&Ok(Outcome::Delivered)));
}

/// If the events of the conference were lost, the next page may arrive minutes later.
#[test]
fn a_conference_whose_start_was_read_invites_the_others_at_once() {
    let mut driver = of_three();
    driver.send(1, "Hello both");
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations?onlineMeetingUri=adhoc"),
        MEETING_INVITATION,
    );
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.page(senders(
        "21a1",
        vec![(
            false,
            conference_event("21a1", "Conferenced", open_to_others("21a1")),
        )],
    ));
    driver.advance(Duration::from_secs(31));
    let ours = json!({"direction": "Outgoing", "operationId": operation, "state": "Connected"});
    let started = meeting_invitation("started", "21a1", ours);
    let invitation = started["_embedded"]["onlineMeetingInvitation"].clone();
    driver.reply("GET", MEETING_INVITATION, 200, invitation);
    assert_eq!(driver.count_sent("POST", INVITATIONS), 2);
}

#[test]
fn a_conference_message_fails_if_no_invitee_is_reached() {
    let mut driver = of_three();
    let said = driver.send(1, "Hello both");
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations?onlineMeetingUri=adhoc"),
        MEETING_INVITATION,
    );
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let ours = json!({"direction": "Outgoing", "operationId": operation, "state": "Connected"});
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                with(
                    meeting_invitation("completed", "21a1", ours),
                    "status",
                    json!("Success"),
                ),
            ),
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, messaging("21a1", "Disconnected")),
        ],
    ));
    chat_returns(&mut driver, "21a1");
    for _ in 0..2 {
        assert_eq!(driver.result(said), None, "somebody may still join");
        driver.reply(
            "POST",
            INVITATIONS,
            404,
            json!({"code": "NotFound", "subcode": "DestinationNotFound"}),
        );
    }
    assert_eq!(driver.failure(said).subcode(), Some("DestinationNotFound"));
}

/// A conference that this user has left.
pub(crate) fn left() -> TestDriver {
    let mut driver = of_three();
    let said = driver.send(1, "Hello both");
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations?"),
        MEETING_INVITATION,
    );
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let ours = json!({"direction": "Outgoing", "operationId": operation});
    driver.page(senders(
        "21a1",
        vec![
            (false, meeting_invitation("started", "21a1", ours)),
            (false, conference_event("21a1", "Conferenced", json!({}))),
            (false, conversation_event("updated", "21a1", "Disconnected")),
        ],
    ));
    driver.advance(Duration::from_secs(5));
    driver.reply("GET", MEETING_INVITATION, 404, json!({"code": "NotFound"}));
    assert!(driver.result(said).is_some_and(Result::is_err));
    driver.events.clear();
    driver
}

#[test]
fn a_conference_that_was_left_is_rejoined_by_its_uri() {
    let mut driver = left();
    driver.send(2, "Once more");
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations"),
        "again",
    );
    assert_eq!(request.json()["onlineMeetingUri"], MEETING);
}

#[test]
fn without_conference_links_a_start_with_two_others_invites_the_first() {
    let mut driver = TestDriver::with_conversation();
    add(&mut driver);
    driver.send(1, "Hi");
    let request = driver.created("POST", MESSAGING_INVITATIONS, INVITATION);
    assert_eq!(request.json()["to"], "sip:lenea@contoso.com");
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    let connected = conference_event("21a1", "Connected", open_to_others("21a1"));
    driver.page(senders("21a1", vec![(false, connected)]));
    let request = driver.created("POST", INVITATIONS, "a");
    assert_eq!(request.json()["to"], "sip:alexd@contoso.com");
    assert!(
        !driver.is_sent("POST", INVITATIONS),
        "Lene is there already"
    );
}

#[test]
fn custom_content_that_a_conference_could_not_carry_is_not_dropped_silently() {
    let mut driver = of_three();
    let ticket = driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: Some(CustomContent::new(
            "text/plain".to_owned(),
            "order 7".to_owned(),
        )),
    });
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::NotSupported);
    assert!(!driver.is_sent("POST", &format!("{APP}/communication")));
    assert!(matches!(
        driver.changes(chat()).last(),
        Some(ConversationChange::Ended {
            failure: Some(_),
            ..
        })
    ));
}

#[test]
fn messages_that_restart_a_chat_as_a_conference_keep_their_order() {
    let mut driver = extensible();
    offer_conferences(&mut driver);
    // A participant who could not be added is invited when the conversation restarts.
    add(&mut driver);
    driver.reply("POST", INVITATIONS, 403, json!({"code": "Forbidden"}));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.send(1, "one");
    driver.send(2, "two");
    driver.advance(Duration::from_secs(10));
    let gone = json!({"code": "NotFound"});
    driver.reply("GET", &conversation_href("21a1"), 404, gone);
    let request = driver.created(
        "POST",
        &format!("{APP}/communication/onlineMeetingInvitations?onlineMeetingUri=adhoc"),
        MEETING_INVITATION,
    );
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let ours = json!({"direction": "Outgoing", "operationId": operation, "state": "Connected"});
    let completed = meeting_invitation("completed", "22b2", ours);
    let conferenced = conference_event("22b2", "Conferenced", open_to_others("22b2"));
    driver.page(senders(
        "22b2",
        vec![
            (false, with(completed, "status", json!("Success"))),
            (false, conferenced),
            (true, messaging("22b2", "Disconnected")),
        ],
    ));
    chat_returns(&mut driver, "22b2");
    driver.page(senders(
        "22b2",
        vec![(true, third_joins("22b2", json!({})))],
    ));
    for (number, text) in [("1", "one"), ("2", "two")] {
        let href = message_href("22b2", number);
        let sent = driver.created("POST", &messages("22b2"), &href);
        assert_eq!(sent.body(), text);
    }
}
