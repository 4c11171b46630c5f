//! `cargo xtask bench`: builds the benchmark with optimization and runs it.

use std::{
    ffi::OsString,
    process::{Command, ExitCode},
};

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// The arguments of the benchmark, such as `--help`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    // The profile `bench` is the release profile with line numbers for profilers.
    let status = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask-bench",
            "--profile",
            "bench",
            "--",
            "run",
        ])
        .args(&arguments.arguments)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
