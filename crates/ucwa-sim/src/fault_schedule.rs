//! The fault schedule: faults that occur at a certain time or last for the whole run, in addition to the rates of network
//! and HTTP faults.

use std::time::Duration;

use crate::device::ClockOffset;
use crate::random::{RandomStream, stream};

/// An outage: the server is unreachable for some time, and has lost everything except its users afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// When the outage begins, after all actors have signed in.
    pub(crate) after: Duration,
    pub(crate) length: Duration,
    /// Whether a proxy answers during the outage. Otherwise connections are refused.
    pub(crate) behind_proxy: bool,
}

/// The scheduled faults of one world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaultSchedule {
    /// The lifetime of tokens, if it is shorter than usual.
    pub(crate) token_life: Option<Duration>,
    /// Whether responses can contain links to the attacker's host.
    pub(crate) forged_links: bool,
    pub(crate) outages: Vec<Outage>,
    /// The times at which another process replaces the pending GET of an actor.
    pub(crate) replaced_polls: Vec<(Duration, usize)>,
    /// Whether the actors sign out only after every session is idle.
    pub(crate) idle_end: bool,
}

impl FaultSchedule {
    /// The schedule of a seed. In an `ideal` world no request is lost or refused, and the actors sign out when every session
    /// is idle.
    pub(crate) fn of(seed: u64, ideal: bool, actors: usize) -> Self {
        let mut random = RandomStream::new(seed, stream::FAULT_SCHEDULE);
        let seconds = |random: &mut RandomStream, from: u64, to: u64| {
            random.duration(&(Duration::from_secs(from)..Duration::from_secs(to)))
        };
        let token_life = (random.chance(300)).then(|| seconds(&mut random, 40, 200));
        if ideal {
            return Self {
                token_life,
                idle_end: true,
                ..Self::default()
            };
        }
        let outages = (0..random.below(4) / 2)
            .map(|_| Outage {
                after: seconds(&mut random, 0, 90),
                length: seconds(&mut random, 1, 60),
                behind_proxy: random.chance(400),
            })
            .collect();
        let replaced_polls = (0..random.below(3))
            .map(|_| (seconds(&mut random, 0, 60), random.index(actors)))
            .collect();
        Self {
            token_life,
            forged_links: random.chance(300),
            outages,
            replaced_polls,
            idle_end: random.chance(500),
        }
    }
}

/// A jump of the wall clock of an actor's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockJump {
    /// When the clock jumps, after all actors have signed in.
    pub(crate) after: Duration,
    pub(crate) actor: usize,
    pub(crate) by: ClockOffset,
}

/// A suspend of an actor's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScheduledSuspend {
    /// When the suspend begins, after all actors have signed in.
    pub(crate) after: Duration,
    pub(crate) actor: usize,
    pub(crate) length: Duration,
}

/// The faults of clocks, devices and event pages, which only [`WorldSize::Full`](crate::WorldSize::Full) has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceFaults {
    /// Whether the sessions read the wall clocks of their devices.
    pub(crate) wall_clocks: bool,
    /// Whether responses have a `Date` header.
    pub(crate) date_headers: bool,
    /// Whether event pages, and single events of them, can be malformed.
    pub(crate) malformed_pages: bool,
    /// The offset of each actor's wall clock.
    pub(crate) clock_offsets: Vec<ClockOffset>,
    pub(crate) clock_jumps: Vec<ClockJump>,
    pub(crate) suspends: Vec<ScheduledSuspend>,
}

