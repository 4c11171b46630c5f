//! A recording of a client that is not ours: another program plays the user, and exports what it did.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use conv_transport::{Har, HyperTransport};
use skype_p2p::{Root, TokioRuntime};
use ucwa_server::{Server, ServerConfig};

use super::{PASSWORD_VARIABLE, RecordError, Recording, perform_alone};
use crate::{
    fixture::{
        actor::Stage,
        office::{PASSWORD, users},
        scenario::Scenario,
    },
    replay::observe,
};

/// Lets `program` play the user with an embedded server on loopback, while our application plays the other one.
///
/// The program is given the root and the path of the scenario. What it exports is redacted; the timeline is what our application
/// observes on it.
pub(super) fn record(
    scenario: &Scenario,
    path: &Path,
    program: &Path,
) -> Result<Recording, RecordError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut traffic = runtime.block_on(export(scenario, path, program))?;
    let secrets = vec![PASSWORD.to_owned()];
    traffic.redact(&secrets, &[])?;
    let timeline = observe(scenario, &traffic)?.timeline;
    Ok(Recording {
        traffic,
        timeline,
        secrets,
    })
}

async fn export(scenario: &Scenario, path: &Path, program: &Path) -> Result<Har, RecordError> {
    let users = users(scenario).map_err(RecordError::Scenario)?;
    let mut config = ServerConfig::new(users);
    // The same identifiers in each recording.
    config.seed = Some(0.into());
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0), config).await?;
    let other = Stage {
        transport: Arc::new(HyperTransport::new()),
        office: None,
        root: Root::Url(server.root_url()),
        runtime: Arc::new(TokioRuntime::current()?),
        password: PASSWORD.to_owned(),
    };
    let client = Client {
        program: program.to_owned(),
        root: server.root_url(),
        scenario: path.to_owned(),
    };
    let other = perform_alone(scenario, scenario.other(), other);
    let export = async {
        let exported = tokio::task::spawn_blocking(move || client.run()).await;
        exported.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    };
    let ((), exported) = tokio::try_join!(other, export)?;
    server.shutdown().await;
    Ok(Har::from_slice(&exported)?)
}

struct Client {
    program: PathBuf,
    root: String,
    scenario: PathBuf,
}

impl Client {
    fn run(&self) -> Result<Vec<u8>, RecordError> {
        let output = Command::new(&self.program)
            .arg(&self.root)
            .arg(&self.scenario)
            .env(PASSWORD_VARIABLE, PASSWORD)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(RecordError::Client(output.status));
        }
        Ok(output.stdout)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::fixture;

    #[test]
    fn a_client_that_fails_ends_the_recording() {
        let folder = fixture::fixtures().join("browser-outgoing-json");
        let scenario = fixture::scenario(&folder).unwrap();
        let began = Instant::now();
        let recorded = record(
            &scenario,
            &fixture::scenario_file(&folder),
            "false".as_ref(),
        );
        assert!(matches!(recorded, Err(RecordError::Client(_))));
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "nobody waits for the other user"
        );
    }
}
