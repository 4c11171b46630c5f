//! Lost responses and late events.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

fn messages() -> String {
    format!("{}/messaging/messages", conversation_href("21a1"))
}

fn deliver(driver: &mut TestDriver, number: &str, status: &str) {
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", number, status))],
    ));
}

/// The operation ID in the query of a request.
fn operation_of(request: &Request) -> String {
    let target = request.target();
    let (_, operation) = target.split_once("operationId=").unwrap();
    operation.to_owned()
}

#[test]
fn a_late_delivery_event_is_not_matched_with_the_next_message() {
    let mut driver = established();
    let first = driver.send(1, "one");
    driver.created("POST", &messages(), &message_href("21a1", "2"));
    let second = driver.send(2, "two");
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.advance(Duration::from_millis(30_001));
    let resource = json!({"rel": "message", "status": "Succeeded"});
    driver.reply("GET", &message_href("21a1", "2"), 200, resource);
    assert_eq!(driver.result(first), Some(&Ok(Outcome::Delivered)));
    deliver(&mut driver, "2", "Success");
    assert_ne!(driver.result(second), Some(&Ok(Outcome::Delivered)));
    assert!(!driver.is_sent("GET", &message_href("21a1", "2")));
}

#[test]
fn with_two_lost_responses_the_message_text_decides_which_one_an_event_is_about() {
    let mut driver = established();
    let first = driver.send(1, "one");
    let second = driver.send(2, "two");
    let lost = driver.take("POST", &messages());
    let operation = operation_of(&lost);
    driver.sent.push_back(lost);
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(first).kind(), &FailureKind::DeliveryUnknown);
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.delivery_results(chat());
    deliver(&mut driver, "2", "Success");
    assert!(
        driver.delivery_results(chat()).is_empty(),
        "the event may belong to either message"
    );
    let which = json!({"rel": "message", "direction": "Outgoing", "operationId": operation});
    driver.reply("GET", &message_href("21a1", "2"), 200, which);
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    assert_eq!(driver.result(second), None);
}

/// This session also gets the results of messages that another endpoint of the user sends in the same conference.
#[test]
fn the_result_of_another_text_is_not_matched_with_a_lost_response() {
    for (text, is_ours) in [("other", false), ("one", true)] {
        let mut driver = established();
        driver.send(1, "one");
        driver.break_off("POST", &messages(), Sent::Maybe);
        deliver(&mut driver, "2", "Success");
        let link = json!({"href": format!("data:text/plain;charset=utf-8,{text}")});
        let read =
            json!({"rel": "message", "direction": "Outgoing", "_links": {"plainMessage": link}});
        driver.reply("GET", &message_href("21a1", "2"), 200, read);
        assert_eq!(
            !driver.delivery_results(chat()).is_empty(),
            is_ours,
            "{text}"
        );
    }
}

#[test]
fn an_event_waits_for_a_response_in_flight_before_it_is_matched_with_a_lost_one() {
    let mut driver = established();
    let first = driver.send(1, "one");
    let second = driver.send(2, "two");
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(first).kind(), &FailureKind::DeliveryUnknown);
    driver.delivery_results(chat());
    deliver(&mut driver, "3", "Success");
    assert!(!driver.is_sent("GET", &message_href("21a1", "3")));
    driver.created("POST", &messages(), &message_href("21a1", "3"));
    assert_eq!(driver.result(second), Some(&Ok(Outcome::Delivered)));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(2), MessageStatus::Succeeded)]
    );
}

#[test]
fn the_chat_of_a_lost_invitation_is_shown_beside_the_chat_that_replaced_it() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "one");
    let lost = driver.take("POST", INVITE);
    let operation = lost.json()["operationId"].as_str().unwrap().to_owned();
    driver.sent.push_back(lost);
    driver.break_off("POST", INVITE, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.send(2, "two");
    driver.events.clear();
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    assert!(driver.events.is_empty(), "the invitation is still alerting");
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    let discovered = driver.events.iter().find_map(|event| match event {
        SessionEvent::Discovered {
            conversation,
            peer: Some(peer),
            ..
        } => Some((*conversation, peer.uri.clone())),
        _ => None,
    });
    let (key, peer) = discovered.expect("the chat is shown");
    assert_eq!(peer.as_deref(), Some("sip:lenea@contoso.com"));
    let events = driver.events.clone();
    let chat_is_up = |event: &SessionEvent| {
        matches!(event, SessionEvent::Conversation { conversation, change: ConversationChange::ChatConnected { .. }, .. }
            if *conversation == key)
    };
    assert!(events.iter().any(chat_is_up), "{events:?}");
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    driver.page(senders("21a1", vec![(true, arrival("21a1", "3", "Hi"))]));
    assert_eq!(driver.received(key), ["Hi"]);
}

