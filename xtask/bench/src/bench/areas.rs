//! The areas: which contenders do which task, and what the ratios should be.

use clap::ValueEnum;

use super::{
    experiment::{Experiment, Metric, Plan},
    plot::Point,
    row::Goal,
};

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Area {
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
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Idle => "idle",
            Self::Growth => "growth",
            Self::SignIn => "sign-in",
            Self::Server => "server",
        }
    }

    pub(super) fn experiments(self, length: Length) -> Vec<Experiment> {
        match self {
            Self::Send => send(length),
            Self::Receive => vec![receive(length)],
            Self::Idle => idle(length),
            Self::Growth => vec![growth(length)],
            Self::SignIn => sign_in(length),
            Self::Server => vec![server(length)],
        }
    }
}

/// The SDK, and the rivals.
const SDK: &str = "sdk";
const POOLED: &str = "pooled";
const CONNECTION: &str = "connection";
const SERVER: &str = "server";

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

fn idle(length: Length) -> Vec<Experiment> {
    let turns = Experiment {
        area: Area::Idle.name(),
        host: Some("host --empty-polls 1000000000".to_owned()),
        contenders: contenders(
            "turns",
            &[CONNECTION],
            &format!("--milliseconds {}", length.of(50, 500, 1000)),
        ),
        rounds: length.rounds(),
        plans: vec![against(
            CONNECTION,
            "one turn of the pending GET, CPU",
            "µs",
            "cpu_us",
            Goal::RatioAtMost(1.5),
        )],
    };
    let sessions = length.of(5, 200, 1000);
    let shared = "sdk, shared transport";
    let mut contenders = contenders("memory", &[CONNECTION], &format!("--sessions {sessions}"));
    contenders.push((
        shared,
        format!("memory sdk --root {{root}} --shared --sessions {sessions}"),
    ));
    let own = |contender| Metric {
        contender,
        name: "resident_kb".into(),
    };
    let resident = |ours, what: &str| Plan {
        what: format!("RSS of an idle session, {what}"),
        unit: "KB",
        ours: own(ours),
        rival: Some(own(CONNECTION)),
        goal: Goal::RatioAtMost(2.0),
        point: None,
    };
    let connections = |contender, what: &str| Plan {
        what: format!("connections of an idle session, {what}"),
        unit: "",
        ours: Metric {
            contender,
            name: "connections".into(),
        },
        rival: None,
        goal: Goal::AtMost(1.05),
        point: None,
    };
    let memory = Experiment {
        area: Area::Idle.name(),
        host: Some(format!("host --users {} --empty-polls 3", sessions + 20)),
        contenders,
        // A round signs thousands of users in.
        rounds: length.of(1, 3, 5),
        plans: vec![
            resident(shared, "shared transport"),
            resident(SDK, "own transport (the default)"),
            connections(shared, "shared transport"),
            connections(SDK, "own transport (the default)"),
        ],
    };
    vec![turns, memory]
}

fn growth(length: Length) -> Experiment {
    let conversations = length.of(10, 10_000, 100_000);
    let participants = length.of(10, 100, 1000);
    let messages = length.of(10, 10_000, 100_000);
    // The conversations begin one by one.
    let budget = length.of(10, 40, 400);
    let of = |name: String| Metric {
        contender: SDK,
        name: name.into(),
    };
    let flat = |what: String, ours: String, rival: &'static str| Plan {
        what,
        unit: "µs",
        ours: of(ours),
        rival: Some(of(rival.to_owned())),
        goal: Goal::Flat,
        point: None,
    };
    let sized = |series, size, plan: Plan| Plan {
        point: Some(Point {
            series,
            size,
            smallest: 10,
        }),
        ..plan
    };
    let heap = |what: &str, name: String, limit| Plan {
        what: format!("heap per {what}"),
        unit: "bytes",
        ours: of(name),
        rival: None,
        goal: Goal::AtMost(limit),
        point: None,
    };
    let mut plans = Vec::new();
    for size in powers_of_ten(conversations) {
        let what = format!("message in, 10 → {size} conversations");
        let plan = flat(what, format!("message_us_{size}"), "message_us_10");
        plans.push(sized("message in", size, plan));
    }
    for size in powers_of_ten(conversations) {
        let what = format!("begin a conversation, 10 → {size}");
        let plan = flat(what, format!("begin_us_{size}"), "begin_us_10");
        plans.push(sized("begin a conversation", size, plan));
    }
    plans.push(flat(
        format!("message in, 10 conversations → {messages} messages in one"),
        "message_us_many_messages".to_owned(),
        "message_us_10",
    ));
    for size in powers_of_ten(participants) {
        let what = format!("join of a participant, 10 → {size}");
        let plan = flat(what, format!("join_us_{size}"), "join_us_10");
        plans.push(sized("join of a participant", size, plan));
    }
    plans.push(flat(
        format!("message in, 10 → {participants} participants"),
        format!("message_us_{participants}_participants"),
        "message_us_10_participants",
    ));
    let measured = conversations.min(1000);
    plans.push(heap(
        "conversation with its person",
        format!("bytes_per_conversation_{measured}"),
        4096.0,
    ));
    plans.push(heap("message", "bytes_per_message".to_owned(), 250.0));
    plans.push(heap(
        "participant",
        format!("bytes_per_participant_{participants}"),
        819.0,
    ));
    Experiment {
        area: Area::Growth.name(),
        host: None,
        contenders: vec![(
            SDK,
            format!(
                "growth --conversations {conversations} --participants {participants} --messages {messages} --budget {budget}"
            ),
        )],
        // Each round has all sizes, so the ratios need few rounds.
        rounds: length.of(1, 1, 3),
        plans,
    }
}

