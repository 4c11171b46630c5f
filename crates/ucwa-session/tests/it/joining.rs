//! Participants who are added, join, change and leave.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::MESSAGING_INVITATIONS;
use crate::driver::*;
use crate::pages::*;
use crate::sending::established;

pub(crate) const INVITATIONS: &str =
    "/ucwa/oauth/v1/applications/102/communication/participantInvitations";
pub(crate) const HREF: &str =
    "/ucwa/oauth/v1/applications/102/communication/participantInvitations/5d8";

pub(crate) fn third() -> ParticipantKey {
    ParticipantKey::Local(8)
}

pub(crate) fn third_href(id: &str) -> String {
    format!("{}/participants/alexd@contoso.com", conversation_href(id))
}

/// An event of the conversation in this state, with these links.
pub(crate) fn conference_event(id: &str, state: &str, links: Value) -> Value {
    let mut event = conversation_event("updated", id, state);
    let there = &mut event["_embedded"]["conversation"]["_links"];
    for (rel, link) in links.as_object().unwrap() {
        there[rel] = link.clone();
    }
    event
}

pub(crate) fn open_to_others(id: &str) -> Value {
    json!({"addParticipant": {"href": format!("{INVITATIONS}?conversation={id}")}})
}

/// A session with an established chat that allows additions.
pub(crate) fn extensible() -> TestDriver {
    let mut driver = established();
    let connected = conference_event("21a1", "Connected", open_to_others("21a1"));
    driver.page(senders("21a1", vec![(false, connected)]));
    driver.events.clear();
    driver
}

pub(crate) fn add(driver: &mut TestDriver) -> Ticket {
    driver.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: third(),
        uri: "sip:alexd@contoso.com".to_owned(),
    })
}

pub(crate) fn remove(driver: &mut TestDriver) -> Ticket {
    driver.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: third(),
    })
}

/// An event of the participant's invitation.
pub(crate) fn participant_invitation(kind: &str, operation: &str, id: &str, state: &str) -> Value {
    event(
        kind,
        "participantInvitation",
        HREF,
        json!({
            "direction": "Outgoing", "state": state, "operationId": operation, "importance": "Normal",
            "_links": {
                "conversation": {"href": conversation_href(id)},
                "cancel": {"href": format!("{HREF}/cancel")},
            },
        }),
    )
}

pub(crate) fn third_joins(id: &str, links: Value) -> Value {
    let mut resource = json!({"uri": "sip:alexd@contoso.com", "name": "Alex Darrow"});
    resource["_links"] = links;
    event("added", "participant", &third_href(id), resource)
}

/// Adds a participant and starts the invitation. Returns the operation ID.
pub(crate) fn invited(driver: &mut TestDriver) -> (Ticket, String) {
    let ticket = add(driver);
    let request = driver.created("POST", INVITATIONS, HREF);
    assert!(
        request.target().ends_with("?conversation=21a1"),
        "the query is kept"
    );
    let body = request.json();
    assert_eq!(body["to"], "sip:alexd@contoso.com");
    let operation = body["operationId"].as_str().unwrap().to_owned();
    let started = participant_invitation("started", &operation, "21a1", "Connecting");
    driver.page(json!([communication(vec![started])]));
    (ticket, operation)
}

