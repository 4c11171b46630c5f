//! The pending GETs, by application and by request, and the applications that may have events to send.

use std::collections::BTreeSet;
use std::mem;

use ucwa_proto::Representation;

use super::RequestId;
use super::identifiers::ApplicationId;
use super::table::Table;
use super::timers::TimerId;

/// A request for events that waits.
#[derive(Debug)]
pub(super) struct PendingGet {
    pub(super) request: RequestId,
    pub(super) correlation: String,
    pub(super) representation: Representation,
    /// Whether the method is HEAD.
    pub(super) head: bool,
    /// The timer of its timeout.
    pub(super) timer: TimerId,
}

/// The pending GETs: at most one of each application.
#[derive(Debug, Default)]
pub(super) struct PendingGets {
    by_application: Table<ApplicationId, PendingGet>,
    by_request: Table<RequestId, ApplicationId>,
    /// The applications that got a pending GET, or an event to send, since [`take_changed`](Self::take_changed).
    changed: BTreeSet<ApplicationId>,
}

impl PendingGets {
    /// Adds the pending GET of an application that has none.
    pub(super) fn park(&mut self, id: ApplicationId, pending: PendingGet) {
        self.by_request.insert(pending.request, id);
        self.by_application.insert(id, pending);
        self.changed.insert(id);
    }

    /// Removes the pending GET of an application.
    pub(super) fn take(&mut self, id: ApplicationId) -> Option<PendingGet> {
        let pending = self.by_application.remove(&id)?;
        self.by_request.remove(&pending.request);
        Some(pending)
    }

    /// The application whose pending GET this is.
    pub(super) fn application_of(&self, request: RequestId) -> Option<ApplicationId> {
        self.by_request.get(&request).copied()
    }

    pub(super) fn is_waiting(&self, id: ApplicationId) -> bool {
        self.by_application.contains_key(&id)
    }

    pub(super) fn visited(&self) -> u64 {
        self.by_application.visited() + self.by_request.visited()
    }

    /// Marks an application that has events to send.
    pub(super) fn change(&mut self, id: ApplicationId) {
        self.changed.insert(id);
    }

    /// Takes the marked applications, in the order of their IDs.
    pub(super) fn take_changed(&mut self) -> BTreeSet<ApplicationId> {
        mem::take(&mut self.changed)
    }
}
