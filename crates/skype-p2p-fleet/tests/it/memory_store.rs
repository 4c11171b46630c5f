//! The store in memory.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, SystemTime};

use skype_p2p_fleet::{
    Batch, CommitRefusal, Content, MemoryStore, MessageState, NewIdentity, NewMessage, NewWorker,
    ReceivedMessage, Settled, Store, Verdict,
};

const BOT: &str = "sip:bot@contoso.com";
const PEER: &str = "sip:lenea@contoso.com";

/// A store, and the milliseconds of its clock.
fn store() -> (MemoryStore, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(1_000_000));
    let now = clock.clone();
    let store = MemoryStore::new(move || {
        SystemTime::UNIX_EPOCH + Duration::from_millis(now.load(Ordering::Relaxed))
    });
    (store, clock)
}

#[tokio::test]
async fn a_message_is_claimed_sent_and_settled_and_its_answer_is_read() {
    let (store, _) = store();
    store.add_identity(NewIdentity::new(BOT)).await.unwrap();
    let message = NewMessage::new(BOT, "1", PEER, Content::plain("Lunch?"));
    store.enqueue(&[message]).await.unwrap();
    let worker = NewWorker::new("one", 10);
    let worker = store.register_worker(worker).await.unwrap();
    let lease = store.claim(worker, 10).await.unwrap()[0].lease;
    assert!(store.next_messages(worker, 0, 10).await.unwrap().is_empty());
    store.set_ready(&[lease]).await.unwrap();
    let next = store.next_messages(worker, 0, 10).await.unwrap().remove(0);
    assert_eq!((next.lease, next.peer.as_str()), (lease, PEER));

    let mut posting = Batch::new(lease, 1);
    posting.posting.push(next.operation.clone());
    assert_eq!(store.commit(&[posting]).await.unwrap(), [Ok(())]);
    let mut again = Batch::new(lease, 2);
    again.posting.push(next.operation.clone());
    let refused = CommitRefusal::NotPosted(vec![next.operation.clone()]);
    assert_eq!(store.commit(&[again]).await.unwrap(), [Err(refused)]);

    let mut page = Batch::new(lease, 2);
    page.settled.push(Settled {
        operation: next.operation,
        verdict: Verdict::Delivered,
        reason: None,
    });
    page.received.push(ReceivedMessage {
        href: "/messages/1".to_owned(),
        thread_id: None,
        sender: PEER.to_owned(),
        content: Content::plain("Yes."),
        written_at: SystemTime::UNIX_EPOCH,
    });
    assert_eq!(store.commit(&[page]).await.unwrap(), [Ok(())]);
    let delivery = store.deliveries(BOT, &["1"]).await.unwrap().remove(0);
    assert_eq!(delivery.unwrap().state, MessageState::Delivered);
    let read = store.read_inbox("answers", 10).await.unwrap();
    assert_eq!(read[0].message.content, Content::plain("Yes."));
    let position = read[0].position;
    store.acknowledge("answers", position).await.unwrap();
    assert!(store.read_inbox("answers", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_identities_of_a_dead_worker_are_claimed_with_a_higher_fence() {
    let (store, clock) = store();
    store.add_identity(NewIdentity::new(BOT)).await.unwrap();
    let register = async || {
        let worker = NewWorker::new("worker", 10);
        store.register_worker(worker).await.unwrap()
    };
    let (first, second) = (register().await, register().await);
    let lease = store.claim(first, 10).await.unwrap()[0].lease;
    for _ in 0..6 {
        assert!(store.claim(second, 10).await.unwrap().is_empty());
        clock.fetch_add(1000, Ordering::Relaxed);
        store.heartbeat(second).await.unwrap();
        store.sweep(second).await.unwrap();
    }
    let claim = store.claim(second, 10).await.unwrap().remove(0);
    assert!(claim.is_takeover && claim.lease.fence > lease.fence);
    assert!(store.heartbeat(first).await.is_err());
    let stored = store.commit(&[Batch::new(lease, 1)]).await.unwrap();
    assert!(matches!(stored[..], [Err(CommitRefusal::LeaseLost(_))]));
}
