//! The table of events: for each sender, link and type of event, its effect on a session. The guide prints the same
//! rows, and a test compares the two.

mod communication;
mod contacts;
mod conversation;
mod conversation_views;
mod history;
mod people;

use serde_json::{Value, json};

use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;

/// A row of the table.
struct Row {
    /// The rel of the sender.
    sender: &'static str,
    /// The rel of the link.
    rel: &'static str,
    /// The rel of `in`, if the event has one.
    within: Option<&'static str>,
    types: &'static [&'static str],
    /// The condition.
    when: &'static str,
    /// The effect.
    then: &'static str,
    fixture: fn() -> Fixture,
    event: fn(&Fixture, &str) -> Value,
    effect: fn(&mut Fixture),
}

fn rows() -> Vec<Row> {
    [
        communication::rows(),
        conversation::rows(),
        conversation_views::rows(),
        people::rows(),
        contacts::rows(),
        history::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_event_has_the_listed_effect() {
    for row in rows() {
        for kind in row.types {
            // The last line that a failing test prints names its row.
            let within = row
                .within
                .map_or(String::new(), |view| format!(" in {view}"));
            println!("{} {}{within} {kind}: {}", row.sender, row.rel, row.when);
            let mut fixture = (row.fixture)();
            let event = (row.event)(&fixture, kind);
            assert_eq!(event["type"], **kind);
            assert_eq!(event["link"]["rel"], row.rel);
            assert_eq!(event["in"]["rel"].as_str(), row.within);
            let href = match row.sender {
                "conversation" => conversation_href(fixture.id),
                other => format!("{APP}/{other}"),
            };
            let sender = json!({"rel": row.sender, "href": href, "events": [event]});
            fixture.driver.page(json!([sender]));
            (row.effect)(&mut fixture);
        }
    }
}

/// The rows in the format of the guide.
fn page() -> String {
    let mut page = String::from(
        "# Events\n\n\
         The effect of each UCWA event on the session. The first three columns are the rels of the sender, of the link and of\n\
         `in`, as in `EventsInUCWA`. A test runs every row and compares it with this page.\n\n\
         | sender | link | in | type | condition | effect |\n|---|---|---|---|---|---|\n",
    );
    for row in rows() {
        page.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            row.sender,
            row.rel,
            row.within.unwrap_or_default(),
            row.types.join(", "),
            row.when,
            row.then,
        ));
    }
    page.push_str("\nAll other events are ignored.\n");
    page
}

#[test]
fn the_guide_lists_every_row() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/events.md");
    if std::env::var_os("WRITE_GUIDE").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let printed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        printed == page(),
        "docs/src/events.md is not what the table says; run this test with WRITE_GUIDE=1"
    );
}

/// The rels of events that a chat client receives, by sender (`EventsInUCWA` and the pages of the resources).
const DOCUMENTED: [(&str, &[&str]); 4] = [
    (
        "communication",
        &[
            "communication",
            "conversation",
            "messagingInvitation",
            "missedItems",
            "onlineMeetingInvitation",
            "participantInvitation",
        ],
    ),
    (
        "conversation",
        &[
            "localParticipant",
            "message",
            "messaging",
            "onlineMeeting",
            "participant",
            "participantMessaging",
        ],
    ),
    ("me", &["location", "me", "note", "presence"]),
    (
        "people",
        &[
            "contact",
            "contactLocation",
            "contactNote",
            "contactPresence",
            "contactPrivacyRelationship",
            "contactSupportedModalities",
            "delegatesGroup",
            "distributionGroup",
            "group",
            "myContactsAndGroupsSubscription",
            "presenceSubscription",
        ],
    ),
];

#[test]
fn every_documented_event_is_listed() {
    let rows = rows();
    for (sender, rels) in DOCUMENTED {
        for rel in rels {
            assert!(
                rows.iter()
                    .any(|row| row.sender == sender && row.rel == *rel),
                "no row for {sender} {rel}"
            );
        }
    }
}

#[test]
fn unknown_events_change_nothing() {
    for (sender, rel) in [
        ("communication", "phoneDialInInformation"),
        ("conversation", "applicationSharing"),
        ("conversation", "audioVideo"),
        ("onlineMeetings", "myOnlineMeeting"),
        ("somethingNew", "messaging"),
        ("me", "callForwardingSettings"),
        ("people", "subscribedContacts"),
    ] {
        for kind in ["started", "added", "updated", "completed", "deleted", "new"] {
            let mut fixture = established();
            let href = match sender {
                "conversation" => conversation_href("21a1"),
                other => format!("{APP}/{other}"),
            };
            let event = json!({"link": {"rel": rel, "href": format!("{APP}/x")}, "type": kind});
            fixture
                .driver
                .page(json!([{"rel": sender, "href": href, "events": [event]}]));
            fixture.nothing_follows();
        }
    }
}
