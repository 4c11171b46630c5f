//! Commands on participants: ejecting, changing roles, and the lobby of a conference (`participant_ref`).

use std::time::Duration;

use ucwa_proto::HrefKey;

use super::conversation::{Context, Conversation, ended};
use super::purpose::{ChatPurpose, ChatTimer};
use super::roster::Seat;
use super::{invalid, wrong_state};
use crate::event::{ConversationChange, Role};
use crate::failure::{Failure, Stage};
use crate::keys::{ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::response::{Answer, Effect};

/// How long the roster may take to show that a participant was ejected.
const EJECTION_GRACE: Duration = Duration::from_secs(10);

pub(super) const EJECT: &str = "eject";

/// A command of a leader for a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes an attendee a leader (`promote_ref`).
    Promote,
    /// Makes a leader an attendee (`demote_ref`).
    Demote,
    /// Admits a participant from the lobby (`admit_ref`).
    Admit,
    /// Rejects a participant in the lobby (`reject_ref`).
    Reject,
}

impl Action {
    pub(super) const fn rel(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Admit => "admit",
            Self::Reject => "reject",
        }
    }

    /// The action that gives a participant a role.
    pub(super) const fn to(role: Role) -> Self {
        match role {
            Role::Leader => Self::Promote,
            Role::Attendee => Self::Demote,
        }
    }

    /// Whether the action applies to participants in the lobby.
    pub(super) const fn is_of_lobby(self) -> bool {
        matches!(self, Self::Admit | Self::Reject)
    }

    /// The result of the action on a participant who has left.
    pub(super) fn result_after_leaving(self) -> Result<Outcome, Failure> {
        match self {
            Self::Reject => Ok(Outcome::Done),
            Self::Promote | Self::Demote | Self::Admit => {
                Err(ended("the participant left the conference first"))
            }
        }
    }
}

impl Conversation {
    // Ejecting.

