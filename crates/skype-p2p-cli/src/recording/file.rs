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

use crate::failure::Failure;

type Recorder = Record<Arc<dyn HttpTransport>>;

/// The file of `--record`. If a command signs in several times, each further sign-in has a file of its own beside it: `FILE-2.har`
/// and so on, since the requests of one file replay as those of one application.
pub(crate) struct RecordingFile {
    path: PathBuf,
    open: Mutex<Vec<(Output, Arc<Recorder>)>>,
}

/// A file that is open for writing.
struct Output {
    path: PathBuf,
    file: File,
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
        let file = private_file(&path).map_err(|error| {
            Failure::usage(format!(
                "Cannot create the recording {}: {error}.",
                path.display()
            ))
        })?;
        let mut options = RecordOptions::new(SystemTime::now());
        options.secrets.extend(password.map(str::to_owned));
        let recorder = Arc::new(Record::new(transport, options));
        open.push((Output { path, file }, recorder.clone()));
        Ok(recorder)
    }

    /// Writes the exchanges up to now, and replaces what the files contained before.
    ///
    /// # Errors
    ///
    /// The first error of a file. The other files are written all the same.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let mut result = Ok(());
        for (output, recorder) in self.open().iter_mut() {
            let written = recorder
                .har()
                .to_vec()
                .map_err(io::Error::other)
                .and_then(|bytes| output.replace(&bytes));
            if let Err(error) = written {
                result = result.and(Err(Failure::cannot_write(
                    &format!("the recording {}", output.path.display()),
                    &error,
                )));
            }
        }
        result
    }

    fn open(&self) -> MutexGuard<'_, Vec<(Output, Arc<Recorder>)>> {
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

impl Output {
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A pipe or a device has no length.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
            self.file.rewind()?;
        }
        self.file.write_all(bytes)?;
        self.file.flush()
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

/// Opens a file that only its owner can read, and keeps its contents. On Windows the folder of the user has that protection.
fn private_file(path: &Path) -> io::Result<File> {
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
