//! Every event of UCWA that means something to a chat, a row each: who sends it, what it links to, in which view, of which
//! types, and what follows from it. The guide lists the same rows, and a test keeps the two the same.

mod communication;
mod conversation;
mod conversation_views;
mod people;

use serde_json::{Value, json};
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::pages::*;

/// What one event leads to.
struct Row {
    /// The rel of the sender.
    sender: &'static str,
    /// The rel of the link.
    rel: &'static str,
    /// The rel of the `in`, if the event has one.
    within: Option<&'static str>,
    types: &'static [&'static str],
    /// Under which condition.
    when: &'static str,
    /// What follows.
    then: &'static str,
    given: fn() -> Given,
    event: fn(&Given, &str) -> Value,
    effect: fn(&mut Given),
}

/// What is so before the event.
struct Given {
    bench: Bench,
    /// The conversation that it is about.
    key: ConversationKey,
    /// The id of that in its hrefs.
    id: &'static str,
    /// The operation that is under way, if one is.
    operation: String,
    ticket: Option<Ticket>,
}

impl Given {
    fn new(bench: Bench, key: ConversationKey, id: &'static str) -> Self {
        Self {
            bench,
            key,
            id,
            operation: String::new(),
            ticket: None,
        }
    }

    fn changes(&mut self) -> Vec<ConversationChange> {
        self.bench.changes(self.key)
    }

    /// The event changes this of the conversation, and nothing else.
    #[track_caller]
    fn changes_are(&mut self, expected: &[ConversationChange]) {
        assert_eq!(self.changes(), expected);
    }

    /// Nothing follows: no change, no request but the pending GET.
    #[track_caller]
    fn nothing_follows(&mut self) {
        assert_eq!(self.bench.events, []);
        assert_eq!(self.bench.sent.len(), 1, "{:?}", self.bench.sent);
    }

    /// The operation that was under way has ended so.
    #[track_caller]
    fn ended_with(&self, result: &Result<Outcome, Failure>) {
        assert_eq!(self.bench.result(self.ticket.unwrap()), Some(result));
    }

    /// Why the operation that was under way failed.
    #[track_caller]
    fn failure(&self) -> &Failure {
        self.bench.failure(self.ticket.unwrap())
    }

    fn lene(&self) -> String {
        participant_href(self.id)
    }

    fn messages(&self) -> String {
        format!("{}/messaging/messages", conversation_href(self.id))
    }
}

const INVITATIONS: &str = "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

fn signed_in() -> Given {
    Given::new(Bench::signed_in(), chat(), "21a1")
}

/// A message is on its way inside an invitation, of which no event has told.
fn inviting() -> Given {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello Lene");
    let request = bench.created("POST", INVITATIONS, INVITATION).json();
    bench.events.clear();
    Given {
        operation: request["operationId"].as_str().unwrap().to_owned(),
        ticket: Some(ticket),
        ..Given::new(bench, chat(), "21a1")
    }
}

/// The invitation has started.
fn ringing() -> Given {
    let mut given = inviting();
    let started = invitation("started", &given.operation, "21a1", "Connecting");
    given.bench.page(senders("21a1", vec![(false, started)]));
    given.bench.events.clear();
    given
}

/// The chat stands.
fn established() -> Given {
    Given::new(crate::sending::established(), chat(), "21a1")
}

/// The chat stands, and a message was taken by the server, as number 2.
fn handed_over() -> Given {
    let mut given = established();
    given.ticket = Some(given.bench.send(1, "x"));
    let (messages, href) = (given.messages(), message_href("21a1", "2"));
    given.bench.created("POST", &messages, &href);
    given.bench.events.clear();
    given
}

/// Lene invites.
fn offered_by_lene() -> Given {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.events.clear();
    Given::new(bench, key, "17b")
}

/// Lene's invitation is being accepted.
fn accepting() -> Given {
    let mut given = offered_by_lene();
    given.ticket = Some(given.bench.submit(Operation::Accept(given.key)));
    let accept = format!("{INVITATION}/accept");
    given.bench.reply("POST", &accept, 204, Value::Null);
    given.bench.events.clear();
    given
}

fn rows() -> Vec<Row> {
    [
        communication::rows(),
        conversation::rows(),
        conversation_views::rows(),
        people::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_event_has_its_effect() {
    for row in rows() {
        for kind in row.types {
            // What a failing test prints last is the row that it failed at.
            let within = row
                .within
                .map_or(String::new(), |view| format!(" in {view}"));
            println!("{} {}{within} {kind}: {}", row.sender, row.rel, row.when);
            let mut given = (row.given)();
            let event = (row.event)(&given, kind);
            assert_eq!(event["type"], **kind);
            assert_eq!(event["link"]["rel"], row.rel);
            assert_eq!(event["in"]["rel"].as_str(), row.within);
            let href = match row.sender {
                "conversation" => conversation_href(given.id),
                other => format!("{APP}/{other}"),
            };
            let sender = json!({"rel": row.sender, "href": href, "events": [event]});
            given.bench.page(json!([sender]));
            (row.effect)(&mut given);
        }
    }
}

/// The rows as the guide shows them.
fn page() -> String {
    let mut page = String::from(
        "# Events\n\n\
         What the session makes of each event of UCWA. The first three columns are the rels of the sender, of the link and\n\
         of the `in`, as `EventsInUCWA` names them. A test plays every row and keeps this page true.\n\n\
         | sender | link | in | type | when | what follows |\n|---|---|---|---|---|---|\n",
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
    page.push_str("\nEvents of anything else are ignored.\n");
    page
}

#[test]
fn the_guide_lists_every_row() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/events.md");
    if std::env::var_os("WRITE_GUIDE").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == page(),
        "docs/src/events.md is not what the table says; run this test with WRITE_GUIDE=1"
    );
}

/// The rels that a client of chats hears of, by sender (`EventsInUCWA` and the pages of the resources).
const HEARD_OF: [(&str, &[&str]); 4] = [
    (
        "communication",
        &[
            "communication",
            "conversation",
            "messagingInvitation",
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
            "contactSupportedModalities",
            "presenceSubscription",
        ],
    ),
];

#[test]
fn no_event_is_forgotten() {
    let rows = rows();
    for (sender, rels) in HEARD_OF {
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
fn what_nobody_knows_changes_nothing() {
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
            let mut given = established();
            let href = match sender {
                "conversation" => conversation_href("21a1"),
                other => format!("{APP}/{other}"),
            };
            let event = json!({"link": {"rel": rel, "href": format!("{APP}/x")}, "type": kind});
            given
                .bench
                .page(json!([{"rel": sender, "href": href, "events": [event]}]));
            given.nothing_follows();
        }
    }
}
