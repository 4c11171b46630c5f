//! Conversations at the server without a known invitation: an earlier process started them, or the events of their
//! invitation were lost. They are read and shown.

use std::time::Duration;

use http::Method;
use ucwa_proto::{Event, EventKind, EventLink, Resource, Sender};

use super::conversation::{Address, Conversation, Discovery};
use super::incoming_invitation::InvitationEvent;
use super::payload::{InvitationState, invitation_state};
use super::purpose::{ChatPurpose, ChatsPurpose, ChatsTimer};
use super::{Chats, key_of};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::Stage;
use crate::keys::{ConversationKey, ParticipantKey};
use crate::response::Answer;
use crate::timers::Timer;

/// How long an established conversation waits for its invitation.
const INVITATION_GRACE: Duration = Duration::from_secs(10);
/// How often a failed read of a conversation is repeated, with growing pauses.
const MAX_REPEATS: u32 = 6;

/// An invitation that is being read, with the view in its event.
pub(super) struct MergedInvitation {
    href: String,
    rel: String,
    view: Resource<'static>,
}

impl Discovery {
    pub(super) fn at(href: &str) -> Self {
        Self {
            href: href.to_owned(),
            thread_id: None,
            subject: None,
            peer: None,
        }
    }

    fn described_by(self, resource: &Resource<'_>) -> Self {
        let text = |name| resource.text(name).map(str::to_owned);
        Self {
            thread_id: text("threadId"),
            subject: text("subject").filter(|subject| !subject.is_empty()),
            ..self
        }
    }

    /// The conversation in an invitation.
    pub(super) fn of_invitation(invitation: &Resource<'_>) -> Option<Self> {
        let href = invitation.link_href("conversation")?;
        Some(Self::at(href).described_by(invitation))
    }
}

impl Chats {
    /// Buffers an event of a conversation that no invitation has named yet.
    pub(super) fn buffer_event(
        &mut self,
        core: &mut Core,
        address: &Address,
        sender: &Sender<'_>,
        event: &Event<'_>,
    ) {
        // All conversations of this application are on its host.
        if core.resolve(&address.href, Stage::Conversation).is_err() {
            return;
        }
        self.buffer
            .push(address.key.clone(), &address.href, sender, event);
        while let Some(href) = self.buffer.overflow(&address.key) {
            self.discover(core, Discovery::at(&href));
        }
        // An established conversation may never get an invitation.
        if sender.rel == "communication" && event.resource().is_some_and(is_established) {
            let timer = ChatsTimer::Unclaimed(address.href.to_string(), 0);
            core.arm(INVITATION_GRACE, Timer::Chats(timer));
        }
    }

    /// Shows a conversation that belongs to no operation of this session. If the peer is unknown, the roster is read:
    /// the invitation has only a link to a contact, whose last segment is not a reliable address.
    pub(super) fn discover(&mut self, core: &mut Core, discovery: Discovery) {
        let Some(href) = key_of(core, &discovery.href) else {
            return;
        };
        let key = ConversationKey::Remote(core.number());
        let thread_id = discovery.thread_id.unwrap_or_else(|| core.uuid());
        let mut conversation = Conversation::begun_elsewhere(key, thread_id);
        if let Some(peer) = discovery.peer {
            conversation.expect(ParticipantKey::Remote(core.number()), peer);
        }
        let peer = conversation.roster.only();
        self.conversations.insert(key, Box::new(conversation));
        let address = Address {
            href: discovery.href.into(),
            key: href.clone(),
        };
        self.with(core, key, |conversation, cx| {
            conversation.bind(cx, &address);
            cx.core.emit(SessionEvent::Discovered {
                conversation: key,
                peer,
                subject: discovery.subject,
            });
            conversation.replay_buffered(cx, &href);
        });
    }

    /// Shows a conversation of an invitation that had timed out, in addition to the conversation that replaced it.
    pub(super) fn adopt(&mut self, core: &mut Core, discovery: Discovery) {
        let Some(href) = key_of(core, &discovery.href).filter(|it| !self.index.is_known(it)) else {
            return;
        };
        self.discover(core, discovery);
        self.with_href(core, &href, Conversation::read_conversation);
    }

    // Invitations that are read because the event did not contain them.

    /// Reads an invitation of which an event had only the link.
    pub(super) fn read_unknown_invitation(&self, core: &mut Core, href: &str, rel: &str) {
        let purpose = ChatsPurpose::ReadUnknownInvitation(href.to_owned(), rel.to_owned());
        read(core, href, purpose);
    }

