//! The invitation that carries the first message.

use std::time::Duration;

use serde_json::json;
use ucwa_session::*;

use crate::driver::*;
use crate::pages::*;

const INVITE: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

/// Sends the first message and answers the request. Returns the operation ID.
fn invited(driver: &mut TestDriver) -> (Ticket, String) {
    let ticket = driver.send(1, "Hello Lene");
    let request = driver.created("POST", INVITE, INVITATION);
    (
        ticket,
        request.json()["operationId"].as_str().unwrap().to_owned(),
    )
}

fn started(operation: &str) -> serde_json::Value {
    senders(
        "21a1",
        vec![
            (
                false,
                invitation("started", operation, "21a1", "Connecting"),
            ),
            (false, conversation_event("added", "21a1", "Connecting")),
            (true, messaging("21a1", "Connecting")),
        ],
    )
}

#[test]
fn the_invitation_has_the_importance_that_was_set() {
    for (importance, name) in [
        (None, "Normal"),
        (Some(Importance::Urgent), "Urgent"),
        (Some(Importance::Emergency), "Emergency"),
    ] {
        let mut driver = TestDriver::with_conversation();
        if let Some(importance) = importance {
            let set = driver.submit(Operation::SetImportance {
                conversation: chat(),
                importance,
            });
            assert_eq!(driver.result(set), Some(&Ok(Outcome::Done)));
            assert!(!driver.is_sent("POST", INVITE), "nothing is sent");
        }
        driver.send(1, "Hello Lene");
        let request = driver.created("POST", INVITE, INVITATION);
        assert_eq!(request.json()["importance"], name);
    }
}

#[test]
fn the_invitation_carries_the_message_and_its_success_delivers_it() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello Lene");
    let request = driver.created("POST", INVITE, INVITATION);
    let body = request.json();
    assert_eq!(body["to"], "sip:lenea@contoso.com");
    assert_eq!(
        body["_links"]["message"]["href"],
        "data:text/plain;base64,SGVsbG8gTGVuZQ=="
    );
    assert!(body["operationId"].as_str().unwrap().len() <= 50);
    assert!(!body["threadId"].as_str().unwrap().is_empty());
    let operation = body["operationId"].as_str().unwrap().to_owned();
    driver.page(started(&operation));
    assert_eq!(driver.result(ticket), None, "a 201 is not a delivery");
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    let changes = driver.changes(chat());
    for expected in [
        ConversationChange::Inviting,
        ConversationChange::Connected,
        ConversationChange::chat_connected(false),
    ] {
        assert_eq!(
            changes.iter().filter(|change| **change == expected).count(),
            1,
            "{expected:?} in {changes:?}"
        );
    }
    let joined: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            ConversationChange::ParticipantJoined(participant) => Some(participant.clone()),
            _ => None,
        })
        .collect();
    let mut expected = Participant::new(peer());
    expected.uri = Some("sip:lenea@contoso.com".to_owned());
    assert_eq!(
        joined,
        [expected],
        "the participant with the caller's key joins"
    );
    // The page did not contain the name, so it is read.
    let name = json!({"rel": "participant", "name": "Lene Aaling", "uri": "sip:lenea@contoso.com"});
    driver.reply("GET", &participant_href("21a1"), 200, name);
    assert!(matches!(
        driver.changes(chat()).as_slice(),
        [ConversationChange::ParticipantUpdated(participant)] if participant.name.as_deref() == Some("Lene Aaling")
    ));
}

