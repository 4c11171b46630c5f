//! What passes between the servers and the clients, read along: the truth that the sessions' stories are held against.
//!
//! The server's engine is not asked what it did; what it said, and what of that arrived, is what counts.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use ucwa_proto::{
    DataUri, EventKind, EventPage, EventStatus, Limits, Problem, Representation, Resource,
};
use ucwa_session::Sent;

use crate::endpoint::EndpointId;
use crate::felt::{Felt, Trial};
use crate::network::ExchangeId;
use crate::saying::SayingId;

/// What is known of one message from the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Passage {
    /// The client that sent it.
    pub(crate) sender: Option<EndpointId>,
    /// The server took it.
    pub(crate) taken: bool,
    /// What the server said became of it: delivered, or not. For a message inside an invitation: accepted, or not.
    pub(crate) verdict: Option<bool>,
    /// The verdict arrived at the sender's client.
    pub(crate) heard: bool,
    /// The sender's client was told by which name the verdict speaks of it.
    pub(crate) named: bool,
    /// How many requests carried it of which the sender's client does not know that they did nothing.
    pub(crate) doubts: u32,
}

impl Passage {
    /// Whether it may be unknown to the sender's client what became of it: it may have been taken, and no verdict reached
    /// the client, or under no name that it knows.
    pub(crate) fn may_be_unknown(&self) -> bool {
        self.doubts > 0 && !(self.heard && self.named)
    }
}

/// Something that a response says.
#[derive(Clone, Debug)]
enum Fact {
    Taken(SayingId),
    Verdict(SayingId, bool),
    Text(SayingId),
    Closed(SayingId),
    Application(String),
    /// How an invitation ended of which no page told that it began.
    EndAlone,
    Token,
}

/// What a request is about.
#[derive(Clone, Debug)]
enum About {
    Message(SayingId),
    Invitation(SayingId),
    Applications,
    /// The end of the application of this number.
    Deletion(String),
    /// A token, asked for since it is time to.
    Token {
        in_time: bool,
    },
    /// The way to the server.
    Root,
    Poll,
    /// A message or an invitation, to learn what became of it.
    Verdict,
    Other,
}

#[derive(Debug)]
struct Exchange {
    endpoint: EndpointId,
    about: About,
    /// It is addressed to the client's application, or to what belongs to it.
    of_application: bool,
    /// What the client had been told everything of when it sent this.
    closed: Vec<SayingId>,
    /// The client waits no more.
    failed: bool,
    facts: Vec<Fact>,
}

/// Everything read along so far.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    exchanges: BTreeMap<ExchangeId, Exchange>,
    /// Messages by what the server called them.
    locations: BTreeMap<String, SayingId>,
    /// Messages inside invitations, by the invitation's operation id.
    operations: BTreeMap<String, SayingId>,
    passages: BTreeMap<SayingId, Passage>,
    /// Texts inside invitations, by what the server called the invitation of whom it asks.
    offers: BTreeMap<String, SayingId>,
    /// The texts that reached each client.
    arrived: BTreeSet<(EndpointId, SayingId)>,
    /// The texts of which each client was told everything: the message itself, or the end of the invitation.
    closed: BTreeSet<(EndpointId, SayingId)>,
    /// Those of which the server knows that the client was: its next pending GET came through.
    acknowledged: BTreeSet<(EndpointId, SayingId)>,
    /// The application that each client was told it has.
    applications: BTreeMap<EndpointId, String>,
    /// The applications that are at the server, by number, and for whom they were created last.
    living: BTreeMap<String, EndpointId>,
    /// The applications, by number, whose deletion was asked for.
    deletions: BTreeSet<String>,
    /// How often each client that had an application has asked for another one.
    recreating: BTreeMap<EndpointId, u32>,
    /// The clients that had an application, and those that had a token.
    settled: BTreeSet<EndpointId>,
    authorized: BTreeSet<EndpointId>,
    /// The invitations, by what the server called them, whose start was told.
    started: BTreeSet<String>,
    /// What was felt of what the server said.
    pub(crate) felt: Felt,
}

