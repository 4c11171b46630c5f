//! The experiment with many users of the embedded server.

use super::{
    super::{
        experiment::{Experiment, Metric, Plan},
        row::Goal,
    },
    Area, Length, SERVER, SMALLEST,
};

pub(super) fn server(length: Length) -> Experiment {
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
            beside: "",
            goal: limit,
            point: None,
        });
        for size in sizes.iter().skip(1) {
            plans.push(Plan {
                what: format!("{what}, CPU, {smallest} → {size} parked users"),
                unit: "µs",
                ours: of(format!("{name}_{size}")),
                rival: Some(of(format!("{name}_{smallest}"))),
                beside: SMALLEST,
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
