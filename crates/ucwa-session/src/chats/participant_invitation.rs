//! Invitations of participants into a conversation.

use std::sync::Arc;

use ucwa_proto::{Event, EventStatus, Resource, SipUri};

use super::conversation::{Address, Context, Conversation, Live};
use super::event_dispatch::{failure_of, may_be_completed};
use super::outgoing_invitation::{COMPLETION_GRACE, START_GRACE};
use super::payload::{self, InvitationState};
use super::purpose::{ChatPurpose, ChatTimer};
use super::{invalid, wrong_state};
use crate::event::ConversationChange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::response::{Answer, Effect};

/// An invitation of a participant without a result.
pub(super) struct Joining {
    pub(super) operation_id: String,
    pub(super) participant: ParticipantKey,
    uri: String,
    /// The operation that waits for the result. `None` for a participant who was added before the conversation started.
    ticket: Option<Ticket>,
    /// The request was sent.
    pub(super) is_posted: bool,
    location: Option<Arc<str>>,
    /// The href in the events of the invitation. `None` until the first event.
    href: Option<Arc<str>>,
    pub(super) cancel: Option<String>,
}

impl Live {
    fn joining_mut(&mut self, operation: &str) -> Option<&mut Joining> {
        let mut joining = self.joining.iter_mut();
        joining.find(|joining| joining.operation_id == operation)
    }
}

impl Conversation {
    /// Whether a participant is being invited with this operation ID.
    pub(super) fn is_joining(&self, operation: &str) -> bool {
        let mut joining = self.life.live().into_iter().flat_map(|live| &live.joining);
        joining.any(|joining| joining.operation_id == operation)
    }

    pub(super) fn add_participant(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        uri: &str,
        ticket: Ticket,
    ) {
        let uri = match SipUri::parse(uri) {
            Ok(uri) => uri.as_str().to_owned(),
            Err(error) => return cx.core.complete(ticket, Err(invalid(error.to_string()))),
        };
        let Some(live) = self.life.live() else {
            self.roster.expect(participant, &uri);
            return cx.done([ticket]);
        };
        if live.is_ending() {
            return cx.fail([ticket], &wrong_state("the conversation is being ended"));
        }
        self.roster.expect(participant, &uri);
        self.queue_participant(cx, participant, uri, Some(ticket));
        self.invite_next_participant(cx);
    }

    /// Queues invitations for the participants who were added before the conversation started.
    pub(super) fn invite_expected(&mut self, cx: &mut Context<'_>) {
        for (participant, uri) in self.roster.expected() {
            self.queue_participant(cx, participant, uri, None);
        }
    }

    fn queue_participant(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        uri: String,
        ticket: Option<Ticket>,
    ) {
        let operation_id = cx.core.uuid();
        if let Some(member) = self.roster.by_key(participant) {
            member.expected = false;
        }
        if let Some(live) = self.life.live_mut() {
            live.joining.push(Joining {
                operation_id,
                participant,
                uri,
                ticket,
                is_posted: false,
                location: None,
                href: None,
                cancel: None,
            });
        }
    }

    /// Sends the queued invitations that are possible in the present form of the conversation.
    pub(super) fn invite_next_participant(&mut self, cx: &mut Context<'_>) {
        while let Some(live) = self.life.established_mut() {
            // The first addition makes a conversation of two a conference. The other participants are invited into the
            // conference.
            let is_escalating =
                !live.is_conference() && live.joining.iter().any(|joining| joining.is_posted);
            let Some(link) = &live.links.add_participant else {
                return;
            };
            if live.is_ending() || is_escalating {
                return;
            }
            let mut joining = live.joining.iter_mut();
            let Some(joining) = joining.find(|joining| !joining.is_posted) else {
                return;
            };
            joining.is_posted = true;
            let operation = joining.operation_id.clone();
            let input = Resource::anonymous()
                .with_property("operationId", operation.clone())
                .with_property("to", joining.uri.clone());
            // Events may precede the response to the request.
            cx.index.open_operation(&operation, self.key);
            match cx.core.resolve(&link.href(), Stage::Invitation) {
                Ok(url) => {
                    let purpose = ChatPurpose::AddParticipant(operation);
                    self.tasks.post_input(cx.core, purpose, url, &input);
                }
                Err(failure) => self.conclude_joining(cx, &operation, Err(failure)),
            }
        }
    }

    pub(super) fn on_add_participant_response(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        answer: Answer<'_>,
    ) {
        let live = self.life.live_mut();
        // Events may have reported the result before the response.
        let Some(joining) = live.and_then(|live| live.joining_mut(operation)) else {
            return;
        };
        match answer.effect(cx.core) {
            Effect::Done(response) => {
                let location = cx.core.location(&response);
                if let Some(address) = location.and_then(|location| cx.address_of(location)) {
                    joining.location = Some(address.href);
                    cx.index.locate_operation(operation, address.key);
                }
            }
            Effect::Unclear(_) => {}
            Effect::Gone(failure) | Effect::Refused(failure) => {
                return self.conclude_joining(cx, operation, Err(failure));
            }
        }
        if joining.href.is_none() {
            let timer = ChatTimer::ParticipantInvitation(operation.to_owned());
            self.tasks.arm(cx.core, START_GRACE, timer);
        }
    }

