//! The participants of a conversation: the commands that add and remove them, and the facts about them.

use crate::command_state::CommandState;
use crate::conversation::Conversation;
use crate::fact_parts::{ParticipantFact, ParticipantUpdate};
use crate::history::{ActivityItem, ParticipantActivity};
use crate::ids::ParticipantId;
use crate::model::Step;
use crate::observable::command::{Command, CommandFuture, disabled, failed};
use crate::observable::store::Transaction;
use crate::observable::{Collection, CollectionCommands, Key};
use crate::participant::Participant;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::request::{Peer, Request};
use crate::states::{ConversationState, ParticipantState};
use crate::sync::Arc;

/// A person to add to a conversation: an address, or a participant from
/// [`create_participant`](Conversation::create_participant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitee(InviteeKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum InviteeKind {
    Address(String),
    Participant(Participant),
}

impl From<&str> for Invitee {
    fn from(address: &str) -> Self {
        Self(InviteeKind::Address(address.to_owned()))
    }
}

impl From<String> for Invitee {
    fn from(address: String) -> Self {
        Self(InviteeKind::Address(address))
    }
}

impl From<Participant> for Invitee {
    fn from(participant: Participant) -> Self {
        Self(InviteeKind::Participant(participant))
    }
}

impl From<&Participant> for Invitee {
    fn from(participant: &Participant) -> Self {
        Self(InviteeKind::Participant(participant.clone()))
    }
}

impl Collection<Participant> {
    /// Adds a person to the conversation: `participants().add("sip:lenea@contoso.com")`. Resolves with the key of the
    /// participant. [`Conversation::participants`] describes when the person is invited. A participant with this address that
    /// is in the collection, such as one who left, is invited again.
    ///
    /// A person joins a conference before its chat. A message does not reach the person before the state of their
    /// [`chat`](Participant::chat) is Connected, although its status is Succeeded if others received it.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if the address is not an address. Fails at once if the command is not
    /// enabled. Otherwise fails with the reason why the person was not invited or did not join.
    pub fn add(&self, invitee: impl Into<Invitee>) -> CommandFuture<Key> {
        let resolve = self
            .commands()
            .and_then(|commands| commands.resolve.as_ref());
        let participant = match (invitee.into().0, resolve) {
            (InviteeKind::Participant(participant), _) => participant,
            (InviteeKind::Address(address), Some(resolve)) => match resolve(&address) {
                Ok(participant) => participant,
                Err(reason) => return failed(reason),
            },
            (InviteeKind::Address(_), None) => {
                return failed(disabled(Reason::new(ReasonCode::NotSupported)));
            }
        };
        self.add_command().invoke(participant)
    }
}

impl Conversation {
    /// Creates a participant with this address. It is not in the conversation until it is added to
    /// [`participants`](Self::participants).
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if `address` is not an address.
    pub fn create_participant(&self, address: &str) -> Result<Participant, Reason> {
        let model = &self.node.fixed.model;
        let address = model.backend.normalize_address(address)?;
        let person = model
            .store
            .transact(|transaction| people::find_or_create(transaction, model, &address, None));
        Ok(Participant::new(
            model,
            self.id(),
            ParticipantId::Local(model.next_id()),
            person,
        ))
    }

    /// The participant with this address, or a new one that is not in the conversation.
    fn find_or_create_participant(&self, address: &str) -> Result<Participant, Reason> {
        let model = &self.node.fixed.model;
        let normalized = model.backend.normalize_address(address)?;
        let found = model
            .store
            .transact(|transaction| self.participant_at(transaction, &normalized));
        found.map_or_else(|| self.create_participant(address), Ok)
    }

    pub(crate) fn participants_commands(&self) -> CollectionCommands<Participant> {
        let (adding, removing, resolving) = (self.clone(), self.clone(), self.clone());
        let enabled = self
            .command(CommandState::add_participant, |_, ()| {
                failed(Reason::new(ReasonCode::NotSupported))
            })
            .enabled();
        CollectionCommands {
            add: Command::new(enabled, move |participant| {
                adding.add_to_roster(&participant)
            }),
            remove: Command::always(move |participant| removing.remove_from_roster(&participant)),
            resolve: Some(Box::new(move |address| {
                resolving.find_or_create_participant(address)
            })),
        }
    }

