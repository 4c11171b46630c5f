//! The root of a model.

use std::collections::BTreeMap;
use std::fmt;

use crate::archive::ArchiveSituation;
use crate::backend::Backend;
use crate::conversation::Conversation;
use crate::conversations_manager::ConversationsManager;
use crate::ids::ConversationId;
use crate::me::MePerson;
use crate::model::Model;
use crate::observable::Property;
use crate::observable::cell::{Cell, Field};
use crate::observable::list::List;
use crate::observable::store::Node;
use crate::people::{People, people};
use crate::persons_manager::PersonsManager;
use crate::states::SignInState;
use crate::sync::Arc;
use crate::writer::ModelWriter;

pub(crate) struct ApplicationCells {
    pub(crate) sign_in: Cell<SignInState>,
    pub(crate) conversations: List<Conversation>,
    pub(crate) by_id: BTreeMap<ConversationId, Conversation>,
    pub(crate) unread: Cell<usize>,
    pub(crate) history_enabled: Cell<bool>,
    pub(crate) archive: Cell<ArchiveSituation>,
}

pub(crate) type ApplicationNode = Node<ApplicationCells, Arc<People>>;

/// The root of a model: one user's conversations. Cloning gives another handle on the same model. Several models are
/// independent of each other.
#[derive(Clone)]
pub struct Application {
    node: Arc<ApplicationNode>,
}

impl Application {
    /// A model on top of this protocol, and the one way to tell it what happens.
    pub fn new(backend: Arc<dyn Backend>) -> (Self, ModelWriter) {
        let model = Model::new(backend);
        let store = model.store.clone();
        let cells = ApplicationCells {
            sign_in: Cell::new(SignInState::SignedOut),
            conversations: List::new(),
            by_id: BTreeMap::new(),
            unread: Cell::new(0),
            history_enabled: Cell::new(false),
            archive: Cell::new(ArchiveSituation::default()),
        };
        let node = store.node(people(model), cells);
        (
            Self {
                node: Arc::clone(&node),
            },
            ModelWriter::new(node),
        )
    }

    /// Where the sign-in stands; after a failure or a loss the property's reason says why.
    #[must_use]
    pub fn sign_in_state(&self) -> Property<SignInState> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.sign_in,
        })
    }

    /// Who is signed in.
    #[must_use]
    pub fn me(&self) -> MePerson {
        self.node.fixed.fixed.me.clone()
    }

    /// The conversations.
    #[must_use]
    pub fn conversations_manager(&self) -> ConversationsManager {
        ConversationsManager::new(Arc::clone(&self.node))
    }

    /// The people.
    #[must_use]
    pub fn persons_manager(&self) -> PersonsManager {
        PersonsManager::new(Arc::clone(&self.node.fixed))
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}
