//! The messages of the outbox, from the store to the sessions.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};

use super::{End, Registration, sessions::Order};
use crate::store::StoreError;

/// The pause between two questions to the store.
const POLL: Duration = Duration::from_millis(200);

/// The messages of one question.
const PAGE: usize = 500;

/// The messages that are handed to sessions before the server has answered their requests. When the worker dies, at most about so many
/// messages are posting, and the results of those that were not sent stay unknown.
const POSTING: usize = 100;

/// The longest time in which requests without an answer hold other messages up.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Registration {
    /// Hands the queued messages to the sessions of their identities.
    ///
    /// The store returns a message until it is posting, and each session ignores what it was handed before.
    pub(super) async fn hand_out_messages(self) -> End {
        let mut after = 0;
        let mut slots = Arc::new(Semaphore::new(POSTING));
        loop {
            // The posting of a message could not be committed in time.
            let is_due = self.clock.is_valid();
            if !is_due {
                sleep(POLL).await;
                continue;
            }
            let began = Instant::now();
            let answer = self
                .shared
                .store
                .next_messages(self.worker, after, PAGE)
                .await;
            self.shared.metrics.statement(began.elapsed(), &answer);
            let messages = match answer {
                Ok(messages) => messages,
                Err(StoreError::WorkerDead(_)) => return End::Dead,
                Err(error) => {
                    tracing::debug!(%error, "the outbox cannot be read");
                    Vec::new()
                }
            };
            let is_last = messages.len() < PAGE;
            after = match messages.last() {
                Some(last) if !is_last => last.number,
                _ => 0,
            };
            for message in messages {
                let Ok(Ok(slot)) = timeout(LONGEST_WAIT, slots.clone().acquire_owned()).await
                else {
                    // The server does not answer the requests that have the slots. The page is old by now.
                    slots = Arc::new(Semaphore::new(POSTING));
                    after = 0;
                    break;
                };
                self.shared
                    .sessions
                    .order(message.lease, Order::Send(message, slot));
            }
            if is_last {
                sleep(POLL).await;
            }
        }
    }
}