/// How often a session sends the request for an application before its attempt has failed.
const ONE_ATTEMPT: u32 = 5;

impl Wire {
    pub(crate) fn passage(&self, saying: SayingId) -> Passage {
        self.passages.get(&saying).cloned().unwrap_or_default()
    }

    /// The texts that reached clients, each once for each client.
    pub(crate) fn arrived(&self) -> impl Iterator<Item = (EndpointId, SayingId)> {
        self.arrived.iter().copied()
    }

    /// Whether a client was told the end of what brought it a text, and the server knows that it was: nobody has to be
    /// told of it any more.
    pub(crate) fn is_acknowledged(&self, endpoint: EndpointId, saying: SayingId) -> bool {
        self.acknowledged.contains(&(endpoint, saying))
    }

    /// Whether a client may use an address: it belongs to no application, or to the client's present one.
    pub(crate) fn is_of_present_application(&self, endpoint: EndpointId, path: &str) -> bool {
        match number(path) {
            None => true,
            used => used == (self.applications.get(&endpoint)).and_then(|href| number(href)),
        }
    }

    /// The applications that are at the server: for whom they are, and whether their deletion was asked for.
    pub(crate) fn applications_left(&self) -> impl Iterator<Item = (EndpointId, bool)> {
        (self.living.iter()).map(|(number, owner)| (*owner, self.deletions.contains(number)))
    }

    /// A client sends a request; `in_time` says that it does so since the time has come.
    pub(crate) fn on_sent(
        &mut self,
        id: ExchangeId,
        endpoint: EndpointId,
        request: &Request<Bytes>,
        in_time: bool,
    ) {
        let path = request.uri().path().to_ascii_lowercase();
        let post = request.method() == Method::POST;
        let about = if post && path.ends_with("/messages") {
            std::str::from_utf8(request.body())
                .ok()
                .and_then(SayingId::of_text)
                .map_or(About::Other, About::Message)
        } else if post && path.ends_with("/messaginginvitations") {
            self.invitation(request).unwrap_or(About::Other)
        } else if post && path.ends_with("/applications") {
            if self.settled.contains(&endpoint) {
                *self.recreating.entry(endpoint).or_default() += 1;
            }
            About::Applications
        } else if post && path.ends_with("/oauthtoken") {
            About::Token { in_time }
        } else if path.ends_with("/autodiscoverservice.svc/root") || path == "/" {
            About::Root
        } else if let Some(number) = deleted(request) {
            self.deletions.insert(number.clone());
            About::Deletion(number)
        } else if path.ends_with("/events") {
            About::Poll
        } else if path.contains("/messages/") || path.contains("/messaginginvitations/") {
            About::Verdict
        } else {
            About::Other
        };
        if let About::Message(saying) | About::Invitation(saying) = about {
            let passage = self.passages.entry(saying).or_default();
            passage.sender = Some(endpoint);
            passage.doubts += 1;
        }
        let closed = match about {
            About::Poll => self.closed_at(endpoint),
            _ => Vec::new(),
        };
        self.exchanges.insert(
            id,
            Exchange {
                endpoint,
                about,
                of_application: path.contains("/applications/"),
                closed,
                failed: false,
                facts: Vec::new(),
            },
        );
    }

    fn closed_at(&self, endpoint: EndpointId) -> Vec<SayingId> {
        let here = self
            .closed
            .range((endpoint, SayingId(0))..=(endpoint, SayingId(u32::MAX)));
        here.map(|(_, saying)| *saying).collect()
    }

    fn invitation(&mut self, request: &Request<Bytes>) -> Option<About> {
        let input = resource(request.headers(), request.body())?;
        let saying = SayingId::of_text(&DataUri::parse(input.link_href("message")?).ok()?.text())?;
        self.operations
            .insert(input.text("operationId")?.to_owned(), saying);
        Some(About::Invitation(saying))
    }

