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

use ucwa_sim::{Felt, Kind, Options, People, Report, Representation, Trouble, Weather, run};

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
    /// How much of the world there is: pair (two in the weather alone), several (and trouble), whole (everything)
    #[arg(long, value_parser = world, default_value = Options::default().kind.name())]
    world: Kind,
    /// How many sessions there are at a time, 2 to 5; by default the seed's choice
    #[arg(long, value_parser = people)]
    people: Option<People>,
    /// The weather: calm, slow, lossy or storm; by default the seed's choice
    #[arg(long, value_parser = weather)]
    weather: Option<Weather>,
    /// The trouble that servers make: none, some or plenty; by default the seed's choice
    #[arg(long, value_parser = trouble)]
    trouble: Option<Trouble>,
    /// What all sessions speak: json or xml; by default each what the seed says
    #[arg(long, value_parser = representation)]
    representation: Option<Representation>,
    /// Print what happened in each run
    #[arg(long)]
    trace: bool,
}

fn world(name: &str) -> Result<Kind, String> {
    [Kind::Pair, Kind::Several, Kind::Whole]
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| "it is pair, several or whole".to_owned())
}

fn people(count: &str) -> Result<People, String> {
    (count.parse().ok())
        .and_then(People::new)
        .ok_or_else(|| "there are 2 to 5".to_owned())
}

fn weather(name: &str) -> Result<Weather, String> {
    Weather::named(name).ok_or_else(|| "it is calm, slow, lossy or storm".to_owned())
}

fn trouble(name: &str) -> Result<Trouble, String> {
    Trouble::named(name).ok_or_else(|| "it is none, some or plenty".to_owned())
}

fn representation(name: &str) -> Result<Representation, String> {
    match name {
        "json" => Ok(Representation::Json),
        "xml" => Ok(Representation::Xml),
        _ => Err("it is json or xml".to_owned()),
    }
}

impl Arguments {
    fn options(&self) -> Options {
        let mut options = Options::default();
        options.kind = self.world;
        options.weather.clone_from(&self.weather);
        options.trouble.clone_from(&self.trouble);
        options.people = self.people;
        options.representation = self.representation;
        options.messages = self.messages;
        options.trace = self.trace;
        options
    }
}

/// The sums over all runs.
#[derive(Default)]
struct Sums {
    runs: u64,
    messages: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    misreported: u64,
    felt: Felt,
    failed: usize,
}

impl Sums {
    /// Adds a run. Returns the lines that tell of it, if it failed and not too many have.
    fn add(&mut self, report: &Report, options: &Options) -> Vec<String> {
        self.runs += 1;
        self.messages += report.messages;
        self.lost += report.lost();
        self.duplicated += report.duplicated();
        self.reordered += report.reordered();
        self.misreported += report.misreported();
        self.felt.add(&report.felt);
        if report.breaches.is_empty() {
            return Vec::new();
        }
        self.failed += 1;
        if self.failed > SHOWN {
            return Vec::new();
        }
        let breaches = report.breaches.iter().map(|breach| format!("  {breach}"));
        let again = format!("  again, with its trace: {}", options.replay(report.seed));
        [report.to_string()]
            .into_iter()
            .chain(breaches)
            .chain([again])
            .collect()
    }

    /// The lines that tell of all of them: what was felt, and last the sums.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.failed > SHOWN {
            lines.push(format!("{} seeds failed in all", self.failed));
        }
        lines.push(format!("felt: {}", self.felt));
        lines.push(format!(
            "runs={} messages={} lost={} duplicated={} reordered={} misreported={}",
            self.runs, self.messages, self.lost, self.duplicated, self.reordered, self.misreported
        ));
        lines
    }

    /// A single failed run fails the whole.
    fn is_clean(&self) -> bool {
        self.failed == 0
    }
}

pub(crate) fn run_all(arguments: &Arguments) -> ExitCode {
    let options = arguments.options();
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
            if arguments.trace {
                print!("{}", report.trace);
            }
            for line in sums.add(&report, &options) {
                println!("{line}");
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
    for line in sums.lines() {
        println!("{line}");
    }
    match sums.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ucwa_sim::{Breach, Rule};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(words: &str) -> Result<Arguments, clap::Error> {
        Command::try_parse_from(["soak"].into_iter().chain(words.split_whitespace()))
            .map(|command| command.arguments)
    }

    #[test]
    fn a_clean_soak_ends_with_its_sums() {
        let options = parse("--world pair").unwrap().options();
        let mut sums = Sums::default();
        let report = run(0, &options);
        assert_eq!(sums.add(&report, &options), Vec::<String>::new());
        sums.add(&report, &options);
        let last = format!(
            "runs=2 messages={} lost=0 duplicated=0 reordered=0 misreported=0",
            2 * report.messages
        );
        assert_eq!(sums.lines().last(), Some(&last));
        assert!(report.messages > 0 && sums.is_clean());
    }

    #[test]
    fn a_failing_seed_is_told_with_the_command_that_plays_it_again() {
        let options = parse("--people 3 --weather storm --trouble some --representation xml")
            .unwrap()
            .options();
        let mut report = run(7, &options);
        report.breaches = vec![
            Breach::new(Rule::Lost, "#1"),
            Breach::new(Rule::Misreported, "#2"),
            Breach::new(Rule::Rest, "it polls"),
        ];
        let mut sums = Sums::default();
        let lines = sums.add(&report, &options);
        assert_eq!(lines.len(), 5, "{lines:?}");
        let again = "  again, with its trace: cargo xtask soak --seeds 1 --seed-start 7 --world whole --messages 5 \
                     --people 3 --weather storm --trouble some --representation xml --trace";
        assert_eq!(lines.last().map(String::as_str), Some(again));
        let (_, command) = again.split_once("soak ").unwrap();
        let played = parse(command).unwrap();
        assert_eq!((played.seed_start, played.seeds), (7, 1));
        assert_eq!(
            run(7, &played.options()).to_string(),
            run(7, &options).to_string()
        );
        let last = sums.lines().pop().unwrap();
        assert!(
            last.ends_with("lost=1 duplicated=0 reordered=0 misreported=1"),
            "{last}"
        );
        assert!(!sums.is_clean());
    }

    #[test]
    fn of_many_failing_seeds_some_are_told_and_all_counted() {
        let options = parse("--world pair").unwrap().options();
        let mut report = run(0, &options);
        report.breaches = vec![Breach::new(Rule::Rest, "it polls")];
        let mut sums = Sums::default();
        let told = (0..SHOWN + 5)
            .filter(|_| !sums.add(&report, &options).is_empty())
            .count();
        assert_eq!(told, SHOWN);
        let lines = sums.lines();
        assert_eq!(
            lines.first().map(String::as_str),
            Some("25 seeds failed in all")
        );
    }

    #[test]
    fn what_there_is_not_is_refused() {
        for words in [
            "--people 1",
            "--people 6",
            "--people many",
            "--world flat",
            "--weather fine",
            "--trouble much",
            "--representation yaml",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
