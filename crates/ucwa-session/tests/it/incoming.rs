//! Incoming invitations.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::fixtures::INVITATIONS;
use crate::handover::resumed;
use crate::pages::*;

fn accept() -> String {
    format!("{INVITATION}/accept")
}

fn invited(text: &str) -> (TestDriver, ConversationKey) {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", text));
    let key = ConversationKey::Remote(first_remote(&driver));
    (driver, key)
}

#[test]
fn an_invitation_is_shown_with_its_sender_and_text() {
    let (driver, key) = invited("Hi Tosh");
    let [
        SessionEvent::Incoming {
            conversation,
            from,
            subject,
            importance: Importance::Normal,
            preview,
            context: None,
            answerable,
            ..
        },
    ] = driver.events.as_slice()
    else {
        panic!("{:?}", driver.events)
    };
    assert_eq!((*conversation, *answerable), (key, true));
    assert_eq!(
        (from.uri.as_deref(), from.name.as_deref()),
        (Some("sip:lenea@contoso.com"), Some("Lene Aaling"))
    );
    assert_eq!(
        (subject.as_deref(), preview),
        (
            Some("Lunch"),
            &Some(MessageBody::Text("Hi Tosh".to_owned()))
        )
    );
    assert!(
        !format!("{:?}", driver.events).contains("Hi Tosh"),
        "texts must not be logged"
    );
}

#[test]
fn an_invitation_is_shown_with_its_importance() {
    let cases = [
        ("Normal", Importance::Normal),
        ("Urgent", Importance::Urgent),
        ("Emergency", Importance::Emergency),
        ("SomethingNew", Importance::Normal),
    ];
    for (name, expected) in cases {
        let mut driver = TestDriver::signed_in();
        let mut senders = offered("17b", "Hi Tosh");
        let events = &mut senders[0]["events"];
        events[0]["_embedded"]["messagingInvitation"]["importance"] = json!(name);
        driver.page(senders);
        let shown = driver.events.iter().find_map(|event| match event {
            SessionEvent::Incoming { importance, .. } => Some(*importance),
            _ => None,
        });
        assert_eq!(shown, Some(expected), "{name}");
    }
}

#[test]
fn an_acceptance_completes_with_the_invitation_and_its_text_is_shown_once() {
    let (mut driver, key) = invited("Hi Tosh");
    let ticket = driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    assert_eq!(
        driver.result(ticket),
        None,
        "the invitation has not completed"
    );
    driver.page(offer_completed("17b", "Success"));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert!(
        driver.received(key).is_empty(),
        "the text comes as an event"
    );
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    driver.advance(Duration::from_secs(20));
    assert!(driver.received(key).is_empty());
}

#[test]
fn the_text_is_shown_from_the_invitation_when_no_event_brings_it_and_a_late_event_adds_nothing() {
    let (mut driver, key) = invited("Hi Tosh");
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    driver.advance(Duration::from_secs(5));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    // The server's timestamp is close to the acceptance, so this is the same message.
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert!(driver.received(key).is_empty());
    driver.page(senders("17b", vec![(true, arrival("17b", "2", "Hi Tosh"))]));
    assert_eq!(
        driver.received(key),
        ["Hi Tosh"],
        "a message with the same text is shown again"
    );
}

#[test]
fn the_text_is_shown_once_however_far_the_clocks_of_client_and_server_are_apart() {
    for (ahead, behind) in [(60, 0), (0, 60)] {
        let mut config = TestDriver::config();
        config.wall_at_epoch += Duration::from_secs(ahead);
        config.wall_at_epoch -= Duration::from_secs(behind);
        let mut driver = TestDriver::new(config);
        driver.submit(Operation::SignIn(TestDriver::credentials()));
        driver.discover();
        driver.create_application();
        driver.events.clear();
        driver.page(offered("17b", "Hi Tosh"));
        let key = ConversationKey::Remote(first_remote(&driver));
        driver.submit(Operation::Accept(key));
        driver.reply("POST", &accept(), 204, Value::Null);
        driver.page(offer_completed("17b", "Success"));
        driver.advance(Duration::from_secs(6));
        driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
        assert_eq!(driver.received(key), ["Hi Tosh"], "{ahead}, {behind}");
    }
}

/// The server accepted the invitation and wrote the message a minute before the page with the invitation arrives.
#[test]
fn the_text_is_shown_once_although_the_invitation_waited_at_the_server() {
    let minute = Duration::from_secs(60);
    let old = TestDriver::signed_in().session.checkpoint().unwrap();
    let (mut resumed, _) = resumed(&old);
    // The poll of the session before may have been answered with the same page.
    resumed.reply("GET", APP, 200, application(false));
    resumed.advance(minute);
    let mut cut = TestDriver::signed_in();
    cut.page(json!([]));
    cut.advance(minute);
    cut.break_off("GET", &format!("{APP}/events"), Sent::Maybe);
    cut.advance(Duration::from_secs(1));
    for mut driver in [resumed, cut] {
        driver.page(offered("17b", "Hi Tosh"));
        let key = ConversationKey::Remote(first_remote(&driver));
        driver.submit(Operation::Accept(key));
        driver.reply("POST", &accept(), 204, Value::Null);
        driver.page(offer_completed("17b", "Success"));
        driver.advance(Duration::from_secs(6));
        driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
        assert_eq!(driver.received(key), ["Hi Tosh"]);
    }
}

