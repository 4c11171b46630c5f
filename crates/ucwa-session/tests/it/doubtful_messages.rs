//! Messages that the caller adds to a checkpoint, because its own records say that they may have been sent.

use std::time::Duration;

use serde_json::json;
use ucwa_session::*;

use crate::driver::*;
use crate::handover::{
    answer_reads, chat_checkpoint, chatting, resumed, resumed_chat, settled, with_doubtful_message,
};
use crate::pages::*;
use crate::unclaimed::discovered;

const LENE: &str = "sip:lenea@contoso.com";
const SECOND: Duration = Duration::from_secs(1);

/// A message of the caller's outbox.
fn message(to: &str) -> DoubtfulMessage {
    DoubtfulMessage::text("outbox-1", to, "one")
}

/// A checkpoint of a session with a chat, to which the caller adds a message.
fn chat_checkpoint_with(message: DoubtfulMessage) -> Checkpoint {
    let mut checkpoint = chat_checkpoint();
    assert!(checkpoint.add_doubtful_message(message));
    let ids: Vec<_> = checkpoint.doubtful_messages().collect();
    assert_eq!(ids, ["outbox-1"]);
    checkpoint
}

/// A checkpoint of a session without conversations, to which the caller adds a message.
fn checkpoint_with(message: DoubtfulMessage) -> Checkpoint {
    let mut checkpoint = TestDriver::signed_in().session.checkpoint().unwrap();
    assert!(checkpoint.add_doubtful_message(message));
    assert_eq!(checkpoint.conversations(), 1);
    checkpoint
}

fn outbox(status: MessageStatus) -> [(String, MessageStatus); 1] {
    [("outbox-1".to_owned(), status)]
}

fn posts(driver: &TestDriver) -> usize {
    driver.count_sent("POST", "/")
}

fn has_ended(changes: &[ConversationChange]) -> bool {
    matches!(changes.last(), Some(ConversationChange::Ended { .. }))
}

#[test]
fn a_message_in_a_chat_of_the_checkpoint_is_settled_by_an_event_or_unknown() {
    for is_reported in [true, false] {
        let checkpoint = chat_checkpoint_with(message("LeneA@contoso.com"));
        assert_eq!(checkpoint.conversations(), 1);
        let (mut driver, key) = resumed_chat(&checkpoint);
        answer_reads(&mut driver, "21a1");
        driver.advance(29 * SECOND);
        assert_eq!(settled(&mut driver, key), []);
        if is_reported {
            let mut event = delivery_event("21a1", "2", "Success");
            event["_embedded"]["message"]["operationId"] = json!("outbox-1");
            driver.page(senders("21a1", vec![(true, event)]));
            assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
        } else {
            driver.advance(2 * SECOND);
            assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Unknown));
        }
        assert_eq!(posts(&driver), 0);
    }
}

#[test]
fn a_message_without_an_operation_id_at_the_server_is_matched_by_its_text() {
    let html = DoubtfulMessage::html("outbox-1", LENE, "<b>o</b>ne");
    for message in [message(LENE), html] {
        let (mut driver, key) = resumed_chat(&chat_checkpoint_with(message));
        answer_reads(&mut driver, "21a1");
        driver.page(senders(
            "21a1",
            vec![(true, delivery_event("21a1", "2", "Success"))],
        ));
        let read = json!({
            "rel": "message",
            "direction": "Outgoing",
            "_links": {"plainMessage": {"href": "data:text/plain,one"}},
        });
        driver.reply("GET", &message_href("21a1", "2"), 200, read);
        assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
    }
}

#[test]
fn a_message_with_an_href_is_read() {
    let href = message_href("21a1", "2");
    // The peer of the conversation has changed in the meantime, but the href belongs to the conversation.
    for to in [LENE, "sip:alexd@contoso.com"] {
        let checkpoint = chat_checkpoint_with(message(to).with_remote_id(&href));
        let (mut driver, key) = resumed_chat(&checkpoint);
        let read = json!({"rel": "message", "direction": "Outgoing", "status": "Failed"});
        driver.reply("GET", &href, 200, read);
        assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Failed));
    }
}

#[test]
fn a_message_of_the_checkpoint_is_not_added_again_but_gets_its_href() {
    let (mut checkpoint, id) = with_doubtful_message(false);
    let href = message_href("21a1", "2");
    let again = DoubtfulMessage::text(&id, LENE, "one").with_remote_id(&href);
    assert!(checkpoint.add_doubtful_message(again));
    assert_eq!(checkpoint.doubtful_messages().collect::<Vec<_>>(), [&*id]);
    let (mut driver, key) = resumed_chat(&checkpoint);
    let read = json!({"rel": "message", "direction": "Outgoing", "status": "Succeeded"});
    driver.reply("GET", &href, 200, read);
    assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
}

