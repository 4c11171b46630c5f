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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::fixture::scenario::{Scenario, Step};

    fn scenario(name: &str) -> Scenario {
        fixture::scenario(&fixture::fixtures().join(name)).unwrap()
    }

    #[test]
    fn the_same_scenario_gives_the_same_recording() {
        let scenario = scenario("outgoing-delivered-json");
        let (one, two) = (record(&scenario).unwrap(), record(&scenario).unwrap());
        assert_eq!(one.traffic.to_vec().unwrap(), two.traffic.to_vec().unwrap());
        assert_eq!(one.timeline, two.timeline);
    }

    #[test]
    fn a_file_with_a_secret_is_not_written() {
        let recording = record(&scenario("outgoing-declined-xml")).unwrap();
        assert!(recording.secrets.len() >= 2, "a token and a password");
        recording
            .check(&recording.traffic.to_vec().unwrap())
            .unwrap();
        for secret in &recording.secrets {
            let file = format!("{{\"text\": \"{secret}\"}}");
            let checked = recording.check(file.as_bytes());
            assert!(matches!(checked, Err(RecordError::Secret)), "{checked:?}");
        }
    }

    #[test]
    fn no_fixture_holds_a_password_or_a_token() {
        for folder in fixture::folders().unwrap() {
            let scenario = fixture::scenario(&folder).unwrap();
            let mut secrets = record(&scenario).unwrap().secrets;
            // What every token of the embedded server begins with, and the password in whatever form.
            secrets.extend(["cwt=", "sesame"].map(str::to_owned));
            for file in fs::read_dir(&folder).unwrap() {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                for secret in &secrets {
                    assert!(!text.contains(secret), "{}", path.display());
                }
            }
            let traffic = fs::read_to_string(folder.join("traffic.har")).unwrap();
            let bearers = traffic.matches("Bearer ").count();
            assert!(bearers > 0, "{}", folder.display());
        }
    }

    #[test]
    fn a_part_that_goes_wrong_names_its_step() {
        let mut scenario = scenario("outgoing-declined-json");
        scenario.other.steps[1] = Step::Wait { seconds: 60 };
        let error = record(&scenario).err().unwrap().to_string();
        assert!(
            error.starts_with("toshm@contoso.com: step 3, Send {"),
            "{error}"
        );
        assert!(error.contains("Missed"), "{error}");
    }
}
