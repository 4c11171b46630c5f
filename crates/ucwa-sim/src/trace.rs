//! What happened, in lines for a person to read.

use std::fmt;
use std::time::Duration;

/// The lines of one run, in order; empty unless the run was asked to keep them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    kept: bool,
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn new(kept: bool) -> Self {
        Self {
            kept,
            lines: Vec::new(),
        }
    }

    /// Notes something; the arguments are only formatted when they are kept.
    pub(crate) fn note(&mut self, now: Duration, who: &str, what: fmt::Arguments<'_>) {
        if self.kept {
            self.lines
                .push(format!("{:>11.6} {who:<10} {what}", now.as_secs_f64()));
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
