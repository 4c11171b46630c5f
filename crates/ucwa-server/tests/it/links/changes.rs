//! Sends valid requests to the links that change something.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use http::{Method, Response};
use ucwa_proto::Resource;

use crate::harness::{ALEX, Client, JOE, LENE, TOSH, World};

/// A link to change something, with the method and the status of success of its page.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) look: usize,
    pub(super) rel: String,
    pub(super) method: &'static str,
    pub(super) status: u16,
    pub(super) href: String,
}

/// Sends the request of a change with valid input.
pub(super) fn change(world: &mut World, client: &Client, change: &Change) -> Response<Bytes> {
    let method: Method = change.method.parse().unwrap();
    let mut href = change.href.clone();
    let input = Resource::anonymous();
    let input = match change.rel.as_str() {
        "communication" | "group" | "contactPrivacyRelationship" if method == Method::PUT => {
            let mut input = client.resource(world, &href);
            input.links.clear();
            input
        }
        "myGroups" => input.with_property("displayName", "Another"),
        "myGroupMemberships" => input.with_property("contactUri", format!("sip:{TOSH}")),
        "removeContactFromAllGroups" => input.with_property("contactUri", format!("sip:{LENE}")),
        "addToContactList" => input
            .with_property("displayName", "West")
            .with_property("smtpAddress", "west@contoso.com"),
        "removeFromContactList" => input.with_property("groupId", "+600000000=="),
        "startOrRefreshSubscriptionToContactsAndGroups" => input.with_property("duration", 10_i64),
        "presence" => input.with_property("availability", "Busy"),
        "applications" => input
            .with_property("culture", "en-US")
            .with_property("endpointId", "endpoint-2")
            .with_property("userAgent", "Walk"),
        "note" => input.with_property("message", "Out"),
        "location" => input.with_property("location", "Office"),
        "makeMeAvailable" => input.with_property("supportedModalities", vec!["Messaging"]),
        "reportMyNetwork" => input.with_property("clientNetworkType", "Internal"),
        "startMessaging" => input.with_property("to", format!("sip:{JOE}")),
        "addParticipant" => input.with_property("to", format!("sip:{JOE}")),
        "joinOnlineMeeting" => input.with_property("onlineMeetingUri", "adhoc"),
        "presenceSubscriptions" => input
            .with_property("duration", 11_i64)
            .with_property("uris", vec![format!("sip:{ALEX}")]),
        "presenceSubscription" | "subscribeToGroupPresence" => {
            input.with_property("duration", 11_i64)
        }
        "addToPresenceSubscription" | "presenceSubscriptionMemberships" | "memberships" => {
            input.with_property("contactUris", vec![format!("sip:{ALEX}")])
        }
        _ => input,
    };
    let (content_type, body) = match change.rel.as_str() {
        "sendMessage" => {
            href = format!("{href}?operationId=say");
            ("text/plain".to_owned(), b"Hi".to_vec())
        }
        "messages" => ("text/plain".to_owned(), b"Hi".to_vec()),
        "batch" => {
            let me = href.replace("/batch", "/me");
            let parts = [ucwa_proto::batch::Request::new("GET", me)];
            let batch = ucwa_proto::batch::Request::encode_batch(&parts, "walk");
            (batch.content_type, batch.body)
        }
        _ if input == Resource::anonymous() => (String::new(), Vec::new()),
        _ => (
            client.representation.content_type().to_owned(),
            ucwa_proto::Input::from(input.clone()).encode(client.representation),
        ),
    };
    let mut request = client
        .builder(&method, &href)
        .header(CONTENT_LENGTH, body.len());
    if !content_type.is_empty() {
        request = request.header(CONTENT_TYPE, content_type);
    }
    if let Some(etag) = input.etag() {
        request = request.header(IF_MATCH, format!("\"{etag}\""));
    }
    world.exchange(request.body(body.into()).unwrap())
}
