//! The pool of idle connections, by server.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::target::Target;

/// The longest idle time while connections are in use again and again. IIS closes idle connections, possibly while a request is being
/// sent, so the pool closes them first.
const LONG_LIMIT: Duration = Duration::from_secs(30);

/// The longest idle time otherwise. A session that only waits for events has one connection, although it sends a report of the user's
/// activity every few minutes.
const SHORT_LIMIT: Duration = Duration::from_millis(100);

/// The greatest number of idle connections for one server. A burst of more requests opens some connections again.
const IDLE_COUNT: usize = 128;

/// Idle connections. A task closes each one that was idle for too long.
///
/// The first idle connections are closed after [`SHORT_LIMIT`]. If a request comes soon after such an end and must open a connection, all
/// are kept for [`LONG_LIMIT`], until no connection was used for so long. The messages of a chat then share a connection from the second one on.
pub(super) struct Pool<C> {
    idle: Arc<Mutex<Idle<C>>>,
}

struct Idle<C> {
    /// The idle connections of each server, with the time since when each is idle. The most recent one is last.
    servers: Vec<(Target, VecDeque<(Instant, C)>)>,
    /// The longest idle time.
    limit: Duration,
    /// When a connection was last closed because it was idle for too long.
    closed: Option<Instant>,
    /// Whether a task waits for the end of the oldest connection.
    has_sweeper: bool,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self {
            idle: Arc::new(Mutex::new(Idle {
                servers: Vec::new(),
                limit: SHORT_LIMIT,
                closed: None,
                has_sweeper: false,
            })),
        }
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Takes the connection that became idle most recently.
    pub(super) fn take(&self, target: &Target) -> Option<C> {
        let mut idle = lock(&self.idle);
        let now = Instant::now();
        idle.close_expired(now);
        let server = idle.servers.iter_mut().find(|(it, _)| it == target);
        let taken = server.and_then(|(_, connections)| connections.pop_back());
        let is_recent = |closed| now.duration_since(closed) < LONG_LIMIT;
        if taken.is_none() && idle.closed.is_some_and(is_recent) {
            idle.limit = LONG_LIMIT;
        }
        taken.map(|(_, connection)| connection)
    }

    /// Adds an idle connection. Must be called inside a tokio runtime.
    pub(super) fn put(&self, target: &Target, connection: C) {
        let mut idle = lock(&self.idle);
        let now = Instant::now();
        idle.close_expired(now);
        match idle.servers.iter_mut().find(|(it, _)| it == target) {
            Some((_, connections)) => {
                if connections.len() == IDLE_COUNT {
                    connections.pop_front();
                }
                connections.push_back((now, connection));
            }
            None => {
                let connections = VecDeque::from([(now, connection)]);
                idle.servers.push((target.clone(), connections));
            }
        }
        let has_sweeper = mem::replace(&mut idle.has_sweeper, true);
        let expiry = now + idle.limit;
        // A runtime that is shutting down drops the task at once, which locks the pool.
        drop(idle);
        if !has_sweeper {
            tokio::spawn(sweep(Sweeper(Arc::downgrade(&self.idle)), expiry));
        }
    }
}

impl<C> Idle<C> {
    /// Closes the connections to all servers that were idle for too long.
    fn close_expired(&mut self, now: Instant) {
        let limit = self.limit;
        let is_expired = |(since, _): &(Instant, C)| now.duration_since(*since) >= limit;
        for (_, connections) in &mut self.servers {
            while connections.front().is_some_and(is_expired) {
                connections.pop_front();
                self.closed = Some(now);
            }
        }
        if self.closed == Some(now) && self.next_expiry().is_none() {
            self.limit = SHORT_LIMIT;
        }
    }

    /// The time at which the oldest connection expires.
    fn next_expiry(&self) -> Option<Instant> {
        let oldest = self.servers.iter().filter_map(|(_, it)| it.front());
        oldest.map(|(since, _)| *since + self.limit).min()
    }
}

/// Closes the connections whose time is over, until the pool is empty.
async fn sweep<C>(mut sweeper: Sweeper<C>, mut next: Instant) {
    loop {
        sleep_until(next).await;
        let Some(idle) = sweeper.0.upgrade() else {
            return;
        };
        let mut idle = lock(&idle);
        idle.close_expired(Instant::now());
        match idle.next_expiry() {
            Some(expiry) => next = expiry,
            None => {
                idle.servers = Vec::new();
                idle.has_sweeper = false;
                sweeper.0 = Weak::new();
                return;
            }
        }
    }
}

