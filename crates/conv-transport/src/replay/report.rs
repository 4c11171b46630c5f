//! What a replay reports: entries that it left out, and how the live traffic differed.

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

/// An entry of the file that takes no part in the replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The number of the entry in the file, counted from 1.
    pub number: usize,
    /// The reason.
    pub reason: LeftOutReason,
}

/// Why an entry takes no part in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LeftOutReason {
    /// The URL has a scheme other than `http` and `https`: `data:`, `blob:`, a browser's extension.
    Scheme,
    /// A proxy was asked for a tunnel (`CONNECT`).
    Tunnel,
    /// A browser asked whether a page may send a request (`OPTIONS`).
    Preflight,
    /// A WebSocket was opened.
    WebSocket,
    /// The request got no response. It takes part only if the client sends such a request and no other entry answers it; the
    /// request then stays unanswered.
    Failed,
    /// [`without_paths`](super::ReplayOptions::without_paths) names its path.
    Path,
    /// The entry has no method or no URL.
    NoRequest,
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "other scheme",
            Self::Tunnel => "tunnel",
            Self::Preflight => "preflight",
            Self::WebSocket => "WebSocket",
            Self::Failed => "failed request",
            Self::Path => "path to leave out",
            Self::NoRequest => "no request",
        })
    }
}

/// A request on one side that has no counterpart on the other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// The number of the entry in the file, or of the live request, counted from 1.
    pub number: usize,
    /// The method and path, with the names of the parameters.
    pub request: String,
    /// The nearest request on the other side, if there is a similar one.
    pub nearest: Option<Nearest>,
}

/// The nearest request on the other side, and how it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nearest {
    /// The number, counted as in [`Unmatched::number`].
    pub number: usize,
    /// The method and path, with the names of the parameters.
    pub request: String,
    /// The difference, as a sentence.
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
