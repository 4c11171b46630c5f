//! The state of a session that another process needs to continue it.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use ucwa_proto::Origin;

use crate::chats::InviteKind;

/// The version of the serialized form.
const VERSION: u32 = 1;

/// The state of a signed-in session that another process needs to continue it: plain data, at most 2 KB for ten
/// conversations.
///
/// [`Session::checkpoint`](crate::Session::checkpoint) and [`Session::detach`](crate::Session::detach) return one, and
/// [`Session::resume`](crate::Session::resume) takes it. It contains the user's token, and cookies if the caller adds them:
/// store it encrypted, and only where it cannot be changed by others. It contains no message text. `Debug` shows only
/// sizes.
///
/// With serde, the form is the same as that of [`encode`](Self::encode).
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub struct Checkpoint {
    pub(crate) endpoint_id: String,
    pub(crate) user_agent: String,
    pub(crate) me: String,
    pub(crate) name: Option<String>,
    /// The address of the user resource.
    pub(crate) user: String,
    /// The absolute URL of the application.
    pub(crate) application: String,
    /// The href of the next pending GET.
    pub(crate) next: String,
    pub(crate) token: Option<SavedToken>,
    /// The hosts to which the user has agreed.
    pub(crate) approved: Vec<String>,
    pub(crate) cookies: Option<SecretString>,
    pub(crate) conversations: Vec<SavedConversation>,
    /// The invitations to be read again, with their rels: pending ones, accepted ones whose text is not shown
    /// yet, and those of which an event had only the link.
    pub(crate) pending_invitations: Vec<(String, String)>,
    /// Conversations that no invitation has named, by href, each with the hrefs of its messages, which are not shown yet.
    pub(crate) unclaimed: Vec<(String, Vec<String>)>,
    /// Conversations at the server may be unknown, so they are listed.
    pub(crate) is_unlisted: bool,
}

/// The token of the application's host.
#[derive(Clone)]
pub(crate) struct SavedToken {
    /// The origin whose challenge the token answers.
    pub(crate) origin: String,
    /// The value of the `Authorization` header.
    pub(crate) value: SecretString,
    pub(crate) expires_at: SystemTime,
    pub(crate) source: SavedSource,
}

/// The source of the next token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum SavedSource {
    /// The token service at this address.
    #[serde(rename = "s")]
    Service(String),
    /// Another issuer, with the values of its challenge.
    #[serde(rename = "o")]
    Outside(Option<String>, Option<String>, Option<String>),
}

/// A conversation that exists at the server.
#[derive(Clone, Default)]
pub(crate) struct SavedConversation {
    /// Empty if the server has not named it yet.
    pub(crate) href: String,
    pub(crate) thread_id: String,
    /// The SIP URI of the only peer. Empty if there are several.
    pub(crate) peer: String,
    pub(crate) peer_name: String,
    pub(crate) subject: String,
    /// The conversation is a conference in all of its lives.
    pub(crate) is_meeting: bool,
    pub(crate) is_conference: bool,
    pub(crate) is_established: bool,
    /// The chat is connected, and with it whether both sides support HTML.
    pub(crate) chat: Option<bool>,
    /// The SIP URI of the conference. Empty if it is not known.
    pub(crate) meeting: String,
    /// The outgoing invitation without a result.
    pub(crate) invite: Option<SavedInvite>,
    /// The messages without a result.
    pub(crate) doubtful: Vec<SavedMessage>,
    /// The delivery results that match no message yet: the href of the message, and whether it was delivered.
    pub(crate) early: Vec<(String, bool)>,
    /// The hrefs at which the conversation was when it sent the messages without a result, the newest first.
    pub(crate) former: Vec<String>,
    /// The hrefs of the incoming messages that are not shown yet, in order. They are read again.
    pub(crate) unread: Vec<String>,
    /// The hashes of the texts that were shown last, if an invitation is to be read whose text may be one of them.
    pub(crate) shown: Vec<u64>,
    /// The text of the accepted invitation, if it was shown and no event has repeated it.
    pub(crate) text: Option<SavedText>,
}

