//! The binary, as a user runs it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod contacts;
mod demo;
mod foreign_clients;
mod guide;
mod history;
mod hosting;
mod installation;
mod json_schema;
mod listen;
mod observer;
mod presence;
mod process;
mod profiles;
mod search;
mod send;
mod send_input;
mod serve;
mod sign_in;
#[cfg(unix)]
mod state;
#[cfg(unix)]
mod ucwa_client;
