//! Rule 6: incoming messages.

use std::time::Duration;

use skype_p2p_fleet::{
    Batch, CommitRefusal, Content, InboxMessage, LeaseLost, MessageState, OperationId, Sealed,
    StoreError, Verdict,
};

use crate::harness::{PEER, World, posting, receiving, settling};

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    rule_06_a_batch_is_stored_as_a_whole,
    rule_06_a_repeated_batch_is_stored_once,
    rule_06_a_repeated_message_is_recorded_once,
    rule_06_a_refused_batch_stores_nothing_and_the_others_of_its_call_are_stored,
    rule_06_consumers_read_in_order_and_acknowledge_for_themselves,
    rule_06_a_consumer_misses_no_message_of_concurrent_pages,
    rule_06_messages_are_pruned_after_every_consumer_has_acknowledged_them,
    rule_06_characters_and_times_that_a_database_cannot_hold_are_replaced,
];

fn hrefs(messages: &[InboxMessage]) -> Vec<&str> {
    messages.iter().map(|it| it.message.href.as_str()).collect()
}

async fn read(world: &World) -> Vec<InboxMessage> {
    world.store.read_inbox("answers", 100).await.unwrap()
}

/// The checkpoint that the next owner gets.
async fn checkpoint(world: &World) -> Option<Sealed> {
    let heir = world.worker().await;
    assert_eq!(world.sweep_after(6, heir).await.len(), 1);
    let claim = world.store.claim(heir, 1).await.unwrap().remove(0);
    claim.checkpoint
}

async fn rule_06_a_batch_is_stored_as_a_whole(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    world.enqueue(BOT, "2", "sip:john@contoso.com").await;
    let second = world.next(worker).await.remove(0).operation;
    let mut page = receiving(lease, 2, &["/a", "/b"]);
    page.settled = settling(lease, 2, &operation, Verdict::Delivered).settled;
    page.posting.push(second);
    page.checkpoint = Some(Sealed::from_bytes("after the page"));
    world.commit(page).await.unwrap();
    let messages = read(world).await;
    assert_eq!(hrefs(&messages), ["/a", "/b"]);
    let InboxMessage {
        identity, message, ..
    } = &messages[0];
    assert_eq!(identity, BOT);
    assert_eq!(message, &receiving(lease, 2, &["/a"]).received[0]);
    assert_eq!(world.state(BOT, "1").await, MessageState::Delivered);
    assert_eq!(world.state(BOT, "2").await, MessageState::Posting);
    let stored = Some(Sealed::from_bytes("after the page"));
    assert_eq!(checkpoint(world).await, stored);
}

async fn rule_06_a_repeated_batch_is_stored_once(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    let mut first = posting(lease, 1, &operation);
    first.checkpoint = Some(Sealed::from_bytes("first"));
    let mut second = receiving(lease, 2, &["/a"]);
    second.checkpoint = Some(Sealed::from_bytes("second"));
    // The answer was lost. The repetition succeeds, although no message is posting twice.
    for batch in [&first, &first, &second, &first, &second] {
        assert_eq!(world.commit(batch.clone()).await, Ok(()));
    }
    assert_eq!(hrefs(&read(world).await), ["/a"]);
    let stored = Some(Sealed::from_bytes("second"));
    assert_eq!(checkpoint(world).await, stored);
}

async fn rule_06_a_repeated_message_is_recorded_once(world: &World) {
    let (old, new) = (world.worker().await, world.worker().await);
    let lease = world.ready(old, BOT).await;
    let page = receiving(lease, 1, &["/a", "/b", "/a"]);
    world.commit(page).await.unwrap();
    // The old worker died before it acknowledged the page, so the server repeats it.
    let lease = world.take_over(new).await[0];
    let page = receiving(lease, 1, &["/a", "/b", "/c"]);
    world.commit(page).await.unwrap();
    let other = world.ready(new, "sip:other@contoso.com").await;
    world.commit(receiving(other, 1, &["/a"])).await.unwrap();
    let messages = read(world).await;
    assert_eq!(hrefs(&messages), ["/a", "/b", "/c", "/a"]);
    assert_eq!(messages[3].identity, "sip:other@contoso.com");
}

