//! Reads HAR files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use conv_transport::{Har, HarError, HarPlace};

/// Why a recording cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The contents cannot be used.
    #[error("{}: {}{source}", path.display(), on_line(*.line))]
    Har {
        /// The file.
        path: PathBuf,
        /// The line of the entry and the member that the error names, counted from 1.
        line: Option<usize>,
        /// The reason.
        source: HarError,
    },
}

impl FileError {
    /// The error of a file, with the line of the entry that the error is about.
    #[must_use]
    pub fn new(path: &Path, source: HarError) -> Self {
        let place = match &source {
            HarError::Entry { number, member, .. } => Some((*number, *member)),
            HarError::Secret {
                number: Some(number),
                ..
            } => Some((*number, "")),
            // The other errors have their place in their text, or have none.
            _ => None,
        };
        let line = place.and_then(|(number, member)| {
            let place = HarPlace::find(&fs::read(path).ok()?, Some(number), member)?;
            Some(place.line)
        });
        Self::Har {
            path: path.to_owned(),
            line,
            source,
        }
    }
}

fn on_line(number: Option<usize>) -> String {
    number.map_or_else(String::new, |number| format!("line {number}, "))
}

/// Reads a HAR file.
///
/// # Errors
///
/// If the file cannot be read, or is not a HAR file.
pub fn read(path: &Path) -> Result<Har, FileError> {
    let bytes = fs::read(path).map_err(|source| FileError::Io {
        path: path.to_owned(),
        source,
    })?;
    Har::from_slice(&bytes).map_err(|source| FileError::new(path, source))
}
