//! Whether the server archives: `conversationHistory` of `communication`, which is read, changed and written back whole.

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
/// How often a change is written, should others change the resource in between.
const MAX_PUTS: u32 = 3;
/// How long the event that confirms a change may take; it has medium urgency, so 5 s and a bit (`communication_ref`).
const CONFIRMATION: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Switch {
    /// What the server said last.
    enabled: bool,
    /// What the caller knows: enabled, and changeable.
    told: (bool, bool),
    /// What was asked for last and came about. A new application does not know of it.
    wanted: Option<bool>,
    /// What is being asked for, one change at a time.
    line: VecDeque<(Option<Ticket>, bool)>,
    puts: u32,
    /// The server took the change.
    taken: bool,
}

impl Switch {
    /// How many changes are in line.
    pub(super) fn awaited(&self) -> usize {
        self.line.len()
    }
}

impl History {
    /// Takes in `communication` (`communication_ref`).
    pub(super) fn take_communication(&mut self, core: &mut Core, communication: &Resource<'_>) {
        // What has no version tag cannot be changed (`PayloadFormat`); an event may leave it out.
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
            self.switch.enabled = word == "Enabled";
        }
        if !self.open {
            return;
        }
        self.tell_switch(core);
        let wanted = self.switch.line.front().map(|(_, enabled)| *enabled);
        if self.switch.taken && wanted == Some(self.switch.enabled) {
            self.end_turn(core, Ok(()));
        }
    }

    fn tell_switch(&mut self, core: &mut Core) {
        let (enabled, settable) = (self.switch.enabled, self.communication.is_some());
        let told = std::mem::replace(&mut self.switch.told, (enabled, settable));
        if told != (enabled, settable) {
            core.emit(SessionEvent::History { enabled, settable });
        }
        if enabled {
            self.attend(core);
        }
    }

    /// There is a new application, which knows nothing of what was asked of the one before.
    pub(super) fn begin_switch(&mut self, core: &mut Core) {
        self.tell_switch(core);
        let configured = core.config.history.then_some(true);
        if let Some(wanted) = self.switch.wanted.or(configured)
            && let Err(failure) = self.turn(core, None, wanted)
        {
            tracing::warn!(%failure, "the server does not archive");
        }
    }

    /// Has the server archive, or not any more.
    pub(super) fn turn(
        &mut self,
        core: &mut Core,
        ticket: Option<Ticket>,
        enabled: bool,
    ) -> Result<(), Failure> {
        if self.communication.is_none() {
            return Err(not_offered("change of the conversation history"));
        }
        self.switch.line.push_back((ticket, enabled));
        if self.switch.line.len() == 1 {
            self.read_switch(core);
        }
        Ok(())
    }

    /// Reads what there is to be changed: a PUT carries all of it.
    pub(super) fn read_switch(&mut self, core: &mut Core) {
        let url = self
            .communication
            .as_deref()
            .ok_or_else(|| not_offered("change of the conversation history"))
            .and_then(|href| core.resolve(href, Stage::History));
        match url {
            Ok(url) => {
                let purpose = Purpose::History(HistoryPurpose::ReadSwitch);
                if !core.is_under_way(&purpose) {
                    core.issue(Exchange::new(purpose, Method::GET, url));
                }
            }
            Err(failure) => self.end_turn(core, Err(failure)),
        }
    }

    pub(super) fn on_switch_read(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let next = core.fetched(exchange, result).and_then(|communication| {
            let waiting = self.switch.line.len();
            self.take_communication(core, &communication);
            let wanted = self.switch.line.front().map(|(_, enabled)| *enabled);
            // It may have been what the server was to confirm.
            let Some(wanted) = wanted.filter(|_| self.switch.line.len() == waiting) else {
                return Ok(None);
            };
            if self.switch.enabled == wanted {
                return Ok(Some(None));
            }
            if self.switch.taken || self.switch.puts >= MAX_PUTS {
                return Err(Failure::new(FailureKind::NotSupported, Stage::History)
                    .with_message("the server keeps its conversation history as it is"));
            }
            put(core, exchange, communication, wanted).map(|put| Some(Some(put)))
        });
        match next {
            Ok(None) => {}
            Ok(Some(None)) => self.end_turn(core, Ok(())),
            Ok(Some(Some(put))) => {
                self.switch.puts += 1;
                core.issue(put);
            }
            Err(failure) => self.end_turn(core, Err(failure)),
        }
    }

    pub(super) fn on_turned(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.effect(exchange, result).done() {
            Ok(()) => {
                self.switch.taken = true;
                let wanted = self.switch.line.front().map(|(_, enabled)| *enabled);
                if wanted == Some(self.switch.enabled) {
                    // The event came before the answer.
                    return self.end_turn(core, Ok(()));
                }
                core.arm(CONFIRMATION, Timer::History(HistoryTimer::Turned));
            }
            // Somebody else changed it in between, or its version got lost on the way.
            Err(failure) if matches!(failure.status(), Some(412 | 428)) => self.read_switch(core),
            Err(failure) => self.end_turn(core, Err(failure)),
        }
    }

    fn end_turn(&mut self, core: &mut Core, result: Result<(), Failure>) {
        core.cancel_timers(|timer| matches!(timer, Timer::History(HistoryTimer::Turned)));
        self.switch.puts = 0;
        self.switch.taken = false;
        let ended = self.switch.line.pop_front();
        if let (Some((_, enabled)), Ok(())) = (&ended, &result) {
            self.switch.wanted = Some(*enabled);
        }
        match (ended, result) {
            (Some((Some(ticket), _)), result) => {
                core.complete(ticket, result.map(|()| Outcome::Done));
            }
            (_, Err(failure)) => tracing::warn!(%failure, "the server does not archive"),
            (_, Ok(())) => {}
        }
        if !self.switch.line.is_empty() {
            self.read_switch(core);
        }
    }

    /// Who waits for a change that does not come any more.
    pub(super) fn end_switch(&mut self, core: &mut Core) -> Vec<Ticket> {
        core.cancel_timers(|timer| matches!(timer, Timer::History(_)));
        self.switch.puts = 0;
        self.switch.taken = false;
        let line = std::mem::take(&mut self.switch.line);
        line.into_iter().filter_map(|(ticket, _)| ticket).collect()
    }
}

/// The resource as it was read, its marker and what is unknown of it included, with the one property changed.
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
    let purpose = Purpose::History(HistoryPurpose::Turn);
    let exchange = Exchange::new(purpose, Method::PUT, read.url.clone()).if_match(condition);
    Ok(core.with_input(exchange, &input))
}
