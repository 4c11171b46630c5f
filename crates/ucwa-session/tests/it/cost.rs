//! The cost of a page or a message does not depend on unrelated conversations.

use std::time::{Duration, Instant};

use serde_json::json;
use ucwa_session::*;

use crate::bench::*;
use crate::fixtures::INVITATIONS;
use crate::pages::*;
use crate::sending::established;

const MANY: u64 = 10_000;

/// The minimum time of several runs of `run`, to exclude other load on the machine.
fn least(mut run: impl FnMut()) -> Duration {
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

fn open(bench: &mut Bench, number: u64) -> ConversationKey {
    let conversation = ConversationKey::Local(1_000 + number);
    let open = Operation::OpenConversation {
        conversation,
        participant: ParticipantKey::Local(1),
        peer: format!("sip:user{number}@contoso.com"),
    };
    bench
        .session
        .submit(bench.now, Ticket(1_000_000 + number), open);
    conversation
}

/// Takes the session's outputs without inspecting them.
fn drop_outputs(bench: &mut Bench) {
    while !matches!(bench.session.poll_output(), Output::Idle { .. }) {}
}

#[test]
fn a_page_costs_the_same_with_many_conversations_that_it_is_not_about() {
    let cost = |conversations: u64| {
        let mut bench = Bench::signed_in();
        for number in 0..conversations {
            open(&mut bench, number);
        }
        drop_outputs(&mut bench);
        let empty = least(|| bench.page(json!([])));
        let mut number = 0;
        let offers = least(|| {
            number += 1;
            let mut page = offered(&number.to_string(), "Hi");
            let invitation = &mut page[0]["events"][0];
            let href = format!("{INVITATIONS}/{number}");
            invitation["link"]["href"] = json!(href);
            invitation["_embedded"]["messagingInvitation"]["_links"]["self"]["href"] = json!(href);
            bench.page(page);
        });
        (empty, offers)
    };
    let (few, many) = (cost(10), cost(MANY));
    assert_independent(few.0, many.0);
    assert_independent(few.1, many.1);
}

#[test]
fn a_message_costs_the_same_with_many_invitations_under_way() {
    let cost = |conversations: u64| {
        let mut bench = established();
        for number in 0..conversations {
            let conversation = open(&mut bench, number);
            let send = Operation::SendMessage {
                conversation,
                message: MessageKey::Local(1),
                body: MessageBody::Text("Hello".to_owned()),
                subject: None,
            };
            bench
                .session
                .submit(bench.now, Ticket(2_000_000 + number), send);
        }
        drop_outputs(&mut bench);
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        bench.page(json!([]));
        let mut number = 10;
        least(|| {
            number += 1;
            let ticket = bench.send(number, "x");
            let id = number.to_string();
            bench.created("POST", &messages, &message_href("21a1", &id));
            bench.page(senders(
                "21a1",
                vec![(true, verdict("21a1", &id, "Success"))],
            ));
            assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Delivered)));
            bench.completed.clear();
        })
    };
    assert_independent(cost(10), cost(MANY));
}
