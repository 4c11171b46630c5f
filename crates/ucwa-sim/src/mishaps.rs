//! What befalls the whole world besides its weather and the trouble that servers make.

use std::time::Duration;

use crate::dice::Dice;

/// The server is down for a while, and has forgotten everything but its users when it is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// When it begins, after everybody has signed in.
    pub(crate) after: Duration,
    pub(crate) length: Duration,
    /// A proxy answers meanwhile; otherwise no connection is made.
    pub(crate) behind_proxy: bool,
}

/// What befalls one world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mishaps {
    /// How long tokens live, if that is shorter than usual.
    pub(crate) token_life: Option<Duration>,
    /// Somebody on the way puts an impostor's host into answers.
    pub(crate) lies: bool,
    pub(crate) outages: Vec<Outage>,
    /// Who has a pending GET taken over, and when: even where there are only two.
    pub(crate) intrusions: Vec<(Duration, usize)>,
    /// Before they sign out, people wait until nothing is under way.
    pub(crate) quiet_end: bool,
}

impl Mishaps {
    /// The mishaps of a seed. In fair weather nothing is lost or refused, and everybody waits for the end.
    pub(crate) fn of(seed: u64, fair: bool, people: usize) -> Self {
        let mut dice = Dice::new(seed, 6);
        let seconds = |dice: &mut Dice, from: u64, to: u64| {
            dice.time(&(Duration::from_secs(from)..Duration::from_secs(to)))
        };
        let token_life = (dice.chance(300)).then(|| seconds(&mut dice, 40, 200));
        if fair {
            return Self {
                token_life,
                quiet_end: true,
                ..Self::default()
            };
        }
        let outages = (0..dice.below(4) / 2)
            .map(|_| Outage {
                after: seconds(&mut dice, 0, 90),
                length: seconds(&mut dice, 1, 60),
                behind_proxy: dice.chance(400),
            })
            .collect();
        let intrusions = (0..dice.below(3))
            .map(|_| {
                let at = seconds(&mut dice, 0, 60);
                let bound = u64::try_from(people).unwrap_or(1);
                (at, usize::try_from(dice.below(bound)).unwrap_or(0))
            })
            .collect();
        Self {
            token_life,
            lies: dice.chance(300),
            outages,
            intrusions,
            quiet_end: dice.chance(500),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_fair_weather_nothing_is_lost() {
        for seed in 0..100 {
            let mishaps = Mishaps::of(seed, true, 2);
            assert!(!mishaps.lies && mishaps.outages.is_empty() && mishaps.intrusions.is_empty());
            assert!(mishaps.quiet_end);
        }
    }

    #[test]
    fn each_mishap_befalls_some_worlds_and_spares_others() {
        let worlds: Vec<_> = (0..100).map(|seed| Mishaps::of(seed, false, 3)).collect();
        let strikes: [fn(&Mishaps) -> bool; 7] = [
            |it| it.token_life.is_some(),
            |it| it.lies,
            |it| !it.outages.is_empty(),
            |it| it.outages.iter().any(|it| it.behind_proxy),
            |it| it.outages.iter().any(|it| !it.behind_proxy),
            |it| !it.intrusions.is_empty(),
            |it| it.quiet_end,
        ];
        for struck in strikes {
            let count = worlds.iter().filter(|world| struck(world)).count();
            assert!((10..90).contains(&count), "{count}");
        }
    }
}
