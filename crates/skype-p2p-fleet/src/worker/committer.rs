//! Group commit: the batches of all sessions of a worker, in as few transactions as possible.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};

use super::metrics::Metrics;
use crate::store::{Batch, CommitRefusal, LeaseLost, Store, StoreError};

/// The batches of one transaction.
const LARGEST_TRANSACTION: usize = 500;

/// The pause before a transaction is repeated.
const RETRY: Duration = Duration::from_millis(200);

type Waiting = (Batch, oneshot::Sender<Result<(), CommitError>>);

/// The reason why a batch is not stored.
#[derive(Debug)]
pub(super) enum CommitError {
    Refusal(CommitRefusal),
    /// The store refuses this batch whenever it is repeated.
    Store(StoreError),
}

/// Takes the batches of sessions.
#[derive(Clone, Debug)]
pub(super) struct Committer(mpsc::UnboundedSender<Waiting>);

impl Committer {
    /// The queue, and the task that stores its batches.
    pub(super) fn new(
        store: Arc<dyn Store>,
        metrics: Arc<Metrics>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), run(store, metrics, receiver))
    }

    /// Stores a batch. Waits while the store is unavailable. A session commits its next batch only afterwards.
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let (sender, outcome) = oneshot::channel();
        let _ = self.0.send((batch, sender));
        // The task ends with the worker.
        let ended = CommitError::Refusal(CommitRefusal::LeaseLost(LeaseLost));
        outcome.await.unwrap_or(Err(ended))
    }
}

async fn run(
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    mut receiver: mpsc::UnboundedReceiver<Waiting>,
) {
    let mut waiting = Vec::new();
    while receiver.recv_many(&mut waiting, LARGEST_TRANSACTION).await > 0 {
        let (batches, senders): (Vec<_>, Vec<_>) = waiting.drain(..).unzip();
        let outcomes = match commit(&*store, &metrics, &batches).await {
            Ok(outcomes) => outcomes
                .into_iter()
                .map(|it| it.map_err(CommitError::Refusal))
                .collect(),
            Err(error) => separately(&*store, &metrics, &batches, error).await,
        };
        for (sender, outcome) in senders.into_iter().zip(outcomes) {
            // A session that was abandoned does not wait for the result.
            let _ = sender.send(outcome);
        }
    }
}

/// Repeats a transaction until the store is available. A repeated batch has its number, so it is stored once.
async fn commit(
    store: &dyn Store,
    metrics: &Metrics,
    batches: &[Batch],
) -> Result<Vec<Result<(), CommitRefusal>>, StoreError> {
    loop {
        let began = Instant::now();
        let outcome = store.commit(batches).await;
        metrics.statement(began.elapsed(), &outcome);
        match outcome {
            Err(StoreError::Unavailable(_)) => sleep(RETRY).await,
            outcome => return outcome,
        }
    }
}

/// Stores each batch in a transaction of its own, so that one that the store refuses does not affect the others.
async fn separately(
    store: &dyn Store,
    metrics: &Metrics,
    batches: &[Batch],
    error: StoreError,
) -> Vec<Result<(), CommitError>> {
    if batches.len() == 1 {
        return vec![Err(CommitError::Store(error))];
    }
    let mut outcomes = Vec::with_capacity(batches.len());
    for batch in batches {
        let outcome = match commit(store, metrics, std::slice::from_ref(batch)).await {
            Ok(outcomes) => outcomes.into_iter().next().unwrap_or(Ok(())),
            Err(error) => {
                outcomes.push(Err(CommitError::Store(error)));
                continue;
            }
        };
        outcomes.push(outcome.map_err(CommitError::Refusal));
    }
    outcomes
}
