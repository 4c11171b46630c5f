//! The parts of the binary `skype-p2p`: its command line and its commands.
//!
//! Standard output has the results, one per line; standard error has errors, notices and the log. The lines of `demo` and
//! `listen` are those of [`timeline`]. [`Observer`] makes them from an application's model, also for other programs.

mod account;
mod address;
mod admin;
mod args;
mod audience;
mod completions;
mod console;
mod demo;
mod exit_code;
mod failure;
mod faults;
mod interrupt;
mod listen;
mod man;
mod observer;
mod output;
mod password;
mod record;
mod send;
mod serve;
mod server_file;
mod sign_in;
pub mod timeline;
mod watch;

use std::process::ExitCode;

pub use account::Account;
pub use args::{Cli, Command, Completions, Demo, Format, Man, Serve, Tls};
pub use console::{Color, ConsoleOptions};
use console::{Console, complain};
use exit_code::End;
pub use faults::Faults;
pub use listen::{Accept, Listen};
pub use observer::{Observation, Observer};
pub use send::Send;
pub use sign_in::SignIn;

/// Runs the command of the command line. The exit code is 0 if the command succeeded; `--help` lists the others.
pub async fn run(cli: Cli) -> ExitCode {
    let console = match Console::open(&cli.console) {
        Ok(console) => console,
        Err(failure) => {
            complain(failure.message());
            return failure.end().into();
        }
    };
    let result = match cli.command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Serve(serve) => Ok(serve::run(serve).await),
        Command::Send(send) => send::run(send, console).await,
        Command::Listen(listen) => listen::run(listen, console).await,
        Command::Completions(completions) => Ok(completions::run(&completions)),
        Command::Man(man) => Ok(man::run(&man)),
    };
    match result {
        Ok(end) => end.into(),
        Err(failure) => {
            console.error(&failure);
            failure.end().into()
        }
    }
}
