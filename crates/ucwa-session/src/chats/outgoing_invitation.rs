//! Outgoing invitations, from the command to their result.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ucwa_proto::Resource;

use super::conversation::{Chat, Context, Conversation, Kind, Live};
use super::delivery::unknown;
use super::incoming_invitation::InvitationEvent;
use super::link::Link;
use super::payload::{self, InvitationState};
use super::purpose::{ChatPurpose, ChatTimer, InvitationId};
use super::sending::Draft;
use super::{html, invalid, wrong_state};
use crate::event::ConversationChange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::{Credentials, CustomContent, MessageBody};
use crate::response::{Answer, Effect};
use crate::text_limits;

/// The maximum time between the response and the `started` event.
pub(super) const START_GRACE: Duration = Duration::from_secs(30);
/// The maximum time of an invitation. The server fails unanswered ones after 30 s (`messagingInvitation_ref`,
/// `participantInvitation_ref`).
pub(super) const COMPLETION_GRACE: Duration = Duration::from_secs(45);
/// The maximum time to wait for the result after the conversation ended or was left.
pub(super) const LAST_RESULT_GRACE: Duration = Duration::from_secs(5);

/// An outgoing invitation without a result.
pub(super) struct Invite {
    pub(super) operation_id: String,
    pub(super) kind: InviteKind,
    /// The href in the response to the request.
    pub(super) location: Option<Arc<str>>,
    /// The href in the events of the invitation. `None` until the first event.
    pub(super) href: Option<Arc<str>>,
    pub(super) cancel: Option<String>,
    /// The invitation is cancelled as soon as its `cancel` link is known.
    pub(super) cancel_wanted: bool,
    /// The message in the invitation. Its delivery record has the operation ID of the invitation.
    message: Option<MessageBody>,
    /// The commit of the caller for which the request waits, because of the message.
    pub(super) commit: Option<u64>,
    /// The operation that waits for an invitation without a message.
    pub(super) ticket: Option<Ticket>,
    custom_content: Option<CustomContent>,
    /// The thread ID was in use and has been replaced once.
    rethreaded: bool,
}

/// The kind of an outgoing invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InviteKind {
    /// Invites the peer into a new conversation (`startMessaging_ref`).
    #[serde(rename = "p")]
    Peer,
    /// Adds a chat to an established conversation (`addMessaging_ref`).
    #[serde(rename = "c")]
    Chat,
    /// Starts a conference (`startOnlineMeeting_ref`). The participants are invited once it is established.
    #[serde(rename = "m")]
    Conference,
    /// Joins an existing conference (`joinOnlineMeeting_ref`).
    #[serde(rename = "j")]
    Join,
}

impl InviteKind {
    /// Whether the invitation establishes a conference. Such an invitation contains no message, and the conference has no
    /// chat at first.
    pub(super) fn is_conference(self) -> bool {
        matches!(self, Self::Conference | Self::Join)
    }
}

impl Invite {
    pub(super) fn new(operation_id: String, kind: InviteKind) -> Self {
        Self {
            operation_id,
            kind,
            location: None,
            href: None,
            cancel: None,
            cancel_wanted: false,
            message: None,
            commit: None,
            ticket: None,
            custom_content: None,
            rethreaded: false,
        }
    }

    /// Whether an event of the invitation has arrived.
    pub(super) fn is_seen(&self) -> bool {
        self.href.is_some()
    }
}

impl Live {
    pub(super) fn invite_mut(&mut self, operation: &str) -> Option<&mut Invite> {
        let invite = self.invite.as_deref_mut();
        invite.filter(|invite| invite.operation_id == operation)
    }
}

impl Conversation {
    // The request.

    pub(super) fn start_chat(
        &mut self,
        cx: &mut Context<'_>,
        subject: Option<String>,
        custom_content: Option<CustomContent>,
        ticket: Ticket,
    ) {
        let live = self.life.live();
        if live.is_some_and(|live| live.chat != Chat::Disconnected || live.invite.is_some()) {
            return cx.fail([ticket], &wrong_state("the chat is not ended"));
        }
        let is_malformed = |it: &CustomContent| !is_media_type(&it.content_type);
        if custom_content.as_ref().is_some_and(is_malformed) {
            let failure = invalid("the custom content has no media type".to_owned());
            // The caller may show the chat as connecting.
            let reported = Some(failure.clone());
            let change = match live.is_some() {
                true => ConversationChange::ChatDisconnected { failure: reported },
                false => ConversationChange::Ended { failure: reported },
            };
            cx.change(self.key, change);
            return cx.fail([ticket], &failure);
        }
        self.begin_invite(cx, subject, None, |invite| Invite {
            ticket: Some(ticket),
            custom_content,
            ..invite
        });
    }

