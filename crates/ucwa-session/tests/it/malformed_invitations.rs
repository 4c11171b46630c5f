//! Malformed events of invitations: the invitations are read, and their texts and results count once.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures;
use crate::malformed::malform;
use crate::pages::*;
#[test]
fn a_malformed_invitation_is_read_by_its_link() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let resource = event["_embedded"]["messagingInvitation"].clone();
    for malformed in malform(event) {
        let mut driver = TestDriver::signed_in();
        driver.page(json!([communication(vec![malformed])]));
        assert!(driver.events.is_empty(), "{:?}", driver.events);
        driver.reply("GET", INVITATION, 200, resource.clone());
        assert!(matches!(
            driver.events.first(),
            Some(SessionEvent::Incoming { .. })
        ));
    }
}

/// Only the invitation names the conversation, so the acceptance has no effect without the resource of the invitation.
#[test]
fn a_malformed_acceptance_is_read_for_the_conversation() {
    let mut fixture = fixtures::inviting();
    let (operation, key) = (fixture.operation.clone(), fixture.key);
    let driver = &mut fixture.driver;
    let completed = invitation("completed", &operation, "21a1", "Connected");
    let resource = completed["_embedded"]["messagingInvitation"].clone();
    let completed = with(completed, "status", json!("Success"));
    let malformed = with(completed, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    assert_eq!(driver.delivery_results(key), []);
    driver.reply("GET", INVITATION, 200, resource);
    let delivery_results = driver.delivery_results(key);
    assert_eq!(
        delivery_results,
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
    assert!(driver.is_sent("GET", &conversation_href("21a1")));
}

/// An invitation may start and alert in one page, so that its only event is an update.
#[test]
fn a_malformed_update_of_an_unknown_invitation_is_read() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let resource = event["_embedded"]["messagingInvitation"].clone();
    let mut driver = TestDriver::signed_in();
    let updated = with(event.clone(), "type", json!("updated"));
    let malformed = with(updated, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming { .. })
    ));
}

#[test]
fn an_invitation_is_read_once_while_its_request_is_in_flight_or_waits() {
    for status in [None, Some(503), Some(401)] {
        let offer = offered("17b", "Hi");
        let event = &offer[0]["events"][0];
        let resource = event["_embedded"]["messagingInvitation"].clone();
        let malformed = with(event.clone(), "_embedded", json!("x"));
        let page = json!([communication(vec![malformed])]);
        let mut driver = TestDriver::signed_in();
        driver.page(page.clone());
        match status {
            None => {}
            Some(401) => {
                let read = driver.take("GET", INVITATION);
                driver.respond(read.id, challenge("/WebTicket/oauthtoken"));
            }
            Some(status) => {
                driver.reply("GET", INVITATION, status, Value::Null);
            }
        }
        driver.page(page);
        if status == Some(401) {
            let renewed = token("cwt=two", 28_000);
            driver.reply("POST", "/WebTicket/oauthtoken", 200, renewed);
        }
        driver.advance(Duration::from_secs(10));
        assert_eq!(driver.count_sent("GET", INVITATION), 1, "{status:?}");
        driver.reply("GET", INVITATION, 200, resource);
        assert!(matches!(
            driver.events.first(),
            Some(SessionEvent::Incoming { .. })
        ));
    }
}

/// The page with the result may be lost with the application.
#[test]
fn a_malformed_start_of_an_invitation_is_read_with_its_result() {
    for is_response_lost in [false, true] {
        for (state, expected) in [
            ("Connected", MessageStatus::Succeeded),
            ("Declined", MessageStatus::Failed),
        ] {
            let mut driver = TestDriver::with_conversation();
            driver.send(1, "Hello");
            let sent = driver.sent.iter();
            let mut sent = sent.filter(|request| request.target() == fixtures::INVITATIONS);
            let request = sent.next().unwrap().json();
            let operation = request["operationId"].as_str().unwrap().to_owned();
            if is_response_lost {
                driver.break_off("POST", fixtures::INVITATIONS, Sent::Maybe);
            } else {
                driver.created("POST", fixtures::INVITATIONS, INVITATION);
            }
            let started = invitation("started", &operation, "21a1", state);
            let resource = started["_embedded"]["messagingInvitation"].clone();
            let malformed = with(started, "_embedded", json!("x"));
            driver.page(json!([communication(vec![malformed])]));
            driver.reply("GET", INVITATION, 200, resource);
            let delivery_results = driver.delivery_results(chat());
            assert_eq!(
                delivery_results,
                [(MessageKey::Local(1), expected)],
                "{is_response_lost}"
            );
        }
    }
}

