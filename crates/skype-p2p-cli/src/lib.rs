//! The parts of the binary `skype-p2p`: its command line and its commands.
//!
//! Standard output has the results, one per line; standard error has errors, notices and the log. The lines of `demo` and
//! `listen` are those of [`timeline`]. [`Observer`] makes them from an application's model, also for other programs.

mod account;
mod address;
mod admin;
mod args;
mod audience;
mod chat;
mod completions;
mod config;
mod console;
mod contacts;
mod demo;
mod discover;
mod exit_code;
mod failure;
mod faults;
#[cfg(feature = "fleet")]
mod fleet;
mod groups;
mod history;
mod interrupt;
mod json_line;
mod listen;
mod man;
mod observer;
mod output;
mod password;
mod presence;
mod private_file;
mod probe;
mod recording;
mod search;
mod secret_variables;
mod send;
mod serve;
mod server_file;
mod session;
mod sign_in;
mod state_file;
mod time_limit;
pub mod timeline;
mod watch;
mod web;

use std::{
    io::{IsTerminal as _, stderr},
    process::ExitCode,
};

pub use account::Account;
pub use args::{Cli, Command, Completions, Demo, Man, Serve, Tls};
pub use chat::{Chat, ThemeName};
pub use config::{ConfigCommand, ProfileName};
use config::{Key, Settings};
pub use console::{Color, ConsoleOptions};
use console::{Console, LogFormat, complain};
pub use contacts::{ContactGroup, ContactsChange, ContactsCommand, ContactsList, ContactsMove};
pub use discover::Discover;
use exit_code::End;
use failure::Failure;
pub use faults::Faults;
#[cfg(feature = "fleet")]
pub use fleet::{
    FleetAdd, FleetCommand, FleetDatabase, FleetDrain, FleetEnqueue, FleetRemove, FleetRequeue,
    FleetReseal, FleetResume, FleetStatusOptions, FleetSuspend, FleetWorker,
};
pub use groups::{GroupsCommand, GroupsCreate, GroupsList, GroupsRemove, GroupsRename};
pub use history::{
    Archiving, ExportFormat, HistoryCommand, HistoryExport, HistoryList, HistoryShow, Selection,
};
pub use json_line::LineFormat;
pub use listen::{Accept, Listen, Sender};
pub use observer::{Observation, Observer};
pub use presence::{Availability, PresenceCommand, PresenceOf, PresenceSet};
pub use probe::{Probe, ProbeCommand, ProbeSignIn, Receiver, Rounds};
pub use recording::{ClientMade, Diff, RecordOption, Redact, Replay, Timeline};
pub use search::Search;
pub use send::Send;
pub use session::{Persons, SessionOptions};
pub use sign_in::{Format, RepresentationOption, ServerOptions, SignIn};
pub use time_limit::TimeLimit;

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
        Command::Send(send) => Settings::resolve(&send.session.sign_in, log).map(Some),
        Command::Listen(listen) => Settings::resolve(&listen.sign_in, log).map(Some),
        Command::Presence(it) => Settings::resolve(&it.session().sign_in, log).map(Some),
        Command::Search(it) => Settings::resolve(&it.session.sign_in, log).map(Some),
        Command::Discover(discover) => Settings::resolve(&discover.sign_in(), log).map(Some),
        Command::Probe(probe) => Settings::resolve(&probe.session().sign_in, log).map(Some),
        Command::Contacts(it) => Settings::resolve(&it.session().sign_in, log).map(Some),
        Command::Groups(it) => Settings::resolve(&it.session().sign_in, log).map(Some),
        Command::History(it) => Settings::resolve(&it.session().sign_in, log).map(Some),
        Command::Chat(chat) => Settings::resolve(&chat.sign_in, log).map(Some),
        Command::Config(ConfigCommand::Check(args)) => Settings::resolve(args, log).map(Some),
        Command::Login(args) => Settings::resolve_new(args, log).map(Some),
        Command::Demo(_)
        | Command::Serve(_)
        | Command::Logout(_)
        | Command::Profiles
        | Command::Replay(_)
        | Command::Redact(_)
        | Command::Timeline(_)
        | Command::Diff(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(None),
        // The settings of a fleet are others.
        #[cfg(feature = "fleet")]
        Command::Fleet(_) => Ok(None),
    }
}

