//! Commands that start chats and send messages.

use serde_json::json;
use ucwa_session::*;

use super::*;
use crate::{conference, conference_start};

pub(super) fn rows() -> Vec<Row> {
    let starting = || Row {
        command: "StartChat",
        ends: "the invitation, completed with Success",
        operation: start,
        end: is_accepted,
        ..ROW
    };
    let sending = || Row {
        command: "SendMessage",
        operation: send,
        outcome: Some(Outcome::Delivered),
        ..ROW
    };
    vec![
        Row {
            when: "not started, or ended",
            sends: &[START],
            fixture: not_begun,
            ..starting()
        },
        Row {
            when: "established without a chat",
            sends: &[ADD],
            fixture: without_chat,
            ..starting()
        },
        Row {
            when: "not started, with several participants",
            sends: &[("POST", MEETINGS)],
            fixture: || Fixture::new(conference_start::of_three(), chat(), "21a1"),
            end: |fixture| {
                let posted = fixture.driver.created("POST", MEETINGS, "/x").json();
                let ours = json!({"direction": "Outgoing", "state": "Connected", "operationId": posted["operationId"]});
                let done = conference::meeting_invitation("completed", "21a1", ours);
                let done = with(done, "status", json!("Success"));
                fixture.driver.page(senders("21a1", vec![(false, done)]));
            },
            ..starting()
        },
        Row {
            when: "a conference that this user has left",
            sends: &[("POST", MEETINGS)],
            fixture: || Fixture::new(conference_start::left(), chat(), "21a1"),
            end: |fixture| {
                let posted = fixture.driver.created("POST", MEETINGS, "/y").json();
                assert_eq!(posted["onlineMeetingUri"], conference::MEETING);
                let ours = json!({"direction": "Outgoing", "state": "Connected", "operationId": posted["operationId"]});
                let done = conference::meeting_invitation("completed", "22b2", ours);
                let done = with(done, "status", json!("Success"));
                fixture.driver.page(senders("22b2", vec![(false, done)]));
            },
            ..starting()
        },
        Row {
            command: "SetImportance",
            when: "any state",
            operation: |fixture| Operation::SetImportance {
                conversation: fixture.key,
                importance: Importance::Urgent,
            },
            ..ROW
        },
        Row {
            command: "StartChat",
            when: "being established, or established",
            ends: "at once, with an error",
            operation: start,
            outcome: None,
            ..ROW
        },
        Row {
            when: "not started, or ended: the message travels in the invitation",
            sends: &[START],
            ends: "the invitation, completed with Success",
            fixture: ended,
            end: is_accepted,
            ..sending()
        },
        Row {
            when: "an invitation is pending: the message is queued",
            ends: "the message, completed with Success",
            fixture: invitation_started,
            end: |fixture| {
                let events = accepted(&fixture.operation, "21a1");
                fixture.driver.page(senders("21a1", events));
                is_delivered(fixture);
            },
            ..sending()
        },
        Row {
            when: "an incoming invitation is pending: it is accepted, and the message is queued",
            sends: &[ACCEPT],
            ends: "the message, completed with Success",
            fixture: invited_by_lene,
            end: |fixture| {
                fixture.driver.reply("POST", ACCEPT.1, 204, Value::Null);
                fixture.driver.page(offer_completed("17b", "Success"));
                is_delivered(fixture);
            },
            ..sending()
        },
        Row {
            when: "the chat is established",
            sends: &[MESSAGES],
            ends: "the message, completed with Success",
            end: is_delivered,
            ..sending()
        },
        Row {
            when: "established without a chat: the message travels in the invitation",
            sends: &[ADD],
            ends: "the invitation, completed with Success",
            fixture: without_chat,
            end: is_accepted,
            ..sending()
        },
        Row {
            command: "SendIsTyping",
            when: "the chat is established",
            sends: &[(
                "POST",
                "/ucwa/oauth/v1/applications/102/communication/conversations/21a1/messaging/typing",
            )],
            ends: "the response",
            operation: |fixture| Operation::SendIsTyping(fixture.key),
            end: |fixture| {
                let typing = format!("{}/messaging/typing", conversation_href("21a1"));
                fixture.driver.reply("POST", &typing, 204, Value::Null);
            },
            ..ROW
        },
    ]
}
