//! The session in virtual time, against answers written by hand after the published pages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod application_loss;
mod application_start;
mod bounds;
mod channel;
mod checkpoint_form;
mod clocks;
mod commands_table;
mod commit_gate;
mod conference;
mod conference_roles;
mod conference_start;
mod debug_output;
mod discovery;
mod doubtful_messages;
mod driver;
mod ending;
mod event_order;
mod events_table;
mod fixtures;
mod formats;
mod grants;
mod growth;
mod handover;
mod handover_reads;
mod history;
mod hrefs;
mod incoming;
mod interruptions;
mod joining;
mod malformed;
mod malformed_invitations;
mod meetings;
mod message_ids;
mod network_faults;
mod no_credentials;
mod outgoing;
mod overflow;
mod pages;
mod people;
mod removing;
mod replacement;
mod retries;
mod sending;
mod sign_in;
mod traces;
mod typing;
mod unclaimed;
mod unexpected_responses;
mod unsent_requests;
mod workload;