    /// Reads an invitation whose `started` event was merged with a later view. If the read fails, the view is shown at the
    /// end of the application.
    pub(super) fn read_merged_invitation(&mut self, core: &mut Core, event: &InvitationEvent<'_>) {
        let Address { href, key } = &event.address;
        let merged = MergedInvitation {
            href: href.to_string(),
            rel: event.rel.to_owned(),
            view: event.invitation.clone().into_owned(),
        };
        self.merged.insert(key.clone(), merged);
        self.read_unknown_invitation(core, href, event.rel);
    }

    pub(super) fn on_unknown_invitation_read(
        &mut self,
        core: &mut Core,
        (href, rel): (&str, &str),
        answer: Answer<'_>,
    ) {
        let Some(key) = key_of(core, href) else {
            return;
        };
        let Ok(invitation) = answer.resource(core) else {
            return;
        };
        // All conversations of this application are on its host, so the response is not one of the application.
        let conversation = invitation.link_href("conversation");
        if conversation.is_some_and(|href| core.resolve(href, Stage::Invitation).is_err()) {
            return;
        }
        // The invitation of a conversation that is over has lost its links. The event had them.
        let merged = self.merged.remove(&key);
        let merged = merged.filter(|_| conversation.is_none());
        let view = merged.as_ref().map_or(&invitation, |merged| &merged.view);
        let conversation = view.link_href("conversation");
        let is_accepted = invitation_state(&invitation) == InvitationState::Accepted;
        // The invitation was accepted by an earlier session or by another endpoint, or is an outgoing one of this session, and
        // its conversation is over. It has no text to show, but it may be the result of a message.
        let is_over = conversation.is_none() && view.link_href("message").is_none();
        let is_shown = !(is_accepted && is_over);
        let conversation = conversation.and_then(|href| key_of(core, href));
        let known = conversation.and_then(|href| self.index.conversation(&href));
        let answered = known.filter(|key| {
            let conversation = self.conversations.get(key);
            conversation.is_some_and(|conversation| {
                let is_established = conversation.life.established().is_some();
                conversation.is_chatting() || is_accepted && is_established
            })
        });
        // It may be older than the invitation that waits for an answer, and does not replace it.
        let is_missed = invitation_state(&invitation) == InvitationState::Refused;
        let missed = known.filter(|key| {
            let conversation = self.conversations.get(key);
            is_missed && conversation.is_some_and(|it| it.has_offer())
        });
        let href = href.into();
        let address = Address { href, key };
        if let Some(key) = missed.filter(|_| !self.index.is_known_invitation(&address.key)) {
            self.with(core, key, |conversation, cx| {
                conversation.on_missed_invitation(cx, view, address);
            });
            return;
        }
        match answered {
            // The invitation was answered before it was read.
            Some(key) if !self.index.is_known_invitation(&address.key) => {
                self.with(core, key, |conversation, cx| {
                    let href = address.href.to_string();
                    conversation.on_answered_invitation(cx, view, href);
                });
            }
            Some(_) => {}
            None if !is_shown => {}
            None => {
                let kind = &EventKind::Started;
                let event = InvitationEvent::read(core, address.clone(), rel, kind, view);
                self.dispatch_invitation(core, event);
            }
        }
        // The event with the result may have been in the same page, or may be malformed as well.
        if let Some((key, id)) = self.invitation_of(&address.key, Some(&invitation)) {
            self.with(core, key, |conversation, cx| {
                conversation.apply_result_of_invitation(cx, &id, &invitation);
            });
        }
    }

    // Conversations that are read because no invitation named them.

    /// The hrefs of the unclaimed conversations with messages, each with the hrefs of its messages, for a checkpoint.
    pub(crate) fn save_unclaimed(&self) -> Vec<(String, Vec<String>)> {
        self.buffer.messages()
    }

    /// Whether conversations at the server may be unknown to this session: they are being listed or read, or wait for an
    /// invitation.
    pub(crate) fn has_unclaimed(&self, core: &Core) -> bool {
        let is_read = |exchange: &Exchange| {
            matches!(
                exchange.purpose,
                Purpose::ListConversations(_) | Purpose::Chats(ChatsPurpose::ReadUnclaimed(..))
            )
        };
        let waits = |timer: &Timer| {
            matches!(
                timer,
                Timer::ListConversations | Timer::Chats(ChatsTimer::Unclaimed(..))
            )
        };
        self.buffer.len() > 0 || core.exchanges().any(is_read) || core.timers.any(waits)
    }

    /// Buffers the messages of the unclaimed conversations in a checkpoint. They are read when the conversation is shown.
    pub(crate) fn restore_unclaimed(
        &mut self,
        core: &mut Core,
        unclaimed: Vec<(String, Vec<String>)>,
    ) {
        for (href, messages) in unclaimed {
            let Some(address) = Address::of(core, &href) else {
                continue;
            };
            let sender = Sender::new("conversation", href);
            for message in messages {
                let event = Event::new(EventKind::Completed, EventLink::new("message", message));
                self.buffer_event(core, &address, &sender, &event);
            }
        }
    }

