//! What the engine holds, and how much work it has done.

use std::collections::BTreeMap;

use super::Engine;

/// The current contents of an engine, and the number of events that it has sent.
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
    /// The current contents of the engine, and the number of events that it has sent.
    pub fn activity(&self) -> Activity {
        Activity {
            applications: self.applications.counts(),
            conversations: self.conversations.len(),
            events: self.events_sent,
        }
    }

    /// The number of entries that the engine has visited in its tables of users, applications, conversations and the like so far: a
    /// measure of its work that does not depend on the machine. Except for a search, the work of a request does not depend on the
    /// number of users.
    pub fn visited_entries(&self) -> u64 {
        [
            self.directory.visited(),
            self.tokens.visited(),
            self.browsers.visited(),
            self.guests.visited(),
            self.applications.visited(),
            self.pending.visited(),
            self.conversations.visited(),
            self.invitations.visited(),
            self.meetings.visited(),
            self.calls.visited(),
            self.deliveries.visited(),
            self.calendar.visited(),
            self.contact_lists.visited(),
            self.reports.visited(),
            self.published.visited(),
            self.mailboxes.visited(),
            self.timers.visited(),
        ]
        .iter()
        .sum()
    }
}
