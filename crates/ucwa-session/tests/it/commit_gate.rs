//! The commit gate: an event page is acknowledged only after the caller has stored it.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::handover::{answer_reads, chat_checkpoint, operation_id, resumed, resumed_with};
use crate::message_ids::received_hrefs;
use crate::pages::*;
use crate::unclaimed::discovered;

const SECOND: Duration = Duration::from_secs(1);

fn gated() -> TestDriver {
    gated_chat().0
}

/// A session with the gate, and its established chat.
fn gated_chat() -> (TestDriver, ConversationKey) {
    let checkpoint = chat_checkpoint();
    let mut config = TestDriver::config();
    config.commit_gate = true;
    let (mut driver, _) = resumed_with(config, &checkpoint);
    driver.reply("GET", APP, 200, application(false));
    answer_reads(&mut driver, "21a1");
    let key = discovered(&driver).unwrap();
    driver.events.clear();
    (driver, key)
}

fn send(driver: &mut TestDriver, conversation: ConversationKey, id: &str) -> Ticket {
    driver.submit(Operation::SendMessage {
        conversation,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello".to_owned()),
        subject: None,
        message_id: Some(id.to_owned()),
    })
}

fn doubtful(checkpoint: Option<Checkpoint>) -> Vec<String> {
    let checkpoint = checkpoint.unwrap();
    checkpoint.doubtful_messages().map(str::to_owned).collect()
}

fn messages() -> String {
    format!("{}/messaging/messages", conversation_href("21a1"))
}

/// Answers the pending GET. With the gate, no GET follows.
fn answer_poll(driver: &mut TestDriver, ack: u32, senders: Value) {
    let next = json!({"href": format!("{APP}/events?ack={ack}")});
    let body = json!({"_links": {"self": {"href": "x"}, "next": next}, "sender": senders});
    driver.reply("GET", &format!("{APP}/events"), 200, body);
}

#[test]
fn a_page_is_acknowledged_after_its_commit() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page.clone());
    assert_eq!(received_hrefs(&driver).len(), 1);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    let number = driver.session.uncommitted().unwrap();
    let checkpoint = driver.session.checkpoint().unwrap();
    // Another number changes nothing.
    driver.handle(Input::Commit(number + 1));
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.handle(Input::Commit(number));
    let next = format!("{APP}/events?ack=10");
    assert_eq!(driver.count_sent("GET", &next), 1);
    driver.handle(Input::Commit(number));
    assert_eq!(driver.count_sent("GET", &next), 1);
    assert_eq!(driver.session.uncommitted(), None);
    // The checkpoint of the page acknowledges the page.
    let (resumed, _) = resumed(&checkpoint);
    assert!(resumed.is_sent("GET", &next));
    // A page without events needs no commit.
    answer_poll(&mut driver, 11, json!([]));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=11")));
}

#[test]
fn a_commit_that_takes_too_long_is_reported_and_still_awaited() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    let is_interrupted = |driver: &TestDriver| {
        let mut events = driver.events.iter();
        events.any(|it| matches!(it, SessionEvent::ChannelInterrupted { .. }))
    };
    driver.advance(24 * SECOND);
    assert!(!is_interrupted(&driver));
    driver.advance(SECOND);
    assert!(is_interrupted(&driver));
    driver.advance(60 * SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    driver.handle(Input::Commit(driver.session.uncommitted().unwrap()));
    assert!(driver.is_sent("GET", &format!("{APP}/events?ack=10")));
    assert!(driver.events.contains(&SessionEvent::ChannelRestored));
}

#[test]
fn an_unacknowledged_page_without_a_commit_is_not_acknowledged_by_a_suspend_or_the_end() {
    let mut driver = gated();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    let wall = TestDriver::config().wall_at_epoch;
    driver.handle(Input::WallClock(wall));
    driver.handle(Input::WallClock(wall + 3600 * SECOND));
    driver.advance(10 * SECOND);
    assert!(!driver.is_sent("GET", &format!("{APP}/events")));
    let number = driver.session.uncommitted().unwrap();
    driver.session.detach(driver.now);
    driver.handle(Input::Commit(number));
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
}

