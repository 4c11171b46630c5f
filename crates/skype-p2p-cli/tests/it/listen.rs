use std::process::Command;

use skype_p2p::{Application, Credentials, Root};

use crate::process::{LENE, PASSWORD, Process, TOSH, command, lene, run, server};

fn send(root: &str) -> Option<i32> {
    run([
        "send",
        "--root",
        root,
        "--user",
        TOSH,
        "--to",
        LENE,
        "--timeout",
        "10",
        "Hi",
    ])
    .code
}

#[cfg(unix)]
#[test]
fn interrupted_it_signs_out() {
    for signal in ["TERM", "INT"] {
        let (_server, root) = server();
        let lene = lene(&root, &[]);
        assert_eq!(send(&root), Some(0));
        lene.signal(signal);
        let lene = lene.end();
        assert_eq!(lene.code, Some(0), "{}", lene.stderr);
        let last: serde_json::Value = serde_json::from_str(lene.stdout.last().unwrap()).unwrap();
        assert_eq!(last["event"], "sign_in.state");
        assert_eq!(last["new"], "SignedOut");
        assert_eq!(last["reason"], serde_json::Value::Null);
        // The server knows: nobody is there to be invited.
        assert_eq!(send(&root), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_comes_back() {
    let (_server, root) = server();
    let mut lene = lene(&root, &["--echo"]);
    let tosh = Application::builder()
        .root(Root::Url(root))
        .build()
        .unwrap();
    tosh.sign_in_manager()
        .sign_in(Credentials::password(TOSH, PASSWORD))
        .await
        .unwrap();
    let conversation = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let messages = conversation.chat_service().messages();
    conversation
        .chat_service()
        .send_message("Is there an echo?")
        .await
        .unwrap();
    messages.size().wait_for(2).await.unwrap();
    assert_eq!(messages.get(1).unwrap().body().raw(), "Is there an echo?");
    let verdict = tokio::task::spawn_blocking(move || lene.line_of("message.status", "Succeeded"))
        .await
        .unwrap();
    assert_eq!(verdict["direction"], "Outgoing");
    assert_eq!(verdict["text"], "Is there an echo?");
    tosh.sign_in_manager().sign_out().await.unwrap();
}

#[test]
fn a_failed_sign_in_is_told_and_ends_it() {
    let (_server, root) = server();
    let mut listening = command(["listen", "--root", &root, "--user", LENE, "--json"]);
    listening.env("SKYPE_P2P_PASSWORD", "not-the-password");
    let lene = Process::start(listening).end();
    assert_eq!(lene.code, Some(4));
    assert!(lene.stderr.contains("invalid_grant"), "{}", lene.stderr);
    assert_eq!(
        run(["listen", "--root", "nonsense", "--user", LENE]).code,
        Some(2)
    );
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let (_server, root) = server();
    let head = format!(
        "{} listen --root {root} --user {LENE} --accept all --json | head -2 >/dev/null",
        env!("CARGO_BIN_EXE_skype-p2p")
    );
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &head])
        .env("SKYPE_P2P_PASSWORD", PASSWORD)
        .env_remove("RUST_LOG");
    let mut shell = shell.stderr(std::process::Stdio::piped()).spawn().unwrap();
    // It may have written what it had to say before the reader left: more to say makes it notice.
    let ended = (0..50).any(|_| {
        send(&root);
        shell.try_wait().unwrap().is_some()
    });
    if !ended {
        shell.kill().unwrap();
    }
    let output = shell.wait_with_output().unwrap();
    assert!(ended, "it goes on writing to nobody");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    // It signed out when it noticed.
    assert_eq!(send(&root), Some(1));
}
