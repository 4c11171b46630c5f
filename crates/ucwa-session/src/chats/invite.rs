//! Our invitation: from the command to its verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, header};
use ucwa_proto::{DataUri, Event, EventKind, EventStatus, Resource};

use super::conversation::{Chat, Conversation, State};
use super::outbox::{Draft, Place};
use super::page::failure_of;
use super::read::{self, InvitationStanding};
use super::{Chats, invalid, wrong_state};
use crate::core::Core;
use crate::event::{ConversationChange, MessageStatus};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::io::Sent;
use crate::keys::{ConversationKey, Ticket};
use crate::operation::{CustomContent, MessageBody, Outcome};
use crate::timers::Timer;

/// How long the event that tells of the start may take after the request was answered.
const START_GRACE: Duration = Duration::from_secs(30);
/// How long an invitation may be under way: unanswered ones fail at the server after 30 s (`messagingInvitation_ref`).
pub(super) const COMPLETION_GRACE: Duration = Duration::from_secs(45);
/// How long the verdict may take when the conversation has ended, or was left, before it.
pub(super) const VERDICT_GRACE: Duration = Duration::from_secs(5);

/// An invitation of ours that has no verdict yet.
pub(crate) struct Invite {
    pub(super) operation_id: String,
    /// Where the operation is, as the answer to the request said.
    pub(super) location: Option<String>,
    /// Where the operation is, as its events say.
    pub(super) href: Option<String>,
    pub(super) cancel: Option<String>,
    /// It is to be cancelled as soon as it is known where.
    pub(super) cancel_wanted: bool,
    /// The message inside.
    pub(super) carried: Option<Draft>,
    /// Who waits for an invitation without a message.
    pub(super) ticket: Option<Ticket>,
    pub(super) started: bool,
    pub(super) kind: Kind,
    /// Custom content for it.
    pub(super) context: Option<CustomContent>,
    /// A thread id that is taken was replaced once.
    pub(super) rethreaded: bool,
}

/// What an invitation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The one peer, into a new conversation (`startMessaging_ref`).
    Peer,
    /// A chat, in a conversation that lives already (`addMessaging_ref`).
    Chat,
    /// A new conference, into which others are invited once it stands (`startOnlineMeeting_ref`).
    Conference,
    /// This user, into the conference that he was in before (`joinOnlineMeeting_ref`).
    OldConference,
}

impl Kind {
    /// Whether it brings a conference, which has no message inside and comes without its chat.
    pub(crate) fn is_conference(self) -> bool {
        matches!(self, Self::Conference | Self::OldConference)
    }
}

