//! The benchmark of the project: `cargo xtask bench`. The command `run` starts this program again for each run of a contender and
//! for each server, and computes the tables. The other commands are these runs, which print their measurements as JSON.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark"
)]

mod bare;
mod bench;
mod client;
mod decode;
mod growth;
mod hello_world;
mod host;
mod idle;
mod meters;
mod observe;
mod page;
mod parts;
mod receive;
mod script;
mod sdk;
mod send;
mod serve;
mod sign_in;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure, and print the tables
    Run(bench::Arguments),
    /// Serve other processes
    Host(host::Options),
    /// Send messages
    Send(send::Options),
    /// Receive messages of a peer
    Receive(receive::Options),
    /// Send messages to the receiver, which is another process
    Say(receive::Options),
    /// Poll for events that do not come
    Turns(idle::TurnOptions),
    /// Wait in many sessions
    Memory(idle::MemoryOptions),
    /// Serve with the embedded server
    Serve(serve::ServeOptions),
    /// Park users at the embedded server
    Park(serve::ParkOptions),
    /// Measure the session and the model alone
    Parts(parts::Options),
    /// Decode event pages
    Decode(decode::Options),
    /// Write to properties and push to collections
    Observe(observe::Options),
    /// Count the crates of the smallest program
    HelloWorld(hello_world::Options),
    /// Sign in to a host that delays its responses
    SignIn(sign_in::Options),
    /// Repeat a step beside more and more conversations, messages and participants
    Growth(growth::Options),
}

fn main() -> ExitCode {
    let metrics = match Arguments::parse().what {
        What::Run(arguments) => return bench::run(&arguments),
        What::Host(options) => run(host::run(options)),
        What::Send(options) => run(send::run(options)),
        What::Receive(options) => run(receive::run(options)),
        What::Say(options) => run(receive::pair::say(options)),
        What::Turns(options) => run(idle::turns(options)),
        What::Memory(options) => run(idle::memory(options)),
        What::Serve(options) => run(serve::serve(options)),
        What::Park(options) => run(serve::park(options)),
        What::Parts(options) => parts::run(&options),
        What::Decode(options) => decode::run(&options),
        What::Observe(options) => observe::run(&options),
        What::HelloWorld(options) => hello_world::run(&options),
        What::SignIn(options) => run(sign_in::run(options)),
        What::Growth(options) => growth::run(&options),
    };
    println!("{}", serde_json::to_string(&metrics).unwrap());
    ExitCode::SUCCESS
}

/// Runs on one thread, so that the processor time is that of the code and not of a scheduler between threads.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, future)
}
