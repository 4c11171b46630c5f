//! What becomes of invitations: seen on the event channel, concluded, or closed with their conversation.

use ucwa_proto::{Event, EventKind, EventStatus, Resource};

use super::Chats;
use super::conversation::{Chat, Conversation, State};
use super::invite::{COMPLETION_GRACE, Invite, Kind};
use super::outbox::Place;
use super::page::failure_of;
use super::read::{self, InvitationStanding};
use super::verdict::{Verdict, unknown};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::Purpose;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::ConversationKey;
use crate::operation::Outcome;
use crate::timers::Timer;

impl Chats {
    /// Our own invitation shows on the event channel, in whatever state.
    pub(super) fn on_invite_seen(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        href: &str,
        invitation: &Resource<'_>,
    ) {
        let shown = invitation
            .link_href("conversation")
            .and_then(|href| self.find(core, href));
        // Nobody claimed its conversation in time, and it is shown as one of its own.
        if shown.is_some_and(|shown| shown != key) {
            return;
        }
        let revived = self.revive(key, operation);
        let Some(invite) = self.invite_mut(key, operation) else {
            return;
        };
        invite.href = Some(href.to_owned());
        if let Some(cancel) = invitation.link_href("cancel") {
            invite.cancel = Some(cancel.to_owned());
        }
        let first = !std::mem::replace(&mut invite.started, true);
        let kind = invite.kind;
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
                // Who joins a conference, or its chat, invites nobody.
                let joins = match kind {
                    Kind::Join => true,
                    Kind::Chat => self.conversations.get(&key).is_some_and(|it| it.group),
                    Kind::Peer | Kind::Conference => false,
                };
                if !joins {
                    core.change(key, ConversationChange::Inviting);
                }
                core.arm(
                    COMPLETION_GRACE,
                    Timer::InvitationCompleted(key, operation.to_owned()),
                );
            }
            if kind.is_conference() {
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
            conversation.invite = Some(Invite::new(operation.to_owned(), Kind::Peer));
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
        let Some(conversation) = self.conversations.get(&key) else {
            return;
        };
        let of_offer = conversation
            .offer
            .as_ref()
            .is_some_and(|offer| offer.operation() == operation);
        if of_offer {
            return self.on_offer_concluded(core, key, accepted, failure);
        }
        let refused =
            || failure.unwrap_or_else(|| Failure::new(FailureKind::Remote, Stage::Invitation));
        let under_way = conversation
            .invite
            .as_ref()
            .is_some_and(|invite| invite.operation_id == operation);
        match (under_way, accepted) {
            (true, true) => self.on_invite_accepted(core, key, operation, invitation),
            (true, false) => self.refuse_invite(core, key, refused()),
            (false, true) => self.on_late_acceptance(core, key, operation, invitation),
            (false, false) => {
                self.settle_carried(core, key, operation, Verdict::failed(refused()));
            }
        }
    }

    /// Our invitation was accepted.
    fn on_invite_accepted(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        let invite = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.invite.take());
        let Some(invite) = invite else { return };
        cancel_invite_timers(core, operation);
        if let Some(acceptor) =
            invitation.and_then(|invitation| invitation.embedded("acceptedByParticipant"))
            && let Some(href) = acceptor.href()
        {
            self.take_in(core, key, href, &read::participant(acceptor));
        }
        let verdict = Verdict::delivered(None);
        match invite.carried {
            Some(draft) => {
                self.settle_message(core, key, draft.message, Some(draft.ticket), verdict);
            }
            None => {
                self.settle_carried(core, key, operation, verdict);
            }
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
            if conversation.chat == Chat::Connecting && conversation.state == State::Connecting {
                if conversation.links.conversation.is_none() && !self.in_page {
                    // The record of the invitation is there, and names no conversation: there is none any more, and no
                    // event will tell so.
                    let over = Failure::new(FailureKind::Remote, Stage::Invitation)
                        .with_message("the conversation was over when its invitation was asked");
                    return self.end(core, key, Some(over));
                }
                // The page may still bring the conversation; if it does not, the server is asked.
                self.read_conversation(core, key);
            }
        }
        if invite.cancel_wanted {
            self.end_accepted(core, key, invite.kind, invite.cancel);
        }
    }

    /// An invitation was accepted before its cancellation reached the server: what was meant is to leave, or only to have no
    /// chat in a conversation that lives without one.
    fn end_accepted(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        kind: Kind,
        cancel: Option<String>,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if kind == Kind::Chat && !conversation.is_ending() && !conversation.lives_by_its_chat() {
            // Where the chat is ended is where the invitation to it was cancelled.
            let links = &mut conversation.links;
            links.stop_messaging = links.stop_messaging.take().or(cancel);
            self.post_stop(core, key, Purpose::StopMessaging(key));
        } else {
            self.delete_conversation(core, key);
        }
    }

    /// An invitation that was given up was accepted: the message in it arrived, and the peer may well answer.
    fn on_late_acceptance(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        let peer = self
            .conversations
            .get(&key)
            .and_then(|conversation| conversation.peer.clone());
        let carried = self.settle_carried(core, key, operation, Verdict::delivered(None));
        if let Some(invitation) = invitation.filter(|_| carried) {
            self.adopt(core, invitation, peer);
        }
    }

    /// The verdict on the message that an invitation carried which was given up before. False if it carried none.
    fn settle_carried(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        verdict: Verdict,
    ) -> bool {
        let message = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.outbox.take_unsettled(operation));
        if let Some(message) = message {
            self.settle_message(core, key, message, None, verdict);
        }
        message.is_some()
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
        cancel_invite_timers(core, &invite.operation_id);
        let verdict = Verdict::failed(failure.clone());
        if let Some(draft) = invite.carried {
            if verdict.is_unknown() {
                let outbox = &mut conversation.outbox;
                outbox.remember_unsettled(draft.message, &invite.operation_id, Place::Nowhere);
            }
            self.settle_message(core, key, draft.message, Some(draft.ticket), verdict);
        } else if !verdict.is_unknown() {
            // It may have been given up and have shown after all.
            self.settle_carried(core, key, &invite.operation_id, verdict);
        }
        if let Some(ticket) = invite.ticket {
            core.complete(ticket, Err(failure.clone()));
        }
        if invite.kind == Kind::Join
            && let Some(conversation) = self.conversations.get_mut(&key)
        {
            // It may be over; the next start begins another, unless it was this one that was meant.
            conversation.meeting = conversation.made_for.clone();
        }
        let lives = self
            .conversations
            .get(&key)
            .is_some_and(|conversation| conversation.over.is_none());
        if invite.kind == Kind::Chat && lives {
            // The conversation it asked into may well live on, unless the user wants to leave it.
            self.on_chat_gone(core, key, Some(failure));
            let leaving = self.conversations.get(&key);
            if leaving.is_some_and(Conversation::is_ending) {
                self.delete_conversation(core, key);
            }
        } else {
            self.end(core, key, Some(failure));
        }
    }

    /// The conversation ends under an invitation that has no verdict: what it carried stays unknown, for it was sent.
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
            let verdict = Verdict::failed(why);
            self.settle_message(core, key, draft.message, Some(draft.ticket), verdict);
        }
        if let Some(ticket) = invite.ticket {
            core.complete(ticket, Err(failure.clone()));
        }
    }
}

fn cancel_invite_timers(core: &mut Core, operation: &str) {
    core.cancel_timers(|timer| {
        matches!(timer, Timer::InvitationStarted(_, id) | Timer::InvitationCompleted(_, id) if id == operation)
    });
}
