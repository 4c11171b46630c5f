//! Reads recordings of UCWA traffic.
//!
//! A recording is a [`Har`](conv_transport::Har): of this project's recorder, of a browser, or of a debugging proxy. [`read`] reads a
//! file, and its errors name the line. [`timeline`] shows a recording to a person, [`comparable_text`] and [`line_difference`] compare
//! two recordings, and [`Redaction`] removes the secrets, names and texts before a recording is shared.
//! [`operations`] finds what the user did, for a replay.

mod comparison;
mod exchange;
mod file;
mod operations;
mod pseudonyms;
mod redaction;
mod relations;
mod timeline;

pub use comparison::{CLIENT_MADE, ComparisonOptions, comparable_text, line_difference};
pub use exchange::{Exchange, exchanges};
pub use file::{FileError, read};
pub use operations::{
    Operation, OperationKind, Operations, OtherRequest, RecordedClient, RecordedMessage,
    RecordedSignIn, operations,
};
pub use redaction::Redaction;
pub use relations::{Event, Step, steps};
pub use timeline::timeline;
