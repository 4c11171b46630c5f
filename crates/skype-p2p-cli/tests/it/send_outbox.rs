//! `send --idempotency-key`: repeated calls.

use serde_json::Value;

use crate::process::{Ended, Folder, LENE, Process, TOSH, command, lene, sending, server};

const NOBODY: &str = "nobody@contoso.com";

/// Calls of `send` with an outbox of their own.
struct Sender {
    root: String,
    state: Folder,
}

impl Sender {
    fn new(root: &str) -> Self {
        Self {
            root: root.to_owned(),
            state: Folder::new("outbox"),
        }
    }

    /// A running call of Tosh.
    fn with_key(&self, key: &str, text: &str, more: &[&str]) -> Process {
        let keyed = [more, &["--idempotency-key", key, text]].concat();
        let mut sending = sending(&self.root, TOSH, LENE, &keyed);
        sending.env("XDG_STATE_HOME", self.state.path());
        Process::start(sending)
    }

    fn start(&self, text: &str, more: &[&str]) -> Process {
        self.with_key("disk", text, more)
    }

    fn send(&self, text: &str, more: &[&str]) -> Ended {
        self.start(text, more).end()
    }
}

/// The texts that Lene gets, up to this one.
fn texts_until(lene: &mut Process, last: &str) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let line = lene.line_with(|line| line["event"] == "messages.added");
        texts.push(line["text"].as_str().unwrap().to_owned());
        if texts.last().is_some_and(|text| text == last) {
            return texts;
        }
    }
}

