//! Conferences that are opened explicitly: started with any number of participants, or joined by URI, possibly through
//! the lobby.

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::*;
use crate::driver::*;
use crate::joining::*;
use crate::pages::*;

const MEETINGS: &str = "/ucwa/oauth/v1/applications/102/communication/onlineMeetingInvitations";

fn adhoc() -> String {
    format!("{MEETINGS}?onlineMeetingUri=adhoc")
}

/// A session whose server offers conferences.
pub(crate) fn with_meetings() -> TestDriver {
    let mut driver = TestDriver::signed_in();
    let communication_updated = event(
        "updated",
        "communication",
        &format!("{APP}/communication"),
        json!({"_links": {
            "startMessaging": {"href": MESSAGING_INVITATIONS},
            "startOnlineMeeting": {"href": adhoc()},
            "joinOnlineMeeting": {"href": MEETINGS},
        }}),
    );
    driver.page(json!([communication(vec![communication_updated])]));
    driver
}

pub(crate) fn open(driver: &mut TestDriver, uri: Option<&str>) -> Ticket {
    driver.submit(Operation::OpenMeeting {
        conversation: chat(),
        uri: uri.map(str::to_owned),
    })
}

fn start(driver: &mut TestDriver) -> Ticket {
    driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    })
}

fn own_invitation(operation: &str, state: &str) -> Value {
    json!({"direction": "Outgoing", "operationId": operation, "state": state})
}

/// The conference invitation completes, and the conference is established.
pub(crate) fn joined(driver: &mut TestDriver, operation: &str) {
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                meeting_invitation("started", "21a1", own_invitation(operation, "Connecting")),
            ),
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, messaging("21a1", "Disconnected")),
            (false, success(operation)),
        ],
    ));
}

fn success(operation: &str) -> Value {
    with(
        meeting_invitation("completed", "21a1", own_invitation(operation, "Connected")),
        "status",
        json!("Success"),
    )
}

fn operation_of(request: &Request) -> String {
    request.json()["operationId"].as_str().unwrap().to_owned()
}

/// Joins the conference and waits in its lobby.
pub(crate) fn in_lobby(driver: &mut TestDriver) -> String {
    let operation = operation_of(&driver.created("POST", MEETINGS, MEETING_INVITATION));
    let local = format!(
        "{}/participants/toshm@contoso.com",
        conversation_href("21a1")
    );
    let lobby = format!("{}/lobby", conversation_href("21a1"));
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                meeting_invitation("started", "21a1", own_invitation(&operation, "Connecting")),
            ),
            (false, conference_event("21a1", "InLobby", json!({}))),
            (
                true,
                bare("added", "localParticipant", &local, Some(("lobby", &lobby))),
            ),
            (false, success(&operation)),
        ],
    ));
    if driver.is_sent("GET", &conversation_href("21a1")) {
        let resource =
            conference_event("21a1", "InLobby", json!({}))["_embedded"]["conversation"].clone();
        driver.reply("GET", &conversation_href("21a1"), 200, resource);
    }
    operation
}

#[test]
fn opening_a_conference_sends_no_request() {
    let mut driver = with_meetings();
    let before = driver.sent.len();
    let ticket = open(&mut driver, Some(MEETING));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.sent.len(), before);
    let ticket = driver.submit(Operation::OpenMeeting {
        conversation: ConversationKey::Local(2),
        uri: Some("nobody".to_owned()),
    });
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::InvalidArgument);
}

#[test]
fn a_conference_starts_with_any_number_of_participants() {
    for invited in 0..=1 {
        let mut driver = with_meetings();
        open(&mut driver, None);
        if invited == 1 {
            let ticket = add(&mut driver);
            assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        }
        let started = start(&mut driver);
        assert!(!driver.is_sent("POST", MESSAGING_INVITATIONS));
        let request = driver.created("POST", &adhoc(), MEETING_INVITATION);
        assert_eq!(request.json()["to"], Value::Null);
        joined(&mut driver, &operation_of(&request));
        assert_eq!(driver.result(started), Some(&Ok(Outcome::Done)));
        assert_eq!(driver.is_sent("POST", INVITATIONS), invited == 1);
        chat_returns(&mut driver, "21a1");
        let changes = driver.changes(chat());
        for expected in [
            ConversationChange::Connected,
            ConversationChange::group(Some(MEETING.to_owned())),
            ConversationChange::chat_connected(false),
        ] {
            assert!(changes.contains(&expected), "{expected:?}: {changes:?}");
        }
    }
}

