//! Workers as processes of their own, on PostgreSQL and a server with sockets: kills, pauses, outages and restarts.
//!
//! `FLEET_IDENTITIES`, `FLEET_KILLS` and `FLEET_OUTAGE`, the seconds of a pause or an outage, set the size of a run, and
//! `--nocapture` shows its numbers.

mod peers;
mod process;
mod trial;

use std::{collections::BTreeMap, env, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::harness::cluster::Cluster;
use trial::{Distribution, Trial};

const PASSWORD: &str = "secret-password";

/// The time from the death of a worker until its identities poll again.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(15);

/// Only one of the tests runs at a time, because each loads the machine.
static ALONE: Mutex<()> = Mutex::const_new(());

fn size(variable: &str, default: usize) -> usize {
    env::var(variable).map_or(default, |it| it.parse().unwrap())
}

fn identities() -> usize {
    size("FLEET_IDENTITIES", 200)
}

fn outage() -> Duration {
    Duration::from_secs(size("FLEET_OUTAGE", 8) as u64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_every_identity_polls_within_15_s_and_no_message_is_lost_or_doubled() {
    let _alone = ALONE.lock().await;
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let mut trial = Trial::begin(&cluster, identities()).await;
    let mut all_times = Vec::new();
    let mut doubtful = BTreeMap::new();
    for round in 0..size("FLEET_KILLS", 2) {
        let text = format!("round {round}");
        // Messages in both directions are in every state when the worker is killed.
        trial.enqueue(&text).await;
        trial.send(&format!("{text}, before,"));
        sleep(Duration::from_millis(50 + 60 * (round as u64 % 8))).await;
        let worker = trial.workers.remove(0);
        let name = worker.name();
        let before = trial.fences(&name).await;
        let killed_at = Instant::now();
        drop(worker);
        trial.send(&format!("{text}, after,"));
        // The database may still carry out the last statement of the worker.
        sleep(Duration::from_secs(2)).await;
        let at_death = trial.doubtful(&name).await;
        let times = trial
            .takeover_times(before, killed_at, TAKEOVER_LIMIT)
            .await;
        let in_doubt = at_death.len();
        println!(
            "{text}: {}, {in_doubt} messages in doubt",
            Distribution(&times)
        );
        all_times.extend(times);
        doubtful.extend(at_death);
        trial.start_worker(&cluster);
        trial.all_ready().await;
    }
    all_times.sort();
    println!("all rounds: {}", Distribution(&all_times));
    trial.settled().await;
    trial.show_doubtful(&doubtful).await;
    let summary = trial.check().await;
    assert!(summary.unknown <= doubtful.len(), "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_4_a_paused_worker_signs_no_heir_out_and_doubles_nothing() {
    let _alone = ALONE.lock().await;
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let mut trial = Trial::begin(&cluster, identities()).await;
    trial.enqueue("before").await;
    sleep(Duration::from_millis(300)).await;
    let paused = &trial.workers[0];
    let before = trial.fences(&paused.name()).await;
    let name = paused.name();
    paused.signal("STOP");
    let stopped_at = Instant::now();
    trial.send("paused");
    sleep(Duration::from_secs(2)).await;
    let doubtful = trial.doubtful(&name).await;
    let times = trial
        .takeover_times(before, stopped_at, TAKEOVER_LIMIT)
        .await;
    println!("{}", Distribution(&times));
    trial.enqueue("meanwhile").await;
    sleep(outage().saturating_sub(stopped_at.elapsed())).await;
    trial.workers[0].signal("CONT");
    trial.send("after");
    trial.enqueue("after").await;
    // The worker registers again, and gets its share.
    trial.all_ready().await;
    let summary = trial.check().await;
    assert!(summary.unknown <= doubtful.len(), "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_10_an_outage_of_the_database_loses_nothing_and_signs_nobody_out() {
    let _alone = ALONE.lock().await;
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let mut trial = Trial::begin(&cluster, identities()).await;
    trial.enqueue("before").await;
    sleep(Duration::from_millis(300)).await;
    let fences = trial.all_fences().await;
    cluster.kill();
    trial.send("during");
    sleep(outage()).await;
    cluster.restart();
    trial.reconnect(&cluster).await;
    trial.send("after");
    trial.enqueue("after").await;
    trial.settled().await;
    // Longer than it takes to declare a worker dead.
    sleep(Duration::from_secs(12)).await;
    assert_eq!(trial.all_fences().await, fences, "nobody takes over");
    let summary = trial.check().await;
    assert_eq!(summary.unknown, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_deletes_no_application_and_fails_no_message() {
    let _alone = ALONE.lock().await;
    let Some(cluster) = Cluster::start("on") else {
        return;
    };
    let mut trial = Trial::begin(&cluster, identities()).await;
    for round in 0..trial::WORKERS {
        let text = format!("round {round}");
        trial.enqueue(&text).await;
        trial.send(&text);
        let worker = trial.workers.remove(0);
        trial.drain(worker).await;
        trial.start_worker(&cluster);
        trial.all_ready().await;
    }
    let all_delivered = trial::Summary {
        unknown: 0,
        undelivered: 0,
    };
    assert_eq!(trial.check().await, all_delivered);
}
