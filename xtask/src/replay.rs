//! `cargo xtask replay`: whether an application does on recorded traffic what it did when that was recorded.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use conv_transport::{HarError, Replay, ReplayOptions, ReplayReport};
use skype_p2p::BuildError;

use crate::{
    fixture::{
        self, Fixture, FixtureError,
        actor::{Misstep, Role, play},
        timeline::difference,
    },
    virtual_time,
};

/// The values that a client makes up. With the seed of the scenario they are those of the recording for as long as clients
/// make them up in the same way, which is nobody's promise.
const CLIENT_MADE: [&str; 3] = ["endpointId", "operationId", "threadId"];

/// Any password matches the recorded one, which is not in the recording.
const ANY_PASSWORD: &str = "any";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Folders with `scenario.toml`, `traffic.har` and `timeline.jsonl`; without any, those of `fixtures/`
    folders: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let folders = if arguments.folders.is_empty() {
        match fixture::folders() {
            Ok(folders) => folders,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    } else {
        arguments.folders.clone()
    };
    let mut passed = 0;
    for folder in &folders {
        let name = folder.file_name().unwrap_or(folder.as_os_str()).display();
        match check(folder) {
            Ok(()) => {
                passed += 1;
                println!("pass  {name}");
            }
            Err(failure) => println!("FAIL  {name}\n{failure}"),
        }
    }
    let failed = folders.len() - passed;
    println!("{passed} passed, {failed} failed");
    // Nothing to replay is no success.
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check(folder: &Path) -> Result<(), Failure> {
    replay(&Fixture::read(folder)?)
}

/// Plays the scenario on its traffic. The application must do all of it and nothing else, and must observe the timeline.
pub(crate) fn replay(fixture: &Fixture) -> Result<(), Failure> {
    virtual_time(async {
        let options = ReplayOptions::new().client_made(CLIENT_MADE);
        let traffic = Arc::new(Replay::new(&fixture.traffic, options)?);
        let (timeline, performed) =
            play(&fixture.scenario, Role::User, traffic.clone(), ANY_PASSWORD).await?;
        let differences = Differences {
            misstep: performed.err(),
            timeline: difference(&fixture.timeline, &timeline.text()),
            traffic: traffic.finish().err(),
        };
        if differences.is_none() {
            Ok(())
        } else {
            Err(differences.into())
        }
    })
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Fixture(#[from] FixtureError),
    #[error("{0}")]
    Traffic(#[from] HarError),
    #[error("{0}")]
    Application(#[from] BuildError),
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
    #[error("{0}")]
    Different(Box<Differences>),
}

impl From<Differences> for Failure {
    fn from(differences: Differences) -> Self {
        Self::Different(Box::new(differences))
    }
}

/// How a replay went otherwise than its recording.
#[derive(Debug)]
pub(crate) struct Differences {
    pub(crate) misstep: Option<Misstep>,
    pub(crate) timeline: Option<String>,
    pub(crate) traffic: Option<ReplayReport>,
}

impl Differences {
    fn is_none(&self) -> bool {
        self.misstep.is_none() && self.timeline.is_none() && self.traffic.is_none()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(misstep) = &self.misstep {
            writeln!(f, "  {misstep}")?;
        }
        if let Some(traffic) = &self.traffic {
            writeln!(f, "  {traffic}")?;
        }
        if let Some(timeline) = &self.timeline {
            writeln!(f, "  another timeline than expected (-):\n{timeline}")?;
        }
        Ok(())
    }
}
