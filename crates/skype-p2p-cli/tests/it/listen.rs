use std::process::Command;

use crate::process::{
    self, LENE, PASSWORD, Process, TOSH, command, lene, run, serve, server, signed_in,
};

fn send(root: &str) -> Option<i32> {
    send_within(root, TOSH, "10")
}

/// Sends a message with this time limit in seconds.
fn send_within(root: &str, from: &str, limit: &str) -> Option<i32> {
    process::send(root, from, LENE, &["--timeout", limit, "Hi"]).code
}

#[cfg(unix)]
#[test]
fn interrupted_it_signs_out() {
    for signal in ["TERM", "INT", "HUP"] {
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
    let tosh = signed_in(&root, TOSH).await;
    let conversation = tosh.conversations_manager().get_conversation(LENE).unwrap();
    let messages = conversation.chat_service().messages();
    conversation
        .chat_service()
        .send_message("Is there an echo?")
        .await
        .unwrap();
    messages.size().wait_for(2).await.unwrap();
    assert_eq!(
        messages.get(1).unwrap().body().raw(),
        "Echo: Is there an echo?"
    );
    let verdict = tokio::task::spawn_blocking(move || lene.line_of("message.status", "Succeeded"))
        .await
        .unwrap();
    assert_eq!(verdict["direction"], "Outgoing");
    assert_eq!(verdict["text"], "Echo: Is there an echo?");
    tosh.sign_in_manager().sign_out().await.unwrap();
}

#[test]
fn a_failed_sign_in_is_told_and_ends_it() {
    let (_server, root) = server();
    let mut listening = command(["listen", "-v", "--root", &root, "--user", LENE, "--json"]);
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

#[test]
fn without_accept_an_invitation_is_shown_and_not_answered() {
    let (_server, root) = server();
    let listening = ["listen", "--root", &root, "--user", LENE, "--json"];
    let mut lene = Process::start(command(listening));
    lene.line_of("sign_in.state", "SignedIn");
    assert_eq!(send_within(&root, TOSH, "2"), Some(3));
    lene.line_of("chat.state", "Notified");
    let help = run(["listen", "--help"]).stdout.join("\n");
    assert!(help.contains("[default: none]"), "{help}");
}

#[test]
fn known_are_the_users_of_the_own_domain_and_those_on_the_command_line() {
    let john = "johnd@fabrikam.com";
    let [tosh, lene, stranger] = [
        format!("toshm:{PASSWORD}"),
        format!("lenea:{PASSWORD}"),
        format!("{john}:{PASSWORD}"),
    ];
    let users = ["--user", &tosh, "--user", &lene, "--user", &stranger];
    let (_server, root) = serve(&users);
    let send = |from: &str| send_within(&root, from, "3");
    let own = crate::process::lene(&root, &["--accept", "known", "--endpoint-id", "desk"]);
    assert_eq!(send(TOSH), Some(0));
    assert_eq!(send(john), Some(3), "a stranger is not accepted");
    drop(own);
    for known in [john, "@fabrikam.com"] {
        let listening = [
            "--accept",
            "known",
            "--known",
            known,
            "--endpoint-id",
            "desk",
        ];
        let lene = crate::process::lene(&root, &listening);
        assert_eq!(send(john), Some(0), "{known}");
        drop(lene);
    }
}

#[test]
fn send_waits_for_answers() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--echo"]);
    let sent = process::send(&root, TOSH, LENE, &["--wait", "2", "Hi"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(
        sent.stdout,
        [
            "Delivered to lenea@contoso.com.",
            "lenea@contoso.com: Echo: Hi"
        ]
    );
}

#[cfg(unix)]
#[test]
fn an_ended_conversation_is_removed() {
    let (_server, root) = server();
    let mut lene = lene(&root, &["-v"]);
    for _ in 0..2 {
        assert_eq!(send(&root), Some(0));
        lene.line_of("conversation.state", "Disconnected");
    }
    lene.signal("TERM");
    let stderr = lene.end().stderr;
    let removed = stderr.matches("The conversation has ended and was removed.");
    assert_eq!(removed.count(), 2, "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_peer_that_leaves_is_no_error_of_an_echo() {
    let (_server, root) = server();
    let mut lene = lene(&root, &["--echo"]);
    for _ in 0..3 {
        assert_eq!(send(&root), Some(0));
        lene.line_of("conversation.state", "Disconnected");
    }
    lene.signal("TERM");
    let lene = lene.end();
    assert_eq!((lene.code, lene.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_json_line_has_the_author_the_time_and_the_ids() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    assert_eq!(send(&root), Some(0));
    let first = lene.line_of("messages.added", "Hi");
    assert_eq!(first["version"], 1);
    assert_eq!(first["author"]["uri"], "sip:toshm@contoso.com");
    assert_eq!(first["author"]["name"], "Tosh Meston");
    for member in ["time", "sent_at"] {
        let time: jiff::Timestamp = first[member].as_str().unwrap().parse().unwrap();
        let age = jiff::Timestamp::now().duration_since(time).as_secs().abs();
        assert!(age < 60, "{member}: {first}");
    }
    let ended = lene.line_of("conversation.state", "Disconnected");
    assert_eq!(ended["conversation_id"], first["conversation_id"]);
    assert_eq!(send(&root), Some(0));
    let second = lene.line_of("messages.added", "Hi");
    assert_ne!(second["conversation_id"], first["conversation_id"]);
    assert!(second["message_id"].is_string());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_it_with_a_code_of_its_own() {
    let (_server, root) = server();
    let mut listening = command(["listen", "--root", &root, "--user", LENE]);
    let full = std::fs::File::options().write(true).open("/dev/full");
    listening.stdout(full.unwrap());
    let lene = listening.output().unwrap();
    assert_eq!(lene.status.code(), Some(5));
    let stderr = String::from_utf8(lene.stderr).unwrap();
    assert!(
        stderr.contains("Cannot write to standard output"),
        "{stderr}"
    );
}

#[test]
fn the_log_in_a_file_has_no_colors_unless_they_are_wanted() {
    let (_server, root) = server();
    let log = |more: &[&str]| {
        let logged = [&["--log", "trace", "Hi"], more].concat();
        process::send(&root, TOSH, LENE, &logged).stderr
    };
    let plain = log(&[]);
    assert!(
        plain.contains("TRACE") || plain.contains("DEBUG"),
        "{plain}"
    );
    assert!(!plain.contains('\u{1b}'));
    assert!(log(&["--color", "always"]).contains('\u{1b}'));
}
