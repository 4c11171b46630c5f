//! Counts of the work in progress in a session.

use crate::session::Session;

/// The work in progress in a session; see [`Session::workload`].
///
/// All counts are zero after the end of a session, once its outputs have been polled. The one exception is the creation
/// of an application that was on the wire at [`Input::Shutdown`](crate::Input::Shutdown).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workload {
    /// Operations that have not completed.
    pub operations: usize,
    /// Requests on the wire, and requests that wait for a token, for the approval of their host, for a batch, or for
    /// their next attempt. The pending GET is not included.
    pub requests: usize,
    /// The pending GET, on the wire or waiting as above: 1 while the session is signed in, otherwise 0.
    pub polls: usize,
    /// Questions to the caller without an answer.
    pub questions: usize,
    /// Tokens that are being fetched.
    pub renewals: usize,
    /// Results that an event or a response still has to bring: for invitations, messages and commands, for message
    /// texts that are being fetched, and for reads of people.
    pub awaited: usize,
    /// Conversations that events mentioned and that no invitation has named. Their events are kept, for at most 64 of
    /// them, and shown if an invitation names the conversation. No request is in progress for them.
    pub unnamed: usize,
    /// Timers that end a wait.
    pub deadlines: usize,
    /// Timers that recur until the session ends: renewal of tokens and subscriptions, reports of activity, and
    /// reads at the interval of an interest.
    pub routines: usize,
    /// Outputs that have not been polled.
    pub outputs: usize,
}

impl Workload {
    /// Whether all work is done: only the pending GET is in progress, only recurring timers are armed, and every output
    /// has been polled.
    ///
    /// A caller that stops now loses nothing, as far as the session knows.
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
    /// Counts the work in progress. The counts change with [`submit`](Self::submit), [`handle`](Self::handle) and
    /// [`poll_output`](Self::poll_output).
    pub fn workload(&self) -> Workload {
        Workload {
            unnamed: self.chats.unnamed(),
            awaited: self.chats.awaited() + self.people.awaited() + self.history.awaited(),
            ..self.core.workload()
        }
    }
}
