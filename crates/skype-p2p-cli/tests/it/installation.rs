//! The version, the completions and the manual, which packages install.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;
use skype_p2p_cli::Cli;

use crate::process::run;

const PAGE: &str = include_str!("../../../../docs/src/installing.md");

/// An empty folder of the test's own.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The commands, without the `help` that clap adds.
fn commands() -> Vec<String> {
    let cli = Cli::command();
    let commands = cli.get_subcommands().map(|command| command.get_name());
    commands.map(str::to_owned).collect()
}

#[test]
fn the_version_has_the_commit_and_the_features() {
    let ended = run(["--version"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let head = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    let version = concat!("skype-p2p ", env!("CARGO_PKG_VERSION"));
    let first = match head {
        Ok(output) if output.status.success() => {
            let commit = String::from_utf8(output.stdout).unwrap();
            format!("{version} ({})", commit.trim())
        }
        // Sources that were unpacked outside of a repository.
        _ => ended.stdout[0].clone(),
    };
    assert!(first.starts_with(version), "{first}");
    let sign = |enabled| if enabled { '+' } else { '-' };
    let (windows_auth, web) = (cfg!(feature = "windows-auth"), cfg!(feature = "web"));
    let features = format!(
        "features: {}fleet {}windows-auth {}web",
        sign(cfg!(feature = "fleet")),
        sign(windows_auth),
        sign(web)
    );
    assert_eq!(ended.stdout, [first, features]);
    assert_eq!(run(["-V"]).stdout, ended.stdout);
}

#[test]
fn the_completions_of_each_shell_name_every_command() {
    for shell in Shell::value_variants() {
        let ended = run(["completions", &shell.to_string()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let script = ended.stdout.join("\n");
        for command in commands() {
            assert!(script.contains(&command), "{command} in {shell}");
        }
        assert!(script.contains("password-file"), "{shell}");
    }
    assert_eq!(run(["completions", "cmd.exe"]).code, Some(2));
}

/// bash runs the script as it does after a press of the tab key.
#[test]
fn bash_completes_a_command_and_an_option() {
    let script = run(["completions", "bash"]).stdout.join("\n");
    for (words, expected) in [
        ("skype-p2p com", "completions"),
        ("skype-p2p send --pass", "--password-file"),
    ] {
        let count = words.split(' ').count();
        let last = words.rsplit(' ').next().unwrap();
        let (_, function) = script.rsplit_once("complete -F ").unwrap();
        let function = function.split(' ').next().unwrap();
        let typed = format!(
            "{script}\nCOMP_WORDS=({words})\nCOMP_CWORD={}\n{function} skype-p2p {last} send\necho \"${{COMPREPLY[@]}}\"\n",
            count - 1
        );
        let bash = Command::new("bash")
            .args(["--norc", "-c", &typed])
            .stdin(Stdio::null())
            .output();
        // Not every machine has it.
        let Ok(output) = bash else { return };
        let replies = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(replies.trim(), expected, "{words}: {errors}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = folder("manual");
    // The folder is created.
    let pages = folder.join("man1");
    let ended = run(["man", "--out", pages.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
    for command in commands() {
        let page = fs::read_to_string(pages.join(format!("skype-p2p-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let main = fs::read_to_string(pages.join("skype-p2p.1")).unwrap();
    assert_eq!(run(["man"]).stdout.join("\n"), main.trim_end());
    assert!(!main.contains("features:"), "{main}");
}

#[test]
fn a_manual_that_cannot_be_written_is_an_error() {
    let folder = folder("no-manual");
    let file = folder.join("file");
    fs::write(&file, "").unwrap();
    let ended = run(["man", "--out", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stderr.contains("Cannot write to the folder "),
        "{ended:?}"
    );
}

/// A shell runs the commands of the guide in an empty home.
#[cfg(unix)]
#[test]
fn the_commands_of_the_page_about_installing_work() {
    let home = folder("home");
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_skype-p2p"));
    let binaries = [
        binary.parent().unwrap().to_owned(),
        "/usr/bin".into(),
        "/bin".into(),
    ];
    let commands: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert_eq!(commands.len(), 6, "{commands:?}");
    for command in commands {
        let status = Command::new("sh")
            .args(["-c", command])
            .env("HOME", &home)
            .env("PATH", std::env::join_paths(&binaries).unwrap())
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{command}");
    }
    for file in [
        ".local/share/bash-completion/completions/skype-p2p",
        ".config/fish/completions/skype-p2p.fish",
        ".zfunc/_skype-p2p",
        ".local/share/man/man1/skype-p2p-send.1",
    ] {
        assert!(fs::metadata(home.join(file)).unwrap().len() > 0, "{file}");
    }
}
