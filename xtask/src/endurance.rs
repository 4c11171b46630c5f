//! `cargo xtask endurance`: days of virtual time, and the memory that a session holds after each.
//!
//! The memory of a session is what its drop frees. A dropped session cannot go on, so each measured day is a run of its own
//! from the same seed.

use std::process::ExitCode;

use ucwa_sim::{Day, Endurance, HttpFaults, NetworkProfile};

use crate::soak::{http_faults, network};

/// The day to which the last one is compared. The first day fills what a session keeps in bounds.
const REFERENCE_DAY: u32 = 2;
/// How much more than on the reference day a session may hold: a share, in percent, and a number of bytes.
const MARGIN_PERCENT: i64 = 20;
const MARGIN_BYTES: i64 = 32 * 1024;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The number of days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(3..))]
    days: u32,
    /// Measure every n-th day, besides the second and the last
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    #[command(flatten)]
    conditions: Conditions,
}

/// What determines a run.
#[derive(Clone, Debug, clap::Args)]
struct Conditions {
    /// The seed of the world
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The network: fast, slow, lossy or failing
    #[arg(long, value_parser = network, default_value = "lossy")]
    network: NetworkProfile,
    /// The rates of HTTP faults: none, some or many
    #[arg(long, value_parser = http_faults, default_value = "some")]
    http_faults: HttpFaults,
}

/// The memory at the end of a day.
#[derive(Clone, Debug)]
struct Measurement {
    day: Day,
    /// The bytes of the session that begins most chats.
    session: i64,
    /// The number of its allocations.
    allocations: i64,
    /// The bytes of all sessions.
    sessions: i64,
    /// The bytes of the server.
    server: i64,
}

impl Measurement {
    /// Plays the first `days` days and measures.
    fn after(days: u32, conditions: &Conditions) -> Self {
        let Conditions {
            seed,
            network,
            http_faults,
        } = conditions.clone();
        let mut endurance = Endurance::new(seed, network, http_faults);
        let mut last = Day::default();
        let mut violations = Vec::new();
        for _ in 0..days {
            last = endurance.run_day();
            violations.append(&mut last.violations);
        }
        last.violations = violations;
        let mut final_state = endurance.into_final_state();
        let first = match final_state.sessions.is_empty() {
            true => None,
            false => Some(final_state.sessions.remove(0)),
        };
        let (session, allocations) = freed(first);
        let (others, _) = freed(final_state.sessions);
        let (server, _) = freed(final_state.server);
        Self {
            day: last,
            session,
            allocations,
            sessions: session + others,
            server,
        }
    }

    /// A line of the table.
    fn line(&self) -> String {
        format!(
            "{:>4} {:>8} {:>9} {:>8} {:>9} {:>11} {:>12} {:>12} {:>12}",
            self.day.number,
            self.day.messages,
            self.day.delivered,
            self.day.conversations,
            self.day.sign_ins,
            self.session,
            self.allocations,
            self.sessions,
            self.server
        )
    }
}

const HEADER: &str =
    " day messages delivered  removed  sign-ins     session  allocations all sessions       server";

/// The bytes and allocations that the drop of a value frees.
fn freed<T>(value: T) -> (i64, i64) {
    let info = allocation_counter::measure(|| drop(value));
    (-info.bytes_current, -info.count_current)
}

/// Why the memory of the last day is too much, if it is.
fn growth(reference: &Measurement, last: &Measurement) -> Option<String> {
    let limit = reference.session + reference.session * MARGIN_PERCENT / 100 + MARGIN_BYTES;
    (last.session > limit).then(|| {
        format!(
            "the session holds {} bytes after day {} and {} after day {}; the limit is {limit}",
            last.session, last.day.number, reference.session, reference.day.number
        )
    })
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    println!("{HEADER}");
    let mut reference = None;
    let mut clean = true;
    for day in 1..=arguments.days {
        let wanted = day == REFERENCE_DAY || day == arguments.days || day % arguments.every == 0;
        if !wanted {
            continue;
        }
        let measurement = Measurement::after(day, &arguments.conditions);
        println!("{}", measurement.line());
        for violation in &measurement.day.violations {
            println!("  {violation}");
            clean = false;
        }
        if day == REFERENCE_DAY {
            reference = Some(measurement);
        } else if day == arguments.days
            && let Some(growth) = reference.as_ref().and_then(|it| growth(it, &measurement))
        {
            println!("{growth}");
            clean = false;
        }
    }
    match clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_holds_no_more_after_four_days_than_after_two() {
        let conditions = Conditions {
            seed: 0,
            network: NetworkProfile::lossy(),
            http_faults: HttpFaults::some(),
        };
        let reference = Measurement::after(REFERENCE_DAY, &conditions);
        let last = Measurement::after(4, &conditions);
        assert_eq!(last.day.violations, []);
        assert!(last.day.delivered > 150, "{}", last.line());
        assert!(reference.session > 10_000, "{}", reference.line());
        assert_eq!(growth(&reference, &last), None);
    }

    #[test]
    fn growth_beyond_the_margin_is_reported() {
        let measurement = |session| Measurement {
            day: Day::default(),
            session,
            allocations: 0,
            sessions: session,
            server: 0,
        };
        let reference = measurement(1_000_000);
        assert_eq!(growth(&reference, &measurement(1_232_768)), None);
        assert!(growth(&reference, &measurement(1_232_769)).is_some());
    }
}
