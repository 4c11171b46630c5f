//! Commands that accept, decline, stop, leave and acknowledge.

use serde_json::json;
use ucwa_session::*;

use super::*;

pub(super) fn rows() -> Vec<Row> {
    let leaving = || Row {
        command: "Leave",
        operation: |fixture| Operation::Leave(fixture.key),
        ..ROW
    };
    let stopping = || Row {
        command: "StopChat",
        operation: |fixture| Operation::StopChat(fixture.key),
        ..ROW
    };
    vec![
        Row {
            command: "Accept",
            when: "an incoming invitation is pending",
            sends: &[ACCEPT],
            ends: "the invitation, completed with Success; not the response",
            fixture: invited_by_lene,
            operation: |fixture| Operation::Accept(fixture.key),
            end: |fixture| {
                no_content(fixture);
                assert_eq!(
                    fixture.driver.completed.len(),
                    1,
                    "only the sign-in has completed"
                );
                fixture.driver.page(offer_completed("17b", "Success"));
            },
            ..ROW
        },
        Row {
            command: "Decline",
            when: "an incoming invitation is pending",
            sends: &[DECLINE],
            ends: "the response",
            fixture: invited_by_lene,
            operation: |fixture| Operation::Decline(fixture.key),
            end: no_content,
            ..ROW
        },
        Row {
            when: "an invitation is pending",
            sends: &[TERMINATE],
            ends: "the invitation, completed",
            fixture: invitation_started,
            end: |fixture| {
                no_content(fixture);
                is_cancelled(fixture);
            },
            ..stopping()
        },
        Row {
            when: "an invitation is pending without a cancel link: the cancellation is delayed",
            ends: "the invitation, cancelled and completed",
            fixture: inviting,
            end: |fixture| {
                let started = invitation("started", &fixture.operation, "21a1", "Connecting");
                fixture.driver.page(senders("21a1", vec![(false, started)]));
                fixture.driver.reply("POST", TERMINATE.1, 204, Value::Null);
                is_cancelled(fixture);
            },
            ..stopping()
        },
        Row {
            when: "the chat is established",
            sends: &[TERMINATE],
            ends: "the response, including 404 and 410",
            end: no_content,
            ..stopping()
        },
        Row {
            when: "not started",
            fixture: not_begun,
            ..leaving()
        },
        Row {
            when: "ended",
            fixture: ended,
            ..leaving()
        },
        Row {
            when: "an incoming invitation is pending",
            sends: &[DECLINE],
            ends: "the response",
            fixture: invited_by_lene,
            end: no_content,
            ..leaving()
        },
        Row {
            when: "an invitation is pending",
            sends: &[TERMINATE],
            ends: "the invitation, completed",
            fixture: invitation_started,
            end: |fixture| {
                no_content(fixture);
                is_cancelled(fixture);
            },
            ..leaving()
        },
        Row {
            when: "established",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the response, including 404 and 410",
            end: no_content,
            ..leaving()
        },
        Row {
            when: "established, on a server that does not delete conversations: the chat is stopped",
            sends: &[("DELETE", CONVERSATION)],
            ends: "the response to that",
            end: |fixture| {
                answered(fixture, 405, json!({"code": "MethodNotAllowed"}));
                fixture.driver.reply("POST", TERMINATE.1, 204, Value::Null);
            },
            ..leaving()
        },
        Row {
            when: "being declined, stopped or left",
            ends: "the request in flight",
            fixture: || {
                let mut fixture = established();
                fixture.driver.submit(Operation::StopChat(fixture.key));
                fixture
            },
            end: no_content,
            ..leaving()
        },
        Row {
            command: "Acknowledge",
            when: "with `userAcknowledged`",
            sends: &[("POST", "/seen")],
            ends: "the response",
            fixture: || {
                let mut fixture = established();
                let mut event = conversation_event("updated", "21a1", "Connected");
                event["_embedded"]["conversation"]["_links"]["userAcknowledged"] =
                    json!({"href": "/seen"});
                fixture.driver.page(senders("21a1", vec![(false, event)]));
                fixture
            },
            operation: |fixture| Operation::Acknowledge(fixture.key),
            end: no_content,
            ..ROW
        },
    ]
}
