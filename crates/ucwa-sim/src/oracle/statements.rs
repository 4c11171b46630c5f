//! Extracts the statements of the server from requests and responses.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use ucwa_proto::{
    DataUri, EventKind, EventPage, EventStatus, Limits, Problem, Representation, Resource, batch,
};

use super::{Oracle, Statement};
use crate::message::MessageId;

impl Oracle {
    /// The statements in the responses of a batch.
    pub(super) fn statements_in_batch(&self, response: &Response<Bytes>) -> Vec<Statement> {
        let content_type = response.headers().get(CONTENT_TYPE);
        let boundary = content_type.and_then(|it| batch::boundary(it.to_str().ok()?));
        let limits = Limits::default();
        let parts = batch::Response::decode_batch(response.body(), boundary, &limits);
        let mut statements = Vec::new();
        for part in parts.iter().flatten().filter(|it| it.status == 200) {
            let representation = part.header("content-type");
            let representation = representation.and_then(Representation::from_content_type);
            let resource = representation.and_then(|it| {
                let resource = Resource::decode(&part.body, it, &limits);
                resource.ok()
            });
            statements.extend(
                resource
                    .iter()
                    .flat_map(|it| self.statements_in_resource(it)),
            );
        }
        statements
    }

    /// The statements in a message or invitation that was read.
    pub(super) fn statements_in_resource(&self, resource: &Resource<'_>) -> Vec<Statement> {
        let text = resource.link_href("message");
        let text = text.and_then(|href| DataUri::parse(href).ok());
        let text = text.and_then(|it| MessageId::of_text(&it.text()));
        let text = text.map(Statement::ReadLate).into_iter();
        text.chain(self.delivery_result_of(resource)).collect()
    }

    /// The delivery result in a message or invitation resource.
    fn delivery_result_of(&self, resource: &Resource<'_>) -> Option<Statement> {
        let message = match resource.href() {
            Some(href) if href.contains("/messages/") => self.locations.get(href)?,
            _ => self.operations.get(resource.text("operationId")?)?,
        };
        match resource.text("status").or(resource.text("state"))? {
            "Succeeded" | "Connected" => Some(Statement::DeliveryResult(*message, true)),
            "Failed" | "Declined" | "Cancelled" => Some(Statement::DeliveryResult(*message, false)),
            _ => None,
        }
    }

    /// The statements in an event page.
    pub(super) fn statements_in_page(&mut self, response: &Response<Bytes>) -> Vec<Statement> {
        let page = representation(response.headers()).and_then(|representation| {
            EventPage::decode(response.body(), representation, &Limits::default()).ok()
        });
        // A page without a next link cannot be acknowledged, so a client ignores the page.
        let page = page.filter(|page| page.follow.is_some());
        let mut statements = Vec::new();
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
            statements.extend(text.map(Statement::Text));
            let href = event.link.href.as_ref();
            if event.link.rel == "message" && resource.is_none() {
                statements.push(Statement::WithoutText(href.to_ascii_lowercase()));
            }
            if let Some(text) = text.filter(|_| event.link.rel == "messagingInvitation") {
                self.incoming.insert(href.to_owned(), text);
            }
            if event.link.rel == "messagingInvitation" {
                match event.kind {
                    EventKind::Completed if !self.started.contains(href) => {
                        statements.push(Statement::EndWithoutStart);
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
            let completed = text.or_else(|| self.incoming.get(href).copied());
            statements.extend(completed.map(Statement::Completed));
            let message = match event.link.rel.as_ref() {
                "message" => self.locations.get(href),
                "messagingInvitation" => resource
                    .and_then(|resource| resource.text("operationId"))
                    .and_then(|operation| self.operations.get(operation)),
                _ => None,
            };
            if let Some(message) = message {
                let delivered = event.status == Some(EventStatus::Success);
                statements.push(Statement::DeliveryResult(*message, delivered));
            }
        }
        statements
    }
}

/// The number of the application that a path belongs to.
pub(super) fn application_number(path: &str) -> Option<String> {
    let (_, rest) = path.split_once("/applications/")?;
    let number = rest.split(['/', '?']).next()?;
    Some(number.to_ascii_lowercase())
}

/// The number of the application that a request deletes.
pub(super) fn deleted_application(request: &Request<Bytes>) -> Option<String> {
    let path = request.uri().path();
    let (_, rest) = path.split_once("/applications/")?;
    let deletes_application = request.method() == Method::DELETE && !rest.contains('/');
    application_number(path).filter(|_| deletes_application)
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

/// Whether a response refuses the ticket. The request was then not executed, whatever the status.
pub(super) fn refuses_ticket(response: &Response<Bytes>) -> bool {
    response.headers().contains_key("x-ms-diagnostics") && !response.status().is_success()
}

pub(super) fn resource<'a>(headers: &HeaderMap, body: &'a Bytes) -> Option<Resource<'a>> {
    Resource::decode(body, representation(headers)?, &Limits::default()).ok()
}
