//! The commands and tables of the pages, as a reader uses them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use crate::process::{Folder, Process, command, run};

#[cfg(unix)]
const ALERT: &str = include_str!("../../../../docs/src/alert.md");
#[cfg(unix)]
const BOT: &str = include_str!("../../../../docs/src/bot.md");
const PAGE: &str = include_str!("../../../../docs/src/hosting.md");
const COMMAND_LINE: &str = include_str!("../../../../docs/src/command-line.md");
const PROBE: &str = include_str!("../../../../docs/src/probe.md");
const BUG_REPORT: &str = include_str!("../../../../docs/src/bug-report.md");
const README: &str = include_str!("../../../../README.md");
const README_OF_THE_CRATE: &str = include_str!("../../README.md");

/// The blocks of a page in this language, each with the line above it.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<(&'a str, String)> {
    let mut blocks = Vec::new();
    let mut above = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("```") == Some(language) {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((above, block.join("\n")));
        }
        above = line;
    }
    blocks
}

/// The words of a command: at spaces, except between quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in command.chars() {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == ' ' => words.push(String::new()),
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// The command with free ports in the place of the ports that the page has.
fn with_free_ports(command: &str, ports: &mut BTreeMap<String, u16>) -> String {
    let mut result = command.to_owned();
    for page_port in ["8080", "8081", "8090", "8443"] {
        if command.contains(page_port) {
            let port = ports.entry(page_port.to_owned()).or_insert_with(|| {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                listener.local_addr().unwrap().port()
            });
            result = result.replace(page_port, &port.to_string());
        }
    }
    result
}

/// `sh` with the binary in its path.
fn shell(arguments: &[String]) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_skype-p2p")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell
        .args(arguments)
        .env("PATH", std::env::join_paths(path).unwrap())
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell
}

/// Runs the commands of a block one after the other; `serve` and `listen` run until its end. Lines below another command are its
/// output. The block has a configuration of its own.
fn play(block: &str, folder: &Path) {
    let configuration = Folder::new("guide-configuration");
    let mut ports = BTreeMap::new();
    let mut environment = BTreeMap::new();
    let mut running = Vec::new();
    let mut lines = block.lines().peekable();
    while let Some(line) = lines.next() {
        let typed = line.strip_prefix("$ ").unwrap();
        let mut output = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            output.push(line);
        }
        let typed = with_free_ports(typed, &mut ports);
        let typed = typed.replace("cargo run --", "skype-p2p");
        let mut words = words(&typed);
        let mut own = environment.clone();
        while let Some((name, value)) = words[0].split_once('=') {
            own.insert(name.to_owned(), value.to_owned());
            words.remove(0);
        }
        let mut process = match &*words[0] {
            "export" => {
                let (name, value) = words[1].split_once('=').unwrap();
                environment.insert(name.to_owned(), value.to_owned());
                continue;
            }
            "skype-p2p" => command(&words[1..]),
            "sh" => shell(&words[1..]),
            "curl" => {
                let mut curl = Command::new("curl");
                curl.args(&words[1..]).stdin(Stdio::null());
                // Not every machine has it.
                match curl.output() {
                    Ok(output) => assert!(output.status.success(), "{line}: {output:?}"),
                    Err(_) => eprintln!("skipped: {line}"),
                }
                continue;
            }
            other => panic!("{other} in {line}"),
        };
        process.envs(&own).current_dir(folder);
        process.env("XDG_CONFIG_HOME", configuration.path());
        process.env("XDG_STATE_HOME", configuration.path());
        let command = if words[0] == "sh" { "sh" } else { &*words[1] };
        match command {
            "serve" => {
                let mut server = Process::start(process);
                assert!(server.line().starts_with("http"), "{line}");
                running.push(server);
            }
            "presence" if words[2] == "watch" => {
                let mut watch = Process::start(process);
                watch.line();
                running.push(watch);
            }
            "listen" => {
                let mut listener = Process::start(process);
                while !listener.line().contains("SignedIn") {}
                running.push(listener);
            }
            "send" | "probe" | "demo" | "login" | "logout" | "profiles" | "config"
            | "completions" | "man" | "presence" | "search" | "contacts" | "groups" | "history"
            | "timeline" | "redact" | "replay" | "diff" | "discover" | "sh" => {
                if command == "man" || command == "probe" {
                    // They write files.
                    process.current_dir(configuration.path());
                }
                let sent = Process::start(process).end();
                assert_eq!(sent.code, Some(0), "{line}: {}", sent.stderr);
                assert!(
                    output.is_empty() || sent.stdout == output,
                    "{line}: {sent:?}"
                );
            }
            other => panic!("{other} in {line}"),
        }
    }
}