    pub(super) fn remove_participant(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        ticket: Ticket,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return cx.fail(
                [ticket],
                &invalid("there is no such participant".to_owned()),
            );
        };
        let Some(live) = self.life.live() else {
            self.remove_expected(participant);
            return cx.done([ticket]);
        };
        let seat = &mut member.seat;
        let mut joining = live.joining.iter();
        let invited = joining.find(|joining| joining.participant == participant);
        let invited = invited.map(|joining| (joining.operation_id.clone(), joining.is_posted));
        match invited {
            Some((operation, is_posted)) if !seat.joined => {
                seat.ejecting.push(ticket);
                if is_posted {
                    self.cancel_participant_invitation(cx, participant);
                } else {
                    let why = ended("the participant was removed before they were invited");
                    self.conclude_joining(cx, &operation, Err(why));
                }
            }
            // The participant was neither invited nor joined. No request is needed, and the removal is reported.
            _ if !seat.joined => {
                seat.ejecting.push(ticket);
                self.remove_from_roster(cx, participant, None);
            }
            _ => {
                seat.ejecting.push(ticket);
                if seat.ejecting.len() == 1 {
                    self.post_eject(cx, participant, false);
                }
            }
        }
    }

    fn cancel_participant_invitation(&mut self, cx: &mut Context<'_>, participant: ParticipantKey) {
        let joining = self.life.live().into_iter().flat_map(|live| &live.joining);
        let cancel = joining
            .filter(|joining| joining.participant == participant)
            .find_map(|joining| joining.cancel.clone())
            .unwrap_or_default();
        let purpose = ChatPurpose::CancelParticipant(participant);
        match cx.core.resolve(&cancel, Stage::Invitation) {
            Ok(_) if self.tasks.is_in_flight(&purpose) => {}
            Ok(url) if !cancel.is_empty() => self.tasks.post(cx.core, purpose, url),
            _ => {
                let why = wrong_state("the invitation of the participant cannot be cancelled");
                self.on_eject_refused(cx, participant, &why);
            }
        }
    }

    /// The result of the cancelled invitation removes the participant, so only a refusal is handled here.
    pub(super) fn on_cancel_participant_response(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        answer: Answer<'_>,
    ) {
        match answer.effect(cx.core) {
            Effect::Done(_) | Effect::Gone(_) => {}
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_eject_refused(cx, participant, &failure);
            }
        }
    }

    /// Ejects a participant. If the link is unknown and the participant was not read before (`was_read`), the participant is
    /// read first.
    fn post_eject(&mut self, cx: &mut Context<'_>, participant: ParticipantKey, was_read: bool) {
        let Some(member) = self.roster.by_key(participant) else {
            return;
        };
        let purpose = ChatPurpose::Eject(participant);
        let seat = &member.seat;
        let failure = match (seat.command(EJECT), seat.address.clone()) {
            (Some(_), _) if self.tasks.is_in_flight(&purpose) => return,
            (Some(eject), _) => match cx.core.resolve(eject, Stage::Conversation) {
                Ok(url) => return self.tasks.post(cx.core, purpose, url),
                Err(failure) => failure,
            },
            (None, Some(address)) if !was_read => return self.read_participant(cx, &address),
            (None, _) => {
                wrong_state("the server does not allow this user to eject the participant")
            }
        };
        self.on_eject_refused(cx, participant, &failure);
    }

    /// Continues an ejection after its participant was read.
    pub(super) fn eject_after_read(&mut self, cx: &mut Context<'_>, href: &HrefKey) {
        let member = self.roster.by_href(href);
        let asked = member.filter(|member| !member.seat.ejecting.is_empty());
        if let Some(participant) = asked.map(|member| member.key) {
            self.post_eject(cx, participant, true);
        }
    }

    pub(super) fn on_eject_response(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        answer: Answer<'_>,
    ) {
        match answer.effect(cx.core) {
            Effect::Done(_) => {
                let timer = ChatTimer::Ejected(participant);
                self.tasks.arm(cx.core, EJECTION_GRACE, timer);
            }
            Effect::Gone(_) => self.remove_from_roster(cx, participant, None),
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_eject_refused(cx, participant, &failure);
            }
        }
    }

    /// Handles a refused ejection: the participant keeps the former state.
    fn on_eject_refused(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        failure: &Failure,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return;
        };
        let tickets = std::mem::take(&mut member.seat.ejecting);
        let change = if member.seat.joined {
            ConversationChange::ParticipantJoined(member.to_participant())
        } else {
            ConversationChange::ParticipantInvited(participant)
        };
        cx.change(self.key, change);
        cx.fail(tickets, failure);
    }

    /// Fails the commands that wait for a read of their participant. The conversation has another href, so the href of the
    /// read is invalid.
    pub(super) fn refuse_waiting_commands(&mut self, cx: &mut Context<'_>) {
        let failure = wrong_state("the conversation has moved before the command was sent");
        for (participant, actions) in self.roster.commanded() {
            let sent = [
                ChatPurpose::Eject(participant),
                ChatPurpose::CancelParticipant(participant),
            ];
            let is_ejecting = |seat: &Seat| !seat.ejecting.is_empty();
            let member = self.roster.by_key(participant);
            if member.is_some_and(|member| is_ejecting(&member.seat) && member.seat.joined)
                && !sent.iter().any(|purpose| self.tasks.is_in_flight(purpose))
                && !self.tasks.is_armed(&ChatTimer::Ejected(participant))
            {
                self.on_eject_refused(cx, participant, &failure);
            }
            for action in actions {
                let purpose = ChatPurpose::Moderate(participant, action);
                if !self.tasks.is_in_flight(&purpose) {
                    self.conclude_action(cx, participant, action, &Err(failure.clone()));
                }
            }
        }
    }

    /// Ejects a participant who joined although the invitation was to be cancelled. If the participant is missing in the
    /// roster, the ejection fails.
    pub(super) fn eject_after_joining(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
    ) {
        let member = self.roster.by_key(participant);
        let asked = member.filter(|member| !member.seat.ejecting.is_empty());
        let Some(joined) = asked.map(|member| member.seat.joined) else {
            return;
        };
        if joined {
            self.post_eject(cx, participant, false);
        } else {
            let why =
                wrong_state("the participant accepted the invitation before it was cancelled");
            self.on_eject_refused(cx, participant, &why);
        }
    }

    // Roles and the lobby.

    pub(super) fn moderate(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        action: Action,
        ticket: Ticket,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return cx.fail(
                [ticket],
                &invalid("there is no such participant".to_owned()),
            );
        };
        if !member.seat.joined {
            return cx.fail(
                [ticket],
                &wrong_state("the participant is not in the conference"),
            );
        }
        let moderating = &mut member.seat.moderating;
        let is_under_way = moderating.iter().any(|(other, _)| *other == action);
        moderating.push((action, ticket));
        if !is_under_way {
            self.post_action(cx, participant, action, false);
        }
    }

    /// Sends an action. If the link is unknown and the participant was not read before (`was_read`), the participant is read
    /// first.
    fn post_action(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        action: Action,
        was_read: bool,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return;
        };
        let purpose = ChatPurpose::Moderate(participant, action);
        let seat = &member.seat;
        let failure = match (seat.command(action.rel()), seat.address.clone()) {
            (Some(_), _) if self.tasks.is_in_flight(&purpose) => return,
            (Some(href), _) => match cx.core.resolve(href, Stage::Conversation) {
                Ok(url) => return self.tasks.post(cx.core, purpose, url),
                Err(failure) => failure,
            },
            (None, Some(address)) if !was_read => return self.read_participant(cx, &address),
            (None, _) => wrong_state("the server does not allow this action on the participant"),
        };
        self.conclude_action(cx, participant, action, &Err(failure));
    }

    /// Continues the actions that waited for a read of their participant.
    pub(super) fn moderate_after_read(&mut self, cx: &mut Context<'_>, href: &HrefKey) {
        let Some(member) = self.roster.by_href(href) else {
            return;
        };
        let participant = member.key;
        for (action, _) in member.seat.moderating.clone() {
            let purpose = ChatPurpose::Moderate(participant, action);
            if !self.tasks.is_in_flight(&purpose) {
                self.post_action(cx, participant, action, true);
            }
        }
    }

    pub(super) fn on_moderate_response(
        &mut self,
        cx: &mut Context<'_>,
        (participant, action): (ParticipantKey, Action),
        answer: Answer<'_>,
    ) {
        let result = match answer.effect(cx.core) {
            Effect::Done(_) => Ok(()),
            Effect::Refused(failure) | Effect::Unclear(failure) => Err(failure),
            Effect::Gone(failure) => {
                // The participant or the link no longer exists. A read of the participant shows which.
                let member = self.roster.by_key(participant);
                if let Some(address) = member.and_then(|member| member.seat.address.clone()) {
                    self.read_participant(cx, &address);
                }
                Err(failure)
            }
        };
        self.conclude_action(cx, participant, action, &result);
    }

    fn conclude_action(
        &mut self,
        cx: &mut Context<'_>,
        participant: ParticipantKey,
        action: Action,
        result: &Result<(), Failure>,
    ) {
        let Some(member) = self.roster.by_key(participant) else {
            return;
        };
        let moderating = &mut member.seat.moderating;
        for (_, ticket) in moderating.extract_if(.., |(other, _)| *other == action) {
            cx.core
                .complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }
}
