//! The writer of facts into a model.

use std::fmt;

use crate::application::ApplicationNode;
use crate::archive::ArchiveCommandState;
use crate::contact_list;
use crate::conversation::Conversation;
use crate::conversations_manager::{insert_item, new_conversation, remove_item};
use crate::fact::{ConversationFact, Fact, PersonFact};
use crate::fact_parts::{Archived, Discovered, Incoming};
use crate::group_commands;
use crate::ids::ConversationId;
use crate::observable::store::Transaction;
use crate::people;
use crate::reason::{Reason, ReasonCode};
use crate::states::{
    CallConnectionState, ConnectionState, ConversationState, ParticipantState, SignInState,
};
use crate::sync::Arc;

/// Writes facts into a model.
///
/// Dropping the writer ends the model's connection to the protocol: the model signs out, if it is not signed out, and every
/// command in flight ends with [`SignedOut`](ReasonCode::SignedOut), as does every later command that needs the protocol.
pub struct ModelWriter {
    node: Arc<ApplicationNode>,
}

impl ModelWriter {
    pub(crate) const fn new(node: Arc<ApplicationNode>) -> Self {
        Self { node }
    }

    /// Applies facts, in this order, as one transaction: all of them are committed before a change is delivered. The futures
    /// of the commands that the facts complete resolve after the deliveries.
    ///
    /// Facts about unknown conversations, participants and messages, and facts that do not fit the present state, change
    /// nothing.
    pub fn commit(&self, facts: impl IntoIterator<Item = Fact>) {
        // The iterator is foreign code, which runs outside the lock.
        let facts: Vec<Fact> = facts.into_iter().collect();
        let model = &self.node.fixed.model;
        let now = model.backend.now();
        self.node.store.transact(|transaction| {
            *transaction.cells(&model.clock) = now;
            for fact in facts {
                self.apply(transaction, fact);
            }
        });
    }

    fn apply(&self, transaction: &mut Transaction<'_>, fact: Fact) {
        match fact {
            Fact::SignIn { state, reason } => self.sign_in(transaction, state, reason),
            Fact::Connection { state, reason } => {
                if *transaction.cells(&self.node).sign_in.get() == SignInState::SignedIn {
                    transaction.set(&self.node, |cells| &mut cells.connection, state, reason);
                }
            }
            Fact::Me {
                address,
                display_name,
            } => {
                let me = self.node.fixed.me.person();
                people::identify(transaction, &me, &address);
                me.set_name(transaction, display_name.as_deref());
            }
            Fact::Person { address, fact } => {
                if let PersonFact::RelationshipLevel(level) = &fact {
                    let model = &self.node.fixed.model;
                    contact_list::apply_level(transaction, model, &address, *level);
                }
                if let Some(person) = people::find(transaction, &self.node.fixed.model, &address) {
                    person.apply(transaction, fact);
                    // This may be the last handle on the person by now.
                    transaction.discard(person);
                }
            }
            Fact::ContactList(fact) => {
                contact_list::apply(transaction, &self.node.fixed.contact_list, fact);
            }
            Fact::Incoming(incoming) => self.add_incoming(transaction, incoming),
            Fact::Discovered(discovered) => {
                self.add_discovered(transaction, discovered, ConversationState::Connecting);
            }
            Fact::Archived(archived) => self.add_archived(transaction, archived),
            Fact::MoreConversations(more) => {
                self.change_archive(transaction, |archive| archive.complete = !more);
            }
            Fact::History { enabled, settable } => {
                self.change_archive(transaction, |archive| archive.settable = settable);
                transaction.set(
                    &self.node,
                    |cells| &mut cells.history_enabled,
                    enabled,
                    None,
                );
            }
            Fact::Conversation {
                conversation: id,
                fact,
            } => match self.find(transaction, id) {
                Some(conversation) => self.apply_to(transaction, &conversation, fact),
                None => tracing::debug!(?id, "ignored a fact about an unknown conversation"),
            },
            Fact::UnreadConversations(count) => {
                transaction.set(&self.node, |cells| &mut cells.unread, count, None);
            }
            Fact::Completed { command, result } => {
                let model = &self.node.fixed.model;
                model.complete(transaction, command, result);
            }
        }
    }

    fn sign_in(
        &self,
        transaction: &mut Transaction<'_>,
        state: SignInState,
        reason: Option<Reason>,
    ) {
        let conversations: Vec<_> = transaction
            .cells(&self.node)
            .conversations
            .iter()
            .cloned()
            .collect();
        for conversation in &conversations {
            let signed_in = state == SignInState::SignedIn;
            conversation.change_command_state(transaction, |command_state| {
                command_state.signed_in = signed_in;
            });
            let begun = matches!(
                conversation.command_state(transaction).state,
                ConversationState::Connecting | ConversationState::Connected
            );
            if state == SignInState::SignedOut && begun {
                self.apply_to(
                    transaction,
                    conversation,
                    ConversationFact::Ended {
                        reason: reason.clone(),
                    },
                );
            }
        }
        self.change_archive(transaction, |archive| {
            archive.signed_in = state == SignInState::SignedIn;
        });
        group_commands::change_command_state(transaction, &self.node.fixed.model, |contacts| {
            contacts.signed_in = state == SignInState::SignedIn;
        });
        if state == SignInState::SignedOut {
            let reason = reason.clone();
            let reason = reason.unwrap_or_else(|| Reason::new(ReasonCode::SignedOut));
            self.node.fixed.model.sign_out(transaction, reason);
        }
        let was_signed_in = *transaction.cells(&self.node).sign_in.get() == SignInState::SignedIn;
        let connection = match state {
            SignInState::SignedIn if !was_signed_in => Some(ConnectionState::Connected),
            SignInState::SignedIn => None,
            _ => Some(ConnectionState::Disconnected),
        };
        if let Some(connection) = connection {
            let reason = reason.clone();
            transaction.set(
                &self.node,
                |cells| &mut cells.connection,
                connection,
                reason,
            );
        }
        transaction.set(&self.node, |cells| &mut cells.sign_in, state, reason);
    }

