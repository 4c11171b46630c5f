//! `cargo xtask web-test`: the package for web pages and the chat page in Chromium.
//!
//! The script `xtask/clients/web_pages.py` plays the pages. The package comes from `cargo xtask web`.

use std::{
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
};

use crate::web::{target, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write screenshots of the chat page into this folder
    #[arg(long, value_name = "FOLDER")]
    screenshots: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let target = target();
    if !target.join("web/skype-p2p.js").exists() {
        println!("skipped: there is no package for web pages (cargo xtask web)");
        return ExitCode::SUCCESS;
    }
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let version = Command::new(chromium)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        println!("skipped: Chromium is not installed (Debian: chromium)");
        return ExitCode::SUCCESS;
    }

    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--package", "skype-p2p-cli"])
        .args(["--features", "web"])
        .current_dir(workspace());
    let mut pages = Command::new("python3");
    pages
        .arg(workspace().join("xtask/clients/web_pages.py"))
        .arg(target.join("debug/skype-p2p"))
        .args(&arguments.screenshots)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    for mut command in [build, pages] {
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(_) => return ExitCode::FAILURE,
            Err(error) => {
                eprintln!("cannot run {}: {error}", command.get_program().display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