fn sign_in(length: Length) -> Vec<Experiment> {
    let delay = length.of(100, 100, 200);
    let experiment = |option: &str, what: &str, signed_in, delivered| {
        let plan = |until: &str, name: &'static str, fewest| Plan {
            what: format!("round trips {until}, {what}"),
            unit: "",
            ours: Metric {
                contender: SDK,
                name: name.into(),
            },
            rival: None,
            goal: Goal::AtMost(fewest),
            point: None,
        };
        Experiment {
            area: Area::SignIn.name(),
            host: Some(format!("host --peers 1 --delay {delay}")),
            contenders: vec![(
                SDK,
                format!("sign-in --root {{root}} --delay {delay} {option}"),
            )],
            rounds: length.of(1, 1, 3),
            plans: vec![
                plan("until signed in", "signed_in", signed_in),
                plan(
                    "until the first message is delivered",
                    "delivered",
                    delivered,
                ),
            ],
        }
    };
    vec![
        experiment("", "from a root", 6.0, 7.0),
        experiment("--home", "from a cached home server", 5.0, 6.0),
    ]
}

fn server(length: Length) -> Experiment {
    let sizes: &[u64] = length.of(&[10], &[100, 1000], &[100, 1000, 10_000]);
    let smallest = sizes.first().copied().unwrap_or_default();
    let users = sizes.last().copied().unwrap_or_default() + 100;
    let parked: Vec<_> = sizes.iter().map(u64::to_string).collect();
    let requests = length.of(5, 1000, 3000);
    let of = |name: String| Metric {
        contender: SERVER,
        name: name.into(),
    };
    let mut plans = Vec::new();
    for (what, name, limit) in [
        ("message", "message_us", Goal::AtMost(100.0)),
        ("cheap GET", "get_us", Goal::AtMost(30.0)),
        ("sign-in", "sign_in_us", Goal::None),
    ] {
        plans.push(Plan {
            what: format!("{what}, CPU, {smallest} parked users"),
            unit: "µs",
            ours: of(format!("{name}_{smallest}")),
            rival: None,
            goal: limit,
            point: None,
        });
        for size in sizes.iter().skip(1) {
            plans.push(Plan {
                what: format!("{what}, CPU, {smallest} → {size} parked users"),
                unit: "µs",
                ours: of(format!("{name}_{size}")),
                rival: Some(of(format!("{name}_{smallest}"))),
                goal: Goal::Flat,
                point: None,
            });
        }
    }
    Experiment {
        area: Area::Server.name(),
        host: Some(format!("serve --users {users}")),
        contenders: vec![(
            SERVER,
            format!(
                "park --root {{root}} --process {{process}} --parked {} --requests {requests}",
                parked.join(",")
            ),
        )],
        rounds: length.of(1, 3, 5),
        plans,
    }
}

/// 100, 1,000 and so on up to `last`.
fn powers_of_ten(last: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(100), |size| Some(size * 10)).take_while(move |size| *size <= last)
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