/// A session whose third participant has joined, with these links.
pub(crate) fn joined(links: Value) -> TestDriver {
    let mut driver = extensible();
    let (ticket, operation) = invited(&mut driver);
    let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    driver.page(senders(
        "21a1",
        vec![
            (false, conferenced),
            (true, third_joins("21a1", links)),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.events.clear();
    driver
}

#[test]
fn an_addition_completes_with_the_participants_invitation() {
    let mut driver = extensible();
    let (ticket, operation) = invited(&mut driver);
    assert_eq!(
        driver.changes(chat()),
        [ConversationChange::ParticipantInvited(third())]
    );
    assert_eq!(
        driver.result(ticket),
        None,
        "the participant has not joined yet"
    );
    assert_eq!(driver.session.workload().deadlines, 1, "the result");
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    driver.page(senders(
        "21a1",
        vec![
            (true, third_joins("21a1", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let changes = driver.changes(chat());
    let [ConversationChange::ParticipantJoined(participant)] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(
        participant.key,
        third(),
        "the key is that of the added participant"
    );
    assert_eq!(participant.name.as_deref(), Some("Alex Darrow"));
    assert_eq!(driver.session.workload().deadlines, 0);
}

#[test]
fn a_participant_who_refuses_leaves_with_the_reason() {
    let mut driver = extensible();
    let (ticket, operation) = invited(&mut driver);
    driver.events.clear();
    let completed = participant_invitation("completed", &operation, "21a1", "Failed");
    let completed = with(completed, "status", json!("Failure"));
    let reason = json!({"code": "RemoteFailure", "subcode": "Declined"});
    driver.page(json!([communication(vec![with(
        completed, "reason", reason
    )])]));
    assert_eq!(driver.failure(ticket).subcode(), Some("Declined"));
    let changes = driver.changes(chat());
    let [
        ConversationChange::ParticipantLeft {
            participant,
            failure: Some(failure),
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(
        (*participant, failure.subcode()),
        (third(), Some("Declined"))
    );
    driver.advance(Duration::from_secs(120));
    assert!(!driver.is_sent("GET", HREF), "the result is final");
}

#[test]
fn messages_to_the_others_are_sent_although_a_participant_refuses() {
    for is_conference in [false, true] {
        let mut driver = extensible();
        if is_conference {
            let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
            driver.page(senders("21a1", vec![(false, conferenced)]));
        }
        let (_, operation) = invited(&mut driver);
        driver.send(2, "one");
        let queued = driver.send(3, "two");
        let completed = participant_invitation("completed", &operation, "21a1", "Declined");
        let refused = with(completed, "status", json!("Failure"));
        driver.page(json!([communication(vec![refused])]));
        assert_eq!(driver.result(queued), None, "{is_conference}");
        let messages = format!("{}/messaging/messages", conversation_href("21a1"));
        driver.created("POST", &messages, &message_href("21a1", "2"));
        assert!(driver.is_sent("POST", &messages), "{is_conference}");
    }
}

#[test]
fn the_status_of_an_event_outranks_the_state_of_the_participants_invitation() {
    for (status, state, succeeds) in [
        ("Success", "Failed", true),
        ("Success", "Connecting", true),
        ("Failure", "Connected", false),
        ("Failure", "Connecting", false),
    ] {
        let mut driver = extensible();
        let (ticket, operation) = invited(&mut driver);
        let completed = participant_invitation("completed", &operation, "21a1", state);
        let completed = with(completed, "status", json!(status));
        driver.page(json!([communication(vec![completed])]));
        let result = driver.result(ticket).unwrap();
        assert_eq!(result.is_ok(), succeeds, "{status} {state}");
    }
}

#[test]
fn a_refused_request_fails_the_addition_at_once() {
    let mut driver = extensible();
    let ticket = add(&mut driver);
    driver.reply(
        "POST",
        INVITATIONS,
        403,
        json!({"code": "Forbidden", "subcode": "TooManyParticipants"}),
    );
    assert_eq!(
        driver.failure(ticket).subcode(),
        Some("TooManyParticipants")
    );
}

#[test]
fn an_addition_waits_for_the_link_and_ends_with_the_conversation() {
    let mut driver = established();
    let ticket = add(&mut driver);
    assert!(!driver.is_sent("POST", INVITATIONS), "there is no link yet");
    let connected = conference_event("21a1", "Connected", open_to_others("21a1"));
    driver.page(senders("21a1", vec![(false, connected)]));
    assert!(driver.is_sent("POST", INVITATIONS));
    assert_eq!(driver.result(ticket), None);

    let mut driver = established();
    let ticket = add(&mut driver);
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    assert!(driver.result(ticket).is_some_and(Result::is_err));
}

#[test]
fn a_completed_event_before_the_response_decides_an_addition() {
    let mut driver = extensible();
    let ticket = add(&mut driver);
    let request = driver.take("POST", INVITATIONS);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    let completed = with(completed, "status", json!("Success"));
    driver.page(json!([communication(vec![completed])]));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.respond(request.id, answer(500, Value::Null));
    driver.advance(Duration::from_secs(60));
    assert_eq!(
        driver
            .completed
            .iter()
            .filter(|(other, _)| *other == ticket)
            .count(),
        1
    );
}

#[test]
fn an_addition_without_events_is_read_and_ends_with_the_roster() {
    for (state, succeeds) in [("Connected", true), ("Declined", false)] {
        let mut driver = extensible();
        let ticket = add(&mut driver);
        driver.created("POST", INVITATIONS, HREF);
        driver.advance(Duration::from_secs(30));
        let invitation = json!({"rel": "participantInvitation", "state": state});
        driver.reply("GET", HREF, 200, invitation);
        assert_eq!(driver.result(ticket).unwrap().is_ok(), succeeds, "{state}");
    }
    // The effect of the request is unknown.
    let mut driver = extensible();
    let ticket = add(&mut driver);
    driver.break_off("POST", INVITATIONS, Sent::Maybe);
    driver.advance(Duration::from_secs(30));
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::Timeout);
    // The participant is in the roster.
    let mut driver = extensible();
    let ticket = add(&mut driver);
    driver.break_off("POST", INVITATIONS, Sent::Maybe);
    driver.page(senders(
        "21a1",
        vec![(true, third_joins("21a1", json!({})))],
    ));
    driver.advance(Duration::from_secs(30));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn an_invalid_address_adds_no_participant() {
    let mut driver = extensible();
    let ticket = driver.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: third(),
        uri: "no participant was added".to_owned(),
    });
    assert_eq!(*driver.failure(ticket).kind(), FailureKind::InvalidArgument);
}

#[test]
fn the_second_addition_waits_for_the_conference() {
    let mut driver = extensible();
    let (_, _) = invited(&mut driver);
    let second = driver.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: ParticipantKey::Local(9),
        uri: "sip:saram@contoso.com".to_owned(),
    });
    assert!(!driver.is_sent("POST", INVITATIONS));
    let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
    driver.page(senders("21a1", vec![(false, conferenced)]));
    let request = driver.created("POST", INVITATIONS, &format!("{HREF}b"));
    assert_eq!(request.json()["to"], "sip:saram@contoso.com");
    assert_eq!(driver.result(second), None);
}

#[test]
fn leader_attendee_and_lobby_events_neither_join_nor_leave() {
    let mut driver = joined(json!({}));
    let view = |name: &str| format!("{}/{name}", conversation_href("21a1"));
    let (leaders, lobby) = (view("leaders"), view("lobby"));
    let third = third_href("21a1");
    let events = vec![
        (
            true,
            bare("added", "participant", &third, Some(("leaders", &leaders))),
        ),
        (
            true,
            bare(
                "deleted",
                "participant",
                &third,
                Some(("attendees", &leaders)),
            ),
        ),
        (
            true,
            bare("added", "participant", &third, Some(("lobby", &lobby))),
        ),
    ];
    driver.page(senders("21a1", events));
    let changes = driver.changes(chat());
    let [
        ConversationChange::ParticipantUpdated(leading),
        ConversationChange::ParticipantJoined(waiting),
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(leading.role, Some(Role::Leader));
    assert!(waiting.in_lobby);
    // Admitted: the participant's resource says that it has left the lobby.
    let left = bare("deleted", "participant", &third, Some(("lobby", &lobby)));
    driver.page(senders("21a1", vec![(true, left)]));
    assert!(driver.changes(chat()).is_empty());
    let participant = json!({"rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow", "inLobby": false});
    driver.reply("GET", &third, 200, participant);
    assert!(matches!(
        driver.changes(chat()).as_slice(),
        [ConversationChange::ParticipantJoined(it)] if !it.in_lobby
    ));
}

#[test]
fn local_participant_events_end_nothing() {
    let mut driver = joined(json!({}));
    let me = format!(
        "{}/participants/toshm@contoso.com",
        conversation_href("21a1")
    );
    let views = conversation_href("21a1");
    let within = |kind: &str, view: &str| {
        let href = format!("{views}/{view}");
        (
            true,
            bare(kind, "localParticipant", &me, Some((view, &href))),
        )
    };
    driver.page(senders(
        "21a1",
        vec![
            within("added", "leaders"),
            within("deleted", "leaders"),
            within("added", "lobby"),
            within("added", "typingParticipants"),
        ],
    ));
    let myself = |standing, role| ConversationChange::myself(standing, role);
    assert_eq!(
        driver.changes(chat()),
        [
            myself(Some(Standing::Joined), Some(Role::Leader)),
            myself(Some(Standing::InLobby), None),
        ]
    );
    let gone = bare("deleted", "localParticipant", &me, None);
    driver.page(senders("21a1", vec![(true, gone)]));
    assert_eq!(driver.changes(chat()), [myself(Some(Standing::Gone), None)]);
}

#[test]
fn a_participant_on_another_host_is_ignored() {
    let mut driver = extensible();
    let elsewhere = "https://evil.example/participants/alexd@contoso.com";
    let resource = json!({"name": "Alex Darrow", "uri": "sip:alexd@contoso.com"});
    let joins = event("added", "participant", elsewhere, resource);
    driver.page(senders("21a1", vec![(true, joins)]));
    assert_eq!(driver.changes(chat()), []);
}

#[test]
fn a_participant_known_only_by_href_is_read_before_it_is_shown() {
    let mut driver = extensible();
    let (_, _) = invited(&mut driver);
    let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
    let opaque = format!("{}/participants/196", conversation_href("21a1"));
    let added = bare("added", "participant", &opaque, None);
    driver.events.clear();
    driver.page(senders("21a1", vec![(false, conferenced), (true, added)]));
    assert!(
        driver
            .changes(chat())
            .iter()
            .all(|change| !matches!(change, ConversationChange::ParticipantJoined(_)))
    );
    let participant =
        json!({"rel": "participant", "uri": "sip:AlexD@contoso.com", "name": "Alex Darrow"});
    driver.reply("GET", &opaque, 200, participant);
    assert!(matches!(
        driver.changes(chat()).as_slice(),
        [ConversationChange::ParticipantJoined(it)] if it.key == third()
    ));
    let gone = bare("deleted", "participant", &opaque, None);
    driver.page(senders("21a1", vec![(true, gone)]));
    assert_eq!(
        driver.changes(chat()),
        [ConversationChange::participant_left(third(), None)]
    );
}

#[test]
fn a_sender_without_a_name_is_shown_at_once_and_read() {
    let mut driver = joined(json!({}));
    let outside = format!("{}/participants/77", conversation_href("21a1"));
    let mut said = arrival("21a1", "5", "Hi all");
    said["_embedded"]["message"]["_links"]["participant"] = json!({"href": outside});
    driver.page(senders("21a1", vec![(true, said)]));
    let changes = driver.changes(chat());
    let [ConversationChange::MessageReceived { sender, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    let key = sender.key;
    let participant =
        json!({"rel": "participant", "uri": "sip:saram@contoso.com", "name": "Sara M."});
    driver.reply("GET", &outside, 200, participant);
    assert!(matches!(
        driver.changes(chat()).as_slice(),
        [ConversationChange::ParticipantUpdated(it)] if it.key == key && it.name.as_deref() == Some("Sara M.")
    ));
}

#[test]
fn a_sender_may_be_named_as_a_contact_and_is_the_participant_of_that_address() {
    let mut driver = joined(json!({}));
    let mut said = arrival("21a1", "5", "Hi all");
    let message = &mut said["_embedded"]["message"];
    message["_links"]
        .as_object_mut()
        .unwrap()
        .remove("participant");
    message["_embedded"] = json!({"contact": {"rel": "contact", "uri": "sip:alexd@contoso.com",
        "name": "Alex Darrow", "_links": {"self": {"href": "/people/alexd@contoso.com"}}}});
    driver.page(senders("21a1", vec![(true, said)]));
    let changes = driver.changes(chat());
    assert!(
        matches!(changes.as_slice(), [ConversationChange::MessageReceived { sender, .. }] if sender.key == third()),
        "{changes:?}"
    );
    // The href of the participant itself is still valid.
    let gone = bare("deleted", "participant", &third_href("21a1"), None);
    driver.page(senders("21a1", vec![(true, gone)]));
    assert!(matches!(
        driver.changes(chat()).as_slice(),
        [ConversationChange::ParticipantLeft { participant, .. }] if *participant == third()
    ));
}

pub(crate) fn remove_first(driver: &mut TestDriver) {
    let removed = driver.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: peer(),
    });
    assert_eq!(driver.result(removed), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_message_to_a_conversation_without_participants_fails_and_sends_no_invitation() {
    let mut driver = TestDriver::with_conversation();
    remove_first(&mut driver);
    let ticket = driver.send(1, "Hi");
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
    assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_participant_reported_only_by_href_during_the_addition_is_added_once() {
    let mut driver = joined(json!({}));
    let fourth = ParticipantKey::Local(9);
    let href = format!("{}/participants/4", conversation_href("21a1"));
    let came = bare("added", "participant", &href, None);
    driver.page(senders("21a1", vec![(true, came)]));
    driver.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: fourth,
        uri: "sip:dana@contoso.com".to_owned(),
    });
    let mut present = std::collections::BTreeSet::new();
    let mut take = |driver: &mut TestDriver| {
        for change in driver.changes(chat()) {
            match change {
                ConversationChange::ParticipantJoined(it) => {
                    present.insert(it.key);
                }
                ConversationChange::ParticipantLeft { participant, .. } => {
                    present.remove(&participant);
                }
                _ => {}
            }
        }
        present.clone()
    };
    assert_eq!(take(&mut driver).len(), 1, "a stranger");
    let dana = json!({"rel": "participant", "uri": "sip:dana@contoso.com", "name": "Dana"});
    driver.reply("GET", &href, 200, dana);
    assert_eq!(Vec::from_iter(take(&mut driver)), [fourth]);
}

#[test]
fn a_sender_on_another_host_does_not_change_the_href_of_a_participant() {
    let mut driver = joined(json!({}));
    let mut message = arrival("21a1", "5", "Hi");
    message["_embedded"]["message"]["_embedded"] = json!({"senderParticipant": {
        "rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex Darrow",
        "_links": {"self": {"href": "https://evil.example/participants/alexd"}},
    }});
    driver.page(senders("21a1", vec![(true, message)]));
    remove(&mut driver);
    assert!(driver.is_sent("GET", &third_href("21a1")));
}