    fn add_to_roster(&self, participant: &Participant) -> CommandFuture<Key> {
        self.node.fixed.model.command(|transaction| {
            let command_state = self.command_state(transaction);
            command_state.exists()?;
            command_state.add_participant().map_err(disabled)?;
            if participant.key().0 != self.id()
                || !Arc::ptr_eq(&participant.node.fixed.model, &self.node.fixed.model)
            {
                return Err(Reason::new(ReasonCode::InvalidArgument)
                    .with_message("the participant was created by another conversation"));
            }
            let known = self.key_of(transaction, participant);
            let key = known.unwrap_or_else(|| {
                let key = self.insert_participant(transaction, usize::MAX, participant);
                self.count_participants(transaction);
                key
            });
            if participant.state_now(transaction) != ParticipantState::Disconnected {
                return Ok(Step::Done(key));
            }
            let address = participant.person().address(transaction).to_owned();
            let request = Request::AddParticipant {
                conversation: self.id(),
                participant: Peer::new(participant.id(), address),
            };
            let (conversation, participant) = (self.clone(), participant.clone());
            Ok(Step::request_then(request, move |transaction, result| {
                if let Err(reason) = &result {
                    conversation.set_failed(transaction, &participant, reason);
                }
                result.map(|_| key)
            }))
        })
    }

