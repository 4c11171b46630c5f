//! The binary, as a user runs it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod company;
mod demo;
mod discover;
mod foreign_clients;
mod guide;
mod hosting;
mod installation;
mod json_schema;
#[cfg(target_os = "linux")]
mod keyring;
mod listen;
mod observer;
mod probe;
mod process;
mod profiles;
mod send;
mod send_input;
mod serve;
mod sign_in;
#[cfg(unix)]
mod state;
#[cfg(unix)]
mod ucwa_client;
