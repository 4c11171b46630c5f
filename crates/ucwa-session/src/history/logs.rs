//! The list of conversation logs, newest first.

use std::collections::{BTreeSet, VecDeque};
use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{DateTime, Resource, SipUri};

use super::{History, HistoryPurpose, key_of, not_offered, without_archive};
use crate::chats::{ArchivedKind, Chats, Recipient};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;

/// The maximum of conversations for one request: the server lists no more (`conversationLogs_ref`).
const MAX_COUNT: u32 = 100;

/// The number of archives of forgotten conversations that are kept.
const KEPT_FORGOTTEN: usize = 200;

/// A listing in progress: first the list of logs, then the logs, in rounds, until enough chats have been found.
#[derive(Debug)]
pub(super) struct Listing {
    tickets: Vec<Ticket>,
    /// How many conversations remain to be found.
    wanted: usize,
    /// The hrefs of unread logs, newest first.
    waiting: VecDeque<String>,
    /// The logs of the current round, in the order of the list.
    round: Vec<Option<Log>>,
    outstanding: usize,
    failure: Option<Failure>,
}

impl Listing {
    pub(super) fn tickets(self) -> Vec<Ticket> {
        self.tickets
    }
}

/// The log of a chat (`conversationLog_ref`).
#[derive(Clone, Debug)]
pub(super) struct Log {
    pub(super) thread: Option<String>,
    pub(super) kind: ArchivedKind,
    pub(super) subject: Option<String>,
    /// When the log was archived, by the server's clock.
    pub(super) created: Option<SystemTime>,
    /// The href of its messages.
    pub(super) transcripts: Option<String>,
    /// The link that marks it as read. The server offers it for unread logs only.
    pub(super) mark_as_read: Option<String>,
}

impl History {
    /// Finds up to `count` more archived conversations. Requests during a listing share its result.
    pub(super) fn list(
        &mut self,
        core: &mut Core,
        ticket: Ticket,
        count: u32,
    ) -> Result<(), Failure> {
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(Failure::new(FailureKind::InvalidArgument, Stage::History)
                .with_message(format!("the count must be between 1 and {MAX_COUNT}")));
        }
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        if let Some(listing) = &mut self.listing {
            listing.wanted = listing.wanted.max(wanted);
            listing.tickets.push(ticket);
            return Ok(());
        }
        let href = self
            .conversation_logs
            .as_deref()
            .ok_or_else(|| not_offered("conversation logs"))?;
        let url = core.resolve(href, Stage::History)?;
        self.listing = Some(Listing {
            tickets: vec![ticket],
            wanted,
            waiting: VecDeque::new(),
            round: Vec::new(),
            outstanding: 0,
            failure: None,
        });
        let purpose = Purpose::History(HistoryPurpose::List);
        core.issue(Exchange::new(purpose, Method::GET, url));
        self.watch_missed_items(core);
        Ok(())
    }

    pub(super) fn on_listed(
        &mut self,
        core: &mut Core,
        chats: &mut Chats,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let list = core.fetched(exchange, result).map_err(without_archive);
        // The logs are listed again each time, because new logs precede those that have been read.
        let unread = list.map(|list| {
            let links = list.links("conversationLog").iter();
            let listed: BTreeSet<_> = (links.clone())
                .filter_map(|link| key_of(core, &link.href))
                .collect();
            // A log that the server no longer lists will not be read again.
            self.read.retain(|key| listed.contains(key));
            links
                .filter(|link| {
                    let key = key_of(core, &link.href);
                    key.is_some_and(|key| !self.read.contains(&key))
                })
                .map(|link| link.href.to_string())
                .collect()
        });
        let Some(listing) = &mut self.listing else {
            return;
        };
        match unread {
            Ok(unread) => listing.waiting = unread,
            Err(failure) => listing.failure = Some(failure),
        }
        self.next_round(core, chats);
    }

    /// Reads logs in rounds until enough conversations have been found or no log is left.
    fn next_round(&mut self, core: &mut Core, chats: &mut Chats) {
        while let Some(listing) = &mut self.listing {
            for log in std::mem::take(&mut listing.round).into_iter().flatten() {
                if Self::add_log(&mut self.archives, core, chats, log) {
                    listing.wanted = listing.wanted.saturating_sub(1);
                }
            }
            let enough = listing.wanted == 0 || listing.waiting.is_empty();
            if enough || listing.failure.is_some() {
                self.evict_forgotten(chats);
                return self.end_listing(core);
            }
            let next: Vec<_> = (listing.waiting)
                .drain(..listing.wanted.min(listing.waiting.len()))
                .collect();
            let mut exchanges = Vec::new();
            for (place, href) in next.iter().enumerate() {
                // A log whose href is not usable is skipped.
                if let Some(key) = key_of(core, href) {
                    self.read.insert(key);
                }
                if let Ok(url) = core.resolve(href, Stage::History) {
                    let purpose = Purpose::History(HistoryPurpose::ReadLog(place));
                    exchanges.push(Exchange::new(purpose, Method::GET, url));
                }
            }
            listing.round = vec![None; next.len()];
            listing.outstanding = exchanges.len();
            if !exchanges.is_empty() {
                return core.issue_batched(exchanges);
            }
        }
    }

    pub(super) fn on_log_read(
        &mut self,
        core: &mut Core,
        chats: &mut Chats,
        place: usize,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let log = core.fetched(exchange, result);
        let log = log.map(|resource| log_of(core, &resource, &chats.me));
        let log = match log.map_err(without_archive) {
            // The log was removed in the meantime.
            Err(failure) if failure.is_gone() => Ok(None),
            log => log,
        };
        let Some(listing) = &mut self.listing else {
            return;
        };
        match log {
            Ok(log) => {
                if let Some(entry) = listing.round.get_mut(place) {
                    *entry = log;
                }
            }
            Err(failure) => {
                // A later listing may read the log again.
                if let Some(key) = key_of(core, &exchange.url) {
                    self.read.remove(&key);
                }
                listing.failure = Some(failure);
            }
        }
        listing.outstanding = listing.outstanding.saturating_sub(1);
        if listing.outstanding == 0 {
            self.next_round(core, chats);
        }
    }

    /// Evicts archives of conversations that the caller has forgotten, except for the most recent. As long as an
    /// archive is kept, a new application does not report the conversation again.
    fn evict_forgotten(&mut self, chats: &Chats) {
        let mut forgotten: Vec<_> = (self.archives.keys())
            .filter(|key| !chats.knows(**key))
            .copied()
            .collect();
        forgotten.truncate(forgotten.len().saturating_sub(KEPT_FORGOTTEN));
        for key in forgotten {
            self.archives.remove(&key);
        }
    }

    fn end_listing(&mut self, core: &mut Core) {
        let Some(listing) = self.listing.take() else {
            return;
        };
        let result = match listing.failure {
            Some(failure) => Err(failure),
            None => {
                self.report_complete(core, listing.waiting.is_empty());
                Ok(Outcome::Done)
            }
        };
        for ticket in listing.tickets {
            core.complete(ticket, result.clone());
        }
    }
}