    /// Invites the peer, or requests the chat of an established conversation, with or without a message.
    pub(super) fn invite(
        &mut self,
        cx: &mut Context<'_>,
        subject: Option<String>,
        message: Option<Draft>,
    ) {
        self.begin_invite(cx, subject, message, |invite| invite);
    }

    fn begin_invite(
        &mut self,
        cx: &mut Context<'_>,
        subject: Option<String>,
        message: Option<Draft>,
        with: impl FnOnce(Invite) -> Invite,
    ) {
        let own_id = message.as_ref().and_then(|draft| draft.message_id.clone());
        let is_meeting = self.kind != Kind::Chat;
        if self.peer.is_none() && self.meeting.is_none() && !is_meeting {
            self.peer = self.roster.only().and_then(|only| only.uri);
        }
        let established = self.life.established();
        let kind = if established.is_some_and(|live| live.messaging.add_messaging.is_some()) {
            InviteKind::Chat
        } else if self.meeting.is_some() && (is_meeting || cx.account.join_online_meeting.is_some())
        {
            InviteKind::Join
        } else if is_meeting
            || self.roster.has_several() && cx.account.start_online_meeting.is_some()
        {
            InviteKind::Conference
        } else {
            InviteKind::Peer
        };
        let begins = established.is_none();
        // An invitation to a conference contains no message, so it does not have the ID of one.
        let own_id = own_id.filter(|_| !kind.is_conference());
        let operation_id = own_id.unwrap_or_else(|| cx.core.uuid());
        if subject.is_some() && kind != InviteKind::Chat {
            self.subject = subject;
        }
        match kind {
            InviteKind::Conference => self.roster.expect_all(),
            InviteKind::Peer => self.roster.is_invited(self.peer.as_deref()),
            InviteKind::Chat | InviteKind::Join => {}
        }
        let mut invite = with(Invite::new(operation_id.clone(), kind));
        match message {
            // An invitation to a conference cannot contain a message. The message waits for the participants.
            Some(draft) if kind.is_conference() => self.deliveries.drafts.push_front(draft),
            Some(draft) => {
                self.deliveries.add_invited(&draft, &operation_id);
                invite.commit = self.report_posting(cx, &draft);
                invite.message = Some(draft.body);
            }
            None => {}
        }
        // Events may precede the response to the request.
        cx.index.open_operation(&operation_id, self.key);
        self.begin_life(cx);
        if let Some(live) = self.life.live_mut() {
            live.chat_refused = false;
            live.chat = Chat::Connecting;
            live.messaging_read = false;
            live.invite = Some(Box::new(invite));
        }
        if begins {
            cx.change(self.key, ConversationChange::Connecting);
        }
        cx.change(self.key, ConversationChange::ChatConnecting);
        self.post_invite(cx);
    }

