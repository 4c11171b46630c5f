//! `cargo xtask soak`: many simulated worlds, one after the other on each core.

use std::{
    num::NonZero,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use ucwa_sim::{Kind, Options, Report, run};

/// How many failing seeds are shown one by one.
const SHOWN: usize = 20;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    seed_start: u64,
    /// How many messages are written in each of a run's two chats, besides the first ones
    #[arg(long, default_value_t = Options::default().messages)]
    messages: u32,
    /// How much of the world there is
    #[arg(long, value_enum, default_value_t = World::Whole)]
    world: World,
    /// How many sessions there are at a time, 2 to 5; by default the seed's choice
    #[arg(long)]
    people: Option<usize>,
    /// Print what happened in each run
    #[arg(long)]
    trace: bool,
}

impl Arguments {
    /// The command that plays a seed again and tells what happens.
    fn again(&self, seed: u64) -> String {
        let people = self
            .people
            .map_or_else(String::new, |people| format!(" --people {people}"));
        format!(
            "cargo xtask soak --seeds 1 --seed-start {seed} --world {}{people} --messages {} --trace",
            self.world.name(),
            self.messages
        )
    }
}

/// How much of the world there is; see [`Kind`].
#[derive(Clone, Copy, clap::ValueEnum)]
enum World {
    /// Two people chat in the weather alone
    Pair,
    /// Everything that can happen may happen
    Whole,
}

impl World {
    /// Its name, as the command line has it.
    fn name(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Whole => "whole",
        }
    }
}

/// The sums over all runs.
#[derive(Default)]
struct Sums {
    messages: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    misreported: u64,
    failed: Vec<u64>,
}

impl Sums {
    fn add(&mut self, report: &Report) {
        self.messages += report.messages;
        self.lost += report.lost();
        self.duplicated += report.duplicated();
        self.reordered += report.reordered();
        self.misreported += report.misreported();
        if !report.breaches.is_empty() {
            self.failed.push(report.seed);
        }
    }
}

pub(crate) fn run_all(arguments: &Arguments) -> ExitCode {
    let mut options = Options::default();
    options.messages = arguments.messages;
    options.trace = arguments.trace;
    options.people = arguments.people;
    options.kind = match arguments.world {
        World::Pair => Kind::Pair,
        World::Whole => Kind::Whole,
    };
    let end = arguments.seed_start.saturating_add(arguments.seeds);
    let next = AtomicU64::new(arguments.seed_start);
    let sums = Mutex::new(Sums::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let report = run(seed, &options);
            let mut sums = sums
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            sums.add(&report);
            if arguments.trace {
                print!("{}", report.trace);
            }
            if !report.breaches.is_empty() && sums.failed.len() <= SHOWN {
                println!("{report}");
                for breach in &report.breaches {
                    println!("  {breach}");
                }
                println!("  again, with its trace: {}", arguments.again(seed));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let sums = sums
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if sums.failed.len() > SHOWN {
        println!("{} seeds failed in all", sums.failed.len());
    }
    println!(
        "runs={} messages={} lost={} duplicated={} reordered={} misreported={}",
        arguments.seeds,
        sums.messages,
        sums.lost,
        sums.duplicated,
        sums.reordered,
        sums.misreported
    );
    if sums.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
