//! The probes of a worker while its database is away.

use super::{Cluster, Fleet, get, until};
use crate::process::LENE;

#[tokio::test]
async fn rule_10_a_worker_is_live_and_not_ready_while_the_database_is_away() {
    let Some(cluster) = Cluster::start("off") else {
        return;
    };
    // A cluster of its own, which ends with the process of the tests.
    let cluster: &'static Cluster = Box::leak(Box::new(cluster));
    let fleet = Fleet::on(cluster).await;
    fleet.done(&["migrate"]);
    fleet.add(&["bot0@contoso.com"]);
    let (worker, url) = fleet.worker(&[]);
    until("the worker is ready", || probes(&url) == (200, 200));
    fleet.ready(1);

    cluster.kill();
    until("the worker is not ready", || probes(&url) == (200, 503));
    // It was not declared dead, and it is still live after the time of its lease.
    std::thread::sleep(std::time::Duration::from_secs(6));
    assert_eq!(probes(&url), (200, 503));
    let away = fleet.enqueue("order-1", LENE, "Hi", &["--timeout", "1"]);
    assert_ne!(away.code, Some(0), "{away:?}");
    // A worker that starts meanwhile waits.
    let (late, late_url) = fleet.worker(&["--name", "late"]);
    assert_eq!(probes(&late_url), (200, 503));
    assert_eq!(get(&late_url, "metrics").1, "# EOF\n");

    cluster.restart();
    for url in [&url, &late_url] {
        until("the workers are ready again", || probes(url) == (200, 200));
    }
    fleet.ready(1);
    let queued = fleet.enqueue("order-1", LENE, "Hi", &[]);
    assert_eq!(queued.code, Some(0), "{queued:?}");
    drop((worker, late));
}

/// The status of `/livez` and `/readyz`.
fn probes(url: &str) -> (u16, u16) {
    (get(url, "livez").0, get(url, "readyz").0)
}
