//! What the user of a recorded application did, from its requests.

mod client;

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use conv_transport::{Har, HarError};
use percent_encoding::percent_decode_str;
use ucwa_proto::{DataUri, Limits, MediaType, Representation, Resource};

pub use self::client::{RecordedClient, RecordedSignIn};
use crate::{
    exchange::{Exchange, exchanges, path_and_query},
    relations::{Relations, Step, steps},
};

/// The relations of the requests that an application sends by itself.
const AUTOMATIC: [&str; 23] = [
    "application",
    "applications",
    "communication",
    "conversation",
    "conversations",
    "events",
    "localParticipant",
    "makeMeAvailable",
    "me",
    "message",
    "messaging",
    "messagingInvitation",
    "next",
    "participant",
    "participantMessaging",
    "participants",
    "redirect",
    "reportMyActivity",
    "resync",
    "token",
    "typingParticipants",
    "user",
    "userAcknowledged",
];

/// The inaccuracy of the times in files without ordinals, such as those of browsers. A response that a request causes can be earlier than
/// the request there.
const INACCURACY: Duration = Duration::from_millis(5);

/// The requests of a user, in the order of sending.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Operations {
    /// The application, and how the user signed in.
    pub client: RecordedClient,
    /// What the user did after the sign-in.
    pub operations: Vec<Operation>,
    /// The requests of other operations, and of other programs.
    pub others: Vec<OtherRequest>,
    /// The paths of the requests for events.
    pub event_paths: BTreeSet<String>,
    /// The date of the first request.
    pub starts: SystemTime,
    /// The time of the last response, counted from the first request.
    pub end: Duration,
}

/// A request that is neither of an [`OperationKind`] nor automatic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherRequest {
    /// The number of the exchange.
    pub number: usize,
    /// The link relation of the address. `None` if no response names it.
    pub rel: Option<String>,
    /// The path without the query.
    pub path: String,
}

/// An operation of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The number of the exchange.
    pub number: usize,
    /// The time of the request, counted from the first request; or a little before, if the times of the file are not exact.
    pub at: Duration,
    /// The conversation: the path of its resource. Empty if the operation has none, or if no response names it.
    pub conversation: String,
    /// What the user did.
    pub kind: OperationKind,
}

/// What a user did.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationKind {
    /// Invited a user to a chat.
    Invite {
        /// The SIP URI of the user. `None` if the chat of an existing conversation was started again.
        to: Option<String>,
        /// The ID of the thread: invitations of one conversation have the same.
        thread: Option<String>,
        /// The subject, unless it is empty.
        subject: Option<String>,
        /// The message of the invitation.
        message: Option<RecordedMessage>,
    },
    /// Sent a message.
    Send(RecordedMessage),
    /// Reported that the user is typing.
    Type,
    /// Accepted the invitation of this user.
    Accept(Option<String>),
    /// Declined the invitation of this user.
    Decline(Option<String>),
    /// Stopped the chat, or cancelled the invitation.
    Stop,
    /// Left the conversation.
    Leave,
    /// Added the user with this SIP URI.
    Add(String),
    /// Signed out.
    SignOut,
}

/// The body of a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedMessage {
    /// The text, or the HTML.
    pub text: String,
    /// Whether the body is HTML.
    pub is_html: bool,
}

/// Hides the texts and the addresses.
impl std::fmt::Debug for OperationKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Invite { .. } => "Invite",
            Self::Send(_) => "Send",
            Self::Type => "Type",
            Self::Accept(_) => "Accept",
            Self::Decline(_) => "Decline",
            Self::Stop => "Stop",
            Self::Leave => "Leave",
            Self::Add(_) => "Add",
            Self::SignOut => "SignOut",
        })
    }
}

/// Hides the text.
impl std::fmt::Debug for RecordedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedMessage")
            .field("is_html", &self.is_html)
            .finish_non_exhaustive()
    }
}

/// Finds the operations of the user in a recording of one application.
///
/// # Errors
///
/// [`HarError::Entry`] if a body cannot be decoded.
pub fn operations(har: &Har) -> Result<Operations, HarError> {
    let exchanges = exchanges(har);
    let relations = Relations::of_all(&exchanges);
    let sign_in_paths = client::sign_in_paths(&exchanges);
    let mut found = Operations {
        client: client::of(&exchanges, &relations, &sign_in_paths)?,
        operations: Vec::new(),
        others: Vec::new(),
        event_paths: BTreeSet::new(),
        starts: SystemTime::UNIX_EPOCH,
        end: Duration::ZERO,
    };
    let steps = steps(har);
    // The requests so far that the application may repeat by itself.
    let mut repeatable: BTreeSet<(&str, String, Vec<u8>)> = BTreeSet::new();
    for step in &steps {
        let exchange = &step.exchange;
        let at = step.at.unwrap_or_default();
        found.end = found.end.max(end(step));

        let method = exchange.entry.request.method.as_str();
        let path = exchange.path();
        let rel = relations.of(&path).map(|named| named.rel.as_str());
        if matches!(rel, Some("events" | "next" | "resync")) {
            let path = path.split('?').next().unwrap_or_default();
            found.event_paths.insert(path.to_owned());
        }
        let [body, _] = exchange.bodies()?;
        let operation = kind(exchange, method, rel, &body, &relations);
        let Some((kind, conversation)) = operation else {
            let is_automatic = match rel {
                Some(rel) => AUTOMATIC.contains(&rel),
                None => sign_in_paths.contains(&path),
            };
            if !is_automatic && method != "OPTIONS" {
                found.others.push(OtherRequest {
                    number: exchange.number,
                    rel: rel.map(str::to_owned),
                    path: path.split('?').next().unwrap_or_default().to_owned(),
                });
            }
            continue;
        };
        let key = (method, path, body.to_vec());
        let is_repetition = repeatable.remove(&key);
        if !(200..300).contains(&exchange.entry.response.status) {
            repeatable.insert(key);
        }
        if !is_repetition {
            found.operations.push(Operation {
                number: exchange.number,
                at,
                conversation: conversation.unwrap_or_default(),
                kind,
            });
        }
    }
    found.begin_with_sign_in(&steps);
    Ok(found)
}

