//! Whether one user can reach another, measured as an alerting script does.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    process::{Ended, Folder, LENE, PASSWORD, Process, TOSH, command, lene, server},
    recording::exchanges,
};

const TO_LENE: [&str; 2] = ["--to", LENE];

/// A probe of Tosh, with both passwords in its environment.
fn probing(root: &str, arguments: &[&str]) -> Command {
    let sender = ["--root", root, "--user", TOSH];
    let mut command = command([&["probe"], arguments, &sender].concat());
    command.env("SKYPE_P2P_TO_PASSWORD", PASSWORD);
    command
}

fn probe(root: &str, arguments: &[&str]) -> Ended {
    Process::start(probing(root, arguments)).end()
}

/// A folder, and the path of a file in it for the metrics.
fn metrics_file() -> (Folder, String) {
    let folder = Folder::new("probe");
    let metrics = folder.path().join("skype.prom").display().to_string();
    (folder, metrics)
}

/// The samples of a file with metrics: name and labels, and the value.
fn samples(file: &str) -> Vec<(String, f64)> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(sample).collect()
}

fn value(samples: &[(String, f64)], name: &str) -> Option<f64> {
    let found = samples.iter().find(|(it, _)| it == name);
    found.map(|(_, value)| *value)
}

#[test]
fn a_user_who_can_be_reached() {
    let (_server, root) = server();
    let (folder, metrics) = metrics_file();
    let probed = probe(&root, &["--to", "lenea", "--metrics", &metrics]);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    assert_eq!(probed.stderr, "");
    let begins: Vec<&str> = probed
        .stdout
        .iter()
        .filter_map(|line| {
            line.strip_suffix(" ms")
                .or_else(|| line.strip_suffix(" ms."))
        })
        .filter_map(|line| line.rsplit_once(": ").map(|(what, _)| what))
        .collect();
    let expected = [
        "Sign-in of toshm@contoso.com",
        "Sign-in of lenea@contoso.com",
        "Invitation",
        "Delivery",
        "Answer",
        "toshm@contoso.com can reach lenea@contoso.com",
    ];
    assert_eq!(begins, expected, "{:?}", probed.stdout);

    let samples = samples(&metrics);
    let users = format!("sender=\"{TOSH}\",receiver=\"{LENE}\"");
    let success = format!("skype_p2p_probe_success{{{users}}}");
    assert_eq!(value(&samples, &success), Some(1.0));
    for stage in [
        "sender_sign_in",
        "receiver_sign_in",
        "invitation",
        "delivery",
        "answer",
    ] {
        let labels = format!("{{{users},stage=\"{stage}\"}}");
        let success = format!("skype_p2p_probe_stage_success{labels}");
        assert_eq!(value(&samples, &success), Some(1.0), "{samples:?}");
        let time = format!("skype_p2p_probe_stage_duration_seconds{labels}");
        assert!(value(&samples, &time).unwrap() > 0.0, "{samples:?}");
    }
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "no other file is left");
}

#[test]
fn a_repeated_probe_writes_one_object_for_each() {
    let (_server, root) = server();
    let twice = ["--json", "--count", "2", "--interval", "1"];
    let probed = probe(&root, &[&TO_LENE[..], &twice].concat());
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    let objects = probed.objects();
    assert_eq!(objects.len(), 2);
    for line in objects {
        assert_eq!(line["success"], true);
        assert_eq!(line["receiver"], LENE);
        assert!(line["stages_ms"]["answer"].is_u64(), "{line}");
    }
}

