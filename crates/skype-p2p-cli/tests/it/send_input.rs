//! The sources of a message and of a password.

use std::process::{Command, Stdio};
#[cfg(target_os = "linux")]
use std::{
    thread,
    time::{Duration, Instant},
};

#[cfg(target_os = "linux")]
use crate::process::PATIENCE;
use crate::process::{
    self, Ended, Folder, LENE, PASSWORD, Process, TOSH, command, lene, run, run_with_input, server,
};

fn sending(root: &str, more: &[&str]) -> Command {
    process::sending(root, TOSH, LENE, more)
}

fn send(root: &str, more: &[&str]) -> Ended {
    process::send(root, TOSH, LENE, more)
}

#[test]
fn a_message_may_begin_with_a_hyphen_or_come_from_standard_input_or_a_file() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    for message in ["-1 degree", "- a list", "--urgent-- disk full"] {
        let sent = send(&root, &[message]);
        assert_eq!(sent.code, Some(0), "{message}: {}", sent.stderr);
        lene.line_of("messages.added", message);
    }
    assert_eq!(send(&root, &["--", "-v"]).code, Some(0));
    lene.line_of("messages.added", "-v");

    let sent = run_with_input(sending(&root, &["-"]), "two\nlines\n");
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    lene.line_of("messages.added", "two\nlines");

    let folder = Folder::new("message");
    let file = folder.file("alert.txt", "\u{feff}from a file\r\n");
    assert_eq!(send(&root, &["--file", &file]).code, Some(0));
    lene.line_of("messages.added", "from a file");
}

#[test]
fn a_message_that_cannot_be_read_is_an_error_of_the_command_line() {
    let root = "http://127.0.0.1:9/";
    let folder = Folder::new("no-message");
    let (empty, binary) = (
        folder.file("empty", "\n"),
        folder.file("binary", [0xff, 0xfe]),
    );
    for (file, why) in [
        (empty, "empty"),
        (binary, "UTF-8"),
        ("/nowhere".into(), "/nowhere"),
    ] {
        let sent = send(root, &["--file", &file]);
        assert_eq!(sent.code, Some(2), "{file}: {}", sent.stderr);
        assert!(sent.stderr.contains(why), "{file}: {}", sent.stderr);
    }
    assert_eq!(send(root, &["--file", "/nowhere", "Hi"]).code, Some(2));
    assert_eq!(send(root, &[]).code, Some(2));
    assert_eq!(send(root, &["-"]).code, Some(2), "standard input is empty");
    let both = send(root, &["--password-file", "-", "-"]);
    assert_eq!(both.code, Some(2));
    assert!(both.stderr.contains("both"), "{}", both.stderr);
}

#[test]
fn the_password_comes_from_standard_input_or_a_file_with_a_byte_order_mark() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let mut from_input = sending(&root, &["--password-file", "-", "Hi"]);
    from_input.env_remove("SKYPE_P2P_PASSWORD");
    let sent = run_with_input(from_input, &format!("{PASSWORD}\n"));
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);

    let folder = Folder::new("password");
    let file = folder.file("password", format!("\u{feff}{PASSWORD}\r\n"));
    let mut from_file = sending(&root, &["--password-file", &file, "Hi"]);
    from_file.env_remove("SKYPE_P2P_PASSWORD");
    let sent = Process::start(from_file).end();
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
}

/// `send` with these options at a pseudo-terminal, which `script` of util-linux makes. Its output is the path of the terminal in the
/// first line, and then what the terminal echoes, standard output and standard error. None where there is no `script`.
#[cfg(target_os = "linux")]
fn send_at_terminal(root: &str, more: &str) -> Option<Command> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no program script");
        return None;
    }
    let line = format!(
        "tty; exec {} send --root {root} --user {TOSH} --to {LENE} {more} Hi",
        env!("CARGO_BIN_EXE_skype-p2p")
    );
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Some(script)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_what_takes_more_than_a_second() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let slow = "--fault delay=1500ms,path=/messagingInvitations";
    let waiting = "skype-p2p: waiting for the delivery …";
    for (more, is_shown) in [(slow, true), (&*format!("-q {slow}"), false), ("", false)] {
        let Some(mut script) = send_at_terminal(&root, more) else {
            return;
        };
        script.env("SKYPE_P2P_PASSWORD", PASSWORD);
        let ended = Process::start(script).end();
        let output = ended.stdout.join("\n");
        assert_eq!(ended.code, Some(0), "{output}");
        assert_eq!(output.contains(waiting), is_shown, "{more}: {output}");
        assert!(!output.contains("signing in"), "{output}");
    }
    let piped = send(
        &root,
        &["--fault", "delay=1500ms,path=/messagingInvitations", "Hi"],
    );
    assert_eq!(piped.stderr, "");
}

/// Waits until the terminal no longer echoes what is typed.
#[cfg(target_os = "linux")]
fn wait_for_echo_off(terminal: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stty = Command::new("stty").args(["-a", "-F", terminal]).output();
        let stty = stty.unwrap();
        let settings = String::from_utf8_lossy(&stty.stdout).into_owned();
        if settings.split_whitespace().any(|word| word == "-echo") {
            return;
        }
        assert!(Instant::now() < deadline, "{terminal}: {stty:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_asked_for_the_password_without_echo() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let Some(mut script) = send_at_terminal(&root, "") else {
        return;
    };
    script.env_remove("SKYPE_P2P_PASSWORD");
    let mut terminal = Process::start(script);
    wait_for_echo_off(terminal.line().trim());
    terminal.write_and_stay(format!("{PASSWORD}\n").as_bytes());
    let ended = terminal.end();
    let output = ended.stdout.join("\n");
    assert_eq!(ended.code, Some(0), "{output}");
    assert!(
        output.contains("Password of toshm@contoso.com: "),
        "{output}"
    );
    assert!(
        output.contains("Delivered to lenea@contoso.com."),
        "{output}"
    );
    assert!(!output.contains(PASSWORD), "the password was echoed");
}