/// The pool of the sweeping task. If the runtime drops the task, the next runtime that uses the pool starts another one.
struct Sweeper<C>(Weak<Mutex<Idle<C>>>);

impl<C> Drop for Sweeper<C> {
    fn drop(&mut self) {
        if let Some(idle) = self.0.upgrade() {
            lock(&idle).has_sweeper = false;
        }
    }
}

fn lock<C>(idle: &Mutex<Idle<C>>) -> MutexGuard<'_, Idle<C>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    fn target() -> Target {
        Target::of(&"http://pool.contoso.com/".parse().unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn gives_back_only_what_is_young() {
        let pool = Pool::default();
        pool.put(&target(), 1);
        tokio::time::advance(SHORT_LIMIT / 2).await;
        pool.put(&target(), 2);
        tokio::time::advance(SHORT_LIMIT / 2).await;
        assert_eq!(pool.take(&target()), Some(2));
        assert_eq!(pool.take(&target()), None);
    }

    /// A pool that keeps connections for [`LONG_LIMIT`], because one was closed shortly before a request.
    async fn pool_in_use<C: Send + 'static>(connection: C) -> Pool<C> {
        let pool = Pool::default();
        pool.put(&target(), connection);
        sleep(SHORT_LIMIT * 2).await;
        assert!(pool.take(&target()).is_none());
        pool
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_opens_a_connection_for_its_second_message_and_no_later_one() {
        let (pool, mut opened) = (Pool::default(), 0);
        for _ in 0..10 {
            let connection = pool.take(&target()).unwrap_or_else(|| {
                opened += 1;
                opened
            });
            pool.put(&target(), connection);
            sleep(Duration::from_secs(20)).await;
        }
        assert_eq!(opened, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_of_activity_every_few_minutes_leaves_no_idle_connection() {
        let (pool, probe) = (Pool::default(), Arc::new(()));
        for _ in 0..3 {
            assert_eq!(pool.take(&target()), None);
            pool.put(&target(), probe.clone());
            sleep(SHORT_LIMIT * 2).await;
            assert_eq!(Arc::strong_count(&probe), 1);
            sleep(Duration::from_secs(180)).await;
        }
    }

    /// The end of a connection that a burst has opened does not shorten the time of those that are used.
    #[tokio::test(start_paused = true)]
    async fn connections_are_kept_as_long_as_one_is_used() {
        let pool = pool_in_use(0).await;
        pool.put(&target(), 1);
        pool.put(&target(), 2);
        for _ in 0..5 {
            sleep(Duration::from_secs(20)).await;
            assert_eq!(pool.take(&target()), Some(2));
            pool.put(&target(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_servers_apart() {
        let pool = Pool::default();
        pool.put(&target(), 1);
        let other = Target::of(&"https://pool.contoso.com/".parse().unwrap()).unwrap();
        assert_eq!(pool.take(&other), None);
        assert_eq!(pool.take(&target()), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_a_bounded_number() {
        let pool = Pool::default();
        for connection in 0..=IDLE_COUNT {
            pool.put(&target(), connection);
        }
        let kept: Vec<_> = std::iter::from_fn(|| pool.take(&target())).collect();
        assert_eq!(kept, (1..=IDLE_COUNT).rev().collect::<Vec<_>>());
    }

    /// Each connection is a clone of `probe`, so its count tells how many are open.
    #[tokio::test(start_paused = true)]
    async fn closes_idle_connections_without_another_request() {
        let probe = Arc::new(());
        let pool = pool_in_use(probe.clone()).await;
        pool.put(&target(), probe.clone());
        sleep(Duration::from_secs(20)).await;
        pool.put(&target(), probe.clone());
        sleep(Duration::from_secs(11)).await;
        assert_eq!(Arc::strong_count(&probe), 2);
        sleep(Duration::from_secs(20)).await;
        assert_eq!(Arc::strong_count(&probe), 1);
        // The task has ended, and the next connection starts another one.
        pool.put(&target(), probe.clone());
        sleep(SHORT_LIMIT + Duration::from_secs(1)).await;
        assert_eq!(Arc::strong_count(&probe), 1);
    }

    #[test]
    fn closes_idle_connections_in_the_next_runtime() {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let (pool, probe) = (Pool::default(), Arc::new(()));
        runtime().block_on(async { pool.put(&target(), probe.clone()) });
        runtime().block_on(async {
            pool.put(&target(), probe.clone());
            sleep(SHORT_LIMIT * 2).await;
        });
        assert_eq!(Arc::strong_count(&probe), 1);
    }
}
