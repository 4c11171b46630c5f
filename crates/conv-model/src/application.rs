//! The root of a model.

use std::fmt;

use crate::archive::ArchiveCommandState;
use crate::backend::Backend;
use crate::contact_list;
use crate::conversation::Conversation;
use crate::conversations_manager::ConversationsManager;
use crate::group::Group;
use crate::group_registry;
use crate::id_map::IdMap;
use crate::ids::{CommandId, ConversationId};
use crate::me::MePerson;
use crate::model::Model;
use crate::observable::cell::{Cell, Field};
use crate::observable::command::CommandFuture;
use crate::observable::list::List;
use crate::observable::store::Node;
use crate::observable::{Key, Property};
use crate::person::Person;
use crate::persons_and_groups_manager::PersonsAndGroupsManager;
use crate::states::{ConnectionState, SignInState};
use crate::sync::Arc;
use crate::writer::ModelWriter;

pub(crate) struct ApplicationCells {
    pub(crate) sign_in: Cell<SignInState>,
    pub(crate) connection: Cell<ConnectionState>,
    pub(crate) conversations: List<Conversation>,
    /// The conversations with their keys in `conversations`.
    pub(crate) by_id: IdMap<ConversationId, (Key, Conversation)>,
    pub(crate) unread: Cell<usize>,
    pub(crate) history_enabled: Cell<bool>,
    pub(crate) archive: Cell<ArchiveCommandState>,
}

pub(crate) struct ApplicationIdentity {
    pub(crate) model: Arc<Model>,
    pub(crate) me: MePerson,
    /// The contact list as a whole.
    pub(crate) contact_list: Group,
}

impl Drop for ApplicationIdentity {
    fn drop(&mut self) {
        contact_list::unlink(&self.model);
    }
}

pub(crate) type ApplicationNode = Node<ApplicationCells, ApplicationIdentity>;

/// The root of a model: the conversations and people of one user. Cloning gives another handle on the same model. Models are
/// independent of each other.
#[derive(Clone)]
pub struct Application {
    node: Arc<ApplicationNode>,
}

impl Application {
    /// A model on top of this protocol, and the writer of its facts.
    pub fn new(backend: Arc<dyn Backend>) -> (Self, ModelWriter) {
        let model = Model::new(backend);
        let store = model.store.clone();
        let cells = ApplicationCells {
            sign_in: Cell::new(SignInState::SignedOut),
            connection: Cell::new(ConnectionState::Disconnected),
            conversations: List::new(),
            by_id: IdMap::new(),
            unread: Cell::new(0),
            history_enabled: Cell::new(false),
            archive: Cell::new(ArchiveCommandState::default()),
        };
        let me = MePerson(Person::new(&model, "", true));
        let contact_list = group_registry::create_root(&model);
        let identity = ApplicationIdentity {
            model,
            me,
            contact_list,
        };
        let node = store.node(identity, cells);
        (
            Self {
                node: Arc::clone(&node),
            },
            ModelWriter::new(node),
        )
    }

    /// The state of the sign-in. After a failure or a loss, the property's reason says why.
    #[must_use]
    pub fn sign_in_state(&self) -> Property<SignInState> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.sign_in,
        })
    }

    /// The state of the connection to the server, for health checks. While it is Reconnecting, the property's reason is the
    /// failure that interrupted it.
    #[must_use]
    pub fn connection(&self) -> Property<ConnectionState> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.connection,
        })
    }

    /// The user.
    #[must_use]
    pub fn me(&self) -> MePerson {
        self.node.fixed.me.clone()
    }

    /// The conversations.
    #[must_use]
    pub fn conversations_manager(&self) -> ConversationsManager {
        ConversationsManager::new(Arc::clone(&self.node))
    }

    /// The people and groups.
    #[must_use]
    pub fn persons_and_groups_manager(&self) -> PersonsAndGroupsManager {
        let fixed = &self.node.fixed;
        PersonsAndGroupsManager::new(Arc::clone(&fixed.model), fixed.contact_list.clone())
    }

    /// Runs a command of the protocol's own, such as its sign-in. `start` is called with the number of the command, in order
    /// with the model's requests. The command ends with [`Fact::Completed`](crate::Fact::Completed), or when the
    /// [`ModelWriter`] is dropped; unlike the model's own commands it outlives a sign-out.
    ///
    /// # Errors
    /// The reason that the protocol reports. [`SignedOut`](crate::ReasonCode::SignedOut) if the writer is dropped first.
    pub fn command(&self, start: impl FnOnce(CommandId) + Send + 'static) -> CommandFuture<()> {
        self.node.fixed.model.own_command(start)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}