async fn rule_06_a_refused_batch_stores_nothing_and_the_others_of_its_call_are_stored(
    world: &World,
) {
    let worker = world.worker().await;
    let first = world.ready(worker, BOT).await;
    let second = world.ready(worker, "sip:second@contoso.com").await;
    let third = world.ready(worker, "sip:third@contoso.com").await;
    let mut lost = third;
    lost.fence -= 1;
    let operation = OperationId::new("00000000-0000-4000-8000-ffffffffffff");
    let mut refused = receiving(second, 1, &["/refused"]);
    refused.posting.push(operation.clone());
    refused.checkpoint = Some(Sealed::from_bytes("refused"));
    let batches = [
        receiving(lost, 1, &["/lost"]),
        refused,
        receiving(first, 1, &["/stored"]),
    ];
    let outcomes = world.store.commit(&batches).await.unwrap();
    let expected = [
        Err(CommitRefusal::LeaseLost(LeaseLost)),
        Err(CommitRefusal::NotPosted(vec![operation])),
        Ok(()),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(hrefs(&read(world).await), ["/stored"]);
    // The number of the refused batch can be used again.
    let again = receiving(second, 1, &["/again"]);
    world.commit(again).await.unwrap();
    assert_eq!(hrefs(&read(world).await), ["/stored", "/again"]);
    assert_eq!(world.store.commit(&[]).await.unwrap(), []);
}

async fn rule_06_consumers_read_in_order_and_acknowledge_for_themselves(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let store = &world.store;
    world
        .commit(receiving(lease, 1, &["/a", "/b"]))
        .await
        .unwrap();
    let failure = store.acknowledge("answers", 1).await.unwrap_err();
    assert!(matches!(failure, StoreError::UnknownConsumer(it) if it == "answers"));
    let first = store.read_inbox("answers", 1).await.unwrap();
    assert_eq!(hrefs(&first), ["/a"]);
    assert_eq!(store.read_inbox("answers", 1).await.unwrap(), first);
    let acknowledge = async |position| store.acknowledge("answers", position).await.unwrap();
    acknowledge(first[0].position).await;
    let rest = read(world).await;
    assert_eq!(hrefs(&rest), ["/b"]);
    // A lower position changes nothing, and one that does not exist yet skips nothing.
    acknowledge(i64::MIN).await;
    acknowledge(i64::MAX).await;
    acknowledge(first[0].position).await;
    assert!(read(world).await.is_empty());
    world.commit(receiving(lease, 2, &["/c"])).await.unwrap();
    assert_eq!(hrefs(&read(world).await), ["/c"]);
    let other = store.read_inbox("archive", 100).await.unwrap();
    assert_eq!(hrefs(&other), ["/a", "/b", "/c"]);
    let failure = store.read_inbox("", 1).await.unwrap_err();
    assert!(matches!(failure, StoreError::InvalidValue(_)));
}

async fn rule_06_a_consumer_misses_no_message_of_concurrent_pages(world: &World) {
    const PAGES: i64 = 20;
    let worker = world.worker().await;
    let mut writers = Vec::new();
    for number in 0..4 {
        let sip_uri = format!("sip:bot{number}@contoso.com");
        let lease = world.ready(worker, &sip_uri).await;
        let store = world.store.clone();
        writers.push(tokio::spawn(async move {
            for page in 1..=PAGES {
                let href = format!("/{page:02}");
                let batch = receiving(lease, page, &[&href]);
                assert_eq!(store.commit(&[batch]).await.unwrap(), [Ok(())]);
            }
        }));
    }
    let mut seen = Vec::new();
    loop {
        let is_complete = writers.iter().all(|it| it.is_finished());
        let messages = world.store.read_inbox("answers", 7).await.unwrap();
        if let Some(last) = messages.last() {
            let position = last.position;
            world.store.acknowledge("answers", position).await.unwrap();
        } else if is_complete {
            break;
        }
        seen.extend(messages);
        tokio::task::yield_now().await;
    }
    assert!(seen.is_sorted_by(|one, other| one.position < other.position));
    assert_eq!(seen.len(), 80);
    for number in 0..4 {
        let sip_uri = format!("sip:bot{number}@contoso.com");
        let of_identity = seen.iter().filter(|it| it.identity == sip_uri);
        let of_identity: Vec<_> = of_identity.cloned().collect();
        assert_eq!(of_identity.len(), 20);
        assert!(hrefs(&of_identity).is_sorted());
    }
}

async fn rule_06_messages_are_pruned_after_every_consumer_has_acknowledged_them(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world
        .commit(receiving(lease, 1, &["/a", "/b"]))
        .await
        .unwrap();
    let store = &world.store;
    let messages = read(world).await;
    store.read_inbox("archive", 1).await.unwrap();
    world.pass(60, &[worker]).await;
    let prune = async |seconds| store.prune(world.seconds(seconds)).await.unwrap();
    store
        .acknowledge("answers", messages[1].position)
        .await
        .unwrap();
    assert_eq!(prune(59).await, 0);
    store
        .acknowledge("archive", messages[0].position)
        .await
        .unwrap();
    assert_eq!(prune(120).await, 0);
    assert_eq!(prune(59).await, 1);
    let rest = store.read_inbox("archive", 100).await.unwrap();
    assert_eq!(hrefs(&rest), ["/b"]);
    // The positions go on.
    world.commit(receiving(lease, 2, &["/c"])).await.unwrap();
    assert_eq!(hrefs(&read(world).await), ["/c"]);
}

async fn rule_06_characters_and_times_that_a_database_cannot_hold_are_replaced(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let long = "x".repeat(10_000);
    let mut page = receiving(lease, 1, &["/a\0", &long]);
    page.received[0].content = Content::html("a\0b");
    let far = Duration::from_secs(u64::MAX / 4);
    if let Some(far) = page.received[0].written_at.checked_add(far) {
        page.received[0].written_at = far;
    }
    world.commit(page.clone()).await.unwrap();
    let again = Batch { number: 2, ..page };
    world.commit(again).await.unwrap();
    let messages = read(world).await;
    assert_eq!(hrefs(&messages), ["/a\u{fffd}", &long]);
    assert_eq!(messages[0].message.content, Content::html("a\u{fffd}b"));
}
