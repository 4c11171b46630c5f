//! Events of `communication` about the archive.

use serde_json::{Value, json};
use ucwa_session::*;

use super::Row;
use crate::bench::*;
use crate::given::*;
use crate::history::{self, communication, missed};
use crate::pages::event;

const COMMUNICATION: &str = "/ucwa/oauth/v1/applications/102/communication";
const MISSED_ITEMS: &str = "/ucwa/oauth/v1/applications/102/communication/missedItems";

fn with_archive() -> Given {
    Given::new(history::signed_in(), chat(), "21a1")
}

/// The list was read to its end.
fn complete() -> Given {
    let mut given = with_archive();
    given.bench.submit(Operation::ListArchived { count: 1 });
    let list = history::list([]);
    given.bench.reply("GET", &history::logs_href(), 200, list);
    given.bench.events.clear();
    given
}

pub(super) fn rows() -> Vec<Row> {
    let archive = || Row {
        sender: "communication",
        rel: "missedItems",
        within: None,
        types: &["added", "updated"],
        when: "",
        then: "",
        given: complete,
        event: |_, kind| event(kind, "missedItems", MISSED_ITEMS, missed(3)),
        effect: |_| {},
    };
    vec![
        Row {
            rel: "communication",
            when: "`conversationHistory` changed",
            then: "the server archives, or does not any more",
            given: with_archive,
            event: |_, kind| {
                event(
                    kind,
                    "communication",
                    COMMUNICATION,
                    communication("Enabled", "2"),
                )
            },
            effect: |given| {
                let history = SessionEvent::History {
                    enabled: true,
                    settable: true,
                };
                assert_eq!(given.bench.events, [history]);
            },
            ..archive()
        },
        Row {
            when: "with the resource",
            then: "so many conversations were missed, and there may be more in the archive",
            effect: |given| {
                let told = [
                    SessionEvent::UnreadConversations(3),
                    SessionEvent::MoreArchived(true),
                ];
                assert_eq!(given.bench.events, told);
            },
            ..archive()
        },
        Row {
            when: "without it",
            then: "it is read; there may be more in the archive",
            event: |_, kind| json!({"type": kind, "link": {"rel": "missedItems", "href": MISSED_ITEMS}}),
            effect: |given| {
                assert_eq!(given.bench.events, [SessionEvent::MoreArchived(true)]);
                given.bench.reply("GET", MISSED_ITEMS, 200, missed(4));
                let told = given.bench.events.last();
                assert_eq!(told, Some(&SessionEvent::UnreadConversations(4)));
            },
            ..archive()
        },
        Row {
            types: &["deleted"],
            then: "it is not read any more",
            given: with_archive,
            event: |_, kind| json!({"type": kind, "link": {"rel": "missedItems", "href": MISSED_ITEMS}}),
            effect: |given| {
                given.nothing_follows();
                given.bench.page_with("resync", Value::Array(Vec::new()));
                assert!(!given.bench.is_sent("GET", MISSED_ITEMS));
            },
            ..archive()
        },
    ]
}
