//! A conversation.

use std::fmt;

use crate::body::MessageBody;
use crate::chat_service::ChatService;
use crate::command_state::{CommandState, Rule};
use crate::history::{ActivityItem, HistoryService};
use crate::id_map::IdMap;
use crate::ids::{ConversationId, MessageId, ParticipantId};
use crate::message::TextMessage;
use crate::model::{Model, Step};
use crate::observable::Collection;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::observable::list::{List, ListField};
use crate::observable::store::{Node, Transaction};
use crate::participant::Participant;
use crate::person::Person;
use crate::reason::Reason;
use crate::remote_id::Folder;
use crate::request::{Context, Request};
use crate::states::{
    CallConnectionState, ConversationState, Importance, MessageFormat, ParticipantState,
};
use crate::sync::Arc;

pub(crate) struct ConversationCells {
    pub(crate) state: Cell<ConversationState>,
    pub(crate) topic: Cell<String>,
    pub(crate) importance: Cell<Importance>,
    pub(crate) uri: Cell<Option<String>>,
    pub(crate) participants: List<Participant>,
    /// The items of `participants` by their IDs and by their aliases.
    pub(crate) participants_by_id: IdMap<ParticipantId, Participant>,
    pub(crate) participants_count: Cell<usize>,
    pub(crate) is_group: Cell<bool>,
    pub(crate) chat_active: Cell<bool>,
    pub(crate) audio_active: Cell<bool>,
    pub(crate) video_active: Cell<bool>,
    /// The user is in a conference that all other participants have left.
    pub(crate) alone: Cell<bool>,
    /// Another participant has been in the conversation since it began.
    pub(crate) had_others: bool,
    pub(crate) context: Cell<Option<Context>>,
    pub(crate) formats: List<MessageFormat>,
    pub(crate) messages: List<TextMessage>,
    /// The messages and the other items of the history.
    pub(crate) activities: List<ActivityItem>,
    pub(crate) by_id: IdMap<MessageId, TextMessage>,
    /// The folder of the last message with an ID at the server.
    pub(crate) last_folder: Option<Arc<Folder>>,
    /// The number of archived messages, which come first.
    pub(crate) archived: usize,
    /// Outgoing messages whose delivery is not known yet, in order.
    pub(crate) pending: Vec<TextMessage>,
    pub(crate) command_state: Cell<CommandState>,
    /// The message in the incoming invitation, and the property that shows it while the invitation is pending.
    pub(crate) offered: Option<MessageBody>,
    pub(crate) preview: Cell<Option<MessageBody>>,
    /// To be removed from `conversations` when the conversation has ended.
    pub(crate) is_removed: bool,
}

pub(crate) struct ConversationIdentity {
    pub(crate) id: ConversationId,
    pub(crate) model: Arc<Model>,
    pub(crate) myself: Participant,
    pub(crate) creator: Option<Person>,
}

pub(crate) type ConversationNode = Node<ConversationCells, ConversationIdentity>;

/// A conversation with one other person, or a conference. Cloning gives another handle on the same conversation.
#[derive(Clone)]
pub struct Conversation {
    pub(crate) node: Arc<ConversationNode>,
}

/// The modalities that are active in a conversation, whether or not the user takes part in them.
#[derive(Clone, Debug)]
pub struct ActiveModalities(Conversation);

impl Conversation {
    pub(crate) fn new(
        identity: ConversationIdentity,
        signed_in: bool,
        state: ConversationState,
        chat: CallConnectionState,
    ) -> Self {
        let command_state = CommandState {
            signed_in,
            state,
            chat,
            ending: false,
            acknowledgeable: false,
            history_complete: false,
            joinable: false,
            unread: false,
            removed: false,
        };
        let cells = ConversationCells {
            state: Cell::new(state),
            topic: Cell::new(String::new()),
            importance: Cell::new(Importance::Normal),
            uri: Cell::new(None),
            participants: List::new(),
            participants_count: Cell::new(0),
            is_group: Cell::new(false),
            chat_active: Cell::new(false),
            audio_active: Cell::new(false),
            video_active: Cell::new(false),
            alone: Cell::new(false),
            had_others: false,
            context: Cell::new(None),
            formats: List::new(),
            messages: List::new(),
            activities: List::new(),
            by_id: IdMap::new(),
            participants_by_id: IdMap::new(),
            last_folder: None,
            archived: 0,
            pending: Vec::new(),
            command_state: Cell::new(command_state),
            offered: None,
            preview: Cell::new(None),
            is_removed: false,
        };
        let store = identity.model.store.clone();
        Self {
            node: store.node(identity, cells),
        }
    }

