//! The table of commands: for each command and state, the requests that are sent and what completes the command. The
//! guide prints the same rows, and a test compares the two.

mod contacts;
mod ends;
mod history;
mod meetings;
mod people;
mod starts;

use std::time::Duration;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::driver::*;
use crate::fixtures::*;
use crate::pages::*;
use crate::people::LENE;

/// A row of the table.
struct Row {
    command: &'static str,
    /// The state.
    when: &'static str,
    /// The requests, by method and target.
    sends: &'static [(&'static str, &'static str)],
    /// What completes the command.
    ends: &'static str,
    fixture: fn() -> Fixture,
    operation: fn(&Fixture) -> Operation,
    /// Completes the command.
    end: fn(&mut Fixture),
    outcome: Option<Outcome>,
}

const ROW: Row = Row {
    command: "",
    when: "",
    sends: &[],
    ends: "at once",
    fixture: established,
    operation: |_| Operation::SignOut,
    end: |_| {},
    outcome: Some(Outcome::Done),
};

const CONVERSATION: &str = "/ucwa/oauth/v1/applications/102/communication/conversations/21a1";
const START: (&str, &str) = ("POST", INVITATIONS);
const ADD: (&str, &str) = (
    "POST",
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations?conversationId=21a1",
);
const ACCEPT: (&str, &str) = (
    "POST",
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations/60c/accept",
);
const DECLINE: (&str, &str) = (
    "POST",
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations/60c/decline",
);
const TERMINATE: (&str, &str) = (
    "POST",
    "/ucwa/oauth/v1/applications/102/communication/conversations/21a1/messaging/terminate",
);
const MESSAGES: (&str, &str) = (
    "POST",
    "/ucwa/oauth/v1/applications/102/communication/conversations/21a1/messaging/messages",
);
const MEETINGS: &str = "/ucwa/oauth/v1/applications/102/communication/onlineMeetingInvitations";

fn send(fixture: &Fixture) -> Operation {
    Operation::SendMessage {
        conversation: fixture.key,
        message: MessageKey::Local(5),
        body: MessageBody::Text("Hi".to_owned()),
        subject: None,
        message_id: None,
    }
}

fn start(fixture: &Fixture) -> Operation {
    Operation::StartChat {
        conversation: fixture.key,
        subject: None,
        context: None,
    }
}

fn not_begun() -> Fixture {
    Fixture::new(TestDriver::with_conversation(), chat(), "21a1")
}

/// The conversation is established and its chat has ended.
fn without_chat() -> Fixture {
    let mut fixture = established();
    let over = messaging("21a1", "Disconnected");
    fixture.driver.page(senders("21a1", vec![(true, over)]));
    fixture.driver.advance(Duration::from_secs(10));
    let lives = conversation_event("x", "21a1", "Connected")["_embedded"]["conversation"].clone();
    fixture.driver.reply("GET", CONVERSATION, 200, lives);
    fixture
}

fn ended() -> Fixture {
    let mut fixture = established();
    let over = conversation_event("updated", "21a1", "Disconnected");
    fixture.driver.page(senders("21a1", vec![(false, over)]));
    fixture
}

/// The last invitation is accepted.
fn is_accepted(fixture: &mut Fixture) {
    let posted = fixture
        .driver
        .created("POST", INVITATIONS, INVITATION)
        .json();
    let operation = posted["operationId"].as_str().unwrap();
    let started = invitation("started", operation, "21a1", "Connecting");
    fixture.driver.page(senders("21a1", vec![(false, started)]));
    fixture
        .driver
        .page(senders("21a1", accepted(operation, "21a1")));
}

/// The last invitation was cancelled and fails.
fn is_cancelled(fixture: &mut Fixture) {
    let cancelled = invitation("completed", &fixture.operation, "21a1", "Cancelled");
    let cancelled = with(cancelled, "status", json!("Failure"));
    fixture
        .driver
        .page(senders("21a1", vec![(false, cancelled)]));
}

/// The last message is delivered.
fn is_delivered(fixture: &mut Fixture) {
    let (messages, href) = (fixture.messages(), message_href(fixture.id, "5"));
    fixture.driver.created("POST", &messages, &href);
    let delivered = delivery_event(fixture.id, "5", "Success");
    fixture
        .driver
        .page(senders(fixture.id, vec![(true, delivered)]));
}

/// Answers the one request in flight besides the poll.
fn answered(fixture: &mut Fixture, status: u16, body: Value) {
    let sent = fixture
        .driver
        .sent
        .iter()
        .position(|sent| sent.lane == Lane::Commands);
    let sent = fixture.driver.sent.remove(sent.unwrap()).unwrap();
    fixture.driver.respond(sent.id, answer(status, body));
}