#[test]
fn a_message_to_a_peer_without_a_conversation_is_settled_by_its_invitation() {
    for is_read in [false, true] {
        let message = match is_read {
            true => message(LENE).with_remote_id(INVITATION),
            false => message(LENE),
        };
        let (mut driver, _) = resumed(&checkpoint_with(message));
        driver.reply("GET", APP, 200, application(false));
        let key = discovered(&driver).unwrap();
        let started = invitation("started", "outbox-1", "21a1", "Connecting");
        driver.page(senders("21a1", vec![(false, started)]));
        if is_read {
            let accepted = invitation("updated", "outbox-1", "21a1", "Connected");
            let accepted = accepted["_embedded"]["messagingInvitation"].clone();
            driver.reply("GET", INVITATION, 200, accepted);
        } else {
            driver.page(senders("21a1", accepted("outbox-1", "21a1")));
        }
        let is_discovery = |it: &&SessionEvent| matches!(it, SessionEvent::Discovered { .. });
        assert_eq!(driver.events.iter().filter(is_discovery).count(), 1);
        assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
        assert_eq!(posts(&driver), 0);
    }
}

#[test]
fn a_message_that_was_never_sent_is_unknown_and_its_conversation_ends() {
    let mut checkpoint = checkpoint_with(message(LENE));
    // A second message to the same peer belongs to the same conversation.
    let second = DoubtfulMessage::text("outbox-2", LENE, "two");
    assert!(checkpoint.add_doubtful_message(second));
    assert_eq!(checkpoint.conversations(), 1);
    let (mut driver, _) = resumed(&checkpoint);
    driver.reply("GET", APP, 200, application(false));
    let key = discovered(&driver).unwrap();
    driver.advance(31 * SECOND);
    let changes = driver.changes(key);
    let unknown = changes.iter().filter(|it| {
        matches!(
            it,
            ConversationChange::MessageSettled {
                status: MessageStatus::Unknown,
                ..
            }
        )
    });
    assert_eq!(unknown.count(), 2);
    assert!(has_ended(&changes), "{changes:?}");
    assert_eq!(posts(&driver), 0);
    // The conversation can be used.
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("three".to_owned()),
        subject: None,
        message_id: None,
    });
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = driver.take("POST", &invitations).json();
    assert!(
        request["threadId"]
            .as_str()
            .is_some_and(|it| !it.is_empty()),
        "{request}"
    );
}

#[test]
fn a_message_in_a_conversation_that_the_checkpoint_does_not_contain_is_read() {
    for (status, expected) in [
        ("Succeeded", MessageStatus::Succeeded),
        ("Pending", MessageStatus::Unknown),
    ] {
        let href = message_href("21a1", "2");
        let (mut driver, _) = resumed(&checkpoint_with(message(LENE).with_remote_id(&href)));
        driver.reply("GET", APP, 200, application(false));
        let key = discovered(&driver).unwrap();
        let read = json!({"rel": "message", "direction": "Outgoing", "status": status});
        driver.reply("GET", &href, 200, read);
        let changes = driver.changes(key);
        assert!(has_ended(&changes), "{changes:?}");
        let found = changes.iter().find_map(|change| match change {
            ConversationChange::MessageSettled { status, .. } => Some(*status),
            _ => None,
        });
        assert_eq!(found, Some(expected));
        driver.advance(100 * SECOND);
        assert!(!driver.is_sent("GET", &href));
    }
}

/// A checkpoint of a session with a conversation whose chat has ended.
fn without_chat() -> Checkpoint {
    let mut old = chatting();
    old.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    old.session.checkpoint().unwrap()
}

#[test]
fn a_message_in_an_ended_chat_may_be_in_an_invitation_to_the_next_chat() {
    for is_started in [true, false] {
        let mut checkpoint = without_chat();
        assert!(checkpoint.add_doubtful_message(message(LENE)));
        assert_eq!(checkpoint.conversations(), 1);
        let (mut driver, key) = resumed_chat(&checkpoint);
        if is_started {
            driver.page(senders("21a1", accepted("outbox-1", "21a1")));
            assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
            continue;
        }
        driver.advance(31 * SECOND);
        let changes = driver.changes(key);
        let is_unknown = |it: &ConversationChange| {
            matches!(
                it,
                ConversationChange::MessageSettled {
                    status: MessageStatus::Unknown,
                    ..
                }
            )
        };
        assert!(changes.iter().any(is_unknown), "{changes:?}");
        // Only the invitation has failed.
        assert!(!has_ended(&changes), "{changes:?}");
    }
}

