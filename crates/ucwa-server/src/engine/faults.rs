//! Misbehaviour on demand.

use std::time::Duration;

use ucwa_proto::SipUri;

use super::Engine;
use super::conversation::{ConversationState, MessagingState};
use super::events::FollowKind;
use super::identifiers::{ApplicationId, ConversationId};
use crate::config::address;
use crate::fault::Fault;

/// The faults that last.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) aggregate_events: bool,
    pub(super) events_before_responses: bool,
}

impl Engine {
    /// Lets a fault strike now; then poll for output as after [`handle`](Self::handle).
    pub fn inject(&mut self, now: Duration, fault: Fault) {
        self.now = self.now.max(now);
        self.run_timers();
        match fault {
            Fault::ExpireTokens => self.expire_tokens(),
            Fault::DropApplications { user } => {
                for id in self.struck(&user) {
                    self.end_application(id);
                }
            }
            Fault::ExpireApplications { user } => {
                for id in self.struck(&user) {
                    self.expire_application(id);
                }
            }
            Fault::Resume { user } => self.follow_with(&user, FollowKind::Resume),
            Fault::Resync { user } => self.follow_with(&user, FollowKind::Resync),
            Fault::DropMessaging { user } => self.drop_messaging(&user),
            Fault::AggregateEvents => self.faults.aggregate_events = true,
            Fault::EventsBeforeResponses => self.faults.events_before_responses = true,
        }
        self.release_polls();
    }

    fn struck(&self, user: &str) -> Vec<ApplicationId> {
        SipUri::parse(user)
            .map(|uri| self.applications_of(&address(&uri)))
            .unwrap_or_default()
    }

    fn follow_with(&mut self, user: &str, follow: FollowKind) {
        for id in self.struck(user) {
            if let Some(application) = self.applications.get_mut(&id) {
                application.channel.follow_with(follow);
            }
        }
    }

    fn drop_messaging(&mut self, user: &str) {
        let conversations: Vec<ConversationId> = self
            .struck(user)
            .into_iter()
            .filter_map(|id| self.applications.get(&id))
            .flat_map(|application| application.conversations.iter().copied())
            .collect();
        for id in conversations {
            let connected = self.conversation(id).ok().filter(|conversation| {
                conversation.state == ConversationState::Connected
                    && conversation.messaging == MessagingState::Connected
            });
            if let Some(other) = connected.and_then(|conversation| conversation.other) {
                self.end_messaging(id);
                self.end_messaging(other);
            }
        }
    }
}
