//! Events of `communication`: invitations and conversations.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::conference::{MEETING, meeting_invitation};
use crate::driver::*;
use crate::fixtures::*;
use crate::joining::{conference_event, open_to_others, participant_invitation, third};
use crate::pages::*;

const COMMUNICATION: Row = Row {
    sender: "communication",
    rel: "messagingInvitation",
    within: None,
    types: &["updated"],
    when: "",
    then: "",
    fixture: signed_in,
    event: |_, _| Value::Null,
    effect: |_| {},
};

/// Lene's invitation in this state, with these links.
fn lene_invitation(kind: &str, state: &str, links: &[&str]) -> Value {
    let mut event = offered("17b", "Hi Tosh")[0]["events"][0].clone();
    event["type"] = json!(kind);
    let invitation = &mut event["_embedded"]["messagingInvitation"];
    invitation["state"] = json!(state);
    for link in ["accept", "decline"] {
        if !links.contains(&link) {
            invitation["_links"].as_object_mut().unwrap().remove(link);
        }
    }
    event
}

fn completed(operation: &str, state: &str, status: &str, reason: Value) -> Value {
    let event = invitation("completed", operation, "21a1", state);
    with(with(event, "status", json!(status)), "reason", reason)
}

fn declined() -> Value {
    json!({"code": "RemoteFailure", "subcode": "Declined"})
}

/// Asserts that the invitation failed, with its message and its conversation.
fn assert_invitation_failed(fixture: &mut Fixture) {
    assert_eq!(fixture.failure().kind(), &FailureKind::Remote);
    let changes = fixture.changes();
    assert!(
        matches!(
            changes.as_slice(),
            [
                ConversationChange::MessageStatus {
                    status: MessageStatus::Failed,
                    ..
                },
                ConversationChange::Ended {
                    failure: Some(_),
                    ..
                },
            ]
        ),
        "{changes:?}"
    );
}

