//! The link relations of a recording: by which relation, and in which response, the server named the address of each request.

use std::{collections::BTreeMap, time::Duration};

use conv_transport::Har;
use ucwa_proto::{EventPage, Limits, Problem, Representation, Resource};

use crate::exchange::{Exchange, exchanges, path_and_query};

/// An exchange with its causes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step<'h> {
    /// The exchange.
    pub exchange: Exchange<'h>,
    /// The time of the request, counted from the first request. `None` if the file has no date.
    pub at: Option<Duration>,
    /// The link relation of the address. `None` if no earlier response has the address.
    pub rel: Option<String>,
    /// The number of the exchange whose response was the first with the address.
    pub named_by: Option<usize>,
    /// The code and the subcode of an error.
    pub error: Option<String>,
    /// The events of the response.
    pub events: Vec<Event>,
}

/// An event of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The link relation of the resource: `messagingInvitation`.
    pub rel: String,
    /// `started`, `added`, `updated`, `completed` or `deleted`.
    pub kind: String,
    /// The result of a completed operation.
    pub status: Option<String>,
    /// The number of the exchange whose request created the resource.
    pub created_by: Option<usize>,
}

/// The exchanges in the order of sending, with their causes.
#[must_use]
pub fn steps(har: &Har) -> Vec<Step<'_>> {
    let exchanges = exchanges(har);
    let began = exchanges.iter().filter_map(Exchange::started).min();
    let created = created(&exchanges);
    let mut relations = Relations::default();
    let steps = exchanges.into_iter().map(|exchange| {
        let at = exchange.started().zip(began);
        let at = at.and_then(|(at, began)| Duration::try_from(at.duration_since(began)).ok());
        let named = relations.of(&exchange.path());
        let (rel, named_by) = match named {
            Some(named) => (Some(named.rel.clone()), Some(named.by)),
            None => (None, None),
        };
        Step {
            at,
            rel,
            named_by,
            error: error(&exchange),
            events: relations.learn(&exchange, &created),
            exchange,
        }
    });
    steps.collect()
}

