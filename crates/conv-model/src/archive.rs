//! The archived conversations, and whether new conversations are archived.

use crate::conversations_manager::ConversationsManager;
use crate::model::Step;
use crate::observable::Property;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::reason::{Reason, ReasonCode};
use crate::request::Request;
use crate::sync::Arc;

/// The state that decides which commands on the archive are enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArchiveCommandState {
    pub(crate) signed_in: bool,
    /// The user can switch the archiving of new conversations.
    pub(crate) settable: bool,
    /// All archived conversations are loaded.
    pub(crate) complete: bool,
}

type Rule = fn(&ArchiveCommandState) -> Result<(), Reason>;

impl ArchiveCommandState {
    fn signed_in(&self) -> Result<(), Reason> {
        if self.signed_in {
            Ok(())
        } else {
            Err(Reason::new(ReasonCode::SignedOut))
        }
    }

    fn more_conversations(&self) -> Result<(), Reason> {
        self.signed_in()?;
        if self.complete {
            Err(Reason::new(ReasonCode::InvalidState)
                .with_message("all archived conversations are loaded"))
        } else {
            Ok(())
        }
    }

    fn set_history(&self) -> Result<(), Reason> {
        self.signed_in()?;
        if self.settable {
            Ok(())
        } else {
            Err(Reason::new(ReasonCode::NotSupported)
                .with_message("the server decides whether conversations are archived"))
        }
    }
}

impl ConversationsManager {
    /// Loads up to `count` more archived conversations, the newest first. They appear in
    /// [`conversations`](Self::conversations), Disconnected, and can be restarted.
    /// [`get_more_activity_items`](crate::HistoryService::get_more_activity_items) loads their messages. Enabled when signed
    /// in, until all are loaded.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports:
    /// [`NotSupported`](ReasonCode::NotSupported) if the server has no archive.
    pub fn get_more_conversations(&self, count: u32) -> CommandFuture<()> {
        self.invoke(
            ArchiveCommandState::more_conversations,
            Request::MoreConversations(count),
        )
    }

    /// [`get_more_conversations`](Self::get_more_conversations) as a [`Command`].
    #[must_use]
    pub fn get_more_conversations_command(&self) -> Command<u32, ()> {
        self.command(ArchiveCommandState::more_conversations, |manager, count| {
            manager.get_more_conversations(count)
        })
    }

    /// Whether the server archives new conversations. Such a server also accepts invitations for a user who is available;
    /// the user then [acknowledges](crate::Conversation::acknowledge) the conversation.
    #[must_use]
    pub fn is_history_enabled(&self) -> Property<bool> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.history_enabled,
        })
    }

    /// Switches the archiving of new conversations on or off. [`is_history_enabled`](Self::is_history_enabled) changes after
    /// the server has accepted the change. Enabled when signed in, if the server lets its users decide.
    ///
    /// # Errors
    /// Fails at once if the command is not enabled. Otherwise fails with the reason that the protocol reports.
    pub fn set_history_enabled(&self, enabled: bool) -> CommandFuture<()> {
        self.invoke(
            ArchiveCommandState::set_history,
            Request::SetHistory(enabled),
        )
    }

    /// [`set_history_enabled`](Self::set_history_enabled) as a [`Command`].
    #[must_use]
    pub fn set_history_enabled_command(&self) -> Command<bool, ()> {
        self.command(ArchiveCommandState::set_history, |manager, enabled| {
            manager.set_history_enabled(enabled)
        })
    }

    fn invoke(&self, rule: Rule, request: Request) -> CommandFuture<()> {
        self.node.fixed.model.command(|transaction| {
            rule(transaction.cells(&self.node).archive.get()).map_err(disabled)?;
            Ok(Step::request(request))
        })
    }

    fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let command_state = Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.archive,
        });
        let enabled = command_state.map_with_reason(move |command_state, _| {
            let result = rule(command_state);
            (result.is_ok(), result.err())
        });
        let manager = self.clone();
        Command::new(enabled, move |arguments| run(&manager, arguments))
    }
}
