//! `cargo xtask record`: the traffic and the timeline of a scenario, played with the embedded server or with any other.

mod foreign;

use std::{
    env, io,
    path::PathBuf,
    process::{ExitCode, ExitStatus},
    sync::Arc,
    time::SystemTime,
};

use conv_transport::{Har, HarError, HyperTransport, Record, RecordOptions};
use skype_p2p::{BuildError, Root, TokioRuntime};

use crate::{
    fixture::{
        self, FixtureError,
        actor::{Misstep, Stage, play},
        office::{Office, PASSWORD},
        scenario::{Part, Scenario, Step},
    },
    replay::Failure,
    virtual_time,
};

/// Where a password of the user's is, if not the embedded server's.
const PASSWORD_VARIABLE: &str = "SKYPE_P2P_PASSWORD";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder of `fixtures/` that holds `scenario.toml`
    name: String,
    /// A server other than the embedded one, by the URL where discovery starts. The passwords are in SKYPE_P2P_PASSWORD
    /// (the user's) and SKYPE_P2P_OTHER_PASSWORD (the other's)
    #[arg(long, value_name = "URL")]
    root: Option<String>,
    /// A client other than our application: a program that plays the user, and writes its traffic to standard output as a HAR
    /// file. Its arguments are the URL where discovery starts and the path of the scenario, and the password is in
    /// SKYPE_P2P_PASSWORD
    #[arg(long, value_name = "PROGRAM", conflicts_with = "root")]
    client: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match record_into(arguments) {
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

fn record_into(arguments: &Arguments) -> Result<usize, RecordError> {
    let folder = fixture::fixtures().join(&arguments.name);
    let scenario = fixture::scenario(&folder)?;
    let has_faults = scenario
        .steps()
        .any(|step| matches!(step, Step::Fault { .. }));
    if has_faults && (arguments.root.is_some() || arguments.client.is_some()) {
        let reason = "only a recording of the application with the embedded server has faults";
        return Err(RecordError::Scenario(reason.to_owned()));
    }
    let recording = match (&arguments.root, &arguments.client) {
        (None, None) => record(&scenario)?,
        (_, Some(program)) => {
            foreign::record(&scenario, &fixture::scenario_file(&folder), program)?
        }
        (Some(root), None) => {
            let password = |name| env::var(name).map_err(|_| RecordError::Password(name));
            let passwords = [
                password(PASSWORD_VARIABLE)?,
                password("SKYPE_P2P_OTHER_PASSWORD")?,
            ];
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(record_at(root, passwords, &scenario))?
        }
    };
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

/// Plays both parts of the scenario with the embedded server, in virtual time.
pub(crate) fn record(scenario: &Scenario) -> Result<Recording, RecordError> {
    virtual_time(async {
        let office = Office::open(scenario).map_err(RecordError::Scenario)?;
        let stage = Stage {
            transport: Arc::new(office.clone()),
            office: Some(office.clone()),
            root: Root::Domain,
            runtime: Arc::new(TokioRuntime::current()?.starting_at(scenario.starts)),
            password: PASSWORD.to_owned(),
        };
        let options = RecordOptions::new(scenario.starts);
        let mut recording = perform(scenario, stage.clone(), stage, options).await?;
        recording.secrets.extend(office.tokens());
        Ok(recording)
    })
}

/// Plays both parts of the scenario with the server at `root`, in the time that it takes. Tokens are taken out by what grants
/// them; they are not known here.
async fn record_at(
    root: &str,
    [user, other]: [String; 2],
    scenario: &Scenario,
) -> Result<Recording, RecordError> {
    let starts = SystemTime::now();
    let runtime = Arc::new(TokioRuntime::current()?.starting_at(starts));
    let stage = |password: &str| Stage {
        transport: Arc::new(HyperTransport::new()),
        office: None,
        root: Root::Url(root.to_owned()),
        runtime: runtime.clone(),
        password: password.to_owned(),
    };
    let mut options = RecordOptions::new(starts);
    options.secrets = vec![user.clone(), other.clone()];
    perform(scenario, stage(&user), stage(&other), options).await
}

/// Plays both parts, and records the user's.
async fn perform(
    scenario: &Scenario,
    user: Stage,
    other: Stage,
    options: RecordOptions,
) -> Result<Recording, RecordError> {
    let recorder = Arc::new(Record::new(user.transport.clone(), options));
    let secrets = vec![user.password.clone(), other.password.clone()];
    let user = Stage {
        transport: recorder.clone(),
        ..user
    };
    let third = async {
        match scenario.third() {
            Some(part) => perform_alone(scenario, part, other.clone()).await,
            None => Ok(()),
        }
    };
    let (user, other, third) = tokio::join!(
        play(scenario, scenario.user(), user),
        perform_alone(scenario, scenario.other(), other.clone()),
        third,
    );
    let (timeline, user) = user?;
    user.map_err(failed(scenario.user()))?;
    other?;
    third?;
    Ok(Recording {
        traffic: recorder.har(),
        timeline: timeline.text(),
        secrets,
    })
}

/// Plays a part that is not recorded.
async fn perform_alone(
    scenario: &Scenario,
    part: Part<'_>,
    stage: Stage,
) -> Result<(), RecordError> {
    let (_, performed) = play(scenario, part, stage).await?;
    performed.map_err(failed(part))
}

/// The error of the part in which there was a misstep.
fn failed(part: Part<'_>) -> impl FnOnce(Misstep) -> RecordError {
    let who = part.person.who().to_owned();
    move |misstep| RecordError::Part {
        who,
        misstep: Box::new(misstep),
    }
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
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("{who}: {misstep}")]
    Part { who: String, misstep: Box<Misstep> },
    #[error("{0}")]
    Traffic(#[from] HarError),
    #[error("the recording would hold a password or a token")]
    Secret,
    #[error("{0} has no password")]
    Password(&'static str),
    #[error("the client ended with {0}")]
    Client(ExitStatus),
    #[error("no replay of it: {0}")]
    Replay(#[from] Failure),
}

#[cfg(test)]
mod tests {
    use std::{fs, net::Ipv4Addr};

    use ucwa_har::line_difference;
    use ucwa_server::{Server, ServerConfig, User};

    use super::*;
    use crate::{
        fixture::{
            Fixture,
            scenario::{Person, Scenario, Step},
        },
        replay::replay,
    };

    fn scenario(name: &str) -> Scenario {
        fixture::scenario(&fixture::fixtures().join(name)).unwrap()
    }

    /// The fixtures of other programs cannot be recorded here.
    #[test]
    fn the_embedded_server_gives_every_fixture_of_ours_again_to_the_byte() {
        let mut compared = 0;
        for folder in fixture::folders().unwrap() {
            let fixture = Fixture::read(&folder).unwrap();
            if fixture.traffic.log.creator.name != "conv-transport" {
                continue;
            }
            let name = folder.file_name().unwrap().display();
            let recording = record(&fixture.scenario).unwrap();
            let traffic = recording.traffic.to_vec().unwrap();
            recording.check(&traffic).unwrap();
            let traffic = String::from_utf8(traffic).unwrap();
            let there = fs::read_to_string(folder.join(fixture::TRAFFIC)).unwrap();
            for (there, recorded) in [(there, traffic), (fixture.timeline, recording.timeline)] {
                if let Some(difference) = line_difference(&there, &recorded) {
                    panic!("`cargo xtask record {name}` gives another file:\n{difference}");
                }
            }
            compared += 1;
        }
        assert!(compared >= 6, "{compared}");
    }

    #[test]
    fn no_fixture_holds_a_password_or_a_token() {
        // The password in every form, and what every token of the embedded server begins with.
        let secrets = ["sesame", "cwt="];
        assert!(PASSWORD.contains(secrets[0]));
        for folder in fixture::folders().unwrap() {
            for file in fs::read_dir(&folder).unwrap() {
                let path = file.unwrap().path();
                let text = fs::read_to_string(&path).unwrap();
                let found = secrets.iter().find(|secret| text.contains(*secret));
                assert_eq!(found, None, "{}", path.display());
            }
            let traffic = fs::read_to_string(folder.join(fixture::TRAFFIC)).unwrap();
            assert!(traffic.contains("Bearer "), "{}", folder.display());
        }
    }

    /// Takes real time: a recording goes on for a while after the last step. On one thread, as `cargo xtask record` runs: on
    /// several, another thread may deliver the new conversation to the observer when it is connecting already.
    #[test]
    fn a_recording_of_another_server_replays_from_its_root() {
        let scenario = Scenario {
            starts: SystemTime::now(),
            ..scenario("outgoing-declined-json")
        };
        let scenario = quick(scenario);
        let user = |person: &Person, password: &str| {
            User::new(&person.address, &person.name, password).unwrap()
        };
        let passwords = ["user-password", "other-password"];
        let users = [
            user(&scenario.user, passwords[0]),
            user(&scenario.other, passwords[1]),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let recording = runtime.block_on(async {
            let config = ServerConfig::new(users);
            let server = Server::bind((Ipv4Addr::LOCALHOST, 0), config)
                .await
                .unwrap();
            let passwords = passwords.map(str::to_owned);
            let recording = record_at(&server.root_url(), passwords, &scenario).await;
            server.shutdown().await;
            recording.unwrap()
        });
        let traffic = recording.traffic.to_vec().unwrap();
        recording.check(&traffic).unwrap();
        assert!(!String::from_utf8(traffic).unwrap().contains("cwt="));
        let fixture = Fixture {
            scenario,
            traffic: recording.traffic,
            timeline: recording.timeline,
        };
        if let Err(failure) = replay(&fixture) {
            panic!("{failure}");
        }
    }

    /// The scenario without its pauses.
    fn quick(mut scenario: Scenario) -> Scenario {
        for person in [&mut scenario.user, &mut scenario.other] {
            person
                .steps
                .retain(|step| !matches!(step, Step::Wait { .. }));
        }
        scenario
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
