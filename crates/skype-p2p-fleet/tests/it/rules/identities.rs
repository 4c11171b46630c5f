//! Rule 8: suspended identities; and the credentials of identities.

use skype_p2p_fleet::{
    CommitRefusal, IdentityState, LeaseLost, MessageState, NewIdentity, Sealed, StoreError, Verdict,
};

use crate::harness::{PEER, World, posting, settling};

const BOT: &str = "sip:bot@contoso.com";

on_each_store![
    rule_08_a_refused_password_suspends_the_identity_in_the_whole_fleet,
    rule_08_an_operator_suspends_an_identity_with_an_owner,
    rule_08_messages_in_flight_of_a_suspended_identity_are_unknown,
    rule_08_a_suspended_identity_is_no_part_of_the_fair_share,
    an_identity_is_added_once,
    a_claim_has_the_newest_credential,
];

async fn rule_08_a_refused_password_suspends_the_identity_in_the_whole_fleet(world: &World) {
    let store = &world.store;
    let (first, second) = (world.worker().await, world.worker().await);
    world.identity(BOT).await;
    let lease = store.claim(first, 1).await.unwrap()[0].lease;
    store
        .suspend_lease(lease, "password refused")
        .await
        .unwrap();
    let identity = store.identity(BOT).await.unwrap().unwrap();
    assert_eq!(identity.state, IdentityState::Suspended);
    assert_eq!(identity.reason.as_deref(), Some("password refused"));
    assert_eq!(identity.owner, None);
    assert_eq!(store.suspended(10).await.unwrap(), [identity]);
    // Also not after the death of the worker, or after any time.
    for _ in 0..3 {
        assert!(store.claim(first, 1).await.unwrap().is_empty());
        assert!(store.claim(second, 1).await.unwrap().is_empty());
        world.pass(100, &[first, second]).await;
    }
    assert_eq!(store.leases(first).await.unwrap(), []);
    let again = store.suspend_lease(lease, "password refused").await;
    assert!(matches!(again, Err(StoreError::LeaseLost)));
    store.resume(BOT).await.unwrap();
    let claim = store.claim(second, 1).await.unwrap().remove(0);
    assert!(claim.lease.fence > lease.fence && !claim.is_takeover);
    let identity = store.identity(BOT).await.unwrap().unwrap();
    assert_eq!(identity.reason, None);
    assert_eq!(store.suspended(10).await.unwrap(), []);
    // An identity that is not suspended does not change.
    store.resume(BOT).await.unwrap();
    assert_eq!(store.leases(second).await.unwrap(), [claim.lease]);
}

async fn rule_08_an_operator_suspends_an_identity_with_an_owner(world: &World) {
    let store = &world.store;
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    store
        .suspend("sip:BOT@contoso.com", "maintenance")
        .await
        .unwrap();
    assert_eq!(store.leases(worker).await.unwrap(), []);
    let lost = Err(CommitRefusal::LeaseLost(LeaseLost));
    assert_eq!(world.commit(posting(lease, 1, &operation)).await, lost);
    assert!(world.next(worker).await.is_empty());
    // The queue waits.
    assert_eq!(world.state(BOT, "1").await, MessageState::Queued);
    let unknown = "sip:nobody@contoso.com";
    for failure in [
        store.suspend(unknown, "").await,
        store.resume(unknown).await,
        store.set_credential(unknown, Sealed::from_bytes("")).await,
    ] {
        assert!(matches!(failure, Err(StoreError::UnknownIdentity(it)) if it == unknown));
    }
    assert_eq!(store.identity(unknown).await.unwrap(), None);
}

async fn rule_08_messages_in_flight_of_a_suspended_identity_are_unknown(world: &World) {
    let worker = world.worker().await;
    let lease = world.ready(worker, BOT).await;
    world.enqueue(BOT, "1", PEER).await;
    let operation = world.next(worker).await.remove(0).operation;
    world.commit(posting(lease, 1, &operation)).await.unwrap();
    world.store.suspend_lease(lease, "password").await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Unknown);
    // Later evidence settles them.
    world.store.resume(BOT).await.unwrap();
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    assert_eq!(claim.doubtful, []);
    let batch = settling(claim.lease, 1, &operation, Verdict::Delivered);
    world.commit(batch).await.unwrap();
    assert_eq!(world.state(BOT, "1").await, MessageState::Delivered);
}

async fn rule_08_a_suspended_identity_is_no_part_of_the_fair_share(world: &World) {
    let (first, _second) = (world.worker().await, world.worker().await);
    for number in 0..4 {
        world
            .identity(&format!("sip:bot{number}@contoso.com"))
            .await;
    }
    world
        .store
        .suspend("sip:bot0@contoso.com", "")
        .await
        .unwrap();
    world
        .store
        .suspend("sip:bot1@contoso.com", "")
        .await
        .unwrap();
    assert_eq!(world.store.claim(first, 4).await.unwrap().len(), 1);
    let identities = world.store.status().await.unwrap().identities;
    let counts = (identities.suspended, identities.free, identities.leased);
    assert_eq!(counts, (2, 1, 1));
    let first = world.store.suspended(1).await.unwrap();
    assert_eq!(first[0].sip_uri, "sip:bot0@contoso.com");
    assert_eq!(first.len(), 1);
}

async fn an_identity_is_added_once(world: &World) {
    let id = world.identity(BOT).await;
    let failure = world
        .store
        .add_identity(NewIdentity::new("sip:BOT@contoso.com"));
    assert!(matches!(failure.await, Err(StoreError::IdentityExists(_))));
    let identity = world.store.identity("SIP:bot@Contoso.com").await;
    let identity = identity.unwrap().unwrap();
    assert_eq!((identity.id, identity.sip_uri.as_str()), (id, BOT));
    for sip_uri in [String::new(), "x".repeat(501)] {
        let failure = world.store.add_identity(NewIdentity::new(sip_uri));
        assert!(matches!(failure.await, Err(StoreError::InvalidValue(_))));
    }
}

async fn a_claim_has_the_newest_credential(world: &World) {
    let worker = world.worker().await;
    let mut identity = NewIdentity::new(BOT);
    identity.root = Some("https://pool.contoso.com/".to_owned());
    identity.credential = Some(Sealed::from_bytes("old"));
    world.store.add_identity(identity).await.unwrap();
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    assert_eq!(claim.root.as_deref(), Some("https://pool.contoso.com/"));
    assert_eq!(claim.credential, Some(Sealed::from_bytes("old")));
    let new = Sealed::from_bytes("new");
    world.store.set_credential(BOT, new.clone()).await.unwrap();
    world.store.suspend(BOT, "").await.unwrap();
    world.store.resume(BOT).await.unwrap();
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    assert_eq!(claim.credential, Some(new));
}
