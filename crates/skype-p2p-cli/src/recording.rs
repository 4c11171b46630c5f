//! Recordings of the HTTP traffic as HAR files.

mod file;

pub(crate) use self::file::RecordingFile;
