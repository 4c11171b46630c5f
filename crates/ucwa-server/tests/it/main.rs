//! The engine in virtual time, request by request; and the shell over loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod batch;
mod conference;
mod contact_list;
mod cost;
mod events;
mod faults;
mod grants;
mod group_presence;
mod harness;
mod history;
mod incoming;
mod leading;
mod links;
mod lobby;
mod malformed_requests;
mod messages;
mod organization;
mod parked_users;
mod people;
mod photo;
mod privacy;
mod reference;
mod restart;
mod rules;
mod scheduled_meeting;
mod send_an_im;
mod session_contacts;
#[cfg(feature = "http")]
mod shell;
mod sign_in;
#[cfg(feature = "http")]
mod state_store;
mod telephony;
#[cfg(feature = "http")]
mod xframe;
