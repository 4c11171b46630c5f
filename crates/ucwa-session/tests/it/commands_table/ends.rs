//! Answering, stopping, leaving and acknowledging.

use serde_json::json;
use ucwa_session::*;

use super::*;

pub(super) fn rows() -> Vec<Row> {
    let leaving = || Row {
        command: "Leave",
        operation: |given| Operation::Leave(given.key),
        ..ROW
    };
    let stopping = || Row {
        command: "StopChat",
        operation: |given| Operation::StopChat(given.key),
        ..ROW
    };
    vec![
        Row {
            command: "Accept",
            when: "the peer invites",
            sends: &[ACCEPT],
            ends: "the invitation, completed with Success; not the answer",
            given: offered_by_lene,
            operation: |given| Operation::Accept(given.key),
            end: |given| {
                no_content(given);
                assert_eq!(given.bench.completed.len(), 1, "only the sign-in");
                given.bench.page(offer_completed("17b", "Success"));
            },
            ..ROW
        },
        Row {
            command: "Decline",
            when: "the peer invites",
            sends: &[DECLINE],
            ends: "the answer",
            given: offered_by_lene,
            operation: |given| Operation::Decline(given.key),
            end: no_content,
            ..ROW
        },
        Row {
            when: "an invitation is under way",
            sends: &[TERMINATE],
            ends: "the invitation, completed",
            given: ringing,
            end: |given| {
                no_content(given);
                is_cancelled(given);
            },
            ..stopping()
        },
        Row {
            when: "an invitation was posted, and nobody told yet where to cancel it: that is remembered",
            ends: "the invitation, cancelled and completed",
            given: inviting,
            end: |given| {
                let started = invitation("started", &given.operation, "21a1", "Connecting");
                given.bench.page(senders("21a1", vec![(false, started)]));
                given.bench.reply("POST", TERMINATE.1, 204, Value::Null);
                is_cancelled(given);
            },
            ..stopping()
        },
        Row {
            when: "the chat stands",
            sends: &[TERMINATE],
            ends: "the answer, 404 and 410 too",
            end: no_content,
            ..stopping()
        },
        Row {
            when: "not begun",
            given: not_begun,
            ..leaving()
        },
        Row {
            when: "over",
            given: ended,
            ..leaving()
        },
        Row {
            when: "the peer invites",
            sends: &[DECLINE],
            ends: "the answer",
            given: offered_by_lene,
            end: no_content,
            ..leaving()
        },
        Row {
            when: "an invitation is under way",
            sends: &[TERMINATE],
            ends: "the invitation, completed",
            given: ringing,
            end: |given| {
                no_content(given);
                is_cancelled(given);
            },
            ..leaving()
        },
        Row {
            when: "established",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the answer, 404 and 410 too",
            end: no_content,
            ..leaving()
        },
        Row {
            when: "established, and the server deletes no conversations: the chat is stopped",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the answer to that",
            end: |given| {
                answered(given, 405, json!({"code": "MethodNotAllowed"}));
                given.bench.reply("POST", TERMINATE.1, 204, Value::Null);
            },
            ..leaving()
        },
        Row {
            when: "being declined, stopped or left",
            ends: "what is under way",
            given: || {
                let mut given = established();
                given.bench.submit(Operation::StopChat(given.key));
                given
            },
            end: no_content,
            ..leaving()
        },
        Row {
            command: "Acknowledge",
            when: "with `userAcknowledged`",
            sends: &[("POST", "/seen")],
            ends: "the answer",
            given: || {
                let mut given = established();
                let mut event = conversation_event("updated", "21a1", "Connected");
                event["_embedded"]["conversation"]["_links"]["userAcknowledged"] =
                    json!({"href": "/seen"});
                given.bench.page(senders("21a1", vec![(false, event)]));
                given
            },
            operation: |given| Operation::Acknowledge(given.key),
            end: no_content,
            ..ROW
        },
    ]
}
