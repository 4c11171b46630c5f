//! Rule 8: the attempts to sign in with a password.

use skype_p2p_fleet::{Lease, Release, Sealed, StoreError, WorkerId};

use crate::harness::World;

const BOT: &str = "sip:bot@contoso.com";

/// The time after which a password is sent again that a dead worker may have known to be refused, in seconds.
const PAUSE: u64 = 600;

on_each_store![
    rule_08_a_password_that_a_dead_worker_may_have_sent_is_not_sent_before_the_pause,
    rule_08_an_attempt_that_has_ended_does_not_keep_the_next_owner_waiting,
    rule_08_a_clock_that_is_set_back_does_not_shorten_the_pause,
    rule_08_an_operator_ends_the_pause,
    rule_08_a_former_owner_records_no_attempt,
];

/// Begins an attempt, and returns the seconds for which the password must not be sent.
async fn begin(world: &World, lease: Lease) -> u64 {
    let pause = world.store.begin_password_attempt(lease).await.unwrap();
    let scale = world.seconds(1).as_secs();
    pause.map_or(0, |it| it.as_secs().div_ceil(scale))
}

/// A worker that has claimed the identity after the death of another one in an attempt.
async fn heir(world: &World) -> (WorkerId, Lease) {
    let (old, heir) = (world.worker().await, world.worker().await);
    world.identity(BOT).await;
    let lease = world.store.claim(old, 1).await.unwrap()[0].lease;
    assert_eq!(begin(world, lease).await, 0);
    // Its worker knows that no refusal has arrived.
    assert_eq!(begin(world, lease).await, 0);
    let lease = world.take_over(heir).await[0];
    (heir, lease)
}

/// The seconds for which an operator sees that no worker sends the password.
async fn pause(world: &World) -> Option<u64> {
    let identity = world.store.identity(BOT).await.unwrap().unwrap();
    let scale = world.seconds(1).as_secs();
    identity
        .password_pause
        .map(|it| it.as_secs().div_ceil(scale))
}

async fn rule_08_a_password_that_a_dead_worker_may_have_sent_is_not_sent_before_the_pause(
    world: &World,
) {
    let (heir, lease) = heir(world).await;
    // The takeover has taken 6 s.
    assert_eq!(begin(world, lease).await, PAUSE - 6);
    assert_eq!(pause(world).await, Some(PAUSE - 6));
    // Neither a release nor another owner ends it.
    let release = Release {
        lease,
        checkpoint: None,
        pause: world.seconds(0),
        gap: world.seconds(0),
    };
    world.store.release(&[release]).await.unwrap();
    let lease = world.store.claim(heir, 1).await.unwrap()[0].lease;
    world.store.end_password_attempt(lease).await.unwrap();
    world.pass(10, &[heir]).await;
    assert_eq!(begin(world, lease).await, PAUSE - 16);
    world.advance((PAUSE - 17) as f64).await;
    world.store.heartbeat(heir).await.unwrap();
    assert_eq!(begin(world, lease).await, 1);
    world.pass(2, &[heir]).await;
    assert_eq!(pause(world).await, None);
    assert_eq!(begin(world, lease).await, 0);
    // This attempt is that of the present owner.
    assert_eq!(pause(world).await, None);
}

async fn rule_08_an_attempt_that_has_ended_does_not_keep_the_next_owner_waiting(world: &World) {
    let (old, heir) = (world.worker().await, world.worker().await);
    world.identity(BOT).await;
    let lease = world.store.claim(old, 1).await.unwrap()[0].lease;
    assert_eq!(begin(world, lease).await, 0);
    world.store.end_password_attempt(lease).await.unwrap();
    world.store.end_password_attempt(lease).await.unwrap();
    let lease = world.take_over(heir).await[0];
    assert_eq!(begin(world, lease).await, 0);
    // A release by the owner, which would have suspended the identity after a refusal.
    let release = Release {
        lease,
        checkpoint: None,
        pause: world.seconds(0),
        gap: world.seconds(0),
    };
    world.store.release(&[release]).await.unwrap();
    assert_eq!(pause(world).await, None);
    let lease = world.store.claim(heir, 1).await.unwrap()[0].lease;
    assert_eq!(begin(world, lease).await, 0);
}

async fn rule_08_a_clock_that_is_set_back_does_not_shorten_the_pause(world: &World) {
    let (heir, lease) = heir(world).await;
    world.advance(-100.0).await;
    world.store.heartbeat(heir).await.unwrap();
    assert_eq!(begin(world, lease).await, PAUSE);
    world.pass(10, &[heir]).await;
    assert_eq!(begin(world, lease).await, PAUSE - 10);
}

async fn rule_08_an_operator_ends_the_pause(world: &World) {
    for way in ["resume", "suspend", "credential"] {
        let (heir, lease) = heir(world).await;
        assert_ne!(begin(world, lease).await, 0);
        if way == "credential" {
            let new = Sealed::from_bytes("new");
            world.store.set_credential(BOT, new).await.unwrap();
            assert_eq!(begin(world, lease).await, 0);
        } else {
            let release = Release {
                lease,
                checkpoint: None,
                pause: world.seconds(PAUSE),
                gap: world.seconds(0),
            };
            world.store.release(&[release]).await.unwrap();
            assert!(world.store.claim(heir, 1).await.unwrap().is_empty());
            if way == "suspend" {
                world.store.suspend(BOT, "maintenance").await.unwrap();
            }
            world.store.resume(BOT).await.unwrap();
            let lease = world.store.claim(heir, 1).await.unwrap()[0].lease;
            assert_eq!(begin(world, lease).await, 0, "{way}");
        }
        world.store.remove_identity(BOT, true).await.unwrap();
        world.store.retire_worker(heir).await.unwrap();
    }
}

async fn rule_08_a_former_owner_records_no_attempt(world: &World) {
    let (old, heir) = (world.worker().await, world.worker().await);
    let former = world.ready(old, BOT).await;
    world.take_over(heir).await;
    let began = world.store.begin_password_attempt(former).await;
    assert!(matches!(began, Err(StoreError::LeaseLost)), "{began:?}");
    let ended = world.store.end_password_attempt(former).await;
    assert!(matches!(ended, Err(StoreError::LeaseLost)), "{ended:?}");
    assert_eq!(pause(world).await, None);
}
