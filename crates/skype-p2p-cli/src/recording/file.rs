//! `--record`: writes the traffic of a command to a HAR file, without secrets.

use std::{
    fmt,
    fs::File,
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use skype_p2p::{HttpTransport, Record, RecordOptions};

use super::in_file;
use crate::failure::Failure;

type Recorder = Record<Arc<dyn HttpTransport>>;

/// The file of `--record`. If a command signs in several times, each further sign-in has a file of its own beside it: `FILE-2.har`
/// and so on, since the requests of one file replay as those of one application.
pub(crate) struct RecordingFile {
    path: PathBuf,
    open: Mutex<Vec<(PrivateFile, Arc<Recorder>)>>,
}

impl RecordingFile {
    pub(crate) fn new(path: &Path) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            open: Mutex::default(),
        })
    }

    /// Creates the next file, and returns a transport whose exchanges [`write`](Self::write) writes to it. The recording contains
    /// neither `password` nor other secrets.
    ///
    /// # Errors
    ///
    /// If the file cannot be created.
    pub(crate) fn record(
        &self,
        transport: Arc<dyn HttpTransport>,
        password: Option<&str>,
    ) -> Result<Arc<dyn HttpTransport>, Failure> {
        let mut open = self.open();
        let path = numbered(&self.path, open.len() + 1);
        let file = PrivateFile::create(&path)?;
        let mut options = RecordOptions::new(SystemTime::now());
        options.secrets.extend(password.map(str::to_owned));
        let recorder = Arc::new(Record::new(transport, options));
        open.push((file, recorder.clone()));
        Ok(recorder)
    }

    /// Writes the exchanges up to now, and replaces what the files contained before.
    ///
    /// # Errors
    ///
    /// The first error of a file. The other files are written all the same.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let mut result = Ok(());
        for (file, recorder) in self.open().iter_mut() {
            let written = match recorder.har().to_vec() {
                Ok(bytes) => file.replace(&bytes),
                Err(error) => Err(in_file(&file.path)(error)),
            };
            result = result.and(written);
        }
        result
    }

    fn open(&self) -> MutexGuard<'_, Vec<(PrivateFile, Arc<Recorder>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RecordingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A file that only its owner can read. On Windows the folder of the user has that protection.
pub(super) struct PrivateFile {
    path: PathBuf,
    file: File,
}

impl PrivateFile {
    /// Opens the file, and creates it if it does not exist. Its contents are kept.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened for writing.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let file = open_private(path).map_err(|error| {
            Failure::usage(format!(
                "Cannot create the recording {}: {error}.",
                path.display()
            ))
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Replaces the contents.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(super) fn replace(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut write = || -> io::Result<()> {
            // A pipe or a device has no length.
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
                self.file.rewind()?;
            }
            self.file.write_all(bytes)?;
            self.file.flush()
        };
        let name = format!("the recording {}", self.path.display());
        write().map_err(|error| Failure::cannot_write(&name, &error))
    }
}

/// `recording-2.har` for the second file of `recording.har`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let file = options.mode(0o600).open(path)?;
        // The file may have existed, with other permissions.
        if file.metadata()?.is_file() {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_further_sign_ins_are_numbered() {
        for (path, second) in [
            ("a/recording.har", "a/recording-2.har"),
            ("recording", "recording-2"),
            ("a.b.har", "a.b-2.har"),
        ] {
            assert_eq!(numbered(Path::new(path), 1), Path::new(path));
            assert_eq!(numbered(Path::new(path), 2), Path::new(second));
        }
    }
}
