//! Rule 2: the states of an identity, and the fence of its lease.

use std::{collections::BTreeSet, time::Duration};

use skype_p2p_fleet::{
    Batch, CommitRefusal, IdentityState, Lease, LeaseLost, NewWorker, Release, Sealed, StoreError,
    WorkerState,
};

use crate::harness::World;

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    rule_02_an_identity_is_free_leased_ready_releasing_and_free_again,
    rule_02_a_claim_raises_the_fence_and_a_former_owner_changes_nothing,
    rule_02_an_identity_has_one_owner_although_workers_claim_at_the_same_time,
    rule_02_identities_of_dead_workers_are_claimed_before_free_ones,
    rule_02_a_worker_claims_its_fair_share_and_no_more_than_its_capacity,
    rule_02_a_draining_worker_claims_nothing_and_keeps_its_leases,
    rule_02_a_released_identity_is_not_claimed_during_its_pause,
    rule_02_a_clock_that_is_set_back_ends_a_pause,
    rule_02_a_release_stores_the_checkpoint,
];

async fn state(world: &World) -> IdentityState {
    world.store.identity(BOT).await.unwrap().unwrap().state
}

fn release(lease: Lease) -> Release {
    Release {
        lease,
        checkpoint: None,
        pause: Duration::ZERO,
        gap: Duration::ZERO,
    }
}

async fn rule_02_an_identity_is_free_leased_ready_releasing_and_free_again(world: &World) {
    let worker = world.worker().await;
    world.identity(BOT).await;
    assert_eq!(state(world).await, IdentityState::Free);
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    assert!(!claim.is_takeover);
    assert_eq!(state(world).await, IdentityState::Leased);
    world.store.set_ready(&[claim.lease]).await.unwrap();
    assert_eq!(state(world).await, IdentityState::Ready);
    world.store.set_releasing(&[claim.lease]).await.unwrap();
    assert_eq!(state(world).await, IdentityState::Releasing);
    let released = world.store.release(&[release(claim.lease)]).await.unwrap();
    assert_eq!(released, [Ok(())]);
    assert_eq!(state(world).await, IdentityState::Free);
    let identities = world.store.status().await.unwrap().identities;
    assert_eq!((identities.free, identities.orphaned), (1, 0));
    // Neither changes with the owner.
    let again = world.store.claim(worker, 1).await.unwrap().remove(0);
    assert_eq!(again.endpoint_id, claim.endpoint_id);
    assert_eq!(again.user_agent, claim.user_agent);
}

async fn rule_02_a_claim_raises_the_fence_and_a_former_owner_changes_nothing(world: &World) {
    let store = &world.store;
    let (old, new) = (world.worker().await, world.worker().await);
    let former = world.ready(old, BOT).await;
    let lease = world.take_over(new).await[0];
    assert!(lease.fence > former.fence);
    // The former lease, also with the name of the new owner, and the current fence with the name of the former owner.
    let by_new = Lease {
        worker: new,
        ..former
    };
    let by_old = Lease {
        worker: old,
        ..lease
    };
    for lost in [former, by_new, by_old] {
        let mut batch = Batch::new(lost, 1);
        batch.checkpoint = Some(Sealed::from_bytes("checkpoint of a former owner"));
        let refused = CommitRefusal::LeaseLost(LeaseLost);
        assert_eq!(world.commit(batch).await, Err(refused));
        for outcomes in [
            store.set_releasing(&[lost]).await.unwrap(),
            store.release(&[release(lost)]).await.unwrap(),
        ] {
            assert_eq!(outcomes, [Err(LeaseLost)]);
        }
        let suspended = store.suspend_lease(lost, "password").await;
        assert!(matches!(suspended, Err(StoreError::LeaseLost)));
    }
    assert_eq!(state(world).await, IdentityState::Ready);
    assert_eq!(store.leases(new).await.unwrap(), [lease]);
    // A method with several leases has a result for each.
    let outcomes = store.set_ready(&[former, lease]).await;
    assert_eq!(outcomes.unwrap(), [Err(LeaseLost), Ok(())]);
    let released = store.release(&[release(lease)]).await.unwrap();
    assert_eq!(released, [Ok(())]);
    let claim = store.claim(new, 1).await.unwrap().remove(0);
    assert_eq!(claim.checkpoint, None);
}

async fn rule_02_an_identity_has_one_owner_although_workers_claim_at_the_same_time(world: &World) {
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(world.worker().await);
    }
    for number in 0..40 {
        world
            .identity(&format!("sip:bot{number}@contoso.com"))
            .await;
    }
    let claims = workers.iter().map(|worker| {
        let (store, worker) = (world.store.clone(), *worker);
        tokio::spawn(async move {
            let mut claims = Vec::new();
            for _ in 0..5 {
                claims.extend(store.claim(worker, 5).await.unwrap());
            }
            claims
        })
    });
    let claims: Vec<_> = claims.collect();
    let mut identities = Vec::new();
    for claims in claims {
        let claims = claims.await.unwrap();
        assert_eq!(claims.len(), 10);
        identities.extend(claims.into_iter().map(|it| it.lease.identity));
    }
    let distinct: BTreeSet<_> = identities.iter().collect();
    assert_eq!((identities.len(), distinct.len()), (40, 40));
}

