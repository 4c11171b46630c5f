//! `cargo xtask cost`: the instructions and allocations of the hot paths, compared with a committed baseline.
//!
//! The program `xtask/cost` repeats each step. Callgrind counts its instructions, which do not depend on the load of the machine.

mod baseline;
mod callgrind;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

use self::baseline::{Baseline, Cost};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write the costs to the baseline, xtask/cost/baseline.toml
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Error)]
enum CostError {
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("xtask/cost/baseline.toml: {0}")]
    Baseline(#[from] toml::de::Error),
    #[error("the baseline: {0}")]
    Format(#[from] toml::ser::Error),
    #[error("a line of the measured program: {0}")]
    Line(#[from] serde_json::Error),
    #[error("{0} failed; its output is above")]
    Failed(&'static str),
    #[error("callgrind wrote {counts} counts for {steps} steps")]
    Counts { counts: usize, steps: usize },
    #[error("--write needs valgrind, which is not installed (Debian: valgrind)")]
    NoValgrind,
}

/// A line of the measured program.
#[derive(Deserialize)]
struct Step {
    step: String,
    repetitions: u64,
    allocations: u64,
    allocated_bytes: u64,
    kept_bytes: i64,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match compare(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints the table, and compares it with the baseline or writes it. Returns whether the costs are within the limits.
fn compare(arguments: &Arguments) -> Result<bool, CostError> {
    let path = root().join("xtask/cost/baseline.toml");
    let valgrind = version("valgrind", &["--version"]);
    if valgrind.is_none() {
        println!("skipped: the instructions, since valgrind is not installed (Debian: valgrind)");
    }
    let now = Baseline {
        compiler: compiler(),
        valgrind: valgrind.clone().unwrap_or_default(),
        steps: measure(valgrind.is_some())?,
    };
    if arguments.write {
        if valgrind.is_none() {
            return Err(CostError::NoValgrind);
        }
        print!("{}", now.table(&BTreeMap::new()));
        fs::write(&path, now.to_toml()?).map_err(|error| CostError::File(path, error))?;
        let errors = now.growth_errors();
        errors.iter().for_each(|error| println!("{error}"));
        return Ok(errors.is_empty());
    }
    let text = fs::read_to_string(&path).map_err(|error| CostError::File(path, error))?;
    let before: Baseline = toml::from_str(&text)?;
    print!("{}", now.table(&before.steps));
    if valgrind.is_some() && !now.has_tools_of(&before) {
        println!(
            "the instructions are not compared with the baseline, which is of {} and {}; this is {} and {}",
            before.compiler, before.valgrind, now.compiler, now.valgrind
        );
    }
    let errors = now.errors(&before);
    errors.iter().for_each(|error| println!("{error}"));
    if now.is_cheaper(&before) {
        println!(
            "some costs are lower than the baseline: `cargo xtask cost --write` keeps the gain"
        );
    }
    if !errors.is_empty() {
        println!(
            "if a higher cost is intended, run `cargo xtask cost --write` and commit its change of xtask/cost/baseline.toml"
        );
    }
    Ok(errors.is_empty())
}

/// Runs the measured program, under callgrind if `count` is set, and returns the cost of one repetition of each step.
fn measure(count: bool) -> Result<BTreeMap<String, Cost>, CostError> {
    let folder = root().join("target/cost");
    let mut command = Command::new(env!("CARGO"));
    if count {
        // The files of an earlier run would be counted again.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(CostError::File(folder, error));
            }
            _ => {}
        }
        fs::create_dir_all(&folder).map_err(|error| CostError::File(folder.clone(), error))?;
        command.arg("--config").arg(callgrind::runner(&folder));
    }
    // The profile `bench` is the release profile with line numbers.
    command.args([
        "run",
        "--quiet",
        "--package",
        "xtask-cost",
        "--profile",
        "bench",
    ]);
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| CostError::File(env!("CARGO").into(), error))?;
    if !output.status.success() {
        return Err(CostError::Failed("the measured program"));
    }
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let steps: Vec<Step> = lines
        .map(serde_json::from_slice)
        .collect::<Result<_, _>>()?;
    let counts = match count {
        true => callgrind::counts(&folder).map_err(|error| CostError::File(folder, error))?,
        false => vec![0; steps.len()],
    };
    if counts.len() != steps.len() {
        let (counts, steps) = (counts.len(), steps.len());
        return Err(CostError::Counts { counts, steps });
    }
    let costs = steps.into_iter().zip(counts).map(|(step, instructions)| {
        let per_step = |total: u64| total.div_ceil(step.repetitions);
        let kept = u64::try_from(step.kept_bytes).unwrap_or_default();
        let cost = Cost {
            instructions: per_step(instructions),
            allocations: per_step(step.allocations),
            allocated_bytes: per_step(step.allocated_bytes),
            kept_bytes: per_step(kept),
        };
        (step.step, cost)
    });
    Ok(costs.collect())
}

/// The version and the target of the compiler, which the instructions depend on.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let text = version(rustc, &["-vV"]).unwrap_or_default();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    let first = text.lines().next().unwrap_or_default();
    format!("{first} {}", host.unwrap_or_default())
}

/// What a program prints, or None if it cannot be run.
fn version(program: impl Into<OsString>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program.into()).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}
