//! `fleet worker`: the worker with its signals, endpoints and reports.

use std::{error::Error, pin::pin, sync::Arc, time::Duration};

use skype_p2p_fleet::{PostgresConfig, PostgresStore, StoreError, Worker};
use tokio::{sync::oneshot, task::JoinSet, time::sleep};

use super::{
    Settings,
    endpoints::{Endpoints, Monitor},
    service_manager, store_failure,
};
use crate::{End, console::Console, failure::Failure, interrupt::Interrupt, output::Output};

/// The pause before another attempt to reach the database.
const RETRY: Duration = Duration::from_secs(1);

/// Runs a worker until it is drained: by a signal, or by `fleet drain`.
pub(super) async fn run(settings: &Settings, console: Console) -> Result<End, Failure> {
    let config = settings.worker()?;
    let database = settings.database()?;
    let keyring = settings.keyring()?;
    let transport = settings.transport()?;
    let drain_timeout = settings.drain_timeout()?;
    let address = settings.listen()?;
    let cannot_listen = |error| Failure::other(format!("Cannot listen at {address}: {error}."));
    let mut interrupt = Interrupt::catch().map_err(|error| Failure::other(error.to_string()))?;

    let monitor = Monitor::default();
    let endpoints = Endpoints::bind(address, monitor.clone()).await;
    let endpoints = endpoints.map_err(cannot_listen)?;
    let mut output = Output::stdout();
    output.line(endpoints.url().map_err(cannot_listen)?);
    // Dropping the set ends the tasks.
    let mut tasks = JoinSet::new();
    tasks.spawn(endpoints.serve());
    tasks.spawn(service_manager::report(monitor.clone()));

    let store = tokio::select! {
        store = connect(&database) => store.map_err(|error| store_failure(&error))?,
        () = interrupt.received() => return Ok(End::Well),
    };
    let worker = Worker::new(Arc::new(store), keyring, transport, config);
    // Nothing else sets it.
    let _ = monitor.set(worker.monitor());
    let (stop, stopped) = oneshot::channel::<()>();
    let mut running = pin!(worker.run(async {
        // Without a signal, the sender lives as long as the worker.
        let _ = stopped.await;
    }));
    tokio::select! {
        ended = &mut running => return drained(ended),
        () = interrupt.received() => {}
    }
    console.notice("draining; another signal stops the worker at once");
    service_manager::stopping();
    let _ = stop.send(());
    let why = tokio::select! {
        ended = &mut running => return drained(ended),
        () = interrupt.received() => "The worker was stopped before it was drained.".to_owned(),
        () = sleep(drain_timeout) => format!("The drain took longer than {} s.", drain_timeout.as_secs()),
    };
    Err(Failure::other(why).with_hint(
        "other workers take the rest over in a few seconds; a longer drain_timeout avoids that",
    ))
}

fn drained(ended: Result<(), StoreError>) -> Result<End, Failure> {
    ended
        .map(|()| End::Well)
        .map_err(|error| store_failure(&error))
}

/// Connects, and waits while the database is not available: in a start of the whole system, it may come later.
async fn connect(database: &PostgresConfig) -> Result<PostgresStore, StoreError> {
    loop {
        match PostgresStore::connect(database).await {
            Err(StoreError::Unavailable(error)) => {
                let cause = causes(&*error);
                tracing::warn!(cause, "the database is not available, trying again");
                sleep(RETRY).await;
            }
            connected => return connected,
        }
    }
}

/// The error and its sources.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
