//! The tests of the fleet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod client;
mod harness;
mod postgres;
mod rules;
mod sealing;
mod tls;
mod worker;
mod worker_processes;
