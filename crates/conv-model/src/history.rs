//! The history of a conversation.

use std::time::SystemTime;

use crate::command_state::CommandState;
use crate::conversation::Conversation;
use crate::message::TextMessage;
use crate::model::Step;
use crate::observable::Collection;
use crate::observable::command::{Command, CommandFuture};
use crate::observable::list::ListField;
use crate::participant::Participant;
use crate::reason::Reason;
use crate::request::Request;
use crate::sync::Arc;

/// An item of the history of a conversation. Ignore unknown kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivityItem {
    /// A text message.
    TextMessage(TextMessage),
    /// A participant joined, or was admitted from the lobby.
    ParticipantJoined(ParticipantActivity),
    /// A participant left while the conversation continued.
    ParticipantLeft(ParticipantActivity),
}

/// A participant joined or left. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParticipantActivity(Arc<Activity>);

/// Shared, so that the items of a history, most of which are messages, are small.
#[derive(Debug, PartialEq, Eq)]
struct Activity {
    participant: Participant,
    timestamp: SystemTime,
    reason: Option<Reason>,
}

impl ParticipantActivity {
    pub(crate) fn new(
        participant: Participant,
        timestamp: SystemTime,
        reason: Option<Reason>,
    ) -> Self {
        Self(Arc::new(Activity {
            participant,
            timestamp,
            reason,
        }))
    }

    /// The participant.
    #[must_use]
    pub fn participant(&self) -> &Participant {
        &self.0.participant
    }

    /// The local time when the event arrived.
    #[must_use]
    pub fn timestamp(&self) -> SystemTime {
        self.0.timestamp
    }

    /// The reason why the participant left, if there is one.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.0.reason.as_ref()
    }
}

/// The history of a conversation, archived items included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryService(Conversation);

impl HistoryService {
    pub(crate) const fn new(conversation: Conversation) -> Self {
        Self(conversation)
    }

    /// The known items: first the archived ones by their time, then the others in the order of calls and arrivals.
    #[must_use]
    pub fn activity_items(&self) -> Collection<ActivityItem> {
        Collection::new(ListField {
            node: Arc::clone(&self.0.node),
            list: |cells| &mut cells.activities,
        })
    }

    /// Loads more archived items, which appear in [`activity_items`](Self::activity_items). Enabled when signed in, until all
    /// are loaded.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn get_more_activity_items(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::more_history, |_, conversation| {
                Ok(Step::request(Request::MoreHistory(conversation.id())))
            })
    }

    /// Marks the archived messages as read, which lowers the number of [unread
    /// conversations](crate::ConversationsManager::unread_conversations_count) if the conversation was missed. Enabled when
    /// signed in and a loaded archived conversation is unread.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn mark_as_read(&self) -> CommandFuture<()> {
        self.0
            .invoke(CommandState::mark_as_read, |_, conversation| {
                Ok(Step::request(Request::MarkAsRead(conversation.id())))
            })
    }

    /// [`mark_as_read`](Self::mark_as_read) as a [`Command`].
    #[must_use]
    pub fn mark_as_read_command(&self) -> Command<(), ()> {
        self.0
            .command(CommandState::mark_as_read, |conversation, ()| {
                conversation.history_service().mark_as_read()
            })
    }

    /// [`get_more_activity_items`](Self::get_more_activity_items) as a [`Command`].
    #[must_use]
    pub fn get_more_activity_items_command(&self) -> Command<(), ()> {
        self.0
            .command(CommandState::more_history, |conversation, ()| {
                conversation.history_service().get_more_activity_items()
            })
    }
}