impl Operations {
    /// Counts the times from the first request that a replay has, which a browser's request for a page can precede.
    fn begin_with_sign_in(&mut self, steps: &[Step<'_>]) {
        let is_other = |step: &&Step<'_>| {
            let number = step.exchange.number;
            self.others.iter().any(|other| other.number == number)
        };
        let is_preflight = |step: &&Step<'_>| step.exchange.entry.request.method == "OPTIONS";
        let first = steps
            .iter()
            .find(|step| !is_other(step) && !is_preflight(step));
        let Some(first) = first else {
            return;
        };
        if let Some(started) = first.exchange.started() {
            self.starts = started.into();
        }
        let began = first.at.unwrap_or_default();
        let has_ordinals = first.exchange.entry.sent.is_some();
        let earlier = if has_ordinals {
            Duration::ZERO
        } else {
            INACCURACY
        };
        for operation in &mut self.operations {
            operation.at = operation.at.saturating_sub(began + earlier);
        }
        self.end = self.end.saturating_sub(began);
    }
}

/// The time of the response, counted from the first request.
fn end(step: &Step<'_>) -> Duration {
    let took = Duration::try_from_secs_f64(step.exchange.entry.time.max(0.0) / 1000.0);
    step.at.unwrap_or_default() + took.unwrap_or_default()
}

/// The operation of a request with its conversation. `None` if the request is none of the operations.
fn kind(
    exchange: &Exchange<'_>,
    method: &str,
    rel: Option<&str>,
    body: &[u8],
    relations: &Relations,
) -> Option<(OperationKind, Option<String>)> {
    let path = exchange.path();
    let conversation = relations.conversation(&path).map(str::to_owned);
    let sender = || relations.sender(&path).map(str::to_owned);
    let kind = match (method, rel?) {
        ("POST", "startMessaging" | "addMessaging" | "messagingInvitations") => {
            let resource = resource(exchange, body)?;
            let invitation = exchange.entry.response.headers.iter().find_map(|header| {
                let is_location = header.name.eq_ignore_ascii_case("location");
                is_location.then(|| path_and_query(&header.value))
            });
            let invited = invitation.and_then(|path| relations.conversation(&path));
            let message = resource.link_href("message").and_then(data_uri);
            let text = |name| resource.text(name).filter(|text| !text.is_empty());
            let kind = OperationKind::Invite {
                to: text("to").map(str::to_owned),
                thread: text("threadId").map(str::to_owned),
                subject: text("subject").map(str::to_owned),
                message,
            };
            return Some((kind, invited.map(str::to_owned).or(conversation)));
        }
        ("POST", "sendMessage") => OperationKind::Send(RecordedMessage {
            text: String::from_utf8_lossy(body).into_owned(),
            is_html: media_type(exchange).starts_with("text/html"),
        }),
        ("POST", "setIsTyping") => OperationKind::Type,
        ("POST", "accept") => OperationKind::Accept(sender()),
        ("POST", "decline") => OperationKind::Decline(sender()),
        ("POST", "stopMessaging" | "cancel") => OperationKind::Stop,
        ("DELETE", "conversation") => OperationKind::Leave,
        ("POST", "addParticipant") => {
            OperationKind::Add(resource(exchange, body)?.text("to")?.to_owned())
        }
        ("DELETE", "application") => OperationKind::SignOut,
        _ => return None,
    };
    Some((kind, conversation))
}

/// The body of a request as a resource.
fn resource<'b>(exchange: &Exchange<'_>, body: &'b [u8]) -> Option<Resource<'b>> {
    let representation = Representation::from_content_type(&media_type(exchange))?;
    Resource::decode(body, representation, &Limits::default()).ok()
}

/// The media type of a request's body.
fn media_type(exchange: &Exchange<'_>) -> String {
    let request = &exchange.entry.request;
    let mut headers = request.headers.iter();
    let header = headers.find(|header| header.name.eq_ignore_ascii_case("content-type"));
    let header = header.map(|header| header.value.as_str());
    let stated = request.post_data.as_ref();
    let media_type = header.or(stated.map(|data| data.mime_type.as_str()));
    media_type.unwrap_or_default().to_ascii_lowercase()
}

/// The message of a data URI.
fn data_uri(href: &str) -> Option<RecordedMessage> {
    let uri = DataUri::parse(href).ok()?;
    Some(RecordedMessage {
        text: uri.text().into_owned(),
        is_html: *uri.media_type() == MediaType::TextHtml,
    })
}

/// The parameters of a form.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let body = String::from_utf8_lossy(body);
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
