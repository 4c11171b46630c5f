//! Files of recorded traffic, and their exchanges in the order of sending.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use conv_transport::{Entry, Har, HarBodyError, HarError, HarPlace, Lane};
use http::Uri;

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrafficError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {}{source}", path.display(), on_line(*.line))]
    Traffic {
        path: PathBuf,
        /// The line of the entry and the member that the error names.
        line: Option<usize>,
        source: HarError,
    },
}

fn on_line(number: Option<usize>) -> String {
    number.map_or_else(String::new, |number| format!("line {number}, "))
}

/// The error of a file, with the line of the entry that it is about.
pub(crate) fn in_file(path: &Path, source: HarError) -> TrafficError {
    let place = match &source {
        HarError::Entry { number, member, .. } => Some((*number, *member)),
        HarError::Secret {
            number: Some(number),
            ..
        } => Some((*number, "")),
        // The others say themselves where it is, or are about no place.
        _ => None,
    };
    let line = place.and_then(|(number, member)| {
        let place = HarPlace::find(&fs::read(path).ok()?, Some(number), member)?;
        Some(place.line)
    });
    TrafficError::Traffic {
        path: path.to_owned(),
        line,
        source,
    }
}

/// Reads a HAR file.
pub(crate) fn read(path: &Path) -> Result<Har, TrafficError> {
    let bytes = fs::read(path).map_err(|source| TrafficError::Io {
        path: path.to_owned(),
        source,
    })?;
    Har::from_slice(&bytes).map_err(|source| in_file(path, source))
}

/// An entry of a file, and its number there, counted from 1.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'h> {
    pub(crate) number: usize,
    pub(crate) entry: &'h Entry,
}

impl Exchange<'_> {
    /// The bodies of the request and of the response.
    pub(crate) fn bodies(self) -> Result<[Bytes; 2], HarError> {
        let failed = |member| {
            move |error: HarBodyError| HarError::Entry {
                number: self.number,
                member,
                reason: error.to_string(),
            }
        };
        let request = self.entry.request.body();
        let response = self.entry.response.body();
        Ok([
            request.map_err(failed("request.postData"))?,
            response.map_err(failed("response.content"))?,
        ])
    }
}

/// The exchanges in the order of sending. Files of other programs have only dates.
pub(crate) fn in_order(har: &Har) -> Vec<Exchange<'_>> {
    let entries = har.log.entries.iter().enumerate();
    let mut exchanges: Vec<Exchange<'_>> = entries
        .map(|(index, entry)| Exchange {
            number: index + 1,
            entry,
        })
        .collect();
    if exchanges.iter().all(|it| it.entry.sent.is_some()) {
        exchanges.sort_by_key(|it| it.entry.sent);
    } else {
        let date = |entry: &Entry| entry.started_date_time.parse::<jiff::Timestamp>().ok();
        exchanges.sort_by_key(|it| date(it.entry));
    }
    exchanges
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

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use clap::Parser;

    use super::*;
    use crate::{diff, fixture, redact, replay};

    /// A fixture with another traffic, in a folder of its own that is removed at the end.
    struct Broken(PathBuf);

    impl Broken {
        fn new(name: &str, traffic: &str) -> Self {
            let id = std::process::id();
            let folder = std::env::temp_dir().join(format!("xtask-{id}-{name}"));
            fs::create_dir_all(&folder).unwrap();
            let good = fixture::fixtures().join("outgoing-declined-json");
            for file in ["scenario.toml", "timeline.jsonl"] {
                fs::copy(good.join(file), folder.join(file)).unwrap();
            }
            fs::write(folder.join(fixture::TRAFFIC), traffic).unwrap();
            Self(folder)
        }
    }

    impl Drop for Broken {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[derive(Parser)]
    struct Line<A: clap::Args> {
        #[command(flatten)]
        arguments: A,
    }

    fn arguments<A: clap::Args>(words: &[&str]) -> A {
        let words = [""].iter().chain(words);
        Line::<A>::parse_from(words).arguments
    }

    fn redacted(file: &Path) -> Result<(), TrafficError> {
        redact::redact(&arguments(&[file.to_str().unwrap()]))
    }

    fn good() -> String {
        let folder = fixture::fixtures().join("outgoing-declined-json");
        fs::read_to_string(folder.join(fixture::TRAFFIC)).unwrap()
    }

    #[test]
    fn every_chore_says_where_a_file_is_cut_off() {
        let good = good();
        let cut = good.find("oauthtoken\",").unwrap();
        let broken = Broken::new("cut", &good[..cut]);
        let file = broken.0.join(fixture::TRAFFIC);
        let line = good[..cut].lines().count();
        let name = file.to_str().unwrap();
        for error in [
            read(&file).err().unwrap().to_string(),
            redacted(&file).unwrap_err().to_string(),
            diff::compare(&arguments(&[name, name]))
                .unwrap_err()
                .to_string(),
            replay::check(&broken.0).unwrap_err().to_string(),
        ] {
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains(&format!("line {line}, column ")), "{error}");
            assert!(error.contains("entry 4, member request.url: "), "{error}");
        }
    }

    #[test]
    fn a_malformed_member_is_named_with_its_line() {
        let good = good();
        let (before, after) = good.split_once("\"text\": \"{\\\"access_token").unwrap();
        let bad = format!("{before}\"encoding\": \"base64\", \"text\": \"?{after}");
        let broken = Broken::new("content", &bad);
        let error = redacted(&broken.0.join(fixture::TRAFFIC)).unwrap_err();
        let error = error.to_string();
        let content = before.rfind("\"content\": {").unwrap();
        let line = before[..content].lines().count();
        let place = format!("line {line}, entry 4, member response.content: its base64");
        assert!(error.contains(&place), "{error}");

        let bad = good.replacen("2015-03-02T10:00:00.040000Z", "yesterday", 1);
        let line = 1 + bad.lines().position(|it| it.contains("yesterday")).unwrap();
        let broken = Broken::new("date", &bad);
        let error = replay::check(&broken.0).unwrap_err().to_string();
        let place = format!("line {line}, entry 3, member startedDateTime: ");
        assert!(error.contains(&place), "{error}");
    }
}
