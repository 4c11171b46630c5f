//! Secrets in documents that lie in other documents are dropped, also where readers can disagree on where a document ends.

use conv_transport::Har;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{form, gone, ok, planted::Planted, recorded, typed};

const MIXED: &str = "multipart/mixed; boundary=b";

#[tokio::test(start_paused = true)]
async fn secrets_in_multipart_bodies_are_dropped() {
    let secret = "swordfish-2015";
    for (case, kind, body) in [
        (
            "under one boundary, in XML",
            MIXED,
            "--b\r\n\r\n<a x=\"--b\r\n\r\n--b\r\n\r\ngrant_type=x&#x26;flow=swordfish-2015%22\r\n--b--\r\n\r\n--b--\r\n\"/>\r\n--b--",
        ),
        (
            "under one boundary, cut off",
            MIXED,
            "--b\r\n\r\n<s:Envelope><x>--b\r\n\r\na\r\n--b\r\n\r\n</x><Context>swordfish-2015",
        ),
        (
            "under a boundary that begins with the outer one",
            MIXED,
            "--b\r\n\r\n<s:Envelope><x>\r\n--bb\r\n\r\na\r\n--bb--</x><Context>swordfish-2015</Context></s:Envelope>\r\n--b--",
        ),
        (
            "after the end",
            MIXED,
            "--b\r\n\r\n<s:Envelope><x>\r\n--b--\r\n--b\r\n\r\n</x><Context>swordfish-2015</Context></s:Envelope>\r\n--b--",
        ),
        (
            "before the first part",
            MIXED,
            "grant_type=x&flow=swordfish-2015\r\n--b\r\n\r\na\r\n--b--",
        ),
        (
            "behind the last part, under another boundary",
            "",
            "--b\r\n\r\na\r\n--b--\r\n--q\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nswordfish-2015\r\n--q--",
        ),
        (
            "under a boundary that the type does not name",
            MIXED,
            "--q\r\n\r\na\r\n--q\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nswordfish-2015\r\n--q--",
        ),
        (
            "in a sign-in form of parts",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"flow\"\r\n\r\nswordfish-2015\r\n--b--",
        ),
        (
            "with a folded header",
            MIXED,
            "--b\r\nContent-Disposition: form-data;\r\n name=\"password\"\r\n\r\nswordfish-2015\r\n--b--",
        ),
        (
            "in base64 with a character that readers skip",
            MIXED,
            "--b\r\nContent-Transfer-Encoding: base64\r\n\r\neyJwYXNzd29yZCI6I!nN3b3JkZmlzaC0yMDE1In0=\r\n--b--",
        ),
        (
            "in base64 in a text",
            "text/plain",
            "see eyJwYXNzd29yZCI6InN3b3JkZmlzaC0yMDE1In0= and\r\n\"eyJwYXNzd29yZCI6InN3b3JkZmlzaC0yMDE1In0\",",
        ),
        (
            "in a data URI with other text behind it",
            "text/plain",
            "data:text/plain;base64,eyJwYXNzd29yZCI6InN3b3JkZmlzaC0yMDE1In0=\r\nand more",
        ),
        (
            "escaped twice",
            "text/plain",
            "grant_type=x&#x26;flow=swordfish-2015%22",
        ),
    ] {
        let hidden = [secret, "N3b3JkZmlzaC0yMDE1In0"];
        gone(case, typed(kind, body), ok(""), &[], &hidden).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_multipart_body_keeps_what_is_no_secret() {
    let body = "--b\r\nContent-Type: text/plain\r\n\r\nHello --B\r\n--b\r\n\r\n{\"subject\":\"x\",\"password\":\"swordfish-2015\"}\r\n--b--";
    let file = recorded(typed(MIXED, body), ok(""), &[]).await;
    assert!(
        file.contains("Hello --B") && file.contains("subject"),
        "{file}"
    );
    let text = "--help\nsays what --help is";
    let file = recorded(typed("text/plain", text), ok(""), &[]).await;
    assert!(file.contains("says what --help is"), "{file}");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_any_request_for_a_token_keeps_only_what_a_replay_needs() {
    let granted = || ok(r#"{"expires_in":1,"flow":"GRANTED-2015"}"#);
    for request in [
        form("x=1&grant%5Ftype=password"),
        typed(
            "application/json",
            r#"{"grant_type":"urn:microsoft.rtc:windows"}"#,
        ),
        typed(
            MIXED,
            "--b\r\nContent-Disposition: form-data; name=grant_type\r\n\r\nx\r\n--b--",
        ),
    ] {
        let case = format!("{request:?}");
        gone(&case, request, granted(), &[], &["GRANTED"]).await;
    }
}

/// A failure prints the seed of its file. `REDACTION_SEED` begins with another one than the first of the thousand. More of them
/// are for the fuzz target `redact`.
#[test]
fn a_secret_under_any_layers_is_dropped() {
    let given = std::env::var("REDACTION_SEED").ok();
    let first = given.map_or(0_u64, |seed| seed.parse().unwrap());
    let mut failed = Vec::new();
    for seed in first..first.saturating_add(1_000) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let choices = std::iter::repeat_with(|| random.next_u32().to_le_bytes()[0]);
        let planted = Planted::new(choices);
        let secrets: Vec<String> = planted.secrets().collect();
        let mut har = Har::from_slice(planted.file.as_bytes()).unwrap();
        let redacted = har.redact(&secrets, &[]);
        let file = String::from_utf8(har.to_vec().unwrap()).unwrap();
        if let Some(left) = planted.left_in(&file) {
            failed.push(format!(
                "REDACTION_SEED={seed}: {redacted:?} {left:?}\n{}",
                planted.file
            ));
        } else if let Err(error) = redacted {
            failed.push(format!(
                "REDACTION_SEED={seed}: {error:?}\n{}",
                planted.file
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
