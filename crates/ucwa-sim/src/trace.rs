//! The trace of a run: one line for each input, output and fault.

use std::fmt;
use std::time::Duration;

/// The lines of one run, in order. Empty unless [`Options::trace`](crate::Options::trace) is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    enabled: bool,
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            lines: Vec::new(),
        }
    }

    /// Adds a line. `text` is formatted only if the trace is enabled.
    pub(crate) fn note(&mut self, now: Duration, source: &str, text: fmt::Arguments<'_>) {
        if self.enabled {
            self.lines
                .push(format!("{:>11.6} {source:<10} {text}", now.as_secs_f64()));
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
