//! The options of `send`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::NonEmptyStringValueParser};

use crate::{history::Archiving, sign_in::SignIn};

/// The options of `send`.
#[derive(Debug, Args)]
pub struct Send {
    /// The user, the server and the credentials.
    #[command(flatten)]
    pub sign_in: SignIn,
    /// The receiver: a SIP address, with or without sip:. May be given several times: each receiver gets a chat of their own
    #[arg(long, value_name = "SIP", required = true)]
    pub to: Vec<String>,
    /// The message, or - to read it from standard input. Write -- before a message that is an option, such as -v
    #[arg(
        value_parser = NonEmptyStringValueParser::new(),
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
    /// The time limit for the sign-in and the delivery together, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, visible_alias = "deadline")]
    pub timeout: Duration,
    /// How often to send the message again if it was certainly not delivered and a later attempt can succeed, within the time
    /// limit
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    pub retry: u32,
    /// Send the message only if no earlier call of this user with this key has sent it. Earlier calls are in the outbox in
    /// ~/.local/state, each key for 30 days after its last use
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    pub idempotency_key: Option<String>,
    /// Send the message again if an earlier call with the key may have sent it, for example because it was killed
    #[arg(long, requires = "idempotency_key")]
    pub resend: bool,
    /// Stay in the conversations for this time after the delivery, and write the answers
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub wait: Option<Duration>,
    /// Write a JSON object for each result and each answer
    #[arg(long)]
    pub json: bool,
    /// The archive of the server.
    #[command(flatten)]
    pub archiving: Archiving,
    /// Check the command line, the message and the password, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A time in whole seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
        _ => Err("expected a whole number of seconds, at least 1".to_owned()),
    }
}
