//! The history of a conversation.

use crate::conversation::Conversation;
use crate::message::TextMessage;
use crate::model::Step;
use crate::observable::Collection;
use crate::observable::command::{Command, CommandFuture};
use crate::request::Request;
use crate::situation::Situation;

/// An item of the history of a conversation. Ignore unknown kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivityItem {
    /// A text message.
    TextMessage(TextMessage),
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
        self.0
            .chat_service()
            .messages()
            .map(|message| ActivityItem::TextMessage(message.clone()))
    }

    /// Loads more archived items, which appear in [`activity_items`](Self::activity_items). Enabled when signed in, until all
    /// are loaded.
    ///
    /// # Errors
    /// Fails at once if it is not enabled. Otherwise the protocol decides.
    pub fn get_more_activity_items(&self) -> CommandFuture<()> {
        self.0.invoke(Situation::more_history, |_, conversation| {
            Ok(Step::ask(Request::MoreHistory(conversation.id())))
        })
    }

    /// [`get_more_activity_items`](Self::get_more_activity_items) as a value.
    #[must_use]
    pub fn get_more_activity_items_command(&self) -> Command<(), ()> {
        self.0.command(Situation::more_history, |conversation, ()| {
            conversation.history_service().get_more_activity_items()
        })
    }
}
