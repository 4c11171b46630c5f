//! Our invitation: from the command to the answer of the server that took it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::Resource;

use super::conversation::{Chat, State};
use super::outbox::Draft;
use super::{Chats, invalid, read, wrong_state};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::{Credentials, CustomContent, MessageBody};
use crate::response::Effect;
use crate::text_limits;
use crate::timers::Timer;

/// How long the event that tells of the start may take after the request was answered.
pub(super) const START_GRACE: Duration = Duration::from_secs(30);
/// How long an invitation may be under way: unanswered ones fail at the server after 30 s (`messagingInvitation_ref`,
/// `participantInvitation_ref`).
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

impl Invite {
    pub(super) fn new(operation_id: String, kind: Kind) -> Self {
        Self {
            operation_id,
            location: None,
            href: None,
            cancel: None,
            cancel_wanted: false,
            carried: None,
            ticket: None,
            started: false,
            kind,
            context: None,
            rethreaded: false,
        }
    }
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
    /// This user, into a conference that is there, in which he may have been before (`joinOnlineMeeting_ref`).
    Join,
}

impl Kind {
    /// Whether it brings a conference, which has no message inside and comes without its chat.
    pub(crate) fn is_conference(self) -> bool {
        matches!(self, Self::Conference | Self::Join)
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
        let made_as_meeting = conversation.made_as_meeting;
        if conversation.peer.is_none() && conversation.meeting.is_none() && !made_as_meeting {
            conversation.peer = conversation.roster.only().and_then(|only| only.uri);
        }
        let kind = if conversation.state == State::Connected
            && conversation.links.add_messaging.is_some()
        {
            Kind::Chat
        } else if conversation.meeting.is_some()
            && (made_as_meeting || self.join_online_meeting.is_some())
        {
            Kind::Join
        } else if made_as_meeting
            || conversation.roster.is_many() && self.start_online_meeting.is_some()
        {
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
            Kind::Chat | Kind::Join => {}
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
            carried,
            ticket,
            ..Invite::new(operation_id.clone(), kind)
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
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(invite) = &conversation.invite else {
            return;
        };
        let subject = conversation.subject.as_deref().unwrap_or_default();
        if let Err(failure) =
            text_limits::check("subject", subject, text_limits::SUBJECT, Stage::Command)
        {
            conversation.subject = None;
            return self.refuse_invite(core, key, failure);
        }
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
            Kind::Join => {
                let meeting = conversation.meeting.clone().unwrap_or_default();
                input = input.with_property("onlineMeetingUri", meeting);
                // Nobody but he himself can say what a guest is called (`onlineMeetingInvitation_ref`).
                if let Some(name) = core.auth.credentials.as_ref().and_then(Credentials::guest) {
                    input = input.with_property("anonymousDisplayName", name.to_owned());
                }
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
        let Some(href) = href else {
            let what = match invite.kind.is_conference() {
                true => "the server does not let this user begin or join conferences",
                false => "the server does not let this user begin chats",
            };
            let failure =
                Failure::new(FailureKind::NotSupported, Stage::Invitation).with_message(what);
            return self.refuse_invite(core, key, failure);
        };
        let encoding = core.config.data_uris;
        if let Some(context) = &invite.context {
            if invite.kind != Kind::Peer {
                let failure = Failure::new(FailureKind::NotSupported, Stage::Invitation)
                    .with_message("custom content goes with the invitation of one peer into a new conversation only");
                return self.refuse_invite(core, key, failure);
            }
            let data = encoding.custom(&context.content_type, context.content.as_bytes());
            input = input.with_link("customContent", data);
        }
        if let Some(draft) = &invite.carried {
            let data = match &draft.body {
                MessageBody::Html(html) if self.html => encoding.html(html),
                body => encoding.plain(&read::plain_to_send(body)),
            };
            input = input.with_link("message", data);
        }
        let purpose = Purpose::Invite(key, invite.operation_id.clone());
        match core.resolve(href, Stage::Invitation) {
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
        match core.effect(exchange, result) {
            Effect::Done(response) => {
                invite.location = core.location(&response).map(str::to_owned);
                self.await_start(core, key, operation);
            }
            Effect::Unclear(_) => self.await_start(core, key, operation),
            Effect::Gone(failure) | Effect::Refused(failure)
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
            Effect::Gone(failure) | Effect::Refused(failure) => {
                self.operations.remove(operation);
                self.refuse_invite(core, key, failure);
            }
        }
    }

    /// The server may have begun the invitation: an event will tell, before the answer or after it.
    fn await_start(&mut self, core: &mut Core, key: ConversationKey, operation: &str) {
        if self
            .invite_mut(key, operation)
            .is_some_and(|invite| !invite.started)
        {
            let timer = Timer::InvitationStarted(key, operation.to_owned());
            core.arm(START_GRACE, timer);
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
