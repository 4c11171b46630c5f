//! What a fact does to a conversation: its state machine.

use std::time::SystemTime;

use crate::application::ApplicationNode;
use crate::body::MessageBody;
use crate::conversation::Conversation;
use crate::fact::{ConversationFact, ParticipantFact, ParticipantUpdate, SenderFact};
use crate::ids::{MessageId, ParticipantId};
use crate::message::TextMessage;
use crate::observable::store::Transaction;
use crate::participant::Participant;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::states::{
    CallConnectionState as Call, ConversationState as State, MessageFormat, MessageStatus,
    ParticipantState,
};
use crate::sync::Arc;

impl Conversation {
    /// Takes in what happened. What does not fit the present state changes nothing.
    pub(crate) fn apply(
        &self,
        transaction: &mut Transaction<'_>,
        application: &Arc<ApplicationNode>,
        fact: ConversationFact,
    ) {
        use ConversationFact as Fact;
        let situation = self.situation(transaction);
        let chat = situation.chat;
        match fact {
            Fact::MessageReceived {
                message,
                sender,
                body,
                timestamp,
            } => {
                self.receive(transaction, application, message, &sender, body, timestamp);
            }
            Fact::MessageStatus {
                message,
                status,
                timestamp,
                reason,
            } => {
                self.settle(transaction, message, status, timestamp, reason);
            }
            Fact::ParticipantUpdated {
                participant,
                update,
            } => self.update_participant(transaction, participant, &update),
            Fact::Subject(subject) => self.set(transaction, |cells| &mut cells.topic, subject),
            // The rest is about a conversation that goes on.
            _ if situation.state == State::Disconnected => {}
            Fact::Inviting => {
                for participant in self.others(transaction) {
                    if participant.state_now(transaction) == ParticipantState::Disconnected {
                        participant.set_state(transaction, ParticipantState::Connecting, None);
                    }
                    if participant.chat_now(transaction) == Call::Disconnected {
                        participant.set_chat(transaction, Call::Connecting, None);
                    }
                }
            }
            Fact::Alerting => {
                for participant in self.others(transaction) {
                    if participant.chat_now(transaction) == Call::Connecting {
                        participant.set_chat(transaction, Call::Ringing, None);
                    }
                }
            }
            Fact::Connecting => {
                if situation.state == State::Created {
                    self.set_state(transaction, State::Connecting, None);
                }
            }
            Fact::Connected => {
                let myself = self.self_participant();
                if matches!(
                    myself.state_now(transaction),
                    ParticipantState::Disconnected | ParticipantState::Connecting
                ) {
                    myself.set_state(transaction, ParticipantState::Connected, None);
                }
                self.set_state(transaction, State::Connected, None);
            }
            Fact::ChatConnecting => {
                if chat == Call::Disconnected && !situation.ending {
                    self.set_chat(transaction, Call::Connecting, None);
                }
            }
            Fact::ChatConnected { formats } => {
                self.set_formats(transaction, &formats);
                if chat != Call::Disconnecting && !situation.ending {
                    self.set_chat(transaction, Call::Connected, None);
                }
            }
            Fact::ChatDisconnecting => {
                if matches!(chat, Call::Connecting | Call::Connected) {
                    self.set_chat(transaction, Call::Disconnecting, None);
                }
            }
            Fact::ChatDisconnected { reason } => {
                self.set_chat(transaction, Call::Disconnected, reason);
                self.change_situation(transaction, |situation| situation.ending = false);
            }
            Fact::ParticipantAdded(fact) => self.add_participant(transaction, application, &fact),
            Fact::ParticipantLeft {
                participant,
                reason,
            } => {
                if let Some(participant) = self.participant(transaction, participant) {
                    participant.set_chat(transaction, Call::Disconnected, None);
                    participant.set_is_typing(transaction, false);
                    participant.set_state(transaction, ParticipantState::Disconnected, reason);
                }
            }
            Fact::ParticipantChat {
                participant,
                connected,
            } => {
                if let Some(participant) = self.participant(transaction, participant) {
                    let state = if connected {
                        Call::Connected
                    } else {
                        Call::Disconnected
                    };
                    participant.set_chat(transaction, state, None);
                }
            }
            Fact::Typing {
                participant,
                is_typing,
            } => {
                if let Some(participant) = self.participant(transaction, participant) {
                    participant.set_is_typing(transaction, is_typing);
                }
            }
            Fact::Myself { state, role } => {
                let myself = self.self_participant();
                if let Some(state) = state {
                    myself.set_state(transaction, state, None);
                }
                if let Some(role) = role {
                    transaction.set(&myself.node, |cells| &mut cells.role, role, None);
                }
            }
            Fact::Modalities(active) => {
                self.set(transaction, |cells| &mut cells.chat_active, active.chat);
                self.set(transaction, |cells| &mut cells.audio_active, active.audio);
                self.set(transaction, |cells| &mut cells.video_active, active.video);
            }
            Fact::Acknowledgeable(yes) => {
                self.change_situation(transaction, |situation| situation.acknowledgeable = yes);
            }
            Fact::Group { uri } => {
                if uri.is_some() {
                    self.set(transaction, |cells| &mut cells.uri, uri);
                }
                self.set(transaction, |cells| &mut cells.is_group, true);
            }
            Fact::ParticipantsCount(count) => {
                self.set(transaction, |cells| &mut cells.participants_count, count);
            }
            Fact::Ended { reason } => self.end(transaction, reason),
        }
    }