    /// Reads the unknown conversations in a list of the server.
    pub(crate) fn read_unknown(&self, core: &mut Core, listed: &[String]) {
        for href in listed {
            self.read_unclaimed(core, href, 0);
        }
    }

    /// Reads a conversation, unless an invitation has named it in the meantime. `failed` is the number of failed reads.
    pub(super) fn read_unclaimed(&self, core: &mut Core, href: &str, failed: u32) {
        if self.is_unclaimed(core, href) {
            let purpose = ChatsPurpose::ReadUnclaimed(href.to_owned(), failed);
            read(core, href, purpose);
        }
    }

    fn is_unclaimed(&self, core: &Core, href: &str) -> bool {
        key_of(core, href).is_some_and(|href| !self.index.is_known(&href))
    }

    pub(super) fn on_unclaimed_read(
        &mut self,
        core: &mut Core,
        (href, failed): (&str, u32),
        answer: Answer<'_>,
    ) {
        let later = |pause, failed| {
            let timer = ChatsTimer::Unclaimed(href.to_owned(), failed);
            (pause, Timer::Chats(timer))
        };
        let resource = match answer.resource(core) {
            Ok(resource) => resource,
            Err(failure) if failure.is_gone() => return self.on_unclaimed_gone(core, href),
            Err(_) => {
                if failed < MAX_REPEATS {
                    let (pause, timer) = later(INVITATION_GRACE * (failed + 1), failed + 1);
                    core.arm(pause, timer);
                }
                return;
            }
        };
        let Some(key) = key_of(core, href).filter(|href| !self.index.is_known(href)) else {
            return;
        };
        if !is_established(&resource) {
            return;
        }
        let inviting = self.index.inviting();
        let mut inviting = inviting.filter_map(|key| self.conversations.get(&key));
        let may_be_beginning = inviting.any(|it| it.awaits_href());
        drop(inviting);
        if may_be_beginning {
            // The conversation may be about to start, with its events delayed.
            let (pause, timer) = later(INVITATION_GRACE, failed);
            core.arm(pause, timer);
            return;
        }
        self.discover(core, Discovery::at(href).described_by(&resource));
        self.with_href(core, &key, |conversation, cx| {
            conversation.apply_conversation(cx, &resource, None);
            let participants = resource.link_href("participants");
            let purpose = ChatPurpose::ReadParticipants;
            conversation.tasks.read(cx.core, participants, purpose);
            conversation.read_messaging(cx);
        });
    }

    /// Handles an unclaimed conversation that has ended: shows its messages, and removes it from the buffer.
    fn on_unclaimed_gone(&mut self, core: &mut Core, href: &str) {
        let Some(key) = key_of(core, href).filter(|href| !self.index.is_known(href)) else {
            return;
        };
        if !self.buffer.has_message(&key) {
            return self.buffer.close(&key);
        }
        self.discover(core, Discovery::at(href));
        self.with_href(core, &key, |conversation, cx| {
            conversation.on_remote_end(cx, None);
        });
    }

    /// Called when the application ends. Shows the messages in unclaimed conversations and in invitations that are being
    /// read.
    pub(super) fn show_buffered(&mut self, core: &mut Core) {
        for (key, merged) in std::mem::take(&mut self.merged) {
            let conversation = merged.view.link_href("conversation");
            let conversation = conversation.and_then(|href| key_of(core, href));
            let ended = conversation.as_ref().and_then(|it| self.index.ended(it));
            let is_known = ended.is_some() || self.index.is_known_invitation(&key);
            if !is_known && merged.view.link_href("message").is_some() {
                let known = conversation.and_then(|it| self.index.conversation(&it));
                let address = Address {
                    href: merged.href.into(),
                    key,
                };
                let (rel, kind) = (&merged.rel, &EventKind::Updated);
                let event = InvitationEvent::read(core, address, rel, kind, &merged.view);
                self.offer(core, event, known);
            }
        }
        for href in self.buffer.with_messages() {
            if self.is_unclaimed(core, &href) {
                self.discover(core, Discovery::at(&href));
            }
        }
    }
}

/// GETs `href`, unless a request with the same purpose is in flight.
fn read(core: &mut Core, href: &str, purpose: ChatsPurpose) {
    let stage = purpose.describe().0;
    let purpose = Purpose::Chats(purpose);
    if !core.is_under_way(&purpose)
        && let Ok(url) = core.resolve(href, stage)
    {
        core.issue(Exchange::new(purpose, Method::GET, url));
    }
}

fn is_established(conversation: &Resource<'_>) -> bool {
    matches!(
        conversation.text("state"),
        Some("Connected" | "Conferenced")
    )
}