/// The href of an accepted invitation, the hash of its text, and the server's time at the acceptance, in seconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedText(pub(crate) String, pub(crate) u64, pub(crate) Option<u64>);

/// An outgoing invitation without a result.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedInvite {
    #[serde(rename = "o")]
    pub(crate) operation_id: String,
    #[serde(rename = "k")]
    pub(crate) kind: InviteKind,
    /// Empty if the server has not named it yet.
    #[serde(rename = "h", default, skip_serializing_if = "String::is_empty")]
    pub(crate) href: String,
}

/// A message that was sent and has no result.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedMessage {
    #[serde(rename = "o")]
    pub(crate) operation_id: String,
    /// Empty if the server has not named it yet.
    #[serde(rename = "h", default, skip_serializing_if = "String::is_empty")]
    pub(crate) href: String,
    /// The hash of the text, by which a message without an operation ID is matched.
    #[serde(rename = "t")]
    pub(crate) text: u64,
}

/// The reason why a [`Checkpoint`] cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Another version of the library wrote the checkpoint. Sign in instead.
    #[error("the checkpoint has version {0}, which this library does not know; sign in instead")]
    UnknownVersion(u32),
    /// The text is not a checkpoint, or not a complete one.
    #[error("the text is not a checkpoint (line {line}, column {column}); sign in instead")]
    #[non_exhaustive]
    Malformed {
        /// The line of the first error.
        line: usize,
        /// The column of the first error.
        column: usize,
    },
}

impl Checkpoint {
    /// The serialized form: JSON in one line. It contains the token.
    #[must_use]
    pub fn encode(&self) -> String {
        // Text and numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the form that [`encode`](Self::encode) writes.
    ///
    /// # Errors
    ///
    /// A [`CheckpointError`], which contains nothing of the text.
    pub fn decode(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |error: &serde_json::Error| CheckpointError::Malformed {
            line: error.line(),
            column: error.column(),
        };
        let Version { v } = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        if v != VERSION {
            return Err(CheckpointError::UnknownVersion(v));
        }
        serde_json::from_str(text).map_err(|error| malformed(&error))
    }

    /// The user's SIP URI.
    #[must_use]
    pub fn sip_uri(&self) -> &str {
        &self.me
    }

    /// The number of conversations.
    #[must_use]
    pub fn conversations(&self) -> usize {
        self.conversations.len() + self.pending_invitations.len()
    }

    /// The message IDs of the messages that were sent and have no result. A resumed session reports the result of each.
    pub fn doubtful_messages(&self) -> impl Iterator<Item = &str> {
        let doubtful = self.conversations.iter().flat_map(|it| &it.doubtful);
        doubtful.map(|message| &*message.operation_id)
    }

    /// Adds the cookies of the transport, in a form of the caller's choice. They tie the user to a server of the pool.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl Into<String>) -> Self {
        self.cookies = Some(SecretString::from(cookies.into()));
        self
    }

    /// The cookies that [`with_cookies`](Self::with_cookies) added.
    #[must_use]
    pub fn cookies(&self) -> Option<&str> {
        self.cookies.as_ref().map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("user", &self.me)
            .field("has_token", &self.token.is_some())
            .field("has_cookies", &self.cookies.is_some())
            .field("conversations", &self.conversations())
            .field("doubtful_messages", &self.doubtful_messages().count())
            .finish_non_exhaustive()
    }
}

/// The member that every version has.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The serialized form. Names are short, and hrefs are shortened, because a program stores one of these for every event page.
#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    #[serde(rename = "e")]
    endpoint_id: String,
    #[serde(rename = "ua")]
    user_agent: String,
    me: String,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "u")]
    user: String,
    #[serde(rename = "a")]
    application: String,
    #[serde(rename = "x")]
    next: String,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    token: Option<WireToken>,
    #[serde(rename = "ok", default, skip_serializing_if = "Vec::is_empty")]
    approved: Vec<String>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    cookies: Option<String>,
    /// The common prefix of the conversations' hrefs.
    #[serde(rename = "p", default, skip_serializing_if = "String::is_empty")]
    prefix: String,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    conversations: Vec<WireConversation>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pending_invitations: Vec<(String, String)>,
    #[serde(rename = "uc", default, skip_serializing_if = "Vec::is_empty")]
    unclaimed: Vec<(String, Vec<String>)>,
    #[serde(rename = "ul", default, skip_serializing_if = "std::ops::Not::not")]
    is_unlisted: bool,
}

