//! The application of a recording, and how its user signed in.

use std::collections::BTreeSet;

use conv_transport::HarError;
use ucwa_proto::{Limits, Resource};

use super::{form, resource};
use crate::{
    exchange::Exchange,
    relations::{Relations, response},
};

/// The settings of an application, as its requests show them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedClient {
    /// The URL of the first request of the sign-in.
    pub first_url: String,
    /// Whether the first request was for the resource `user`, without a discovery.
    pub began_at_home: bool,
    /// The SIP URI of the user, if the sign-in succeeded.
    pub user: Option<String>,
    /// The user name of the token request.
    pub user_name: Option<String>,
    /// How the user signed in.
    pub sign_in: RecordedSignIn,
    /// Whether the application asked for XML.
    pub is_xml: bool,
    /// The culture.
    pub culture: Option<String>,
    /// The user agent in the body of the request that creates the application.
    pub user_agent: Option<String>,
    /// The ID of the endpoint.
    pub endpoint_id: Option<String>,
    /// Whether the application offered plain text only.
    pub plain_text_only: bool,
    /// Whether the sign-in set no status, so that the user kept the one of an earlier sign-in.
    pub keeps_status: bool,
    /// Whether the messages of invitations were percent-encoded.
    pub has_percent_data_uris: bool,
}

/// How a user signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedSignIn {
    /// With tokens of another issuer: the recording has no token request.
    #[default]
    Bearer,
    /// With a password.
    Password,
    /// With a Windows account.
    Windows,
    /// At the page of a federation service.
    Passive,
    /// As a guest of a meeting, or by another grant.
    Other,
}

/// Finds the settings.
pub(super) fn of(
    exchanges: &[Exchange<'_>],
    relations: &Relations,
    sign_in_paths: &BTreeSet<String>,
) -> Result<RecordedClient, HarError> {
    let mut client = RecordedClient::default();
    let mut has_token_request = false;
    let mut is_available = false;
    for exchange in exchanges {
        let [body, _] = exchange.bodies()?;
        let method = exchange.entry.request.method.as_str();
        if client.first_url.is_empty() && sign_in_paths.contains(&exchange.path()) {
            client.first_url.clone_from(&exchange.entry.request.url);
            client.began_at_home = exchange.entry.response.status == 401;
            let mut headers = exchange.entry.request.headers.iter();
            client.is_xml = headers.any(|header| {
                header.name.eq_ignore_ascii_case("accept") && header.value.contains("xml")
            });
        }
        let path = exchange.path();
        let rel = relations.of(&path).map(|named| named.rel.as_str());
        match (method, rel) {
            ("POST", Some("token")) if !has_token_request => {
                has_token_request = true;
                let form = form(&body);
                let value = |name| form.iter().find(|(key, _)| key == name).map(|(_, it)| it);
                client.user_name = value("username").cloned();
                client.sign_in = match value("grant_type").map(String::as_str) {
                    Some("password") => RecordedSignIn::Password,
                    Some("urn:microsoft.rtc:windows") => RecordedSignIn::Windows,
                    Some("urn:microsoft.rtc:passive") => RecordedSignIn::Passive,
                    _ => RecordedSignIn::Other,
                };
            }
            ("POST", Some("applications")) => {
                if let Some(input) = resource(exchange, &body) {
                    let text = |name| input.text(name).map(str::to_owned);
                    client.culture = text("culture");
                    client.user_agent = text("userAgent");
                    client.endpoint_id = text("endpointId");
                }
                client.user = client.user.or_else(|| user(exchange));
            }
            ("POST", Some("makeMeAvailable")) => {
                if let Some(input) = resource(exchange, &body) {
                    let formats: Vec<&str> = input.list("supportedMessageFormats").collect();
                    client.plain_text_only = !formats.is_empty() && !formats.contains(&"Html");
                    // A later request belongs to a new application, which has the status that the user chose meanwhile.
                    if !std::mem::replace(&mut is_available, true) {
                        client.keeps_status = input.text("signInAs").is_none();
                    }
                }
            }
            ("POST", Some("startMessaging" | "messagingInvitations")) => {
                let input = resource(exchange, &body);
                let message = input.as_ref().and_then(|it| it.link_href("message"));
                client.has_percent_data_uris |=
                    message.is_some_and(|message| !message.contains(";base64,"));
            }
            _ => {}
        }
    }
    Ok(client)
}

/// The paths at which a sign-in begins, since no response names them: the root, and paths with a resource. A path with a challenge
/// alone is used if there is no other, because servers send a challenge for every path.
pub(super) fn sign_in_paths(exchanges: &[Exchange<'_>]) -> BTreeSet<String> {
    let with = |holds: fn(&Exchange<'_>) -> bool| -> BTreeSet<String> {
        let gets = exchanges.iter();
        let gets = gets.filter(|exchange| exchange.entry.request.method == "GET");
        gets.filter(|exchange| holds(exchange))
            .map(Exchange::path)
            .collect()
    };
    let paths = with(|exchange| exchange.path() == "/" || is_resource(exchange));
    if paths.is_empty() {
        with(is_challenge)
    } else {
        paths
    }
}

fn is_challenge(exchange: &Exchange<'_>) -> bool {
    let mut headers = exchange.entry.response.headers.iter();
    headers.any(|header| {
        header.name.eq_ignore_ascii_case("www-authenticate") && header.value.contains("MsRtcOAuth")
    })
}

fn is_resource(exchange: &Exchange<'_>) -> bool {
    response(exchange).is_some_and(|(representation, body)| {
        Resource::decode(&body, representation, &Limits::default())
            .is_ok_and(|resource| !resource.links.is_empty())
    })
}

/// The SIP URI of the user, from the response with the application.
fn user(exchange: &Exchange<'_>) -> Option<String> {
    let (representation, body) = response(exchange)?;
    let application = Resource::decode(&body, representation, &Limits::default()).ok()?;
    let me = application.embedded("me")?;
    me.text("uri").map(str::to_owned)
}
