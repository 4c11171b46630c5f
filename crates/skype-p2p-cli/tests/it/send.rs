use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::process::{
    self, Ended, Folder, LENE, PASSWORD, Process, TOSH, lene, run, sending, server,
};

fn send(root: &str, user: &str, to: &str, more: &[&str]) -> Ended {
    process::send(root, user, to, &[&["Lunch at noon?"], more].concat())
}

#[test]
fn a_message_from_one_process_reaches_another_through_a_third() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    let sent = send(&root, TOSH, "sip:lenea@contoso.com", &[]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(sent.stdout, ["Delivered to lenea@contoso.com."]);
    let message = lene.line_of("messages.added", "Lunch at noon?");
    assert_eq!(message["direction"], "Incoming");
    assert_eq!(message["who"], LENE);
    assert_eq!(message["conversation"], "sip:toshm@contoso.com");
    lene.line_of("conversation.state", "Disconnected");
}

#[test]
fn a_message_to_nobody_is_not_delivered_and_the_verdict_is_a_sentence() {
    let (_server, root) = server();
    for (nobody, why) in [
        (LENE, "cannot be reached now"),
        ("nobody@contoso.com", "does not exist, or is not signed in"),
    ] {
        let sent = send(&root, TOSH, nobody, &["-v"]);
        assert_eq!(sent.code, Some(1), "{}", sent.stderr);
        assert_eq!(sent.stdout, [format!("Not delivered: {nobody} {why}.")]);
        assert!(sent.stderr.contains("subcode"), "{}", sent.stderr);
        let sent = send(&root, TOSH, nobody, &[]);
        assert_eq!(sent.stderr, "", "the codes are behind -v");
    }
}

#[cfg(unix)]
#[test]
fn an_invitation_that_ends_is_named_as_such() {
    let (_server, root) = server();
    let mut lene = lene(&root, &["--accept", "none"]);
    let sending = Process::start(sending(&root, TOSH, LENE, &["Hi"]));
    lene.line_of("chat.state", "Notified");
    lene.signal("TERM");
    let sent = sending.end();
    assert_eq!(sent.code, Some(1), "{}", sent.stderr);
    assert!(
        sent.stdout[0].starts_with("Not delivered: lenea@contoso.com "),
        "{sent:?}"
    );
}

#[test]
fn without_a_verdict_in_time_the_fate_is_unknown() {
    let (_server, root) = server();
    let mut lene = lene(&root, &["--accept", "none"]);
    let sent = send(&root, TOSH, LENE, &["--timeout", "1"]);
    assert_eq!(sent.code, Some(3), "{}", sent.stderr);
    let sentence = "Unknown: there was no result for lenea@contoso.com in time.";
    assert_eq!(sent.stdout, [sentence]);
    lene.line_of("chat.state", "Notified");
    // The sender signed out, which ends his invitation.
    lene.line_of("conversation.state", "Disconnected");
}

#[test]
fn faults_are_those_of_the_command_line() {
    let (_server, root) = server();
    let refused = send(&root, TOSH, LENE, &["-v", "--fault", "status=403"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("403"), "{}", refused.stderr);

    let _lene = lene(&root, &[]);
    // The message itself, on its way to the server or back.
    let fault = "reset,path=/messagingInvitations";
    let lost = send(&root, TOSH, LENE, &["--fault", fault, "--fault-seed", "3"]);
    assert_ne!(lost.code, Some(2), "{}", lost.stderr);

    for wrong in ["", "rain", "delay=soon", "reset,chance=2"] {
        let sent = send(&root, TOSH, LENE, &["--fault", wrong]);
        assert_eq!(sent.code, Some(2), "{wrong:?}: {}", sent.stderr);
    }
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_before_anything_is_sent() {
    // Nobody listens there: a request would end with 4.
    let root = "http://127.0.0.1:9/";
    for to in [
        "",
        "lenea@",
        "@contoso.com",
        "lene a@contoso.com",
        "tel:+4712345678",
    ] {
        let sent = send(root, TOSH, to, &["-v"]);
        assert_eq!(sent.code, Some(2), "{to:?}: {}", sent.stderr);
        assert!(sent.stdout.is_empty());
        assert!(
            sent.stderr.contains("InvalidArgument"),
            "{to:?}: {}",
            sent.stderr
        );
    }
    assert_eq!(send(root, "to shm", LENE, &[]).code, Some(2));
    assert_eq!(send(root, TOSH, LENE, &["--timeout", "0"]).code, Some(2));
    assert_eq!(
        send(root, TOSH, LENE, &["--password-file", "/nowhere/password"]).code,
        Some(2)
    );
    assert_eq!(send("nonsense", TOSH, LENE, &[]).code, Some(2));
    assert_eq!(run(["send"]).code, Some(2));

    let mut passwordless = sending(root, TOSH, LENE, &["Hi"]);
    passwordless.env_remove("SKYPE_P2P_PASSWORD");
    let sent = Process::start(passwordless).end();
    assert_eq!(sent.code, Some(2));
    assert!(
        sent.stderr.contains("SKYPE_P2P_PASSWORD"),
        "{}",
        sent.stderr
    );
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_failed_sign_ins() {
    let (_server, root) = server();
    let mut wrong = sending(&root, TOSH, LENE, &["-v", "Hi"]);
    wrong.env("SKYPE_P2P_PASSWORD", "not-the-password");
    let unknown = sending(&root, "nobody@contoso.com", LENE, &["-v", "Hi"]);
    for attempt in [wrong, unknown] {
        let sent = Process::start(attempt).end();
        assert_eq!(sent.code, Some(4));
        assert!(sent.stdout.is_empty());
        let sentence = "Cannot sign in: the server refused the user name or the password.";
        for part in [sentence, "hint: ", "authentication", "400", "invalid_grant"] {
            assert!(sent.stderr.contains(part), "{part}: {}", sent.stderr);
        }
    }
}

#[test]
fn a_root_that_cannot_be_reached_or_is_no_ucwa_server_is_a_failed_sign_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let sent = send(&closed, TOSH, LENE, &["-v"]);
    assert_eq!(sent.code, Some(4));
    assert!(sent.stderr.contains("127.0.0.1"), "{}", sent.stderr);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let page = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html><body>It works!</body></html>";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}",
                body.len()
            );
            let _ = write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    let sent = send(&page, TOSH, LENE, &["-v"]);
    assert_eq!(sent.code, Some(4));
    for part in ["discovery", "200"] {
        assert!(sent.stderr.contains(part), "{part}: {}", sent.stderr);
    }
}

#[test]
fn a_server_that_never_answers_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", listener.local_addr().unwrap());
    let sent = send(&root, TOSH, LENE, &["--timeout", "1"]);
    assert_eq!(sent.code, Some(4), "{}", sent.stderr);
}

#[test]
fn the_password_may_stand_in_a_file_and_is_never_printed() {
    let (_server, root) = server();
    let folder = Folder::new("password");
    let file = folder.file("password", format!("{PASSWORD}\nnot this line\n"));
    let mut lene = lene(&root, &[]);
    let more = ["my-own-words", "--password-file", &file];
    let mut sending = sending(&root, TOSH, LENE, &more);
    sending
        .env_remove("SKYPE_P2P_PASSWORD")
        .env("RUST_LOG", "trace");
    let sent = Process::start(sending).end();
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert!(
        sent.stderr.contains("submit"),
        "the log was on: {}",
        sent.stderr
    );
    for secret in [PASSWORD, "my-own-words", "cwt="] {
        assert!(!sent.stderr.contains(secret), "{secret} is in the log");
    }
    lene.line_of("messages.added", "my-own-words");
}
