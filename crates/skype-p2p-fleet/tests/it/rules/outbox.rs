//! Rules 3 and 5: outgoing messages.

use skype_p2p_fleet::{
    CommitRefusal, Content, EnqueueOutcome, LeaseLost, MessageState, NewMessage, OperationId,
    Posted, StoreError, Verdict,
};

use crate::harness::{PEER, World, posting, settling};

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    rule_03_the_key_deduplicates,
    rule_03_a_message_of_an_unknown_identity_adds_nothing,
    rule_03_a_message_is_posting_once,
    rule_03_posting_needs_the_owner_the_fence_and_a_live_worker,
    rule_03_only_a_ready_identity_has_messages_to_send,
    rule_03_the_oldest_message_without_a_result_is_first,
    rule_03_a_page_of_messages_begins_after_the_last_one,
    rule_03_a_message_is_dead_after_its_deadline,
    rule_03_the_deadline_of_a_message_that_is_posting_has_no_effect,
    rule_03_a_result_is_final_unless_it_is_unknown,
    rule_03_a_queued_message_can_only_fail,
    rule_03_a_requeued_message_is_another_message,
    rule_03_a_key_deduplicates_until_its_message_is_pruned,
    rule_05_the_heir_of_a_dead_worker_gets_its_doubtful_messages,
];

async fn rule_03_the_key_deduplicates(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let message = |key, text| NewMessage::new(BOT, key, PEER, Content::plain(text));
    let store = &world.store;
    let first = [
        message("1", "Lunch?"),
        message("1", "Lunch?"),
        message("2", "Now?"),
    ];
    let queued = EnqueueOutcome::Queued;
    let duplicate = EnqueueOutcome::Duplicate;
    assert_eq!(
        store.enqueue(&first).await.unwrap(),
        [queued, duplicate(MessageState::Queued), queued]
    );
    let next = world.next(worker).await.remove(0);
    world
        .commit(posting(lease, 1, &next.operation))
        .await
        .unwrap();
    // The case of the identity's address does not matter.
    let mut again = message("1", "Lunch?");
    again.identity = "SIP:Bot@contoso.com".to_owned();
    let second = [again, message("2", "Dinner?"), message("3", "Now?")];
    assert_eq!(
        store.enqueue(&second).await.unwrap(),
        [
            duplicate(MessageState::Posting),
            EnqueueOutcome::KeyInUse,
            queued
        ]
    );
    // Another identity has keys of its own.
    world.identity("sip:other@contoso.com").await;
    let mut other = message("1", "Lunch?");
    other.identity = "sip:other@contoso.com".to_owned();
    assert_eq!(store.enqueue(&[other]).await.unwrap(), [queued]);
    assert_eq!(store.status().await.unwrap().messages.queued, 3);
}

async fn rule_03_a_message_of_an_unknown_identity_adds_nothing(world: &World) {
    world.identity(BOT).await;
    let message = |identity: &str| NewMessage::new(identity, "1", PEER, Content::plain("Lunch?"));
    let messages = [message(BOT), message("sip:nobody@contoso.com")];
    let failure = world.store.enqueue(&messages).await.unwrap_err();
    assert!(matches!(failure, StoreError::UnknownIdentity(it) if it == "sip:nobody@contoso.com"));
    let found = world.store.deliveries(BOT, &["1"]).await.unwrap();
    assert_eq!(found, [None]);
    for (key, peer, text) in [("", PEER, ""), ("1", "", ""), ("1", PEER, "\0")] {
        let message = NewMessage::new(BOT, key, peer, Content::plain(text));
        let failure = world.store.enqueue(&[message]).await.unwrap_err();
        assert!(matches!(failure, StoreError::InvalidValue(_)));
    }
    let long = "x".repeat(201);
    let image = Content {
        media_type: "image/png".to_owned(),
        text: String::new(),
    };
    for (key, content) in [(long.as_str(), Content::plain("")), ("1", image)] {
        let message = NewMessage::new(BOT, key, PEER, content);
        let failure = world.store.enqueue(&[message]).await.unwrap_err();
        assert!(matches!(failure, StoreError::InvalidValue(_)));
    }
}

