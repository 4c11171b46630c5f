//! Decoding and encoding through the public API.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod contacts;
mod json;
mod limits;
mod malformed;
mod pages;
mod round_trip;
mod secrets;
mod views;
mod xml;
