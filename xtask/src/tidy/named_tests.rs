//! The tests that pages of the documentation name: `crate file::test`, as in docs/src/decisions.md.

use super::{documents::pages, packages, read, root};

/// The page that names a test for everything it says.
const DECISIONS: &str = "docs/src/decisions.md";

/// What stands between backquotes in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The package, the modules of its file, and the test, if this names a test.
fn named(quoted: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (package, path) = quoted.split_once(' ')?;
    let (modules, test) = path.rsplit_once("::")?;
    let of = |text: &str, more: char| {
        text.chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == more)
    };
    let modules: Vec<_> = modules.split("::").collect();
    let is_one = of(package, '-') && of(test, '_') && modules.iter().all(|module| of(module, '_'));
    is_one.then_some((package, modules, test))
}

/// Whether a file has that test, and runs it.
fn has_test(text: &str, test: &str) -> bool {
    let mut attributes = Vec::new();
    for line in text.lines().map(str::trim) {
        let function = line.strip_prefix("async ").unwrap_or(line);
        let function = function.strip_prefix("fn ");
        if function.is_some_and(|it| it.strip_prefix(test).is_some_and(|it| it.starts_with('('))) {
            return attributes
                .iter()
                .any(|it: &&str| it.starts_with("#[test]") || it.starts_with("#[tokio::test"))
                && !attributes.iter().any(|it| it.starts_with("#[ignore"));
        }
        match line {
            _ if line.starts_with("#[") => attributes.push(line),
            _ if line.starts_with("//") => {}
            _ => attributes.clear(),
        }
    }
    false
}

/// What the text names as tests, and is none, or is two.
fn missing(text: &str) -> Vec<&str> {
    let packages = packages();
    let exists = |(package, modules, test): (&str, Vec<&str>, &str)| {
        let Some((_, folder)) = packages.iter().find(|(name, _)| name == package) else {
            return false;
        };
        let file = format!("{}.rs", modules.join("/"));
        let found = ["src", "tests/it"]
            .map(|kind| folder.join(kind).join(&file))
            .into_iter()
            .filter(|file| root().join(file).exists() && has_test(&read(file), test));
        found.count() == 1
    };
    text.lines()
        .flat_map(quoted)
        .filter(|quoted| named(quoted).is_some_and(|name| !exists(name)))
        .collect()
}

#[test]
fn every_test_that_a_page_names_exists() {
    for page in pages() {
        let text = read(&page);
        let missing = missing(&text);
        assert!(missing.is_empty(), "{page}: {missing:#?}");
    }
}

#[test]
fn every_decision_names_a_test() {
    let page = read(DECISIONS);
    let mut rows = 0;
    for (number, line) in page.lines().enumerate() {
        let Some(row) = line.strip_prefix("| ") else {
            assert!(!line.starts_with('|') || line.starts_with("|-"), "{line}");
            continue;
        };
        let Some((_, shown)) = row.trim_end_matches([' ', '|']).rsplit_once(" | ") else {
            panic!("line {}: no table has one column", number + 1);
        };
        if page
            .lines()
            .nth(number + 1)
            .is_some_and(|next| next.starts_with("|-"))
        {
            continue;
        }
        let mut tests = quoted(shown).peekable();
        assert!(tests.peek().is_some(), "line {}: {shown}", number + 1);
        for test in tests {
            assert!(named(test).is_some(), "line {}: {test}", number + 1);
        }
        rows += 1;
    }
    assert!(rows > 0, "{DECISIONS} has no table");
}

#[test]
fn a_name_that_is_no_test_is_found_out() {
    let right = "`ucwa-session channel::a_channel_that_fails_for_15_minutes_ends_the_session`";
    let inside = "`ucwa-session trust::plain_http_is_only_for_loopback`";
    let deeper = "`ucwa-session people::user::changes_of_one_resource_are_sent_in_order`";
    let waiting = "`skype-p2p driver::a_sign_out_aborts_the_poll`";
    for text in [
        right,
        inside,
        deeper,
        waiting,
        "`Credentials::password(address, password)`",
    ] {
        assert!(missing(text).is_empty(), "{text}");
    }
    for wrong in [
        "`ucwa-sessions channel::a_channel_that_fails_for_15_minutes_ends_the_session`",
        "`ucwa-session channels::a_channel_that_fails_for_15_minutes_ends_the_session`",
        "`ucwa-session channel::a_replaced_poll_is_taken_back_twice`",
        "`ucwa-session channel::a_replaced_poll_is_taken_back`",
        // It is there, and is no test.
        "`ucwa-session channel::first_remote`",
    ] {
        assert_eq!(missing(&format!("{right}, {wrong}")).len(), 1, "{wrong}");
    }
    assert!(!has_test("#[test]\n#[ignore]\nfn a_test() {}", "a_test"));
}
