//! Which conversation an event is about: the conversations by the hrefs and operation IDs that the server names.

use std::collections::BTreeMap;

use ucwa_proto::HrefKey;

use super::purpose::InvitationId;
use crate::keys::ConversationKey;
use crate::recent::Recent;

/// How many ended conversations, invitations and operations are remembered. Events come late by pages, not by thousands
/// of conversations.
const MAX_ENDED: usize = 1_024;

/// The names under which the server speaks of conversations and invitations, in this application.
#[derive(Default)]
pub(super) struct Index {
    conversations: BTreeMap<HrefKey, ConversationKey>,
    /// Conversations that ended: a late event must not reach the one that was started in their place.
    ended: Recent<HrefKey, ConversationKey, MAX_ENDED>,
    /// The invitations that have no result, of this user and of others, by their hrefs.
    invitations: BTreeMap<HrefKey, (ConversationKey, InvitationId)>,
    /// This user's invitations that have no result, by operation ID. An entry precedes the request: events may come
    /// before its response.
    operations: BTreeMap<String, Operation>,
    /// This user's invitations that have a result, by operation ID.
    completed_operations: Recent<String, ConversationKey, MAX_ENDED>,
    /// Incoming invitations that have a result: a late event must not offer them again.
    completed_invitations: Recent<HrefKey, (), MAX_ENDED>,
    /// The live conferences by their thread ID.
    conferences: BTreeMap<String, ConversationKey>,
}

struct Operation {
    conversation: ConversationKey,
    /// The hrefs of the invitation, as its response and its events say.
    hrefs: Vec<HrefKey>,
}

impl Index {
    // Conversations.

    pub(super) fn conversation(&self, href: &HrefKey) -> Option<ConversationKey> {
        self.conversations.get(href).copied()
    }

    /// The conversation that an href belonged to before it ended or moved.
    pub(super) fn ended(&self, href: &HrefKey) -> Option<ConversationKey> {
        self.ended.get(href).copied()
    }

    pub(super) fn is_known(&self, href: &HrefKey) -> bool {
        self.conversations.contains_key(href) || self.ended.contains(href)
    }

    pub(super) fn known_hrefs(&self) -> Vec<HrefKey> {
        self.conversations.keys().cloned().collect()
    }

    /// Binds an href to a conversation. `true` if the conversation ended there before, and goes on now.
    pub(super) fn bind(&mut self, href: HrefKey, conversation: ConversationKey) -> bool {
        let resumed = self.ended.remove(&href) == Some(conversation);
        self.conversations.insert(href, conversation);
        resumed
    }

    /// The conversation is no longer at this href.
    pub(super) fn unbind(&mut self, href: HrefKey, conversation: ConversationKey) {
        self.conversations.remove(&href);
        self.ended.insert(href, conversation);
    }

    /// The live conference with a thread ID.
    pub(super) fn conference(&self, thread_id: &str) -> Option<ConversationKey> {
        self.conferences.get(thread_id).copied()
    }

    pub(super) fn add_conference(&mut self, thread_id: &str, conversation: ConversationKey) {
        self.conferences.insert(thread_id.to_owned(), conversation);
    }

    pub(super) fn remove_conference(&mut self, thread_id: &str, conversation: ConversationKey) {
        if self.conference(thread_id) == Some(conversation) {
            self.conferences.remove(thread_id);
        }
    }

    // Invitations.

    /// An outgoing invitation begins, or the invitation of a participant.
    pub(super) fn open_operation(&mut self, operation: &str, conversation: ConversationKey) {
        let opened = Operation {
            conversation,
            hrefs: Vec::new(),
        };
        self.operations.insert(operation.to_owned(), opened);
    }

    /// The outgoing invitation is at `href`.
    pub(super) fn locate_operation(&mut self, operation: &str, href: HrefKey) {
        if let Some(opened) = self.operations.get_mut(operation) {
            let id = InvitationId::Outgoing(operation.to_owned());
            self.invitations
                .insert(href.clone(), (opened.conversation, id));
            opened.hrefs.push(href);
        }
    }

    /// The outgoing invitation has a result. Later events still find its conversation.
    pub(super) fn complete_operation(&mut self, operation: &str) {
        if let Some(conversation) = self.forget_operation(operation) {
            self.completed_operations
                .insert(operation.to_owned(), conversation);
        }
    }

    /// The server does not know the operation, or not any more.
    pub(super) fn forget_operation(&mut self, operation: &str) -> Option<ConversationKey> {
        let opened = self.operations.remove(operation)?;
        for href in opened.hrefs {
            self.invitations.remove(&href);
        }
        Some(opened.conversation)
    }

    /// The conversation of an operation of this user's, with or without a result.
    pub(super) fn operation(&self, operation: &str) -> Option<ConversationKey> {
        let opened = self.operations.get(operation).map(|it| it.conversation);
        opened.or_else(|| self.completed_operations.get(operation).copied())
    }

    /// The conversations with an outgoing invitation that has no result.
    pub(super) fn inviting(&self) -> impl Iterator<Item = ConversationKey> {
        self.operations.values().map(|opened| opened.conversation)
    }

    pub(super) fn open_incoming(&mut self, href: &HrefKey, conversation: ConversationKey) {
        let id = InvitationId::Incoming(href.clone());
        self.invitations.insert(href.clone(), (conversation, id));
    }

    pub(super) fn complete_incoming(&mut self, href: HrefKey) {
        self.invitations.remove(&href);
        self.completed_invitations.insert(href, ());
    }

    /// The invitation without a result at this href.
    pub(super) fn invitation(&self, href: &HrefKey) -> Option<&(ConversationKey, InvitationId)> {
        self.invitations.get(href)
    }

    /// Whether an incoming invitation has no result, or had one.
    pub(super) fn is_known_invitation(&self, href: &HrefKey) -> bool {
        self.invitations.contains_key(href) || self.completed_invitations.contains(href)
    }
}
