//! The programs in the `examples` folders, as the guide shows them.

use std::fs;

use super::{files, read, root};

/// The line above a block that shows an example, without the path.
const MARK: &str = "<!-- example: ";

/// The code of an example without its documentation and its attributes, which are for the repository.
fn code(example: &str) -> String {
    let text = read(example);
    let lines = text.lines();
    let code = lines
        .skip_while(|line| line.starts_with("//!") || line.starts_with("#![") || line.is_empty());
    code.collect::<Vec<_>>().join("\n")
}

/// The page, with the present code in each of its blocks that show an example, and the examples.
fn with_present_code(page: &str) -> (String, Vec<String>) {
    let mut examples = Vec::new();
    let mut result = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        result.push_str(line);
        result.push('\n');
        let example = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(example) = example {
            let fence = lines.next().unwrap();
            assert!(fence.starts_with("```rust"), "{line} stands above a block");
            result.push_str(&format!("{fence}\n{}\n```\n", code(example)));
            lines.by_ref().find(|line| *line == "```").unwrap();
            examples.push(example.to_owned());
        }
    }
    (result, examples)
}

#[test]
fn the_guide_shows_every_example_as_it_is() {
    let mut shown = Vec::new();
    for page in files("docs/src", ".md") {
        let text = read(&page);
        let (present, examples) = with_present_code(&text);
        if std::env::var_os("WRITE_GUIDE").is_some() {
            fs::write(root().join(&page), &present).unwrap();
        } else {
            assert!(
                text == present,
                "{} does not show {examples:?} as they are; run this test with WRITE_GUIDE=1",
                page.display()
            );
        }
        shown.extend(examples);
    }
    shown.sort();
    let mut all = vec!["crates/conv-model/examples/echo.rs".to_owned()];
    let examples = files("crates/skype-p2p/examples", ".rs");
    all.extend(examples.iter().map(|file| file.display().to_string()));
    all.sort();
    assert_eq!(shown, all);
}
