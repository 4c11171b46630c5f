//! A client of the fleet: a program that sends messages and reads the inbox.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::store::{Delivery, EnqueueOutcome, InboxMessage, NewMessage, Store, StoreError};

/// The pause between two questions to the store.
const POLL: Duration = Duration::from_millis(200);

/// The messages that are read from the inbox at once.
const PAGE: usize = 100;

/// A program that sends messages and reads the inbox of a fleet.
///
/// While the store is unavailable, the methods repeat their calls every 200 ms, which adds no message twice. They wait for any
/// time: end them by `tokio::time::timeout`. They need a tokio runtime with timers.
///
/// ```
/// use std::{sync::Arc, time::{Duration, SystemTime}};
///
/// use skype_p2p_fleet::{Client, Content, EnqueueOutcome, MemoryStore, NewIdentity, NewMessage, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Arc::new(MemoryStore::new(SystemTime::now));
/// store.add_identity(NewIdentity::new("sip:alerts@contoso.com")).await?;
/// let client = Client::new(store);
/// let content = Content::plain("Order 7 has been shipped.");
/// let mut message = NewMessage::new("sip:alerts@contoso.com", "order-7", "sip:lenea@contoso.com", content);
/// message.time_to_live = Some(Duration::from_secs(600));
/// assert_eq!(client.enqueue(&[message]).await?, [EnqueueOutcome::Queued]);
/// // No worker runs here that would send the message.
/// let verdict = client.verdict("sip:alerts@contoso.com", "order-7");
/// assert!(tokio::time::timeout(Duration::from_millis(10), verdict).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    store: Arc<dyn Store>,
}

impl Client {
    /// A client of a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Adds messages to the outbox. Returns an outcome for each, when all of them are durable.
    ///
    /// If the first answer of the store was lost, the outcome of an added message is
    /// [`Duplicate`](EnqueueOutcome::Duplicate).
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownIdentity`] or [`StoreError::InvalidValue`]: no message was added. [`StoreError::Refused`].
    pub async fn enqueue(
        &self,
        messages: &[NewMessage],
    ) -> Result<Vec<EnqueueOutcome>, StoreError> {
        loop {
            match self.store.enqueue(messages).await {
                Err(StoreError::Unavailable(_)) => sleep(POLL).await,
                outcome => return outcome,
            }
        }
    }

    /// Waits until a message has a result: delivered, failed, unknown or dead. `None` if there is no such message.
    ///
    /// An unknown message may still become delivered or failed; call the method again later.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`].
    pub async fn verdict(&self, identity: &str, key: &str) -> Result<Option<Delivery>, StoreError> {
        loop {
            match self.store.deliveries(identity, &[key]).await {
                Err(StoreError::Unavailable(_)) => {}
                Err(error) => return Err(error),
                Ok(deliveries) => {
                    let delivery = deliveries.into_iter().flatten().next();
                    if delivery.as_ref().is_none_or(|it| it.state.is_settled()) {
                        return Ok(delivery);
                    }
                }
            }
            sleep(POLL).await;
        }
    }

    /// Returns the inbox for a consumer, by its name. A new consumer begins at the oldest message. Use one value for a name: two would
    /// get the same messages.
    #[must_use]
    pub fn inbox(&self, consumer: impl Into<String>) -> Inbox {
        Inbox {
            store: Arc::clone(&self.store),
            consumer: consumer.into(),
            page: VecDeque::new(),
            last_returned: None,
        }
    }
}

/// The messages that a fleet has received, for one consumer.
///
/// [`next`](Self::next) returns every message once in the life of the value. A message that was not
/// [acknowledged](Self::acknowledge) is returned again by the next value with the same name.
#[derive(Debug)]
pub struct Inbox {
    store: Arc<dyn Store>,
    consumer: String,
    page: VecDeque<InboxMessage>,
    last_returned: Option<i64>,
}

impl Inbox {
    /// Waits for the next message. Of at most 100 messages that are not acknowledged, all are returned; then the method waits until
    /// some are acknowledged.
    ///
    /// # Errors
    ///
    /// [`StoreError::InvalidValue`] if the name of the consumer is empty or too long. [`StoreError::Refused`].
    pub async fn next(&mut self) -> Result<InboxMessage, StoreError> {
        loop {
            if let Some(message) = self.page.pop_front() {
                self.last_returned = Some(message.position);
                return Ok(message);
            }
            match self.store.read_inbox(&self.consumer, PAGE).await {
                Ok(messages) => {
                    let last = self.last_returned;
                    let is_new = |it: &InboxMessage| last.is_none_or(|last| it.position > last);
                    self.page.extend(messages.into_iter().filter(is_new));
                }
                Err(StoreError::Unavailable(_)) => {}
                Err(error) => return Err(error),
            }
            if self.page.is_empty() {
                sleep(POLL).await;
            }
        }
    }

    /// Acknowledges the messages up to a position.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnknownConsumer`] if [`next`](Self::next) was never called for this name. [`StoreError::Refused`].
    pub async fn acknowledge(&self, position: i64) -> Result<(), StoreError> {
        loop {
            match self.store.acknowledge(&self.consumer, position).await {
                Err(StoreError::Unavailable(_)) => sleep(POLL).await,
                outcome => return outcome,
            }
        }
    }
}
