//! Copies the script for web pages, and finds the commit and the features of the build, for `--version`. The commit comes from the repository, or from the file that
//! `cargo package` adds to a package.

use std::{env, fs, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let packaged = Path::new(&folder).join(".cargo_vcs_info.json");
    let commit = if packaged.exists() {
        fs::read_to_string(packaged)
            .ok()
            .and_then(|text| packaged_commit(&text))
    } else {
        repository_commit()
    };
    // Without a repository and without the file, `--version` names no commit.
    let commit = commit.map_or_else(String::new, |commit| format!(" ({commit})"));
    println!("cargo::rustc-env=SKYPE_P2P_COMMIT={commit}");

    let fleet = env::var_os("CARGO_FEATURE_FLEET").is_some();
    let windows_auth = env::var_os("CARGO_FEATURE_WINDOWS_AUTH").is_some();
    let web = env::var_os("CARGO_FEATURE_WEB").is_some();
    let sign = |enabled| if enabled { '+' } else { '-' };
    println!(
        "cargo::rustc-env=SKYPE_P2P_FEATURES={}fleet {}windows-auth {}web",
        sign(fleet),
        sign(windows_auth),
        sign(web)
    );
    embed_package(web);
}

/// Copies the script for web pages to where the sources include it. Without the feature `web` the copy is empty.
fn embed_package(is_enabled: bool) {
    let mut script = Vec::new();
    if is_enabled {
        println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
        let workspace =
            Path::new(&env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../..");
        let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let file = workspace.join(target).join("web/skype-p2p.js");
        println!("cargo::rerun-if-changed={}", file.display());
        match fs::read(&file) {
            Ok(contents) => script = contents,
            Err(error) => println!(
                "cargo::warning=the feature web needs the package of `cargo xtask web`: {}: {error}",
                file.display()
            ),
        }
    }
    let copy = Path::new(&env::var_os("OUT_DIR").unwrap_or_default()).join("skype-p2p.js");
    if let Err(error) = fs::write(&copy, script) {
        println!("cargo::error={}: {error}", copy.display());
    }
}

/// The first twelve digits of the member `sha1`.
fn packaged_commit(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("\"sha1\"")?;
    let hash = rest.split('"').nth(1)?;
    hash.get(..12).map(str::to_owned)
}

/// The commit of the work tree that contains this crate. The log of HEAD changes with each commit and checkout.
fn repository_commit() -> Option<String> {
    // Sources that were unpacked inside of another repository have no commit there.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