    /// Removes a participant: at once if it is not in the conversation, otherwise when it has left.
    fn remove_from_roster(&self, participant: &Participant) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            self.command_state(transaction).exists()?;
            if self.key_of(transaction, participant).is_none() {
                return Err(Reason::new(ReasonCode::InvalidArgument)
                    .with_message("the participant is not in the conversation"));
            }
            let (conversation, id) = participant.key();
            let request = Request::RemoveParticipant {
                conversation,
                participant: id,
            };
            let has_begun = !matches!(
                self.command_state(transaction).state,
                ConversationState::Created | ConversationState::Disconnected
            );
            let state = participant.state_now(transaction);
            let undo = if has_begun && state != ParticipantState::Disconnected {
                transaction.cells(&participant.node).is_removed = true;
                let leaving = ParticipantState::Disconnecting;
                self.set_participant_state(transaction, participant, leaving, None);
                Undo::Keep(state)
            } else {
                // The protocol invites every participant that it knows, so it must forget this one too.
                Undo::PutBack(
                    self.remove_item(transaction, participant)
                        .unwrap_or_default(),
                )
            };
            let (conversation, participant) = (self.clone(), participant.clone());
            Ok(Step::request_then(request, move |transaction, result| {
                if let Err(reason) = &result {
                    conversation.undo_removal(transaction, &participant, undo, reason);
                }
                result.map(drop)
            }))
        })
    }

    /// Undoes a removal that the backend refused.
    fn undo_removal(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
        undo: Undo,
        reason: &Reason,
    ) {
        match undo {
            Undo::Keep(state) => {
                transaction.cells(&participant.node).is_removed = false;
                if participant.state_now(transaction) == ParticipantState::Disconnecting {
                    self.set_participant_state(transaction, participant, state, None);
                }
            }
            Undo::PutBack(index) => {
                if self.key_of(transaction, participant).is_none() {
                    self.insert_participant(transaction, index, participant);
                }
                self.set_failed(transaction, participant, reason);
            }
        }
    }

    /// Removes a participant that has left, if a command asked for the removal.
    pub(crate) fn finish_removal(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
    ) {
        if std::mem::take(&mut transaction.cells(&participant.node).is_removed) {
            self.remove_item(transaction, participant);
        }
    }

    /// Removes a participant from the collection. Returns the index that it had.
    fn remove_item(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
    ) -> Option<usize> {
        let index = transaction.remove(
            &self.node,
            |cells| &mut cells.participants,
            |item| item == participant,
        );
        let id = participant.id();
        let alias = transaction.cells(&participant.node).alias;
        for id in [Some(id), alias].into_iter().flatten() {
            let removed = transaction.cells(&self.node).participants_by_id.remove(id);
            transaction.discard(removed);
        }
        let person = participant.person();
        person.leave_roster(transaction, self.id(), id);
        self.update_alone(transaction);
        index
    }

    /// Adds a participant to the collection, and to the indexes by ID and by person.
    fn insert_participant(
        &self,
        transaction: &mut Transaction<'_>,
        index: usize,
        participant: &Participant,
    ) -> Key {
        let id = participant.id();
        let alias = transaction.cells(&participant.node).alias;
        for id in [Some(id), alias].into_iter().flatten() {
            let by_id = &mut transaction.cells(&self.node).participants_by_id;
            let replaced = by_id.insert(id, participant.clone());
            transaction.discard(replaced);
        }
        let person = participant.person();
        person.join_roster(transaction, self.id(), id);
        let item = participant.clone();
        transaction.insert(&self.node, |cells| &mut cells.participants, index, item)
    }

    /// Sets a second ID by which facts name the participant.
    fn set_alias(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
        alias: ParticipantId,
    ) {
        let former = transaction.cells(&participant.node).alias.replace(alias);
        if former == Some(alias) {
            return;
        }
        let by_id = &mut transaction.cells(&self.node).participants_by_id;
        let removed = former.and_then(|former| by_id.remove(former));
        let replaced = by_id.insert(alias, participant.clone());
        transaction.discard((removed, replaced));
    }

    /// Removes the conversation from the records of its participants.
    pub(crate) fn leave_rosters(&self, transaction: &mut Transaction<'_>) {
        for participant in self.other_participants(transaction) {
            let person = participant.person();
            person.leave_roster(transaction, self.id(), participant.id());
        }
    }

    /// Raises the count to the size of the collection. The server's count replaces it.
    pub(crate) fn count_participants(&self, transaction: &mut Transaction<'_>) {
        let cells = transaction.cells(&self.node);
        let count = (*cells.participants_count.get()).max(cells.participants.len());
        self.set(transaction, |cells| &mut cells.participants_count, count);
    }

    fn key_of(&self, transaction: &mut Transaction<'_>, participant: &Participant) -> Option<Key> {
        transaction
            .cells(&self.node)
            .participants
            .key_of(|item| item == participant)
    }

    pub(crate) fn participant(
        &self,
        transaction: &mut Transaction<'_>,
        id: ParticipantId,
    ) -> Option<Participant> {
        let by_id = &transaction.cells(&self.node).participants_by_id;
        by_id.get(id).cloned()
    }

    pub(crate) fn participant_at(
        &self,
        transaction: &mut Transaction<'_>,
        address: &str,
    ) -> Option<Participant> {
        let rosters = people::rosters(transaction, &self.node.fixed.model, address);
        let begin = rosters.partition_point(|(conversation, _)| *conversation < self.id());
        let here = rosters.get(begin..).unwrap_or_default().iter();
        let mut here = here.take_while(|(conversation, _)| *conversation == self.id());
        let (_, id) = *here.next()?;
        if here.next().is_none() {
            return self.participant(transaction, id);
        }
        // Several participants are the same person. The first of the collection counts.
        self.other_participants(transaction)
            .into_iter()
            .find(|other| people::is_same_address(other.person().address(transaction), address))
    }

    pub(crate) fn on_participant_added(
        &self,
        transaction: &mut Transaction<'_>,
        fact: &ParticipantFact,
    ) {
        let participant = self.find_or_add_participant(transaction, fact);
        let state = joined_state(fact.in_lobby);
        self.set_participant_state(transaction, &participant, state, None);
    }

    pub(crate) fn find_or_add_participant(
        &self,
        transaction: &mut Transaction<'_>,
        fact: &ParticipantFact,
    ) -> Participant {
        let known = self.participant(transaction, fact.participant).or_else(|| {
            // Facts identify a participant that the model created, or one from before a restart, only by the address.
            let other = self.participant_at(transaction, &fact.address)?;
            let is_free = other.state_now(transaction) == ParticipantState::Disconnected;
            (is_free || matches!(other.id(), ParticipantId::Local(_))).then_some(other)
        });
        let participant = known.unwrap_or_else(|| {
            let model = &self.node.fixed.model;
            let person = people::find_or_create(transaction, model, &fact.address, None);
            let participant = Participant::new(model, self.id(), fact.participant, person);
            self.insert_participant(transaction, usize::MAX, &participant);
            self.count_participants(transaction);
            participant
        });
        if participant.id() != fact.participant {
            self.set_alias(transaction, &participant, fact.participant);
        }
        let person = participant.person();
        people::identify(transaction, &person, &fact.address);
        person.set_name(transaction, fact.display_name.as_deref());
        participant.set(transaction, |values| {
            values.role = fact.role;
            values.is_anonymous = fact.is_anonymous;
            values.capabilities = fact.capabilities;
        });
        participant
    }

    pub(crate) fn update_participant(
        &self,
        transaction: &mut Transaction<'_>,
        id: ParticipantId,
        update: &ParticipantUpdate,
    ) {
        let Some(participant) = self.participant(transaction, id) else {
            return;
        };
        let person = participant.person();
        people::identify(
            transaction,
            &person,
            update.address.as_deref().unwrap_or_default(),
        );
        person.set_name(transaction, update.display_name.as_deref());
        if let Some(role) = update.role {
            participant.set(transaction, |values| values.role = role);
        }
        if let Some(is_anonymous) = update.is_anonymous {
            participant.set(transaction, |values| values.is_anonymous = is_anonymous);
        }
        if self.command_state(transaction).state == ConversationState::Disconnected {
            return;
        }
        if let Some(capabilities) = update.capabilities {
            participant.set(transaction, |values| values.capabilities = capabilities);
        }
        if let Some(in_lobby) = update.in_lobby {
            self.set_participant_state(transaction, &participant, joined_state(in_lobby), None);
        }
    }
}

