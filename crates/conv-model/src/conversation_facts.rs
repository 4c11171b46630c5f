//! The state machine of a conversation: the changes that each fact causes.

use crate::conversation::Conversation;
use crate::fact::ConversationFact;
use crate::fact_parts::ParticipantCapabilities;
use crate::observable::store::Transaction;
use crate::reason::{Reason, ReasonCode};
use crate::states::{
    CallConnectionState as Call, ConversationState as State, MessageStatus, ParticipantState,
};

impl Conversation {
    /// Applies a fact. A fact that does not fit the present state changes nothing.
    pub(crate) fn apply(&self, transaction: &mut Transaction<'_>, fact: ConversationFact) {
        use ConversationFact as Fact;
        let command_state = self.command_state(transaction);
        let chat = command_state.chat;
        match fact {
            Fact::MessageReceived {
                message,
                sender,
                body,
                timestamp,
            } => {
                self.receive(transaction, message, &sender, body, timestamp);
            }
            Fact::MessageRemoteId { message, remote_id } => {
                self.set_remote_id(transaction, message, &remote_id);
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
            Fact::Archived(messages) => self.archive(transaction, messages),
            Fact::MoreHistory(more) => {
                self.change_command_state(transaction, |command_state| {
                    command_state.history_complete = !more;
                });
            }
            Fact::Unread(unread) => {
                self.change_command_state(transaction, |command_state| {
                    command_state.unread = unread;
                });
            }
            Fact::Subject(subject) => self.set(transaction, |cells| &mut cells.topic, subject),
            Fact::Group { uri } => {
                self.set_group(transaction, uri);
            }
            // The other facts have no effect on a conversation that has ended.
            _ if command_state.state == State::Disconnected => {}
            Fact::Inviting => {
                for participant in self.other_participants(transaction) {
                    if participant.state_now(transaction) == ParticipantState::Disconnected {
                        let state = ParticipantState::Connecting;
                        self.set_participant_state(transaction, &participant, state, None);
                    }
                    if participant.chat_now(transaction) == Call::Disconnected {
                        participant.set_chat(transaction, Call::Connecting, None);
                    }
                }
            }
            Fact::Alerting => {
                for participant in self.other_participants(transaction) {
                    if participant.chat_now(transaction) == Call::Connecting {
                        participant.set_chat(transaction, Call::Ringing, None);
                    }
                }
            }
            Fact::Connecting => {
                if command_state.state == State::Created {
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
            Fact::ChatOffered => {
                self.change_command_state(transaction, |command_state| {
                    command_state.ending = false;
                });
                if chat != Call::Connected {
                    self.set_chat(transaction, Call::Notified, None);
                }
            }
            Fact::EndRefused { chat } => {
                self.change_command_state(transaction, |command_state| {
                    command_state.ending = false;
                });
                let state = if chat {
                    Call::Connected
                } else {
                    Call::Disconnected
                };
                self.set_chat(transaction, state, None);
                let myself = self.self_participant();
                if myself.state_now(transaction) == ParticipantState::Disconnecting {
                    myself.set_state(transaction, ParticipantState::Connected, None);
                }
            }
            Fact::ChatConnecting => {
                if chat == Call::Disconnected && !command_state.ending {
                    self.set_chat(transaction, Call::Connecting, None);
                }
            }
            Fact::ChatConnected { formats } => {
                self.set_formats(transaction, &formats);
                if chat != Call::Disconnecting && !command_state.ending {
                    self.set_chat(transaction, Call::Connected, None);
                }
            }
            Fact::ChatDisconnecting => {
                if matches!(chat, Call::Connecting | Call::Connected) {
                    self.set_chat(transaction, Call::Disconnecting, None);
                }
            }
            Fact::ChatDisconnected { reason } => {
                transaction.cells(&self.node).offered = None;
                self.set_chat(transaction, Call::Disconnected, reason);
                self.change_command_state(transaction, |command_state| {
                    command_state.ending = false;
                });
            }
            Fact::ParticipantInvited { participant } => {
                if let Some(participant) = self.participant(transaction, participant)
                    && participant.state_now(transaction) == ParticipantState::Disconnected
                {
                    let state = ParticipantState::Connecting;
                    self.set_participant_state(transaction, &participant, state, None);
                }
            }
            Fact::ParticipantAdded(fact) => self.on_participant_added(transaction, &fact),
            Fact::ParticipantLeft {
                participant,
                reason,
            } => {
                if let Some(participant) = self.participant(transaction, participant) {
                    participant.set_chat(transaction, Call::Disconnected, None);
                    participant.set(transaction, |values| values.is_typing = false);
                    let state = ParticipantState::Disconnected;
                    self.set_participant_state(transaction, &participant, state, reason);
                    participant.set(transaction, |values| {
                        values.capabilities = ParticipantCapabilities::default();
                    });
                    self.finish_removal(transaction, &participant);
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
                    participant.set(transaction, |values| values.is_typing = is_typing);
                }
            }
            Fact::Myself { state, role } => {
                let myself = self.self_participant();
                if let Some(state) = state {
                    myself.set_state(transaction, state, None);
                }
                if let Some(role) = role {
                    myself.set(transaction, |values| values.role = role);
                }
            }
            Fact::Modalities(active) => {
                self.set(transaction, |cells| &mut cells.chat_active, active.chat);
                self.set(transaction, |cells| &mut cells.audio_active, active.audio);
                self.set(transaction, |cells| &mut cells.video_active, active.video);
            }
            Fact::Acknowledgeable(yes) => {
                self.change_command_state(transaction, |command_state| {
                    command_state.acknowledgeable = yes;
                });
            }
            Fact::ParticipantsCount(count) => {
                self.set(transaction, |cells| &mut cells.participants_count, count);
            }
            Fact::Ended { reason } => self.end(transaction, reason),
        }
    }

    /// Ends the conversation. The state of the conversation changes last, when everything else has ended.
    pub(crate) fn end(&self, transaction: &mut Transaction<'_>, reason: Option<Reason>) {
        let failure = || {
            reason.clone().unwrap_or_else(|| {
                Reason::new(ReasonCode::Terminated).with_message("the conversation ended first")
            })
        };
        for message in std::mem::take(&mut transaction.cells(&self.node).pending) {
            message.settle(transaction, MessageStatus::Failed, None, Some(failure()));
        }
        let others = self.other_participants(transaction);
        // The participants do not leave the conversation, which ends for the user.
        transaction.cells(&self.node).had_others = false;
        transaction.cells(&self.node).offered = None;
        self.set_chat(transaction, Call::Disconnected, reason.clone());
        for participant in &others {
            participant.set_chat(transaction, Call::Disconnected, None);
        }
        for participant in &others {
            participant.set(transaction, |values| values.is_typing = false);
        }
        for participant in &others {
            if participant.state_now(transaction) != ParticipantState::Disconnected {
                participant.set_state(transaction, ParticipantState::Disconnected, reason.clone());
            }
            participant.set(transaction, |values| {
                values.capabilities = ParticipantCapabilities::default();
            });
        }
        for participant in &others {
            self.finish_removal(transaction, participant);
        }
        self.self_participant()
            .set_state(transaction, ParticipantState::Disconnected, None);
        self.set(transaction, |cells| &mut cells.chat_active, false);
        self.set(transaction, |cells| &mut cells.audio_active, false);
        self.set(transaction, |cells| &mut cells.video_active, false);
        self.change_command_state(transaction, |command_state| {
            command_state.ending = false;
            command_state.acknowledgeable = false;
        });
        self.set_state(transaction, State::Disconnected, reason);
    }
}
