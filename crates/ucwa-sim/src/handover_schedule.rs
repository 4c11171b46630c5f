//! The hand-over schedule: when the process of an actor stops, and when its successor starts.

use std::ops::Range;
use std::time::Duration;

use crate::random::{RandomStream, stream};

/// How the process of a session stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The program detaches the session, and ends.
    Detach,
    /// The process is killed. Its program has stored a checkpoint after the last input.
    Kill,
    /// The process is killed while its program stores the next event page, before it commits that page.
    KillUncommitted,
    /// The process is paused for this time. Then it continues while its successor runs.
    Pause(Duration),
}

/// A hand-over of an actor's session to a new process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handover {
    /// When the process stops, after all actors have signed in.
    pub(crate) after: Duration,
    pub(crate) actor: usize,
    pub(crate) stop: Stop,
    /// How long after the stop the successor starts.
    pub(crate) gap: Duration,
}

impl Handover {
    /// The hand-overs of a seed. In an `ideal` world the successor starts at once, since the server ends an application
    /// that does not poll, and drops messages that are not fetched for 30 s.
    pub(crate) fn of(seed: u64, ideal: bool, actors: usize) -> Vec<Self> {
        let mut random = RandomStream::new(seed, stream::HANDOVERS);
        let gaps = [0..2_000, 2_000..25_000, 25_000..20 * 60_000];
        (0..random.below(4))
            .map(|_| {
                let after = millis(&mut random, 0..60_000);
                let actor = random.index(actors);
                let gap = random.choice(&gaps).filter(|_| !ideal);
                let gap = millis(&mut random, gap.cloned().unwrap_or(0..2_000));
                let stop = match random.below(4) {
                    0 => Stop::Detach,
                    1 => Stop::Kill,
                    2 => Stop::KillUncommitted,
                    _ => Stop::Pause(gap + millis(&mut random, 30_000..180_000)),
                };
                Self {
                    after,
                    actor,
                    stop,
                    gap,
                }
            })
            .collect()
    }
}

fn millis(random: &mut RandomStream, range: Range<u64>) -> Duration {
    random.duration(&(Duration::from_millis(range.start)..Duration::from_millis(range.end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_occurs_in_some_worlds_and_not_in_all() {
        let worlds: Vec<_> = (0..100).map(|seed| Handover::of(seed, false, 3)).collect();
        let kinds: [fn(&Handover) -> bool; 6] = [
            |it| it.stop == Stop::Detach,
            |it| it.stop == Stop::Kill,
            |it| it.stop == Stop::KillUncommitted,
            |it| matches!(it.stop, Stop::Pause(_)),
            |it| it.gap > Duration::from_secs(25),
            |it| it.actor == 2,
        ];
        for kind in kinds {
            let count = worlds.iter().filter(|it| it.iter().any(kind)).count();
            assert!((10..90).contains(&count), "{count}");
        }
    }

    #[test]
    fn a_successor_starts_while_its_predecessor_is_paused() {
        for handover in (0..100).flat_map(|seed| Handover::of(seed, false, 2)) {
            if let Stop::Pause(length) = handover.stop {
                assert!(length > handover.gap + Duration::from_secs(20));
            }
        }
    }
}
