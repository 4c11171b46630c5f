//! The metrics of a worker, in the text format of OpenMetrics.

use std::{
    fmt::Write as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::sessions::LeaseCounts;
use crate::store::{FleetStatus, StoreError, Verdict};

/// The upper bounds of the buckets of both histograms, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0,
];

/// The counters of a worker.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    takeovers: Histogram,
    statements: Histogram,
    statement_errors: AtomicU64,
    resumed: AtomicU64,
    signed_in: AtomicU64,
    refused: AtomicU64,
    sign_in_failures: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    unknown: AtomicU64,
    received: AtomicU64,
    leases_lost: AtomicU64,
    fleet: Mutex<FleetStatus>,
}

/// How a sign-in ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum SignInResult {
    Resumed,
    SignedIn,
    Refused,
    Failed,
}

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    fn record(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            if seconds <= bound {
                add(bucket, 1);
            }
        }
        add(&self.count, 1);
        add(
            &self.micros,
            u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
        );
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        family(text, name, "histogram", help);
        let count = get(&self.count);
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            let value = get(bucket);
            let _ = writeln!(text, "{PREFIX}{name}_bucket{{le=\"{bound:?}\"}} {value}");
        }
        let _ = writeln!(text, "{PREFIX}{name}_bucket{{le=\"+Inf\"}} {count}");
        let sum = Duration::from_micros(get(&self.micros)).as_secs_f64();
        let _ = writeln!(
            text,
            "{PREFIX}{name}_sum {sum}\n{PREFIX}{name}_count {count}"
        );
    }
}

/// The beginning of the name of every metric.
const PREFIX: &str = "skype_p2p_fleet_";

impl Metrics {
    /// A statement of the store has ended.
    pub(super) fn statement<T>(&self, time: Duration, outcome: &Result<T, StoreError>) {
        self.statements.record(time);
        if matches!(
            outcome,
            Err(StoreError::Unavailable(_) | StoreError::Refused(_))
        ) {
            add(&self.statement_errors, 1);
        }
    }

    /// An identity of a dead worker polls again, this time after it was claimed.
    pub(super) fn takeover(&self, time: Duration) {
        self.takeovers.record(time);
    }

    pub(super) fn sign_in(&self, result: SignInResult) {
        let counter = match result {
            SignInResult::Resumed => &self.resumed,
            SignInResult::SignedIn => &self.signed_in,
            SignInResult::Refused => &self.refused,
            SignInResult::Failed => &self.sign_in_failures,
        };
        add(counter, 1);
    }

