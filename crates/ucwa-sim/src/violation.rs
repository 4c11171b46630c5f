//! The invariants of every run, and the record of a violation.

use std::fmt;

/// A property that every run must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// Every ticket completes exactly once, and only submitted tickets complete.
    CompletedOnce,
    /// Every message that reached a client is shown by the client's session. Every message that was reported as delivered is
    /// shown to its recipient.
    NoLoss,
    /// No message is shown twice to the same actor.
    NoDuplicate,
    /// Within a conversation, the messages of one sender are shown in the order in which they were sent.
    InOrder,
    /// The delivery result that the sender's session reports is the result of the server. The result is unknown only if the
    /// session could not get it, and a final result does not change.
    TrueDeliveryResult,
    /// A message is shown with the body that was sent.
    Intact,
    /// Without losses and refusals every action succeeds.
    AllSucceed,
    /// Without losses and refusals a follower knows the current presence.
    PresenceCurrent,
    /// A session that follows its user's contact list shows what the server has.
    ContactsCurrent,
    /// A session has at most one pending GET in flight. The GET that acknowledges an event page is sent before the page's
    /// events are reported.
    OnePendingGet,
    /// A session replaces its pending GET soon after a suspend of its device, since the connection is likely to be dead.
    PolledAfterSuspend,
    /// A session that resumes another one polls first.
    ResumedByPoll,
    /// Of a process that was paused and its successor, the successor keeps the application.
    OneOwner,
    /// Credentials are sent only to hosts that are anchored in the configuration.
    CredentialScope,
    /// No address of a former application is used.
    CurrentApplication,
    /// Events are consistent: a conversation is introduced before it changes, and ends once.
    EventOrder,
    /// An idle session has nothing in flight except its pending GET. A session that has ended sends nothing, has nothing in
    /// flight and sets no timer. Without losses and refusals, the server has deleted its application.
    Quiescent,
    /// A run ends within a bounded number of steps.
    Terminates,
    /// No session and no server panics.
    NoPanic,
}

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// The observation that violates the invariant.
    pub detail: String,
}

impl Violation {
    /// Creates the record of a violation.
    pub fn new(invariant: Invariant, detail: impl Into<String>) -> Self {
        Self {
            invariant,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.detail)
    }
}
