//! What a leader does with the others in a conference: roles, and the lobby (`participant_ref`).

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::HrefKey;

use super::ending::ended;
use super::{Chats, invalid, wrong_state};
use crate::core::Core;
use crate::event::Role;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, ParticipantKey, Ticket};
use crate::operation::Outcome;
use crate::response::Effect;

/// Something that a leader does with a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// An attendee becomes a leader (`promote_ref`).
    Promote,
    /// A leader becomes an attendee (`demote_ref`).
    Demote,
    /// He is let in from the lobby (`admit_ref`).
    Admit,
    /// He is turned away from the lobby (`reject_ref`).
    Reject,
}

impl Measure {
    pub(crate) const fn rel(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Admit => "admit",
            Self::Reject => "reject",
        }
    }

    /// What gives somebody a role.
    pub(super) const fn to(role: Role) -> Self {
        match role {
            Role::Leader => Self::Promote,
            Role::Attendee => Self::Demote,
        }
    }

    /// Whether it is about those who wait in the lobby.
    pub(super) const fn is_of_lobby(self) -> bool {
        matches!(self, Self::Admit | Self::Reject)
    }

    /// What came of it when the participant is gone.
    pub(super) fn on_gone(self) -> Result<Outcome, Failure> {
        match self {
            Self::Reject => Ok(Outcome::Done),
            Self::Promote | Self::Demote | Self::Admit => {
                Err(ended("the participant left the conference first"))
            }
        }
    }
}

impl Chats {
    pub(super) fn lead(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        measure: Measure,
        ticket: Ticket,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            let failure = invalid("there is no such conversation".to_owned());
            return core.complete(ticket, Err(failure));
        };
        let Some(member) = conversation.roster.by_key(participant) else {
            let failure = invalid("there is no such participant".to_owned());
            return core.complete(ticket, Err(failure));
        };
        if !member.joined {
            let failure = wrong_state("the participant is not in the conference");
            return core.complete(ticket, Err(failure));
        }
        let under_way = member.led.iter().any(|(other, _)| *other == measure);
        member.led.push((measure, ticket));
        if !under_way {
            self.post_measure(core, key, participant, measure, false);
        }
    }

    /// Takes a measure; where to, the participant itself says, if it has not yet.
    fn post_measure(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        measure: Measure,
        asked: bool,
    ) {
        let Some(member) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
        else {
            return;
        };
        let purpose = Purpose::Lead(key, participant, measure);
        let (href, link) = (
            member.commands.get(measure.rel()).cloned(),
            member.link.clone(),
        );
        let result = match (href, link) {
            (Some(_), _) if core.is_under_way(&purpose) => return,
            (Some(href), _) => match core.resolve(&href, Stage::Conversation) {
                Ok(url) => return core.issue(Exchange::new(purpose, Method::POST, url)),
                Err(failure) => Err(failure),
            },
            (None, Some(link)) if !asked => {
                return self.read_participant(core, key, &link);
            }
            (None, _) => Err(wrong_state(
                "the server does not let this user do that with the participant",
            )),
        };
        self.conclude_measure(core, key, participant, measure, &result);
    }

    /// What was to be done with a participant can be done now that more is known of him, or cannot.
    pub(super) fn lead_if_asked(&mut self, core: &mut Core, key: ConversationKey, href: &HrefKey) {
        let asked = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.find(Some(href), None, false))
            .map(|member| (member.key, member.led.clone()));
        let Some((participant, led)) = asked else {
            return;
        };
        for (measure, _) in led {
            if !core.is_under_way(&Purpose::Lead(key, participant, measure)) {
                self.post_measure(core, key, participant, measure, true);
            }
        }
    }

    pub(super) fn on_lead_answer(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        measure: Measure,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let result = match core.effect(exchange, result) {
            Effect::Done(_) => Ok(()),
            Effect::Refused(failure) | Effect::Unclear(failure) => Err(failure),
            Effect::Gone(failure) => {
                // He, or what could be done with him, is gone: he himself says which.
                let link = self
                    .conversations
                    .get_mut(&key)
                    .and_then(|conversation| conversation.roster.by_key(participant))
                    .and_then(|member| member.link.clone());
                if let Some(link) = link {
                    self.read_participant(core, key, &link);
                }
                Err(failure)
            }
        };
        self.conclude_measure(core, key, participant, measure, &result);
    }

    fn conclude_measure(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        participant: ParticipantKey,
        measure: Measure,
        result: &Result<(), Failure>,
    ) {
        let Some(member) = self
            .conversations
            .get_mut(&key)
            .and_then(|conversation| conversation.roster.by_key(participant))
        else {
            return;
        };
        let (done, open) = std::mem::take(&mut member.led)
            .into_iter()
            .partition(|(other, _)| *other == measure);
        member.led = open;
        let done: Vec<(Measure, Ticket)> = done;
        for (_, ticket) in done {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }

    /// The conversation ends: nothing can be done with anybody in it any more.
    pub(super) fn close_leading(
        &mut self,
        core: &mut Core,
        key: ConversationKey,
        failure: &Failure,
    ) {
        let Some(conversation) = self.conversations.get_mut(&key) else {
            return;
        };
        for (_, ticket) in conversation.roster.take_led() {
            core.complete(ticket, Err(failure.clone()));
        }
    }
}