#[test]
fn the_invitation_text_is_shown_once_if_its_event_arrives_long_after_the_acceptance() {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    let accept = driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    // No events arrive, so the invitation is read.
    driver.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    driver.reply("GET", INVITATION, 200, accepted);
    assert_eq!(driver.result(accept), Some(&Ok(Outcome::Done)));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    // By the server's clock the message was written at the acceptance, 45 s before.
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert!(driver.received(key).is_empty());
}

#[test]
fn an_invitation_without_a_started_event_is_read_for_its_links() {
    let mut driver = TestDriver::signed_in();
    let mut offer = offered("17b", "Hi");
    let event = &mut offer[0]["events"][0];
    let whole = event["_embedded"]["messagingInvitation"].clone();
    event["type"] = json!("updated");
    let links = &mut event["_embedded"]["messagingInvitation"]["_links"];
    links.as_object_mut().unwrap().remove("accept");
    links.as_object_mut().unwrap().remove("decline");
    driver.page(offer);
    assert!(driver.events.is_empty(), "{:?}", driver.events);
    driver.reply("GET", INVITATION, 200, whole);
    assert!(
        matches!(
            driver.events.first(),
            Some(SessionEvent::Incoming {
                answerable: true,
                ..
            })
        ),
        "{:?}",
        driver.events
    );
}

#[test]
fn a_queued_message_is_not_sent_in_a_lost_application() {
    let mut driver = established();
    driver.page(senders(
        "21a1",
        vec![(
            true,
            bare(
                "deleted",
                "messaging",
                &format!("{}/messaging", conversation_href("21a1")),
                None,
            ),
        )],
    ));
    let ticket = driver.send(1, "waits for the chat");
    assert_eq!(driver.result(ticket), None);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", &format!("{APP}/events"), 404, lost);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::ConnectionLost);
}

#[test]
fn an_event_of_an_earlier_life_is_not_matched_with_a_message_of_this_one() {
    let mut driver = established();
    let late = driver.send(1, "one");
    driver.created("POST", &messages(), &message_href("21a1", "2"));
    deliver(&mut driver, "2", "Success");
    assert_eq!(driver.result(late), Some(&Ok(Outcome::Delivered)));
    driver.submit(Operation::Leave(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    let start = driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let request = driver.created("POST", INVITE, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap();
    driver.page(senders("21b2", accepted(operation, "21b2")));
    assert_eq!(driver.result(start), Some(&Ok(Outcome::Done)));
    let ticket = driver.send(2, "two");
    let second = format!("{}/messaging/messages", conversation_href("21b2"));
    driver.break_off("POST", &second, Sent::Maybe);
    deliver(&mut driver, "2", "Success");
    assert!(!driver.is_sent("GET", &message_href("21a1", "2")));
    assert_eq!(driver.result(ticket), None);
}

#[test]
fn a_conversation_that_started_after_the_list_request_does_not_count_as_missing() {
    let mut driver = TestDriver::signed_in();
    driver.page_with("resync", json!([]));
    driver.page(offered("17b", "Hi"));
    let key = ConversationKey::Remote(first_remote(&driver));
    let empty = json!({"rel": "conversations"});
    driver.reply(
        "GET",
        &format!("{APP}/communication/conversations"),
        200,
        empty,
    );
    assert!(
        !driver
            .changes(key)
            .iter()
            .any(|change| matches!(change, ConversationChange::Ended { .. }))
    );
}

#[test]
fn a_completed_event_after_the_invitation_was_read_does_not_offer_the_chat_again() {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    driver.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    driver.reply("GET", INVITATION, 200, accepted);
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let mut completed = offer_completed("17b", "Success");
    let links = json!({
        "conversation": {"href": conversation_href("17b")},
        "message": {"href": "data:text/plain;charset=utf-8,Hi+Tosh"},
    });
    completed[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"] = links;
    driver.page(completed);
    driver.advance(Duration::from_secs(6));
    let again = |change: &ConversationChange| {
        matches!(
            change,
            ConversationChange::ChatOffered
                | ConversationChange::ChatConnecting
                | ConversationChange::MessageReceived { .. }
        )
    };
    let changes = driver.changes(key);
    assert!(!changes.iter().any(again), "{changes:?}");
}

#[test]
fn a_late_refusal_of_an_invitation_that_timed_out_fails_its_message() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "one");
    let queued = driver.send(2, "two");
    let lost = driver.take("POST", INVITE);
    let operation = lost.json()["operationId"].as_str().unwrap().to_owned();
    driver.sent.push_back(lost);
    driver.break_off("POST", INVITE, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        driver.failure(queued).kind(),
        &FailureKind::Ended,
        "the message was not sent"
    );
    driver.delivery_results(chat());
    let refused = with(
        invitation("completed", &operation, "21a1", "Failed"),
        "status",
        json!("Failure"),
    );
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                invitation("started", &operation, "21a1", "Connecting"),
            ),
            (false, refused),
        ],
    ));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
}

