//! The session in virtual time, against answers written by hand after the published pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod bad_weather;
mod bench;
mod bounds;
mod channel;
mod clocks;
mod commands_table;
mod conference;
mod conference_begun;
mod cost;
mod ending;
mod events_table;
mod formats;
mod given;
mod grants;
mod growth;
mod hints;
mod history;
mod hrefs;
mod incoming;
mod interruptions;
mod joining;
mod leading;
mod lost;
mod malformed;
mod meetings;
mod out_of_order;
mod outgoing;
mod overflow;
mod pages;
mod people;
mod retries;
mod sending;
mod sign_in;
mod strange_answers;
mod traces;
mod unclaimed;
mod unsent;
mod workload;
