//! The areas: which contenders do which task, and what the ratios should be.

mod code;
mod growth;
mod server;
mod sessions;

use clap::ValueEnum;

use super::{
    experiment::{Experiment, Metric, Plan},
    row::Goal,
};

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Area {
    /// Event pages
    Decode,
    /// Properties and collections with listeners
    Observe,
    /// The session and the model alone
    Parts,
    /// Messages of ours, with their delivery results
    Send,
    /// Messages of others
    Receive,
    /// Sessions that wait
    Idle,
    /// Steps beside more and more conversations, messages and participants
    Growth,
    /// The round trips until messages can be sent
    SignIn,
    /// The embedded server with many users who wait
    Server,
    /// The smallest program that depends on the facade
    Build,
}

/// How long the measurements take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// The shortest runs that measure anything.
    Smoke,
    Quick,
    Full,
}

impl Length {
    fn of<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }

    fn rounds(self) -> usize {
        self.of(1, 5, 15)
    }
}

impl Area {
    pub(super) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Observe => "observe",
            Self::Parts => "parts",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Idle => "idle",
            Self::Growth => "growth",
            Self::SignIn => "sign-in",
            Self::Server => "server",
            Self::Build => "build",
        }
    }

    pub(super) fn experiments(self, length: Length) -> Vec<Experiment> {
        match self {
            Self::Decode => vec![code::decode(length)],
            Self::Observe => vec![code::observe(length)],
            Self::Parts => vec![code::parts(length)],
            Self::Send => send(length),
            Self::Receive => vec![receive(length), between_processes(length)],
            Self::Idle => sessions::idle(length),
            Self::Growth => vec![growth::growth(length)],
            Self::SignIn => sessions::sign_in(length),
            Self::Server => vec![server::server(length)],
            Self::Build => vec![code::build(length)],
        }
    }
}

/// The SDK, and the rivals.
const SDK: &str = "sdk";
const POOLED: &str = "pooled";
const CONNECTION: &str = "connection";
const SERVER: &str = "server";
/// The name of the rival of a row about growth.
const SMALLEST: &str = "smallest";

/// The same task for the SDK and for each rival.
fn contenders(
    command: &str,
    rivals: &[&'static str],
    options: &str,
) -> Vec<(&'static str, String)> {
    let all = [SDK].iter().chain(rivals);
    all.map(|name| (*name, format!("{command} {name} --root {{root}} {options}")))
        .collect()
}

/// A row that compares the SDK with a rival.
fn against(
    rival: &'static str,
    what: impl Into<String>,
    unit: &'static str,
    name: &'static str,
    goal: Goal,
) -> Plan {
    let of = |contender| Metric {
        contender,
        name: name.into(),
    };
    Plan {
        what: what.into(),
        unit,
        ours: of(SDK),
        rival: Some(of(rival)),
        beside: rival,
        goal,
        point: None,
    }
}

fn send(length: Length) -> Vec<Experiment> {
    let experiment = |in_flight: u32, messages: u32, plans| Experiment {
        area: Area::Send.name(),
        host: Some(format!("host --peers {in_flight}")),
        contenders: contenders(
            "send",
            &[POOLED, CONNECTION],
            &format!("--in-flight {in_flight} --messages {messages}"),
        ),
        rounds: length.rounds(),
        plans,
    };
    let (many, one) = ("64 in flight", "1 in flight");
    vec![
        experiment(
            64,
            length.of(2, 60, 120),
            vec![
                against(
                    POOLED,
                    format!("{many}, CPU per message with its event"),
                    "µs",
                    "cpu_us",
                    Goal::RatioAtMost(1.5),
                ),
                against(
                    CONNECTION,
                    format!("{many}, CPU per message with its event"),
                    "µs",
                    "cpu_us",
                    Goal::None,
                ),
                against(
                    POOLED,
                    format!("{many}, messages per second"),
                    "/s",
                    "per_second",
                    Goal::RatioAtLeast(0.9),
                ),
            ],
        ),
        experiment(
            1,
            length.of(5, 1500, 3000),
            vec![
                against(
                    POOLED,
                    format!("{one}, CPU per message with its event"),
                    "µs",
                    "cpu_us",
                    Goal::RatioAtMost(1.25),
                ),
                against(
                    POOLED,
                    format!("{one}, time until the result, p50"),
                    "µs",
                    "p50_us",
                    Goal::None,
                ),
            ],
        ),
    ]
}

fn receive(length: Length) -> Experiment {
    let messages = length.of(5, 1000, 3000);
    Experiment {
        area: Area::Receive.name(),
        host: Some("host --peers 1".to_owned()),
        contenders: contenders("receive", &[POOLED], &format!("--messages {messages}")),
        rounds: length.rounds(),
        plans: vec![
            against(
                POOLED,
                "peer's POST to our listener, p50",
                "µs",
                "p50_us",
                Goal::RatioAtMost(1.15),
            ),
            against(
                POOLED,
                "peer's POST to our listener, p99",
                "µs",
                "p99_us",
                Goal::RatioAtMost(1.25),
            ),
            against(
                POOLED,
                "CPU per message",
                "µs",
                "cpu_us",
                Goal::RatioAtMost(1.3),
            ),
        ],
    }
}

fn between_processes(length: Length) -> Experiment {
    let messages = length.of(5, 1000, 3000);
    let options = format!("--between-processes --messages {messages}");
    Experiment {
        area: Area::Receive.name(),
        host: Some("host --users 2".to_owned()),
        contenders: contenders("receive", &[POOLED], &options),
        rounds: length.rounds(),
        plans: vec![
            against(
                POOLED,
                "from one process to another of the same kind, p50",
                "µs",
                "p50_us",
                Goal::None,
            ),
            against(
                POOLED,
                "from one process to another, CPU of the receiver per message",
                "µs",
                "cpu_us",
                Goal::None,
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the row would stay empty.
    #[test]
    fn every_row_names_contenders_of_its_experiment() {
        for area in Area::all() {
            for experiment in area.experiments(Length::Full) {
                for plan in &experiment.plans {
                    for metric in [Some(&plan.ours), plan.rival.as_ref()]
                        .into_iter()
                        .flatten()
                    {
                        let mut names = experiment.contenders.iter().map(|(name, _)| *name);
                        assert!(names.any(|name| name == metric.contender), "{}", plan.what);
                    }
                }
            }
        }
    }
}
