//! Roles and the lobby: commands of leaders, by the links of the participants.

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::conference::*;
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
fn meeting() -> Bench {
    let mut bench = with_meetings();
    open(&mut bench, None);
    bench.submit(Operation::StartChat {
        conversation: chat(),
        subject: None,
        context: None,
    });
    let begin = format!("{APP}/communication/onlineMeetingInvitations");
    let request = bench.created("POST", &begin, MEETING_INVITATION);
    let operation = request.json()["operationId"].as_str().unwrap().to_owned();
    joined(&mut bench, &operation);
    chat_returns(&mut bench, "21a1");
    bench.events.clear();
    bench
}

/// A conference with Alex, who has links for these commands.
fn with_alex(rels: &[&str]) -> (Bench, ParticipantKey) {
    let mut bench = meeting();
    let added = event(
        "added",
        "participant",
        &third_href("21a1"),
        alex(rels, json!({"role": "Attendee"})),
    );
    bench.page(senders("21a1", vec![(true, added)]));
    let participant = told_of(&mut bench);
    (bench, participant.key)
}

/// A conference with Alex in its lobby, in the published order of events.
fn with_alex_in_lobby() -> (Bench, ParticipantKey) {
    let mut bench = meeting();
    let href = third_href("21a1");
    bench.page(senders(
        "21a1",
        vec![
            (true, bare("added", "participant", &href, None)),
            (true, in_view("added", "lobby")),
        ],
    ));
    let whole = alex(&["admit", "reject"], json!({"inLobby": true}));
    bench.reply("GET", &href, 200, whole);
    let participant = told_of(&mut bench);
    assert!(participant.in_lobby);
    assert!(participant.capabilities.admit && participant.capabilities.reject);
    (bench, participant.key)
}

/// The last update of the participant.
#[track_caller]
fn told_of(bench: &mut Bench) -> Participant {
    let changes = bench.changes(chat());
    let told = changes.iter().rev().find_map(|change| match change {
        ConversationChange::ParticipantJoined(it) | ConversationChange::ParticipantUpdated(it) => {
            Some(it.clone())
        }
        _ => None,
    });
    told.unwrap_or_else(|| panic!("{changes:?}"))
}

fn set_role(bench: &mut Bench, participant: ParticipantKey, role: Role) -> Ticket {
    bench.submit(Operation::SetRole {
        conversation: chat(),
        participant,
        role,
    })
}

fn admit(bench: &mut Bench, participant: ParticipantKey) -> Ticket {
    bench.submit(Operation::Admit {
        conversation: chat(),
        participant,
    })
}

fn reject(bench: &mut Bench, participant: ParticipantKey) -> Ticket {
    bench.submit(Operation::Reject {
        conversation: chat(),
        participant,
    })
}

#[test]
fn the_links_of_a_participant_give_its_capabilities() {
    for rel in ["promote", "demote", "admit", "reject"] {
        for in_lobby in [false, true] {
            let mut bench = meeting();
            let resource = alex(&[rel], json!({"inLobby": in_lobby}));
            let added = event("added", "participant", &third_href("21a1"), resource);
            bench.page(senders("21a1", vec![(true, added)]));
            let expected = ParticipantCapabilities {
                promote: rel == "promote",
                demote: rel == "demote",
                admit: rel == "admit" && in_lobby,
                reject: rel == "reject" && in_lobby,
            };
            assert_eq!(told_of(&mut bench).capabilities, expected, "{rel}");
        }
    }
}