impl Conversation {
    /// Sets a participant that is not in the conversation Disconnected, with this reason.
    fn set_failed(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
        reason: &Reason,
    ) {
        if matches!(
            participant.state_now(transaction),
            ParticipantState::Disconnected | ParticipantState::Connecting
        ) {
            let (state, reason) = (ParticipantState::Disconnected, Some(reason.clone()));
            self.set_participant_state(transaction, participant, state, reason);
        }
    }

    /// Sets the state of another participant, and what follows from it. Joining and leaving are items of the history.
    pub(crate) fn set_participant_state(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
        state: ParticipantState,
        reason: Option<Reason>,
    ) {
        let before = participant.state_now(transaction);
        participant.set_state(transaction, state, reason.clone());
        if state == ParticipantState::Connected {
            transaction.cells(&self.node).had_others = true;
        }
        let was_in = matches!(
            before,
            ParticipantState::Connected | ParticipantState::Disconnecting
        );
        let activity = match state {
            ParticipantState::Connected if !was_in => ActivityItem::ParticipantJoined,
            ParticipantState::Disconnected if was_in => ActivityItem::ParticipantLeft,
            _ => return self.update_alone(transaction),
        };
        let now = *transaction.cells(&self.node.fixed.model.clock);
        let item = activity(ParticipantActivity::new(participant.clone(), now, reason));
        transaction.push(&self.node, |cells| &mut cells.activities, item);
        self.update_alone(transaction);
    }

    /// Computes whether the user is alone in the conference.
    pub(crate) fn update_alone(&self, transaction: &mut Transaction<'_>) {
        let cells = transaction.cells(&self.node);
        let may_be = cells.had_others
            && *cells.is_group.get()
            && *cells.state.get() == ConversationState::Connected;
        let alone = may_be && !self.has_present_participant(transaction);
        self.set(transaction, |cells| &mut cells.alone, alone);
    }

    /// Whether another participant is not Disconnected. Stops at the first one, usually the first of the collection.
    fn has_present_participant(&self, transaction: &mut Transaction<'_>) -> bool {
        let mut index = 0;
        while let Some(other) = transaction.cells(&self.node).participants.get(index) {
            let other = other.clone();
            if other.state_now(transaction) != ParticipantState::Disconnected {
                return true;
            }
            index += 1;
        }
        false
    }
}

/// How to undo a removal that the backend refused.
#[derive(Clone, Copy)]
enum Undo {
    /// The participant is still in the collection and had this state.
    Keep(ParticipantState),
    /// The participant was removed from this index.
    PutBack(usize),
}

fn joined_state(in_lobby: bool) -> ParticipantState {
    if in_lobby {
        ParticipantState::InLobby
    } else {
        ParticipantState::Connected
    }
}
