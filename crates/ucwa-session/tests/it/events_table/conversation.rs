//! Events of conversations, their chats and their messages.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::bench::*;
use crate::conference::MEETING;
use crate::given::*;
use crate::pages::*;

pub(super) const CONVERSATION: Row = Row {
    sender: "conversation",
    rel: "messaging",
    within: None,
    types: &["updated"],
    when: "",
    then: "",
    given: established,
    event: |_, _| Value::Null,
    effect: |_| {},
};

/// The conversation in a state, and what else it says.
fn in_state(given: &Given, kind: &str, state: &str, more: Value) -> Value {
    let mut event = conversation_event(kind, given.id, state);
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

/// A chat that stands, with what it says of itself told before.
fn known() -> Given {
    let mut given = established();
    let connected = conversation_event("updated", "21a1", "Connected");
    given.bench.page(senders("21a1", vec![(false, connected)]));
    given.bench.events.clear();
    given
}

/// What happens at any end, however it is told: pending messages first, the conversation last.
fn is_over(given: &mut Given) {
    let changes = given.changes();
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
    assert!(given.bench.result(given.ticket.unwrap()).is_some());
}

/// The rows whose sender is `communication` and that are about conversations.
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
            given: ringing,
            event: |given, kind| in_state(given, kind, "Connected", json!({})),
            effect: |given| {
                assert!(given.changes().contains(&ConversationChange::Connected));
            },
            ..row()
        },
        Row {
            types: &["added", "updated"],
            when: "Incoming or Connecting",
            then: "nothing",
            given: ringing,
            event: |given, kind| in_state(given, kind, "Connecting", json!({})),
            effect: Given::nothing_follows,
            ..row()
        },
        Row {
            types: &["added", "updated"],
            when: "of a conversation that nobody began here or was invited to",
            then: "it is kept until an invitation claims it; if it is established and none does in 10 s, it is asked and shown",
            event: |given, kind| in_state(given, kind, "Connected", json!({})),
            effect: |given| {
                given.nothing_follows();
                given.bench.advance(std::time::Duration::from_secs(10));
                assert!(given.bench.is_sent("GET", &conversation_href("21a1")));
            },
            ..row()
        },
        Row {
            when: "a link only",
            then: "the conversation is read",
            given: established,
            event: |given, kind| bare(kind, "conversation", &conversation_href(given.id), None),
            effect: |given| assert!(given.bench.is_sent("GET", &conversation_href("21a1"))),
            ..row()
        },
        Row {
            when: "Conferencing",
            then: "it becomes a conference, and stays established meanwhile",
            given: known,
            event: |given, kind| {
                in_state(
                    given,
                    kind,
                    "Conferencing",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: |given| given.changes_are(&[ConversationChange::Group { uri: None }]),
            ..row()
        },
        Row {
            when: "Conferenced, or with `onlineMeeting`",
            then: "it is a conference",
            given: known,
            event: |given, kind| {
                let links = json!({"onlineMeeting": {"href": "/x"}});
                let more = json!({"activeModalities": ["Messaging"], "_links": links});
                in_state(given, kind, "Connected", more)
            },
            effect: |given| given.changes_are(&[ConversationChange::Group { uri: None }]),
            ..row()
        },
        Row {
            when: "InLobby",
            then: "this user waits in the lobby of the conference",
            given: offered_by_lene,
            event: |given, kind| in_state(given, kind, "InLobby", json!({})),
            effect: |given| {
                given.changes_are(&[ConversationChange::Myself {
                    standing: Some(Standing::InLobby),
                    role: None,
                }]);
            },
            ..row()
        },
        Row {
            when: "with another `subject`",
            then: "the subject is told",
            given: known,
            event: |given, kind| in_state(given, kind, "Connected", json!({"subject": "Lunch"})),
            effect: |given| given.changes_are(&[ConversationChange::Subject("Lunch".to_owned())]),
            ..row()
        },
        Row {
            when: "with other `activeModalities`",
            then: "chat, audio and video are told",
            given: known,
            event: |given, kind| {
                let more = json!({"activeModalities": ["Messaging", "Audio", "Video"]});
                in_state(given, kind, "Connected", more)
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::Modalities {
                    messaging: true,
                    audio: true,
                    video: true,
                }]);
            },
            ..row()
        },
        Row {
            when: "with another `participantCount`",
            then: "the count is told",
            given: known,
            event: |given, kind| in_state(given, kind, "Connected", json!({"participantCount": 3})),
            effect: |given| given.changes_are(&[ConversationChange::ParticipantCount(3)]),
            ..row()
        },
        Row {
            when: "with `userAcknowledged`",
            then: "it was accepted for the user, who can acknowledge that",
            given: known,
            event: |given, kind| {
                let links = json!({"_links": {"userAcknowledged": {"href": "/seen"}}});
                in_state(given, kind, "Connected", links)
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::Acknowledgeable(true)]);
                given.bench.submit(Operation::Acknowledge(given.key));
                assert!(given.bench.is_sent("POST", "/seen"));
            },
            ..row()
        },
        Row {
            when: "with `addParticipant`",
            then: "others can be added",
            given: known,
            event: |given, kind| {
                let links = json!({"_links": {"addParticipant": {"href": "/more"}}});
                in_state(given, kind, "Connected", links)
            },
            effect: |given| {
                crate::joining::add(&mut given.bench);
                assert!(given.bench.is_sent("POST", "/more"));
            },
            ..row()
        },
        Row {
            when: "with `derivedConversation`",
            then: "others took it to another conversation: this one goes along",
            given: established,
            event: |given, kind| {
                let links = json!({"derivedConversation": {"href": conversation_href("dd1")}});
                in_state(given, kind, "Connected", json!({"_links": links}))
            },
            effect: |given| assert!(given.bench.is_sent("GET", &conversation_href("dd1"))),
            ..row()
        },
        Row {
            when: "Disconnecting",
            then: "nothing: its end is told by itself",
            given: known,
            event: |given, kind| {
                in_state(
                    given,
                    kind,
                    "Disconnecting",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: Given::nothing_follows,
            ..row()
        },
        Row {
            when: "Disconnected",
            then: "what is pending is settled, then the conversation is over",
            given: handed_over,
            event: |given, kind| {
                in_state(
                    given,
                    kind,
                    "Disconnected",
                    json!({"activeModalities": ["Messaging"]}),
                )
            },
            effect: is_over,
            ..row()
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "as Disconnected",
            given: handed_over,
            event: |given, kind| bare(kind, "conversation", &conversation_href(given.id), None),
            effect: is_over,
            ..row()
        },
    ]
}

