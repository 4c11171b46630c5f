//! `--timeout`, and options with a time.

use std::time::Duration;

use clap::Args;

/// The time limit of a command.
#[derive(Clone, Copy, Debug, Args)]
pub struct TimeLimit {
    /// The time limit in seconds, for everything before the sign-out
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds, visible_alias = "deadline")]
    pub timeout: Duration,
}

/// A time in whole seconds.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.into())),
        _ => Err("expected a whole number of seconds, at least 1".to_owned()),
    }
}