/// The content of a log. `None` if it is not of a chat, or names no participants.
fn log_of(core: &Core, resource: &Resource<'_>, me: &str) -> Option<Log> {
    let filled = |name: &str| resource.text(name).filter(|text| !text.is_empty());
    let meeting = filled("onlineMeetingUri");
    let chatted = || resource.list("modalities").any(|it| it == "Messaging");
    // Without a type, and in a conference, the modalities decide.
    let (chat, conference) = match filled("type") {
        Some("MessageLog") => (true, meeting.is_some()),
        Some("ConferenceLog") => (chatted(), true),
        Some(_) => (false, false),
        None => (chatted(), meeting.is_some()),
    };
    if !chat {
        return None;
    }
    let recipients = resource.embedded_all("conversationLogRecipient").iter();
    let mut recipients: Vec<_> = recipients
        .filter_map(|recipient| {
            let uri = SipUri::parse(recipient.text("sipUri")?).ok()?;
            let name = recipient.text("displayName");
            let contact = recipient.link_href("contact");
            Some(Recipient {
                uri: uri.as_str().to_owned(),
                name: name.filter(|name| !name.is_empty()).map(str::to_owned),
                contact: contact.and_then(|href| key_of(core, href)),
            })
        })
        .filter(|recipient| !recipient.uri.eq_ignore_ascii_case(me))
        .collect();
    let kind = match (recipients.len(), conference) {
        (0, _) => return None,
        (1, false) => ArchivedKind::Peer(recipients.pop()?),
        _ => ArchivedKind::Group {
            recipients,
            meeting: meeting.map(str::to_owned),
        },
    };
    Some(Log {
        thread: filled("threadId").map(str::to_owned),
        kind,
        subject: filled("subject").map(str::to_owned),
        created: filled("creationTime")
            .and_then(|text| DateTime::parse(text).ok())
            .and_then(DateTime::to_system_time),
        transcripts: resource
            .link_href("conversationLogTranscripts")
            .map(str::to_owned),
        mark_as_read: resource.link_href("markAsRead").map(str::to_owned),
    })
}
