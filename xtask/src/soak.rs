//! `cargo xtask soak`: plays many simulated worlds, on every core, and checks their invariants.

mod fleet;

use std::{
    num::NonZero,
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use ucwa_sim::{
    Coverage, HttpFaults, NetworkProfile, Options, Report, Representation, SessionCount, WorldSize,
    run,
};

/// How many failing seeds are printed in full.
const PRINTED_FAILURES: usize = 20;
/// The pause between two lines of progress.
const PROGRESS_PAUSE: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The number of seeds
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first seed; to resume an interrupted run, the one that its last line of progress names
    #[arg(long, default_value_t = 0)]
    seed_start: u64,
    /// The number of messages in each of a run's two chats, besides the first ones
    #[arg(long, default_value_t = Options::default().messages)]
    messages: u32,
    /// The world: pair, group, large, full, handover or contacts for sessions, or fleet for the workers of a fleet
    #[arg(long, value_parser = world, default_value = Options::default().size.name())]
    world: World,
    /// The number of simultaneous sessions, 2 to 5; by default chosen by the seed
    #[arg(long, value_parser = sessions)]
    sessions: Option<SessionCount>,
    /// The network: fast, slow, lossy or failing; by default chosen by the seed
    #[arg(long, value_parser = network)]
    network: Option<NetworkProfile>,
    /// The rates of HTTP faults: none, some or many; by default chosen by the seed
    #[arg(long, value_parser = http_faults)]
    http_faults: Option<HttpFaults>,
    /// The encoding of all sessions: json or xml; by default chosen by the seed for each session
    #[arg(long, value_parser = representation)]
    representation: Option<Representation>,
    /// The identities of a large fleet; by default a few, chosen by the seed
    #[arg(long)]
    identities: Option<usize>,
    /// The time of messages and faults in a large fleet, in hours
    #[arg(long, default_value_t = 24.0, requires = "identities")]
    hours: f64,
    /// Print the trace of each run
    #[arg(long)]
    trace: bool,
}

/// What is simulated.
#[derive(Clone, Copy, Debug)]
enum World {
    /// Sessions, by the size of their world.
    Sessions(WorldSize),
    /// The workers of a fleet. Only the seeds and the trace can be chosen.
    Fleet,
}

fn world(name: &str) -> Result<World, String> {
    let sessions = WorldSize::named(name).map(World::Sessions);
    let world = sessions.or_else(|| (name == "fleet").then_some(World::Fleet));
    world.ok_or_else(|| "expected pair, group, large, full, handover, contacts or fleet".to_owned())
}

fn sessions(count: &str) -> Result<SessionCount, String> {
    (count.parse().ok())
        .and_then(SessionCount::new)
        .ok_or_else(|| "expected a number from 2 to 5".to_owned())
}

pub(crate) fn network(name: &str) -> Result<NetworkProfile, String> {
    NetworkProfile::named(name).ok_or_else(|| "expected fast, slow, lossy or failing".to_owned())
}

pub(crate) fn http_faults(name: &str) -> Result<HttpFaults, String> {
    HttpFaults::named(name).ok_or_else(|| "expected none, some or many".to_owned())
}

fn representation(name: &str) -> Result<Representation, String> {
    match name {
        "json" => Ok(Representation::Json),
        "xml" => Ok(Representation::Xml),
        _ => Err("expected json or xml".to_owned()),
    }
}

impl Arguments {
    fn options(&self, size: WorldSize) -> Options {
        let mut options = Options::default();
        options.size = size;
        options.network.clone_from(&self.network);
        options.http_faults.clone_from(&self.http_faults);
        options.sessions = self.sessions;
        options.representation = self.representation;
        options.messages = self.messages;
        options.trace = self.trace;
        options
    }
}

/// The sums over all runs of one kind of world.
trait Totals: Send {
    /// The report of a run.
    type Report;

    /// Adds a run. Returns the lines to print: none for a good run, and none after [`PRINTED_FAILURES`] failed ones.
    fn add(&mut self, report: &Self::Report) -> Vec<String>;

    /// The number of failed runs.
    fn failed(&self) -> usize;

    /// The last lines: the coverage, and the sums.
    fn lines(&self) -> Vec<String>;
}

/// The sums over all runs of sessions.
#[derive(Default)]
struct Sums {
    options: Options,
    runs: u64,
    messages: u64,
    lost: u64,
    duplicated: u64,
    reordered: u64,
    misreported: u64,
    coverage: Coverage,
    failed: usize,
}

