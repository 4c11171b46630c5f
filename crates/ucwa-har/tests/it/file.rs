//! Errors of files.

use std::{fs, path::PathBuf};

use ucwa_har::{FileError, Redaction, read};

use crate::fixture;

/// A file that is removed when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("ucwa-har-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn good() -> String {
    fs::read_to_string(fixture::file("outgoing-declined-json")).unwrap()
}

#[test]
fn the_place_where_a_file_ends_too_early_is_named() {
    let good = good();
    let cut = good.find("oauthtoken\",").unwrap();
    let file = Scratch::new("cut", &good[..cut]);
    let line = good[..cut].lines().count();
    let error = read(&file.0).err().unwrap().to_string();
    assert!(error.starts_with(file.0.to_str().unwrap()), "{error}");
    assert!(error.contains(&format!("line {line}, column ")), "{error}");
    assert!(error.contains("entry 4, member request.url: "), "{error}");
}

#[test]
fn a_malformed_member_is_named_with_its_line() {
    let good = good();
    let (before, after) = good.split_once("\"text\": \"{\\\"access_token").unwrap();
    let bad = format!("{before}\"encoding\": \"base64\", \"text\": \"?{after}");
    let file = Scratch::new("content", &bad);
    let mut har = read(&file.0).unwrap();
    let error = Redaction::default().apply(&mut har).unwrap_err();
    let error = FileError::new(&file.0, error).to_string();
    let content = before.rfind("\"content\": {").unwrap();
    let line = before[..content].lines().count();
    let place = format!("line {line}, entry 4, member response.content: its base64");
    assert!(error.contains(&place), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = read("no-such.har".as_ref()).err().unwrap().to_string();
    assert!(error.starts_with("no-such.har: "), "{error}");
}
