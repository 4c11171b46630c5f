//! The archive.

use ucwa_session::*;

use super::*;
use crate::history::{communication, list, log, log_href, logs_href, said, transcripts, with_one};

const COMMUNICATION: &str = "/ucwa/oauth/v1/applications/102/communication";
const LOGS: (&str, &str) = (
    "GET",
    "/ucwa/oauth/v1/applications/102/communication/conversationLogs",
);

/// Signed in where there is an archive, with one conversation of it found.
fn with_archive() -> Given {
    let (bench, key) = with_one();
    Given::new(bench, key, "21a1")
}

pub(super) fn rows() -> Vec<Row> {
    let archive = || Row {
        given: with_archive,
        ..ROW
    };
    let without = || Row {
        given: signed_in,
        when: "the server does not offer it",
        ends: "at once, as NotSupported",
        outcome: None,
        ..ROW
    };
    let listing = |_: &Given| Operation::ListArchived { count: 20 };
    vec![
        Row {
            command: "SetHistory",
            when: "`communication` has an `etag`",
            sends: &[("GET", COMMUNICATION)],
            ends: "`communication` updated, after the PUT of all that was read",
            operation: |_| Operation::SetHistory(true),
            end: |given| {
                answered(given, 200, communication("Disabled", "5"));
                given.bench.reply("PUT", COMMUNICATION, 200, Value::Null);
                let now = communication("Enabled", "6");
                let event = event("updated", "communication", COMMUNICATION, now);
                given.bench.page(senders("21a1", vec![(false, event)]));
            },
            ..archive()
        },
        Row {
            command: "SetHistory",
            operation: |_| Operation::SetHistory(true),
            ..without()
        },
        Row {
            command: "ListArchived",
            when: "there is a `conversationLogs`",
            sends: &[LOGS],
            ends: "the answers, after a batch of the logs that were not read before",
            operation: listing,
            end: |given| {
                given.bench.reply("GET", &logs_href(), 200, list([9, 7]));
                let log = log(9, "t9", LENE);
                given.bench.reply("GET", &log_href(9), 200, log);
            },
            ..archive()
        },
        Row {
            command: "ListArchived",
            operation: listing,
            ..without()
        },
        Row {
            command: "ReadArchived",
            when: "a log of it is not read to its end",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/communication/conversationLogs/7/transcripts",
            )],
            ends: "the answer; a page without a message is turned over",
            operation: |given| Operation::ReadArchived(given.key),
            end: |given| {
                let page = transcripts(&[said(1000, false, "Hi")], None);
                answered(given, 200, page);
                let changes = given.changes();
                assert!(matches!(changes[0], ConversationChange::Archived(_)));
            },
            ..archive()
        },
        Row {
            command: "ReadArchived",
            when: "no log of it is known",
            given: || {
                let mut given = with_archive();
                given.key = chat();
                given.bench.submit(Operation::OpenConversation {
                    conversation: chat(),
                    participant: peer(),
                    peer: LENE.to_owned(),
                });
                given
            },
            operation: |given| Operation::ReadArchived(given.key),
            ..ROW
        },
    ]
}
