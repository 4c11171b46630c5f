//! Recordings of the fixtures, read as a user of the crate does.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod comparison;
mod file;
mod fixture;
mod operations;
mod redaction;
mod timeline;
