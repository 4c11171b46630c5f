//! The report of a run.

use std::fmt;
use std::time::Duration;

use crate::coverage::Coverage;
use crate::trace::Trace;
use crate::violation::{Invariant, Violation};

/// The result of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed that repeats the run.
    pub seed: u64,
    /// The name of the network profile.
    pub network: &'static str,
    /// The name of the HTTP faults' rates.
    pub http_faults: &'static str,
    /// How many messages were sent.
    pub messages: u64,
    /// How many of them were reported as delivered.
    pub delivered: u64,
    /// How many of them were reported as failed.
    pub failed: u64,
    /// How many of them were reported as unknown.
    pub unknown: u64,
    /// How many actors never signed in.
    pub absent: u64,
    /// The faults and recoveries that occurred.
    pub coverage: Coverage,
    /// How many events the world processed.
    pub steps: u64,
    /// How much virtual time passed.
    pub time: Duration,
    /// The violated invariants; empty after a correct run.
    pub violations: Vec<Violation>,
    /// The trace, if [`Options::trace`](crate::Options::trace) is set.
    pub trace: Trace,
}

impl Report {
    /// How often `invariant` was violated.
    pub fn count(&self, invariant: Invariant) -> u64 {
        let violations = self.violations.iter();
        violations.filter(|it| it.invariant == invariant).count() as u64
    }

    /// How many messages were not shown where they should have been.
    pub fn lost(&self) -> u64 {
        self.count(Invariant::NoLoss)
    }

    /// How many messages were shown twice.
    pub fn duplicated(&self) -> u64 {
        self.count(Invariant::NoDuplicate)
    }

    /// How many messages were shown before an earlier one.
    pub fn reordered(&self) -> u64 {
        self.count(Invariant::InOrder)
    }

    /// How many messages had a delivery result that the server did not give.
    pub fn misreported(&self) -> u64 {
        self.count(Invariant::TrueDeliveryResult)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed={} network={} http-faults={} messages={} delivered={} failed={} unknown={} lost={} duplicated={} \
             reordered={} misreported={} violations={} steps={} time={:.1}s",
            self.seed,
            self.network,
            self.http_faults,
            self.messages,
            self.delivered,
            self.failed,
            self.unknown,
            self.lost(),
            self.duplicated(),
            self.reordered(),
            self.misreported(),
            self.violations.len(),
            self.steps,
            self.time.as_secs_f64()
        )
    }
}
