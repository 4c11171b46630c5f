//! The injected faults.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Method, Request, Response, StatusCode};
use ucwa_proto::SipUri;

use super::Engine;
use super::conversation::{ConversationState, MessagingState};
use super::events::FollowKind;
use super::identifiers::{ApplicationId, ConversationId};
use super::reply::set;
use crate::config::address;
use crate::fault::{Fault, RetryAfter};

/// The faults that are in effect.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) aggregate_events: bool,
    pub(super) events_before_responses: bool,
    turn_away: Vec<TurnAway>,
}

/// Requests that are answered before they reach UCWA.
#[derive(Debug)]
struct TurnAway {
    method: Method,
    path: String,
    left: u32,
    status: StatusCode,
    retry_after: Option<RetryAfter>,
}

impl Engine {
    /// Injects a fault. Afterwards call [`poll_output`](Self::poll_output), as after [`handle`](Self::handle).
    pub fn inject(&mut self, now: Duration, fault: Fault) {
        self.now = self.now.max(now);
        self.run_timers();
        match fault {
            Fault::ExpireTokens => self.expire_tokens(),
            Fault::DropApplications { user } => {
                for id in self.applications_of_user(&user) {
                    self.end_application(id);
                }
            }
            Fault::ExpireApplications { user } => {
                for id in self.applications_of_user(&user) {
                    self.expire_application(id);
                }
            }
            Fault::Resume { user } => self.follow_user_with(&user, FollowKind::Resume),
            Fault::Resync { user } => self.follow_user_with(&user, FollowKind::Resync),
            Fault::DropMessaging { user } => self.drop_messaging(&user),
            Fault::AggregateEvents => self.faults.aggregate_events = true,
            Fault::EventsBeforeResponses => self.faults.events_before_responses = true,
            Fault::TurnAway {
                method,
                path,
                count,
                status,
                retry_after,
            } => self.faults.turn_away.push(TurnAway {
                method,
                path,
                left: count,
                status,
                retry_after,
            }),
        }
        self.release_polls();
    }

    /// The response to a request that a fault keeps from UCWA.
    pub(super) fn turned_away(&mut self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let faults = &mut self.faults.turn_away;
        faults.retain(|fault| fault.left > 0);
        let fault = faults.iter_mut().find(|fault| {
            fault.method == *request.method() && request.uri().path().contains(&fault.path)
        })?;
        fault.left -= 1;
        let (status, retry_after) = (fault.status, fault.retry_after);
        let reason = status.canonical_reason().unwrap_or_default();
        let mut response = self.html(status, reason);
        match retry_after {
            Some(RetryAfter::Seconds(seconds)) => {
                set(&mut response, RETRY_AFTER, &seconds.to_string());
            }
            Some(RetryAfter::Date(date)) => {
                set(&mut response, RETRY_AFTER, &httpdate::fmt_http_date(date));
            }
            None => {}
        }
        Some(response)
    }

    fn applications_of_user(&self, user: &str) -> Vec<ApplicationId> {
        SipUri::parse(user)
            .map(|uri| self.applications_of(&address(&uri)))
            .unwrap_or_default()
    }

    fn follow_user_with(&mut self, user: &str, follow: FollowKind) {
        for id in self.applications_of_user(user) {
            self.follow_with(id, follow);
        }
    }

    fn drop_messaging(&mut self, user: &str) {
        let conversations: Vec<ConversationId> = self
            .applications_of_user(user)
            .into_iter()
            .filter_map(|id| self.applications.get(id))
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
