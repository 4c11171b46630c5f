//! Participants who are removed: ejected from a conference, or no longer invited.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::MESSAGING_INVITATIONS;
use crate::driver::*;
use crate::joining::*;
use crate::pages::*;

#[test]
fn a_participant_is_ejected_by_its_eject_link() {
    let eject = format!("{}/eject", third_href("21a1"));
    let mut driver = joined(json!({"eject": {"href": eject}}));
    let ticket = remove(&mut driver);
    driver.reply("POST", &eject, 204, Value::Null);
    assert_eq!(
        driver.result(ticket),
        None,
        "the participant leaves with the roster event"
    );
    let gone = bare("deleted", "participant", &third_href("21a1"), None);
    let reason = json!({"code": "RemoteFailure", "subcode": "Ejected"});
    driver.page(senders("21a1", vec![(true, with(gone, "reason", reason))]));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(
        driver.changes(chat()),
        [ConversationChange::participant_left(third(), None)],
        "a requested removal has no reason"
    );
}

#[test]
fn a_participant_that_is_read_during_its_ejection_is_ejected_once() {
    let eject = format!("{}/eject", third_href("21a1"));
    let links = json!({"self": {"href": third_href("21a1")}, "eject": {"href": eject}});
    let mut driver = joined(links.clone());
    remove(&mut driver);
    let updated = bare("updated", "participant", &third_href("21a1"), None);
    driver.page(senders("21a1", vec![(true, updated)]));
    let participant = json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow",
        "_links": links});
    driver.reply("GET", &third_href("21a1"), 200, participant);
    assert_eq!(driver.count_sent("POST", &eject), 1);
}

#[test]
fn an_ejection_without_an_event_completes_after_a_while() {
    let eject = format!("{}/eject", third_href("21a1"));
    for (status, wait) in [(204, 10), (404, 0)] {
        let mut driver = joined(json!({"eject": {"href": eject}}));
        let ticket = remove(&mut driver);
        driver.reply("POST", &eject, status, Value::Null);
        driver.advance(Duration::from_secs(wait));
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)), "{status}");
    }
}

#[test]
fn a_participant_without_an_eject_link_is_read_for_it() {
    let mut driver = joined(json!({}));
    let ticket = remove(&mut driver);
    let eject = format!("{}/eject", third_href("21a1"));
    let participant = json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow",
        "_links": {"self": {"href": third_href("21a1")}, "eject": {"href": eject}}});
    driver.reply("GET", &third_href("21a1"), 200, participant);
    assert!(driver.is_sent("POST", &eject));
    assert_eq!(driver.result(ticket), None);

    let mut driver = joined(json!({}));
    let ticket = remove(&mut driver);
    let participant =
        json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow"});
    driver.reply("GET", &third_href("21a1"), 200, participant);
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::WrongState);
    assert!(
        matches!(driver.changes(chat()).last(), Some(ConversationChange::ParticipantJoined(it)) if it.key == third()),
        "the participant is still in the roster"
    );
}

#[test]
fn removing_an_invited_participant_cancels_the_invitation() {
    let mut driver = extensible();
    let (added, operation) = invited(&mut driver);
    let removed = remove(&mut driver);
    driver.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let completed = participant_invitation("completed", &operation, "21a1", "Cancelled");
    let completed = with(completed, "status", json!("Failure"));
    driver.page(json!([communication(vec![completed])]));
    assert!(driver.result(added).is_some_and(Result::is_err));
    assert_eq!(driver.result(removed), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_removed_participant_is_not_invited_and_the_remaining_one_is() {
    let mut driver = TestDriver::with_conversation();
    let added = add(&mut driver);
    assert_eq!(driver.result(added), Some(&Ok(Outcome::Done)));
    remove_first(&mut driver);
    driver.send(1, "Hi Alex");
    let request = driver.sent.back().unwrap();
    assert_eq!(request.target(), MESSAGING_INVITATIONS);
    assert_eq!(request.json()["to"], "sip:alexd@contoso.com");
}

#[test]
fn a_participant_who_accepts_before_the_cancellation_is_ejected() {
    let mut driver = extensible();
    let (added, operation) = invited(&mut driver);
    let removed = remove(&mut driver);
    driver.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let eject = format!("{}/eject", third_href("21a1"));
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    driver.page(senders(
        "21a1",
        vec![
            (true, third_joins("21a1", json!({"eject": {"href": eject}}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(driver.result(added), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.result(removed), None);
    driver.reply("POST", &eject, 204, Value::Null);
    let gone = bare("deleted", "participant", &third_href("21a1"), None);
    driver.page(senders("21a1", vec![(true, gone)]));
    assert_eq!(driver.result(removed), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_participant_who_accepted_and_is_missing_in_the_roster_cannot_be_removed() {
    let mut driver = extensible();
    let (_, operation) = invited(&mut driver);
    let removed = remove(&mut driver);
    driver.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let mut completed = participant_invitation("completed", &operation, "21a1", "Connected");
    let invitation = &mut completed["_embedded"]["participantInvitation"];
    invitation["_embedded"] = Value::Null;
    driver.page(json!([communication(vec![with(
        completed,
        "status",
        json!("Success")
    )])]));
    assert_eq!(*driver.failure(removed).kind(), FailureKind::WrongState);
}

#[test]
fn the_removal_of_a_participant_who_has_not_joined_is_reported() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hi Lene");
    driver.events.clear();
    let removed = driver.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: peer(),
    });
    assert_eq!(driver.result(removed), Some(&Ok(Outcome::Done)));
    let left = ConversationChange::participant_left(peer(), None);
    assert_eq!(driver.changes(chat()), [left]);
}

#[test]
fn an_ejection_that_waits_for_a_read_fails_when_the_conversation_gets_another_href() {
    let mut driver = joined(json!({}));
    let removed = remove(&mut driver);
    assert!(driver.is_sent("GET", &third_href("21a1")));
    let derived = json!({"derivedConversation": {"href": conversation_href("dd1")}});
    let moved = conference_event("21a1", "Conferenced", derived);
    driver.page(senders("21a1", vec![(false, moved)]));
    assert_eq!(*driver.failure(removed).kind(), FailureKind::WrongState);
    let changes = driver.changes(chat());
    assert!(
        changes.iter().any(|change| matches!(change, ConversationChange::ParticipantJoined(it) if it.key == third())),
        "{changes:?}"
    );
}
