//! `cargo xtask replay`: whether an application does on recorded traffic what it did when that was recorded.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use conv_transport::{Har, HarError, LeftOut, Replay, ReplayOptions, ReplayReport};
use http::Uri;
use skype_p2p::{BuildError, Root, TokioRuntime};
use ucwa_har::{FileError, exchanges, line_difference};

use crate::{
    fixture::{
        self, Fixture, FixtureError,
        actor::{Misstep, Stage, play},
        scenario::Scenario,
    },
    virtual_time,
};

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
            Ok(left_out) => {
                passed += 1;
                println!("pass  {name}{}", counted(&left_out));
            }
            Err(failure) => println!("FAIL  {name}\n{}", failure.to_string().trim_end()),
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

pub(crate) fn check(folder: &Path) -> Result<Vec<LeftOut>, Failure> {
    let fixture = Fixture::read(folder)?;
    replay(&fixture).map_err(|failure| match failure {
        Failure::Traffic(error) => {
            let error = FileError::new(&folder.join(fixture::TRAFFIC), error);
            Failure::Fixture(error.into())
        }
        other => other,
    })
}

/// The entries that took no part, by their reasons: `, left out: 2 (preflight), 1 (WebSocket)`.
fn counted(left_out: &[LeftOut]) -> String {
    let mut counts = BTreeMap::new();
    for entry in left_out {
        *counts.entry(entry.reason).or_insert(0_usize) += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} ({reason})"))
        .collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!(", left out: {}", counts.join(", "))
    }
}

/// Plays the scenario on its traffic, and returns the entries that took no part. The application must do all of the others and
/// nothing else, and must observe the timeline.
pub(crate) fn replay(fixture: &Fixture) -> Result<Vec<LeftOut>, Failure> {
    let observed = observe(&fixture.scenario, &fixture.traffic)?;
    let differences = Differences {
        misstep: observed.misstep,
        timeline: line_difference(&fixture.timeline, &observed.timeline),
        traffic: observed.traffic,
    };
    if differences.is_none() {
        Ok(observed.left_out)
    } else {
        Err(differences.into())
    }
}

/// What an application observes that does the user's part on `traffic`.
pub(crate) fn observe(scenario: &Scenario, traffic: &Har) -> Result<Observed, Failure> {
    virtual_time(async {
        let options = ReplayOptions::new()
            .client_made(&scenario.client_made)
            .without_paths(&scenario.without_paths);
        let replay = Arc::new(Replay::new(traffic, options)?);
        let stage = Stage {
            transport: replay.clone(),
            office: None,
            root: root(scenario, traffic),
            runtime: Arc::new(TokioRuntime::current()?.starting_at(scenario.starts)),
            password: ANY_PASSWORD.to_owned(),
        };
        let (timeline, performed) = play(scenario, scenario.user(), stage).await?;
        Ok(Observed {
            timeline: timeline.text(),
            misstep: performed.err(),
            traffic: replay.finish().err(),
            left_out: replay.left_out().to_vec(),
        })
    })
}

/// What came of playing a part on recorded traffic.
pub(crate) struct Observed {
    pub(crate) timeline: String,
    misstep: Option<Misstep>,
    traffic: Option<ReplayReport>,
    left_out: Vec<LeftOut>,
}

