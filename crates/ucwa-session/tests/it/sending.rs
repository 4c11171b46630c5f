//! Messages on an established chat.

use std::time::Duration;

use serde_json::json;
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;

fn messages() -> String {
    format!("{}/messaging/messages", conversation_href("21a1"))
}

/// A session with an established chat.
pub(crate) fn established() -> TestDriver {
    let mut driver = TestDriver::with_conversation();
    establish(&mut driver);
    driver.reply(
        "GET",
        &participant_href("21a1"),
        200,
        json!({"rel": "participant", "name": "Lene Aaling"}),
    );
    driver.events.clear();
    driver
}

/// Starts the chat, which is accepted.
pub(crate) fn establish(driver: &mut TestDriver) {
    let ticket = driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let request = driver
        .created(
            "POST",
            &format!("{APP}/communication/messagingInvitations"),
            INVITATION,
        )
        .json();
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation(
                "started",
                request["operationId"].as_str().unwrap(),
                "21a1",
                "Connecting",
            ),
        )],
    ));
    driver.page(senders(
        "21a1",
        accepted(request["operationId"].as_str().unwrap(), "21a1"),
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.events.clear();
}

fn deliver(driver: &mut TestDriver, number: &str, status: &str) {
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", number, status))],
    ));
}

#[test]
fn a_message_is_delivered_when_the_server_reports_it() {
    let mut driver = established();
    let ticket = driver.send(1, "What's up?");
    let sent = driver.created("POST", &messages(), &message_href("21a1", "2"));
    assert!(sent.target().contains("?operationId="));
    assert_eq!(sent.body(), "What's up?");
    assert_eq!(
        sent.request.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(driver.result(ticket), None);
    deliver(&mut driver, "2", "Success");
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    let changes = driver.changes(chat());
    let [
        ConversationChange::MessageStatus {
            timestamp: Some(at),
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(
        at.duration_since(std::time::SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis(),
        1_700_000_123_000
    );
}

#[test]
fn an_undelivered_message_fails_with_the_reason() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    driver.created("POST", &messages(), &message_href("21a1", "2"));
    let event = with(
        delivery_event("21a1", "2", "Failure"),
        "reason",
        json!({"code": "RemoteFailure", "subcode": "Unreachable"}),
    );
    driver.page(senders("21a1", vec![(true, event)]));
    let failure = driver.failure(ticket);
    assert_eq!(
        (failure.kind(), failure.subcode()),
        (&FailureKind::Remote, Some("Unreachable"))
    );
}

#[test]
fn messages_are_sent_one_at_a_time_in_order() {
    let mut driver = established();
    let tickets: Vec<_> = (1..=3)
        .map(|number| driver.send(number, &format!("m{number}")))
        .collect();
    for number in 1..=3 {
        let posts = driver
            .sent
            .iter()
            .filter(|sent| sent.target().starts_with(&messages()))
            .count();
        assert_eq!(posts, 1);
        let sent = driver.created(
            "POST",
            &messages(),
            &message_href("21a1", &number.to_string()),
        );
        assert_eq!(sent.body(), format!("m{number}"));
    }
    // The delivery events may arrive in any order.
    for number in ["3", "1", "2"] {
        deliver(&mut driver, number, "Success");
    }
    assert!(
        tickets
            .iter()
            .all(|ticket| driver.result(*ticket) == Some(&Ok(Outcome::Delivered)))
    );
}

#[test]
fn messages_written_while_connecting_are_sent_in_order() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "first");
    let operation = driver
        .created(
            "POST",
            &format!("{APP}/communication/messagingInvitations"),
            INVITATION,
        )
        .json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.send(2, "second");
    driver.send(3, "third");
    assert!(!driver.is_sent("POST", &messages()));
    driver.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    assert_eq!(
        driver
            .created("POST", &messages(), &message_href("21a1", "1"))
            .body(),
        "second"
    );
    assert_eq!(
        driver
            .created("POST", &messages(), &message_href("21a1", "2"))
            .body(),
        "third"
    );
}

#[test]
fn queued_messages_fail_with_the_invitation() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "first");
    let operation = driver
        .created(
            "POST",
            &format!("{APP}/communication/messagingInvitations"),
            INVITATION,
        )
        .json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = driver.send(2, "second");
    let refused = with(
        invitation("completed", &operation, "21a1", "Declined"),
        "status",
        json!("Failure"),
    );
    let refused = with(
        refused,
        "reason",
        json!({"code": "RemoteFailure", "subcode": "Declined"}),
    );
    driver.page(senders("21a1", vec![(false, refused)]));
    assert_eq!(driver.failure(second).subcode(), Some("Declined"));
    assert_eq!(
        driver.delivery_results(chat()),
        [
            (MessageKey::Local(1), MessageStatus::Failed),
            (MessageKey::Local(2), MessageStatus::Failed)
        ]
    );
}

