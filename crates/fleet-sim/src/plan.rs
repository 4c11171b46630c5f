//! The plan of a run: its workers, identities, messages and faults.

use std::{ops::Range, time::Duration};

use crate::{
    random::{RandomStream, stream},
    report::Large,
};

/// The time in which everybody signs in, before anything else happens, in milliseconds.
const PREPARATION: u64 = 15_000;

/// The time of messages and faults in a small world, in milliseconds.
const ACTIVITY: u64 = 60_000;

/// The identities of a worker in a large world, at most.
const IDENTITIES_PER_WORKER: usize = 5000;

/// The time in which the survivors take over the identities of a dead worker, in milliseconds: 15 s without the time until its
/// death is noticed, and without the last poll.
const TAKEOVER: usize = 8500;

/// The claims of a worker per second.
const CLAIMS_PER_SECOND: u32 = 50;

/// Something that happens at a planned time.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A client of the fleet enqueues a message.
    Enqueue {
        bot: usize,
        peer: usize,
        /// The position among the messages of the bot to the peer.
        number: usize,
        time_to_live: Option<Duration>,
    },
    /// A peer sends a message to a bot.
    Write {
        peer: usize,
        bot: usize,
        number: usize,
    },
    Kill(usize),
    Drain(usize),
    /// A new process of the worker, if it does not run.
    Start(usize),
    Pause(usize),
    Resume(usize),
    CutServer(usize),
    RestoreServer(usize),
    CutDatabase(usize),
    RestoreDatabase(usize),
    BeginOutage,
    EndOutage,
    /// The database's clock jumps, in milliseconds.
    JumpClock(i64),
    SlowStatements(Duration),
    /// The applications of a bot are lost.
    DropApplications(usize),
    ExpireTokens,
    SuspendIdentity(usize),
    ResumeIdentity(usize),
    /// Adds the identity whose password is wrong.
    AddWrongPassword,
}

/// What happens to a worker before it has stored that a password was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// The worker is killed.
    Kill,
    /// The worker is paused for longer than its lease.
    Pause,
    /// The worker loses the database for longer than its lease.
    CutDatabase,
}

/// The numbers of a run.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    pub(crate) workers: usize,
    pub(crate) bots: usize,
    pub(crate) peers: usize,
    /// The messages in both directions.
    messages: usize,
    /// The number of faults; `None` is chosen by the seed.
    faults: Option<usize>,
    /// The time of messages and faults, in milliseconds. Before it everybody signs in.
    activity: Range<u64>,
    /// The time in which the world moves all processes.
    pub(crate) step: Duration,
    pub(crate) claims_per_second: u32,
}

impl Scale {
    /// A small world, chosen by the seed.
    fn small(random: &mut RandomStream) -> Self {
        Self {
            workers: 2 + random.index(2),
            bots: 2 + random.index(5),
            peers: 1 + random.index(2),
            messages: 8 + random.index(25),
            faults: None,
            activity: PREPARATION..PREPARATION + ACTIVITY,
            step: Duration::from_millis(10),
            claims_per_second: CLAIMS_PER_SECOND,
        }
    }

    /// A large world: each identity has a message a day, and there is a fault in each half hour.
    fn large(large: &Large) -> Self {
        let bots = large.identities.max(1);
        // One of the workers may be dead, and another draining.
        let workers = needed_workers(bots) + 2;
        let per_second = workers as u64 * u64::from(CLAIMS_PER_SECOND);
        let preparation = PREPARATION + 2000 * (bots as u64).div_ceil(per_second);
        let minutes = usize::try_from(large.duration.as_secs() / 60).unwrap_or(usize::MAX);
        let millis = u64::try_from(large.duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            workers,
            bots,
            peers: bots.div_ceil(IDENTITIES_PER_WORKER) + 1,
            messages: (bots * minutes).div_ceil(24 * 60),
            faults: Some(minutes / 30),
            activity: preparation..preparation + millis,
            step: Duration::from_millis(50),
            claims_per_second: CLAIMS_PER_SECOND,
        }
    }

    /// The end of the time in which everybody signs in.
    pub(crate) fn preparation(&self) -> Duration {
        Duration::from_millis(self.activity.start)
    }
}

/// How many workers have room for all identities. Each has at most as many as the others can take over in time.
fn needed_workers(bots: usize) -> usize {
    let has_room = |workers: &usize| {
        let survivors = workers - 1;
        let limit = survivors * CLAIMS_PER_SECOND as usize * TAKEOVER / 1000;
        workers * limit.min(IDENTITIES_PER_WORKER) >= bots
    };
    (2..).find(has_room).unwrap_or(usize::MAX)
}

/// The plan of a run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scale: Scale,
    /// The lost transmissions per mille on the links of the workers.
    pub(crate) losses_per_mille: u64,
    /// Whether one more identity has a wrong password.
    pub(crate) has_wrong_password: bool,
    /// What happens to the worker that receives the refusal of the wrong password, and when the identity is added.
    pub(crate) refusal: Option<(Refusal, Duration)>,
    /// In the order of their times.
    pub(crate) actions: Vec<(Duration, Action)>,
    /// The end of the last fault.
    pub(crate) faults_end: Duration,
}