#[test]
fn the_events_of_an_acceptance_have_the_same_effect_in_any_order() {
    let mut orders = vec![vec![]];
    for index in 0..5 {
        orders = orders
            .into_iter()
            .flat_map(|order: Vec<usize>| {
                (0..=order.len()).map(move |at| {
                    let mut order = order.clone();
                    order.insert(at, index);
                    order
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 120);
    for order in orders {
        for pages in [1, 5] {
            let mut driver = TestDriver::with_conversation();
            let (ticket, operation) = invited(&mut driver);
            driver.page(started(&operation));
            let events = accepted(&operation, "21a1");
            let sorted: Vec<_> = order.iter().map(|index| events[*index].clone()).collect();
            for page in sorted.chunks(5 / pages) {
                driver.page(senders("21a1", page.to_vec()));
            }
            assert_eq!(
                driver.result(ticket),
                Some(&Ok(Outcome::Delivered)),
                "{order:?}"
            );
            let changes = driver.changes(chat());
            let count = |wanted: &ConversationChange| {
                changes.iter().filter(|change| *change == wanted).count()
            };
            assert_eq!(
                count(&ConversationChange::Connected),
                1,
                "{order:?} {changes:?}"
            );
            assert_eq!(
                count(&ConversationChange::chat_connected(false)),
                1,
                "{order:?}"
            );
            driver.send(2, "second");
            assert!(
                driver.is_sent(
                    "POST",
                    &format!("{}/messaging/messages", conversation_href("21a1"))
                ),
                "{order:?}"
            );
        }
    }
}

#[test]
fn events_may_precede_the_response() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let request = driver.take("POST", INVITE);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    driver.page(started(&operation));
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    let late = http::Response::builder()
        .status(201)
        .header("location", INVITATION)
        .body("".into())
        .unwrap();
    driver.respond(request.id, late);
    driver.advance(Duration::from_secs(120));
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Succeeded)]
    );
}

#[test]
fn conversation_events_may_precede_the_invitation() {
    let mut driver = TestDriver::with_conversation();
    let (_, operation) = invited(&mut driver);
    driver.page(senders(
        "21a1",
        vec![
            (true, messaging("21a1", "Connected")),
            (false, conversation_event("added", "21a1", "Connected")),
        ],
    ));
    assert!(
        driver
            .changes(chat())
            .iter()
            .all(|change| *change != ConversationChange::Connected)
    );
    driver.page(started(&operation));
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::Connected)
    );
}

#[test]
fn a_refused_invitation_fails_its_message_with_the_reason_and_ends_the_conversation_once() {
    let reason = json!({"code": "RemoteFailure", "subcode": "Declined", "message": "no"});
    // With and without a status, and with the end of the conversation before, after or without the completed event.
    for (status, state) in [
        (Some("Failure"), "Declined"),
        (None, "Declined"),
        (None, "Failed"),
        (Some("Failure"), "Cancelled"),
    ] {
        for end in ["none", "before", "after", "page before"] {
            let mut driver = TestDriver::with_conversation();
            let (ticket, operation) = invited(&mut driver);
            driver.page(started(&operation));
            driver.changes(chat());
            let mut completed = with(
                invitation("completed", &operation, "21a1", state),
                "reason",
                reason.clone(),
            );
            if let Some(status) = status {
                completed = with(completed, "status", json!(status));
            }
            let completed = (false, completed);
            let over = (false, conversation_event("updated", "21a1", "Disconnected"));
            let gone = (
                false,
                bare("deleted", "conversation", &conversation_href("21a1"), None),
            );
            match end {
                "none" => driver.page(senders("21a1", vec![completed])),
                "before" => driver.page(senders("21a1", vec![over, gone, completed])),
                "after" => driver.page(senders("21a1", vec![completed, over, gone])),
                _ => {
                    driver.page(senders("21a1", vec![over, gone]));
                    driver.page(senders("21a1", vec![completed]));
                }
            }
            let failure = driver.failure(ticket);
            assert_eq!(
                (failure.kind(), failure.subcode()),
                (&FailureKind::Remote, Some("Declined")),
                "{status:?} {end}"
            );
            assert_eq!(failure.operation_id(), Some(&*operation));
            let changes = driver.changes(chat());
            let ends = changes
                .iter()
                .filter(|change| matches!(change, ConversationChange::Ended { .. }))
                .count();
            assert_eq!(ends, 1, "{status:?} {state} {end}: {changes:?}");
            assert!(changes.iter().any(|change| matches!(
                change,
                ConversationChange::MessageStatus {
                    status: MessageStatus::Failed,
                    ..
                }
            )));
            let late = senders("21a1", vec![(true, messaging("21a1", "Disconnected"))]);
            driver.page(late);
            assert!(driver.changes(chat()).is_empty());
        }
    }
}

