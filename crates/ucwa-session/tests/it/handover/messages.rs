//! Messages that have no result when a session is handed over.

use super::*;

/// The results of messages of the earlier session.
pub(crate) fn settled(
    driver: &mut TestDriver,
    key: ConversationKey,
) -> Vec<(String, MessageStatus)> {
    let changes = driver.changes(key).into_iter();
    let settled = changes.filter_map(|change| match change {
        ConversationChange::MessageSettled {
            message_id, status, ..
        } => Some((message_id, status)),
        _ => None,
    });
    settled.collect()
}

/// The operation ID in the request that posted a message.
pub(crate) fn operation_id(request: &Request) -> String {
    let target = request.target();
    target.split_once("operationId=").unwrap().1.to_owned()
}

/// A checkpoint with a message whose request was answered with its href, or was not answered.
pub(crate) fn with_doubtful_message(is_posted: bool) -> (Checkpoint, String) {
    let mut old = chatting();
    old.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let request = match is_posted {
        true => old.created("POST", &messages, &message_href("21a1", "2")),
        false => old.take("POST", &messages),
    };
    let checkpoint = old.session.checkpoint().unwrap();
    (checkpoint, operation_id(&request))
}

#[test]
fn the_result_of_a_message_with_an_href_is_read() {
    for (answer, expected) in [
        ("Succeeded", MessageStatus::Succeeded),
        ("Failed", MessageStatus::Failed),
    ] {
        let (checkpoint, id) = with_doubtful_message(true);
        assert_eq!(checkpoint.doubtful_messages().collect::<Vec<_>>(), [&*id]);
        let (mut driver, key) = resumed_chat(&checkpoint);
        let message = json!({"rel": "message", "direction": "Outgoing", "status": answer});
        driver.reply("GET", &message_href("21a1", "2"), 200, message);
        assert_eq!(settled(&mut driver, key), [(id, expected)]);
        driver.advance(40 * SECOND);
        assert_eq!(settled(&mut driver, key), []);
        assert_eq!(driver.count_sent("POST", &conversation_href("21a1")), 0);
    }
}

#[test]
fn a_message_without_evidence_is_unknown_after_30_seconds_and_later_evidence_settles_it() {
    let (checkpoint, id) = with_doubtful_message(true);
    let (mut driver, key) = resumed_chat(&checkpoint);
    let message = json!({"rel": "message", "direction": "Outgoing", "status": "Pending"});
    let href = message_href("21a1", "2");
    driver.reply("GET", &href, 200, message.clone());
    driver.advance(29 * SECOND);
    assert!(!driver.is_sent("GET", &href));
    driver.advance(SECOND);
    driver.reply("GET", &href, 200, message);
    assert_eq!(
        settled(&mut driver, key),
        [(id.clone(), MessageStatus::Unknown)]
    );
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "2", "Success"))],
    ));
    assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
}

#[test]
fn a_message_without_an_href_is_settled_by_its_operation_id_or_unknown() {
    for is_reported in [true, false] {
        let (checkpoint, id) = with_doubtful_message(false);
        let (mut driver, key) = resumed_chat(&checkpoint);
        answer_reads(&mut driver, "21a1");
        if is_reported {
            let mut event = delivery_event("21a1", "2", "Success");
            event["_embedded"]["message"]["operationId"] = json!(id);
            driver.page(senders("21a1", vec![(true, event)]));
            assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
        } else {
            driver.advance(31 * SECOND);
            assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Unknown)]);
        }
        // Nothing is sent again.
        assert_eq!(driver.count_sent("POST", &conversation_href("21a1")), 0);
    }
}

/// The event with the result has no operation ID, and came before the response to the request, which was lost.
#[test]
fn a_result_that_the_session_before_could_not_match_settles_its_message() {
    for (status, expected) in [
        ("Success", MessageStatus::Succeeded),
        ("Failure", MessageStatus::Failed),
    ] {
        let mut old = chatting();
        old.send(1, "one");
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        let id = operation_id(&old.take("POST", &messages));
        old.page(senders(
            "21a1",
            vec![(true, delivery_event("21a1", "2", status))],
        ));
        let checkpoint = old.session.checkpoint().unwrap();
        let (mut driver, key) = resumed_chat(&checkpoint);
        let message = json!({"rel": "message", "direction": "Outgoing", "operationId": id});
        driver.reply("GET", &message_href("21a1", "2"), 200, message);
        assert_eq!(settled(&mut driver, key), [(id, expected)]);
    }
}

