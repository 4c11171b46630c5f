//! Faults on purpose, to see what becomes of a chat in bad weather.

use std::sync::Arc;

use clap::Args;
use skype_p2p::{Fault, Faulty, HttpTransport, HyperTransport};

/// What goes wrong on the way to the server.
#[derive(Clone, Debug, Default, Args)]
pub struct Faults {
    /// Something that goes wrong on the way: delay=TIME, refuse, reset, truncate, garbage or status=CODE, then any of
    /// lane=events, lane=commands, path=PART and chance=0.25, with commas between them. May be given several times
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<Fault>,
    /// What the faults are drawn from: the same number gives the same weather
    #[arg(long = "fault-seed", value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,
}

impl Faults {
    /// The transport, which suffers them now. Those of one run have different weather, each by its `number`.
    pub(crate) fn upon(&self, transport: HyperTransport, number: u64) -> Arc<dyn HttpTransport> {
        if self.faults.is_empty() {
            return Arc::new(transport);
        }
        let seed = self.seed.wrapping_add(number);
        Arc::new(Faulty::new(transport, seed, self.faults.clone()))
    }
}
