//! What README.md and the guide promise.

use std::{collections::BTreeSet, path::Path};

use super::{files, read, root};

/// The fenced blocks of a text, each with the word after its fence.
fn blocks(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, Vec<&str>)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(language), None) => open = Some((language, Vec::new())),
            (None, Some((language, mut lines))) => {
                lines.push(line);
                open = Some((language, lines));
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    blocks
}

/// README.md, the other pages beside it, and the guide.
pub(super) fn pages() -> Vec<String> {
    let mut pages: Vec<String> = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ]
    .map(str::to_owned)
    .into();
    pages.extend(
        files("docs/src", ".md")
            .iter()
            .map(|page| page.display().to_string()),
    );
    pages
}

#[test]
fn the_quick_start_is_two_commands_and_continuous_integration_runs_both() {
    let readme = read("README.md");
    let (_, quick_start) = readme.split_once("\n## Quick start\n").unwrap();
    let (_, commands) = blocks(quick_start).swap_remove(0);
    assert_eq!(commands, ["cargo run -- demo", "cargo test --workspace"]);

    let script = read(".ci/run");
    for command in &commands {
        assert!(script.lines().any(|line| line == *command), "{command}");
    }
    let last = script.lines().rfind(|line| !line.is_empty());
    assert_eq!(last, Some(commands[1]), "what the script closes with");
}

/// The tables of ARCHITECTURE.md that follow a message have a row for each call: a number, functions in backticks and words
/// about them, and the file that has the functions.
#[test]
fn every_function_on_the_way_of_a_message_is_where_the_architecture_says() {
    let page = read("ARCHITECTURE.md");
    for (direction, calls) in [("outgoing", 40), ("incoming", 13)] {
        let title = format!("\n### The path of an {direction} message\n");
        let (_, way) = page.split_once(&title).unwrap();
        let (way, _) = way.split_once("\n##").unwrap();
        let mut followed = 0;
        for row in way.lines() {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [_, number, functions, file, _] = cells[..] else {
                continue;
            };
            if number.parse::<u32>().is_err() || file.is_empty() {
                continue;
            }
            let source = read(file.trim_matches('`'));
            let functions = functions.split('`').skip(1).step_by(2);
            let functions =
                functions.filter(|name| name.chars().all(|c| c == '_' || c.is_ascii_lowercase()));
            let missing: Vec<&str> = functions
                .filter(|name| {
                    !source.contains(&format!("fn {name}("))
                        && !source.contains(&format!("fn {name}<"))
                })
                .collect();
            assert!(missing.is_empty(), "{row}: {missing:?}");
            followed += 1;
        }
        assert_eq!(followed, calls, "{title}");
    }
}

#[test]
fn every_page_with_rust_is_compiled() {
    let guide = read("xtask/src/guide.rs");
    let included: BTreeSet<&str> = guide
        .split("include_str!(\"../../")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(page, _)| page)
        .collect();
    let pages = pages();
    let with_rust: BTreeSet<&str> = pages
        .iter()
        .filter(|page| {
            let text = read(page);
            let found = blocks(&text);
            found
                .iter()
                .any(|(language, _)| language.starts_with("rust"))
        })
        .map(String::as_str)
        .collect();
    assert_eq!(included, with_rust);
}

/// A transport is configured with the facade alone.
#[test]
fn the_page_about_companies_uses_only_the_facade() {
    let page = read("docs/src/company.md");
    let crates = ["conv_transport", "conv_model", "ucwa_session", "ucwa_proto"];
    for line in page.lines() {
        let named = crates.iter().find(|name| line.contains(*name));
        assert_eq!(named, None, "docs/src/company.md: {line}");
    }
    assert!(page.contains("skype_p2p::TlsConfig"));
}

#[test]
fn no_block_of_rust_is_kept_from_the_compiler() {
    for page in pages() {
        for (language, lines) in blocks(&read(&page)) {
            assert!(!language.contains("ignore"), "{page}: {lines:#?}");
            // A block without a language would be taken for Rust where the page is compiled.
            assert!(!language.is_empty(), "{page}: {lines:#?}");
        }
    }
}

#[test]
fn links_between_our_pages_lead_somewhere() {
    for page in pages() {
        let text = read(&page);
        let folder = root().join(&page);
        let folder = folder.parent().unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                assert!(folder.join(target).exists(), "{page}: {target}");
            }
        }
    }
}

#[test]
fn the_summary_names_every_page_of_the_guide() {
    let summary = read("docs/src/SUMMARY.md");
    for page in files("docs/src", ".md") {
        let name = page.strip_prefix("docs/src").unwrap();
        if name != Path::new("SUMMARY.md") {
            let link = format!("({})", name.display());
            assert!(summary.contains(&link), "{}", name.display());
        }
    }
}
