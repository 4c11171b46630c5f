//! Conferences that are opened as such, and what leaders do in them.

use serde_json::json;
use ucwa_session::*;

use super::*;
use crate::conference::MEETING;
use crate::joining::{self, third, third_href};
use crate::meetings;

/// A conference that was opened: one to be begun, or the one with this URI.
fn opened(uri: Option<&str>) -> Given {
    let mut bench = meetings::with_meetings();
    meetings::open(&mut bench, uri);
    Given::new(bench, chat(), "21a1")
}

/// The way into the conference, which was posted last, is through.
fn is_in(given: &mut Given) {
    let posted = given.bench.created("POST", MEETINGS, "/x").json();
    meetings::joined(&mut given.bench, posted["operationId"].as_str().unwrap());
}

/// A conference with somebody in it who takes this command, or in its lobby.
fn with_third(rel: &str, in_lobby: bool) -> Given {
    let links = json!({rel: {"href": format!("/{rel}")}});
    let mut bench = joining::joined(links);
    if in_lobby {
        let view = Some(("lobby", "/lobby"));
        let waits = bare("added", "participant", &third_href("21a1"), view);
        bench.page(senders("21a1", vec![(true, waits)]));
    }
    Given::new(bench, chat(), "21a1")
}

fn promote(given: &Given) -> Operation {
    Operation::SetRole {
        conversation: given.key,
        participant: third(),
        role: Role::Leader,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let starting = || Row {
        command: "StartChat",
        sends: &[("POST", MEETINGS)],
        ends: "the invitation, completed with Success",
        operation: start,
        end: is_in,
        ..ROW
    };
    let leading = || Row {
        ends: "the answer",
        end: no_content,
        ..ROW
    };
    vec![
        Row {
            command: "OpenMeeting",
            when: "any",
            given: signed_in,
            operation: |given| Operation::OpenMeeting {
                conversation: given.key,
                uri: Some(MEETING.to_owned()),
            },
            ..ROW
        },
        Row {
            when: "a conference that was opened to be begun, with anybody or nobody",
            given: || opened(None),
            ..starting()
        },
        Row {
            when: "a conference that was opened by its URI",
            given: || opened(Some(MEETING)),
            ..starting()
        },
        Row {
            command: "StartChat",
            when: "a conference that was opened, and the server offers none",
            ends: "at once, as NotSupported",
            given: || {
                let mut given = signed_in();
                meetings::open(&mut given.bench, None);
                given
            },
            operation: start,
            outcome: None,
            ..ROW
        },
        Row {
            command: "StopChat",
            when: "in the lobby of a conference, which is left with it",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the answer, 404 and 410 too",
            given: || {
                let mut given = opened(Some(MEETING));
                given.bench.submit(start(&given));
                meetings::in_lobby(&mut given.bench);
                given
            },
            operation: |given| Operation::StopChat(given.key),
            end: no_content,
            ..ROW
        },
        Row {
            command: "SetRole",
            when: "in, with `promote` or `demote`",
            sends: &[("POST", "/promote")],
            given: || with_third("promote", false),
            operation: promote,
            ..leading()
        },
        Row {
            command: "SetRole",
            when: "in, without the link: the participant is asked for it",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/communication/conversations/21a1/participants/alexd@contoso.com",
            )],
            ends: "that, if there is still none, refused",
            given: || with_third("eject", false),
            operation: promote,
            end: |given| answered(given, 200, json!({"uri": "sip:alexd@contoso.com"})),
            outcome: None,
        },
        Row {
            command: "Admit",
            when: "in the lobby, with `admit`",
            sends: &[("POST", "/admit")],
            given: || with_third("admit", true),
            operation: |given| Operation::Admit {
                conversation: given.key,
                participant: third(),
            },
            ..leading()
        },
        Row {
            command: "Reject",
            when: "in the lobby, with `reject`",
            sends: &[("POST", "/reject")],
            ends: "the answer, or the participant, deleted",
            given: || with_third("reject", true),
            operation: |given| Operation::Reject {
                conversation: given.key,
                participant: third(),
            },
            ..leading()
        },
    ]
}
