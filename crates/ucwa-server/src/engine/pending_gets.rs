//! The pending GETs: which application waits with which request, and which of them may have events to send.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use ucwa_proto::Representation;

use super::RequestId;
use super::identifiers::ApplicationId;
use super::timers::TimerId;

/// A request for events that waits for them.
#[derive(Debug)]
pub(super) struct PendingGet {
    pub(super) request: RequestId,
    pub(super) correlation: String,
    pub(super) representation: Representation,
    /// Whether only the headers were asked for.
    pub(super) head: bool,
    /// The timer that ends the request.
    pub(super) timer: TimerId,
}

/// The pending GETs, at most one of each application.
#[derive(Debug, Default)]
pub(super) struct PendingGets {
    by_application: BTreeMap<ApplicationId, PendingGet>,
    by_request: BTreeMap<RequestId, ApplicationId>,
    /// The applications that got a pending GET, or an event to send, since [`take_changed`](Self::take_changed).
    changed: BTreeSet<ApplicationId>,
}

impl PendingGets {
    /// Keeps the pending GET of an application that has none.
    pub(super) fn park(&mut self, id: ApplicationId, pending: PendingGet) {
        self.by_request.insert(pending.request, id);
        self.by_application.insert(id, pending);
        self.changed.insert(id);
    }

    /// Takes the pending GET of an application.
    pub(super) fn take(&mut self, id: ApplicationId) -> Option<PendingGet> {
        let pending = self.by_application.remove(&id)?;
        self.by_request.remove(&pending.request);
        Some(pending)
    }

    /// The application that waits with this request.
    pub(super) fn application_of(&self, request: RequestId) -> Option<ApplicationId> {
        self.by_request.get(&request).copied()
    }

    pub(super) fn is_waiting(&self, id: ApplicationId) -> bool {
        self.by_application.contains_key(&id)
    }

    /// Marks an application that has something to send.
    pub(super) fn change(&mut self, id: ApplicationId) {
        self.changed.insert(id);
    }

    /// The applications whose pending GET may have something to send, in the order of their IDs.
    pub(super) fn take_changed(&mut self) -> BTreeSet<ApplicationId> {
        mem::take(&mut self.changed)
    }
}
