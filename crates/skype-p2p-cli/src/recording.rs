//! Recordings of the HTTP traffic as HAR files: `--record`, and the commands that read the files.

mod diff;
mod file;
mod redact;
mod replay;
mod timeline;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use skype_p2p::{Har, HarError};
use ucwa_har::FileError;

pub use self::{diff::Diff, redact::Redact, replay::Replay, timeline::Timeline};
pub(crate) use self::{
    diff::run as diff, file::RecordingFile, redact::run as redact, replay::run as replay,
    timeline::run as timeline,
};
use crate::failure::Failure;

/// The recording of the traffic of a command.
#[derive(Clone, Debug, Default, Args)]
pub struct RecordOption {
    /// Record the HTTP traffic in this HAR file, without passwords, tokens and cookies. Names and messages are kept. The file is
    /// written when the command ends. If the command signs in several times, the second recording is FILE-2.har, and so on
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

impl RecordOption {
    /// The recording, if the option asks for one.
    pub(crate) fn file(&self) -> Option<Arc<RecordingFile>> {
        self.record.as_deref().map(RecordingFile::new)
    }
}

/// The values that a client generates.
#[derive(Clone, Debug, Default, Args)]
pub struct ClientMade {
    /// A value that the client generates, besides endpointId, operationId and threadId. May be given several times
    #[arg(long = "client-made", value_name = "NAME")]
    pub names: Vec<String>,
}

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