impl DeviceFaults {
    /// The faults of a seed. In an `ideal` world no device is suspended, since a suspended device loses its application.
    pub(crate) fn of(seed: u64, ideal: bool, actors: usize) -> Self {
        let mut clocks = RandomStream::new(seed, stream::CLOCK_OFFSETS);
        let date_headers = clocks.chance(800);
        let clock_offsets = (0..actors)
            .map(|_| match clocks.chance(500) {
                true => offset(&mut clocks),
                false => ClockOffset::default(),
            })
            .collect();
        let mut jumps = RandomStream::new(seed, stream::CLOCK_JUMPS);
        let clock_jumps = (0..jumps.below(4))
            .map(|_| ClockJump {
                after: seconds(&mut jumps, 0, 90),
                actor: jumps.index(actors),
                by: offset(&mut jumps),
            })
            .collect();
        let mut suspends = RandomStream::new(seed, stream::SUSPENDS);
        let count = if ideal { 0 } else { suspends.below(3) };
        let suspends = (0..count)
            .map(|_| ScheduledSuspend {
                after: seconds(&mut suspends, 0, 90),
                actor: suspends.index(actors),
                length: suspend_length(&mut suspends),
            })
            .collect();
        Self {
            wall_clocks: true,
            date_headers,
            malformed_pages: RandomStream::new(seed, stream::MALFORMED_PAGES).chance(500),
            clock_offsets,
            clock_jumps,
            suspends,
        }
    }
}

fn seconds(random: &mut RandomStream, from: u64, to: u64) -> Duration {
    random.duration(&(Duration::from_secs(from)..Duration::from_secs(to)))
}

/// An offset of a second to five hours, in either direction. Short and long ones are equally likely.
fn offset(random: &mut RandomStream) -> ClockOffset {
    let by = match random.below(3) {
        0 => seconds(random, 1, 60),
        1 => seconds(random, 60, 3_600),
        _ => seconds(random, 3_600, 5 * 3_600),
    };
    match random.chance(500) {
        true => ClockOffset::ahead(by),
        false => ClockOffset::behind(by),
    }
}

/// Ten seconds to three hours: shorter than the deadline of most requests, shorter than the life of an idle application, or
/// longer.
fn suspend_length(random: &mut RandomStream) -> Duration {
    match random.below(3) {
        0 => seconds(random, 10, 120),
        1 => seconds(random, 120, 20 * 60),
        _ => seconds(random, 20 * 60, 3 * 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ideal_world_has_no_losses() {
        for seed in 0..100 {
            let schedule = FaultSchedule::of(seed, true, 2);
            assert!(!schedule.forged_links);
            assert!(schedule.outages.is_empty() && schedule.replaced_polls.is_empty());
            assert!(schedule.idle_end);
        }
    }

    #[test]
    fn each_fault_occurs_in_some_worlds_and_not_in_all() {
        let worlds: Vec<_> = (0..100)
            .map(|seed| FaultSchedule::of(seed, false, 3))
            .collect();
        let faults: [fn(&FaultSchedule) -> bool; 7] = [
            |it| it.token_life.is_some(),
            |it| it.forged_links,
            |it| !it.outages.is_empty(),
            |it| it.outages.iter().any(|it| it.behind_proxy),
            |it| it.outages.iter().any(|it| !it.behind_proxy),
            |it| !it.replaced_polls.is_empty(),
            |it| it.idle_end,
        ];
        for occurs in faults {
            let count = worlds.iter().filter(|world| occurs(world)).count();
            assert!((10..90).contains(&count), "{count}");
        }
    }

    #[test]
    fn each_device_fault_occurs_in_some_worlds_and_not_in_all() {
        let worlds: Vec<_> = (0..100)
            .map(|seed| DeviceFaults::of(seed, false, 3))
            .collect();
        let faults: [fn(&DeviceFaults) -> bool; 7] = [
            |it| it.date_headers,
            |it| it.malformed_pages,
            |it| it.clock_offsets.iter().any(|it| it.is_ahead()),
            |it| it.clock_offsets.iter().any(|it| it.is_behind()),
            |it| it.clock_jumps.iter().any(|it| it.by.is_ahead()),
            |it| it.clock_jumps.iter().any(|it| it.by.is_behind()),
            |it| !it.suspends.is_empty(),
        ];
        for occurs in faults {
            let count = worlds.iter().filter(|world| occurs(world)).count();
            assert!((10..90).contains(&count), "{count}");
        }
        assert!((0..100).all(|seed| DeviceFaults::of(seed, true, 3).suspends.is_empty()));
    }
}
