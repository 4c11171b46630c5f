//! What a leader can do with the others in a conference, and who can do it.

use crate::fact::ParticipantCapabilities;
use crate::model::Step;
use crate::observable::Property;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::participant::Participant;
use crate::reason::{Reason, ReasonCode};
use crate::states::ParticipantRole;
use crate::sync::Arc;

/// A rule: `Ok` when the command is enabled, else why not.
type Rule = fn(&ParticipantCapabilities) -> Result<(), Reason>;

impl ParticipantCapabilities {
    fn set_role(&self) -> Result<(), Reason> {
        allowed(self.promote || self.demote, "we may not change their role")
    }

    fn promote(&self) -> Result<(), Reason> {
        allowed(self.promote, "we may not make a leader of them")
    }

    fn demote(&self) -> Result<(), Reason> {
        allowed(self.demote, "we may not make an attendee of them")
    }

    fn admit(&self) -> Result<(), Reason> {
        allowed(self.admit, "they do not wait in a lobby that we may open")
    }

    fn reject(&self) -> Result<(), Reason> {
        allowed(self.reject, "they do not wait in a lobby that we may close")
    }
}

impl Participant {
    /// Makes a leader of them, or an attendee. Enabled while the other side lets us do either, which it lets leaders do.
    /// [`role`](Self::role) follows when the conference has it so, which may be after the future resolved.
    ///
    /// # Errors
    /// At once when it is not enabled, or not for this role; else as the protocol decides.
    pub fn set_role(&self, role: ParticipantRole) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            let cells = transaction.cells(&self.node);
            if *cells.role.get() == role && cells.capabilities.get().set_role().is_ok() {
                return Ok(Step::Done);
            }
            let rule = match role {
                ParticipantRole::Leader => ParticipantCapabilities::promote,
                ParticipantRole::Attendee => ParticipantCapabilities::demote,
            };
            rule(cells.capabilities.get()).map_err(disabled)?;
            let (conversation, id) = (self.node.fixed.conversation, self.id());
            Ok(Step::call(move |backend| {
                backend.set_role(conversation, id, role)
            }))
        })
    }

    /// [`set_role`](Self::set_role) as a value.
    #[must_use]
    pub fn set_role_command(&self) -> Command<ParticipantRole, ()> {
        self.command(ParticipantCapabilities::set_role, Self::set_role)
    }

    /// Lets them in from the lobby. Enabled while they wait there and the other side lets us open it. Their
    /// [`state`](Self::state) follows when they are in.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn admit(&self) -> CommandFuture<()> {
        self.invoke(ParticipantCapabilities::admit, |participant| {
            let (conversation, id) = (participant.node.fixed.conversation, participant.id());
            Step::call(move |backend| backend.admit(conversation, id))
        })
    }

    /// [`admit`](Self::admit) as a value.
    #[must_use]
    pub fn admit_command(&self) -> Command<(), ()> {
        self.command(ParticipantCapabilities::admit, |participant, ()| {
            participant.admit()
        })
    }

    /// Turns them away from the lobby. Enabled while they wait there and the other side lets us. Their
    /// [`state`](Self::state) follows when they are gone.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn reject(&self) -> CommandFuture<()> {
        self.invoke(ParticipantCapabilities::reject, |participant| {
            let (conversation, id) = (participant.node.fixed.conversation, participant.id());
            Step::call(move |backend| backend.turn_away(conversation, id))
        })
    }

    /// [`reject`](Self::reject) as a value.
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
        let enabled = Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.capabilities,
        })
        .map_with_reason(move |capabilities, _| {
            let verdict = rule(capabilities);
            (verdict.is_ok(), verdict.err())
        });
        let participant = self.clone();
        Command::new(enabled, move |arguments| run(&participant, arguments))
    }

    fn invoke(&self, rule: Rule, call: impl FnOnce(&Self) -> Step) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            rule(transaction.cells(&self.node).capabilities.get()).map_err(disabled)?;
            Ok(call(self))
        })
    }
}

fn allowed(yes: bool, otherwise: &'static str) -> Result<(), Reason> {
    if yes {
        Ok(())
    } else {
        Err(Reason::new(ReasonCode::InvalidState).with_message(otherwise))
    }
}
