//! All conversations of a model.

use std::fmt;

use crate::application::ApplicationNode;
use crate::command_state::gone;
use crate::conversation::{Conversation, ConversationIdentity};
use crate::fact_parts::ParticipantFact;
use crate::ids::{ConversationId, ParticipantId};
use crate::model::Step;
use crate::observable::Collection;
use crate::observable::CollectionCommands;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture};
use crate::observable::list::ListField;
use crate::observable::store::Transaction;
use crate::observable::{Key, Property};
use crate::participant::Participant;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::request::{Peer, Request};
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

    /// All conversations, also those that have ended. Only [`remove`](Self::remove) removes a conversation.
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
            resolve: None,
        })
    }

    /// The number of conversations with unread messages, as the server counts missed conversations. It is 0 until the
    /// protocol asks the server, which it does if history is archived or archived conversations were loaded.
    #[must_use]
    pub fn unread_conversations_count(&self) -> Property<usize> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.unread,
        })
    }

    /// The conversation with this one person: the first that has not ended, otherwise a new one, which is in
    /// [`conversations`](Self::conversations) when this returns. Sends no request.
    ///
    /// A new conversation is Created and has one participant with this address.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if `address` is not an address.
    pub fn get_conversation(&self, address: &str) -> Result<Conversation, Reason> {
        let model = &self.node.fixed.model;
        let address = model.backend.normalize_address(address)?;
        Ok(model.store.transact(|transaction| {
            if let Some(conversation) = self.find_by_person(transaction, &address) {
                return conversation;
            }
            let id = ConversationId::Local(model.next_id());
            let creator = Some(self.node.fixed.me.person());
            let conversation = new_conversation(
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
            insert_item(transaction, &self.node, &conversation);
            let request = Request::OpenConversation {
                conversation: id,
                peer: Peer::new(participant, address),
            };
            model.notify(transaction, request);
            conversation
        }))
    }

    /// A new conference, which is in [`conversations`](Self::conversations) when this returns, Created and without
    /// participants. Sends no request. Participants can be added; a start or a message begins the conference and invites
    /// them.
    #[must_use]
    pub fn create_conversation(&self) -> Conversation {
        self.node
            .store
            .transact(|transaction| self.create_conference(transaction, None))
    }

    /// The conference at this address, such as `sip:lenea@contoso.com;gruu;opaque=app:conf:focus:id:8C1RSJYA`: the
    /// conversation with this [`uri`](Conversation::uri), preferably one that has not ended; otherwise a new one, Created,
    /// which is in [`conversations`](Self::conversations) when this returns. A start or a message joins the conference.
    ///
    /// # Errors
    /// [`InvalidArgument`](ReasonCode::InvalidArgument) if `uri` is not an address.
    pub fn get_conversation_by_uri(&self, uri: &str) -> Result<Conversation, Reason> {
        let model = &self.node.fixed.model;
        let uri = model.backend.normalize_address(uri)?;
        Ok(self.node.store.transact(|transaction| {
            self.find_by_uri(transaction, &uri)
                .unwrap_or_else(|| self.create_conference(transaction, Some(uri.clone())))
        }))
    }

    fn create_conference(
        &self,
        transaction: &mut Transaction<'_>,
        uri: Option<String>,
    ) -> Conversation {
        let model = &self.node.fixed.model;
        let id = ConversationId::Local(model.next_id());
        let conversation = new_conversation(
            transaction,
            &self.node,
            id,
            // The creator of a conference that is joined is not known.
            uri.is_none().then(|| self.node.fixed.me.person()),
            ConversationState::Created,
            CallConnectionState::Disconnected,
        );
        conversation.set_group(transaction, uri.clone());
        insert_item(transaction, &self.node, &conversation);
        let request = Request::OpenMeeting {
            conversation: id,
            uri,
        };
        model.notify(transaction, request);
        conversation
    }

    /// Leaves the conversation and removes it from [`conversations`](Self::conversations): at once if it has not begun or has
    /// ended, otherwise when it has ended. The commands of a removed conversation fail with [`Gone`](ReasonCode::Gone).
    ///
    /// # Errors
    /// [`Gone`](ReasonCode::Gone) if the conversation was removed before, [`InvalidArgument`](ReasonCode::InvalidArgument) if it
    /// belongs to another model. If leaving fails, the conversation stays, and this fails with the same reason.
    pub fn remove(&self, conversation: &Conversation) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            if self.find(transaction, conversation.id()).as_ref() != Some(conversation) {
                // Every conversation of this model is in the collection until it is removed.
                if Arc::ptr_eq(&self.node.fixed.model, &conversation.node.fixed.model) {
                    return Err(gone());
                }
                return Err(Reason::new(ReasonCode::InvalidArgument)
                    .with_message("the conversation belongs to another model"));
            }
            if matches!(
                conversation.command_state(transaction).state,
                ConversationState::Created | ConversationState::Disconnected
            ) {
                remove_item(transaction, &self.node, conversation);
                return Ok(Step::Done(()));
            }
            transaction.cells(&conversation.node).is_removed = true;
            conversation.begin_end(transaction);
            let conversation = conversation.clone();
            let request = Request::Leave(conversation.id());
            Ok(Step::request_then(request, move |transaction, result| {
                if result.is_err() {
                    transaction.cells(&conversation.node).is_removed = false;
                }
                result.map(drop)
            }))
        })
    }

    fn find(&self, transaction: &mut Transaction<'_>, id: ConversationId) -> Option<Conversation> {
        let known = transaction.cells(&self.node).by_id.get(id);
        known.map(|(_, conversation)| conversation.clone())
    }

    fn all(&self, transaction: &mut Transaction<'_>) -> Vec<Conversation> {
        let conversations = &transaction.cells(&self.node).conversations;
        conversations.iter().cloned().collect()
    }

    /// The conversation at the address of a conference.
    fn find_by_uri(&self, transaction: &mut Transaction<'_>, uri: &str) -> Option<Conversation> {
        let mut ended = None;
        for conversation in self.all(transaction) {
            let cells = transaction.cells(&conversation.node);
            let known_uri = cells.uri.get().as_deref();
            if cells.is_removed
                || !known_uri.is_some_and(|known| people::is_same_address(known, uri))
            {
                continue;
            }
            if *cells.state.get() != ConversationState::Disconnected {
                return Some(conversation);
            }
            ended.get_or_insert(conversation);
        }
        ended
    }

    /// The first conversation with this one person that has not ended.
    fn find_by_person(
        &self,
        transaction: &mut Transaction<'_>,
        address: &str,
    ) -> Option<Conversation> {
        let mut first: Option<(Key, Conversation)> = None;
        for (id, _) in people::rosters(transaction, &self.node.fixed.model, address) {
            let Some((key, conversation)) = transaction.cells(&self.node).by_id.get(id) else {
                continue;
            };
            let (key, conversation) = (*key, conversation.clone());
            let is_first = first.as_ref().is_none_or(|(first, _)| key < *first);
            if is_first && is_open_with(transaction, &conversation, address) {
                first = Some((key, conversation));
            }
        }
        first.map(|(_, conversation)| conversation)
    }
}

