//! All conversations of a model.

use std::fmt;

use crate::application::ApplicationNode;
use crate::backend::Peer;
use crate::conversation::{Conversation, ConversationIdentity};
use crate::fact::ParticipantFact;
use crate::ids::{ConversationId, ParticipantId};
use crate::observable::Collection;
use crate::observable::CollectionCommands;
use crate::observable::Property;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture, failed};
use crate::observable::list::ListField;
use crate::observable::store::Transaction;
use crate::participant::Participant;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::states::{CallConnectionState, ConversationState, SignInState};
use crate::sync::Arc;

/// All conversations of a model.
#[derive(Clone)]
pub struct ConversationsManager {
    pub(crate) node: Arc<ApplicationNode>,
}

impl ConversationsManager {
    pub(crate) const fn new(node: Arc<ApplicationNode>) -> Self {
        Self { node }
    }

    /// Every conversation, those that have ended too; one goes out only by [`remove`](Self::remove).
    #[must_use]
    pub fn conversations(&self) -> Collection<Conversation> {
        let manager = self.clone();
        Collection::new(ListField {
            node: Arc::clone(&self.node),
            list: |cells| &mut cells.conversations,
        })
        .with_commands(CollectionCommands {
            add: Command::not_supported(),
            remove: Command::always(move |conversation| manager.remove(&conversation)),
        })
    }

    /// How many conversations have something unread: those that were missed, by the server's count. It is 0 until the protocol
    /// has a reason to ask: history that is kept, or conversations of former days that were asked for.
    #[must_use]
    pub fn unread_conversations_count(&self) -> Property<usize> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.unread,
        })
    }

    /// The conversation of two with this person: the first that has not ended, else a new one, which is in
    /// [`conversations`](Self::conversations) when this returns. Nothing is sent.
    ///
    /// A new one is Created and has one participant, of whom the address is known.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) when `address` cannot be one.
    pub fn get_conversation(&self, address: &str) -> Result<Conversation, Reason> {
        let model = &self.node.fixed.fixed.model;
        let address = model.backend.normalize_address(address)?;
        Ok(model.store.transact(|transaction| {
            if let Some(conversation) = self.ongoing(transaction, &address) {
                return conversation;
            }
            let id = ConversationId::Local(model.next_id());
            let creator = Some(self.node.fixed.fixed.me.person());
            let conversation = make(
                transaction,
                &self.node,
                id,
                creator,
                ConversationState::Created,
                CallConnectionState::Disconnected,
            );
            let participant = ParticipantId::Local(model.next_id());
            conversation.find_or_add_participant(
                transaction,
                &ParticipantFact::new(participant, address.clone()),
            );
            publish(transaction, &self.node, &conversation);
            let backend = Arc::clone(&model.backend);
            transaction.call(Box::new(move || {
                backend.open_conversation(
                    id,
                    Peer {
                        participant,
                        address,
                    },
                );
            }));
            conversation
        }))
    }

    /// A new conference, which is in [`conversations`](Self::conversations) when this returns, Created and without
    /// participants. Nothing is sent: anybody can be added, and starting it, or writing in it, begins the conference and
    /// invites them, be they many, one or none.
    #[must_use]
    pub fn create_conversation(&self) -> Conversation {
        self.node
            .store
            .transact(|transaction| self.make_meeting(transaction, None))
    }

    /// The conference at this address, such as `sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA`: the
    /// conversation that has it for its [`uri`](Conversation::uri), one that goes on before one that has ended; else a new
    /// one, Created, which is in [`conversations`](Self::conversations) when this returns. Nothing is joined until it is
    /// started, or written in.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) when `uri` cannot be an address.
    pub fn get_conversation_by_uri(&self, uri: &str) -> Result<Conversation, Reason> {
        let model = &self.node.fixed.fixed.model;
        let uri = model.backend.normalize_address(uri)?;
        Ok(self.node.store.transact(|transaction| {
            self.at(transaction, &uri)
                .unwrap_or_else(|| self.make_meeting(transaction, Some(uri.clone())))
        }))
    }

    fn make_meeting(&self, transaction: &mut Transaction<'_>, uri: Option<String>) -> Conversation {
        let model = &self.node.fixed.fixed.model;
        let id = ConversationId::Local(model.next_id());
        let conversation = make(
            transaction,
            &self.node,
            id,
            // Who began a conference that is only joined is not known.
            uri.is_none().then(|| self.node.fixed.fixed.me.person()),
            ConversationState::Created,
            CallConnectionState::Disconnected,
        );
        conversation.set(transaction, |cells| &mut cells.is_group, true);
        conversation.set(transaction, |cells| &mut cells.uri, uri.clone());
        publish(transaction, &self.node, &conversation);
        let backend = Arc::clone(&model.backend);
        transaction.call(Box::new(move || backend.open_meeting(id, uri)));
        conversation
    }

    /// Leaves the conversation, then takes it out of [`conversations`](Self::conversations): at once when it has not begun or
    /// has ended, else when it has ended.
    ///
    /// # Errors
    /// When it is not in the collection, or leaving failed; it then stays.
    pub fn remove(&self, conversation: &Conversation) -> CommandFuture<()> {
        let known = self.node.store.transact(|transaction| {
            let known =
                transaction.cells(&self.node).by_id.get(&conversation.id()) == Some(conversation);
            if known {
                let state = conversation.situation(transaction).state;
                transaction.cells(&conversation.node).removed = true;
                if matches!(
                    state,
                    ConversationState::Created | ConversationState::Disconnected
                ) {
                    take_out(transaction, &self.node, conversation);
                }
            }
            known
        });
        if !known {
            return failed(
                Reason::new(ReasonCode::InvalidArgument).with_message("no such conversation"),
            );
        }
        let left = conversation.leave();
        let conversation = conversation.clone();
        let node = Arc::clone(&self.node);
        Box::pin(async move {
            let outcome = left.await;
            node.store.transact(|transaction| {
                if outcome.is_err()
                    && conversation.situation(transaction).state != ConversationState::Disconnected
                {
                    transaction.cells(&conversation.node).removed = false;
                }
            });
            outcome
        })
    }

    fn all(&self, transaction: &mut Transaction<'_>) -> Vec<Conversation> {
        let conversations = &transaction.cells(&self.node).conversations;
        conversations.iter().cloned().collect()
    }

    /// The conversation at the address of a conference.
    fn at(&self, transaction: &mut Transaction<'_>, uri: &str) -> Option<Conversation> {
        let mut ended = None;
        for conversation in self.all(transaction) {
            let cells = transaction.cells(&conversation.node);
            let at = cells.uri.get().as_deref();
            if cells.removed || !at.is_some_and(|at| people::same(at, uri)) {
                continue;
            }
            if *cells.state.get() != ConversationState::Disconnected {
                return Some(conversation);
            }
            ended.get_or_insert(conversation);
        }
        ended
    }

    fn ongoing(&self, transaction: &mut Transaction<'_>, address: &str) -> Option<Conversation> {
        self.all(transaction).into_iter().find(|conversation| {
            let cells = transaction.cells(&conversation.node);
            if *cells.state.get() == ConversationState::Disconnected
                || *cells.is_group.get()
                || cells.removed
            {
                return false;
            }
            // One that others were added to is a conference as soon as it begins.
            if *cells.state.get() == ConversationState::Created && cells.participants.len() > 1 {
                return false;
            }
            let peer: Option<Participant> = cells.participants.iter().next().cloned();
            peer.is_some_and(|peer| people::same(peer.person().address(transaction), address))
        })
    }
}

