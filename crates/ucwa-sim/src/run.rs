//! One run: a world, a story in it, and the verdict on both.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use ucwa_proto::Representation;

use crate::breach::{Breach, Rule};
use crate::dice::Dice;
use crate::felt::Felt;
use crate::invariants;
use crate::mishaps::Mishaps;
use crate::story::{self, Plan, Story};
use crate::trace::Trace;
use crate::trouble::Trouble;
use crate::weather::Weather;
use crate::world::{Conditions, World};

/// How much of the world there is. Each kind has what the one before has, by the same draws: seeds that failed in one of
/// them play the same for as long as it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Two people chat, and nothing but the weather and the server's own faults comes between them.
    Pair,
    /// Two to five sessions; servers make trouble, are restarted and end applications; polls are taken over.
    Several,
    /// Everything that can happen may happen: servers are down for a while, refuse tickets by their diagnostics, and give out
    /// tokens that live for a minute; somebody on the way puts an impostor's host into answers; and before they sign out,
    /// people may wait until nothing is under way.
    Whole,
}

impl Kind {
    /// Its name, as command lines have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Several => "several",
            Self::Whole => "whole",
        }
    }
}

/// How many sessions there are at a time: 2 to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct People(usize);

impl People {
    /// So many, if it is 2 to 5.
    pub fn new(count: usize) -> Option<Self> {
        (2..=5).contains(&count).then_some(Self(count))
    }
}

impl fmt::Display for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is given about a run; what is not given hangs on the seed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How much of the world there is.
    pub kind: Kind,
    /// The weather, if it is not the seed's choice.
    pub weather: Option<Weather>,
    /// The trouble that servers make, if it is not the seed's choice. In a world of a pair there is none.
    pub trouble: Option<Trouble>,
    /// How many sessions there are at a time, if that is not the seed's choice. A pair is two.
    pub people: Option<People>,
    /// What all sessions speak, if each of them does not speak what the seed says.
    pub representation: Option<Representation>,
    /// How many messages are written in each of the two chats, besides the first ones.
    pub messages: u32,
    /// Whether the trace is kept.
    pub trace: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kind: Kind::Whole,
            weather: None,
            trouble: None,
            people: None,
            representation: None,
            messages: 5,
            trace: false,
        }
    }
}

impl Options {
    /// The command that plays a seed again, with these options, and tells what happens.
    pub fn replay(&self, seed: u64) -> String {
        let mut command = format!(
            "cargo xtask soak --seeds 1 --seed-start {seed} --world {} --messages {}",
            self.kind.name(),
            self.messages
        );
        let given = [
            ("people", self.people.map(|people| people.to_string())),
            (
                "weather",
                self.weather.as_ref().map(|it| it.name.to_owned()),
            ),
            (
                "trouble",
                self.trouble.as_ref().map(|it| it.name.to_owned()),
            ),
            (
                "representation",
                self.representation.map(|it| word(it).to_owned()),
            ),
        ];
        for (option, value) in given {
            if let Some(value) = value {
                command.push_str(&format!(" --{option} {value}"));
            }
        }
        command.push_str(" --trace");
        command
    }
}

/// A representation, as command lines have it.
fn word(representation: Representation) -> &'static str {
    match representation {
        Representation::Json => "json",
        Representation::Xml => "xml",
    }
}

/// What came of a run. The counts of breaches are those of their rules, so that many runs can be added up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The seed that repeats it.
    pub seed: u64,
    /// The name of the weather.
    pub weather: &'static str,
    /// The name of the trouble.
    pub trouble: &'static str,
    /// How many messages were written.
    pub messages: u64,
    /// How many their senders were told are delivered.
    pub delivered: u64,
    /// How many their senders were told have failed.
    pub failed: u64,
    /// On how many their senders were told that no verdict can be had.
    pub unknown: u64,
    /// How many people never got in.
    pub absent: u64,
    /// What the sessions went through.
    pub felt: Felt,
    /// How many things happened.
    pub steps: u64,
    /// How much time passed in the world.
    pub time: Duration,
    /// What did not hold; empty after a good run.
    pub breaches: Vec<Breach>,
    /// What happened, if it was kept.
    pub trace: Trace,
}

