//! Incoming invitations: offered, accepted, declined, missed.

use ucwa_proto::{EventKind, HrefKey, Resource};

use super::conversation::{Address, Chat, Context, Conversation, Live};
use super::invitation_result::over_when_read;
use super::link::Link;
use super::outgoing_invitation::{COMPLETION_GRACE, LAST_RESULT_GRACE};
use super::payload::{self, ParticipantFacts};
use super::purpose::{ChatPurpose, ChatTimer, InvitationId};
use super::wrong_state;
use crate::core::Core;
use crate::event::{ConversationChange, Participant, SessionEvent};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Importance;
use crate::response::{Answer, Effect};

/// The rel of an invitation to a conference. The other one is `messagingInvitation`.
pub(super) const ONLINE_MEETING_INVITATION: &str = "onlineMeetingInvitation";

/// An incoming invitation without a result.
pub(super) struct Offer {
    pub(super) address: Address,
    /// The link of the first event. A later view without the links does not remove it.
    accept: Option<String>,
    decline: Option<String>,
    /// This user accepts the invitation, or the server accepts it for the user.
    accepted: bool,
    accepting: Vec<Ticket>,
    declining: Vec<Ticket>,
    /// The invitation started the conversation.
    began_conversation: bool,
    pub(super) is_conference: bool,
}

impl Offer {
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted
    }

    pub(super) fn rel(&self) -> &'static str {
        match self.is_conference {
            true => ONLINE_MEETING_INVITATION,
            false => "messagingInvitation",
        }
    }
}

impl Live {
    pub(super) fn offer_at(&self, href: &HrefKey) -> Option<&Offer> {
        let offer = self.offer.as_deref();
        offer.filter(|offer| offer.address.key == *href)
    }
}

/// Whether an invitation has a link by which it is accepted.
pub(super) fn is_answerable(invitation: &Resource<'_>) -> bool {
    accept_link(invitation).is_some()
}

/// Servers of the Lync 2013 generation call the link `answer`.
fn accept_link<'r>(invitation: &'r Resource<'_>) -> Option<&'r str> {
    let accept = invitation.link_href("accept");
    accept.or_else(|| invitation.link_href("answer"))
}

/// An event of an invitation.
pub(super) struct InvitationEvent<'e> {
    pub(super) address: Address,
    /// The conversation in the invitation.
    pub(super) conversation: Option<Address>,
    pub(super) rel: &'e str,
    pub(super) kind: &'e EventKind,
    pub(super) invitation: &'e Resource<'e>,
}

impl<'e> InvitationEvent<'e> {
    /// The event for an invitation that was read.
    pub(super) fn read(
        core: &Core,
        address: Address,
        rel: &'e str,
        kind: &'e EventKind,
        invitation: &'e Resource<'e>,
    ) -> Self {
        let href = invitation.link_href("conversation");
        Self {
            address,
            conversation: href.and_then(|href| Address::of(core, href)),
            rel,
            kind,
            invitation,
        }
    }
}

impl Conversation {
    /// Handles an incoming invitation. With `begins`, the conversation was created for it.
    pub(super) fn on_offer(
        &mut self,
        cx: &mut Context<'_>,
        event: InvitationEvent<'_>,
        begins: bool,
    ) {
        let InvitationEvent {
            address,
            conversation,
            rel,
            kind,
            invitation,
        } = event;
        let accept = accept_link(invitation).map(str::to_owned);
        let answerable = accept.is_some() && *kind != EventKind::Completed;
        let preview = invitation.link_href("message");
        let preview = preview.and_then(payload::body_of_link);
        let is_conference = rel == ONLINE_MEETING_INVITATION;
        if let Some(conversation) = &conversation {
            self.bind(cx, conversation);
        }
        let from = self.inviter(cx, invitation);
        if !begins {
            // The new invitation supersedes an earlier one without a result.
            self.show_preview(cx);
            let superseded = Failure::new(FailureKind::Remote, Stage::Invitation)
                .with_message("a later invitation superseded this one");
            self.close_offer(cx, &superseded);
        }
        let Some(live) = self.life.live_mut() else {
            return;
        };
        cx.index.open_incoming(&address.key, self.key);
        let href = address.href.to_string();
        live.offer = Some(Box::new(Offer {
            address,
            accept,
            decline: invitation.link_href("decline").map(str::to_owned),
            accepted: !answerable,
            accepting: Vec::new(),
            declining: Vec::new(),
            began_conversation: begins,
            is_conference,
        }));
        live.messaging_read = false;
        live.chat = match answerable {
            true => Chat::Notified,
            false => Chat::Connecting,
        };
        // An invitation that was read may be older than the response.
        let offered_at = cx.page.not_before.filter(|_| cx.page.is_open);
        self.received.mark_earlier(&mut live.invitation_text);
        let sender = (from.key, self.roster.is_identified(from.key));
        // A session that resumes another one may have read the invitation before this event.
        match self.received.take_shown_invitation(&href) {
            Some(shown) => live.invitation_text = shown,
            None => {
                let text = &mut live.invitation_text;
                text.expect_first(preview.clone(), sender, offered_at, href);
            }
        }
        if let Some(messaging) = invitation.link_href("messaging") {
            live.links.messaging = Some(Link::new(messaging, live.address.as_ref()));
        }
        if begins {
            // A conference has no single peer whom a restart could invite.
            self.peer = from.uri.clone().filter(|_| !is_conference);
            let subject = invitation.text("subject");
            self.subject = subject.filter(|it| !it.is_empty()).map(str::to_owned);
            cx.core.emit(SessionEvent::Incoming {
                conversation: self.key,
                from,
                subject: self.subject.clone(),
                importance: Importance::named(invitation.text("importance")),
                preview,
                context: payload::custom_content(invitation),
                answerable,
            });
            if is_conference {
                self.become_conference(cx, invitation.text("onlineMeetingUri"));
            }
        } else {
            let change = match answerable {
                true => ConversationChange::ChatOffered,
                false => ConversationChange::ChatConnecting,
            };
            cx.change(self.key, change);
        }
        if let Some(conversation) = conversation {
            self.replay_buffered(cx, &conversation.key);
        }
    }

