//! Sessions in the states in which tests start.

use serde_json::Value;
use ucwa_session::*;

use crate::channel::first_remote;
use crate::driver::*;
use crate::pages::*;

/// A session in some state, and the conversation and the operation that the test is about.
pub(crate) struct Fixture {
    pub(crate) driver: TestDriver,
    /// The conversation.
    pub(crate) key: ConversationKey,
    /// The ID of the conversation in its hrefs.
    pub(crate) id: &'static str,
    /// The operation ID of the request in progress, or empty.
    pub(crate) operation: String,
    pub(crate) ticket: Option<Ticket>,
}

impl Fixture {
    pub(crate) fn new(driver: TestDriver, key: ConversationKey, id: &'static str) -> Self {
        Self {
            driver,
            key,
            id,
            operation: String::new(),
            ticket: None,
        }
    }

    pub(crate) fn changes(&mut self) -> Vec<ConversationChange> {
        self.driver.changes(self.key)
    }

    /// Asserts that these are the changes of the conversation.
    #[track_caller]
    pub(crate) fn changes_are(&mut self, expected: &[ConversationChange]) {
        assert_eq!(self.changes(), expected);
    }

    /// Asserts that there are no events, and no request but the pending GET.
    #[track_caller]
    pub(crate) fn nothing_follows(&mut self) {
        assert_eq!(self.driver.events, []);
        assert_eq!(self.driver.sent.len(), 1, "{:?}", self.driver.sent);
    }

    /// Asserts the result of the operation.
    #[track_caller]
    pub(crate) fn ended_with(&self, result: &Result<Outcome, Failure>) {
        assert_eq!(self.driver.result(self.ticket.unwrap()), Some(result));
    }

    /// The failure of the operation.
    #[track_caller]
    pub(crate) fn failure(&self) -> &Failure {
        self.driver.failure(self.ticket.unwrap())
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
    Fixture::new(TestDriver::signed_in(), chat(), "21a1")
}

/// A message travels in an invitation, and no event about it has arrived.
pub(crate) fn inviting() -> Fixture {
    let mut driver = TestDriver::with_conversation();
    let ticket = driver.send(1, "Hello Lene");
    let request = driver.created("POST", INVITATIONS, INVITATION).json();
    driver.events.clear();
    Fixture {
        operation: request["operationId"].as_str().unwrap().to_owned(),
        ticket: Some(ticket),
        ..Fixture::new(driver, chat(), "21a1")
    }
}

/// The invitation has started.
pub(crate) fn invitation_started() -> Fixture {
    let mut fixture = inviting();
    let started = invitation("started", &fixture.operation, "21a1", "Connecting");
    fixture.driver.page(senders("21a1", vec![(false, started)]));
    fixture.driver.events.clear();
    fixture
}

/// The chat is established.
pub(crate) fn established() -> Fixture {
    Fixture::new(crate::sending::established(), chat(), "21a1")
}

/// The chat is established, and the server has taken message 2.
pub(crate) fn message_accepted() -> Fixture {
    let mut fixture = established();
    fixture.ticket = Some(fixture.driver.send(1, "x"));
    let (messages, href) = (fixture.messages(), message_href("21a1", "2"));
    fixture.driver.created("POST", &messages, &href);
    fixture.driver.events.clear();
    fixture
}

/// An invitation of Lene's has arrived.
pub(crate) fn invited_by_lene() -> Fixture {
    let mut driver = TestDriver::signed_in();
    driver.page(offered("17b", "Hi Tosh"));
    let key = ConversationKey::Remote(first_remote(&driver));
    driver.events.clear();
    Fixture::new(driver, key, "17b")
}

/// Lene's invitation is being accepted.
pub(crate) fn accepting() -> Fixture {
    let mut fixture = invited_by_lene();
    fixture.ticket = Some(fixture.driver.submit(Operation::Accept(fixture.key)));
    let accept = format!("{INVITATION}/accept");
    fixture.driver.reply("POST", &accept, 204, Value::Null);
    fixture.driver.events.clear();
    fixture
}