    pub(super) fn verdict(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Delivered => &self.delivered,
            Verdict::Failed => &self.failed,
            Verdict::Unknown => &self.unknown,
        };
        add(counter, 1);
    }

    pub(super) fn received(&self, messages: usize) {
        add(&self.received, messages as u64);
    }

    pub(super) fn lease_lost(&self) {
        add(&self.leases_lost, 1);
    }

    pub(super) fn set_fleet(&self, status: FleetStatus) {
        *self.fleet.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    pub(super) fn render(&self, leases: LeaseCounts) -> String {
        let text = &mut String::new();
        let states = [
            ("leased", leases.leased as u64),
            ("ready", leases.ready as u64),
            ("releasing", leases.releasing as u64),
        ];
        let help = "Identities of this worker.";
        labelled(text, "leases", "gauge", help, "state", &states);
        let help = "The longest time for which an identity of the whole fleet has not polled. Alert at 15.";
        // Between two sign-ins no worker has the identity, and only the store knows the time.
        let of_fleet = self
            .fleet
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event_gap;
        let gap = leases.event_gap.max(of_fleet).as_secs_f64();
        single(text, "event_gap_seconds", "gauge", help, gap);
        let help = "Time from the claim of a dead worker's identity until it polls.";
        self.takeovers.write(text, "takeover_seconds", help);
        let results = [
            ("resumed", get(&self.resumed)),
            ("signed_in", get(&self.signed_in)),
            ("refused", get(&self.refused)),
            ("failed", get(&self.sign_in_failures)),
        ];
        let help = "Sign-ins.";
        labelled(text, "sign_ins", "counter", help, "result", &results);
        let verdicts = [
            ("delivered", get(&self.delivered)),
            ("failed", get(&self.failed)),
            ("unknown", get(&self.unknown)),
        ];
        let help = "Results of messages.";
        labelled(text, "verdicts", "counter", help, "verdict", &verdicts);
        counter(
            text,
            "received_messages",
            "Recorded incoming messages.",
            &self.received,
        );
        let help = "Leases that ended because another worker or an operator took them.";
        counter(text, "lost_leases", help, &self.leases_lost);
        let help = "Duration of the statements of the database.";
        self.statements.write(text, "store_seconds", help);
        let help = "Statements that the database refused or did not answer.";
        counter(text, "store_errors", help, &self.statement_errors);
        self.write_fleet(text);
        text.push_str("# EOF\n");
        std::mem::take(text)
    }

    /// The values that are the same at every worker.
    fn write_fleet(&self, text: &mut String) {
        let fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        let identities = fleet.identities;
        let states = [
            ("free", identities.free),
            ("leased", identities.leased),
            ("ready", identities.ready),
            ("releasing", identities.releasing),
            ("suspended", identities.suspended),
            ("orphaned", identities.orphaned),
        ];
        let help = "Identities of the whole fleet.";
        labelled(text, "identities", "gauge", help, "state", &states);
        let states = [
            ("queued", fleet.messages.queued),
            ("posting", fleet.messages.posting),
            ("posted", fleet.messages.posted),
        ];
        let help = "Messages without a result of the whole fleet.";
        labelled(text, "messages", "gauge", help, "state", &states);
        let oldest = fleet.oldest_queued.unwrap_or_default().as_secs_f64();
        let help = "Age of the oldest queued message of the whole fleet.";
        single(text, "oldest_queued_seconds", "gauge", help, oldest);
    }
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(
        text,
        "# TYPE {PREFIX}{name} {kind}\n# HELP {PREFIX}{name} {help}"
    );
}

fn single(text: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    family(text, name, kind, help);
    let _ = writeln!(text, "{PREFIX}{name} {value}");
}

fn counter(text: &mut String, name: &str, help: &str, value: &AtomicU64) {
    family(text, name, "counter", help);
    let _ = writeln!(text, "{PREFIX}{name}_total {}", get(value));
}

fn labelled(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    label: &str,
    values: &[(&str, u64)],
) {
    family(text, name, kind, help);
    let suffix = if kind == "counter" { "_total" } else { "" };
    for (key, value) in values {
        let _ = writeln!(text, "{PREFIX}{name}{suffix}{{{label}=\"{key}\"}} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_counters_gauges_and_cumulative_buckets() {
        let metrics = Metrics::default();
        metrics.takeover(Duration::from_secs(3));
        metrics.verdict(Verdict::Unknown);
        let text = metrics.render(LeaseCounts::default());
        for line in [
            "# TYPE skype_p2p_fleet_verdicts counter",
            "skype_p2p_fleet_verdicts_total{verdict=\"unknown\"} 1",
            "skype_p2p_fleet_verdicts_total{verdict=\"failed\"} 0",
            "skype_p2p_fleet_takeover_seconds_bucket{le=\"2.0\"} 0",
            "skype_p2p_fleet_takeover_seconds_bucket{le=\"5.0\"} 1",
            "skype_p2p_fleet_takeover_seconds_bucket{le=\"+Inf\"} 1",
            "skype_p2p_fleet_takeover_seconds_sum 3",
            "skype_p2p_fleet_event_gap_seconds 0",
        ] {
            assert!(
                text.lines().any(|it| it == line),
                "{line} is missing:\n{text}"
            );
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
