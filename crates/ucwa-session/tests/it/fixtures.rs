//! Sessions in the states in which tests start.

use serde_json::Value;
use ucwa_session::*;

use crate::bench::*;
use crate::channel::first_remote;
use crate::pages::*;

/// A session in some state, and the conversation and the operation that the test is about.
pub(crate) struct Fixture {
    pub(crate) bench: Bench,
    /// The conversation.
    pub(crate) key: ConversationKey,
    /// The ID of the conversation in its hrefs.
    pub(crate) id: &'static str,
    /// The operation ID of the request in progress, or empty.
    pub(crate) operation: String,
    pub(crate) ticket: Option<Ticket>,
}

impl Fixture {
    pub(crate) fn new(bench: Bench, key: ConversationKey, id: &'static str) -> Self {
        Self {
            bench,
            key,
            id,
            operation: String::new(),
            ticket: None,
        }
    }

    pub(crate) fn changes(&mut self) -> Vec<ConversationChange> {
        self.bench.changes(self.key)
    }

    /// Asserts that these are the changes of the conversation.
    #[track_caller]
    pub(crate) fn changes_are(&mut self, expected: &[ConversationChange]) {
        assert_eq!(self.changes(), expected);
    }

    /// Asserts that there are no events, and no request but the pending GET.
    #[track_caller]
    pub(crate) fn nothing_follows(&mut self) {
        assert_eq!(self.bench.events, []);
        assert_eq!(self.bench.sent.len(), 1, "{:?}", self.bench.sent);
    }

    /// Asserts the result of the operation.
    #[track_caller]
    pub(crate) fn ended_with(&self, result: &Result<Outcome, Failure>) {
        assert_eq!(self.bench.result(self.ticket.unwrap()), Some(result));
    }

    /// The failure of the operation.
    #[track_caller]
    pub(crate) fn failure(&self) -> &Failure {
        self.bench.failure(self.ticket.unwrap())
    }

    pub(crate) fn lene(&self) -> String {
        participant_href(self.id)
    }

    pub(crate) fn messages(&self) -> String {
        format!("{}/messaging/messages", conversation_href(self.id))
    }
}

pub(crate) const INVITATIONS: &str =
    "/ucwa/oauth/v1/applications/102/communication/messagingInvitations";

pub(crate) fn signed_in() -> Fixture {
    Fixture::new(Bench::signed_in(), chat(), "21a1")
}

/// A message travels in an invitation, and no event about it has arrived.
pub(crate) fn inviting() -> Fixture {
    let mut bench = Bench::with_conversation();
    let ticket = bench.send(1, "Hello Lene");
    let request = bench.created("POST", INVITATIONS, INVITATION).json();
    bench.events.clear();
    Fixture {
        operation: request["operationId"].as_str().unwrap().to_owned(),
        ticket: Some(ticket),
        ..Fixture::new(bench, chat(), "21a1")
    }
}

/// The invitation has started.
pub(crate) fn ringing() -> Fixture {
    let mut fixture = inviting();
    let started = invitation("started", &fixture.operation, "21a1", "Connecting");
    fixture.bench.page(senders("21a1", vec![(false, started)]));
    fixture.bench.events.clear();
    fixture
}

/// The chat is established.
pub(crate) fn established() -> Fixture {
    Fixture::new(crate::sending::established(), chat(), "21a1")
}

/// The chat is established, and the server has taken message 2.
pub(crate) fn handed_over() -> Fixture {
    let mut fixture = established();
    fixture.ticket = Some(fixture.bench.send(1, "x"));
    let (messages, href) = (fixture.messages(), message_href("21a1", "2"));
    fixture.bench.created("POST", &messages, &href);
    fixture.bench.events.clear();
    fixture
}

/// An invitation of Lene's has arrived.
pub(crate) fn offered_by_lene() -> Fixture {
    let mut bench = Bench::signed_in();
    bench.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&bench));
    bench.events.clear();
    Fixture::new(bench, key, "17b")
}

/// Lene's invitation is being accepted.
pub(crate) fn accepting() -> Fixture {
    let mut fixture = offered_by_lene();
    fixture.ticket = Some(fixture.bench.submit(Operation::Accept(fixture.key)));
    let accept = format!("{INVITATION}/accept");
    fixture.bench.reply("POST", &accept, 204, Value::Null);
    fixture.bench.events.clear();
    fixture
}
