//! Tests of the facade: on transports in memory, on replays, and on a server on a socket.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod application_creation;
mod backends;
mod chat;
mod connection;
mod contacts;
mod driver;
mod driver_end;
mod endpoints;
mod examples;
mod executor;
mod fairness;
mod grants;
mod groups;
mod handover;
#[cfg(unix)]
mod handover_processes;
mod history;
mod loopback;
mod meetings;
mod people;
mod resend;
mod resend_over_http;
mod response_details;
mod retries;
mod runtimes;
mod secrets;
mod sign_in;
mod standard_chat;
mod suspend;
mod tokens;
mod traces;
mod trust;
mod world;
