//! Handover during reads: of messages, of invitations, and of the application.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::signed_out;
use crate::driver::*;
use crate::handover::*;
use crate::pages::*;
use crate::people::{batch_of, targets, with_people};
use crate::unclaimed::discovered;

const SECOND: Duration = Duration::from_secs(1);

/// A session that reads the text of message 5. Message 6 follows.
fn reading() -> (TestDriver, Value) {
    let mut old = chatting();
    let message = arrival("21a1", "5", "first");
    let resource = message["_embedded"]["message"].clone();
    let malformed = with(message, "_embedded", json!("x"));
    let behind = arrival("21a1", "6", "second");
    old.page(json!([conversation("21a1", vec![malformed, behind])]));
    (old, resource)
}

#[test]
fn messages_that_are_not_shown_yet_are_read_by_the_next_session_and_shown_there_only() {
    for detaches in [true, false] {
        let (mut old, first) = reading();
        old.events.clear();
        let checkpoint = match detaches {
            true => old.session.detach(old.now),
            false => old.session.checkpoint(),
        };
        old.handle(Input::Timeout);
        assert_eq!(old.received(chat()), [""; 0]);
        let (mut driver, key) = resumed_chat(&checkpoint.unwrap());
        // Messages that arrive in the meantime are shown after them.
        driver.page(senders("21a1", vec![(true, arrival("21a1", "7", "third"))]));
        assert_eq!(driver.received(key), [""; 0]);
        let second = arrival("21a1", "6", "second")["_embedded"]["message"].clone();
        driver.reply("GET", &message_href("21a1", "6"), 200, second);
        driver.reply("GET", &message_href("21a1", "5"), 200, first);
        assert_eq!(driver.received(key), ["first", "second", "third"]);
    }
}

#[test]
fn a_conversation_that_waits_for_a_message_before_its_end_is_handed_over() {
    let (mut old, first) = reading();
    let gone = bare("deleted", "conversation", &conversation_href("21a1"), None);
    old.page(senders("21a1", vec![(false, gone)]));
    let (mut driver, key) = resumed_chat(&old.session.checkpoint().unwrap());
    let lost = json!({"code": "NotFound", "subcode": "ConversationNotFound"});
    driver.reply("GET", &conversation_href("21a1"), 404, lost);
    driver.reply("GET", &message_href("21a1", "5"), 200, first);
    let second = arrival("21a1", "6", "second")["_embedded"]["message"].clone();
    driver.reply("GET", &message_href("21a1", "6"), 200, second);
    let changes = driver.changes(key);
    let texts: Vec<_> = (changes.iter())
        .filter_map(|change| match change {
            ConversationChange::MessageReceived {
                body: MessageBody::Text(text),
                ..
            } => Some(&**text),
            _ => None,
        })
        .collect();
    assert_eq!(texts, ["first", "second"]);
    assert!(matches!(
        changes.last(),
        Some(ConversationChange::Ended {
            failure: Some(_),
            ..
        })
    ));
}

#[test]
fn an_invitation_that_is_being_read_is_handed_over() {
    let mut old = TestDriver::signed_in();
    let offer = offered("17b", "hello")[0]["events"][0].clone();
    let resource = offer["_embedded"]["messagingInvitation"].clone();
    old.page(json!([communication(vec![with(
        offer,
        "_embedded",
        json!("x")
    )])]));
    let (mut driver, _) = resumed(&old.session.checkpoint().unwrap());
    driver.reply("GET", APP, 200, application(false));
    driver.reply("GET", INVITATION, 200, resource);
    let incoming = |event: &SessionEvent| {
        matches!(
            event,
            SessionEvent::Incoming {
                answerable: true,
                preview: Some(_),
                ..
            }
        )
    };
    assert!(driver.events.iter().any(incoming), "{:?}", driver.events);
}

/// A session that has accepted Lene's invitation, whose text no event has brought so far.
fn with_expected_text() -> TestDriver {
    let mut old = TestDriver::signed_in();
    old.page(offered("17b", "hello"));
    let key = ConversationKey::Remote(crate::channel::first_remote(&old));
    old.submit(Operation::Accept(key));
    old.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    old.page(offer_completed("17b", "Success"));
    old.page(senders("17b", vec![(true, messaging("17b", "Connected"))]));
    old
}

fn accepted_invitation() -> Value {
    let offer = offered("17b", "hello")[0]["events"][0]["_embedded"]["messagingInvitation"].clone();
    with(offer, "state", json!("Connected"))
}

