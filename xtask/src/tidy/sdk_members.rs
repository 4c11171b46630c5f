//! The guide has a table of every member of the Skype Web SDK. It must name the members of the package's declarations.

use std::collections::BTreeSet;

use super::read;

/// The members that the interfaces of TypeScript declarations have, as `Interface.member`.
fn declared(text: &str) -> BTreeSet<String> {
    let mut members = BTreeSet::new();
    let mut interface = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("export interface ") {
            interface = rest.split([' ', '<']).next();
        } else if line == "}" {
            interface = None;
        } else if let (Some(interface), Some(line)) = (interface, line.strip_prefix("  ")) {
            let line = line.strip_prefix("readonly ").unwrap_or(line);
            let end = line.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            let (name, rest) = line.split_at(end.unwrap_or(line.len()));
            // Not the lines of a comment, call signatures, and the second line of a signature.
            if !name.is_empty() && rest.starts_with([':', '?', '(', '<']) {
                members.insert(format!("{interface}.{name}"));
            }
        }
    }
    members
}

/// The members that the table names, as `Interface.member`. Each row has an interface, members of it, and their state.
fn documented(text: &str) -> BTreeSet<String> {
    let words = |cell: &str| -> Vec<String> {
        let parts = cell.split('`').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let (_, table) = text.split_once("\n| object | members | state |\n").unwrap();
    let mut members = BTreeSet::new();
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, interface, names, state, _] = cells.as_slice() else {
            panic!("not a row of the table: {row}");
        };
        assert!(!state.trim().is_empty(), "{row}");
        let interface = &words(interface)[0];
        for name in words(names) {
            let member = format!("{interface}.{name}");
            assert!(members.insert(member.clone()), "{member} is there twice");
        }
    }
    members
}

#[test]
fn the_guide_has_the_state_of_every_member_of_the_sdk() {
    let declared = declared(&read("crates/skype-p2p-web/js/index.d.ts"));
    let documented = documented(&read("docs/src/browser.md"));
    assert!(declared.contains("ChatService.sendMessage"), "{declared:?}");
    let missing: Vec<_> = declared.difference(&documented).collect();
    let invented: Vec<_> = documented.difference(&declared).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "docs/src/browser.md lacks {missing:?}, and has without a declaration: {invented:?}"
    );
}