impl Sums {
    fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            ..Self::default()
        }
    }
}

impl Totals for Sums {
    type Report = Report;

    fn add(&mut self, report: &Report) -> Vec<String> {
        self.runs += 1;
        self.messages += report.messages;
        self.lost += report.lost();
        self.duplicated += report.duplicated();
        self.reordered += report.reordered();
        self.misreported += report.misreported();
        self.coverage.add(&report.coverage);
        if report.violations.is_empty() {
            return Vec::new();
        }
        self.failed += 1;
        if self.failed > PRINTED_FAILURES {
            return Vec::new();
        }
        let violations = report.violations.iter();
        let violations = violations.map(|violation| format!("  {violation}"));
        let replay = format!("  replay: {}", self.options.replay_command(report.seed));
        [report.to_string()]
            .into_iter()
            .chain(violations)
            .chain([replay])
            .collect()
    }

    fn failed(&self) -> usize {
        self.failed
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.failed > PRINTED_FAILURES {
            lines.push(format!("{} seeds failed in all", self.failed));
        }
        lines.push(format!("coverage: {}", self.coverage));
        lines.push(format!(
            "runs={} messages={} lost={} duplicated={} reordered={} misreported={}",
            self.runs, self.messages, self.lost, self.duplicated, self.reordered, self.misreported
        ));
        lines
    }
}

/// Which seeds are being played and which come next. Seeds are handed out in ascending order.
struct Seeds {
    start: u64,
    next: u64,
    end: u64,
    in_progress: Vec<u64>,
}

impl Seeds {
    fn new(start: u64, count: u64) -> Self {
        Self {
            start,
            next: start,
            end: start.saturating_add(count),
            in_progress: Vec::new(),
        }
    }

    fn take(&mut self) -> Option<u64> {
        if self.next >= self.end {
            return None;
        }
        let seed = self.next;
        self.next += 1;
        self.in_progress.push(seed);
        Some(seed)
    }

    fn finish(&mut self, seed: u64) {
        self.in_progress.retain(|other| *other != seed);
    }

    /// The first seed that is not finished: where an interrupted run resumes.
    fn resume_at(&self) -> u64 {
        self.in_progress.iter().copied().min().unwrap_or(self.next)
    }

    /// A line that says how far the run is after `elapsed`.
    fn progress(&self, elapsed: Duration, failed: usize) -> String {
        let finished = self.next - self.start - self.in_progress.len() as u64;
        let left = self.end - self.start - finished;
        let per_second = finished as f64 / elapsed.as_secs_f64().max(0.001);
        let minutes_left = left as f64 / per_second.max(0.001) / 60.0;
        format!(
            "progress: {finished} of {} seeds, {per_second:.0} seeds/s, {minutes_left:.0} min left, {failed} failed; \
             resume with --seed-start {} --seeds {}",
            self.end - self.start,
            self.resume_at(),
            self.end - self.resume_at()
        )
    }
}

/// What the worker threads share.
struct State<T> {
    seeds: Seeds,
    totals: T,
    printed_at: Instant,
}

pub(crate) fn run_all(arguments: &Arguments) -> ExitCode {
    match arguments.world {
        World::Sessions(size) => {
            let options = arguments.options(size);
            play_all(arguments, Sums::new(&options), |seed| {
                let report = run(seed, &options);
                let trace = report.trace.to_string();
                (report, trace)
            })
        }
        World::Fleet => fleet::run_all(arguments),
    }
}

