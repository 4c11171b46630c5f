//! The options of `probe` and `probe sign-in`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, value_parser};

use crate::{json_line::LineFormat, session::SessionOptions, time_limit::seconds};

/// The options of `probe`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Probe {
    /// A part of the probe.
    #[command(subcommand)]
    pub command: Option<ProbeCommand>,
    /// Repetition and output.
    #[command(flatten)]
    pub rounds: Rounds,
    /// The sender, and the time limit of each probe.
    #[command(flatten)]
    pub session: SessionOptions,
    /// The receiver.
    #[command(flatten)]
    pub receiver: Receiver,
}

/// A part of the probe.
#[derive(Debug, Subcommand)]
pub enum ProbeCommand {
    /// Measure the sign-in of one user only
    ///
    /// The exit code is 0 if the user could sign in, and 4 if not. `skype-p2p --help` lists the others.
    SignIn(Box<ProbeSignIn>),
}

/// The options of `probe sign-in`.
#[derive(Debug, Args)]
pub struct ProbeSignIn {
    /// Repetition and output.
    #[command(flatten)]
    pub rounds: Rounds,
    /// The user, and the time limit of each probe.
    #[command(flatten)]
    pub session: SessionOptions,
}

/// The user who receives the message.
#[derive(Debug, Args)]
#[command(next_help_heading = "Receiver")]
pub struct Receiver {
    /// The receiver: user@domain, with or without sip:, who signs in with the settings of the sender
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "to_profile",
        conflicts_with = "to_profile"
    )]
    pub to: Option<String>,
    /// The profile of the receiver, which has all settings of their sign-in: options and environment variables are those of
    /// the sender
    #[arg(long, value_name = "NAME")]
    pub to_profile: Option<String>,
    /// A file whose first line is the password of the receiver, or - for standard input. Without the option, the password is
    /// that of SKYPE_P2P_TO_PASSWORD, or else that of skype-p2p login, or else the command asks for it at the terminal
    #[arg(long, value_name = "FILE")]
    pub to_password_file: Option<PathBuf>,
}

/// Repetition and output of a probe.
#[derive(Debug, Args)]
pub struct Rounds {
    /// How many probes to make: 1 by default, and with --interval alone until interrupted
    #[arg(long, value_name = "TIMES", value_parser = value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    /// The time from the beginning of one probe to that of the next, in seconds: 60 by default
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub interval: Option<Duration>,
    /// Write the metrics of the last probe into this file, for the textfile collector of a Prometheus node exporter
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// The form of the results.
    #[command(flatten)]
    pub lines: LineFormat,
}

impl Probe {
    /// The options of the first user.
    pub(crate) fn session(&self) -> &SessionOptions {
        match &self.command {
            Some(ProbeCommand::SignIn(args)) => &args.session,
            None => &self.session,
        }
    }
}
