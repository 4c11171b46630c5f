use std::{io::Write as _, net::TcpStream};

use serde_json::Value;

use crate::{
    json_schema::assert_valid,
    process::{Ended, Folder, LENE, PASSWORD, Process, TOSH, command, lene, run, server},
};

fn presence(root: &str, user: &str, command: &str, more: &[&str]) -> Ended {
    let arguments = ["presence", command, "--root", root, "--user", user];
    run(arguments.iter().chain(more))
}

fn objects(ended: &Ended) -> Vec<Value> {
    let objects = ended.objects();
    for object in &objects {
        assert_valid("presence", object);
    }
    objects
}

#[test]
fn a_published_status_and_note_are_read_by_another_user() {
    let (_server, root) = server();
    let before = presence(&root, TOSH, "get", &["lenea"]);
    assert_eq!(before.code, Some(0), "{}", before.stderr);
    assert_eq!(before.stdout, ["lenea@contoso.com        Offline"]);

    // A status lasts as long as a program of the user is signed in.
    let _lene = lene(&root, &["--accept", "none"]);
    let note = ["donotdisturb", "--note", "Heads down today"];
    let set = presence(&root, LENE, "set", &note);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let expected = ["lenea@contoso.com        DoNotDisturb note: Heads down today"];
    assert_eq!(set.stdout, expected);
    let read = presence(&root, TOSH, "get", &["sip:lenea@contoso.com", LENE]);
    assert_eq!(read.stdout, expected, "each person once");

    let read = objects(&presence(&root, TOSH, "get", &["--json", LENE, TOSH]));
    assert_eq!(read[0]["uri"], "sip:lenea@contoso.com");
    assert_eq!(read[0]["name"], "Lene Aaling");
    assert_eq!(read[0]["status"], "DoNotDisturb");
    assert_eq!(read[0]["activity"], "Do Not Disturb");
    assert_eq!(read[0]["note"], "Heads down today");
    assert_eq!(read[0]["note_kind"], "Personal");
    assert_eq!(read[1]["uri"], "sip:toshm@contoso.com");
    assert_eq!(read[1]["status"], "Online");

    let set = objects(&presence(
        &root,
        LENE,
        "set",
        &["--json", "Reset", "--note", ""],
    ));
    assert_eq!(set[0]["status"], "Online");
    assert_eq!(set[0]["note"], Value::Null);
}

