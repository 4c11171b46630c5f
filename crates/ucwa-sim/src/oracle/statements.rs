//! Reads the requests and responses of the traffic: the statements of the server in them.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use ucwa_proto::{
    DataUri, EventKind, EventPage, EventStatus, Limits, Problem, Representation, Resource, batch,
};

use super::{Fact, Oracle};
use crate::message::MessageId;

impl Oracle {
    /// The statements in the responses of a batch.
    pub(super) fn batch_facts(&self, response: &Response<Bytes>) -> Vec<Fact> {
        let content_type = response.headers().get(CONTENT_TYPE);
        let boundary = content_type.and_then(|it| batch::boundary(it.to_str().ok()?));
        let limits = Limits::default();
        let parts = batch::Response::decode_batch(response.body(), boundary, &limits);
        let mut facts = Vec::new();
        for part in parts.iter().flatten().filter(|it| it.status == 200) {
            let representation = part.header("content-type");
            let representation = representation.and_then(Representation::from_content_type);
            let resource = representation.and_then(|it| {
                let resource = Resource::decode(&part.body, it, &limits);
                resource.ok()
            });
            facts.extend(resource.iter().flat_map(|it| self.read_facts(it)));
        }
        facts
    }

    /// The statements in a message or invitation that was read.
    pub(super) fn read_facts(&self, resource: &Resource<'_>) -> Vec<Fact> {
        let text = resource.link_href("message");
        let text = text.and_then(|href| DataUri::parse(href).ok());
        let text = text.and_then(|it| MessageId::of_text(&it.text()));
        let text = text.map(Fact::ReadLate).into_iter();
        text.chain(self.delivery_result_of(resource)).collect()
    }

    /// The delivery result in a message or invitation resource.
    fn delivery_result_of(&self, resource: &Resource<'_>) -> Option<Fact> {
        let message = match resource.href() {
            Some(href) if href.contains("/messages/") => self.locations.get(href)?,
            _ => self.operations.get(resource.text("operationId")?)?,
        };
        match resource.text("status").or(resource.text("state"))? {
            "Succeeded" | "Connected" => Some(Fact::DeliveryResult(*message, true)),
            "Failed" | "Declined" | "Cancelled" => Some(Fact::DeliveryResult(*message, false)),
            _ => None,
        }
    }

    pub(super) fn page(&mut self, response: &Response<Bytes>) -> Vec<Fact> {
        let page = representation(response.headers()).and_then(|representation| {
            EventPage::decode(response.body(), representation, &Limits::default()).ok()
        });
        // A page without a next link cannot be acknowledged, so a client uses nothing of it.
        let page = page.filter(|page| page.follow.is_some());
        let mut facts = Vec::new();
        for (_, event) in page.iter().flat_map(EventPage::events) {
            let resource = event.resource();
            let text = resource
                .filter(|resource| resource.text("direction") == Some("Incoming"))
                .and_then(|resource| {
                    ["message", "plainMessage", "htmlMessage"]
                        .into_iter()
                        .find_map(|rel| {
                            MessageId::of_text(
                                &DataUri::parse(resource.link_href(rel)?).ok()?.text(),
                            )
                        })
                });
            facts.extend(text.map(Fact::Text));
            let href = event.link.href.as_ref();
            if event.link.rel == "message" && resource.is_none() {
                facts.push(Fact::Unread(href.to_ascii_lowercase()));
            }
            if let Some(text) = text.filter(|_| event.link.rel == "messagingInvitation") {
                self.incoming.insert(href.to_owned(), text);
            }
            if event.link.rel == "messagingInvitation" {
                match event.kind {
                    EventKind::Completed if !self.started.contains(href) => {
                        facts.push(Fact::EndWithoutStart);
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
            let closed = text.or_else(|| self.incoming.get(href).copied());
            facts.extend(closed.map(Fact::Closed));
            let message = match event.link.rel.as_ref() {
                "message" => self.locations.get(href),
                "messagingInvitation" => resource
                    .and_then(|resource| resource.text("operationId"))
                    .and_then(|operation| self.operations.get(operation)),
                _ => None,
            };
            if let Some(message) = message {
                let delivered = event.status == Some(EventStatus::Success);
                facts.push(Fact::DeliveryResult(*message, delivered));
            }
        }
        facts
    }
}

/// The number of the application that a path belongs to.
pub(super) fn application_number(path: &str) -> Option<String> {
    let (_, below) = path.split_once("/applications/")?;
    let number = below.split(['/', '?']).next()?;
    Some(number.to_ascii_lowercase())
}

/// The number of the application that a request deletes.
pub(super) fn deleted_application(request: &Request<Bytes>) -> Option<String> {
    let path = request.uri().path();
    let (_, below) = path.split_once("/applications/")?;
    let whole = request.method() == Method::DELETE && !below.contains('/');
    application_number(path).filter(|_| whole)
}

fn representation(headers: &HeaderMap) -> Option<Representation> {
    Representation::from_content_type(headers.get(CONTENT_TYPE)?.to_str().ok()?)
}

/// Whether a response says that the application no longer exists.
pub(super) fn says_gone(response: &Response<Bytes>) -> bool {
    matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
        && has_subcode(
            response,
            &["ApplicationNotFound", "InactiveApplicationExpired"],
        )
}

/// Whether a response is a UCWA error with one of these subcodes.
pub(super) fn has_subcode(response: &Response<Bytes>, subcodes: &[&str]) -> bool {
    !response.status().is_success()
        && representation(response.headers())
            .and_then(|representation| {
                Problem::decode(response.body(), representation, &Limits::default()).ok()
            })
            .and_then(|problem| problem.subcode)
            .is_some_and(|subcode| subcodes.contains(&subcode.as_ref()))
}

/// Whether a response refuses the ticket. Such a request was not executed, whatever the status.
pub(super) fn refuses_ticket(response: &Response<Bytes>) -> bool {
    response.headers().contains_key("x-ms-diagnostics") && !response.status().is_success()
}

pub(super) fn resource<'a>(headers: &HeaderMap, body: &'a Bytes) -> Option<Resource<'a>> {
    Resource::decode(body, representation(headers)?, &Limits::default()).ok()
}
