//! The experiments with sessions that wait, and with sign-ins.

use super::{
    super::{
        experiment::{Experiment, Metric, Plan},
        row::Goal,
    },
    Area, CONNECTION, Length, SDK, against, contenders,
};

pub(super) fn idle(length: Length) -> Vec<Experiment> {
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
        beside: CONNECTION,
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
        beside: "",
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

pub(super) fn sign_in(length: Length) -> Vec<Experiment> {
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
            beside: "",
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
    // The server answers the pending GET with the start of the invitation, and the next one with its result.
    vec![
        experiment("", "from a root", 6.0, 8.0),
        experiment("--home", "from a cached home server", 5.0, 7.0),
    ]
}
