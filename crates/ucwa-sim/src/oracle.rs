//! The oracle reads the traffic. It records the statements of the server, and the clients that each statement reached. The
//! invariants compare the reports of the sessions with these records.
//!
//! The oracle never inspects the state of the server engine, only its responses.

mod statements;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::header::LOCATION;
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::DataUri;
use ucwa_session::Sent;

use crate::coverage::{Coverage, CoveragePoint};
use crate::endpoint::EndpointId;
use crate::message::MessageId;
use crate::network::ExchangeId;
use statements::{
    application_number, deleted_application, has_subcode, refuses_ticket, resource, says_gone,
};

/// The statements about one message in the traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MessageRecord {
    /// The client that sent the message.
    pub(crate) sender: Option<EndpointId>,
    /// The server accepted the message.
    pub(crate) accepted: bool,
    /// Whether the server reported the message as delivered; for a message inside an invitation, whether the invitation was
    /// accepted. `None` if the server reported neither.
    pub(crate) delivery_result: Option<bool>,
    /// The clients that the delivery result reached: the sender's, and those that resumed its session.
    pub(crate) result_received: BTreeSet<EndpointId>,
    /// The clients that know the name by which the delivery result refers to the message.
    pub(crate) name_known: BTreeSet<EndpointId>,
    /// The number of requests with the message that may have been executed, as far as the sender's client knows.
    pub(crate) possible_executions: u32,
}

impl MessageRecord {
    /// Whether the delivery result may be reported as unknown: the message may have been accepted, and no result reached a
    /// client under a name that it knows.
    pub(crate) fn may_be_unknown(&self) -> bool {
        self.possible_executions > 0 && self.result_received.is_disjoint(&self.name_known)
    }
}

/// A statement in a response.
#[derive(Clone, Debug)]
enum Statement {
    /// A message was accepted, and the response contained its href.
    Accepted(MessageId),
    /// Whether a message was delivered.
    DeliveryResult(MessageId, bool),
    /// The text of an incoming message.
    Text(MessageId),
    /// The completion of an incoming message, or of the invitation that contained it.
    Completed(MessageId),
    /// A message inside an incoming invitation that was read.
    ReadLate(MessageId),
    /// An incoming message without its text, at this path.
    WithoutText(String),
    /// The href of an application.
    Application(String),
    /// The end of an invitation whose start no page contained.
    EndWithoutStart,
    Token,
}

/// The kind of a request, and the message or application that the request is about.
#[derive(Clone, Debug)]
enum Subject {
    Message(MessageId),
    Invitation(MessageId),
    Applications,
    /// The deletion of the application with this number.
    Deletion(String),
    /// A token. `by_timer` is whether a timer of the session caused the request.
    Token {
        by_timer: bool,
    },
    /// The root of the discovery.
    Root,
    Poll,
    /// A message or an invitation that is read for its delivery result.
    DeliveryResult,
    /// Several requests in one.
    Batch,
    Other,
}

#[derive(Debug)]
struct Exchange {
    endpoint: EndpointId,
    subject: Subject,
    /// The request is addressed to the client's application or a resource of the application.
    of_application: bool,
    /// The request is addressed to a subscription to presence. A server may answer it with a lost application if only the
    /// subscription has expired, so a client then checks whether the application exists.
    of_subscription: bool,
    /// The messages that the client and its predecessors had received completely when the client sent the request.
    completed: Vec<(EndpointId, MessageId)>,
    /// The client no longer awaits the response.
    failed: bool,
    statements: Vec<Statement>,
}

