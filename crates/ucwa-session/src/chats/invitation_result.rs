//! Results of invitations, and their cancellation.

use std::borrow::Cow;

use ucwa_proto::{EventKind, Resource};

use super::conversation::{Chat, Context, Conversation, Discovery, Kind, Live, ended};
use super::delivery::{DeliveryResult, unknown};
use super::incoming_invitation::InvitationEvent;
use super::link::Link;
use super::outgoing_invitation::{COMPLETION_GRACE, Invite, InviteKind, LAST_RESULT_GRACE};
use super::payload::{self, InvitationState};
use super::purpose::{ChatPurpose, ChatTimer, InvitationId};
use crate::event::ConversationChange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::response::Answer;

impl Conversation {
    // Results that are read because no event reported them.

    /// Reads an invitation that has started and whose result no event reported in time.
    pub(super) fn on_completion_overdue(&mut self, cx: &mut Context<'_>, id: InvitationId) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let href = match &id {
            InvitationId::Outgoing(operation) => live.invite_mut(operation).and_then(|invite| {
                let href = invite.href.as_deref();
                href.or(invite.location.as_deref())
            }),
            InvitationId::Incoming(href) => live.offer_at(href).map(|offer| &*offer.address.href),
        };
        self.tasks
            .read(cx.core, href, ChatPurpose::ReadInvitation(id));
    }

    pub(super) fn on_invitation_read(
        &mut self,
        cx: &mut Context<'_>,
        id: &InvitationId,
        answer: Answer<'_>,
    ) {
        let url = answer.url();
        let invitation = match answer.resource(cx.core) {
            Ok(invitation) => invitation,
            Err(failure) => return self.on_invitation_unreadable(cx, id, failure),
        };
        if let InvitationId::Outgoing(operation) = id {
            if invitation.rel() == Some("message") {
                return self.on_message_instead_of_invitation(cx, operation, &invitation);
            }
            let live = self.life.live_mut();
            let is_open = live.and_then(|live| live.invite_mut(operation)).is_some();
            let address = cx.address_of(invitation.href().unwrap_or(url));
            if let Some(address) = address.filter(|_| is_open) {
                let rel = "messagingInvitation";
                let kind = &EventKind::Updated;
                let event = InvitationEvent::read(cx.core, address, rel, kind, &invitation);
                self.on_invite_seen(cx, operation, event);
            }
        }
        if !self.apply_result_of_invitation(cx, id, &invitation) {
            let timer = ChatTimer::InvitationCompleted(id.clone());
            self.tasks.arm(cx.core, COMPLETION_GRACE, timer);
        }
    }

    /// Reports the result of a message that the caller added to the checkpoint. The href is not that of an invitation, so the
    /// message was sent in a conversation that the checkpoint does not contain.
    fn on_message_instead_of_invitation(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        message: &Resource<'_>,
    ) {
        if let Some(result) = self.result_of(cx, None, None, Some(message)) {
            self.report_invitation(cx, operation, result);
        }
        let failure = unknown("the checkpoint does not contain the conversation of the message");
        self.refuse_invite(cx, failure);
    }

    /// Takes the result of an invitation from its resource. `false` if the invitation has none yet.
    pub(super) fn apply_result_of_invitation(
        &mut self,
        cx: &mut Context<'_>,
        id: &InvitationId,
        invitation: &Resource<'_>,
    ) -> bool {
        let result = match payload::invitation_state(invitation) {
            InvitationState::Accepted => Ok(()),
            InvitationState::Refused => Err(None),
            InvitationState::Open | InvitationState::Alerting => return false,
        };
        self.conclude(cx, id, result, Some(invitation));
        true
    }

    fn on_invitation_unreadable(
        &mut self,
        cx: &mut Context<'_>,
        id: &InvitationId,
        failure: Failure,
    ) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let invite = match id {
            InvitationId::Outgoing(operation) => match live.invite_mut(operation) {
                Some(invite) => Some((invite.is_seen(), invite.cancel_wanted)),
                None => return,
            },
            InvitationId::Incoming(_) => None,
        };
        // A 404 without a UCWA error body may mean that the application no longer exists, although an invitation in it
        // alerts the peer.
        if failure.is_gone() && failure.code().is_some() && matches!(invite, Some((false, _))) {
            let failure = Failure::new(FailureKind::Timeout, Stage::Invitation)
                .with_message("the server accepted the invitation and reported no start");
            return self.refuse_invite(cx, failure);
        }
        // The conversation may exist, and the invitation decides on it, so the read is repeated.
        let retries = invite.is_none_or(|(is_seen, cancel_wanted)| is_seen && !cancel_wanted);
        if !failure.is_gone() && retries {
            let timer = ChatTimer::InvitationCompleted(id.clone());
            self.tasks.arm(cx.core, COMPLETION_GRACE, timer);
        } else if failure.is_gone() && self.is_chatting() {
            // The invitation resource no longer exists. If the chat is connected, the invitation was accepted.
            self.conclude(cx, id, Ok(()), None);
        } else if invite.is_some() {
            let failure = unknown("the result of the invitation cannot be found out");
            self.refuse_invite(cx, failure);
        } else {
            self.conclude(cx, id, Err(None), None);
        }
    }

    // Results.

    /// Handles the result of an outgoing or incoming invitation: accepted, or refused with a reason.
    pub(super) fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        id: &InvitationId,
        result: Result<(), Option<Failure>>,
        invitation: Option<&Resource<'_>>,
    ) {
        let operation = match id {
            InvitationId::Outgoing(operation) => operation,
            InvitationId::Incoming(href) => return self.conclude_offer(cx, href, result),
        };
        let live = self.life.live_mut();
        let is_open = live.and_then(|live| live.invite_mut(operation)).is_some();
        match (result, is_open) {
            (Ok(()), true) => self.on_invite_accepted(cx, operation, invitation),
            (Ok(()), false) => self.on_late_acceptance(cx, operation, invitation),
            (Err(failure), is_open) => {
                let refused = || Failure::new(FailureKind::Remote, Stage::Invitation);
                let failure = failure.unwrap_or_else(refused);
                if is_open {
                    return self.refuse_invite(cx, failure);
                }
                self.report_invitation(cx, operation, DeliveryResult::failed(failure));
            }
        }
    }

    /// Removes the outgoing invitation, because it has a result.
    fn remove_invite(&mut self, cx: &mut Context<'_>) -> Option<Box<Invite>> {
        let invite = self.life.live_mut()?.invite.take()?;
        let operation = &invite.operation_id;
        cx.index.complete_operation(operation);
        self.tasks.cancel(cx.core, |timer| match timer {
            ChatTimer::InvitationStarted(id)
            | ChatTimer::InvitationCompleted(InvitationId::Outgoing(id)) => id == operation,
            _ => false,
        });
        Some(invite)
    }

    fn on_invite_accepted(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        let Some(invite) = self.remove_invite(cx) else {
            return;
        };
        self.add_acceptor(cx, invitation);
        self.report_invitation(cx, operation, DeliveryResult::delivered(None));
        cx.done(invite.ticket);
        if invite.kind != InviteKind::Chat {
            self.invite_expected(cx);
        }
        if invite.kind.is_conference() {
            self.want_chat_of_conference(cx);
        }
        let is_beginning = self.life.is_beginning();
        if let Some(live) = self.life.live_mut() {
            live.awaits_last_result = false;
            if live.chat == Chat::Connecting && is_beginning {
                if live.address.is_none() && !cx.page.is_open {
                    return self.end(cx, Some(over_when_read()));
                }
                // The rest of the page may name the conversation. If not, the conversation is read.
                self.read_conversation(cx);
            }
        }
        if invite.cancel_wanted {
            self.end_accepted(cx, *invite);
        }
    }

    /// Adds the participant who accepted an invitation to the roster.
    pub(super) fn add_acceptor(&mut self, cx: &mut Context<'_>, invitation: Option<&Resource<'_>>) {
        let acceptor = invitation.and_then(|it| it.embedded("acceptedByParticipant"));
        let Some(acceptor) = acceptor else { return };
        if let Some(address) = acceptor.href().and_then(|href| cx.address_of(href)) {
            self.add_to_roster(cx, address, &payload::participant(acceptor));
        }
    }

    /// Handles an invitation that was accepted before its cancellation reached the server. The user requested to leave,
    /// or to stop the chat of a conversation that continues without its chat.
    fn end_accepted(&mut self, cx: &mut Context<'_>, invite: Invite) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        if invite.kind == InviteKind::Chat && !live.is_ending() && !live.ends_with_chat() {
            // The chat is stopped, because the invitation to it was to be cancelled.
            let stop = &mut live.messaging.stop_messaging;
            let cancel = invite.cancel.as_deref();
            let cancel = cancel.map(|href| Link::new(href, live.address.as_ref()));
            *stop = stop.take().or(cancel);
            self.post_stop(cx, ChatPurpose::StopMessaging);
        } else {
            self.delete_conversation(cx);
        }
    }

    /// Handles the acceptance of an invitation that had timed out. Its message arrived, and the peer may answer in a
    /// conversation that is shown in addition to this one.
    fn on_late_acceptance(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        if !self.report_invitation(cx, operation, DeliveryResult::delivered(None)) {
            return;
        }
        let discovery = invitation.and_then(Discovery::of_invitation);
        cx.discovered.extend(discovery.map(|discovery| Discovery {
            peer: self.peer.clone(),
            ..discovery
        }));
    }

    /// Ends an invitation that was refused or has timed out.
    pub(super) fn refuse_invite(&mut self, cx: &mut Context<'_>, failure: Failure) {
        let Some(invite) = self.remove_invite(cx) else {
            return;
        };
        let failure = failure.with_operation_id(&invite.operation_id);
        let result = DeliveryResult::failed(failure.clone());
        self.report_invitation(cx, &invite.operation_id, result);
        cx.fail(invite.ticket, &failure);
        if invite.kind == InviteKind::Join {
            // The conference may have ended. The next start creates a new one, unless the conversation belongs to this
            // conference.
            self.meeting = match &self.kind {
                Kind::Chat => None,
                Kind::Meeting(uri) => uri.clone(),
            };
        }
        let goes_on = self.life.live().is_some_and(|live| live.over.is_none());
        if invite.kind == InviteKind::Chat && goes_on {
            // The conversation may continue without the chat, unless the user wants to leave it.
            self.on_chat_gone(cx, Some(failure));
            if self.life.live().is_some_and(Live::is_ending) {
                self.delete_conversation(cx);
            }
        } else {
            self.end_after_reads(cx, Some(failure));
        }
    }

    /// Closes an invitation without a result, because the conversation ends. Its message was sent, and the delivery is
    /// unknown.
    pub(super) fn close_invite(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(invite) = self.remove_invite(cx) else {
            return;
        };
        let why = unknown("the conversation ended before the invitation had a result");
        self.report_invitation(cx, &invite.operation_id, DeliveryResult::failed(why));
        cx.fail(invite.ticket, failure);
    }

    // Cancellation.

    pub(super) fn cancel_invite(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let Some(invite) = &mut live.invite else {
            return;
        };
        let purpose = ChatPurpose::Invite(invite.operation_id.clone());
        if self.tasks.is_unsent(cx.core, &purpose) {
            // A request that has not been sent is dropped instead of cancelled.
            self.tasks.abandon(cx.core, |other| *other == purpose);
            let failure = ended("the invitation was not sent");
            return self.refuse_invite(cx, failure);
        }
        invite.cancel_wanted = true;
        let is_seen = invite.is_seen();
        live.chat = Chat::Disconnecting;
        cx.change(self.key, ConversationChange::ChatDisconnecting);
        if is_seen {
            self.post_cancel(cx);
        }
    }

    pub(super) fn post_cancel(&mut self, cx: &mut Context<'_>) {
        let Some(live) = self.life.live() else {
            return;
        };
        let Some(invite) = &live.invite else {
            return;
        };
        // If the invitation has no `cancel` link, stopping the chat cancels it.
        let stop = live.messaging.stop_messaging.as_ref();
        let cancel = invite.cancel.as_deref().map(Cow::from);
        let href = cancel.or(stop.map(Link::href)).unwrap_or_default();
        match cx.core.resolve(&href, Stage::Invitation) {
            Ok(url) => self.tasks.post(cx.core, ChatPurpose::Cancel, url),
            // While this user waits in the lobby, the invitation to the conference has no result. It contains no message.
            Err(_) if invite.kind.is_conference() => self.delete_conversation(cx),
            Err(_) => self.await_last_result(cx),
        }
    }

    pub(super) fn on_cancel_response(&mut self, cx: &mut Context<'_>, answer: Answer<'_>) {
        if let Err(failure) = answer.effect(cx.core).done() {
            tracing::debug!(%failure, "the invitation could not be cancelled");
        }
        // The invitation was cancelled or the cancellation was too late. Either way the invitation and its message get a
        // result.
        if self.life.live().is_some_and(|live| live.invite.is_some()) {
            self.await_last_result(cx);
        }
    }

    /// Waits one last time for the result of the open invitation.
    pub(super) fn await_last_result(&mut self, cx: &mut Context<'_>) {
        let open = self.life.live().and_then(Live::open_invitation);
        if let Some(id) = open {
            let timer = ChatTimer::InvitationCompleted(id);
            self.tasks.arm(cx.core, LAST_RESULT_GRACE, timer);
        }
    }
}

/// The reason of the end of a conversation whose accepted invitation was read and names no conversation: no event will report
/// one.
pub(super) fn over_when_read() -> Failure {
    Failure::new(FailureKind::Remote, Stage::Invitation)
        .with_message("the conversation was over when its invitation was read")
}