#[test]
fn a_delivery_event_may_precede_the_response() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    deliver(&mut driver, "2", "Success");
    assert_eq!(
        driver.result(ticket),
        None,
        "an event of an unknown message proves nothing yet"
    );
    driver.created("POST", &messages(), &message_href("21a1", "2"));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_delivery_event_of_another_endpoints_message_is_ignored() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    deliver(&mut driver, "99", "Failure");
    driver.created("POST", &messages(), &message_href("21a1", "2"));
    assert_eq!(driver.result(ticket), None);
    deliver(&mut driver, "2", "Success");
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_delivery_event_with_the_operation_id_needs_no_location() {
    let mut driver = established();
    let ticket = driver.send(1, "x");
    let target = driver
        .sent
        .iter()
        .find(|sent| sent.target().starts_with(&messages()))
        .unwrap()
        .target();
    let operation = target.split("operationId=").nth(1).unwrap().to_owned();
    let mut event = delivery_event("21a1", "2", "Success");
    event["_embedded"]["message"]["operationId"] = json!(operation);
    driver.page(senders("21a1", vec![(true, event)]));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_message_without_a_delivery_event_is_read_once() {
    for (status, answer, expected) in [
        (
            200,
            json!({"rel": "message", "status": "Succeeded"}),
            MessageStatus::Succeeded,
        ),
        (
            200,
            json!({"rel": "message", "status": "Failed"}),
            MessageStatus::Failed,
        ),
        (200, json!({"rel": "message"}), MessageStatus::Unknown),
        (404, json!({"code": "NotFound"}), MessageStatus::Unknown),
    ] {
        let mut driver = established();
        let ticket = driver.send(1, "x");
        driver.created("POST", &messages(), &message_href("21a1", "2"));
        driver.advance(Duration::from_secs(29));
        assert!(!driver.is_sent("GET", &message_href("21a1", "2")));
        driver.advance(Duration::from_secs(2));
        driver.reply("GET", &message_href("21a1", "2"), status, answer);
        assert_eq!(
            driver.delivery_results(chat()),
            [(MessageKey::Local(1), expected)]
        );
        assert_eq!(
            driver.result(ticket).unwrap().is_ok(),
            expected == MessageStatus::Succeeded
        );
        if expected == MessageStatus::Unknown {
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
            deliver(&mut driver, "2", "Success");
            assert_eq!(
                driver.delivery_results(chat()),
                [(MessageKey::Local(1), MessageStatus::Succeeded)],
                "a late delivery event counts"
            );
        }
    }
}

#[test]
fn the_status_of_an_event_outranks_that_of_the_message_in_it() {
    for (told, in_it, expected) in [
        ("Success", "Failed", MessageStatus::Succeeded),
        ("Failure", "Succeeded", MessageStatus::Failed),
        ("Success", "Pending", MessageStatus::Succeeded),
    ] {
        let mut driver = established();
        driver.send(1, "x");
        driver.created("POST", &messages(), &message_href("21a1", "2"));
        let mut event = delivery_event("21a1", "2", told);
        event["_embedded"]["message"]["status"] = json!(in_it);
        driver.page(senders("21a1", vec![(true, event)]));
        assert_eq!(
            driver.delivery_results(chat()),
            [(MessageKey::Local(1), expected)]
        );
    }
}

#[test]
fn an_event_is_matched_with_a_lost_response_and_the_order_is_kept() {
    let mut driver = established();
    let first = driver.send(1, "one");
    let second = driver.send(2, "two");
    driver.break_off("POST", &messages(), Sent::Maybe);
    assert!(!driver.is_sent("POST", &messages()));
    deliver(&mut driver, "2", "Success");
    let which = json!({"rel": "message", "direction": "Outgoing"});
    driver.reply("GET", &message_href("21a1", "2"), 200, which);
    assert_eq!(driver.result(first), Some(&Ok(Outcome::Delivered)));
    assert_eq!(
        driver
            .created("POST", &messages(), &message_href("21a1", "3"))
            .body(),
        "two"
    );
    deliver(&mut driver, "3", "Success");
    assert_eq!(driver.result(second), Some(&Ok(Outcome::Delivered)));
}

/// A user who has joined a conference twice gets a copy of each message in the other chat, and the result of the copy.
#[test]
fn the_result_of_a_copy_in_another_chat_is_not_that_of_the_message() {
    for (id, is_matched) in [("21a1", true), ("31", false)] {
        let mut driver = established();
        let ticket = driver.send(1, "one");
        driver.break_off("POST", &messages(), Sent::Maybe);
        deliver(&mut driver, "2", "Success");
        let messaging = json!({"href": format!("{}/messaging", conversation_href(id))});
        let read =
            json!({"rel": "message", "direction": "Outgoing", "_links": {"messaging": messaging}});
        driver.reply("GET", &message_href("21a1", "2"), 200, read);
        assert_eq!(driver.result(ticket).is_some(), is_matched, "{id}");
    }
}

#[test]
fn a_lost_response_without_an_event_is_unknown_and_the_queue_continues() {
    let mut driver = established();
    let first = driver.send(1, "one");
    driver.send(2, "two");
    driver.break_off("POST", &messages(), Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(first).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(driver.take("POST", &messages()).body(), "two");
}

#[test]
fn an_event_without_a_result_ends_no_message_whose_response_was_lost() {
    let mut driver = established();
    let ticket = driver.send(1, "one");
    let request = driver.take("POST", &messages());
    let operation = crate::handover::operation_id(&request);
    driver.sent.push_front(request);
    driver.break_off("POST", &messages(), Sent::Maybe);
    let outgoing = json!({"direction": "Outgoing", "operationId": operation});
    let completed = event("completed", "message", &message_href("21a1", "2"), outgoing);
    driver.page(senders("21a1", vec![(true, completed)]));
    assert_eq!(driver.result(ticket), None);
    deliver(&mut driver, "2", "Success");
    let which = json!({"rel": "message", "direction": "Outgoing"});
    driver.reply("GET", &message_href("21a1", "2"), 200, which);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_server_error_leaves_the_delivery_unknown() {
    let mut driver = established();
    let ticket = driver.send(1, "one");
    driver.reply("POST", &messages(), 502, serde_json::Value::Null);
    assert_eq!(driver.result(ticket), None);
    deliver(&mut driver, "2", "Success");
    let which = json!({"rel": "message", "direction": "Outgoing"});
    driver.reply("GET", &message_href("21a1", "2"), 200, which);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn too_many_requests_is_repeated_after_the_pause_that_the_server_asks_for() {
    let mut driver = established();
    driver.send(1, "one");
    let post = driver.take("POST", &messages());
    let response = http::Response::builder()
        .status(429)
        .header("retry-after", "7")
        .body("".into())
        .unwrap();
    driver.respond(post.id, response);
    driver.advance(Duration::from_secs(6));
    assert!(!driver.is_sent("POST", &messages()));
    driver.advance(Duration::from_secs(1));
    assert!(driver.is_sent("POST", &messages()));
}

#[test]
fn a_message_to_a_missing_conversation_fails_without_a_repeat() {
    let mut driver = established();
    let ticket = driver.send(1, "one");
    driver.reply("POST", &messages(), 404, json!({"code": "NotFound"}));
    assert_eq!(driver.failure(ticket).status(), Some(404));
    assert!(
        driver
            .changes(chat())
            .iter()
            .any(|change| matches!(change, ConversationChange::ChatDisconnected { .. }))
    );
    driver.advance(Duration::from_secs(11));
    driver.reply(
        "GET",
        &conversation_href("21a1"),
        404,
        json!({"code": "NotFound"}),
    );
    assert!(matches!(
        driver.changes(chat()).last(),
        Some(ConversationChange::Ended { .. })
    ));
    assert!(!driver.is_sent("POST", ""));
}

#[test]
fn an_empty_message_is_refused_before_it_is_sent() {
    let mut driver = established();
    let ticket = driver.send(1, "");
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Failed)]
    );
    driver.send(2, " ");
    assert!(driver.is_sent("POST", &messages()));
}

#[test]
fn html_is_sent_as_text_if_the_peer_supports_only_text() {
    let mut driver = established();
    driver.submit(Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(1),
        body: MessageBody::Html("<b>you &amp; me</b>".to_owned()),
        subject: None,
        message_id: None,
    });
    let sent = driver.take("POST", &messages());
    assert_eq!(
        (
            sent.body().as_str(),
            &sent.request.headers()["content-type"]
        ),
        ("you & me", &"text/plain; charset=utf-8".parse().unwrap())
    );
}

