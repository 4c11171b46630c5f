//! What a replay has to say at its end.

use std::{error::Error, fmt};

/// How the live traffic differed from the recording.
///
/// It names methods, paths and parameters, never the value of a parameter, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayReport {
    /// Recorded exchanges that never took place.
    pub unused: Vec<Unmatched>,
    /// Live requests that are not in the recording.
    pub unexpected: Vec<Unmatched>,
}

/// A request on one side that has no counterpart on the other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// Which one: the number of the entry in the file, or of the live request, counted from 1.
    pub number: usize,
    /// Its method and path, with the names of its parameters.
    pub request: String,
    /// The one on the other side that comes nearest, if any is of use.
    pub nearest: Option<Nearest>,
}

/// The nearest candidate, and why it is not the one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nearest {
    /// Which one, counted as in [`Unmatched::number`].
    pub number: usize,
    /// Its method and path, with the names of its parameters.
    pub request: String,
    /// What differs, as a sentence.
    pub difference: String,
}

impl Error for ReplayReport {}

impl fmt::Display for ReplayReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the live traffic is not the recorded one: {} unused, {} unexpected",
            self.unused.len(),
            self.unexpected.len()
        )?;
        for unused in &self.unused {
            write!(f, "\n  unused entry {unused}")?;
        }
        for unexpected in &self.unexpected {
            write!(f, "\n  unexpected request {unexpected}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number, self.request)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; the nearest is {nearest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.number, self.request, self.difference)
    }
}
