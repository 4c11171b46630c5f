//! Whose invitation an event tells of, and with that whose the conversation is.

use bytes::Bytes;
use http::Response;
use ucwa_proto::{Event, EventKind, Resource};

use super::conversation::{Conversation, State};
use super::{Chats, key_of, offer};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::Failure;
use crate::keys::{ConversationKey, ParticipantKey};

/// The invitation to a chat of two.
pub(super) const MESSAGING_INVITATION: &str = "messagingInvitation";
/// The invitation to a conference.
pub(super) const ONLINE_MEETING_INVITATION: &str = "onlineMeetingInvitation";

impl Chats {
    /// Recognises whose invitation an event tells of, and with that whose the conversation is.
    pub(super) fn recognise(&mut self, core: &mut Core, event: &Event<'_>) {
        match event.resource() {
            Some(invitation) => {
                let rel = &event.link.rel;
                self.recognise_invitation(core, &event.link.href, rel, invitation, &event.kind);
            }
            None if event.kind == EventKind::Started
                && self.find_invitation(core, &event.link.href).is_none() =>
            {
                let href = event.link.href.to_string();
                Self::read(
                    core,
                    Some(&href),
                    Purpose::ReadForeignInvitation(href.clone(), event.link.rel.to_string()),
                );
            }
            None => {}
        }
    }

    /// Whether an invitation asks this user into a conversation that lives already.
    pub(super) fn is_into_existing(&self, core: &Core, event: &Event<'_>) -> bool {
        event.resource().is_some_and(|invitation| {
            invitation.text("direction") == Some("Incoming")
                && invitation
                    .link_href("conversation")
                    .is_some_and(|href| self.find(core, href).is_some())
        })
    }

    fn recognise_invitation(
        &mut self,
        core: &mut Core,
        href: &str,
        rel: &str,
        invitation: &Resource<'_>,
        kind: &EventKind,
    ) {
        let conversation_href = invitation.link_href("conversation").map(str::to_owned);
        let conference = rel == ONLINE_MEETING_INVITATION;
        let ours = invitation
            .text("operationId")
            .and_then(|id| Some((id.to_owned(), *self.operations.get(id)?)));
        let outgoing = invitation.text("direction") == Some("Outgoing");
        if let Some((operation, key)) = ours.filter(|_| outgoing) {
            self.on_invite_seen(core, key, &operation, href, invitation);
            if conference && self.is_joining(key, &operation) {
                // The participant who was added is invited into the conference that the conversation becomes.
                self.become_group(core, key, invitation.text("onlineMeetingUri"));
                if let Some(href) = &conversation_href {
                    self.follow_to(core, key, href);
                }
            }
            return;
        }
        if self.find_invitation(core, href).is_some()
            || key_of(core, href).is_some_and(|href| self.concluded.contains(&href))
        {
            return;
        }
        let known = conversation_href
            .as_deref()
            .and_then(|href| self.find(core, href));
        let dead = conversation_href
            .as_deref()
            .and_then(|href| key_of(core, href));
        if dead.is_some_and(|href| self.dead.contains(&href)) {
            return;
        }
        let escalated = known.or_else(|| self.becoming_conference(invitation));
        if let Some(key) = escalated.filter(|key| conference && self.is_established_ever(*key)) {
            self.become_group(core, key, invitation.text("onlineMeetingUri"));
            if let Some(href) = &conversation_href {
                self.follow_to(core, key, href);
            }
            if !outgoing {
                self.on_offer(core, href, invitation, Some(key), rel, kind);
                // The user is in this conversation already; it only moves.
                self.post_accept(core, key);
            }
            return;
        }
        match (outgoing, known) {
            // Merged with the start, a later view is all that shows, and later views lack the links to answer: the
            // invitation itself still has them.
            (false, _) if *kind == EventKind::Updated && !offer::can_be_answered(invitation) => {
                if let Some(key) = key_of(core, href) {
                    let view = (
                        href.to_owned(),
                        rel.to_owned(),
                        invitation.clone().into_owned(),
                    );
                    self.glimpsed.insert(key, view);
                }
                let purpose = Purpose::ReadForeignInvitation(href.to_owned(), rel.to_owned());
                Self::read(core, Some(href), purpose);
            }
            (false, known) => self.on_offer(core, href, invitation, known, rel, kind),
            // Another endpoint of the user invites somebody.
            (true, None) if *kind != EventKind::Completed => {
                self.discover(core, conversation_href.as_deref(), invitation, None);
            }
            (true, _) => {}
        }
    }