    fn post_invite(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live() else {
            return;
        };
        let Some(invite) = &live.invite else {
            return;
        };
        let subject = self.subject.as_deref().unwrap_or_default();
        if let Err(failure) =
            text_limits::check("subject", subject, text_limits::SUBJECT, Stage::Command)
        {
            self.subject = None;
            return self.refuse_invite(cx, failure);
        }
        let mut input =
            Resource::anonymous().with_property("operationId", invite.operation_id.clone());
        if invite.kind != InviteKind::Chat {
            if let Some(subject) = &self.subject {
                input = input.with_property("subject", subject.clone());
            }
            input = input
                .with_property("importance", self.importance.name())
                .with_property("threadId", self.thread_id.clone());
        }
        let href = match invite.kind {
            InviteKind::Chat => live.messaging.add_messaging.as_ref().map(Link::href),
            InviteKind::Conference => cx.account.start_online_meeting.as_deref().map(Cow::from),
            InviteKind::Join => {
                let meeting = self.meeting.clone().unwrap_or_default();
                input = input.with_property("onlineMeetingUri", meeting);
                // A guest gets the display name from this request (`onlineMeetingInvitation_ref`).
                let credentials = cx.core.auth.credentials.as_ref();
                if let Some(name) = credentials.and_then(Credentials::guest) {
                    input = input.with_property("anonymousDisplayName", name.to_owned());
                }
                cx.account.join_online_meeting.as_deref().map(Cow::from)
            }
            InviteKind::Peer => {
                let Some(peer) = &self.peer else {
                    let failure = wrong_state("the conversation has no participant to invite");
                    return self.refuse_invite(cx, failure);
                };
                input = input.with_property("to", peer.clone());
                cx.account.start_messaging.as_deref().map(Cow::from)
            }
        };
        let Some(href) = href else {
            let message = match invite.kind.is_conference() {
                true => "the server does not let this user begin or join conferences",
                false => "the server does not let this user begin chats",
            };
            let failure =
                Failure::new(FailureKind::NotSupported, Stage::Invitation).with_message(message);
            return self.refuse_invite(cx, failure);
        };
        let encoding = cx.core.config.data_uris;
        if let Some(custom) = &invite.custom_content {
            if invite.kind != InviteKind::Peer {
                let failure = Failure::new(FailureKind::NotSupported, Stage::Invitation)
                    .with_message("custom content can be sent only in the invitation of one peer into a new conversation");
                return self.refuse_invite(cx, failure);
            }
            let data = encoding.custom(&custom.content_type, custom.content.as_bytes());
            input = input.with_link("customContent", data);
        }
        if let Some(body) = &invite.message {
            let data = match body {
                MessageBody::Html(html) if cx.account.html => encoding.html(html),
                body => encoding.plain(&html::plain_text(body)),
            };
            input = input.with_link("message", data);
        }
        let purpose = ChatPurpose::Invite(invite.operation_id.clone());
        match cx.core.resolve(&href, Stage::Invitation) {
            Ok(url) => {
                let commit = invite.commit;
                self.tasks
                    .post_invitation(cx.core, purpose, url, &input, commit);
            }
            Err(failure) => self.refuse_invite(cx, failure),
        }
    }

    pub(super) fn on_invite_response(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        answer: Answer<'_>,
    ) {
        let live = self.life.live_mut();
        // Events may have reported the result before the response.
        let Some(invite) = live.and_then(|live| live.invite_mut(operation)) else {
            return;
        };
        match answer.effect(cx.core) {
            Effect::Done(response) => {
                let location = cx.core.location(&response);
                if let Some(address) = location.and_then(|location| cx.address_of(location)) {
                    let is_new = invite.href.is_none() && invite.location.is_none();
                    invite.location = Some(address.href.clone());
                    cx.index.locate_operation(operation, address.key);
                    if is_new {
                        self.report_invitation_posted(cx, operation, &address.href);
                    }
                }
                self.await_start(cx, operation);
            }
            Effect::Unclear(_) => self.await_start(cx, operation),
            Effect::Gone(failure) | Effect::Refused(failure)
                if failure.subcode() == Some("ThreadIdAlreadyExists") && !invite.rethreaded =>
            {
                // No invitation was created, because another conversation has the thread ID. This conversation gets a new
                // one.
                invite.rethreaded = true;
                let thread_id = cx.core.uuid();
                self.set_thread(cx, &thread_id);
                self.post_invite(cx);
            }
            Effect::Gone(failure) | Effect::Refused(failure) => {
                cx.index.forget_operation(operation);
                self.refuse_invite(cx, failure);
            }
        }
    }

    /// Waits for the event that the server has started the invitation. It may precede the response.
    fn await_start(&mut self, cx: &mut Context<'_>, operation: &str) {
        let invite = self.life.live().and_then(|live| live.invite.as_ref());
        if invite.is_some_and(|invite| !invite.is_seen()) {
            let timer = ChatTimer::InvitationStarted(operation.to_owned());
            self.tasks.arm(cx.core, START_GRACE, timer);
        }
    }

    // Events.

