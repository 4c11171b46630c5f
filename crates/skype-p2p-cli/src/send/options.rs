//! The options of `send`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};

use crate::{
    history::Archiving, json_line::LineFormat, session::SessionOptions, time_limit::seconds,
};

/// The options of `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// The receiver: a SIP address, with or without sip:. May be given several times: each receiver gets a chat of their own
    #[arg(long, value_name = "SIP", required = true)]
    pub to: Vec<String>,
    /// The message, or - to read it from standard input. Write -- before a message that is an option, such as -v
    #[arg(
        allow_hyphen_values = true,
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    pub message: Option<String>,
    /// Read the message from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The message is HTML
    #[arg(long)]
    pub html: bool,
    /// The subject of the conversation
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub subject: Option<String>,
    /// Send the message up to this number of times more, as long as it was certainly not delivered, another attempt can succeed,
    /// and the time limit has not passed
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    pub retry: u32,
    /// Send the message only if no earlier call of this user with this key has sent it. The results of earlier calls are in the
    /// outbox, a folder in ~/.local/state; a key is removed 30 days after its last use
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub idempotency_key: Option<String>,
    /// Send the message again if an earlier call with the key may have sent it, for example because it was killed
    #[arg(long, requires = "idempotency_key")]
    pub resend: bool,
    /// Stay in the conversations for this time after the delivery, in seconds, and write the answers
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait: Option<Duration>,
    /// The form of the results and the answers.
    #[command(flatten)]
    pub lines: LineFormat,
    /// The archive of the server.
    #[command(flatten)]
    pub archiving: Archiving,
    /// Check the command line, the message and the password, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The user, the server and the time limit.
    #[command(flatten)]
    pub session: SessionOptions,
}