    /// The end, in its order, so that whoever hears of the last step finds all others done.
    pub(crate) fn end(&self, transaction: &mut Transaction<'_>, reason: Option<Reason>) {
        let failure = || {
            reason.clone().unwrap_or_else(|| {
                Reason::new(ReasonCode::Terminated).with_message("the conversation ended first")
            })
        };
        for message in std::mem::take(&mut transaction.cells(&self.node).pending) {
            message.settle(transaction, MessageStatus::Failed, Some(failure()));
        }
        let others = self.others(transaction);
        self.set_chat(transaction, Call::Disconnected, reason.clone());
        for participant in &others {
            participant.set_chat(transaction, Call::Disconnected, None);
        }
        for participant in &others {
            participant.set_is_typing(transaction, false);
        }
        for participant in &others {
            if participant.state_now(transaction) != ParticipantState::Disconnected {
                participant.set_state(transaction, ParticipantState::Disconnected, reason.clone());
            }
        }
        self.self_participant()
            .set_state(transaction, ParticipantState::Disconnected, None);
        self.set(transaction, |cells| &mut cells.chat_active, false);
        self.set(transaction, |cells| &mut cells.audio_active, false);
        self.set(transaction, |cells| &mut cells.video_active, false);
        self.change_situation(transaction, |situation| {
            situation.ending = false;
            situation.acknowledgeable = false;
        });
        self.set_state(transaction, State::Disconnected, reason);
    }

    /// Takes in a verdict, or a status on the way to one.
    pub(crate) fn settle(
        &self,
        transaction: &mut Transaction<'_>,
        message: MessageId,
        status: MessageStatus,
        timestamp: Option<SystemTime>,
        reason: Option<Reason>,
    ) {
        let cells = transaction.cells(&self.node);
        let Some(item) = cells.by_id.get(&message).cloned() else {
            return;
        };
        if status != MessageStatus::Pending {
            cells.pending.retain(|pending| *pending != item);
        }
        if let Some(timestamp) = timestamp {
            item.set_timestamp(transaction, timestamp);
        }
        item.settle(transaction, status, reason);
    }

    fn receive(
        &self,
        transaction: &mut Transaction<'_>,
        application: &Arc<ApplicationNode>,
        message: MessageId,
        sender: &SenderFact,
        body: MessageBody,
        timestamp: SystemTime,
    ) {
        if transaction.cells(&self.node).by_id.contains_key(&message) {
            return;
        }
        let participant = match sender.participant {
            Some(id) => self.participant(transaction, id),
            None => self.participant_at(transaction, &sender.address),
        };
        let person = match &participant {
            Some(participant) => {
                let person = participant.person();
                person.learn(transaction, None, sender.display_name.as_deref());
                person
            }
            None => people::find_or_make(
                transaction,
                application,
                &sender.address,
                sender.display_name.as_deref(),
            ),
        };
        let item = TextMessage::incoming(&self.node.fixed.model, message, person, body, timestamp);
        transaction
            .cells(&self.node)
            .by_id
            .insert(message, item.clone());
        transaction.push(&self.node, |cells| &mut cells.messages, item);
        if let Some(participant) = participant {
            participant.set_is_typing(transaction, false);
        }
    }

    fn participant(
        &self,
        transaction: &mut Transaction<'_>,
        id: ParticipantId,
    ) -> Option<Participant> {
        self.others(transaction)
            .into_iter()
            .find(|other| other.id() == id || transaction.cells(&other.node).alias == Some(id))
    }

    fn participant_at(
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
        application: &Arc<ApplicationNode>,
        fact: &ParticipantFact,
    ) {
        let participant = self.find_or_add_participant(transaction, application, fact);
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
        application: &Arc<ApplicationNode>,
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
                application,
                &fact.address,
                fact.display_name.as_deref(),
            );
            let participant = Participant::new(&self.node.fixed.model, fact.participant, person);
            transaction.push(
                &self.node,
                |cells| &mut cells.participants,
                participant.clone(),
            );
            let cells = transaction.cells(&self.node);
            let count = (*cells.participants_count.get()).max(cells.participants.len());
            self.set(transaction, |cells| &mut cells.participants_count, count);
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
        participant
    }

    fn update_participant(
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
        if let Some(in_lobby) = update.in_lobby
            && self.situation(transaction).state != State::Disconnected
        {
            let state = if in_lobby {
                ParticipantState::InLobby
            } else {
                ParticipantState::Connected
            };
            participant.set_state(transaction, state, None);
        }
    }

    fn set_formats(&self, transaction: &mut Transaction<'_>, formats: &[MessageFormat]) {
        let present: Vec<_> = transaction
            .cells(&self.node)
            .formats
            .iter()
            .copied()
            .collect();
        for format in present.iter().filter(|format| !formats.contains(format)) {
            transaction.remove(
                &self.node,
                |cells| &mut cells.formats,
                |item| item == format,
            );
        }
        for format in formats {
            if !transaction
                .cells(&self.node)
                .formats
                .iter()
                .any(|item| item == format)
            {
                transaction.push(&self.node, |cells| &mut cells.formats, *format);
            }
        }
    }
}