    /// Handles an incoming invitation of a chat that is connected: another endpoint of the user, or an earlier session, has
    /// accepted it. The event with its text may have come to that session.
    pub(super) fn on_answered_invitation(
        &mut self,
        cx: &mut Context<'_>,
        invitation: &Resource<'_>,
        href: String,
    ) {
        let body = invitation.link_href("message");
        let body = body.and_then(payload::body_of_link);
        if invitation.text("direction") == Some("Incoming")
            && let Some(body) = body
        {
            let sender = self.inviter(cx, invitation);
            self.expect_text_of_answered(cx, body, sender.key, href);
        }
    }

    /// Handles an invitation that is over, while another one waits for an answer: shows its text.
    pub(super) fn on_missed_invitation(
        &mut self,
        cx: &mut Context<'_>,
        invitation: &Resource<'_>,
        address: Address,
    ) {
        cx.index.complete_incoming(address.key);
        let body = invitation.link_href("message");
        let body = body.and_then(payload::body_of_link);
        if invitation.text("direction") == Some("Incoming")
            && let Some(body) = body
        {
            let sender = self.inviter(cx, invitation);
            self.show_text(cx, sender, body, address.href.to_string());
        }
    }

    pub(super) fn has_offer(&self) -> bool {
        self.life.live().is_some_and(|live| live.offer.is_some())
    }

    /// The inviter, which is embedded in incoming invitations and linked in others.
    fn inviter(&mut self, cx: &mut Context<'_>, invitation: &Resource<'_>) -> Participant {
        match (invitation.embedded("from"), invitation.link("from")) {
            (Some(from), _) => {
                self.update_participant(cx, from.href(), &payload::participant(from))
            }
            (None, Some(from)) => {
                let facts = ParticipantFacts::titled(from.title.as_deref());
                self.update_participant(cx, Some(&from.href), &facts)
            }
            (None, None) => self.update_participant(cx, None, &ParticipantFacts::default()),
        }
    }

    pub(super) fn accept(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        match self.offered() {
            Some(offer) => {
                offer.accepting.push(ticket);
                self.post_accept(cx);
            }
            None => {
                cx.fail([ticket], &wrong_state("there is no invitation to accept"));
            }
        }
    }

    /// The incoming invitation that this user can answer.
    fn offered(&mut self) -> Option<&mut Offer> {
        let live = self.life.live_mut();
        let notified = live.filter(|live| live.chat == Chat::Notified);
        notified.and_then(|live| live.offer.as_deref_mut())
    }

    /// Accepts the invitation, unless the request was sent before.
    pub(super) fn post_accept(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(offer) = live.offer.as_mut().filter(|offer| !offer.accepted) else {
            return;
        };
        offer.accepted = true;
        live.invitation_text.set_accepted(None);
        live.chat_refused = false;
        live.chat = Chat::Connecting;
        cx.change(self.key, ConversationChange::ChatConnecting);
        let href = offer.accept.as_deref().unwrap_or_default();
        match cx.core.resolve(href, Stage::Invitation) {
            Ok(url) => self.tasks.post(cx.core, ChatPurpose::Accept, url),
            Err(failure) => self.on_accept_refused(cx, &failure),
        }
    }

    pub(super) fn on_accept_response(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        let offer = self.life.live().and_then(|live| live.offer.as_ref());
        let Some(id) = offer.map(|offer| InvitationId::Incoming(offer.address.key.clone())) else {
            return;
        };
        let grace = match answer.effect(cx.core) {
            Effect::Done(_) => COMPLETION_GRACE,
            // The invitation was answered elsewhere, withdrawn, or is unknown. An event or a read of the invitation
            // shows which.
            Effect::Gone(_) | Effect::Unclear(_) => LAST_RESULT_GRACE,
            Effect::Refused(failure) if has_answer(&failure) => LAST_RESULT_GRACE,
            Effect::Refused(failure) => return self.on_accept_refused(cx, &failure),
        };
        self.tasks
            .arm(cx.core, grace, ChatTimer::InvitationCompleted(id));
    }

