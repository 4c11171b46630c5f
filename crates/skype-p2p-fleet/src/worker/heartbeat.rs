//! The heartbeat of a worker, and the sweep for dead ones.

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{End, Registration};
use crate::store::StoreError;

impl Registration {
    /// Sends a heartbeat every fifth of the lease time, until the worker is dead.
    pub(super) async fn send_heartbeats(self) -> End {
        let mut lease_time = self.clock.lease_time();
        let mut ticks = interval(lease_time / 5);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let began = Instant::now();
            // A hanging connection must not look like a paused process.
            let answer = timeout(lease_time / 2, self.shared.store.heartbeat(self.worker)).await;
            if let Ok(answer) = &answer {
                self.shared.metrics.statement(began.elapsed(), answer);
            }
            match answer {
                Ok(Ok(heartbeat)) => {
                    self.clock.extend(began, heartbeat.lease_time);
                    if heartbeat.is_draining {
                        self.shared.is_draining.send_replace(true);
                    }
                    if heartbeat.lease_time != lease_time {
                        lease_time = heartbeat.lease_time;
                        ticks = interval(lease_time / 5);
                        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                        ticks.reset();
                    }
                }
                Ok(Err(StoreError::WorkerDead(_))) => return End::Dead,
                Ok(Err(error)) => {
                    self.clock.fail();
                    tracing::warn!(%error, "no heartbeat");
                }
                Err(_) => {
                    self.clock.fail();
                    tracing::warn!("no heartbeat: the store did not answer in time");
                }
            }
        }
    }

    /// Declares other workers dead, every tenth of the lease time.
    pub(super) async fn sweep(self) -> End {
        loop {
            tokio::time::sleep(self.clock.lease_time() / 10).await;
            let began = Instant::now();
            let answer = self.shared.store.sweep(self.worker).await;
            self.shared.metrics.statement(began.elapsed(), &answer);
            match answer {
                Ok(sweep) => {
                    for dead in sweep.dead_workers {
                        tracing::warn!(worker = dead.0, "declared a worker dead");
                    }
                }
                Err(StoreError::WorkerDead(_)) => return End::Dead,
                Err(error) => tracing::debug!(%error, "no sweep"),
            }
        }
    }
}
