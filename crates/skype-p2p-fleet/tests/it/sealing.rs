//! Rule 9: secrets.

use secrecy::{ExposeSecret as _, SecretString};
use skype_p2p_fleet::{
    Batch, Content, Keyring, NewIdentity, NewMessage, Purpose, Release, Sealed, SealingError,
};

use crate::harness::{PEER, World, cluster::Cluster};

const BOT: &str = "sip:bot@contoso.com";
const OLD: &str = "old q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=";
const NEW: &str = "new ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=";

fn keyring(text: &str) -> Result<Keyring, SealingError> {
    Keyring::parse(&SecretString::from(text))
}

#[test]
fn rule_09_a_sealed_value_belongs_to_one_identity_and_one_purpose() {
    let keyring = keyring(OLD).unwrap();
    let sealed = keyring.seal(BOT, Purpose::Credential, b"secret").unwrap();
    let opened = keyring.open("SIP:BOT@contoso.com", Purpose::Credential, &sealed);
    assert_eq!(opened.unwrap().expose_secret(), b"secret");
    for (identity, purpose) in [
        ("sip:bot2@contoso.com", Purpose::Credential),
        (BOT, Purpose::Checkpoint),
    ] {
        let failure = keyring.open(identity, purpose, &sealed).unwrap_err();
        assert_eq!(failure, SealingError::NotAuthentic);
    }
    let again = keyring.seal(BOT, Purpose::Credential, b"secret").unwrap();
    assert_ne!(again, sealed);
}

#[test]
fn rule_09_a_changed_value_is_not_accepted() {
    let keyring = keyring(OLD).unwrap();
    let sealed = keyring.seal(BOT, Purpose::Checkpoint, b"secret").unwrap();
    let bytes = sealed.as_bytes();
    assert!(!bytes.windows(6).any(|it| it == b"secret"));
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        for changed in [changed, bytes[..at].to_vec()] {
            let changed = Sealed::from_bytes(changed);
            let opened = keyring.open(BOT, Purpose::Checkpoint, &changed);
            assert!(opened.is_err(), "byte {at}");
        }
    }
}

#[test]
fn rule_09_a_new_key_seals_and_the_old_one_still_opens() {
    let sealed = keyring(OLD).unwrap();
    let sealed = sealed.seal(BOT, Purpose::Credential, b"secret").unwrap();
    let both = keyring(&format!("# keys of the fleet\n{NEW}\n\n  {OLD}\n")).unwrap();
    assert!(both.open(BOT, Purpose::Credential, &sealed).is_ok());
    let again = both.seal(BOT, Purpose::Credential, b"secret").unwrap();
    let new = keyring(NEW).unwrap();
    assert!(new.open(BOT, Purpose::Credential, &again).is_ok());
    let failure = new.open(BOT, Purpose::Credential, &sealed).unwrap_err();
    assert_eq!(failure, SealingError::UnknownKey("old".to_owned()));
}

#[test]
fn rule_09_a_keyring_names_its_malformed_line_and_shows_no_key() {
    let short = "short q83vASNFZ4mrze8BI0VniQ==";
    for (text, error) in [
        ("", SealingError::NoKey),
        ("# none", SealingError::NoKey),
        (short, SealingError::MalformedKey(1)),
        ("id-only", SealingError::MalformedKey(1)),
        (&format!("{OLD}\nnew ???"), SealingError::MalformedKey(2)),
    ] {
        assert_eq!(keyring(text).unwrap_err(), error);
    }
    let shown = format!("{:?}", keyring(OLD).unwrap());
    assert_eq!(shown, r#"Keyring { keys: ["old"] }"#);
}

/// Plants a password and a token, as a worker stores them, and searches for them.
#[tokio::test]
async fn rule_09_a_dump_of_the_database_contains_no_secret() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let database = cluster.create_database().await;
    let world = World::on(cluster, &database).await;
    let keyring = keyring(OLD).unwrap();
    let password = "planted-password-7";
    let token = "planted-token-7";
    let mut identity = NewIdentity::new(BOT);
    let credential = keyring.seal(BOT, Purpose::Credential, password.as_bytes());
    identity.credential = Some(credential.unwrap());
    world.store.add_identity(identity).await.unwrap();
    let worker = world.worker().await;
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    let checkpoint = || {
        let sealed = keyring.seal(BOT, Purpose::Checkpoint, token.as_bytes());
        Some(sealed.unwrap())
    };
    let mut batch = Batch::new(claim.lease, 1);
    batch.checkpoint = checkpoint();
    world.commit(batch).await.unwrap();
    let release = Release {
        lease: claim.lease,
        checkpoint: checkpoint(),
        pause: world.seconds(0),
        gap: world.seconds(0),
    };
    world.store.release(&[release]).await.unwrap();
    let message = NewMessage::new(BOT, "1", PEER, Content::plain("a text to be found"));
    world.store.enqueue(&[message]).await.unwrap();

    let dump = cluster.dump(&database);
    // Neither as text nor in the hexadecimal form of binary values.
    for secret in [password, token] {
        let hex: String = secret.bytes().map(|it| format!("{it:02x}")).collect();
        assert!(!dump.contains(secret) && !dump.contains(&hex), "{secret}");
    }
    // The search finds what is there: a text, and the name of the key before the encrypted bytes.
    assert!(dump.contains("a text to be found"));
    let key_id: String = b"old".iter().map(|it| format!("{it:02x}")).collect();
    assert_eq!(dump.matches(&format!("0103{key_id}")).count(), 2);
    // A worker can read both.
    let claim = world.store.claim(worker, 1).await.unwrap().remove(0);
    let open = |purpose, sealed: Option<Sealed>| {
        let opened = keyring.open(BOT, purpose, &sealed.unwrap()).unwrap();
        opened.expose_secret().to_vec()
    };
    let credential = open(Purpose::Credential, claim.credential);
    assert_eq!(credential, password.as_bytes());
    let checkpoint = open(Purpose::Checkpoint, claim.checkpoint);
    assert_eq!(checkpoint, token.as_bytes());
}