#[test]
fn the_text_of_an_accepted_invitation_is_shown_once_by_the_next_session() {
    for comes_as_an_event in [true, false] {
        let mut old = with_expected_text();
        let checkpoint = old.session.detach(old.now).unwrap();
        old.handle(Input::Timeout);
        let key = ConversationKey::Remote(crate::channel::first_remote(&old));
        assert_eq!(old.received(key), [""; 0]);
        let (mut driver, key) = resumed_chat(&checkpoint);
        driver.reply("GET", INVITATION, 200, accepted_invitation());
        if comes_as_an_event {
            driver.page(senders("17b", vec![(true, arrival("17b", "1", "hello"))]));
        }
        driver.advance(10 * SECOND);
        assert_eq!(driver.received(key), ["hello"]);
        // Another view of the invitation, and a late event with its text, add nothing.
        driver.page(offered("17b", "hello"));
        driver.page(senders("17b", vec![(true, arrival("17b", "1", "hello"))]));
        driver.advance(10 * SECOND);
        assert_eq!(driver.received(key), [""; 0]);
    }
}

/// The session has shown the text of the invitation, since no event came in time. The event comes to the next session.
#[test]
fn a_text_that_the_session_before_has_shown_is_not_shown_again() {
    let mut old = with_expected_text();
    old.advance(6 * SECOND);
    let key = ConversationKey::Remote(crate::channel::first_remote(&old));
    assert_eq!(old.received(key), ["hello"]);
    let checkpoint = old.session.checkpoint().unwrap();
    for (milliseconds, is_shown) in [(1_700_000_001_000_u64, false), (1_700_000_061_000, true)] {
        let (mut driver, key) = resumed_chat(&checkpoint);
        // A repeated event of the invitation does not announce the text again.
        driver.page(offer_completed("17b", "Success"));
        let mut message = arrival("17b", "1", "hello");
        message["_embedded"]["message"]["timeStamp"] = json!(format!("/Date({milliseconds})/"));
        driver.page(senders("17b", vec![(true, message)]));
        assert_eq!(!driver.received(key).is_empty(), is_shown, "{milliseconds}");
        // Another message with the same text is shown.
        driver.page(senders("17b", vec![(true, arrival("17b", "2", "hello"))]));
        assert_eq!(driver.received(key), ["hello"]);
    }
}

#[test]
fn an_accepted_invitation_without_a_conversation_is_shown_when_an_event_describes_it() {
    let mut old = TestDriver::signed_in();
    old.page(offered("17b", "hello"));
    let key = ConversationKey::Remote(crate::channel::first_remote(&old));
    old.submit(Operation::Accept(key));
    let (mut driver, _) = resumed(&old.session.checkpoint().unwrap());
    driver.reply("GET", APP, 200, application(false));
    // The server removes the links of a conversation that has ended.
    let bare = json!({"rel": "messagingInvitation", "direction": "Incoming", "state": "Connected"});
    driver.reply("GET", INVITATION, 200, bare);
    let is_shown = |driver: &TestDriver| {
        let mut events = driver.events.iter();
        events.any(|event| matches!(event, SessionEvent::Incoming { .. }))
    };
    assert!(!is_shown(&driver), "{:?}", driver.events);
    // The text precedes that of a later invitation into the same conversation in the same page.
    let message = arrival("17b", "1", "hello");
    let first = offer_completed("17b", "Success")[1]["events"][1].clone();
    let mut next = offered("17b", "later")[0]["events"][0].clone();
    next["link"]["href"] = json!(format!("{INVITATION}b"));
    driver.page(senders(
        "17b",
        vec![(true, message), (false, first), (false, next)],
    ));
    assert!(is_shown(&driver));
    let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
    assert_eq!(driver.received(key), ["hello"]);
}

#[test]
fn an_invitation_that_an_event_brings_first_is_not_read_again() {
    let mut old = TestDriver::signed_in();
    old.page(offered("17b", "hello"));
    let (mut driver, _) = resumed(&old.session.checkpoint().unwrap());
    driver.page(offered("17b", "hello"));
    assert_eq!(driver.session.checkpoint().unwrap().conversations(), 1);
    driver.reply("GET", APP, 200, application(false));
    assert!(!driver.is_sent("GET", INVITATION));
}

/// The server keeps the invitation for 30 s, and the application may not accept it again later.
#[test]
fn an_invitation_can_be_answered_before_the_application_is_read() {
    for (operation, link) in [
        (Operation::Accept as fn(_) -> _, "accept"),
        (Operation::Decline as fn(_) -> _, "decline"),
    ] {
        let old = TestDriver::signed_in();
        let (mut driver, _) = resumed(&old.session.checkpoint().unwrap());
        driver.page(offered("17b", "hello"));
        let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
        let ticket = driver.submit(operation(key));
        assert!(driver.is_sent("POST", &format!("{INVITATION}/{link}")));
        assert_eq!(driver.result(ticket), None);
    }
}

