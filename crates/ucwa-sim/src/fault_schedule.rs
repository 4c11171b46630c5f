//! The fault schedule: faults that strike the whole world at a certain time, besides the rates of network and HTTP faults.

use std::time::Duration;

use crate::random::{RandomStream, stream};

/// The server is unreachable for some time, and afterwards knows nothing but its users.
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
    /// When another process replaces the pending GET of which actor.
    pub(crate) replaced_polls: Vec<(Duration, usize)>,
    /// Whether the actors sign out only after every session is idle.
    pub(crate) idle_end: bool,
}

impl FaultSchedule {
    /// The schedule of a seed. In an `ideal` world nothing is lost or refused, and the actors sign out when every session
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
    fn each_fault_strikes_some_worlds_and_not_all() {
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
        for strikes in faults {
            let count = worlds.iter().filter(|world| strikes(world)).count();
            assert!((10..90).contains(&count), "{count}");
        }
    }
}
