//! What the session takes from a resource.
//!
//! The server may leave out whatever it likes, so everything here is optional, and a member of the wrong type counts as
//! left out: an event with one bad field still says what happened.

use std::time::SystemTime;

use ucwa_proto::{DataUri, DateTime, MediaType, Resource, strip_trailing_newline};

use crate::event::Role;
use crate::operation::{CustomContent, MessageBody};

/// A `participant`, in whatever role (`participant_ref`).
#[derive(Clone, Copy, Default)]
pub(super) struct ParticipantFacts<'r> {
    pub(super) uri: Option<&'r str>,
    pub(super) name: Option<&'r str>,
    pub(super) role: Option<Role>,
    pub(super) anonymous: Option<bool>,
    pub(super) in_lobby: Option<bool>,
    /// The resource, where there is all of it: its links are what this user may do with it.
    pub(super) whole: Option<&'r Resource<'r>>,
}

impl<'r> ParticipantFacts<'r> {
    /// Of somebody of whom there is a link only, with its title.
    pub(super) fn titled(title: Option<&'r str>) -> Self {
        Self {
            name: title.filter(|title| !title.is_empty()),
            ..Self::default()
        }
    }

    /// The same, said in passing: what it leaves out is only left out.
    pub(super) fn in_passing(self) -> Self {
        Self {
            whole: None,
            ..self
        }
    }

    /// The same, but for the name of the link where the resource has none.
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
        // What a whole resource does not say is not so.
        anonymous: Some(resource.boolean("anonymous").unwrap_or_default()),
        in_lobby: Some(resource.boolean("inLobby").unwrap_or_default()),
        whole: Some(resource),
    }
}

/// A role by its name, or by the view of those who have it.
pub(super) fn role(name: &str) -> Option<Role> {
    match name {
        "Leader" | "leaders" => Some(Role::Leader),
        "Attendee" | "attendees" => Some(Role::Attendee),
        _ => None,
    }
}

/// Custom content in a link of an invitation.
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

/// How an invitation stands (`InvitationState_ref`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvitationStanding {
    /// Under way.
    Open,
    /// Ringing at the peer's.
    Alerting,
    /// Accepted.
    Accepted,
    /// Declined, failed or cancelled.
    Refused,
}

pub(super) fn standing(invitation: &Resource<'_>) -> InvitationStanding {
    match invitation.text("state") {
        Some("Connected") => InvitationStanding::Accepted,
        Some("Declined" | "Failed" | "Cancelled") => InvitationStanding::Refused,
        Some("Alerting") => InvitationStanding::Alerting,
        _ => InvitationStanding::Open,
    }
}

/// A message in a link: a data URI of text, HTML, or something else that is kept as it is.
pub(super) fn body_of_link(href: &str) -> Option<MessageBody> {
    let uri = DataUri::parse(href).ok()?;
    let text = uri.text();
    Some(match uri.media_type() {
        // Desktop clients end each text with a line break that the user did not write.
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

/// The content of a `message`: HTML where there is some, since it holds more than the text beside it.
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

/// The text of a body for comparison: plain, without a final line break.
pub(super) fn plain(body: &MessageBody) -> String {
    strip_trailing_newline(&plain_to_send(body)).to_owned()
}

/// The text of a body for a peer, or an invitation, that takes only text.
pub(super) fn plain_to_send(body: &MessageBody) -> String {
    match body {
        MessageBody::Text(text) => text.clone(),
        MessageBody::Html(html) => html_to_text(html),
        MessageBody::Other { raw, .. } => raw.clone(),
    }
}

/// A text as HTML that says the same, for a chat that takes nothing else.
pub(super) fn text_to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br/>"),
            '\r' => {}
            other => html.push(other),
        }
    }
    html
}

/// What HTML says without its markup, for peers that take only text.
pub(super) fn html_to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let Some(length) = markup(from) else {
            // Not markup after all.
            let (sign, after) = from.split_at(1);
            text.push_str(sign);
            rest = after;
            continue;
        };
        let (mark, after) = from.split_at(length);
        if mark.starts_with('<') {
            let name = mark.trim_start_matches(['<', '/']).to_ascii_lowercase();
            let breaks = ["br", "p>", "p ", "div", "li"]
                .iter()
                .any(|tag| name.starts_with(tag));
            if breaks && !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        } else {
            match entity(mark) {
                Some(character) => text.push(character),
                None => text.push_str(mark),
            }
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The length of the tag or entity that begins here, if one does. A sign that stands alone is read as a browser reads it.
fn markup(from: &str) -> Option<usize> {
    let (sign, after) = from.split_at_checked(1)?;
    if sign == "<" {
        after
            .starts_with(|first: char| first.is_ascii_alphabetic() || "/!?".contains(first))
            .then_some(())?;
        return Some(from.find('>')? + 1);
    }
    let name = |character: char| character.is_ascii_alphanumeric() || character == '#';
    let end = after.find(|character| !name(character))?;
    after[end..].starts_with(';').then_some(end + 2)
}

fn entity(mark: &str) -> Option<char> {
    match mark.strip_prefix('&')?.strip_suffix(';')? {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_survives_as_html() {
        let text = "1 < 2 & 3 > 2\n\"so\"";
        assert_eq!(text_to_html(text), "1 &lt; 2 &amp; 3 &gt; 2<br/>\"so\"");
        assert_eq!(html_to_text(&text_to_html(text)), text);
    }

    #[test]
    fn signs_that_are_no_markup_stay() {
        for (html, text) in [
            ("<b>1 < 2</b> or 3 > 2", "1 < 2 or 3 > 2"),
            ("R&D <i>and</i> Q&A; done", "R&D and Q&A; done"),
            ("a <3 b", "a <3 b"),
            ("fish &<b>chips</b>;", "fish &chips;"),
            ("<!-- so --><br", "<br"),
            ("\u{fc}<\u{fc}>&\u{fc};&", "\u{fc}<\u{fc}>&\u{fc};&"),
        ] {
            assert_eq!(html_to_text(html), text, "{html}");
        }
    }

    #[test]
    fn html_loses_its_markup_and_keeps_its_words() {
        let html =
            "<span style=\"x\">Tom &amp; <b>J&#233;r&ocirc;me</b></span><br/>1 < 2 &unterminated";
        assert_eq!(
            html_to_text(html),
            "Tom & J\u{e9}r&ocirc;me\n1 < 2 &unterminated"
        );
    }
}
