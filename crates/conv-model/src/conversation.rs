//! A conversation.

use std::collections::BTreeMap;
use std::fmt;

use crate::backend::Context;
use crate::chat_service::ChatService;
use crate::history::HistoryService;
use crate::ids::{ConversationId, MessageId};
use crate::message::TextMessage;
use crate::model::{Model, Step};
use crate::observable::Collection;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::observable::list::{List, ListField};
use crate::observable::store::{Node, Transaction};
use crate::participant::Participant;
use crate::people::People;
use crate::person::Person;
use crate::reason::Reason;
use crate::situation::{Rule, Situation};
use crate::states::{CallConnectionState, ConversationState, MessageFormat, ParticipantState};
use crate::sync::Arc;

pub(crate) struct ConversationCells {
    pub(crate) state: Cell<ConversationState>,
    pub(crate) topic: Cell<String>,
    pub(crate) uri: Cell<Option<String>>,
    pub(crate) participants: List<Participant>,
    pub(crate) participants_count: Cell<usize>,
    pub(crate) is_group: Cell<bool>,
    pub(crate) chat_active: Cell<bool>,
    pub(crate) audio_active: Cell<bool>,
    pub(crate) video_active: Cell<bool>,
    pub(crate) context: Cell<Option<Context>>,
    pub(crate) formats: List<MessageFormat>,
    pub(crate) messages: List<TextMessage>,
    pub(crate) by_id: BTreeMap<MessageId, TextMessage>,
    /// How many messages at the beginning are archived ones.
    pub(crate) archived: usize,
    /// Outgoing messages without a verdict, in order.
    pub(crate) pending: Vec<TextMessage>,
    pub(crate) situation: Cell<Situation>,
    /// To be taken out of `conversations` when it has ended.
    pub(crate) removed: bool,
}

pub(crate) struct ConversationIdentity {
    pub(crate) id: ConversationId,
    pub(crate) model: Arc<Model>,
    pub(crate) people: Arc<People>,
    pub(crate) myself: Participant,
    pub(crate) creator: Option<Person>,
}

pub(crate) type ConversationNode = Node<ConversationCells, ConversationIdentity>;

/// A conversation with one other or with many. Cloning gives another handle on the same conversation.
#[derive(Clone)]
pub struct Conversation {
    pub(crate) node: Arc<ConversationNode>,
}

/// What is present in a conversation, whoever started it.
#[derive(Clone, Debug)]
pub struct ActiveModalities(Conversation);

impl Conversation {
    pub(crate) fn new(
        identity: ConversationIdentity,
        signed_in: bool,
        state: ConversationState,
        chat: CallConnectionState,
    ) -> Self {
        let situation = Situation {
            signed_in,
            state,
            chat,
            ending: false,
            acknowledgeable: false,
            history_complete: false,
        };
        let cells = ConversationCells {
            state: Cell::new(state),
            topic: Cell::new(String::new()),
            uri: Cell::new(None),
            participants: List::new(),
            participants_count: Cell::new(0),
            is_group: Cell::new(false),
            chat_active: Cell::new(false),
            audio_active: Cell::new(false),
            video_active: Cell::new(false),
            context: Cell::new(None),
            formats: List::new(),
            messages: List::new(),
            by_id: BTreeMap::new(),
            archived: 0,
            pending: Vec::new(),
            situation: Cell::new(situation),
            removed: false,
        };
        let store = identity.model.store.clone();
        Self {
            node: store.node(identity, cells),
        }
    }

    /// Which conversation.
    #[must_use]
    pub fn id(&self) -> ConversationId {
        self.node.fixed.id
    }

    /// Where it stands. After an end that was not ordinary the property's reason says why.
    #[must_use]
    pub fn state(&self) -> Property<ConversationState> {
        self.property(|cells| &mut cells.state)
    }

    /// What it is about; empty when nobody said.
    #[must_use]
    pub fn topic(&self) -> Property<String> {
        self.property(|cells| &mut cells.topic)
    }

    /// Says what it is about, which the invitation tells the others. Enabled until the conversation has begun.
    ///
    /// # Errors
    /// At once when it is not enabled. A topic that is too long for the protocol fails the invitation.
    pub fn set_topic(&self, topic: impl Into<String>) -> CommandFuture<()> {
        let topic = topic.into();
        self.invoke(Situation::set_topic, |transaction, conversation| {
            conversation.set(transaction, |cells| &mut cells.topic, topic);
            Ok(Step::Done)
        })
    }

