//! Rule 9: the replacement of a key, while workers run.

use secrecy::{ExposeSecret as _, SecretString};
use skype_p2p_fleet::{
    Batch, Keyring, NewIdentity, Purpose, Replacement, Sealed, SealingError, reseal,
};

use crate::harness::World;

const OLD: &str = "old q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
const NEW: &str = "new AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

on_each_store![
    rule_09_every_value_is_sealed_by_the_new_key_and_the_old_one_can_be_removed,
    rule_09_a_value_that_a_worker_stores_meanwhile_is_not_overwritten,
];

fn keyring(keys: &[&str]) -> Keyring {
    Keyring::parse(&SecretString::from(keys.join("\n"))).unwrap()
}

fn bot(number: usize) -> String {
    format!("sip:bot{number}@contoso.com")
}

async fn add(world: &World, keyring: &Keyring, sip_uri: &str) {
    let mut identity = NewIdentity::new(sip_uri);
    let password = keyring.seal(sip_uri, Purpose::Credential, b"password");
    identity.credential = Some(password.unwrap());
    world.store.add_identity(identity).await.unwrap();
}

async fn rule_09_every_value_is_sealed_by_the_new_key_and_the_old_one_can_be_removed(
    world: &World,
) {
    let store = &*world.store;
    let old = keyring(&[OLD]);
    // More than a page.
    for number in 0..401 {
        add(world, &old, &bot(number)).await;
    }
    let worker = world.worker().await;
    let claims = store.claim(worker, 10).await.unwrap();
    let batches: Vec<_> = claims
        .iter()
        .map(|claim| {
            let sealed = old.seal(&claim.sip_uri, Purpose::Checkpoint, b"checkpoint");
            let mut batch = Batch::new(claim.lease, 1);
            batch.checkpoint = Some(sealed.unwrap());
            batch
        })
        .collect();
    store.commit(&batches).await.unwrap();
    // No keyring contains the key of this value, so it cannot be sealed again.
    let lost = keyring(&["lost AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]);
    add(world, &lost, "sip:lost@contoso.com").await;
    let both = keyring(&[NEW, OLD]);

    let first = reseal(store, &both).await.unwrap();
    assert_eq!((first.resealed, first.current, first.changed), (411, 0, 0));
    let why = SealingError::UnknownKey("lost".to_owned());
    let failed = ("sip:lost@contoso.com".to_owned(), Purpose::Credential, why);
    assert_eq!(first.failed, [failed]);
    assert!(!first.is_complete());
    let again = reseal(store, &both).await.unwrap();
    assert_eq!((again.resealed, again.current), (0, 411));
    assert!(!again.is_complete());
    store
        .remove_identity("sip:lost@contoso.com", false)
        .await
        .unwrap();
    assert!(reseal(store, &both).await.unwrap().is_complete());

    let new = keyring(&[NEW]);
    for (number, claim) in claims.iter().enumerate() {
        assert_eq!(claim.sip_uri, bot(number));
    }
    let values = store.sealed_values(claims[8].lease.identity, 2).await;
    let values = values.unwrap();
    let open = |place: usize, purpose, sealed: &Option<Sealed>| {
        let opened = new.open(&bot(place), purpose, sealed.as_ref().unwrap());
        opened.unwrap().expose_secret().to_vec()
    };
    for (place, value) in (9..).zip(&values) {
        let password = open(place, Purpose::Credential, &value.credential);
        assert_eq!(password, b"password");
    }
    let checkpoint = open(9, Purpose::Checkpoint, &values[0].checkpoint);
    assert_eq!(checkpoint, b"checkpoint");
    assert_eq!((values.len(), &values[1].checkpoint), (2, &None));
}

async fn rule_09_a_value_that_a_worker_stores_meanwhile_is_not_overwritten(world: &World) {
    let store = &world.store;
    let worker = world.worker().await;
    let lease = world.ready(worker, &bot(0)).await;
    let store_checkpoint = async |number, bytes: &str| {
        let mut batch = Batch::new(lease, number);
        batch.checkpoint = Some(Sealed::from_bytes(bytes));
        world.commit(batch).await.unwrap();
    };
    let replacement = |purpose, old: &str, new: &str| Replacement {
        identity: lease.identity,
        purpose,
        old: Sealed::from_bytes(old),
        new: Sealed::from_bytes(new),
    };
    store_checkpoint(1, "first").await;
    store_checkpoint(2, "second").await;
    let replacements = [
        replacement(Purpose::Checkpoint, "first", "first, sealed anew"),
        replacement(Purpose::Credential, "second", "of another purpose"),
        replacement(Purpose::Checkpoint, "second", "second, sealed anew"),
    ];
    let outcomes = store.replace_sealed(&replacements).await.unwrap();
    assert_eq!(outcomes, [false, false, true]);
    let values = store
        .sealed_values(skype_p2p_fleet::IdentityId(0), 10)
        .await;
    let values = values.unwrap();
    let expected = Some(Sealed::from_bytes("second, sealed anew"));
    assert_eq!((values.len(), &values[0].checkpoint), (1, &expected));
    assert_eq!(values[0].credential, None);
}
