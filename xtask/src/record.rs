//! `cargo xtask record`: the traffic and the timeline of a scenario, played with the embedded server.

use std::{io, process::ExitCode, sync::Arc};

use conv_transport::{Har, HarError, Record, RecordOptions};
use skype_p2p::BuildError;

use crate::{
    fixture::{
        self, FixtureError,
        actor::{Misstep, Role, play},
        office::{Office, PASSWORD},
        scenario::Scenario,
    },
    virtual_time,
};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder of `fixtures/` that holds `scenario.toml`
    name: String,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match record_into(&arguments.name) {
        Ok(exchanges) => {
            println!("{}: {exchanges} exchanges", arguments.name);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", arguments.name);
            ExitCode::FAILURE
        }
    }
}

fn record_into(name: &str) -> Result<usize, RecordError> {
    let folder = fixture::fixtures().join(name);
    let recording = record(&fixture::scenario(&folder)?)?;
    let traffic = recording.traffic.to_vec()?;
    recording.check(&traffic)?;
    fixture::write(&folder, &traffic, &recording.timeline)?;
    Ok(recording.traffic.log.entries.len())
}

/// What was recorded of the user's application, and what must not be in it.
pub(crate) struct Recording {
    pub(crate) traffic: Har,
    pub(crate) timeline: String,
    pub(crate) secrets: Vec<String>,
}

/// Plays both parts of the scenario.
pub(crate) fn record(scenario: &Scenario) -> Result<Recording, RecordError> {
    virtual_time(async {
        let office = Office::open(scenario).map_err(RecordError::Scenario)?;
        let recorder = Arc::new(Record::new(
            office.clone(),
            RecordOptions::new(scenario.starts),
        ));
        let (user, other) = tokio::join!(
            play(scenario, Role::User, recorder.clone(), PASSWORD),
            play(scenario, Role::Other, Arc::new(office.clone()), PASSWORD),
        );
        let ((timeline, user), (_, other)) = (user?, other?);
        let part = |role: Role| {
            let who = role.of(scenario).who().to_owned();
            move |misstep| RecordError::Part {
                who,
                misstep: Box::new(misstep),
            }
        };
        user.map_err(part(Role::User))?;
        other.map_err(part(Role::Other))?;
        Ok(Recording {
            traffic: recorder.har(),
            timeline: timeline.text(),
            secrets: office
                .tokens()
                .into_iter()
                .chain([PASSWORD.to_owned()])
                .collect(),
        })
    })
}

impl Recording {
    /// Whether the file that is about to be written holds a secret.
    fn check(&self, file: &[u8]) -> Result<(), RecordError> {
        let holds = |secret: &String| {
            file.windows(secret.len())
                .any(|part| part == secret.as_bytes())
        };
        if self.secrets.iter().any(holds) {
            return Err(RecordError::Secret);
        }
        Ok(())
    }
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("{0}")]
    Fixture(#[from] FixtureError),
    #[error("{0}")]
    Scenario(String),
    #[error("{0}")]
    Application(#[from] BuildError),
    #[error("no runtime: {0}")]
    Runtime(#[from] io::Error),
    #[error("{who}: {misstep}")]
    Part { who: String, misstep: Box<Misstep> },
    #[error("{0}")]
    Traffic(#[from] HarError),
    #[error("the recording would hold a password or a token")]
    Secret,
}
