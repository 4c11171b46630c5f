//! Missed conversations: their number, and the new logs that they announce.

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Event, EventKind, Resource};

use super::{History, HistoryPurpose};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};

impl History {
    /// Starts to read and watch the missed items. A session without interest in history requests none.
    pub(super) fn watch_missed_items(&mut self, core: &mut Core) {
        if !std::mem::replace(&mut self.watches_missed_items, true) {
            self.read_missed(core);
        }
    }

    /// Reads the missed items, if the server offers them.
    pub(super) fn read_missed(&mut self, core: &mut Core) {
        let purpose = Purpose::History(HistoryPurpose::ReadMissed);
        if core.is_under_way(&purpose) {
            self.missed_again = true;
        } else if let Some(href) = &self.missed_items
            && let Ok(url) = core.resolve(href, Stage::History)
        {
            core.issue(Exchange::new(purpose, Method::GET, url));
        }
    }

    pub(super) fn on_missed_event(&mut self, core: &mut Core, event: &Event<'_>) {
        if event.kind == EventKind::Deleted {
            self.missed_items = None;
            return;
        }
        self.missed_items = Some(event.link.href.to_string());
        match event.resource() {
            Some(missed) => apply_missed_items(core, missed),
            None => self.read_missed(core),
        }
        // A missed conversation has a new log.
        self.report_complete(core, false);
    }

    pub(super) fn on_missed_read(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.fetched(exchange, result) {
            Ok(missed) => apply_missed_items(core, &missed),
            Err(failure) => tracing::debug!(%failure, "the missed items could not be read"),
        }
        if std::mem::take(&mut self.missed_again) {
            self.read_missed(core);
        }
    }
}

/// Handles the resource `missedItems` (`missedItems_ref`).
fn apply_missed_items(core: &mut Core, missed: &Resource<'_>) {
    let unread = missed
        .integer("unreadMissedConversationsCount")
        .and_then(|count| u64::try_from(count).ok());
    if let Some(unread) = unread {
        core.emit(SessionEvent::UnreadConversations(unread));
    }
}
