//! One-to-one conversations that become conferences, and conferences that this user or others start.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::joining::*;
use crate::pages::*;
use crate::sending::established;

pub(crate) const MEETING: &str = "sip:toshm@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA";
pub(crate) const MEETING_INVITATION: &str =
    "/ucwa/oauth/v1/applications/102/communication/onlineMeetingInvitations/667";
pub(crate) const MESSAGING_INVITATIONS: &str =
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

pub(crate) fn messages(id: &str) -> String {
    format!("{}/messaging/messages", conversation_href(id))
}

/// Answers the request for the chat of a conference, and connects it.
pub(crate) fn chat_returns(bench: &mut Bench, id: &str) {
    let request = bench.created(
        "POST",
        &format!("{MESSAGING_INVITATIONS}?conversationId={id}"),
        INVITATION,
    );
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    assert_eq!(
        request.json()["_links"],
        Value::Null,
        "the invitation carries no message"
    );
    bench.page(senders(
        id,
        vec![
            (false, invitation("started", &operation, id, "Connecting")),
            (true, messaging(id, "Connected")),
            (
                false,
                with(
                    invitation("completed", &operation, id, "Connected"),
                    "status",
                    json!("Success"),
                ),
            ),
        ],
    ));
}

/// An invitation to a conference.
pub(crate) fn meeting_invitation(kind: &str, id: &str, more: Value) -> Value {
    let mut resource = json!({
        "direction": "Incoming", "state": "Connecting", "subject": "Lunch", "threadId": "t7",
        "onlineMeetingUri": MEETING,
        "_links": {
            "conversation": {"href": conversation_href(id)},
            "accept": {"href": format!("{MEETING_INVITATION}/accept")},
            "decline": {"href": format!("{MEETING_INVITATION}/decline")},
        },
    });
    for (name, value) in more.as_object().unwrap() {
        resource[name] = value.clone();
    }
    event(
        kind,
        "onlineMeetingInvitation",
        MEETING_INVITATION,
        resource,
    )
}

