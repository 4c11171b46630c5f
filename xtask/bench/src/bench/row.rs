//! A row of a table: a measurement beside that of a rival, round by round, and the goal.

use std::fmt;

use serde_json::{Value, json};

use super::{plot::Point, statistics::Summary};

/// What a row has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// The ratio to the rival is at most this.
    RatioAtMost(f64),
    /// The ratio to the rival is at least this.
    RatioAtLeast(f64),
    /// The ratio to the rival differs from 1 by at most a fifth.
    Flat,
    /// The value itself is at most this.
    AtMost(f64),
    /// The row is for information.
    None,
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtMost(limit) => write!(f, "≤ {limit:.2} ×"),
            Self::RatioAtLeast(limit) => write!(f, "≥ {limit:.2} ×"),
            Self::Flat => f.write_str("flat ±20 %"),
            Self::AtMost(limit) => write!(f, "≤ {}", number(*limit)),
            Self::None => Ok(()),
        }
    }
}

/// The measurements of a round: ours, and the rival's in the same round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) ours: f64,
    pub(super) rival: Option<f64>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) area: &'static str,
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) rival: String,
    pub(super) goal: Goal,
    /// The place in the chart of the growth.
    pub(super) point: Option<Point>,
    pub(super) pairs: Vec<Pair>,
}

/// The columns of a row, as text.
pub(super) const COLUMNS: [&str; 7] = [
    "what",
    "rival",
    "ours",
    "ratio",
    "quartiles",
    "to reach",
    "",
];

impl Row {
    pub(super) fn ours(&self) -> Option<Summary> {
        Summary::of(self.pairs.iter().map(|pair| pair.ours))
    }

    pub(super) fn rivals(&self) -> Option<Summary> {
        Summary::of(self.pairs.iter().filter_map(|pair| pair.rival))
    }

    /// The ratio of each round, ours to the rival's: load of the machine that lasts for a round affects both.
    pub(super) fn ratio(&self) -> Option<Summary> {
        let ratios = self.pairs.iter().filter_map(|pair| {
            let rival = pair.rival.filter(|rival| *rival != 0.0)?;
            Some(pair.ours / rival)
        });
        Summary::of(ratios)
    }

    /// Whether the goal is met. `None` without a goal, or without measurements.
    pub(super) fn is_met(&self) -> Option<bool> {
        let ratio = self.ratio().map(|ratio| ratio.median);
        match self.goal {
            Goal::RatioAtMost(limit) => Some(ratio? <= limit),
            Goal::RatioAtLeast(limit) => Some(ratio? >= limit),
            Goal::Flat => Some((0.8..=1.2).contains(&ratio?)),
            Goal::AtMost(limit) => Some(self.ours()?.median <= limit),
            Goal::None => None,
        }
    }

    /// The cells in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [String; 7] {
        let value = |summary: Option<Summary>| summary.map(|it| self.value(it.median));
        let rival = value(self.rivals()).map(|value| format!("{}: {value}", self.rival));
        let ratio = self.ratio();
        // The spread is that of the number that the goal is about.
        let spread = match ratio {
            Some(ratio) => Some(format!("{:.2}–{:.2}", ratio.quartiles.0, ratio.quartiles.1)),
            None => self.ours().map(|ours| {
                let (low, high) = ours.quartiles;
                format!("{}–{}", number(low), number(high))
            }),
        };
        let met = match self.is_met() {
            Some(true) => "met",
            Some(false) => "missed",
            None => "",
        };
        [
            self.what.clone(),
            rival.unwrap_or_default(),
            value(self.ours()).unwrap_or_else(|| "not measured".to_owned()),
            ratio.map_or(String::new(), |ratio| format!("{:.2}", ratio.median)),
            spread.unwrap_or_default(),
            self.goal.to_string(),
            met.to_owned(),
        ]
    }

    fn value(&self, value: f64) -> String {
        match self.unit {
            "" => number(value),
            unit => format!("{} {unit}", number(value)),
        }
    }

    pub(super) fn json(&self) -> Value {
        let summary = |summary: Option<Summary>| {
            summary.map(
                |it| json!({"median": it.median, "quartiles": [it.quartiles.0, it.quartiles.1]}),
            )
        };
        let pairs = self.pairs.iter().map(|pair| json!([pair.ours, pair.rival]));
        json!({
            "area": self.area, "what": self.what, "unit": self.unit, "rival": self.rival,
            "ours": summary(self.ours()), "theirs": summary(self.rivals()), "ratio": summary(self.ratio()),
            "to_reach": self.goal.to_string(), "met": self.is_met(),
            "rounds": pairs.collect::<Vec<_>>(),
        })
    }
}

/// A number with three digits, or all digits before the point.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(goal: Goal, pairs: &[(f64, f64)]) -> Row {
        let pairs = pairs.iter().map(|(ours, rival)| Pair {
            ours: *ours,
            rival: Some(*rival),
        });
        Row {
            area: "send",
            what: "CPU per message".to_owned(),
            unit: "µs",
            rival: "pooled".to_owned(),
            goal,
            point: None,
            pairs: pairs.collect(),
        }
    }

    #[test]
    fn a_ratio_is_that_of_the_same_round() {
        // In the second round the machine was ten times as slow. The ratio of the medians would be 2 × 1 / 1.5.
        let row = row(
            Goal::RatioAtMost(1.5),
            &[(2.0, 1.0), (15.0, 10.0), (3.0, 2.0)],
        );
        let ratio = row.ratio().unwrap();
        assert_eq!((ratio.median, ratio.quartiles), (1.5, (1.5, 1.75)));
        assert_eq!(row.is_met(), Some(true));
        assert_eq!(
            row.cells(),
            [
                "CPU per message",
                "pooled: 2 µs",
                "3 µs",
                "1.50",
                "1.50–1.75",
                "≤ 1.50 ×",
                "met"
            ]
        );
    }

    #[test]
    fn every_goal_has_two_sides() {
        for (goal, met, missed) in [
            (Goal::RatioAtMost(1.5), 1.5, 1.51),
            (Goal::RatioAtLeast(0.9), 0.9, 0.89),
            (Goal::Flat, 1.2, 1.21),
            (Goal::Flat, 0.8, 0.79),
            (Goal::AtMost(4.0), 4.0, 4.1),
        ] {
            assert_eq!(row(goal, &[(met, 1.0)]).is_met(), Some(true), "{goal:?}");
            assert_eq!(
                row(goal, &[(missed, 1.0)]).is_met(),
                Some(false),
                "{goal:?}"
            );
        }
        assert_eq!(row(Goal::None, &[(9.0, 1.0)]).is_met(), None);
        assert_eq!(row(Goal::Flat, &[]).is_met(), None);
    }

    #[test]
    fn a_row_without_a_rival_shows_the_spread_of_its_values() {
        let mut row = row(Goal::AtMost(4.0), &[(7.9, 1.0), (7.7, 1.0), (8.1, 1.0)]);
        row.unit = "KB";
        for pair in &mut row.pairs {
            pair.rival = None;
        }
        let cells = row.cells();
        assert_eq!(
            cells,
            [
                "CPU per message",
                "",
                "7.9 KB",
                "",
                "7.8–8",
                "≤ 4",
                "missed"
            ]
        );
    }

    #[test]
    fn numbers_have_three_digits() {
        let texts = [0.123, 1.0, 12.34, 99.96, 1234.5].map(number);
        assert_eq!(texts, ["0.12", "1", "12.3", "100", "1234"]);
    }
}
