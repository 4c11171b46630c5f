//! Recordings of the HTTP traffic as HAR files: `--record`, and the commands that read the files.

mod diff;
mod file;
mod redact;
mod replay;
mod timeline;

use std::path::Path;

use skype_p2p::{Har, HarError};
use ucwa_har::FileError;

pub use self::{diff::Diff, redact::Redact, replay::Replay, timeline::Timeline};
pub(crate) use self::{
    diff::run as diff, file::RecordingFile, redact::run as redact, replay::run as replay,
    timeline::run as timeline,
};
use crate::failure::Failure;

/// Reads a recording.
///
/// # Errors
///
/// If the file is not a HAR file.
fn read(path: &Path) -> Result<Har, Failure> {
    ucwa_har::read(path).map_err(|error| unusable(&error))
}

/// The error of a file.
fn in_file(path: &Path) -> impl FnOnce(HarError) -> Failure {
    move |error| unusable(&FileError::new(path, error))
}

fn unusable(error: &FileError) -> Failure {
    Failure::usage(format!("Cannot use the recording {error}."))
}
