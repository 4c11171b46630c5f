//! Stopping, leaving, remote ends, and restarts.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

fn ended(changes: &[ConversationChange]) -> usize {
    changes
        .iter()
        .filter(|change| matches!(change, ConversationChange::Ended { .. }))
        .count()
}

#[test]
fn leaving_deletes_the_conversation_and_later_events_change_nothing() {
    let mut driver = established();
    let ticket = driver.submit(Operation::Leave(chat()));
    let joined = driver.submit(Operation::Leave(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.result(joined), Some(&Ok(Outcome::Done)));
    assert_eq!(
        driver.changes(chat()),
        [
            ConversationChange::ChatDisconnecting,
            ConversationChange::ended(None)
        ]
    );
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (
                true,
                bare("deleted", "participant", &participant_href("21a1"), None),
            ),
            (false, conversation_event("updated", "21a1", "Disconnected")),
            (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            ),
        ],
    ));
    assert!(driver.changes(chat()).is_empty());
}

#[test]
fn leaving_an_unestablished_conversation_sends_nothing() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.submit(Operation::Leave(chat()));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.sent.len(), 1, "only the pending GET");
}

#[test]
fn without_a_delete_link_leaving_stops_the_only_modality() {
    let mut driver = established();
    let ticket = driver.submit(Operation::Leave(chat()));
    driver.reply(
        "DELETE",
        &conversation_href("21a1"),
        405,
        json!({"code": "MethodNotAllowed"}),
    );
    driver.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(ended(&driver.changes(chat())), 1);
}

#[test]
fn a_refused_leave_leaves_the_conversation_as_it_was() {
    let mut driver = established();
    let ticket = driver.submit(Operation::Leave(chat()));
    driver.reply(
        "DELETE",
        &conversation_href("21a1"),
        400,
        json!({"code": "BadRequest"}),
    );
    assert_eq!(driver.failure(ticket).status(), Some(400));
    assert_eq!(
        driver.changes(chat()).last(),
        Some(&ConversationChange::end_refused(true))
    );
    driver.send(5, "still here");
    assert!(driver.is_sent(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1"))
    ));
}

#[test]
fn leaving_while_inviting_cancels_and_settles_the_message() {
    let mut driver = TestDriver::with_conversation();
    let message = driver.send(1, "Hello");
    let operation = driver.created("POST", INVITE, INVITATION).json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    // The cancel link is not known yet, so the cancellation is delayed.
    let leave = driver.submit(Operation::Leave(chat()));
    assert_eq!(driver.sent.len(), 1);
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    driver.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert_eq!(
        driver.result(message),
        None,
        "the delivery event is still expected"
    );
    let completed = with(
        invitation("completed", &operation, "21a1", "Cancelled"),
        "status",
        json!("Failure"),
    );
    driver.page(senders(
        "21a1",
        vec![(
            false,
            with(
                completed,
                "reason",
                json!({"code": "LocalFailure", "subcode": "Canceled"}),
            ),
        )],
    ));
    assert_eq!(driver.failure(message).subcode(), Some("Canceled"));
    assert_eq!(driver.result(leave), Some(&Ok(Outcome::Done)));
    assert_eq!(
        driver.changes(chat()).last(),
        Some(&ConversationChange::ended(None))
    );
}

#[test]
fn an_acceptance_that_crosses_the_cancellation_delivers_before_leaving() {
    let mut driver = TestDriver::with_conversation();
    let message = driver.send(1, "Hello");
    let operation = driver.created("POST", INVITE, INVITATION).json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    let leave = driver.submit(Operation::Leave(chat()));
    driver.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        404,
        json!({"code": "NotFound"}),
    );
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    assert_eq!(driver.result(message), Some(&Ok(Outcome::Delivered)));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(driver.result(leave), Some(&Ok(Outcome::Done)));
}

#[test]
fn the_peer_may_leave_in_any_of_the_documented_ways() {
    let ways: [Vec<(bool, Value)>; 4] = [
        vec![(false, conversation_event("updated", "21a1", "Disconnected"))],
        vec![(
            false,
            bare("deleted", "conversation", &conversation_href("21a1"), None),
        )],
        vec![
            (true, messaging("21a1", "Disconnected")),
            (
                true,
                bare("deleted", "participant", &participant_href("21a1"), None),
            ),
            (false, conversation_event("updated", "21a1", "Disconnected")),
            (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            ),
        ],
        vec![
            (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            ),
            (true, messaging("21a1", "Disconnected")),
        ],
    ];
    for way in ways {
        let mut driver = established();
        driver.page(senders("21a1", way));
        assert_eq!(ended(&driver.changes(chat())), 1);
        driver.advance(Duration::from_secs(60));
        assert!(driver.changes(chat()).is_empty());
    }
}

#[test]
fn a_delivery_event_in_the_last_page_counts() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    driver.created(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
        &message_href("21a1", "2"),
    );
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            ),
            (true, delivery_event("21a1", "2", "Success")),
        ],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_message_without_a_delivery_event_is_unknown_after_the_end() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    driver.created(
        "POST",
        &format!("{}/messaging/messages", conversation_href("21a1")),
        &message_href("21a1", "2"),
    );
    driver.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Disconnected"))],
    ));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Unknown)]
    );
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "2", "Failure"))],
    ));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
}