#[test]
fn the_status_of_an_event_outranks_the_state_of_its_invitation() {
    for (status, state, expected) in [
        ("Success", "Failed", MessageStatus::Succeeded),
        ("Success", "Connecting", MessageStatus::Succeeded),
        ("Failure", "Connected", MessageStatus::Failed),
        ("Failure", "Connecting", MessageStatus::Failed),
    ] {
        let mut driver = TestDriver::with_conversation();
        let (_, operation) = invited(&mut driver);
        driver.page(started(&operation));
        let completed = invitation("completed", &operation, "21a1", state);
        let completed = with(completed, "status", json!(status));
        driver.page(senders("21a1", vec![(false, completed)]));
        let delivery_results = driver.delivery_results(chat());
        assert_eq!(
            delivery_results,
            [(MessageKey::Local(1), expected)],
            "{state}"
        );
    }
}

#[test]
fn a_refused_request_for_an_invitation_fails_with_the_reason() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let request = driver.take("POST", INVITE);
    let operation = request.json()["operationId"].clone();
    let refusal = json!({"code": "BadRequest", "subcode": "ParameterValidationFailure"});
    let mut response = answer(400, refusal);
    let diagnostics = "9001;reason=\"a reason\"".parse().unwrap();
    response
        .headers_mut()
        .insert("x-ms-diagnostics", diagnostics);
    driver.respond(request.id, response);
    let failure = driver.failure(ticket);
    assert_eq!(failure.operation_id(), operation.as_str());
    assert_eq!(failure.diagnostics(), Some("9001;reason=\"a reason\""));
    assert!(failure.host().is_some() && failure.correlation_id().is_some());
    assert_eq!(failure.attempts(), Some(1));
    assert_eq!(
        (failure.kind(), failure.status(), failure.subcode()),
        (
            &FailureKind::RequestFailed,
            Some(400),
            Some("ParameterValidationFailure")
        )
    );
}

#[test]
fn a_thread_id_that_exists_is_replaced() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hello");
    let first = driver
        .reply(
            "POST",
            INVITE,
            409,
            json!({"code": "Conflict", "subcode": "ThreadIdAlreadyExists"}),
        )
        .json();
    let second = driver.take("POST", INVITE).json();
    assert_ne!(first["threadId"], second["threadId"]);
    assert_eq!(first["_links"], second["_links"]);
}

#[test]
fn events_confirm_an_invitation_whose_response_was_lost() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let operation = {
        let position = driver
            .sent
            .iter()
            .position(|sent| sent.target() == INVITE)
            .unwrap();
        driver.sent[position].json()["operationId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    driver.break_off("POST", INVITE, Sent::Maybe);
    driver.advance(Duration::from_secs(10));
    assert!(!driver.is_sent("POST", INVITE));
    driver.page(started(&operation));
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
}

#[test]
fn a_request_that_was_never_sent_is_repeated() {
    let mut driver = TestDriver::with_conversation();
    driver.send(1, "Hello");
    driver.break_off("POST", INVITE, Sent::No);
    driver.advance(Duration::from_secs(2));
    assert!(driver.is_sent("POST", INVITE));
}

#[test]
fn an_invitation_without_events_is_unknown_until_a_late_event() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let operation = driver
        .sent
        .iter()
        .find(|sent| sent.target() == INVITE)
        .unwrap()
        .json()["operationId"]
        .as_str()
        .unwrap()
        .to_owned();
    driver.break_off("POST", INVITE, Sent::Maybe);
    driver.advance(Duration::from_secs(31));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
    assert_eq!(
        driver.delivery_results(chat()),
        [(MessageKey::Local(1), MessageStatus::Unknown)]
    );
    driver.page(started(&operation));
    driver.page(senders("21a1", accepted(&operation, "21a1")));
    let changes = driver.changes(chat());
    assert!(
        changes.contains(&ConversationChange::Connected),
        "{changes:?}"
    );
    assert!(changes.iter().any(|change| matches!(
        change,
        ConversationChange::MessageStatus {
            status: MessageStatus::Succeeded,
            ..
        }
    )));
}

#[test]
fn an_invitation_without_a_started_event_is_read() {
    let mut driver = TestDriver::with_conversation();
    let (ticket, _) = invited(&mut driver);
    driver.advance(Duration::from_secs(31));
    driver.reply("GET", INVITATION, 404, json!({"code": "NotFound"}));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Timeout);
}

