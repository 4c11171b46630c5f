//! What a crate needs to be published alone.

use super::{manifest, packages, read};

/// The crates that serve this repository only.
const UNPUBLISHED: [&str; 5] = [
    "fleet-sim",
    "ucwa-sim",
    "xtask",
    "xtask-bench",
    "xtask-cost",
];

#[test]
fn every_published_manifest_is_complete() {
    let workspace = manifest("Cargo.toml");
    let workspace = workspace["workspace"]["package"].as_table().unwrap();
    for (name, folder) in packages() {
        let manifest = manifest(folder.join("Cargo.toml"));
        let package = manifest["package"].as_table().unwrap();
        let publish = package.get("publish").and_then(toml::Value::as_bool);
        if UNPUBLISHED.contains(&name.as_str()) {
            assert_eq!(publish, Some(false), "{name}");
            continue;
        }
        assert_eq!(publish, None, "{name}");
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let documentation = format!("https://docs.rs/{name}");
        assert_eq!(text("documentation"), Some(&*documentation), "{name}");
        assert_eq!(text("readme"), Some("README.md"), "{name}");
        // The registry accepts at most five of each.
        for list in ["keywords", "categories"] {
            let words = package.get(list).and_then(toml::Value::as_array);
            let count = words.map_or(0, Vec::len);
            assert!((1..=5).contains(&count), "{list} of {name}: {count}");
        }
        let docs_rs = &package["metadata"]["docs"]["rs"];
        assert_eq!(docs_rs["all-features"].as_bool(), Some(true), "{name}");
        // As soon as the workspace names its repository, every crate names it too.
        assert_eq!(
            package.contains_key("repository"),
            workspace.contains_key("repository"),
            "repository of {name}"
        );
    }
}

#[test]
fn every_published_crate_has_a_readme_and_the_licences() {
    for (name, folder) in packages() {
        if UNPUBLISHED.contains(&name.as_str()) {
            continue;
        }
        let readme = read(folder.join("README.md"));
        assert!(readme.starts_with(&format!("# {name}\n")), "{name}");
        // Pages of a registry resolve no link into the repository.
        for (at, _) in readme.match_indices("](") {
            assert!(readme[at + 2..].starts_with("https://"), "{name}");
        }
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert_eq!(read(folder.join(licence)), read(licence), "{name}");
        }
    }
}

/// A registry knows a dependency by its version only.
#[test]
fn every_dependency_on_a_published_crate_names_its_version() {
    let workspace = manifest("Cargo.toml");
    let version = &workspace["workspace"]["package"]["version"];
    for (name, folder) in packages() {
        let dependency = &workspace["workspace"]["dependencies"].get(&name);
        let Some(dependency) = dependency else {
            assert!(name.starts_with("xtask"), "{name}");
            continue;
        };
        assert_eq!(dependency["path"].as_str(), folder.to_str(), "{name}");
        let published = !UNPUBLISHED.contains(&name.as_str());
        let expected = published.then_some(version);
        assert_eq!(dependency.get("version"), expected, "{name}");
    }
}
