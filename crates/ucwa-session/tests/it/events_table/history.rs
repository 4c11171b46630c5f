//! Events of `communication` about the archive.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::driver::*;
use crate::fixtures::*;
use crate::history::{self, communication, missed};
use crate::pages::event;

const COMMUNICATION: &str = "/ucwa/oauth/v1/applications/102/communication";
const MISSED_ITEMS: &str = "/ucwa/oauth/v1/applications/102/communication/missedItems";

fn with_archive() -> Fixture {
    Fixture::new(history::signed_in(), chat(), "21a1")
}

/// The list has been read completely.
fn complete() -> Fixture {
    let mut fixture = with_archive();
    fixture.driver.submit(Operation::ListArchived { count: 1 });
    let list = history::list([]);
    fixture
        .driver
        .reply("GET", &history::logs_href(), 200, list);
    fixture.driver.events.clear();
    fixture
}

pub(super) fn rows() -> Vec<Row> {
    let archive = || Row {
        sender: "communication",
        rel: "missedItems",
        within: None,
        types: &["added", "updated"],
        when: "",
        then: "",
        fixture: complete,
        event: |_, kind| event(kind, "missedItems", MISSED_ITEMS, missed(3)),
        effect: |_| {},
    };
    vec![
        Row {
            rel: "communication",
            when: "`conversationHistory` changed",
            then: "the archiving setting is reported",
            fixture: with_archive,
            event: |_, kind| {
                event(
                    kind,
                    "communication",
                    COMMUNICATION,
                    communication("Enabled", "2"),
                )
            },
            effect: |fixture| {
                let reported = &fixture.driver.events;
                let history = matches!(
                    reported[..],
                    [SessionEvent::History {
                        enabled: true,
                        settable: true,
                        ..
                    }]
                );
                assert!(history, "{reported:?}");
            },
            ..archive()
        },
        Row {
            when: "with the resource",
            then: "the number of missed conversations is reported, and the archive may have grown",
            effect: |fixture| {
                let reported = [
                    SessionEvent::UnreadConversations(3),
                    SessionEvent::MoreArchived(true),
                ];
                assert_eq!(fixture.driver.events, reported);
            },
            ..archive()
        },
        Row {
            when: "without it",
            then: "the resource is read; the archive may have grown",
            event: |_, kind| json!({"type": kind, "link": {"rel": "missedItems", "href": MISSED_ITEMS}}),
            effect: |fixture| {
                assert_eq!(fixture.driver.events, [SessionEvent::MoreArchived(true)]);
                fixture.driver.reply("GET", MISSED_ITEMS, 200, missed(4));
                let reported = fixture.driver.events.last();
                assert_eq!(reported, Some(&SessionEvent::UnreadConversations(4)));
            },
            ..archive()
        },
        Row {
            types: &["deleted"],
            then: "the resource is no longer read",
            fixture: with_archive,
            event: |_, kind| json!({"type": kind, "link": {"rel": "missedItems", "href": MISSED_ITEMS}}),
            effect: |fixture| {
                fixture.nothing_follows();
                fixture.driver.page_with("resync", Value::Array(Vec::new()));
                assert!(!fixture.driver.is_sent("GET", MISSED_ITEMS));
            },
            ..archive()
        },
    ]
}
