//! Typing, acknowledgements, and custom content of invitations.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

#[test]
fn typing_reports_in_quick_succession_share_one_request() {
    let mut driver = established();
    let typing = format!("{}/messaging/typing", conversation_href("21a1"));
    let hint = |driver: &mut TestDriver| driver.submit(Operation::SendIsTyping(chat()));
    let (first, second) = (hint(&mut driver), hint(&mut driver));
    assert_eq!(driver.result(first), None);
    driver.reply("POST", &typing, 204, Value::Null);
    for ticket in [first, second] {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert!(!driver.is_sent("POST", &typing), "a report was in flight");
    driver.advance(Duration::from_millis(1499));
    let seen = hint(&mut driver);
    assert_eq!(driver.result(seen), Some(&Ok(Outcome::Done)));
    assert!(
        !driver.is_sent("POST", &typing),
        "a report was sent just before"
    );
    driver.advance(Duration::from_millis(1));
    hint(&mut driver);
    driver.reply("POST", &typing, 204, Value::Null);
    // A message ends the typing at the recipients, so the next report is sent.
    driver.send(9, "There");
    hint(&mut driver);
    assert!(driver.is_sent("POST", &typing));
}

#[test]
fn a_failed_typing_report_does_not_hold_back_the_next() {
    let mut driver = established();
    let typing = format!("{}/messaging/typing", conversation_href("21a1"));
    let refused = driver.submit(Operation::SendIsTyping(chat()));
    driver.reply("POST", &typing, 403, json!({"code": "Forbidden"}));
    assert_eq!(driver.failure(refused).status(), Some(403));
    let again = driver.submit(Operation::SendIsTyping(chat()));
    assert!(driver.is_sent("POST", &typing));
    driver.submit(Operation::SignOut);
    assert_eq!(*driver.failure(again).kind(), FailureKind::Ended);
}

fn acknowledgeable(yes: bool) -> Value {
    let mut event = conversation_event("updated", "21a1", "Connected");
    if yes {
        event["_embedded"]["conversation"]["_links"]["userAcknowledged"] =
            json!({"href": format!("{}/userAcknowledged", conversation_href("21a1"))});
    }
    event
}

#[test]
fn a_conversation_that_was_accepted_for_the_user_is_acknowledged() {
    let mut driver = established();
    let early = driver.submit(Operation::Acknowledge(chat()));
    assert_eq!(*driver.failure(early).kind(), FailureKind::WrongState);
    driver.events.clear();
    driver.page(senders("21a1", vec![(false, acknowledgeable(true))]));
    assert_eq!(
        driver.changes(chat()),
        [ConversationChange::Acknowledgeable(true)]
    );
    let first = driver.submit(Operation::Acknowledge(chat()));
    let second = driver.submit(Operation::Acknowledge(chat()));
    let sent = driver.reply(
        "POST",
        &format!("{}/userAcknowledged", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert!(sent.request.body().is_empty());
    for ticket in [first, second] {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert_eq!(
        driver.changes(chat()),
        [ConversationChange::Acknowledgeable(false)]
    );
    driver.page(senders("21a1", vec![(false, acknowledgeable(false))]));
    assert!(driver.changes(chat()).is_empty());
}

#[test]
fn an_acknowledgement_fails_with_its_request_or_with_the_conversation() {
    let mut driver = established();
    driver.page(senders("21a1", vec![(false, acknowledgeable(true))]));
    let ticket = driver.submit(Operation::Acknowledge(chat()));
    let href = format!("{}/userAcknowledged", conversation_href("21a1"));
    driver.reply("POST", &href, 409, json!({"code": "Conflict"}));
    assert_eq!(driver.failure(ticket).status(), Some(409));
    let ticket = driver.submit(Operation::Acknowledge(chat()));
    driver.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Disconnected"))],
    ));
    assert!(driver.result(ticket).is_some_and(Result::is_err));
}

#[test]
fn custom_content_is_sent_and_received_in_invitations() {
    let mut driver = TestDriver::with_conversation();
    driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: Some(CustomContent::new(
            "application/json;charset=utf-8".to_owned(),
            "{\"order\": 7}".to_owned(),
        )),
    });
    let request = driver.take("POST", &format!("{APP}/communication/messagingInvitations"));
    assert_eq!(
        request.json()["_links"]["customContent"]["href"],
        "data:application/json;charset=utf-8;base64,eyJvcmRlciI6IDd9"
    );

    let mut driver = TestDriver::signed_in();
    let mut page = offered("17b", "Hi");
    page[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"]["customContent"] =
        json!({"href": "data:foo/foo,ThisIsARandomCustomContent"});
    driver.page(page);
    let Some(SessionEvent::Incoming {
        context: Some(context),
        ..
    }) = driver.events.first()
    else {
        panic!("{:?}", driver.events)
    };
    assert_eq!(
        (context.content_type.as_str(), context.content.as_str()),
        ("foo/foo", "ThisIsARandomCustomContent")
    );
    assert!(
        !format!("{:?}", driver.events).contains("Random"),
        "custom content must not be logged"
    );
}

#[test]
fn custom_content_without_a_media_type_starts_no_conversation() {
    for content_type in ["", "json", "/json", "text/", "text/plain,x", "text/ plain"] {
        let mut driver = TestDriver::with_conversation();
        let ticket = driver.submit(Operation::StartChat {
            conversation: chat(),
            subject: None,
            context: Some(CustomContent::new(content_type.to_owned(), String::new())),
        });
        assert_eq!(
            *driver.failure(ticket).kind(),
            FailureKind::InvalidArgument,
            "{content_type:?}"
        );
        assert!(matches!(
            driver.changes(chat()).as_slice(),
            [ConversationChange::Ended {
                failure: Some(_),
                ..
            }]
        ));
        assert!(!driver.is_sent("POST", &format!("{APP}/communication")));
    }
}
