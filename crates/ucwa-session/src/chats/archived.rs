//! Conversations that are known from the archive only: over, and ready to be started again.

use std::time::SystemTime;

use super::Chats;
use super::conversation::{Conversation, State};
use crate::core::Core;
use crate::event::{Participant, ParticipantCapabilities, SessionEvent};
use crate::keys::{ConversationKey, ParticipantKey};

impl Chats {
    /// The conversation of two with this person that goes by this thread id.
    pub(crate) fn of_thread(&self, thread_id: &str, peer: &str) -> Option<ConversationKey> {
        let is_meant = |conversation: &&Conversation| {
            conversation.thread_id == thread_id
                && conversation
                    .peer
                    .as_ref()
                    .is_some_and(|it| it.eq_ignore_ascii_case(peer))
        };
        self.conversations
            .values()
            .find(is_meant)
            .map(|conversation| conversation.key)
    }

    /// When the conversation first came to life in this session, if it did.
    pub(crate) fn began_at(&self, key: ConversationKey) -> Option<SystemTime> {
        self.conversations.get(&key)?.began_at
    }

    pub(crate) fn knows(&self, key: ConversationKey) -> bool {
        self.conversations.contains_key(&key)
    }

    /// A conversation of former days. Should it be started again, its thread goes on.
    pub(crate) fn add_archived(
        &mut self,
        core: &mut Core,
        peer: &str,
        name: Option<String>,
        thread_id: Option<String>,
        subject: Option<String>,
    ) -> ConversationKey {
        let key = ConversationKey::Remote(core.number());
        let participant = ParticipantKey::Remote(core.number());
        let thread_id = thread_id.unwrap_or_else(|| core.uuid());
        let mut conversation =
            Conversation::with_peer(key, participant, peer.to_owned(), thread_id);
        conversation.state = State::Ended;
        conversation.subject.clone_from(&subject);
        self.conversations.insert(key, conversation);
        core.emit(SessionEvent::Archived {
            conversation: key,
            peer: Participant {
                key: participant,
                uri: Some(peer.to_owned()),
                name,
                role: None,
                anonymous: false,
                in_lobby: false,
                capabilities: ParticipantCapabilities::default(),
            },
            subject,
        });
        key
    }
}