/// A message is written, and the chat does not stand yet.
fn waiting() -> Given {
    let mut given = ringing();
    let operation = given.operation.clone();
    given.bench.page(senders(
        "21a1",
        vec![(false, conversation_event("updated", "21a1", "Connected"))],
    ));
    let completed = invitation("completed", &operation, "21a1", "Connected");
    given.bench.page(senders("21a1", vec![(false, completed)]));
    given.ticket = Some(given.bench.send(2, "And another thing"));
    // What was asked since no event told of the chat.
    given.bench.sent.retain(|sent| sent.lane == Lane::Events);
    given.bench.events.clear();
    given
}

fn chat_rows() -> Vec<Row> {
    vec![
        Row {
            when: "Connecting",
            then: "the chat is being established",
            given: || {
                let mut given = established();
                let over = messaging("21a1", "Disconnected");
                given.bench.page(senders("21a1", vec![(true, over)]));
                given.bench.events.clear();
                given
            },
            event: |given, _| messaging(given.id, "Connecting"),
            effect: |given| given.changes_are(&[ConversationChange::ChatConnecting]),
            ..CONVERSATION
        },
        Row {
            when: "Connected",
            then: "the chat stands, with the formats that both sides take, and what waited leaves",
            given: waiting,
            event: |given, _| {
                let mut event = messaging(given.id, "Connected");
                event["_embedded"]["messaging"]["negotiatedMessageFormats"] =
                    json!(["Plain", "Html"]);
                event
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::ChatConnected { html: true }]);
                let messages = given.messages();
                assert_eq!(
                    given.bench.take("POST", &messages).body(),
                    "And another thing"
                );
            },
            ..CONVERSATION
        },
        Row {
            when: "Connected, without `sendMessage`",
            then: "the chat is read once for where to send to; what waited goes on waiting",
            given: established,
            event: |given, _| {
                let mut event = messaging(given.id, "Connected");
                let links = event["_embedded"]["messaging"]["_links"]
                    .as_object_mut()
                    .unwrap();
                links.remove("sendMessage");
                event
            },
            effect: |given| {
                let chat_href = format!("{}/messaging", conversation_href("21a1"));
                let bare = messaging("21a1", "Connected")["_embedded"]["messaging"].clone();
                let ticket = given.bench.send(1, "x");
                let read = given.bench.take("GET", &chat_href);
                assert!(!given.bench.is_sent("GET", &chat_href));
                given.bench.respond(read.id, answer(200, bare));
                assert!(given.bench.is_sent("POST", &given.messages()));
                assert_eq!(given.bench.result(ticket), None);
            },
            ..CONVERSATION
        },
        Row {
            when: "a link only",
            then: "the chat is read",
            given: established,
            event: |given, kind| {
                let href = format!("{}/messaging", conversation_href(given.id));
                bare(kind, "messaging", &href, None)
            },
            effect: |given| {
                let href = format!("{}/messaging", conversation_href("21a1"));
                assert!(given.bench.is_sent("GET", &href));
            },
            ..CONVERSATION
        },
        Row {
            when: "Disconnecting",
            then: "the other side is ending the chat",
            given: established,
            event: |given, _| messaging(given.id, "Disconnecting"),
            effect: |given| {
                given.changes_are(&[ConversationChange::ChatDisconnecting]);
                given.bench.send(1, "x");
                assert!(
                    !given.bench.is_sent("POST", ""),
                    "there is nowhere to send to"
                );
            },
            ..CONVERSATION
        },
        Row {
            when: "Disconnected",
            then: "the chat is gone and what waited for it failed; the conversation is asked whether it goes on, after 10 s",
            given: || {
                let mut given = established();
                given.bench.send(1, "one");
                given.ticket = Some(given.bench.send(2, "waits behind it"));
                given.bench.events.clear();
                given
            },
            event: |given, _| {
                let reason = json!({"code": "RemoteFailure", "subcode": "CallTerminated"});
                with(messaging(given.id, "Disconnected"), "reason", reason)
            },
            effect: |given| {
                assert_eq!(given.failure().subcode(), Some("CallTerminated"));
                let changes = given.changes();
                assert!(
                    matches!(
                        changes.as_slice(),
                        [
                            ConversationChange::MessageStatus {
                                message: MessageKey::Local(2),
                                status: MessageStatus::Failed,
                                ..
                            },
                            ConversationChange::ChatDisconnected { failure: Some(_) },
                        ]
                    ),
                    "{changes:?}"
                );
                given.bench.advance(std::time::Duration::from_secs(10));
                assert!(given.bench.is_sent("GET", &conversation_href("21a1")));
            },
            ..CONVERSATION
        },
        Row {
            types: &["deleted"],
            when: "",
            then: "as Disconnected",
            given: established,
            event: |given, kind| {
                let href = format!("{}/messaging", conversation_href(given.id));
                bare(kind, "messaging", &href, None)
            },
            effect: |given| {
                given.changes_are(&[ConversationChange::ChatDisconnected { failure: None }]);
            },
            ..CONVERSATION
        },
        Row {
            rel: "onlineMeeting",
            types: &["added", "updated"],
            when: "",
            then: "it is a conference, whose address is told",
            given: established,
            event: |_, kind| {
                event(
                    kind,
                    "onlineMeeting",
                    "/m",
                    json!({"onlineMeetingUri": MEETING}),
                )
            },
            effect: |given| {
                let uri = Some(MEETING.to_owned());
                given.changes_are(&[ConversationChange::Group { uri }]);
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
            then: "a message, shown once; whoever wrote it types no more",
            given: || {
                let mut given = established();
                let typing = Some(("typingParticipants", "/x"));
                let typing = bare("added", "participant", &given.lene(), typing);
                given.bench.page(senders("21a1", vec![(true, typing)]));
                given.bench.events.clear();
                given
            },
            event: |given, kind| with(arrival(given.id, "5", "Hi"), "type", json!(kind)),
            effect: |given| {
                let changes = given.changes();
                let [
                    ConversationChange::Typing { typing: false, .. },
                    ConversationChange::MessageReceived { sender, .. },
                ] = changes.as_slice()
                else {
                    panic!("{changes:?}")
                };
                assert_eq!(sender.key, peer());
                let again = arrival("21a1", "5", "Hi");
                given.bench.page(senders("21a1", vec![(true, again)]));
                given.changes_are(&[]);
            },
            ..row()
        },
        Row {
            types: &["started"],
            when: "a link only",
            then: "nothing: the completion brings the message, or says where it is",
            given: established,
            event: |given, kind| bare(kind, "message", &message_href(given.id, "5"), None),
            effect: |given| {
                given.nothing_follows();
                let completed = arrival("21a1", "5", "Hi");
                given.bench.page(senders("21a1", vec![(true, completed)]));
                assert_eq!(given.bench.received(given.key), ["Hi"]);
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "a link only",
            then: "the message is read, and those behind it wait for it",
            given: established,
            event: |given, kind| bare(kind, "message", &message_href(given.id, "5"), None),
            effect: |given| assert!(given.bench.is_sent("GET", &message_href("21a1", "5"))),
            ..row()
        },
        Row {
            types: &["started"],
            when: "Outgoing",
            then: "nothing: it is on its way",
            given: handed_over,
            event: |given, kind| with(verdict(given.id, "2", "Success"), "type", json!(kind)),
            effect: |given| {
                assert_eq!(given.bench.result(given.ticket.unwrap()), None);
                given.nothing_follows();
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "Outgoing, of this session by `operationId` or `Location`, Success",
            then: "it is delivered, at the server's time",
            given: handed_over,
            event: |given, _| verdict(given.id, "2", "Success"),
            effect: |given| {
                given.ended_with(&Ok(Outcome::Delivered));
                let changes = given.changes();
                let [
                    ConversationChange::MessageStatus {
                        message: MessageKey::Local(1),
                        status: MessageStatus::Succeeded,
                        timestamp: Some(_),
                        failure: None,
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
            then: "it failed, with the reason and those whom it did not reach",
            given: handed_over,
            event: |given, _| {
                let mut event = verdict(given.id, "2", "Failure");
                event["_embedded"]["message"]["_links"]["failedDeliveryParticipant"] =
                    json!([{"href": "/p/1", "title": "Alex Darrow"}, {"href": "/p/2"}]);
                with(
                    event,
                    "reason",
                    json!({"code": "RemoteFailure", "subcode": "Timeout", "message": "Not fetched."}),
                )
            },
            effect: |given| {
                assert_eq!(given.failure().kind(), &FailureKind::Remote);
                assert_eq!(given.failure().subcode(), Some("Timeout"));
                assert_eq!(
                    given.failure().failed_participants(),
                    ["Alex Darrow", "/p/2"]
                );
            },
            ..row()
        },
        Row {
            types: &["completed"],
            when: "Outgoing, of this session, with no status",
            then: "the message is asked: an absent status is no failure",
            given: handed_over,
            event: |given, _| {
                let mut event = verdict(given.id, "2", "Success");
                event.as_object_mut().unwrap().remove("status");
                event
            },
            effect: |given| {
                assert_eq!(given.bench.result(given.ticket.unwrap()), None);
                assert!(given.bench.is_sent("GET", &message_href("21a1", "2")));
            },
            ..row()
        },
        Row {
            types: &["started", "completed"],
            when: "Outgoing, of another endpoint",
            then: "nothing",
            given: handed_over,
            event: |given, kind| with(verdict(given.id, "99", "Failure"), "type", json!(kind)),
            effect: |given| {
                assert_eq!(given.bench.result(given.ticket.unwrap()), None);
                given.nothing_follows();
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