/// In a group, a sender on another host is no known participant, so the text identifies the message as that of the
/// invitation.
#[test]
fn the_text_of_an_invitation_from_an_unusable_sender_is_shown_once() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    let alex = format!(
        "{}/participants/alexd@contoso.com",
        conversation_href("17b")
    );
    let alex = event(
        "added",
        "participant",
        &alex,
        json!({"name": "Alex Darrow", "uri": "sip:alexd@contoso.com"}),
    );
    driver.page(senders("17b", vec![(true, alex)]));
    driver.advance(Duration::from_secs(5));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let mut first = arrival("17b", "1", "Hi Tosh");
    let sender = json!({"href": "https://elsewhere.example/participant/1", "title": "Lene Aaling"});
    first["_embedded"]["message"]["_links"]["participant"] = sender;
    driver.page(senders("17b", vec![(true, first)]));
    assert_eq!(driver.received(key), Vec::<String>::new());
}

/// The changes after the malformed result of an invitation that has timed out, and whose conversation has ended. With
/// `is_over`, the invitation has lost its links when it is read.
fn late_result(state: &str, is_over: bool) -> Vec<ConversationChange> {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hello");
    let mut sent = driver.sent.iter();
    let request = sent.find(|request| request.target() == fixtures::INVITATIONS);
    let operation = request.unwrap().json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.break_off("POST", fixtures::INVITATIONS, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    driver.events.clear();
    let completed = invitation("completed", &operation, "21a1", state);
    let mut resource = completed["_embedded"]["messagingInvitation"].clone();
    if is_over {
        resource["_links"] = json!({});
    }
    let malformed = with(completed, "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    driver.changes(chat())
}

/// Whether the only change is the result of the message in the invitation.
fn settles(changes: &[ConversationChange], expected: MessageStatus) -> bool {
    matches!(
        changes,
        [ConversationChange::MessageStatus { message: MessageKey::Local(1), status, .. }] if *status == expected
    )
}

#[test]
fn a_late_refusal_of_a_lost_invitation_does_not_end_the_conversation_again() {
    for is_over in [true, false] {
        let changes = late_result("Declined", is_over);
        assert!(
            settles(&changes, MessageStatus::Failed),
            "{is_over}: {changes:?}"
        );
    }
}

#[test]
fn a_late_acceptance_of_a_lost_invitation_settles_its_message() {
    let changes = late_result("Connected", true);
    assert!(settles(&changes, MessageStatus::Succeeded), "{changes:?}");
}

/// Messages that are being read precede the text of a later invitation, which restarts the chat.
#[test]
fn the_text_of_an_invitation_follows_the_messages_before_it() {
    let mut fixture = fixtures::established();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let [first, second] = ["first", "second"].map(|text| arrival("21a1", text, text));
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    driver.page(json!([conversation("21a1", vec![malformed, second])]));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.page(offered("21a1", "Hi Tosh"));
    driver.submit(Operation::Accept(key));
    let accept = format!("{INVITATION}/accept");
    driver.reply("POST", &accept, 204, Value::Null);
    driver.page(offer_completed("21a1", "Success"));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), Vec::<String>::new());
    driver.reply("GET", &message_href("21a1", "first"), 200, resource);
    assert_eq!(driver.received(key), ["first", "second"]);
    let event = arrival("21a1", "3", "Hi Tosh");
    driver.page(senders("21a1", vec![(true, event)]));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
}

/// The message with the text may have been sent long before the invitation was read.
#[test]
fn the_text_of_an_invitation_that_was_read_late_is_shown_once() {
    let mut driver = TestDriver::signed_in();
    // A minute after the time of the message.
    driver.server_clock = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_061));
    let offer = offered("17b", "Hi Tosh");
    let event = &offer[0]["events"][0];
    let mut resource = event["_embedded"]["messagingInvitation"].clone();
    resource["state"] = json!("Connected");
    let malformed = with(event.clone(), "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    let key = ConversationKey::Remote(crate::channel::first_remote(&driver));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let event = arrival("17b", "1", "Hi Tosh");
    driver.page(senders("17b", vec![(true, event)]));
    assert_eq!(driver.received(key), Vec::<String>::new());
}

/// The same holds for an invitation that was missed, and the message that is being read may be the text of the invitation
/// before.
#[test]
fn the_text_of_an_invitation_is_shown_once_although_others_follow() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    driver.advance(Duration::from_secs(6));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    let first = arrival("17b", "1", "Hi Tosh");
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    driver.page(senders(
        "17b",
        vec![(true, malformed), (true, messaging("17b", "Disconnected"))],
    ));
    for text in ["one", "two"] {
        let mut offer = offered("17b", text);
        let href = format!("{APP}/communication/messagingInvitations/{text}");
        let invitation = &mut offer[0]["events"][0];
        invitation["link"]["href"] = json!(href);
        let mut missed = invitation.clone();
        missed["type"] = json!("completed");
        missed["status"] = json!("Failure");
        missed["_embedded"]["messagingInvitation"]["state"] = json!("Failed");
        driver.page(json!([communication(vec![invitation.clone(), missed])]));
    }
    assert_eq!(driver.received(key), Vec::<String>::new());
    driver.reply("GET", &message_href("17b", "1"), 200, resource);
    assert_eq!(driver.received(key), ["one", "two"]);
}

