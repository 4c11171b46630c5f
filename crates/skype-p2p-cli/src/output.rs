//! Standard output, and files in its form: the results of a command, one per line. Each line is written and flushed at once.

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{failure::Failure, private_file};

/// Writes lines until the reader goes away or a write fails.
pub(crate) struct Output {
    name: String,
    to: Box<dyn Write + Send>,
    state: State,
}

enum State {
    Open,
    /// The reader has closed its end, as `head -1` does. This is not an error.
    ReaderGone,
    Failed(io::Error),
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }

    /// Appends to a file. A new file is private.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub(crate) fn append(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        match private_file::options().append(true).create(true).open(path) {
            Ok(file) => Ok(Self {
                name,
                ..Self::new(file)
            }),
            Err(error) => Err(Failure::usage(format!("Cannot write to {name}: {error}."))),
        }
    }

    pub(crate) fn new(to: impl Write + Send + 'static) -> Self {
        Self {
            name: "standard output".to_owned(),
            to: Box::new(to),
            state: State::Open,
        }
    }

    /// Writes one line. False if the output cannot take it, and then it takes no other line.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> bool {
        if matches!(self.state, State::Open) {
            // One write, so that two processes can append to one file.
            let line = format!("{line}\n");
            match self
                .to
                .write_all(line.as_bytes())
                .and_then(|()| self.to.flush())
            {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.state = State::ReaderGone;
                }
                Err(error) => self.state = State::Failed(error),
            }
        }
        matches!(self.state, State::Open)
    }

    /// Checks whether every line was written, as far as the reader has read them.
    ///
    /// # Errors
    ///
    /// The write error, for example of a full disk.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.state {
            State::Failed(error) => Err(Failure::cannot_write(&self.name, error)),
            State::Open | State::ReaderGone => Ok(()),
        }
    }
}

/// Writes a whole document to standard output. If the reader closes its end early, this is not an error.
///
/// # Errors
///
/// The write error, for example of a full disk.
pub(crate) fn write_document(document: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(document).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::cannot_write("standard output", &error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Accepts one line and then fails with this error.
    #[derive(Clone)]
    struct OneLine(Arc<Mutex<Vec<u8>>>, io::ErrorKind);

    impl Write for OneLine {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.0.lock().unwrap();
            if taken.ends_with(b"\n") {
                return Err(self.1.into());
            }
            taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn three_lines(kind: io::ErrorKind) -> Output {
        let reader = OneLine(Arc::default(), kind);
        let mut output = Output::new(reader.clone());
        assert!(output.line("one"));
        assert!(!output.line("two"));
        assert!(!output.line("three"));
        assert_eq!(*reader.0.lock().unwrap(), b"one\n");
        output
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        assert!(three_lines(io::ErrorKind::BrokenPipe).check().is_ok());
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let full = three_lines(io::ErrorKind::StorageFull);
        assert_eq!(full.check().unwrap_err().end(), crate::End::Output);
    }
}
