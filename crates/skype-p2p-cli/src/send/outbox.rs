//! The outbox: what `send --idempotency-key` has sent, so that a repeated call does not send it again.
//!
//! Each key of a user has a journal, a file with a JSON line for each step. The step `sending` is on the disk before the message
//! is sent. If the process is killed afterwards, it is the last step, and the message may have been sent. The process that sends
//! holds the lock of the journal, which the system releases when the process ends.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::verdict::DeliveryResult;
use crate::{failure::Failure, json_line::rfc3339, private_file};

/// A key is forgotten when it was not used for this time.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The pause between two attempts to lock a journal that another process uses.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The end of the file name of a journal.
const EXTENSION: &str = ".jsonl";

/// The longest file name of a journal in bytes. Most file systems take 255.
const LONGEST_NAME: usize = 240;

/// The journal of a key. Other processes cannot use it meanwhile.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// The last step for each receiver.
    steps: BTreeMap<String, Step>,
}

/// A line of a journal.
#[derive(Serialize, Deserialize)]
struct Line {
    time: String,
    to: String,
    step: Step,
}

/// What has happened to the message for a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The message is about to be sent.
    Sending,
    /// The message was delivered.
    Delivered,
    /// The message was certainly not delivered.
    NotDelivered,
    /// The message may have been delivered.
    Unknown,
}

impl From<DeliveryResult> for Step {
    fn from(result: DeliveryResult) -> Self {
        match result {
            DeliveryResult::Delivered => Self::Delivered,
            DeliveryResult::NotDelivered => Self::NotDelivered,
            DeliveryResult::Unknown => Self::Unknown,
        }
    }
}

impl Journal {
    /// Opens the journal of a key, once no other process uses it. None if that is not the case before the deadline.
    ///
    /// # Errors
    ///
    /// If the journal cannot be read or written.
    pub(crate) async fn open(
        user: &str,
        key: &str,
        deadline: Instant,
    ) -> Result<Option<Self>, Failure> {
        let folder = folder()?;
        let name = file_name(user, key)?;
        loop {
            match Self::try_open(&folder, &name) {
                Ok(Some(journal)) => return Ok(Some(journal)),
                Ok(None) if Instant::now() + LOCK_PAUSE < deadline => sleep(LOCK_PAUSE).await,
                Ok(None) => return Ok(None),
                Err(error) => {
                    let folder = folder.display();
                    return Err(Failure::usage(format!(
                        "Cannot use the outbox {folder}: {error}."
                    )));
                }
            }
        }
    }

    /// None if another process uses the journal.
    fn try_open(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        // Journals are opened and removed under this lock, so that no process holds one that another process has removed.
        let outbox = open_private(&folder.join("lock"))?;
        outbox.lock()?;
        let path = folder.join(name);
        let mut file = open_private(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_modified(SystemTime::now())?;
        remove_old_journals(folder)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.last().is_some_and(|last| *last != b'\n') {
            // A process was killed while it wrote the line, and has not sent the message.
            file.write_all(b"\n")?;
        }
        Ok(Some(Self {
            path,
            file,
            steps: steps(&String::from_utf8_lossy(&bytes)),
        }))
    }

    /// The last step of earlier calls for this receiver.
    pub(crate) fn last_step(&self, to: &str) -> Option<Step> {
        self.steps.get(&to.to_lowercase()).copied()
    }

    /// Writes a step for each of these receivers, and returns when the lines are on the disk.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written.
    pub(crate) fn write<'a>(
        &mut self,
        receivers: impl IntoIterator<Item = &'a str>,
        step: Step,
    ) -> Result<(), Failure> {
        let time = rfc3339(SystemTime::now());
        let mut lines = String::new();
        for to in receivers {
            let line = Line {
                time: time.clone(),
                to: to.to_lowercase(),
                step,
            };
            // Strings always have a JSON form.
            lines.push_str(&serde_json::to_string(&line).unwrap_or_default());
            lines.push('\n');
        }
        self.file
            .write_all(lines.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Failure::cannot_write(&self.path.display().to_string(), &error))
    }
}

/// The last step for each receiver. A line that is not complete was written by a process that was killed.
fn steps(text: &str) -> BTreeMap<String, Step> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Line>(line).ok())
        .map(|line| (line.to, line.step))
        .collect()
}

