//! A participant of a conversation.

use std::fmt;

use crate::fact::ParticipantCapabilities;
use crate::ids::{ConversationId, ParticipantId};
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::store::{Node, Transaction};
use crate::person::Person;
use crate::reason::Reason;
use crate::states::{CallConnectionState, ParticipantRole, ParticipantState};
use crate::sync::Arc;

pub(crate) struct ParticipantCells {
    pub(crate) state: Cell<ParticipantState>,
    pub(crate) role: Cell<ParticipantRole>,
    pub(crate) is_anonymous: Cell<bool>,
    pub(crate) chat: Cell<CallConnectionState>,
    pub(crate) is_typing: Cell<bool>,
    pub(crate) capabilities: Cell<ParticipantCapabilities>,
    /// By this id too facts may speak of a participant that was made here.
    pub(crate) alias: Option<ParticipantId>,
    /// To be taken out of `participants` when they are out of the conversation.
    pub(crate) removed: bool,
}

pub(crate) struct ParticipantIdentity {
    id: ParticipantId,
    person: Person,
    pub(crate) conversation: ConversationId,
    pub(crate) model: Arc<Model>,
}

/// Someone's part in a conversation. Cloning gives another handle on the same participant.
#[derive(Clone)]
pub struct Participant {
    pub(crate) node: Arc<Node<ParticipantCells, ParticipantIdentity>>,
}

/// A participant's part in the chat.
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
            role: Cell::new(ParticipantRole::Attendee),
            is_anonymous: Cell::new(false),
            chat: Cell::new(CallConnectionState::Disconnected),
            is_typing: Cell::new(false),
            capabilities: Cell::new(ParticipantCapabilities::default()),
            alias: None,
            removed: false,
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

    /// Which participant of its conversation.
    #[must_use]
    pub fn id(&self) -> ParticipantId {
        self.node.fixed.id
    }

    /// Who it is.
    #[must_use]
    pub fn person(&self) -> Person {
        self.node.fixed.person.clone()
    }

    /// The person's name; the address as long as no name is known.
    #[must_use]
    pub fn display_name(&self) -> Property<String> {
        self.node.fixed.person.display_name()
    }

    /// Where they stand. One who leaves stays in the collection, Disconnected.
    #[must_use]
    pub fn state(&self) -> Property<ParticipantState> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.state,
        })
    }

    /// What they may do; [`set_role`](Self::set_role) changes it.
    #[must_use]
    pub fn role(&self) -> Property<ParticipantRole> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.role,
        })
    }

    /// Whether they joined without an account.
    #[must_use]
    pub fn is_anonymous(&self) -> Property<bool> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.is_anonymous,
        })
    }

    /// Their part in the chat.
    #[must_use]
    pub fn chat(&self) -> ParticipantChat {
        ParticipantChat(self.clone())
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

    pub(crate) fn set_is_typing(&self, transaction: &mut Transaction<'_>, is_typing: bool) {
        transaction.set(&self.node, |cells| &mut cells.is_typing, is_typing, None);
    }

    pub(crate) fn set_capabilities(
        &self,
        transaction: &mut Transaction<'_>,
        capabilities: ParticipantCapabilities,
    ) {
        transaction.set(
            &self.node,
            |cells| &mut cells.capabilities,
            capabilities,
            None,
        );
    }

    pub(crate) fn state_now(&self, transaction: &mut Transaction<'_>) -> ParticipantState {
        *transaction.cells(&self.node).state.get()
    }

    pub(crate) fn chat_now(&self, transaction: &mut Transaction<'_>) -> CallConnectionState {
        *transaction.cells(&self.node).chat.get()
    }
}

impl ParticipantChat {
    /// Where they stand in the chat.
    #[must_use]
    pub fn state(&self) -> Property<CallConnectionState> {
        Property::new(Field {
            node: Arc::clone(&self.0.node),
            cell: |cells| &mut cells.chat,
        })
    }

    /// Whether they are typing.
    #[must_use]
    pub fn is_typing(&self) -> Property<bool> {
        Property::new(Field {
            node: Arc::clone(&self.0.node),
            cell: |cells| &mut cells.is_typing,
        })
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