#[test]
fn a_message_starts_a_conference_and_is_sent_in_it() {
    let mut driver = with_meetings();
    open(&mut driver, None);
    let said = driver.send(1, "Minutes");
    let request = driver.created("POST", &adhoc(), MEETING_INVITATION);
    assert_eq!(
        request.json()["_links"],
        Value::Null,
        "the invitation carries no message"
    );
    joined(&mut driver, &operation_of(&request));
    assert_eq!(driver.result(said), None);
    chat_returns(&mut driver, "21a1");
    let request = driver.created("POST", &messages("21a1"), &message_href("21a1", "3"));
    assert_eq!(request.body(), "Minutes");
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "3", "Success"))],
    ));
    assert_eq!(driver.result(said), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_conference_is_joined_by_its_uri_without_invitations() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    driver.events.clear();
    let said = driver.send(1, "Hello all");
    let request = driver.created("POST", MEETINGS, MEETING_INVITATION);
    assert_eq!(request.target(), MEETINGS);
    assert_eq!(request.json()["onlineMeetingUri"], MEETING);
    joined(&mut driver, &operation_of(&request));
    chat_returns(&mut driver, "21a1");
    driver.created("POST", &messages("21a1"), &message_href("21a1", "3"));
    driver.page(senders(
        "21a1",
        vec![(true, delivery_event("21a1", "3", "Success"))],
    ));
    assert_eq!(driver.result(said), Some(&Ok(Outcome::Delivered)));
    let changes = driver.changes(chat());
    assert!(!changes.contains(&ConversationChange::Inviting));
    assert!(!driver.is_sent("POST", INVITATIONS));
}

#[test]
fn joining_a_missing_conference_fails_and_can_be_repeated() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    let not_found = json!({"code": "NotFound", "subcode": "DestinationNotFound"});
    let started = start(&mut driver);
    driver.reply("POST", MEETINGS, 404, not_found.clone());
    assert_eq!(driver.failure(started).status(), Some(404));
    let changes = driver.changes(chat());
    let Some(ConversationChange::Ended {
        failure: Some(failure),
        ..
    }) = changes.last()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(failure.subcode(), Some("DestinationNotFound"));
    let said = driver.send(1, "Anybody?");
    let request = driver.reply("POST", MEETINGS, 404, not_found);
    assert_eq!(request.target(), MEETINGS, "no new conference is started");
    assert_eq!(request.json()["onlineMeetingUri"], MEETING);
    assert_eq!(driver.failure(said).subcode(), Some("DestinationNotFound"));
}

#[test]
fn an_ad_hoc_conference_is_rejoined_or_restarted() {
    let mut driver = with_meetings();
    open(&mut driver, None);
    start(&mut driver);
    let request = driver.created("POST", &adhoc(), MEETING_INVITATION);
    joined(&mut driver, &operation_of(&request));
    chat_returns(&mut driver, "21a1");
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    driver.events.clear();
    let again = start(&mut driver);
    let request = driver.created("POST", MEETINGS, "/again");
    let done = with(
        meeting_invitation(
            "completed",
            "22b2",
            own_invitation(&operation_of(&request), "Connected"),
        ),
        "status",
        json!("Success"),
    );
    driver.page(senders("22b2", vec![(false, done)]));
    assert_eq!(driver.result(again), Some(&Ok(Outcome::Done)));
    let changes = driver.changes(chat());
    let group = |change: &_| matches!(change, ConversationChange::Group { .. });
    assert!(
        !changes.iter().any(group),
        "the conversation was a conference before: {changes:?}"
    );

    let over = conversation_event("updated", "22b2", "Disconnected");
    driver.page(senders("22b2", vec![(false, over)]));
    let again = start(&mut driver);
    let request = driver.reply("POST", MEETINGS, 404, json!({"code": "NotFound"}));
    assert_eq!(request.json()["onlineMeetingUri"], MEETING);
    assert!(driver.result(again).is_some_and(Result::is_err));
    start(&mut driver);
    assert!(driver.is_sent("POST", &adhoc()));
}

#[test]
fn without_conference_links_no_conference_is_started_or_joined() {
    for uri in [None, Some(MEETING)] {
        let mut driver = TestDriver::signed_in();
        open(&mut driver, uri);
        add(&mut driver);
        let said = driver.send(1, "Hello");
        assert_eq!(driver.failure(said).kind(), &FailureKind::NotSupported);
        assert!(
            !driver.is_sent("POST", MESSAGING_INVITATIONS),
            "no one-to-one chat is started instead"
        );
        assert!(matches!(
            driver.changes(chat()).last(),
            Some(ConversationChange::Ended {
                failure: Some(_),
                ..
            })
        ));
    }
}

