//! The timeline of a scenario: scheduled actions, and waiting in virtual time.

use std::ops::Range;
use std::time::Duration;

use ucwa_server::Fault;
use ucwa_session::ConversationKey;

use super::{MAX_STEPS, Scenario};
use crate::endpoint::EndpointId;
use crate::fault_schedule::{ClockJump, Outage, ScheduledSuspend};
use crate::handover_schedule::Handover;
use crate::violation::{Invariant, Violation};

/// An action that is scheduled for later.
#[derive(Debug)]
pub(super) enum Action {
    /// An actor signs in.
    SignIn(usize),
    /// An endpoint answers an invitation.
    Answer(EndpointId, ConversationKey),
    /// An actor changes its contact list.
    ChangeContacts(usize),
    /// The server has a fault.
    Fault(Fault),
    /// The server restarts.
    Restart,
    /// Another process replaces the pending GET of an actor.
    ReplacePoll(usize),
    /// The server restarts and is unreachable for some time.
    Outage(Outage),
    /// The wall clock of an actor's device jumps.
    ClockJump(ClockJump),
    /// An actor's device is suspended.
    Suspend(ScheduledSuspend),
    /// The process of an actor's session stops.
    Stop(Handover),
    /// The process that resumes an actor's session starts.
    StartSuccessor(usize),
    /// A paused process continues.
    Continue(EndpointId),
    /// A process that was paused must have yielded the application to its successor.
    CheckYielded(EndpointId),
}

impl Scenario<'_> {
    /// Schedules an action after a random duration in `after`.
    pub(super) fn schedule_within(&mut self, after: &Range<Duration>, action: Action) {
        let after = self.random.duration(after);
        self.schedule_after(after, action);
    }

    pub(super) fn schedule_after(&mut self, after: Duration, action: Action) {
        let at = self.world.now() + after;
        self.scheduled_actions += 1;
        self.timeline.insert((at, self.scheduled_actions), action);
    }

    fn carry_out(&mut self, action: Action) {
        if let Some(resumes_at) = self.resumes_at(&action) {
            let after = resumes_at.saturating_sub(self.world.now());
            return self.schedule_after(after, action);
        }
        match action {
            Action::SignIn(actor) => self.sign_in(actor),
            Action::Answer(endpoint, conversation) => self.answer(endpoint, conversation),
            Action::ChangeContacts(actor) => self.change_contacts(actor),
            Action::Fault(fault) => self.inject(fault),
            Action::Restart => self.restart_server(),
            Action::ReplacePoll(actor) => {
                if let Some(endpoint) = self.endpoint(actor) {
                    self.world.replace_poll(endpoint);
                }
            }
            Action::Outage(outage) => self.begin_outage(outage),
            Action::ClockJump(jump) => self.world.jump_clock(jump.actor, jump.by),
            Action::Suspend(suspend) => self.world.suspend(suspend.actor, suspend.length),
            Action::Stop(handover) => self.stop(handover),
            Action::StartSuccessor(actor) => self.start_successor(actor),
            Action::Continue(endpoint) => self.continue_process(endpoint),
            Action::CheckYielded(endpoint) => self.check_yielded(endpoint),
        }
    }

    /// When the device that an action needs resumes, if it is suspended.
    fn resumes_at(&self, action: &Action) -> Option<Duration> {
        let actor = match action {
            Action::SignIn(actor)
            | Action::ChangeContacts(actor)
            | Action::StartSuccessor(actor) => *actor,
            Action::Answer(endpoint, _)
            | Action::Continue(endpoint)
            | Action::CheckYielded(endpoint) => self.world.endpoint(*endpoint)?.owner,
            Action::Stop(handover) => handover.actor,
            Action::Suspend(suspend) => suspend.actor,
            Action::Fault(_)
            | Action::Restart
            | Action::ReplacePoll(_)
            | Action::Outage(_)
            | Action::ClockJump(_) => return None,
        };
        self.world.resumes_at(actor)
    }

    /// Advances the time by a random duration.
    pub(super) fn pause(&mut self, range: &Range<Duration>) {
        let pause = self.random.duration(range);
        self.wait(pause, |_| false);
    }

    /// Waits for a condition. A condition that is not met in time is a violation in an ideal world; in other worlds the
    /// scenario continues.
    pub(super) fn expect(&mut self, name: &str, condition: impl Fn(&Self) -> bool) -> bool {
        let limit = Duration::from_secs(if self.plan.ideal { 120 } else { 400 });
        let met = self.wait(limit, condition);
        if !met && self.plan.ideal {
            let detail = format!("not within {limit:?}: {name}");
            self.world
                .violations
                .push(Violation::new(Invariant::AllSucceed, detail));
        }
        met
    }

    /// Advances the time until `condition` is met, for `limit` at most. Returns whether the condition is met.
    pub(super) fn wait(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.now() + limit;
        loop {
            self.process_events();
            if condition(self) {
                return true;
            }
            if self.world.steps() > MAX_STEPS {
                self.report_endless_run();
                return false;
            }
            let next_action = self.timeline.first_key_value().map(|((at, _), _)| *at);
            let until = next_action.map_or(end, |at| at.min(end));
            if self.world.step(until) {
                continue;
            }
            match self.timeline.first_entry() {
                Some(entry) if entry.key().0 <= self.world.now() => {
                    let action = entry.remove();
                    self.carry_out(action);
                }
                _ => return false,
            }
        }
    }

    fn report_endless_run(&mut self) {
        let violations = &mut self.world.violations;
        if !violations
            .iter()
            .any(|it| it.invariant == Invariant::Terminates)
        {
            let detail = format!("more than {MAX_STEPS} steps");
            violations.push(Violation::new(Invariant::Terminates, detail));
        }
    }
}
