//! One-to-one conversations that become conferences, and conferences that this user or others start.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
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
pub(crate) fn chat_returns(driver: &mut TestDriver, id: &str) {
    let request = driver.created(
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
    driver.page(senders(
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

/// Otherwise the message would wait for ever.
#[test]
fn a_conference_whose_event_is_lost_is_read() {
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, conference_event("21a1", "Conferencing", json!({}))),
        ],
    ));
    let message = driver.send(2, "Welcome, Alex");
    driver.page_with("resync", json!([]));
    let one = json!({"href": conversation_href("21a1")});
    let list = json!({"_links": {"conversation": one}});
    driver.reply(
        "GET",
        &format!("{APP}/communication/conversations"),
        200,
        list,
    );
    let event = conference_event("21a1", "Conferenced", open_to_others("21a1"));
    let conversation = event["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("21a1"), 200, conversation);
    chat_returns(&mut driver, "21a1");
    driver.created("POST", &messages("21a1"), &message_href("21a1", "5"));
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "5", "Success"))],
    ));
    assert_eq!(driver.result(message), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn an_escalated_conversation_keeps_its_identity_and_gets_its_chat_back() {
    let mut driver = extensible();
    let (ticket, operation) = invited(&mut driver);
    driver.events.clear();
    // The chat ends before the page gives the reason.
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, conference_event("21a1", "Conferencing", json!({}))),
        ],
    ));
    assert_eq!(
        driver.changes(chat())[..2],
        [
            ConversationChange::group(None),
            ConversationChange::chat_disconnected(None),
        ]
    );
    let said = driver.send(2, "Welcome, Alex");
    assert_eq!(driver.result(said), None, "the message waits for the chat");
    assert!(
        !driver.is_sent("POST", MESSAGING_INVITATIONS),
        "the conversation is not a conference yet"
    );
    driver.page(senders(
        "21a1",
        vec![(
            false,
            conference_event("21a1", "Conferenced", open_to_others("21a1")),
        )],
    ));
    chat_returns(&mut driver, "21a1");
    let meeting = event(
        "added",
        "onlineMeeting",
        &format!("{}/onlineMeeting", conversation_href("21a1")),
        json!({"onlineMeetingUri": MEETING}),
    );
    let completed = participant_invitation("completed", &operation, "21a1", "Connected");
    driver.page(senders(
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
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.created("POST", &messages("21a1"), &message_href("21a1", "5"));
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "5", "Success"))],
    ));
    assert_eq!(driver.result(said), Some(&Ok(Outcome::Delivered)));
    let changes = driver.changes(chat());
    assert!(changes.contains(&ConversationChange::group(Some(MEETING.to_owned()))));
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
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
    // The conversation is a conference.
    driver.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    assert!(driver.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_conference_chat_that_the_user_stopped_is_not_restored() {
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    let ticket = driver.submit(Operation::StopChat(chat()));
    driver.reply(
        "POST",
        &format!("{}/messaging/terminate", conversation_href("21a1")),
        204,
        Value::Null,
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.page(senders(
        "21a1",
        vec![(true, messaging("21a1", "Disconnected"))],
    ));
    driver.advance(Duration::from_secs(60));
    assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
    assert!(
        !driver.is_sent("GET", &conversation_href("21a1")),
        "a conference continues without its chat"
    );
    // A message of the user restarts the chat.
    driver.send(2, "Still here?");
    assert!(driver.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_chat_that_the_user_stopped_stays_stopped_when_others_make_it_a_conference() {
    let mut driver = extensible();
    let ticket = driver.submit(Operation::StopChat(chat()));
    let stop = format!("{}/messaging/terminate", conversation_href("21a1"));
    driver.reply("POST", &stop, 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, conference_event("21a1", "Conferenced", json!({}))),
        ],
    ));
    driver.advance(Duration::from_secs(60));
    assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
}

#[test]
fn a_derived_chat_names_the_conversation_that_it_belongs_to() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hi Lene");
    let request = driver.created("POST", MESSAGING_INVITATIONS, INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.page(senders(
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
    driver.page(json!([communication(vec![completed])]));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    let mut resource = messaging("dd1", "Connected")["_embedded"]["messaging"].clone();
    resource["_links"]["conversation"] = json!({"href": conversation_href("dd1")});
    driver.reply("GET", &derived, 200, resource);
    let conversation =
        conversation_event("updated", "dd1", "Connected")["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("dd1"), 200, conversation);
    driver.send(2, "And again");
    assert!(driver.is_sent("POST", &messages("dd1")));
}

#[test]
fn a_chat_link_with_another_spelling_changes_nothing() {
    let mut driver = extensible();
    let mut connected = messaging("21a1", "Connected");
    connected["_embedded"]["messaging"]["_links"]["conversation"] =
        json!({"href": format!("{}?instance=1", conversation_href("21a1"))});
    driver.page(senders("21a1", vec![(true, connected)]));
    driver.page(senders(
        "21a1",
        vec![(true, arrival("21a1", "8", "Still here"))],
    ));
    assert_eq!(driver.received(chat()), ["Still here"]);
}

#[test]
fn a_refused_conference_chat_is_requested_once() {
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![
            (false, conference_event("21a1", "Conferenced", json!({}))),
            (true, messaging("21a1", "Disconnected")),
        ],
    ));
    let waiting = driver.send(2, "Hello?");
    driver.reply(
        "POST",
        MESSAGING_INVITATIONS,
        403,
        json!({"code": "Forbidden"}),
    );
    assert!(driver.result(waiting).is_some_and(Result::is_err));
    driver.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
    assert!(
        driver
            .changes(chat())
            .iter()
            .all(|change| !matches!(change, ConversationChange::Ended { .. }))
    );
}

#[test]
fn an_escalated_conversation_may_get_another_href() {
    let mut driver = extensible();
    let (ticket, operation) = invited(&mut driver);
    driver.events.clear();
    let moved = participant_invitation("updated", &operation, "9f9", "Connecting");
    driver.page(senders(
        "9f9",
        vec![
            (false, moved),
            (false, conference_event("9f9", "Conferenced", json!({}))),
        ],
    ));
    // Events of the former href have no effect on the conversation.
    let deleted = bare("deleted", "conversation", &conversation_href("21a1"), None);
    driver.page(senders("21a1", vec![(false, deleted)]));
    let resource =
        conference_event("9f9", "Conferenced", json!({}))["_embedded"]["conversation"].clone();
    driver.reply("GET", &conversation_href("9f9"), 200, resource);
    driver.page(senders(
        "9f9",
        vec![(true, messaging("9f9", "Disconnected"))],
    ));
    chat_returns(&mut driver, "9f9");
    let completed = participant_invitation("completed", &operation, "9f9", "Connected");
    driver.page(senders(
        "9f9",
        vec![
            (true, third_joins("9f9", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    let changes = driver.changes(chat());
    assert!(
        changes.contains(&ConversationChange::group(None)),
        "{changes:?}"
    );
    assert!(
        changes
            .iter()
            .all(|change| !matches!(change, ConversationChange::Ended { .. })),
        "{changes:?}"
    );
    driver.send(2, "Here we are");
    assert!(driver.is_sent("POST", &messages("9f9")));
}

#[test]
fn an_invitation_accepted_in_another_conversation_continues_in_that_conversation() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hi Lene");
    let request = driver.created("POST", MESSAGING_INVITATIONS, INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.page(senders(
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
    driver.page(json!([communication(vec![with(
        completed, "reason", reason
    )])]));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    let connected = conversation_event("updated", "dd1", "Connected");
    driver.page(senders(
        "dd1",
        vec![(false, connected), (true, messaging("dd1", "Connected"))],
    ));
    driver.send(2, "And again");
    assert!(driver.is_sent("POST", &messages("dd1")));
}

#[test]
fn an_invitation_to_a_conference_is_shown_and_its_acceptance_requests_the_chat() {
    let mut driver = TestDriver::signed_in();
    let from = json!({"from": {"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com",
        "_links": {"self": {"href": participant_href("7c7")}}}});
    driver.page(json!([communication(vec![
        meeting_invitation("started", "7c7", json!({"_embedded": from})),
        conversation_event("added", "7c7", "Incoming"),
    ])]));
    let key = ConversationKey::Remote(first_remote(&driver));
    assert!(matches!(
        driver.events.first(),
        Some(SessionEvent::Incoming { answerable: true, subject: Some(subject), .. }) if subject == "Lunch"
    ));
    assert_eq!(
        driver.changes(key).first(),
        Some(&ConversationChange::group(Some(MEETING.to_owned())))
    );
    let ticket = driver.submit(Operation::Accept(key));
    driver.reply(
        "POST",
        &format!("{MEETING_INVITATION}/accept"),
        204,
        Value::Null,
    );
    let completed = meeting_invitation("completed", "7c7", json!({"state": "Connected"}));
    driver.page(senders(
        "7c7",
        vec![
            (true, messaging("7c7", "Disconnected")),
            (false, conference_event("7c7", "Conferenced", json!({}))),
            (false, with(completed, "status", json!("Success"))),
        ],
    ));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    chat_returns(&mut driver, "7c7");
    let changes = driver.changes(key);
    assert!(
        changes.contains(&ConversationChange::chat_connected(false)),
        "{changes:?}"
    );
    assert!(
        changes
            .iter()
            .all(|change| !matches!(change, ConversationChange::ChatDisconnected { .. })),
        "the chat was already connecting: {changes:?}"
    );
    driver.submit(Operation::SendMessage {
        conversation: key,
        message: MessageKey::Local(1),
        body: MessageBody::Text("Hello all".to_owned()),
        subject: None,
        message_id: None,
    });
    assert!(driver.is_sent("POST", &messages("7c7")));
}

#[test]
fn a_declined_conference_ends() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([communication(vec![meeting_invitation(
        "started",
        "7c7",
        json!({})
    )])]));
    let key = ConversationKey::Remote(first_remote(&driver));
    let ticket = driver.submit(Operation::Decline(key));
    driver.reply(
        "POST",
        &format!("{MEETING_INVITATION}/decline"),
        204,
        Value::Null,
    );
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(
        driver.changes(key).last(),
        Some(&ConversationChange::ended(None))
    );
}

#[test]
fn an_escalation_by_the_peer_is_followed() {
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![(false, meeting_invitation("started", "21a1", json!({})))],
    ));
    assert!(driver.is_sent("POST", &format!("{MEETING_INVITATION}/accept")));
    assert!(
        driver
            .events
            .iter()
            .all(|event| !matches!(event, SessionEvent::Incoming { .. }))
    );
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::group(Some(MEETING.to_owned())))
    );
}

#[test]
fn a_conference_that_continues_at_another_href_is_recognized_by_its_thread() {
    let mut driver = extensible();
    let conference = conference_event("21a1", "Conferenced", json!({}));
    driver.page(senders("21a1", vec![(false, conference)]));
    driver.events.clear();
    let accept = format!("{MEETING_INVITATION}/accept");
    let other = meeting_invitation("started", "9fa", json!({"threadId": "t8"}));
    driver.page(senders("9fa", vec![(false, other)]));
    assert!(!driver.is_sent("POST", &accept));
    let mut moved = meeting_invitation("started", "9f9", json!({"threadId": "t1"}));
    moved["link"]["href"] = json!(format!("{MEETING_INVITATION}8"));
    driver.page(senders("9f9", vec![(false, moved)]));
    assert!(driver.is_sent("POST", &accept));
}

#[test]
fn conversation_properties_are_reported_once() {
    let mut driver = established();
    driver.events.clear();
    let mut connected = conversation_event("updated", "21a1", "Connected");
    connected["_embedded"]["conversation"]["participantCount"] = json!(3);
    connected["_embedded"]["conversation"]["activeModalities"] = json!(["Messaging", "Audio"]);
    for _ in 0..2 {
        driver.page(senders("21a1", vec![(false, connected.clone())]));
    }
    assert_eq!(
        driver.changes(chat()),
        [
            ConversationChange::modalities(true, true, false),
            ConversationChange::ParticipantCount(3),
        ]
    );
}

#[test]
fn in_the_lobby_the_conversation_is_connecting() {
    let mut driver = TestDriver::signed_in();
    driver.page(json!([communication(vec![meeting_invitation(
        "started",
        "7c7",
        json!({})
    )])]));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.events.clear();
    driver.page(senders(
        "7c7",
        vec![(false, conference_event("7c7", "InLobby", json!({})))],
    ));
    assert_eq!(
        driver.changes(key),
        [ConversationChange::myself(Some(Standing::InLobby), None)]
    );
}

#[test]
fn every_ticket_of_a_conference_is_settled_when_the_session_ends() {
    let mut driver = extensible();
    let (added, _) = invited(&mut driver);
    let removed = driver.submit(Operation::RemoveParticipant {
        conversation: chat(),
        participant: third(),
    });
    let second = driver.submit(Operation::AddParticipant {
        conversation: chat(),
        participant: ParticipantKey::Local(9),
        uri: "sip:saram@contoso.com".to_owned(),
    });
    driver.handle(Input::Shutdown);
    for ticket in [added, removed, second] {
        assert!(driver.result(ticket).is_some());
    }
}

#[test]
fn leaving_while_a_conference_chat_is_being_stopped_leaves_the_conference() {
    let mut driver = extensible();
    driver.page(senders(
        "21a1",
        vec![(false, conference_event("21a1", "Conferenced", json!({})))],
    ));
    let stop = driver.submit(Operation::StopChat(chat()));
    let leave = driver.submit(Operation::Leave(chat()));
    let terminate = format!("{}/messaging/terminate", conversation_href("21a1"));
    driver.reply("POST", &terminate, 204, Value::Null);
    assert_eq!(driver.result(leave), None);
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    for ticket in [stop, leave] {
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    }
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::ended(None))
    );
}

/// A conference whose chat is being requested. The second value is the operation ID of that invitation.
fn requesting_chat() -> (TestDriver, String) {
    let mut driver = extensible();
    let conferenced = conference_event("21a1", "Conferenced", json!({}));
    let gone = messaging("21a1", "Disconnected");
    driver.page(senders("21a1", vec![(true, gone), (false, conferenced)]));
    let target = format!("{MESSAGING_INVITATIONS}?conversationId=21a1");
    let request = driver.created("POST", &target, INVITATION).json();
    let operation = request["operationId"].as_str().unwrap().to_owned();
    let started = invitation("started", &operation, "21a1", "Connecting");
    driver.page(senders("21a1", vec![(false, started)]));
    (driver, operation)
}

/// Refuses the cancellation of the requested chat, and connects the chat.
fn connect_chat(driver: &mut TestDriver, operation: &str) {
    let terminate = format!("{}/messaging/terminate", conversation_href("21a1"));
    driver.reply("POST", &terminate, 409, json!({"code": "Conflict"}));
    let completed = invitation("completed", operation, "21a1", "Connected");
    let completed = with(completed, "status", json!("Success"));
    driver.page(senders(
        "21a1",
        vec![(false, completed), (true, messaging("21a1", "Connected"))],
    ));
}

#[test]
fn a_conference_whose_chat_is_accepted_while_leaving_is_left() {
    let (mut driver, operation) = requesting_chat();
    let leave = driver.submit(Operation::Leave(chat()));
    connect_chat(&mut driver, &operation);
    let href = conversation_href("21a1");
    assert!(!driver.is_sent("POST", &href), "the chat is not stopped");
    driver.reply("DELETE", &href, 204, Value::Null);
    assert_eq!(driver.result(leave), Some(&Ok(Outcome::Done)));
}

#[test]
fn a_conference_chat_accepted_while_stopping_is_stopped() {
    let (mut driver, operation) = requesting_chat();
    let stop = driver.submit(Operation::StopChat(chat()));
    connect_chat(&mut driver, &operation);
    let terminate = format!("{}/messaging/terminate", conversation_href("21a1"));
    driver.reply("POST", &terminate, 204, Value::Null);
    assert_eq!(driver.result(stop), Some(&Ok(Outcome::Done)));
    driver.advance(Duration::from_secs(60));
    assert!(!driver.is_sent("DELETE", &conversation_href("21a1")));
    let ends = |change: &ConversationChange| matches!(change, ConversationChange::Ended { .. });
    assert!(!driver.changes(chat()).iter().any(ends));
}
