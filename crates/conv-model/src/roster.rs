//! Who is in a conversation: by what facts tell, and by what the application asks for.

use crate::backend::Peer;
use crate::conversation::Conversation;
use crate::fact::{ParticipantFact, ParticipantUpdate};
use crate::ids::ParticipantId;
use crate::model::Step;
use crate::observable::command::{Command, CommandFuture, disabled, failed};
use crate::observable::store::Transaction;
use crate::observable::{CollectionCommands, Key};
use crate::participant::Participant;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::situation::Situation;
use crate::states::{ConversationState, ParticipantState};

impl Conversation {
    /// A participant with this address, who is not in the conversation yet: [`participants`](Self::participants) takes them in.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) when `address` cannot be one.
    pub fn create_participant(&self, address: &str) -> Result<Participant, Reason> {
        let model = &self.node.fixed.model;
        let address = model.backend.normalize_address(address)?;
        let person = model.store.transact(|transaction| {
            people::find_or_make(transaction, &self.node.fixed.people, &address, None)
        });
        Ok(Participant::new(
            model,
            self.id(),
            ParticipantId::Local(model.next_id()),
            person,
        ))
    }

    pub(crate) fn participants_commands(&self) -> CollectionCommands<Participant> {
        let (adding, removing) = (self.clone(), self.clone());
        let enabled = self
            .command(Situation::add_participant, |_, ()| {
                failed(Reason::new(ReasonCode::NotSupported))
            })
            .enabled();
        CollectionCommands {
            add: Command::new(enabled, move |participant| adding.invite(&participant)),
            remove: Command::always(move |participant| removing.eject(&participant)),
        }
    }

    /// Takes a participant in.
    fn invite(&self, participant: &Participant) -> CommandFuture<Key> {
        let mut key = None;
        let asked = self.node.fixed.model.command(|transaction| {
            Situation::add_participant(&self.situation(transaction)).map_err(disabled)?;
            let present = self.key_of(transaction, participant);
            let joined = participant.state_now(transaction) != ParticipantState::Disconnected;
            key = Some(present.unwrap_or_else(|| {
                let key = transaction.push(
                    &self.node,
                    |cells| &mut cells.participants,
                    participant.clone(),
                );
                self.count_participants(transaction);
                key
            }));
            if joined {
                return Ok(Step::Done);
            }
            let (id, peer) = (self.id(), participant.id());
            let address = participant.person().address(transaction).to_owned();
            Ok(Step::call(move |backend| {
                backend.add_participant(
                    id,
                    Peer {
                        participant: peer,
                        address,
                    },
                )
            }))
        });
        let (conversation, participant) = (self.clone(), participant.clone());
        Box::pin(async move {
            let outcome = asked.await;
            if let Err(reason) = &outcome {
                conversation.refused(&participant, reason);
            }
            outcome.and_then(|()| key.ok_or_else(|| Reason::new(ReasonCode::Failed)))
        })
    }

    /// One who could not be invited stays, and says why.
    fn refused(&self, participant: &Participant, reason: &Reason) {
        self.node.store.transact(|transaction| {
            let state = participant.state_now(transaction);
            if matches!(
                state,
                ParticipantState::Disconnected | ParticipantState::Connecting
            ) {
                participant.set_state(
                    transaction,
                    ParticipantState::Disconnected,
                    Some(reason.clone()),
                );
            }
        });
    }

    /// Takes a participant out: at once when they are not in the conversation, else when they are out of it.
    fn eject(&self, participant: &Participant) -> CommandFuture<()> {
        let asked = self.node.fixed.model.command(|transaction| {
            if self.key_of(transaction, participant).is_none() {
                return Err(
                    Reason::new(ReasonCode::InvalidArgument).with_message("no such participant")
                );
            }
            transaction.cells(&participant.node).removed = true;
            let begun = !matches!(
                self.situation(transaction).state,
                ConversationState::Created | ConversationState::Disconnected
            );
            if !begun || participant.state_now(transaction) == ParticipantState::Disconnected {
                self.take_out_if_removed(transaction, participant);
                return Ok(Step::Done);
            }
            participant.set_state(transaction, ParticipantState::Disconnecting, None);
            let (conversation, id) = (self.id(), participant.id());
            Ok(Step::call(move |backend| {
                backend.remove_participant(conversation, id)
            }))
        });
        let (conversation, participant) = (self.clone(), participant.clone());
        Box::pin(async move {
            let outcome = asked.await;
            if outcome.is_err() {
                conversation.node.store.transact(|transaction| {
                    transaction.cells(&participant.node).removed = false;
                });
            }
            outcome
        })
    }

