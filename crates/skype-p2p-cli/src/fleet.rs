//! `fleet`: the worker of a fleet, and the commands of its operators.

mod endpoints;
mod enqueue;
mod key;
mod operators;
mod options;
mod service_manager;
mod settings;
mod status;
mod worker;

use std::error::Error;

use skype_p2p_fleet::StoreError;

use self::key::Key;
pub use self::options::{
    FleetAdd, FleetCommand, FleetDatabase, FleetDrain, FleetEnqueue, FleetRemove, FleetRequeue,
    FleetReseal, FleetResume, FleetStatusOptions, FleetSuspend, FleetWorker,
};
pub(crate) use self::settings::Settings;
use crate::{
    End,
    address::Addresses,
    console::{Console, ConsoleOptions},
    failure::Failure,
};

/// The filter of a worker's log, without `--log` and RUST_LOG.
const WORKER_LOG: &str = "warn,skype_p2p_fleet=info,skype_p2p_cli=info";

/// The filter of the log.
pub(crate) fn log<'a>(
    command: &FleetCommand,
    settings: &'a Settings,
    options: &ConsoleOptions,
) -> Option<&'a str> {
    let is_default = options.verbose < 2 && std::env::var_os("RUST_LOG").is_none();
    let is_worker = matches!(command, FleetCommand::Worker(_));
    let of_worker = (is_worker && is_default).then_some(WORKER_LOG);
    settings.one(Key::Log).or(of_worker)
}

/// Runs the command.
pub(crate) async fn run(
    command: FleetCommand,
    settings: &Settings,
    console: Console,
) -> Result<End, Failure> {
    match command {
        FleetCommand::Worker(args) if args.check => settings.check(),
        FleetCommand::Worker(_) => worker::run(settings, console).await,
        FleetCommand::Migrate(_) => operators::migrate(settings).await,
        FleetCommand::Add(args) => operators::add(&args, settings).await,
        FleetCommand::Enqueue(args) => enqueue::run(args, settings).await,
        FleetCommand::Status(args) => status::run(&args, settings).await,
        FleetCommand::Drain(args) => operators::drain(&args, settings).await,
        FleetCommand::Suspend(args) => operators::suspend(&args, settings).await,
        FleetCommand::Resume(args) => operators::resume(&args, settings).await,
        FleetCommand::Remove(args) => operators::remove(&args, settings).await,
        FleetCommand::Requeue(args) => operators::requeue(&args, settings).await,
        FleetCommand::Reseal(_) => operators::reseal(settings).await,
    }
}

/// The SIP URI of an address of the command line, with or without `sip:`.
fn sip_uri(address: &str) -> Result<String, Failure> {
    let address = Addresses::of_root(None).user(address).map_err(|why| {
        Failure::usage(format!("Cannot use the address {address:?}: {why}."))
            .with_hint("an address is user@domain, with or without sip:")
    })?;
    Ok(format!("sip:{address}"))
}

/// The failure of a method of the store.
fn store_failure(error: &StoreError) -> Failure {
    let mut failure = match error {
        StoreError::Unavailable(_) => Failure::other("The database is not available.")
            .with_hint("check the address, the network and the password; -v shows the cause"),
        StoreError::Refused(_) => Failure::other("The database refused a statement.").with_hint(
            "the role needs the rights of the owner of the schema fleet; -v shows the cause",
        ),
        StoreError::NotMigrated { found, needed, .. } => Failure::other(format!(
            "The schema of the database has version {found}, and this program needs {needed}."
        ))
        .with_hint("run skype-p2p fleet migrate, and then start the workers again"),
        StoreError::IdentityHasMessages { unsent, unread, .. } => Failure::other(format!(
            "The identity has {unsent} messages without a result, and {unread} received messages that a consumer has not acknowledged."
        ))
        .with_hint("wait until they are sent and read, or remove the identity with --force: the messages are lost then"),
        StoreError::InvalidValue(why) => Failure::usage(sentence(why)),
        other => Failure::other(sentence(&other.to_string())),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        failure = failure.with_cause(error);
        cause = error.source();
    }
    failure
}

/// The text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
