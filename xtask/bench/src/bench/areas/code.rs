//! The experiments without a server: decoding, observing, the parts of the SDK, and the smallest program.

use super::{
    super::{
        experiment::{Experiment, Metric, Plan},
        row::Goal,
    },
    Area, Length, SDK,
};

/// An experiment of one process, which measures ours and the rivals.
fn experiment(area: Area, command: String, rounds: usize, plans: Vec<Plan>) -> Experiment {
    Experiment {
        area: area.name(),
        host: None,
        contenders: vec![(SDK, command)],
        rounds,
        plans,
    }
}

fn of(name: String) -> Metric {
    Metric {
        contender: SDK,
        name: name.into(),
    }
}

/// A row without a rival.
fn alone(what: &str, unit: &'static str, name: &str, goal: Goal) -> Plan {
    Plan {
        what: what.to_owned(),
        unit,
        ours: of(name.to_owned()),
        rival: None,
        beside: "",
        goal,
        point: None,
    }
}

pub(super) fn decode(length: Length) -> Experiment {
    let mut plans = Vec::new();
    for (format, beside, borrowed, owned) in [
        ("json", "serde_json::Value", 0.33, 0.55),
        ("xml", "bare loop", 3.0, 3.4),
    ] {
        for (page, what) in [
            ("accepted", "accepted invitation"),
            ("64_messages", "64 messages"),
        ] {
            for (kind, limit) in [("borrowed", borrowed), ("owned", owned)] {
                plans.push(Plan {
                    what: format!("page in {}, {what}, {kind}", format.to_uppercase()),
                    unit: "µs",
                    ours: of(format!("{format}_{page}_{kind}")),
                    rival: Some(of(format!("{format}_{page}_bare"))),
                    beside,
                    goal: Goal::RatioAtMost(limit),
                    point: None,
                });
            }
        }
    }
    let command = format!("decode --milliseconds {}", length.of(10, 300, 1000));
    experiment(Area::Decode, command, length.of(1, 3, 5), plans)
}

pub(super) fn observe(length: Length) -> Experiment {
    let items = length.of(100, 10_000, 1_000_000);
    let row = |what: String, ours: String, beside: &'static str, suffix: &str, goal| Plan {
        what,
        unit: "ns",
        rival: Some(of(format!("{ours}_{suffix}"))),
        ours: of(ours),
        beside,
        goal,
        point: None,
    };
    let mut plans = Vec::new();
    // The ordered callbacks keep the promises of a property. The plain list keeps no order between threads, and a callback that panics
    // stops the others. With listeners it does less than a property, so only its row without listeners has a goal.
    let goals = [
        (0, Goal::None, Goal::RatioAtMost(1.0)),
        (1, Goal::RatioAtMost(1.4), Goal::None),
        (10, Goal::RatioAtMost(1.4), Goal::None),
    ];
    for (listeners, ordered, plain) in goals {
        let what = format!("write of a property, {listeners} listeners");
        let ours = format!("write_{listeners}");
        let rival = "ordered callbacks";
        plans.push(row(what.clone(), ours.clone(), rival, "ordered", ordered));
        plans.push(row(what, ours, "callback list", "callbacks", plain));
    }
    for size in [100, 10_000, 1_000_000] {
        if size <= items {
            let what = format!("push to {size} items, 10 listeners");
            plans.push(row(
                what,
                format!("push_{size}"),
                "eyeball-im",
                "eyeball_im",
                Goal::RatioAtMost(0.1),
            ));
        }
    }
    let command = format!(
        "observe --milliseconds {} --items {items}",
        length.of(10, 200, 1000)
    );
    experiment(Area::Observe, command, length.of(1, 3, 5), plans)
}

pub(super) fn parts(length: Length) -> Experiment {
    let row = |what, name| alone(what, "µs", name, Goal::None);
    let plans = vec![
        row(
            "message out with its event, session alone",
            "session_out_us",
        ),
        row("message in, session alone", "session_in_us"),
        row(
            "message out with its completion, model alone",
            "model_out_us",
        ),
        row("message in, model alone", "model_in_us"),
    ];
    let command = format!("parts --messages {}", length.of(20, 5000, 20_000));
    experiment(Area::Parts, command, length.of(1, 3, 5), plans)
}

pub(super) fn build(length: Length) -> Experiment {
    let mut plans = vec![alone(
        "crates of a hello-world",
        "",
        "crates",
        Goal::AtMost(90.0),
    )];
    // A clean build takes minutes.
    let option = length.of("", "", "--build");
    if !option.is_empty() {
        let size = "size of a hello-world, stripped";
        plans.push(alone(size, "MB", "megabytes", Goal::AtMost(4.0)));
        plans.push(alone(
            "clean release build of a hello-world",
            "s",
            "seconds",
            Goal::None,
        ));
    }
    experiment(Area::Build, format!("hello-world {option}"), 1, plans)
}
