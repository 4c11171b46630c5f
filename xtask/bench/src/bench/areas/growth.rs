//! The experiment with more and more conversations, messages and participants.

use super::{
    super::{
        experiment::{Experiment, Metric, Plan},
        plot::Point,
        row::Goal,
    },
    Area, Length, SDK, SMALLEST,
};

pub(super) fn growth(length: Length) -> Experiment {
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
        beside: SMALLEST,
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
        beside: "",
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

/// 100, 1,000 and so on up to `last`.
fn powers_of_ten(last: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(100), |size| Some(size * 10)).take_while(move |size| *size <= last)
}
