//! Rule 8: a refused password is not sent again, also when workers die.

use std::{sync::atomic::Ordering, time::Duration};

use skype_p2p_fleet::{IdentityState, Store as _};
use tokio::time::{Instant, sleep};

use super::{
    SECOND,
    world::{LENE, World, bot, until},
};

#[tokio::test(start_paused = true)]
async fn rule_8_a_refused_password_is_tried_once_in_the_fleet() {
    let world = World::new(1).await;
    world.add_identity(LENE, "wrong-password").await;
    let workers = [
        world.worker("one"),
        world.worker("two"),
        world.worker("three"),
    ];
    let is_suspended = async || world.identity(LENE).await == IdentityState::Suspended;
    until("the suspension", is_suspended).await;
    sleep(300 * SECOND).await;
    let attempts = |path| {
        workers
            .iter()
            .map(|it| it.requests("POST", path))
            .sum::<usize>()
    };
    // One of the two requests is that of the other identity, whose password is right.
    assert_eq!(attempts("oauthtoken"), 2);
    assert_eq!(world.identity(&bot(0)).await, IdentityState::Ready);
}

/// The time after which a password is sent again whose result a dead worker may have known.
const PAUSE: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn rule_8_a_password_is_not_sent_again_soon_after_a_worker_died_with_the_result() {
    for is_right in [false, true] {
        let world = World::new(0).await;
        let password = if is_right { "secret-password" } else { "wrong" };
        world.add_identity(LENE, password).await;
        let killed = world.worker("one");
        killed.holds_tokens.store(true, Ordering::Relaxed);
        let attempts = || killed.requests("POST", "oauthtoken");
        until("the attempt", async || attempts() == 1).await;
        let began = Instant::now();
        let heir = world.worker("two");
        // The server has answered.
        sleep(6 * SECOND).await;
        killed.kill().await;
        let identity = async || world.store.identity(LENE).await.unwrap().unwrap();
        until("the death", async || {
            world.store.status().await.unwrap().workers.len() == 1
        })
        .await;
        assert!(identity().await.password_pause.is_some());
        sleep(PAUSE - began.elapsed() - SECOND).await;
        assert_eq!(heir.requests("POST", "oauthtoken"), 0);
        assert_eq!(identity().await.state, IdentityState::Free);
        let expected = match is_right {
            true => IdentityState::Ready,
            false => IdentityState::Suspended,
        };
        until("the second attempt", async || {
            identity().await.state == expected
        })
        .await;
        sleep(PAUSE * 3).await;
        assert_eq!(heir.requests("POST", "oauthtoken"), 1, "{is_right}");
        assert_eq!(identity().await.state, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn rule_8_an_operator_can_have_the_password_sent_before_the_pause_ends() {
    let world = World::new(1).await;
    let killed = world.worker("one");
    killed.holds_tokens.store(true, Ordering::Relaxed);
    until("the attempt", async || {
        killed.requests("POST", "oauthtoken") == 1
    })
    .await;
    sleep(SECOND).await;
    killed.kill().await;
    let _heir = world.worker("two");
    sleep(60 * SECOND).await;
    assert_eq!(world.identity(&bot(0)).await, IdentityState::Free);
    world.store.resume(&bot(0)).await.unwrap();
    let resumed = Instant::now();
    world.ready(1).await;
    assert!(resumed.elapsed() < 5 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn rule_8_a_lost_connection_does_not_keep_an_identity_waiting() {
    let world = World::new(1).await;
    let worker = world.worker("one");
    worker.loses_token.store(true, Ordering::Relaxed);
    let began = Instant::now();
    world.ready(1).await;
    assert!(!worker.loses_token.load(Ordering::Relaxed));
    assert_eq!(worker.requests("POST", "oauthtoken"), 2);
    assert!(began.elapsed() < 10 * SECOND);
    // The attempt of the killed worker had ended.
    worker.kill().await;
    let _heir = world.worker("two");
    until("the death", async || {
        world.store.status().await.unwrap().workers.len() == 1
    })
    .await;
    world.ready(1).await;
    let identity = world.store.identity(&bot(0)).await.unwrap().unwrap();
    assert_eq!(identity.password_pause, None);
}

#[tokio::test(start_paused = true)]
async fn rule_8_a_session_whose_token_is_valid_goes_on_while_the_password_must_not_be_sent() {
    let world = World::with_server(1, |config| config.token_life = 180 * SECOND).await;
    let lene = world.lene().await;
    let killed = world.worker("one");
    world.ready(1).await;
    killed.holds_tokens.store(true, Ordering::Relaxed);
    // The worker renews the token while the former one is valid for 18 s.
    until("the renewal", async || {
        killed.requests("POST", "oauthtoken") == 2
    })
    .await;
    killed.kill().await;
    let heir = world.worker("two");
    until("the death", async || {
        world.store.status().await.unwrap().workers.len() == 1
    })
    .await;
    world.ready(1).await;
    world.enqueue(&bot(0), "text").await;
    world.delivered(&bot(0), "text").await;
    assert_eq!(lene.count("text"), 1);
    assert_eq!(heir.requests("POST", "oauthtoken"), 0);
    // The password is right, so the identity is ready in the end.
    sleep(PAUSE * 2).await;
    world.enqueue(&bot(0), "later").await;
    world.delivered(&bot(0), "later").await;
    assert!(heir.requests("POST", "oauthtoken") > 0);
}
