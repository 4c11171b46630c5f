//! The pool of idle connections, by server.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::target::Target;

/// The longest idle time. IIS closes idle connections, possibly while a request is being sent, so the pool closes them first.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// The greatest number of idle connections for one server. A burst of more requests opens some connections again.
const IDLE_COUNT: usize = 128;

/// Idle connections. A task closes each one that was idle for too long.
pub(super) struct Pool<C> {
    idle: Arc<Mutex<Idle<C>>>,
}

struct Idle<C> {
    /// The idle connections of each server, with the time since when each is idle. The most recent one is last.
    servers: Vec<(Target, VecDeque<(Instant, C)>)>,
    /// Whether a task waits for the end of the oldest connection.
    has_sweeper: bool,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self {
            idle: Arc::new(Mutex::new(Idle {
                servers: Vec::new(),
                has_sweeper: false,
            })),
        }
    }
}

impl<C: Send + 'static> Pool<C> {
    /// Takes the connection that became idle most recently.
    pub(super) fn take(&self, target: &Target) -> Option<C> {
        let mut idle = lock(&self.idle);
        idle.close_expired();
        let (_, connections) = idle.servers.iter_mut().find(|(it, _)| it == target)?;
        connections.pop_back().map(|(_, connection)| connection)
    }

    /// Adds an idle connection. Must be called inside a tokio runtime.
    pub(super) fn put(&self, target: &Target, connection: C) {
        let mut idle = lock(&self.idle);
        idle.close_expired();
        let now = Instant::now();
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
        // A runtime that is shutting down drops the task at once, which locks the pool.
        drop(idle);
        if !has_sweeper {
            tokio::spawn(sweep(Sweeper(Arc::downgrade(&self.idle)), now + IDLE_LIMIT));
        }
    }
}

impl<C> Idle<C> {
    /// Closes the connections to all servers that were idle for too long.
    fn close_expired(&mut self) {
        let now = Instant::now();
        let is_expired = |(since, _): &(Instant, C)| now.duration_since(*since) >= IDLE_LIMIT;
        for (_, connections) in &mut self.servers {
            while connections.front().is_some_and(is_expired) {
                connections.pop_front();
            }
        }
    }

    /// The time at which the oldest connection expires.
    fn next_expiry(&self) -> Option<Instant> {
        let oldest = self.servers.iter().filter_map(|(_, it)| it.front());
        oldest.map(|(since, _)| *since + IDLE_LIMIT).min()
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
        idle.close_expired();
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
    use super::*;

    fn target() -> Target {
        Target::of(&"http://pool.contoso.com/".parse().unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn gives_back_only_what_is_young() {
        let pool = Pool::default();
        pool.put(&target(), 1);
        tokio::time::advance(Duration::from_secs(15)).await;
        pool.put(&target(), 2);
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(pool.take(&target()), Some(2));
        assert_eq!(pool.take(&target()), None);
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
        let (pool, probe) = (Pool::default(), Arc::new(()));
        pool.put(&target(), probe.clone());
        tokio::time::sleep(Duration::from_secs(20)).await;
        pool.put(&target(), probe.clone());
        tokio::time::sleep(Duration::from_secs(11)).await;
        assert_eq!(Arc::strong_count(&probe), 2);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(Arc::strong_count(&probe), 1);
        // The task has ended, and the next connection starts another one.
        pool.put(&target(), probe.clone());
        tokio::time::sleep(Duration::from_secs(31)).await;
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
            tokio::time::sleep(Duration::from_secs(31)).await;
        });
        assert_eq!(Arc::strong_count(&probe), 1);
    }
}