/// Where the recorded application began to look for its server: in the domain of its user, where there are names for it, or
/// at a URL.
fn root(scenario: &Scenario, traffic: &Har) -> Root {
    let first = exchanges(traffic).into_iter().find_map(|exchange| {
        let uri: Uri = exchange.entry.request.url.parse().ok()?;
        let takes_place = !scenario.without_paths.iter().any(|path| path == uri.path());
        takes_place.then_some(uri)
    });
    match first {
        Some(uri)
            if !uri
                .host()
                .is_some_and(|host| host.starts_with("lyncdiscover")) =>
        {
            Root::Url(uri.to_string())
        }
        _ => Root::Domain,
    }
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
        if let Some(timeline) = &self.timeline {
            write!(f, "  another timeline than expected (-):\n{timeline}")?;
        }
        if let Some(traffic) = &self.traffic {
            writeln!(f, "  {traffic}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use conv_transport::Har;

    use super::*;

    fn fixture(name: &str) -> Fixture {
        Fixture::read(&fixture::fixtures().join(name)).unwrap()
    }

    /// The fixture with every `text` of its traffic, which is there, replaced.
    fn edited(name: &str, text: &str, by: &str) -> Fixture {
        let mut fixture = fixture(name);
        let traffic = String::from_utf8(fixture.traffic.to_vec().unwrap()).unwrap();
        assert!(traffic.contains(text), "{name} has no {text}");
        fixture.traffic = Har::from_slice(traffic.replace(text, by).as_bytes()).unwrap();
        fixture
    }

    fn differences(fixture: &Fixture) -> Differences {
        match replay(fixture) {
            Err(Failure::Different(differences)) => *differences,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it passes"),
        }
    }

    #[test]
    fn every_fixture_replays() {
        let folders = fixture::folders().unwrap();
        assert!(folders.len() >= 35, "{}", folders.len());
        for folder in folders {
            if let Err(failure) = check(&folder) {
                panic!("{}\n{failure}", folder.display());
            }
        }
    }

    #[test]
    fn a_malformed_member_of_the_traffic_is_named_with_its_line() {
        let folder = fixture::fixtures().join("outgoing-declined-json");
        let copy = std::env::temp_dir().join(format!("xtask-replay-{}", std::process::id()));
        fs::create_dir_all(&copy).unwrap();
        for file in ["scenario.toml", "timeline.jsonl"] {
            fs::copy(folder.join(file), copy.join(file)).unwrap();
        }
        let good = fs::read_to_string(folder.join(fixture::TRAFFIC)).unwrap();
        let bad = good.replacen("2015-03-02T10:00:00.040000Z", "yesterday", 1);
        fs::write(copy.join(fixture::TRAFFIC), &bad).unwrap();
        let error = check(&copy).unwrap_err().to_string();
        let _ = fs::remove_dir_all(&copy);
        let line = 1 + bad.lines().position(|it| it.contains("yesterday")).unwrap();
        let place = format!("line {line}, entry 3, member startedDateTime: ");
        assert!(error.contains(&place), "{error}");
    }

    #[test]
    fn the_story_is_the_same_in_json_and_xml() {
        let folders = fixture::folders().unwrap();
        let names = folders
            .iter()
            .filter_map(|folder| folder.file_name()?.to_str());
        let stories: Vec<&str> = names.filter_map(|name| name.strip_suffix("-xml")).collect();
        assert!(stories.len() >= 16, "{stories:?}");
        for story in stories {
            let json = fixture(&format!("{story}-json"));
            let xml = fixture(&format!("{story}-xml"));
            assert_eq!(
                line_difference(&json.timeline, &xml.timeline),
                None,
                "{story}"
            );
        }
    }

    #[test]
    fn a_step_notices_another_server() {
        for (name, what, by) in [
            ("typing-html", "typingParticipants", "otherParticipants"),
            ("typing-html", "Here+they", "Where+they"),
            ("presence-search", "Busy", "Away"),
            ("presence-search", "Lene Aaling", "Lena Aaling"),
            ("contact-list", "Pinned Contacts", "Pinned Persons"),
            ("contact-list", "A photo of Lene", "A photo of Alex"),
            ("history", "Where+is", "Who+has"),
            ("malformed-event", "Hi+Tosh", "Hi+Tom"),
            ("group", "Hello+you", "Hello+both"),
            ("guest-lobby", "Welcome%2c", "Goodbye%2c"),
            ("resumed-chat", "usual+place%3f", "new+place%3f"),
        ] {
            let edited = edited(&format!("{name}-json"), what, by);
            assert!(replay(&edited).is_err(), "{name}: {what}");
        }
    }

    #[test]
    fn the_story_is_the_same_as_other_programs_recorded_it() {
        let ours = fixture("outgoing-delivered-json");
        for (name, creator) in [
            ("browser-outgoing-json", "WebInspector"),
            ("firefox-outgoing-json", "Firefox"),
            ("mitmproxy-outgoing-json", "mitmproxy"),
        ] {
            let theirs = fixture(name);
            assert_eq!(theirs.traffic.log.creator.name, creator);
            assert_eq!(
                line_difference(&ours.timeline, &theirs.timeline),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn a_scenario_names_what_another_client_makes_up_and_fetches() {
        let mut page = fixture("browser-outgoing-json");
        page.scenario.client_made.retain(|name| name != "userAgent");
        let traffic = differences(&page).traffic.unwrap();
        let unexpected = traffic.unexpected[0].nearest.as_ref().unwrap();
        assert!(unexpected.difference.ends_with("/userAgent"), "{traffic}");

        let mut page = fixture("browser-outgoing-json");
        let icon = page.scenario.without_paths.pop().unwrap();
        // It is the first entry now, and nobody can begin there.
        let traffic = differences(&page).traffic.unwrap();
        assert!(traffic.unexpected[0].request.ends_with(&icon), "{traffic}");
    }

    #[test]
    fn what_a_browser_sends_beside_the_chat_takes_no_part() {
        let mut page = fixture("browser-outgoing-json");
        let mut entries = Vec::new();
        for entry in page.traffic.log.entries.drain(..) {
            let mut preflight = entry.clone();
            preflight.request.method = "OPTIONS".to_owned();
            entries.extend([preflight, entry]);
        }
        let mut socket = entries[9].clone();
        socket.request.url = "wss://127.0.0.1/live".to_owned();
        socket.response.status = 101;
        entries.insert(20, socket);
        let rows = entries.len();
        page.traffic.log.entries = entries;
        let left_out = match replay(&page) {
            Ok(left_out) => left_out,
            Err(failure) => panic!("{failure}"),
        };
        assert_eq!(
            counted(&left_out),
            format!(
                ", left out: {} (preflight), 1 (WebSocket), 2 (path to leave out)",
                rows / 2
            )
        );
    }

    #[test]
    fn an_edited_text_of_a_received_message_fails() {
        for representation in ["json", "xml"] {
            let name = format!("outgoing-delivered-{representation}");
            let fixture = edited(&name, "Hi+Tosh%2c+sure.", "Hi+Tosh%2c+no.");
            let timeline = differences(&fixture).timeline.unwrap();
            assert!(timeline.contains("Hi Tosh, no. What's up?"), "{timeline}");
        }
        // Here no step of the scenario waits for the message.
        let fixture = edited("incoming-accepted-xml", "the+agenda", "the+cake");
        assert!(differences(&fixture).timeline.is_some());
    }

    #[test]
    fn an_edited_text_of_a_sent_message_fails() {
        let fixture = edited("outgoing-delivered-json", "Lunch at noon?", "Lunch at one?");
        let traffic = differences(&fixture).traffic.unwrap();
        let unexpected = traffic.unexpected[0].nearest.as_ref().unwrap();
        assert!(unexpected.difference.starts_with("the body"), "{traffic}");
        assert!(!traffic.unused.is_empty(), "{traffic}");
    }

    #[test]
    fn an_edited_timeline_fails() {
        let mut fixture = fixture("outgoing-declined-json");
        fixture.timeline = fixture.timeline.replace("Refused", "Busy");
        let differences = differences(&fixture);
        assert!(differences.misstep.is_none() && differences.traffic.is_none());
        let timeline = differences.timeline.unwrap();
        assert!(
            timeline.contains("+ {") && timeline.contains("- {"),
            "{timeline}"
        );
    }

    #[test]
    fn an_exchange_that_does_not_take_place_fails() {
        let mut fixture = fixture("outgoing-delivered-json");
        // Leaves the sign-out away.
        fixture.scenario.user.steps.pop();
        let traffic = differences(&fixture).traffic.unwrap();
        assert_eq!(traffic.unused.len(), 1, "{traffic}");
        assert!(traffic.unused[0].request.starts_with("DELETE"), "{traffic}");
    }

    #[test]
    fn what_the_client_makes_up_may_differ() {
        let mut fixture = fixture("outgoing-delivered-xml");
        fixture.scenario.seed += 100;
        if let Err(failure) = replay(&fixture) {
            panic!("{failure}");
        }
    }
}