    /// The ID of the conversation.
    #[must_use]
    pub fn id(&self) -> ConversationId {
        self.node.fixed.id
    }

    /// The state. If the conversation ended for a reason other than a leave, the property's reason says why.
    #[must_use]
    pub fn state(&self) -> Property<ConversationState> {
        self.property(|cells| &mut cells.state)
    }

    /// The topic. Empty if there is none.
    #[must_use]
    pub fn topic(&self) -> Property<String> {
        self.property(|cells| &mut cells.topic)
    }

    /// Sets the topic, which is sent in the invitation. Enabled until the conversation has started.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. A topic that is too long for the protocol fails the invitation.
    pub fn set_topic(&self, topic: impl Into<String>) -> CommandFuture<()> {
        let topic = topic.into();
        self.invoke(CommandState::set_topic, |transaction, conversation| {
            conversation.set(transaction, |cells| &mut cells.topic, topic);
            Ok(Step::Done(()))
        })
    }

    /// [`set_topic`](Self::set_topic) as a [`Command`].
    #[must_use]
    pub fn set_topic_command(&self) -> Command<String, ()> {
        self.command(CommandState::set_topic, |conversation, topic: String| {
            conversation.set_topic(topic)
        })
    }

    /// The importance of the invitation. Messages have none of their own.
    #[must_use]
    pub fn importance(&self) -> Property<Importance> {
        self.property(|cells| &mut cells.importance)
    }

