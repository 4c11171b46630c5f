//! Recordings of the traffic: `--record`, and the commands that read the files.

use std::{fs, path::Path};

use serde_json::Value;

use crate::process::{
    self, Ended, Folder, LENE, PASSWORD, Process, TOSH, command, lene, run, sending, server,
};

/// The methods and paths of a recording, each with its status.
pub(crate) fn exchanges(file: impl AsRef<Path>) -> Vec<String> {
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
fn send(root: &str, more: &[&str]) -> Ended {
    process::send(root, TOSH, LENE, &[&["Hi"], more].concat())
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
    let mut wrong = sending(&root, TOSH, LENE, &["Hi"]);
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

/// The recording of a fixture.
fn fixture(name: &str, file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    folder.join(name).join(file).to_str().unwrap().to_owned()
}

/// The fixtures whose recordings are of one process and of no meeting.
fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    let folders = fs::read_dir(folder).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with("guest-lobby") && !name.starts_with("resumed-chat"))
        .collect();
    names.sort();
    assert!(names.len() >= 27, "{names:?}");
    names
}

fn replay(file: &str) -> Ended {
    run(["replay", file, "--client-made", "sessionContext"])
}

#[test]
fn every_fixture_replays_from_its_traffic_alone() {
    for name in fixtures() {
        let played = replay(&fixture(&name, "traffic.har"));
        assert_eq!(played.code, Some(0), "{name}: {played:#?}");
        let last = played.stdout.last().unwrap();
        assert_eq!(last, "The library sent the recorded requests.", "{name}");
        if name.starts_with("history") {
            // The conversations of the archive are not read.
            continue;
        }
        let timeline = fs::read_to_string(fixture(&name, "timeline.jsonl")).unwrap();
        let mut observed = played.stdout.iter();
        for expected in timeline.lines() {
            let expected: Value = serde_json::from_str(expected).unwrap();
            let line = observed.next().unwrap();
            for member in ["event", "reason"] {
                let value = expected[member].as_str().unwrap_or_default();
                assert!(line.contains(value), "{name}: {line} is not {expected}");
            }
            let text = expected["text"].as_str().or(expected["new"].as_str());
            let text = format!("{:?}", text.unwrap());
            let text = text.trim_matches('"');
            assert!(line.contains(text), "{name}: {line} is not {expected}");
        }
    }
}

#[test]
fn a_request_that_the_library_does_not_send_is_a_difference() {
    let folder = Folder::new("replay-difference");
    let good = fs::read_to_string(fixture("outgoing-declined-json", "traffic.har")).unwrap();
    let sent = r#"\"supportedModalities\":[\"Messaging\"]"#;
    assert!(good.contains(sent));
    let other = good.replace(sent, r#"\"supportedModalities\":[\"PhoneAudio\"]"#);
    let played = replay(&folder.file("other.har", other));
    assert_eq!(played.code, Some(1), "{played:#?}");
    let text = played.stdout.join("\n");
    assert!(text.contains("\n  unused entry 7: POST "), "{text}");
    assert!(text.contains("\n  unexpected request 7: POST "), "{text}");
    assert!(text.contains("the body differs"), "{text}");
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let guest = replay(&fixture("guest-lobby-json", "traffic.har"));
    assert_eq!(guest.code, Some(1));
    let why = "Cannot replay the recording: the user signed in as a guest";
    assert!(guest.stderr.contains(why), "{}", guest.stderr);

    let folder = Folder::new("replay-foreign");
    let foreign = r#"{ "log": { "version": "1.2", "entries": [
        { "startedDateTime": "2026-01-01T10:00:00Z", "time": 3,
          "request": { "method": "GET", "url": "https://example.com/page" },
          "response": { "status": 200 } } ] } }"#;
    let foreign = replay(&folder.file("foreign.har", foreign));
    assert_eq!(foreign.code, Some(1));
    let why = "it has no sign-in at a UCWA server";
    assert!(foreign.stderr.contains(why), "{}", foreign.stderr);

    let text = fs::read_to_string(fixture("outgoing-declined-json", "traffic.har")).unwrap();
    let (before, last) = text.rsplit_once("\"2015-").unwrap();
    let long = folder.file("long.har", format!("{before}\"2515-{last}"));
    let long = replay(&long);
    assert_eq!(long.code, Some(1));
    let why = "it is longer than 31 days";
    assert!(long.stderr.contains(why), "{}", long.stderr);
}

#[test]
fn a_recording_of_the_binary_replays_also_when_it_is_redacted() {
    let (_server, root) = server();
    let folder = Folder::new("replay-own");
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (sender, receiver) = (path("send.har"), path("listen.har"));
    let lene = lene(&root, &["--echo", "--record", &receiver]);
    let sent = send(
        &root,
        &["--wait", "1", "--subject", "Disk", "--record", &sender],
    );
    assert_eq!(sent.code, Some(0), "{}", sent.stderr);
    #[cfg(unix)]
    {
        lene.signal("INT");
        assert_eq!(lene.end().code, Some(0));
    }
    for file in [&sender, &receiver] {
        let played = replay(file);
        assert_eq!(played.code, Some(0), "{played:#?}");
        let text = played.stdout.join("\n");
        assert!(
            text.contains("\"Echo: Hi\" Pending -> Succeeded") || text.contains("<- \"Echo: Hi\""),
            "{text}"
        );

        let shared = path("shared.har");
        let redacted = run(["redact", file, "--output", &shared]);
        assert_eq!(redacted.code, Some(0), "{}", redacted.stderr);
        let text = fs::read_to_string(&shared).unwrap();
        for gone in ["toshm", "lenea", "contoso", "Tosh", "Lene", "Echo", "Disk"] {
            assert!(!text.contains(gone), "{gone}");
        }
        #[cfg(unix)]
        assert_eq!(mode(&shared), 0o600);
        let played = replay(&shared);
        assert_eq!(played.code, Some(0), "{played:#?}");
    }
}

