//! What all objects of one model share.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, PortFuture};
use crate::observable::command::{CommandFuture, failed};
use crate::observable::store::{Store, Transaction};
use crate::observable::stream::channel;
use crate::reason::{Reason, ReasonCode};
use crate::sync::Arc;

/// The store, the port and the source of local ids.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) store: Store,
    pub(crate) backend: Arc<dyn Backend>,
    next_id: AtomicU64,
}

/// A call of a port method.
type PortCall = Box<dyn FnOnce(&dyn Backend) -> PortFuture + Send>;

/// What a command's transaction decided.
pub(crate) enum Step {
    /// Nothing needs the other side.
    Done,
    /// This call is to be made.
    Call(PortCall),
}

impl Step {
    pub(crate) fn call(call: impl FnOnce(&dyn Backend) -> PortFuture + Send + 'static) -> Self {
        Self::Call(Box::new(call))
    }
}

impl Model {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            store: Store::new(),
            backend,
            next_id: AtomicU64::new(1),
        })
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Runs a command: `decide` checks and commits, the call it decides on is made in the order of the commits.
    pub(crate) fn command(
        &self,
        decide: impl FnOnce(&mut Transaction<'_>) -> Result<Step, Reason>,
    ) -> CommandFuture<()> {
        let decision = self
            .store
            .transact(|transaction| match decide(transaction)? {
                Step::Done => Ok(None),
                Step::Call(call) => {
                    let (sender, answer) = channel();
                    let backend = Arc::clone(&self.backend);
                    transaction.call(Box::new(move || sender.send(call(&*backend))));
                    Ok(Some(answer))
                }
            });
        match decision {
            Err(reason) => failed(reason),
            Ok(None) => Box::pin(std::future::ready(Ok(()))),
            Ok(Some(mut answer)) => Box::pin(async move {
                match answer.recv().await {
                    Some(outcome) => outcome.await,
                    None => {
                        Err(Reason::new(ReasonCode::Failed).with_message("the backend panicked"))
                    }
                }
            }),
        }
    }
}