    /// A conversation that another endpoint of the user begins, or began: shown, and bound to no operation of ours. Its
    /// invitation, or itself, tells what it is about. Who the peer is, the roster will tell where it is not known: he is a
    /// contact behind a link, whose last segment is not to be relied on.
    pub(super) fn discover(
        &mut self,
        core: &mut Core,
        href: Option<&str>,
        invitation: &Resource<'_>,
        peer: Option<String>,
    ) {
        let Some(href) = href else { return };
        let key = ConversationKey::Remote(core.number());
        let thread_id = invitation
            .text("threadId")
            .map_or_else(|| core.uuid(), str::to_owned);
        let mut conversation = Conversation::from_elsewhere(key, thread_id);
        if let Some(peer) = peer {
            conversation.expect(ParticipantKey::Remote(core.number()), peer);
        }
        let peer = conversation.roster.only();
        self.conversations.insert(key, conversation);
        self.bind(core, key, href);
        let subject = invitation
            .text("subject")
            .filter(|subject| !subject.is_empty())
            .map(str::to_owned);
        core.emit(SessionEvent::Discovered {
            conversation: key,
            peer,
            subject,
        });
        self.play_kept(core, href);
    }

    /// An invitation that was given up was accepted after all, when its conversation had been begun again: the peer
    /// writes in a conversation that nobody here looks at, unless it is shown beside the other.
    pub(super) fn adopt(
        &mut self,
        core: &mut Core,
        invitation: &Resource<'_>,
        peer: Option<String>,
    ) {
        let Some(href) = invitation.link_href("conversation") else {
            return;
        };
        if self.find(core, href).is_some() || self.find_dead(core, href).is_some() {
            return;
        }
        self.discover(core, Some(href), invitation, peer);
        if let Some(key) = self.find(core, href) {
            self.read_conversation(core, key);
        }
    }

    pub(super) fn on_foreign_invitation_read(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Purpose::ReadForeignInvitation(href, rel) = &exchange.purpose else {
            return;
        };
        if let Some(key) = key_of(core, href) {
            self.glimpsed.remove(&key);
        }
        let Ok(response) = result else { return };
        let Ok(invitation) = core.resource(exchange, &response) else {
            return;
        };
        // An event may have been faster: what is established was answered.
        let established = invitation
            .link_href("conversation")
            .and_then(|href| self.find(core, href))
            .is_some_and(|key| self.is_established(key));
        if !established {
            self.recognise_invitation(core, href, rel, &invitation, &EventKind::Started);
        }
    }

    /// The conversation and operation behind the href of an invitation.
    pub(super) fn find_invitation(
        &self,
        core: &Core,
        href: &str,
    ) -> Option<(ConversationKey, String)> {
        let wanted = key_of(core, href)?;
        let is = |other: &Option<String>| {
            other
                .as_deref()
                .and_then(|href| key_of(core, href))
                .as_ref()
                == Some(&wanted)
        };
        self.conversations.values().find_map(|conversation| {
            let invite = conversation
                .invite
                .as_ref()
                .filter(|invite| is(&invite.href) || is(&invite.location));
            let offer = conversation
                .offer
                .as_ref()
                .filter(|offer| offer.is_at(&wanted));
            let operation = invite
                .map(|invite| invite.operation_id.as_str())
                .or(offer.map(|offer| offer.operation()))?;
            Some((conversation.key, operation.to_owned()))
        })
    }

    /// The conversation that the server said is becoming a conference, and that an invitation to a conference continues.
    fn becoming_conference(&self, invitation: &Resource<'_>) -> Option<ConversationKey> {
        let thread = invitation.text("threadId").filter(|id| !id.is_empty())?;
        self.conversations
            .values()
            .find(|conversation| conversation.group && conversation.thread_id == thread)
            .map(|conversation| conversation.key)
    }

    /// The invitation was taken up in another conversation, into which this one goes over. False if it was not.
    pub(super) fn follow_derived(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        invitation: &Resource<'_>,
    ) -> bool {
        if let Some(href) = invitation.link_href("derivedConversation") {
            self.follow_to(core, key, href);
            return true;
        }
        let Some(href) = invitation.link_href("derivedMessaging") else {
            return false;
        };
        // The chat knows which conversation it is in.
        if let Some(conversation) = self.conversations.get_mut(&key) {
            conversation.links.messaging = Some(href.to_owned());
            conversation.messaging_read = true;
            conversation.derived = true;
        }
        self.read_messaging(core, key);
        true
    }

    fn is_joining(&self, key: ConversationKey, operation: &str) -> bool {
        self.conversations
            .get(&key)
            .is_some_and(|conversation| conversation.is_inviting(operation))
    }

    fn is_established_ever(&self, key: ConversationKey) -> bool {
        self.conversations.get(&key).is_some_and(|conversation| {
            conversation.state == State::Connected && !conversation.is_ending()
        })
    }
}
