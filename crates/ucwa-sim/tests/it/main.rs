//! Tests of the simulated worlds: invariants on many seeds, coverage of the faults, determinism.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod coverage;
mod seeds;

use std::fmt::Write as _;
use std::ops::Range;

use ucwa_sim::{Options, Report, run};

/// Runs a seed with its trace, and returns the trace, the report and the violations.
fn trace(seed: u64, options: &Options) -> String {
    let mut options = options.clone();
    options.trace = true;
    let report = run(seed, &options);
    let mut text = format!("{}{report}\n", report.trace);
    for violation in &report.violations {
        writeln!(text, "  {violation}").unwrap();
    }
    text
}

/// Runs the seeds. Panics with the trace of the first failing seed and the command that replays it.
#[track_caller]
fn play(seeds: Range<u64>, options: &Options) -> Vec<Report> {
    let reports: Vec<_> = seeds.map(|seed| run(seed, options)).collect();
    let failed: Vec<_> = reports
        .iter()
        .filter(|report| !report.violations.is_empty())
        .map(|report| report.seed)
        .collect();
    if let Some(first) = failed.first() {
        panic!(
            "{}\n{} of {} seeds fail: {failed:?}\nreplay: {}",
            trace(*first, options),
            failed.len(),
            reports.len(),
            options.replay_command(*first)
        );
    }
    reports
}
