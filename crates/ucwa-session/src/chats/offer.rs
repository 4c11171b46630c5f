//! The peer's invitation: shown, accepted, declined, missed.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{EventKind, HrefKey, Resource};

use super::conversation::{Chat, Conversation, State};
use super::invite::{COMPLETION_GRACE, VERDICT_GRACE};
use super::read::{self, ParticipantFacts};
use super::recognise::ONLINE_MEETING_INVITATION;
use super::roster::stranger;
use super::{Chats, key_of, wrong_state};
use crate::core::Core;
use crate::event::{ConversationChange, Participant, SessionEvent};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Outcome;
use crate::response::Effect;
use crate::timers::Timer;

/// An invitation of the peer's that has no verdict yet.
pub(crate) struct Offer {
    href: String,
    href_key: HrefKey,
    /// Kept from the first event on: a later representation without the links does not take them back.
    accept: Option<String>,
    decline: Option<String>,
    /// This user, or the server for him, accepts.
    accepted: bool,
    /// Who waits for the acceptance to complete.
    accepting: Vec<Ticket>,
    declining: Vec<Ticket>,
    /// The conversation began with it.
    began: bool,
    /// It invites to a conference.
    conference: bool,
}

impl Offer {
    /// The name of the invitation among operations: the peer's operation id means nothing here.
    pub(super) fn operation(&self) -> &str {
        &self.href
    }

    pub(super) fn is_at(&self, href: &HrefKey) -> bool {
        self.href_key == *href
    }

    pub(super) fn is_conference(&self) -> bool {
        self.conference
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.accepted
    }
}

/// Whether an invitation has a link by which it is accepted.
pub(super) fn can_be_answered(invitation: &Resource<'_>) -> bool {
    accept_link(invitation).is_some()
}

/// Servers of the Lync 2013 generation say `answer`.
fn accept_link<'r>(invitation: &'r Resource<'_>) -> Option<&'r str> {
    invitation
        .link_href("accept")
        .or_else(|| invitation.link_href("answer"))
}

