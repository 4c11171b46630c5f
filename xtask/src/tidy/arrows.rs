//! Which crate may depend on which.

use std::{collections::BTreeSet, env, process::Command};

use super::{manifest, packages, root};

/// Every arrow between our own crates, as ARCHITECTURE.md draws them.
const ARROWS: [(&str, &[&str]); 12] = [
    (
        "fleet-sim",
        &[
            "conv-transport",
            "skype-p2p",
            "skype-p2p-fleet",
            "ucwa-server",
        ],
    ),
    ("conv-model", &[]),
    ("conv-transport", &[]),
    (
        "skype-p2p",
        &["conv-model", "conv-transport", "ucwa-session"],
    ),
    (
        "skype-p2p-cli",
        &["skype-p2p", "skype-p2p-fleet", "ucwa-har", "ucwa-server"],
    ),
    ("skype-p2p-web", &["conv-transport", "skype-p2p"]),
    ("skype-p2p-fleet", &["conv-transport", "skype-p2p"]),
    ("ucwa-har", &["conv-transport", "ucwa-proto"]),
    ("ucwa-proto", &[]),
    ("ucwa-server", &["ucwa-proto"]),
    ("ucwa-session", &["ucwa-proto"]),
    ("ucwa-sim", &["ucwa-proto", "ucwa-server", "ucwa-session"]),
];

/// The crates that time, threads and sockets do not exist for.
const SANS_IO: [&str; 3] = ["conv-model", "ucwa-proto", "ucwa-session"];

/// Runtimes and clocks.
const FORBIDDEN: [&str; 16] = [
    "async-global-executor",
    "async-io",
    "async-std",
    "chrono",
    "coarsetime",
    "futures-timer",
    "getrandom",
    "hyper",
    "instant",
    "mio",
    "quanta",
    "reqwest",
    "smol",
    "socket2",
    "tokio",
    "web-time",
];

#[test]
fn our_crates_depend_on_each_other_as_drawn() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|(name, _)| name.as_str()).collect();
    for (name, folder) in &packages {
        if name.starts_with("xtask") {
            // Chores may use everything.
            continue;
        }
        let manifest = manifest(folder.join("Cargo.toml"));
        let mut tables = vec![&manifest];
        if let Some(targets) = manifest.get("target") {
            tables.extend(
                targets
                    .as_table()
                    .unwrap()
                    .values()
                    .filter_map(toml::Value::as_table),
            );
        }
        let found: BTreeSet<&str> = tables
            .iter()
            .flat_map(|table| ["dependencies", "build-dependencies"].map(|kind| table.get(kind)))
            .flatten()
            .flat_map(|dependencies| dependencies.as_table().unwrap())
            .map(|(key, value)| match value.get("package") {
                Some(package) => package.as_str().unwrap(),
                None => key,
            })
            .filter(|dependency| names.contains(dependency))
            .collect();
        let drawn = ARROWS.iter().find(|(from, _)| from == name);
        let (_, drawn) = drawn.unwrap_or_else(|| panic!("{name} is not drawn"));
        let drawn: BTreeSet<&str> = drawn.iter().copied().collect();
        assert_eq!(found, drawn, "the dependencies of {name}");
    }
    let drawn: BTreeSet<&str> = ARROWS
        .iter()
        .map(|(from, _)| *from)
        .chain(["xtask", "xtask-bench", "xtask-cost"])
        .collect();
    assert_eq!(names, drawn);
}

#[test]
fn the_engines_know_no_runtime_no_clock_and_no_chance() {
    let engines = SANS_IO.iter().map(|name| (*name, &[] as &[&str]));
    let server = ("ucwa-server", &["--no-default-features"] as &[&str]);
    for (name, arguments) in engines.chain([server]) {
        let output = Command::new(env::var_os("CARGO").unwrap())
            .args([
                "tree",
                "--offline",
                "--locked",
                "--edges",
                "normal",
                "--prefix",
                "none",
            ])
            .args(["--format", "{lib}", "--package", name])
            .args(arguments)
            .current_dir(root())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let tree = String::from_utf8(output.stdout).unwrap();
        let found: BTreeSet<String> = tree
            .lines()
            .map(|line| line.trim().replace('_', "-"))
            .collect();
        assert!(found.contains(name), "{tree}");
        let forbidden: Vec<&str> = FORBIDDEN
            .into_iter()
            .filter(|dependency| found.contains(*dependency))
            .collect();
        assert!(forbidden.is_empty(), "{name} depends on {forbidden:?}");
    }
}