#[test]
fn several_invitations_into_one_conversation_are_handled_in_order() {
    let mut driver = established();
    let offer = |number: &str, kind: &str, text: &str| {
        let event = event(
            kind,
            "messagingInvitation",
            &format!("{INVITE}/{number}"),
            json!({
                "rel": "messagingInvitation", "direction": "Incoming",
                "_links": {
                    "accept": {"href": format!("{INVITE}/{number}/accept")},
                    "conversation": {"href": conversation_href("21a1")},
                    "message": {"href": format!("data:text/plain;charset=utf-8,{text}")},
                },
            }),
        );
        match kind {
            "completed" => (false, with(event, "status", json!("Failure"))),
            _ => (false, event),
        }
    };
    driver.page(senders(
        "21a1",
        vec![
            offer("1", "started", "one"),
            offer("1", "completed", "one"),
            offer("2", "started", "two"),
            offer("2", "completed", "two"),
        ],
    ));
    let changes = driver.changes(chat());
    let shown: Vec<String> = changes
        .iter()
        .map(|change| match change {
            ConversationChange::ChatOffered => "offered".to_owned(),
            ConversationChange::MessageReceived {
                body: MessageBody::Text(text),
                ..
            } => text.clone(),
            ConversationChange::ChatDisconnected { .. } => "missed".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = ["offered", "one", "missed", "offered", "two", "missed"];
    assert_eq!(shown, expected);
}

#[test]
fn an_accepted_invitation_that_cannot_be_read_is_read_again() {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    let ticket = driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    driver.advance(Duration::from_secs(46));
    while driver.is_sent("GET", INVITATION) {
        driver.break_off("GET", INVITATION, Sent::Maybe);
        driver.advance(Duration::from_secs(9));
    }
    assert_eq!(driver.result(ticket), None);
    driver.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    driver.reply("GET", INVITATION, 200, accepted);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn an_invitation_that_cannot_be_read_has_an_unknown_result() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "one");
    driver.created("POST", INVITE, INVITATION);
    driver.advance(Duration::from_secs(31));
    while driver.is_sent("GET", INVITATION) {
        driver.break_off("GET", INVITATION, Sent::Maybe);
        driver.advance(Duration::from_secs(9));
    }
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn a_message_that_was_not_sent_because_of_a_missing_token_has_failed() {
    let mut driver = established();
    let ticket = driver.send(1, "one");
    let sent = driver.take("POST", &messages());
    driver.respond(sent.id, challenge("/WebTicket/oauthtoken"));
    while driver.is_sent("POST", "/WebTicket") {
        driver.break_off("POST", "/WebTicket/oauthtoken", Sent::Maybe);
        driver.advance(Duration::from_secs(9));
    }
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    assert_eq!(driver.failure(ticket).stage(), Stage::Authentication);
}

#[test]
fn an_alerting_invitation_that_cannot_be_read_is_read_again() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "one");
    let request = driver.created("POST", INVITE, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap();
    let alerting = invitation("started", operation, "21a1", "Connecting");
    driver.page(senders("21a1", vec![(false, alerting)]));
    driver.advance(Duration::from_secs(46));
    while driver.is_sent("GET", INVITATION) {
        driver.break_off("GET", INVITATION, Sent::Maybe);
        driver.advance(Duration::from_secs(9));
    }
    assert_eq!(driver.result(ticket), None);
    driver.page(senders("21a1", accepted(operation, "21a1")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_conversation_is_left_although_no_event_about_the_new_invitation_arrives() {
    let mut driver = established();
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.advance(Duration::from_secs(11));
    let lives = json!({"rel": "conversation", "state": "Connected"});
    driver.reply("GET", &conversation_href("21a1"), 200, lives);
    driver.send(1, "Are you there?");
    let ticket = driver.submit(Operation::Leave(chat()));
    driver.break_off("POST", INVITE, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}