    /// [`set_topic`](Self::set_topic) as a value.
    #[must_use]
    pub fn set_topic_command(&self) -> Command<String, ()> {
        self.command(Situation::set_topic, |conversation, topic: String| {
            conversation.set_topic(topic)
        })
    }

    /// The address of the conference; `None` for a conversation of two.
    #[must_use]
    pub fn uri(&self) -> Property<Option<String>> {
        self.property(|cells| &mut cells.uri)
    }

    /// The others. One who leaves stays, Disconnected, until [`Collection::remove`] is invoked for them.
    ///
    /// [`Collection::add`] takes those of [`create_participant`](Self::create_participant). Before the conversation has begun
    /// that is a local matter; afterwards it invites them, and ends with the invitation: one who does not come stays,
    /// Disconnected, and their state's reason says why.
    #[must_use]
    pub fn participants(&self) -> Collection<Participant> {
        Collection::new(ListField {
            node: Arc::clone(&self.node),
            list: |cells| &mut cells.participants,
        })
        .with_commands(self.participants_commands())
    }

    /// How many take part by the server's count, which may differ from the size of `participants`.
    #[must_use]
    pub fn participants_count(&self) -> Property<usize> {
        self.property(|cells| &mut cells.participants_count)
    }

    /// Our own part.
    #[must_use]
    pub fn self_participant(&self) -> Participant {
        self.node.fixed.myself.clone()
    }

    /// Who began it; `None` when it was found already running.
    #[must_use]
    pub fn creator(&self) -> Option<Person> {
        self.node.fixed.creator.clone()
    }

    /// Whether it is a conference. Once true it stays true.
    #[must_use]
    pub fn is_group_conversation(&self) -> Property<bool> {
        self.property(|cells| &mut cells.is_group)
    }

    /// What is present in it.
    #[must_use]
    pub fn active_modalities(&self) -> ActiveModalities {
        ActiveModalities(self.clone())
    }

    /// The custom content of the invitation, when it had some.
    #[must_use]
    pub fn context(&self) -> Property<Option<Context>> {
        self.property(|cells| &mut cells.context)
    }

    /// Its chat.
    #[must_use]
    pub fn chat_service(&self) -> ChatService {
        ChatService::new(self.clone())
    }

    /// What happened in it, also in former days.
    #[must_use]
    pub fn history_service(&self) -> HistoryService {
        HistoryService::new(self.clone())
    }

