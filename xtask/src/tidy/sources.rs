//! What every source file and every manifest has.

use super::{files, manifest, packages, read};

/// A file longer than this holds more than one notion.
const LONGEST: usize = 700;

#[test]
fn every_manifest_takes_the_lints_and_the_package_from_the_workspace() {
    let workspace = manifest("Cargo.toml");
    let lints = &workspace["workspace"]["lints"];
    assert_eq!(lints["rust"]["unsafe_code"].as_str(), Some("forbid"));
    assert_eq!(lints["rust"]["missing_docs"].as_str(), Some("warn"));
    for (name, folder) in packages() {
        let manifest = manifest(folder.join("Cargo.toml"));
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert_eq!(lints.and_then(toml::Value::as_bool), Some(true), "{name}");
        let package = manifest["package"].as_table().unwrap();
        assert!(package.contains_key("description"), "{name}");
        for inherited in ["version", "edition", "rust-version", "license"] {
            let value = package
                .get(inherited)
                .and_then(|value| value.get("workspace"));
            let value = value.and_then(toml::Value::as_bool);
            assert_eq!(value, Some(true), "{inherited} of {name}");
        }
    }
}

#[test]
fn every_source_file_begins_by_saying_what_it_is() {
    for (_, folder) in packages() {
        for file in files(folder.join("src"), ".rs") {
            let text = read(&file);
            assert!(text.starts_with("//! "), "{}", file.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let mut long = Vec::new();
    for (_, folder) in packages() {
        for file in files(folder, ".rs") {
            let lines = read(&file).lines().count();
            if lines > LONGEST {
                long.push(format!("{}: {lines} lines", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn engines_are_told_the_time() {
    let engines = [
        "crates/ucwa-proto/src",
        "crates/ucwa-server/src/engine",
        "crates/ucwa-session/src",
        "crates/ucwa-sim/src",
    ];
    for folder in engines {
        for file in files(folder, ".rs") {
            let text = read(&file);
            for call in [
                "Instant::now",
                "SystemTime::now",
                "Timestamp::now",
                "thread::sleep",
            ] {
                assert!(!text.contains(call), "{call} in {}", file.display());
            }
        }
    }
}

/// So a browser, or another runtime, needs no change in the facade.
#[test]
fn the_facade_names_its_runtime_in_one_file() {
    for file in files("crates/skype-p2p/src", ".rs") {
        if file.ends_with("tokio_runtime.rs") {
            continue;
        }
        for name in ["tokio::", "std::thread", "Instant", "SystemTime::now"] {
            let text = read(&file);
            let mut code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            assert!(
                !code.any(|line| line.contains(name)),
                "{name} in {}",
                file.display()
            );
        }
    }
}

#[test]
fn no_code_depends_on_the_architecture() {
    for (_, folder) in packages() {
        for file in files(folder.join("src"), ".rs") {
            let text = read(&file);
            let cfg = concat!("target_", "arch");
            assert!(!text.contains(cfg), "{cfg} in {}", file.display());
        }
    }
}

#[test]
fn one_integration_test_binary_per_crate() {
    for (name, folder) in packages() {
        let manifest = manifest(folder.join("Cargo.toml"));
        assert!(!manifest.contains_key("test"), "{name}");
        let tests = folder.join("tests");
        if super::root().join(&tests).exists() {
            let roots: Vec<_> = files(&tests, ".rs")
                .into_iter()
                .filter(|file| file.parent() == Some(&tests) || file.ends_with("main.rs"))
                .collect();
            assert_eq!(roots, [tests.join("it/main.rs")], "{name}");
        }
    }
}