#[test]
fn a_session_that_is_resuming_can_be_handed_over_again() {
    let mut old = chatting();
    old.page(offered("17b", "hello"));
    let checkpoint = old.session.checkpoint().unwrap();
    let (mut driver, _) = resumed(&checkpoint);
    let again = driver.session.checkpoint().expect("no checkpoint");
    assert_eq!(again.encode(), checkpoint.encode());
    driver.page(senders("21a1", vec![(true, arrival("21a1", "5", "Hi"))]));
    let later = driver.session.checkpoint().unwrap();
    assert_ne!(
        later.encode(),
        checkpoint.encode(),
        "the next poll is another one"
    );
    assert_eq!(later.conversations(), 2);
}

/// Otherwise the session would repeat the batch without end.
#[test]
fn a_read_that_a_batch_refuses_is_sent_alone() {
    let (old, _) = reading();
    let (mut driver, _) = resumed(&old.session.checkpoint().unwrap());
    driver.reply("GET", APP, 200, with_people(false));
    let batch = driver.take("POST", &format!("{APP}/batch"));
    let reads = targets(&batch);
    assert_eq!(reads.len(), 3);
    let refused: Vec<_> = reads
        .iter()
        .map(|_| (404, json!({"code": "NotFound"})))
        .collect();
    driver.respond(batch.id, batch_of(&refused));
    assert!(!driver.is_sent("POST", &format!("{APP}/batch")));
    for read in reads {
        let (_, target) = read.split_once(' ').unwrap();
        assert!(
            driver.sent.iter().any(|it| it.target() == target),
            "{target}"
        );
    }
}

#[test]
fn a_refusal_that_may_come_from_a_proxy_counts_at_the_third_time() {
    for exists in [true, false] {
        let checkpoint = chat_checkpoint();
        let (mut driver, ticket) = resumed(&checkpoint);
        let forbidden = || json!({"code": "Forbidden"});
        let is_read = |driver: &TestDriver| driver.sent.iter().any(|it| it.target() == APP);
        for _ in 0..2 {
            driver.reply("GET", APP, 403, forbidden());
            assert!(!is_read(&driver));
            driver.advance(SECOND);
            assert!(is_read(&driver));
        }
        let resumes = match exists {
            true => (200, application(false)),
            false => (403, forbidden()),
        };
        driver.reply("GET", APP, resumes.0, resumes.1);
        assert_eq!(driver.result(ticket).is_some(), exists);
        let gave_up = |event: &SessionEvent| matches!(event, SessionEvent::NotResumed { failure, .. } if failure.status() == Some(403));
        assert_eq!(driver.events.iter().any(gave_up), !exists);
    }
}

#[test]
fn unreadable_pages_do_not_start_a_second_read_or_a_second_poll() {
    let checkpoint = chat_checkpoint();
    let (mut driver, ticket) = resumed(&checkpoint);
    let events = format!("{APP}/events");
    for _ in 0..3 {
        driver.reply("GET", &events, 200, json!({"not": "a page"}));
        driver.advance(SECOND);
    }
    assert_eq!(driver.count_sent("GET", APP), 1);
    driver.reply("GET", APP, 200, application(false));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.count_sent("GET", &events), 1);
}

/// The link of a read application leads to another host after unreadable pages: the session ends, and is not signed in after
/// that.
#[test]
fn an_events_link_to_another_host_ends_a_session_that_resumes() {
    let checkpoint = chat_checkpoint();
    let (mut driver, ticket) = resumed(&checkpoint);
    for _ in 0..3 {
        driver.reply(
            "GET",
            &format!("{APP}/events"),
            200,
            json!({"not": "a page"}),
        );
        driver.advance(SECOND);
    }
    let mut forged = application(false);
    forged["_links"]["events"] = json!({"href": "https://evil.example/events"});
    driver.reply("GET", APP, 200, forged);
    assert!(signed_out(&driver).is_some());
    let last = driver.events.iter().rev().find_map(|event| match event {
        SessionEvent::SignIn { state, .. } => Some(*state),
        _ => None,
    });
    assert_eq!(last, Some(SignInState::SignedOut));
    assert!(matches!(driver.result(ticket), Some(Err(_))));
    let only_deletes = |it: &Request| it.request.method() == "DELETE";
    assert!(driver.sent.iter().all(only_deletes), "{:?}", driver.sent);
}

