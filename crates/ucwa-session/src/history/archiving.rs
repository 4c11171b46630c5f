//! The archiving setting: `conversationHistory` of `communication`, which is read, changed and written back as a whole.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Resource, Value};

use super::{History, HistoryPurpose, HistoryTimer, not_offered};
use crate::core::Core;
use crate::event::SessionEvent;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, FailureKind, Stage};
use crate::keys::Ticket;
use crate::operation::Outcome;
use crate::timers::Timer;

const PROPERTY: &str = "conversationHistory";
/// The maximum number of attempts of a change, if other endpoints change the resource at the same time.
const MAX_PUTS: u32 = 3;
/// How long the confirming event may take before the resource is read instead. Its urgency is medium, so 5 s is usual
/// (`communication_ref`).
const CONFIRMATION: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Archiving {
    /// The setting, as the server reported it last.
    enabled: bool,
    /// The state that was last reported to the caller: enabled, and changeable.
    reported: (bool, bool),
    /// The last setting that took effect at the caller's request. It is restored in a new application.
    wanted: Option<bool>,
    /// The requested changes, made one at a time.
    queue: VecDeque<(Option<Ticket>, bool)>,
    puts: u32,
    /// The server has accepted the PUT.
    taken: bool,
}

impl Archiving {
    /// The number of requested changes.
    pub(super) fn awaited(&self) -> usize {
        self.queue.len()
    }
}

impl History {
    /// Handles the resource `communication` (`communication_ref`).
    pub(super) fn apply_communication(&mut self, core: &mut Core, communication: &Resource<'_>) {
        // A resource without an ETag cannot be changed (`PayloadFormat`). Events may omit the ETag.
        if let (Some(href), Some(_)) = (communication.href(), communication.etag()) {
            self.communication = Some(href.to_owned());
        }
        for (rel, link) in [
            ("conversationLogs", &mut self.conversation_logs),
            ("missedItems", &mut self.missed_items),
        ] {
            if let Some(href) = communication.link_href(rel) {
                *link = Some(href.to_owned());
            }
        }
        if let Some(word) = communication.text(PROPERTY) {
            self.archiving.enabled = word == "Enabled";
        }
        if !self.open {
            return;
        }
        self.emit_setting(core);
        let wanted = self.archiving.queue.front().map(|(_, enabled)| *enabled);
        if self.archiving.taken && wanted == Some(self.archiving.enabled) {
            self.end_change(core, Ok(()));
        }
    }

    fn emit_setting(&mut self, core: &mut Core) {
        let (enabled, settable) = (self.archiving.enabled, self.communication.is_some());
        let reported = std::mem::replace(&mut self.archiving.reported, (enabled, settable));
        if reported != (enabled, settable) {
            core.emit(SessionEvent::History { enabled, settable });
        }
        if enabled {
            self.watch_missed_items(core);
        }
    }

    /// Restores the setting in a new application.
    pub(super) fn begin_archiving(&mut self, core: &mut Core) {
        self.emit_setting(core);
        let configured = core.config.history.then_some(true);
        if let Some(wanted) = self.archiving.wanted.or(configured)
            && let Err(failure) = self.set_archiving(core, None, wanted)
        {
            tracing::warn!(%failure, "the server does not archive");
        }
    }

    /// Turns archiving on or off.
    pub(super) fn set_archiving(
        &mut self,
        core: &mut Core,
        ticket: Option<Ticket>,
        enabled: bool,
    ) -> Result<(), Failure> {
        if self.communication.is_none() {
            return Err(not_offered("change of the conversation history"));
        }
        self.archiving.queue.push_back((ticket, enabled));
        if self.archiving.queue.len() == 1 {
            self.read_setting(core);
        }
        Ok(())
    }

    /// Reads the resource that is to be changed: a PUT contains all of it.
    pub(super) fn read_setting(&mut self, core: &mut Core) {
        let url = self
            .communication
            .as_deref()
            .ok_or_else(|| not_offered("change of the conversation history"))
            .and_then(|href| core.resolve(href, Stage::History));
        match url {
            Ok(url) => {
                let purpose = Purpose::History(HistoryPurpose::ReadSetting);
                if !core.is_under_way(&purpose) {
                    core.issue(Exchange::new(purpose, Method::GET, url));
                }
            }
            Err(failure) => self.end_change(core, Err(failure)),
        }
    }

