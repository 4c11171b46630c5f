//! Rule 7: the metric of the time for which an identity has not polled.

use std::sync::atomic::Ordering;

use tokio::time::sleep;

use super::{
    SECOND,
    world::{Running, World},
};

/// The value of a metric.
fn value(worker: &Running, name: &str) -> f64 {
    let metrics = worker.monitor.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

const GAP: &str = "skype_p2p_fleet_event_gap_seconds";

#[tokio::test(start_paused = true)]
async fn rule_7_the_event_gap_grows_across_failed_sign_ins_and_workers() {
    let world = World::new(1).await;
    let worker = world.worker("one");
    world.ready(1).await;
    sleep(2 * SECOND).await;
    assert_eq!(value(&worker, GAP), 0.0);
    worker.kill().await;
    let mut worker = world.worker("two");
    // A worker without the identity shows it, too.
    let observer = world.worker("observer");
    observer.is_server_away.store(true, Ordering::Relaxed);
    worker.is_server_away.store(true, Ordering::Relaxed);
    let mut before = 0.0;
    for second in 0..90 {
        sleep(SECOND).await;
        if second == 45 {
            worker.kill().await;
            worker = world.worker("three");
            worker.is_server_away.store(true, Ordering::Relaxed);
        }
        let gap = value(&observer, GAP);
        // The state of the fleet is read once a second.
        assert!(gap >= before, "{gap} after {before}");
        before = gap;
        if second > 8 {
            let expected = f64::from(second);
            assert!(
                (expected - 3.0..expected + 4.0).contains(&gap),
                "{gap} at {second}"
            );
        }
    }
    let failed = "skype_p2p_fleet_sign_ins_total{result=\"failed\"}";
    assert!(value(&worker, failed) + value(&observer, failed) >= 3.0);
    for worker in [&worker, &observer] {
        worker.is_server_away.store(false, Ordering::Relaxed);
    }
    world.ready(1).await;
    sleep(2 * SECOND).await;
    for worker in [&worker, &observer] {
        assert_eq!(value(worker, GAP), 0.0);
    }
}

#[tokio::test(start_paused = true)]
async fn rule_7_the_event_gap_grows_while_a_ready_session_does_not_reach_the_server() {
    let world = World::new(1).await;
    let worker = world.worker("one");
    world.ready(1).await;
    // A poll of an idle session is open for minutes.
    for _ in 0..200 {
        sleep(SECOND).await;
        assert_eq!(value(&worker, GAP), 0.0);
    }
    worker.is_server_away.store(true, Ordering::Relaxed);
    let mut last = 0.0;
    for second in 0..400 {
        sleep(SECOND).await;
        let gap = value(&worker, GAP);
        assert!(gap >= last, "{gap} after {last} at {second}");
        last = gap;
    }
    // It begins when the poll that was open has failed.
    assert!(last > 60.0, "{last}");
    worker.is_server_away.store(false, Ordering::Relaxed);
    world.ready(1).await;
    sleep(60 * SECOND).await;
    assert_eq!(value(&worker, GAP), 0.0);
}
