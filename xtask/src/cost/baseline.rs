//! The costs of all steps, and their comparison with those of the baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// A cost may exceed the baseline by this part of it.
const TOLERANCE: f64 = 0.05;
/// The cost at the largest size may differ from the cost at the smallest by this part of it.
const GROWTH: f64 = 0.1;

const HEADER: &str =
    "# Written by `cargo xtask cost --write`: the cost of one repetition of each step.\n\n";

/// The costs of all steps, and the programs that the instructions depend on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    pub(super) compiler: String,
    pub(super) valgrind: String,
    pub(super) steps: BTreeMap<String, Cost>,
}

/// The cost of one repetition of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// 0 if they were not counted.
    pub(super) instructions: u64,
    pub(super) allocations: u64,
    pub(super) allocated_bytes: u64,
    /// The bytes that are still allocated after the step.
    pub(super) kept_bytes: u64,
}

impl Cost {
    fn kinds(self) -> [(&'static str, u64); 4] {
        [
            ("instructions", self.instructions),
            ("allocations", self.allocations),
            ("allocated bytes", self.allocated_bytes),
            ("kept bytes", self.kept_bytes),
        ]
    }
}

impl Baseline {
    pub(super) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{HEADER}{}", toml::to_string(self)?))
    }

    /// The costs, each with its change since the baseline.
    pub(super) fn table(&self, before: &BTreeMap<String, Cost>) -> String {
        let mut table = format!(
            "{:44} {:>19} {:>19} {:>19} {:>19}\n",
            "step", "instructions", "allocations", "allocated bytes", "kept bytes"
        );
        for (name, cost) in &self.steps {
            let _ = write!(table, "{name:44}");
            let old = before.get(name).copied().unwrap_or_default();
            for ((_, now), (_, old)) in cost.kinds().into_iter().zip(old.kinds()) {
                let change = match (now, old) {
                    (0, _) | (_, 0) => String::new(),
                    _ => format!("{:+.1} %", (now as f64 / old as f64 - 1.0) * 100.0),
                };
                let _ = write!(table, " {now:>10} {change:>8}");
            }
            table.push('\n');
        }
        table
    }

    /// The costs that exceed the baseline, or grow with a size.
    pub(super) fn errors(&self, before: &Self) -> Vec<String> {
        let mut errors = self.growth_errors();
        let same_tools = self.has_tools_of(before);
        let names: BTreeSet<_> = self.steps.keys().chain(before.steps.keys()).collect();
        for name in names {
            let (Some(now), Some(old)) = (self.steps.get(name), before.steps.get(name)) else {
                errors.push(format!("{name}: only in the baseline or only measured"));
                continue;
            };
            for ((kind, now), (_, old)) in now.kinds().into_iter().zip(old.kinds()) {
                let is_comparable = kind != "instructions" || same_tools;
                if is_comparable && exceeds(now, old) {
                    errors.push(format!("{name}: {now} {kind}, {old} in the baseline"));
                }
            }
        }
        errors
    }

    /// The steps whose cost is not the same at the smallest and the largest size. The name of such a step ends with the size.
    pub(super) fn growth_errors(&self) -> Vec<String> {
        let mut sizes = BTreeMap::<(&str, &str), BTreeMap<u64, Cost>>::new();
        for (name, cost) in &self.steps {
            if let Some((step, size)) = name.split_once(", ")
                && let Some((size, unit)) = size.split_once(' ')
                && let Ok(size) = size.parse()
            {
                sizes.entry((step, unit)).or_default().insert(size, *cost);
            }
        }
        let mut errors = Vec::new();
        for ((step, unit), costs) in sizes {
            let (Some((small, few)), Some((large, many))) =
                (costs.first_key_value(), costs.last_key_value())
            else {
                continue;
            };
            // The kept bytes include the growth of collections, which is amortized differently at each size.
            for ((kind, few), (_, many)) in few.kinds().into_iter().zip(many.kinds()).take(2) {
                let is_different = many.abs_diff(few) as f64 > few as f64 * GROWTH;
                if few > 0 && is_different {
                    errors.push(format!(
                        "{step}: {many} {kind} with {large} {unit}, {few} with {small}"
                    ));
                }
            }
        }
        errors
    }

