#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[cfg(feature = "har")]
mod har;
#[cfg(feature = "hyper")]
mod hyper_transport;
#[cfg(feature = "mock")]
mod mock;
#[cfg(feature = "har")]
mod record;
#[cfg(feature = "har")]
mod replay;
#[cfg(feature = "har")]
mod scripted;
#[cfg(feature = "hyper")]
mod server;
