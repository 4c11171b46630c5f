//! The story of mishaps: servers that go down, tokens and channels that are lost, and the quiet before the end.

use std::time::Duration;

use ucwa_server::Fault;
use ucwa_session::SignInState;

use super::{Intent, Story};
use crate::breach::{Breach, Rule};
use crate::endpoint::EndpointId;
use crate::mishaps::Outage;

/// How long it may take until nothing is under way once nobody begins anything: a session tries for a quarter of an hour
/// to come back to a server.
const SETTLING: Duration = Duration::from_secs(20 * 60);

impl Story<'_> {
    pub(super) fn plan_mishaps(&mut self) {
        for outage in self.plan.mishaps.outages.clone() {
            self.intend_after(outage.after, Intent::GoDown(outage));
        }
        for (after, person) in self.plan.mishaps.intrusions.clone() {
            self.intend_after(after, Intent::Intrude(person));
        }
    }

    pub(super) fn misbehave(&mut self, fault: Fault) {
        // Where tokens expire by themselves, a request could meet two that did, and fail in fair weather.
        let twice = self.plan.fair && self.plan.mishaps.token_life.is_some();
        if !(twice && fault == Fault::ExpireTokens) {
            self.world.inject(fault);
        }
    }

    /// The server forgets everything but its users, and every connection to it breaks.
    pub(super) fn restart(&mut self) {
        self.world.inject(Fault::ExpireTokens);
        for person in 0..self.people.len() {
            if let Some(user) = self.people.get(person).map(|it| it.address.to_owned()) {
                self.world.inject(Fault::DropApplications { user });
            }
        }
        self.world.cut_connections();
    }

    pub(super) fn go_down(&mut self, outage: Outage) {
        self.world.go_down(outage.length, outage.behind_proxy);
        self.restart();
    }

    /// Lets every session that is signed in come to have nothing under way but its pending GET.
    pub(super) fn fall_quiet(&mut self) {
        let end = self.world.now() + SETTLING;
        let endpoints: Vec<_> = self.world.endpoints().map(|(id, _)| id).collect();
        for id in endpoints {
            let left = end.saturating_sub(self.world.now());
            if self.wait(left, |story| story.is_quiet(id)) {
                continue;
            }
            if let Some(endpoint) = self.world.endpoint(id) {
                let workload = endpoint.session.workload();
                let what = format!("{} never rests: {workload:?}", endpoint.name);
                self.world.breaches.push(Breach::new(Rule::Rest, what));
            }
        }
    }

    fn is_quiet(&self, id: EndpointId) -> bool {
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