#[test]
fn a_redacted_recording_of_a_browser_replays() {
    let folder = Folder::new("redact-browser");
    let shared = folder.path().join("shared.har");
    let shared = shared.to_str().unwrap();
    for name in ["browser-outgoing-json", "incoming-accepted-xml"] {
        let file = fixture(name, "traffic.har");
        let redacted = run(["redact", &file, "--output", shared]);
        assert_eq!(redacted.code, Some(0), "{}", redacted.stderr);
        let played = replay(shared);
        assert_eq!(played.code, Some(0), "{name}: {played:#?}");
        let text = played.stdout.join("\n");
        assert!(text.contains("-> \"Text "), "{name}: {text}");
    }
}

#[test]
fn a_redaction_keeps_and_replaces_what_it_is_told() {
    let file = fixture("outgoing-delivered-json", "traffic.har");
    let folder = Folder::new("redact-options");
    let secrets = folder.file("secrets.txt", "lyncweb\n");
    let options = ["--keep", "texts", "--keep", "names", "--secrets", &secrets];
    let arguments = ["redact", &file, "--replace", "noon=midnight"];
    let redacted = run(arguments.iter().chain(&options));
    assert_eq!(redacted.code, Some(0), "{}", redacted.stderr);
    let text = redacted.stdout.join("\n");
    for (kept, is_kept) in [
        ("Lunch at midnight?", true),
        ("Lene Aaling", true),
        ("lenea@contoso.com", false),
        ("lyncweb", false),
    ] {
        assert_eq!(text.contains(kept), is_kept, "{kept}");
    }
    let refused = run(["redact", &file, "--replace", "noon"]);
    assert_eq!(refused.code, Some(2));
    let refused = run(["redact", &file, "--secrets", "no-such.txt"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stdout.is_empty(), "nothing is written");
}

#[test]
fn two_runs_of_a_recording_have_no_difference_but_another_subject_has() {
    let one = fixture("outgoing-declined-json", "traffic.har");
    let equal = run(["diff", &one, &one]);
    assert_eq!((equal.code, equal.stdout.len()), (Some(0), 0));

    let folder = Folder::new("diff");
    let text = fs::read_to_string(&one)
        .unwrap()
        .replace("Normal", "Urgent");
    let other = folder.file("other.har", text);
    let differ = run(["diff", &one, &other]);
    assert_eq!(differ.code, Some(1));
    let text = differ.stdout.join("\n");
    assert!(text.contains(r#"+   >   "importance": "Urgent""#), "{text}");
    assert_eq!(run(["diff", &one, "no-such.har"]).code, Some(2));
}

#[test]
fn a_timeline_has_the_requests_the_events_and_their_causes() {
    let shown = run(["timeline", &fixture("outgoing-declined-xml", "traffic.har")]);
    assert_eq!(shown.code, Some(0));
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = shown.stdout.iter().map(words).collect();
    for wanted in [
        "11 3.240 0.040 commands POST startMessaging 201 6",
        "messagingInvitation completed Failure (of request 11)",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{lines:#?}");
    }
}

#[test]
fn no_command_writes_a_control_character_of_a_recording() {
    let folder = Folder::new("controls");
    let good = fs::read_to_string(fixture("outgoing-declined-json", "traffic.har")).unwrap();
    let evil = good.replace("\"DELETE\"", "\"\\u001b]0;owned\\u0007\u{9b}2J\"");
    let evil = evil.replace("\"Normal", "\"\\u001b[2J");
    let evil = folder.file("evil.har", evil);
    let good = fixture("outgoing-declined-json", "traffic.har");
    for arguments in [
        &["timeline", &evil][..],
        &["redact", &evil],
        &["diff", &good, &evil],
        &["replay", &evil],
    ] {
        let ended = run(arguments);
        assert!(!ended.stdout.is_empty() || !ended.stderr.is_empty());
        for line in ended
            .stdout
            .iter()
            .chain([&ended.stderr.replace('\n', " ")])
        {
            assert!(!line.contains(char::is_control), "{arguments:?}: {line:?}");
        }
    }
}

#[test]
fn the_place_of_an_error_is_named() {
    let folder = Folder::new("cut");
    let good = fs::read_to_string(fixture("outgoing-declined-json", "traffic.har")).unwrap();
    let cut = good.find("oauthtoken\",").unwrap();
    let line = good[..cut].lines().count();
    let file = folder.file("cut.har", &good[..cut]);
    for arguments in [
        &["timeline", &file][..],
        &["redact", &file],
        &["replay", &file],
        &["diff", &file, &file],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        let place = format!("cut.har: not a HAR file: line {line}, column ");
        assert!(ended.stderr.contains(&place), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
}