#[test]
fn a_404_without_a_ucwa_body_does_not_fail_an_invitation() {
    let mut driver = TestDriver::with_conversation();
    let (ticket, _) = invited(&mut driver);
    driver.advance(Duration::from_secs(31));
    driver.reply("GET", INVITATION, 404, serde_json::Value::Null);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::DeliveryUnknown);
}

#[test]
fn an_invitation_without_a_completed_event_is_read() {
    let mut driver = TestDriver::with_conversation();
    let (ticket, operation) = invited(&mut driver);
    driver.page(started(&operation));
    driver.advance(Duration::from_secs(46));
    let mut resource =
        invitation("x", &operation, "21a1", "Connected")["_embedded"]["messagingInvitation"]
            .clone();
    resource["_links"]["self"] = json!({"href": INVITATION});
    driver.reply("GET", INVITATION, 200, resource);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Delivered)));
    // The event of the chat is missing as well, so its resource is read.
    driver.reply(
        "GET",
        &conversation_href("21a1"),
        200,
        conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone(),
    );
    driver.reply(
        "GET",
        &format!("{}/messaging", conversation_href("21a1")),
        200,
        messaging("21a1", "Connected")["_embedded"]["messaging"].clone(),
    );
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::chat_connected(false))
    );
}

#[test]
fn an_invitation_whose_chat_has_ended_is_read_soon() {
    let mut driver = TestDriver::with_conversation();
    let (ticket, operation) = invited(&mut driver);
    driver.page(started(&operation));
    for _ in 0..2 {
        let ended = messaging("21a1", "Disconnected");
        driver.page(senders("21a1", vec![(true, ended)]));
        assert_eq!(driver.result(ticket), None, "the invitation says more");
        driver.advance(Duration::from_secs(3));
    }
    assert!(driver.is_sent("GET", INVITATION));
}

#[test]
fn alerting_is_reported() {
    let mut driver = TestDriver::with_conversation();
    let (_, operation) = invited(&mut driver);
    driver.page(started(&operation));
    driver.page(senders(
        "21a1",
        vec![(false, invitation("updated", &operation, "21a1", "Alerting"))],
    ));
    assert!(
        driver
            .changes(chat())
            .contains(&ConversationChange::Alerting)
    );
}

#[test]
fn an_invitation_of_another_endpoint_is_ignored() {
    let mut driver = TestDriver::with_conversation();
    invited(&mut driver);
    driver.changes(chat());
    let mut other = invitation("started", "another's", "77", "Connecting");
    other["link"]["href"] =
        json!("/ucwa/oauth/v1/applications/102/communication/messagingInvitations/77c");
    driver.page(senders("77", vec![(false, other)]));
    assert!(
        driver
            .events
            .iter()
            .any(|event| matches!(event, SessionEvent::Discovered { .. }))
    );
    assert!(driver.changes(chat()).is_empty());
}

#[test]
fn a_chat_can_be_started_without_a_message() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: Some("Lunch".to_owned()),
        context: None,
    });
    let request = driver.created("POST", INVITE, INVITATION).json();
    assert_eq!(request["subject"], "Lunch");
    assert_eq!(request["_links"], json!(null));
    let operation = request["operationId"].as_str().unwrap();
    driver.page(started(operation));
    driver.page(senders("21a1", accepted(operation, "21a1")));
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

/// The response with the href of the invitation is lost. Its first event names it.
#[test]
fn an_invitation_is_known_by_the_href_of_its_first_event() {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello");
    let post = driver.take("POST", INVITE);
    let operation = post.json()["operationId"].as_str().unwrap().to_owned();
    driver.sent.push_back(post);
    driver.break_off("POST", INVITE, Sent::Maybe);
    let started = invitation("started", &operation, "21a1", "Connecting");
    driver.page(senders("21a1", vec![(false, started)]));
    let mut declined = invitation("completed", &operation, "21a1", "Declined");
    let resource = &mut declined["_embedded"]["messagingInvitation"];
    resource.as_object_mut().unwrap().remove("operationId");
    let declined = with(declined, "status", json!("Failure"));
    driver.page(senders("21a1", vec![(false, declined)]));
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Remote);
}
