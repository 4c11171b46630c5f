//! `fleet remove` and `fleet reseal`.

use super::{BOT, Fleet, KEY, until};
use crate::process::{LENE, Process, lene};

const NEW_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

impl Fleet {
    /// Starts a worker with these keys, waits until its identities are ready, and drains the worker before it.
    fn replace_worker(&self, keys: &[&str], before: Option<Process>) -> Process {
        self.folder.file("fleet.keys", keys.join("\n"));
        let (worker, _) = self.worker(&[]);
        if let Some(before) = before {
            before.signal("TERM");
            let ended = before.end();
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
            let misfit = "the keys of this worker do not fit";
            assert!(!ended.stderr.contains(misfit), "{}", ended.stderr);
        }
        self.ready(2);
        worker
    }
}

#[tokio::test]
async fn an_operator_replaces_a_key_while_workers_run() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    let (old, new) = (format!("old {KEY}"), format!("new {NEW_KEY}"));
    let (old, new) = (old.as_str(), new.as_str());
    fleet.done(&["migrate"]);
    fleet.folder.file("fleet.keys", old);
    fleet.add(&[BOT, "bot1@contoso.com"]);
    let worker = fleet.replace_worker(&[old], None);
    // 1. Every worker can open what the new key seals.
    let worker = fleet.replace_worker(&[old, new], Some(worker));
    // 2. Every worker seals by the new key.
    let worker = fleet.replace_worker(&[new, old], Some(worker));
    // 3. Everything is sealed by the new key.
    let first = fleet.done(&["reseal"]);
    assert!(first[0].starts_with("Sealed "), "{first:?}");
    until("the keys are replaced", || {
        fleet.done(&["reseal"])[1] == "Every value is sealed by the first key."
    });
    // 4. The old key is not needed.
    let worker = fleet.replace_worker(&[new], Some(worker));
    let mut lene = lene(&fleet.root, &[]);
    let delivered = fleet.enqueue("1", LENE, "With the new key", &["--wait"]);
    assert_eq!(delivered.code, Some(0), "{delivered:?}");
    lene.line_of("messages.added", "With the new key");
    // The passwords can be opened, too: the sessions are gone.
    let client = fleet.cluster.connect(&fleet.database, "fleet").await;
    worker.signal("TERM");
    worker.end();
    let forget = "delete from fleet.checkpoint";
    client.batch_execute(forget).await.unwrap();
    let _worker = fleet.replace_worker(&[new], None);
    // The operator has the old key only.
    let keys = fleet.folder.file("old.keys", old);
    let failed = fleet.run(&["reseal", "--keys-file", &keys]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    let line =
        "not opened: the password of sip:bot0@contoso.com: the keyring has no key with the ID new";
    assert!(failed.stdout.contains(&line.to_owned()), "{failed:?}");
}

#[tokio::test]
async fn an_operator_removes_an_identity() {
    let Some(fleet) = Fleet::new().await else {
        return;
    };
    fleet.done(&["migrate"]);
    fleet.add(&[BOT, "bot1@contoso.com"]);
    let worker = fleet.replace_worker(&[&format!("1 {KEY}")], None);
    fleet.done(&["suspend", BOT]);
    assert_eq!(fleet.enqueue("1", LENE, "Lost", &[]).code, Some(0));
    let refused = fleet.run(&["remove", BOT]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let why = "The identity has 1 messages without a result, and 0 received messages";
    assert!(refused.stderr.contains(why), "{refused:?}");
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    let removed = fleet.done(&["remove", BOT, "--force"]);
    assert_eq!(removed, ["Removed sip:bot0@contoso.com."]);
    assert_eq!(fleet.run(&["remove", BOT]).code, Some(1));
    // One that a worker runs.
    fleet.done(&["remove", "bot1@contoso.com"]);
    let status = fleet.status();
    for state in ["ready", "suspended", "free", "orphaned"] {
        assert_eq!(status["identities"][state], 0, "{status}");
    }
    let client = fleet.cluster.connect(&fleet.database, "fleet").await;
    let left =
        "select (select count(*) from fleet.credential) + (select count(*) from fleet.checkpoint)";
    let row = client.query_one(left, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    // The worker goes on, and can have the identity again.
    fleet.add(&[BOT]);
    fleet.ready(1);
    drop(worker);
}
