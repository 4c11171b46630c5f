//! Standard output, which is the product: every line goes out whole and at once.

use std::io::{self, Write};

/// Writes lines until the reader goes away.
pub(crate) struct Output {
    to: Box<dyn Write + Send>,
    closed: bool,
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }

    pub(crate) fn new(to: impl Write + Send + 'static) -> Self {
        Self {
            to: Box::new(to),
            closed: false,
        }
    }

    /// Writes one line. False when nobody reads any more; that is no error, and not worth a panic.
    pub(crate) fn line(&mut self, line: impl std::fmt::Display) -> bool {
        if !self.closed {
            self.closed = writeln!(self.to, "{line}")
                .and_then(|()| self.to.flush())
                .is_err();
        }
        !self.closed
    }
}

/// Writes a whole document to standard output. A reader that has read enough is no error.
pub(crate) fn write_document(document: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(document).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes one line and then breaks, as a pipe into `head -1` does.
    #[derive(Clone, Default)]
    struct Head(Arc<Mutex<Vec<u8>>>);

    impl Write for Head {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = self.0.lock().unwrap();
            if taken.ends_with(b"\n") {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_output_quietly() {
        let head = Head::default();
        let mut output = Output::new(head.clone());
        assert!(output.line("one"));
        assert!(!output.line("two"));
        assert!(!output.line("three"));
        assert_eq!(*head.0.lock().unwrap(), b"one\n");
    }
}