    /// The server answers.
    pub(crate) fn on_answered(&mut self, id: ExchangeId, response: &Response<Bytes>) {
        let Some(about) = self
            .exchanges
            .get(&id)
            .map(|exchange| exchange.about.clone())
        else {
            return;
        };
        let success = response.status().is_success();
        let mut facts = Vec::new();
        if let About::Poll = about
            && response.status() != StatusCode::UNAUTHORIZED
            && let Some(exchange) = self.exchanges.get(&id)
        {
            let closed = exchange.closed.iter();
            let known = closed.map(|saying| (exchange.endpoint, *saying));
            self.acknowledged.extend(known);
        }
        match about {
            About::Message(saying) | About::Invitation(saying) if success => {
                self.passages.entry(saying).or_default().taken = true;
                if let About::Message(_) = about
                    && let Some(location) = response.headers().get(LOCATION)
                    && let Ok(location) = location.to_str()
                {
                    self.locations.insert(location.to_owned(), saying);
                    facts.push(Fact::Taken(saying));
                }
            }
            About::Applications if success => {
                if let Some(application) = resource(response.headers(), response.body())
                    && let Some(href) = application.href()
                {
                    facts.push(Fact::Application(href.to_owned()));
                    if let Some(exchange) = self.exchanges.get(&id)
                        && let Some(number) = number(href)
                    {
                        self.living.insert(number, exchange.endpoint);
                    }
                }
            }
            About::Deletion(number) if success => {
                self.living.remove(&number);
            }
            About::Token { .. } if success => facts.push(Fact::Token),
            About::Poll if success => facts = self.page(response),
            About::Verdict if success => {
                let resource = resource(response.headers(), response.body());
                facts.extend(resource.and_then(|resource| self.verdict_of(&resource)));
            }
            _ => {}
        }
        for fact in &facts {
            if let Fact::Verdict(saying, delivered) = fact {
                self.passages.entry(*saying).or_default().verdict = Some(*delivered);
            }
        }
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.facts = facts;
        }
    }

    /// What a message or an invitation says of itself.
    fn verdict_of(&self, resource: &Resource<'_>) -> Option<Fact> {
        let saying = match resource.href() {
            Some(href) if href.contains("/messages/") => self.locations.get(href)?,
            _ => self.operations.get(resource.text("operationId")?)?,
        };
        match resource.text("status").or(resource.text("state"))? {
            "Succeeded" | "Connected" => Some(Fact::Verdict(*saying, true)),
            "Failed" | "Declined" | "Cancelled" => Some(Fact::Verdict(*saying, false)),
            _ => None,
        }
    }

    fn page(&mut self, response: &Response<Bytes>) -> Vec<Fact> {
        let page = representation(response.headers()).and_then(|representation| {
            EventPage::decode(response.body(), representation, &Limits::default()).ok()
        });
        let mut facts = Vec::new();
        for (_, event) in page.iter().flat_map(EventPage::events) {
            let resource = event.resource();
            let text = resource
                .filter(|resource| resource.text("direction") == Some("Incoming"))
                .and_then(|resource| {
                    ["message", "plainMessage", "htmlMessage"]
                        .into_iter()
                        .find_map(|rel| {
                            SayingId::of_text(
                                &DataUri::parse(resource.link_href(rel)?).ok()?.text(),
                            )
                        })
                });
            facts.extend(text.map(Fact::Text));
            let href = event.link.href.as_ref();
            if let Some(text) = text.filter(|_| event.link.rel == "messagingInvitation") {
                self.offers.insert(href.to_owned(), text);
            }
            if event.link.rel == "messagingInvitation" {
                match event.kind {
                    EventKind::Completed if !self.started.contains(href) => {
                        facts.push(Fact::EndAlone);
                    }
                    EventKind::Started => {
                        self.started.insert(href.to_owned());
                    }
                    _ => {}
                }
            }
            if event.kind != EventKind::Completed {
                continue;
            }
            let closed = text.or_else(|| self.offers.get(href).copied());
            facts.extend(closed.map(Fact::Closed));
            let saying = match event.link.rel.as_ref() {
                "message" => self.locations.get(href),
                "messagingInvitation" => resource
                    .and_then(|resource| resource.text("operationId"))
                    .and_then(|operation| self.operations.get(operation)),
                _ => None,
            };
            if let Some(saying) = saying {
                let delivered = event.status == Some(EventStatus::Success);
                facts.push(Fact::Verdict(*saying, delivered));
            }
        }
        facts
    }

    /// The client learns that a request got no answer, and that it certainly was not sent if that is so.
    pub(crate) fn on_failed(&mut self, id: ExchangeId, sent: Sent) {
        // What the server says to it later counts all the same.
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.failed = true;
            if sent == Sent::No {
                let about = exchange.about.clone();
                self.did_nothing(&about);
            }
        }
    }

    fn did_nothing(&mut self, about: &About) {
        if let About::Message(saying) | About::Invitation(saying) = about
            && let Some(passage) = self.passages.get_mut(saying)
        {
            passage.doubts = passage.doubts.saturating_sub(1);
        }
    }

    /// The client gets an answer: the server's own, if it is honest.
    pub(crate) fn on_arrived(&mut self, id: ExchangeId, response: &Response<Bytes>, honest: bool) {
        let Some(exchange) = self.exchanges.remove(&id) else {
            return;
        };
        // Whoever refuses does nothing, be it the server or something before it.
        if response.status().is_client_error() || is_of_ticket(response) {
            self.did_nothing(&exchange.about);
        }
        if !honest {
            return;
        }
        if exchange.of_application && says_gone(response) {
            self.applications.remove(&exchange.endpoint);
        }
        let endpoint = exchange.endpoint;
        match exchange.about {
            About::Poll if says(response, &["PGetReplaced"]) => {
                self.felt.note(Trial::PollReplaced);
            }
            About::Root if self.settled.contains(&endpoint) => {
                self.felt.note(Trial::Rediscovered);
            }
            _ => {}
        }
        if response.status() == StatusCode::GONE && says_gone(response) {
            self.felt.note(Trial::Expired);
        }
        for fact in &exchange.facts {
            self.learn(&exchange, fact);
        }
    }

    /// A client learns something.
    fn learn(&mut self, exchange: &Exchange, fact: &Fact) {
        let endpoint = exchange.endpoint;
        match fact {
            Fact::Taken(saying) => self.passages.entry(*saying).or_default().named = true,
            Fact::Verdict(saying, _) => {
                let in_invitation = self.operations.values().any(|other| other == saying);
                let unanswered = self.exchanges.values().any(|open| {
                    !open.failed
                        && matches!(open.about, About::Message(other) | About::Invitation(other) if other == *saying)
                });
                if unanswered {
                    self.felt.note(Trial::EventBeforeAnswer);
                }
                let passage = self.passages.entry(*saying).or_default();
                // A later session of the user may take up the application, and hear what it never asked.
                passage.heard |= passage.sender == Some(endpoint);
                // The operation id is the client's own name for it.
                passage.named |= in_invitation;
            }
            Fact::Text(saying) => {
                self.arrived.insert((endpoint, *saying));
            }
            Fact::Closed(saying) => {
                self.closed.insert((endpoint, *saying));
            }
            Fact::Application(href) => {
                self.applications.insert(endpoint, href.clone());
                if !self.settled.insert(endpoint) {
                    self.felt.note(Trial::Recreated);
                }
                if self.recreating.remove(&endpoint) > Some(ONE_ATTEMPT) {
                    self.felt.note(Trial::RecreatedLate);
                }
            }
            Fact::EndAlone => self.felt.note(Trial::Aggregated),
            Fact::Token => {
                if !self.authorized.insert(endpoint) {
                    self.felt.note(Trial::TokenRenewed);
                    if let About::Token { in_time: true } = exchange.about {
                        self.felt.note(Trial::TokenRenewedInTime);
                    }
                }
            }
        }
    }
}