/// A folder with the files that the page shows.
fn files(page: &str) -> Folder {
    let folder = Folder::new("guide");
    for language in ["toml", "sh"] {
        for (above, text) in blocks(page, language) {
            if let Some(name) = above.strip_prefix("<!-- file: ") {
                folder.file(name.trim_end_matches(" -->"), format!("{text}\n"));
            }
        }
    }
    folder
}

#[test]
fn the_commands_of_the_page_about_the_server_work() {
    let folder = files(PAGE);
    let blocks = blocks(PAGE, "console");
    assert!(blocks.len() >= 5);
    for (_, block) in blocks {
        // Only Linux takes roots from a variable.
        if cfg!(target_os = "linux") || !block.contains("SSL_CERT_FILE") {
            play(&block, folder.path());
        }
    }
}

#[test]
fn the_commands_of_the_readme_work() {
    let (_, section) = README.split_once("\n## The binary\n").unwrap();
    let (_, block) = blocks(section, "console").swap_remove(0);
    // The echo and the end of the chat race each other: several runs.
    for _ in 0..3 {
        play(&block, Path::new("."));
    }
}

#[test]
fn the_commands_of_the_readme_of_the_crate_work() {
    let mut blocks = blocks(README_OF_THE_CRATE, "console");
    let (_, block) = blocks.remove(1);
    play(&block, Path::new("."));
}

#[test]
fn the_commands_of_the_page_about_the_command_line_work() {
    let blocks = blocks(COMMAND_LINE, "console");
    assert!(blocks.len() >= 5);
    let folder = crate::process::Folder::new("guide-command-line");
    for (_, block) in blocks {
        play(&block, folder.path());
    }
}

#[test]
fn the_commands_of_the_page_about_bug_reports_work_and_show_the_excerpt() {
    let commands = blocks(BUG_REPORT, "console");
    assert!(commands.len() >= 5);
    let folder = crate::process::Folder::new("guide-bug-report");
    for (_, block) in commands {
        play(&block, folder.path());
    }
    // Numbers and times differ from run to run.
    let words = |line: &str| -> Vec<String> {
        let words = line.split([' ', '(', ')']).filter(|word| !word.is_empty());
        let words = words.filter(|word| word.parse::<f64>().is_err_and(|_| *word != "#"));
        words.map(str::to_owned).collect()
    };
    let excerpts = blocks(BUG_REPORT, "text");
    for (above, excerpt) in excerpts {
        let typed = above.strip_prefix("<!-- excerpt of: ").unwrap();
        let mut process = command(typed.trim_end_matches(" -->").split(' '));
        process.current_dir(folder.path());
        let shown = Process::start(process).end().stdout;
        for line in excerpt.lines() {
            let has_line = shown.iter().any(|shown| words(shown) == words(line));
            assert!(has_line, "{line} is not in {shown:#?}");
        }
        assert!(excerpt.lines().count() >= 4);
    }
}

#[test]
fn the_commands_of_the_page_about_the_probe_work() {
    let blocks = blocks(PROBE, "console");
    assert!(blocks.len() >= 3);
    for (_, block) in blocks {
        play(&block, Path::new("."));
    }
}

#[cfg(unix)]
#[test]
fn the_script_of_the_page_about_alerts_works() {
    let folder = files(ALERT);
    let (_, block) = blocks(ALERT, "console").remove(0);
    assert!(block.contains("by an earlier call"));
    play(&block, folder.path());
}

#[cfg(unix)]
#[test]
fn the_script_of_the_page_about_bots_works() {
    let folder = files(BOT);
    let script = fs::read_to_string(folder.path().join("bot")).unwrap();
    assert_eq!(script.lines().count(), 10, "as the title says");
    let (_, block) = blocks(BOT, "console").remove(0);
    assert!(block.contains("[bot] "));
    play(&block, folder.path());
}

/// The long options that a text names.
pub(crate) fn options(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_lowercase() && c != '-')
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.ends_with('-'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_about_the_server_has_every_option_of_serve_and_no_other() {
    let help = run(["serve", "--help"]).stdout.join("\n");
    let mut offered = options(&help);
    for common in ["--help", "--verbose", "--quiet", "--log", "--color"] {
        offered.remove(common);
    }
    let page: String = PAGE
        .lines()
        .filter(|line| !line.contains("skype-p2p send") && !line.contains("skype-p2p listen"))
        .filter(|line| !line.contains("curl") && !line.starts_with("<!--"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(options(&page), offered);
}
