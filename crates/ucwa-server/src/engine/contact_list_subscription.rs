//! The subscription of an application to the contact list of its user (`myContactsAndGroupsSubscription_ref`,
//! `startOrRefreshSubscriptionToContactsAndGroups_ref`).

use std::time::Duration;

use ucwa_proto::{Event, EventKind, EventLink, Resource};

use super::Engine;
use super::events::Source;
use super::exchange::Exchange;
use super::identifiers::ApplicationId;
use super::reply::{Refusal, Reply};
use super::routes;
use super::timers::{Timer, TimerId};

/// How long before its end a subscription is reported as updated.
const WARNING: Duration = Duration::from_secs(2 * 60);
/// The maximum remaining time after a refresh.
const LONGEST_REFRESHED: Duration = Duration::from_secs(30 * 60);

/// A subscription of an application to the contact list of its user. Events report the changes of the list.
#[derive(Debug)]
pub(super) struct ListSubscription {
    ends: Duration,
    /// The timer for the end, or for the report in advance.
    timer: TimerId,
}

impl Engine {
    /// GET myContactsAndGroupsSubscription.
    pub(super) fn list_subscription_resource(
        &self,
        id: ApplicationId,
    ) -> Result<Resource<'static>, Refusal> {
        self.contact_list(id)?;
        let state = match self.application(id)?.list_subscription {
            Some(_) => "Connected",
            None => "Disconnected",
        };
        Ok(Resource::new("myContactsAndGroupsSubscription")
            .with_href(routes::my_contacts_and_groups_subscription(id))
            .with_property("state", state)
            .with_link(
                "startOrRefreshSubscriptionToContactsAndGroups",
                routes::start_or_refresh_list_subscription(id),
            )
            .with_link(
                "stopSubscriptionToContactsAndGroups",
                routes::stop_list_subscription(id),
            ))
    }

    /// POST startOrRefreshSubscriptionToContactsAndGroups: a new subscription lasts for the requested duration. A refresh adds the
    /// duration to the remaining time, up to 30 minutes.
    pub(super) fn subscribe_to_list(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        self.contact_list(id)?;
        let duration = match exchange.fields()?.integer("duration") {
            Some(minutes @ 10..=60) => Duration::from_secs(minutes.unsigned_abs() * 60),
            _ => {
                return Err(Refusal::parameter(
                    "The duration isn't between 10 and 60 minutes.",
                ));
            }
        };
        let now = self.now;
        let ends = match self.application_mut(id)?.list_subscription.take() {
            Some(former) => {
                self.cancel_timer(former.timer);
                (former.ends + duration).min(now + LONGEST_REFRESHED)
            }
            None => now + duration,
        };
        let warning = ends.saturating_sub(now + WARNING);
        let subscription = ListSubscription {
            ends,
            timer: self.set_timer(warning, Timer::ListSubscription(id)),
        };
        self.application_mut(id)?.list_subscription = Some(subscription);
        self.list_subscription_resource(id).map(Reply::from)
    }

    /// POST stopSubscriptionToContactsAndGroups.
    pub(super) fn unsubscribe_from_list(&mut self, id: ApplicationId) -> Result<Reply, Refusal> {
        self.contact_list(id)?;
        if let Some(subscription) = self.application_mut(id)?.list_subscription.take() {
            self.cancel_timer(subscription.timer);
        }
        Ok(Reply::Done)
    }

    /// The applications of a user that are subscribed to the user's contact list.
    pub(super) fn list_subscribers(&self, address: &str) -> Vec<ApplicationId> {
        let applications = self.applications.of(address);
        let subscribed = applications.filter(|(_, it)| it.list_subscription.is_some());
        subscribed.map(|(id, _)| id).collect()
    }

    pub(super) fn is_subscribed_to_list(&self, id: ApplicationId) -> bool {
        self.application(id)
            .is_ok_and(|application| application.list_subscription.is_some())
    }

    /// Ends a subscription, or reports its end in advance.
    pub(super) fn check_list_subscription(&mut self, id: ApplicationId) {
        let Some(application) = self.applications.get_mut(id) else {
            return;
        };
        let Some(subscription) = &mut application.list_subscription else {
            return;
        };
        let left = subscription.ends.saturating_sub(self.now);
        if left.is_zero() {
            application.list_subscription = None;
            return;
        }
        subscription.timer = self
            .timers
            .set(self.now + left, Timer::ListSubscription(id));
        let href = routes::my_contacts_and_groups_subscription(id);
        let link = EventLink::new("myContactsAndGroupsSubscription", href);
        self.emit(id, Source::People, Event::new(EventKind::Updated, link));
    }
}