#[test]
fn typing_is_reported_in_both_directions() {
    let mut driver = established();
    let ticket = driver.submit(Operation::SendIsTyping(chat()));
    driver.reply(
        "POST",
        &format!("{}/messaging/typing", conversation_href("21a1")),
        204,
        serde_json::Value::Null,
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let typing = |kind| {
        (
            true,
            bare(
                kind,
                "participant",
                &participant_href("21a1"),
                Some(("typingParticipants", "/x")),
            ),
        )
    };
    driver.page(senders("21a1", vec![typing("added")]));
    driver.page(senders("21a1", vec![typing("deleted")]));
    let change = |typing| ConversationChange::typing(peer(), typing);
    assert_eq!(
        driver.changes(chat()),
        [change(true), change(false)],
        "an event with `in` is neither a join nor a leave"
    );
}

#[test]
fn received_messages_are_shown_once_and_in_order() {
    let mut driver = established();
    let one = (true, arrival("21a1", "5", "one"));
    let bare_two = (
        true,
        bare("completed", "message", &message_href("21a1", "6"), None),
    );
    let three = (true, arrival("21a1", "7", "three+%2b"));
    let started = (
        true,
        bare("started", "message", &message_href("21a1", "7"), None),
    );
    driver.page(senders(
        "21a1",
        vec![one.clone(), started, bare_two, three, one],
    ));
    assert_eq!(
        driver.received(chat()),
        ["one"],
        "later messages wait for one that is being read"
    );
    let two = arrival("21a1", "6", "two")["_embedded"]["message"].clone();
    driver.reply("GET", &message_href("21a1", "6"), 200, two);
    assert_eq!(driver.received(chat()), ["two", "three +"]);
}

#[test]
fn content_that_is_neither_text_nor_html_is_shown_raw() {
    let mut driver = established();
    let mut event = arrival("21a1", "5", "");
    event["_embedded"]["message"]["_links"]["plainMessage"]["href"] = json!(
        "data:multipart/alternative;charset=utf-8;boundary=b,--b%0d%0a%0d%0aone+%2b+one%0d%0a--b--%0d%0a"
    );
    driver.page(senders("21a1", vec![(true, event)]));
    let changes = driver.changes(chat());
    let [ConversationChange::MessageReceived { body, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    let expected = MessageBody::other(
        "multipart/alternative".to_owned(),
        "--b\r\n\r\none + one\r\n--b--\r\n".to_owned(),
    );
    assert_eq!(*body, expected);
}

#[test]
fn a_message_from_outside_the_roster_is_shown_with_its_sender() {
    let mut driver = established();
    let mut event = arrival("21a1", "5", "hi");
    event["_embedded"]["message"]["_embedded"] =
        json!({"senderParticipant": [{"uri": "sip:johndoe@contoso.com", "name": "John Doe"}]});
    driver.page(senders("21a1", vec![(true, event)]));
    let changes = driver.changes(chat());
    let [ConversationChange::MessageReceived { sender, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (sender.uri.as_deref(), sender.name.as_deref()),
        (Some("sip:johndoe@contoso.com"), Some("John Doe"))
    );
    assert_ne!(sender.key, peer());
}

#[test]
fn a_message_that_restarts_an_ended_conversation_is_pending_until_it_is_sent() {
    let mut driver = established();
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.send(7, "Are you there?");
    driver.advance(Duration::from_secs(10));
    driver.changes(chat());
    let gone = json!({"code": "NotFound"});
    driver.reply("GET", &conversation_href("21a1"), 404, gone);
    let request = driver.take("POST", crate::fixtures::INVITATIONS);
    assert!(request.json()["_links"]["message"].is_object());
    let changes = driver.changes(chat());
    assert_eq!(
        changes,
        [
            ConversationChange::Connecting,
            ConversationChange::ChatConnecting,
        ],
        "neither the conversation nor the message has ended"
    );
    let refused = answer(403, json!({"code": "Forbidden"}));
    driver.respond(request.id, refused);
    let changes = driver.changes(chat());
    assert!(
        matches!(
            changes.as_slice(),
            [
                ConversationChange::MessageStatus {
                    status: MessageStatus::Failed,
                    ..
                },
                ConversationChange::Ended { .. }
            ]
        ),
        "{changes:?}"
    );
}