#[test]
fn a_role_is_set_by_its_link_and_reported_by_an_event() {
    let (mut bench, participant) = with_alex(&["promote"]);
    let ticket = set_role(&mut bench, participant, Role::Leader);
    let promote = format!("{}/promote", third_href("21a1"));
    bench.reply("POST", &promote, 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(bench.changes(chat()), [], "no change without an event");
    bench.page(senders(
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
    assert_eq!(told_of(&mut bench).role, Some(Role::Leader));
    let whole = alex(&["demote"], json!({"role": "Leader"}));
    bench.reply("GET", &third_href("21a1"), 200, whole);
    let told = told_of(&mut bench);
    assert!(told.capabilities.demote && !told.capabilities.promote);
    let ticket = set_role(&mut bench, participant, Role::Attendee);
    let demote = format!("{}/demote", third_href("21a1"));
    bench.reply("POST", &demote, 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}

#[test]
fn an_admission_takes_effect_with_the_roster_event() {
    let (mut bench, participant) = with_alex_in_lobby();
    let ticket = admit(&mut bench, participant);
    let href = third_href("21a1");
    bench.reply("POST", &format!("{href}/admit"), 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(bench.changes(chat()), []);
    bench.page(senders(
        "21a1",
        vec![
            (true, in_view("deleted", "lobby")),
            (true, in_view("added", "attendees")),
            (true, bare("updated", "participant", &href, None)),
        ],
    ));
    let told = told_of(&mut bench);
    assert!(!told.in_lobby && !told.capabilities.admit);
    bench.reply("GET", &href, 200, alex(&["promote"], json!({})));
    let told = told_of(&mut bench);
    assert!(!told.in_lobby && told.capabilities.promote);
    assert!(!bench.is_sent("GET", &href), "one page, one reading");
}

#[test]
fn a_read_that_started_before_an_event_does_not_undo_it() {
    let href = third_href("21a1");
    for later in [
        vec![in_view("added", "attendees")],
        vec![in_view("deleted", "lobby"), in_view("added", "leaders")],
    ] {
        let mut bench = meeting();
        bench.page(senders(
            "21a1",
            vec![
                (true, bare("added", "participant", &href, None)),
                (true, in_view("added", "lobby")),
            ],
        ));
        let later = later.into_iter().map(|event| (true, event)).collect();
        bench.page(senders("21a1", later));
        assert!(!told_of(&mut bench).in_lobby);
        let old = alex(&["admit", "reject"], json!({"inLobby": true}));
        bench.reply("GET", &href, 200, old);
        assert_eq!(bench.changes(chat()), []);
        bench.reply("GET", &href, 200, alex(&["promote"], json!({})));
        let told = told_of(&mut bench);
        assert!(!told.in_lobby && told.capabilities.promote);
        assert!(!bench.is_sent("GET", &href));
    }
}

#[test]
fn a_rejection_takes_effect_with_the_roster_event() {
    let (mut bench, participant) = with_alex_in_lobby();
    let ticket = reject(&mut bench, participant);
    let href = third_href("21a1");
    bench.reply("POST", &format!("{href}/reject"), 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
    assert_eq!(bench.changes(chat()), []);
    let gone = bare("deleted", "participant", &href, None);
    let denied = json!({"code": "RemoteFailure", "subcode": "Denied"});
    bench.page(senders(
        "21a1",
        vec![
            (true, in_view("deleted", "lobby")),
            (true, with(gone, "reason", denied)),
        ],
    ));
    let changes = bench.changes(chat());
    let [
        ConversationChange::ParticipantLeft {
            participant: who,
            failure: Some(failure),
        },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}")
    };
    assert_eq!((*who, failure.subcode()), (participant, Some("Denied")));
    bench.reply("GET", &href, 404, json!({"code": "NotFound"}));
    assert_eq!(bench.changes(chat()), []);
}

#[test]
fn a_missing_link_is_read_once_before_the_command_fails() {
    for offered in [false, true] {
        let (mut bench, participant) = with_alex(&[]);
        let ticket = set_role(&mut bench, participant, Role::Leader);
        let rels: &[&str] = if offered { &["promote"] } else { &[] };
        bench.reply("GET", &third_href("21a1"), 200, alex(rels, json!({})));
        let promote = format!("{}/promote", third_href("21a1"));
        if offered {
            bench.reply("POST", &promote, 204, Value::Null);
            assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
        } else {
            assert_eq!(bench.failure(ticket).kind(), &FailureKind::WrongState);
            assert!(!bench.is_sent("POST", &promote));
        }
    }
}

#[test]
fn a_refused_command_fails_and_changes_nothing() {
    for (status, subcode) in [(403, "Forbidden"), (409, "AlreadyExists"), (500, "None")] {
        let (mut bench, participant) = with_alex_in_lobby();
        let (first, second) = (
            admit(&mut bench, participant),
            admit(&mut bench, participant),
        );
        let href = third_href("21a1");
        let problem = json!({"code": "Conflict", "subcode": subcode});
        bench.reply("POST", &format!("{href}/admit"), status, problem);
        for ticket in [first, second] {
            assert_eq!(bench.failure(ticket).status(), Some(status));
        }
        assert!(
            !bench.is_sent("POST", &href),
            "both share one request without a repeat"
        );
        assert_eq!(bench.changes(chat()), []);
    }
}

#[test]
fn a_404_of_a_command_fails_it_and_rereads_the_participant() {
    let (mut bench, participant) = with_alex_in_lobby();
    let ticket = admit(&mut bench, participant);
    let href = third_href("21a1");
    bench.reply(
        "POST",
        &format!("{href}/admit"),
        404,
        json!({"code": "NotFound"}),
    );
    assert_eq!(bench.failure(ticket).status(), Some(404));
    // Another leader has already done it.
    bench.reply("GET", &href, 200, alex(&["promote"], json!({})));
    assert!(!told_of(&mut bench).in_lobby);
}

#[test]
fn a_lost_response_fails_the_command_without_a_repeat() {
    let (mut bench, participant) = with_alex_in_lobby();
    let ticket = reject(&mut bench, participant);
    let reject = format!("{}/reject", third_href("21a1"));
    bench.break_off("POST", &reject, Sent::Maybe);
    assert_eq!(bench.failure(ticket).kind(), &FailureKind::Transport);
    assert!(!bench.is_sent("POST", &reject));
}

#[test]
fn commands_on_a_participant_who_leaves_are_settled() {
    for turned_away in [false, true] {
        let (mut bench, participant) = with_alex_in_lobby();
        let ticket = match turned_away {
            false => admit(&mut bench, participant),
            true => reject(&mut bench, participant),
        };
        let gone = bare("deleted", "participant", &third_href("21a1"), None);
        bench.page(senders("21a1", vec![(true, gone)]));
        assert_eq!(
            bench.result(ticket).map(Result::is_ok),
            Some(turned_away),
            "the participant has left, as requested"
        );
    }
}

#[test]
fn commands_on_unknown_participants_fail() {
    let (mut bench, participant) = with_alex(&["promote"]);
    let stranger = set_role(&mut bench, ParticipantKey::Local(99), Role::Leader);
    assert_eq!(
        bench.failure(stranger).kind(),
        &FailureKind::InvalidArgument
    );
    let pending = set_role(&mut bench, participant, Role::Leader);
    let over = conversation_event("updated", "21a1", "Disconnected");
    bench.page(senders("21a1", vec![(false, over)]));
    assert!(bench.result(pending).is_some_and(Result::is_err));
    let late = set_role(&mut bench, participant, Role::Leader);
    assert_eq!(bench.failure(late).kind(), &FailureKind::WrongState);
}

#[test]
fn the_sender_in_a_message_does_not_reduce_its_capabilities() {
    let (mut bench, participant) = with_alex(&["promote"]);
    let mut arrival = arrival("21a1", "8", "Hello");
    arrival["_embedded"]["message"]["_embedded"] = json!({"senderParticipant": [{
        "rel": "participant", "uri": "sip:alexd@contoso.com", "name": "Alex D.",
        "_links": {"self": {"href": third_href("21a1")}},
    }]});
    bench.page(senders("21a1", vec![(true, arrival)]));
    let ticket = set_role(&mut bench, participant, Role::Leader);
    let promote = format!("{}/promote", third_href("21a1"));
    bench.reply("POST", &promote, 204, Value::Null);
    assert_eq!(bench.result(ticket), Some(&Ok(Outcome::Done)));
}
