//! Rule 7: the time for which an identity has not polled, across workers.

use skype_p2p_fleet::{Claim, Lease, Release, WorkerId};

use crate::harness::World;

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    rule_07_the_gap_counts_from_the_last_heartbeat_of_a_dead_worker,
    rule_07_the_gap_grows_across_failed_sign_ins_and_workers,
    rule_07_the_gap_contains_the_time_without_the_server,
    rule_07_a_suspended_identity_has_no_gap,
];

/// The gap of the fleet, in seconds.
async fn gap(world: &World) -> u64 {
    let status = world.store.status().await.unwrap();
    status.event_gap.as_secs() / world.seconds(1).as_secs()
}

async fn claim(world: &World, worker: WorkerId) -> Claim {
    world.store.claim(worker, 1).await.unwrap().remove(0)
}

async fn release(world: &World, lease: Lease, gap: u64) {
    let release = Release {
        lease,
        checkpoint: None,
        pause: world.seconds(0),
        gap: world.seconds(gap),
    };
    let released = world.store.release(&[release]).await.unwrap();
    assert_eq!(released, [Ok(())]);
}

async fn rule_07_the_gap_counts_from_the_last_heartbeat_of_a_dead_worker(world: &World) {
    let (old, heir) = (world.worker().await, world.worker().await);
    world.ready(old, BOT).await;
    world.pass(20, &[old, heir]).await;
    assert_eq!(gap(world).await, 0);
    assert_eq!(world.sweep_after(6, heir).await, [old]);
    assert_eq!(gap(world).await, 6);
    world.pass(2, &[heir]).await;
    let claim = claim(world, heir).await;
    assert_eq!(claim.gap.as_secs() / world.seconds(1).as_secs(), 8);
    world.pass(1, &[heir]).await;
    assert_eq!(gap(world).await, 9);
    world.store.set_ready(&[claim.lease]).await.unwrap();
    world.pass(5, &[heir]).await;
    assert_eq!(gap(world).await, 0);
}

async fn rule_07_the_gap_grows_across_failed_sign_ins_and_workers(world: &World) {
    let (first, second) = (world.worker().await, world.worker().await);
    world.identity(BOT).await;
    world.pass(10, &[first, second]).await;
    // It counts from the first claim.
    assert_eq!(gap(world).await, 0);
    for (worker, before) in [(first, 0), (second, 3), (first, 6)] {
        let claim = claim(world, worker).await;
        assert_eq!(claim.gap.as_secs() / world.seconds(1).as_secs(), before);
        world.pass(2, &[first, second]).await;
        release(world, claim.lease, 0).await;
        world.pass(1, &[first, second]).await;
        assert_eq!(gap(world).await, before + 3);
    }
    // A worker that dies in its sign-in does not start the time anew.
    claim(world, first).await;
    assert_eq!(world.sweep_after(6, second).await, [first]);
    assert_eq!(gap(world).await, 15);
    let claim = claim(world, second).await;
    assert_eq!(claim.gap.as_secs() / world.seconds(1).as_secs(), 15);
}

async fn rule_07_the_gap_contains_the_time_without_the_server(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.pass(60, &[worker]).await;
    release(world, lease, 25).await;
    world.pass(1, &[worker]).await;
    assert_eq!(gap(world).await, 26);
    let lease = claim(world, worker).await.lease;
    world.store.set_ready(&[lease]).await.unwrap();
    world.pass(60, &[worker]).await;
    // A session that polled until its release.
    release(world, lease, 0).await;
    world.pass(2, &[worker]).await;
    assert_eq!(gap(world).await, 2);
}

async fn rule_07_a_suspended_identity_has_no_gap(world: &World) {
    let worker = world.worker().await;
    world.identity(BOT).await;
    let lease = claim(world, worker).await.lease;
    world.pass(20, &[worker]).await;
    assert_eq!(gap(world).await, 20);
    world.store.suspend_lease(lease, "password").await.unwrap();
    world.pass(20, &[worker]).await;
    assert_eq!(gap(world).await, 0);
    world.store.resume(BOT).await.unwrap();
    let claim = claim(world, worker).await;
    assert_eq!(claim.gap.as_secs() / world.seconds(1).as_secs(), 0);
}
