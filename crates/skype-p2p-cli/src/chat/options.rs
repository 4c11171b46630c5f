//! The options of `chat`.

use clap::Args;

use super::ThemeName;
use crate::{history::Archiving, sign_in::SignIn};

/// The options of `chat`.
#[derive(Debug, Args)]
pub struct Chat {
    /// Open the chat with this person: a SIP address, with or without sip:
    #[arg(value_name = "SIP")]
    pub with: Option<String>,
    /// The colors of the screen. There are none with --color never, or with NO_COLOR
    #[arg(long, value_enum, default_value_t = ThemeName::Dark)]
    pub theme: ThemeName,
    /// Use the mouse: a click selects a conversation, and the wheel scrolls. The terminal then selects no text, or only with
    /// Shift
    #[arg(long)]
    pub mouse: bool,
    /// The archive of the server.
    #[command(flatten)]
    pub archiving: Archiving,
    /// The user, the server and the credentials.
    #[command(flatten)]
    pub sign_in: SignIn,
}
