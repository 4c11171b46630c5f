//! `--archive`: has the server archive the conversations of a command.

use clap::Args;
use skype_p2p::Application;

use crate::{console::Console, failure::Failure, session::refused};

/// Whether the server archives the conversations of a command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Archiving {
    /// Have the server archive the conversations of this command for the user; skype-p2p history reads them. Meanwhile the
    /// server accepts every invitation for the user
    #[arg(long)]
    pub archive: bool,
}

impl Archiving {
    /// Turns archiving on if the option asks for it. The setting belongs to the application at the server, so it ends with the
    /// sign-out.
    ///
    /// # Errors
    ///
    /// If the server has no archive, or refuses the change.
    pub(crate) async fn turn_on(
        self,
        application: &Application,
        console: Console,
    ) -> Result<(), Failure> {
        if !self.archive {
            return Ok(());
        }
        let manager = application.conversations_manager();
        let turned_on = manager.set_history_enabled(true).await;
        turned_on.map_err(|reason| {
            refused("Cannot turn archiving on", &reason)
                .with_hint("without --archive, the conversations are not archived")
        })?;
        console.detail("The server archives the conversations.");
        Ok(())
    }
}
