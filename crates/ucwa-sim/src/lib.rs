//! A simulated world for UCWA sessions: a server's engine, a seeded network, virtual time.
//!
//! Everything in a world is sans-IO and single-threaded, and everything left to chance hangs on one seed: the delays
//! and losses of the network, the ids of server and clients, what people do and how long they think. So a run is
//! repeated exactly by its seed, and hours pass in milliseconds, since the clock jumps from one event to the next.
//!
//! [`run`] plays a story: of two people who chat, leave, begin again and sign out, or of up to five sessions, some of one
//! user, that make a conference of it and follow each other's presence. The [`Weather`] and the [`Trouble`] that servers
//! make are the seed's choice. Then it holds what the sessions told against what passed on the wire: see [`Rule`].

mod breach;
mod dice;
mod endpoint;
mod felt;
mod impostor;
mod invariants;
mod mishaps;
mod network;
mod run;
mod saying;
mod story;
mod trace;
mod trouble;
mod weather;
mod wire;
mod world;

pub use breach::{Breach, Rule};
pub use felt::{Felt, Trial};
pub use run::{Kind, Options, People, Report, run};
pub use trace::Trace;
pub use trouble::Trouble;
/// The one word of UCWA that [`Options`] need.
pub use ucwa_proto::Representation;
pub use weather::Weather;
