//! What must hold in every world, and where it did not.

use std::fmt;

/// A rule that every run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Every ticket completes exactly once, and nothing else does.
    CompletedOnce,
    /// Every message that reached a client is shown there.
    Lost,
    /// No message is shown twice to one person.
    Duplicated,
    /// Messages of one person show in the order in which they were said, in each conversation.
    Reordered,
    /// The verdict that the sender was told is the one that the server gave, it is unknown only where it could not be known,
    /// and it does not change.
    Misreported,
    /// A message shows as it was said.
    Garbled,
    /// In fair weather everything succeeds.
    FairWeather,
    /// In fair weather who follows somebody knows what that one shows.
    Stale,
    /// A session has one pending GET in flight, and the one that acknowledges a page goes out before the page's events.
    OnePoll,
    /// No credential goes to a host that nothing vouches for.
    Trust,
    /// No address of an application that is gone is used.
    Generation,
    /// Events make sense: nothing happens in a conversation that nobody spoke of, and what has ended does not end again.
    Grammar,
    /// While nothing is asked of it a session has nothing under way but its pending GET. After its end it sends nothing, has
    /// nothing under way and wants to be woken for nothing; and in fair weather the server has nothing of it left.
    Rest,
    /// A run ends.
    Bounded,
    /// Nothing panics.
    Panic,
}

/// A rule that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Which.
    pub rule: Rule,
    /// What happened instead.
    pub what: String,
}

impl Breach {
    /// A rule that was broken, and how.
    pub fn new(rule: Rule, what: impl Into<String>) -> Self {
        Self {
            rule,
            what: what.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}
