//! The options of `listen`.

use std::{path::PathBuf, time::Duration};

use clap::{
    Args, ValueEnum,
    builder::{NonEmptyStringValueParser, PossibleValuesParser},
};

use super::Sender;
use crate::{
    history::Archiving, json_line::LineFormat, sign_in::SignIn, time_limit::seconds,
    timeline::Event,
};

/// The options of `listen`.
#[derive(Debug, Args)]
pub struct Listen {
    /// The invitations to accept
    #[arg(long, value_enum, default_value_t = Accept::None)]
    pub accept: Accept,
    /// A sender whose invitations --accept known accepts: a SIP address, or @DOMAIN for all its users. May be given several times.
    /// Users of the own domain are always accepted
    #[arg(long, value_name = "SIP")]
    pub known: Vec<Sender>,
    /// Only the invitations and messages of this sender are written, accepted and answered: a SIP address, or @DOMAIN for all its
    /// users. May be given several times
    #[arg(long, value_name = "SIP")]
    pub from: Vec<Sender>,
    /// Write only lines of this event. May be given several times
    #[arg(
        long = "event",
        value_name = "EVENT",
        value_parser = PossibleValuesParser::new(Event::ALL.map(Event::as_str))
    )]
    pub events: Vec<String>,
    /// Answer each message of a person with its text after "Echo: ". Answers of --echo and --exec are not answered, and at
    /// most five messages of a conversation are answered in a second, and 200 in an hour
    #[arg(long)]
    pub echo: bool,
    /// Answer each message of a person with the output of this command, which a shell runs: the text is on its standard
    /// input, the other fields are in SKYPE_P2P_FROM, SKYPE_P2P_FROM_NAME, SKYPE_P2P_CONVERSATION, SKYPE_P2P_MESSAGE,
    /// SKYPE_P2P_SENT_AT, SKYPE_P2P_SUBJECT and SKYPE_P2P_GROUP. Each answer begins with `[bot]`, and the limits are those of
    /// --echo
    #[arg(
        long,
        value_name = "COMMAND",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "echo"
    )]
    pub exec: Option<String>,
    /// The time limit for the command of --exec, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, requires = "exec")]
    pub exec_timeout: Duration,
    /// The form of the lines.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The archive of the server.
    #[command(flatten)]
    pub archiving: Archiving,
    /// Append the lines to this file too, as with --json. A new file can be read by its owner only
    #[arg(long, value_name = "FILE")]
    pub transcript: Option<PathBuf>,
    /// The user, the server and the credentials.
    #[command(flatten)]
    pub sign_in: SignIn,
}

/// The invitations to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Accept {
    /// No invitation: each one is shown, and rings until another device answers
    None,
    /// Invitations of users of the own domain and of --known
    Known,
    /// All invitations
    All,
}
