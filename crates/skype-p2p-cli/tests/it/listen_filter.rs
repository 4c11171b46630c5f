//! Which lines `listen` writes, and the transcript.

use crate::{
    listen_answers::serve,
    process::{self, Folder, LENE, Process, TOSH, command, lene, run, server, signed_in},
};

const JOHN: &str = "johnd@contoso.com";

fn send(root: &str, from: &str, text: &str) -> Option<i32> {
    process::send(root, from, LENE, &[text]).code
}

/// Sends a message that rings until the time limit.
fn ring(root: &str, from: &str) -> Option<i32> {
    process::send(root, from, LENE, &["--timeout", "3", "from John"]).code
}

#[tokio::test(flavor = "multi_thread")]
async fn from_one_sender_is_all_that_is_written_and_accepted() {
    let (_server, root) = serve(&["toshm", "lenea", "johnd"]);
    let mut lene = lene(&root, &["--from", "sip:ToshM@contoso.com", "--echo"]);
    assert_eq!(ring(&root, JOHN), Some(3), "it is not accepted");

    // In a group, the messages of others are left out.
    let tosh = signed_in(&root, TOSH).await;
    let john = signed_in(&root, JOHN).await;
    let invited = john.conversations_manager().conversations();
    let _accepting = invited.added(|conversation, _, _| {
        let chat = conversation.self_participant().chat();
        let service = conversation.chat_service();
        let notified = chat.state().changed(move |change| {
            if change.new == skype_p2p::CallConnectionState::Notified {
                tokio::spawn(service.accept());
            }
        });
        std::mem::forget(notified);
    });
    let manager = tosh.conversations_manager();
    let conversation = manager.get_conversation(LENE).unwrap();
    let chat = conversation.chat_service();
    chat.send_message("from Tosh").await.unwrap();
    conversation.participants().add(JOHN).await.unwrap();
    let group = invited.snapshot().pop().unwrap();
    group
        .chat_service()
        .send_message("from John")
        .await
        .unwrap();
    chat.send_message("again from Tosh").await.unwrap();

    let mut texts = Vec::new();
    loop {
        let line = lene.line_with(|line| line["event"] == "messages.added");
        texts.push(line["text"].as_str().unwrap().to_owned());
        if texts.iter().any(|text| text == "Echo: again from Tosh") {
            break;
        }
    }
    assert!(!texts.iter().any(|text| text.contains("John")), "{texts:?}");
    tosh.sign_in_manager().sign_out().await.unwrap();
    john.sign_in_manager().sign_out().await.unwrap();
}

#[test]
fn a_domain_stands_for_its_users() {
    let (_server, root) = serve(&["toshm", "lenea", "stranger@fabrikam.com"]);
    let _lene = lene(&root, &["--from", "@Contoso.com"]);
    assert_eq!(send(&root, TOSH, "Hi"), Some(0));
    assert_eq!(ring(&root, "stranger@fabrikam.com"), Some(3));
    for wrong in ["toshm", "toshm@", "@"] {
        let listening = ["listen", "--root", &root, "--user", LENE, "--from", wrong];
        assert_eq!(run(listening).code, Some(2), "{wrong}");
    }
}

#[test]
fn only_lines_of_the_named_events_are_written() {
    let (_server, root) = server();
    let listening = ["listen", "--root", &root, "--user", LENE, "--json"];
    let filter = ["--event", "sign_in.state", "--event", "messages.added"];
    let accept = ["--accept", "all"];
    let mut lene = Process::start(command(listening.iter().chain(&filter).chain(&accept)));
    lene.line_of("sign_in.state", "SignedIn");
    for text in ["one", "two"] {
        assert_eq!(send(&root, TOSH, text), Some(0));
        let next: serde_json::Value = serde_json::from_str(&lene.line()).unwrap();
        assert_eq!(
            (&next["event"], &next["text"]),
            (&"messages.added".into(), &text.into())
        );
    }
    let wrong = run(listening.iter().chain(&["--event", "messages"]));
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("message.status"), "{}", wrong.stderr);
}

#[cfg(unix)]
#[test]
fn a_transcript_has_the_json_lines_and_belongs_to_its_owner() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let (_server, root) = server();
    let folder = Folder::new("transcript");
    let file = folder.path().join("chat.jsonl");
    let path = file.display().to_string();
    let listen = || {
        let mut lene = lene(&root, &["--transcript", &path]);
        assert_eq!(send(&root, TOSH, "Hi"), Some(0));
        lene.line_of("messages.added", "Hi");
        lene.signal("TERM");
        assert_eq!(lene.end().code, Some(0));
        fs::read_to_string(&file).unwrap()
    };
    let first = listen();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let events: Vec<serde_json::Value> = first
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.last().unwrap()["new"], "SignedOut");
    let messages = events.iter().filter(|line| line["text"] == "Hi");
    assert_eq!(messages.count(), 1, "{first}");
    let second = listen();
    assert!(second.starts_with(&first), "the file is appended to");
    assert_eq!(second.matches("\"text\":\"Hi\"").count(), 2);

    let missing = format!("{path}/missing");
    let listening = ["listen", "--root", &root, "--user", LENE, "--transcript"];
    let wrong = run(listening.iter().chain(&[missing.as_str()]));
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    if cfg!(target_os = "linux") {
        let full = run(listening.iter().chain(&["/dev/full"]));
        assert_eq!(full.code, Some(5), "{}", full.stderr);
        assert!(
            full.stderr.contains("Cannot write to /dev/full"),
            "{}",
            full.stderr
        );
    }
}
