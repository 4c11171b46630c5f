//! Moderation: the commands of a leader on the other participants of a conference.

use crate::fact_parts::ParticipantCapabilities;
use crate::model::Step;
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::participant::Participant;
use crate::reason::{Reason, ReasonCode};
use crate::request::Request;
use crate::states::ParticipantRole;

/// A rule: `Ok` if the command is enabled, otherwise the reason why it is not.
type Rule = fn(&ParticipantCapabilities) -> Result<(), Reason>;

impl ParticipantCapabilities {
    fn set_role(&self) -> Result<(), Reason> {
        allowed(
            self.promote || self.demote,
            "the server does not let the user change the participant's role",
        )
    }

    fn promote(&self) -> Result<(), Reason> {
        allowed(
            self.promote,
            "the server does not allow the user to promote the participant",
        )
    }

    fn demote(&self) -> Result<(), Reason> {
        allowed(
            self.demote,
            "the server does not allow the user to demote the participant",
        )
    }

    fn admit(&self) -> Result<(), Reason> {
        allowed(
            self.admit,
            "the participant is not in a lobby from which the user can admit it",
        )
    }

    fn reject(&self) -> Result<(), Reason> {
        allowed(
            self.reject,
            "the participant is not in a lobby in which the user can reject it",
        )
    }
}

impl Participant {
    /// Makes the participant a leader or an attendee. Enabled if the server allows one of the two, which it does for
    /// leaders. [`role`](Self::role) changes when the conference reports the new role, which may be after the future has
    /// resolved.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled, or not for this role. Otherwise fails with the reason that the protocol
    /// reports.
    pub fn set_role(&self, role: ParticipantRole) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            let values = self.values_now(transaction);
            if values.role == role && values.capabilities.set_role().is_ok() {
                return Ok(Step::Done(()));
            }
            let rule = match role {
                ParticipantRole::Leader => ParticipantCapabilities::promote,
                ParticipantRole::Attendee => ParticipantCapabilities::demote,
            };
            rule(&values.capabilities).map_err(disabled)?;
            let (conversation, participant) = self.key();
            Ok(Step::request(Request::SetRole {
                conversation,
                participant,
                role,
            }))
        })
    }

    /// [`set_role`](Self::set_role) as a [`Command`].
    #[must_use]
    pub fn set_role_command(&self) -> Command<ParticipantRole, ()> {
        self.command(ParticipantCapabilities::set_role, Self::set_role)
    }

    /// Admits the participant from the lobby. Enabled while the participant waits there and the server allows it.
    /// [`state`](Self::state) changes when the participant has joined.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn admit(&self) -> CommandFuture<()> {
        let (conversation, participant) = self.key();
        let request = Request::Admit {
            conversation,
            participant,
        };
        self.invoke(ParticipantCapabilities::admit, request)
    }

    /// [`admit`](Self::admit) as a [`Command`].
    #[must_use]
    pub fn admit_command(&self) -> Command<(), ()> {
        self.command(ParticipantCapabilities::admit, |participant, ()| {
            participant.admit()
        })
    }

    /// Rejects the participant in the lobby. Enabled while the participant waits there and the server allows it.
    /// [`state`](Self::state) changes when the participant has left.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn reject(&self) -> CommandFuture<()> {
        let (conversation, participant) = self.key();
        let request = Request::RejectParticipant {
            conversation,
            participant,
        };
        self.invoke(ParticipantCapabilities::reject, request)
    }

    /// [`reject`](Self::reject) as a [`Command`].
    #[must_use]
    pub fn reject_command(&self) -> Command<(), ()> {
        self.command(ParticipantCapabilities::reject, |participant, ()| {
            participant.reject()
        })
    }

    fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let enabled = self.values().map_with_reason(move |values, _| {
            let result = rule(&values.capabilities);
            (result.is_ok(), result.err())
        });
        let participant = self.clone();
        Command::new(enabled, move |arguments| run(&participant, arguments))
    }

    fn invoke(&self, rule: Rule, request: Request) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            rule(&self.values_now(transaction).capabilities).map_err(disabled)?;
            Ok(Step::request(request))
        })
    }
}

fn allowed(is_allowed: bool, otherwise: &'static str) -> Result<(), Reason> {
    if is_allowed {
        Ok(())
    } else {
        Err(Reason::new(ReasonCode::InvalidState).with_message(otherwise))
    }
}
