//! What happened in a conversation, also in former days.

use crate::conversation::Conversation;
use crate::message::TextMessage;
use crate::model::Step;
use crate::observable::Collection;
use crate::observable::command::{Command, CommandFuture};
use crate::situation::Situation;

/// Something that happened in a conversation. Ignore the kinds that you do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivityItem {
    /// A text message.
    TextMessage(TextMessage),
}

/// What happened in a conversation, also in former days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryService(Conversation);

impl HistoryService {
    pub(crate) const fn new(conversation: Conversation) -> Self {
        Self(conversation)
    }

    /// All that is known to have happened: what was archived first, by its time, then what happened since, in the order of
    /// calls and arrivals.
    #[must_use]
    pub fn activity_items(&self) -> Collection<ActivityItem> {
        self.0
            .chat_service()
            .messages()
            .map(|message| ActivityItem::TextMessage(message.clone()))
    }

    /// Asks for more of what happened before; it appears in [`activity_items`](Self::activity_items). Enabled when signed in,
    /// until there is no more.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn get_more_activity_items(&self) -> CommandFuture<()> {
        self.0.invoke(Situation::more_history, |_, conversation| {
            let id = conversation.id();
            Ok(Step::call(move |backend| backend.more_history(id)))
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
