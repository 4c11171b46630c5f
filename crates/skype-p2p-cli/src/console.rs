//! Standard error: errors, notices and the log. The options `-v`, `-q`, `--log` and `--color`.

use std::{
    env,
    fmt::Display,
    io::{IsTerminal as _, Write as _, stderr},
    pin::pin,
    time::Duration,
};

use clap::{ArgAction, Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::timeout;
use tracing_subscriber::EnvFilter;

use crate::{failure::Failure, timeline::printable};

/// The time after which a command at a terminal writes what it is waiting for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What standard error contains.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Notices and log")]
pub struct ConsoleOptions {
    /// Add the causes to each error, with codes, hosts and IDs. -vv also logs the requests
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Write errors only, no notices
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to log: a level or a filter such as skype_p2p=debug. The default is RUST_LOG, or else errors
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// When to color the log and the screen of chat
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// When to write colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// At a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object in each line, also for notices and errors. Only workers of a fleet have it.
    #[cfg(feature = "fleet")]
    Json,
}

/// A notice or an error in JSON, with the members of the log.
#[derive(Serialize)]
struct LogLine<'a> {
    timestamp: String,
    level: &'a str,
    message: &'a str,
    target: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    causes: &'a [String],
}

/// Writes to standard error. A failed write is ignored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Console {
    verbose: u8,
    quiet: bool,
    format: LogFormat,
}

impl Console {
    /// Starts the log with this filter, unless the process has a log.
    ///
    /// # Errors
    ///
    /// If the filter of the log cannot be read.
    pub(crate) fn open(
        options: &ConsoleOptions,
        log: Option<&str>,
        format: LogFormat,
    ) -> Result<Self, Failure> {
        let console = Self {
            verbose: options.verbose,
            quiet: options.quiet,
            format,
        };
        let filter = match log {
            Some(filter) => EnvFilter::try_new(filter).map_err(|error| {
                Failure::usage(format!(
                    "Cannot use {filter:?} as the filter of the log: {error}."
                ))
            })?,
            None if options.verbose > 1 => EnvFilter::new("debug"),
            None => EnvFilter::from_default_env(),
        };
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let ansi = match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stderr().is_terminal() && !no_color,
        };
        // A program that embeds this crate may have a subscriber already.
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(stderr)
            .with_ansi(ansi && format == LogFormat::Text)
            // A closed standard error must not cause a panic.
            .log_internal_errors(false);
        let _ = match format {
            LogFormat::Text => log.try_init(),
            #[cfg(feature = "fleet")]
            LogFormat::Json => log.json().flatten_event(true).try_init(),
        };
        Ok(console)
    }

    /// Writes something that is not an error.
    pub(crate) fn notice(self, what: impl Display) {
        if !self.quiet {
            self.write("INFO", &what.to_string(), None);
        }
    }

    /// Writes a detail that only `-v` shows.
    pub(crate) fn detail(self, what: impl Display) {
        if self.verbose > 0 {
            complain(what);
        }
    }

    /// Waits for `work`. At a terminal, writes `what` if that takes more than a second.
    pub(crate) async fn progress<T>(self, what: &str, work: impl Future<Output = T>) -> T {
        if self.quiet || !stderr().is_terminal() {
            return work.await;
        }
        let mut work = pin!(work);
        if let Ok(done) = timeout(PATIENCE, &mut work).await {
            return done;
        }
        complain(what);
        work.await
    }

    /// Writes an error: a sentence, a hint, and with `-v` the causes.
    pub(crate) fn error(self, failure: &Failure) {
        self.write("ERROR", failure.message(), Some(failure));
        if self.format == LogFormat::Text {
            self.advice(failure);
        }
    }

    /// Writes a sentence. In JSON, its members are those of the log.
    fn write(self, level: &str, message: &str, failure: Option<&Failure>) {
        if self.format == LogFormat::Text {
            return complain(message);
        }
        let object = LogLine {
            timestamp: Timestamp::now().to_string(),
            level,
            message,
            target: env!("CARGO_CRATE_NAME"),
            hint: failure.and_then(Failure::hint),
            causes: failure.map_or(&[], Failure::causes),
        };
        let object = serde_json::to_string(&object).unwrap_or_default();
        let _ = writeln!(stderr(), "{object}");
    }

    /// Writes the hint of an error whose sentence is on standard output, and with `-v` its causes.
    pub(crate) fn advice(self, failure: &Failure) {
        if let Some(hint) = failure.hint() {
            line(format_args!("  hint: {hint}"));
        }
        if self.verbose > 0 {
            for cause in failure.causes() {
                line(format_args!("  cause: {cause}"));
            }
        }
    }
}

/// Writes one line with the name of the program.
pub(crate) fn complain(what: impl Display) {
    line(format_args!("skype-p2p: {what}"));
}

fn line(what: impl Display) {
    let _ = writeln!(stderr(), "{}", printable(&what.to_string()));
}
