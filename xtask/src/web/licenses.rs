//! The licences of the crates that are compiled into the package.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

/// The text with the name, the version and the licence of each crate, and the licence texts of its sources.
pub(super) fn collect(mut cargo: Command) -> Result<String, String> {
    let names = packages(&mut cargo)?;
    let output = Command::new(cargo.get_program())
        .current_dir(super::workspace())
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", "wasm32-unknown-unknown"])
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    // Many crates have the same text, which is printed once.
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = format!("{} {}", text("name"), text("version"));
        // Our own crates have the licence of the package.
        if !names.contains(&name) || package.get("source").is_none_or(Value::is_null) {
            continue;
        }
        list.push_str(&format!("{name}: {}\n", text("license")));
        let folder = Path::new(text("manifest_path")).parent();
        for license in folder.map(license_texts).into_iter().flatten() {
            texts.entry(license).or_default().push(name.clone());
        }
    }
    let mut all = format!("The package contains these crates:\n\n{list}");
    for (license, names) in texts {
        let rule = "-".repeat(80);
        all.push_str(&format!(
            "\n{rule}\n{}\n{rule}\n\n{}\n",
            names.join(", "),
            license.trim_end()
        ));
    }
    Ok(all)
}

/// The names and versions of the crates that the package is compiled from.
fn packages(cargo: &mut Command) -> Result<Vec<String>, String> {
    let output = cargo
        .args([
            "tree",
            "--locked",
            "--package",
            "skype-p2p-web",
            "--edges",
            "normal",
        ])
        .args([
            "--target",
            "wasm32-unknown-unknown",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let tree = String::from_utf8_lossy(&output.stdout);
    Ok(tree
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            let version = rest.split_whitespace().next()?;
            Some(format!("{name} {version}"))
        })
        .collect())
}

/// The texts of the licence files of a folder.
fn license_texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.to_ascii_uppercase();
            ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"]
                .iter()
                .any(|start| name.starts_with(start))
        })
        .collect();
    files.sort();
    files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|text| text.replace("\r\n", "\n"))
        .collect()
}
