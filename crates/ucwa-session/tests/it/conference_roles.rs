//! Roles and the lobby: commands of leaders, by the links of the participants.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::conference::*;
use crate::driver::*;
use crate::joining::*;
use crate::meetings::{joined, open, with_meetings};
use crate::pages::*;

/// Links for these commands.
fn links(rels: &[&str]) -> Value {
    let href = third_href("21a1");
    let links = rels
        .iter()
        .map(|rel| ((*rel).to_owned(), json!({"href": format!("{href}/{rel}")})));
    Value::Object(links.collect())
}

fn alex(rels: &[&str], more: Value) -> Value {
    let mut resource = more;
    resource["uri"] = json!("sip:alexd@contoso.com");
    resource["name"] = json!("Alex Darrow");
    resource["_links"] = links(rels);
    resource["_links"]["self"] = json!({"href": third_href("21a1")});
    resource
}

/// An event in `leader`, `attendee` or `lobby`.
fn in_view(kind: &str, view: &str) -> Value {
    let view_href = format!("{}/{view}", conversation_href("21a1"));
    bare(
        kind,
        "participant",
        &third_href("21a1"),
        Some((view, &view_href)),
    )
}

/// A conference with only this user.
fn meeting() -> TestDriver {
    let mut driver = with_meetings();
    open(&mut driver, None);
    driver.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let begin = format!("{APP}/communication/onlineMeetingInvitations");
    let request = driver.created("POST", &begin, MEETING_INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    joined(&mut driver, &operation);
    chat_returns(&mut driver, "21a1");
    driver.events.clear();
    driver
}

/// A conference with Alex, who has links for these commands.
fn with_alex(rels: &[&str]) -> (TestDriver, ParticipantKey) {
    let mut driver = meeting();
    let added = event(
        "added",
        "participant",
        &third_href("21a1"),
        alex(rels, json!({"role": "Attendee"})),
    );
    driver.page(senders("21a1", vec![(true, added)]));
    let participant = last_update(&mut driver);
    (driver, participant.key)
}

/// A conference with Alex in its lobby, in the published order of events.
fn with_alex_in_lobby() -> (TestDriver, ParticipantKey) {
    let mut driver = meeting();
    let href = third_href("21a1");
    driver.page(senders(
        "21a1",
        vec![
            (true, bare("added", "participant", &href, None)),
            (true, in_view("added", "lobby")),
        ],
    ));
    let whole = alex(&["admit", "reject"], json!({"inLobby": true}));
    driver.reply("GET", &href, 200, whole);
    let participant = last_update(&mut driver);
    assert!(participant.in_lobby);
    assert!(participant.capabilities.admit && participant.capabilities.reject);
    (driver, participant.key)
}

/// The last update of the participant.
#[track_caller]
fn last_update(driver: &mut TestDriver) -> Participant {
    let changes = driver.changes(chat());
    let update = changes.iter().rev().find_map(|change| match change {
        ConversationChange::ParticipantJoined(it) | ConversationChange::ParticipantUpdated(it) => {
            Some(it.clone())
        }
        _ => None,
    });
    update.unwrap_or_else(|| panic!("{changes:?}"))
}

fn set_role(driver: &mut TestDriver, participant: ParticipantKey, role: Role) -> Ticket {
    driver.submit(Operation::SetRole {
        conversation: chat(),
        participant,
        role,
    })
}

fn admit(driver: &mut TestDriver, participant: ParticipantKey) -> Ticket {
    driver.submit(Operation::Admit {
        conversation: chat(),
        participant,
    })
}

fn reject(driver: &mut TestDriver, participant: ParticipantKey) -> Ticket {
    driver.submit(Operation::Reject {
        conversation: chat(),
        participant,
    })
}

#[test]
fn the_links_of_a_participant_give_its_capabilities() {
    for rel in ["promote", "demote", "admit", "reject"] {
        for in_lobby in [false, true] {
            let mut driver = meeting();
            let resource = alex(&[rel], json!({"inLobby": in_lobby}));
            let added = event("added", "participant", &third_href("21a1"), resource);
            driver.page(senders("21a1", vec![(true, added)]));
            let mut expected = ParticipantCapabilities::default();
            expected.promote = rel == "promote";
            expected.demote = rel == "demote";
            expected.admit = rel == "admit" && in_lobby;
            expected.reject = rel == "reject" && in_lobby;
            assert_eq!(last_update(&mut driver).capabilities, expected, "{rel}");
        }
    }
}

#[test]
fn a_role_is_set_by_its_link_and_reported_by_an_event() {
    let (mut driver, participant) = with_alex(&["promote"]);
    let ticket = set_role(&mut driver, participant, Role::Leader);
    assert_eq!(driver.session.workload().awaited, 1);
    let promote = format!("{}/promote", third_href("21a1"));
    driver.reply("POST", &promote, 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.changes(chat()), [], "no change without an event");
    driver.page(senders(
        "21a1",
        vec![
            (true, in_view("deleted", "attendees")),
            (true, in_view("added", "leaders")),
            (
                true,
                bare("updated", "participant", &third_href("21a1"), None),
            ),
        ],
    ));
    assert_eq!(last_update(&mut driver).role, Some(Role::Leader));
    let whole = alex(&["demote"], json!({"role": "Leader"}));
    driver.reply("GET", &third_href("21a1"), 200, whole);
    let update = last_update(&mut driver);
    assert!(update.capabilities.demote && !update.capabilities.promote);
    let ticket = set_role(&mut driver, participant, Role::Attendee);
    let demote = format!("{}/demote", third_href("21a1"));
    driver.reply("POST", &demote, 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn an_admission_takes_effect_with_the_roster_event() {
    let (mut driver, participant) = with_alex_in_lobby();
    let ticket = admit(&mut driver, participant);
    let href = third_href("21a1");
    driver.reply("POST", &format!("{href}/admit"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.changes(chat()), []);
    driver.page(senders(
        "21a1",
        vec![
            (true, in_view("deleted", "lobby")),
            (true, in_view("added", "attendees")),
            (true, bare("updated", "participant", &href, None)),
        ],
    ));
    let update = last_update(&mut driver);
    assert!(!update.in_lobby && !update.capabilities.admit);
    driver.reply("GET", &href, 200, alex(&["promote"], json!({})));
    let update = last_update(&mut driver);
    assert!(!update.in_lobby && update.capabilities.promote);
    assert!(!driver.is_sent("GET", &href), "one page, one reading");
}

#[test]
fn a_read_that_started_before_an_event_does_not_undo_it() {
    let href = third_href("21a1");
    for later in [
        vec![in_view("added", "attendees")],
        vec![in_view("deleted", "lobby"), in_view("added", "leaders")],
    ] {
        let mut driver = meeting();
        driver.page(senders(
            "21a1",
            vec![
                (true, bare("added", "participant", &href, None)),
                (true, in_view("added", "lobby")),
            ],
        ));
        let later = later.into_iter().map(|event| (true, event)).collect();
        driver.page(senders("21a1", later));
        assert!(!last_update(&mut driver).in_lobby);
        let old = alex(&["admit", "reject"], json!({"inLobby": true}));
        driver.reply("GET", &href, 200, old);
        assert_eq!(driver.changes(chat()), []);
        driver.reply("GET", &href, 200, alex(&["promote"], json!({})));
        let update = last_update(&mut driver);
        assert!(!update.in_lobby && update.capabilities.promote);
        assert!(!driver.is_sent("GET", &href));
    }
}

#[test]
fn a_rejection_takes_effect_with_the_roster_event() {
    let (mut driver, participant) = with_alex_in_lobby();
    let ticket = reject(&mut driver, participant);
    let href = third_href("21a1");
    driver.reply("POST", &format!("{href}/reject"), 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(driver.changes(chat()), []);
    let gone = bare("deleted", "participant", &href, None);
    let denied = json!({"code": "RemoteFailure", "subcode": "Denied"});
    driver.page(senders(
        "21a1",
        vec![
            (true, in_view("deleted", "lobby")),
            (true, with(gone, "reason", denied)),
        ],
    ));
    let changes = driver.changes(chat());
    let [
        ConversationChange::ParticipantLeft {
            participant: who,
            failure: Some(failure),
            ..
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!((*who, failure.subcode()), (participant, Some("Denied")));
    driver.reply("GET", &href, 404, json!({"code": "NotFound"}));
    assert_eq!(driver.changes(chat()), []);
}

#[test]
fn a_missing_link_is_read_once_before_the_command_fails() {
    for offered in [false, true] {
        let (mut driver, participant) = with_alex(&[]);
        let ticket = set_role(&mut driver, participant, Role::Leader);
        let rels: &[&str] = if offered { &["promote"] } else { &[] };
        driver.reply("GET", &third_href("21a1"), 200, alex(rels, json!({})));
        let promote = format!("{}/promote", third_href("21a1"));
        if offered {
            driver.reply("POST", &promote, 204, Value::Null);
            assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        } else {
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
            assert!(!driver.is_sent("POST", &promote));
        }
    }
}

#[test]
fn a_refused_command_fails_and_changes_nothing() {
    for (status, subcode) in [(403, "Forbidden"), (409, "AlreadyExists"), (500, "None")] {
        let (mut driver, participant) = with_alex_in_lobby();
        let (first, second) = (
            admit(&mut driver, participant),
            admit(&mut driver, participant),
        );
        let href = third_href("21a1");
        let problem = json!({"code": "Conflict", "subcode": subcode});
        driver.reply("POST", &format!("{href}/admit"), status, problem);
        for ticket in [first, second] {
            assert_eq!(driver.failure(ticket).status(), Some(status));
        }
        assert!(
            !driver.is_sent("POST", &href),
            "both share one request without a repeat"
        );
        assert_eq!(driver.changes(chat()), []);
    }
}

#[test]
fn a_404_of_a_command_fails_it_and_rereads_the_participant() {
    let (mut driver, participant) = with_alex_in_lobby();
    let ticket = admit(&mut driver, participant);
    let href = third_href("21a1");
    driver.reply(
        "POST",
        &format!("{href}/admit"),
        404,
        json!({"code": "NotFound"}),
    );
    assert_eq!(driver.failure(ticket).status(), Some(404));
    // Another leader has already admitted or rejected the participant.
    driver.reply("GET", &href, 200, alex(&["promote"], json!({})));
    assert!(!last_update(&mut driver).in_lobby);
}

#[test]
fn a_lost_response_fails_the_command_without_a_repeat() {
    let (mut driver, participant) = with_alex_in_lobby();
    let ticket = reject(&mut driver, participant);
    let reject = format!("{}/reject", third_href("21a1"));
    driver.break_off("POST", &reject, Sent::Maybe);
    assert_eq!(driver.failure(ticket).kind(), &FailureKind::Transport);
    assert!(!driver.is_sent("POST", &reject));
}

#[test]
fn commands_on_a_participant_who_leaves_are_settled() {
    for turned_away in [false, true] {
        let (mut driver, participant) = with_alex_in_lobby();
        let ticket = match turned_away {
            false => admit(&mut driver, participant),
            true => reject(&mut driver, participant),
        };
        let gone = bare("deleted", "participant", &third_href("21a1"), None);
        driver.page(senders("21a1", vec![(true, gone)]));
        assert_eq!(
            driver.result(ticket).map(Result::is_ok),
            Some(turned_away),
            "the participant has left, as requested"
        );
    }
}

/// A command that was sent completes with its response. A command that waits for a link is no longer sent.
#[test]
fn a_command_that_was_sent_completes_although_its_conversation_gets_another_href() {
    for is_sent in [true, false] {
        let rels: &[&str] = if is_sent { &["promote"] } else { &[] };
        let (mut driver, participant) = with_alex(rels);
        let ticket = set_role(&mut driver, participant, Role::Leader);
        let promote = format!("{}/promote", third_href("21a1"));
        assert_eq!(driver.is_sent("POST", &promote), is_sent);
        let derived = json!({"derivedConversation": {"href": conversation_href("dd1")}});
        let moved = conference_event("21a1", "Conferenced", derived);
        driver.page(senders("21a1", vec![(false, moved)]));
        if is_sent {
            assert_eq!(driver.result(ticket), None);
            driver.reply("POST", &promote, 204, Value::Null);
            assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
        } else {
            assert_eq!(driver.failure(ticket).kind(), &FailureKind::WrongState);
        }
    }
}

#[test]
fn commands_on_unknown_participants_fail() {
    let (mut driver, participant) = with_alex(&["promote"]);
    let stranger = set_role(&mut driver, ParticipantKey::Local(99), Role::Leader);
    assert_eq!(
        driver.failure(stranger).kind(),
        &FailureKind::InvalidArgument
    );
    let pending = set_role(&mut driver, participant, Role::Leader);
    let over = conversation_event("updated", "21a1", "Disconnected");
    driver.page(senders("21a1", vec![(false, over)]));
    assert!(driver.result(pending).is_some_and(Result::is_err));
    let late = set_role(&mut driver, participant, Role::Leader);
    assert_eq!(driver.failure(late).kind(), &FailureKind::WrongState);
}

#[test]
fn the_sender_in_a_message_does_not_reduce_its_capabilities() {
    let (mut driver, participant) = with_alex(&["promote"]);
    let mut arrival = arrival("21a1", "8", "Hello");
    arrival["_embedded"]["message"]["_embedded"] = json!({"senderParticipant": [{
        "rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex D.",
        "_links": {"self": {"href": third_href("21a1")}},
    }]});
    driver.page(senders("21a1", vec![(true, arrival)]));
    let ticket = set_role(&mut driver, participant, Role::Leader);
    let promote = format!("{}/promote", third_href("21a1"));
    driver.reply("POST", &promote, 204, Value::Null);
    assert_eq!(driver.result(ticket), Some(&Ok(Outcome::Done)));
}