impl Chats {
    pub(super) fn start_chat(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        subject: Option<String>,
        context: Option<CustomContent>,
        ticket: Ticket,
    ) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        if conversation.chat != Chat::Disconnected || conversation.invite.is_some() {
            return core.complete(ticket, Err(wrong_state("the chat is not ended")));
        }
        if context
            .as_ref()
            .is_some_and(|context| !is_media_type(&context.content_type))
        {
            let failure = invalid("the custom content has no media type".to_owned());
            // The caller may show the chat as beginning.
            let told = Some(failure.clone());
            core.change(
                key,
                match conversation.is_live() {
                    true => ConversationChange::ChatDisconnected { failure: told },
                    false => ConversationChange::Ended { failure: told },
                },
            );
            return core.complete(ticket, Err(failure));
        }
        self.invite(core, key, subject, None, Some(ticket));
        if let Some(invite) = self
            .conversations
            .get_mut(&key)
            .and_then(|it| it.invite.as_mut())
        {
            invite.context = context;
        }
        self.post_invite(core, key);
    }

    /// Invites the peer with a message.
    pub(super) fn invite_with(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        subject: Option<String>,
        message: Draft,
    ) {
        self.invite(core, key, subject, Some(message), None);
        self.post_invite(core, key);
    }

    /// Asks for the chat of a conversation that lives without it.
    pub(super) fn invite_to_chat(&mut self, core: &mut Core, key: ConversationKey) {
        self.invite(core, key, None, None, None);
        self.post_invite(core, key);
    }

    /// Begins an invitation, with or without a message, and posts nothing yet.
    fn invite(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        subject: Option<String>,
        carried: Option<Draft>,
        ticket: Option<Ticket>,
    ) {
        let operation_id = core.uuid();
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation.peer.is_none() && conversation.meeting.is_none() {
            conversation.peer = conversation.roster.only().and_then(|only| only.uri);
        }
        let kind = if conversation.state == State::Connected
            && conversation.links.add_messaging.is_some()
        {
            Kind::Chat
        } else if conversation.meeting.is_some() && self.join_online_meeting.is_some() {
            Kind::OldConference
        } else if conversation.roster.is_many() && self.start_online_meeting.is_some() {
            Kind::Conference
        } else {
            Kind::Peer
        };
        if subject.is_some() && kind != Kind::Chat {
            conversation.subject = subject;
        }
        conversation.chat_unwanted = false;
        match kind {
            Kind::Conference => conversation.roster.expect_all(),
            Kind::Peer => conversation.roster.is_invited(conversation.peer.as_deref()),
            Kind::Chat | Kind::OldConference => {}
        }
        // A conference takes no message with the invitation; what is to be said waits for those who are to hear it.
        let carried = match carried {
            Some(draft) if kind.is_conference() => {
                conversation.outbox.put_draft(draft);
                None
            }
            carried => carried,
        };
        conversation.invite = Some(Invite {
            operation_id: operation_id.clone(),
            location: None,
            href: None,
            cancel: None,
            cancel_wanted: false,
            carried,
            ticket,
            started: false,
            kind,
            context: None,
            rethreaded: false,
        });
        conversation.messaging_read = false;
        conversation.chat = Chat::Connecting;
        let begins = conversation.state != State::Connected;
        if begins {
            conversation.state = State::Connecting;
            core.change(key, ConversationChange::Connecting);
        }
        core.change(key, ConversationChange::ChatConnecting);
        // Events may come before the answer to the request: the id is known from here on.
        self.operations.insert(operation_id, key);
    }

    fn post_invite(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get(&key) else {
            return;
        };
        let Some(invite) = &conversation.invite else {
            return;
        };
        let mut input =
            Resource::anonymous().with_property("operationId", invite.operation_id.clone());
        if invite.kind != Kind::Chat {
            if let Some(subject) = &conversation.subject {
                input = input.with_property("subject", subject.clone());
            }
            input = input
                .with_property("importance", "Normal")
                .with_property("threadId", conversation.thread_id.clone());
        }
        let href = match invite.kind {
            Kind::Chat => conversation.links.add_messaging.as_deref(),
            Kind::Conference => self.start_online_meeting.as_deref(),
            Kind::OldConference => {
                let meeting = conversation.meeting.clone().unwrap_or_default();
                input = input.with_property("onlineMeetingUri", meeting);
                self.join_online_meeting.as_deref()
            }
            Kind::Peer => {
                let Some(peer) = &conversation.peer else {
                    let failure = wrong_state("nobody is known who could be invited");
                    return self.refuse_invite(core, key, failure);
                };
                input = input.with_property("to", peer.clone());
                self.start_messaging.as_deref()
            }
        };
        if let Some(context) = invite
            .context
            .as_ref()
            .filter(|_| invite.kind == Kind::Peer)
        {
            let data = DataUri::base64(&context.content_type, context.content.as_bytes());
            input = input.with_link("customContent", data);
        }
        if let Some(draft) = &invite.carried {
            let data = match &draft.body {
                MessageBody::Html(html) if core.config.html => DataUri::text_html(html),
                body => DataUri::text_plain(&read::plain_to_send(body)),
            };
            input = input.with_link("message", data);
        }
        let purpose = Purpose::Invite(key, invite.operation_id.clone());
        match core.resolve(href.unwrap_or_default(), Stage::Invitation) {
            Ok(url) => {
                let exchange = core.with_input(Exchange::new(purpose, Method::POST, url), &input);
                core.issue(exchange);
            }
            Err(failure) => self.refuse_invite(core, key, failure),
        }
    }

    pub(super) fn on_invite_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        // Events may have brought the verdict before the answer; it must not be undone.
        let Some(invite) = self.invite_mut(key, operation) else {
            return;
        };
        let refused = match result {
            Ok(response) if response.status().is_success() => {
                invite.location = location(&response);
                None
            }
            // The server, or something before it, failed after it may have begun.
            Ok(response) if response.status().is_server_error() => None,
            Ok(response) => Some(core.refusal(exchange, &response)),
            Err(failure) if may_have_been_sent(&failure) => None,
            Err(failure) => Some(failure),
        };
        match refused {
            None if invite.started => {}
            None => {
                core.arm(
                    START_GRACE,
                    Timer::InvitationStarted(key, operation.to_owned()),
                );
            }
            Some(failure)
                if failure.subcode() == Some("ThreadIdAlreadyExists") && !invite.rethreaded =>
            {
                // Nothing was started: the thread is another conversation's, and this one gets a thread of its own.
                invite.rethreaded = true;
                let thread_id = core.uuid();
                if let Some(conversation) = self.conversations.get_mut(&key) {
                    conversation.thread_id = thread_id;
                }
                self.post_invite(core, key);
            }
            Some(failure) => {
                self.operations.remove(operation);
                self.refuse_invite(core, key, failure);
            }
        }
    }

    /// Our own invitation shows on the event channel, in whatever state.
    pub(super) fn on_invite_seen(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        href: &str,
        invitation: &Resource<'_>,
    ) {
        let revived = self.revive(key, operation);
        let Some(invite) = self.invite_mut(key, operation) else {
            return;
        };
        invite.href = Some(href.to_owned());
        if let Some(cancel) = invitation.link_href("cancel") {
            invite.cancel = Some(cancel.to_owned());
        }
        let first = !std::mem::replace(&mut invite.started, true);
        let conference = invite.kind.is_conference();
        let cancel_now = invite.cancel_wanted && first;
        if let Some(thread_id) = invitation.text("threadId").filter(|id| !id.is_empty())
            && let Some(conversation) = self.conversations.get_mut(&key)
        {
            thread_id.clone_into(&mut conversation.thread_id);
        }
        if let Some(conversation) = invitation.link_href("conversation") {
            let conversation = conversation.to_owned();
            self.bind(core, key, &conversation);
            if let Some(messaging) = invitation.link_href("messaging")
                && let Some(record) = self.conversations.get_mut(&key)
            {
                record
                    .links
                    .messaging
                    .get_or_insert_with(|| messaging.to_owned());
            }
            if first {
                if revived {
                    core.change(key, ConversationChange::Connecting);
                }
                core.change(key, ConversationChange::Inviting);
                core.arm(
                    COMPLETION_GRACE,
                    Timer::InvitationCompleted(key, operation.to_owned()),
                );
            }
            if conference {
                self.become_group(core, key, invitation.text("onlineMeetingUri"));
            }
            self.play_kept(core, &conversation);
        }
        if cancel_now {
            self.post_cancel(core, key);
        }
    }

    /// An invitation that was given up as lost shows after all: the conversation goes on, if it was not begun again.
    fn revive(&mut self, key: ConversationKey, operation: &str) -> bool {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return false;
        };
        let lost = conversation.invite.is_none()
            && conversation.state == State::Ended
            && conversation.outbox.is_unsettled(operation);
        if lost {
            conversation.state = State::Connecting;
            conversation.chat = Chat::Connecting;
            conversation.messaging_read = false;
            conversation.invite = Some(Invite {
                operation_id: operation.to_owned(),
                location: None,
                href: None,
                cancel: None,
                cancel_wanted: false,
                carried: None,
                ticket: None,
                started: false,
                kind: Kind::Peer,
                context: None,
                rethreaded: true,
            });
        }
        lost
    }

    /// An event of an invitation, after it was recognised.
    pub(super) fn on_invitation(&mut self, core: &mut Core, event: &Event<'_>) {
        let by_operation = event
            .resource()
            .filter(|invitation| invitation.text("direction") != Some("Incoming"))
            .and_then(|invitation| invitation.text("operationId"))
            .and_then(|id| Some((*self.operations.get(id)?, id.to_owned())));
        let found = by_operation.or_else(|| self.find_invitation(core, &event.link.href));
        let Some((key, operation)) = found else {
            return;
        };
        let standing = event.resource().map(read::standing);
        if event.kind != EventKind::Completed {
            if standing == Some(InvitationStanding::Alerting) {
                core.change(key, ConversationChange::Alerting);
            }
            return;
        }
        let derived = event
            .resource()
            .is_some_and(|invitation| self.follow_derived(core, key, invitation));
        // The event's status decides; without one the invitation's own state; without that, ask.
        let accepted = match (&event.status, standing) {
            _ if derived => true,
            (Some(EventStatus::Success), _) => true,
            (Some(EventStatus::Failure), _) => false,
            (_, Some(InvitationStanding::Accepted)) => true,
            (_, Some(InvitationStanding::Refused)) => false,
            _ => {
                let href = event.link.href.to_string();
                return Self::read(core, Some(&href), Purpose::ReadInvitation(key, operation));
            }
        };
        let failure = event.reason.as_ref().and_then(failure_of);
        self.conclude(core, key, &operation, accepted, failure, event.resource());
    }

    /// The verdict of an invitation, ours or the peer's.
    pub(super) fn conclude(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        accepted: bool,
        failure: Option<Failure>,
        invitation: Option<&Resource<'_>>,
    ) {
        let refused = |failure: Option<Failure>| {
            failure.unwrap_or_else(|| Failure::new(FailureKind::Remote, Stage::Invitation))
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if conversation
            .offer
            .as_ref()
            .is_some_and(|offer| offer.operation() == operation)
        {
            return self.on_offer_concluded(core, key, accepted, failure);
        }
        let Some(invite) = conversation
            .invite
            .take_if(|invite| invite.operation_id == operation)
        else {
            // Given up before: the message that it carried gets its verdict after all.
            let status = if accepted {
                MessageStatus::Succeeded
            } else {
                MessageStatus::Failed
            };
            let failure = (!accepted).then(|| refused(failure));
            if let Some(message) = conversation.outbox.take_unsettled(operation) {
                let peer = conversation.peer.clone();
                core.change(
                    key,
                    ConversationChange::MessageStatus {
                        message,
                        status,
                        timestamp: None,
                        failure,
                    },
                );
                if accepted && let Some(invitation) = invitation {
                    self.adopt(core, invitation, peer);
                }
            }
            return;
        };
        core.cancel_timers(|timer| {
            matches!(timer, Timer::InvitationStarted(_, id) | Timer::InvitationCompleted(_, id) if id == operation)
        });
        if !accepted {
            conversation.invite = Some(invite);
            return self.refuse_invite(core, key, refused(failure));
        }
        if let Some(acceptor) =
            invitation.and_then(|invitation| invitation.embedded("acceptedByParticipant"))
            && let Some(href) = acceptor.href()
        {
            self.take_in(core, key, href, &read::participant(acceptor));
        }
        if let Some(draft) = invite.carried {
            self.settle_message(
                core,
                key,
                draft.message,
                draft.ticket,
                MessageStatus::Succeeded,
                None,
                None,
            );
        } else if let Some(message) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.outbox.take_unsettled(operation))
        {
            let status = MessageStatus::Succeeded;
            core.change(
                key,
                ConversationChange::MessageStatus {
                    message,
                    status,
                    timestamp: None,
                    failure: None,
                },
            );
        }
        if let Some(ticket) = invite.ticket {
            core.complete(ticket, Ok(Outcome::Done));
        }
        if invite.kind != Kind::Chat {
            self.invite_expected(core, key);
        }
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.waits_for_verdict = false;
            conversation.chat_wanted |= invite.kind.is_conference();
        }
        if let Some(conversation) = self.conversations.get(&key)
            && conversation.chat == Chat::Connecting
            && conversation.state == State::Connecting
        {
            // The page may still bring the conversation; if it does not, the server is asked.
            self.read_conversation(core, key);
        }
        if invite.cancel_wanted {
            // It was accepted before the cancellation reached the server: what was meant is to leave.
            self.delete_conversation(core, key);
        }
    }

    /// Our invitation came to nothing.
    pub(super) fn refuse_invite(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: Failure,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(invite) = conversation.invite.take() else {
            return;
        };
        if let Some(draft) = invite.carried {
            let status = verdict_of(&failure);
            if status == MessageStatus::Unknown {
                conversation.outbox.remember_unsettled(
                    draft.message,
                    &invite.operation_id,
                    Place::Nowhere,
                );
            }
            let why = Some(failure.clone());
            self.settle_message(core, key, draft.message, draft.ticket, status, None, why);
        } else if verdict_of(&failure) == MessageStatus::Failed
            && let Some(message) = conversation.outbox.take_unsettled(&invite.operation_id)
        {
            // It was given up, showed after all, and came to nothing.
            core.change(
                key,
                ConversationChange::MessageStatus {
                    message,
                    status: MessageStatus::Failed,
                    timestamp: None,
                    failure: Some(failure.clone()),
                },
            );
        }
        if let Some(ticket) = invite.ticket {
            core.complete(ticket, Err(failure.clone()));
        }
        if invite.kind == Kind::OldConference
            && let Some(conversation) = self.conversations.get_mut(&key)
        {
            // It may be over; the next start begins another.
            conversation.meeting = None;
        }
        if invite.kind == Kind::Chat && conversation_lives(&self.conversations, key) {
            // The conversation it asked into may well live on, unless the user wants to leave it.
            self.on_chat_gone(core, key, Some(failure));
            let leaving = self
                .conversations
                .get(&key)
                .is_some_and(|conversation| !conversation.leaving.is_empty());
            if leaving {
                self.delete_conversation(core, key);
            }
        } else {
            self.end(core, key, Some(failure));
        }
    }

    /// The conversation ends under an invitation that has no verdict: what it carried stays unknown if it was sent.
    pub(super) fn close_invite(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: &Failure,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(invite) = conversation.invite.take() else {
            return;
        };
        if let Some(draft) = invite.carried {
            conversation.outbox.remember_unsettled(
                draft.message,
                &invite.operation_id,
                Place::Nowhere,
            );
            let why = unknown("the conversation ended before the invitation had a verdict");
            self.settle_message(
                core,
                key,
                draft.message,
                draft.ticket,
                MessageStatus::Unknown,
                None,
                Some(why),
            );
        }
        if let Some(ticket) = invite.ticket {
            core.complete(ticket, Err(failure.clone()));
        }
    }

    pub(super) fn invite_mut(
        &mut self,
        key: ConversationKey,
        operation: &str,
    ) -> Option<&mut Invite> {
        let invite = self.conversations.get_mut(&key)?.invite.as_mut()?;
        (invite.operation_id == operation).then_some(invite)
    }
}