#[test]
fn a_conversation_that_lost_its_chat_is_read_after_ten_seconds() {
    for (status, over) in [(404, 1), (200, 0)] {
        let mut driver = established();
        driver.page(senders(
            "21a1",
            vec![(true, messaging("21a1", "Disconnected"))],
        ));
        let changes = driver.changes(chat());
        assert!(
            matches!(
                changes.as_slice(),
                [ConversationChange::ChatDisconnected { .. }]
            ),
            "{changes:?}"
        );
        driver.advance(Duration::from_secs(9));
        assert!(!driver.is_sent("GET", &conversation_href("21a1")));
        let waiting = driver.send(1, "still there?");
        driver.advance(Duration::from_secs(1));
        let body = match status {
            404 => json!({"code": "NotFound"}),
            _ => conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone(),
        };
        driver.reply("GET", &conversation_href("21a1"), status, body);
        // The queued message restarts the conversation, so the caller sees no end.
        let changes = driver.changes(chat());
        assert_eq!(ended(&changes), 0);
        let restarts = changes.contains(&ConversationChange::Connecting);
        assert_eq!(restarts, over == 1, "{changes:?}");
        // The queued message takes the path that the response allows.
        let target = if over == 1 {
            INVITE.to_owned()
        } else {
            format!("{INVITE}?conversationId=21a1")
        };
        let invite = driver.take("POST", &target);
        assert_eq!(
            invite.json()["to"].is_null(),
            over == 0,
            "an invitation into the conversation names no participant"
        );
        assert_eq!(driver.result(waiting), None);
    }
}

#[test]
fn stopping_the_only_modality_ends_the_chat_and_the_conversation_follows() {
    let mut driver = established();
    let ticket = driver.submit(Operation::StopChat(chat()));
    driver.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        404,
        json!({"code": "NotFound"}),
    );
    assert_eq!(
        driver.result(ticket),
        Some(&Ok(Outcome::Done)),
        "a 404 means that the chat has ended"
    );
    driver.page(senders(
        "21a1",
        vec![(
            false,
            bare("deleted", "conversation", &conversation_href("21a1"), None),
        )],
    ));
    assert_eq!(ended(&driver.changes(chat())), 1);
}

#[test]
fn a_late_result_of_a_message_is_reported_also_after_a_restart() {
    let mut driver = established();
    driver.send(1, "x");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.created("POST", &messages, &message_href("21a1", "2"));
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    driver.send(9, "again");
    let href = format!("{INVITE}/61d");
    let request = driver.created("POST", INVITE, &href).json();
    let operation = request["operationId"].as_str().unwrap();
    let mut started = invitation("started", operation, "22b2", "Connecting");
    started["link"]["href"] = json!(href);
    driver.page(senders("22b2", vec![(false, started)]));
    driver.changes(chat());
    let late = delivery_event("21a1", "2", "Success");
    driver.page(senders("21a1", vec![(true, late)]));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
}

