//! The files for service managers.

use std::process::{Command, Stdio};

use super::KEY;
use crate::process::{Folder, Process, command};

const UNIT: &str = include_str!("../../../../../packaging/skype-p2p-fleet@.service");
const KUBERNETES: &str = include_str!("../../../../../packaging/kubernetes-fleet.yaml");

/// The value of a setting of the unit.
fn setting(name: &str) -> &'static str {
    let mut lines = UNIT.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("the unit has no {name}"))
}

#[test]
fn the_command_of_the_unit_has_usable_settings() {
    let folder = Folder::new("fleet-unit");
    folder.file("keys", format!("1 {KEY}\n"));
    folder.file("password", "hunter2\n");
    let config = folder.file(
        "fleet-one.toml",
        "database = \"postgresql://fleet@db/fleet\"\n",
    );
    let line = setting("ExecStart");
    let line = line.replace("/etc/skype-p2p/fleet-%i.toml", &config);
    let line = line.replace(
        "${CREDENTIALS_DIRECTORY}",
        &folder.path().display().to_string(),
    );
    let mut words = line.split(' ');
    assert_eq!(words.next(), Some("/usr/bin/skype-p2p"));
    let checked = Process::start(command(words.chain(["--check"]))).end();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let expected = "database_password = hidden (option --database-password-file)";
    assert!(
        checked.stdout.iter().any(|it| it == expected),
        "{checked:?}"
    );
    // A drain of 60 s must fit, and a worker must not wake up after its lease of 5 s.
    let stop: u32 = setting("TimeoutStopSec").parse().unwrap();
    let watchdog: u32 = setting("WatchdogSec").parse().unwrap();
    assert!(stop > 60 && watchdog < 5);
    assert_eq!(setting("Type"), "notify");
}

#[test]
fn systemd_accepts_the_unit() {
    let folder = Folder::new("fleet-verify");
    // The binary and its manual are not installed here.
    let unit = UNIT.replace("/usr/bin/skype-p2p", env!("CARGO_BIN_EXE_skype-p2p"));
    let lines = unit
        .lines()
        .filter(|line| !line.starts_with("Documentation="));
    let unit: String = lines.map(|line| format!("{line}\n")).collect();
    let file = folder.file("skype-p2p-fleet@try.service", unit);
    let verifying = Command::new("systemd-analyze")
        .args(["verify", &file])
        .output();
    let Ok(output) = verifying else {
        eprintln!("skipped: systemd-analyze is not installed");
        return;
    };
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && why.is_empty(), "{why}");
}

#[test]
fn the_settings_and_arguments_of_the_manifest_are_usable() {
    let folder = Folder::new("fleet-kubernetes");
    folder.file("keys", format!("1 {KEY}\n"));
    folder.file("password", "hunter2\n");
    let (_, settings) = KUBERNETES.split_once("  fleet.toml: |\n").unwrap();
    let settings = settings.lines().map_while(|line| line.strip_prefix("    "));
    let settings: String = settings.map(|line| format!("{line}\n")).collect();
    let secrets = folder.path().display().to_string();
    let config = folder.file(
        "fleet.toml",
        settings.replace("/run/secrets/fleet", &secrets),
    );
    let (_, arguments) = KUBERNETES.split_once("          args: ").unwrap();
    let arguments = arguments.lines().next().unwrap();
    let arguments: Vec<String> = serde_json::from_str(arguments).unwrap();
    let arguments = arguments
        .iter()
        .map(|it| it.replace("/etc/skype-p2p/fleet.toml", &config));
    let checked = Process::start(command(arguments.chain(["--check".to_owned()]))).end();
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(
        checked
            .stdout
            .iter()
            .any(|it| it == "listen = 0.0.0.0:9464 (file)"),
        "{checked:?}"
    );
}

#[test]
fn the_manifest_is_yaml_with_a_deployment_and_a_disruption_budget() {
    let program = "import sys, json, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let mut python = Command::new("python3");
    python
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let Ok(mut python) = python.spawn() else {
        eprintln!("skipped: python3 is not installed");
        return;
    };
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), KUBERNETES.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    if !output.status.success() {
        eprintln!("skipped: python3 has no yaml (Debian: python3-yaml)");
        return;
    }
    let documents: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<&str> = documents
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["ConfigMap", "Deployment", "PodDisruptionBudget"]);
    let pod = &documents[1]["spec"]["template"]["spec"];
    // The drain must end before the pod is killed.
    let settings = documents[0]["data"]["fleet.toml"].as_str().unwrap();
    let settings: toml::Table = settings.parse().unwrap();
    let drain_timeout = settings["drain_timeout"].as_integer().unwrap();
    assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() > drain_timeout + 10);
    let container = &pod["containers"][0];
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/livez");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    assert_eq!(documents[2]["spec"]["maxUnavailable"], 1);
    let label = &documents[2]["spec"]["selector"]["matchLabels"];
    assert_eq!(
        *label,
        documents[1]["spec"]["template"]["metadata"]["labels"]
    );
}
