//! What a session has under way, in numbers.

use crate::session::Session;

/// What a session has under way; see [`Session::workload`].
///
/// After the end of a session everything is zero, once its outputs have been polled; but for the creation of the
/// application, if [`Input::Shutdown`](crate::Input::Shutdown) came while that was on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workload {
    /// Operations that have not completed.
    pub operations: usize,
    /// Requests on the wire, and those that wait: for a token, a yes to their host, their place in a batch, or their next
    /// attempt. The pending GET is not one of them.
    pub requests: usize,
    /// The pending GET, on the wire or waiting likewise: 1 while the session is signed in, else 0.
    pub polls: usize,
    /// Questions to the caller that have no answer.
    pub questions: usize,
    /// Tokens that are being fetched.
    pub renewals: usize,
    /// What the event channel, or an answer, still has to bring: invitations, messages and commands without a verdict,
    /// messages whose text is being fetched, reads of people.
    pub awaited: usize,
    /// Conversations that events spoke of and that nothing has named: should they be named, they show what was told of
    /// them. At most 64, and nothing is under way for their sake.
    pub unnamed: usize,
    /// Times at which the session stops to wait for something.
    pub deadlines: usize,
    /// Times of what is done for as long as the session lives: renewing tokens and subscriptions, reporting activity,
    /// reading what somebody wants read again and again.
    pub routines: usize,
    /// Outputs that have not been polled.
    pub outputs: usize,
}

impl Workload {
    /// Whether everything that was begun is done: nothing is under way but the pending GET, nothing is due but routine, and
    /// every output has been polled.
    ///
    /// A caller who wants to stop loses nothing by it then, as far as the session can know.
    pub fn is_quiet(&self) -> bool {
        let allowed = Self {
            polls: self.polls,
            unnamed: self.unnamed,
            routines: self.routines,
            ..Self::default()
        };
        *self == allowed
    }
}

impl Session {
    /// What is under way, and what is due. Counts change with [`submit`](Self::submit), [`handle`](Self::handle) and
    /// [`poll_output`](Self::poll_output).
    pub fn workload(&self) -> Workload {
        Workload {
            unnamed: self.chats.unnamed(),
            awaited: self.chats.awaited() + self.people.awaited() + self.history.awaited(),
            ..self.core.workload()
        }
    }
}
