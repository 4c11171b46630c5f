//! Commands on conferences, and commands of leaders.

use serde_json::json;
use ucwa_session::*;

use super::*;
use crate::conference::MEETING;
use crate::joining::{self, third, third_href};
use crate::meetings;

/// An open conference: a new one, or the one with this URI.
fn opened(uri: Option<&str>) -> Fixture {
    let mut driver = meetings::with_meetings();
    meetings::open(&mut driver, uri);
    Fixture::new(driver, chat(), "21a1")
}

/// The last conference invitation completes.
fn is_in(fixture: &mut Fixture) {
    let posted = fixture.driver.created("POST", MEETINGS, "/x").json();
    meetings::joined(&mut fixture.driver, posted["operationId"].as_str().unwrap());
}

/// A conference with a participant who has a link for this command, in the conference or in its lobby.
fn with_third(rel: &str, in_lobby: bool) -> Fixture {
    let links = json!({rel: {"href": format!("/{rel}")}});
    let mut driver = joining::joined(links);
    if in_lobby {
        let view = Some(("lobby", "/lobby"));
        let waits = bare("added", "participant", &third_href("21a1"), view);
        driver.page(senders("21a1", vec![(true, waits)]));
    }
    Fixture::new(driver, chat(), "21a1")
}

fn promote(fixture: &Fixture) -> Operation {
    Operation::SetRole {
        conversation: fixture.key,
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
        ends: "the response",
        end: no_content,
        ..ROW
    };
    vec![
        Row {
            command: "OpenMeeting",
            when: "any",
            fixture: signed_in,
            operation: |fixture| Operation::OpenMeeting {
                conversation: fixture.key,
                uri: Some(MEETING.to_owned()),
            },
            ..ROW
        },
        Row {
            when: "a new conference, with any number of participants",
            fixture: || opened(None),
            ..starting()
        },
        Row {
            when: "a conference opened by its URI",
            fixture: || opened(Some(MEETING)),
            ..starting()
        },
        Row {
            command: "StartChat",
            when: "a conference, on a server without conferences",
            ends: "at once, as NotSupported",
            fixture: || {
                let mut fixture = signed_in();
                meetings::open(&mut fixture.driver, None);
                fixture
            },
            operation: start,
            outcome: None,
            ..ROW
        },
        Row {
            command: "StopChat",
            when: "in the lobby of a conference, which is left",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the response, including 404 and 410",
            fixture: || {
                let mut fixture = opened(Some(MEETING));
                fixture.driver.submit(start(&fixture));
                meetings::in_lobby(&mut fixture.driver);
                fixture
            },
            operation: |fixture| Operation::StopChat(fixture.key),
            end: no_content,
            ..ROW
        },
        Row {
            command: "SetRole",
            when: "joined, with `promote` or `demote`",
            sends: &[("POST", "/promote")],
            fixture: || with_third("promote", false),
            operation: promote,
            ..leading()
        },
        Row {
            command: "SetRole",
            when: "joined, without the link: the participant is read",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/communication/conversations/21a1/participants/alexd@contoso.com",
            )],
            ends: "the response, with an error if the link is still missing",
            fixture: || with_third("eject", false),
            operation: promote,
            end: |fixture| answered(fixture, 200, json!({"uri": "sip:alexd@contoso.com"})),
            outcome: None,
        },
        Row {
            command: "Admit",
            when: "in the lobby, with `admit`",
            sends: &[("POST", "/admit")],
            fixture: || with_third("admit", true),
            operation: |fixture| Operation::Admit {
                conversation: fixture.key,
                participant: third(),
            },
            ..leading()
        },
        Row {
            command: "Reject",
            when: "in the lobby, with `reject`",
            sends: &[("POST", "/reject")],
            ends: "the response, or the `deleted` event of the participant",
            fixture: || with_third("reject", true),
            operation: |fixture| Operation::Reject {
                conversation: fixture.key,
                participant: third(),
            },
            ..leading()
        },
    ]
}
