//! A participant of a conversation.

use std::fmt;

use crate::fact_parts::ParticipantCapabilities;
use crate::ids::{ConversationId, ParticipantId};
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Accessor, Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::person::Person;
use crate::reason::Reason;
use crate::states::{CallConnectionState, ParticipantRole, ParticipantState};
use crate::sync::Arc;

pub(crate) struct ParticipantCells {
    pub(crate) state: Cell<ParticipantState>,
    pub(crate) chat: Cell<CallConnectionState>,
    values: Cell<ParticipantValues>,
    /// A second ID that facts use for a participant that the model created.
    pub(crate) alias: Option<ParticipantId>,
    /// To be removed from `participants` when the participant has left.
    pub(crate) is_removed: bool,
}

/// The values that change without a reason. They are one cell, of which each property shows a part, because a conference has many
/// participants.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct ParticipantValues {
    pub(crate) role: ParticipantRole,
    pub(crate) is_anonymous: bool,
    pub(crate) is_typing: bool,
    pub(crate) capabilities: ParticipantCapabilities,
}

pub(crate) struct ParticipantIdentity {
    id: ParticipantId,
    person: Person,
    pub(crate) conversation: ConversationId,
    pub(crate) model: Arc<Model>,
}

/// A participant of a conversation. Cloning gives another handle on the same participant.
#[derive(Clone)]
pub struct Participant {
    pub(crate) node: Arc<Node<ParticipantCells, ParticipantIdentity>>,
}

/// The chat of a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantChat(Participant);

impl Participant {
    pub(crate) fn new(
        model: &Arc<Model>,
        conversation: ConversationId,
        id: ParticipantId,
        person: Person,
    ) -> Self {
        let cells = ParticipantCells {
            state: Cell::new(ParticipantState::Disconnected),
            chat: Cell::new(CallConnectionState::Disconnected),
            values: Cell::new(ParticipantValues::default()),
            alias: None,
            is_removed: false,
        };
        let identity = ParticipantIdentity {
            id,
            person,
            conversation,
            model: Arc::clone(model),
        };
        Self {
            node: model.store.node(identity, cells),
        }
    }

    /// The ID of the participant in its conversation.
    #[must_use]
    pub fn id(&self) -> ParticipantId {
        self.node.fixed.id
    }

    /// The person.
    #[must_use]
    pub fn person(&self) -> Person {
        self.node.fixed.person.canonical().clone()
    }

    /// The person's name; the address while no name is known.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.node.fixed.person.display_name()
    }

    /// The state. A participant who leaves stays in the collection, Disconnected.
    #[must_use]
    pub fn state(&self) -> Property<ParticipantState> {
        self.property(|cells| &mut cells.state)
    }

    /// The role, which [`set_role`](Self::set_role) changes.
    #[must_use]
    pub fn role(&self) -> Property<ParticipantRole> {
        self.values().map(|values| values.role)
    }

    /// Whether the participant joined without an account.
    #[must_use]
    pub fn is_anonymous(&self) -> Property<bool> {
        self.values().map(|values| values.is_anonymous)
    }

    /// The participant's chat.
    #[must_use]
    pub fn chat(&self) -> ParticipantChat {
        ParticipantChat(self.clone())
    }

    pub(crate) fn values(&self) -> Property<ParticipantValues> {
        self.property(|cells| &mut cells.values)
    }

    fn property<T>(&self, cell: Accessor<ParticipantCells, T>) -> Property<T>
    where
        T: Clone + PartialEq + Send + Sync + 'static,
    {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell,
        })
    }

    /// Changes the values that have no reason.
    pub(crate) fn set(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut ParticipantValues),
    ) {
        let mut values = self.values_now(transaction);
        change(&mut values);
        transaction.set(&self.node, |cells| &mut cells.values, values, None);
    }

    pub(crate) fn values_now(&self, transaction: &mut Transaction<'_>) -> ParticipantValues {
        *transaction.cells(&self.node).values.get()
    }

    pub(crate) fn set_state(
        &self,
        transaction: &mut Transaction<'_>,
        state: ParticipantState,
        reason: Option<Reason>,
    ) {
        transaction.set(&self.node, |cells| &mut cells.state, state, reason);
    }

    pub(crate) fn set_chat(
        &self,
        transaction: &mut Transaction<'_>,
        state: CallConnectionState,
        reason: Option<Reason>,
    ) {
        transaction.set(&self.node, |cells| &mut cells.chat, state, reason);
    }

    pub(crate) fn state_now(&self, transaction: &mut Transaction<'_>) -> ParticipantState {
        *transaction.cells(&self.node).state.get()
    }

    pub(crate) fn chat_now(&self, transaction: &mut Transaction<'_>) -> CallConnectionState {
        *transaction.cells(&self.node).chat.get()
    }

    /// The fields of a request that identify this participant.
    pub(crate) fn key(&self) -> (ConversationId, ParticipantId) {
        (self.node.fixed.conversation, self.id())
    }
}

impl ParticipantChat {
    /// The state of the participant's chat.
    #[must_use]
    pub fn state(&self) -> Property<CallConnectionState> {
        self.0.property(|cells| &mut cells.chat)
    }

    /// Whether the participant is typing.
    #[must_use]
    pub fn is_typing(&self) -> Property<bool> {
        self.0.values().map(|values| values.is_typing)
    }
}

impl PartialEq for Participant {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.node, &other.node)
    }
}

impl Eq for Participant {}

impl fmt::Debug for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Participant")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