fn remove_old_journals(folder: &Path) -> io::Result<()> {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_journal = entry.file_name().to_string_lossy().ends_with(EXTENSION);
        let age = now.duration_since(entry.metadata()?.modified()?);
        if is_journal && age.is_ok_and(|age| age > KEPT) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The folder of the outbox: `skype-p2p/outbox` in `XDG_STATE_HOME` or `~/.local/state`, and in `%LOCALAPPDATA%` on Windows.
fn folder() -> Result<PathBuf, Failure> {
    let folder = |variable: &str| {
        let path = PathBuf::from(env::var_os(variable)?);
        path.is_absolute().then_some(path)
    };
    let base = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else {
        folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))
    };
    base.map(|base| base.join("skype-p2p").join("outbox"))
        .ok_or_else(|| {
            Failure::usage("There is no folder for the outbox of --idempotency-key.")
                .with_hint("set HOME or XDG_STATE_HOME")
        })
}

/// The file name of a journal. Two keys have different names, also on file systems that ignore the case of letters.
fn file_name(user: &str, key: &str) -> Result<String, Failure> {
    let mut name = String::new();
    encode(&user.to_lowercase(), &mut name);
    name.push('+');
    encode(key, &mut name);
    name.push_str(EXTENSION);
    if name.len() > LONGEST_NAME {
        return Err(Failure::usage("The idempotency key is too long.")
            .with_hint("use a shorter one, of lower-case letters, digits and hyphens"));
    }
    Ok(name)
}

/// Escapes everything but lower-case letters, digits and some signs.
fn encode(text: &str, name: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'@' => name.push(byte.into()),
            other => {
                // Writing to a string cannot fail.
                let _ = write!(name, "%{other:02x}");
            }
        }
    }
}

/// Opens a file for reading and appending, and creates it if it is missing.
fn open_private(path: &Path) -> io::Result<File> {
    private_file::options()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_not_finished_does_not_count() {
        let line =
            |step| format!("{{\"time\":\"\",\"to\":\"lenea@contoso.com\",\"step\":\"{step}\"}}\n");
        let last = |text: &str| steps(text).remove("lenea@contoso.com");
        let (sending, delivered) = (line("sending"), line("delivered"));
        assert_eq!(last(&sending), Some(Step::Sending));
        assert_eq!(
            last(&format!("{sending}{delivered}")),
            Some(Step::Delivered)
        );
        // Killed before the message was sent.
        assert_eq!(last(&sending[..20]), None);
        // Killed after the delivery.
        assert_eq!(
            last(&format!("{sending}{}", &delivered[..30])),
            Some(Step::Sending)
        );
        // The next call ends the line.
        assert_eq!(
            last(&format!("{}\n{sending}", &sending[..20])),
            Some(Step::Sending)
        );
    }

    #[test]
    fn each_key_has_a_file_name_of_its_own() {
        let name = |user, key| file_name(user, key).unwrap();
        assert_eq!(name("Tosh@x.com", "disk-1"), name("tosh@x.com", "disk-1"));
        let names = [
            name("a@x.com", "disk"),
            name("a@x.com", "Disk"),
            name("a+b@x.com", "disk"),
            name("a@x.com", "b+disk"),
            name("../a@x.com", "../../disk"),
        ];
        for (index, one) in names.iter().enumerate() {
            assert!(!one.contains(['/', '\\']) && !one.starts_with('.'), "{one}");
            let folded = one.to_lowercase();
            assert!(
                names[index + 1..]
                    .iter()
                    .all(|it| it.to_lowercase() != folded)
            );
        }
        assert!(file_name("a@x.com", &"k".repeat(500)).is_err());
    }

    #[test]
    fn a_key_is_forgotten_after_it_was_not_used_for_thirty_days() {
        let folder = env::temp_dir().join(format!("skype-p2p-outbox-{}", std::process::id()));
        let open = |name| Journal::try_open(&folder, name).unwrap().unwrap();
        open("old.jsonl")
            .write(["lenea@contoso.com"], Step::Delivered)
            .unwrap();
        let age = |days: u64| {
            let time = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
            for name in ["old.jsonl", "lock"] {
                let file = File::options().append(true).open(folder.join(name));
                file.unwrap().set_modified(time).unwrap();
            }
        };
        age(29);
        open("new.jsonl");
        let old = open("old.jsonl");
        assert_eq!(old.last_step("Lenea@contoso.com"), Some(Step::Delivered));
        let used = old.file.metadata().unwrap().modified().unwrap();
        assert!(used.elapsed().unwrap() < Duration::from_secs(3600));
        drop(old);
        age(31);
        open("new.jsonl");
        assert!(folder.join("lock").exists());
        assert_eq!(open("old.jsonl").last_step("lenea@contoso.com"), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_journal_has_one_user_at_a_time() {
        let folder = env::temp_dir().join(format!("skype-p2p-journal-{}", std::process::id()));
        let open = || Journal::try_open(&folder, "key.jsonl").unwrap();
        let first = open();
        assert!(first.is_some() && open().is_none());
        drop(first);
        assert!(open().is_some());
        fs::remove_dir_all(folder).unwrap();
    }
}
