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
mod config;
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
mod private_file;
mod record;
mod send;
mod serve;
mod server_file;
mod sign_in;
mod state_file;
pub mod timeline;
mod watch;

use std::process::ExitCode;

pub use account::Account;
pub use args::{Cli, Command, Completions, Demo, Format, Man, Serve, Tls};
pub use config::{ConfigCommand, ProfileName};
use config::{Key, Settings};
pub use console::{Color, ConsoleOptions};
use console::{Console, complain};
use exit_code::End;
use failure::Failure;
pub use faults::Faults;
pub use listen::{Accept, Listen, Sender};
pub use observer::{Observation, Observer};
pub use send::Send;
pub use sign_in::SignIn;

/// Runs the command of the command line. The exit code is 0 if the command succeeded; `--help` lists the others.
pub async fn run(cli: Cli) -> ExitCode {
    let result = match settings(&cli) {
        Ok(settings) => start(cli, settings).await,
        Err(failure) => Err((Console::default(), failure)),
    };
    match result {
        Ok(end) => end.into(),
        Err((console, failure)) => {
            console.error(&failure);
            failure.end().into()
        }
    }
}

/// The settings, for a command that signs a user in.
fn settings(cli: &Cli) -> Result<Option<Settings>, Failure> {
    let log = cli.console.log.as_deref();
    match &cli.command {
        Command::Send(send) => Settings::resolve(&send.sign_in, log).map(Some),
        Command::Listen(listen) => Settings::resolve(&listen.sign_in, log).map(Some),
        Command::Config(ConfigCommand::Check(args)) => Settings::resolve(args, log).map(Some),
        Command::Login(args) => Settings::resolve_new(args, log).map(Some),
        Command::Demo(_)
        | Command::Serve(_)
        | Command::Logout(_)
        | Command::Profiles
        | Command::Completions(_)
        | Command::Man(_) => Ok(None),
    }
}

/// Starts the log and runs the command.
async fn start(cli: Cli, settings: Option<Settings>) -> Result<End, (Console, Failure)> {
    let log = match &settings {
        Some(settings) => settings.one(Key::Log),
        None => cli.console.log.as_deref(),
    };
    let console = Console::open(&cli.console, log).map_err(|it| (Console::default(), it))?;
    let result = match (cli.command, settings) {
        (Command::Demo(demo), _) => demo::run(demo).await,
        (Command::Serve(serve), _) => Ok(serve::run(serve).await),
        (Command::Logout(args), _) => config::logout(&args),
        (Command::Profiles, _) => config::profiles(),
        (Command::Completions(args), _) => Ok(completions::run(&args)),
        (Command::Man(args), _) => Ok(man::run(&args)),
        (Command::Send(send), Some(settings)) => send::run(send, &settings, console).await,
        (Command::Listen(listen), Some(settings)) => listen::run(listen, &settings, console).await,
        (Command::Login(args), Some(settings)) => config::login(&args, settings, console).await,
        (Command::Config(ConfigCommand::Check(args)), Some(settings)) => {
            config::check(&args, &settings)
        }
        (_, None) => Err(Failure::other("The command has no settings.")),
    };
    result.map_err(|failure| (console, failure))
}