    pub(crate) fn take_out_if_removed(
        &self,
        transaction: &mut Transaction<'_>,
        participant: &Participant,
    ) {
        if std::mem::take(&mut transaction.cells(&participant.node).removed) {
            transaction.remove(
                &self.node,
                |cells| &mut cells.participants,
                |item| item == participant,
            );
        }
    }

    /// The count follows the collection upwards until the server counts.
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
        self.others(transaction)
            .into_iter()
            .find(|other| other.id() == id || transaction.cells(&other.node).alias == Some(id))
    }

    pub(crate) fn participant_at(
        &self,
        transaction: &mut Transaction<'_>,
        address: &str,
    ) -> Option<Participant> {
        self.others(transaction)
            .into_iter()
            .find(|other| people::same(other.person().address(transaction), address))
    }

    pub(crate) fn add_participant(
        &self,
        transaction: &mut Transaction<'_>,
        fact: &ParticipantFact,
    ) {
        let participant = self.find_or_add_participant(transaction, fact);
        let state = if fact.in_lobby {
            ParticipantState::InLobby
        } else {
            ParticipantState::Connected
        };
        participant.set_state(transaction, state, None);
    }

    pub(crate) fn find_or_add_participant(
        &self,
        transaction: &mut Transaction<'_>,
        fact: &ParticipantFact,
    ) -> Participant {
        let known = self.participant(transaction, fact.participant).or_else(|| {
            // One made here, or in an earlier life of the conversation, is known to the other side by the address only.
            let other = self.participant_at(transaction, &fact.address)?;
            let free = other.state_now(transaction) == ParticipantState::Disconnected;
            (free || matches!(other.id(), ParticipantId::Local(_))).then_some(other)
        });
        let participant = known.unwrap_or_else(|| {
            let person = people::find_or_make(
                transaction,
                &self.node.fixed.people,
                &fact.address,
                fact.display_name.as_deref(),
            );
            let participant =
                Participant::new(&self.node.fixed.model, self.id(), fact.participant, person);
            transaction.push(
                &self.node,
                |cells| &mut cells.participants,
                participant.clone(),
            );
            self.count_participants(transaction);
            participant
        });
        if participant.id() != fact.participant {
            transaction.cells(&participant.node).alias = Some(fact.participant);
        }
        participant.person().learn(
            transaction,
            Some(&fact.address),
            fact.display_name.as_deref(),
        );
        transaction.set(&participant.node, |cells| &mut cells.role, fact.role, None);
        transaction.set(
            &participant.node,
            |cells| &mut cells.is_anonymous,
            fact.is_anonymous,
            None,
        );
        participant.set_capabilities(transaction, fact.capabilities);
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
        participant.person().learn(
            transaction,
            update.address.as_deref(),
            update.display_name.as_deref(),
        );
        if let Some(role) = update.role {
            transaction.set(&participant.node, |cells| &mut cells.role, role, None);
        }
        if let Some(is_anonymous) = update.is_anonymous {
            transaction.set(
                &participant.node,
                |cells| &mut cells.is_anonymous,
                is_anonymous,
                None,
            );
        }
        if let Some(capabilities) = update.capabilities
            && self.situation(transaction).state != ConversationState::Disconnected
        {
            participant.set_capabilities(transaction, capabilities);
        }
        if let Some(in_lobby) = update.in_lobby
            && self.situation(transaction).state != ConversationState::Disconnected
        {
            let state = if in_lobby {
                ParticipantState::InLobby
            } else {
                ParticipantState::Connected
            };
            participant.set_state(transaction, state, None);
        }
    }
}
