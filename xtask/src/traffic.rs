//! What the chores on recordings have in common: files, and the exchanges in the order of their sending.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use conv_transport::{Entry, Har, HarError, Lane};
use http::Uri;

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrafficError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Traffic { path: PathBuf, source: HarError },
}

/// Reads a HAR file.
pub(crate) fn read(path: &Path) -> Result<Har, TrafficError> {
    let bytes = fs::read(path).map_err(|source| TrafficError::Io {
        path: path.to_owned(),
        source,
    })?;
    Har::from_slice(&bytes).map_err(|source| TrafficError::Traffic {
        path: path.to_owned(),
        source,
    })
}

/// The exchanges in the order of their sending; those of another program have dates only.
pub(crate) fn in_order(har: &Har) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = har.log.entries.iter().collect();
    if entries.iter().all(|entry| entry.sent.is_some()) {
        entries.sort_by_key(|entry| entry.sent);
    } else {
        let date = |entry: &Entry| entry.started_date_time.parse::<jiff::Timestamp>().ok();
        entries.sort_by_key(|entry| date(entry));
    }
    entries
}

/// The path of a URL or of a reference, with its query.
pub(crate) fn path_and_query(url: &str) -> String {
    match url.parse::<Uri>() {
        Ok(uri) => uri
            .path_and_query()
            .map_or("/", |it| it.as_str())
            .to_owned(),
        Err(_) => url.to_owned(),
    }
}

/// `events` or `commands`; files of other programs do not tell.
pub(crate) fn lane(entry: &Entry) -> &'static str {
    match entry.lane {
        Some(Lane::Events) => "events",
        Some(Lane::Commands) => "commands",
        None => "-",
    }
}

/// The status, or why there is none.
pub(crate) fn status(entry: &Entry) -> String {
    match (&entry.error, entry.response.status) {
        (Some(error), _) => error.kind.to_string(),
        (None, 0) if entry.aborted => "aborted".to_owned(),
        (None, 0) => "no response".to_owned(),
        (None, status) => status.to_string(),
    }
}

/// Gives values names of their own, in the order in which they are met.
#[derive(Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// The name of `value`, made by `make` from its number where it is new.
    pub(crate) fn of(&mut self, value: &str, make: impl FnOnce(usize) -> String) -> &str {
        let number = self.0.len() + 1;
        self.0
            .entry(value.to_owned())
            .or_insert_with(|| make(number))
    }

    /// The values with their names.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0.iter();
        pairs.map(|(value, name)| (value.as_str(), name.as_str()))
    }
}