async fn rule_02_identities_of_dead_workers_are_claimed_before_free_ones(world: &World) {
    let (old, new) = (world.worker().await, world.worker().await);
    world.identity("sip:free@contoso.com").await;
    let lease = world.store.claim(old, 1).await.unwrap()[0].lease;
    world.store.release(&[release(lease)]).await.unwrap();
    world.advance(1.0).await;
    world.identity("sip:taken@contoso.com").await;
    let claims = world.store.claim(old, 1).await.unwrap();
    assert_eq!(claims[0].sip_uri, "sip:taken@contoso.com");
    assert_eq!(world.sweep_after(6, new).await, [old]);
    let identities = world.store.status().await.unwrap().identities;
    assert_eq!((identities.free, identities.orphaned), (1, 1));
    let claims = world.store.claim(new, 2).await.unwrap();
    let order: Vec<_> = claims.iter().map(|it| it.sip_uri.as_str()).collect();
    assert_eq!(order, ["sip:taken@contoso.com", "sip:free@contoso.com"]);
}

async fn rule_02_a_worker_claims_its_fair_share_and_no_more_than_its_capacity(world: &World) {
    let (first, second) = (world.worker().await, world.worker().await);
    let small = world.store.register_worker(NewWorker::new("small", 1));
    let small = small.await.unwrap();
    for number in 0..10 {
        world
            .identity(&format!("sip:bot{number}@contoso.com"))
            .await;
    }
    assert_eq!(world.store.claim(small, 10).await.unwrap().len(), 1);
    assert_eq!(world.store.claim(first, 3).await.unwrap().len(), 3);
    // Ten identities and three workers: four for each.
    assert_eq!(world.store.claim(first, 10).await.unwrap().len(), 1);
    assert_eq!(world.store.claim(second, 10).await.unwrap().len(), 4);
    world.store.retire_worker(second).await.unwrap();
    // Two workers: five for each, and the small one has its capacity.
    assert_eq!(world.store.claim(first, 10).await.unwrap().len(), 1);
    assert!(world.store.claim(small, 10).await.unwrap().is_empty());
}

async fn rule_02_a_draining_worker_claims_nothing_and_keeps_its_leases(world: &World) {
    let (draining, other) = (world.worker().await, world.worker().await);
    let lease = world.ready(draining, BOT).await;
    world.identity("sip:free@contoso.com").await;
    world.store.drain_worker(draining).await.unwrap();
    let heartbeat = world.store.heartbeat(draining).await.unwrap();
    assert!(heartbeat.is_draining);
    assert!(world.store.claim(draining, 1).await.unwrap().is_empty());
    assert_eq!(world.store.leases(draining).await.unwrap(), [lease]);
    let workers = world.store.status().await.unwrap().workers;
    assert_eq!(workers[0].state, WorkerState::Draining);
    assert_eq!((workers[0].leases, workers[1].leases), (1, 0));
    // The other worker's share is everything.
    assert_eq!(world.store.claim(other, 2).await.unwrap().len(), 1);
    let released = world.store.release(&[release(lease)]).await.unwrap();
    assert_eq!(released, [Ok(())]);
    assert_eq!(world.store.claim(other, 2).await.unwrap().len(), 1);
}

async fn rule_02_a_released_identity_is_not_claimed_during_its_pause(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut release = release(lease);
    release.pause = world.seconds(30);
    world.store.release(&[release]).await.unwrap();
    world.pass(29, &[worker]).await;
    assert!(world.store.claim(worker, 1).await.unwrap().is_empty());
    world.pass(2, &[worker]).await;
    assert_eq!(world.store.claim(worker, 1).await.unwrap().len(), 1);
}

async fn rule_02_a_clock_that_is_set_back_ends_a_pause(world: &World) {
    let worker = world.worker().await;
    for pause in [0, 30] {
        let lease = match pause {
            0 => world.ready(worker, BOT).await,
            _ => world.store.claim(worker, 1).await.unwrap()[0].lease,
        };
        let mut release = release(lease);
        release.pause = world.seconds(pause);
        world.store.release(&[release]).await.unwrap();
        world.advance(-60.0).await;
        world.pass(1, &[worker]).await;
    }
    assert_eq!(world.store.claim(worker, 1).await.unwrap().len(), 1);
}

async fn rule_02_a_release_stores_the_checkpoint(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut with_checkpoint = release(lease);
    with_checkpoint.checkpoint = Some(Sealed::from_bytes("detached"));
    world.store.release(&[with_checkpoint]).await.unwrap();
    // A release without a checkpoint keeps it.
    for _ in 0..2 {
        let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
        assert_eq!(claim.checkpoint, Some(Sealed::from_bytes("detached")));
        world.store.release(&[release(claim.lease)]).await.unwrap();
    }
}
