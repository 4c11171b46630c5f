//! Reports to systemd: `Type=notify` and the watchdog. Without systemd, nothing is sent.

use super::endpoints::Monitor;

/// Reports that the worker is ready when it is, and feeds the watchdog while it is live. For ever.
///
/// A worker that waits for the database extends the time limit of its start.
#[cfg(unix)]
pub(super) async fn report(monitor: Monitor) {
    use std::time::Duration;

    use sd_notify::{NotifyState, notify, watchdog_enabled};
    use skype_p2p_fleet::WorkerMonitor;
    use tokio::time::{MissedTickBehavior, interval};

    /// The longest time between two reports.
    const PERIOD: Duration = Duration::from_secs(1);
    /// The time limit for the start, from each report.
    const START_LIMIT_US: u32 = 10_000_000;

    let period = watchdog_enabled().map_or(PERIOD, |limit| PERIOD.min(limit / 3));
    let mut ticks = interval(period.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_ready = None;
    loop {
        ticks.tick().await;
        let worker = monitor.get();
        if worker.is_none_or(WorkerMonitor::is_live) {
            send(notify(&[NotifyState::Watchdog]));
        }
        let is_ready = worker.is_some_and(WorkerMonitor::is_ready);
        match (was_ready, is_ready) {
            (None, false) => send(notify(&[
                NotifyState::ExtendTimeoutUsec(START_LIMIT_US),
                NotifyState::Status("waiting for the database"),
            ])),
            (Some(true), true) | (Some(false), false) => {}
            (_, true) => {
                send(notify(&[NotifyState::Ready, NotifyState::Status("ready")]));
                was_ready = Some(true);
            }
            (Some(true), false) => {
                send(notify(&[NotifyState::Status(
                    "not ready: without the database, or draining",
                )]));
                was_ready = Some(false);
            }
        }
    }
}

/// Reports that the worker drains.
#[cfg(unix)]
pub(super) fn stopping() {
    use sd_notify::{NotifyState, notify};
    send(notify(&[
        NotifyState::Stopping,
        NotifyState::Status("draining"),
    ]));
}

#[cfg(unix)]
fn send(sent: std::io::Result<()>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "no report to the service manager");
    }
}

/// There is no systemd.
#[cfg(not(unix))]
pub(super) async fn report(_: Monitor) {
    std::future::pending().await
}

/// There is no systemd.
#[cfg(not(unix))]
pub(super) fn stopping() {}