/// A conversation that nobody sees yet.
pub(crate) fn make(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    id: ConversationId,
    creator: Option<crate::person::Person>,
    state: ConversationState,
    chat: CallConnectionState,
) -> Conversation {
    let signed_in = *transaction.cells(application).sign_in.get() == SignInState::SignedIn;
    let people = Arc::clone(&application.fixed);
    let model = Arc::clone(&people.fixed.model);
    let myself = Participant::new(
        &model,
        id,
        ParticipantId::Local(model.next_id()),
        people.fixed.me.person(),
    );
    myself.set_chat(transaction, chat, None);
    Conversation::new(
        ConversationIdentity {
            id,
            model,
            people,
            myself,
            creator,
        },
        signed_in,
        state,
        chat,
    )
}

/// Puts a complete conversation into the collection.
pub(crate) fn publish(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    conversation: &Conversation,
) {
    transaction
        .cells(application)
        .by_id
        .insert(conversation.id(), conversation.clone());
    transaction.push(
        application,
        |cells| &mut cells.conversations,
        conversation.clone(),
    );
}

/// Takes a conversation out of the collection.
pub(crate) fn take_out(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    conversation: &Conversation,
) {
    let id = conversation.id();
    let removed = transaction.cells(application).by_id.remove(&id);
    transaction.discard(removed);
    transaction.remove(
        application,
        |cells| &mut cells.conversations,
        |item| item == conversation,
    );
    let backend = Arc::clone(&application.fixed.fixed.model.backend);
    transaction.call(Box::new(move || backend.forget_conversation(id)));
}

impl fmt::Debug for ConversationsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationsManager")
            .finish_non_exhaustive()
    }
}
