//! The runtime of the sessions of a process, with seeded identifiers and jitter.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use skype_p2p::{Runtime, RuntimeFuture, TokioRuntime};

use crate::random::RandomStream;

/// The tokio runtime of a process, whose seeds come from a random stream of the world.
#[derive(Debug)]
pub(crate) struct SimRuntime {
    tokio: TokioRuntime,
    random: Mutex<RandomStream>,
}

impl SimRuntime {
    pub(crate) fn new(tokio: TokioRuntime, random: RandomStream) -> Self {
        Self {
            tokio,
            random: Mutex::new(random),
        }
    }
}

impl Runtime for SimRuntime {
    fn now(&self) -> Duration {
        self.tokio.now()
    }

    fn wall_clock(&self) -> SystemTime {
        self.tokio.wall_clock()
    }

    fn seed(&self) -> u64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .seed()
    }

    fn sleep_until(&self, at: Duration) -> RuntimeFuture {
        self.tokio.sleep_until(at)
    }

    fn spawn(&self, task: RuntimeFuture) {
        self.tokio.spawn(task);
    }

    fn yield_now(&self) -> RuntimeFuture {
        self.tokio.yield_now()
    }
}
