//! `cargo xtask bench`: the speed and the memory of the SDK beside programs on bare hyper, in the same run.

mod areas;
mod experiment;
mod guide;
mod machine;
mod plot;
mod program;
mod row;
mod statistics;
mod table;

use std::{io, path::Path, process::ExitCode};

use areas::{Area, Length};
use machine::Machine;
use program::Program;
use table::Run;

#[derive(clap::Args)]
#[command(bin_name = "cargo xtask bench")]
pub(crate) struct Arguments {
    /// Fewer and shorter runs: less than five minutes on two cores
    #[arg(long)]
    quick: bool,
    /// The shortest runs, for a test: the numbers mean nothing
    #[arg(long, hide = true)]
    smoke: bool,
    /// Print JSON, with the measurements of every round, instead of tables
    #[arg(long)]
    json: bool,
    /// Also write the tables and the charts into the guide, docs/src/performance.md
    #[arg(long)]
    write: bool,
    /// The areas; by default all
    #[arg(value_enum)]
    areas: Vec<Area>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error("this run failed: {0}")]
    Run(String),
    #[error(transparent)]
    Io(#[from] io::Error),
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let measured = measure(arguments).and_then(|run| {
        if arguments.write {
            guide::write(&run, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))?;
        }
        Ok(run)
    });
    match measured {
        Ok(run) if arguments.json => println!("{:#}", run.json()),
        Ok(run) => print!("{}", run.markdown()),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(arguments: &Arguments) -> Result<Run, BenchError> {
    let length = match arguments {
        Arguments { smoke: true, .. } => Length::Smoke,
        Arguments { quick: true, .. } => Length::Quick,
        _ => Length::Full,
    };
    let areas: &[Area] = match arguments.areas.as_slice() {
        [] => Area::all(),
        areas => areas,
    };
    let program = Program::current()?;
    let before = machine::load();
    let mut rows = Vec::new();
    for area in areas {
        eprintln!("measuring {}", area.name());
        for experiment in area.experiments(length) {
            rows.extend(experiment.run(&program)?);
        }
    }
    Ok(Run {
        machine: Machine::current(),
        load: (before, machine::load()),
        command: arguments.command(),
        rows,
    })
}

impl Arguments {
    /// The command that repeats the run.
    fn command(&self) -> String {
        let mut words = vec!["cargo xtask bench"];
        if self.quick {
            words.push("--quick");
        }
        words.extend(self.areas.iter().map(|area| area.name()));
        words.join(" ")
    }
}