/// Origin, value, expiry in seconds since 1970, source.
#[derive(Serialize, Deserialize)]
struct WireToken(String, String, u64, SavedSource);

/// Href, thread ID, peer, name of the peer, flags, and rare members.
#[derive(Serialize, Deserialize)]
struct WireConversation(
    String,
    String,
    String,
    String,
    u8,
    #[serde(default, skip_serializing_if = "WireExtras::is_empty")] WireExtras,
);

#[derive(Default, Serialize, Deserialize)]
struct WireExtras {
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    meeting: String,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    invite: Option<SavedInvite>,
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    doubtful: Vec<SavedMessage>,
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    early: Vec<(String, bool)>,
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    former: Vec<String>,
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    shown: Vec<u64>,
    #[serde(rename = "it", default, skip_serializing_if = "Option::is_none")]
    text: Option<SavedText>,
}

impl WireExtras {
    fn is_empty(&self) -> bool {
        self.subject.is_empty()
            && self.meeting.is_empty()
            && self.invite.is_none()
            && self.doubtful.is_empty()
            && self.early.is_empty()
            && self.former.is_empty()
            && self.unread.is_empty()
            && self.shown.is_empty()
            && self.text.is_none()
    }
}

const CONFERENCE: u8 = 1;
const ESTABLISHED: u8 = 2;
const CHAT: u8 = 4;
const HTML: u8 = 8;
const MEETING: u8 = 16;

impl From<Checkpoint> for Wire {
    fn from(it: Checkpoint) -> Self {
        let domain = domain_of(&it.me);
        let path = path_of(&it.application);
        let prefix = common_prefix(it.conversations.iter().map(|saved| &*saved.href));
        let conversations = it.conversations.into_iter();
        let conversations = conversations.map(|saved| {
            let flag = |is_set, flag| if is_set { flag } else { 0 };
            WireConversation(
                pack(saved.href.strip_prefix(&prefix).unwrap_or_default()),
                pack(&saved.thread_id),
                pack_sip(&saved.peer, domain),
                saved.peer_name,
                flag(saved.is_conference, CONFERENCE)
                    | flag(saved.is_established, ESTABLISHED)
                    | flag(saved.chat.is_some(), CHAT)
                    | flag(saved.chat == Some(true), HTML)
                    | flag(saved.is_meeting, MEETING),
                WireExtras {
                    subject: saved.subject,
                    meeting: saved.meeting,
                    invite: saved.invite,
                    doubtful: saved.doubtful,
                    early: saved.early,
                    former: saved.former,
                    unread: saved.unread,
                    shown: saved.shown,
                    text: saved.text,
                },
            )
        });
        let conversations = conversations.collect();
        Self {
            v: VERSION,
            endpoint_id: pack(&it.endpoint_id),
            user_agent: it.user_agent,
            me: it.me.clone(),
            name: it.name,
            user: it.user,
            application: it.application,
            next: shorten(&it.next, &path),
            token: it.token.map(|token| {
                let since_1970 = token.expires_at.duration_since(UNIX_EPOCH);
                WireToken(
                    token.origin,
                    token.value.expose_secret().to_owned(),
                    since_1970.unwrap_or_default().as_secs(),
                    token.source,
                )
            }),
            approved: it.approved,
            cookies: it.cookies.map(|cookies| cookies.expose_secret().to_owned()),
            prefix: shorten(&prefix, &path),
            conversations,
            pending_invitations: it.pending_invitations,
            unclaimed: it.unclaimed,
            is_unlisted: it.is_unlisted,
        }
    }
}

