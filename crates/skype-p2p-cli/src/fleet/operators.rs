//! The commands of operators that change something: `fleet migrate`, `add`, `drain`, `suspend`, `resume`, `remove`, `requeue` and
//! `reseal`.

use std::path::Path;

use skype_p2p_fleet::{
    EnqueueOutcome, NewIdentity, PostgresStore, Purpose, Sealed, Store as _, WorkerState,
};

use super::{
    FleetAdd, FleetDrain, FleetRemove, FleetRequeue, FleetResume, FleetSuspend, Settings, sip_uri,
    store_failure,
};
use crate::{
    End, failure::Failure, output::Output, password, secret_variables::SecretVariables,
    timeline::printable,
};

/// Connects to the database.
pub(super) async fn connect(settings: &Settings) -> Result<PostgresStore, Failure> {
    let store = PostgresStore::connect(&settings.database()?).await;
    store.map_err(|error| store_failure(&error))
}

pub(super) async fn migrate(settings: &Settings) -> Result<End, Failure> {
    let applied = PostgresStore::migrate(&settings.database()?).await;
    let applied = applied.map_err(|error| store_failure(&error))?;
    report(match applied {
        0 => "The schema is current.".to_owned(),
        1 => "Applied 1 migration.".to_owned(),
        _ => format!("Applied {applied} migrations."),
    })
}

pub(super) async fn add(args: &FleetAdd, settings: &Settings) -> Result<End, Failure> {
    let sip_uri = sip_uri(&args.identity)?;
    let mut identity = NewIdentity::new(&sip_uri);
    identity.root.clone_from(&args.root);
    identity.credential = Some(sealed_password(
        &sip_uri,
        args.password_file.as_deref(),
        settings,
    )?);
    let added = connect(settings).await?.add_identity(identity).await;
    added.map_err(|error| store_failure(&error))?;
    report(format!("Added {sip_uri}."))
}

pub(super) async fn drain(args: &FleetDrain, settings: &Settings) -> Result<End, Failure> {
    let store = connect(settings).await?;
    let status = store
        .status()
        .await
        .map_err(|error| store_failure(&error))?;
    let is_meant = |name: &str, id: i64| name == args.worker || id.to_string() == args.worker;
    let workers = status.workers.iter();
    let workers: Vec<_> = workers.filter(|it| is_meant(&it.name, it.id.0)).collect();
    if workers.is_empty() {
        let why = format!("The fleet has no live worker {}.", args.worker);
        return Err(Failure::other(why).with_hint("skype-p2p fleet status lists the workers"));
    }
    for worker in workers {
        let number = worker.id.0;
        let line = match worker.state {
            WorkerState::Draining => format!("Worker {number} is draining already."),
            _ => {
                let drained = store.drain_worker(worker.id).await;
                drained.map_err(|error| store_failure(&error))?;
                format!("Worker {number} drains {} identities.", worker.leases)
            }
        };
        report(line)?;
    }
    Ok(End::Well)
}

pub(super) async fn suspend(args: &FleetSuspend, settings: &Settings) -> Result<End, Failure> {
    let sip_uri = sip_uri(&args.identity)?;
    let suspended = connect(settings)
        .await?
        .suspend(&sip_uri, &args.reason)
        .await;
    suspended.map_err(|error| store_failure(&error))?;
    report(format!("Suspended {sip_uri}."))
}

pub(super) async fn resume(args: &FleetResume, settings: &Settings) -> Result<End, Failure> {
    let sip_uri = sip_uri(&args.identity)?;
    let store = connect(settings).await?;
    if let Some(file) = &args.password_file {
        let sealed = sealed_password(&sip_uri, Some(file), settings)?;
        let set = store.set_credential(&sip_uri, sealed).await;
        set.map_err(|error| store_failure(&error))?;
    }
    let resumed = store.resume(&sip_uri).await;
    resumed.map_err(|error| store_failure(&error))?;
    report(format!("Resumed {sip_uri}."))
}

pub(super) async fn remove(args: &FleetRemove, settings: &Settings) -> Result<End, Failure> {
    let sip_uri = sip_uri(&args.identity)?;
    let store = connect(settings).await?;
    let removed = store.remove_identity(&sip_uri, args.force).await;
    removed.map_err(|error| store_failure(&error))?;
    report(format!("Removed {sip_uri}."))
}

pub(super) async fn reseal(settings: &Settings) -> Result<End, Failure> {
    let keyring = settings.keyring()?;
    let store = connect(settings).await?;
    let result = skype_p2p_fleet::reseal(&store, &keyring).await;
    let result = result.map_err(|error| store_failure(&error))?;
    let mut output = Output::stdout();
    for (identity, purpose, why) in &result.failed {
        let value = match purpose {
            Purpose::Credential => "password",
            Purpose::Checkpoint => "session",
        };
        let line = format!("not opened: the {value} of {identity}: {why}");
        output.line(printable(&line));
    }
    output.line(format_args!(
        "Sealed {} values anew. The first key had sealed {} before. Workers have changed {} meanwhile.",
        result.resealed, result.current, result.changed
    ));
    output.check()?;
    if !result.failed.is_empty() {
        let count = result.failed.len();
        let why = format!("{count} values cannot be opened by these keys.");
        return Err(Failure::other(why).with_hint(
            "add the missing key to the keys, or set the password again with fleet resume, or remove the identity",
        ));
    }
    report(match result.is_complete() {
        true => "Every value is sealed by the first key.".to_owned(),
        false => "Repeat the command until it changes nothing, before you remove the other keys."
            .to_owned(),
    })
}

pub(super) async fn requeue(args: &FleetRequeue, settings: &Settings) -> Result<End, Failure> {
    let sip_uri = sip_uri(&args.identity)?;
    let store = connect(settings).await?;
    let outcome = store
        .requeue(&sip_uri, &args.key, &args.new_key, args.time_to_live)
        .await;
    match outcome.map_err(|error| store_failure(&error))? {
        EnqueueOutcome::KeyInUse => Err(key_in_use(&args.new_key)),
        _ => report(format!("Queued {}.", args.new_key)),
    }
}

/// Another message of the identity has the key.
pub(super) fn key_in_use(key: &str) -> Failure {
    Failure::other(format!(
        "Another message of the identity has the key {key}."
    ))
    .with_hint("choose a key of its own for each message")
}

/// The password, sealed by the first key of the workers.
fn sealed_password(
    sip_uri: &str,
    file: Option<&Path>,
    settings: &Settings,
) -> Result<Sealed, Failure> {
    let keyring = settings.keyring()?;
    let variables = SecretVariables::USER;
    let password = password::read_or_ask(file, variables, sip_uri).map_err(Failure::usage)?;
    keyring
        .seal(sip_uri, Purpose::Credential, password.as_bytes())
        .map_err(|error| Failure::other(error.to_string()))
}

fn report(line: String) -> Result<End, Failure> {
    let mut output = Output::stdout();
    output.line(printable(&line));
    output.check().map(|()| End::Well)
}
