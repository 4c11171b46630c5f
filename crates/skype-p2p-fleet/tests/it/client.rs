//! The client of the fleet, in virtual time.

use std::{sync::Arc, time::Duration};

use skype_p2p_fleet::{
    Client, Content, EnqueueOutcome, MessageState, NewMessage, StoreError, Verdict,
};
use tokio::time::{Instant, sleep, timeout};

use crate::harness::{PEER, World, cluster::Cluster, posting, receiving, settling};

const BOT: &str = "sip:bot@contoso.com";

fn message(key: &str) -> NewMessage {
    NewMessage::new(BOT, key, PEER, Content::plain(key))
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_for_the_verdict() {
    let world = World::memory();
    let client = Client::new(world.store.clone());
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    assert_eq!(client.verdict(BOT, "1").await.unwrap(), None);
    let outcomes = client.enqueue(&[message("1")]).await.unwrap();
    assert_eq!(outcomes, [EnqueueOutcome::Queued]);
    let verdict = tokio::spawn(async move { client.verdict(BOT, "1").await.unwrap() });
    let operation = world.next(worker).await.remove(0).operation;
    sleep(Duration::from_secs(1)).await;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert!(!verdict.is_finished());
    let begin = Instant::now();
    let settled = settling(lease, 2, &operation, Verdict::Delivered);
    world.commit(settled).await.unwrap();
    let verdict = verdict.await.unwrap().unwrap();
    assert_eq!(verdict.state, MessageState::Delivered);
    assert!(begin.elapsed() <= Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn an_inbox_returns_each_message_once_and_again_to_the_next_process() {
    let world = World::memory();
    let client = Client::new(world.store.clone());
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut inbox = client.inbox("answers");
    let mut next = tokio::spawn(async move {
        let message = inbox.next().await.unwrap();
        (inbox, message)
    });
    let waiting = timeout(Duration::from_secs(5), &mut next).await;
    assert!(waiting.is_err());
    let hrefs: Vec<String> = (0..150).map(|number| format!("/{number:03}")).collect();
    let page: Vec<&str> = hrefs.iter().map(String::as_str).collect();
    world.commit(receiving(lease, 1, &page)).await.unwrap();
    let (mut inbox, first) = next.await.unwrap();
    assert_eq!(first.message.href, "/000");
    let mut last = first.clone();
    for href in &hrefs[1..100] {
        last = inbox.next().await.unwrap();
        assert_eq!(last.message.href, *href);
    }
    // A hundred messages are not acknowledged.
    let waiting = timeout(Duration::from_secs(5), inbox.next()).await;
    assert!(waiting.is_err());
    inbox.acknowledge(first.position).await.unwrap();
    assert_eq!(inbox.next().await.unwrap().message.href, "/100");
    inbox.acknowledge(last.position).await.unwrap();
    let mut restarted = client.inbox("answers");
    for href in &hrefs[100..] {
        assert_eq!(restarted.next().await.unwrap().message.href, *href);
    }
}

#[tokio::test]
async fn a_client_of_a_database_that_restarts_adds_its_message_once() {
    let Some(cluster) = Cluster::start("off") else {
        return;
    };
    let cluster = Arc::new(cluster);
    let database = cluster.create_database().await;
    let world = World::on(&cluster, &database).await;
    world.identity(BOT).await;
    let client = Client::new(world.store.clone());
    cluster.kill();
    let messages = [message("1")];
    let enqueue = client.enqueue(&messages);
    let restart = tokio::task::spawn_blocking({
        let cluster = cluster.clone();
        move || cluster.restart()
    });
    let (outcomes, restarted) = tokio::join!(enqueue, restart);
    restarted.unwrap();
    assert_eq!(outcomes.unwrap().len(), 1);
    let again = client.enqueue(&[message("1")]).await.unwrap();
    assert_eq!(again, [EnqueueOutcome::Duplicate(MessageState::Queued)]);
    // An error that a repetition does not remove ends the call.
    let unknown = NewMessage::new("sip:nobody@contoso.com", "1", PEER, Content::plain("1"));
    let failure = client.enqueue(&[unknown]).await.unwrap_err();
    assert!(matches!(failure, StoreError::UnknownIdentity(_)));
    let failure = client.inbox("").next().await.unwrap_err();
    assert!(matches!(failure, StoreError::InvalidValue(_)));
}