#[test]
fn a_name_without_a_domain_is_completed_for_a_server_on_this_machine_only() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let sent = run([
        "send", "--root", &root, "--user", "toshm", "--to", "lenea", "Hi",
    ]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    assert_eq!(sent.stdout, ["Delivered to lenea@contoso.com."]);
    for root in [&["--root", "https://lync.invalid/"][..], &[]] {
        let arguments = ["send", "--user", "toshm", "--to", LENE, "Hi"];
        let sent = run(arguments.iter().chain(root));
        assert_eq!(sent.code, Some(2), "{}", sent.stderr);
        assert!(sent.stderr.contains("no domain"), "{}", sent.stderr);
    }
}

#[test]
fn without_a_root_the_server_is_found_by_the_domain_of_the_user() {
    // The proxy sees which hosts are asked for.
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        use std::io::{BufRead as _, BufReader, Write as _};
        let (stream, _) = proxy.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        (&stream)
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        line
    });
    let mut sending = command([
        "send",
        "-v",
        "--user",
        "tosh@fabrikam.invalid",
        "--to",
        LENE,
        "--timeout",
        "20",
        "Hi",
    ]);
    for variable in ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"] {
        sending.env(variable, &address);
    }
    sending.env_remove("NO_PROXY").env_remove("no_proxy");
    let sent = Process::start(sending).end();
    assert_eq!(sent.code, Some(4), "{}", sent.stderr);
    let asked = asked.join().unwrap();
    assert!(asked.contains("lyncdiscover"), "{asked}");
    assert!(asked.contains("fabrikam.invalid"), "{asked}");
}

#[test]
fn plain_http_is_refused_as_what_it_is() {
    let sent = send("http://192.0.2.1/", &["Hi"]);
    assert_eq!(sent.code, Some(4), "{}", sent.stderr);
    assert!(sent.stderr.contains("plain HTTP"), "{}", sent.stderr);
    assert!(sent.stderr.contains("hint: use https"), "{}", sent.stderr);
}

#[test]
fn several_receivers_have_a_verdict_each_and_the_worst_is_the_exit_code() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    let nobody = "nobody@contoso.com";
    let sent = send(
        &root,
        &["--to", nobody, "--to", "sip:lenea@contoso.com", "Hi"],
    );
    assert_eq!(sent.code, Some(1), "{}", sent.stderr);
    let mut verdicts = sent.stdout;
    verdicts.sort();
    assert_eq!(
        verdicts,
        [
            "Delivered to lenea@contoso.com.",
            "Not delivered: nobody@contoso.com does not exist, or is not signed in."
        ]
    );
    lene.line_of("messages.added", "Hi");

    let sent = send(&root, &["--json", "--to", nobody, "Hi"]);
    let mut results = sent.objects();
    results.sort_by_key(|result| result["to"].to_string());
    assert_eq!(results[0]["result"], "delivered");
    assert_eq!(results[0]["to"], LENE);
    assert_eq!(results[1]["result"], "not_delivered");
    assert_eq!(results[1]["subcode"], "DestinationNotFound");
    assert_eq!(results[1]["version"], 1);
}

#[test]
fn a_dry_run_sends_nothing_and_finds_mistakes() {
    // No server: a request would fail.
    let root = "http://127.0.0.1:9/";
    let dry = send(root, &["--dry-run", "Hi"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert_eq!(dry.stdout, ["Would send to lenea@contoso.com."]);
    assert_eq!(
        send(root, &["--dry-run", "--to", "tel:+47", "Hi"]).code,
        Some(2)
    );
}

#[test]
fn a_subject_and_html_arrive_as_such() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    let sent = send(&root, &["--subject", "Disk", "--html", "<b>90 %</b> full"]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let message = lene.line_of("messages.added", "90 % full");
    assert_eq!(message["html"], "<b>90 %</b> full");
    assert_eq!(message["subject"], "Disk");
}

#[test]
fn a_message_that_was_not_delivered_is_sent_again_if_that_can_help() {
    let (_server, root) = server();
    let mut lene = lene(&root, &[]);
    // The first invitations are refused before they reach the server.
    let fault = "refuse,path=/messagingInvitations,chance=0.5";
    let sent = send(
        &root,
        &[
            "--retry",
            "5",
            "--fault",
            fault,
            "--fault-seed",
            "1",
            "--json",
            "Hi",
        ],
    );
    assert_eq!(sent.code, Some(0), "{sent:?}");
    lene.line_of("messages.added", "Hi");
    // The recipient does not exist: another attempt cannot help.
    let futile = send(
        &root,
        &["--retry", "5", "--json", "--to", "nobody@contoso.com", "Hi"],
    );
    let result: serde_json::Value = futile
        .stdout
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .find(|result| result["to"] == "nobody@contoso.com")
        .unwrap();
    assert_eq!(result["attempts"], 1, "{result}");
}