#[test]
fn the_two_users_are_two_profiles_with_logins() {
    let (_server, root) = server();
    let folder = Folder::new("probe-profiles");
    let run = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("XDG_CONFIG_HOME", folder.path());
        if arguments[0] == "probe" {
            command.env_remove("SKYPE_P2P_PASSWORD");
        }
        Process::start(command).end()
    };
    for (profile, user) in [("alerts", "toshm"), ("canary", "lenea")] {
        let login = [
            "login",
            "--profile",
            profile,
            "--root",
            &root,
            "--user",
            user,
        ];
        assert_eq!(run(&login).code, Some(0));
    }
    let pair = ["probe", "--profile", "alerts", "--to-profile", "canary"];
    let probed = run(&pair);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    let same = run(&["probe", "--profile", "alerts", "--to-profile", "alerts"]);
    assert_eq!(same.code, Some(2), "{}", same.stderr);
    let unknown = run(&["probe", "--profile", "alerts", "--to-profile", "nobody"]);
    assert!(
        unknown.stderr.contains("There is no profile nobody."),
        "{}",
        unknown.stderr
    );
}

#[test]
fn the_failed_stage_is_named_and_measured() {
    let (_server, root) = server();
    let (_folder, metrics) = metrics_file();
    let arguments = [&TO_LENE[..], &["--json", "--metrics", &metrics]].concat();
    let failed_stage = |ended: &Ended| {
        let line: Value = serde_json::from_str(&ended.stdout[0]).unwrap();
        assert_eq!(line["success"], false);
        assert_eq!(line["exit_code"], ended.code.unwrap());
        line["failed_stage"].as_str().unwrap().to_owned()
    };

    let mut wrong = probing(&root, &arguments);
    wrong.env("SKYPE_P2P_TO_PASSWORD", "wrong");
    let probed = Process::start(wrong).end();
    assert_eq!(probed.code, Some(4), "{}", probed.stderr);
    assert_eq!(failed_stage(&probed), "receiver_sign_in");
    assert!(probed.stderr.contains("hint: "), "{}", probed.stderr);
    let samples = samples(&metrics);
    let users = format!("sender=\"{TOSH}\",receiver=\"{LENE}\"");
    let of = |what: &str| value(&samples, &format!("skype_p2p_probe_{what}"));
    assert_eq!(of(&format!("success{{{users}}}")), Some(0.0));
    assert_eq!(of(&format!("exit_code{{{users}}}")), Some(4.0));
    let stage = |what: &str, stage: &str| of(&format!("{what}{{{users},stage=\"{stage}\"}}"));
    assert_eq!(stage("stage_success", "sender_sign_in"), Some(1.0));
    assert_eq!(stage("stage_success", "receiver_sign_in"), Some(0.0));
    assert_eq!(stage("stage_success", "answer"), Some(0.0));
    assert_eq!(stage("stage_duration_seconds", "answer"), None);

    // The invitation of the sender is refused by a proxy on the way.
    let refused = [
        &arguments[..],
        &["--fault", "status=403,path=/messagingInvitations"],
    ]
    .concat();
    let probed = probe(&root, &refused);
    assert_eq!(probed.code, Some(1), "{}", probed.stderr);
    assert_eq!(failed_stage(&probed), "invitation");

    // Responses about the message itself come too late.
    let late = [
        &arguments[..],
        &["--timeout", "2", "--fault", "delay=60s,path=/accept"],
    ]
    .concat();
    let probed = probe(&root, &late);
    assert_eq!(probed.code, Some(3), "{}", probed.stderr);
    assert_eq!(failed_stage(&probed), "delivery");
}

#[test]
fn another_client_that_accepts_first_is_reported() {
    let (_server, root) = server();
    let _lene = lene(&root, &[]);
    // The probe accepts half a second later than the other client.
    let slow = "delay=500ms,path=/accept";
    let probed = probe(&root, &[&TO_LENE[..], &["--fault", slow]].concat());
    assert_eq!(probed.code, Some(1), "{probed:?}");
    assert_eq!(
        probed.stdout.last().unwrap(),
        "Another client of lenea@contoso.com accepted the invitation before the probe."
    );
}