#[test]
fn messages_written_in_the_lobby_wait_for_the_admission() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    let started = start(&mut driver);
    in_lobby(&mut driver);
    assert_eq!(driver.result(started), Some(&Ok(Outcome::Done)));
    let changes = driver.changes(chat());
    let in_lobby = ConversationChange::myself(Some(Standing::InLobby), None);
    let times = changes.iter().filter(|change| **change == in_lobby).count();
    assert_eq!(times, 1, "{changes:?}");
    assert!(!changes.contains(&ConversationChange::Connected));

    let said = driver.send(1, "Hello?");
    driver.advance(Duration::from_secs(120));
    assert_eq!(driver.result(said), None);
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, messaging("21a1", "Disconnected")),
        ],
    ));
    assert_eq!(
        driver.changes(chat())[..2],
        [
            ConversationChange::Connected,
            ConversationChange::myself(Some(Standing::Joined), None),
        ]
    );
    chat_returns(&mut driver, "21a1");
    assert!(driver.is_sent("POST", &messages("21a1")));
}

/// Waits in the lobby with a pending invitation. Returns its operation ID.
fn open_in_lobby(driver: &mut TestDriver) -> String {
    let operation = operation_of(&driver.created("POST", MEETINGS, MEETING_INVITATION));
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                meeting_invitation("started", "21a1", own_invitation(&operation, "Connecting")),
            ),
            (false, conference_event("21a1", "InLobby", json!({}))),
        ],
    ));
    operation
}

#[test]
fn leaving_the_lobby_ends_the_pending_invitation() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    let started = start(&mut driver);
    open_in_lobby(&mut driver);
    let left = driver.submit(Operation::Leave(chat()));
    driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
    assert_eq!(driver.result(left), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.failure(started).kind(), &FailureKind::Ended);
    assert_eq!(
        driver.changes(chat()).last(),
        Some(&ConversationChange::ended(None))
    );
}

#[test]
fn an_invitation_stays_pending_in_the_lobby() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    let started = start(&mut driver);
    let operation = open_in_lobby(&mut driver);
    for _ in 0..5 {
        driver.advance(Duration::from_secs(45));
        let open = meeting_invitation("updated", "21a1", own_invitation(&operation, "Connecting"));
        let open = open["_embedded"]["onlineMeetingInvitation"].clone();
        driver.reply("GET", MEETING_INVITATION, 200, open);
        assert_eq!(driver.result(started), None);
    }
    driver.page(senders(
        "21a1",
        vec![
            (
                false,
                conference_event("21a1", "Conferenced", open_to_others("21a1")),
            ),
            (true, messaging("21a1", "Disconnected")),
            (false, success(&operation)),
        ],
    ));
    assert_eq!(driver.result(started), Some(&Ok(Outcome::Done)));
    chat_returns(&mut driver, "21a1");
}

#[test]
fn a_rejection_from_the_lobby_fails_messages_with_the_reason() {
    let mut driver = with_meetings();
    open(&mut driver, Some(MEETING));
    let said = driver.send(1, "Hello?");
    in_lobby(&mut driver);
    driver.events.clear();
    let denied = json!({"code": "RemoteFailure", "subcode": "Denied"});
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Disconnected")),
            (false, with(over, "reason", denied)),
        ],
    ));
    assert_eq!(driver.failure(said).subcode(), Some("Denied"));
    let changes = driver.changes(chat());
    let Some(ConversationChange::Ended {
        failure: Some(failure),
        ..
    }) = changes.last()
    else {
        panic!("{changes:?}")
    };
    assert_eq!(failure.subcode(), Some("Denied"));
}

#[test]
fn stopping_the_chat_in_the_lobby_leaves_the_conference() {
    for leaving in [false, true] {
        let mut driver = with_meetings();
        open(&mut driver, Some(MEETING));
        start(&mut driver);
        in_lobby(&mut driver);
        let ticket = driver.submit(match leaving {
            false => Operation::StopChat(chat()),
            true => Operation::Leave(chat()),
        });
        driver.reply("DELETE", &conversation_href("21a1"), 204, Value::Null);
        assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        assert_eq!(
            driver.changes(chat()).last(),
            Some(&ConversationChange::ended(None))
        );
    }
}