/// Whether the conversation has not ended, and has only the person with this address.
fn is_open_with(
    transaction: &mut Transaction<'_>,
    conversation: &Conversation,
    address: &str,
) -> bool {
    let cells = transaction.cells(&conversation.node);
    let state = *cells.state.get();
    if state == ConversationState::Disconnected || *cells.is_group.get() || cells.is_removed {
        return false;
    }
    // With a second participant, the conversation will begin as a conference.
    if state == ConversationState::Created && cells.participants.len() > 1 {
        return false;
    }
    let peer: Option<Participant> = cells.participants.iter().next().cloned();
    peer.is_some_and(|peer| people::is_same_address(peer.person().address(transaction), address))
}

/// Creates a conversation that is not in the collection yet.
pub(crate) fn new_conversation(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    id: ConversationId,
    creator: Option<crate::person::Person>,
    state: ConversationState,
    chat: CallConnectionState,
) -> Conversation {
    let signed_in = *transaction.cells(application).sign_in.get() == SignInState::SignedIn;
    let model = Arc::clone(&application.fixed.model);
    let myself = Participant::new(
        &model,
        id,
        ParticipantId::Local(model.next_id()),
        application.fixed.me.person(),
    );
    myself.set_chat(transaction, chat, None);
    Conversation::new(
        ConversationIdentity {
            id,
            model,
            myself,
            creator,
        },
        signed_in,
        state,
        chat,
    )
}

/// Adds a complete conversation to the collection.
pub(crate) fn insert_item(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    conversation: &Conversation,
) {
    let key = transaction.push(
        application,
        |cells| &mut cells.conversations,
        conversation.clone(),
    );
    transaction
        .cells(application)
        .by_id
        .insert(conversation.id(), (key, conversation.clone()));
}

/// Removes a conversation from the collection.
pub(crate) fn remove_item(
    transaction: &mut Transaction<'_>,
    application: &Arc<ApplicationNode>,
    conversation: &Conversation,
) {
    let id = conversation.id();
    let removed = transaction.cells(application).by_id.remove(id);
    transaction.discard(removed);
    conversation.leave_rosters(transaction);
    conversation.change_command_state(transaction, |command_state| command_state.removed = true);
    transaction.remove(
        application,
        |cells| &mut cells.conversations,
        |item| item == conversation,
    );
    let model = &application.fixed.model;
    model.notify(transaction, Request::ForgetConversation(id));
}

impl fmt::Debug for ConversationsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConversationsManager")
            .finish_non_exhaustive()
    }
}
