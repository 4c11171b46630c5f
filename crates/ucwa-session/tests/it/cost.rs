//! The cost of a page or a message does not depend on unrelated conversations.

use std::time::{Duration, Instant};

use serde_json::json;
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures::INVITATIONS;
use crate::pages::*;
use crate::sending::established;

const MANY: u64 = 10_000;

/// The minimum duration of several runs, which excludes other load on the machine.
fn minimum_time(mut run: impl FnMut()) -> Duration {
    let times = (0..20).map(|_| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    });
    times.min().unwrap()
}

/// A scan of all conversations would take a hundred times as long with many of them.
fn assert_independent(few: Duration, many: Duration) {
    assert!(
        many < few * 10 + Duration::from_millis(1),
        "{few:?} with few conversations, {many:?} with {MANY}"
    );
}

fn open(driver: &mut TestDriver, number: u64) -> ConversationKey {
    let conversation = ConversationKey::Local(1_000 + number);
    let open = Operation::OpenConversation {
        conversation,
        participant: ParticipantKey::Local(1),
        peer: format!("sip:user{number}@contoso.com"),
    };
    driver
        .session
        .submit(driver.now, Ticket(1_000_000 + number), open);
    conversation
}

/// Takes the session's outputs without inspecting them.
fn drop_outputs(driver: &mut TestDriver) {
    while !matches!(driver.session.poll_output(), Output::Idle { .. }) {}
}

#[test]
fn the_cost_of_a_page_does_not_depend_on_other_conversations() {
    let cost = |conversations: u64| {
        let mut driver = TestDriver::signed_in();
        for number in 0..conversations {
            open(&mut driver, number);
        }
        drop_outputs(&mut driver);
        let empty = minimum_time(|| driver.page(json!([])));
        let mut number = 0;
        let offers = minimum_time(|| {
            number += 1;
            let mut page = offered(&number.to_string(), "Hi");
            let invitation = &mut page[0]["events"][0];
            let href = format!("{INVITATIONS}/{number}");
            invitation["link"]["href"] = json!(href);
            invitation["_embedded"]["messagingInvitation"]["_links"]["self"]["href"] = json!(href);
            driver.page(page);
        });
        (empty, offers)
    };
    let (few, many) = (cost(10), cost(MANY));
    assert_independent(few.0, many.0);
    assert_independent(few.1, many.1);
}

#[test]
fn the_cost_of_a_message_does_not_depend_on_invitations_in_flight() {
    let cost = |conversations: u64| {
        let mut driver = established();
        for number in 0..conversations {
            let conversation = open(&mut driver, number);
            let send = Operation::SendMessage {
                conversation,
                message: MessageKey::Local(1),
                body: MessageBody::Text("Hello".to_owned()),
                subject: None,
                message_id: None,
            };
            driver
                .session
                .submit(driver.now, Ticket(2_000_000 + number), send);
        }
        drop_outputs(&mut driver);
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        driver.page(json!([]));
        let mut number = 10;
        minimum_time(|| {
            number += 1;
            let ticket = driver.send(number, "x");
            let id = number.to_string();
            driver.created("POST", &messages, &message_href("21a1", &id));
            driver.page(senders(
                "21a1",
                vec![(true, delivery_event("21a1", &id, "Success"))],
            ));
            assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
            driver.completed.clear();
        })
    };
    assert_independent(cost(10), cost(MANY));
}