/// A session that has accepted an invitation, which does not contain the inviter.
fn accepted_without_an_inviter() -> (TestDriver, ConversationKey) {
    let mut driver = TestDriver::signed_in();
    let mut offer = offered("17b", "hello");
    let invitation = &mut offer[0]["events"][0]["_embedded"]["messagingInvitation"];
    invitation["_embedded"] = json!({});
    driver.page(offer);
    let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
    driver.submit(Operation::Accept(key));
    driver.reply("POST", &format!("{INVITATION}/accept"), 204, Value::Null);
    driver.page(offer_completed("17b", "Success"));
    (driver, key)
}

#[test]
fn the_text_of_an_invitation_without_an_inviter_is_not_repeated() {
    let (mut driver, key) = accepted_without_an_inviter();
    driver.page(senders("17b", vec![(true, arrival("17b", "1", "hello"))]));
    driver.advance(10 * SECOND);
    assert_eq!(driver.received(key), ["hello"]);
    assert!(discovered(&driver).is_none());
}

#[test]
fn an_event_does_not_repeat_the_shown_text_of_an_invitation_without_an_inviter() {
    let (mut driver, key) = accepted_without_an_inviter();
    driver.advance(5 * SECOND);
    assert_eq!(driver.received(key), ["hello"]);
    let lene = json!({"rel": "participant", "uri": "sip:lenea@contoso.com", "name": "Lene Aaling"});
    let joined = event("added", "participant", &participant_href("17b"), lene);
    driver.page(senders(
        "17b",
        vec![(true, joined), (true, arrival("17b", "1", "hello"))],
    ));
    assert_eq!(driver.received(key), [""; 0]);
}

#[test]
fn an_invitation_that_is_read_twice_shows_its_text_once() {
    let checkpoint = with_expected_text().session.checkpoint().unwrap();
    let (mut driver, key) = resumed_chat(&checkpoint);
    driver.reply("GET", INVITATION, 200, accepted_invitation());
    // An event without links has the session read the invitation again, while the text is still expected.
    let offer = with(
        offered("17b", "hello")[0]["events"][0].clone(),
        "type",
        json!("updated"),
    );
    driver.page(json!([communication(vec![with(
        offer,
        "_embedded",
        json!("x")
    )])]));
    driver.reply("GET", INVITATION, 200, accepted_invitation());
    driver.advance(10 * SECOND);
    assert_eq!(driver.received(key), ["hello"]);
}

/// Otherwise the conversation would have no links, and its messages would never be sent.
#[test]
fn a_conversation_whose_links_are_forged_is_read_again() {
    let (mut driver, key) = resumed_chat(&chat_checkpoint());
    let href = conversation_href("21a1");
    let links = |host: &str| {
        let link = |rest: &str| json!({"href": format!("{host}{href}{rest}")});
        json!({
            "rel": "conversation", "state": "Connected",
            "_links": {"self": link(""), "participants": link("/participants"), "messaging": link("/messaging")},
        })
    };
    driver.reply("GET", &href, 200, links("https://evil.example"));
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello again".to_owned()),
        subject: None,
        message_id: None,
    });
    assert!(!driver.is_sent("GET", &href));
    driver.advance(120 * SECOND);
    answer_reads(&mut driver, "21a1");
    assert_eq!(driver.count_sent("POST", &href), 1);
}

/// The invitation was accepted by an earlier session, and its event is malformed. Its text came as a message meanwhile.
#[test]
fn the_text_of_an_invitation_that_is_still_being_read_is_not_repeated_by_the_next_session() {
    for was_shown in [true, false] {
        let mut old = chatting();
        let offer = offered("21a1", "hello")[0]["events"][0].clone();
        let resource = offer["_embedded"]["messagingInvitation"].clone();
        let accepted = with(resource, "state", json!("Connected"));
        let malformed = with(offer, "_embedded", json!("x"));
        old.page(json!([communication(vec![malformed])]));
        assert!(old.is_sent("GET", INVITATION));
        if was_shown {
            old.page(senders("21a1", vec![(true, arrival("21a1", "1", "hello"))]));
        }
        let (mut second, _) = resumed(&old.session.checkpoint().unwrap());
        // The process after the next one knows it, too.
        let checkpoint = second.session.checkpoint().unwrap();
        second.handle(Input::Shutdown);
        let (mut driver, key) = resumed_chat(&checkpoint);
        driver.reply("GET", INVITATION, 200, accepted);
        driver.advance(10 * SECOND);
        let expected: &[&str] = if was_shown { &[] } else { &["hello"] };
        assert_eq!(driver.received(key), expected);
    }
}