/// The poll was pending when the invitation came, so a message of a minute before is not its text.
#[test]
fn a_message_from_before_the_invitation_is_not_its_text() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([]));
    driver.now += Duration::from_secs(60);
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    driver.advance(Duration::from_secs(6));
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert_eq!(driver.received(key), ["Hi Tosh", "Hi Tosh"]);
}

#[test]
fn a_first_message_with_another_text_is_shown_in_addition_to_the_invitation_text() {
    let (mut driver, key) = invited("Hi Tosh");
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    driver.page(senders(
        "17b",
        vec![(true, arrival("17b", "1", "Something else"))],
    ));
    assert_eq!(driver.received(key), ["Hi Tosh", "Something else"]);
}

#[test]
fn a_later_event_without_links_does_not_undo_the_acceptance() {
    let (mut driver, key) = invited("Hi");
    let updated = event(
        "updated",
        "messagingInvitation",
        INVITATION,
        json!({"direction": "Incoming", "state": "Connecting"}),
    );
    driver.page(json!([communication(vec![updated])]));
    driver.submit(Operation::Accept(key));
    assert!(driver.is_sent("POST", &accept()));
}

#[test]
fn a_missed_invitation_ends_with_the_reason_and_its_text_is_kept() {
    let (mut driver, key) = invited("Hi Tosh");
    driver.page(offer_completed("17b", "Failure"));
    let changes = driver.changes(key);
    let [
        ConversationChange::MessageReceived { .. },
        ConversationChange::Ended {
            failure: Some(failure),
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(failure.subcode(), Some("Missed"));
}

/// Only the server's copy of the text of an accepted invitation is left out.
#[test]
fn a_message_with_the_text_of_a_missed_invitation_is_shown() {
    let mut driver = crate::sending::established();
    let mut page = offered("21a1", "Are you there?");
    page[0]["events"].as_array_mut().unwrap().truncate(1);
    driver.page(page);
    driver.page(offer_completed("21a1", "Failure"));
    assert_eq!(driver.received(chat()), ["Are you there?"]);
    driver.page(senders(
        "21a1",
        vec![(true, arrival("21a1", "9", "Are you there?"))],
    ));
    assert_eq!(driver.received(chat()), ["Are you there?"]);
}

#[test]
fn a_declined_invitation_is_answered_and_ends() {
    let (mut driver, key) = invited("Hi");
    let decline = driver.submit(Operation::Decline(key));
    // The published sample declines and leaves at once.
    let leave = driver.submit(Operation::Leave(key));
    let sent = driver.reply("POST", &format!("{INVITATION}/decline"), 204, Value::Null);
    assert_eq!(sent.json(), json!({"reason": "Local"}));
    assert_eq!(driver.result(decline), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.result(leave), Some(&Ok(Outcome::Done)));
    assert_eq!(
        driver.changes(key).last(),
        Some(&ConversationChange::ended(None))
    );
    driver.page(offer_completed("17b", "Failure"));
    assert!(driver.changes(key).is_empty());
}

/// Another endpoint of the user accepts the invitation while this one declines it.
#[test]
fn a_decline_that_comes_too_late_fails() {
    let (mut driver, key) = invited("Hi Tosh");
    let ticket = driver.submit(Operation::Decline(key));
    driver.page(offer_completed("17b", "Success"));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
}

#[test]
fn a_refused_decline_leaves_an_invitation_that_has_no_answer() {
    for (status, ends) in [(403, false), (409, true)] {
        let (mut driver, key) = invited("Hi");
        let ticket = driver.submit(Operation::Decline(key));
        let decline = format!("{INVITATION}/decline");
        driver.reply("POST", &decline, status, json!({"code": "x"}));
        assert_eq!(driver.result(ticket).unwrap().is_ok(), ends, "{status}");
        let is_end =
            |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
        let has_ended = driver.changes(key).iter().any(is_end);
        assert_eq!(has_ended, ends, "{status}");
    }
}

#[test]
fn an_acceptance_that_is_too_late_ends_with_the_reason_of_the_server() {
    let (mut driver, key) = invited("Hi");
    let ticket = driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 409, json!({"code": "Conflict"}));
    assert_eq!(driver.result(ticket), None);
    let mut completed = offer_completed("17b", "Failure");
    completed[0]["events"][0]["reason"]["subcode"] = json!("ConnectedElsewhere");
    driver.page(completed);
    assert_eq!(driver.failure(ticket).subcode(), Some("ConnectedElsewhere"));
}

#[test]
fn a_refused_acceptance_can_be_tried_again() {
    let (mut driver, key) = invited("Hi");
    let ticket = driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 403, json!({"code": "Forbidden"}));
    assert_eq!(driver.failure(ticket).status(), Some(403));
    assert_eq!(
        driver.changes(key).last(),
        Some(&ConversationChange::ChatOffered)
    );
    driver.submit(Operation::Accept(key));
    assert!(driver.is_sent("POST", &accept()));
}

