//! The binary, as a user runs it.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[cfg(unix)]
mod chat;
#[cfg(unix)]
mod chat_contacts;
#[cfg(unix)]
mod chat_terminal;
mod command_line_page;
mod company;
mod contacts;
mod demo;
mod discover;
#[cfg(all(unix, feature = "fleet"))]
mod fleet;
mod foreign_clients;
mod guide;
mod history;
mod hosting;
mod installation;
mod json_schema;
#[cfg(target_os = "linux")]
mod keyring;
mod listen;
mod listen_answers;
mod listen_filter;
mod observer;
mod presence;
mod probe;
mod process;
mod profiles;
mod recording;
mod search;
mod send;
mod send_input;
mod send_outbox;
mod serve;
mod sign_in;
#[cfg(unix)]
mod state;
#[cfg(unix)]
mod tmux;
#[cfg(unix)]
mod ucwa_client;
