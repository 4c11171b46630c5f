//! A simulated fleet: the real workers on the store in memory, the server's engine, and peers, in virtual time.
//!
//! Each worker is a process of its own: a tokio runtime with its own paused clock, which the world moves. A process can be killed,
//! which drops its runtime, and paused, so that its clock jumps when it continues, like a process after `SIGSTOP` and `SIGCONT`.
//! Workers reach the store and the server through links that can be slow or cut. One seed determines every random choice, so it
//! repeats a run exactly.
//!
//! [`run`] plays one seed. It compares what the peers heard, what the store holds and what left the workers, and lists each violated
//! [`Invariant`].

mod clock;
mod cuts;
mod faulty_store;
mod invariants;
mod link;
mod owners;
mod peers;
mod plan;
mod process;
mod random;
mod report;
mod server;
mod sim_runtime;
mod traffic;
mod world;

pub use report::{Counts, Invariant, Large, Options, Report, Violation};
pub use world::run;
