//! Lost responses and late events.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

fn messages() -> String {
    format!("{}/messaging/messages", conversation_href("21a1"))
}

fn deliver(bench: &mut Bench, number: &str, status: &str) {
    bench.page(senders(
        "21a1",
        vec![(true, verdict("21a1", number, status))],
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
    let mut bench = established();
    let first = bench.send(1, "one");
    bench.created("POST", &messages(), &message_href("21a1", "2"));
    let second = bench.send(2, "two");
    bench.break_off("POST", &messages(), Sent::Maybe);
    bench.advance(Duration::from_millis(30_001));
    let verdict = json!({"rel": "message", "status": "Succeeded"});
    bench.reply("GET", &message_href("21a1", "2"), 200, verdict);
    assert_eq!(bench.result(first), Some(&Ok(Outcome::Delivered)));
    deliver(&mut bench, "2", "Success");
    assert_ne!(bench.result(second), Some(&Ok(Outcome::Delivered)));
    assert!(!bench.is_sent("GET", &message_href("21a1", "2")));
}

#[test]
fn with_two_lost_responses_the_message_text_decides_which_one_an_event_is_about() {
    let mut bench = established();
    let first = bench.send(1, "one");
    let second = bench.send(2, "two");
    let lost = bench.take("POST", &messages());
    let operation = operation_of(&lost);
    bench.sent.push_back(lost);
    bench.break_off("POST", &messages(), Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    assert_eq!(bench.failure(first).kind(), &FailureKind::DeliveryUnknown);
    bench.break_off("POST", &messages(), Sent::Maybe);
    bench.verdicts(chat());
    deliver(&mut bench, "2", "Success");
    assert!(
        bench.verdicts(chat()).is_empty(),
        "the event may belong to either message"
    );
    let which = json!({"rel": "message", "direction": "Outgoing", "operationId": operation});
    bench.reply("GET", &message_href("21a1", "2"), 200, which);
    assert_eq!(
        bench.verdicts(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    assert_eq!(bench.result(second), None);
}

/// Another endpoint of this user in the same conference sends messages, too, and their results come here.
#[test]
fn the_result_of_another_text_is_not_matched_with_a_lost_response() {
    for (text, is_ours) in [("other", false), ("one", true)] {
        let mut bench = established();
        bench.send(1, "one");
        bench.break_off("POST", &messages(), Sent::Maybe);
        deliver(&mut bench, "2", "Success");
        let link = json!({"href": format!("data:text/plain;charset=utf-8,{text}")});
        let read =
            json!({"rel": "message", "direction": "Outgoing", "_links": {"plainMessage": link}});
        bench.reply("GET", &message_href("21a1", "2"), 200, read);
        assert_eq!(!bench.verdicts(chat()).is_empty(), is_ours, "{text}");
    }
}

#[test]
fn an_event_waits_for_a_response_in_flight_before_it_is_matched_with_a_lost_one() {
    let mut bench = established();
    let first = bench.send(1, "one");
    let second = bench.send(2, "two");
    bench.break_off("POST", &messages(), Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    assert_eq!(bench.failure(first).kind(), &FailureKind::DeliveryUnknown);
    bench.verdicts(chat());
    deliver(&mut bench, "3", "Success");
    assert!(!bench.is_sent("GET", &message_href("21a1", "3")));
    bench.created("POST", &messages(), &message_href("21a1", "3"));
    assert_eq!(bench.result(second), Some(&Ok(Outcome::Delivered)));
    assert_eq!(
        bench.verdicts(chat()),
        [(MessageKey::Local(2), MessageStatus::Succeeded)]
    );
}

#[test]
fn the_chat_of_a_lost_invitation_is_shown_beside_the_chat_that_replaced_it() {
    let mut bench = Bench::with_conversation();
    bench.send(1, "one");
    let lost = bench.take("POST", INVITE);
    let operation = lost.json()["operationId"].as_str().unwrap().to_owned();
    bench.sent.push_back(lost);
    bench.break_off("POST", INVITE, Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    bench.send(2, "two");
    bench.events.clear();
    bench.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    assert!(bench.events.is_empty(), "the invitation is still alerting");
    bench.page(senders("21a1", accepted(&operation, "21a1")));
    let discovered = bench.events.iter().find_map(|event| match event {
        SessionEvent::Discovered {
            conversation,
            peer: Some(peer),
            ..
        } => Some((*conversation, peer.uri.clone())),
        _ => None,
    });
    let (key, peer) = discovered.expect("the chat is shown");
    assert_eq!(peer.as_deref(), Some("sip:lenea@contoso.com"));
    let events = bench.events.clone();
    let chat_is_up = |event: &SessionEvent| {
        matches!(event, SessionEvent::Conversation { conversation, change: ConversationChange::ChatConnected { .. } }
            if *conversation == key)
    };
    assert!(events.iter().any(chat_is_up), "{events:?}");
    assert_eq!(
        bench.verdicts(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    bench.page(senders("21a1", vec![(true, arrival("21a1", "3", "Hi"))]));
    assert_eq!(bench.received(key), ["Hi"]);
}

#[test]
fn the_invitation_text_is_shown_once_if_its_event_comes_long_after_the_acceptance() {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    let accept = bench.submit(Operation::Accept(key));
    bench.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    // No events arrive, so the invitation is read.
    bench.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    bench.reply("GET", INVITATION, 200, accepted);
    assert_eq!(bench.result(accept), Some(&Ok(Outcome::Done)));
    bench.advance(Duration::from_secs(6));
    assert_eq!(bench.received(key), ["Hi Tosh"]);
    // By the server's clock the message was written at the acceptance, 45 s before.
    bench.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert!(bench.received(key).is_empty());
}

#[test]
fn an_invitation_without_a_started_event_is_read_for_its_links() {
    let mut bench = Bench::signed_in();
    let mut offer = offered("17b", "Hi");
    let event = &mut offer[0]["events"][0];
    let whole = event["_embedded"]["messagingInvitation"].clone();
    event["type"] = json!("updated");
    let links = &mut event["_embedded"]["messagingInvitation"]["_links"];
    links.as_object_mut().unwrap().remove("accept");
    links.as_object_mut().unwrap().remove("decline");
    bench.page(offer);
    assert!(bench.events.is_empty(), "{:?}", bench.events);
    bench.reply("GET", INVITATION, 200, whole);
    assert!(
        matches!(
            bench.events.first(),
            Some(SessionEvent::Incoming {
                answerable: true,
                ..
            })
        ),
        "{:?}",
        bench.events
    );
}

#[test]
fn a_queued_message_is_not_sent_in_a_lost_application() {
    let mut bench = established();
    bench.page(senders(
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
    let ticket = bench.send(1, "waits for the chat");
    assert_eq!(bench.result(ticket), None);
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    bench.reply("GET", &format!("{APP}/events"), 404, lost);
    assert!(bench.sent.is_empty(), "{:?}", bench.sent);
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::ConnectionLost);
}

#[test]
fn an_event_of_an_earlier_life_is_not_matched_with_a_message_of_this_one() {
    let mut bench = established();
    let late = bench.send(1, "one");
    bench.created("POST", &messages(), &message_href("21a1", "2"));
    deliver(&mut bench, "2", "Success");
    assert_eq!(bench.result(late), Some(&Ok(Outcome::Delivered)));
    bench.submit(Operation::Leave(chat()));
    bench.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    let start = bench.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let request = bench.created("POST", INVITE, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap();
    bench.page(senders("21b2", accepted(operation, "21b2")));
    assert_eq!(bench.result(start), Some(&Ok(Outcome::Done)));
    let ticket = bench.send(2, "two");
    let second = format!("{}/messaging/messages", conversation_href("21b2"));
    bench.break_off("POST", &second, Sent::Maybe);
    deliver(&mut bench, "2", "Success");
    assert!(!bench.is_sent("GET", &message_href("21a1", "2")));
    assert_eq!(bench.result(ticket), None);
}

#[test]
fn a_conversation_that_started_after_the_list_request_does_not_count_as_missing() {
    let mut bench = Bench::signed_in();
    bench.page_with("resync", json!([]));
    bench.page(offered("17b", "Hi"));
    let key = ConversationKey::Remote(first_remote(&bench));
    let empty = json!({"rel": "conversations"});
    bench.reply(
        "GET",
        &format!("{APP}/communication/conversations"),
        200,
        empty,
    );
    assert!(
        !bench
            .changes(key)
            .iter()
            .any(|change| matches!(change, ConversationChange::Ended { .. }))
    );
}

#[test]
fn a_completed_event_after_the_invitation_was_read_does_not_offer_the_chat_again() {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.submit(Operation::Accept(key));
    bench.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    bench.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    bench.reply("GET", INVITATION, 200, accepted);
    bench.advance(Duration::from_secs(6));
    assert_eq!(bench.received(key), ["Hi Tosh"]);
    let mut completed = offer_completed("17b", "Success");
    let links = json!({
        "conversation": {"href": conversation_href("17b")},
        "message": {"href": "data:text/plain;charset=utf-8,Hi+Tosh"},
    });
    completed[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"] = links;
    bench.page(completed);
    bench.advance(Duration::from_secs(6));
    let again = |change: &ConversationChange| {
        matches!(
            change,
            ConversationChange::ChatOffered
                | ConversationChange::ChatConnecting
                | ConversationChange::MessageReceived { .. }
        )
    };
    let changes = bench.changes(key);
    assert!(!changes.iter().any(again), "{changes:?}");
}

#[test]
fn a_late_refusal_of_an_invitation_that_timed_out_fails_its_message() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "one");
    let queued = bench.send(2, "two");
    let lost = bench.take("POST", INVITE);
    let operation = lost.json()["operationId"].as_str().unwrap().to_owned();
    bench.sent.push_back(lost);
    bench.break_off("POST", INVITE, Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        bench.failure(queued).kind(),
        &FailureKind::Ended,
        "the message was not sent"
    );
    bench.verdicts(chat());
    let refused = with(
        invitation("completed", &operation, "21a1", "Failed"),
        "status",
        json!("Failure"),
    );
    bench.page(senders(
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
        bench.verdicts(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
}

#[test]
fn several_invitations_into_one_conversation_are_handled_in_order() {
    let mut bench = established();
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
    bench.page(senders(
        "21a1",
        vec![
            offer("1", "started", "one"),
            offer("1", "completed", "one"),
            offer("2", "started", "two"),
            offer("2", "completed", "two"),
        ],
    ));
    let changes = bench.changes(chat());
    let told: Vec<String> = changes
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
    assert_eq!(told, expected);
}

#[test]
fn an_accepted_invitation_that_cannot_be_read_is_read_again() {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    let ticket = bench.submit(Operation::Accept(key));
    bench.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    bench.advance(Duration::from_secs(46));
    while bench.is_sent("GET", INVITATION) {
        bench.break_off("GET", INVITATION, Sent::Maybe);
        bench.advance(Duration::from_secs(9));
    }
    assert_eq!(bench.result(ticket), None);
    bench.advance(Duration::from_secs(46));
    let accepted =
        json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    bench.reply("GET", INVITATION, 200, accepted);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn an_invitation_that_cannot_be_read_has_an_unknown_result() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "one");
    bench.created("POST", INVITE, INVITATION);
    bench.advance(Duration::from_secs(31));
    while bench.is_sent("GET", INVITATION) {
        bench.break_off("GET", INVITATION, Sent::Maybe);
        bench.advance(Duration::from_secs(9));
    }
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn a_message_that_was_not_sent_for_want_of_a_token_has_failed() {
    let mut bench = established();
    let ticket = bench.send(1, "one");
    let sent = bench.take("POST", &messages());
    bench.respond(sent.id, challenge("/WebTicket/oauthtoken"));
    while bench.is_sent("POST", "/WebTicket") {
        bench.break_off("POST", "/WebTicket/oauthtoken", Sent::Maybe);
        bench.advance(Duration::from_secs(9));
    }
    assert_eq!(
        bench.verdicts(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    assert_eq!(bench.failure(ticket).stage(), Stage::Authentication);
}

#[test]
fn an_alerting_invitation_that_cannot_be_read_is_read_again() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "one");
    let request = bench.created("POST", INVITE, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap();
    let rings = invitation("started", operation, "21a1", "Connecting");
    bench.page(senders("21a1", vec![(false, rings)]));
    bench.advance(Duration::from_secs(46));
    while bench.is_sent("GET", INVITATION) {
        bench.break_off("GET", INVITATION, Sent::Maybe);
        bench.advance(Duration::from_secs(9));
    }
    assert_eq!(bench.result(ticket), None);
    bench.page(senders("21a1", accepted(operation, "21a1")));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_conversation_is_left_although_no_event_about_the_new_invitation_arrives() {
    let mut bench = established();
    bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    bench.advance(Duration::from_secs(11));
    let lives = json!({"rel": "conversation", "state": "Connected"});
    bench.reply("GET", &conversation_href("21a1"), 200, lives);
    bench.send(1, "Are you there?");
    let ticket = bench.submit(Operation::Leave(chat()));
    bench.break_off("POST", INVITE, Sent::Maybe);
    bench.advance(Duration::from_secs(31));
    bench.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}
