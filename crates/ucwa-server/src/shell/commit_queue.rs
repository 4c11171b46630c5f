//! The commit queue: it stores changes of the state before the shell sends the responses that report them.

use std::future::pending;
use std::io;
use std::mem;

use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use crate::engine::{RecordChanges, RecordId, RecordValue};

/// A store of durable records, such as a database.
pub trait StateStore: Send + 'static {
    /// All records.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn load(&mut self) -> io::Result<Vec<(RecordId, RecordValue)>>;

    /// Applies all changes in one transaction. Returns when they would survive a crash of the machine. The method may block.
    ///
    /// # Errors
    ///
    /// If the changes were not stored. The next call then contains them again.
    fn commit(&mut self, changes: &RecordChanges) -> io::Result<()>;
}

/// Sends a response. The argument says whether the changes before the response were stored; if not, it sends an error.
type Release = Box<dyn FnOnce(bool) + Send>;

/// The changes that are not stored yet, and the responses that wait for them.
///
/// One transaction is in flight at a time. The changes that arrive meanwhile form the next one. A response waits for the
/// transaction with the latest change before it, even if another request made the change, because the response may show it.
pub(super) struct CommitQueue {
    /// `None` if the state is kept in memory only, and while a transaction is in flight.
    store: Option<Box<dyn StateStore>>,
    in_flight: Option<InFlight>,
    /// The changes of the next transaction.
    changes: RecordChanges,
    /// The responses that wait for the next transaction.
    waiting: Vec<Release>,
    failure: Option<String>,
}

/// A transaction that is being written.
struct InFlight {
    task: JoinHandle<Written>,
    waiting: Vec<Release>,
}

/// The result of a transaction.
struct Written {
    store: Box<dyn StateStore>,
    changes: RecordChanges,
    result: io::Result<()>,
}

impl CommitQueue {
    pub(super) fn new(store: Option<Box<dyn StateStore>>) -> Self {
        Self {
            store,
            in_flight: None,
            changes: RecordChanges::new(),
            waiting: Vec::new(),
            failure: None,
        }
    }

    /// Adds changes to the next transaction.
    pub(super) fn add(&mut self, changes: RecordChanges) {
        self.changes.extend(changes);
    }

    /// Calls `release` when the transactions with all changes so far have ended.
    pub(super) fn when_stored(&mut self, release: impl FnOnce(bool) + Send + 'static) {
        if !self.changes.is_empty() {
            self.waiting.push(Box::new(release));
        } else if let Some(in_flight) = &mut self.in_flight {
            in_flight.waiting.push(Box::new(release));
        } else {
            release(true);
        }
    }

    /// Starts the next transaction, if there are changes and no transaction is in flight. After a failure, the transaction starts only
    /// if a response waits.
    pub(super) fn start_if_due(&mut self) {
        if !self.waiting.is_empty() || self.failure.is_none() {
            self.start();
        }
    }

    fn start(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let Some(mut store) = self.store.take() else {
            return;
        };
        let changes = mem::take(&mut self.changes);
        let task = spawn_blocking(move || {
            let result = store.commit(&changes);
            Written {
                store,
                changes,
                result,
            }
        });
        self.in_flight = Some(InFlight {
            task,
            waiting: mem::take(&mut self.waiting),
        });
    }

    /// Waits until the transaction in flight has ended, and releases its responses. Without a transaction it waits forever.
    ///
    /// # Errors
    ///
    /// If the store has panicked.
    pub(super) async fn finished(&mut self) -> Result<(), JoinError> {
        let Some(in_flight) = &mut self.in_flight else {
            return pending().await;
        };
        let written = (&mut in_flight.task).await;
        let waiting = mem::take(&mut in_flight.waiting);
        self.in_flight = None;
        let Written {
            store,
            changes,
            result,
        } = written?;
        self.store = Some(store);
        self.failure = result.as_ref().err().map(io::Error::to_string);
        if result.is_err() {
            // A record that has changed again keeps the later change.
            for (id, value) in changes {
                self.changes.entry(id).or_insert(value);
            }
        }
        for release in waiting {
            release(result.is_ok());
        }
        Ok(())
    }

    /// Stores the remaining changes.
    pub(super) async fn flush(mut self) {
        if self.in_flight.is_some() && self.finished().await.is_err() {
            return;
        }
        self.start();
        if self.in_flight.is_some() {
            // The server ends, so there is no other attempt.
            let _ = self.finished().await;
        }
    }

    /// Why the last transaction failed; `None` if it succeeded.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A store whose transactions end when the test says how.
    struct Remote {
        began: Sender<Vec<(String, Option<String>)>>,
        results: Receiver<io::Result<()>>,
    }