async fn rule_03_a_message_is_posting_once(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let next = world.next(worker).await.remove(0);
    assert_eq!(next.lease, lease);
    assert_eq!(world.delivery(BOT, "1").await.operation, next.operation);
    // Batches that race.
    let commits: Vec<_> = (1..=8)
        .map(|number| {
            let store = world.store.clone();
            let batch = posting(lease, number, &next.operation);
            tokio::spawn(async move { store.commit(&[batch]).await.unwrap().remove(0) })
        })
        .collect();
    let mut refused = Vec::new();
    let mut last_stored = 0;
    for (number, commit) in (1..).zip(commits) {
        match commit.await.unwrap() {
            Ok(()) => last_stored = number,
            Err(refusal) => refused.push((number, refusal)),
        }
    }
    // A batch with a lower number than the stored one counts as stored. A higher one is refused.
    let not_posted = CommitRefusal::NotPosted(vec![next.operation.clone()]);
    assert!(refused.iter().all(|(_, it)| *it == not_posted));
    assert!(refused.iter().all(|(number, _)| *number > 1));
    assert!((1..=8).contains(&last_stored));
    let later = posting(lease, 9, &next.operation);
    assert_eq!(world.commit(later).await, Err(not_posted.clone()));
    assert_eq!(world.state(BOT, "1").await, MessageState::Posting);
    assert!(world.next(worker).await.is_empty());
    // Also not after its result.
    let settled = settling(lease, 10, &next.operation, Verdict::Failed);
    world.commit(settled).await.unwrap();
    let again = posting(lease, 11, &next.operation);
    assert_eq!(world.commit(again).await, Err(not_posted));
    assert_eq!(world.state(BOT, "1").await, MessageState::Failed);
}

