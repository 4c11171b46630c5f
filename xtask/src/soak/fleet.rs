//! The simulated worlds of a fleet.

use std::{process::ExitCode, time::Duration};

use fleet_sim::{Counts, Large, Options, Report, run};

use super::{Arguments, PRINTED_FAILURES, Totals, play_all};

/// The sums over all runs.
#[derive(Default)]
struct Sums {
    counts: Counts,
    failed: usize,
}

impl Totals for Sums {
    type Report = Report;

    fn add(&mut self, report: &Report) -> Vec<String> {
        self.counts.add(&report.counts);
        if report.violations.is_empty() {
            return Vec::new();
        }
        self.failed += 1;
        if self.failed > PRINTED_FAILURES {
            return Vec::new();
        }
        let mut lines = vec![report.to_string()];
        lines.extend(report.violations.iter().map(|it| format!("  {it}")));
        lines.push(format!(
            "  replay: cargo xtask soak --seeds 1 --seed-start {} --world fleet --trace",
            report.seed
        ));
        lines
    }

    fn failed(&self) -> usize {
        self.failed
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.failed > PRINTED_FAILURES {
            lines.push(format!("{} seeds failed in all", self.failed));
        }
        lines.push(self.counts.to_string());
        lines
    }
}

/// Plays the seeds of the arguments.
pub(super) fn run_all(arguments: &Arguments) -> ExitCode {
    let mut options = Options::default();
    options.trace = arguments.trace;
    options.large = arguments.identities.map(|identities| Large {
        identities,
        duration: Duration::from_secs_f64(arguments.hours * 3600.0),
    });
    play_all(arguments, Sums::default(), |seed| {
        let report = run(seed, &options);
        let lines = report.trace.iter().map(|line| format!("{line}\n"));
        let trace = lines.collect();
        (report, trace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_seed_is_printed_with_the_command_that_replays_it() {
        let mut report = run(0, &Options::default());
        let mut sums = Sums::default();
        assert_eq!(sums.add(&report), Vec::<String>::new());
        assert_eq!(sums.lines(), [report.counts.to_string()]);
        report.violations.push(fleet_sim::Violation {
            invariant: fleet_sim::Invariant::Settled,
            detail: "out-0-0-1 is Queued".to_owned(),
        });
        let lines = sums.add(&report);
        let replay = "  replay: cargo xtask soak --seeds 1 --seed-start 0 --world fleet --trace";
        assert_eq!(lines[1..], ["  Settled: out-0-0-1 is Queued", replay]);
        assert_eq!(sums.failed(), 1);
    }
}
