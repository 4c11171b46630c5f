//! Recordings of the traffic: `--record`, and the commands that read the files.

use std::{fs, path::Path};

use serde_json::Value;

use crate::process::{Folder, LENE, PASSWORD, Process, TOSH, command, lene, run, server};

/// The methods and paths of a recording, each with its status.
fn exchanges(file: impl AsRef<Path>) -> Vec<String> {
    let har: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let url = entry["request"]["url"].as_str().unwrap();
            let (_, rest) = url.split_once("://").unwrap();
            let path = rest.split_once('/').map_or("", |(_, path)| path);
            let method = entry["request"]["method"].as_str().unwrap();
            format!("{method} /{path} {}", entry["response"]["status"])
        })
        .collect()
}

/// Sends a message to Lene, with these options.
fn send(root: &str, more: &[&str]) -> crate::process::Ended {
    let sending = ["send", "--root", root, "--user", TOSH, "--to", LENE, "Hi"];
    run(sending.iter().chain(more))
}

#[cfg(unix)]
fn mode(file: impl AsRef<Path>) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_recording_has_every_request_and_no_secret() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let folder = Folder::new("record");
    let file = folder.path().join("send.har");
    let sent = send(&root, &["--record", file.to_str().unwrap()]);
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    let exchanges = exchanges(&file);
    assert!(exchanges[0].starts_with("GET / 200"), "{exchanges:?}");
    let last = exchanges.last().unwrap();
    assert!(last.starts_with("DELETE "), "{exchanges:?}");
    assert!(last.ends_with(" 204"), "{exchanges:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("Bearer redacted"), "{text}");
    for secret in [PASSWORD, "cwt="] {
        assert!(!text.contains(secret), "{secret}");
    }
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn a_longer_file_with_other_permissions_is_replaced() {
    let (_server, root) = server();
    let folder = Folder::new("record-again");
    let file = folder.file("old.har", "x".repeat(1_000_000));
    let sent = send(&root, &["--record", &file]);
    assert_eq!(sent.code, Some(1), "nobody is there: {}", sent.stderr);
    assert!(exchanges(&file).len() > 5);
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
}

#[cfg(unix)]
#[test]
fn a_recording_is_complete_after_a_signal() {
    let (_server, root) = server();
    let folder = Folder::new("record-signal");
    let file = folder.path().join("listen.har");
    for signal in ["INT", "TERM", "HUP"] {
        let listener = lene(&root, &["--record", file.to_str().unwrap()]);
        listener.signal(signal);
        let ended = listener.end();
        assert_eq!(ended.code, Some(0), "{signal}: {}", ended.stderr);
        let exchanges = exchanges(&file);
        let last = exchanges.last().unwrap();
        assert!(last.starts_with("DELETE "), "{signal}: {exchanges:?}");
        fs::remove_file(&file).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_login_leaves_its_recording() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", silent.local_addr().unwrap());
    let folder = Folder::new("record-login");
    let file = folder.path().join("login.har");
    let mut login = command(["login", "--root", &root, "--user", TOSH, "--record"]);
    login.arg(&file).env("XDG_CONFIG_HOME", folder.path());
    let login = Process::start(login);
    let _connection = silent.accept().unwrap();
    login.signal("INT");
    let ended = login.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    assert_eq!(exchanges(&file), ["GET / 0"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_cannot_be_written_is_reported() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    let sent = send(&root, &["--record", "/dev/full"]);
    assert_eq!(sent.stdout, ["Delivered to lenea@contoso.com."]);
    assert_eq!(sent.code, Some(5));
    let why = "Cannot write to the recording /dev/full: No space left";
    assert!(sent.stderr.contains(why), "{}", sent.stderr);

    // The error of the command itself is reported, too, and decides the exit code.
    let mut wrong = command(["send", "--root", &root, "--user", TOSH, "--to", LENE, "Hi"]);
    wrong.args(["--record", "/dev/full"]);
    wrong.env("SKYPE_P2P_PASSWORD", "wrong");
    let refused = Process::start(wrong).end();
    assert_eq!(refused.code, Some(4));
    for part in [why, "Cannot sign in"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}

#[test]
fn a_recording_that_cannot_be_created_is_reported_before_anything_is_sent() {
    let sent = send("http://127.0.0.1:9/", &["--record", "no-such-folder/a.har"]);
    assert_eq!(sent.code, Some(2), "{}", sent.stderr);
    let why = "Cannot create the recording no-such-folder/a.har";
    assert!(sent.stderr.contains(why), "{}", sent.stderr);
}
