#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod cookies;
mod faulty;
mod har;
mod hyper_transport;
mod mock;
mod record;
mod redaction;
mod replay;
mod scripted;
mod server;
mod tower_transport;