/// The records of all traffic so far.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    exchanges: BTreeMap<ExchangeId, Exchange>,
    /// Messages by the href that the server gave them.
    locations: BTreeMap<String, MessageId>,
    /// Messages inside invitations, by the invitation's operation ID.
    operations: BTreeMap<String, MessageId>,
    records: BTreeMap<MessageId, MessageRecord>,
    /// Messages inside incoming invitations, by the invitation's href.
    incoming: BTreeMap<String, MessageId>,
    /// The messages that reached each client.
    arrived: BTreeSet<(EndpointId, MessageId)>,
    /// The messages that each client received completely: as a message, or with the end of the invitation.
    completed: BTreeSet<(EndpointId, MessageId)>,
    /// The messages whose complete receipt the client acknowledged with its next pending GET.
    acknowledged: BTreeSet<(EndpointId, MessageId)>,
    /// The current application of each client, as far as the client knows.
    applications: BTreeMap<EndpointId, String>,
    /// The applications at the server, by number, with the client that created them last.
    server_applications: BTreeMap<String, EndpointId>,
    /// The applications, by number, whose deletion was requested.
    deletions: BTreeSet<String>,
    /// How often each client that had lost its application has requested another one.
    recreating: BTreeMap<EndpointId, u32>,
    /// The clients that have had an application.
    with_application: BTreeSet<EndpointId>,
    /// The messages that the predecessors of each successor had received completely.
    inherited: BTreeMap<EndpointId, Vec<(EndpointId, MessageId)>>,
    /// The clients whose sessions others have resumed.
    superseded: BTreeSet<EndpointId>,
    /// The messages without a delivery result that each successor got from its predecessor.
    doubtful: BTreeMap<EndpointId, BTreeSet<MessageId>>,
    /// The clients that got a false 403, 404 or 410 for a resource of their application.
    false_refusals: BTreeSet<EndpointId>,
    /// The clients that learned that their application no longer exists.
    lost_applications: BTreeSet<EndpointId>,
    /// The clients that have had a token.
    with_token: BTreeSet<EndpointId>,
    /// The hrefs of invitations whose start a page contained.
    started: BTreeSet<String>,
    /// How many times each client failed to read a message that an event had announced without its text.
    failed_reads: BTreeMap<EndpointId, usize>,
    /// The messages inside invitations that a client read, since their event was malformed.
    read_late: BTreeSet<(EndpointId, MessageId)>,
    /// The paths of messages that an event announced to a client without their text, and that the client has not requested.
    without_text: BTreeSet<(EndpointId, String)>,
    /// The faults and recoveries so far.
    pub(crate) coverage: Coverage,
}

/// How often a session sends the request for an application in one attempt.
const REQUESTS_PER_ATTEMPT: u32 = 5;

impl Oracle {
    pub(crate) fn record(&self, message: MessageId) -> MessageRecord {
        self.records.get(&message).cloned().unwrap_or_default()
    }

