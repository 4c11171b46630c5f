//! Messages that the caller may have sent, by its own records.

use std::fmt;

use ucwa_proto::SipUri;

use crate::chats::{InviteKind, hash};
use crate::checkpoint::{Checkpoint, SavedConversation, SavedInvite, SavedMessage};
use crate::operation::MessageBody;

/// A message with an ID of the caller that an earlier process may have sent.
///
/// A program with an outbox knows of such messages itself: it stored the message before it sent it. If the process was killed
/// before it stored a checkpoint with the message, [`Checkpoint::add_doubtful_message`] adds the message to the checkpoint.
#[derive(Clone)]
pub struct DoubtfulMessage {
    message_id: String,
    to: String,
    text: u64,
    remote_id: Option<String>,
}

impl DoubtfulMessage {
    /// A message of plain text, by the ID that the caller chose, the SIP URI of the peer or of the meeting, and the text as
    /// it was sent.
    #[must_use]
    pub fn text(
        message_id: impl Into<String>,
        to: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self::new(message_id.into(), to.into(), MessageBody::Text(text.into()))
    }

    /// A message of HTML, with the same values as [`text`](Self::text).
    #[must_use]
    pub fn html(
        message_id: impl Into<String>,
        to: impl Into<String>,
        html: impl Into<String>,
    ) -> Self {
        Self::new(message_id.into(), to.into(), MessageBody::Html(html.into()))
    }

    fn new(message_id: String, to: String, body: MessageBody) -> Self {
        Self {
            message_id,
            to,
            text: hash(&body),
            remote_id: None,
        }
    }

    /// Sets the href that [`MessagePosted`](crate::ConversationChange::MessagePosted) reported. With it, the session reads
    /// the message; without it, only an event of the server can report the result.
    #[must_use]
    pub fn with_remote_id(mut self, href: impl Into<String>) -> Self {
        self.remote_id = Some(href.into());
        self
    }
}

/// Shows neither the text nor its hash.
impl fmt::Debug for DoubtfulMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoubtfulMessage")
            .field("message_id", &self.message_id)
            .field("remote_id", &self.remote_id)
            .finish_non_exhaustive()
    }
}

impl Checkpoint {
    /// Adds a message that may have been sent, and that the checkpoint may not contain. The resumed session treats it like
    /// the messages of the checkpoint: it reports the result in a
    /// [`MessageSettled`](crate::ConversationChange::MessageSettled), and never sends the message.
    ///
    /// A message to a peer without a conversation in the checkpoint may have been in the invitation to one. The session then
    /// shows that conversation, and ends it if the server does not report the invitation within 30 s.
    ///
    /// Add the messages in the order in which they were sent. A message that the checkpoint contains is not added again; it
    /// only gets its href.
    ///
    /// Returns `false`, and adds nothing, if the session could not determine the result of the message: the address is
    /// malformed, or it is a meeting without a conversation in the checkpoint. The result is then unknown.
    pub fn add_doubtful_message(&mut self, message: DoubtfulMessage) -> bool {
        let DoubtfulMessage {
            message_id,
            to,
            text,
            remote_id,
        } = message;
        let href = remote_id.unwrap_or_default();
        let mut known = self.conversations.iter_mut();
        if let Some(conversation) = known.find(|it| it.has_doubtful(&message_id)) {
            conversation.locate_doubtful(&message_id, href);
            return true;
        }
        let Ok(to) = SipUri::parse(&to) else {
            return false;
        };
        let conversations = &self.conversations;
        let place = conversations.iter().position(|it| it.contains(&href));
        let place = place.or_else(|| conversations.iter().position(|it| it.is_with(&to)));
        let conversation = match place.and_then(|place| self.conversations.get_mut(place)) {
            Some(conversation) => conversation,
            None if is_meeting(&to) => return false,
            None => {
                self.conversations.push(SavedConversation {
                    peer: to.as_str().to_owned(),
                    ..SavedConversation::default()
                });
                let Some(added) = self.conversations.last_mut() else {
                    return false;
                };
                added
            }
        };
        conversation.add_doubtful(message_id, href, text);
        true
    }
}

impl SavedConversation {
    fn has_doubtful(&self, message_id: &str) -> bool {
        let mut doubtful = self.doubtful.iter();
        doubtful.any(|it| it.operation_id == message_id)
    }

    /// Whether a message with this href belongs to the conversation. The href of an invitation does not begin like that of
    /// its conversation.
    fn contains(&self, href: &str) -> bool {
        let rest = href.strip_prefix(&*self.href);
        !self.href.is_empty() && rest.is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether the conversation is the one with this peer, or at this meeting.
    fn is_with(&self, to: &SipUri) -> bool {
        let is = |uri: &str| SipUri::parse(uri).is_ok_and(|uri| uri == *to);
        is(&self.meeting) || !self.is_conference && is(&self.peer)
    }

    /// Sets the href of a message, and that of its invitation, if they are not known.
    fn locate_doubtful(&mut self, message_id: &str, href: String) {
        let invite = self.invite.as_mut();
        let invite = invite.filter(|it| it.operation_id == message_id);
        let place = match invite {
            Some(invite) => Some(&mut invite.href),
            None => {
                let mut doubtful = self.doubtful.iter_mut();
                let message = doubtful.find(|it| it.operation_id == message_id);
                message.map(|it| &mut it.href)
            }
        };
        if let Some(place) = place.filter(|place| place.is_empty()) {
            *place = href;
        }
    }

    fn add_doubtful(&mut self, message_id: String, href: String, text: u64) {
        // Without a chat, a message is sent in an invitation.
        let is_in_invitation = self.chat.is_none()
            && self.invite.is_none()
            && !self.is_conference
            && !self.contains(&href);
        let mut saved = SavedMessage {
            operation_id: message_id,
            href: String::new(),
            text,
        };
        if is_in_invitation {
            self.invite = Some(SavedInvite {
                operation_id: saved.operation_id.clone(),
                kind: match self.is_established {
                    true => InviteKind::Chat,
                    false => InviteKind::Peer,
                },
                href,
            });
        } else {
            saved.href = href;
        }
        self.doubtful.push(saved);
    }
}

/// Whether the address is that of a meeting: `sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA`.
fn is_meeting(uri: &SipUri) -> bool {
    let uri = uri.as_str().to_ascii_lowercase();
    uri.contains(";opaque=app:conf:")
}
