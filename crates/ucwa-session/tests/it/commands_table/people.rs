//! Commands on participants and people.

use serde_json::json;
use ucwa_session::*;

use super::*;
use crate::joining::{self, third, third_href};
use crate::people::{self, contact, contact_href};

pub(super) fn rows() -> Vec<Row> {
    let adding = || Row {
        command: "AddParticipant",
        operation: |fixture| Operation::AddParticipant {
            conversation: fixture.key,
            participant: third(),
            uri: "sip:alexd@contoso.com".to_owned(),
        },
        ..ROW
    };
    let removing = || Row {
        command: "RemoveParticipant",
        operation: |fixture| Operation::RemoveParticipant {
            conversation: fixture.key,
            participant: third(),
        },
        ..ROW
    };
    let with_people = || Fixture::new(people::acquainted(), chat(), "21a1");
    let person = || Row {
        ends: "the response",
        fixture: with_people,
        ..ROW
    };
    vec![
        Row {
            when: "not started",
            fixture: not_begun,
            ..adding()
        },
        Row {
            when: "established, with `addParticipant`",
            sends: &[("POST", joining::INVITATIONS)],
            ends: "the `participantInvitation`, completed with Success",
            fixture: || Fixture::new(joining::extensible(), chat(), "21a1"),
            end: |fixture| {
                let posted = fixture
                    .driver
                    .created("POST", joining::INVITATIONS, "/x")
                    .json();
                let operation = posted["operationId"].as_str().unwrap();
                let done =
                    joining::participant_invitation("completed", operation, "21a1", "Connected");
                let done = with(done, "status", json!("Success"));
                fixture.driver.page(senders("21a1", vec![(false, done)]));
            },
            ..adding()
        },
        Row {
            when: "established, without the link: the addition waits for it",
            ends: "as with the link",
            end: |fixture| {
                let open = joining::open_to_others("21a1");
                let connected = joining::conference_event("21a1", "Connected", open);
                fixture
                    .driver
                    .page(senders("21a1", vec![(false, connected)]));
                let posted = fixture
                    .driver
                    .created("POST", joining::INVITATIONS, "/x")
                    .json();
                let operation = posted["operationId"].as_str().unwrap();
                let done =
                    joining::participant_invitation("completed", operation, "21a1", "Connected");
                let done = with(done, "status", json!("Success"));
                fixture.driver.page(senders("21a1", vec![(false, done)]));
            },
            ..adding()
        },
        Row {
            when: "not started",
            fixture: || {
                let mut fixture = not_begun();
                joining::add(&mut fixture.driver);
                fixture
            },
            ..removing()
        },
        Row {
            when: "joined, with `eject`",
            sends: &[("POST", "/eject")],
            ends: "the `deleted` event of the participant",
            fixture: || {
                let links = json!({"eject": {"href": "/eject"}});
                Fixture::new(joining::joined(links), chat(), "21a1")
            },
            end: |fixture| {
                no_content(fixture);
                let gone = bare("deleted", "participant", &third_href("21a1"), None);
                fixture.driver.page(senders("21a1", vec![(true, gone)]));
            },
            ..removing()
        },
        Row {
            command: "FetchPerson",
            when: "the hrefs are known",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/people/282/contactPresence",
            )],
            operation: |_| people::fetch(LENE, PersonField::Status),
            end: |fixture| answered(fixture, 200, people::presence("Online")),
            ..person()
        },
        Row {
            command: "FetchPerson",
            when: "only the address is known",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/search?query=lenea%40contoso.com",
            )],
            ends: "the response, after the search for the contact",
            fixture: || Fixture::new(people::signed_in_with_people(), chat(), "21a1"),
            operation: |_| people::fetch(LENE, PersonField::Status),
            end: |fixture| {
                let lene = contact(282, LENE, "Lene Aaling");
                answered(fixture, 200, people::found(json!([lene]), false));
                fixture.driver.advance(Duration::from_secs(1));
                let presence = format!("{}/contactPresence", contact_href(282));
                fixture
                    .driver
                    .reply("GET", &presence, 200, people::presence("Online"));
            },
            ..person()
        },
        Row {
            command: "FollowPerson",
            when: "the person is not followed yet",
            sends: &[
                (
                    "POST",
                    "/ucwa/oauth/v1/applications/102/presenceSubscriptions",
                ),
                (
                    "GET",
                    "/ucwa/oauth/v1/applications/102/people/282/contactPresence",
                ),
            ],
            ends: "at once",
            operation: |_| people::follow(LENE, PersonField::Status, Interest::Live),
            ..person()
        },
        Row {
            command: "SetMe",
            when: "available",
            sends: &[("POST", "/ucwa/oauth/v1/applications/102/me/presence")],
            operation: |_| Operation::SetMe(MeChange::Status(PersonStatus::Busy)),
            end: no_content,
            ..person()
        },
        Row {
            command: "SetMe",
            when: "a reset",
            sends: &[("POST", "/ucwa/oauth/v1/applications/102/me/presence")],
            ends: "the response to the read of the new value",
            operation: |_| Operation::SetMe(MeChange::ResetStatus),
            end: |fixture| {
                no_content(fixture);
                fixture.driver.advance(Duration::from_secs(1));
                let presence = json!({"rel": "presence", "availability": "Online"});
                answered(fixture, 200, presence);
            },
            ..person()
        },
        Row {
            command: "SearchPeople",
            when: "any",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/search?query=lene&limit=20",
            )],
            operation: |_| people::search("lene"),
            end: |fixture| answered(fixture, 200, people::found(json!([]), false)),
            outcome: Some(Outcome::people(Vec::new(), false)),
            ..person()
        },
    ]
}
