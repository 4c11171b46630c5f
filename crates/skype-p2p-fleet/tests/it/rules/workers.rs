//! Rule 1: the clock of the store, heartbeats and sweeps.

use skype_p2p_fleet::{StoreError, WorkerId};

use crate::harness::World;

on_each_store![
    rule_01_one_heartbeat_keeps_every_lease,
    rule_01_a_worker_is_dead_after_the_lease_time_without_a_heartbeat,
    rule_01_a_dead_worker_stays_dead,
    rule_01_only_a_worker_that_was_live_for_the_lease_time_declares_others_dead,
    rule_01_after_an_outage_every_worker_has_the_lease_time_for_its_heartbeat,
    rule_01_a_clock_that_jumps_forward_kills_no_worker,
    rule_01_a_clock_that_is_set_back_kills_no_worker_and_keeps_no_dead_one,
    rule_01_a_retired_worker_is_dead_at_once,
];

async fn rule_01_one_heartbeat_keeps_every_lease(world: &World) {
    let (owner, other) = (world.worker().await, world.worker().await);
    for number in 0..20 {
        world
            .identity(&format!("sip:bot{number}@contoso.com"))
            .await;
    }
    // A half of the identities is the fair share of each worker.
    let claims = world.store.claim(owner, 20).await.unwrap();
    world.store.claim(other, 20).await.unwrap();
    world.pass(30, &[owner, other]).await;
    let sweep = world.store.sweep(other).await.unwrap();
    assert_eq!(sweep.dead_workers, []);
    let leases = world.store.leases(owner).await.unwrap();
    assert_eq!(leases.len(), 10);
    assert!(claims.iter().all(|it| leases.contains(&it.lease)));
    let heartbeat = world.store.heartbeat(owner).await.unwrap();
    assert_eq!(heartbeat.lease_time, world.seconds(5));
}

async fn rule_01_a_worker_is_dead_after_the_lease_time_without_a_heartbeat(world: &World) {
    let (silent, sweeper) = (world.worker().await, world.worker().await);
    world.identity("sip:bot@contoso.com").await;
    let lease = world.store.claim(silent, 1).await.unwrap()[0].lease;
    world.pass(4, &[silent, sweeper]).await;
    assert_eq!(world.sweep_after(4, sweeper).await, []);
    assert!(world.store.claim(sweeper, 1).await.unwrap().is_empty());
    assert_eq!(world.sweep_after(2, sweeper).await, [silent]);
    let claims = world.store.claim(sweeper, 1).await.unwrap();
    assert_eq!(claims[0].lease.identity, lease.identity);
    assert!(claims[0].is_takeover);
}

async fn rule_01_a_dead_worker_stays_dead(world: &World) {
    let (paused, sweeper) = (world.worker().await, world.worker().await);
    assert_eq!(world.sweep_after(6, sweeper).await, [paused]);
    is_dead(world, paused).await;
}

/// Every method of a dead worker fails.
async fn is_dead(world: &World, worker: WorkerId) {
    let store = &world.store;
    let failures = [
        store.heartbeat(worker).await.map(|_| ()),
        store.sweep(worker).await.map(|_| ()),
        store.claim(worker, 1).await.map(|_| ()),
        store.leases(worker).await.map(|_| ()),
        store.next_messages(worker, 0, 1).await.map(|_| ()),
        store.drain_worker(worker).await,
    ];
    for failure in failures {
        assert!(matches!(failure, Err(StoreError::WorkerDead(it)) if it == worker));
    }
}

async fn rule_01_only_a_worker_that_was_live_for_the_lease_time_declares_others_dead(
    world: &World,
) {
    let silent = world.worker().await;
    world.advance(20.0).await;
    let new = world.worker().await;
    assert_eq!(world.store.sweep(new).await.unwrap().dead_workers, []);
    assert_eq!(world.sweep_after(4, new).await, []);
    assert_eq!(world.sweep_after(1, new).await, [silent]);
}

async fn rule_01_after_an_outage_every_worker_has_the_lease_time_for_its_heartbeat(world: &World) {
    let workers = [
        world.worker().await,
        world.worker().await,
        world.worker().await,
    ];
    let [first, second, lost] = workers;
    world.pass(10, &workers).await;
    world.advance(30.0).await;
    // Neither before its own heartbeat nor soon after it does a worker declare another one dead.
    assert_eq!(world.store.sweep(first).await.unwrap().dead_workers, []);
    assert_eq!(world.sweep_after(4, first).await, []);
    world.store.heartbeat(second).await.unwrap();
    assert_eq!(world.sweep_after(2, first).await, [lost]);
}

async fn rule_01_a_clock_that_jumps_forward_kills_no_worker(world: &World) {
    let (first, second) = (world.worker().await, world.worker().await);
    world.pass(10, &[first, second]).await;
    world.advance(3600.0).await;
    assert_eq!(world.store.sweep(first).await.unwrap().dead_workers, []);
    world.pass(1, &[first]).await;
    assert_eq!(world.store.sweep(first).await.unwrap().dead_workers, []);
    world.pass(10, &[first, second]).await;
    assert_eq!(world.store.sweep(first).await.unwrap().dead_workers, []);
}

async fn rule_01_a_clock_that_is_set_back_kills_no_worker_and_keeps_no_dead_one(world: &World) {
    let (first, second) = (world.worker().await, world.worker().await);
    let silent = world.worker().await;
    world.pass(10, &[first, second, silent]).await;
    world.advance(-3600.0).await;
    world.pass(4, &[first]).await;
    assert_eq!(world.store.sweep(first).await.unwrap().dead_workers, []);
    world.pass(2, &[first, second]).await;
    assert_eq!(
        world.store.sweep(first).await.unwrap().dead_workers,
        [silent]
    );
}

async fn rule_01_a_retired_worker_is_dead_at_once(world: &World) {
    let (old, new) = (world.worker().await, world.worker().await);
    world.identity("sip:bot@contoso.com").await;
    assert_eq!(world.store.claim(old, 1).await.unwrap().len(), 1);
    world.store.retire_worker(old).await.unwrap();
    world.store.retire_worker(old).await.unwrap();
    is_dead(world, old).await;
    assert!(world.store.claim(new, 1).await.unwrap()[0].is_takeover);
}