/// The chat was lost and is requested again in the same conversation.
fn reinviting() -> Fixture {
    let mut fixture = established();
    let over = messaging("21a1", "Disconnected");
    fixture.driver.page(senders("21a1", vec![(true, over)]));
    fixture.driver.advance(std::time::Duration::from_secs(10));
    let lives = conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone();
    fixture
        .driver
        .reply("GET", &conversation_href("21a1"), 200, lives);
    fixture.ticket = Some(fixture.driver.send(1, "Still there?"));
    let request = fixture
        .driver
        .created("POST", INVITATIONS, INVITATION)
        .json();
    fixture.operation = request["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &fixture.operation, "21a1", "Connecting");
    fixture.driver.page(senders("21a1", vec![(false, started)]));
    fixture.driver.events.clear();
    fixture
}

/// Alex is being invited.
fn adding() -> Fixture {
    let mut driver = crate::joining::extensible();
    let (ticket, operation) = crate::joining::invited(&mut driver);
    driver.events.clear();
    Fixture {
        operation,
        ticket: Some(ticket),
        ..Fixture::new(driver, chat(), "21a1")
    }
}

fn invitation_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["started"],
            when: "Outgoing, with an `operationId` of this session",
            then: "the invitation belongs to the pending operation and can be cancelled",
            fixture: inviting,
            event: |fixture, kind| invitation(kind, &fixture.operation, "21a1", "Connecting"),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::Inviting]);
                fixture.driver.submit(Operation::Leave(fixture.key));
                let cancel = format!("{}/messaging/terminate", conversation_href("21a1"));
                assert!(fixture.driver.is_sent("POST", &cancel));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started", "updated"],
            when: "Outgoing, with an unknown `operationId`",
            then: "the conversation of another endpoint of the user is shown; pending operations are not affected",
            fixture: inviting,
            event: |_, kind| {
                let mut event = invitation(kind, "another's", "77", "Connecting");
                event["link"]["href"] = json!(format!("{INVITATIONS}/77c"));
                event
            },
            effect: |fixture| {
                assert!(matches!(
                    fixture.driver.events.as_slice(),
                    [SessionEvent::Discovered { .. }]
                ));
                assert_eq!(fixture.driver.result(fixture.ticket.unwrap()), None);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started"],
            when: "Incoming, with `accept` or `answer`",
            then: "the conversation is shown and can be accepted",
            event: |_, kind| lene_invitation(kind, "Connecting", &["accept", "decline"]),
            effect: |fixture| {
                let [
                    SessionEvent::Incoming {
                        conversation,
                        from,
                        answerable: true,
                        ..
                    },
                ] = fixture.driver.events.as_slice()
                else {
                    panic!("{:?}", fixture.driver.events)
                };
                assert_eq!(from.uri.as_deref(), Some("sip:lenea@contoso.com"));
                fixture.driver.submit(Operation::Accept(*conversation));
                assert!(
                    fixture
                        .driver
                        .is_sent("POST", &format!("{INVITATION}/accept"))
                );
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started"],
            when: "Incoming, with neither",
            then: "the server or another endpoint answers: the conversation is shown as connecting and cannot be accepted",
            event: |_, kind| lene_invitation(kind, "Connecting", &[]),
            effect: |fixture| {
                let [
                    SessionEvent::Incoming {
                        conversation,
                        answerable: false,
                        ..
                    },
                ] = fixture.driver.events.as_slice()
                else {
                    panic!("{:?}", fixture.driver.events)
                };
                let ticket = fixture.driver.submit(Operation::Accept(*conversation));
                assert_eq!(
                    fixture.driver.failure(ticket).kind(),
                    &FailureKind::WrongState
                );
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "Incoming, without a `started` event before",
            then: "the conversation is shown and its resource is read",
            event: |_, kind| {
                with(
                    lene_invitation(kind, "Connected", &[]),
                    "status",
                    json!("Success"),
                )
            },
            effect: |fixture| {
                assert!(matches!(
                    fixture.driver.events.as_slice(),
                    [SessionEvent::Incoming {
                        answerable: false,
                        ..
                    }]
                ));
                assert!(fixture.driver.is_sent("GET", &conversation_href("17b")));
            },
            ..COMMUNICATION
        },
        Row {
            when: "of this session, in the state Alerting",
            then: "the invitation alerts the peer",
            fixture: invitation_started,
            event: |fixture, kind| invitation(kind, &fixture.operation, "21a1", "Alerting"),
            effect: |fixture| fixture.changes_are(&[ConversationChange::Alerting]),
            ..COMMUNICATION
        },
        Row {
            when: "Incoming, without its former links",
            then: "nothing: the invitation can still be accepted",
            fixture: invited_by_lene,
            event: |_, kind| lene_invitation(kind, "Connecting", &[]),
            effect: |fixture| {
                fixture.nothing_follows();
                fixture.driver.submit(Operation::Accept(fixture.key));
                assert!(
                    fixture
                        .driver
                        .is_sent("POST", &format!("{INVITATION}/accept"))
                );
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, Success",
            then: "its message is delivered and the peer has joined; a conversation without a Connected event is read",
            fixture: invitation_started,
            event: |fixture, kind| {
                let mut event = invitation(kind, &fixture.operation, "21a1", "Connected");
                let lene = json!({"rel": "participant", "name": "", "uri": "sip:lenea@contoso.com",
                                  "_links": {"self": {"href": fixture.lene()}}});
                event["_embedded"]["messagingInvitation"]["_embedded"] =
                    json!({"acceptedByParticipant": [lene]});
                with(event, "status", json!("Success"))
            },
            effect: |fixture| {
                fixture.ended_with(&Ok(Outcome::Delivered));
                let changes = fixture.changes();
                let [
                    ConversationChange::ParticipantJoined(lene),
                    ConversationChange::MessageStatus {
                        status: MessageStatus::Succeeded,
                        ..
                    },
                ] = changes.as_slice()
                else {
                    panic!("{changes:?}")
                };
                assert_eq!(lene.key, peer());
                assert!(fixture.driver.is_sent("GET", &conversation_href("21a1")));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, without a status, in the state Connected",
            then: "as Success",
            fixture: invitation_started,
            event: |fixture, kind| invitation(kind, &fixture.operation, "21a1", "Connected"),
            effect: |fixture| fixture.ended_with(&Ok(Outcome::Delivered)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, with neither a status nor a state",
            then: "the invitation is read",
            fixture: invitation_started,
            event: |_, kind| bare(kind, "messagingInvitation", INVITATION, None),
            effect: |fixture| assert!(fixture.driver.is_sent("GET", INVITATION)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, without an `operationId`",
            then: "the invitation is identified by its href",
            fixture: invitation_started,
            event: |_, kind| {
                let resource = json!({"direction": "Outgoing", "state": "Connected"});
                event(kind, "messagingInvitation", INVITATION, resource)
            },
            effect: |fixture| fixture.ended_with(&Ok(Outcome::Delivered)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, Failure",
            then: "its message fails with the reason, and the conversation that it started ends",
            fixture: invitation_started,
            event: |fixture, _| completed(&fixture.operation, "Failed", "Failure", declined()),
            effect: |fixture| {
                assert_eq!(fixture.failure().subcode(), Some("Declined"));
                assert_invitation_failed(fixture);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, without a status, in the state Declined",
            then: "as Failure",
            fixture: invitation_started,
            event: |fixture, kind| invitation(kind, &fixture.operation, "21a1", "Declined"),
            effect: assert_invitation_failed,
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "of this session, Failure, in an established conversation",
            then: "the message fails and the chat ends; the conversation ends only with its own event",
            fixture: reinviting,
            event: |fixture, _| completed(&fixture.operation, "Failed", "Failure", declined()),
            effect: |fixture| {
                assert_eq!(fixture.failure().subcode(), Some("Declined"));
                let changes = fixture.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [
                            ConversationChange::MessageStatus {
                                status: MessageStatus::Failed,
                                ..
                            },
                            ConversationChange::ChatDisconnected {
                                failure: Some(_),
                                ..
                            },
                        ]
                    ),
                    "{changes:?}"
                );
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "Incoming, Success",
            then: "the acceptance completes; the invitation text is shown with its message event, or after 5 s",
            fixture: accepting,
            event: |_, kind| {
                let event = lene_invitation(kind, "Connected", &[]);
                let reason = json!({"code": "Informational", "subcode": "AutoAccepted"});
                with(with(event, "status", json!("Success")), "reason", reason)
            },
            effect: |fixture| {
                fixture.ended_with(&Ok(Outcome::Done));
                fixture.driver.advance(std::time::Duration::from_secs(5));
                assert_eq!(fixture.driver.received(fixture.key), ["Hi Tosh"]);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "Incoming, Failure",
            then: "missed, or answered by another endpoint: the conversation ends with the reason, and the invitation text is shown",
            fixture: invited_by_lene,
            event: |_, kind| {
                let event = with(
                    lene_invitation(kind, "Failed", &[]),
                    "status",
                    json!("Failure"),
                );
                let reason = json!({"code": "LocalFailure", "subcode": "ConnectedElsewhere"});
                with(event, "reason", reason)
            },
            effect: |fixture| {
                let changes = fixture.changes();
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
                assert_eq!(failure.subcode(), Some("ConnectedElsewhere"));
            },
            ..COMMUNICATION
        },
        Row {
            rel: "onlineMeetingInvitation",
            types: &["started"],
            when: "Incoming",
            then: "the invitation is shown, with the URI of the conference",
            event: |_, kind| meeting_invitation(kind, "21a1", json!({})),
            effect: |fixture| {
                assert!(matches!(
                    fixture.driver.events.as_slice(),
                    [
                        SessionEvent::Incoming { answerable: true, .. },
                        SessionEvent::Conversation { change: ConversationChange::Group { uri: Some(uri), .. }, .. },
                    ] if uri == MEETING
                ));
            },
            ..COMMUNICATION
        },
        Row {
            rel: "onlineMeetingInvitation",
            types: &["completed"],
            when: "of this session, Success",
            then: "the new conference is established; its chat is requested and added participants are invited",
            fixture: || {
                let mut driver = crate::conference_start::of_three();
                let start = Operation::StartChat {
                    conversation: chat(),
                    subject: None,
                    context: None,
                };
                let ticket = driver.submit(start);
                let begun = format!("{APP}/communication/onlineMeetingInvitations");
                let request = driver.created("POST", &begun, "/x").json();
                let operation = request["operationId"].as_str().unwrap().to_owned();
                let ours = json!({"direction": "Outgoing", "operationId": operation});
                let started = meeting_invitation("started", "21a1", ours);
                let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
                let events = vec![
                    (false, started),
                    (false, conferenced),
                    (true, messaging("21a1", "Disconnected")),
                ];
                driver.page(senders("21a1", events));
                Fixture {
                    operation,
                    ticket: Some(ticket),
                    ..Fixture::new(driver, chat(), "21a1")
                }
            },
            event: |fixture, kind| {
                let ours = json!({"direction": "Outgoing", "state": "Connected", "operationId": fixture.operation});
                with(
                    meeting_invitation(kind, "21a1", ours),
                    "status",
                    json!("Success"),
                )
            },
            effect: |fixture| {
                fixture.ended_with(&Ok(Outcome::Done));
                let chat = format!("{INVITATIONS}?conversationId=21a1");
                assert!(fixture.driver.is_sent("POST", &chat));
                assert!(fixture.driver.is_sent("POST", crate::joining::INVITATIONS));
            },
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["started", "updated"],
            when: "ours",
            then: "the participant is shown as invited",
            fixture: || {
                let mut driver = crate::joining::extensible();
                let ticket = crate::joining::add(&mut driver);
                let invitations = crate::joining::INVITATIONS;
                let request = driver.created("POST", invitations, "/x").json();
                driver.events.clear();
                Fixture {
                    operation: request["operationId"].as_str().unwrap().to_owned(),
                    ticket: Some(ticket),
                    ..Fixture::new(driver, chat(), "21a1")
                }
            },
            event: |fixture, kind| {
                participant_invitation(kind, &fixture.operation, "21a1", "Connecting")
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::ParticipantInvited(third())]);
            },
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["completed"],
            when: "of this session, Success",
            then: "the addition completes: the participant has joined",
            fixture: adding,
            event: |fixture, kind| {
                let event = participant_invitation(kind, &fixture.operation, "21a1", "Connected");
                with(event, "status", json!("Success"))
            },
            effect: |fixture| fixture.ended_with(&Ok(Outcome::Done)),
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["completed"],
            when: "of this session, Failure",
            then: "the addition fails with the reason",
            fixture: adding,
            event: |fixture, kind| {
                let event = participant_invitation(kind, &fixture.operation, "21a1", "Failed");
                with(
                    with(event, "status", json!("Failure")),
                    "reason",
                    declined(),
                )
            },
            effect: |fixture| {
                assert_eq!(fixture.failure().subcode(), Some("Declined"));
                let changes = fixture.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [ConversationChange::ParticipantLeft { participant, failure: Some(_), .. }] if *participant == third()
                    ),
                    "{changes:?}"
                );
            },
            ..COMMUNICATION
        },
        Row {
            rel: "communication",
            when: "",
            then: "its links replace the former ones; the next invitation uses them",
            fixture: || Fixture::new(TestDriver::with_conversation(), chat(), "21a1"),
            event: |_, kind| {
                let links = json!({"_links": {"startMessaging": {"href": "/elsewhere"}}});
                event(
                    kind,
                    "communication",
                    &format!("{APP}/communication"),
                    links,
                )
            },
            effect: |fixture| {
                fixture.driver.send(1, "Hello");
                assert!(fixture.driver.is_sent("POST", "/elsewhere"));
            },
            ..COMMUNICATION
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = invitation_rows();
    rows.extend(super::conversation::rows_of_communication(COMMUNICATION));
    rows
}
