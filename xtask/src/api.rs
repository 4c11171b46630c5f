//! `api`: compares the public items of each library crate with the crate's `public-api.txt`.

use std::{
    collections::BTreeSet,
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use public_api::Builder;
use similar::{ChangeTag, TextDiff};

/// The crates that applications can depend on.
const CRATES: [&str; 8] = [
    "conv-model",
    "conv-transport",
    "skype-p2p",
    "skype-p2p-fleet",
    "ucwa-har",
    "ucwa-proto",
    "ucwa-server",
    "ucwa-session",
];

/// The format of rustdoc's JSON that this version of public-api reads.
const FORMAT: u64 = 57;

/// Set while this program stands in for rustdoc: the real rustdoc.
const RUSTDOC: &str = "XTASK_RUSTDOC";

/// How the files are written anew.
const RENEW: &str = "cargo xtask api --write";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Write the files instead of comparing them
    #[arg(long)]
    write: bool,
}

#[derive(Debug, thiserror::Error)]
enum ApiError {
    #[error("cannot read or write a file: {0}")]
    Io(#[from] io::Error),
    #[error("cargo could not document the crates")]
    Cargo,
    #[error("the JSON of rustdoc cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the JSON of rustdoc has the format {0}")]
    Format(u64),
    #[error("the JSON of rustdoc cannot be read: {0}")]
    PublicApi(#[from] public_api::Error),
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match compare(arguments.write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(ApiError::Format(format)) => {
            println!(
                "skipped: {} writes rustdoc JSON of format {format}, and this task reads {FORMAT}",
                toolchain()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// True if every file is as it should be.
fn compare(write: bool) -> Result<bool, ApiError> {
    document()?;
    let toolchain = toolchain();
    let mut passed = true;
    for name in CRATES {
        let text = format!("# {toolchain}, {RENEW}\n{}", items(name)?);
        let file = folder().join("crates").join(name).join("public-api.txt");
        if write {
            fs::write(&file, text)?;
            continue;
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        let (first, committed) = committed.split_once('\n').unwrap_or_default();
        let (_, present) = text.split_once('\n').unwrap_or_default();
        if committed == present {
            println!("pass  {name}");
            continue;
        }
        println!("\n{name}: the public items are not those of crates/{name}/public-api.txt");
        let diff = TextDiff::from_lines(committed, present);
        for change in diff.iter_all_changes() {
            match change.tag() {
                ChangeTag::Delete => print!("- {change}"),
                ChangeTag::Insert => print!("+ {change}"),
                ChangeTag::Equal => {}
            }
        }
        if first.starts_with(&format!("# {toolchain},")) {
            println!("If this is intended, run `{RENEW}` and commit the file.");
            passed = false;
        } else {
            println!("skipped: the file is of another toolchain ({first}), this is {toolchain}");
        }
    }
    Ok(passed)
}

/// The public items of a crate, one on each line. Implementations of `Send`, `Sync` and the like, and blanket
/// implementations, are left out, and so are the methods of derived implementations.
fn items(name: &str) -> Result<String, ApiError> {
    let file = format!("{}.json", name.replace('-', "_"));
    let json = target()?.join("doc").join(file);
    let head: serde_json::Value = serde_json::from_slice(&fs::read(&json)?)?;
    let format = head.get("format_version");
    let format = format
        .and_then(serde_json::Value::as_u64)
        .unwrap_or_default();
    if format != FORMAT {
        return Err(ApiError::Format(format));
    }
    let api = |derived: bool| {
        Builder::from_rustdoc_json(&json)
            .omit_blanket_impls(true)
            .omit_auto_trait_impls(true)
            .omit_auto_derived_impls(!derived)
            .build()
            .map(|api| api.to_string())
    };
    let (all, written) = (api(true)?, api(false)?);
    let written: BTreeSet<&str> = written.lines().collect();
    // Of a derived implementation, the first line says everything.
    let is_shown = |line: &&str| {
        written.contains(line)
            || line.starts_with("impl") && !line.contains("::StructuralPartialEq ")
    };
    let lines = all.lines().filter(is_shown);
    Ok(lines.flat_map(|line| [line, "\n"]).collect())
}

/// The folder of the workspace.
fn folder() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The target folder that this program was built in.
fn target() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(2);
    Ok(target.unwrap_or(folder()).to_owned())
}

/// Has rustdoc write the JSON of every crate, with the features that the workspace enables.
fn document() -> Result<(), ApiError> {
    let rustdoc = env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "doc",
            "--quiet",
            "--workspace",
            "--no-deps",
            "--lib",
            "--target-dir",
        ])
        .arg(target()?)
        .current_dir(folder())
        .env("RUSTDOC", env::current_exe()?)
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format json")
        .env(RUSTDOC, rustdoc)
        .stdin(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(ApiError::Cargo)
    }
}

/// Runs rustdoc if this process was started in its place. A stable rustdoc writes JSON only with `RUSTC_BOOTSTRAP`; in the environment
/// of cargo this variable would compile every dependency anew.
pub(crate) fn stand_in_for_rustdoc() -> Option<ExitCode> {
    let rustdoc = env::var_os(RUSTDOC)?;
    let status = Command::new(rustdoc)
        .args(env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(RUSTDOC)
        .status();
    Some(match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// The version of the compiler, such as `rustc 1.95`.
fn toolchain() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&output).into_owned();
    let mut parts = version.split(['.', '-', ' ']);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("rustc"), Some(major), Some(minor)) => format!("rustc {major}.{minor}"),
        _ => "an unknown rustc".to_owned(),
    }
}
