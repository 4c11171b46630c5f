//! The rules of the house, read from its files: `cargo test -p xtask`.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod arrows;
mod documents;
mod examples;
mod named_tests;
mod publication;
mod sdk_members;
mod sources;

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest(path: impl AsRef<Path>) -> toml::Table {
    read(path).parse().unwrap()
}

/// Our own packages, with their folders.
fn packages() -> Vec<(String, PathBuf)> {
    let workspace = manifest("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| {
            let folder = PathBuf::from(member.as_str().unwrap());
            let package = manifest(folder.join("Cargo.toml"));
            let name = package["package"]["name"].as_str().unwrap();
            (name.to_owned(), folder)
        })
        .collect()
}

/// The files below a folder of the workspace whose names end so.
fn files(folder: impl AsRef<Path>, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
