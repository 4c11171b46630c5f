//! The recordings of the project's fixtures.

use std::path::{Path, PathBuf};

use conv_transport::Har;

/// The file of a fixture.
pub(crate) fn file(name: &str) -> PathBuf {
    folder().join(name).join("traffic.har")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

pub(crate) fn har(name: &str) -> Har {
    ucwa_har::read(&file(name)).unwrap()
}

/// The names of all fixtures.
pub(crate) fn names() -> Vec<String> {
    let folders = std::fs::read_dir(folder()).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| file(name).exists()).collect();
    names.sort();
    assert!(names.len() >= 31, "{names:?}");
    names
}

/// The recording with every `old` replaced. There must be one.
pub(crate) fn edited(har: &Har, old: &str, new: &str) -> Har {
    let text = String::from_utf8(har.to_vec().unwrap()).unwrap();
    assert!(text.contains(old), "{old}");
    Har::from_slice(text.replace(old, new).as_bytes()).unwrap()
}
