//! Typing, acknowledgements, and custom content of invitations.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::pages::*;
use crate::sending::established;

#[test]
fn typing_reports_in_quick_succession_share_one_request() {
    let mut bench = established();
    let typing = format!("{}/messaging/typing", conversation_href("21a1"));
    let hint = |bench: &mut Bench| bench.submit(Operation::SendIsTyping(chat()));
    let (first, second) = (hint(&mut bench), hint(&mut bench));
    assert_eq!(bench.result(first), None);
    bench.reply("POST", &typing, 204, Value::Null);
    for ticket in [first, second] {
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert!(!bench.is_sent("POST", &typing), "a report was in flight");
    bench.advance(Duration::from_millis(1499));
    let seen = hint(&mut bench);
    assert_eq!(bench.result(seen), Some(&Ok(Outcome::Done)));
    assert!(
        !bench.is_sent("POST", &typing),
        "a report was sent just before"
    );
    bench.advance(Duration::from_millis(1));
    hint(&mut bench);
    bench.reply("POST", &typing, 204, Value::Null);
    // A message ends the typing at the recipients, so the next report is sent.
    bench.send(9, "There");
    hint(&mut bench);
    assert!(bench.is_sent("POST", &typing));
}

#[test]
fn a_failed_typing_report_does_not_hold_back_the_next() {
    let mut bench = established();
    let typing = format!("{}/messaging/typing", conversation_href("21a1"));
    let refused = bench.submit(Operation::SendIsTyping(chat()));
    bench.reply("POST", &typing, 403, json!({"code": "Forbidden"}));
    assert_eq!(bench.failure(refused).status(), Some(403));
    let again = bench.submit(Operation::SendIsTyping(chat()));
    assert!(bench.is_sent("POST", &typing));
    bench.submit(Operation::SignOut);
    assert_eq!(*bench.failure(again).kind(), FailureKind::Ended);
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
    let mut bench = established();
    let early = bench.submit(Operation::Acknowledge(chat()));
    assert_eq!(*bench.failure(early).kind(), FailureKind::WrongState);
    bench.events.clear();
    bench.page(senders("21a1", vec![(false, acknowledgeable(true))]));
    assert_eq!(
        bench.changes(chat()),
        [ConversationChange::Acknowledgeable(true)]
    );
    let first = bench.submit(Operation::Acknowledge(chat()));
    let second = bench.submit(Operation::Acknowledge(chat()));
    let sent = bench.reply(
        "POST",
        &format!("{}/userAcknowledged", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert!(sent.request.body().is_empty());
    for ticket in [first, second] {
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert_eq!(
        bench.changes(chat()),
        [ConversationChange::Acknowledgeable(false)]
    );
    bench.page(senders("21a1", vec![(false, acknowledgeable(false))]));
    assert!(bench.changes(chat()).is_empty());
}

#[test]
fn an_acknowledgement_fails_with_its_request_or_with_the_conversation() {
    let mut bench = established();
    bench.page(senders("21a1", vec![(false, acknowledgeable(true))]));
    let ticket = bench.submit(Operation::Acknowledge(chat()));
    let href = format!("{}/userAcknowledged", conversation_href("21a1"));
    bench.reply("POST", &href, 409, json!({"code": "Conflict"}));
    assert_eq!(bench.failure(ticket).status(), Some(409));
    let ticket = bench.submit(Operation::Acknowledge(chat()));
    bench.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Disconnected"))],
    ));
    assert!(bench.result(ticket).is_some_and(Result::is_err));
}

#[test]
fn custom_content_goes_out_with_the_invitation_and_comes_in_with_one() {
    let mut bench = Bench::with_conversation();
    bench.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: Some(CustomContent {
            content_type: "application/json;charset=utf-8".to_owned(),
            content: "{\"order\": 7}".to_owned(),
        }),
    });
    let request = bench.take("POST", &format!("{APP}/communication/messagingInvitations"));
    assert_eq!(
        request.json()["_links"]["customContent"]["href"],
        "data:application/json;charset=utf-8;base64,eyJvcmRlciI6IDd9"
    );

    let mut bench = Bench::signed_in();
    let mut page = offered("17b", "Hi");
    page[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"]["customContent"] =
        json!({"href": "data:foo/foo,ThisIsARandomCustomContent"});
    bench.page(page);
    let Some(SessionEvent::Incoming {
        context: Some(context),
        ..
    }) = bench.events.first()
    else {
        panic!("{:?}", bench.events)
    };
    assert_eq!(
        (context.content_type.as_str(), context.content.as_str()),
        ("foo/foo", "ThisIsARandomCustomContent")
    );
    assert!(
        !format!("{:?}", bench.events).contains("Random"),
        "custom content must not be logged"
    );
}

#[test]
fn custom_content_without_a_media_type_begins_nothing() {
    for content_type in ["", "json", "/json", "text/", "text/plain,x", "text/ plain"] {
        let mut bench = Bench::with_conversation();
        let ticket = bench.submit(Operation::StartChat {
            conversation: chat(),
            subject: None,
            context: Some(CustomContent {
                content_type: content_type.to_owned(),
                content: String::new(),
            }),
        });
        assert_eq!(
            *bench.failure(ticket).kind(),
            FailureKind::InvalidArgument,
            "{content_type:?}"
        );
        assert!(matches!(
            bench.changes(chat()).as_slice(),
            [ConversationChange::Ended { failure: Some(_) }]
        ));
        assert!(!bench.is_sent("POST", &format!("{APP}/communication")));
    }
}
