//! The options of a run, and its report.

use std::{error::Error, fmt, time::Duration};

/// What a run can fix.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Fills [`Report::trace`].
    pub trace: bool,
    /// The size of a large world. `None` is a small one, chosen by the seed.
    pub large: Option<Large>,
}

/// The size of a large world: one more worker than the identities need, with faults and messages all the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Large {
    /// The number of identities.
    pub identities: usize,
    /// The time of messages and faults, after everybody has signed in.
    pub duration: Duration,
}

/// A property that every run must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// A message leaves the workers once, unless the server has refused it and the worker knows it.
    OnePost,
    /// A message with the result delivered was heard by its receiver, and a message with the result failed or dead was not.
    TrueVerdict,
    /// No message is heard twice.
    HeardOnce,
    /// The messages of an identity to a peer are heard in the order in which they were enqueued.
    InOrder,
    /// No incoming message is in the inbox twice.
    RecordedOnce,
    /// A message to an identity is in the inbox if its sender got the result that it was delivered.
    Recorded,
    /// The incoming messages of a peer are in the inbox in the order in which they were sent.
    RecordedInOrder,
    /// Each claim of an identity has a higher fence than the one before.
    OneOwner,
    /// No process deletes the application of an identity that another process has claimed.
    NoForeignDeletion,
    /// A password is not sent again after a worker has received its refusal, also if that worker dies before it has suspended the
    /// identity.
    OnePasswordAttempt,
    /// An identity polls again within 30 s, unless a fault that still lasts prevents it, or a worker died while the server checked the
    /// password.
    PollsAgain,
    /// When the faults are over, every message gets a result, unless a worker died while the server checked the password.
    Settled,
    /// The operating system gives the world its runtimes, and the store in memory refuses no statement of the world.
    Runs,
    /// No task panics.
    NoPanic,
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// The observation that violates the invariant.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.detail)
    }
}

/// What happened in a run, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The messages of the outbox that were delivered.
    pub delivered: u64,
    /// The messages of the outbox that failed.
    pub failed: u64,
    /// The messages of the outbox whose result is unknown.
    pub unknown: u64,
    /// Those of the unknown ones that a peer heard.
    pub unknown_but_heard: u64,
    /// The messages of the outbox whose deadline passed.
    pub dead: u64,
    /// The messages in the inbox.
    pub received: u64,
    /// How often a process claimed an identity that another one had claimed before.
    pub takeovers: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Processes that were paused.
    pub pauses: u64,
    /// Processes that were killed, paused or cut off before they stored the refusal of a password.
    pub refusals: u64,
    /// Processes that were asked to end.
    pub drains: u64,
    /// Links to the database or to the server that were cut.
    pub cuts: u64,
    /// Outages of the database.
    pub outages: u64,
    /// Restarts of the front end, which lose applications, and expiries of all tokens.
    pub server_faults: u64,
    /// Jumps of the database's clock.
    pub clock_jumps: u64,
    /// Times of slow statements.
    pub slow_times: u64,
}

impl Counts {
    /// Adds the counts of another run.
    pub fn add(&mut self, other: &Self) {
        let Self {
            delivered,
            failed,
            unknown,
            unknown_but_heard,
            dead,
            received,
            takeovers,
            kills,
            pauses,
            refusals,
            drains,
            cuts,
            outages,
            server_faults,
            clock_jumps,
            slow_times,
        } = other;
        self.delivered += delivered;
        self.failed += failed;
        self.unknown += unknown;
        self.unknown_but_heard += unknown_but_heard;
        self.dead += dead;
        self.received += received;
        self.takeovers += takeovers;
        self.kills += kills;
        self.pauses += pauses;
        self.refusals += refusals;
        self.drains += drains;
        self.cuts += cuts;
        self.outages += outages;
        self.server_faults += server_faults;
        self.clock_jumps += clock_jumps;
        self.slow_times += slow_times;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "delivered={} failed={} unknown={} unknown-but-heard={} dead={} received={} takeovers={} kills={} pauses={} refusals={} drains={} \
             cuts={} outages={} server-faults={} clock-jumps={} slow-times={}",
            self.delivered,
            self.failed,
            self.unknown,
            self.unknown_but_heard,
            self.dead,
            self.received,
            self.takeovers,
            self.kills,
            self.pauses,
            self.refusals,
            self.drains,
            self.cuts,
            self.outages,
            self.server_faults,
            self.clock_jumps,
            self.slow_times
        )
    }
}

/// The result of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed that repeats the run.
    pub seed: u64,
    /// What happened.
    pub counts: Counts,
    /// The longest time for which an identity did not poll, while nothing prevented it.
    pub longest_gap: Duration,
    /// The virtual time of the run.
    pub time: Duration,
    /// The violated invariants; empty after a correct run.
    pub violations: Vec<Violation>,
    /// What happened, in order, if [`Options::trace`] is set.
    pub trace: Vec<String>,
}

impl Report {
    /// The report of a run that ended early.
    pub(crate) fn broken_off(seed: u64, error: &dyn Error) -> Self {
        Self {
            seed,
            counts: Counts::default(),
            longest_gap: Duration::ZERO,
            time: Duration::ZERO,
            violations: vec![Violation {
                invariant: Invariant::Runs,
                detail: error.to_string(),
            }],
            trace: Vec::new(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed={} {} longest-gap={:.1}s time={:.0}s violations={}",
            self.seed,
            self.counts,
            self.longest_gap.as_secs_f64(),
            self.time.as_secs_f64(),
            self.violations.len()
        )
    }
}
