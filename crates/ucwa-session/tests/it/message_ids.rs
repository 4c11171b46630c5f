//! Messages with an ID of the caller, and the hrefs of messages.

use std::time::Duration;

use ucwa_session::*;

use crate::driver::*;
use crate::handover::{chatting, operation_id, resumed_chat};
use crate::pages::*;

const SECOND: Duration = Duration::from_secs(1);

fn send_with_id(driver: &mut TestDriver, number: u64, id: &str) -> Ticket {
    driver.submit(Operation::SendMessage {
        conversation: chat(),
        message: MessageKey::Local(number),
        body: MessageBody::Text(format!("message {number}")),
        subject: None,
        message_id: Some(id.to_owned()),
    })
}

fn posting(id: &str) -> ConversationChange {
    ConversationChange::message_posting(id)
}

fn posted(number: u64, id: &str, href: &str) -> ConversationChange {
    ConversationChange::message_posted(MessageKey::Local(number), id, href)
}

#[test]
fn a_message_has_the_id_of_the_caller_and_is_reported_as_posting_and_posted() {
    let mut driver = chatting();
    send_with_id(&mut driver, 1, "outbox-1");
    assert_eq!(driver.changes(chat()), [posting("outbox-1")]);
    send_with_id(&mut driver, 2, "outbox-2");
    assert_eq!(driver.changes(chat()), [], "the message is queued");
    let messages = format!("{}/messaging/messages", conversation_href("21a1"));
    let href = message_href("21a1", "2");
    let request = driver.created("POST", &messages, &href);
    assert_eq!(operation_id(&request), "outbox-1");
    assert_eq!(
        driver.changes(chat()),
        [posted(1, "outbox-1", &href), posting("outbox-2")]
    );
    let checkpoint = driver.session.checkpoint().unwrap();
    let doubtful: Vec<_> = checkpoint.doubtful_messages().collect();
    assert_eq!(doubtful, ["outbox-1", "outbox-2"]);
}

#[test]
fn the_message_of_an_invitation_has_the_id_of_the_caller() {
    for event_first in [false, true] {
        let mut driver = TestDriver::with_conversation();
        send_with_id(&mut driver, 1, "outbox-1");
        assert!(driver.changes(chat()).contains(&posting("outbox-1")));
        let invitations = format!("{APP}/communication/messagingInvitations");
        let started = invitation("started", "outbox-1", "21a1", "Connecting");
        let started = senders("21a1", vec![(false, started)]);
        if event_first {
            driver.page(started.clone());
        }
        let request = driver.created("POST", &invitations, INVITATION);
        assert_eq!(request.json()["operationId"], "outbox-1");
        if !event_first {
            driver.page(started);
        }
        let posted = posted(1, "outbox-1", INVITATION);
        let reports = driver.changes(chat());
        let count = reports.iter().filter(|it| **it == posted).count();
        assert_eq!(count, 1, "{reports:?}");
    }
}

#[test]
fn an_id_that_is_invalid_or_in_use_is_refused_before_anything_is_sent() {
    let mut driver = chatting();
    send_with_id(&mut driver, 1, "outbox-1");
    send_with_id(&mut driver, 2, "outbox-2");
    let long = "x".repeat(51);
    for (number, id) in [(3, "outbox-1"), (4, "outbox-2"), (5, ""), (6, &long)] {
        let ticket = send_with_id(&mut driver, number, id);
        assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
    }
    assert_eq!(driver.count_sent("POST", &conversation_href("21a1")), 1);
}

/// The hrefs of the messages received so far.
pub(crate) fn received_hrefs(driver: &TestDriver) -> Vec<String> {
    let events = driver.events.iter();
    let hrefs = events.filter_map(|event| match event {
        SessionEvent::Conversation {
            change: ConversationChange::MessageReceived { href, .. },
            ..
        } => Some(href.clone()),
        _ => None,
    });
    hrefs.collect()
}

#[test]
fn a_received_message_has_the_same_href_in_the_session_that_resumes() {
    let mut old = chatting();
    let checkpoint = old.session.checkpoint().unwrap();
    let page = senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]);
    old.page(page.clone());
    // The earlier session was killed before it acknowledged the page.
    let (mut driver, _) = resumed_chat(&checkpoint);
    driver.page(page);
    assert_eq!(received_hrefs(&old), [message_href("21a1", "5")]);
    assert_eq!(received_hrefs(&driver), received_hrefs(&old));

    // The text of an invitation has the href of the invitation, until the server repeats it as a message.
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "hello"));
    driver.advance(40 * SECOND);
    driver.page(offer_completed("17b", "Failure"));
    assert_eq!(received_hrefs(&driver), [INVITATION]);
}