#[test]
fn an_answer_accepts_the_invitation_and_waits_for_the_chat() {
    let (mut driver, key) = invited("Hi");
    let ticket = driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello".to_owned()),
        subject: None,
        message_id: None,
    });
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    let href = format!("{}/messaging/messages", conversation_href("17b"));
    assert_eq!(
        driver
            .created("POST", &href, &message_href("17b", "9"))
            .body(),
        "Hello"
    );
    driver.page(senders(
        "17b",
        vec![(true, delivery_event("17b", "9", "Success"))],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn an_invitation_without_an_accept_link_is_not_answerable() {
    let mut driver = TestDriver::signed_in();
    let mut page = offered("17b", "Hi");
    let links = page[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"]
        .as_object_mut()
        .unwrap();
    links.remove("accept");
    driver.page(page.clone());
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming {
            answerable: false,
            ..
        })
    ));

    // Lync 2013 servers call the link `answer`.
    let mut driver = TestDriver::signed_in();
    page[0]["events"][0]["_embedded"]["messagingInvitation"]["_links"]["answer"] =
        json!({"href": "/answer"});
    driver.page(page);
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.submit(Operation::Accept(key));
    assert!(driver.is_sent("POST", "/answer"));
}

#[test]
fn an_invitation_that_an_event_only_links_to_is_read() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([communication(vec![bare(
        "started",
        "messagingInvitation",
        INVITATION,
        None
    )])]));
    let invitation =
        offered("17b", "Hi")[0]["events"][0]["_embedded"]["messagingInvitation"].clone();
    driver.reply("GET", INVITATION, 200, invitation);
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming {
            answerable: true,
            ..
        })
    ));
}

#[test]
fn the_text_of_an_invitation_that_is_being_read_at_the_end_is_shown() {
    for ended in [false, true] {
        let mut driver = TestDriver::signed_in();
        let mut page = offered("17b", "Hi Tosh");
        let event = &mut page[0]["events"][0];
        event["type"] = json!("updated");
        let links = &mut event["_embedded"]["messagingInvitation"]["_links"];
        for rel in ["accept", "decline"] {
            links.as_object_mut().unwrap().remove(rel);
        }
        driver.page(page);
        assert_eq!(driver.events, []);
        if ended {
            driver.page(offer_completed("17b", "Failure"));
            driver.events.clear();
        } else {
            assert!(driver.is_sent("GET", INVITATION));
        }
        driver.handle(Input::Shutdown);
        let texts = driver.events.iter().filter(|event| {
            let change = match event {
                SessionEvent::Conversation { change, .. } => change,
                _ => return false,
            };
            matches!(change, ConversationChange::MessageReceived { body: MessageBody::Text(text), .. } if text == "Hi Tosh")
        });
        assert_eq!(texts.count(), usize::from(!ended), "ended: {ended}");
    }
}

#[test]
fn a_malformed_invitation_affects_its_event_only() {
    let mut driver = TestDriver::signed_in();
    let mut page = offered("17b", "Hi");
    let broken = json!({"link": {"rel": "messagingInvitation", "href": "/x"}, "_embedded": {"messagingInvitation": 7}, "type": "updated"});
    page[0]["events"].as_array_mut().unwrap().insert(0, broken);
    driver.page(page);
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming { .. })
    ));
}

#[test]
fn the_text_of_an_invitation_that_was_left_is_not_shown_again_by_its_late_event() {
    let (mut driver, key) = invited("Hi Tosh");
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    driver.submit(Operation::Leave(key));
    driver.reply("DELETE", &conversation_href("17b"), 204, Value::Null);
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "Hi Tosh"))]));
    assert!(driver.received(key).is_empty());
    driver.page(senders("17b", vec![(true, arrival("17b", "2", "Hi Tosh"))]));
    assert_eq!(
        driver.received(key),
        ["Hi Tosh"],
        "a message with the same text is shown again"
    );
}

