//! Marks the logs of archived conversations as read.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::HrefKey;

use super::transcripts::unknown;
use super::{History, HistoryPurpose, without_archive};
use crate::chats::{Chats, key_of};
use crate::core::Core;
use crate::event::ConversationChange;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::keys::{ConversationKey, Ticket};
use crate::operation::Outcome;

/// The unread logs of one conversation.
#[derive(Debug, Default)]
pub(super) struct Marking {
    /// The links that mark a log as read, by their key.
    unread: BTreeMap<HrefKey, String>,
    /// The requests that wait for the responses.
    tickets: Vec<Ticket>,
    /// The number of responses that are pending.
    outstanding: usize,
    failure: Option<Failure>,
    /// Whether a log is unread, as it was reported.
    reported: bool,
}

impl Marking {
    /// Adds the link of an unread log.
    pub(super) fn add(&mut self, core: &Core, href: Option<String>) {
        if let Some(href) = href
            && let Some(key) = key_of(core, &href)
        {
            self.unread.insert(key, href);
        }
    }

    /// The number of requests that wait for the responses.
    pub(super) fn awaited(&self) -> usize {
        self.tickets.len()
    }

    /// Invalidates the links, and returns the tickets of pending requests.
    pub(super) fn end_life(&mut self) -> Vec<Ticket> {
        self.unread.clear();
        self.outstanding = 0;
        self.failure = None;
        std::mem::take(&mut self.tickets)
    }

    /// Reports whether a log is unread, if that has changed.
    pub(super) fn report(&mut self, core: &mut Core, key: ConversationKey) {
        let unread = !self.unread.is_empty();
        if std::mem::replace(&mut self.reported, unread) != unread {
            core.change(key, ConversationChange::Unread(unread));
        }
    }
}

impl History {
    /// Marks the unread logs of a conversation as read. Requests that arrive before the result share it.
    pub(super) fn mark_as_read(
        &mut self,
        core: &mut Core,
        chats: &Chats,
        key: ConversationKey,
        ticket: Ticket,
    ) -> Result<(), Failure> {
        if !chats.knows(key) {
            return Err(unknown());
        }
        let Some(archive) = self.archives.get_mut(&key) else {
            core.complete(ticket, Ok(Outcome::Done));
            return Ok(());
        };
        let marking = &mut archive.marking;
        marking.tickets.push(ticket);
        if marking.outstanding > 0 {
            return Ok(());
        }
        for href in marking.unread.values() {
            match core.resolve(href, Stage::History) {
                Ok(url) => {
                    let purpose = Purpose::History(HistoryPurpose::MarkAsRead(key));
                    core.issue(Exchange::new(purpose, Method::POST, url));
                    marking.outstanding += 1;
                }
                Err(failure) => marking.failure = Some(failure),
            }
        }
        self.end_marking(core, key);
        Ok(())
    }

    pub(super) fn on_marked_as_read(
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
        let marking = &mut archive.marking;
        match core.effect(exchange, result).done() {
            // A log that was removed in the meantime is not unread either.
            Err(failure) if !failure.is_gone() => marking.failure = Some(without_archive(failure)),
            _ => {
                if let Some(log) = key_of(core, &exchange.url) {
                    marking.unread.remove(&log);
                }
            }
        }
        marking.outstanding = marking.outstanding.saturating_sub(1);
        if chats.knows(key) {
            marking.report(core, key);
        }
        self.end_marking(core, key);
    }

    /// Completes the requests after the last response.
    fn end_marking(&mut self, core: &mut Core, key: ConversationKey) {
        let Some(archive) = self.archives.get_mut(&key) else {
            return;
        };
        let marking = &mut archive.marking;
        if marking.outstanding > 0 {
            return;
        }
        let result = marking.failure.take().map_or(Ok(Outcome::Done), Err);
        for ticket in std::mem::take(&mut marking.tickets) {
            core.complete(ticket, result.clone());
        }
    }
}