    /// Fails the command. The invitation is still open.
    fn on_accept_refused(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(offer) = &mut live.offer else {
            return;
        };
        offer.accepted = false;
        live.chat = Chat::Notified;
        let tickets = std::mem::take(&mut offer.accepting);
        cx.change(self.key, ConversationChange::ChatOffered);
        cx.fail(tickets, failure);
        self.fail_drafts(cx, failure);
    }

    pub(super) fn decline(&mut self, cx: &mut Context<'_>, ticket: Ticket) {
        match self.offered() {
            Some(offer) => {
                offer.declining.push(ticket);
                self.post_decline(cx);
            }
            None => {
                cx.fail([ticket], &wrong_state("there is no invitation to decline"));
            }
        }
    }

    /// Declines the invitation, unless the request is in flight.
    pub(super) fn post_decline(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(offer) = &live.offer else {
            return;
        };
        if self.tasks.is_in_flight(&ChatPurpose::Decline) {
            return;
        }
        let href = offer.decline.as_deref().unwrap_or_default();
        match cx.core.resolve(href, Stage::Invitation) {
            Ok(url) => {
                live.chat = Chat::Disconnecting;
                cx.change(self.key, ConversationChange::ChatDisconnecting);
                let input = Resource::anonymous().with_property("reason", "Local");
                self.tasks
                    .post_input(cx.core, ChatPurpose::Decline, url, &input);
            }
            Err(failure) => self.on_decline_refused(cx, &failure),
        }
    }

    pub(super) fn on_decline_response(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        match answer.effect(cx.core) {
            Effect::Refused(failure) if !has_answer(&failure) => {
                self.on_decline_refused(cx, &failure);
            }
            Effect::Unclear(failure) => self.on_decline_refused(cx, &failure),
            // An invitation that no longer exists or was answered at another endpoint ends like a declined one.
            Effect::Done(_) | Effect::Gone(_) | Effect::Refused(_) => {
                self.show_preview(cx);
                self.end(cx, None);
            }
        }
    }

    fn on_decline_refused(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(offer) = &mut live.offer else {
            return;
        };
        live.chat = Chat::Notified;
        cx.change(self.key, ConversationChange::ChatOffered);
        let declining = offer.declining.drain(..);
        cx.fail(declining.chain(live.leaving.drain(..)), failure);
    }

    /// Handles the result of the incoming invitation.
    pub(super) fn conclude_offer(
        &mut self,
        cx: &mut Context<'_>,
        href: &HrefKey,
        result: Result<(), Option<Failure>>,
    ) {
        let live = self.life.live_mut();
        let open = live.filter(|live| live.offer_at(href).is_some());
        let Some(offer) = open.and_then(|live| live.offer.take()) else {
            return;
        };
        cx.index.complete_incoming(offer.address.key);
        let id = InvitationId::Incoming(href.clone());
        let completed = ChatTimer::InvitationCompleted(id);
        self.tasks.cancel(cx.core, |timer| *timer == completed);
        let Err(failure) = result else {
            if offer.is_conference {
                self.want_chat_of_conference(cx);
            }
            if let Some(live) = self.life.live_mut() {
                live.awaits_last_result = false;
            }
            self.expect_first_message(cx);
            cx.done(offer.accepting);
            let accepted = wrong_state("the invitation was accepted before it was declined");
            cx.fail(offer.declining, &accepted);
            if self.life.is_beginning() {
                let address = self.life.live().and_then(|live| live.address.as_ref());
                if address.is_none() && !cx.page.is_open {
                    return self.end(cx, Some(over_when_read()));
                }
                // The rest of the page may name the conversation. If not, the conversation is read.
                self.read_conversation(cx);
            }
            return;
        };
        let failure = failure.unwrap_or_else(|| {
            Failure::new(FailureKind::Remote, Stage::Invitation)
                .with_message("the invitation has ended")
        });
        // The text of the invitation is shown although the invitation failed.
        self.show_preview(cx);
        cx.fail(offer.accepting, &failure);
        cx.done(offer.declining);
        if offer.began_conversation {
            self.end_after_reads(cx, Some(failure));
        } else if !self.is_chatting() {
            self.on_chat_gone(cx, Some(failure));
        }
        // A chat that is connected began in another way, and the messaging resource reports its end.
    }

    /// Closes an invitation that is superseded or whose conversation ends.
    pub(super) fn close_offer(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(offer) = self.life.live_mut().and_then(|live| live.offer.take()) else {
            return;
        };
        cx.index.complete_incoming(offer.address.key);
        cx.fail(offer.accepting, failure);
        cx.done(offer.declining);
    }
}

/// Whether an answer was refused because the invitation already has one.
fn has_answer(failure: &Failure) -> bool {
    failure.status() == Some(409)
}