/// The number of the application that an address belongs to.
fn number(path: &str) -> Option<String> {
    let (_, below) = path.split_once("/applications/")?;
    let number = below.split(['/', '?']).next()?;
    Some(number.to_ascii_lowercase())
}

/// The number of the application that a request deletes.
fn deleted(request: &Request<Bytes>) -> Option<String> {
    let path = request.uri().path();
    let (_, below) = path.split_once("/applications/")?;
    let whole = request.method() == Method::DELETE && !below.contains('/');
    number(path).filter(|_| whole)
}

fn representation(headers: &HeaderMap) -> Option<Representation> {
    Representation::from_content_type(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}

/// Whether an answer says that the application is no more.
fn says_gone(response: &Response<Bytes>) -> bool {
    matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
        && says(
            response,
            &["ApplicationNotFound", "InactiveApplicationExpired"],
        )
}

/// Whether an answer is an error with one of these subcodes.
fn says(response: &Response<Bytes>, subcodes: &[&str]) -> bool {
    !response.status().is_success()
        && representation(response.headers())
            .and_then(|representation| {
                Problem::decode(response.body(), representation, &Limits::default()).ok()
            })
            .and_then(|problem| problem.subcode)
            .is_some_and(|subcode| subcodes.contains(&subcode.as_ref()))
}

/// Whether an answer says that a ticket is bad: then nothing was done, whatever the status.
fn is_of_ticket(response: &Response<Bytes>) -> bool {
    response.headers().contains_key("x-ms-diagnostics") && !response.status().is_success()
}

fn resource<'a>(headers: &HeaderMap, body: &'a Bytes) -> Option<Resource<'a>> {
    Resource::decode(body, representation(headers)?, &Limits::default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ExchangeId = ExchangeId(1);

    /// A wire on which a message was sent.
    fn wire() -> Wire {
        let mut wire = Wire::default();
        let request = Request::post("https://lyncweb.contoso.com/messaging/messages")
            .body(Bytes::from("#0"))
            .unwrap();
        wire.on_sent(ID, EndpointId(0), &request, false);
        wire
    }

    fn answer(status: u16, diagnostics: Option<&str>) -> Response<Bytes> {
        let mut response = Response::builder().status(status);
        if let Some(diagnostics) = diagnostics {
            response = response.header("x-ms-diagnostics", diagnostics);
        }
        response.body(Bytes::new()).unwrap()
    }

    #[test]
    fn what_certainly_did_nothing_leaves_no_doubt() {
        assert!(!Passage::default().may_be_unknown(), "nothing was sent");
        assert!(wire().passage(SayingId(0)).may_be_unknown());
        for (sent, doubtful) in [(Sent::No, false), (Sent::Maybe, true)] {
            let mut wire = wire();
            wire.on_failed(ID, sent);
            assert_eq!(wire.passage(SayingId(0)).may_be_unknown(), doubtful);
        }
        let bad_ticket = Some("28033;source=\"fe\";reason=\"x\"");
        for (status, diagnostics, doubtful) in [
            (401, None, false),
            (403, None, false),
            (429, None, false),
            (500, bad_ticket, false),
            (500, None, true),
            (502, None, true),
            (200, None, true),
        ] {
            let mut wire = wire();
            wire.on_arrived(ID, &answer(status, diagnostics), false);
            let passage = wire.passage(SayingId(0));
            assert_eq!(passage.may_be_unknown(), doubtful, "{status}");
        }
    }

    #[test]
    fn a_verdict_that_was_heard_and_named_leaves_no_doubt() {
        let passage = |heard, named| Passage {
            doubts: 1,
            heard,
            named,
            ..Passage::default()
        };
        assert!(passage(true, false).may_be_unknown());
        assert!(passage(false, true).may_be_unknown());
        assert!(!passage(true, true).may_be_unknown());
    }
}
