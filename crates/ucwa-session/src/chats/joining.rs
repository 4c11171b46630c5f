//! Participants whom the user adds.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Event, EventKind, EventStatus, Resource, SipUri};

use super::conversation::{Conversation, State};
use super::invite::{COMPLETION_GRACE, START_GRACE};
use super::page::failure_of;
use super::read::{self, InvitationStanding};
use super::{Chats, invalid, key_of, wrong_state};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::response::Effect;
use crate::timers::Timer;

/// The invitation of a participant, until its verdict.
pub(crate) struct Joining {
    pub(super) operation_id: String,
    pub(super) participant: ParticipantKey,
    uri: String,
    /// Who waits for the verdict. Those who were added before the conversation began have nobody.
    ticket: Option<Ticket>,
    /// The request is out.
    pub(super) posted: bool,
    started: bool,
    location: Option<String>,
    href: Option<String>,
    pub(super) cancel: Option<String>,
}

impl Conversation {
    /// Whether a participant is being invited under this operation id.
    pub(super) fn is_inviting(&self, operation: &str) -> bool {
        self.joining
            .iter()
            .any(|joining| joining.operation_id == operation)
    }
}

impl Chats {
    pub(super) fn add_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        uri: &str,
        ticket: Ticket,
    ) {
        let uri = match SipUri::parse(uri) {
            Ok(uri) => uri.as_str().to_owned(),
            Err(error) => return core.complete(ticket, Err(invalid(error.to_string()))),
        };
        let Some(conversation) = self.conversations.get_mut(&key) else {
            let failure = invalid("there is no such conversation".to_owned());
            return core.complete(ticket, Err(failure));
        };
        if !conversation.is_live() {
            conversation.roster.expect(participant, &uri);
            return core.complete(ticket, Ok(Outcome::Done));
        }
        if conversation.is_ending() {
            return core.complete(ticket, Err(wrong_state("the conversation is being ended")));
        }
        conversation.roster.expect(participant, &uri);
        self.invite_participant(core, key, participant, uri, Some(ticket));
        self.advance_joining(core, key);
    }

    /// Those who were added before the conversation began are invited as soon as they can be.
    pub(super) fn invite_expected(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(conversation) = self.conversations.get(&key) else {
            return;
        };
        for (participant, uri) in conversation.roster.expected() {
            self.invite_participant(core, key, participant, uri, None);
        }
    }

    fn invite_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        uri: String,
        ticket: Option<Ticket>,
    ) {
        let operation_id = core.uuid();
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        if let Some(member) = conversation.roster.by_key(participant) {
            member.expected = false;
        }
        conversation.joining.push(Joining {
            operation_id,
            participant,
            uri,
            ticket,
            posted: false,
            started: false,
            location: None,
            href: None,
            cancel: None,
        });
    }

    /// Invites those who wait for it, once the conversation is such that somebody can be invited into it.
    pub(super) fn advance_joining(&mut self, core: &mut Core, key: ConversationKey) {
        while let Some(conversation) = self.conversations.get_mut(&key) {
            if conversation.state != State::Connected || conversation.is_ending() {
                return;
            }
            // A conversation of two becomes a conference with the first; the others are asked into that.
            let escalating =
                !conversation.group && conversation.joining.iter().any(|joining| joining.posted);
            let Some(href) = conversation
                .links
                .add_participant
                .clone()
                .filter(|_| !escalating)
            else {
                return;
            };
            let waiting = conversation
                .joining
                .iter_mut()
                .find(|joining| !joining.posted);
            let Some(joining) = waiting else { return };
            joining.posted = true;
            let operation = joining.operation_id.clone();
            let input = Resource::anonymous()
                .with_property("operationId", operation.clone())
                .with_property("to", joining.uri.clone());
            // Events may come before the answer to the request: the id is known from here on.
            self.operations.insert(operation.clone(), key);
            match core.resolve(&href, Stage::Invitation) {
                Ok(url) => {
                    let purpose = Purpose::AddParticipant(key, operation);
                    let exchange =
                        core.with_input(Exchange::new(purpose, Method::POST, url), &input);
                    core.issue(exchange);
                }
                Err(failure) => self.conclude_joining(core, key, &operation, Err(failure)),
            }
        }
    }

    pub(super) fn on_add_participant_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        // Events may have brought the verdict before the answer.
        let Some(joining) = self.joining_mut(key, operation) else {
            return;
        };
        match core.effect(exchange, result) {
            Effect::Done(response) => {
                joining.location = core.location(&response).map(str::to_owned);
            }
            Effect::Unclear(_) => {}
            Effect::Gone(failure) | Effect::Refused(failure) => {
                return self.conclude_joining(core, key, operation, Err(failure));
            }
        }
        if !joining.started {
            let timer = Timer::ParticipantInvitation(key, operation.to_owned());
            core.arm(START_GRACE, timer);
        }
    }

    /// An event of the invitation of a participant.
    pub(super) fn on_participant_invitation(&mut self, core: &mut Core, event: &Event<'_>) {
        let resource = event.resource();
        let by_operation = resource
            .and_then(|invitation| invitation.text("operationId"))
            .and_then(|id| Some((*self.operations.get(id)?, id.to_owned())));
        let found = by_operation.or_else(|| self.find_joining(core, &event.link.href));
        let Some((key, operation)) = found else {
            return;
        };
        let Some(joining) = self.joining_mut(key, &operation) else {
            return;
        };
        joining.href = Some(event.link.href.to_string());
        if let Some(cancel) = resource.and_then(|invitation| invitation.link_href("cancel")) {
            joining.cancel = Some(cancel.to_owned());
        }
        let first = !std::mem::replace(&mut joining.started, true);
        let participant = joining.participant;
        // Where two become a conference, the conversation may go on under another address.
        let escalating = self
            .conversations
            .get(&key)
            .is_some_and(|conversation| !conversation.group);
        if let Some(href) = resource
            .and_then(|invitation| invitation.link_href("conversation"))
            .filter(|_| escalating)
        {
            self.follow_to(core, key, href);
        }
        let standing = resource.map(read::standing);
        if event.kind != EventKind::Completed {
            if first {
                core.change(key, ConversationChange::ParticipantInvited(participant));
                self.arm_joining(core, key, &operation);
            }
            return;
        }
        // The event's status decides; without one the invitation's own state; without that, ask.
        let accepted = match (&event.status, standing) {
            (Some(EventStatus::Success), _) => true,
            (Some(EventStatus::Failure), _) => false,
            (_, Some(InvitationStanding::Accepted)) => true,
            (_, Some(InvitationStanding::Refused)) => false,
            _ => return self.ask_joining(core, key, &operation),
        };
        if accepted {
            self.on_joined(core, key, &operation, resource);
        } else {
            let failure = event.reason.as_ref().and_then(failure_of);
            self.conclude_joining(core, key, &operation, Err(failure.unwrap_or_else(refused)));
        }
    }

    /// He is in: the server says so only when the roster does, but the roster's event may be a bare link.
    fn on_joined(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        invitation: Option<&Resource<'_>>,
    ) {
        if let Some(acceptor) =
            invitation.and_then(|invitation| invitation.embedded("acceptedByParticipant"))
            && let Some(href) = acceptor.href()
        {
            let facts = read::participant(acceptor);
            self.take_in(core, key, href, &facts);
        }
        self.conclude_joining(core, key, operation, Ok(()));
    }

    pub(super) fn conclude_joining(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        verdict: Result<(), Failure>,
    ) {
        self.operations.remove(operation);
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        let position = conversation
            .joining
            .iter()
            .position(|joining| joining.operation_id == operation);
        let Some(joining) = position.map(|position| conversation.joining.remove(position)) else {
            return;
        };
        core.cancel_timers(
            |timer| matches!(timer, Timer::ParticipantInvitation(_, id) if id == operation),
        );
        let failure = verdict.as_ref().err().cloned();
        if failure.is_some() {
            self.take_out(core, key, joining.participant, failure.clone());
        }
        if let Some(ticket) = joining.ticket {
            core.complete(ticket, verdict.map(|()| Outcome::Done));
        }
        self.advance_joining(core, key);
        match failure {
            Some(failure) if self.is_deserted(key) => self.fail_drafts(core, key, &failure),
            _ => self.pump(core, key),
        }
    }

    /// Whether a conference has nobody who could hear anything, and nobody who may come.
    fn is_deserted(&self, key: ConversationKey) -> bool {
        self.conversations.get(&key).is_some_and(|conversation| {
            conversation.group
                && !conversation.roster.has_joined()
                && conversation.joining.is_empty()
        })
    }

    /// No event told how the invitation of a participant goes on: it is asked.
    pub(super) fn ask_joining(&mut self, core: &mut Core, key: ConversationKey, operation: &str) {
        let Some(joining) = self.joining_mut(key, operation) else {
            return;
        };
        match joining.href.clone().or_else(|| joining.location.clone()) {
            Some(href) => {
                let purpose = Purpose::ReadParticipantInvitation(key, operation.to_owned());
                Self::read(core, Some(&href), purpose);
            }
            None => self.conclude_unheard(core, key, operation),
        }
    }

    pub(super) fn on_participant_invitation_read(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        operation: &str,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Ok(invitation) = core.fetched(exchange, result) else {
            return self.conclude_unheard(core, key, operation);
        };
        match read::standing(&invitation) {
            InvitationStanding::Accepted => {
                self.on_joined(core, key, operation, Some(&invitation));
            }
            InvitationStanding::Refused => {
                self.conclude_joining(core, key, operation, Err(refused()));
            }
            InvitationStanding::Open | InvitationStanding::Alerting => {
                self.arm_joining(core, key, operation);
            }
        }
    }

    /// Nobody says what became of the invitation: the roster does, or it came to nothing.
    fn conclude_unheard(&mut self, core: &mut Core, key: ConversationKey, operation: &str) {
        let Some(joining) = self.joining_mut(key, operation) else {
            return;
        };
        let participant = joining.participant;
        let joined = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
            .is_some_and(|member| member.joined);
        let verdict = if joined {
            Ok(())
        } else {
            Err(Failure::new(FailureKind::Timeout, Stage::Invitation)
                .with_message("the server does not say what became of the invitation"))
        };
        self.conclude_joining(core, key, operation, verdict);
    }

    fn arm_joining(&self, core: &mut Core, key: ConversationKey, operation: &str) {
        core.cancel_timers(
            |timer| matches!(timer, Timer::ParticipantInvitation(_, id) if id == operation),
        );
        let timer = Timer::ParticipantInvitation(key, operation.to_owned());
        core.arm(COMPLETION_GRACE, timer);
    }

    /// The conversation ends: nobody comes any more.
    pub(super) fn close_joining(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: &Failure,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        for joining in std::mem::take(&mut conversation.joining) {
            self.operations.remove(&joining.operation_id);
            if let Some(ticket) = joining.ticket {
                core.complete(ticket, Err(failure.clone()));
            }
        }
    }

    fn joining_mut(&mut self, key: ConversationKey, operation: &str) -> Option<&mut Joining> {
        let joining = &mut self.conversations.get_mut(&key)?.joining;
        joining
            .iter_mut()
            .find(|joining| joining.operation_id == operation)
    }

    /// The conversation and operation behind the href of a participant's invitation.
    fn find_joining(&self, core: &Core, href: &str) -> Option<(ConversationKey, String)> {
        let wanted = key_of(core, href)?;
        let is = |other: &Option<String>| {
            let other = other.as_deref().and_then(|href| key_of(core, href));
            other.as_ref() == Some(&wanted)
        };
        self.conversations.values().find_map(|conversation| {
            let mut joining = conversation.joining.iter();
            let found = joining.find(|joining| is(&joining.href) || is(&joining.location))?;
            Some((conversation.key, found.operation_id.clone()))
        })
    }
}

fn refused() -> Failure {
    Failure::new(FailureKind::Remote, Stage::Invitation)
}