    fn add_incoming(&self, transaction: &mut Transaction<'_>, incoming: Incoming) {
        let Incoming {
            conversation: id,
            from,
            subject,
            importance,
            context,
            auto_accepted,
            group,
            preview,
        } = incoming;
        if self.find(transaction, id).is_some() {
            return;
        }
        let creator = people::find_or_create(
            transaction,
            &self.node.fixed.model,
            &from.address,
            from.display_name.as_deref(),
        );
        let chat = if auto_accepted {
            CallConnectionState::Connecting
        } else {
            CallConnectionState::Notified
        };
        let preview = preview.filter(|_| !auto_accepted);
        let conversation = new_conversation(
            transaction,
            &self.node,
            id,
            Some(creator),
            ConversationState::Connecting,
            chat,
        );
        let inviter = conversation.find_or_add_participant(transaction, &from);
        inviter.set_state(transaction, ParticipantState::Connecting, None);
        conversation.set(
            transaction,
            |cells| &mut cells.topic,
            subject.unwrap_or_default(),
        );
        conversation.set(transaction, |cells| &mut cells.importance, importance);
        conversation.set(transaction, |cells| &mut cells.context, context);
        let cells = transaction.cells(&conversation.node);
        cells.offered.clone_from(&preview);
        conversation.set(transaction, |cells| &mut cells.preview, preview);
        self.insert(transaction, &conversation, group);
    }

    /// Adds a conversation that has no invitation to answer.
    fn add_discovered(
        &self,
        transaction: &mut Transaction<'_>,
        discovered: Discovered,
        state: ConversationState,
    ) {
        let Discovered {
            conversation: id,
            participants,
            subject,
            group,
        } = discovered;
        if self.find(transaction, id).is_some() {
            return;
        }
        let chat = CallConnectionState::Disconnected;
        let conversation = new_conversation(transaction, &self.node, id, None, state, chat);
        for participant in &participants {
            conversation.find_or_add_participant(transaction, participant);
        }
        conversation.set(
            transaction,
            |cells| &mut cells.topic,
            subject.unwrap_or_default(),
        );
        self.insert(transaction, &conversation, group);
    }

    fn add_archived(&self, transaction: &mut Transaction<'_>, archived: Archived) {
        let found = Discovered {
            conversation: archived.conversation,
            participants: archived.participants,
            subject: archived.subject,
            group: None,
        };
        self.add_discovered(transaction, found, ConversationState::Disconnected);
    }

    fn change_archive(
        &self,
        transaction: &mut Transaction<'_>,
        change: impl FnOnce(&mut ArchiveCommandState),
    ) {
        let mut archive = *transaction.cells(&self.node).archive.get();
        change(&mut archive);
        transaction.set(&self.node, |cells| &mut cells.archive, archive, None);
    }

    fn insert(
        &self,
        transaction: &mut Transaction<'_>,
        conversation: &Conversation,
        group: Option<String>,
    ) {
        if group.is_some() {
            conversation.apply(transaction, ConversationFact::Group { uri: group });
        }
        insert_item(transaction, &self.node, conversation);
    }

    fn apply_to(
        &self,
        transaction: &mut Transaction<'_>,
        conversation: &Conversation,
        fact: ConversationFact,
    ) {
        conversation.apply(transaction, fact);
        let cells = transaction.cells(&conversation.node);
        if cells.is_removed && *cells.state.get() == ConversationState::Disconnected {
            remove_item(transaction, &self.node, conversation);
        }
    }

    fn find(&self, transaction: &mut Transaction<'_>, id: ConversationId) -> Option<Conversation> {
        let known = transaction.cells(&self.node).by_id.get(id);
        known.map(|(_, conversation)| conversation.clone())
    }
}

impl Drop for ModelWriter {
    fn drop(&mut self) {
        let reason =
            Reason::new(ReasonCode::SignedOut).with_message("the application was shut down");
        self.node.store.transact(|transaction| {
            if *transaction.cells(&self.node).sign_in.get() != SignInState::SignedOut {
                self.sign_in(transaction, SignInState::SignedOut, Some(reason.clone()));
            }
            self.node.fixed.model.close(transaction, reason);
        });
    }
}

impl fmt::Debug for ModelWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelWriter").finish_non_exhaustive()
    }
}
