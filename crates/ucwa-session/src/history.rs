//! History: archived conversations and their messages, missed conversations, and the setting that turns archiving on.
//!
//! All of it is optional: without an archive, or if a policy forbids it, the server offers no links and the operations
//! fail. A conversation log is the server's record of one life of a conversation. The logs of one thread with one
//! person belong to one conversation of the session, and so do the logs of one conference.

mod archiving;
mod logs;
mod marking;
mod missed_items;
mod transcripts;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Response;
use ucwa_proto::{EventPage, HrefKey, Resource};

use self::archiving::Archiving;
use self::logs::Listing;
use self::transcripts::Archive;
use crate::chats::{Chats, key_of};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Operation;

/// The purpose of an exchange about history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryPurpose {
    /// GET communication, for the archiving setting.
    ReadSetting,
    /// PUT communication.
    WriteSetting,
    /// GET missedItems.
    ReadMissed,
    /// GET conversationLogs.
    List,
    /// GET a conversationLog, by its index in the current round.
    ReadLog(usize),
    /// GET a page of the conversationLogTranscripts of a conversation.
    ReadTranscripts(ConversationKey),
    /// POST markAsRead of a log of a conversation.
    MarkAsRead(ConversationKey),
}

impl HistoryPurpose {
    /// The name of the operation in traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ReadSetting | Self::WriteSetting => "communication",
            Self::ReadMissed => "missedItems",
            Self::List => "conversationLogs",
            Self::ReadLog(_) => "conversationLog",
            Self::ReadTranscripts(_) => "conversationLogTranscripts",
            Self::MarkAsRead(_) => "markAsRead",
        }
    }
}

/// Timers about history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryTimer {
    /// The archiving setting has not been confirmed in time.
    Confirmation,
}

#[derive(Default)]
pub(crate) struct History {
    /// Whether there is an application.
    open: bool,
    /// The href of communication, if it can be changed.
    communication: Option<String>,
    conversation_logs: Option<String>,
    missed_items: Option<String>,
    archiving: Archiving,
    /// Missed items are read and watched, because the caller has used the archive or the server archives.
    watches_missed_items: bool,
    /// The missed items changed while they were being read.
    missed_again: bool,
    /// The listing in progress.
    listing: Option<Listing>,
    /// The logs that have been read, by their href.
    read: BTreeSet<HrefKey>,
    /// The caller knows that there are no further logs.
    complete: bool,
    archives: BTreeMap<ConversationKey, Archive>,
}

impl History {
    /// The number of reads and changes in progress.
    pub(crate) fn awaited(&self) -> usize {
        self.archiving.awaited()
            + usize::from(self.listing.is_some())
            + self.archives.values().map(Archive::awaited).sum::<usize>()
            + usize::from(self.missed_again)
    }

    /// Handles an operation on history.
    pub(crate) fn submit(
        &mut self,
        core: &mut Core,
        chats: &Chats,
        ticket: Ticket,
        operation: &Operation,
    ) {
        let result = match operation {
            _ if !self.open => Err(Failure::new(FailureKind::NotSignedIn, Stage::History)),
            Operation::SetHistory(enabled) => self.set_archiving(core, Some(ticket), *enabled),
            Operation::ListArchived { count } => self.list(core, ticket, *count),
            Operation::ReadArchived(key) => self.read_more(core, chats, *key, ticket),
            Operation::MarkAsRead(key) => self.mark_as_read(core, chats, *key, ticket),
            _ => Err(Failure::new(FailureKind::WrongState, Stage::History)),
        };
        if let Err(failure) = result {
            core.complete(ticket, Err(failure));
        }
    }

    pub(crate) fn on_timer(&mut self, core: &mut Core, timer: HistoryTimer) {
        match timer {
            HistoryTimer::Confirmation => self.read_setting(core),
        }
    }

    /// Handles the end of an exchange about history.
    pub(crate) fn on_finished(
        &mut self,
        core: &mut Core,
        chats: &mut Chats,
        purpose: &HistoryPurpose,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match purpose {
            HistoryPurpose::ReadSetting => self.on_setting_read(core, exchange, result),
            HistoryPurpose::WriteSetting => self.on_setting_written(core, exchange, result),
            HistoryPurpose::ReadMissed => self.on_missed_read(core, exchange, result),
            HistoryPurpose::List => self.on_listed(core, chats, exchange, result),
            HistoryPurpose::ReadLog(place) => {
                self.on_log_read(core, chats, *place, exchange, result);
            }
            HistoryPurpose::ReadTranscripts(key) => {
                self.on_transcripts_read(core, chats, *key, exchange, result);
            }
            HistoryPurpose::MarkAsRead(key) => {
                self.on_marked_as_read(core, chats, *key, exchange, result);
            }
        }
    }

    /// Takes the links of an application.
    pub(crate) fn apply_application(&mut self, core: &mut Core, application: &Resource<'_>) {
        let Some(communication) = application.embedded("communication") else {
            return;
        };
        self.communication = None;
        let link = |rel: &str| communication.link_href(rel).map(str::to_owned);
        self.conversation_logs = link("conversationLogs");
        self.missed_items = link("missedItems");
        self.apply_communication(core, communication);
    }

    /// Starts with a new application.
    pub(crate) fn begin(&mut self, core: &mut Core) {
        self.open = true;
        self.resynchronize(core);
        self.begin_archiving(core);
    }

    /// Starts again after lost events, which may have been about history.
    pub(crate) fn resynchronize(&mut self, core: &mut Core) {
        if self.open {
            if self.watches_missed_items {
                self.read_missed(core);
            }
            self.report_complete(core, false);
        }
    }

    /// Handles the events of a page.
    pub(crate) fn on_page(&mut self, core: &mut Core, page: &EventPage<'_>) {
        for (sender, event) in page.events() {
            match (sender.rel.as_ref(), event.link.rel.as_ref()) {
                ("communication", "communication") => {
                    if let Some(communication) = event.resource() {
                        self.apply_communication(core, communication);
                    }
                }
                ("communication", "missedItems") => self.on_missed_event(core, event),
                _ => {}
            }
        }
    }

    /// Ends every read with the application. Messages that were read stay read; the hrefs become invalid.
    pub(crate) fn end_all(&mut self, core: &mut Core, failure: &Failure) {
        self.open = false;
        self.communication = None;
        self.conversation_logs = None;
        self.missed_items = None;
        self.missed_again = false;
        self.read.clear();
        let mut tickets = self.end_archiving(core);
        tickets.extend(self.listing.take().into_iter().flat_map(Listing::tickets));
        for archive in self.archives.values_mut() {
            tickets.extend(archive.end_life());
        }
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
    }

    /// Reports whether the end of the list has been reached, if that has changed.
    fn report_complete(&mut self, core: &mut Core, complete: bool) {
        if std::mem::replace(&mut self.complete, complete) != complete {
            core.emit(SessionEvent::MoreArchived(!complete));
        }
    }
}

/// The failure if the server offers no link: it has no archive, or a policy forbids its use (`communication_ref`).
fn not_offered(rel: &str) -> Failure {
    Failure::new(FailureKind::NotSupported, Stage::History)
        .with_message(format!("the server offers no {rel}"))
}

/// A mailbox that is too old to hold an archive counts as none.
fn without_archive(failure: Failure) -> Failure {
    if failure.subcode() == Some("InvalidExchangeServerVersion") {
        failure.with_kind(FailureKind::NotSupported)
    } else {
        failure
    }
}
