//! Tests of the model through its public API.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::semicolon_if_nothing_returned,
    clippy::type_complexity,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod archive;
mod bounds;
mod chats;
mod collections;
mod commands;
mod completions;
mod connection;
mod contact_list;
mod conversations;
mod debug_output;
mod groups;
mod interleavings;
mod meetings;
mod moderation;
mod observation;
mod people;
mod reference_model;
mod resend;
mod roster;
mod state_machines;
mod support;
mod termination;
