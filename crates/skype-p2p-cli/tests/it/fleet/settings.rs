//! The settings of a worker: `fleet worker --check`.

use std::process::Command;

use super::{KEY, PAGE};
use crate::process::{self, Ended, Folder, Process, command};

fn check(folder: &Folder, arguments: &[&str]) -> Command {
    let file = folder.path().join("fleet.toml");
    let mut command = command(["fleet", "worker", "--check", "--config"]);
    command.arg(file).args(arguments);
    command
}

fn run(command: Command) -> Ended {
    Process::start(command).end()
}

#[test]
fn options_are_used_before_variables_and_variables_before_the_file() {
    let folder = Folder::new("fleet-settings");
    folder.file("fleet.keys", format!("1 {KEY}\n"));
    folder.file("password", "hunter2\n");
    folder.file(
        "fleet.toml",
        "database = \"postgresql://fleet@file.contoso.com/fleet\"\nkeys_file = \"fleet.keys\"\ndatabase_password_file = \"password\"\ncapacity = 500\ntrust = [\"contoso.net\", \"fabrikam.com\"]\n",
    );
    let keys = folder.path().join("fleet.keys").display().to_string();
    let of_file = run(check(&folder, &[]));
    assert_eq!(of_file.code, Some(0), "{of_file:?}");
    let expected = [
        "database = postgresql://fleet@file.contoso.com/fleet (file)".to_owned(),
        format!("keys_file = {keys} (file)"),
        "capacity = 500 (file)".to_owned(),
        "trust = contoso.net, fabrikam.com (file)".to_owned(),
        "database_password = hidden (file)".to_owned(),
        "keys = hidden (file)".to_owned(),
    ];
    for line in expected {
        assert!(of_file.stdout.contains(&line), "{line}: {of_file:?}");
    }
    let mut with_variables = check(
        &folder,
        &[
            "--capacity",
            "700",
            "--proxy",
            "http://tosh:hunter2@proxy:3128",
        ],
    );
    with_variables
        .env("SKYPE_P2P_FLEET_CAPACITY", "600")
        .env("SKYPE_P2P_FLEET_NAME", "two")
        .env(
            "SKYPE_P2P_FLEET_DATABASE",
            "postgresql://fleet:hunter2@variable/fleet",
        )
        .env("SKYPE_P2P_FLEET_DATABASE_PASSWORD", "hunter2")
        .env("SKYPE_P2P_FLEET_KEYS", format!("2 {KEY}"));
    let checked = run(with_variables);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    for line in [
        "capacity = 700 (option --capacity)",
        "name = two (variable SKYPE_P2P_FLEET_NAME)",
        "database = postgresql://fleet:***@variable/fleet (variable SKYPE_P2P_FLEET_DATABASE)",
        "proxy = hidden (option --proxy)",
        "database_password = hidden (variable SKYPE_P2P_FLEET_DATABASE_PASSWORD)",
        "keys = hidden (variable SKYPE_P2P_FLEET_KEYS)",
    ] {
        assert!(
            checked.stdout.iter().any(|it| it == line),
            "{line}: {checked:?}"
        );
    }
    for secret in ["hunter2", KEY] {
        let shown = format!("{of_file:?}{checked:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_mistake_in_the_settings_is_named() {
    let folder = Folder::new("fleet-mistakes");
    folder.file("fleet.keys", format!("1 {KEY}\n"));
    folder.file("bad.keys", "1 hunter2\n");
    let database = "database = \"postgresql://fleet@db/fleet\"\n";
    let good = "keys_file = \"fleet.keys\"\n";
    for (text, why) in [
        (String::new(), "There is no database"),
        (database.to_owned(), "There are no keys"),
        (format!("{database}keys_file = \"missing\"\n"), "missing"),
        (
            format!("{database}keys_file = \"bad.keys\"\n"),
            "line 1 of the keyring",
        ),
        (
            format!("{database}{good}listen = \"localhost\"\n"),
            "listen",
        ),
        (format!("{database}{good}capacity = 0\n"), "capacity"),
        (
            format!("{database}{good}ca_file = \"missing\"\n"),
            "missing",
        ),
        (format!("{database}{good}capacty = 5\n"), "capacty"),
        (
            format!("database = \"host=db password=hunter2\"\n{good}"),
            "database",
        ),
    ] {
        folder.file("fleet.toml", &text);
        let ended = run(check(&folder, &[]));
        assert_eq!(ended.code, Some(2), "{text}: {ended:?}");
        assert!(ended.stderr.contains(why), "{text}: {ended:?}");
        assert!(!format!("{ended:?}").contains("hunter2"), "{ended:?}");
    }
}

#[test]
fn the_settings_of_the_page_are_those_of_the_binary() {
    let folder = Folder::new("fleet-page");
    folder.file("fleet.toml", "database = \"postgresql://fleet@db/fleet\"\n");
    let keys = folder.file("fleet.keys", format!("1 {KEY}\n"));
    let pem = folder.file("roots.pem", "");
    let head = "| key | variable | default | meaning |\n|---|---|---|---|\n";
    let (_, table) = PAGE.split_once(head).unwrap();
    let mut count = 0;
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('`').collect();
        let (key, variable) = (cells[1], cells[3]);
        let value = match key {
            "database" => "postgresql://fleet@other/fleet",
            "keys_file" | "database_password_file" => &keys,
            "ca_file" | "database_ca_file" => &pem,
            "capacity" | "claims_per_second" | "drain_timeout" => "7",
            "listen" => "127.0.0.1:7",
            "log" => "info",
            "log_format" => "json",
            _ => "value",
        };
        let mut checking = check(&folder, &[]);
        checking
            .env("SKYPE_P2P_FLEET_KEYS_FILE", &keys)
            .env(variable, value);
        let ended = run(checking);
        let shown = if key == "proxy" { "hidden" } else { value };
        let expected = format!("{key} = {shown} (variable {variable})");
        assert!(ended.stdout.contains(&expected), "{row}: {ended:?}");
        count += 1;
    }
    assert_eq!(count, 14);
}

#[test]
fn the_page_about_operating_a_fleet_has_every_command_and_option() {
    let help = process::run(["fleet", "--help"]).stdout;
    let commands = help.iter().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert_eq!(commands.len(), 11, "{commands:?}");
    for command in commands {
        assert!(PAGE.contains(&format!("| `fleet {command}")), "{command}");
        let help = process::run(["fleet", command, "--help"]).stdout.join("\n");
        for option in crate::guide::options(&help) {
            let key = option.trim_start_matches('-').replace('-', "_");
            let is_common = ["help", "verbose", "quiet", "log", "color"].contains(&key.as_str());
            let is_known =
                PAGE.contains(&format!("`{option}")) || PAGE.contains(&format!("| `{key}` |"));
            assert!(is_known || is_common, "{command} {option}");
        }
    }
}