fn no_content(fixture: &mut Fixture) {
    answered(fixture, 204, Value::Null);
}

fn of_the_session() -> Vec<Row> {
    vec![
        Row {
            command: "SignIn",
            when: "not signed in",
            sends: &[("GET", "/")],
            ends: "the response with the application, after `user`, the token, `applications` and `makeMeAvailable`",
            fixture: || Fixture::new(TestDriver::new(TestDriver::config()), chat(), "21a1"),
            operation: |_| Operation::SignIn(TestDriver::credentials()),
            end: |fixture| {
                fixture.driver.discover();
                fixture.driver.create_application();
            },
            ..ROW
        },
        Row {
            command: "SignOut",
            when: "signed in",
            sends: &[("DELETE", "/ucwa/oauth/v1/applications/102")],
            ends: "the response, including 404 and 410",
            end: no_content,
            ..ROW
        },
        Row {
            command: "OpenConversation",
            when: "any",
            fixture: signed_in,
            operation: |_| Operation::OpenConversation {
                conversation: chat(),
                participant: peer(),
                peer: LENE.to_owned(),
            },
            ..ROW
        },
        Row {
            command: "ForgetConversation",
            when: "established",
            sends: &[("DELETE", CONVERSATION)],
            ends: "as Leave",
            operation: |fixture| Operation::ForgetConversation(fixture.key),
            end: no_content,
            ..ROW
        },
        Row {
            command: "ForgetConversation",
            when: "not started, or ended",
            fixture: ended,
            operation: |fixture| Operation::ForgetConversation(fixture.key),
            ..ROW
        },
    ]
}

fn rows() -> Vec<Row> {
    [
        of_the_session(),
        starts::rows(),
        ends::rows(),
        meetings::rows(),
        people::rows(),
        contacts::rows(),
        history::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_command_sends_its_requests_and_completes() {
    for row in rows() {
        // The last line that a failing test prints names its row.
        println!("{}: {}", row.command, row.when);
        let mut fixture = (row.fixture)();
        let before: Vec<_> = fixture.driver.sent.iter().map(|sent| sent.id).collect();
        let operation = (row.operation)(&fixture);
        let shown = format!("{operation:?}");
        let shown = shown.strip_prefix("Contacts(").unwrap_or(&shown);
        assert!(shown.starts_with(row.command), "{shown}");
        let ticket = fixture.driver.submit(operation);
        if row.ends.starts_with("at once") {
            assert!(
                fixture.driver.result(ticket).is_some(),
                "the command completed too early"
            );
        }
        // Reads of people are collected for a moment.
        fixture.driver.advance(Duration::from_secs(1));
        let sent: Vec<_> = fixture
            .driver
            .sent
            .iter()
            .filter(|sent| !before.contains(&sent.id))
            .map(|sent| (sent.request.method().to_string(), sent.target()))
            .collect();
        assert_eq!(sent.len(), row.sends.len(), "{sent:?}");
        for ((method, target), expected) in sent.iter().zip(row.sends) {
            assert!(
                method == expected.0 && target.starts_with(expected.1),
                "{method} {target} is not {expected:?}"
            );
        }
        if !row.ends.starts_with("at once") {
            assert_eq!(fixture.driver.result(ticket), None);
            (row.end)(&mut fixture);
        }
        match (fixture.driver.result(ticket), &row.outcome) {
            (Some(Ok(outcome)), Some(expected)) => assert_eq!(outcome, expected),
            (Some(Err(_)), None) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The rows in the format of the guide. Targets are printed without the part that differs between applications.
fn page() -> String {
    let mut page = String::from(
        "# Commands\n\n\
         The requests that the session sends for each operation, and what completes the operation. A test runs every row and\n\
         compares it with this page. The addresses are examples: all of them come from the server.\n\n\
         | operation | state | requests | completed by |\n|---|---|---|---|\n",
    );
    for row in rows() {
        let sends: Vec<_> = row
            .sends
            .iter()
            .map(|(method, target)| match target.trim_start_matches(APP) {
                "" => format!("{method} the application"),
                target => format!("{method} `{target}`"),
            })
            .collect();
        page.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            row.command,
            row.when,
            if sends.is_empty() {
                "nothing".to_owned()
            } else {
                sends.join(", ")
            },
            row.ends,
        ));
    }
    page
}

#[test]
fn the_guide_lists_every_row() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/commands.md");
    if std::env::var_os("WRITE_GUIDE").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let printed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        printed == page(),
        "docs/src/commands.md is not what the table says; run this test with WRITE_GUIDE=1"
    );
}
