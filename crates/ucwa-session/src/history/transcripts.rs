//! The messages of archived conversations, page by page, from the newest log backwards.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::HrefKey;

use super::logs::Log;
use super::marking::Marking;
use super::{History, HistoryPurpose, not_offered, without_archive};
use crate::chats::{ArchivedKind, Chats, Recipient, key_of, message_body, timestamp};
use crate::core::Core;
use crate::event::{ArchivedMessage, ConversationChange};
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::{ConversationKey, MessageKey, Ticket};
use crate::operation::Outcome;

/// How many pages without a message are skipped for one request.
const MAX_EMPTY_PAGES: u32 = 10;

/// The logs of one conversation.
#[derive(Debug)]
pub(super) struct Archive {
    thread: Option<String>,
    /// The participants, according to the first log that was found.
    kind: ArchivedKind,
    /// Newest first.
    logs: Vec<Pages>,
    /// The requests that wait for the page that is being read.
    tickets: Vec<Ticket>,
    empty_pages: u32,
    /// Whether there are more messages, as it was reported.
    reported: Option<bool>,
    pub(super) marking: Marking,
}

/// The reading position in one log.
#[derive(Debug)]
struct Pages {
    created: Option<SystemTime>,
    /// The possible senders besides this user.
    recipients: Vec<Recipient>,
    /// The href of the next page.
    next: Option<String>,
    /// The number of transcripts that have been read.
    seen: usize,
    /// How many of those will be read again, because the log is read from the start in a new application.
    again: usize,
    /// The log has been read completely.
    done: bool,
}

impl Archive {
    fn new(log: &Log) -> Self {
        Self {
            thread: log.thread.clone(),
            kind: log.kind.clone(),
            logs: Vec::new(),
            tickets: Vec::new(),
            empty_pages: 0,
            reported: None,
            marking: Marking::default(),
        }
    }

    /// The number of requests that wait for the page that is being read.
    pub(super) fn awaited(&self) -> usize {
        self.tickets.len() + self.marking.awaited()
    }

    /// Whether a log belongs to this conversation.
    fn is_of(&self, log: &Log) -> bool {
        let same_thread = log.thread.is_some() && self.thread == log.thread;
        let known = || {
            let of = |pages: &Pages| pages.created.is_some() && pages.created == log.created;
            self.logs.iter().any(of)
        };
        match (&self.kind, &log.kind) {
            (ArchivedKind::Peer(peer), ArchivedKind::Peer(other)) => {
                peer.uri.eq_ignore_ascii_case(&other.uri) && (same_thread || known())
            }
            (ArchivedKind::Group { meeting, .. }, ArchivedKind::Group { meeting: other, .. }) => {
                meeting.is_some() && meeting == other || same_thread || known()
            }
            _ => false,
        }
    }

    fn add(&mut self, log: Log) {
        let known = |pages: &&mut Pages| pages.created.is_some() && pages.created == log.created;
        if let Some(pages) = self.logs.iter_mut().find(known) {
            if pages.next.is_none() && !pages.done {
                pages.next = log.transcripts;
                pages.recipients = log.kind.recipients().to_vec();
                pages.again = pages.seen;
            }
            return;
        }
        let place = self
            .logs
            .partition_point(|other| other.created > log.created);
        let pages = Pages {
            created: log.created,
            recipients: log.kind.recipients().to_vec(),
            next: log.transcripts,
            seen: 0,
            again: 0,
            done: false,
        };
        self.logs.insert(place, pages);
    }

    /// The log to read next.
    fn open_log(&mut self) -> Option<&mut Pages> {
        self.logs.iter_mut().find(|pages| pages.next.is_some())
    }

    /// The log whose next page has this address. A newer log may have been found since, so it need not be the first one.
    fn log_at(&mut self, core: &Core, url: &str) -> Option<&mut Pages> {
        let url = key_of(core, url);
        self.logs.iter_mut().find(|pages| {
            let next = pages.next.as_deref().and_then(|href| key_of(core, href));
            next.is_some() && next == url
        })
    }

    /// Invalidates the hrefs, and returns the tickets of pending requests.
    pub(super) fn end_life(&mut self) -> Vec<Ticket> {
        for pages in &mut self.logs {
            pages.next = None;
        }
        let mut tickets = std::mem::take(&mut self.tickets);
        tickets.extend(self.marking.end_life());
        tickets
    }

    /// Reports whether there are more messages, if that has changed.
    fn report_more(&mut self, core: &mut Core, key: ConversationKey) {
        let more = self.open_log().is_some();
        if self.reported.replace(more) != Some(more) {
            core.change(key, ConversationChange::MoreHistory(more));
        }
    }
}

impl History {
    /// Handles a log. Returns whether it created a conversation.
    pub(super) fn add_log(
        archives: &mut BTreeMap<ConversationKey, Archive>,
        core: &mut Core,
        chats: &mut Chats,
        log: Log,
    ) -> bool {
        let known = archives
            .iter()
            .find(|(_, archive)| archive.is_of(&log))
            .map(|(key, _)| *key);
        let known = known.or_else(|| chats.of_archived(log.thread.as_deref(), &log.kind));
        let key = match known {
            Some(key) => {
                // The log of a life that this session has seen contains only messages that have been shown.
                let seen = chats.began_at(key);
                if seen.is_some_and(|began| log.created.is_some_and(|created| created >= began)) {
                    let archive = archives.entry(key).or_insert_with(|| Archive::new(&log));
                    archive.marking.add(core, log.mark_as_read);
                    archive.marking.report(core, key);
                    return false;
                }
                key
            }
            None => chats.add_archived(core, &log.kind, log.thread.clone(), log.subject.clone()),
        };
        let archive = archives.entry(key).or_insert_with(|| Archive::new(&log));
        archive.marking.add(core, log.mark_as_read.clone());
        archive.add(log);
        // Nothing is reported about a forgotten conversation.
        if chats.knows(key) {
            archive.report_more(core, key);
            archive.marking.report(core, key);
        }
        known.is_none()
    }

