//! The conversations of former days, and whether new ones are kept.

use crate::application::ApplicationNode;
use crate::conversations_manager::ConversationsManager;
use crate::model::Step;
use crate::observable::Property;
use crate::observable::cell::Field;
use crate::observable::command::{Command, CommandFuture, disabled};
use crate::reason::{Reason, ReasonCode};
use crate::sync::Arc;

/// All that decides which commands on the archive are enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArchiveSituation {
    pub(crate) signed_in: bool,
    /// Whether new conversations are kept can be changed.
    pub(crate) settable: bool,
    /// All conversations of former days are known.
    pub(crate) complete: bool,
}

type Rule = fn(&ArchiveSituation) -> Result<(), Reason>;

impl ArchiveSituation {
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
            Err(Reason::new(ReasonCode::InvalidState).with_message("there is no more"))
        } else {
            Ok(())
        }
    }

    fn set_history(&self) -> Result<(), Reason> {
        self.signed_in()?;
        if self.settable {
            Ok(())
        } else {
            Err(Reason::new(ReasonCode::NotSupported).with_message("the server decides on it"))
        }
    }
}

impl ConversationsManager {
    /// Asks for so many more conversations of former days, the newest first; they appear in
    /// [`conversations`](Self::conversations), Disconnected, and start again like any other. What was said in one is asked for
    /// with [`get_more_activity_items`](crate::HistoryService::get_more_activity_items). Enabled when signed in, until nothing
    /// is left.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides: [`NotSupported`](ReasonCode::NotSupported) where
    /// nothing is archived.
    pub fn get_more_conversations(&self, count: u32) -> CommandFuture<()> {
        self.invoke(ArchiveSituation::more_conversations, move || {
            Step::call(move |backend| backend.more_conversations(count))
        })
    }

    /// [`get_more_conversations`](Self::get_more_conversations) as a value.
    #[must_use]
    pub fn get_more_conversations_command(&self) -> Command<u32, ()> {
        self.command(ArchiveSituation::more_conversations, |manager, count| {
            manager.get_more_conversations(count)
        })
    }

    /// Whether the server keeps what is said. It then also accepts invitations for a user who is there: such a
    /// conversation is to be [acknowledged](crate::Conversation::acknowledge).
    #[must_use]
    pub fn is_history_enabled(&self) -> Property<bool> {
        Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.history_enabled,
        })
    }

    /// Has the server keep what is said, or not any more; [`is_history_enabled`](Self::is_history_enabled) follows when it
    /// agreed. Enabled when signed in, where the server lets its users decide.
    ///
    /// # Errors
    /// At once when it is not enabled; else as the protocol decides.
    pub fn set_history_enabled(&self, enabled: bool) -> CommandFuture<()> {
        self.invoke(ArchiveSituation::set_history, move || {
            Step::call(move |backend| backend.set_history(enabled))
        })
    }

    /// [`set_history_enabled`](Self::set_history_enabled) as a value.
    #[must_use]
    pub fn set_history_enabled_command(&self) -> Command<bool, ()> {
        self.command(ArchiveSituation::set_history, |manager, enabled| {
            manager.set_history_enabled(enabled)
        })
    }

    fn invoke(&self, rule: Rule, step: impl FnOnce() -> Step) -> CommandFuture<()> {
        let node: &ApplicationNode = &self.node;
        node.fixed.fixed.model.command(|transaction| {
            rule(transaction.cells(node).archive.get()).map_err(disabled)?;
            Ok(step())
        })
    }

    fn command<A: Send + 'static>(
        &self,
        rule: Rule,
        run: impl Fn(&Self, A) -> CommandFuture<()> + Send + Sync + 'static,
    ) -> Command<A, ()> {
        let situation = Property::new(Field {
            node: Arc::clone(&self.node),
            cell: |cells| &mut cells.archive,
        });
        let enabled = situation.map_with_reason(move |situation, _| {
            let verdict = rule(situation);
            (verdict.is_ok(), verdict.err())
        });
        let manager = self.clone();
        Command::new(enabled, move |arguments| run(&manager, arguments))
    }
}