#[test]
fn a_message_is_sent_after_the_commit_of_the_checkpoint_that_contains_it() {
    let (mut driver, key) = gated_chat();
    send(&mut driver, key, "outbox-1");
    let message_id = "outbox-1".to_owned();
    assert_eq!(
        driver.changes(key),
        [ConversationChange::message_posting(message_id)]
    );
    driver.advance(10 * SECOND);
    assert!(!driver.is_sent("POST", &messages()));
    assert_eq!(doubtful(driver.session.checkpoint()), ["outbox-1"]);
    let number = driver.session.uncommitted().unwrap();
    driver.handle(Input::Commit(number));
    assert_eq!(driver.session.uncommitted(), None);
    let href = message_href("21a1", "2");
    let request = driver.created("POST", &messages(), &href);
    assert_eq!(operation_id(&request), "outbox-1");
    assert_eq!(doubtful(driver.session.checkpoint()), ["outbox-1"]);
}

#[test]
fn a_message_without_an_id_waits_for_no_commit() {
    let (mut driver, key) = gated_chat();
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello".to_owned()),
        subject: None,
        message_id: None,
    });
    assert!(driver.is_sent("POST", &messages()));
    assert_eq!(driver.session.uncommitted(), None);
}

#[test]
fn a_commit_releases_everything_that_was_reported_before() {
    let (mut driver, key) = gated_chat();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    let first = driver.session.uncommitted().unwrap();
    send(&mut driver, key, "outbox-1");
    let second = driver.session.uncommitted().unwrap();
    assert!(first < second);
    let next = format!("{APP}/events?ack=10");
    let mut other = gated_chat();
    driver.handle(Input::Commit(first));
    assert!(driver.is_sent("GET", &next) && !driver.is_sent("POST", &messages()));
    driver.handle(Input::Commit(second));
    assert!(driver.is_sent("POST", &messages()));

    let (driver, key) = (&mut other.0, other.1);
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(driver, 10, page);
    send(driver, key, "outbox-1");
    driver.handle(Input::Commit(driver.session.uncommitted().unwrap()));
    assert!(driver.is_sent("GET", &next) && driver.is_sent("POST", &messages()));
}

#[test]
fn a_session_that_detaches_before_the_commit_has_not_sent_the_message() {
    let (mut driver, key) = gated_chat();
    let ticket = send(&mut driver, key, "outbox-1");
    let number = driver.session.uncommitted().unwrap();
    let checkpoint = driver.session.detach(driver.now);
    assert_eq!(doubtful(checkpoint), [""; 0]);
    driver.handle(Input::Commit(number));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Detached);
    assert!(driver.sent.is_empty(), "{:?}", driver.sent);
    assert!(driver.changes(key).iter().any(|change| matches!(
        change,
        ConversationChange::MessageSettled {
            status: MessageStatus::Failed,
            ..
        }
    )));
}

#[test]
fn an_invitation_with_a_message_waits_for_the_commit_as_well() {
    let (mut driver, _) = gated_chat();
    driver.submit(Operation::OpenConversation {
        conversation: chat(),
        participant: peer(),
        peer: "sip:alexd@contoso.com".to_owned(),
    });
    send(&mut driver, chat(), "outbox-1");
    let invitations = format!("{APP}/communication/messagingInvitations");
    assert!(!driver.is_sent("POST", &invitations));
    let checkpoint = driver.session.checkpoint().unwrap();
    assert_eq!(checkpoint.conversations(), 2);
    assert_eq!(doubtful(Some(checkpoint)), ["outbox-1"]);
    driver.handle(Input::Commit(driver.session.uncommitted().unwrap()));
    let request = driver.take("POST", &invitations);
    assert_eq!(request.json()["operationId"], "outbox-1");
}

#[test]
fn a_page_that_arrives_before_the_application_is_read_has_a_checkpoint() {
    let checkpoint = chat_checkpoint();
    let mut config = TestDriver::config();
    config.commit_gate = true;
    let (mut driver, _) = resumed_with(config, &checkpoint);
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    answer_poll(&mut driver, 10, page);
    assert!(driver.is_sent("GET", APP));
    let stored = driver.session.checkpoint().unwrap();
    driver.handle(Input::Commit(driver.session.uncommitted().unwrap()));
    let (next, _) = resumed(&stored);
    assert!(next.is_sent("GET", &format!("{APP}/events?ack=10")));
    assert_eq!(stored.conversations(), 1);
}
