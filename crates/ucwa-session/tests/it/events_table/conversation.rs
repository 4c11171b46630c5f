//! Events of conversations, their chats and their messages.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::conference::MEETING;
use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;

pub(super) const CONVERSATION: Row = Row {
    sender: "conversation",
    rel: "messaging",
    within: None,
    types: &["updated"],
    when: "",
    then: "",
    fixture: established,
    event: |_, _| Value::Null,
    effect: |_| {},
};

/// The conversation in this state, with further properties.
fn in_state(fixture: &Fixture, kind: &str, state: &str, more: Value) -> Value {
    let mut event = conversation_event(kind, fixture.id, state);
    let resource = &mut event["_embedded"]["conversation"];
    for (name, value) in more.as_object().unwrap() {
        match name.as_str() {
            "_links" => {
                for (rel, link) in value.as_object().unwrap() {
                    resource["_links"][rel] = link.clone();
                }
            }
            name => resource[name] = value.clone(),
        }
    }
    event
}

/// An established chat whose properties have been reported.
fn reported_chat() -> Fixture {
    let mut fixture = established();
    let connected = conversation_event("updated", "21a1", "Connected");
    fixture
        .driver
        .page(senders("21a1", vec![(false, connected)]));
    fixture.driver.events.clear();
    fixture
}

/// Asserts the changes at any end: pending messages first, the conversation last.
fn assert_ended(fixture: &mut Fixture) {
    let changes = fixture.changes();
    assert!(
        matches!(
            changes.as_slice(),
            [
                ConversationChange::MessageStatus { .. },
                ConversationChange::Ended { .. }
            ]
        ),
        "{changes:?}"
    );
    assert!(fixture.driver.result(fixture.ticket.unwrap()).is_some());
}