/// The paths in the `Location` headers of the responses, each with the number of its exchange.
fn created(exchanges: &[Exchange<'_>]) -> BTreeMap<String, usize> {
    let mut created = BTreeMap::new();
    for exchange in exchanges {
        for header in &exchange.entry.response.headers {
            if header.name.eq_ignore_ascii_case("location") {
                created.insert(path_and_query(&header.value), exchange.number);
            }
        }
    }
    created
}

/// The representation of the response, and its body. `None` if the body is no resource.
pub(crate) fn response(exchange: &Exchange<'_>) -> Option<(Representation, bytes::Bytes)> {
    let response = &exchange.entry.response;
    let representation = Representation::from_content_type(&response.content.mime_type)?;
    Some((representation, response.body().ok()?))
}

fn error(exchange: &Exchange<'_>) -> Option<String> {
    if exchange.entry.response.status < 400 {
        return None;
    }
    let (representation, body) = response(exchange)?;
    let problem = Problem::decode(&body, representation, &Limits::default()).ok()?;
    let words = [problem.code, problem.subcode].into_iter().flatten();
    let words: Vec<String> = words.map(|word| word.into_owned()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// What the responses say about paths.
#[derive(Default)]
pub(crate) struct Relations {
    /// The first name of each path, with the exchange that gave it.
    named: BTreeMap<String, Named>,
    /// The conversation of a resource with a link to one.
    conversations: BTreeMap<String, String>,
    /// The SIP URIs of the participants, and of the senders of invitations.
    uris: BTreeMap<String, String>,
}

pub(crate) struct Named {
    pub(crate) rel: String,
    by: usize,
    /// The path of the resource that has the link.
    owner: Option<String>,
}

impl Relations {
    /// What all responses say.
    pub(crate) fn of_all(exchanges: &[Exchange<'_>]) -> Self {
        let mut relations = Self::default();
        for exchange in exchanges {
            relations.learn(exchange, &BTreeMap::new());
        }
        relations
    }

    pub(crate) fn of(&self, path: &str) -> Option<&Named> {
        let without_query = path.split('?').next().unwrap_or_default();
        self.named
            .get(path)
            .or_else(|| self.named.get(without_query))
    }

    /// The path of the conversation to which a resource, or a link of a resource, belongs.
    pub(crate) fn conversation(&self, path: &str) -> Option<&str> {
        let own = self.conversations.get(path);
        let owner = || self.of(path)?.owner.as_ref();
        own.or_else(|| self.conversations.get(owner()?))
            .map(String::as_str)
    }

    /// The SIP URI of the sender of an invitation with this link.
    pub(crate) fn sender(&self, path: &str) -> Option<&str> {
        let owner = self.of(path)?.owner.as_ref()?;
        self.uris.get(owner).map(String::as_str)
    }

    /// Keeps the first name: the client found the path by it.
    fn add(&mut self, href: &str, rel: &str, by: usize, owner: Option<&str>) {
        if rel != "self" && !rel.is_empty() && !href.starts_with("data:") {
            let named = || Named {
                rel: rel.to_owned(),
                by,
                owner: owner.map(path_and_query),
            };
            self.named.entry(path_and_query(href)).or_insert_with(named);
        }
    }

    /// Adds the names of the response, and returns the events in it.
    fn learn(&mut self, exchange: &Exchange<'_>, created: &BTreeMap<String, usize>) -> Vec<Event> {
        let by = exchange.number;
        for header in &exchange.entry.response.headers {
            if header.name.eq_ignore_ascii_case("www-authenticate")
                && let Some((_, rest)) = header.value.split_once("href=\"")
            {
                let href = rest.split('"').next().unwrap_or_default();
                self.add(href, "token", by, None);
            }
        }
        let Some((representation, body)) = response(exchange) else {
            return Vec::new();
        };
        let limits = Limits::default();
        if let Ok(page) = EventPage::decode(&body, representation, &limits)
            && let Some(follow) = &page.follow
        {
            self.add(follow.href(), follow.rel(), by, None);
            let mut events = Vec::new();
            for (sender, event) in page.events() {
                self.add(&sender.href, &sender.rel, by, None);
                self.add(&event.link.href, &event.link.rel, by, None);
                if let Some(resource) = event.resource() {
                    self.resource(resource, by);
                }
                events.push(Event {
                    rel: event.link.rel.to_string(),
                    kind: event.kind.to_string(),
                    status: event.status.as_ref().map(ToString::to_string),
                    created_by: created.get(&path_and_query(&event.link.href)).copied(),
                });
            }
            return events;
        }
        if let Ok(resource) = Resource::decode(&body, representation, &limits) {
            self.resource(&resource, by);
        }
        Vec::new()
    }

    fn resource(&mut self, resource: &Resource<'_>, by: usize) {
        let own = resource.href();
        if let (Some(rel), Some(href)) = (resource.rel(), own) {
            self.add(href, rel, by, None);
        }
        if let Some(own) = own {
            let is_conversation = resource.rel() == Some("conversation");
            let conversation = resource.link_href("conversation");
            if let Some(href) = conversation.or(is_conversation.then_some(own)) {
                self.conversations
                    .insert(path_and_query(own), path_and_query(href));
            }
            let sender = resource.embedded("from").unwrap_or(resource);
            if let Some(uri) = sender.text("uri") {
                self.uris.insert(path_and_query(own), uri.to_owned());
            }
        }
        for (rel, links) in &resource.links {
            for link in links.as_slice() {
                self.add(&link.href, rel, by, own);
            }
        }
        for (rel, embedded) in &resource.embedded {
            for resource in embedded.as_slice() {
                if let Some(href) = resource.href() {
                    self.add(href, rel, by, own);
                }
                self.resource(resource, by);
            }
        }
    }
}
