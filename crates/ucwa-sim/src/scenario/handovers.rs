//! Hand-overs: the process of an actor's session stops, and another one resumes the session.

use std::time::Duration;

use ucwa_session::{ConversationKey, Operation, SignInState};

use super::Scenario;
use super::timeline::Action;
use crate::endpoint::{Endpoint, EndpointId};
use crate::handover_schedule::{Handover, Stop};

/// How long a process that was paused may take to notice its successor and to yield the application to it. The deadline of a
/// pending GET is part of this time.
const YIELD_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How long all hand-overs of a run may take.
const HANDOVER_LIMIT: Duration = Duration::from_secs(24 * 3_600);

impl Scenario<'_> {
    /// Whether sessions are handed over. Messages then have IDs.
    pub(super) fn hands_over(&self) -> bool {
        !self.plan.handovers.is_empty()
    }

    /// Whether an actor's program commits each event page.
    pub(super) fn commits_pages(&self, actor: usize) -> bool {
        let mut handovers = self.plan.handovers.iter();
        handovers.any(|it| it.actor == actor && it.stop == Stop::KillUncommitted)
    }

    pub(super) fn stop(&mut self, handover: Handover) {
        let Some(endpoint) = self.endpoint(handover.actor) else {
            return;
        };
        self.process_events();
        let stopped = self.world.stop(endpoint, handover.stop, handover.gap);
        if let Stop::Pause(length) = handover.stop
            && stopped
        {
            self.schedule_after(length, Action::Continue(endpoint));
        }
    }

    /// Schedules the start of the process that resumes a session whose process has stopped.
    pub(super) fn schedule_successor(&mut self, actor: usize, endpoint: EndpointId) {
        let Some(record) = self.world.endpoint_mut(endpoint) else {
            return;
        };
        let checkpoint = record.stored_checkpoint.as_mut();
        if let Some(gap) = checkpoint.and_then(|checkpoint| checkpoint.gap.take()) {
            self.schedule_after(gap, Action::StartSuccessor(actor));
        }
    }

    pub(super) fn start_successor(&mut self, actor: usize) {
        let Some(endpoint) = self.endpoint(actor) else {
            return;
        };
        let Some((name, config)) = self.new_session(actor) else {
            return;
        };
        if let Some(successor) = self.world.add_successor(endpoint, name, config) {
            self.sign_in_at(actor, successor);
        }
    }

    pub(super) fn continue_process(&mut self, endpoint: EndpointId) {
        self.world.continue_process(endpoint);
        self.schedule_after(YIELD_LIMIT, Action::CheckYielded(endpoint));
    }

    /// Whether an actor's session is not signed in yet after a hand-over.
    pub(super) fn is_resuming(&self, actor: usize) -> bool {
        let endpoint = self.endpoint(actor).and_then(|it| self.world.endpoint(it));
        endpoint.is_some_and(|it| it.predecessor.is_some() && it.state == SignInState::SigningIn)
    }

    /// Checks that a process that was paused has yielded the application to its successor. If the network loses the response
    /// that reports the successor, both may poll for longer.
    pub(super) fn check_yielded(&mut self, endpoint: EndpointId) {
        if self.plan.lossless {
            self.world.check_yielded(endpoint);
        }
    }

    /// Lets an actor whose session was resumed write in the first conversation that was handed over.
    pub(super) fn continue_conversation(
        &mut self,
        actor: usize,
        endpoint: EndpointId,
        conversation: ConversationKey,
    ) {
        let is_resumed = (self.world.endpoint(endpoint)).is_some_and(|it| it.predecessor.is_some());
        if let Some(record) = self.actors.get_mut(actor)
            && is_resumed
            && record.present_conversation().is_none()
        {
            record.conversation = Some((endpoint, conversation));
        }
    }

    /// Waits until every session whose process stopped has been resumed, and every paused process has continued.
    pub(super) fn await_handovers(&mut self) {
        if !self.hands_over() {
            return;
        }
        self.timeline
            .retain(|_, action| !matches!(action, Action::Stop(_)));
        for actor in 0..self.actors.len() {
            let endpoint = self.endpoint(actor);
            if let Some(record) = endpoint.and_then(|it| self.world.endpoint_mut(it)) {
                record.kill_before_commit = None;
            }
        }
        self.wait(HANDOVER_LIMIT, |scenario| {
            !scenario.timeline.values().any(|action| {
                matches!(
                    action,
                    Action::StartSuccessor(_) | Action::Continue(_) | Action::CheckYielded(_)
                )
            })
        });
        // Time for the last successors to get the events that the server holds, even if their first poll is lost.
        self.wait(Duration::from_secs(300), |_| false);
        self.end_predecessors();
    }

    /// Signs out the processes that were paused and did not notice their successors: the network lost the response that
    /// reports the successor, or the successor had ended.
    fn end_predecessors(&mut self) {
        let still_runs = |endpoint: &Endpoint| {
            endpoint.successor.is_some() && endpoint.state != SignInState::SignedOut
        };
        let running = self.world.endpoints().filter(|(_, it)| still_runs(it));
        for id in running.map(|(id, _)| id).collect::<Vec<_>>() {
            self.world.submit(id, Operation::SignOut);
        }
    }
}