impl TryFrom<Wire> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(it: Wire) -> Result<Self, CheckpointError> {
        if it.v != VERSION {
            return Err(CheckpointError::UnknownVersion(it.v));
        }
        let domain = domain_of(&it.me);
        let path = path_of(&it.application);
        let prefix = lengthen(&it.prefix, &path);
        let conversations = it.conversations.into_iter();
        let conversations = conversations.map(|saved| {
            let WireConversation(href, thread_id, peer, peer_name, flags, extras) = saved;
            let has = |flag| flags & flag != 0;
            SavedConversation {
                href: match &*href {
                    "" => String::new(),
                    href => format!("{prefix}{}", unpack(href)),
                },
                thread_id: unpack(&thread_id),
                peer: unpack_sip(&peer, domain),
                peer_name,
                subject: extras.subject,
                is_meeting: has(MEETING),
                is_conference: has(CONFERENCE),
                is_established: has(ESTABLISHED),
                chat: has(CHAT).then(|| has(HTML)),
                meeting: extras.meeting,
                invite: extras.invite,
                doubtful: extras.doubtful,
                early: extras.early,
                former: extras.former,
                unread: extras.unread,
                shown: extras.shown,
                text: extras.text,
            }
        });
        let conversations = conversations.collect();
        Ok(Self {
            endpoint_id: unpack(&it.endpoint_id),
            user_agent: it.user_agent,
            me: it.me,
            name: it.name,
            user: it.user,
            application: it.application,
            next: lengthen(&it.next, &path),
            token: it
                .token
                .map(|WireToken(origin, value, expires_at, source)| {
                    let expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(expires_at));
                    SavedToken {
                        origin,
                        value: SecretString::from(value),
                        expires_at: expires_at.unwrap_or(UNIX_EPOCH),
                        source,
                    }
                }),
            approved: it.approved,
            cookies: it.cookies.map(SecretString::from),
            conversations,
            pending_invitations: it.pending_invitations,
            unclaimed: it.unclaimed,
            is_unlisted: it.is_unlisted,
        })
    }
}

/// The common prefix of the hrefs, up to a slash. An href that is empty does not count.
fn common_prefix<'h>(hrefs: impl Iterator<Item = &'h str>) -> String {
    let mut hrefs = hrefs.filter(|href| !href.is_empty());
    let directory = |href: &'h str| href.rfind('/').and_then(|end| href.get(..=end));
    let mut prefix = hrefs.next().and_then(directory).unwrap_or_default();
    for href in hrefs {
        while !href.starts_with(prefix) {
            let shorter = prefix.strip_suffix('/').and_then(directory);
            prefix = shorter.unwrap_or_default();
        }
    }
    prefix.to_owned()
}

/// Marks a packed UUID. A text that begins with it gets another one.
const PACKED: char = '!';

/// Shortens a UUID from 36 to 23 characters. Any other text is unchanged.
fn pack(text: &str) -> String {
    if let Some(bytes) = uuid_bytes(text) {
        return format!("{PACKED}{}", URL_SAFE_NO_PAD.encode(bytes));
    }
    match text.starts_with(PACKED) {
        true => format!("{PACKED}{text}"),
        false => text.to_owned(),
    }
}

fn unpack(text: &str) -> String {
    let Some(packed) = text.strip_prefix(PACKED) else {
        return text.to_owned();
    };
    match URL_SAFE_NO_PAD.decode(packed) {
        Ok(bytes) if !packed.starts_with(PACKED) && bytes.len() == 16 => {
            let mut uuid = String::with_capacity(36);
            for (at, byte) in bytes.iter().enumerate() {
                if matches!(at, 4 | 6 | 8 | 10) {
                    uuid.push('-');
                }
                for digit in [byte >> 4, byte & 0xf] {
                    uuid.extend(char::from_digit(u32::from(digit), 16));
                }
            }
            uuid
        }
        _ => packed.to_owned(),
    }
}

/// The bytes of a UUID in lower case with hyphens, which [`unpack`] writes.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let is_hyphen = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match byte {
            b'-' => is_hyphen(at),
            b'0'..=b'9' | b'a'..=b'f' => !is_hyphen(at),
            _ => false,
        });
    let digits: String = text.chars().filter(|it| fits && *it != '-').collect();
    let value = u128::from_str_radix(&digits, 16).ok()?;
    Some(value.to_be_bytes())
}

