//! The faults of a scenario: of the server, of tokens and of the event channel; and the wait for idle sessions.

use std::time::Duration;

use ucwa_server::Fault;
use ucwa_session::SignInState;

use super::timeline::Action;
use super::{MAX_STEPS, Scenario, millis};
use crate::endpoint::EndpointId;
use crate::fault_schedule::Outage;
use crate::options::WorldSize;
use crate::violation::{Invariant, Violation};

/// How long sessions may take to become idle after the last action of the actors. A session tries to reconnect to a server
/// for a quarter of an hour.
const IDLE_LIMIT: Duration = Duration::from_secs(20 * 60);

impl Scenario<'_> {
    /// Injects the faults that last for the whole run.
    pub(super) fn inject_permanent_faults(&mut self) {
        for fault in [Fault::AggregateEvents, Fault::EventsBeforeResponses] {
            if self.random.chance(250) {
                self.world.inject(fault);
            }
        }
    }

    /// Schedules the faults that occur once.
    pub(super) fn schedule_faults(&mut self) {
        if self.random.chance(300) {
            self.schedule_within(&millis(0..60_000), Action::Fault(Fault::ExpireTokens));
        }
        if self.plan.size != WorldSize::Pair {
            self.schedule_group_faults();
        }
        self.schedule_planned_faults();
        for _ in 0..self.random.below(3) {
            let user = self.random_address();
            let fault = match self.random.below(if self.plan.ideal { 2 } else { 4 }) {
                0 => Fault::Resume { user },
                1 => Fault::Resync { user },
                2 => Fault::DropMessaging { user },
                _ => Fault::DropApplications { user },
            };
            self.schedule_within(&millis(0..60_000), Action::Fault(fault));
        }
    }

    /// Schedules the faults of [`WorldSize::Group`]: tokens that expire repeatedly, a restart, replaced polls, expired
    /// applications.
    fn schedule_group_faults(&mut self) {
        // A request that is refused twice fails. In an ideal world the tokens therefore expire at long intervals.
        let gap = if self.plan.ideal { 60_000 } else { 10_000 };
        for turn in 1..=self.random.below(4) {
            let at = turn * 2 * gap;
            self.schedule_within(&millis(at..at + gap), Action::Fault(Fault::ExpireTokens));
        }
        if !self.plan.ideal && self.random.chance(200) {
            self.schedule_within(&millis(0..60_000), Action::Restart);
        }
        if self.plan.actors > 2 && !self.plan.ideal {
            for _ in 0..self.random.below(3) {
                let actor = self.random_actor();
                self.schedule_within(&millis(0..120_000), Action::ReplacePoll(actor));
            }
        }
        if !self.plan.ideal && self.random.chance(100) {
            let user = self.random_address();
            let fault = Fault::ExpireApplications { user };
            self.schedule_within(&millis(0..60_000), Action::Fault(fault));
        }
    }

    /// Schedules the faults of larger worlds, which the fault schedule lists.
    fn schedule_planned_faults(&mut self) {
        for outage in self.plan.faults.outages.clone() {
            self.schedule_after(outage.after, Action::Outage(outage));
        }
        for (after, actor) in self.plan.faults.replaced_polls.clone() {
            self.schedule_after(after, Action::ReplacePoll(actor));
        }
        for jump in self.plan.device_faults.clock_jumps.clone() {
            self.schedule_after(jump.after, Action::ClockJump(jump));
        }
        for suspend in self.plan.device_faults.suspends.clone() {
            self.schedule_after(suspend.after, Action::Suspend(suspend));
        }
        for handover in self.plan.handovers.clone() {
            self.schedule_after(handover.after, Action::Stop(handover));
        }
    }

    pub(super) fn inject(&mut self, fault: Fault) {
        if self.plan.expires_tokens || fault != Fault::ExpireTokens {
            self.world.inject(fault);
        }
    }

    /// Restarts the server: it loses everything except its users, and every connection is closed.
    pub(super) fn restart_server(&mut self) {
        self.world.inject(Fault::ExpireTokens);
        for actor in 0..self.actors.len() {
            if let Some(user) = self.actors.get(actor).map(|it| it.address.to_owned()) {
                self.world.inject(Fault::DropApplications { user });
            }
        }
        self.world.cut_connections();
    }

    pub(super) fn begin_outage(&mut self, outage: Outage) {
        self.world.begin_outage(outage.length, outage.behind_proxy);
        self.restart_server();
    }

    /// Waits until no device is suspended.
    pub(super) fn await_resumed_devices(&mut self) {
        while let Some(at) = self.world.next_resume() {
            let left = at.saturating_sub(self.world.now());
            self.wait(left, |_| false);
            if self.world.steps() > MAX_STEPS {
                return;
            }
        }
    }

    /// Waits until every signed-in session has nothing in flight but its pending GET.
    pub(super) fn await_idle_sessions(&mut self) {
        let end = self.world.now() + IDLE_LIMIT;
        let endpoints: Vec<_> = self.world.endpoints().map(|(id, _)| id).collect();
        for id in endpoints {
            let left = end.saturating_sub(self.world.now());
            if self.wait(left, |scenario| scenario.is_idle(id)) {
                continue;
            }
            if let Some(endpoint) = self.world.endpoint(id) {
                let workload = endpoint.session.workload();
                let detail = format!("{} never becomes idle: {workload:?}", endpoint.name);
                self.world
                    .violations
                    .push(Violation::new(Invariant::Quiescent, detail));
            }
        }
    }

    fn is_idle(&self, id: EndpointId) -> bool {
        let Some(endpoint) = self.world.endpoint(id) else {
            return true;
        };
        let workload = endpoint.session.workload();
        match endpoint.state {
            SignInState::SignedIn => workload.is_quiet() && workload.polls == 1,
            SignInState::SignedOut => true,
            SignInState::SigningIn | SignInState::SigningOut => false,
        }
    }
}
