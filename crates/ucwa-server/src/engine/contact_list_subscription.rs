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
use super::timers::Timer;

/// The time before the end of a subscription at which the application is warned.
const WARNING: Duration = Duration::from_secs(2 * 60);
/// The longest time that is left after a refresh.
const LONGEST_REFRESHED: Duration = Duration::from_secs(30 * 60);

/// While an application has it, events report the changes of the contact list.
#[derive(Debug)]
pub(super) struct ListSubscription {
    ends: Duration,
    warned: bool,
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

    /// POST startOrRefreshSubscriptionToContactsAndGroups: a new subscription lasts as long as was asked. A refresh adds to the
    /// time that is left, up to 30 minutes.
    pub(super) fn subscribe_to_list(
        &mut self,
        exchange: &Exchange<'_>,
        id: ApplicationId,
    ) -> Result<Reply, Refusal> {
        self.contact_list(id)?;
        let asked = match exchange.fields()?.integer("duration") {
            Some(minutes @ 10..=60) => Duration::from_secs(minutes.unsigned_abs() * 60),
            _ => {
                return Err(Refusal::parameter(
                    "The duration isn't between 10 and 60 minutes.",
                ));
            }
        };
        let now = self.now;
        let subscription = &mut self.application_mut(id)?.list_subscription;
        let ends = match subscription {
            Some(running) => (running.ends + asked).min(now + LONGEST_REFRESHED),
            None => now + asked,
        };
        *subscription = Some(ListSubscription {
            ends,
            warned: false,
        });
        let warning = ends.saturating_sub(now + WARNING);
        self.set_timer(warning, Timer::ListSubscription(id));
        self.list_subscription_resource(id).map(Reply::from)
    }

    /// POST stopSubscriptionToContactsAndGroups.
    pub(super) fn unsubscribe_from_list(&mut self, id: ApplicationId) -> Result<Reply, Refusal> {
        self.contact_list(id)?;
        self.application_mut(id)?.list_subscription = None;
        Ok(Reply::Done)
    }

    /// The applications of a user that events report changes of the contact list to.
    pub(super) fn list_subscribers(&self, address: &str) -> Vec<ApplicationId> {
        let mut applications = self.applications_of(address);
        applications.retain(|id| self.is_subscribed_to_list(*id));
        applications
    }

    pub(super) fn is_subscribed_to_list(&self, id: ApplicationId) -> bool {
        self.application(id)
            .is_ok_and(|application| application.list_subscription.is_some())
    }

    /// Ends the subscription if its time is over, or warns of its end, unless it was refreshed in the meantime.
    pub(super) fn check_list_subscription(&mut self, id: ApplicationId) {
        let now = self.now;
        let Ok(application) = self.application_mut(id) else {
            return;
        };
        let Some(subscription) = &mut application.list_subscription else {
            return;
        };
        let left = subscription.ends.saturating_sub(now);
        if left.is_zero() {
            application.list_subscription = None;
            return;
        }
        if left > WARNING {
            self.set_timer(left.saturating_sub(WARNING), Timer::ListSubscription(id));
            return;
        }
        if !std::mem::replace(&mut subscription.warned, true) {
            let href = routes::my_contacts_and_groups_subscription(id);
            let link = EventLink::new("myContactsAndGroupsSubscription", href);
            self.emit(id, Source::People, Event::new(EventKind::Updated, link));
        }
        self.set_timer(left, Timer::ListSubscription(id));
    }
}
