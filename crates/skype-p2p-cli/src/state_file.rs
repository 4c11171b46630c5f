//! The file of `serve --state`: the durable records of the server, in SQLite.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use ucwa_server::{RecordChanges, RecordId, RecordValue, StateStore};

use crate::complain;

#[cfg(test)]
mod tests;

/// The `application_id` of the database: "ucwa".
const APPLICATION_ID: i32 = 0x7563_7761;

/// The `user_version` of the database. A change of the table, or of a value that older versions cannot read, needs the next number.
const VERSION: i32 = 2;

const SCHEMA: &str = "
    CREATE TABLE record (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
";

/// An open state file. No other process can open it meanwhile.
pub(crate) struct StateFile {
    path: PathBuf,
    connection: Connection,
    /// Whether the last transaction has failed.
    is_failing: bool,
}

impl StateFile {
    /// Opens the file, or creates it. Only its owner can read it.
    ///
    /// The error is a sentence with the path.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let cannot_open = |error: &dyn std::fmt::Display| format!("cannot open {shown}: {error}");
        create(path).map_err(|error| cannot_open(&error))?;
        let connection = connect(path).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => format!("{shown} is in use by another server"),
            Some(ErrorCode::NotADatabase) => {
                format!("{shown} is not a state file: it is not an SQLite database")
            }
            _ => cannot_open(&error),
        })?;
        let mut file = Self {
            path: path.to_owned(),
            connection,
            is_failing: false,
        };
        match file.prepare().map_err(|error| cannot_open(&error))? {
            Content::State => {}
            Content::NewerState(version) => {
                return Err(format!(
                    "{shown} was written by a newer skype-p2p: it has version {version}, and this one reads version {VERSION}"
                ));
            }
            Content::Foreign => {
                return Err(format!(
                    "{shown} is not a state file: it is the database of another program"
                ));
            }
        }
        hide(path).map_err(|error| cannot_open(&error))?;
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the table in a new file.
    fn prepare(&mut self) -> rusqlite::Result<Content> {
        let number = |name: &str| {
            let connection = &self.connection;
            connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0))
        };
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables: i64 =
            self.connection
                .query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
        match application {
            APPLICATION_ID if version > VERSION => return Ok(Content::NewerState(version)),
            // Older versions cannot read what this one writes from now on.
            APPLICATION_ID => self
                .connection
                .pragma_update(None, "user_version", VERSION)?,
            0 if tables == 0 => {
                let transaction = self.connection.transaction()?;
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()?;
            }
            _ => return Ok(Content::Foreign),
        }
        // One sync for each transaction. It includes the cache of the disk, also on macOS.
        self.connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.pragma_update(None, "fullfsync", true)?;
        Ok(Content::State)
    }

    fn write(&mut self, changes: &RecordChanges) -> rusqlite::Result<()> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut set = transaction.prepare(
                "INSERT INTO record (kind, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?;
            let mut delete =
                transaction.prepare("DELETE FROM record WHERE kind = ?1 AND key = ?2")?;
            for (RecordId { kind, key }, value) in changes {
                match value {
                    Some(value) => set.execute(params![kind, key, value.0])?,
                    None => delete.execute(params![kind, key])?,
                };
            }
        }
        transaction.commit()
    }

    fn read(&self) -> rusqlite::Result<Vec<(RecordId, RecordValue)>> {
        let mut records = self
            .connection
            .prepare("SELECT kind, key, value FROM record")?;
        let records = records.query_map((), |row| {
            let id = RecordId {
                kind: row.get(0)?,
                key: row.get(1)?,
            };
            Ok((id, RecordValue(row.get(2)?)))
        })?;
        records.collect()
    }
}

impl StateStore for StateFile {
    fn load(&mut self) -> io::Result<Vec<(RecordId, RecordValue)>> {
        self.read()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn commit(&mut self, changes: &RecordChanges) -> io::Result<()> {
        let result = self.write(changes).map_err(io::Error::other);
        let shown = self.path.display();
        match &result {
            Err(error) if !self.is_failing => complain(format_args!(
                "Cannot write {shown}: {error}. Requests get 503 until it can be written."
            )),
            Ok(()) if self.is_failing => complain(format_args!("{shown} can be written again.")),
            _ => {}
        }
        self.is_failing = result.is_err();
        result
    }
}

/// What a database contains.
enum Content {
    State,
    /// State of a version that this one does not know.
    NewerState(i32),
    Foreign,
}

/// A connection that locks the file from its first access to its end.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // A lock is an error at once.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // A transaction that writes takes the lock, and exclusive locking keeps it.
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    Ok(connection)
}

/// Creates the file if there is none.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Makes the file, and the log that SQLite keeps beside it, readable for their owner only.
#[cfg(unix)]
fn hide(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    for file in [path, Path::new(&log)] {
        match fs::set_permissions(file, fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// On this system, other users cannot read the files of a user by default.
#[cfg(not(unix))]
fn hide(_: &Path) -> io::Result<()> {
    Ok(())
}
