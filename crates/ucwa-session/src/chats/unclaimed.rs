//! Conversations that live at the server and that no invitation told of: a process before this one began them, or the
//! events that told of them are gone. They are asked what they are, and shown.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, Resource};

use super::conversation::Conversation;
use super::read::ParticipantFacts;
use super::{Chats, key_of};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::Failure;
use crate::keys::ConversationKey;
use crate::timers::Timer;

/// How long the invitation to an established conversation may take to show.
const INVITATION_GRACE: Duration = Duration::from_secs(10);
/// How often one is asked again that gave no answer, after ever longer pauses.
const MAX_REPEATS: u32 = 6;

impl Chats {
    /// The server lists its conversations: those of which nothing is known here are asked.
    pub(crate) fn claim_unknown(&self, core: &mut Core, living: &[String]) {
        for href in living {
            self.on_unclaimed(core, href, 0);
        }
    }

    /// An event tells of a conversation that nobody here began or was invited to. If it is established, that may stay so.
    pub(super) fn await_invitation(&self, core: &mut Core, event: &Event<'_>) {
        if event.resource().is_some_and(is_established) {
            let href = event.link.href.to_string();
            core.arm(INVITATION_GRACE, Timer::Unclaimed(href, 0));
        }
    }

    /// No invitation has claimed it, unless one did meanwhile; it was asked in vain so often before.
    pub(super) fn on_unclaimed(&self, core: &mut Core, href: &str, before: u32) {
        if self.is_unclaimed(core, href) {
            let purpose = Purpose::ReadUnclaimed(href.to_owned(), before);
            Self::read(core, Some(href), purpose);
        }
    }

    fn is_unclaimed(&self, core: &Core, href: &str) -> bool {
        self.find(core, href).is_none() && self.find_dead(core, href).is_none()
    }

    pub(super) fn on_unclaimed_read(
        &mut self,
        core: &mut Core,
        (href, before): (&str, u32),
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let resource = match core.fetched(exchange, result) {
            Ok(resource) => resource,
            Err(failure) => {
                if failure.is_gone() {
                    self.on_unclaimed_gone(core, href);
                } else if before < MAX_REPEATS {
                    let pause = INVITATION_GRACE * (before + 1);
                    core.arm(pause, Timer::Unclaimed(href.to_owned(), before + 1));
                }
                return;
            }
        };
        if !self.is_unclaimed(core, href) || !is_established(&resource) {
            return;
        }
        if self.conversations.values().any(Conversation::is_beginning) {
            // It may well be one of those that begin, and say so late.
            core.arm(INVITATION_GRACE, Timer::Unclaimed(href.to_owned(), before));
            return;
        }
        self.discover(core, Some(href), &resource, None);
        let Some(key) = self.find(core, href) else {
            return;
        };
        self.take_conversation(core, key, &resource, None);
        let participants = resource.link_href("participants");
        Self::read(core, participants, Purpose::ReadParticipants(key));
        self.read_messaging(core, key);
    }

    /// An unclaimed conversation is over: the messages in it are shown, and it gives up its place in the buffer.
    fn on_unclaimed_gone(&mut self, core: &mut Core, href: &str) {
        let Some(href_key) = key_of(core, href).filter(|_| self.is_unclaimed(core, href)) else {
            return;
        };
        if !self.unclaimed.has_message(&href_key) {
            return self.unclaimed.close(&href_key);
        }
        self.discover(core, Some(href), &Resource::default(), None);
        if let Some(key) = self.find(core, href) {
            self.on_remote_end(core, key, None);
        }
    }

    /// Everything ends: what was said in conversations that have not told yet what they are, and in invitations that are
    /// still being read, is shown all the same.
    pub(super) fn show_held(&mut self, core: &mut Core) {
        for (key, (href, rel, invitation)) in std::mem::take(&mut self.glimpsed) {
            let conversation = invitation.link_href("conversation");
            let over = conversation.is_some_and(|href| self.find_dead(core, href).is_some());
            let known = over
                || self.concluded.contains(&key)
                || self.find_invitation(core, &href).is_some();
            if !known && invitation.link_href("message").is_some() {
                let known = conversation.and_then(|href| self.find(core, href));
                self.on_offer(core, &href, &invitation, known, &rel, &EventKind::Updated);
            }
        }
        let held = self.unclaimed.with_messages();
        for href in held {
            if self.is_unclaimed(core, &href) {
                self.discover(core, Some(&href), &Resource::default(), None);
            }
        }
    }

    /// Who is in a conversation that is joined in the middle.
    pub(super) fn on_participants_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Ok(participants) = core.fetched(exchange, result) else {
            return;
        };
        for participant in participants.links("participant") {
            let facts = ParticipantFacts::titled(participant.title.as_deref());
            self.take_in(core, key, &participant.href, &facts);
        }
    }
}

fn is_established(conversation: &Resource<'_>) -> bool {
    matches!(
        conversation.text("state"),
        Some("Connected" | "Conferenced")
    )
}
