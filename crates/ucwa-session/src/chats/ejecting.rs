//! Participants whom the user takes out of a conversation again.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};

use super::ending::ended;
use super::roster::EJECT;
use super::{Chats, invalid, wrong_state};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::response::Effect;
use crate::timers::Timer;

/// How long the roster may take to show that somebody was ejected.
const EJECTION_GRACE: Duration = Duration::from_secs(10);

impl Chats {
    pub(super) fn remove_participant(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        ticket: Ticket,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            let failure = invalid("there is no such conversation".to_owned());
            return core.complete(ticket, Err(failure));
        };
        let live = conversation.is_live();
        let invited = conversation
            .joining
            .iter()
            .find(|joining| joining.participant == participant)
            .map(|joining| (joining.operation_id.clone(), joining.posted));
        let Some(member) = conversation.roster.by_key(participant) else {
            let failure = invalid("there is no such participant".to_owned());
            return core.complete(ticket, Err(failure));
        };
        match invited {
            _ if !live => {
                conversation.forget(participant);
                core.complete(ticket, Ok(Outcome::Done));
            }
            Some((operation, posted)) if !member.joined => {
                member.ejecting.push(ticket);
                if posted {
                    self.cancel_joining(core, key, participant);
                } else {
                    let why = ended("the participant was taken out before he was invited");
                    self.conclude_joining(core, key, &operation, Err(why));
                }
            }
            _ if !member.joined => core.complete(ticket, Ok(Outcome::Done)),
            _ => {
                member.ejecting.push(ticket);
                if member.ejecting.len() == 1 {
                    self.post_eject(core, key, participant, false);
                }
            }
        }
    }

    /// Takes the invitation of a participant back.
    fn cancel_joining(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
    ) {
        let cancel = self
            .conversations
            .get(&key)
            .and_then(|conversation| {
                let joining = conversation.joining.iter();
                joining
                    .filter(|joining| joining.participant == participant)
                    .find_map(|joining| joining.cancel.clone())
            })
            .unwrap_or_default();
        let purpose = Purpose::CancelParticipant(key, participant);
        match core.resolve(&cancel, Stage::Invitation) {
            Ok(_) if core.is_under_way(&purpose) => {}
            Ok(url) if !cancel.is_empty() => {
                core.issue(Exchange::new(purpose, Method::POST, url));
            }
            _ => {
                let why = wrong_state("the invitation of the participant cannot be taken back");
                self.on_eject_refused(core, key, participant, &why);
            }
        }
    }

    /// The verdict of the cancelled invitation takes the participant out; only a refusal is an end by itself.
    pub(super) fn on_cancel_participant_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result) {
            Effect::Done(_) | Effect::Gone(_) => {}
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_eject_refused(core, key, participant, &failure);
            }
        }
    }

    /// Ejects a participant; where to, the participant itself says, if it has not yet.
    pub(super) fn post_eject(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        asked: bool,
    ) {
        let Some(member) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
        else {
            return;
        };
        let purpose = Purpose::Eject(key, participant);
        let (eject, link) = (member.commands.get(EJECT).cloned(), member.link.clone());
        let failure = match (eject, link) {
            (Some(_), _) if core.is_under_way(&purpose) => return,
            (Some(eject), _) => match core.resolve(&eject, Stage::Conversation) {
                Ok(url) => return core.issue(Exchange::new(purpose, Method::POST, url)),
                Err(failure) => failure,
            },
            (None, Some(link)) if !asked => return self.read_participant(core, key, &link),
            (None, _) => wrong_state("the server does not let this user eject the participant"),
        };
        self.on_eject_refused(core, key, participant, &failure);
    }

    pub(super) fn on_eject_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result) {
            Effect::Done(_) => {
                core.arm(EJECTION_GRACE, Timer::Ejected(key, participant));
            }
            Effect::Gone(_) => self.take_out(core, key, participant, None),
            Effect::Refused(failure) | Effect::Unclear(failure) => {
                self.on_eject_refused(core, key, participant, &failure);
            }
        }
    }

    /// The server took the command, and no event tells of its effect.
    pub(super) fn on_ejected_unheard(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
    ) {
        self.take_out(core, key, participant, None);
    }

    /// The participant stays.
    fn on_eject_refused(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        failure: &Failure,
    ) {
        let Some(member) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
        else {
            return;
        };
        let tickets = std::mem::take(&mut member.ejecting);
        let change = if member.joined {
            ConversationChange::ParticipantJoined(member.to_participant())
        } else {
            ConversationChange::ParticipantInvited(participant)
        };
        core.change(key, change);
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
    }
}