#[test]
fn a_repeated_call_sends_nothing() {
    let (server, root) = server();
    let sender = Sender::new(&root);
    let mut lene = lene(&root, &[]);
    let first = sender.send("first", &[]);
    assert_eq!(
        first.stdout,
        ["Delivered to lenea@contoso.com."],
        "{first:?}"
    );
    let second = sender.send("second", &[]);
    assert_eq!((second.code, second.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        second.stdout,
        ["Delivered to lenea@contoso.com by an earlier call."]
    );
    let other = sender.with_key("disk-2", "other key", &[]).end();
    assert_eq!(other.stdout, ["Delivered to lenea@contoso.com."]);
    assert_eq!(texts_until(&mut lene, "other key"), ["first", "other key"]);

    // Without anything to send, no server is needed.
    drop(server);
    let third = sender.send("third", &["--json", "--to", "sip:LeneA@contoso.com"]);
    let result: Value = serde_json::from_str(&third.stdout[0]).unwrap();
    assert_eq!(third.stdout.len(), 1);
    assert_eq!(
        (third.code, &result["result"]),
        (Some(0), &"delivered".into())
    );
    assert_eq!(
        (&result["earlier"], &result["attempts"]),
        (&true.into(), &0.into())
    );
}

#[test]
fn a_killed_call_may_have_sent_the_message() {
    let (_server, root) = server();
    let sender = Sender::new(&root);
    let mut ringing = lene(&root, &["--accept", "none"]);
    let killed = sender.start("first", &[]);
    ringing.line_of("chat.state", "Notified");
    drop(killed);
    drop(ringing);

    let mut lene = lene(&root, &["--endpoint-id", "second"]);
    let second = sender.send("second", &[]);
    assert_eq!(second.code, Some(3), "{second:?}");
    let sentence = "Unknown: another call may have sent the message to lenea@contoso.com.";
    assert_eq!(second.stdout, [sentence]);
    assert!(second.stderr.contains("--resend"), "{}", second.stderr);
    let third = sender.send("third", &["--resend"]);
    assert_eq!(
        third.stdout,
        ["Delivered to lenea@contoso.com."],
        "{third:?}"
    );
    assert!(!texts_until(&mut lene, "third").contains(&"second".to_owned()));
    // The result is known now, also with the option.
    let fourth = sender.send("fourth", &["--resend"]);
    assert_eq!(
        fourth.stdout,
        ["Delivered to lenea@contoso.com by an earlier call."]
    );
}

#[test]
fn a_call_that_was_killed_before_it_sent_anything_does_not_count() {
    let (_server, root) = server();
    let sender = Sender::new(&root);
    let slow = ["--fault", "delay=60s,path=/applications"];
    let killed = sender.start("first", &slow);
    // The journal exists as soon as the call has looked for earlier ones.
    let outbox = sender.state.path().join("skype-p2p/outbox");
    while !std::fs::read_dir(&outbox).is_ok_and(|files| files.count() == 2) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(killed);
    let _lene = lene(&root, &[]);
    let second = sender.send("second", &[]);
    assert_eq!(
        second.stdout,
        ["Delivered to lenea@contoso.com."],
        "{second:?}"
    );
}

#[test]
fn what_was_not_delivered_is_sent_again_and_each_receiver_has_a_result() {
    let (_server, root) = server();
    let sender = Sender::new(&root);
    let first = sender.send("first", &[]);
    assert_eq!(first.code, Some(1), "{first:?}");
    let _lene = lene(&root, &[]);
    let results = |more: &[&str]| {
        let mut sent = sender.send("Hi", more);
        sent.stdout.sort();
        (sent.code, sent.stdout)
    };
    let nobody = "Not delivered: nobody@contoso.com does not exist, or is not signed in.";
    assert_eq!(
        results(&["--to", NOBODY]),
        (
            Some(1),
            vec![
                "Delivered to lenea@contoso.com.".to_owned(),
                nobody.to_owned()
            ]
        )
    );
    let earlier = "Delivered to lenea@contoso.com by an earlier call.";
    assert_eq!(
        results(&["--to", NOBODY]),
        (Some(1), vec![earlier.to_owned(), nobody.to_owned()])
    );
}

#[test]
fn of_two_calls_at_the_same_time_one_sends_and_the_other_waits() {
    let (_server, root) = server();
    let sender = Sender::new(&root);
    let mut lene = lene(&root, &[]);
    let slow = ["--fault", "delay=1s,path=/messagingInvitations"];
    let calls = ["one", "two"].map(|text| sender.start(text, &slow));
    let mut lines = Vec::new();
    for call in calls {
        let ended = call.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        lines.extend(ended.stdout);
    }
    lines.sort();
    let earlier = "Delivered to lenea@contoso.com by an earlier call.";
    assert_eq!(lines, [earlier, "Delivered to lenea@contoso.com."]);
    let mut message = lene.line_with(|line| line["event"] == "messages.added");
    let sent = message["text"].take();
    assert!(sent == "one" || sent == "two", "{sent}");
}

#[test]
fn a_call_does_not_wait_longer_than_its_time_limit() {
    let (_server, root) = server();
    let sender = Sender::new(&root);
    let mut ringing = lene(&root, &["--accept", "none"]);
    let _first = sender.start("first", &[]);
    ringing.line_of("chat.state", "Notified");
    let second = sender.send("second", &["--timeout", "1", "--resend"]);
    assert_eq!(second.code, Some(3), "{second:?}");
    assert!(
        second.stdout[0].starts_with("Unknown: another call"),
        "{second:?}"
    );
}

#[cfg(unix)]
#[test]
fn the_outbox_belongs_to_its_owner_and_has_no_text() {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    let (_server, root) = server();
    let sender = Sender::new(&root);
    let _lene = lene(&root, &[]);
    assert_eq!(sender.send("my-own-words", &[]).code, Some(0));
    let outbox = sender.state.path().join("skype-p2p/outbox");
    let files: Vec<_> = fs::read_dir(&outbox).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 2, "the journal and the lock");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(file.path()).unwrap();
        assert!(!text.contains("my-own-words"));
    }
    // An outbox that cannot be used is found before anything is sent.
    let blocked = sender.state.file("blocked", "");
    let sending = [
        "send",
        "--root",
        "http://127.0.0.1:9/",
        "--user",
        TOSH,
        "--to",
        LENE,
    ];
    let key = ["--idempotency-key", "disk", "Hi"];
    let mut sending = command(sending.iter().chain(&key));
    sending.env("XDG_STATE_HOME", blocked);
    let sent = Process::start(sending).end();
    assert_eq!(sent.code, Some(2), "{}", sent.stderr);
    assert!(
        sent.stderr.contains("Cannot use the outbox"),
        "{}",
        sent.stderr
    );
}