/// The events with the texts come when the user has left the conversation. The server has confirmed both acceptances, or only
/// the first.
#[test]
fn the_texts_of_several_accepted_invitations_are_shown_once() {
    for is_confirmed in [true, false] {
        let mut fixture = fixtures::accepting();
        let (driver, key) = (&mut fixture.driver, fixture.key);
        driver.page(offer_completed("17b", "Success"));
        driver.advance(Duration::from_secs(6));
        driver.page(senders(
            "17b",
            vec![(true, messaging("17b", "Disconnected"))],
        ));
        let href = format!("{APP}/communication/messagingInvitations/second");
        let mut offer = offered("17b", "Hi again");
        let invitation = &mut offer[0]["events"][0];
        invitation["link"]["href"] = json!(href);
        invitation["_embedded"]["messagingInvitation"]["_links"]["accept"]["href"] =
            json!(format!("{href}/accept"));
        let mut completed = invitation.clone();
        driver.page(json!([communication(vec![invitation.clone()])]));
        driver.submit(Operation::Accept(key));
        driver.reply("POST", &format!("{href}/accept"), 204, Value::Null);
        if is_confirmed {
            completed["type"] = json!("completed");
            completed["status"] = json!("Success");
            completed["_embedded"]["messagingInvitation"]["state"] = json!("Connected");
            driver.page(json!([communication(vec![completed])]));
        }
        driver.submit(Operation::Leave(key));
        driver.reply("DELETE", &conversation_href("17b"), 204, Value::Null);
        assert_eq!(driver.received(key), ["Hi Tosh", "Hi again"]);
        for (number, text) in [("1", "Hi Tosh"), ("2", "Hi again")] {
            let event = arrival("17b", number, text);
            driver.page(senders("17b", vec![(true, event)]));
            assert_eq!(driver.received(key), Vec::<String>::new(), "{text}");
        }
    }
}

/// The result of an earlier invitation is malformed, so that invitation is read while the next one is being accepted.
#[test]
fn an_invitation_that_was_missed_does_not_replace_the_next_one() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    let earlier = format!("{INVITATION}-earlier");
    let mut missed = offered("17b", "earlier")[0]["events"][0].clone();
    missed["link"]["href"] = json!(earlier);
    let resource = missed["_embedded"]["messagingInvitation"].clone();
    let resource = with(resource, "state", json!("Failed"));
    let malformed = with(
        with(missed, "type", json!("completed")),
        "_embedded",
        json!("x"),
    );
    driver.page(json!([communication(vec![malformed.clone()])]));
    driver.reply("GET", &earlier, 200, resource);
    assert_eq!(driver.received(key), ["earlier"]);
    assert_eq!(fixture.ticket.and_then(|it| driver.result(it)), None);
    let mut accepted = offer_completed("17b", "Success")
        .as_array()
        .unwrap()
        .clone();
    accepted.push(conversation("17b", vec![arrival("17b", "1", "Hi Tosh")]));
    driver.page(json!(accepted));
    let done = fixture.ticket.and_then(|it| driver.result(it)).cloned();
    assert_eq!(done, Some(Ok(Outcome::Done)));
    assert_eq!(driver.received(key), ["Hi Tosh"]);
    // It is not read again.
    driver.page(json!([communication(vec![malformed])]));
    assert!(!driver.is_sent("GET", &earlier));
}

/// The message that is being read may be the text of the invitation.
#[test]
fn the_text_of_an_invitation_precedes_the_messages_behind_its_malformed_event() {
    let mut fixture = fixtures::accepting();
    let (driver, key) = (&mut fixture.driver, fixture.key);
    driver.page(offer_completed("17b", "Success"));
    let first = arrival("17b", "1", "Hi Tosh");
    let resource = first["_embedded"]["message"].clone();
    let malformed = with(first, "_embedded", json!("x"));
    let second = arrival("17b", "2", "second");
    driver.page(json!([conversation("17b", vec![malformed, second])]));
    driver.advance(Duration::from_secs(6));
    driver.reply("GET", &message_href("17b", "1"), 200, resource);
    assert_eq!(driver.received(key), ["Hi Tosh", "second"]);
}

/// Otherwise the session would show a second conversation, which has no address.
#[test]
fn a_read_invitation_into_a_conversation_on_another_host_is_not_shown() {
    let offer = offered("17b", "Hi");
    let event = &offer[0]["events"][0];
    let mut resource = event["_embedded"]["messagingInvitation"].clone();
    let forged = json!({"href": "https://elsewhere.example/conversations/17b"});
    resource["_links"]["conversation"] = forged;
    let mut driver = TestDriver::signed_in();
    let malformed = with(event.clone(), "_embedded", json!("x"));
    driver.page(json!([communication(vec![malformed])]));
    driver.reply("GET", INVITATION, 200, resource);
    assert!(driver.events.is_empty(), "{:?}", driver.events);
}
