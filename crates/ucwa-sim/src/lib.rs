//! Simulated worlds for UCWA sessions: a server engine, several sessions, a network and virtual time.
//!
//! A world is sans-IO and single-threaded. One seed determines every random choice: the delays and losses of the network,
//! the IDs of server and clients, the actions of the actors and the pauses between them. A seed therefore repeats a run
//! exactly. The clock jumps from one event to the next, so hours of virtual time take milliseconds.
//!
//! [`run`] runs one scenario: two actors chat, leave, chat again and sign out; or up to five sessions, some of the same
//! user, hold a conference and follow each other's presence. The seed chooses the [`NetworkProfile`] and the [`HttpFaults`]
//! unless [`Options`] fix them. At the end the run compares the reports of the sessions with the traffic that the oracle
//! recorded, and lists each violated [`Invariant`].

mod attacker;
mod contact_view;
mod coverage;
mod device;
mod endpoint;
mod endurance;
mod fault_schedule;
mod handover_schedule;
mod http_faults;
mod invariants;
mod malformed_pages;
mod message;
mod network;
mod network_profile;
mod options;
mod oracle;
mod random;
mod report;
mod run;
mod scenario;
mod trace;
mod violation;
mod world;

pub use coverage::{Coverage, CoveragePoint};
pub use endurance::{Day, Endurance, FinalState};
pub use http_faults::HttpFaults;
pub use malformed_pages::with_malformed_event;
pub use network_profile::NetworkProfile;
pub use options::{Options, SessionCount, WorldSize};
pub use report::Report;
pub use run::run;
pub use trace::Trace;
/// The encoding of payloads; [`Options`] can fix it.
pub use ucwa_proto::Representation;
pub use violation::{Invariant, Violation};
