//! History: the conversations that the server archived, what was said in them, what was missed, and whether the server
//! archives at all.
//!
//! All of it is optional. A server, or a policy, without an archive offers no links, and then there is nothing to be had.
//! A log is the server's record of one life of a conversation; the logs of one thread with one person belong to one
//! conversation here, and so do those of one conference.

mod logs;
mod missed;
mod switch;
mod transcripts;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Response;
use ucwa_proto::{EventPage, HrefKey, Resource};

use self::logs::Listing;
use self::switch::Switch;
use self::transcripts::Archive;
use crate::chats::{Chats, key_of};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::Exchange;
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Operation;

/// What an exchange about history is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryPurpose {
    /// GET communication, for whether the server archives.
    ReadSwitch,
    /// PUT communication.
    Turn,
    /// GET missedItems.
    ReadMissed,
    /// GET conversationLogs.
    List,
    /// GET a conversationLog, by its place among those that were asked for together.
    ReadLog(usize),
    /// GET a page of the conversationLogTranscripts of a conversation.
    ReadTranscripts(ConversationKey),
}

impl HistoryPurpose {
    /// The operation, as it stands in traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::ReadSwitch | Self::Turn => "communication",
            Self::ReadMissed => "missedItems",
            Self::List => "conversationLogs",
            Self::ReadLog(_) => "conversationLog",
            Self::ReadTranscripts(_) => "conversationLogTranscripts",
        }
    }
}

/// What about history is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryTimer {
    /// The server should have told by now that it archives, or does not any more.
    Turned,
}

#[derive(Default)]
pub(crate) struct History {
    /// Whether there is an application to ask.
    open: bool,
    /// Where communication is, if it can be changed.
    communication: Option<String>,
    conversation_logs: Option<String>,
    missed_items: Option<String>,
    switch: Switch,
    /// Somebody asked for the archive, or it is being kept: what was missed is of interest.
    attentive: bool,
    /// What was missed changed while it was being read.
    missed_again: bool,
    /// The list that is being read.
    listing: Option<Listing>,
    /// The logs that were read, by the key of their href.
    read: BTreeSet<HrefKey>,
    /// The caller was told that there are no more.
    complete: bool,
    archives: BTreeMap<ConversationKey, Archive>,
}

impl History {
    /// How much is being read or changed.
    pub(crate) fn awaited(&self) -> usize {
        self.switch.awaited()
            + usize::from(self.listing.is_some())
            + self.archives.values().map(Archive::awaited).sum::<usize>()
            + usize::from(self.missed_again)
    }

    /// Takes an operation on history.
    pub(crate) fn submit(
        &mut self,
        core: &mut Core,
        chats: &Chats,
        ticket: Ticket,
        operation: &Operation,
    ) {
        let result = match operation {
            _ if !self.open => Err(Failure::new(FailureKind::NotSignedIn, Stage::History)),
            Operation::SetHistory(enabled) => self.turn(core, Some(ticket), *enabled),
            Operation::ListArchived { count } => self.list(core, ticket, *count),
            Operation::ReadArchived(key) => self.read_more(core, chats, *key, ticket),
            _ => Err(Failure::new(FailureKind::WrongState, Stage::History)),
        };
        if let Err(failure) = result {
            core.complete(ticket, Err(failure));
        }
    }

    pub(crate) fn on_timer(&mut self, core: &mut Core, timer: HistoryTimer) {
        match timer {
            HistoryTimer::Turned => self.read_switch(core),
        }
    }

    /// Takes the end of an exchange about history.
    pub(crate) fn on_finished(
        &mut self,
        core: &mut Core,
        chats: &mut Chats,
        purpose: &HistoryPurpose,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match purpose {
            HistoryPurpose::ReadSwitch => self.on_switch_read(core, exchange, result),
            HistoryPurpose::Turn => self.on_turned(core, exchange, result),
            HistoryPurpose::ReadMissed => self.on_missed_read(core, exchange, result),
            HistoryPurpose::List => self.on_listed(core, chats, exchange, result),
            HistoryPurpose::ReadLog(place) => {
                self.on_log_read(core, chats, *place, exchange, result);
            }
            HistoryPurpose::ReadTranscripts(key) => {
                self.on_transcripts_read(core, chats, *key, exchange, result);
            }
        }
    }

    /// Takes the links of an application.
    pub(crate) fn take_application(&mut self, core: &mut Core, application: &Resource<'_>) {
        let Some(communication) = application.embedded("communication") else {
            return;
        };
        self.communication = None;
        let link = |rel: &str| communication.link_href(rel).map(str::to_owned);
        self.conversation_logs = link("conversationLogs");
        self.missed_items = link("missedItems");
        self.take_communication(core, communication);
    }

    /// The application is ready.
    pub(crate) fn begin(&mut self, core: &mut Core) {
        self.open = true;
        self.begin_anew(core);
        self.begin_switch(core);
    }

    /// The server lost its place in the events: what it told of history may have been missed.
    pub(crate) fn begin_anew(&mut self, core: &mut Core) {
        if self.open {
            if self.attentive {
                self.read_missed(core);
            }
            self.tell_complete(core, false);
        }
    }

    /// Takes the events of a page.
    pub(crate) fn on_page(&mut self, core: &mut Core, page: &EventPage<'_>) {
        for (sender, event) in page.events() {
            match (sender.rel.as_ref(), event.link.rel.as_ref()) {
                ("communication", "communication") => {
                    if let Some(communication) = event.resource() {
                        self.take_communication(core, communication);
                    }
                }
                ("communication", "missedItems") => self.on_missed_event(core, event),
                _ => {}
            }
        }
    }

    /// The application is gone, and whatever was asked of it. What was read stays read, but its hrefs are void.
    pub(crate) fn end_all(&mut self, core: &mut Core, failure: &Failure) {
        self.open = false;
        self.communication = None;
        self.conversation_logs = None;
        self.missed_items = None;
        self.missed_again = false;
        self.read.clear();
        let mut tickets = self.end_switch(core);
        tickets.extend(self.listing.take().into_iter().flat_map(Listing::tickets));
        for archive in self.archives.values_mut() {
            tickets.extend(archive.end_life());
        }
        for ticket in tickets {
            core.complete(ticket, Err(failure.clone()));
        }
    }

    /// Tells whether the end of the list is reached, where that is news.
    fn tell_complete(&mut self, core: &mut Core, complete: bool) {
        if std::mem::replace(&mut self.complete, complete) != complete {
            core.emit(SessionEvent::MoreArchived(!complete));
        }
    }
}

/// The server offers no link for it: it keeps no archive, or a policy forbids it to (`communication_ref`).
fn not_offered(what: &str) -> Failure {
    Failure::new(FailureKind::NotSupported, Stage::History)
        .with_message(format!("the server offers no {what}"))
}

/// A mailbox that is too old to hold an archive is a server without one.
fn without_archive(failure: Failure) -> Failure {
    if failure.subcode() == Some("InvalidExchangeServerVersion") {
        failure.with_kind(FailureKind::NotSupported)
    } else {
        failure
    }
}