#[test]
fn the_message_of_an_invitation_gets_its_result_from_the_invitation() {
    for (is_started, is_read) in [(true, false), (true, true), (false, false)] {
        let mut old = TestDriver::with_conversation();
        old.send(1, "Hi Lene");
        let invitations = format!("{APP}/communication/messagingInvitations");
        let request = match is_started {
            true => old.created("POST", &invitations, INVITATION),
            false => old.take("POST", &invitations),
        };
        let id = request.json()["operationId"].as_str().unwrap().to_owned();
        let started = vec![(false, invitation("started", &id, "21a1", "Connecting"))];
        if is_started {
            old.page(senders("21a1", started));
        }
        let checkpoint = old.session.checkpoint().unwrap();
        let (mut driver, key) = resumed_chat(&checkpoint);
        if is_read {
            let accepted = invitation("updated", &id, "21a1", "Connected");
            let accepted = accepted["_embedded"]["messagingInvitation"].clone();
            driver.reply("GET", INVITATION, 200, accepted);
        } else if is_started {
            driver.page(senders("21a1", accepted(&id, "21a1")));
        } else {
            driver.advance(31 * SECOND);
            assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Unknown)]);
            continue;
        }
        assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
        assert_eq!(driver.count_sent("POST", "/"), 0);
    }
}

#[test]
fn the_message_of_a_pending_invitation_has_no_result_yet() {
    let mut old = TestDriver::with_conversation();
    old.send(1, "Hi Lene");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = old.created("POST", &invitations, INVITATION);
    let id = request.json()["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &id, "21a1", "Connecting");
    old.page(senders("21a1", vec![(false, started.clone())]));
    let (mut driver, key) = resumed_chat(&old.session.checkpoint().unwrap());
    let pending = started["_embedded"]["messagingInvitation"].clone();
    driver.reply("GET", INVITATION, 200, pending);
    driver.advance(40 * SECOND);
    assert_eq!(settled(&mut driver, key), []);
    // The event names the invitation by its href only.
    let completed = bare("completed", "messagingInvitation", INVITATION, None);
    let accepted = with(completed, "status", json!("Success"));
    driver.page(senders("21a1", vec![(false, accepted)]));
    assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
}

/// The process was killed before it learned of the conversation. The events that describe the chat are acknowledged.
#[test]
fn a_chat_whose_invitation_names_the_conversation_is_read() {
    let mut old = TestDriver::with_conversation();
    old.send(1, "Hi Lene");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = old.created("POST", &invitations, INVITATION);
    let id = request.json()["operationId"].as_str().unwrap().to_owned();
    let (mut driver, key) = resumed_chat(&old.session.checkpoint().unwrap());
    let accepted = invitation("updated", &id, "21a1", "Connected");
    let accepted = accepted["_embedded"]["messagingInvitation"].clone();
    driver.reply("GET", INVITATION, 200, accepted);
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(2),
        body: MessageBody::Text("Hello again".to_owned()),
        subject: None,
        message_id: None,
    });
    answer_reads(&mut driver, "21a1");
    assert_eq!(driver.count_sent("POST", &conversation_href("21a1")), 1);
}

#[test]
fn a_doubtful_message_is_handed_over_again() {
    let (checkpoint, id) = with_doubtful_message(false);
    let (mut driver, _) = resumed_chat(&checkpoint);
    let again = driver.session.detach(driver.now).unwrap();
    assert_eq!(again.doubtful_messages().collect::<Vec<_>>(), [&*id]);
}

#[test]
fn a_result_at_an_href_that_the_conversation_has_left_settles_the_message() {
    let mut old = chatting();
    old.send(1, "one");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let one = operation_id(&old.created("POST", &messages, &message_href("21a1", "2")));
    old.send(2, "two");
    old.reply("POST", &messages, 404, Value::Null);
    old.send(3, "three");
    old.advance(10 * SECOND);
    let href = conversation_href("21a1");
    old.reply("GET", &href, 200, conversation_resource("21a1"));
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = old.created("POST", &invitations, INVITATION);
    let three = request.json()["operationId"].as_str().unwrap().to_owned();
    old.page(json!([communication(vec![invitation(
        "started",
        &three,
        "31",
        "Connecting"
    )])]));
    let (mut driver, key) = resumed_chat(&old.session.checkpoint().unwrap());
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "2", "Failure"))],
    ));
    assert_eq!(settled(&mut driver, key), [(one, MessageStatus::Failed)]);
}
