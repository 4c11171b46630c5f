//! Events of `communication`: invitations and conversations.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::bench::*;
use crate::conference::{MEETING, meeting_invitation};
use crate::given::*;
use crate::joining::{conference_event, open_to_others, participant_invitation, third};
use crate::pages::*;

const COMMUNICATION: Row = Row {
    sender: "communication",
    rel: "messagingInvitation",
    within: None,
    types: &["updated"],
    when: "",
    then: "",
    given: signed_in,
    event: |_, _| Value::Null,
    effect: |_| {},
};

/// Lene's invitation, in any state, with these links.
fn lenes(kind: &str, state: &str, links: &[&str]) -> Value {
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

/// The invitation came to nothing, and with it the message in it and the conversation that it began.
fn came_to_nothing(given: &mut Given) {
    assert_eq!(given.failure().kind(), &FailureKind::Remote);
    let changes = given.changes();
    assert!(
        matches!(
            changes.as_slice(),
            [
                ConversationChange::MessageStatus {
                    status: MessageStatus::Failed,
                    ..
                },
                ConversationChange::Ended { failure: Some(_) },
            ]
        ),
        "{changes:?}"
    );
}

/// The chat was lost and is asked for again, in the conversation that lives.
fn asking_again() -> Given {
    let mut given = established();
    let over = messaging("21a1", "Disconnected");
    given.bench.page(senders("21a1", vec![(true, over)]));
    given.bench.advance(std::time::Duration::from_secs(10));
    let lives = conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone();
    given
        .bench
        .reply("GET", &conversation_href("21a1"), 200, lives);
    given.ticket = Some(given.bench.send(1, "Still there?"));
    let request = given.bench.created("POST", INVITATIONS, INVITATION).json();
    given.operation = request["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &given.operation, "21a1", "Connecting");
    given.bench.page(senders("21a1", vec![(false, started)]));
    given.bench.events.clear();
    given
}

/// Alex is being invited.
fn adding() -> Given {
    let mut bench = crate::joining::extensible();
    let (ticket, operation) = crate::joining::invited(&mut bench);
    bench.events.clear();
    Given {
        operation,
        ticket: Some(ticket),
        ..Given::new(bench, chat(), "21a1")
    }
}

fn invitation_rows() -> Vec<Row> {
    vec![
        Row {
            types: &["started"],
            when: "Outgoing, with an `operationId` of this session",
            then: "the conversation is the one that was begun; it can be cancelled from now on",
            given: inviting,
            event: |given, kind| invitation(kind, &given.operation, "21a1", "Connecting"),
            effect: |given| {
                given.changes_are(&[ConversationChange::Inviting]);
                given.bench.submit(Operation::Leave(given.key));
                let cancel = format!("{}/messaging/terminate", conversation_href("21a1"));
                assert!(given.bench.is_sent("POST", &cancel));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started", "updated"],
            when: "Outgoing, with an unknown `operationId`",
            then: "another endpoint of the user began a conversation: it is shown, and no operation of this session moves",
            given: inviting,
            event: |_, kind| {
                let mut event = invitation(kind, "another's", "77", "Connecting");
                event["link"]["href"] = json!(format!("{INVITATIONS}/77c"));
                event
            },
            effect: |given| {
                assert!(matches!(
                    given.bench.events.as_slice(),
                    [SessionEvent::Discovered { .. }]
                ));
                assert_eq!(given.bench.result(given.ticket.unwrap()), None);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started"],
            when: "Incoming, with `accept` or `answer`",
            then: "somebody invites: the conversation is shown and can be accepted",
            event: |_, kind| lenes(kind, "Connecting", &["accept", "decline"]),
            effect: |given| {
                let [
                    SessionEvent::Incoming {
                        conversation,
                        from,
                        answerable: true,
                        ..
                    },
                ] = given.bench.events.as_slice()
                else {
                    panic!("{:?}", given.bench.events)
                };
                assert_eq!(from.uri.as_deref(), Some("sip:lenea@contoso.com"));
                given.bench.submit(Operation::Accept(*conversation));
                assert!(given.bench.is_sent("POST", &format!("{INVITATION}/accept")));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["started"],
            when: "Incoming, with neither",
            then: "the server, or another endpoint, is answering: the conversation is shown connecting, with nothing to accept",
            event: |_, kind| lenes(kind, "Connecting", &[]),
            effect: |given| {
                let [
                    SessionEvent::Incoming {
                        conversation,
                        answerable: false,
                        ..
                    },
                ] = given.bench.events.as_slice()
                else {
                    panic!("{:?}", given.bench.events)
                };
                let ticket = given.bench.submit(Operation::Accept(*conversation));
                assert_eq!(given.bench.failure(ticket).kind(), &FailureKind::WrongState);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "Incoming, and its start was merged away",
            then: "the conversation is shown, and asked how it stands",
            event: |_, kind| with(lenes(kind, "Connected", &[]), "status", json!("Success")),
            effect: |given| {
                assert!(matches!(
                    given.bench.events.as_slice(),
                    [SessionEvent::Incoming {
                        answerable: false,
                        ..
                    }]
                ));
                assert!(given.bench.is_sent("GET", &conversation_href("17b")));
            },
            ..COMMUNICATION
        },
        Row {
            when: "ours, in the state Alerting",
            then: "it rings at the peer's",
            given: ringing,
            event: |given, kind| invitation(kind, &given.operation, "21a1", "Alerting"),
            effect: |given| given.changes_are(&[ConversationChange::Alerting]),
            ..COMMUNICATION
        },
        Row {
            when: "Incoming, without the links that it had",
            then: "nothing: it can be accepted as before",
            given: offered_by_lene,
            event: |_, kind| lenes(kind, "Connecting", &[]),
            effect: |given| {
                given.nothing_follows();
                given.bench.submit(Operation::Accept(given.key));
                assert!(given.bench.is_sent("POST", &format!("{INVITATION}/accept")));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, Success",
            then: "the message in it is delivered, who accepted is in; a conversation that no event connected is asked",
            given: ringing,
            event: |given, kind| {
                let mut event = invitation(kind, &given.operation, "21a1", "Connected");
                let lene = json!({"rel": "participant", "name": "", "uri": "sip:lenea@contoso.com",
                                  "_links": {"self": {"href": given.lene()}}});
                event["_embedded"]["messagingInvitation"]["_embedded"] =
                    json!({"acceptedByParticipant": [lene]});
                with(event, "status", json!("Success"))
            },
            effect: |given| {
                given.ended_with(&Ok(Outcome::Delivered));
                let changes = given.changes();
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
                assert!(given.bench.is_sent("GET", &conversation_href("21a1")));
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, without a status, in the state Connected",
            then: "as Success",
            given: ringing,
            event: |given, kind| invitation(kind, &given.operation, "21a1", "Connected"),
            effect: |given| given.ended_with(&Ok(Outcome::Delivered)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, with neither a status nor a state",
            then: "it is asked",
            given: ringing,
            event: |_, kind| bare(kind, "messagingInvitation", INVITATION, None),
            effect: |given| assert!(given.bench.is_sent("GET", INVITATION)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, without an `operationId`",
            then: "it is recognised by its address",
            given: ringing,
            event: |_, kind| {
                let resource = json!({"direction": "Outgoing", "state": "Connected"});
                event(kind, "messagingInvitation", INVITATION, resource)
            },
            effect: |given| given.ended_with(&Ok(Outcome::Delivered)),
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, Failure",
            then: "the message in it failed, with the reason, and the conversation that it began is over",
            given: ringing,
            event: |given, _| completed(&given.operation, "Failed", "Failure", declined()),
            effect: |given| {
                assert_eq!(given.failure().subcode(), Some("Declined"));
                came_to_nothing(given);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, without a status, in the state Declined",
            then: "as Failure",
            given: ringing,
            event: |given, kind| invitation(kind, &given.operation, "21a1", "Declined"),
            effect: came_to_nothing,
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "ours, Failure, into a conversation that lives",
            then: "the message failed and the chat is gone; the conversation says itself whether it goes on",
            given: asking_again,
            event: |given, _| completed(&given.operation, "Failed", "Failure", declined()),
            effect: |given| {
                assert_eq!(given.failure().subcode(), Some("Declined"));
                let changes = given.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [
                            ConversationChange::MessageStatus {
                                status: MessageStatus::Failed,
                                ..
                            },
                            ConversationChange::ChatDisconnected { failure: Some(_) },
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
            then: "the acceptance has ended; the text of the invitation comes as its message event, or is shown after 5 s",
            given: accepting,
            event: |_, kind| {
                let event = lenes(kind, "Connected", &[]);
                let reason = json!({"code": "Informational", "subcode": "AutoAccepted"});
                with(with(event, "status", json!("Success")), "reason", reason)
            },
            effect: |given| {
                given.ended_with(&Ok(Outcome::Done));
                given.bench.advance(std::time::Duration::from_secs(5));
                assert_eq!(given.bench.received(given.key), ["Hi Tosh"]);
            },
            ..COMMUNICATION
        },
        Row {
            types: &["completed"],
            when: "Incoming, Failure",
            then: "missed, or answered elsewhere: the conversation is over with that reason, and what was written is shown",
            given: offered_by_lene,
            event: |_, kind| {
                let event = with(lenes(kind, "Failed", &[]), "status", json!("Failure"));
                let reason = json!({"code": "LocalFailure", "subcode": "ConnectedElsewhere"});
                with(event, "reason", reason)
            },
            effect: |given| {
                let changes = given.changes();
                let [
                    ConversationChange::MessageReceived { .. },
                    ConversationChange::Ended {
                        failure: Some(failure),
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
            then: "somebody invites to a conference, whose address is told",
            event: |_, kind| meeting_invitation(kind, "21a1", json!({})),
            effect: |given| {
                assert!(matches!(
                    given.bench.events.as_slice(),
                    [
                        SessionEvent::Incoming { answerable: true, .. },
                        SessionEvent::Conversation { change: ConversationChange::Group { uri: Some(uri) }, .. },
                    ] if uri == MEETING
                ));
            },
            ..COMMUNICATION
        },
        Row {
            rel: "onlineMeetingInvitation",
            types: &["completed"],
            when: "ours, Success",
            then: "the conference that was begun stands; its chat is asked for, and those who were added are invited",
            given: || {
                let mut bench = crate::conference_begun::of_three();
                let start = Operation::StartChat {
                    conversation: chat(),
                    subject: None,
                    context: None,
                };
                let ticket = bench.submit(start);
                let begun = format!("{APP}/communication/onlineMeetingInvitations");
                let request = bench.created("POST", &begun, "/x").json();
                let operation = request["operationId"].as_str().unwrap().to_owned();
                let ours = json!({"direction": "Outgoing", "operationId": operation});
                let started = meeting_invitation("started", "21a1", ours);
                let conferenced = conference_event("21a1", "Conferenced", open_to_others("21a1"));
                let events = vec![
                    (false, started),
                    (false, conferenced),
                    (true, messaging("21a1", "Disconnected")),
                ];
                bench.page(senders("21a1", events));
                Given {
                    operation,
                    ticket: Some(ticket),
                    ..Given::new(bench, chat(), "21a1")
                }
            },
            event: |given, kind| {
                let ours = json!({"direction": "Outgoing", "state": "Connected", "operationId": given.operation});
                with(
                    meeting_invitation(kind, "21a1", ours),
                    "status",
                    json!("Success"),
                )
            },
            effect: |given| {
                given.ended_with(&Ok(Outcome::Done));
                let chat = format!("{INVITATIONS}?conversationId=21a1");
                assert!(given.bench.is_sent("POST", &chat));
                assert!(given.bench.is_sent("POST", crate::joining::INVITATIONS));
            },
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["started", "updated"],
            when: "ours",
            then: "the participant is on the way",
            given: || {
                let mut bench = crate::joining::extensible();
                let ticket = crate::joining::add(&mut bench);
                let invitations = crate::joining::INVITATIONS;
                let request = bench.created("POST", invitations, "/x").json();
                bench.events.clear();
                Given {
                    operation: request["operationId"].as_str().unwrap().to_owned(),
                    ticket: Some(ticket),
                    ..Given::new(bench, chat(), "21a1")
                }
            },
            event: |given, kind| {
                participant_invitation(kind, &given.operation, "21a1", "Connecting")
            },
            effect: |given| given.changes_are(&[ConversationChange::ParticipantInvited(third())]),
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["completed"],
            when: "ours, Success",
            then: "the addition has ended: the participant is in",
            given: adding,
            event: |given, kind| {
                let event = participant_invitation(kind, &given.operation, "21a1", "Connected");
                with(event, "status", json!("Success"))
            },
            effect: |given| given.ended_with(&Ok(Outcome::Done)),
            ..COMMUNICATION
        },
        Row {
            rel: "participantInvitation",
            types: &["completed"],
            when: "ours, Failure",
            then: "the participant stays outside, with the reason",
            given: adding,
            event: |given, kind| {
                let event = participant_invitation(kind, &given.operation, "21a1", "Failed");
                with(
                    with(event, "status", json!("Failure")),
                    "reason",
                    declined(),
                )
            },
            effect: |given| {
                assert_eq!(given.failure().subcode(), Some("Declined"));
                let changes = given.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [ConversationChange::ParticipantLeft { participant, failure: Some(_) }] if *participant == third()
                    ),
                    "{changes:?}"
                );
            },
            ..COMMUNICATION
        },
        Row {
            rel: "communication",
            when: "",
            then: "what it offers now is taken from it: the next invitation goes where it says",
            given: || Given::new(Bench::with_conversation(), chat(), "21a1"),
            event: |_, kind| {
                let links = json!({"_links": {"startMessaging": {"href": "/elsewhere"}}});
                event(
                    kind,
                    "communication",
                    &format!("{APP}/communication"),
                    links,
                )
            },
            effect: |given| {
                given.bench.send(1, "Hello");
                assert!(given.bench.is_sent("POST", "/elsewhere"));
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