/// The rows with sender `communication` that are about conversations.
pub(super) fn rows_of_communication(communication: Row) -> Vec<Row> {
    let row = || Row {
        rel: "conversation",
        ..communication
    };
    vec![
        Row {
            types: &["added", "updated"],
            when: "Connected or Conferenced",
            then: "the conversation is established",
            fixture: invitation_started,
            event: |fixture, kind| in_state(fixture, kind, "Connected", json!({})),
            effect: |fixture| {
                assert!(fixture.changes().contains(&ConversationChange::Connected));
            },
            ..row()
        },
        Row {
            types: &["added", "updated"],
            when: "Incoming or Connecting",
            then: "nothing",
            fixture: invitation_started,
            event: |fixture, kind| in_state(fixture, kind, "Connecting", json!({})),
            effect: Fixture::nothing_follows,
            ..row()
        },
        Row {
            types: &["added", "updated"],
            when: "of an unknown conversation",
            then: "the events are kept until an invitation claims the conversation; if it is established and unclaimed for 10 s, it is read and shown",
            event: |fixture, kind| in_state(fixture, kind, "Connected", json!({})),
            effect: |fixture| {
                fixture.nothing_follows();
                fixture.driver.advance(std::time::Duration::from_secs(10));
                assert!(fixture.driver.is_sent("GET", &conversation_href("21a1")));
            },
            ..row()
        },
        Row {
            when: "a link only",
            then: "the conversation is read",
            fixture: established,
            event: |fixture, kind| bare(kind, "conversation", &conversation_href(fixture.id), None),
            effect: |fixture| assert!(fixture.driver.is_sent("GET", &conversation_href("21a1"))),
            ..row()
        },
        Row {
            when: "Conferencing",
            then: "the conversation becomes a conference and stays established",
            fixture: reported_chat,
            event: |fixture, kind| {
                in_state(
                    fixture,
                    kind,
                    "Conferencing",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: |fixture| fixture.changes_are(&[ConversationChange::group(None)]),
            ..row()
        },
        Row {
            when: "Conferenced, or with `onlineMeeting`",
            then: "the conversation is a conference",
            fixture: reported_chat,
            event: |fixture, kind| {
                let links = json!({"onlineMeeting": {"href": "/x"}});
                let more = json!({"activeModalities": ["Messaging"], "_links": links});
                in_state(fixture, kind, "Connected", more)
            },
            effect: |fixture| fixture.changes_are(&[ConversationChange::group(None)]),
            ..row()
        },
        Row {
            when: "InLobby",
            then: "this user waits in the lobby",
            fixture: invited_by_lene,
            event: |fixture, kind| in_state(fixture, kind, "InLobby", json!({})),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::myself(Some(Standing::InLobby), None)]);
            },
            ..row()
        },
        Row {
            when: "with another `subject`",
            then: "the subject is reported",
            fixture: reported_chat,
            event: |fixture, kind| {
                in_state(fixture, kind, "Connected", json!({"subject": "Lunch"}))
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::Subject("Lunch".to_owned())]);
            },
            ..row()
        },
        Row {
            when: "with other `activeModalities`",
            then: "the active modalities are reported",
            fixture: reported_chat,
            event: |fixture, kind| {
                let more = json!({"activeModalities": ["Messaging", "Audio", "Video"]});
                in_state(fixture, kind, "Connected", more)
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::modalities(true, true, true)]);
            },
            ..row()
        },
        Row {
            when: "with another `participantCount`",
            then: "the count is reported",
            fixture: reported_chat,
            event: |fixture, kind| {
                in_state(fixture, kind, "Connected", json!({"participantCount": 3}))
            },
            effect: |fixture| fixture.changes_are(&[ConversationChange::ParticipantCount(3)]),
            ..row()
        },
        Row {
            when: "with `userAcknowledged`",
            then: "the server accepted the conversation for the user, who can acknowledge it",
            fixture: reported_chat,
            event: |fixture, kind| {
                let links = json!({"_links": {"userAcknowledged": {"href": "/seen"}}});
                in_state(fixture, kind, "Connected", links)
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::Acknowledgeable(true)]);
                fixture.driver.submit(Operation::Acknowledge(fixture.key));
                assert!(fixture.driver.is_sent("POST", "/seen"));
            },
            ..row()
        },
        Row {
            when: "with `addParticipant`",
            then: "participants can be added",
            fixture: reported_chat,
            event: |fixture, kind| {
                let links = json!({"_links": {"addParticipant": {"href": "/more"}}});
                in_state(fixture, kind, "Connected", links)
            },
            effect: |fixture| {
                crate::joining::add(&mut fixture.driver);
                assert!(fixture.driver.is_sent("POST", "/more"));
            },
            ..row()
        },
        Row {
            when: "with `derivedConversation`",
            then: "the conversation continues as the derived conversation",
            fixture: established,
            event: |fixture, kind| {
                let links = json!({"derivedConversation": {"href": conversation_href("dd1")}});
                in_state(fixture, kind, "Connected", json!({"_links": links}))
            },
            effect: |fixture| assert!(fixture.driver.is_sent("GET", &conversation_href("dd1"))),
            ..row()
        },
        Row {
            when: "Disconnecting",
            then: "nothing: an event of its own reports the end",
            fixture: reported_chat,
            event: |fixture, kind| {
                in_state(
                    fixture,
                    kind,
                    "Disconnecting",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: Fixture::nothing_follows,
            ..row()
        },
        Row {
            when: "Disconnected",
            then: "pending messages and commands are settled, then the conversation ends",
            fixture: message_accepted,
            event: |fixture, kind| {
                in_state(
                    fixture,
                    kind,
                    "Disconnected",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: assert_ended,
            ..row()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "as Disconnected",
            fixture: message_accepted,
            event: |fixture, kind| bare(kind, "conversation", &conversation_href(fixture.id), None),
            effect: assert_ended,
            ..row()
        },
    ]
}

/// A message is queued until the chat is established.
fn with_queued_message() -> Fixture {
    let mut fixture = invitation_started();
    let operation = fixture.operation.clone();
    fixture.driver.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Connected"))],
    ));
    let completed = invitation("completed", &operation, "21a1", "Connected");
    fixture
        .driver
        .page(senders("21a1", vec![(false, completed)]));
    fixture.ticket = Some(fixture.driver.send(2, "And another thing"));
    // Drops the reads that were sent because no event of the chat had arrived.
    fixture.driver.sent.retain(|sent| sent.lane == Lane::Events);
    fixture.driver.events.clear();
    fixture
}

