//! The removal of identities.

use skype_p2p_fleet::{
    CommitRefusal, LeaseLost, MessageState, NewIdentity, Sealed, StoreError, Verdict,
};

use crate::harness::{PEER, World, posting, receiving, settling};

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    a_removed_identity_leaves_nothing_behind_and_can_be_added_again,
    an_identity_with_messages_is_removed_by_force_only,
];

async fn a_removed_identity_leaves_nothing_behind_and_can_be_added_again(world: &World) {
    let store = &world.store;
    let worker = world.worker().await;
    world.identity("sip:other@contoso.com").await;
    let other = store.claim(worker, 1).await.unwrap()[0].lease;
    let mut identity = NewIdentity::new(BOT);
    identity.credential = Some(Sealed::from_bytes("password"));
    let old = store.add_identity(identity).await.unwrap();
    let lease = store.claim(worker, 1).await.unwrap()[0].lease;
    store.set_ready(&[lease]).await.unwrap();
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    let mut batch = posting(lease, 1, &operation);
    batch.checkpoint = Some(Sealed::from_bytes("checkpoint"));
    world.commit(batch).await.unwrap();
    let batch = settling(lease, 2, &operation, Verdict::Delivered);
    world.commit(batch).await.unwrap();
    store
        .remove_identity("sip:BOT@contoso.com", false)
        .await
        .unwrap();
    // The session learns of it with its next statement, and by the list of its leases.
    let lost = Err(CommitRefusal::LeaseLost(LeaseLost));
    assert_eq!(world.commit(receiving(lease, 3, &["/a"])).await, lost);
    assert_eq!(store.leases(worker).await.unwrap(), [other]);
    assert_eq!(store.identity(BOT).await.unwrap(), None);
    for failure in [
        store.remove_identity(BOT, true).await,
        store.resume(BOT).await,
    ] {
        assert!(matches!(failure, Err(StoreError::UnknownIdentity(it)) if it == BOT));
    }
    let values = store.sealed_values(other.identity, 10).await.unwrap();
    assert_eq!(values, []);

    // Nothing of the old identity belongs to the new one.
    let new = world.identity(BOT).await;
    assert_ne!(new, old);
    let claim = store.claim(worker, 1).await.unwrap().remove(0);
    assert_eq!((claim.credential, claim.checkpoint), (None, None));
    store.set_ready(&[claim.lease]).await.unwrap();
    assert_eq!(store.deliveries(BOT, &["1"]).await.unwrap(), [None]);
    world.enqueue(BOT, "1", PEER).await;
    let next = world.next(worker).await.remove(0);
    assert_ne!(next.operation, operation);
    let batch = posting(claim.lease, 1, &next.operation);
    world.commit(batch).await.unwrap();
}

async fn an_identity_with_messages_is_removed_by_force_only(world: &World) {
    let store = &world.store;
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    let refused = async |expected: (u64, u64)| {
        let failure = store.remove_identity(BOT, false).await.unwrap_err();
        let StoreError::IdentityHasMessages { unsent, unread, .. } = failure else {
            panic!("{failure:?}");
        };
        assert_eq!((unsent, unread), expected);
    };
    world.enqueue(BOT, "1", PEER).await;
    world.enqueue(BOT, "2", PEER).await;
    let batch = receiving(lease, 1, &["/a", "/b", "/c"]);
    world.commit(batch).await.unwrap();
    refused((2, 3)).await;
    // One of two consumers has not read the last message.
    let mut last = 0;
    for (consumer, count) in [("fast", 3), ("slow", 2)] {
        let messages = store.read_inbox(consumer, count).await.unwrap();
        last = messages.last().unwrap().position;
        store.acknowledge(consumer, last).await.unwrap();
    }
    refused((2, 1)).await;
    let messages = store.read_inbox("slow", 10).await.unwrap();
    assert!(messages[0].position > last);
    // The refusals have changed nothing.
    assert_eq!(store.leases(worker).await.unwrap(), [lease]);
    assert_eq!(world.state(BOT, "1").await, MessageState::Queued);
    store.remove_identity(BOT, true).await.unwrap();
    assert!(store.read_inbox("slow", 10).await.unwrap().is_empty());
    assert_eq!(store.leases(worker).await.unwrap(), []);
    let messages = store.status().await.unwrap().messages;
    assert_eq!((messages.queued, messages.posting), (0, 0));
}