#[test]
fn a_message_whose_href_belongs_to_the_ended_chat_is_in_no_invitation() {
    let mut checkpoint = without_chat();
    let href = message_href("21a1", "2");
    assert!(checkpoint.add_doubtful_message(message(LENE).with_remote_id(&href)));
    let (mut driver, key) = resumed_chat(&checkpoint);
    let read = json!({"rel": "message", "direction": "Outgoing", "status": "Succeeded"});
    driver.reply("GET", &href, 200, read);
    let changes = driver.changes(key);
    assert!(!changes.contains(&ConversationChange::ChatConnecting));
    assert!(changes.iter().any(|it| matches!(
        it,
        ConversationChange::MessageSettled {
            status: MessageStatus::Succeeded,
            ..
        }
    )));
}

#[test]
fn a_second_message_does_not_replace_the_invitation_of_the_checkpoint() {
    let mut old = TestDriver::with_conversation();
    old.send(1, "Hi Lene");
    let invitations = format!("{APP}/communication/messagingInvitations");
    let request = old.created("POST", &invitations, INVITATION);
    let id = request.json()["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &id, "21a1", "Connecting");
    old.page(senders("21a1", vec![(false, started)]));
    let mut checkpoint = old.session.checkpoint().unwrap();
    assert!(checkpoint.add_doubtful_message(message(LENE)));
    assert_eq!(checkpoint.conversations(), 1);
    let (mut driver, key) = resumed_chat(&checkpoint);
    driver.page(senders("21a1", accepted(&id, "21a1")));
    assert_eq!(settled(&mut driver, key), [(id, MessageStatus::Succeeded)]);
    let mut event = delivery_event("21a1", "2", "Success");
    event["_embedded"]["message"]["operationId"] = json!("outbox-1");
    driver.page(senders("21a1", vec![(true, event)]));
    assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
}

#[test]
fn a_message_to_an_unknown_meeting_or_a_malformed_address_is_not_added() {
    let mut checkpoint = chat_checkpoint();
    let before = checkpoint.encode();
    for to in [
        "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA",
        "Lene Aaling",
        "",
    ] {
        assert!(!checkpoint.add_doubtful_message(message(to)), "{to}");
    }
    assert_eq!(checkpoint.encode(), before);
}

#[test]
fn a_message_is_added_to_the_meeting_of_its_address() {
    let meeting = "sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA";
    let text = chat_checkpoint().encode();
    // A conference that is established, with a chat and without one.
    for flags in [7, 3] {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["c"][0][4] = json!(flags);
        let saved = value["c"][0].as_array_mut().unwrap();
        saved.push(json!({"m": meeting}));
        let mut checkpoint = Checkpoint::decode(&value.to_string()).unwrap();
        assert!(checkpoint.add_doubtful_message(message(meeting)));
        assert_eq!(checkpoint.conversations(), 1);
        // The session restores the chat of a conference by itself, so the message is in no invitation.
        let (mut driver, key) = resumed_chat(&checkpoint);
        let mut event = delivery_event("21a1", "2", "Success");
        event["_embedded"]["message"]["operationId"] = json!("outbox-1");
        driver.page(senders("21a1", vec![(true, event)]));
        assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Succeeded));
        // A message to one of its participants does not belong to the conference.
        let other = DoubtfulMessage::text("outbox-2", LENE, "two");
        assert!(checkpoint.add_doubtful_message(other));
        assert_eq!(checkpoint.conversations(), 2);
    }
}

#[test]
fn an_added_message_is_unknown_if_the_application_is_gone() {
    let (mut driver, _) = resumed(&checkpoint_with(message(LENE)));
    let key = discovered(&driver).unwrap();
    let lost = json!({"code": "NotFound", "subcode": "ApplicationNotFound"});
    driver.reply("GET", APP, 404, lost);
    assert_eq!(settled(&mut driver, key), outbox(MessageStatus::Unknown));
}

#[test]
fn the_id_of_an_added_message_is_in_use_until_it_is_settled() {
    let (mut driver, key) = resumed_chat(&chat_checkpoint_with(message(LENE)));
    answer_reads(&mut driver, "21a1");
    let send = || Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("one".to_owned()),
        subject: None,
        message_id: Some("outbox-1".to_owned()),
    };
    let refused = driver.submit(send());
    assert_eq!(
        driver.failure(refused).kind(),
        &FailureKind::InvalidArgument
    );
    assert_eq!(posts(&driver), 0);
}

#[test]
fn a_doubtful_message_shows_no_text() {
    let shown = format!(
        "{:?}",
        DoubtfulMessage::text("outbox-1", LENE, "a private text")
    );
    assert!(shown.contains("outbox-1"));
    let hidden = chat_checkpoint_with(DoubtfulMessage::text("outbox-1", LENE, "a private text"));
    for text in [shown, hidden.encode()] {
        assert!(!text.contains("private"), "{text}");
    }
}