    /// Applies a view of an outgoing invitation, from an event or a read.
    pub(super) fn on_invite_seen(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        event: InvitationEvent<'_>,
    ) {
        let InvitationEvent {
            address,
            conversation,
            invitation,
            ..
        } = event;
        let shown = conversation
            .as_ref()
            .and_then(|address| cx.index.conversation(&address.key));
        // No invitation claimed the conversation in time, so it was shown as a separate conversation.
        if shown.is_some_and(|shown| shown != self.key) {
            return;
        }
        // An invitation that was refused needs no conversation.
        let is_open = payload::invitation_state(invitation) != InvitationState::Refused;
        let revived = conversation.is_some() && is_open && self.revive(cx, operation);
        let live = self.life.live_mut();
        let Some(invite) = live.and_then(|live| live.invite_mut(operation)) else {
            return;
        };
        let is_new = invite.href.is_none() && invite.location.is_none();
        let href = address.href.clone();
        let before = invite.href.replace(address.href);
        if before != invite.href {
            cx.index.locate_operation(operation, address.key);
        }
        if let Some(cancel) = invitation.link_href("cancel") {
            invite.cancel = Some(cancel.to_owned());
        }
        let first = before.is_none();
        if is_new {
            self.report_invitation_posted(cx, operation, &href);
        }
        let Some(invite) = self
            .life
            .live_mut()
            .and_then(|live| live.invite_mut(operation))
        else {
            return;
        };
        let kind = invite.kind;
        let cancels = invite.cancel_wanted && first;
        self.set_thread(cx, invitation.text("threadId").unwrap_or_default());
        if let Some(conversation) = conversation {
            self.bind(cx, &conversation);
            if let Some(live) = self.life.live_mut()
                && let Some(messaging) = invitation.link_href("messaging")
            {
                let known = &mut live.links.messaging;
                known.get_or_insert_with(|| Link::new(messaging, live.address.as_ref()));
            }
            if first {
                self.report_start(cx, kind, revived);
                let id = InvitationId::Outgoing(operation.to_owned());
                let timer = ChatTimer::InvitationCompleted(id);
                self.tasks.arm(cx.core, COMPLETION_GRACE, timer);
            }
            if kind.is_conference() {
                self.become_conference(cx, invitation.text("onlineMeetingUri"));
            }
            self.replay_buffered(cx, &conversation.key);
        }
        if cancels {
            self.post_cancel(cx);
        }
    }

    fn report_start(&mut self, cx: &mut Context<'_>, kind: InviteKind, revived: bool) {
        if revived {
            cx.change(self.key, ConversationChange::Connecting);
        }
        // An invitation to a conference or to its chat invites no other participant.
        let joins = match kind {
            InviteKind::Join => true,
            InviteKind::Chat => self.is_conference(),
            InviteKind::Peer | InviteKind::Conference => false,
        };
        if !joins {
            cx.change(self.key, ConversationChange::Inviting);
        }
    }

    /// Reopens an invitation that had timed out, when an event shows that it exists. `false` if the conversation was
    /// restarted in the meantime.
    fn revive(&mut self, cx: &mut Context<'_>, operation: &str) -> bool {
        let lost = !self.is_live() && self.deliveries.is_unknown(operation);
        if lost {
            cx.index.open_operation(operation, self.key);
            let invite = Invite::new(operation.to_owned(), InviteKind::Peer);
            self.begin_life(cx);
            if let Some(live) = self.life.live_mut() {
                live.invite = Some(Box::new(invite));
            }
        }
        lost
    }

    /// Handles a missing `started` event after the server accepted the request or may have accepted it.
    pub(super) fn on_start_overdue(&mut self, cx: &mut Context<'_>, operation: &str) {
        let live = self.life.live_mut();
        let invite = live.and_then(|live| live.invite_mut(operation));
        let Some(invite) = invite.filter(|invite| !invite.is_seen()) else {
            return;
        };
        if let Some(location) = &invite.location {
            let id = InvitationId::Outgoing(operation.to_owned());
            let purpose = ChatPurpose::ReadInvitation(id);
            return self.tasks.read(cx.core, Some(location), purpose);
        }
        let failure = unknown("the invitation may or may not have reached the server");
        self.refuse_invite(cx, failure);
    }
}

/// Whether a text is a valid media type in a data URI.
fn is_media_type(text: &str) -> bool {
    let (name, _) = text.split_once(';').unwrap_or((text, ""));
    name.split_once('/')
        .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
        && text.is_ascii()
        && !text.contains(|c: char| c == ',' || c.is_ascii_whitespace() || c.is_ascii_control())
}