    /// Sets the importance of the invitation that starts the conversation. Enabled until the conversation has started.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn set_importance(&self, importance: Importance) -> CommandFuture<()> {
        self.invoke(CommandState::set_topic, |transaction, conversation| {
            conversation.set(transaction, |cells| &mut cells.importance, importance);
            Ok(Step::request(Request::SetImportance {
                conversation: conversation.id(),
                importance,
            }))
        })
    }

    /// [`set_importance`](Self::set_importance) as a [`Command`].
    #[must_use]
    pub fn set_importance_command(&self) -> Command<Importance, ()> {
        self.command(CommandState::set_topic, |conversation, importance| {
            conversation.set_importance(importance)
        })
    }

    /// The address of the conference. `None` for a conversation with one other person.
    #[must_use]
    pub fn uri(&self) -> Property<Option<String>> {
        self.property(|cells| &mut cells.uri)
    }

    /// The other participants. A participant who leaves stays, Disconnected, until [`Collection::remove`] removes it.
    ///
    /// [`Collection::add`] takes an address, or a participant from [`create_participant`](Self::create_participant). Before
    /// the conversation has begun, it sends nothing, and the participant is invited with the conversation. Afterwards it
    /// invites the participant, and ends with the invitation; a participant who does not join stays, Disconnected, and the
    /// reason of its state says why. [`Collection::remove`] ends with the removal: if the other side refuses it, the
    /// participant stays.
    #[must_use]
    pub fn participants(&self) -> Collection<Participant> {
        Collection::new(ListField {
            node: Arc::clone(&self.node),
            list: |cells| &mut cells.participants,
        })
        .with_commands(self.participants_commands())
    }

    /// The number of participants as the server counts them, which may differ from the size of `participants`.
    #[must_use]
    pub fn participants_count(&self) -> Property<usize> {
        self.property(|cells| &mut cells.participants_count)
    }

    /// The user's own participant.
    #[must_use]
    pub fn self_participant(&self) -> Participant {
        self.node.fixed.myself.clone()
    }

    /// The person who began the conversation. `None` if another endpoint began it.
    #[must_use]
    pub fn creator(&self) -> Option<Person> {
        let creator = self.node.fixed.creator.as_ref();
        creator.map(|person| person.canonical().clone())
    }

    /// Whether the conversation is a conference. Once true, it stays true.
    #[must_use]
    pub fn is_group_conversation(&self) -> Property<bool> {
        self.property(|cells| &mut cells.is_group)
    }

    /// Whether the user is in a conference that all others have left: another participant was in it, and no other
    /// participant is in it, waits in its lobby, or is invited to it. A conference does not end by itself, so an unattended
    /// program should then [leave](Self::leave) it. False in a conversation with one other person, which ends when that
    /// person leaves.
    #[must_use]
    pub fn is_alone(&self) -> Property<bool> {
        self.property(|cells| &mut cells.alone)
    }

    /// Whether a start or a message joins a conference: its address is known, the user is signed in and is not in it. The
    /// conference may have ended, which only the attempt to join shows.
    #[must_use]
    pub fn is_joining_enabled(&self) -> Property<bool> {
        self.enabled(CommandState::join)
    }

    /// The active modalities.
    #[must_use]
    pub fn active_modalities(&self) -> ActiveModalities {
        ActiveModalities(self.clone())
    }

    /// The custom content of the invitation, if it had some.
    #[must_use]
    pub fn context(&self) -> Property<Option<Context>> {
        self.property(|cells| &mut cells.context)
    }

    /// The chat.
    #[must_use]
    pub fn chat_service(&self) -> ChatService {
        ChatService::new(self.clone())
    }

    /// The history, archived messages included.
    #[must_use]
    pub fn history_service(&self) -> HistoryService {
        HistoryService::new(self.clone())
    }

    /// Stops all modalities and ends the conversation for the user. Does nothing if the conversation has not begun or has
    /// ended. The object stays, with its messages, and can be restarted.
    ///
    /// # Errors
    /// The reason that the protocol reports.
    pub fn leave(&self) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            let command_state = self.command_state(transaction);
            command_state.exists()?;
            if matches!(
                command_state.state,
                ConversationState::Created | ConversationState::Disconnected
            ) {
                return Ok(Step::Done(()));
            }
            self.begin_end(transaction);
            Ok(Step::request(Request::Leave(self.id())))
        })
    }

    /// [`acknowledge`](Self::acknowledge) as a [`Command`].
    #[must_use]
    pub fn acknowledge_command(&self) -> Command<(), ()> {
        self.command(CommandState::acknowledge, |conversation, ()| {
            conversation.acknowledge()
        })
    }

    /// Reports that the user saw a conversation that was accepted automatically.
    ///
    /// # Errors
    /// Fails at once if there is nothing to acknowledge. Otherwise fails with the reason that the protocol reports.
    pub fn acknowledge(&self) -> CommandFuture<()> {
        self.invoke(CommandState::acknowledge, |_, conversation| {
            Ok(Step::request(Request::Acknowledge(conversation.id())))
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

    /// Creates the [`Command`] that `rule` enables.
    pub(crate) fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let conversation = self.clone();
        Command::new(self.enabled(rule), move |arguments| {
            run(&conversation, arguments)
        })
    }

    /// Whether a rule allows its command.
    fn enabled(&self, rule: Rule) -> Property<bool> {
        self.property(|cells| &mut cells.command_state)
            .map_with_reason(move |command_state, _| {
                let result = command_state.exists().and_then(|()| rule(command_state));
                (result.is_ok(), result.err())
            })
    }

    /// Runs a command if its rule allows it.
    pub(crate) fn invoke(
        &self,
        rule: Rule,
        decide: impl FnOnce(&mut Transaction<'_>, &Self) -> Result<Step, Reason>,
    ) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            let command_state = self.command_state(transaction);
            command_state.exists()?;
            rule(&command_state).map_err(disabled)?;
            decide(transaction, self)
        })
    }

    pub(crate) fn command_state(&self, transaction: &mut Transaction<'_>) -> CommandState {
        *transaction.cells(&self.node).command_state.get()
    }

    pub(crate) fn change_command_state(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut CommandState),
    ) {
        let mut command_state = self.command_state(transaction);
        change(&mut command_state);
        transaction.set(
            &self.node,
            |cells| &mut cells.command_state,
            command_state,
            None,
        );
    }

    /// Sets the state, and first the state of the commands, which follows from it.
    pub(crate) fn set_state(
        &self,
        transaction: &mut Transaction<'_>,
        state: ConversationState,
        reason: Option<Reason>,
    ) {
        self.change_command_state(transaction, |command_state| command_state.state = state);
        transaction.set(&self.node, |cells| &mut cells.state, state, reason);
        self.update_alone(transaction);
    }

    /// Adds a message at the end.
    pub(crate) fn push_message(&self, transaction: &mut Transaction<'_>, message: TextMessage) {
        let activity = ActivityItem::TextMessage(message.clone());
        transaction.push(&self.node, |cells| &mut cells.messages, message);
        transaction.push(&self.node, |cells| &mut cells.activities, activity);
    }

    /// Sets the address of a conference, and that the conversation is one.
    pub(crate) fn set_group(&self, transaction: &mut Transaction<'_>, uri: Option<String>) {
        if uri.is_some() {
            self.change_command_state(transaction, |command_state| command_state.joinable = true);
            self.set(transaction, |cells| &mut cells.uri, uri);
        }
        self.set(transaction, |cells| &mut cells.is_group, true);
        self.update_alone(transaction);
    }

    /// Sets the state of the user's own chat, and what follows from it.
    pub(crate) fn set_chat(
        &self,
        transaction: &mut Transaction<'_>,
        state: CallConnectionState,
        reason: Option<Reason>,
    ) {
        self.node.fixed.myself.set_chat(transaction, state, reason);
        self.change_command_state(transaction, |command_state| command_state.chat = state);
        let cells = transaction.cells(&self.node);
        let preview = match state {
            CallConnectionState::Notified => cells.offered.clone(),
            CallConnectionState::Connected => {
                cells.offered = None;
                None
            }
            _ => None,
        };
        self.set(transaction, |cells| &mut cells.preview, preview);
    }

    pub(crate) fn set<T: Clone + PartialEq + Send + Sync + 'static>(
        &self,
        transaction: &mut Transaction<'_>,
        cell: fn(&mut ConversationCells) -> &mut Cell<T>,
        value: T,
    ) {
        transaction.set(&self.node, cell, value, None);
    }

    /// Begins to establish a chat, the first one or another one.
    pub(crate) fn begin_chat(&self, transaction: &mut Transaction<'_>) {
        let state = self.command_state(transaction).state;
        if matches!(
            state,
            ConversationState::Created | ConversationState::Disconnected
        ) {
            self.set_state(transaction, ConversationState::Connecting, None);
        }
        self.set_chat(transaction, CallConnectionState::Connecting, None);
    }

    /// Begins to end the conversation. Facts report the end.
    pub(crate) fn begin_end(&self, transaction: &mut Transaction<'_>) {
        match self.command_state(transaction).chat {
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
        self.change_command_state(transaction, |command_state| command_state.ending = true);
    }

    pub(crate) fn other_participants(&self, transaction: &mut Transaction<'_>) -> Vec<Participant> {
        transaction
            .cells(&self.node)
            .participants
            .iter()
            .cloned()
            .collect()
    }
}

impl ActiveModalities {
    /// Whether chat is active.
    #[must_use]
    pub fn chat(&self) -> Property<bool> {
        self.0.property(|cells| &mut cells.chat_active)
    }

    /// Whether audio is active.
    #[must_use]
    pub fn audio(&self) -> Property<bool> {
        self.0.property(|cells| &mut cells.audio_active)
    }

    /// Whether video is active.
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

    /// Without the person and the messages: the object, two participants, and the entries in the lists and maps.
    #[test]
    fn an_idle_conversation_with_one_participant_takes_at_most_1_2_kb() {
        let counters = 2 * size_of::<usize>();
        let object = counters + size_of::<ConversationNode>();
        let participant = counters + size_of::<Node<ParticipantCells, ParticipantIdentity>>();
        let roster = size_of::<Participant>() + size_of::<(u64, Participant)>();
        let entries = size_of::<Conversation>() + size_of::<(u64, Conversation)>();
        let total = object + 2 * participant + roster + entries;
        assert!(total <= 1_200, "{total}");
    }
}