async fn rule_03_posting_needs_the_owner_the_fence_and_a_live_worker(world: &World) {
    let (old, new) = (world.worker().await, world.worker().await);
    let former = world.ready(old, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(old).await.remove(0).operation;
    assert_eq!(world.sweep_after(6, new).await, [old]);
    // The worker is dead, although no other worker has claimed the identity.
    let lost = Err(CommitRefusal::LeaseLost(LeaseLost));
    assert_eq!(world.commit(posting(former, 1, &operation)).await, lost);
    let lease = world.store.claim(new, 1).await.unwrap()[0].lease;
    assert_eq!(world.commit(posting(former, 1, &operation)).await, lost);
    assert_eq!(world.state(BOT, "1").await, MessageState::Queued);
    // An operation of another identity, and one that does not exist.
    let other = world.ready(new, "sip:other@contoso.com").await;
    for operation in [operation.clone(), OperationId::new("none")] {
        let not_posted = Err(CommitRefusal::NotPosted(vec![operation.clone()]));
        assert_eq!(
            world.commit(posting(other, 1, &operation)).await,
            not_posted
        );
    }
    assert_eq!(world.commit(posting(lease, 1, &operation)).await, Ok(()));
}

async fn rule_03_only_a_ready_identity_has_messages_to_send(world: &World) {
    let (worker, other) = (world.worker().await, world.worker().await);
    world.identity(BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let lease = world.store.claim(worker, 1).await.unwrap()[0].lease;
    assert!(world.next(worker).await.is_empty());
    world.store.set_ready(&[lease]).await.unwrap();
    assert_eq!(world.next_texts(worker).await, ["1"]);
    assert!(world.next(other).await.is_empty());
    world.store.set_releasing(&[lease]).await.unwrap();
    assert!(world.next(worker).await.is_empty());
}

async fn rule_03_the_oldest_message_without_a_result_is_first(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let peers = [PEER, "sip:LeneA@contoso.com", "sip:john@contoso.com", PEER];
    for (key, peer) in ["1", "2", "3", "4"].into_iter().zip(peers) {
        world.enqueue(BOT, key, peer).await;
    }
    assert_eq!(world.next_texts(worker).await, ["1", "3"]);
    let operations = async |key| world.delivery(BOT, key).await.operation;
    let (first, second) = (operations("1").await, operations("2").await);
    // The second message waits while the first one is queued, posting or posted.
    let not_posted = Err(CommitRefusal::NotPosted(vec![second.clone()]));
    assert_eq!(world.commit(posting(lease, 1, &second)).await, not_posted);
    world.commit(posting(lease, 1, &first)).await.unwrap();
    assert_eq!(world.commit(posting(lease, 2, &second)).await, not_posted);
    let mut posted = skype_p2p_fleet::Batch::new(lease, 2);
    posted.posted.push(Posted {
        operation: first.clone(),
        href: "/messages/1".to_owned(),
    });
    world.commit(posted).await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Posted);
    assert_eq!(world.commit(posting(lease, 3, &second)).await, not_posted);
    assert_eq!(world.next_texts(worker).await, ["3"]);
    let settled = settling(lease, 3, &first, Verdict::Unknown);
    world.commit(settled).await.unwrap();
    assert_eq!(world.next_texts(worker).await, ["2", "3"]);
    world.commit(posting(lease, 4, &second)).await.unwrap();
    let settled = settling(lease, 5, &second, Verdict::Delivered);
    world.commit(settled).await.unwrap();
    assert_eq!(world.next_texts(worker).await, ["3", "4"]);
}

async fn rule_03_a_page_of_messages_begins_after_the_last_one(world: &World) {
    let worker = world.worker().await;
    world.ready(worker, BOT).await;
    for key in ["1", "2", "3"] {
        let peer = format!("sip:peer{key}@contoso.com");
        world.enqueue(BOT, key, &peer).await;
    }
    let page = world.store.next_messages(worker, 0, 2).await.unwrap();
    assert_eq!(page.len(), 2);
    let last = page[1].number;
    let page = world.store.next_messages(worker, last, 2).await.unwrap();
    assert_eq!(page.len(), 1);
    assert_eq!(page[0].content, Content::plain("3"));
    assert!(page[0].number > last);
}

async fn rule_03_a_message_is_dead_after_its_deadline(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut message = NewMessage::new(BOT, "1", PEER, Content::plain("1"));
    message.time_to_live = Some(world.seconds(10));
    world.store.enqueue(&[message.clone()]).await.unwrap();
    world.enqueue(BOT, "2", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    world.pass(9, &[worker]).await;
    assert_eq!(world.store.sweep(worker).await.unwrap().dead_messages, 0);
    assert_eq!(world.next_texts(worker).await, ["1"]);
    world.pass(1, &[worker]).await;
    assert!(world.next(worker).await.is_empty());
    let refused = CommitRefusal::NotPosted(vec![operation.clone()]);
    let refused = Err(refused);
    assert_eq!(world.commit(posting(lease, 1, &operation)).await, refused);
    assert_eq!(world.store.sweep(worker).await.unwrap().dead_messages, 1);
    assert_eq!(world.state(BOT, "1").await, MessageState::Dead);
    assert_eq!(world.next_texts(worker).await, ["2"]);
    assert_eq!(world.commit(posting(lease, 1, &operation)).await, refused);
    // The same call does not extend the deadline.
    let again = world.store.enqueue(&[message]).await.unwrap();
    assert_eq!(again, [EnqueueOutcome::Duplicate(MessageState::Dead)]);
}

async fn rule_03_the_deadline_of_a_message_that_is_posting_has_no_effect(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut message = NewMessage::new(BOT, "1", PEER, Content::plain("1"));
    message.time_to_live = Some(world.seconds(10));
    world.store.enqueue(&[message]).await.unwrap();
    let operation = world.next(worker).await.remove(0).operation;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    world.pass(20, &[worker]).await;
    assert_eq!(world.store.sweep(worker).await.unwrap().dead_messages, 0);
    assert_eq!(world.state(BOT, "1").await, MessageState::Posting);
}

async fn rule_03_a_result_is_final_unless_it_is_unknown(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let mut number = 0;
    for (key, verdicts, state) in [
        (
            "1",
            [Verdict::Delivered, Verdict::Failed],
            MessageState::Delivered,
        ),
        (
            "2",
            [Verdict::Failed, Verdict::Unknown],
            MessageState::Failed,
        ),
        (
            "3",
            [Verdict::Unknown, Verdict::Delivered],
            MessageState::Delivered,
        ),
        (
            "4",
            [Verdict::Unknown, Verdict::Failed],
            MessageState::Failed,
        ),
    ] {
        world.enqueue(BOT, key, PEER).await;
        let operation = world.next(worker).await.remove(0).operation;
        number += 1;
        world
            .commit(posting(lease, number, &operation))
            .await
            .unwrap();
        for verdict in verdicts {
            number += 1;
            let mut batch = settling(lease, number, &operation, verdict);
            batch.settled[0].reason = Some(format!("{verdict:?}"));
            world.commit(batch).await.unwrap();
        }
        let delivery = world.delivery(BOT, key).await;
        assert_eq!(delivery.state, state);
        assert_eq!(delivery.reason, Some(format!("{state:?}")));
    }
    let letters = world.store.dead_letters(10).await.unwrap();
    let keys: Vec<_> = letters.iter().map(|it| it.key.as_str()).collect();
    assert_eq!(keys, ["4", "2"]);
    assert_eq!(world.store.dead_letters(1).await.unwrap().len(), 1);
}

async fn rule_03_a_queued_message_can_only_fail(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", "no address").await;
    let operation = world.next(worker).await.remove(0).operation;
    for (number, verdict) in [(1, Verdict::Delivered), (2, Verdict::Unknown)] {
        let batch = settling(lease, number, &operation, verdict);
        world.commit(batch).await.unwrap();
        assert_eq!(world.state(BOT, "1").await, MessageState::Queued);
    }
    let batch = settling(lease, 3, &operation, Verdict::Failed);
    world.commit(batch).await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Failed);
}

async fn rule_03_a_requeued_message_is_another_message(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let requeue = async |key| world.store.requeue(BOT, key, "again", None).await;
    let failure = requeue("1").await.unwrap_err();
    assert!(matches!(failure, StoreError::NotRequeued(it) if it == "1"));
    let operation = world.next(worker).await.remove(0).operation;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    let unknown = settling(lease, 2, &operation, Verdict::Unknown);
    world.commit(unknown).await.unwrap();
    assert!(requeue("1").await.is_err());
    let failed = settling(lease, 3, &operation, Verdict::Failed);
    world.commit(failed).await.unwrap();
    assert_eq!(requeue("1").await.unwrap(), EnqueueOutcome::Queued);
    let next = world.next(worker).await.remove(0);
    assert_ne!(next.operation, operation);
    assert_eq!(next.content, Content::plain("1"));
    assert_eq!(world.state(BOT, "1").await, MessageState::Failed);
}

async fn rule_03_a_key_deduplicates_until_its_message_is_pruned(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    world.enqueue(BOT, "2", PEER).await;
    world.pass(60, &[worker]).await;
    let minute = world.seconds(59);
    // Neither message has a result.
    assert_eq!(world.store.prune(minute).await.unwrap(), 0);
    let settled = settling(lease, 2, &operation, Verdict::Delivered);
    world.commit(settled).await.unwrap();
    assert_eq!(world.store.prune(minute).await.unwrap(), 0);
    world.pass(60, &[worker]).await;
    assert_eq!(world.store.prune(minute).await.unwrap(), 1);
    let message = NewMessage::new(BOT, "1", PEER, Content::plain("1"));
    let again = world.store.enqueue(&[message]).await.unwrap();
    assert_eq!(again, [EnqueueOutcome::Queued]);
    assert_eq!(world.next_texts(worker).await, ["2"]);
}

async fn rule_05_the_heir_of_a_dead_worker_gets_its_doubtful_messages(world: &World) {
    let (old, new) = (world.worker().await, world.worker().await);
    let lease = world.ready(old, BOT).await;
    for key in ["1", "2", "3", "4"] {
        let peer = format!("sip:peer{key}@contoso.com");
        world.enqueue(BOT, key, &peer).await;
    }
    let next = world.next(old).await;
    let operation = |at: usize| next[at].operation.clone();
    let mut batch = posting(lease, 1, &operation(0));
    batch.posting.extend([operation(1), operation(2)]);
    world.commit(batch).await.unwrap();
    let mut batch = settling(lease, 2, &operation(2), Verdict::Delivered);
    batch.posted.push(Posted {
        operation: operation(1),
        href: "/messages/2".to_owned(),
    });
    world.commit(batch).await.unwrap();
    assert_eq!(world.sweep_after(6, new).await, [old]);
    let claim = world.store.claim(new, 1).await.unwrap().remove(0);
    let doubtful = &claim.doubtful;
    assert_eq!(doubtful.len(), 2);
    assert_eq!(doubtful[0].operation, operation(0));
    assert_eq!(doubtful[0].peer, "sip:peer1@contoso.com");
    assert_eq!(doubtful[0].content, Content::plain("1"));
    assert_eq!(doubtful[0].href, None);
    assert_eq!(doubtful[1].operation, operation(1));
    assert_eq!(doubtful[1].href.as_deref(), Some("/messages/2"));
    assert!(doubtful[0].age >= world.seconds(6));
    world.store.set_ready(&[claim.lease]).await.unwrap();
    // They are never sent again: they are unknown after 30 s, and evidence may still settle them.
    assert_eq!(world.next_texts(new).await, ["4"]);
    let unknown = settling(claim.lease, 1, &operation(0), Verdict::Unknown);
    world.commit(unknown).await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Unknown);
    let delivered = settling(claim.lease, 2, &operation(0), Verdict::Delivered);
    world.commit(delivered).await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Delivered);
}
