//! Limits of the session's memory. No message is lost when a limit is reached.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::pages::*;
use crate::unclaimed::discovered;

fn call(driver: &mut TestDriver, id: &str) {
    let started = conversation_event("added", id, "Incoming");
    driver.page(json!([communication(vec![started])]));
}

fn deletion(id: &str) -> Value {
    bare("deleted", "conversation", &conversation_href(id), None)
}

/// An event with only the link of Lene's invitation, which then has to be read.
fn bare_invitation() -> Value {
    bare("started", "messagingInvitation", INVITATION, None)
}

fn read_invitation(driver: &mut TestDriver) {
    let mut invitation =
        offered("17b", "Hi Tosh")[0]["events"][0]["_embedded"]["messagingInvitation"].clone();
    invitation["_links"]["message"] = Value::Null;
    driver.reply("GET", INVITATION, 200, invitation);
}

#[test]
fn a_message_waits_for_its_invitation_however_many_calls_were_missed_before() {
    let mut driver = TestDriver::signed_in();
    for number in 0..64 {
        // Their hrefs sort after that of the conversation with the message.
        call(&mut driver, &format!("z{number}"));
    }
    driver.page(json!([
        communication(vec![bare_invitation()]),
        conversation("17b", vec![arrival("17b", "1", "Hi Tosh")])
    ]));
    call(&mut driver, "z99");
    assert_eq!(driver.session.workload().unnamed, 64);
    read_invitation(&mut driver);
    let key = ConversationKey::Remote(first_remote(&driver));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
}

#[test]
fn a_deleted_unclaimed_conversation_is_removed_from_the_buffer() {
    let mut driver = TestDriver::signed_in();
    for number in 0..10 {
        let id = format!("z{number}");
        call(&mut driver, &id);
        driver.page(json!([communication(vec![deletion(&id)])]));
    }
    assert_eq!(driver.session.workload().unnamed, 0);
}

#[test]
fn an_invitation_after_the_deletion_of_its_conversation_is_shown_as_missed() {
    let mut driver = TestDriver::signed_in();
    call(&mut driver, "17b");
    driver.page(json!([communication(vec![deletion("17b")])]));
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.advance(std::time::Duration::from_secs(5));
    let gone = json!({"code": "NotFound"});
    driver.reply("GET", INVITATION, 404, gone);
    let changes = driver.changes(key);
    let ended = |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
    assert!(changes.iter().any(ended), "{changes:?}");
}

#[test]
fn a_message_that_overflows_the_event_buffer_is_shown() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([conversation(
        "17b",
        vec![arrival("17b", "1", "Hi Tosh")]
    )]));
    assert!(driver.events.is_empty(), "{:?}", driver.events);
    for number in 0..64 {
        call(&mut driver, &format!("z{number}"));
    }
    let key = discovered(&driver).expect("no conversation is shown");
    assert_eq!(driver.received(key), ["Hi Tosh"]);
}

#[test]
fn an_unclaimed_conversation_with_many_messages_loses_none() {
    let mut driver = TestDriver::signed_in();
    let all: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    for number in &all {
        let message = arrival("17b", number, number);
        driver.page(json!([conversation("17b", vec![message])]));
    }
    let key = discovered(&driver).expect("no conversation is shown");
    assert_eq!(driver.received(key), all);
}

#[test]
fn messages_in_an_unclaimed_conversation_that_is_gone_are_shown() {
    let mut driver = TestDriver::signed_in();
    driver.page(senders(
        "17b",
        vec![
            (false, conversation_event("added", "17b", "Connected")),
            (true, arrival("17b", "1", "Hi Tosh")),
        ],
    ));
    driver.advance(std::time::Duration::from_secs(10));
    driver.reply(
        "GET",
        &conversation_href("17b"),
        404,
        json!({"code": "NotFound"}),
    );
    let key = discovered(&driver).expect("no conversation is shown");
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let workload = driver.session.workload();
    assert!(workload.is_quiet(), "{workload:?}");
}

#[test]
fn a_conversation_that_is_forgotten_before_its_invitation_was_sent_is_dropped() {
    let mut driver = TestDriver::with_conversation();
    let send = Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(1),
        body: MessageBody::Text("x".to_owned()),
        subject: None,
        message_id: None,
    };
    // The outputs are not polled in between, so the request is not sent.
    driver.session.submit(driver.now, Ticket(1_000), send);
    let forget = driver.submit(Operation::ForgetConversation(chat()));
    assert_eq!(driver.result(forget), Some(&Ok(Outcome::Done)));
    let ticket = driver.submit(Operation::SendIsTyping(chat()));
    let failure = driver.failure(ticket);
    assert_eq!(failure.message(), Some("there is no such conversation"));
}
