//! The page about the command line describes every command, option, exit code and JSON member of the binary, and no other.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory as _};
use serde_json::Value;
use skype_p2p_cli::Cli;

use crate::process::{Process, command, run};

const PAGE: &str = include_str!("../../../../docs/src/command-line.md");
const SERVE: &str = include_str!("../../../../docs/src/hosting.md");
const CHAT: &str = include_str!("../../../../docs/src/chat.md");
const README: &str = include_str!("../../../../README.md");
const SCHEMA: &str = include_str!("../../../../docs/src/json-lines.schema.json");

/// The parts of the page that are about several commands.
const COMMON: [&str; 3] = ["", "Sign-in", "Fault injection"];

/// A section of the page; that without a title is the beginning.
fn section(title: &str) -> &'static str {
    let sections = PAGE.split("\n## ");
    let mut found = sections.filter_map(|section| {
        let (of, text) = section.split_once('\n')?;
        let is_first = section.starts_with("# ");
        (of == title || is_first && title.is_empty()).then_some(text)
    });
    found.next().unwrap_or_else(|| panic!("no section {title}"))
}

/// The title of the section that describes a command.
fn title(name: &str) -> &str {
    match name.split(' ').next().unwrap() {
        "login" | "logout" | "profiles" | "config" => "Profiles",
        "timeline" | "redact" | "replay" | "diff" => "Recordings",
        first => first,
    }
}

/// Every command that can be run, with its full name. Those of a fleet have a page of their own, which other tests compare.
fn commands() -> Vec<(String, Command)> {
    fn add(command: &Command, prefix: &str, all: &mut Vec<(String, Command)>) {
        for command in command.get_subcommands() {
            let name = format!("{prefix}{}", command.get_name());
            if name == "fleet" {
                continue;
            }
            if !command.is_subcommand_required_set() {
                all.push((name.clone(), command.clone()));
            }
            add(command, &format!("{name} "), all);
        }
    }
    let mut all = Vec::new();
    add(&Cli::command(), "", &mut all);
    all
}

/// The long options of a command, with their other names.
fn options(command: &Command) -> Vec<String> {
    let options = command.get_arguments();
    let names = options.flat_map(|option| {
        let aliases = option.get_visible_aliases().unwrap_or_default();
        option.get_long().into_iter().chain(aliases)
    });
    names.map(|name| format!("--{name}")).collect()
}

/// The long options that a page has in code, also with a value: `--to NAME`.
fn mentioned(page: &str) -> BTreeSet<String> {
    let code = page.split("`--").skip(1);
    let names = code.map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-');
        format!("--{}", &rest[..end.unwrap_or(rest.len())])
    });
    names.filter(|name| name.len() > 2).collect()
}

#[test]
fn every_command_has_its_section_and_is_in_the_tables() {
    let names: Vec<String> = commands().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() >= 31, "{names:?}");
    assert!(names.contains(&"probe sign-in".to_owned()), "{names:?}");
    for name in names {
        let section = section(title(&name));
        let is_used = section.contains(&format!("$ skype-p2p {name}"));
        let is_named =
            section.contains(&format!("`{name}")) || section.contains(&format!("### {name}\n"));
        let is_titled = title(&name) == name;
        assert!(is_used || is_named || is_titled, "{name}");
        let first = name.split(' ').next().unwrap();
        for table in [self::section(""), README] {
            let in_table =
                table.contains(&format!("`{first}`")) || table.contains(&format!("`{name}`"));
            assert!(in_table, "{name}");
        }
    }
}

#[test]
fn every_option_is_described() {
    let common: String = COMMON.map(section).concat();
    let of_all = options(&Cli::command());
    assert!(of_all.contains(&"--verbose".to_owned()), "{of_all:?}");
    for option in of_all {
        assert!(mentioned(section("")).contains(&option), "{option}");
    }
    let mut all: BTreeSet<String> = options(&Cli::command()).into_iter().collect();
    all.extend(["--help", "--version"].map(str::to_owned));
    for (name, command) in commands() {
        let more = match &*name {
            "serve" => SERVE,
            "chat" => CHAT,
            _ => "",
        };
        let described = mentioned(&[&common, section(title(&name)), more].concat());
        for option in options(&command) {
            assert!(described.contains(&option), "{name} {option}");
            all.insert(option);
        }
    }
    // Options of a feature, and of other programs.
    all.extend(["--windows-account", "--locked"].map(str::to_owned));
    for option in mentioned(PAGE) {
        assert!(all.contains(&option), "no command has {option}");
    }
}

