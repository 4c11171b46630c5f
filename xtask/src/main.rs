//! The project's own chores; see `cargo xtask help`.

#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod corpus;
mod decode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Decode, re-encode and decode again every payload of a folder with a manifest
    Corpus(corpus::Arguments),
    /// Print a payload as canonical JSON
    Decode(decode::Arguments),
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Corpus(arguments) => corpus::run(&arguments),
        Chore::Decode(arguments) => decode::run(&arguments),
    }
}