    /// The messages that reached clients, once for each client.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (EndpointId, MessageId)> {
        self.arrived.iter().copied()
    }

    /// Whether a client acknowledged the complete receipt of a message, so that the server need not send it again.
    pub(crate) fn is_acknowledged(&self, endpoint: EndpointId, message: MessageId) -> bool {
        self.acknowledged.contains(&(endpoint, message))
    }

    /// Whether a client got a message inside an invitation by a read, which may end after later events.
    pub(crate) fn is_read_late(&self, endpoint: EndpointId, message: MessageId) -> bool {
        self.read_late.contains(&(endpoint, message))
    }

    /// Whether a client learned that its application no longer exists.
    pub(crate) fn has_lost_application(&self, endpoint: EndpointId) -> bool {
        self.lost_applications.contains(&endpoint)
    }

    /// Whether a client got a false 403, 404 or 410 for a resource of its application.
    pub(crate) fn got_false_refusal(&self, endpoint: EndpointId) -> bool {
        self.false_refusals.contains(&endpoint)
    }

    /// How many times a client failed to read a message.
    pub(crate) fn failed_reads(&self, endpoint: EndpointId) -> usize {
        self.failed_reads
            .get(&endpoint)
            .copied()
            .unwrap_or_default()
    }

    /// Whether `path` belongs to no application or to the client's current one.
    pub(crate) fn is_of_present_application(&self, endpoint: EndpointId, path: &str) -> bool {
        match application_number(path) {
            None => true,
            used => {
                used == (self.applications.get(&endpoint)).and_then(|href| application_number(href))
            }
        }
    }

    /// The applications at the server: the client of each, and whether its deletion was requested.
    pub(crate) fn remaining_applications(&self) -> impl Iterator<Item = (EndpointId, bool)> {
        (self.server_applications.iter())
            .map(|(number, owner)| (*owner, self.deletions.contains(number)))
    }

    /// Records that the session `to` resumes the session `from`: `to` owns the application, and its polls acknowledge the
    /// messages that `from` received completely.
    ///
    /// `doubtful` are the messages whose delivery results `to` can report.
    pub(crate) fn hand_over(
        &mut self,
        from: EndpointId,
        to: EndpointId,
        doubtful: &BTreeSet<MessageId>,
    ) {
        let received = self.completed_at(from);
        self.inherited.insert(to, received);
        if let Some(application) = self.applications.get(&from).cloned() {
            self.applications.insert(to, application);
        }
        for owner in self
            .server_applications
            .values_mut()
            .filter(|owner| **owner == from)
        {
            *owner = to;
        }
        self.superseded.insert(from);
        self.with_application.insert(to);
        self.with_token.insert(to);
        // `to` repeats the pending reads of `from`, and each of them may fail.
        let failed = self.fail_open_reads(from);
        *self.failed_reads.entry(to).or_default() += failed;
        for message in doubtful {
            let record = self.records.entry(*message).or_default();
            // `to` cannot know that the request did not reach the server.
            record.possible_executions = record.possible_executions.max(1);
            if record.name_known.contains(&from) {
                record.name_known.insert(to);
            }
        }
        self.doubtful.insert(to, doubtful.clone());
    }

    /// Whether a client can report the delivery result on a message: the client sent the message, or it resumed a session
    /// that sent the message.
    fn can_report(&self, client: EndpointId, message: MessageId) -> bool {
        let doubtful = self.doubtful.get(&client);
        self.record(message).sender == Some(client)
            || doubtful.is_some_and(|doubtful| doubtful.contains(&message))
    }

    /// Records a request of a client. `by_timer` is whether a timer of the session caused the request.
    pub(crate) fn on_sent(
        &mut self,
        id: ExchangeId,
        endpoint: EndpointId,
        request: &Request<Bytes>,
        by_timer: bool,
    ) {
        let path = request.uri().path().to_ascii_lowercase();
        self.without_text.remove(&(endpoint, path.clone()));
        let post = request.method() == Method::POST;
        let subject = if post && path.ends_with("/messages") {
            std::str::from_utf8(request.body())
                .ok()
                .and_then(MessageId::of_text)
                .map_or(Subject::Other, Subject::Message)
        } else if post && path.ends_with("/messaginginvitations") {
            self.invitation(request).unwrap_or(Subject::Other)
        } else if post && path.ends_with("/applications") {
            if self.with_application.contains(&endpoint) {
                *self.recreating.entry(endpoint).or_default() += 1;
            }
            Subject::Applications
        } else if post && path.ends_with("/oauthtoken") {
            Subject::Token { by_timer }
        } else if path.ends_with("/autodiscoverservice.svc/root") || path == "/" {
            Subject::Root
        } else if let Some(number) = deleted_application(request) {
            self.fail_open_reads(endpoint);
            self.deletions.insert(number.clone());
            Subject::Deletion(number)
        } else if path.ends_with("/events") {
            Subject::Poll
        } else if post && path.ends_with("/batch") {
            Subject::Batch
        } else if path.contains("/messages/") || path.contains("/messaginginvitations/") {
            Subject::DeliveryResult
        } else {
            Subject::Other
        };
        if let Subject::Message(message) | Subject::Invitation(message) = subject {
            let record = self.records.entry(message).or_default();
            record.sender = Some(endpoint);
            record.possible_executions += 1;
        }
        let completed = match subject {
            Subject::Poll => self.completed_at(endpoint),
            _ => Vec::new(),
        };
        self.exchanges.insert(
            id,
            Exchange {
                endpoint,
                subject,
                of_application: path.contains("/applications/"),
                of_subscription: path.contains("/presencesubscriptions/"),
                completed,
                failed: false,
                statements: Vec::new(),
            },
        );
    }

    /// The messages that a client and its predecessors have received completely.
    fn completed_at(&self, endpoint: EndpointId) -> Vec<(EndpointId, MessageId)> {
        let own = self
            .completed
            .range((endpoint, MessageId(0))..=(endpoint, MessageId(u32::MAX)));
        let inherited = self.inherited.get(&endpoint);
        own.chain(inherited.into_iter().flatten())
            .copied()
            .collect()
    }

    fn invitation(&mut self, request: &Request<Bytes>) -> Option<Subject> {
        let input = resource(request.headers(), request.body())?;
        let message =
            MessageId::of_text(&DataUri::parse(input.link_href("message")?).ok()?.text())?;
        self.operations
            .insert(input.text("operationId")?.to_owned(), message);
        Some(Subject::Invitation(message))
    }

    /// Records a response of the server.
    pub(crate) fn on_answered(&mut self, id: ExchangeId, response: &Response<Bytes>) {
        let Some(subject) = self
            .exchanges
            .get(&id)
            .map(|exchange| exchange.subject.clone())
        else {
            return;
        };
        let success = response.status().is_success();
        let mut statements = Vec::new();
        if let Subject::Poll = subject
            && response.status() != StatusCode::UNAUTHORIZED
            && let Some(exchange) = self.exchanges.get(&id)
            // The successor of a paused process receives the same events, so only the polls of the successor acknowledge
            // them.
            && !self.superseded.contains(&exchange.endpoint)
        {
            self.acknowledged.extend(exchange.completed.iter().copied());
        }
        match subject {
            Subject::Message(message) | Subject::Invitation(message) if success => {
                self.records.entry(message).or_default().accepted = true;
                if let Subject::Message(_) = subject
                    && let Some(location) = response.headers().get(LOCATION)
                    && let Ok(location) = location.to_str()
                {
                    self.locations.insert(location.to_owned(), message);
                    statements.push(Statement::Accepted(message));
                }
            }
            Subject::Applications if success => {
                if let Some(application) = resource(response.headers(), response.body())
                    && let Some(href) = application.href()
                {
                    statements.push(Statement::Application(href.to_owned()));
                    if let Some(exchange) = self.exchanges.get(&id)
                        && let Some(number) = application_number(href)
                    {
                        self.server_applications.insert(number, exchange.endpoint);
                    }
                }
            }
            Subject::Deletion(number) if success => {
                self.server_applications.remove(&number);
            }
            Subject::Token { .. } if success => statements.push(Statement::Token),
            Subject::Poll if success => statements = self.statements_in_page(response),
            Subject::DeliveryResult if success => {
                if let Some(resource) = resource(response.headers(), response.body()) {
                    statements = self.statements_in_resource(&resource);
                }
            }
            Subject::Batch if success => statements = self.statements_in_batch(response),
            _ => {}
        }
        for statement in &statements {
            if let Statement::DeliveryResult(message, delivered) = statement {
                self.records.entry(*message).or_default().delivery_result = Some(*delivered);
            }
        }
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.statements = statements;
        }
    }

    /// Records that a malformed page replaces the page of the server. Only the readable part of the malformed page reaches
    /// the client.
    pub(crate) fn on_page_changed(&mut self, id: ExchangeId, page: &Response<Bytes>) {
        let statements = self.statements_in_page(page);
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.statements = statements;
        }
    }

    /// Records that an exchange failed without a response, and whether the request was certainly not sent.
    pub(crate) fn on_failed(&mut self, id: ExchangeId, sent: Sent) {
        // The exchange stays recorded, since the server may still execute the request.
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.failed = true;
            if let Subject::DeliveryResult = exchange.subject {
                *self.failed_reads.entry(exchange.endpoint).or_default() += 1;
            }
            if sent == Sent::No {
                let subject = exchange.subject.clone();
                self.record_not_executed(&subject);
            }
        }
    }

    /// Marks the pending reads of a client as failed, because its application has ended or is being deleted. Returns the
    /// number of these reads.
    fn fail_open_reads(&mut self, endpoint: EndpointId) -> usize {
        let open = self.exchanges.values();
        let open = open.filter(|open| open.endpoint == endpoint);
        let reads = open.filter(|open| matches!(open.subject, Subject::DeliveryResult));
        let without_text = self
            .without_text
            .iter()
            .filter(|(reader, _)| *reader == endpoint);
        let failed = reads.count() + without_text.count();
        *self.failed_reads.entry(endpoint).or_default() += failed;
        self.without_text.retain(|(reader, _)| *reader != endpoint);
        failed
    }

    fn record_not_executed(&mut self, subject: &Subject) {
        if let Subject::Message(message) | Subject::Invitation(message) = subject
            && let Some(record) = self.records.get_mut(message)
        {
            record.possible_executions = record.possible_executions.saturating_sub(1);
        }
    }

    /// Records that a response reached the client. `authentic` is whether it is the response of the server.
    pub(crate) fn on_arrived(
        &mut self,
        id: ExchangeId,
        response: &Response<Bytes>,
        authentic: bool,
    ) {
        let Some(exchange) = self.exchanges.remove(&id) else {
            return;
        };
        // A refused request was not executed, whether the server or an intermediary refused it.
        if response.status().is_client_error() || refuses_ticket(response) {
            self.record_not_executed(&exchange.subject);
        }
        if let Subject::DeliveryResult = exchange.subject
            && !(authentic && response.status().is_success())
        {
            *self.failed_reads.entry(exchange.endpoint).or_default() += 1;
        }
        if !authentic {
            if exchange.of_application && matches!(response.status().as_u16(), 403 | 404 | 410) {
                self.false_refusals.insert(exchange.endpoint);
            }
            return;
        }
        // After a refused batch, a session sends each part as a request of its own.
        let is_batch = matches!(exchange.subject, Subject::Batch);
        let is_doubtful = is_batch || exchange.of_subscription;
        if exchange.of_application && says_gone(response) && !is_doubtful {
            self.applications.remove(&exchange.endpoint);
            self.lost_applications.insert(exchange.endpoint);
            self.fail_open_reads(exchange.endpoint);
        }
        let endpoint = exchange.endpoint;
        match exchange.subject {
            Subject::Poll if has_subcode(response, &["PGetReplaced"]) => {
                self.fail_open_reads(endpoint);
                self.coverage.record(CoveragePoint::PollReplaced);
            }
            Subject::Root if self.with_application.contains(&endpoint) => {
                self.coverage.record(CoveragePoint::Rediscovered);
            }
            _ => {}
        }
        if response.status() == StatusCode::GONE && says_gone(response) {
            self.coverage.record(CoveragePoint::ApplicationExpired);
        }
        for statement in &exchange.statements {
            self.record_statement(&exchange, statement);
        }
    }

    /// Records that a statement of the server reached a client.
    fn record_statement(&mut self, exchange: &Exchange, statement: &Statement) {
        let endpoint = exchange.endpoint;
        match statement {
            Statement::Accepted(message) => {
                let record = self.records.entry(*message).or_default();
                record.name_known.insert(endpoint);
            }
            Statement::ReadLate(message) => {
                self.read_late.insert((endpoint, *message));
            }
            Statement::WithoutText(path) => {
                self.without_text.insert((endpoint, path.clone()));
            }
            Statement::DeliveryResult(message, _) => {
                let in_invitation = self.operations.values().any(|other| other == message);
                let is_in_flight = self.exchanges.values().any(|open| {
                    !open.failed
                        && matches!(open.subject, Subject::Message(other) | Subject::Invitation(other) if other == *message)
                });
                if is_in_flight {
                    self.coverage.record(CoveragePoint::EventBeforeResponse);
                }
                // A later session of the user may take over the application and receive delivery results of its predecessor.
                // A session that has ended the conversation ignores the response in a batch.
                let is_not_batched = !matches!(exchange.subject, Subject::Batch);
                let can_report = is_not_batched && self.can_report(endpoint, *message);
                let record = self.records.entry(*message).or_default();
                if can_report {
                    record.result_received.insert(endpoint);
                }
                // The client chose the operation ID itself.
                if in_invitation {
                    record.name_known.insert(endpoint);
                }
            }
            Statement::Text(message) => {
                self.arrived.insert((endpoint, *message));
            }
            Statement::Completed(message) => {
                self.completed.insert((endpoint, *message));
            }
            Statement::Application(href) => {
                self.applications.insert(endpoint, href.clone());
                if !self.with_application.insert(endpoint) {
                    self.coverage.record(CoveragePoint::Recreated);
                }
                if self.recreating.remove(&endpoint) > Some(REQUESTS_PER_ATTEMPT) {
                    self.coverage.record(CoveragePoint::RecreatedLate);
                }
            }
            Statement::EndWithoutStart => self.coverage.record(CoveragePoint::Aggregated),
            Statement::Token => {
                if !self.with_token.insert(endpoint) {
                    self.coverage.record(CoveragePoint::TokenRenewed);
                    if let Subject::Token { by_timer: true } = exchange.subject {
                        self.coverage.record(CoveragePoint::TokenRenewedInTime);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
impl Oracle {
    /// Records that a client learned that its application no longer exists.
    pub(crate) fn lose_application(&mut self, endpoint: EndpointId) {
        self.lost_applications.insert(endpoint);
    }

    /// Records that a client has acknowledged the page with a message.
    pub(crate) fn acknowledge(&mut self, endpoint: EndpointId, message: MessageId) {
        self.acknowledged.insert((endpoint, message));
    }

    /// Records that a client has not acknowledged the page with a message.
    pub(crate) fn unacknowledge(&mut self, endpoint: EndpointId, message: MessageId) {
        self.acknowledged.remove(&(endpoint, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ExchangeId = ExchangeId(1);

    /// The record of one sent message.
    fn oracle() -> Oracle {
        let mut oracle = Oracle::default();
        let request = Request::post("https://lyncweb.contoso.com/messaging/messages")
            .body(Bytes::from("#0"))
            .unwrap();
        oracle.on_sent(ID, EndpointId(0), &request, false);
        oracle
    }

    fn response(status: u16, diagnostics: Option<&str>) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        if let Some(diagnostics) = diagnostics {
            response = response.header("x-ms-diagnostics", diagnostics);
        }
        response.body(Bytes::new()).unwrap()
    }

    #[test]
    fn a_message_that_was_certainly_not_executed_has_a_known_delivery_result() {
        assert!(
            !MessageRecord::default().may_be_unknown(),
            "no request was sent"
        );
        assert!(oracle().record(MessageId(0)).may_be_unknown());
        for (sent, may_be_executed) in [(Sent::No, false), (Sent::Maybe, true)] {
            let mut oracle = oracle();
            oracle.on_failed(ID, sent);
            assert_eq!(
                oracle.record(MessageId(0)).may_be_unknown(),
                may_be_executed
            );
        }
        let bad_ticket = Some("28033;source=\"fe\";reason=\"x\"");
        for (status, diagnostics, may_be_executed) in [
            (401, None, false),
            (403, None, false),
            (429, None, false),
            (500, bad_ticket, false),
            (500, None, true),
            (502, None, true),
            (200, None, true),
        ] {
            let mut oracle = oracle();
            oracle.on_arrived(ID, &response(status, diagnostics), false);
            let record = oracle.record(MessageId(0));
            assert_eq!(record.may_be_unknown(), may_be_executed, "{status}");
        }
    }

    #[test]
    fn a_lost_application_is_reported_by_any_request_but_that_of_a_subscription() {
        let application = "https://lyncweb.contoso.com/ucwa/oauth/v1/applications/1";
        for (path, is_lost) in [
            ("/events", true),
            ("/people/presenceSubscriptions", true),
            ("/people/presenceSubscriptions/3", false),
        ] {
            let mut oracle = Oracle::default();
            let request = Request::post(format!("{application}{path}"));
            let request = request.body(Bytes::new()).unwrap();
            oracle.on_sent(ID, EndpointId(0), &request, false);
            let lost = Response::builder()
                .status(404)
                .header("content-type", "application/json")
                .body(Bytes::from(
                    r#"{"code": "NotFound", "subcode": "ApplicationNotFound"}"#,
                ))
                .unwrap();
            oracle.on_arrived(ID, &lost, true);
            assert_eq!(
                oracle.has_lost_application(EndpointId(0)),
                is_lost,
                "{path}"
            );
        }
    }

    #[test]
    fn a_result_received_under_a_known_name_is_known() {
        let record = |result_received: &[usize], name_known: &[usize]| {
            let clients = |clients: &[usize]| clients.iter().copied().map(EndpointId).collect();
            MessageRecord {
                possible_executions: 1,
                result_received: clients(result_received),
                name_known: clients(name_known),
                ..MessageRecord::default()
            }
        };
        assert!(record(&[0], &[]).may_be_unknown());
        assert!(record(&[], &[0]).may_be_unknown());
        assert!(record(&[1], &[0]).may_be_unknown());
        assert!(!record(&[0], &[0]).may_be_unknown());
    }
}