    impl StateStore for Remote {
        fn load(&mut self) -> io::Result<Vec<(RecordId, RecordValue)>> {
            Ok(Vec::new())
        }

        fn commit(&mut self, changes: &RecordChanges) -> io::Result<()> {
            let changes = changes.iter();
            let changes =
                changes.map(|(id, value)| (id.key.clone(), value.clone().map(|value| value.0)));
            self.began.send(changes.collect()).unwrap();
            self.results.recv().unwrap()
        }
    }

    struct Test {
        queue: CommitQueue,
        began: Receiver<Vec<(String, Option<String>)>>,
        results: Sender<io::Result<()>>,
        released: Arc<Mutex<Vec<(&'static str, bool)>>>,
    }

    impl Test {
        fn new() -> Self {
            let (began, told) = channel();
            let (results, wanted) = channel();
            let store = Remote {
                began,
                results: wanted,
            };
            Self {
                queue: CommitQueue::new(Some(Box::new(store))),
                began: told,
                results,
                released: Arc::default(),
            }
        }

        /// A request whose response is the name, and which sets a record or changes nothing.
        fn request(&mut self, name: &'static str, change: Option<(&str, &str)>) {
            let changes = change.map(|(key, value)| {
                let id = RecordId {
                    kind: "token".to_owned(),
                    key: key.to_owned(),
                };
                (id, Some(RecordValue(value.to_owned())))
            });
            self.queue.add(changes.into_iter().collect());
            let released = Arc::clone(&self.released);
            let release = move |stored| released.lock().unwrap().push((name, stored));
            self.queue.when_stored(release);
            self.queue.start_if_due();
        }

        /// The records of the transaction that has begun.
        fn began(&self) -> Vec<(String, Option<String>)> {
            self.began.recv().unwrap()
        }

        async fn end(&mut self, result: io::Result<()>) {
            self.results.send(result).unwrap();
            self.queue.finished().await.unwrap();
            self.queue.start_if_due();
        }

        fn released(&self) -> Vec<(&'static str, bool)> {
            mem::take(&mut self.released.lock().unwrap())
        }
    }

    fn set(key: &str, value: &str) -> (String, Option<String>) {
        (key.to_owned(), Some(value.to_owned()))
    }

    fn full() -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    #[tokio::test]
    async fn a_response_waits_for_the_changes_before_it_and_for_no_later_ones() {
        let mut test = Test::new();
        test.request("reads nothing new", None);
        assert_eq!(test.released(), [("reads nothing new", true)]);

        test.request("writes a", Some(("a", "1")));
        assert_eq!(test.began(), [set("a", "1")]);
        test.request("reads a", None);
        test.request("writes b", Some(("b", "1")));
        test.request("writes c", Some(("c", "1")));
        test.request("reads c", None);
        assert_eq!(test.released(), []);
        test.end(Ok(())).await;
        assert_eq!(test.released(), [("writes a", true), ("reads a", true)]);

        // The changes that arrived meanwhile are one transaction.
        assert_eq!(test.began(), [set("b", "1"), set("c", "1")]);
        test.end(Ok(())).await;
        let released = [("writes b", true), ("writes c", true), ("reads c", true)];
        assert_eq!(test.released(), released);
        test.request("reads again", None);
        assert_eq!(test.released(), [("reads again", true)]);
    }

    #[tokio::test]
    async fn changes_that_were_not_stored_are_part_of_the_next_transaction() {
        let mut test = Test::new();
        test.request("writes a and b", Some(("a", "1")));
        test.began();
        test.request("writes a again", Some(("a", "2")));
        test.end(full()).await;
        assert_eq!(test.released(), [("writes a and b", false)]);
        assert!(test.queue.failure().is_some());
        assert_eq!(test.began(), [set("a", "2")]);
        test.end(full()).await;
        assert_eq!(test.released(), [("writes a again", false)]);

        // No response waits, so there is no other attempt, until a request shows what was not stored.
        assert!(test.queue.in_flight.is_none());
        test.request("reads a", None);
        assert_eq!(test.began(), [set("a", "2")]);
        test.end(Ok(())).await;
        assert_eq!(test.released(), [("reads a", true)]);
        assert_eq!(test.queue.failure(), None);
    }

    #[tokio::test]
    async fn what_is_left_is_written_at_the_end() {
        let mut test = Test::new();
        test.request("writes a", Some(("a", "1")));
        test.request("writes b", Some(("b", "1")));
        test.results.send(Ok(())).unwrap();
        test.results.send(Ok(())).unwrap();
        test.queue.flush().await;
        assert_eq!(test.began.recv().unwrap(), [set("a", "1")]);
        assert_eq!(test.began.recv().unwrap(), [set("b", "1")]);
        assert_eq!(test.released.lock().unwrap().len(), 2);
    }
}
