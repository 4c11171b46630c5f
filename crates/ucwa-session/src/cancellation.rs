//! Cancels exchanges: single ones, those of a life, or all of them at the end of the session.

use std::collections::BTreeSet;

use crate::core::{Core, ExchangeState, MAX_ATTEMPTS};
use crate::exchange::{Exchange, ExchangeId, Purpose};
use crate::io::Output;
use crate::keys::RequestId;
use crate::timers::Timer;

impl Core {
    /// Drops every exchange whose purpose is unwanted, and aborts it if it is in flight. Scans every exchange.
    pub(crate) fn abandon(&mut self, unwanted: impl Fn(&Purpose) -> bool) {
        let unwanted = |exchange: &Exchange| unwanted(&exchange.purpose);
        let on_wire = self.on_wire.iter();
        let on_wire = on_wire.filter(|(_, exchange)| unwanted(exchange));
        let requests: Vec<_> = on_wire.map(|(id, _)| *id).collect();
        for request in requests {
            self.abort(request);
        }
        self.timers
            .cancel_where(|timer| matches!(timer, Timer::Retry(exchange) if unwanted(exchange)));
        self.abandon_waiting(unwanted);
    }

    /// Drops owned exchanges in any state, and aborts those in flight.
    pub(crate) fn abandon_owned(&mut self, ids: &BTreeSet<ExchangeId>) {
        let mut waits = false;
        for id in ids {
            match self.states.remove(id) {
                Some(ExchangeState::OnWire(request)) => self.abort(request),
                Some(ExchangeState::Paused(timer)) => drop(self.timers.cancel(timer)),
                None => waits = true,
            }
        }
        if waits {
            self.abandon_waiting(|exchange| exchange.id.is_some_and(|id| ids.contains(&id)));
        }
    }

    /// Aborts a request. If the driver has not taken the request yet, it is not sent at all.
    fn abort(&mut self, request: RequestId) {
        if let Some(exchange) = self.remove_from_wire(request)
            && let Some(watchdog) = exchange.watchdog
        {
            self.timers.cancel(watchdog);
        }
        match self.is_queued(request) {
            Some(position) => drop(self.outputs.remove(position)),
            None => self.outputs.push_back(Output::Abort(request)),
        }
    }

    pub(crate) fn remove_from_wire(&mut self, request: RequestId) -> Option<Exchange> {
        let exchange = self.on_wire.remove(&request)?;
        if let Some(id) = exchange.id {
            self.states.remove(&id);
        }
        Some(*exchange)
    }

    /// Drops the exchanges that wait for a token, for an answer or a commit of the caller, for their batch, or for the
    /// dispatch of their end, and for which `unwanted` is true.
    fn abandon_waiting(&mut self, unwanted: impl Fn(&Exchange) -> bool) {
        self.questions.abandon(&unwanted);
        self.commit_gate.abandon(&unwanted);
        self.finished.retain(|(exchange, _)| !unwanted(exchange));
        for entry in self.batches.values_mut().flatten() {
            entry.take_if(|exchange| unwanted(exchange));
        }
        self.batches
            .retain(|_, entries| entries.iter().any(Option::is_some));
        if let Some(collected) = &mut self.collected {
            collected.retain(|exchange| !unwanted(exchange));
        }
        self.auth.abandon(&unwanted);
    }

    /// Drops every exchange except the request in flight with this ID.
    fn abandon_except(&mut self, kept: Option<RequestId>) {
        let on_wire = self.on_wire.keys().copied();
        let unwanted: Vec<_> = on_wire.filter(|id| Some(*id) != kept).collect();
        for request in unwanted {
            self.abort(request);
        }
        self.abandon_waiting(|_| true);
        self.questions.clear();
        self.auth.abandon_renewals();
    }

    /// Drops all exchanges and timers, because the session has ended.
    pub(crate) fn stop(&mut self) {
        self.abandon_except(None);
        self.timers.clear();
        self.states.clear();
    }

    /// Drops everything except the request in flight with this purpose. Its response is the last one: nothing is retried,
    /// and no token is fetched for it. Returns whether there is such a request.
    pub(crate) fn stop_except(&mut self, purpose: &Purpose) -> bool {
        let mut on_wire = self.on_wire.iter_mut();
        let last = on_wire.find(|(_, exchange)| exchange.purpose == *purpose);
        let Some((&request, last)) = last else {
            self.stop();
            return false;
        };
        last.attempts = MAX_ATTEMPTS;
        last.challenged = true;
        let watchdog = last.watchdog;
        self.abandon_except(Some(request));
        self.timers.cancel_except(watchdog);
        true
    }
}
