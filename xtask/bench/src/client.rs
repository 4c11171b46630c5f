//! What all measured clients have in common.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::bare::Pool;

/// The measurements of a run, by name.
pub(crate) type Metrics = BTreeMap<String, f64>;

/// Measurements with fixed names.
pub(crate) fn metrics<const N: usize>(values: [(&str, f64); N]) -> Metrics {
    let values = values.into_iter();
    values
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[derive(clap::Args)]
pub(crate) struct Client {
    /// Who is measured
    kind: Kind,
    /// The URL of the host
    #[arg(long)]
    pub(crate) root: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The SDK
    Sdk,
    /// A program on the pooled client of hyper-util
    Pooled,
    /// A program with a connection of hyper for each task that sends requests
    Connection,
}

impl Client {
    /// The name of the kind, as an argument.
    pub(crate) fn kind_name(&self) -> String {
        let value = self.kind.to_possible_value();
        value.expect("no kind is hidden").get_name().to_owned()
    }

    /// The pool of a rival. `None` for the SDK.
    pub(crate) fn pool(&self) -> Option<Pool> {
        match self.kind {
            Kind::Sdk => None,
            Kind::Pooled => Some(Pool::shared()),
            Kind::Connection => Some(Pool::None),
        }
    }
}