/// Starts the log and runs the command.
async fn start(cli: Cli, settings: Option<Settings>) -> Result<End, (Console, Failure)> {
    let log = match &settings {
        Some(settings) => settings.one(Key::Log),
        None => cli.console.log.as_deref(),
    };
    #[cfg(feature = "fleet")]
    let fleet = match &cli.command {
        Command::Fleet(command) => fleet::Settings::resolve(command, log),
        _ => Ok(fleet::Settings::default()),
    };
    #[cfg(feature = "fleet")]
    let fleet = fleet.map_err(|failure| (Console::default(), failure))?;
    #[cfg(feature = "fleet")]
    let log = match &cli.command {
        Command::Fleet(command) => fleet::log(command, &fleet, &cli.console),
        _ => log,
    };
    #[cfg(feature = "fleet")]
    let format = match &cli.command {
        Command::Fleet(_) => fleet.log_format(),
        _ => Ok(LogFormat::Text),
    };
    #[cfg(feature = "fleet")]
    let format = format.map_err(|failure| (Console::default(), failure))?;
    #[cfg(not(feature = "fleet"))]
    let format = LogFormat::Text;
    // Lines of the log would be written across the screen of the client.
    let on_screen = matches!(cli.command, Command::Chat(_)) && stderr().is_terminal();
    let log = if on_screen { Some("off") } else { log };
    let console = Console::open(&cli.console, log, format);
    let console = console.map_err(|it| (Console::default(), it))?;
    let recording = match &cli.command {
        Command::Demo(demo) => demo.recording.file(),
        _ => settings.as_ref().and_then(|it| it.recording.clone()),
    };
    let result = match (cli.command, settings) {
        (Command::Demo(demo), _) => demo::run(demo, recording.as_deref()).await,
        (Command::Serve(serve), _) => serve::run(serve).await,
        (Command::Logout(args), _) => config::logout(&args),
        (Command::Profiles, _) => config::profiles(),
        (Command::Replay(args), _) => recording::replay(&args),
        (Command::Redact(args), _) => recording::redact(&args),
        (Command::Timeline(args), _) => recording::timeline(&args),
        (Command::Diff(args), _) => recording::diff(&args),
        (Command::Completions(args), _) => completions::run(&args),
        (Command::Man(args), _) => man::run(&args),
        (Command::Send(send), Some(settings)) => send::run(send, &settings, console).await,
        (Command::Listen(listen), Some(settings)) => listen::run(listen, &settings, console).await,
        (Command::Presence(it), Some(settings)) => presence::run(it, &settings, console).await,
        (Command::Search(it), Some(settings)) => search::run(it, &settings, console).await,
        (Command::Discover(args), Some(settings)) => discover::run(*args, &settings).await,
        (Command::Probe(args), Some(settings)) => probe::run(*args, settings, console).await,
        (Command::Contacts(it), Some(settings)) => contacts::run(it, &settings, console).await,
        (Command::Groups(it), Some(settings)) => groups::run(it, &settings, console).await,
        (Command::History(it), Some(settings)) => history::run(it, &settings, console).await,
        (Command::Chat(chat), Some(settings)) => {
            chat::run(*chat, &settings, cli.console.color, console).await
        }
        (Command::Login(args), Some(settings)) => config::login(&args, settings, console).await,
        (Command::Config(ConfigCommand::Check(args)), Some(settings)) => {
            config::check(&args, &settings)
        }
        #[cfg(feature = "fleet")]
        (Command::Fleet(command), _) => fleet::run(command, &fleet, console).await,
        (_, None) => Err(Failure::other("The command has no settings.")),
    };
    // The command has ended here, also after a signal.
    let written = recording.map_or(Ok(()), |it| it.write());
    if let (Err(_), Err(failure)) = (&result, &written) {
        console.error(failure);
    }
    let result = result.and_then(|end| written.map(|()| end));
    result.map_err(|failure| (console, failure))
}