    /// Handles an event of the invitation of a participant.
    pub(super) fn on_participant_invitation(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        address: Address,
        event: &Event<'_>,
    ) {
        let resource = event.resource();
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let escalates = !live.is_conference();
        let Some(joining) = live.joining_mut(operation) else {
            return;
        };
        let before = joining.href.replace(address.href);
        if before != joining.href {
            cx.index.locate_operation(operation, address.key);
        }
        if let Some(cancel) = resource.and_then(|invitation| invitation.link_href("cancel")) {
            joining.cancel = Some(cancel.to_owned());
        }
        let participant = joining.participant;
        // A conversation of two that becomes a conference may continue at another href.
        let conversation = resource.and_then(|invitation| invitation.link_href("conversation"));
        if let Some(href) = conversation.filter(|_| escalates) {
            self.follow_link(cx, href);
        }
        if !may_be_completed(&event.kind) {
            if before.is_none() {
                cx.change(
                    self.key,
                    ConversationChange::ParticipantInvited(participant),
                );
                self.arm_joining(cx, operation);
            }
            return;
        }
        // The status of the event decides; without it, the state of the invitation; without both, the invitation is read.
        match (&event.status, resource.map(payload::invitation_state)) {
            (Some(EventStatus::Success), _) | (None, Some(InvitationState::Accepted)) => {
                self.on_joined(cx, operation, resource);
            }
            (Some(EventStatus::Failure), _) | (None, Some(InvitationState::Refused)) => {
                let failure = event.reason.as_deref().and_then(failure_of);
                let failure = failure.unwrap_or_else(refused);
                self.conclude_joining(cx, operation, Err(failure));
            }
            _ => self.read_joining(cx, operation),
        }
    }

    /// Handles an accepted invitation. The roster also reports the participant, but its event may have only a link.
    fn on_joined(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        self.add_acceptor(cx, invitation);
        self.conclude_joining(cx, operation, Ok(()));
    }

    pub(super) fn conclude_joining(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        result: Result<(), Failure>,
    ) {
        cx.index.forget_operation(operation);
        let Some(live) = self.life.live_mut() else {
            return;
        };
        let mut joining = live.joining.iter();
        let position = joining.position(|joining| joining.operation_id == operation);
        let Some(joining) = position.map(|position| live.joining.remove(position)) else {
            return;
        };
        self.cancel_joining_timer(cx, operation);
        let result = result.map_err(|failure| failure.with_operation_id(operation));
        let failure = result.as_ref().err().cloned();
        match &failure {
            Some(_) => self.remove_from_roster(cx, joining.participant, failure.clone()),
            None => self.eject_after_joining(cx, joining.participant),
        }
        if let Some(ticket) = joining.ticket {
            cx.core.complete(ticket, result.map(|()| Outcome::Done));
        }
        self.invite_next_participant(cx);
        match failure {
            Some(failure) if self.is_deserted() => self.fail_drafts(cx, &failure),
            _ => self.send_next(cx),
        }
    }

    /// Whether the conversation is a conference without participants and without invitations in flight.
    fn is_deserted(&self) -> bool {
        self.life
            .live()
            .is_some_and(|live| live.is_conference() && live.joining.is_empty())
            && !self.roster.has_joined()
    }

    /// Reads the invitation of a participant, because no event reported its progress.
    pub(super) fn read_joining(&mut self, cx: &mut Context<'_>, operation: &str) {
        let live = self.life.live_mut();
        let Some(joining) = live.and_then(|live| live.joining_mut(operation)) else {
            return;
        };
        match joining.href.as_deref().or(joining.location.as_deref()) {
            Some(href) => {
                let purpose = ChatPurpose::ReadParticipantInvitation(operation.to_owned());
                self.tasks.read(cx.core, Some(href), purpose);
            }
            None => self.conclude_by_roster(cx, operation),
        }
    }

    pub(super) fn on_participant_invitation_read(
        &mut self,
        cx: &mut Context<'_>,
        operation: &str,
        answer: Answer<'_>,
    ) {
        let Ok(invitation) = answer.resource(cx.core) else {
            return self.conclude_by_roster(cx, operation);
        };
        match payload::invitation_state(&invitation) {
            InvitationState::Accepted => self.on_joined(cx, operation, Some(&invitation)),
            InvitationState::Refused => self.conclude_joining(cx, operation, Err(refused())),
            InvitationState::Open | InvitationState::Alerting => self.arm_joining(cx, operation),
        }
    }

    /// Concludes an invitation whose result the server does not report: it succeeded if the participant is in the roster,
    /// and failed otherwise.
    fn conclude_by_roster(&mut self, cx: &mut Context<'_>, operation: &str) {
        let live = self.life.live_mut();
        let Some(joining) = live.and_then(|live| live.joining_mut(operation)) else {
            return;
        };
        let member = self.roster.by_key(joining.participant);
        let result = if member.is_some_and(|member| member.seat.joined) {
            Ok(())
        } else {
            Err(Failure::new(FailureKind::Timeout, Stage::Invitation)
                .with_message("the server does not report the result of the invitation"))
        };
        self.conclude_joining(cx, operation, result);
    }

    fn arm_joining(&mut self, cx: &mut Context<'_>, operation: &str) {
        self.cancel_joining_timer(cx, operation);
        let timer = ChatTimer::ParticipantInvitation(operation.to_owned());
        self.tasks.arm(cx.core, COMPLETION_GRACE, timer);
    }

    fn cancel_joining_timer(&mut self, cx: &mut Context<'_>, operation: &str) {
        self.tasks.cancel(
            cx.core,
            |timer| matches!(timer, ChatTimer::ParticipantInvitation(id) if id == operation),
        );
    }

    /// Closes all invitations of participants, because the conversation ends.
    pub(super) fn close_joining(&mut self, cx: &mut Context<'_>, failure: &Failure) {
        let Some(live) = self.life.live_mut() else {
            return;
        };
        for joining in std::mem::take(&mut live.joining) {
            cx.index.forget_operation(&joining.operation_id);
            cx.fail(joining.ticket, failure);
        }
    }
}

fn refused() -> Failure {
    Failure::new(FailureKind::Remote, Stage::Invitation)
}