#[test]
fn a_sign_in_keeps_the_status_that_was_set() {
    let (_server, root) = server();
    let set = presence(&root, LENE, "set", &["Busy"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let _lene = lene(&root, &["--accept", "none"]);
    let own = presence(&root, LENE, "get", &[LENE]);
    assert_eq!(own.stdout, ["lenea@contoso.com        Busy"]);
    let read = presence(&root, TOSH, "get", &[LENE]);
    assert_eq!(read.stdout, own.stdout);
}

#[test]
fn a_person_who_does_not_exist_is_named_and_the_others_are_written() {
    let (_server, root) = server();
    let read = presence(&root, TOSH, "get", &["nobody@contoso.com", LENE]);
    assert_eq!(read.code, Some(1));
    assert_eq!(read.stdout, ["lenea@contoso.com        Offline"]);
    let sentence =
        "Cannot read the presence of nobody@contoso.com: there is no such person or group.";
    assert_eq!(read.stderr, format!("skype-p2p: {sentence}\n"));
    let watched = presence(&root, TOSH, "watch", &["nobody@contoso.com", LENE]);
    assert_eq!(watched.code, Some(1));
    assert!(watched.stderr.contains(sentence), "{}", watched.stderr);
}

#[test]
fn what_is_wrong_on_the_command_line_is_reported_before_the_sign_in() {
    // No server listens there: a request would end with 4.
    let root = "http://127.0.0.1:9/";
    for (command, wrong) in [
        ("get", "lenea@"),
        ("get", "tel:+4712345678"),
        ("watch", "lene a@contoso.com"),
        ("set", "Hidden"),
        ("set", ""),
    ] {
        let ended = presence(root, TOSH, command, &[wrong]);
        assert_eq!(ended.code, Some(2), "{command} {wrong:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty());
    }
    assert_eq!(presence(root, TOSH, "get", &[]).code, Some(2));
    assert_eq!(presence(root, TOSH, "get", &[LENE]).code, Some(4));
}

#[test]
fn the_settings_of_a_profile_are_used_by_every_command() {
    let (_server, root) = server();
    let folder = Folder::new("people-profile");
    let profile = format!("[profile.default]\nroot = {root:?}\nuser = \"toshm\"\n");
    let file = folder.file("config.toml", profile);
    for arguments in [
        vec!["presence", "get", "lenea"],
        vec!["presence", "set", "Busy"],
        vec!["search", "Lene"],
        vec!["contacts", "list"],
        vec!["groups", "list"],
        vec!["history", "list"],
    ] {
        let mut command = command(&arguments);
        command.env("SKYPE_P2P_CONFIG", &file);
        let ended = Process::start(command).end();
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_note_that_is_too_long_is_an_error_and_the_status_stays() {
    let (_server, root) = server();
    let _lene = lene(&root, &["--accept", "none"]);
    let note = "x".repeat(501);
    let set = presence(&root, LENE, "set", &["Busy", "--note", &note]);
    assert_eq!(set.code, Some(1));
    assert!(
        set.stderr.contains("Cannot set the note: "),
        "{}",
        set.stderr
    );
    assert!(set.stderr.contains("500"), "{}", set.stderr);
    let read = presence(&root, TOSH, "get", &[LENE]);
    assert_eq!(read.stdout, ["lenea@contoso.com        Online"]);
}

#[test]
fn a_server_that_never_answers_ends_with_the_time_limit() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let root = format!("http://{}/", listener.local_addr().unwrap());
    let read = presence(&root, TOSH, "get", &["--timeout", "1", LENE]);
    assert_eq!(read.code, Some(4), "{}", read.stderr);

    let (_server, root) = server();
    let fault = ["--timeout", "2", "--fault", "delay=60s,path=/search"];
    let read = presence(&root, TOSH, "get", &[&fault[..], &[LENE]].concat());
    assert_eq!(read.code, Some(3), "{}", read.stderr);
    assert!(
        read.stderr.contains("did not answer in time"),
        "{}",
        read.stderr
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let (_server, root) = server();
    for name in ["get", "watch"] {
        let arguments = ["presence", name, "--root", &root, "--user", TOSH, LENE];
        let full = std::fs::File::create("/dev/full").unwrap();
        let ended = command(arguments).stdout(full).output().unwrap();
        assert_eq!(ended.status.code(), Some(5), "{name}: {ended:?}");
    }
}

#[test]
fn a_failed_sign_in_is_one_error() {
    let (_server, root) = server();
    let arguments = ["presence", "get", "--root", &root, "--user", TOSH, LENE];
    let mut wrong = command(arguments);
    wrong.env("SKYPE_P2P_PASSWORD", "not-the-password");
    let ended = Process::start(wrong).end();
    assert_eq!(ended.code, Some(4));
    let errors = ended.stderr.matches("skype-p2p: ").count();
    assert_eq!(errors, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("Cannot sign in: "),
        "{}",
        ended.stderr
    );
}

#[cfg(unix)]
#[test]
fn a_watch_writes_a_line_for_each_change_until_it_is_interrupted() {
    let (_server, root) = server();
    let watch = [
        "presence", "watch", "--root", &root, "--user", TOSH, "--json",
    ];
    let mut watch = Process::start(command(watch.iter().chain(&[LENE])));
    let mut next = || {
        let line: Value = serde_json::from_str(&watch.line()).unwrap();
        assert_valid("presence", &line);
        (line["status"].clone(), line["note"].clone())
    };
    assert_eq!(next(), ("Offline".into(), Value::Null));
    let lene = lene(&root, &["--accept", "none"]);
    assert_eq!(next(), ("Online".into(), Value::Null));
    let set = presence(&root, LENE, "set", &["Busy", "--note", "In a meeting"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    let both = ("Busy".into(), "In a meeting".into());
    // The note and the status are two changes, which can arrive together.
    while next() != both {}
    lene.signal("TERM");
    lene.end();
    assert_eq!(next(), ("Offline".into(), "In a meeting".into()));
    watch.signal("TERM");
    let ended = watch.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn a_watch_ends_when_the_server_ends_the_session() {
    let user = format!("toshm:{PASSWORD}:Tosh Meston");
    let serving = ["serve", "--user", &user, "--admin", "127.0.0.1:0"];
    let mut server = Process::start(command(serving));
    let root = server.line();
    let admin = loop {
        if let Some(url) = server.line().strip_prefix("faults: http://") {
            break url.to_owned();
        }
    };
    let admin = admin.split('/').next().unwrap();
    let watch = ["presence", "watch", "--root", &root, "--user", TOSH, TOSH];
    let mut watch = Process::start(command(watch));
    watch.line();
    let fault = r#"{"expire_applications":{"user":"sip:toshm@contoso.com"}}"#;
    let mut stream = TcpStream::connect(admin).unwrap();
    let head = format!("POST /faults HTTP/1.1\r\nHost: {admin}\r\nContent-Type: application/json");
    let length = fault.len();
    write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{fault}").unwrap();
    let ended = watch.end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let sentence = "The session ended: the server ended the application.";
    assert!(ended.stderr.contains(sentence), "{}", ended.stderr);
}
