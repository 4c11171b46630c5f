//! One run: builds the world of a seed, runs the scenario, checks the invariants.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::fault_schedule::{DeviceFaults, FaultSchedule};
use crate::handover_schedule::Handover;
use crate::http_faults::HttpFaults;
use crate::invariants;
use crate::network_profile::NetworkProfile;
use crate::options::{Options, WorldSize};
use crate::random::{RandomStream, stream};
use crate::report::Report;
use crate::scenario::{self, Plan, Scenario};
use crate::violation::{Invariant, Violation};
use crate::world::{Conditions, World};

/// Runs the scenario in the world of `seed`. The same seed and options give the same report.
pub fn run(seed: u64, options: &Options) -> Report {
    let network = options.network.clone().unwrap_or_else(|| network_of(seed));
    let mut http_faults = match options.size {
        WorldSize::Pair => HttpFaults::none(),
        _ => options
            .http_faults
            .clone()
            .unwrap_or_else(|| http_faults_of(seed)),
    };
    let ideal = network.is_lossless() && http_faults.is_none();
    let actors = match options.size {
        WorldSize::Pair => 2,
        _ => options
            .sessions
            .map_or_else(|| session_count_of(seed), |it| it.0),
    };
    let mut faults = match options.size {
        WorldSize::Pair | WorldSize::Group => FaultSchedule::default(),
        _ => FaultSchedule::of(seed, ideal, actors),
    };
    let device_faults = match options.size {
        WorldSize::Pair | WorldSize::Group | WorldSize::Large => DeviceFaults::default(),
        _ => DeviceFaults::of(seed, ideal, actors),
    };
    // The operations that are pending when a process stops may fail, so a world with hand-overs is not ideal.
    let handovers = match options.size {
        WorldSize::Handover | WorldSize::Contacts => Handover::of(seed, ideal, actors),
        _ => Vec::new(),
    };
    let lossless = ideal;
    let ideal = lossless && handovers.is_empty();
    // In an ideal world, two expired tokens make a request fail, and on a slow network an expired token and the read for a
    // malformed event can together exceed the 30 s of an invitation.
    let is_late = ideal && network.is_slow() && device_faults.malformed_pages;
    if is_late {
        faults.token_life = None;
    }
    let expires_tokens = !(is_late || ideal && faults.token_life.is_some());
    if options.size < WorldSize::Large {
        http_faults.invalid_tickets = 0;
    }
    if !faults.forged_links {
        http_faults.forged_links = 0;
    }
    let names = (network.name, http_faults.name);
    let conditions = Conditions {
        network,
        http_faults,
        token_life: faults.token_life,
        wall_clocks: device_faults.wall_clocks,
        date_headers: device_faults.date_headers,
        malformed_pages: device_faults.malformed_pages,
        clock_offsets: device_faults.clock_offsets.clone(),
    };
    let mut world = World::new(seed, conditions, scenario::users(), options.trace);
    let plan = Plan {
        size: options.size,
        actors,
        ideal,
        lossless,
        expires_tokens,
        messages: options.messages,
        representation: options.representation,
        faults,
        device_faults,
        handovers,
    };
    // After a panic the invariants are checked on the world as the panic left it. The world is then dropped.
    let result = catch_unwind(AssertUnwindSafe(|| {
        Scenario::new(&mut world, plan, seed).play()
    }));
    let mut violations = std::mem::take(&mut world.violations);
    let messages = result.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("the payload of the panic is not a string");
        violations.push(Violation::new(Invariant::NoPanic, text));
        Vec::new()
    });
    let (tally, found) = invariants::check(&world, &messages, ideal);
    violations.extend(found);
    Report {
        seed,
        network: names.0,
        http_faults: names.1,
        messages: messages.len() as u64,
        delivered: tally.delivered,
        failed: tally.failed,
        unknown: tally.unknown,
        absent: tally.absent,
        coverage: std::mem::take(&mut world.oracle.coverage),
        steps: world.steps(),
        time: world.now(),
        violations,
        trace: world.trace,
    }
}

/// The network profile of a seed.
fn network_of(seed: u64) -> NetworkProfile {
    match RandomStream::new(seed, stream::NETWORK_PROFILE).below(4) {
        0 => NetworkProfile::fast(),
        1 => NetworkProfile::slow(),
        2 => NetworkProfile::lossy(),
        _ => NetworkProfile::failing(),
    }
}

/// The rates of HTTP faults of a seed.
fn http_faults_of(seed: u64) -> HttpFaults {
    match RandomStream::new(seed, stream::HTTP_FAULT_RATES).below(3) {
        0 => HttpFaults::none(),
        1 => HttpFaults::some(),
        _ => HttpFaults::many(),
    }
}

/// The number of sessions of a seed; half of the seeds have two.
fn session_count_of(seed: u64) -> usize {
    match RandomStream::new(seed, stream::SESSION_COUNT).below(6) {
        0 => 3,
        1 => 4,
        2 => 5,
        _ => 2,
    }
}