/// Options after flattened ones would appear below their heading.
#[test]
fn every_option_is_below_the_heading_that_it_belongs_to() {
    let of_sign_in = [
        "profile",
        "user",
        "password-file",
        "bearer",
        "windows-account",
        "endpoint-id",
        "representation",
        "record",
    ];
    let of_server = [
        "root",
        "trust",
        "ca-file",
        "pin",
        "proxy",
        "client-certificate",
    ];
    for (name, command) in commands() {
        for argument in command.get_arguments() {
            let long = argument.get_long().unwrap_or_default();
            let fits = match argument.get_help_heading() {
                Some("Sign-in") => of_sign_in.contains(&long),
                Some("Server") => of_server.contains(&long),
                Some("Fault injection") => long.starts_with("fault"),
                Some("Receiver") => long.starts_with("to"),
                other => other.is_none(),
            };
            assert!(
                fits,
                "{name} {}: {:?}",
                argument.get_id(),
                argument.get_help_heading()
            );
        }
    }
}

#[test]
fn every_json_member_is_described_where_its_command_is() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let parts = schema["$defs"].as_object().unwrap();
    for (part, definition) in parts {
        let title = match &**part {
            "observation" => "listen",
            "result" => "send",
            "person" | "phone" => "search",
            "contact" | "contact_change" => "contacts",
            "group" => "groups",
            "history_conversation" | "history_message" => "history",
            "discover_request" | "discover_path" => "discover",
            // The members of several objects, which are named with them.
            "party" => "listen",
            of_command => of_command,
        };
        // The events of an observation are described with the first command that writes them.
        let of_demo = if part == "observation" { "demo" } else { title };
        let described = [section(title), section(of_demo)].concat();
        let members = definition["properties"].as_object().unwrap();
        for (member, of) in members {
            assert!(
                described.contains(&format!("`{member}`")),
                "{member} of {part}"
            );
            let events = of["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .chain([&of["const"]]);
            for event in events
                .filter_map(Value::as_str)
                .filter(|_| member == "event")
            {
                assert!(
                    described.contains(&format!("`{event}`")),
                    "{event} of {part}"
                );
            }
        }
    }
    assert!(parts.len() >= 14);
}

#[test]
fn the_keys_of_the_page_are_those_of_the_binary() {
    let (_, table) = PAGE
        .split_once("| key | variable | option |\n|---|---|---|\n")
        .unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let mut count = 0;
    for row in rows {
        let cells: Vec<&str> = row.split('`').collect();
        let [.., variable, _, option, _] = cells[..] else {
            panic!("{row}");
        };
        let key = cells[1];
        let value = match key {
            "auth" => "bearer",
            "representation" => "json",
            "user" => "toshm@contoso.com",
            _ => "value",
        };
        let check = |more: &[&str]| {
            let mut checking = command([&["config", "check"], more].concat());
            checking.env(variable, value);
            Process::start(checking).end().stdout
        };
        let of_variable = format!("{key} = {value} (variable {variable})");
        let checked = check(&[]);
        assert!(checked.contains(&of_variable), "{row}: {checked:?}");
        count += 1;
        if option == "--windows-account" && cfg!(not(feature = "windows-auth")) {
            continue;
        }
        let of_option = format!("{key} = {value} (option {option})");
        let given = [option, value];
        // That of tokens has no value.
        let given = &given[..if key == "auth" { 1 } else { 2 }];
        let checked = check(given);
        assert!(checked.contains(&of_option), "{row}: {checked:?}");
    }
    assert_eq!(count, 12);
}

#[test]
fn the_exit_codes_of_the_page_are_those_of_the_help() {
    let help = run(["--help"]).stdout;
    let (_, table) = PAGE
        .split_once("| exit code | means |\n|---|---|\n")
        .unwrap();
    let of_the_page: Vec<String> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches(['|', ' ']).replace(" | ", "  "))
        .collect();
    let of_the_help: Vec<&str> = help
        .iter()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(of_the_help, of_the_page);
    assert!(of_the_page.len() >= 6);
}