    /// Stops everything in it and ends it for us. One that has not begun, or has ended, is left alone. The object stays,
    /// with its messages, and can be restarted.
    ///
    /// # Errors
    /// As the protocol decides.
    pub fn leave(&self) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            let situation = self.situation(transaction);
            if matches!(
                situation.state,
                ConversationState::Created | ConversationState::Disconnected
            ) {
                return Ok(Step::Done);
            }
            self.begin_end(transaction);
            let id = self.id();
            Ok(Step::call(move |backend| backend.leave(id)))
        })
    }

    /// Whether [`acknowledge`](Self::acknowledge) can be invoked, and it as a value.
    #[must_use]
    pub fn acknowledge_command(&self) -> Command<(), ()> {
        self.command(Situation::acknowledge, |conversation, ()| {
            conversation.acknowledge()
        })
    }

    /// Tells that the user saw a conversation that was accepted for them.
    ///
    /// # Errors
    /// At once when there is nothing to acknowledge; else as the protocol decides.
    pub fn acknowledge(&self) -> CommandFuture<()> {
        self.invoke(Situation::acknowledge, |_, conversation| {
            let id = conversation.id();
            Ok(Step::call(move |backend| backend.acknowledge(id)))
        })
    }

    pub(crate) fn property<T: Clone + PartialEq + Send + Sync + 'static>(
        &self,
        cell: fn(&mut ConversationCells) -> &mut Cell<T>,
    ) -> Property<T> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell,
        })
    }

    /// A command of this conversation as a value.
    pub(crate) fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let enabled =
            self.property(|cells| &mut cells.situation)
                .map_with_reason(move |situation, _| {
                    let verdict = rule(situation);
                    (verdict.is_ok(), verdict.err())
                });
        let conversation = self.clone();
        Command::new(enabled, move |arguments| run(&conversation, arguments))
    }

    /// Runs a command if its rule allows it.
    pub(crate) fn invoke(
        &self,
        rule: Rule,
        decide: impl FnOnce(&mut Transaction<'_>, &Self) -> Result<Step, Reason>,
    ) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            rule(&self.situation(transaction)).map_err(disabled)?;
            decide(transaction, self)
        })
    }

    pub(crate) fn situation(&self, transaction: &mut Transaction<'_>) -> Situation {
        *transaction.cells(&self.node).situation.get()
    }

    pub(crate) fn change_situation(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut Situation),
    ) {
        let mut situation = self.situation(transaction);
        change(&mut situation);
        transaction.set(&self.node, |cells| &mut cells.situation, situation, None);
    }

    /// Moves the conversation, and what is derived from its state first.
    pub(crate) fn set_state(
        &self,
        transaction: &mut Transaction<'_>,
        state: ConversationState,
        reason: Option<Reason>,
    ) {
        self.change_situation(transaction, |situation| situation.state = state);
        transaction.set(&self.node, |cells| &mut cells.state, state, reason);
    }

    /// Moves our side of the chat, and what is derived from it.
    pub(crate) fn set_chat(
        &self,
        transaction: &mut Transaction<'_>,
        state: CallConnectionState,
        reason: Option<Reason>,
    ) {
        self.node.fixed.myself.set_chat(transaction, state, reason);
        self.change_situation(transaction, |situation| situation.chat = state);
    }

    pub(crate) fn set<T: Clone + PartialEq + Send + Sync + 'static>(
        &self,
        transaction: &mut Transaction<'_>,
        cell: fn(&mut ConversationCells) -> &mut Cell<T>,
        value: T,
    ) {
        transaction.set(&self.node, cell, value, None);
    }

    /// Moves towards a chat: the first one, or again.
    pub(crate) fn begin_chat(&self, transaction: &mut Transaction<'_>) {
        let state = self.situation(transaction).state;
        if matches!(
            state,
            ConversationState::Created | ConversationState::Disconnected
        ) {
            self.set_state(transaction, ConversationState::Connecting, None);
        }
        self.set_chat(transaction, CallConnectionState::Connecting, None);
    }

    /// Moves towards the end, which facts will tell.
    pub(crate) fn begin_end(&self, transaction: &mut Transaction<'_>) {
        match self.situation(transaction).chat {
            CallConnectionState::Notified => {
                self.set_chat(transaction, CallConnectionState::Disconnected, None);
            }
            CallConnectionState::Disconnected | CallConnectionState::Disconnecting => {}
            _ => self.set_chat(transaction, CallConnectionState::Disconnecting, None),
        }
        let myself = &self.node.fixed.myself;
        if myself.state_now(transaction) != ParticipantState::Disconnected {
            myself.set_state(transaction, ParticipantState::Disconnecting, None);
        }
        self.change_situation(transaction, |situation| situation.ending = true);
    }

    pub(crate) fn others(&self, transaction: &mut Transaction<'_>) -> Vec<Participant> {
        transaction
            .cells(&self.node)
            .participants
            .iter()
            .cloned()
            .collect()
    }
}

impl ActiveModalities {
    /// Whether chat is.
    #[must_use]
    pub fn chat(&self) -> Property<bool> {
        self.0.property(|cells| &mut cells.chat_active)
    }

    /// Whether audio is.
    #[must_use]
    pub fn audio(&self) -> Property<bool> {
        self.0.property(|cells| &mut cells.audio_active)
    }

    /// Whether video is.
    #[must_use]
    pub fn video(&self) -> Property<bool> {
        self.0.property(|cells| &mut cells.video_active)
    }
}

impl PartialEq for Conversation {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Conversation {}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participant::{ParticipantCells, ParticipantIdentity};

    /// Beyond the Person and the messages: the object, two participants, and the room that their collections allocate.
    #[test]
    fn an_idle_conversation_with_one_participant_takes_at_most_4_kb() {
        let counters = 2 * size_of::<usize>();
        let object = counters + size_of::<ConversationNode>();
        let participant = counters + size_of::<Node<ParticipantCells, ParticipantIdentity>>();
        // A deque begins with room for four; a map's leaf has room for eleven.
        let roster = 4 * (size_of::<u64>() + size_of::<Participant>());
        let listed = 2 * (size_of::<u64>() + size_of::<Conversation>());
        let found = 11 * (size_of::<ConversationId>() + size_of::<Conversation>());
        let total = object + 2 * participant + roster + listed + found;
        assert!(total <= 4_096, "{total}");
    }
}