    /// Reads the next page of messages. Requests during a read share its result.
    pub(super) fn read_more(
        &mut self,
        core: &mut Core,
        chats: &Chats,
        key: ConversationKey,
        ticket: Ticket,
    ) -> Result<(), Failure> {
        if !chats.knows(key) {
            return Err(unknown());
        }
        if self.conversation_logs.is_none() {
            return Err(not_offered("conversation logs"));
        }
        let Some(archive) = self.archives.get_mut(&key) else {
            // No listed log belongs to this conversation.
            core.change(key, ConversationChange::MoreHistory(false));
            core.complete(ticket, Ok(Outcome::Done));
            return Ok(());
        };
        archive.tickets.push(ticket);
        if archive.tickets.len() == 1 {
            archive.empty_pages = 0;
            self.read_page(core, key);
        }
        Ok(())
    }

    fn read_page(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(archive) = self.archives.get_mut(&key) else {
            return;
        };
        let Some(href) = archive.open_log().and_then(|pages| pages.next.as_deref()) else {
            return self.end_reading(core, key, Ok(()));
        };
        match core.resolve(href, Stage::History) {
            Ok(url) => {
                let purpose = Purpose::History(HistoryPurpose::ReadTranscripts(key));
                core.issue(Exchange::new(purpose, Method::GET, url));
            }
            Err(failure) => self.end_reading(core, key, Err(failure)),
        }
    }

    pub(super) fn on_transcripts_read(
        &mut self,
        core: &mut Core,
        chats: &Chats,
        key: ConversationKey,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let Some(archive) = self.archives.get_mut(&key) else {
            return;
        };
        if !chats.knows(key) {
            // The conversation was forgotten in the meantime.
            let tickets = std::mem::take(&mut archive.tickets);
            return tickets
                .into_iter()
                .for_each(|ticket| core.complete(ticket, Err(unknown())));
        }
        let Some(pages) = archive.log_at(core, &exchange.url) else {
            return self.end_reading(core, key, Ok(()));
        };
        let messages = core.fetched(exchange, result).map(|page| {
            let transcripts = page.embedded_all("conversationLogTranscript");
            let again = pages.again.min(transcripts.len());
            pages.again -= again;
            let news = transcripts.get(again..).unwrap_or_default();
            pages.seen += news.len();
            // A link to the same page is ignored.
            let next = page
                .link_href("nextConversationLogTranscripts")
                .filter(|href| pages.next.as_deref() != Some(*href))
                .map(str::to_owned);
            pages.done = next.is_none();
            pages.next = next;
            let without_time = pages.created.unwrap_or_else(|| core.wall_now());
            news.iter()
                .filter_map(|transcript| {
                    let words = transcript.embedded("messageTranscript")?;
                    let body = message_body(words)?;
                    let contact = transcript.link_href("contact");
                    let outgoing = transcript.link("me").is_some() && contact.is_none();
                    let (sender, sender_name) = if outgoing {
                        (chats.me.clone(), None)
                    } else {
                        let contact = contact.and_then(|href| key_of(core, href));
                        writer(&pages.recipients, contact.as_ref())
                            .map(|it| (it.uri.clone(), it.name.clone()))
                            .unwrap_or_default()
                    };
                    Some(ArchivedMessage {
                        message: MessageKey::Remote(core.number()),
                        outgoing,
                        sender,
                        sender_name,
                        body,
                        timestamp: timestamp(transcript).unwrap_or(without_time),
                    })
                })
                .collect()
        });
        let messages = match messages.map_err(without_archive) {
            // The log was removed in the meantime.
            Err(failure) if failure.is_gone() => {
                pages.next = None;
                pages.done = true;
                Ok(Vec::new())
            }
            messages => messages,
        };
        match messages {
            Ok(messages) if messages.is_empty() => {
                archive.empty_pages += 1;
                if archive.empty_pages < MAX_EMPTY_PAGES {
                    return self.read_page(core, key);
                }
                self.end_reading(core, key, Ok(()));
            }
            Ok(messages) => {
                core.change(key, ConversationChange::Archived(messages));
                self.end_reading(core, key, Ok(()));
            }
            Err(failure) => self.end_reading(core, key, Err(failure)),
        }
    }

    fn end_reading(&mut self, core: &mut Core, key: ConversationKey, result: Result<(), Failure>) {
        let Some(archive) = self.archives.get_mut(&key) else {
            return;
        };
        archive.report_more(core, key);
        for ticket in std::mem::take(&mut archive.tickets) {
            core.complete(ticket, result.clone().map(|()| Outcome::Done));
        }
    }
}

/// The sender of a message in a log: the only recipient, or the one with this contact.
fn writer<'a>(recipients: &'a [Recipient], contact: Option<&HrefKey>) -> Option<&'a Recipient> {
    match recipients {
        [only] => Some(only),
        several => {
            let by_contact = |it: &&Recipient| contact.is_some() && it.contact.as_ref() == contact;
            several.iter().find(by_contact)
        }
    }
}

pub(super) fn unknown() -> Failure {
    Failure::new(FailureKind::InvalidArgument, Stage::History)
        .with_message("there is no such conversation")
}