impl Report {
    /// How often a rule was broken.
    pub fn count(&self, rule: Rule) -> u64 {
        let breaches = self.breaches.iter();
        breaches.filter(|breach| breach.rule == rule).count() as u64
    }

    /// Messages that did not show where they should.
    pub fn lost(&self) -> u64 {
        self.count(Rule::Lost)
    }

    /// Messages that showed twice.
    pub fn duplicated(&self) -> u64 {
        self.count(Rule::Duplicated)
    }

    /// Messages that showed before an earlier one.
    pub fn reordered(&self) -> u64 {
        self.count(Rule::Reordered)
    }

    /// Messages with a verdict that the server did not give.
    pub fn misreported(&self) -> u64 {
        self.count(Rule::Misreported)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed={} weather={} trouble={} messages={} delivered={} failed={} unknown={} lost={} duplicated={} reordered={} \
             misreported={} breaches={} steps={} time={:.1}s",
            self.seed,
            self.weather,
            self.trouble,
            self.messages,
            self.delivered,
            self.failed,
            self.unknown,
            self.lost(),
            self.duplicated(),
            self.reordered(),
            self.misreported(),
            self.breaches.len(),
            self.steps,
            self.time.as_secs_f64()
        )
    }
}

/// Plays the story in the world of a seed. The same seed and options give the same report.
pub fn run(seed: u64, options: &Options) -> Report {
    let weather = options.weather.clone().unwrap_or_else(|| chosen(seed));
    let mut trouble = match options.kind {
        Kind::Pair => Trouble::none(),
        Kind::Several | Kind::Whole => (options.trouble.clone()).unwrap_or_else(|| suffered(seed)),
    };
    let fair = weather.is_fair() && trouble.is_none();
    let people = match options.kind {
        Kind::Pair => 2,
        Kind::Several | Kind::Whole => options.people.map_or_else(|| gathered(seed), |it| it.0),
    };
    let mishaps = match options.kind {
        Kind::Pair | Kind::Several => Mishaps::default(),
        Kind::Whole => Mishaps::of(seed, fair, people),
    };
    if options.kind != Kind::Whole {
        trouble.diagnosed = 0;
    }
    if !mishaps.lies {
        trouble.lies = 0;
    }
    let names = (weather.name, trouble.name);
    let conditions = Conditions {
        weather,
        trouble,
        token_life: mishaps.token_life,
    };
    let mut world = World::new(seed, conditions, story::users(), options.trace);
    let plan = Plan {
        kind: options.kind,
        people,
        fair,
        messages: options.messages,
        representation: options.representation,
        mishaps,
    };
    // The world is judged as the panic left it, and then dropped.
    let played = catch_unwind(AssertUnwindSafe(|| {
        Story::new(&mut world, plan, seed).play()
    }));
    let mut breaches = std::mem::take(&mut world.breaches);
    let sayings = played.unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let message = message.unwrap_or("with something that is no text");
        breaches.push(Breach::new(Rule::Panic, message));
        Vec::new()
    });
    let (tally, found) = invariants::check(&world, &sayings, fair);
    breaches.extend(found);
    Report {
        seed,
        weather: names.0,
        trouble: names.1,
        messages: sayings.len() as u64,
        delivered: tally.delivered,
        failed: tally.failed,
        unknown: tally.unknown,
        absent: tally.absent,
        felt: std::mem::take(&mut world.wire.felt),
        steps: world.steps(),
        time: world.now(),
        breaches,
        trace: world.trace,
    }
}

/// The weather of a seed: every kind in its turn.
fn chosen(seed: u64) -> Weather {
    match Dice::new(seed, 0).below(4) {
        0 => Weather::calm(),
        1 => Weather::slow(),
        2 => Weather::lossy(),
        _ => Weather::storm(),
    }
}

/// The trouble of a seed.
fn suffered(seed: u64) -> Trouble {
    match Dice::new(seed, 3).below(3) {
        0 => Trouble::none(),
        1 => Trouble::some(),
        _ => Trouble::plenty(),
    }
}

/// How many sessions there are in the world of a seed: in half of them two.
fn gathered(seed: u64) -> usize {
    match Dice::new(seed, 5).below(6) {
        0 => 3,
        1 => 4,
        2 => 5,
        _ => 2,
    }
}
