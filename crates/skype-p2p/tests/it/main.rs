//! The facade, from the transport's seam up to a server on a socket.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod backends;
mod chat;
mod driver;
mod endings;
mod entering;
mod executor;
mod fairness;
mod grants;
mod groups;
mod history;
mod loopback;
mod meetings;
mod people;
mod retries;
mod ringing;
mod runtimes;
mod secrets;
mod server_words;
mod sign_in;
mod story;
mod suspend;
mod tokens;
mod traces;
mod trust;
mod world;
