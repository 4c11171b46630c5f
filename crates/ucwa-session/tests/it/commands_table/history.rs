//! Commands on the archive.

use ucwa_session::*;

use super::*;
use crate::history::{
    communication, list, log, log_href, logs_href, transcript, transcripts, with_one, with_unread,
};

const COMMUNICATION: &str = "/ucwa/oauth/v1/applications/102/communication";
const LOGS: (&str, &str) = (
    "GET",
    "/ucwa/oauth/v1/applications/102/communication/conversationLogs",
);

/// Signed in to a server with an archive, with one archived conversation.
fn with_archive() -> Fixture {
    let (driver, key) = with_one();
    Fixture::new(driver, key, "21a1")
}

pub(super) fn rows() -> Vec<Row> {
    let archive = || Row {
        fixture: with_archive,
        ..ROW
    };
    let without = || Row {
        fixture: signed_in,
        when: "the server does not offer it",
        ends: "at once, as NotSupported",
        outcome: None,
        ..ROW
    };
    let listing = |_: &Fixture| Operation::ListArchived { count: 20 };
    vec![
        Row {
            command: "SetHistory",
            when: "`communication` has an `etag`",
            sends: &[("GET", COMMUNICATION)],
            ends: "the `updated` event of `communication`, after the PUT of the whole resource",
            operation: |_| Operation::SetHistory(true),
            end: |fixture| {
                answered(fixture, 200, communication("Disabled", "5"));
                fixture.driver.reply("PUT", COMMUNICATION, 200, Value::Null);
                let now = communication("Enabled", "6");
                let event = event("updated", "communication", COMMUNICATION, now);
                fixture.driver.page(senders("21a1", vec![(false, event)]));
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
            when: "the server offers `conversationLogs`",
            sends: &[LOGS],
            ends: "the responses to a batch of the unread logs",
            operation: listing,
            end: |fixture| {
                fixture.driver.reply("GET", &logs_href(), 200, list([9, 7]));
                let log = log(9, "t9", LENE);
                fixture.driver.reply("GET", &log_href(9), 200, log);
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
            when: "a log has unread pages",
            sends: &[(
                "GET",
                "/ucwa/oauth/v1/applications/102/communication/conversationLogs/7/transcripts",
            )],
            ends: "the response; pages without messages are skipped",
            operation: |fixture| Operation::ReadArchived(fixture.key),
            end: |fixture| {
                let page = transcripts(&[transcript(1000, false, "Hi")], None);
                answered(fixture, 200, page);
                let changes = fixture.changes();
                assert!(matches!(changes[0], ConversationChange::Archived(_)));
            },
            ..archive()
        },
        Row {
            command: "MarkAsRead",
            when: "a log has a `markAsRead` link",
            sends: &[(
                "POST",
                "/ucwa/oauth/v1/applications/102/communication/conversationLogs/9/markAsRead",
            )],
            ends: "the response",
            fixture: || {
                let (driver, key) = with_unread();
                Fixture::new(driver, key, "21a1")
            },
            operation: |fixture| Operation::MarkAsRead(fixture.key),
            end: |fixture| {
                no_content(fixture);
                assert_eq!(fixture.changes(), [ConversationChange::Unread(false)]);
            },
            ..ROW
        },
        Row {
            command: "MarkAsRead",
            when: "no log has one",
            operation: |fixture| Operation::MarkAsRead(fixture.key),
            ..archive()
        },
        Row {
            command: "ReadArchived",
            when: "no log is known",
            fixture: || {
                let mut fixture = with_archive();
                fixture.key = chat();
                fixture.driver.submit(Operation::OpenConversation {
                    conversation: chat(),
                    participant: peer(),
                    peer: LENE.to_owned(),
                });
                fixture
            },
            operation: |fixture| Operation::ReadArchived(fixture.key),
            ..ROW
        },
    ]
}