fn chat_rows() -> Vec<Row> {
    vec![
        Row {
            when: "Connecting",
            then: "the chat is being established",
            fixture: || {
                let mut fixture = established();
                let over = messaging("21a1", "Disconnected");
                fixture.driver.page(senders("21a1", vec![(true, over)]));
                fixture.driver.events.clear();
                fixture
            },
            event: |fixture, _| messaging(fixture.id, "Connecting"),
            effect: |fixture| fixture.changes_are(&[ConversationChange::ChatConnecting]),
            ..CONVERSATION
        },
        Row {
            when: "Connected",
            then: "the chat is established with the negotiated formats, and queued messages are sent",
            fixture: with_queued_message,
            event: |fixture, _| {
                let mut event = messaging(fixture.id, "Connected");
                event["_embedded"]["messaging"]["negotiatedMessageFormats"] =
                    json!(["Plain", "Html"]);
                event
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::chat_connected(true)]);
                let messages = fixture.messages();
                assert_eq!(
                    fixture.driver.take("POST", &messages).body(),
                    "And another thing"
                );
            },
            ..CONVERSATION
        },
        Row {
            when: "Connected, without `sendMessage`",
            then: "the chat is read once for the link; queued messages keep waiting",
            fixture: established,
            event: |fixture, _| {
                let mut event = messaging(fixture.id, "Connected");
                let links = event["_embedded"]["messaging"]["_links"]
                    .as_object_mut()
                    .unwrap();
                links.remove("sendMessage");
                event
            },
            effect: |fixture| {
                let chat_href = format!("{}/messaging", conversation_href("21a1"));
                let bare = messaging("21a1", "Connected")["_embedded"]["messaging"].clone();
                let ticket = fixture.driver.send(1, "x");
                let read = fixture.driver.take("GET", &chat_href);
                assert!(!fixture.driver.is_sent("GET", &chat_href));
                fixture.driver.respond(read.id, answer(200, bare));
                assert!(fixture.driver.is_sent("POST", &fixture.messages()));
                assert_eq!(fixture.driver.result(ticket), None);
            },
            ..CONVERSATION
        },
        Row {
            when: "a link only",
            then: "the chat is read",
            fixture: established,
            event: |fixture, kind| {
                let href = format!("{}/messaging", conversation_href(fixture.id));
                bare(kind, "messaging", &href, None)
            },
            effect: |fixture| {
                let href = format!("{}/messaging", conversation_href("21a1"));
                assert!(fixture.driver.is_sent("GET", &href));
            },
            ..CONVERSATION
        },
        Row {
            when: "Disconnecting",
            then: "the chat is shown as ending",
            fixture: established,
            event: |fixture, _| messaging(fixture.id, "Disconnecting"),
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::ChatDisconnecting]);
                fixture.driver.send(1, "x");
                assert!(
                    !fixture.driver.is_sent("POST", ""),
                    "there is no sendMessage link"
                );
            },
            ..CONVERSATION
        },
        Row {
            when: "Disconnected",
            then: "the chat ends and queued messages fail; after 10 s the conversation is read",
            fixture: || {
                let mut fixture = established();
                fixture.driver.send(1, "one");
                fixture.ticket = Some(fixture.driver.send(2, "the later message waits"));
                fixture.driver.events.clear();
                fixture
            },
            event: |fixture, _| {
                let reason = json!({"code": "RemoteFailure", "subcode": "CallTerminated"});
                with(messaging(fixture.id, "Disconnected"), "reason", reason)
            },
            effect: |fixture| {
                assert_eq!(fixture.failure().subcode(), Some("CallTerminated"));
                let changes = fixture.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [
                            ConversationChange::MessageStatus {
                                message: MessageKey::Local(2),
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
                fixture.driver.advance(std::time::Duration::from_secs(10));
                assert!(fixture.driver.is_sent("GET", &conversation_href("21a1")));
            },
            ..CONVERSATION
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "as Disconnected",
            fixture: established,
            event: |fixture, kind| {
                let href = format!("{}/messaging", conversation_href(fixture.id));
                bare(kind, "messaging", &href, None)
            },
            effect: |fixture| {
                fixture.changes_are(&[ConversationChange::chat_disconnected(None)]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "onlineMeeting",
            types: &["added", "updated"],
            when: "",
            then: "the conversation is a conference, and its URI is reported",
            fixture: established,
            event: |_, kind| {
                event(
                    kind,
                    "onlineMeeting",
                    "/m",
                    json!({"onlineMeetingUri": MEETING}),
                )
            },
            effect: |fixture| {
                let uri = Some(MEETING.to_owned());
                fixture.changes_are(&[ConversationChange::group(uri)]);
            },
            ..CONVERSATION
        },
    ]
}

fn message_rows() -> Vec<Row> {
    let row = || Row {
        rel: "message",
        ..CONVERSATION
    };
    vec![
        Row {
            types: &["started", "completed"],
            when: "Incoming",
            then: "the message is shown once; its sender stops typing",
            fixture: || {
                let mut fixture = established();
                let typing = Some(("typingParticipants", "/x"));
                let typing = bare("added", "participant", &fixture.lene(), typing);
                fixture.driver.page(senders("21a1", vec![(true, typing)]));
                fixture.driver.events.clear();
                fixture
            },
            event: |fixture, kind| with(arrival(fixture.id, "5", "Hi"), "type", json!(kind)),
            effect: |fixture| {
                let changes = fixture.changes();
                let [
                    ConversationChange::Typing { typing: false, .. },
                    ConversationChange::MessageReceived { sender, .. },
                ] = changes.as_slice()
                else {
                    panic!("{changes:?}")
                };
                assert_eq!(sender.key, peer());
                let again = arrival("21a1", "5", "Hi");
                fixture.driver.page(senders("21a1", vec![(true, again)]));
                fixture.changes_are(&[]);
            },
            ..row()
        },
        Row {
            types: &["started"],
            when: "a link only",
            then: "nothing: the `completed` event has the message or its link",
            fixture: established,
            event: |fixture, kind| bare(kind, "message", &message_href(fixture.id, "5"), None),
            effect: |fixture| {
                fixture.nothing_follows();
                let completed = arrival("21a1", "5", "Hi");
                fixture
                    .driver
                    .page(senders("21a1", vec![(true, completed)]));
                assert_eq!(fixture.driver.received(fixture.key), ["Hi"]);
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "a link only",
            then: "the message is read; later messages wait for it",
            fixture: established,
            event: |fixture, kind| bare(kind, "message", &message_href(fixture.id, "5"), None),
            effect: |fixture| assert!(fixture.driver.is_sent("GET", &message_href("21a1", "5"))),
            ..row()
        },
        Row {
            types: &["started"],
            when: "Outgoing",
            then: "nothing: the message is in flight",
            fixture: message_accepted,
            event: |fixture, kind| {
                with(
                    delivery_event(fixture.id, "2", "Success"),
                    "type",
                    json!(kind),
                )
            },
            effect: |fixture| {
                assert_eq!(fixture.driver.result(fixture.ticket.unwrap()), None);
                fixture.nothing_follows();
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "Outgoing, of this session by `operationId` or `Location`, Success",
            then: "the message is delivered, with the server's timestamp",
            fixture: message_accepted,
            event: |fixture, _| delivery_event(fixture.id, "2", "Success"),
            effect: |fixture| {
                fixture.ended_with(&Ok(Outcome::Delivered));
                let changes = fixture.changes();
                let [
                    ConversationChange::MessageStatus {
                        message: MessageKey::Local(1),
                        status: MessageStatus::Succeeded,
                        timestamp: Some(_),
                        failure: None,
                        ..
                    },
                ] = changes.as_slice()
                else {
                    panic!("{changes:?}")
                };
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "Outgoing, of this session, Failure",
            then: "the message fails, with the reason and the participants it did not reach",
            fixture: message_accepted,
            event: |fixture, _| {
                let mut event = delivery_event(fixture.id, "2", "Failure");
                event["_embedded"]["message"]["_links"]["failedDeliveryParticipant"] =
                    json!([{"href": "/p/1", "title": "Alex Darrow"}, {"href": "/p/2"}]);
                with(
                    event,
                    "reason",
                    json!({"code": "RemoteFailure", "subcode": "Timeout", "message": "Not fetched."}),
                )
            },
            effect: |fixture| {
                assert_eq!(fixture.failure().kind(), &FailureKind::Remote);
                assert_eq!(fixture.failure().subcode(), Some("Timeout"));
                assert_eq!(
                    fixture.failure().failed_participants(),
                    ["Alex Darrow", "/p/2"]
                );
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "Outgoing, of this session, with no status",
            then: "the message is read: a missing status is not a failure",
            fixture: message_accepted,
            event: |fixture, _| {
                let mut event = delivery_event(fixture.id, "2", "Success");
                event.as_object_mut().unwrap().remove("status");
                event
            },
            effect: |fixture| {
                assert_eq!(fixture.driver.result(fixture.ticket.unwrap()), None);
                assert!(fixture.driver.is_sent("GET", &message_href("21a1", "2")));
            },
            ..row()
        },
        Row {
            types: &["started", "completed"],
            when: "Outgoing, of another endpoint",
            then: "nothing",
            fixture: message_accepted,
            event: |fixture, kind| {
                with(
                    delivery_event(fixture.id, "99", "Failure"),
                    "type",
                    json!(kind),
                )
            },
            effect: |fixture| {
                assert_eq!(fixture.driver.result(fixture.ticket.unwrap()), None);
                fixture.nothing_follows();
            },
            ..row()
        },
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = chat_rows();
    rows.extend(message_rows());
    rows
}