    pub(super) fn on_setting_read(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let next = core.fetched(exchange, result).and_then(|communication| {
            let waiting = self.archiving.queue.len();
            self.apply_communication(core, &communication);
            let wanted = self.archiving.queue.front().map(|(_, enabled)| *enabled);
            // The resource that was read may confirm the change.
            let Some(wanted) = wanted.filter(|_| self.archiving.queue.len() == waiting) else {
                return Ok(None);
            };
            if self.archiving.enabled == wanted {
                return Ok(Some(None));
            }
            if self.archiving.taken || self.archiving.puts >= MAX_PUTS {
                return Err(Failure::new(FailureKind::NotSupported, Stage::History)
                    .with_message("the server did not change the conversation history setting"));
            }
            put(core, exchange, communication, wanted).map(|put| Some(Some(put)))
        });
        match next {
            Ok(None) => {}
            Ok(Some(None)) => self.end_change(core, Ok(())),
            Ok(Some(Some(put))) => {
                self.archiving.puts += 1;
                core.issue(put);
            }
            Err(failure) => self.end_change(core, Err(failure)),
        }
    }

    pub(super) fn on_setting_written(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result).done() {
            Ok(()) => {
                self.archiving.taken = true;
                let wanted = self.archiving.queue.front().map(|(_, enabled)| *enabled);
                if wanted == Some(self.archiving.enabled) {
                    // The event came before the response.
                    return self.end_change(core, Ok(()));
                }
                core.arm(CONFIRMATION, Timer::History(HistoryTimer::Confirmation));
            }
            // Another endpoint has changed the resource in the meantime, or a proxy removed the ETag.
            Err(failure) if matches!(failure.status(), Some(412 | 428)) => self.read_setting(core),
            Err(failure) => self.end_change(core, Err(failure)),
        }
    }

    fn end_change(&mut self, core: &mut Core, result: Result<(), Failure>) {
        core.cancel_timers(|timer| matches!(timer, Timer::History(HistoryTimer::Confirmation)));
        self.archiving.puts = 0;
        self.archiving.taken = false;
        let ended = self.archiving.queue.pop_front();
        if let (Some((_, enabled)), Ok(())) = (&ended, &result) {
            self.archiving.wanted = Some(*enabled);
        }
        match (ended, result) {
            (Some((Some(ticket), _)), result) => {
                core.complete(ticket, result.map(|()| Outcome::Done));
            }
            (_, Err(failure)) => tracing::warn!(%failure, "the server does not archive"),
            (_, Ok(())) => {}
        }
        if !self.archiving.queue.is_empty() {
            self.read_setting(core);
        }
    }

    /// Ends all changes, and returns their tickets.
    pub(super) fn end_archiving(&mut self, core: &mut Core) -> Vec<Ticket> {
        core.cancel_timers(|timer| matches!(timer, Timer::History(_)));
        self.archiving.puts = 0;
        self.archiving.taken = false;
        let line = std::mem::take(&mut self.archiving.queue);
        line.into_iter().filter_map(|(ticket, _)| ticket).collect()
    }
}

/// The PUT of the resource as it was read, including unknown properties, with the one property changed.
fn put(
    core: &Core,
    read: &Exchange,
    communication: Resource<'_>,
    enabled: bool,
) -> Result<Exchange, Failure> {
    let etag = communication
        .etag()
        .ok_or_else(|| not_offered("version of its communication"))?;
    let condition = format!("\"{}\"", etag.trim_matches('"'));
    let word = if enabled { "Enabled" } else { "Disabled" };
    let mut input = communication;
    input.href = None;
    input.links.clear();
    input.embedded.clear();
    match input
        .properties
        .iter_mut()
        .find(|(name, _)| name == PROPERTY)
    {
        Some((_, value)) => *value = Value::from(word),
        None => input.properties.push((PROPERTY.into(), Value::from(word))),
    }
    let purpose = Purpose::History(HistoryPurpose::WriteSetting);
    let exchange = Exchange::new(purpose, Method::PUT, read.url.clone()).if_match(condition);
    Ok(core.with_input(exchange, &input))
}