#[test]
fn an_escalated_conversation_keeps_its_identity_and_gets_its_chat_back() {
    let mut bench = extensible();
    let (ticket, operation) = invited(&mut bench);
    bench.events.clear();
    // The chat ends before the page gives the reason.
    bench.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, conference_event("21a1", "Conferencing", json!({}))),
        ],
    ));
    assert_eq!(
        bench.changes(chat())[..2],
        [
            ConversationChange::Group { uri: None },
            ConversationChange::ChatDisconnected { failure: None },
        ]
    );
    let said = bench.send(2, "Welcome, Alex");
    assert_eq!(bench.result(said), None, "the message waits for the chat");
    assert!(
        !bench.is_sent("POST", MESSAGING_INVITATIONS),
        "the conversation is not a conference yet"
    );
    bench.page(senders(
        "21a1",
        vec![(
            false,
            conference_event("21a1", "Conferenced", open_to_others("21a1")),
        )],
    ));
    chat_returns(&mut bench, "21a1");
    let meeting = event(
        "added",
        "onlineMeeting",
        &format!("{}/onlineMeeting", conversation_href("21a1")),
        json!({"onlineMeetingUri": MEETING}),
    );
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    bench.page(senders(
        "21a1",
        vec![
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, meeting),
            (true, third_joins("21a1", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    bench.created("POST", &messages("21a1"), &message_href("21a1", "5"));
    bench.page(senders(
        "21a1",
        vec![(true, verdict("21a1", "5", "Success"))],
    ));
    assert_eq!(bench.result(said), Some(&Ok(Outcome::Delivered)));
    let changes = bench.changes(chat());
    assert!(changes.contains(&ConversationChange::Group {
        uri: Some(MEETING.to_owned())
    }));
    assert!(
        changes.iter().all(|change| !matches!(
            change,
            ConversationChange::Connecting
                | ConversationChange::Connected
                | ConversationChange::Ended { .. }
        )),
        "the conversation stayed connected: {changes:?}"
    );
}

#[test]
fn the_chat_of_a_one_to_one_conversation_is_not_restored() {
    let mut bench = extensible();
    bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    assert!(!bench.is_sent("POST", MESSAGING_INVITATIONS));
    // The conversation is a conference.
    bench.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    assert!(bench.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_conference_chat_that_the_user_stopped_is_not_restored() {
    let mut bench = extensible();
    bench.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    let ticket = bench.submit(Operation::StopChat(chat()));
    bench.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    bench.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    bench.advance(Duration::from_secs(60));
    assert!(!bench.is_sent("POST", MESSAGING_INVITATIONS));
    assert!(
        !bench.is_sent("GET", &conversation_href("21a1")),
        "a conference continues without its chat"
    );
    // A message of the user restarts the chat.
    bench.send(2, "Still here?");
    assert!(bench.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_chat_that_the_user_stopped_stays_stopped_when_others_make_it_a_conference() {
    let mut bench = extensible();
    let ticket = bench.submit(Operation::StopChat(chat()));
    let stop = format!("{}/messaging/terminate", conversation_href("21a1"));
    bench.reply("POST", &stop, 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    bench.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, conference_event("21a1", "Conferenced", json!({}))),
        ],
    ));
    bench.advance(Duration::from_secs(60));
    assert!(!bench.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_derived_chat_names_the_conversation_that_it_belongs_to() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hi Lene");
    let request = bench.created("POST", MESSAGING_INVITATIONS, INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    bench.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    let derived = format!("{}/messaging", conversation_href("dd1"));
    let mut completed = invitation("completed", &operation, "21a1", "Connected");
    completed["_embedded"]["messagingInvitation"]["_links"]["derivedMessaging"] =
        json!({"href": derived});
    let completed = with(completed, "status", json!("Success"));
    bench.page(json!([communication(vec![completed])]));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Delivered)));
    let mut resource = messaging("dd1", "Connected")["_embedded"]["messaging"].clone();
    resource["_links"]["conversation"] = json!({"href": conversation_href("dd1")});
    bench.reply("GET", &derived, 200, resource);
    let conversation =
        conversation_event("updated", "dd1", "Connected")["_embedded"]["conversation"].clone();
    bench.reply("GET", &conversation_href("dd1"), 200, conversation);
    bench.send(2, "And again");
    assert!(bench.is_sent("POST", &messages("dd1")));
}

#[test]
fn a_chat_link_with_another_spelling_changes_nothing() {
    let mut bench = extensible();
    let mut connected = messaging("21a1", "Connected");
    connected["_embedded"]["messaging"]["_links"]["conversation"] =
        json!({"href": format!("{}?instance=1", conversation_href("21a1"))});
    bench.page(senders("21a1", vec![(true, connected)]));
    bench.page(senders(
        "21a1",
        vec![(true, arrival("21a1", "8", "Still here"))],
    ));
    assert_eq!(bench.received(chat()), ["Still here"]);
}

#[test]
fn a_refused_conference_chat_is_requested_once() {
    let mut bench = extensible();
    bench.page(senders(
        "21a1",
        vec![
            (false, conference_event("21a1", "Conferenced", json!({}))),
            (true, messaging("21a1", "Disconnected")),
        ],
    ));
    let waiting = bench.send(2, "Hello?");
    bench.reply(
        "POST",
        MESSAGING_INVITATIONS,
        403,
        json!({"code": "Forbidden"}),
    );
    assert!(bench.result(waiting).is_some_and(Result::is_err));
    bench.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    assert!(!bench.is_sent("POST", MESSAGING_INVITATIONS));
    assert!(
        bench
            .changes(chat())
            .iter()
            .all(|change| !matches!(change, ConversationChange::Ended { .. }))
    );
}

#[test]
fn an_escalated_conversation_may_get_another_href() {
    let mut bench = extensible();
    let (ticket, operation) = invited(&mut bench);
    bench.events.clear();
    let moved = participant_invitation("updated", &operation, "9f9", "Connecting");
    bench.page(senders(
        "9f9",
        vec![
            (false, moved),
            (false, conference_event("9f9", "Conferenced", json!({}))),
        ],
    ));
    // Events of the former href have no effect on the conversation.
    let deleted = bare("deleted", "conversation", &conversation_href("21a1"), None);
    bench.page(senders("21a1", vec![(false, deleted)]));
    let resource =
        conference_event("9f9", "Conferenced", json!({}))["_embedded"]["conversation"].clone();
    bench.reply("GET", &conversation_href("9f9"), 200, resource);
    bench.page(senders(
        "9f9",
        vec![(true, messaging("9f9", "Disconnected"))],
    ));
    chat_returns(&mut bench, "9f9");
    let completed = participant_invitation("completed", &operation, "9f9", "Connected");
    bench.page(senders(
        "9f9",
        vec![
            (true, third_joins("9f9", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    let changes = bench.changes(chat());
    assert!(
        changes.contains(&ConversationChange::Group { uri: None }),
        "{changes:?}"
    );
    assert!(
        changes
            .iter()
            .all(|change| !matches!(change, ConversationChange::Ended { .. })),
        "{changes:?}"
    );
    bench.send(2, "Here we are");
    assert!(bench.is_sent("POST", &messages("9f9")));
}

#[test]
fn an_invitation_accepted_in_another_conversation_leads_there() {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hi Lene");
    let request = bench.created("POST", MESSAGING_INVITATIONS, INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    bench.page(senders(
        "21a1",
        vec![(
            false,
            invitation("started", &operation, "21a1", "Connecting"),
        )],
    ));
    let mut completed = invitation("completed", &operation, "21a1", "Failed");
    completed["_embedded"]["messagingInvitation"]["_links"]["derivedConversation"] =
        json!({"href": conversation_href("dd1")});
    let completed = with(completed, "status", json!("Failure"));
    let reason = json!({"code": "Informational", "subcode": "DerivedConversation"});
    bench.page(json!([communication(vec![with(
        completed, "reason", reason
    )])]));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Delivered)));
    let connected = conversation_event("updated", "dd1", "Connected");
    bench.page(senders(
        "dd1",
        vec![(false, connected), (true, messaging("dd1", "Connected"))],
    ));
    bench.send(2, "And again");
    assert!(bench.is_sent("POST", &messages("dd1")));
}

#[test]
fn an_invitation_to_a_conference_is_shown_and_its_acceptance_brings_the_chat() {
    let mut bench = Bench::signed_in();
    let from = json!({"from": {"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com",
        "_links": {"self": {"href": participant_href("7c7")}}}});
    bench.page(json!([communication(vec![
        meeting_invitation("started", "7c7", json!({"_embedded": from})),
        conversation_event("added", "7c7", "Incoming"),
    ])]));
    let key = ConversationKey::Remote(first_remote(&bench));
    assert!(matches!(
        bench.events.first(),
        Some(SessionEvent::Incoming { answerable: true, subject: Some(subject), .. }) if subject == "Lunch"
    ));
    assert_eq!(
        bench.changes(key).first(),
        Some(&ConversationChange::Group {
            uri: Some(MEETING.to_owned())
        })
    );
    let ticket = bench.submit(Operation::Accept(key));
    bench.reply(
        "POST",
        &format!("{MEETING_INVITATION}/accept"),
        204,
        Value::Null,
    );
    let completed = meeting_invitation("completed", "7c7", json!({"state": "Connected"}));
    bench.page(senders(
        "7c7",
        vec![
            (true, messaging("7c7", "Disconnected")),
            (false, conference_event("7c7", "Conferenced", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    chat_returns(&mut bench, "7c7");
    let changes = bench.changes(key);
    assert!(
        changes.contains(&ConversationChange::ChatConnected { html: false }),
        "{changes:?}"
    );
    assert!(
        changes
            .iter()
            .all(|change| !matches!(change, ConversationChange::ChatDisconnected { .. })),
        "the chat was already connecting: {changes:?}"
    );
    bench.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello all".to_owned()),
        subject: None,
    });
    assert!(bench.is_sent("POST", &messages("7c7")));
}

#[test]
fn a_declined_conference_ends() {
    let mut bench = Bench::signed_in();
    bench.page(json!([communication(vec![meeting_invitation(
        "started",
        "7c7",
        json!({})
    )])]));
    let key = ConversationKey::Remote(first_remote(&bench));
    let ticket = bench.submit(Operation::Decline(key));
    bench.reply(
        "POST",
        &format!("{MEETING_INVITATION}/decline"),
        204,
        Value::Null,
    );
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(
        bench.changes(key).last(),
        Some(&ConversationChange::Ended { failure: None })
    );
}

#[test]
fn an_escalation_by_the_peer_is_followed() {
    let mut bench = extensible();
    bench.page(senders(
        "21a1",
        vec![(false, meeting_invitation("started", "21a1", json!({})))],
    ));
    assert!(bench.is_sent("POST", &format!("{MEETING_INVITATION}/accept")));
    assert!(
        bench
            .events
            .iter()
            .all(|event| !matches!(event, SessionEvent::Incoming { .. }))
    );
    assert!(bench.changes(chat()).contains(&ConversationChange::Group {
        uri: Some(MEETING.to_owned())
    }));
}

#[test]
fn conversation_properties_are_reported_once() {
    let mut bench = established();
    bench.events.clear();
    let mut connected = conversation_event("updated", "21a1", "Connected");
    connected["_embedded"]["conversation"]["participantCount"] = json!(3);
    connected["_embedded"]["conversation"]["activeModalities"] = json!(["Messaging", "Audio"]);
    for _ in 0..2 {
        bench.page(senders("21a1", vec![(false, connected.clone())]));
    }
    assert_eq!(
        bench.changes(chat()),
        [
            ConversationChange::Modalities {
                messaging: true,
                audio: true,
                video: false
            },
            ConversationChange::ParticipantCount(3),
        ]
    );
}

#[test]
fn in_the_lobby_the_conversation_is_connecting() {
    let mut bench = Bench::signed_in();
    bench.page(json!([communication(vec![meeting_invitation(
        "started",
        "7c7",
        json!({})
    )])]));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.events.clear();
    bench.page(senders(
        "7c7",
        vec![(false, conference_event("7c7", "InLobby", json!({})))],
    ));
    assert_eq!(
        bench.changes(key),
        [ConversationChange::Myself {
            standing: Some(Standing::InLobby),
            role: None
        }]
    );
}

#[test]
fn every_ticket_of_a_conference_is_settled_when_the_session_ends() {
    let mut bench = extensible();
    let (added, _) = invited(&mut bench);
    let removed = bench.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: third(),
    });
    let second = bench.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: ParticipantKey::Local(9),
        uri: "sip:saram@contoso.com".to_owned(),
    });
    bench.handle(Input::Shutdown);
    for ticket in [added, removed, second] {
        assert!(bench.result(ticket).is_some());
    }
}

#[test]
fn leaving_while_a_conference_chat_is_being_stopped_leaves_the_conference() {
    let mut bench = extensible();
    bench.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    let stop = bench.submit(Operation::StopChat(chat()));
    let leave = bench.submit(Operation::Leave(chat()));
    let terminate = format!("{}/messaging/terminate", conversation_href("21a1"));
    bench.reply("POST", &terminate, 204, Value::Null);
    assert_eq!(bench.result(leave), None);
    bench.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    for ticket in [stop, leave] {
        assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert!(
        bench
            .changes(chat())
            .contains(&ConversationChange::Ended { failure: None })
    );
}

#[test]
fn a_conference_chat_accepted_while_stopping_is_stopped() {
    let mut bench = extensible();
    let conferenced = conference_event("21a1", "Conferenced", json!({}));
    let gone = messaging("21a1", "Disconnected");
    bench.page(senders("21a1", vec![(true, gone), (false, conferenced)]));
    let target = format!("{MESSAGING_INVITATIONS}?conversationId=21a1");
    let request = bench.created("POST", &target, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &operation, "21a1", "Connecting");
    bench.page(senders("21a1", vec![(false, started)]));
    let stop = bench.submit(Operation::StopChat(chat()));
    let terminate = format!("{}/messaging/terminate", conversation_href("21a1"));
    bench.reply("POST", &terminate, 409, json!({"code": "Conflict"}));
    let completed = invitation("completed", &operation, "21a1", "Connected");
    let completed = with(completed, "status", json!("Success"));
    bench.page(senders(
        "21a1",
        vec![(false, completed), (true, messaging("21a1", "Connected"))],
    ));
    bench.reply("POST", &terminate, 204, Value::Null);
    assert_eq!(bench.result(stop), Some(&Ok(Outcome::Done)));
    bench.advance(Duration::from_secs(60));
    assert!(!bench.is_sent("DELETE", &conversation_href("21a1")));
    let ends = |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
    assert!(!bench.changes(chat()).iter().any(ends));
}