/// Whether a text can stand as a media type in a data URI.
fn is_media_type(text: &str) -> bool {
    let (name, _) = text.split_once(';').unwrap_or((text, ""));
    name.split_once('/')
        .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
        && text.is_ascii()
        && !text.contains(|c: char| c == ',' || c.is_ascii_whitespace() || c.is_ascii_control())
}

fn conversation_lives(
    conversations: &BTreeMap<ConversationKey, Conversation>,
    key: ConversationKey,
) -> bool {
    conversations
        .get(&key)
        .is_some_and(|conversation| conversation.over.is_none())
}

/// The address that the answer to a POST names.
pub(super) fn location(response: &Response<Bytes>) -> Option<String> {
    response
        .headers()
        .get(header::LOCATION)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// Whether a request that failed may have had its effect. One that failed for want of a token had none.
pub(super) fn may_have_been_sent(failure: &Failure) -> bool {
    failure.stage() != Stage::Authentication
        && failure
            .transport_failure()
            .is_some_and(|transport| transport.sent == Sent::Maybe)
}

pub(super) fn unknown(message: &str) -> Failure {
    Failure::new(FailureKind::DeliveryUnknown, Stage::Message).with_message(message)
}

/// What a failure makes of a message: it did not arrive, unless nobody could tell.
pub(super) fn verdict_of(failure: &Failure) -> MessageStatus {
    match failure.kind() {
        FailureKind::DeliveryUnknown => MessageStatus::Unknown,
        _ => MessageStatus::Failed,
    }
}
