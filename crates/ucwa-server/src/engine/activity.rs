//! Who is signed in, and how much there is.

use std::collections::BTreeMap;

use super::Engine;

/// What an engine holds now, and what it has sent so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// The number of applications of each user who is signed in, by address.
    pub applications: BTreeMap<String, usize>,
    /// The number of conversations. Each user's view of a chat counts as one.
    pub conversations: usize,
    /// The number of events that were sent so far.
    pub events: u64,
}

impl Engine {
    /// What the engine holds now, and what it has sent so far.
    pub fn activity(&self) -> Activity {
        Activity {
            applications: self.applications.counts(),
            conversations: self.conversations.len(),
            events: self.events_sent,
        }
    }
}
