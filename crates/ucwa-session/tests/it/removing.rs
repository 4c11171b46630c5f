//! Participants who are removed: ejected from a conference, or no longer invited.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::conference::MESSAGING_INVITATIONS;
use crate::joining::*;
use crate::pages::*;

#[test]
fn a_participant_is_ejected_by_its_eject_link() {
    let eject = format!("{}/eject", third_href("21a1"));
    let mut bench = joined(json!({"eject": {"href": eject}}));
    let ticket = remove(&mut bench);
    bench.reply("POST", &eject, 204, Value::Null);
    assert_eq!(
        bench.result(ticket),
        None,
        "the participant leaves with the roster event"
    );
    let gone = bare("deleted", "participant", &third_href("21a1"), None);
    let reason = json!({"code": "RemoteFailure", "subcode": "Ejected"});
    bench.page(senders("21a1", vec![(true, with(gone, "reason", reason))]));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(
        bench.changes(chat()),
        [ConversationChange::ParticipantLeft {
            participant: third(),
            failure: None
        }],
        "a requested removal has no reason"
    );
}

#[test]
fn an_ejection_without_an_event_completes_after_a_while() {
    let eject = format!("{}/eject", third_href("21a1"));
    for (status, wait) in [(204, 10), (404, 0)] {
        let mut bench = joined(json!({"eject": {"href": eject}}));
        let ticket = remove(&mut bench);
        bench.reply("POST", &eject, status, Value::Null);
        bench.advance(Duration::from_secs(wait));
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)), "{status}");
    }
}

#[test]
fn a_participant_without_an_eject_link_is_read_for_it() {
    let mut bench = joined(json!({}));
    let ticket = remove(&mut bench);
    let eject = format!("{}/eject", third_href("21a1"));
    let participant = json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow",
        "_links": {"self": {"href": third_href("21a1")}, "eject": {"href": eject}}});
    bench.reply("GET", &third_href("21a1"), 200, participant);
    assert!(bench.is_sent("POST", &eject));
    assert_eq!(bench.result(ticket), None);

    let mut bench = joined(json!({}));
    let ticket = remove(&mut bench);
    let participant =
        json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow"});
    bench.reply("GET", &third_href("21a1"), 200, participant);
    assert_eq!(*bench.failure(ticket).kind(), FailureKind::WrongState);
    assert!(
        matches!(bench.changes(chat()).last(), Some(ConversationChange::ParticipantJoined(it)) if it.key == third()),
        "the participant is still in the roster"
    );
}

#[test]
fn removing_an_invited_participant_cancels_the_invitation() {
    let mut bench = extensible();
    let (added, operation) = invited(&mut bench);
    let removed = remove(&mut bench);
    bench.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let completed = participant_invitation("completed", &operation, "21a1", "Cancelled");
    let completed = with(completed, "status", json!("Failure"));
    bench.page(json!([communication(vec![completed])]));
    assert!(bench.result(added).is_some_and(Result::is_err));
    assert_eq!(bench.result(removed), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_removed_participant_is_not_invited_and_the_remaining_one_is() {
    let mut bench = Bench::with_conversation();
    let added = add(&mut bench);
    assert_eq!(bench.result(added), Some(&Ok(Outcome::Done)));
    remove_first(&mut bench);
    bench.send(1, "Hi Alex");
    let request = bench.sent.back().unwrap();
    assert_eq!(request.target(), MESSAGING_INVITATIONS);
    assert_eq!(request.json()["to"], "sip:alexd@contoso.com");
}

#[test]
fn a_participant_who_accepts_before_the_cancellation_is_ejected() {
    let mut bench = extensible();
    let (added, operation) = invited(&mut bench);
    let removed = remove(&mut bench);
    bench.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let eject = format!("{}/eject", third_href("21a1"));
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    bench.page(senders(
        "21a1",
        vec![
            (true, third_joins("21a1", json!({"eject": {"href": eject}}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(bench.result(added), Some(&Ok(Outcome::Done)));
    assert_eq!(bench.result(removed), None);
    bench.reply("POST", &eject, 204, Value::Null);
    let gone = bare("deleted", "participant", &third_href("21a1"), None);
    bench.page(senders("21a1", vec![(true, gone)]));
    assert_eq!(bench.result(removed), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_participant_who_accepted_and_does_not_show_cannot_be_removed() {
    let mut bench = extensible();
    let (_, operation) = invited(&mut bench);
    let removed = remove(&mut bench);
    bench.reply("POST", &format!("{HREF}/cancel"), 204, Value::Null);
    let mut completed = participant_invitation("completed", &operation, "21a1", "Connected");
    let invitation = &mut completed["_embedded"]["participantInvitation"];
    invitation["_embedded"] = Value::Null;
    bench.page(json!([communication(vec![with(
        completed,
        "status",
        json!("Success")
    )])]));
    assert_eq!(*bench.failure(removed).kind(), FailureKind::WrongState);
}

#[test]
fn the_removal_of_a_participant_who_has_not_come_is_reported() {
    let mut bench = Bench::with_conversation();
    bench.send(1, "Hi Lene");
    bench.events.clear();
    let removed = bench.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: peer(),
    });
    assert_eq!(bench.result(removed), Some(&Ok(Outcome::Done)));
    let left = ConversationChange::ParticipantLeft {
        participant: peer(),
        failure: None,
    };
    assert_eq!(bench.changes(chat()), [left]);
}

#[test]
fn an_ejection_that_waits_for_a_read_fails_when_the_conversation_moves() {
    let mut bench = joined(json!({}));
    let removed = remove(&mut bench);
    assert!(bench.is_sent("GET", &third_href("21a1")));
    let derived = json!({"derivedConversation": {"href": conversation_href("dd1")}});
    let moved = conference_event("21a1", "Conferenced", derived);
    bench.page(senders("21a1", vec![(false, moved)]));
    assert_eq!(*bench.failure(removed).kind(), FailureKind::WrongState);
    let changes = bench.changes(chat());
    assert!(
        changes.iter().any(|change| matches!(change, ConversationChange::ParticipantJoined(it) if it.key == third())),
        "{changes:?}"
    );
}
