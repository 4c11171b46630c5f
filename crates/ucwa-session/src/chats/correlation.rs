//! The index from the server's hrefs and operation IDs to conversations.

use std::collections::BTreeMap;
use std::sync::Arc;

use ucwa_proto::HrefKey;

use super::purpose::InvitationId;
use crate::hash_map::SeedlessHashMap;
use crate::keys::ConversationKey;
use crate::recent::Recent;

/// How many ended conversations, invitations and operations are kept. Events are late by a few pages, not by thousands of
/// conversations.
const MAX_ENDED: usize = 1_024;

/// The hrefs, operation IDs and thread IDs of conversations and invitations in this application.
#[derive(Default)]
pub(super) struct Index {
    conversations: SeedlessHashMap<HrefKey, ConversationKey>,
    /// Conversations that ended. A late event must not reach the conversation that replaced an ended one.
    ended: Recent<HrefKey, ConversationKey, MAX_ENDED>,
    /// The invitations without a result, outgoing and incoming, by href.
    invitations: SeedlessHashMap<HrefKey, (ConversationKey, InvitationId)>,
    /// The outgoing invitations without a result, by operation ID. An entry is added before the request is sent, since
    /// events may precede the response.
    operations: BTreeMap<String, Operation>,
    /// The outgoing invitations with a result, by operation ID.
    completed_operations: Recent<Arc<str>, ConversationKey, MAX_ENDED>,
    /// Incoming invitations with a result. A late event must not offer such an invitation again.
    completed_invitations: Recent<HrefKey, (), MAX_ENDED>,
    /// The live conferences by their thread ID.
    conferences: BTreeMap<String, ConversationKey>,
}

struct Operation {
    conversation: ConversationKey,
    /// The hrefs of the invitation in its response and its events.
    hrefs: Vec<HrefKey>,
}

impl Index {
    // Conversations.

    pub(super) fn conversation(&self, href: &HrefKey) -> Option<ConversationKey> {
        self.conversations.get(href).copied()
    }

    /// The conversation that was at this href before it ended or got another href.
    pub(super) fn ended(&self, href: &HrefKey) -> Option<ConversationKey> {
        self.ended.get(href).copied()
    }

    /// The hrefs at which this conversation was before, the newest first.
    pub(super) fn former_hrefs(
        &self,
        conversation: ConversationKey,
    ) -> impl Iterator<Item = &HrefKey> {
        let hrefs = self.ended.keys().rev();
        hrefs.filter(move |href| self.ended(href) == Some(conversation))
    }

    pub(super) fn is_known(&self, href: &HrefKey) -> bool {
        self.conversations.contains_key(href) || self.ended.contains(href)
    }

    pub(super) fn known_hrefs(&self) -> Vec<HrefKey> {
        let mut hrefs: Vec<_> = self.conversations.keys().cloned().collect();
        hrefs.sort_unstable();
        hrefs
    }

    /// Binds an href to a conversation. `true` if the same conversation was at this href before and ended.
    pub(super) fn bind(&mut self, href: HrefKey, conversation: ConversationKey) -> bool {
        let resumed = self.ended.remove(&href) == Some(conversation);
        self.conversations.insert(href, conversation);
        resumed
    }

    /// Removes the binding. The href counts as ended.
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

    /// Adds an outgoing invitation or the invitation of a participant.
    pub(super) fn open_operation(&mut self, operation: &str, conversation: ConversationKey) {
        let opened = Operation {
            conversation,
            hrefs: Vec::new(),
        };
        self.operations.insert(operation.to_owned(), opened);
    }

    /// Sets the href of an outgoing invitation.
    pub(super) fn locate_operation(&mut self, operation: &str, href: HrefKey) {
        if let Some(opened) = self.operations.get_mut(operation) {
            let id = InvitationId::Outgoing(operation.to_owned());
            self.invitations
                .insert(href.clone(), (opened.conversation, id));
            opened.hrefs.push(href);
        }
    }

    /// Marks an outgoing invitation as completed. Later events are still matched with its conversation.
    pub(super) fn complete_operation(&mut self, operation: &str) {
        if let Some(conversation) = self.forget_operation(operation) {
            self.completed_operations
                .insert(operation.into(), conversation);
        }
    }

    /// Removes an operation that does not exist at the server.
    pub(super) fn forget_operation(&mut self, operation: &str) -> Option<ConversationKey> {
        let opened = self.operations.remove(operation)?;
        for href in opened.hrefs {
            self.invitations.remove(&href);
        }
        Some(opened.conversation)
    }

    /// The conversation of an outgoing invitation, with or without a result.
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

    /// The incoming or outgoing invitation without a result at this href.
    pub(super) fn invitation(&self, href: &HrefKey) -> Option<&(ConversationKey, InvitationId)> {
        self.invitations.get(href)
    }

    /// Whether the incoming invitation was seen before, with or without a result.
    pub(super) fn is_known_invitation(&self, href: &HrefKey) -> bool {
        self.invitations.contains_key(href) || self.completed_invitations.contains(href)
    }
}
