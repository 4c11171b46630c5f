//! Values that the chats read from resources.
//!
//! Every member is optional, and a member of the wrong type counts as missing, so an event with one malformed member is
//! still usable.

use std::time::SystemTime;

use ucwa_proto::{DataUri, DateTime, MediaType, Resource, strip_trailing_newline};

use crate::event::Role;
use crate::operation::{CustomContent, MessageBody};

/// The members of a `participant` resource or of a link to one (`participant_ref`).
#[derive(Clone, Copy, Default)]
pub(super) struct ParticipantFacts<'r> {
    pub(super) uri: Option<&'r str>,
    pub(super) name: Option<&'r str>,
    pub(super) role: Option<Role>,
    pub(super) anonymous: Option<bool>,
    pub(super) in_lobby: Option<bool>,
    /// The complete resource. Its links are the commands that this user may perform.
    pub(super) resource: Option<&'r Resource<'r>>,
}

impl<'r> ParticipantFacts<'r> {
    /// The facts in a link with a title.
    pub(super) fn titled(title: Option<&'r str>) -> Self {
        Self {
            name: title.filter(|title| !title.is_empty()),
            ..Self::default()
        }
    }

    /// The facts without the commands, for a representation that need not list all of them.
    pub(super) fn without_commands(self) -> Self {
        Self {
            resource: None,
            ..self
        }
    }

    /// The facts, with the title of the link as the name if the resource has none.
    pub(super) fn or_titled(self, title: Option<&'r str>) -> Self {
        Self {
            name: self.name.or(Self::titled(title).name),
            ..self
        }
    }
}

pub(super) fn participant<'r>(resource: &'r Resource<'_>) -> ParticipantFacts<'r> {
    let filled = |name| resource.text(name).filter(|text| !text.is_empty());
    ParticipantFacts {
        uri: filled("uri"),
        name: filled("name"),
        role: resource.text("role").and_then(role),
        // A complete resource omits false members.
        anonymous: Some(resource.boolean("anonymous").unwrap_or_default()),
        in_lobby: Some(resource.boolean("inLobby").unwrap_or_default()),
        resource: Some(resource),
    }
}

/// A role, by its name or by the name of its view.
pub(super) fn role(name: &str) -> Option<Role> {
    match name {
        "Leader" | "leaders" => Some(Role::Leader),
        "Attendee" | "attendees" => Some(Role::Attendee),
        _ => None,
    }
}

/// The custom content in a link of an invitation.
pub(super) fn custom_content(invitation: &Resource<'_>) -> Option<CustomContent> {
    let uri = DataUri::parse(invitation.link_href("customContent")?).ok()?;
    let mut content_type = uri.media_type().as_str().to_owned();
    if !uri.parameters().is_empty() {
        content_type.push(';');
        content_type.push_str(uri.parameters());
    }
    Some(CustomContent {
        content_type,
        content: uri.text().into_owned(),
    })
}

/// The state of an invitation (`InvitationState_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvitationState {
    /// Pending.
    Open,
    /// Alerting the peer.
    Alerting,
    /// Accepted.
    Accepted,
    /// Declined, failed or cancelled.
    Refused,
}

pub(super) fn invitation_state(invitation: &Resource<'_>) -> InvitationState {
    match invitation.text("state") {
        Some("Connected") => InvitationState::Accepted,
        Some("Declined" | "Failed" | "Cancelled") => InvitationState::Refused,
        Some("Alerting") => InvitationState::Alerting,
        _ => InvitationState::Open,
    }
}

/// The message in a link: a data URI of text or HTML. Any other type is kept unchanged.
pub(super) fn body_of_link(href: &str) -> Option<MessageBody> {
    let uri = DataUri::parse(href).ok()?;
    let text = uri.text();
    Some(match uri.media_type() {
        // Desktop clients append a line break that the user did not write.
        MediaType::TextPlain => MessageBody::Text(strip_trailing_newline(&text).to_owned()),
        MediaType::TextHtml => MessageBody::Html(text.into_owned()),
        MediaType::MultipartAlternative => MessageBody::Other {
            media_type: "multipart/alternative".to_owned(),
            raw: text.into_owned(),
        },
        MediaType::Other(media_type) => MessageBody::Other {
            media_type: (*media_type).to_owned(),
            raw: text.into_owned(),
        },
    })
}

/// The content of a `message`. HTML is preferred to text, since it contains more.
pub(crate) fn message_body(message: &Resource<'_>) -> Option<MessageBody> {
    let of = |rel| message.link_href(rel).and_then(body_of_link);
    of("htmlMessage").or_else(|| of("plainMessage"))
}

pub(crate) fn timestamp(message: &Resource<'_>) -> Option<SystemTime> {
    message
        .text("timeStamp")
        .and_then(|text| DateTime::parse(text).ok())
        .and_then(DateTime::to_system_time)
}