impl Chats {
    /// Somebody invites this user, into a new conversation or into one that lives.
    pub(super) fn on_offer(
        &mut self,
        core: &mut Core,
        href: &str,
        invitation: &Resource<'_>,
        known: Option<ConversationKey>,
        rel: &str,
        kind: &EventKind,
    ) {
        let Some(href_key) = key_of(core, href) else {
            return;
        };
        let text = |name: &str| {
            invitation
                .text(name)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let accept = accept_link(invitation).map(str::to_owned);
        let answerable = accept.is_some() && *kind != EventKind::Completed;
        let preview = invitation.link_href("message").and_then(read::body_of_link);
        let offer = Offer {
            href: href.to_owned(),
            href_key,
            accept,
            decline: invitation.link_href("decline").map(str::to_owned),
            accepted: !answerable,
            accepting: Vec::new(),
            declining: Vec::new(),
            began: known.is_none(),
            conference: rel == ONLINE_MEETING_INVITATION,
        };
        let conference = offer.conference;
        let key = known.unwrap_or_else(|| {
            let key = ConversationKey::Remote(core.number());
            let thread_id = text("threadId").unwrap_or_else(|| core.uuid());
            self.conversations
                .insert(key, Conversation::from_elsewhere(key, thread_id));
            key
        });
        let conversation_href = invitation.link_href("conversation").map(str::to_owned);
        if let Some(href) = &conversation_href {
            self.bind(core, key, href);
        }
        let from = self.inviter(core, key, invitation);
        if known.is_some() {
            // Another one that had no verdict is over with this one.
            self.show_preview(core, key);
            let superseded = Failure::new(FailureKind::Remote, Stage::Invitation)
                .with_message("another invitation took its place");
            self.end_offer(core, key, &superseded);
        }
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        conversation.offer = Some(offer);
        conversation.messaging_read = false;
        conversation.chat = if answerable {
            Chat::Notified
        } else {
            Chat::Connecting
        };
        conversation
            .inbox
            .expect_first(preview.clone(), from.key, core.server_time());
        if let Some(messaging) = invitation.link_href("messaging") {
            conversation.links.messaging = Some(messaging.to_owned());
        }
        if known.is_none() {
            conversation.peer.clone_from(&from.uri);
            if conference {
                // There is no one peer whom a restart could invite.
                conversation.peer = None;
            }
            conversation.subject = text("subject");
            let subject = conversation.subject.clone();
            core.emit(SessionEvent::Incoming {
                conversation: key,
                from,
                subject,
                preview,
                context: read::custom_content(invitation),
                answerable,
            });
            if conference {
                self.become_group(core, key, invitation.text("onlineMeetingUri"));
            }
        } else if answerable {
            core.change(key, ConversationChange::ChatOffered);
        } else {
            core.change(key, ConversationChange::ChatConnecting);
        }
        if let Some(href) = conversation_href {
            self.play_kept(core, &href);
        }
    }

    /// Who invites: embedded in incoming invitations, a link in others.
    fn inviter(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        invitation: &Resource<'_>,
    ) -> Participant {
        let met = match (invitation.embedded("from"), invitation.link("from")) {
            (Some(from), _) => self.meet(core, key, from.href(), &read::participant(from)),
            (None, Some(from)) => {
                let facts = ParticipantFacts::titled(from.title.as_deref());
                self.meet(core, key, Some(&from.href), &facts)
            }
            (None, None) => self.meet(core, key, None, &ParticipantFacts::default()),
        };
        met.unwrap_or_else(|| stranger(core))
    }

    pub(super) fn accept(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        match (&mut conversation.offer, conversation.chat) {
            (Some(offer), Chat::Notified) => {
                offer.accepting.push(ticket);
                self.post_accept(core, key);
            }
            _ => core.complete(ticket, Err(wrong_state("there is no invitation to accept"))),
        }
    }

    /// Accepts the offer, if it can still be.
    pub(super) fn post_accept(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(offer) = conversation.offer.as_mut().filter(|offer| !offer.accepted) else {
            return;
        };
        offer.accepted = true;
        conversation.chat_unwanted = false;
        conversation.chat = Chat::Connecting;
        core.change(key, ConversationChange::ChatConnecting);
        match core.resolve(
            offer.accept.as_deref().unwrap_or_default(),
            Stage::Invitation,
        ) {
            Ok(url) => core.issue(Exchange::new(Purpose::Accept(key), Method::POST, url)),
            Err(failure) => self.on_accept_refused(core, key, &failure),
        }
    }

    pub(super) fn on_accept_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(offer) = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.offer.as_ref())
        else {
            return;
        };
        let operation = offer.operation().to_owned();
        let wait = match core.effect(exchange, result) {
            Effect::Done(_) => COMPLETION_GRACE,
            // Answered elsewhere, withdrawn, or nobody knows: an event says which, or the invitation itself.
            Effect::Gone(_) | Effect::Unclear(_) => VERDICT_GRACE,
            Effect::Refused(failure) if is_answered(&failure) => VERDICT_GRACE,
            Effect::Refused(failure) => return self.on_accept_refused(core, key, &failure),
        };
        core.arm(wait, Timer::InvitationCompleted(key, operation));
    }

    /// The command failed, the invitation still stands.
    fn on_accept_refused(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(offer) = &mut conversation.offer else {
            return;
        };
        offer.accepted = false;
        conversation.chat = Chat::Notified;
        let tickets = std::mem::take(&mut offer.accepting);
        core.change(key, ConversationChange::ChatOffered);
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
        self.fail_drafts(core, key, failure);
    }

    pub(super) fn decline(&mut self, core: &mut Core, key: ConversationKey, ticket: Ticket) {
        let Some(conversation) = self.commanded(core, key, ticket) else {
            return;
        };
        match (&mut conversation.offer, conversation.chat) {
            (Some(offer), Chat::Notified) => {
                offer.declining.push(ticket);
                self.post_decline(core, key);
            }
            _ => core.complete(
                ticket,
                Err(wrong_state("there is no invitation to decline")),
            ),
        }
    }

    /// Declines the offer, once.
    pub(super) fn post_decline(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(offer) = &conversation.offer else {
            return;
        };
        if core.is_under_way(&Purpose::Decline(key)) {
            return;
        }
        match core.resolve(
            offer.decline.as_deref().unwrap_or_default(),
            Stage::Invitation,
        ) {
            Ok(url) => {
                conversation.chat = Chat::Disconnecting;
                core.change(key, ConversationChange::ChatDisconnecting);
                let input = Resource::anonymous().with_property("reason", "Local");
                let exchange = core.with_input(
                    Exchange::new(Purpose::Decline(key), Method::POST, url),
                    &input,
                );
                core.issue(exchange);
            }
            Err(failure) => self.on_decline_refused(core, key, &failure),
        }
    }

    pub(super) fn on_decline_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result) {
            // Gone or answered elsewhere is as good as declined.
            Effect::Refused(failure) if !is_answered(&failure) => {
                self.on_decline_refused(core, key, &failure);
            }
            Effect::Unclear(failure) => self.on_decline_refused(core, key, &failure),
            Effect::Done(_) | Effect::Gone(_) | Effect::Refused(_) => {
                self.show_preview(core, key);
                self.end(core, key, None);
            }
        }
    }

    fn on_decline_refused(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(offer) = &mut conversation.offer else {
            return;
        };
        conversation.chat = Chat::Notified;
        core.change(key, ConversationChange::ChatOffered);
        let tickets = offer
            .declining
            .drain(..)
            .chain(conversation.leaving.drain(..));
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
    }

    /// The peer's invitation completed.
    pub(super) fn on_offer_concluded(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        accepted: bool,
        failure: Option<Failure>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let Some(offer) = conversation.offer.take() else {
            return;
        };
        self.concluded.insert(offer.href_key.clone(), ());
        core.cancel_timers(
            |timer| matches!(timer, Timer::InvitationCompleted(other, id) if *other == key && *id == offer.href),
        );
        if accepted {
            conversation.waits_for_verdict = false;
            conversation.chat_wanted |= offer.conference;
            conversation.inbox.offer_accepted(core.server_time());
            if conversation.inbox.expects_first() {
                core.arm(super::inbox::FIRST_MESSAGE_GRACE, Timer::FirstMessage(key));
            }
            let connecting = conversation.state == State::Connecting;
            for ticket in offer.accepting {
                core.complete(ticket, Ok(Outcome::Done));
            }
            if connecting {
                // The page may still bring the conversation; if it does not, the server is asked.
                self.read_conversation(core, key);
            }
            return;
        }
        let failure = failure.unwrap_or_else(|| {
            Failure::new(FailureKind::Remote, Stage::Invitation)
                .with_message("the invitation is over")
        });
        // What was written is not lost with the invitation that carried it.
        self.show_preview(core, key);
        for ticket in offer.accepting {
            core.complete(ticket, Err(failure.clone()));
        }
        for ticket in offer.declining {
            core.complete(ticket, Ok(Outcome::Done));
        }
        if offer.began {
            self.end(core, key, Some(failure));
        } else {
            self.on_chat_gone(core, key, Some(failure));
        }
    }

    pub(super) fn offer_href(&self, key: ConversationKey, operation: &str) -> Option<String> {
        let offer = self.conversations.get(&key)?.offer.as_ref()?;
        (offer.operation() == operation).then(|| offer.href.clone())
    }

    /// The tickets of an offer that ends with its conversation.
    pub(super) fn end_offer(&mut self, core: &mut Core, key: ConversationKey, failure: &Failure) {
        let Some(offer) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.offer.take())
        else {
            return;
        };
        self.concluded.insert(offer.href_key.clone(), ());
        for ticket in offer.accepting {
            core.complete(ticket, Err(failure.clone()));
        }
        for ticket in offer.declining {
            core.complete(ticket, Ok(Outcome::Done));
        }
    }
}

/// Whether an answer to an invitation was refused because the invitation has one already.
fn is_answered(failure: &Failure) -> bool {
    failure.status() == Some(409)
}
