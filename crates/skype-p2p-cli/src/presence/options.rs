//! The options of `presence`.

use clap::{Args, Subcommand, ValueEnum};
use skype_p2p::PersonStatus;

use crate::{
    json_line::LineFormat,
    session::{Persons, SessionOptions},
};

/// The commands about presence.
#[derive(Debug, Subcommand)]
pub enum PresenceCommand {
    /// Write the status and the note of each person
    ///
    /// The exit code is 1 if the presence of a person cannot be read.
    Get(PresenceOf),
    /// Publish the status of the user
    ///
    /// If no other program of the user is signed in, the user is Offline again when the command ends. A later sign-in with this
    /// program changes neither the status nor the note.
    Set(PresenceSet),
    /// Write the status and the note of each person, and again after each change, until interrupted
    ///
    /// The time limit ends with the first line. The exit code is 0 when interrupted, and 1 if a person cannot be found or the server
    /// ended the session.
    Watch(PresenceOf),
}

impl PresenceCommand {
    pub(crate) fn session(&self) -> &SessionOptions {
        match self {
            Self::Get(args) | Self::Watch(args) => &args.session,
            Self::Set(args) => &args.session,
        }
    }
}

/// The options of `presence get` and `presence watch`.
#[derive(Debug, Args)]
pub struct PresenceOf {
    /// The persons.
    #[command(flatten)]
    pub persons: Persons,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The options of `presence set`.
#[derive(Debug, Args)]
pub struct PresenceSet {
    /// The status, in any case
    #[arg(value_enum, ignore_case = true)]
    pub availability: Availability,
    /// The personal note. An empty text removes the note
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The form of the line.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// A status that a user can publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Availability {
    /// Available
    #[value(name = "Online")]
    Online,
    /// Busy
    #[value(name = "Busy")]
    Busy,
    /// Wants no interruptions: chats are refused
    #[value(name = "DoNotDisturb")]
    DoNotDisturb,
    /// Will be right back
    #[value(name = "BeRightBack")]
    BeRightBack,
    /// Away
    #[value(name = "Away")]
    Away,
    /// No status of the user's own: the server determines it
    #[value(name = "Reset")]
    Reset,
}

impl TryFrom<Availability> for PersonStatus {
    type Error = ();

    /// Fails for `Reset`.
    fn try_from(availability: Availability) -> Result<Self, ()> {
        Ok(match availability {
            Availability::Online => Self::Online,
            Availability::Busy => Self::Busy,
            Availability::DoNotDisturb => Self::DoNotDisturb,
            Availability::BeRightBack => Self::BeRightBack,
            Availability::Away => Self::Away,
            Availability::Reset => return Err(()),
        })
    }
}