#[test]
fn a_restart_keeps_the_thread_and_ignores_events_of_the_earlier_life() {
    let mut driver = established();
    driver.submit(Operation::Leave(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    driver.changes(chat());
    let ticket = driver.send(9, "again");
    let request = driver
        .created(
            "POST",
            INVITE,
            "/ucwa/oauth/v1/applications/102/communication/messagingInvitations/61d",
        )
        .json();
    assert_eq!(request["threadId"], "t1");
    let operation = request["operationId"].as_str().unwrap();
    driver.page(senders(
        "22b2",
        vec![(
            false,
            invitation("started", operation, "22b2", "Connecting"),
        )],
    ));
    // Late events of the conversation that was left.
    driver.page(senders(
        "21a1",
        vec![
            (false, conversation_event("updated", "21a1", "Disconnected")),
            (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            ),
        ],
    ));
    driver.page(senders("22b2", accepted(operation, "22b2")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    assert_eq!(ended(&driver.changes(chat())), 0);
}

#[test]
fn a_forgotten_conversation_is_left_first() {
    let mut driver = established();
    let ticket = driver.submit(Operation::ForgetConversation(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let late = driver.send(1, "x");
    assert_eq!(driver.failure(late).kind(), &FailureKind::InvalidArgument);
}

#[test]
fn a_normal_end_has_no_failure() {
    let mut driver = established();
    let over = conversation_event("updated", "21a1", "Disconnected");
    let reason = json!({"code": "Informational", "subcode": "CallTerminated"});
    driver.page(senders("21a1", vec![(false, with(over, "reason", reason))]));
    let changes = driver.changes(chat());
    assert_eq!(changes.last(), Some(&ConversationChange::ended(None)));
}

#[test]
fn messages_of_the_peer_are_shown_after_the_conversation_was_left() {
    let mut driver = established();
    driver.submit(Operation::Leave(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    driver.changes(chat());
    let late = (true, arrival("21a1", "5", "one more thing"));
    driver.page(senders("21a1", vec![late.clone(), late]));
    let changes = driver.changes(chat());
    let [ConversationChange::MessageReceived { sender, body, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(sender.key, peer());
    assert_eq!(*body, MessageBody::Text("one more thing".to_owned()));
}

#[test]
fn a_410_is_handled_like_a_404() {
    let said = |code| json!({"code": code, "subcode": "CannotRedirect"});
    for (status, gone) in [
        (404, said("NotFound")),
        (410, said("Gone")),
        (404, Value::Null),
    ] {
        let mut driver = established();
        let left = driver.submit(Operation::Leave(chat()));
        driver.reply("DELETE", &conversation_href("21a1"), status, gone.clone());
        assert_eq!(driver.result(left), Some(&Ok(Outcome::Done)), "{status}");

        let mut driver = established();
        let ticket = driver.send(1, "one");
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        driver.reply("POST", &messages, status, gone.clone());
        assert_eq!(driver.failure(ticket).status(), Some(status));
        driver.advance(Duration::from_secs(11));
        driver.reply("GET", &conversation_href("21a1"), status, gone.clone());
        assert_eq!(ended(&driver.changes(chat())), 1, "{status}");

        let mut driver = TestDriver::signed_in();
        driver.page(offered("17b", "Hi Tosh"));
        let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
        let accepted = driver.submit(Operation::Accept(key));
        driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
        driver.advance(Duration::from_secs(46));
        driver.reply("GET", INVITATION, status, gone);
        assert_eq!(driver.failure(accepted).kind(), &FailureKind::Remote);
        assert_eq!(ended(&driver.changes(key)), 1, "{status}");
    }
}

#[test]
fn no_timer_of_a_conversation_remains_after_its_end() {
    let mut driver = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.send(1, "one");
    driver.created("POST", &messages, &message_href("21a1", "1"));
    assert_eq!(
        driver.session.workload().deadlines,
        1,
        "the delivery result"
    );
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    assert_eq!(ended(&driver.changes(chat())), 1);
    assert_eq!(driver.session.workload().deadlines, 0);
}

#[test]
fn a_message_lost_in_an_earlier_life_is_not_read_in_the_next() {
    let mut driver = established();
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    driver.send(1, "one");
    driver.break_off("POST", &messages, Sent::Maybe);
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    driver.send(2, "two");
    let href = format!("{INVITE}/2");
    let operation = driver.created("POST", INVITE, &href).json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut started = invitation("started", &operation, "22b2", "Connecting");
    started["link"]["href"] = json!(href);
    driver.page(senders("22b2", vec![(false, started)]));
    driver.page(senders("22b2", accepted(&operation, "22b2")));
    // The result of a message that another endpoint sent.
    driver.page(senders(
        "22b2",
        vec![(true, delivery_event("22b2", "9", "Success"))],
    ));
    assert!(!driver.is_sent("GET", &message_href("22b2", "9")));
}

/// A server that keeps a conversation after this user left it delivers every message in that conversation and in the next.
#[test]
fn a_message_in_an_ended_conversation_and_the_present_one_is_shown_once() {
    for late_first in [false, true] {
        let mut driver = established();
        driver.submit(Operation::Leave(chat()));
        driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        driver.send(1, "again");
        let sent = driver.created("POST", crate::fixtures::INVITATIONS, INVITATION);
        let operation = sent.json()["operationId"].as_str().unwrap().to_owned();
        let mut page = vec![(
            false,
            invitation("started", &operation, "333", "Connecting"),
        )];
        page.extend(accepted(&operation, "333"));
        driver.page(senders("333", page));
        driver.events.clear();
        let mut places = ["333", "21a1"];
        if late_first {
            places.reverse();
        }
        for id in places {
            driver.page(senders(id, vec![(true, arrival(id, "7", "Hi"))]));
        }
        assert_eq!(driver.received(chat()), ["Hi"], "{late_first}");
        // The same text twice in one conversation is two messages.
        driver.page(senders("333", vec![(true, arrival("333", "8", "Hi"))]));
        driver.page(senders("333", vec![(true, arrival("333", "9", "Hi"))]));
        assert_eq!(driver.received(chat()).len(), 2, "{late_first}");
    }
}

/// The hrefs of participants belong to the conversation, so that the peer has another one there.
#[test]
fn the_peer_of_a_conversation_whose_chat_begins_again_elsewhere_is_the_same() {
    let mut driver = established();
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.advance(Duration::from_secs(10));
    let read = conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("21a1"), 200, read);
    driver.send(1, "again");
    let invite = driver.take("POST", &format!("{INVITE}?conversationId=21a1"));
    let operation = invite.json()["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &operation, "333", "Connecting");
    driver.page(senders("333", vec![(false, started)]));
    driver.page(senders("333", accepted(&operation, "333")));
    let changes = driver.changes(chat());
    let joined = |change: &ConversationChange| matches!(change, ConversationChange::ParticipantJoined(it) if it.key != peer());
    assert!(!changes.iter().any(joined), "{changes:?}");
}