    /// Whether a step has become cheaper by more than the tolerance.
    pub(super) fn is_cheaper(&self, before: &Self) -> bool {
        let same_tools = self.has_tools_of(before);
        self.steps.iter().any(|(name, now)| {
            let old = before.steps.get(name).copied().unwrap_or_default();
            let mut pairs = now.kinds().into_iter().zip(old.kinds());
            pairs.any(|((kind, now), (_, old))| {
                (kind != "instructions" || same_tools) && exceeds(old, now)
            })
        })
    }

    /// Whether the instructions of the two can be compared: another compiler generates others for the same code.
    pub(super) fn has_tools_of(&self, other: &Self) -> bool {
        self.compiler == other.compiler && self.valgrind == other.valgrind
    }
}

fn exceeds(now: u64, limit: u64) -> bool {
    now as f64 > limit as f64 * (1.0 + TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(steps: &[(&str, u64, u64)]) -> Baseline {
        let steps = steps.iter().map(|&(name, instructions, allocations)| {
            let cost = Cost {
                instructions,
                allocations,
                ..Cost::default()
            };
            (name.to_owned(), cost)
        });
        Baseline {
            compiler: "rustc 1.89.0".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
            steps: steps.collect(),
        }
    }

    #[test]
    fn a_cost_may_exceed_the_baseline_by_the_tolerance() {
        let before = costs(&[("send", 1_000, 100)]);
        assert!(costs(&[("send", 1_050, 105)]).errors(&before).is_empty());
        assert_eq!(
            costs(&[("send", 1_051, 106)]).errors(&before),
            [
                "send: 1051 instructions, 1000 in the baseline",
                "send: 106 allocations, 100 in the baseline"
            ]
        );
    }

    #[test]
    fn the_instructions_of_another_compiler_are_not_compared_with_the_baseline() {
        let before = costs(&[("send", 1_000, 100)]);
        let mut now = costs(&[("send", 2_000, 200)]);
        now.compiler = "rustc 1.90.0".to_owned();
        assert_eq!(
            now.errors(&before),
            ["send: 200 allocations, 100 in the baseline"]
        );
    }

    #[test]
    fn a_cost_must_not_depend_on_a_size() {
        let flat = costs(&[
            ("send, 10 peers", 1_000, 10),
            ("send, 1000 peers", 1_100, 10),
        ]);
        assert!(flat.growth_errors().is_empty());
        let mut growing = costs(&[
            ("send, 10 peers", 1_000, 10),
            ("send, 1000 peers", 1_101, 9),
        ]);
        growing.compiler = "rustc 1.90.0".to_owned();
        assert_eq!(
            growing.errors(&growing),
            ["send: 1101 instructions with 1000 peers, 1000 with 10"]
        );
    }

    #[test]
    fn every_step_has_a_baseline() {
        let (now, before) = (costs(&[("send", 1, 1)]), costs(&[("receive", 1, 1)]));
        assert_eq!(
            now.errors(&before),
            [
                "receive: only in the baseline or only measured",
                "send: only in the baseline or only measured"
            ]
        );
    }

    #[test]
    fn a_lower_cost_is_reported() {
        let before = costs(&[("send", 1_000, 100)]);
        assert!(!costs(&[("send", 960, 96)]).is_cheaper(&before));
        assert!(costs(&[("send", 900, 100)]).is_cheaper(&before));
    }

    #[test]
    fn a_written_baseline_is_read_again() {
        let written = costs(&[("send, 10 peers", 1_000, 10)]);
        let read: Baseline = toml::from_str(&written.to_toml().unwrap()).unwrap();
        assert_eq!(read.steps, written.steps);
        assert!(read.has_tools_of(&written));
    }
}