#[test]
fn the_text_of_an_invitation_is_not_shown_again_in_a_conversation_that_resumes_after_its_end() {
    let (mut driver, key) = invited("Hi Tosh");
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &accept(), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    driver.page(senders(
        "17b",
        vec![(true, messaging("17b", "Disconnected"))],
    ));
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Are you there?".to_owned()),
        subject: None,
        message_id: None,
    });
    driver.advance(Duration::from_secs(10));
    driver.reply(
        "GET",
        &conversation_href("17b"),
        200,
        json!({"state": "Connected", "activeModalities": [], "_links": {
            "self": {"href": conversation_href("17b")},
            "addParticipant": {"href": format!("{}/addParticipant", conversation_href("17b"))},
        }}),
    );
    let lost = driver.take("POST", INVITATIONS);
    let operation = lost.json()["operationId"].as_str().unwrap().to_owned();
    driver.sent.push_back(lost);
    driver.break_off("POST", INVITATIONS, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.submit(Operation::Leave(key));
    driver.reply("DELETE", &conversation_href("17b"), 204, Value::Null);
    let ends = |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
    assert!(driver.changes(key).iter().any(ends));

    // The invitation that timed out appears late, followed by the message that no event had brought.
    let mut shows = invitation("started", &operation, "17b", "Connecting");
    shows["link"]["href"] = json!(format!("{INVITATION}2"));
    let events = |number| {
        vec![
            (false, shows.clone()),
            (true, arrival("17b", number, "Hi Tosh")),
        ]
    };
    driver.page(senders("17b", events("1")));
    assert!(driver.received(key).is_empty());
    driver.page(senders("17b", events("2")));
    assert_eq!(
        driver.received(key),
        ["Hi Tosh"],
        "a message with the same text is shown again"
    );
}

#[test]
fn a_conversation_without_a_known_peer_sends_no_invitation() {
    let mut driver = TestDriver::signed_in();
    let mut page = offer_completed("17b", "Failure");
    let invitation = &mut page[0]["events"][0]["_embedded"]["messagingInvitation"];
    invitation["_links"]["from"] = json!({"href": participant_href("17b")});
    driver.page(page);
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.changes(key);
    let ticket = driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Sorry, I was out".to_owned()),
        subject: None,
        message_id: None,
    });
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
    assert!(!driver.is_sent("POST", ""), "{:?}", driver.sent);
    let changes = driver.changes(key);
    assert!(
        matches!(changes.last(), Some(ConversationChange::Ended { .. })),
        "the started conversation has ended: {changes:?}"
    );
}

/// The chat began in another way, for example because this user called the peer meanwhile.
#[test]
fn a_missed_invitation_does_not_end_a_chat_that_is_connected() {
    let mut fixture = crate::fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.page(offered("21a1", "Hi Tosh"));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Connected"))],
    ));
    driver.events.clear();
    driver.page(offer_completed("21a1", "Failure"));
    let changes = driver.changes(key);
    let is_end =
        |change: &ConversationChange| matches!(change, ConversationChange::ChatDisconnected { .. });
    assert!(!changes.iter().any(is_end), "{changes:?}");
}

#[test]
fn an_answer_after_the_end_continues_the_thread_of_the_invitation() {
    let mut driver = TestDriver::signed_in();
    let mut page = offered("17b", "Hi Tosh");
    // Without the event of the conversation, which names the thread, too.
    page[0]["events"].as_array_mut().unwrap().truncate(1);
    driver.page(page);
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.page(offer_completed("17b", "Failure"));
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Sorry, I was away".to_owned()),
        subject: None,
        message_id: None,
    });
    let request = driver.take("POST", INVITATIONS).json();
    assert_eq!(request["threadId"], "t9");
    assert_eq!(request["to"], "sip:lenea@contoso.com");
}

/// The event that connects the chat may have been merged away.
#[test]
fn the_chat_of_an_accepted_invitation_is_read_once() {
    let mut fixture = crate::fixtures::accepting();
    let driver = &mut fixture.driver;
    driver.page(offer_completed("17b", "Success"));
    driver.page(senders(
        "17b",
        vec![(true, messaging("17b", "Disconnected"))],
    ));
    let href = format!("{INVITATION}2");
    let mut offer = offered("17b", "Hi again");
    let invitation = &mut offer[0]["events"][0];
    invitation["link"]["href"] = json!(href);
    driver.page(json!([communication(vec![invitation.clone()])]));
    driver.submit(Operation::Accept(fixture.key));
    driver.reply("POST", &accept(), 204, Value::Null);
    let chat = format!("{}/messaging", conversation_href("17b"));
    let mut reads = 0;
    for _ in 0..3 {
        if driver.is_sent("GET", &chat) {
            reads += 1;
            let connecting = messaging("17b", "Connecting")["_embedded"]["messaging"].clone();
            driver.reply("GET", &chat, 200, connecting);
        }
        let updated = conversation_event("updated", "17b", "Connected");
        driver.page(senders("17b", vec![(false, updated)]));
    }
    assert_eq!(reads, 1);
}