/// A SIP URI without its scheme, and without the user's own domain. Any other text is marked with a colon.
fn pack_sip(uri: &str, own_domain: &str) -> String {
    let rest = uri
        .strip_prefix("sip:")
        .filter(|rest| !rest.starts_with(':'));
    match rest.and_then(|rest| rest.split_once('@')) {
        Some((user, domain)) if !user.is_empty() => match domain == own_domain {
            true => user.to_owned(),
            false => format!("{user}@{domain}"),
        },
        _ if uri.is_empty() => String::new(),
        _ => format!(":{uri}"),
    }
}

fn unpack_sip(text: &str, own_domain: &str) -> String {
    match text.strip_prefix(':') {
        Some(uri) => uri.to_owned(),
        None if text.is_empty() => String::new(),
        None if text.contains('@') => format!("sip:{text}"),
        None => format!("sip:{text}@{own_domain}"),
    }
}

/// The part of a SIP URI after the first `@`.
fn domain_of(uri: &str) -> &str {
    uri.split_once('@').map_or("", |(_, domain)| domain)
}

/// The path of an absolute URL.
fn path_of(url: &str) -> String {
    let origin = Origin::of(url).map(|origin| origin.to_string());
    let path = origin.ok().and_then(|origin| url.strip_prefix(&*origin));
    path.unwrap_or_default().to_owned()
}

/// An href with a dot in place of the application's path.
fn shorten(href: &str, path: &str) -> String {
    match href.strip_prefix(path).filter(|_| !path.is_empty()) {
        Some(rest) if rest.starts_with('/') => format!(".{rest}"),
        _ => href.to_owned(),
    }
}

fn lengthen(text: &str, path: &str) -> String {
    match text.strip_prefix('.') {
        Some(rest) if rest.starts_with('/') => format!("{path}{rest}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_the_short_form() {
        for text in [
            "",
            "17b",
            "!",
            "!!x",
            "0f1e2d3c-4b5a-4697-8877-665544332211",
            "0F1E2D3C-4B5A-4697-8877-665544332211",
            "0f1e2d3c-4b5a-4697-8877-66554433221-",
            "AdBhnsTvl9ZkkJ+0SJC2TMQ5lEOjSA==",
            "grüße",
        ] {
            assert_eq!(unpack(&pack(text)), text);
        }
        assert_eq!(pack("0f1e2d3c-4b5a-4697-8877-665544332211").len(), 23);
        for uri in [
            "sip:tosh@own.com",
            "sip:a@b@own.com",
            "sip:@own.com",
            "sip:own.com",
            "",
            "sip:a@b.c",
            "tel:+123",
            "sip:",
            "sip::",
            "lenea@contoso.com",
            "SIP:a@b",
        ] {
            assert_eq!(unpack_sip(&pack_sip(uri, "own.com"), "own.com"), uri);
        }
    }

    #[test]
    fn hrefs_are_shortened_by_the_path_of_the_application() {
        let path = path_of("https://pool.contoso.com/ucwa/102");
        assert_eq!(path, "/ucwa/102");
        for (href, short) in [
            ("/ucwa/102/events?ack=2", "./events?ack=2"),
            ("/ucwa/1022/events", "/ucwa/1022/events"),
            ("https://pool.contoso.com/x", "https://pool.contoso.com/x"),
            ("", ""),
        ] {
            assert_eq!(shorten(href, &path), short);
            assert_eq!(lengthen(short, &path), href);
            assert_eq!(lengthen(&shorten(href, ""), ""), href);
        }
    }

    #[test]
    fn the_prefix_ends_with_a_slash_that_all_hrefs_share() {
        let prefix = |hrefs: &[&str]| common_prefix(hrefs.iter().copied());
        assert_eq!(prefix(&[]), "");
        assert_eq!(prefix(&["/a/b/1", "", "/a/b/2"]), "/a/b/");
        assert_eq!(prefix(&["/a/b/1", "/a/c/2", "/a/b/3"]), "/a/");
        assert_eq!(prefix(&["/a/1", "b/2"]), "");
    }
}
