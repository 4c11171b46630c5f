//! The project's own chores; see `cargo xtask help`.

#![allow(clippy::print_stdout, reason = "a command line tool prints")]

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod corpus;
mod cost;
mod decode;
mod endurance;
mod fixture;
mod record;
mod replay;
mod soak;
#[cfg(test)]
mod tidy;
mod web;
mod web_test;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Compare the public items of each crate with its public-api.txt, or write these files
    Api(api::Arguments),
    /// Measure speed and memory beside programs on bare hyper, in the same run
    Bench(bench::Arguments),
    /// Decode, re-encode and decode again every payload of a folder with a manifest
    Corpus(corpus::Arguments),
    /// Count the instructions and allocations of the hot paths, and compare them with a baseline
    Cost(cost::Arguments),
    /// Print a payload as canonical JSON
    Decode(decode::Arguments),
    /// Play days of virtual time and measure what a session keeps in memory
    Endurance(endurance::Arguments),
    /// Record the traffic and the timeline of a scenario against the embedded server, or against any other
    Record(record::Arguments),
    /// Play scenarios on their recorded traffic and compare what is observed
    Replay(replay::Arguments),
    /// Play the scenarios in simulated worlds of many seeds and check the invariants
    Soak(soak::Arguments),
    /// Build the package for web pages in target/web
    Web,
    /// Test the package and the chat page in Chromium
    WebTest(web_test::Arguments),
}

fn main() -> ExitCode {
    if let Some(code) = api::stand_in_for_rustdoc() {
        return code;
    }
    match Arguments::parse().chore {
        Chore::Api(arguments) => api::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Corpus(arguments) => corpus::run(&arguments),
        Chore::Cost(arguments) => cost::run(&arguments),
        Chore::Decode(arguments) => decode::run(&arguments),
        Chore::Endurance(arguments) => endurance::run(&arguments),
        Chore::Record(arguments) => record::run(&arguments),
        Chore::Replay(arguments) => replay::run(&arguments),
        Chore::Soak(arguments) => soak::run_all(&arguments),
        Chore::Web => web::run(),
        Chore::WebTest(arguments) => web_test::run(&arguments),
    }
}

/// Runs `future` on a runtime of its own, whose time stands still but when everything waits for it to pass.
fn virtual_time<T, E: From<io::Error>>(future: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?
        .block_on(future)
}
