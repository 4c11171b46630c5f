//! The pool of idle connections, by server and lane.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::target::Target;
use crate::Lane;

/// The longest idle time. IIS closes idle connections, possibly while a request is being sent, so the pool closes them first.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// The greatest number of idle connections for one server and lane.
const IDLE_COUNT: usize = 8;

/// Idle connections, each with the time since when it is idle. The most recent one is last.
type Idle<C> = BTreeMap<(Lane, Target), Vec<(Instant, C)>>;

#[derive(Debug)]
pub(super) struct Pool<C> {
    idle: Mutex<Idle<C>>,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Self {
            idle: Mutex::default(),
        }
    }
}

impl<C> Pool<C> {
    /// Takes the connection that became idle most recently.
    pub(super) fn take(&self, lane: Lane, target: &Target) -> Option<C> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        sweep(&mut idle);
        let connections = idle.get_mut(&(lane, target.clone()))?;
        connections.pop().map(|(_, connection)| connection)
    }

    pub(super) fn put(&self, lane: Lane, target: &Target, connection: C) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        sweep(&mut idle);
        let connections = idle.entry((lane, target.clone())).or_default();
        if connections.len() == IDLE_COUNT {
            connections.remove(0);
        }
        connections.push((Instant::now(), connection));
    }
}

/// Closes the connections to all servers that were idle for too long.
fn sweep<C>(idle: &mut Idle<C>) {
    idle.retain(|_, connections| {
        connections.retain(|(since, _)| since.elapsed() < IDLE_LIMIT);
        !connections.is_empty()
    });
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
        pool.put(Lane::Commands, &target(), 1);
        tokio::time::advance(Duration::from_secs(15)).await;
        pool.put(Lane::Commands, &target(), 2);
        tokio::time::advance(Duration::from_secs(15)).await;
        assert_eq!(pool.take(Lane::Commands, &target()), Some(2));
        assert_eq!(pool.take(Lane::Commands, &target()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_lanes_and_servers_apart() {
        let pool = Pool::default();
        pool.put(Lane::Events, &target(), 1);
        assert_eq!(pool.take(Lane::Commands, &target()), None);
        let other = Target::of(&"https://pool.contoso.com/".parse().unwrap()).unwrap();
        assert_eq!(pool.take(Lane::Events, &other), None);
        assert_eq!(pool.take(Lane::Events, &target()), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_a_bounded_number() {
        let pool = Pool::default();
        for connection in 0..=IDLE_COUNT {
            pool.put(Lane::Commands, &target(), connection);
        }
        let kept: Vec<_> = std::iter::from_fn(|| pool.take(Lane::Commands, &target())).collect();
        assert_eq!(kept, (1..=IDLE_COUNT).rev().collect::<Vec<_>>());
    }
}