/// Plays the seeds on every core. `play` returns the report of a seed, and its trace.
fn play_all<T: Totals>(
    arguments: &Arguments,
    totals: T,
    play: impl Fn(u64) -> (T::Report, String) + Sync,
) -> ExitCode {
    let started = Instant::now();
    let state = Mutex::new(State {
        seeds: Seeds::new(arguments.seed_start, arguments.seeds),
        totals,
        printed_at: started,
    });
    let lock = || {
        state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    };
    let work = || {
        while let Some(seed) = { lock().seeds.take() } {
            let (report, trace) = play(seed);
            let mut state = lock();
            state.seeds.finish(seed);
            if arguments.trace {
                print!("{trace}");
            }
            for line in state.totals.add(&report) {
                println!("{line}");
            }
            if state.printed_at.elapsed() >= PROGRESS_PAUSE {
                state.printed_at = Instant::now();
                let failed = state.totals.failed();
                eprintln!("{}", state.seeds.progress(started.elapsed(), failed));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
    let State { totals, .. } = state
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let seconds = started.elapsed().as_secs_f64();
    eprintln!(
        "{} seeds in {seconds:.0} s, {:.0} seeds/s",
        arguments.seeds,
        arguments.seeds as f64 / seconds.max(0.001)
    );
    for line in totals.lines() {
        println!("{line}");
    }
    match totals.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use ucwa_sim::{Invariant, Violation};

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

    fn options(arguments: &Arguments) -> Options {
        let World::Sessions(size) = arguments.world else {
            panic!("a world of sessions");
        };
        arguments.options(size)
    }

    #[test]
    fn a_clean_soak_ends_with_its_sums() {
        let options = options(&parse("--world pair").unwrap());
        let mut sums = Sums::new(&options);
        let report = run(0, &options);
        assert_eq!(sums.add(&report), Vec::<String>::new());
        sums.add(&report);
        let last = format!(
            "runs=2 messages={} lost=0 duplicated=0 reordered=0 misreported=0",
            2 * report.messages
        );
        assert_eq!(sums.lines().last(), Some(&last));
        assert!(report.messages > 0 && sums.failed() == 0);
    }

    #[test]
    fn a_failing_seed_is_printed_with_the_command_that_replays_it() {
        let words = "--sessions 3 --network failing --http-faults some --representation xml";
        let options = options(&parse(words).unwrap());
        let mut report = run(7, &options);
        report.violations = vec![
            Violation::new(Invariant::NoLoss, "#1"),
            Violation::new(Invariant::TrueDeliveryResult, "#2"),
            Violation::new(Invariant::Quiescent, "a poll is in flight"),
        ];
        let mut sums = Sums::new(&options);
        let lines = sums.add(&report);
        assert_eq!(lines.len(), 5, "{lines:?}");
        let replay = "  replay: cargo xtask soak --seeds 1 --seed-start 7 --world handover --messages 5 --sessions 3 \
                      --network failing --http-faults some --representation xml --trace";
        assert_eq!(lines.last().map(String::as_str), Some(replay));
        let (_, command) = replay.split_once("soak ").unwrap();
        let replayed = parse(command).unwrap();
        assert_eq!((replayed.seed_start, replayed.seeds), (7, 1));
        assert_eq!(
            run(7, &super::tests::options(&replayed)).to_string(),
            run(7, &options).to_string()
        );
        let last = sums.lines().pop().unwrap();
        assert!(
            last.ends_with("lost=1 duplicated=0 reordered=0 misreported=1"),
            "{last}"
        );
        assert_eq!(sums.failed(), 1);
    }

    #[test]
    fn of_many_failing_seeds_some_are_printed_and_all_are_counted() {
        let options = options(&parse("--world pair").unwrap());
        let mut report = run(0, &options);
        report.violations = vec![Violation::new(Invariant::Quiescent, "a poll is in flight")];
        let mut sums = Sums::new(&options);
        let printed = (0..PRINTED_FAILURES + 5)
            .filter(|_| !sums.add(&report).is_empty())
            .count();
        assert_eq!(printed, PRINTED_FAILURES);
        let lines = sums.lines();
        assert_eq!(
            lines.first().map(String::as_str),
            Some("25 seeds failed in all")
        );
    }

    #[test]
    fn an_interrupted_soak_resumes_at_the_first_seed_that_is_not_finished() {
        let mut seeds = Seeds::new(100, 10);
        let taken: Vec<_> = (0..4).filter_map(|_| seeds.take()).collect();
        assert_eq!(taken, [100, 101, 102, 103]);
        assert_eq!(seeds.resume_at(), 100);
        for finished in [100, 101, 103] {
            seeds.finish(finished);
        }
        assert_eq!(
            seeds.progress(Duration::from_secs(2), 1),
            "progress: 3 of 10 seeds, 2 seeds/s, 0 min left, 1 failed; resume with --seed-start 102 --seeds 8"
        );
        seeds.finish(102);
        assert_eq!(seeds.resume_at(), 104);
        let rest = std::iter::from_fn(|| seeds.take()).count();
        assert_eq!(rest, 6);
    }

    #[test]
    fn unknown_values_are_refused() {
        for words in [
            "--sessions 1",
            "--sessions 6",
            "--sessions many",
            "--world flat",
            "--network fine",
            "--http-faults much",
            "--representation yaml",
        ] {
            assert!(parse(words).is_err(), "{words}");
        }
    }
}
