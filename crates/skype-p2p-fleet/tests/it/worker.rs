//! The rules of a worker, on the store in memory and the server's engine, in virtual time.

mod gaps;
mod passwords;
mod unreliable_store;
pub(crate) mod world;

use std::{sync::atomic::Ordering, time::Duration};

use skype_p2p_fleet::{IdentityState, MessageState, Store as _};
use tokio::time::{Instant, sleep};

use world::{World, bot, until};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn rule_3_and_6_messages_are_delivered_and_recorded_once_and_in_order() {
    let world = World::new(2).await;
    let lene = world.lene().await;
    let worker = world.worker("one");
    for key in ["a", "b", "c"] {
        world.enqueue(&bot(0), key).await;
    }
    world.delivered(&bot(0), "c").await;
    assert_eq!(lene.texts(), ["a", "b", "c"]);
    let sent = [lene.send(&bot(1), "1"), lene.send(&bot(1), "2")];
    for sent in sent {
        sent.await.unwrap().unwrap();
    }
    let recorded = [(bot(1), "1".to_owned()), (bot(1), "2".to_owned())];
    assert_eq!(world.inbox().await, recorded);
    let metrics = worker.monitor.metrics();
    for line in [
        "skype_p2p_fleet_verdicts_total{verdict=\"delivered\"} 3",
        "skype_p2p_fleet_received_messages_total 2",
        "skype_p2p_fleet_leases{state=\"ready\"} 2",
        "skype_p2p_fleet_sign_ins_total{result=\"signed_in\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert!(!metrics.contains("bot") && !metrics.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_address_fails_at_once_and_does_not_stop_the_others() {
    let world = World::new(1).await;
    let lene = world.lene().await;
    let _worker = world.worker("one");
    let content = skype_p2p_fleet::Content::plain("text");
    let invalid = skype_p2p_fleet::NewMessage::new(bot(0), "invalid", "not an address", content);
    world.store.enqueue(&[invalid]).await.unwrap();
    world.enqueue(&bot(0), "valid").await;
    world.delivered(&bot(0), "valid").await;
    assert_eq!(lene.texts(), ["valid"]);
    until("the verdict", async || {
        world.message(&bot(0), "invalid").await == MessageState::Failed
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn rule_7_the_survivors_of_a_killed_worker_resume_its_sessions_within_15_s() {
    let world = World::new(60).await;
    let lene = world.lene().await;
    let workers = [
        world.worker("one"),
        world.worker("two"),
        world.worker("three"),
    ];
    world.ready(60).await;
    let [killed, two, three] = workers;
    for n in 0..60 {
        world.enqueue(&bot(n), &format!("before {n}")).await;
        world.delivered(&bot(n), &format!("before {n}")).await;
    }
    let tokens = [
        two.requests("POST", "oauthtoken"),
        three.requests("POST", "oauthtoken"),
    ];
    let began = Instant::now();
    killed.kill().await;
    // The server keeps them for 30 s.
    let sent: Vec<_> = (0..60)
        .map(|n| lene.send(&bot(n), &format!("to {n}")))
        .collect();
    until("the death", async || {
        world.store.status().await.unwrap().workers.len() == 2
    })
    .await;
    world.ready(60).await;
    let taken_over = began.elapsed();
    assert!(taken_over < 15 * SECOND, "{taken_over:?}");
    for sent in sent {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(world.inbox().await.len(), 60);
    let after = [
        two.requests("POST", "oauthtoken"),
        three.requests("POST", "oauthtoken"),
    ];
    assert_eq!(after, tokens, "a takeover needs no password");
    for worker in [&two, &three] {
        assert_eq!(worker.requests("DELETE", ""), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn rule_7_a_takeover_whose_first_sign_in_fails_is_repeated_soon() {
    for is_busy in [false, true] {
        let world = World::new(1).await;
        let killed = world.worker("one");
        world.ready(1).await;
        let heir = world.worker("two");
        // It must have been live for a lease time before it declares others dead.
        sleep(6 * SECOND).await;
        let trouble = match is_busy {
            true => heir.is_server_busy.clone(),
            false => heir.is_server_away.clone(),
        };
        killed.kill().await;
        trouble.store(true, Ordering::Relaxed);
        let failed = || {
            let metrics = heir.monitor.metrics();
            !metrics.contains("skype_p2p_fleet_sign_ins_total{result=\"failed\"} 0")
        };
        until("the failed sign-in", async || failed()).await;
        let failed_at = Instant::now();
        trouble.store(false, Ordering::Relaxed);
        world.ready(1).await;
        let repeated = failed_at.elapsed();
        assert!(repeated < 2 * SECOND, "{is_busy}: {repeated:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rule_7_a_takeover_takes_less_than_15_s_although_a_response_is_lost() {
    let world = World::new(1).await;
    let killed = world.worker("one");
    world.ready(1).await;
    let heir = world.worker("two");
    // It must have been live for a lease time before it declares others dead.
    sleep(6 * SECOND).await;
    let began = Instant::now();
    killed.kill().await;
    heir.loses_read.store(true, Ordering::Relaxed);
    until("the death", async || {
        world.store.status().await.unwrap().workers.len() == 1
    })
    .await;
    world.ready(1).await;
    let taken_over = began.elapsed();
    assert!(!heir.loses_read.load(Ordering::Relaxed));
    assert!(taken_over < 15 * SECOND, "{taken_over:?}");
}

#[tokio::test(start_paused = true)]
async fn rule_7_an_invitation_is_accepted_by_the_heir_whatever_the_killed_worker_has_sent() {
    for millis in (0..100).step_by(9) {
        let world = World::new(1).await;
        let lene = world.lene().await;
        let worker = world.worker("one");
        world.ready(1).await;
        world.enqueue(&bot(0), "message").await;
        sleep(Duration::from_millis(millis)).await;
        worker.kill().await;
        let sent = lene.send(&bot(0), "question");
        let _heir = world.worker("two");
        // The page with the invitation arrives before the response that completes the sign-in.
        sent.await.unwrap().unwrap();
        // A message event could still repeat the text of the invitation.
        sleep(10 * SECOND).await;
        let question = [(bot(0), "question".to_owned())];
        assert_eq!(world.inbox().await, question, "{millis} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn rule_5_a_message_that_a_killed_worker_may_have_sent_is_settled_and_not_sent_again() {
    // The worker is killed at many moments of a delivery.
    for millis in (0..400).step_by(9) {
        let world = World::new(1).await;
        let lene = world.lene().await;
        let worker = world.worker("one");
        world.ready(1).await;
        world.enqueue(&bot(0), "first").await;
        world.delivered(&bot(0), "first").await;
        world.enqueue(&bot(0), "second").await;
        sleep(Duration::from_millis(millis)).await;
        worker.kill().await;
        let at_death = world.message(&bot(0), "second").await;
        let _heir = world.worker("two");
        let is_settled = async || {
            let state = world.message(&bot(0), "second").await;
            !matches!(
                state,
                MessageState::Queued | MessageState::Posting | MessageState::Posted
            )
        };
        until("the verdict", is_settled).await;
        let (state, heard) = (world.message(&bot(0), "second").await, lene.count("second"));
        match state {
            MessageState::Delivered => assert_eq!(heard, 1, "{millis} ms: {at_death:?}"),
            MessageState::Unknown => assert_eq!(heard, 0, "{millis} ms: {at_death:?}"),
            state => panic!("{millis} ms: {at_death:?} became {state:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rule_5_of_many_messages_a_worker_posts_few_at_a_time() {
    let world = World::new(150).await;
    let _lene = world.lene().await;
    let _worker = world.worker("one");
    world.ready(150).await;
    for n in 0..150 {
        world.enqueue(&bot(n), "text").await;
    }
    let mut most = 0;
    loop {
        let messages = world.store.status().await.unwrap().messages;
        most = most.max(messages.posting);
        if messages.queued + messages.posting + messages.posted == 0 {
            break;
        }
        sleep(Duration::from_millis(3)).await;
    }
    assert!((50..=100).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn rule_4_a_worker_without_the_store_sends_nothing_and_its_heir_is_not_signed_out() {
    let world = World::new(4).await;
    let lene = world.lene().await;
    let (old, heir) = (world.worker("one"), world.worker("two"));
    world.ready(4).await;
    old.is_store_away.store(true, Ordering::Relaxed);
    sleep(5 * SECOND).await;
    let posts = old.requests("POST", "");
    for n in 0..4 {
        world.enqueue(&bot(n), &format!("text {n}")).await;
    }
    for n in 0..4 {
        world.delivered(&bot(n), &format!("text {n}")).await;
        assert_eq!(lene.count(&format!("text {n}")), 1);
    }
    sleep(60 * SECOND).await;
    assert_eq!(old.requests("POST", ""), posts);
    // The worker registers again, and gets its share.
    old.is_store_away.store(false, Ordering::Relaxed);
    until("the shares", async || shares(&world).await == [2, 2]).await;
    for n in 0..4 {
        world.enqueue(&bot(n), &format!("again {n}")).await;
        world.delivered(&bot(n), &format!("again {n}")).await;
        assert_eq!(lene.count(&format!("again {n}")), 1);
    }
    assert_eq!(old.requests("DELETE", "") + heir.requests("DELETE", ""), 0);
}

#[tokio::test(start_paused = true)]
async fn rule_10_while_the_database_is_away_nobody_is_signed_out_and_nothing_is_sent() {
    let world = World::new(4).await;
    let lene = world.lene().await;
    let workers = [world.worker("one"), world.worker("two")];
    world.ready(4).await;
    world.enqueue(&bot(0), "before").await;
    world.delivered(&bot(0), "before").await;
    sleep(6 * SECOND).await;
    let fences = fences(&world).await;
    set_store_away(&workers, true);
    world.enqueue(&bot(0), "during").await;
    let sent = lene.send(&bot(0), "question");
    sleep(20 * SECOND).await;
    assert_eq!(lene.texts(), ["before"]);
    assert!(
        !sent.is_finished(),
        "the page is acknowledged after it was recorded"
    );
    for worker in &workers {
        assert!(!worker.monitor.is_ready());
        assert!(worker.monitor.is_live());
    }
    set_store_away(&workers, false);
    world.delivered(&bot(0), "during").await;
    sent.await.unwrap().unwrap();
    assert_eq!(world.inbox().await, [(bot(0), "question".to_owned())]);
    assert_eq!(lene.texts(), ["before", "during"]);
    assert_eq!(
        self::fences(&world).await,
        fences,
        "no identity was taken over"
    );
    for worker in &workers {
        assert_eq!(worker.requests("DELETE", ""), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn rule_10_a_worker_that_starts_while_the_database_is_away_is_live_and_waits() {
    let world = World::new(1).await;
    let worker = world.worker("one");
    worker.is_store_away.store(true, Ordering::Relaxed);
    sleep(60 * SECOND).await;
    assert!(worker.monitor.is_live() && !worker.monitor.is_ready());
    worker.is_store_away.store(false, Ordering::Relaxed);
    world.ready(1).await;
    assert!(worker.monitor.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_hands_its_sessions_over_and_no_message_fails() {
    let world = World::new(6).await;
    let lene = world.lene().await;
    let (mut old, heir) = (world.worker("one"), world.worker("two"));
    until("the shares", async || shares(&world).await == [3, 3]).await;
    for n in 0..6 {
        world.enqueue(&bot(n), &format!("first {n}")).await;
        world.enqueue(&bot(n), &format!("second {n}")).await;
    }
    sleep(Duration::from_millis(250)).await;
    old.drain().await;
    for n in 0..6 {
        for text in ["first", "second"] {
            world.delivered(&bot(n), &format!("{text} {n}")).await;
            assert_eq!(lene.count(&format!("{text} {n}")), 1);
        }
    }
    world.ready(6).await;
    assert_eq!(old.requests("DELETE", "") + heir.requests("DELETE", ""), 0);
    let resumed = "skype_p2p_fleet_sign_ins_total{result=\"resumed\"} 3";
    assert!(heir.monitor.metrics().contains(resumed));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_identity_stops_without_a_sign_out_and_continues_after_it_is_resumed() {
    let world = World::new(1).await;
    let lene = world.lene().await;
    let worker = world.worker("one");
    world.ready(1).await;
    world.store.suspend(&bot(0), "maintenance").await.unwrap();
    sleep(3 * SECOND).await;
    let requests = worker.log.lock().unwrap().len();
    world.enqueue(&bot(0), "text").await;
    sleep(20 * SECOND).await;
    assert_eq!(worker.log.lock().unwrap().len(), requests);
    world.store.resume(&bot(0)).await.unwrap();
    world.delivered(&bot(0), "text").await;
    assert_eq!(lene.texts(), ["text"]);
    assert_eq!(worker.requests("DELETE", ""), 0);
}

#[tokio::test(start_paused = true)]
async fn an_identity_whose_server_is_away_is_tried_again() {
    let world = World::new(1).await;
    let worker = world.worker("one");
    worker.is_server_away.store(true, Ordering::Relaxed);
    sleep(20 * SECOND).await;
    assert_ne!(world.identity(&bot(0)).await, IdentityState::Suspended);
    worker.is_server_away.store(false, Ordering::Relaxed);
    world.ready(1).await;
}

/// The number of identities of each live worker, if all of them are ready.
async fn shares(world: &World) -> Vec<usize> {
    let status = world.store.status().await.unwrap();
    let shares: Vec<_> = status.workers.iter().map(|it| it.leases).collect();
    let are_ready = status.identities.ready == shares.iter().sum::<usize>() as u64;
    if are_ready { shares } else { Vec::new() }
}

fn set_store_away(workers: &[world::Running], is_away: bool) {
    for worker in workers {
        worker.is_store_away.store(is_away, Ordering::Relaxed);
    }
}

async fn fences(world: &World) -> Vec<i64> {
    let mut fences = Vec::new();
    for n in 0..4 {
        fences.push(world.store.identity(&bot(n)).await.unwrap().unwrap().fence);
    }
    fences
}
