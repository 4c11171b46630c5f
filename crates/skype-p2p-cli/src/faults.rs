//! `--fault`: injected faults of the network and the server, to see how a command handles them.

use std::sync::Arc;

use clap::Args;
use skype_p2p::{Fault, Faulty, HttpTransport, HyperTransport};

/// The faults to inject between the command and the server.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Fault injection")]
pub struct Faults {
    /// Inject a fault between this command and the server: delay=TIME, refuse, reset, truncate, garbage or status=CODE, then any
    /// of lane=events, lane=commands, path=PART and chance=0.25, with commas between them. May be given several times
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<Fault>,
    /// The seed of the random numbers of the faults: the same seed and the same requests give the same faults
    #[arg(long = "fault-seed", value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
}

impl Faults {
    /// Adds the faults to a transport. Transports of one command have different `number`s, and so different random numbers.
    pub(crate) fn upon(&self, transport: HyperTransport, number: u64) -> Arc<dyn HttpTransport> {
        if self.faults.is_empty() {
            return Arc::new(transport);
        }
        let seed = self.seed.wrapping_add(number);
        Arc::new(Faulty::new(transport, seed, self.faults.clone()))
    }
}