impl Plan {
    pub(crate) fn new(seed: u64, large: Option<&Large>) -> Self {
        let mut random = RandomStream::new(seed, stream::PLAN);
        let scale = match large {
            Some(large) => Scale::large(large),
            None => Scale::small(&mut random),
        };
        let (bots, peers) = (scale.bots, scale.peers);
        let mut actions = Vec::new();
        let mut numbers = vec![0; bots * peers * 2];
        for _ in 0..scale.messages {
            let at = random.millis(scale.activity.clone());
            actions.push((
                at,
                random.index(bots),
                random.index(peers),
                random.chance(600),
            ));
        }
        actions.sort_by_key(|(at, ..)| *at);
        let actions = actions.into_iter().map(|(at, bot, peer, is_outgoing)| {
            let pair = (bot * peers + peer) * 2 + usize::from(is_outgoing);
            let number = numbers.get_mut(pair).map_or(0, |it| {
                *it += 1;
                *it
            });
            let action = if is_outgoing {
                let time_to_live = random.chance(150).then(|| random.millis(3000..30_000));
                Action::Enqueue {
                    bot,
                    peer,
                    number,
                    time_to_live,
                }
            } else {
                Action::Write { peer, bot, number }
            };
            (at, action)
        });
        let mut actions: Vec<_> = actions.collect();
        let mut faults = Faults {
            random: RandomStream::new(seed, stream::FAULTS),
            scale: &scale,
            actions: Vec::new(),
        };
        let losses_per_mille = match faults.random.below(4) {
            0 | 1 => 0,
            2 => 5,
            _ => 20,
        };
        let has_wrong_password = faults.random.chance(300);
        // A world with a wrong password from the beginning has other draws. In a large world, the attempt of the dead worker would
        // be followed by another one after ten minutes.
        let mut refusals = RandomStream::new(seed, stream::REFUSAL);
        let has_refusal = large.is_none() && !has_wrong_password && refusals.chance(300);
        let refusal = has_refusal.then(|| {
            let refusal = match refusals.below(4) {
                0 => Refusal::Pause,
                1 => Refusal::CutDatabase,
                _ => Refusal::Kill,
            };
            (refusal, refusals.millis(scale.activity.clone()))
        });
        actions.extend(refusal.map(|(_, at)| (at, Action::AddWrongPassword)));
        let count = faults.random.index(7);
        for _ in 0..scale.faults.unwrap_or(count) {
            faults.add();
        }
        let ends = faults.actions.iter().map(|(at, _)| *at);
        let end = Duration::from_millis(scale.activity.end);
        let faults_end = ends.max().unwrap_or_default().max(end);
        actions.extend(faults.actions);
        actions.sort_by_key(|(at, _)| *at);
        Self {
            scale,
            losses_per_mille,
            has_wrong_password,
            refusal,
            actions,
            faults_end,
        }
    }
}

/// The faults of a plan, each with its end.
struct Faults<'a> {
    random: RandomStream,
    scale: &'a Scale,
    actions: Vec<(Duration, Action)>,
}

impl Faults<'_> {
    fn add(&mut self) {
        let at = self.random.millis(self.scale.activity.clone());
        let worker = self.random.index(self.scale.workers);
        let bot = self.random.index(self.scale.bots);
        let short = self.random.millis(200..6000);
        let long = self.random.millis(1000..40_000);
        match self.random.below(13) {
            0 | 1 => self.pair(at, Action::Kill(worker), long / 2, Action::Start(worker)),
            2 => self.pair(at, Action::Pause(worker), short, Action::Resume(worker)),
            3 => self.pair(at, Action::Pause(worker), long, Action::Resume(worker)),
            4 => self.pair(
                at,
                Action::CutServer(worker),
                long / 2,
                Action::RestoreServer(worker),
            ),
            5 => self.pair(
                at,
                Action::CutDatabase(worker),
                long / 2,
                Action::RestoreDatabase(worker),
            ),
            6 => self.pair(at, Action::BeginOutage, long, Action::EndOutage),
            7 => {
                // A failover: another machine, whose clock differs.
                self.pair(at, Action::BeginOutage, short * 2, Action::EndOutage);
                let jump = i64::try_from(self.random.below(12_000)).unwrap_or_default() - 6000;
                self.actions.push((at + short, Action::JumpClock(jump)));
            }
            8 => {
                let jump = i64::try_from(self.random.below(120_000)).unwrap_or_default() - 60_000;
                self.actions.push((at, Action::JumpClock(jump)));
            }
            9 => {
                let slowness = self.random.millis(200..4000);
                let end = Action::SlowStatements(Duration::ZERO);
                self.pair(at, Action::SlowStatements(slowness), long / 2, end);
            }
            10 => {
                // A front end restarts: about half of the applications were on it.
                for bot in 0..self.scale.bots {
                    if self.random.chance(500) {
                        self.actions.push((at, Action::DropApplications(bot)));
                    }
                }
            }
            11 if self.random.chance(500) => self.actions.push((at, Action::ExpireTokens)),
            11 => self.pair(
                at,
                Action::SuspendIdentity(bot),
                long / 2,
                Action::ResumeIdentity(bot),
            ),
            _ => self.pair(at, Action::Drain(worker), long, Action::Start(worker)),
        }
    }

    fn pair(&mut self, at: Duration, begin: Action, duration: Duration, end: Action) {
        self.actions.push((at, begin));
        self.actions.push((at + duration, end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workers_of_a_large_world_have_room_although_two_are_away() {
        assert_eq!(needed_workers(850), 2);
        assert_eq!(needed_workers(2550), 3);
        assert_eq!(needed_workers(2551), 4);
        assert_eq!(needed_workers(100_000), 20);
    }
}