#[test]
fn a_sign_in_alone() {
    let (_server, root) = server();
    let (_folder, metrics) = metrics_file();
    let arguments = ["sign-in", "--metrics", &metrics];
    let probed = probe(&root, &arguments);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    assert_eq!(probed.stdout.len(), 2, "{:?}", probed.stdout);
    assert!(probed.stdout[1].starts_with("toshm@contoso.com can sign in: "));
    let labels = format!("{{sender=\"{TOSH}\",stage=\"sender_sign_in\"}}");
    let success = format!("skype_p2p_probe_stage_success{labels}");
    let samples = samples(&metrics);
    assert_eq!(value(&samples, &success), Some(1.0));
    assert!(!samples.iter().any(|(name, _)| name.contains("invitation")));

    // A refused password is not sent again.
    let mut wrong = probing(
        &root,
        &[&arguments[..], &["--count", "3", "--interval", "1"]].concat(),
    );
    wrong.env("SKYPE_P2P_PASSWORD", "wrong");
    let probed = Process::start(wrong).end();
    assert_eq!(probed.code, Some(4), "{}", probed.stderr);
    assert_eq!(probed.stdout.len(), 2, "{:?}", probed.stdout);
    assert!(
        probed.stderr.contains("No further probe"),
        "{}",
        probed.stderr
    );
}

#[test]
fn each_sign_in_of_a_probe_has_a_recording() {
    let (_server, root) = server();
    let folder = Folder::new("probe-record");
    let file = folder.path().join("probe.har");
    let record = ["--record", file.to_str().unwrap()];
    let probed = probe(&root, &[&TO_LENE[..], &record].concat());
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    let mut names = Vec::new();
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        let last = exchanges(&path).pop().unwrap_or_default();
        assert!(last.starts_with("DELETE "), "{path:?}: {last}");
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["probe-2.har", "probe.har"]);
}

/// A renamed file would replace the pipe.
#[cfg(unix)]
#[test]
fn metrics_are_written_to_a_pipe() {
    use std::os::unix::fs::FileTypeExt as _;

    let (_server, root) = server();
    let (_folder, pipe) = metrics_file();
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let path = pipe.clone();
    let reader = std::thread::spawn(move || fs::read_to_string(path).unwrap());
    let probed = probe(&root, &["sign-in", "--metrics", &pipe]);
    assert_eq!(probed.code, Some(0), "{}", probed.stderr);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    let text = reader.join().unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interval_alone_repeats_until_a_signal() {
    let (_server, root) = server();
    let endless = ["sign-in", "--json", "--interval", "1"];
    let mut probe = Process::start(probing(&root, &endless));
    for _ in 0..2 {
        probe.line_with(|line| line["success"] == true);
    }
    probe.signal("TERM");
    let ended = probe.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn mistakes_on_the_command_line() {
    let root = "http://127.0.0.1:9/";
    for (more, why) in [
        (&[][..], "--to"),
        (&["--to", LENE, "--to-profile", "x"], "--to-profile"),
        (&["--to", TOSH], "same user"),
        (&["--to", LENE, "--count", "0"], "--count"),
        (&["--to", LENE, "--interval", "0"], "--interval"),
    ] {
        let probed = probe(root, more);
        assert_eq!(probed.code, Some(2), "{more:?}: {}", probed.stderr);
        assert!(probed.stderr.contains(why), "{more:?}: {}", probed.stderr);
    }
    let mut passwordless = probing(root, &TO_LENE);
    passwordless.env_remove("SKYPE_P2P_TO_PASSWORD");
    let probed = Process::start(passwordless).end();
    assert_eq!(
        probed.code,
        Some(2),
        "the password of the sender is not used"
    );
    for place in ["SKYPE_P2P_TO_PASSWORD", "--to-password-file"] {
        assert!(probed.stderr.contains(place), "{}", probed.stderr);
    }

    let unwritable = ["sign-in", "--metrics", "/nowhere/skype.prom"];
    let probed = probe(root, &unwritable);
    assert_eq!(probed.code, Some(2), "{}", probed.stderr);
}
