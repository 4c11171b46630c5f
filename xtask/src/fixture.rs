//! A fixture: what an application does, the traffic that it once had, and what it must observe.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use conv_transport::Har;
use ucwa_har::FileError;

pub(crate) mod actor;
mod contact_list;
pub(crate) mod office;
pub(crate) mod scenario;
pub(crate) mod timeline;

use self::scenario::Scenario;

const SCENARIO: &str = "scenario.toml";
pub(crate) const TRAFFIC: &str = "traffic.har";
const TIMELINE: &str = "timeline.jsonl";

/// A folder of `fixtures/`, read.
pub(crate) struct Fixture {
    pub(crate) scenario: Scenario,
    pub(crate) traffic: Har,
    /// What must be observed, a JSON object per line.
    pub(crate) timeline: String,
}

/// Why a folder is no fixture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FixtureError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Scenario {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("{0}")]
    Traffic(#[from] FileError),
}

impl Fixture {
    pub(crate) fn read(folder: &Path) -> Result<Self, FixtureError> {
        Ok(Self {
            traffic: ucwa_har::read(&folder.join(TRAFFIC))?,
            scenario: scenario(folder)?,
            timeline: read(&folder.join(TIMELINE))?,
        })
    }
}

/// The scenario alone, which is there before the first recording.
pub(crate) fn scenario(folder: &Path) -> Result<Scenario, FixtureError> {
    let path = scenario_file(folder);
    toml::from_str(&read(&path)?).map_err(|source| FixtureError::Scenario {
        path,
        source: Box::new(source),
    })
}

/// Where a folder has its scenario.
pub(crate) fn scenario_file(folder: &Path) -> PathBuf {
    folder.join(SCENARIO)
}

/// Writes what was recorded beside the scenario.
pub(crate) fn write(folder: &Path, traffic: &[u8], timeline: &str) -> Result<(), FixtureError> {
    let write = |name, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|source| FixtureError::Io { path, source })
    };
    write(TRAFFIC, traffic)?;
    write(TIMELINE, timeline.as_bytes())
}

/// The folder `fixtures/` of this checkout.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join("fixtures")
}

/// The folders of the fixtures, by name.
pub(crate) fn folders() -> Result<Vec<PathBuf>, FixtureError> {
    let path = fixtures();
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort();
        Ok(folders)
    };
    list().map_err(|source| FixtureError::Io {
        path: path.clone(),
        source,
    })
}

fn read(path: &Path) -> Result<String, FixtureError> {
    fs::read_to_string(path).map_err(|source| FixtureError::Io {
        path: path.to_owned(),
        source,
    })
}
