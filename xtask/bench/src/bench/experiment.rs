//! Experiments: the runs of some contenders in turn, and the rows that are computed from them.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    BenchError,
    plot::Point,
    program::{Program, Sample},
    row::{Goal, Pair, Row},
};

/// One measurement of a contender.
#[derive(Clone, Debug)]
pub(super) struct Metric {
    pub(super) contender: &'static str,
    pub(super) name: Cow<'static, str>,
}

/// A row that an experiment will fill.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) ours: Metric,
    pub(super) rival: Option<Metric>,
    /// The name of the rival in the table.
    pub(super) beside: &'static str,
    pub(super) goal: Goal,
    pub(super) point: Option<Point>,
}

/// Contenders with the same task.
#[derive(Clone, Debug)]
pub(super) struct Experiment {
    pub(super) area: &'static str,
    /// The arguments of the server. Each run has a new one.
    pub(super) host: Option<String>,
    /// The names of the contenders, and the arguments of each. `{root}` is the URL of the server, and `{process}` its process ID.
    pub(super) contenders: Vec<(&'static str, String)>,
    pub(super) rounds: usize,
    pub(super) plans: Vec<Plan>,
}

impl Experiment {
    /// Runs every contender once in each round. Each round begins with another one.
    pub(super) fn run(&self, program: &Program) -> Result<Vec<Row>, BenchError> {
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            let mut samples = BTreeMap::new();
            for (name, arguments) in self.order(round) {
                let host = match &self.host {
                    Some(host) => Some(program.host(&words(host))?),
                    None => None,
                };
                let mut arguments = arguments.clone();
                if let Some(host) = &host {
                    arguments = arguments.replace("{root}", &host.root);
                    arguments = arguments.replace("{process}", &host.process().to_string());
                }
                samples.insert(*name, program.run(&words(&arguments))?);
            }
            rounds.push(samples);
        }
        Ok(self.rows(&rounds))
    }

    fn order(&self, round: usize) -> impl Iterator<Item = &(&'static str, String)> {
        let first = round % self.contenders.len().max(1);
        let (before, after) = self.contenders.split_at(first);
        after.iter().chain(before)
    }

    /// The rows, with a pair for each round that has both measurements.
    fn rows(&self, rounds: &[BTreeMap<&str, Sample>]) -> Vec<Row> {
        let rows = self.plans.iter().map(|plan| {
            let pairs = rounds.iter().filter_map(|samples| {
                let value = |metric: &Metric| {
                    let sample = samples.get(metric.contender)?;
                    sample.get(&*metric.name).copied()
                };
                let rival = match &plan.rival {
                    Some(rival) => Some(value(rival)?),
                    None => None,
                };
                let ours = value(&plan.ours)?;
                Some(Pair { ours, rival })
            });
            Row {
                area: self.area,
                what: plan.what.clone(),
                unit: plan.unit,
                rival: plan.beside.to_owned(),
                goal: plan.goal,
                point: plan.point,
                pairs: pairs.collect(),
            }
        });
        rows.collect()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> Experiment {
        let metric = |contender| Metric {
            contender,
            name: "cpu_us".into(),
        };
        Experiment {
            area: "send",
            host: None,
            contenders: vec![("sdk", String::new()), ("pooled", String::new())],
            rounds: 2,
            plans: vec![Plan {
                what: "CPU".to_owned(),
                unit: "µs",
                ours: metric("sdk"),
                rival: Some(metric("pooled")),
                beside: "pooled",
                goal: Goal::None,
                point: None,
            }],
        }
    }

    #[test]
    fn each_round_begins_with_another_contender() {
        let experiment = experiment();
        let order = |round| {
            let names = experiment.order(round).map(|(name, _)| *name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(order(0), ["sdk", "pooled"]);
        assert_eq!(order(1), ["pooled", "sdk"]);
        assert_eq!(order(2), order(0));
    }

    #[test]
    fn a_pair_is_of_one_round_and_complete() {
        let sample = |value| Sample::from([("cpu_us".to_owned(), value)]);
        let rounds = [
            BTreeMap::from([("sdk", sample(2.0)), ("pooled", sample(1.0))]),
            BTreeMap::from([("sdk", sample(30.0)), ("pooled", sample(10.0))]),
            BTreeMap::from([("sdk", sample(4.0)), ("pooled", Sample::new())]),
        ];
        let rows = experiment().rows(&rounds);
        let pair = |ours, rival| Pair {
            ours,
            rival: Some(rival),
        };
        assert_eq!(
            rows.first().unwrap().pairs,
            [pair(2.0, 1.0), pair(30.0, 10.0)]
        );
    }
}
