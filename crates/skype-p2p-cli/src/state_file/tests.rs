//! The file on its own: what is in it, who can open it, and what happens if it is full.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;

/// A folder of one test, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("skype-p2p-state-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("state.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn refusal(path: &Path) -> String {
    match StateFile::open(path) {
        Ok(_) => panic!("opened"),
        Err(why) => why,
    }
}

fn id(kind: &str, key: &str) -> RecordId {
    RecordId {
        kind: kind.to_owned(),
        key: key.to_owned(),
    }
}

fn value(text: impl Into<String>) -> RecordValue {
    RecordValue(text.into())
}

#[test]
fn the_file_has_what_was_committed_last() {
    let folder = Folder::new();
    let mut expected = BTreeMap::new();
    for round in 0..20_u32 {
        let mut file = StateFile::open(&folder.file()).unwrap();
        let stored: BTreeMap<_, _> = file.load().unwrap().into_iter().collect();
        assert_eq!(stored, expected, "round {round}");
        for transaction in 0..3 {
            let mut changes = RecordChanges::new();
            for number in 0..30_u32 {
                // Some are set, some are set again, and some are deleted, whether they are there or not.
                let draw = (round * 7 + transaction * 5 + number * 11) % 13;
                let id = id(["token", "log"][(number % 2) as usize], &draw.to_string());
                let text = format!("'{round} \u{1f600} {transaction}\"\\ {number}");
                let change = (draw % 3 > 0).then(|| value(text));
                changes.insert(id, change);
            }
            file.commit(&changes).unwrap();
            for (id, change) in changes {
                match change {
                    Some(value) => drop(expected.insert(id, value)),
                    None => drop(expected.remove(&id)),
                }
            }
        }
    }
    assert!(expected.len() > 5);
}

#[test]
fn a_transaction_that_does_not_fit_changes_nothing_and_can_be_repeated() {
    let folder = Folder::new();
    let mut file = StateFile::open(&folder.file()).unwrap();
    let small = RecordChanges::from([(id("token", "a"), Some(value("1")))]);
    file.commit(&small).unwrap();
    let pages = |file: &StateFile, most: i64| {
        file.connection
            .pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))
            .unwrap();
    };
    pages(&file, 4);
    let large = RecordChanges::from([
        (id("token", "a"), None),
        (id("token", "b"), Some(value("2"))),
        (id("token", "c"), Some(value("x".repeat(100_000)))),
    ]);
    for _ in 0..2 {
        let error = file.commit(&large).unwrap_err().to_string();
        assert!(error.contains("full"), "{error}");
        assert!(file.is_failing);
        assert_eq!(file.load().unwrap(), [(id("token", "a"), value("1"))]);
    }
    pages(&file, 1000);
    file.commit(&large).unwrap();
    assert!(!file.is_failing);
    let keys: Vec<_> = file.load().unwrap().into_iter().map(|it| it.0).collect();
    assert_eq!(keys, [id("token", "b"), id("token", "c")]);
}

#[test]
fn a_file_is_open_once() {
    let folder = Folder::new();
    // A new file, and one that was written.
    for _ in 0..2 {
        let mut file = StateFile::open(&folder.file()).unwrap();
        let why = refusal(&folder.file());
        assert!(why.ends_with("is in use by another server"), "{why}");
        let change = RecordChanges::from([(id("token", "a"), Some(value("1")))]);
        file.commit(&change).unwrap();
        let why = refusal(&folder.file());
        assert!(why.ends_with("is in use by another server"), "{why}");
    }
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    let text = "not a database, but longer than the header of one".repeat(100);
    fs::write(folder.file(), &text).unwrap();
    let why = refusal(&folder.file());
    assert!(why.ends_with("it is not an SQLite database"), "{why}");
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);

    fs::remove_file(folder.file()).unwrap();
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute_batch("CREATE TABLE bookmark (url TEXT)")
        .unwrap();
    drop(other);
    let before = fs::read(folder.file()).unwrap();
    let why = refusal(&folder.file());
    assert!(why.ends_with("the database of another program"), "{why}");
    assert_eq!(fs::read(folder.file()).unwrap(), before);

    let why = refusal(&folder.0);
    assert!(why.starts_with("cannot open "), "{why}");
    let why = refusal(&folder.0.join("missing").join("state.db"));
    assert!(why.starts_with("cannot open "), "{why}");
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = Folder::new();
    drop(StateFile::open(&folder.file()).unwrap());
    let newer = Connection::open(folder.file()).unwrap();
    newer
        .pragma_update(None, "user_version", VERSION + 1)
        .unwrap();
    drop(newer);
    let why = refusal(&folder.file());
    let expected =
        "was written by a newer skype-p2p: it has version 3, and this one reads version 2";
    assert!(why.ends_with(expected), "{why}");
}

#[test]
fn a_file_of_an_older_version_is_read_and_gets_the_new_version() {
    let folder = Folder::new();
    let mut file = StateFile::open(&folder.file()).unwrap();
    let change = RecordChanges::from([(id("token", "a"), Some(value("1")))]);
    file.commit(&change).unwrap();
    file.connection
        .pragma_update(None, "user_version", 1)
        .unwrap();
    drop(file);
    let file = StateFile::open(&folder.file()).unwrap();
    assert_eq!(file.read().unwrap(), [(id("token", "a"), value("1"))]);
    let version: i32 = file
        .connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 2);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    for mode in [None, Some(0o644)] {
        if let Some(mode) = mode {
            fs::set_permissions(folder.file(), fs::Permissions::from_mode(mode)).unwrap();
        }
        let mut file = StateFile::open(&folder.file()).unwrap();
        let change = RecordChanges::from([(id("token", "a"), Some(value("1")))]);
        file.commit(&change).unwrap();
        let files: Vec<_> = fs::read_dir(&folder.0).unwrap().collect();
        assert_eq!(files.len(), 2, "the database and its log");
        for file in files {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
