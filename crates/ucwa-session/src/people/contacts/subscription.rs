//! Following lists: the subscription to changes of contacts and groups, one for all lists and renewed before it expires, and
//! repeated reads.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::resources::StartOrRefreshSubscriptionToContactsAndGroupsInput;
use ucwa_proto::{Event, Resource, ToInput};

use super::{ContactsPurpose, ContactsTimer, is_of_contacts, purpose, refused_pause, timer};
use crate::contact_list::ContactList;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::{Failure, Stage};
use crate::people::presence::{EXTEND_AFTER, FRESH, MIN_INTERVAL, MINUTES};
use crate::people::{People, not_offered};
use crate::person::Interest;
use crate::response::Effect;

#[derive(Debug, Default)]
pub(super) struct ListSubscription {
    /// The href of `myContactsAndGroupsSubscription`.
    pub(super) href: Option<String>,
    /// The links that start and stop the subscription, once they are known.
    start: Option<String>,
    stop: Option<String>,
    /// When the subscription was started or last renewed. `None` if there is none.
    renewed: Option<Duration>,
    /// A request is in flight.
    starting: bool,
    /// How often in succession the server refused the subscription, or ended it.
    refusals: u32,
}

impl ListSubscription {
    /// Whether the server reports changes.
    pub(super) fn is_active(&self) -> bool {
        self.renewed.is_some()
    }

    pub(super) fn end(&mut self) {
        self.renewed = None;
        self.starting = false;
        self.start = None;
        self.stop = None;
    }

    fn apply(&mut self, resource: &Resource<'_>) {
        let link = |rel: &str| resource.link_href(rel).map(str::to_owned);
        self.start = link("startOrRefreshSubscriptionToContactsAndGroups").or(self.start.take());
        self.stop = link("stopSubscriptionToContactsAndGroups").or(self.stop.take());
    }
}

impl People {
    /// Changes the interest in a list.
    pub(super) fn follow_list(&mut self, core: &mut Core, list: ContactList, interest: Interest) {
        let contacts = &mut self.contacts;
        contacts.polled.remove(&list);
        let poll = ContactsTimer::Poll(list.clone());
        core.cancel_timers(|timer| is_of_contacts(timer, |it| *it == poll));
        if interest == Interest::Live {
            contacts.followed.insert(list.clone());
            if !self.open {
                return;
            }
            return match self.contacts.subscription.is_active() {
                true => self.read_list(core, list, None),
                false => self.start_list_subscription(core),
            };
        }
        contacts.followed.remove(&list);
        if contacts.followed.is_empty() {
            self.stop_list_subscription(core);
        }
        if let Interest::Every(interval) = interest {
            self.contacts.polled.insert(list.clone(), interval);
            self.poll_list(core, list);
        }
    }

    /// Reads a list, and again after its interval.
    pub(super) fn poll_list(&mut self, core: &mut Core, list: ContactList) {
        if let Some(interval) = self.contacts.polled.get(&list)
            && self.open
        {
            let poll = timer(ContactsTimer::Poll(list.clone()));
            core.arm((*interval).max(MIN_INTERVAL), poll);
            self.read_list(core, list, None);
        }
    }

    /// Starts the subscription, if a list is followed. The lists are read when it begins, so that no change is missed.
    pub(super) fn start_list_subscription(&mut self, core: &mut Core) {
        let subscription = &mut self.contacts.subscription;
        if self.contacts.followed.is_empty() || !self.open || subscription.starting {
            return;
        }
        subscription.starting = true;
        if subscription.start.is_some() {
            return self.renew_list_subscription(core);
        }
        let url = subscription.href.as_deref();
        match url.and_then(|href| core.resolve(href, Stage::People).ok()) {
            Some(url) => {
                let purpose = purpose(ContactsPurpose::FindSubscription);
                core.issue(Exchange::new(purpose, Method::GET, url));
            }
            // Without a subscription the lists are read once, and after each change that the user makes.
            None => {
                subscription.starting = false;
                self.read_followed_lists(core);
            }
        }
    }

    pub(super) fn on_subscription_found(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        match core.fetched(exchange, result) {
            Ok(resource) => {
                self.contacts.subscription.apply(&resource);
                self.renew_list_subscription(core);
            }
            Err(failure) => self.on_list_subscription_refused(core, &failure),
        }
    }

    /// Starts or renews the subscription with one POST.
    pub(super) fn renew_list_subscription(&mut self, core: &mut Core) {
        let subscription = &mut self.contacts.subscription;
        if self.contacts.followed.is_empty() {
            subscription.starting = false;
            return;
        }
        let url = subscription.start.as_deref();
        let Some(url) = url.and_then(|href| core.resolve(href, Stage::People).ok()) else {
            if std::mem::take(&mut subscription.starting) {
                // The resource was read for its links just now. Another read may have them.
                let failure = not_offered("startOrRefreshSubscriptionToContactsAndGroups");
                return self.on_list_subscription_refused(core, &failure);
            }
            return self.start_list_subscription(core);
        };
        let purpose = purpose(ContactsPurpose::Subscribe);
        if core.is_under_way(&purpose) {
            return;
        }
        subscription.starting = true;
        let input = StartOrRefreshSubscriptionToContactsAndGroupsInput {
            duration: Some(MINUTES),
        };
        let input = input.to_input().into_resource().into_owned();
        let exchange = core.with_input(Exchange::new(purpose, Method::POST, url), &input);
        core.issue(exchange);
    }

    pub(super) fn on_list_subscribed(
        &mut self,
        core: &mut Core,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let made = match core.effect(exchange, result) {
            Effect::Done(response) => Ok(core
                .resource(exchange, &response)
                .ok()
                .map(Resource::into_owned)),
            Effect::Gone(failure) | Effect::Refused(failure) | Effect::Unclear(failure) => {
                Err(failure)
            }
        };
        let subscription = &mut self.contacts.subscription;
        if !std::mem::take(&mut subscription.starting) {
            return;
        }
        match made {
            Ok(resource) => {
                if let Some(resource) = resource {
                    subscription.apply(&resource);
                }
                let renewed = subscription.renewed.replace(core.now);
                let is_new = renewed.is_none();
                if renewed.is_some_and(|at| core.now.saturating_sub(at) >= FRESH) {
                    subscription.refusals = 0;
                }
                if self.contacts.followed.is_empty() {
                    return self.stop_list_subscription(core);
                }
                arm_renewal(core, EXTEND_AFTER);
                if is_new {
                    self.read_followed_lists(core);
                }
            }
            Err(failure) => self.on_list_subscription_refused(core, &failure),
        }
    }

    fn on_list_subscription_refused(&mut self, core: &mut Core, failure: &Failure) {
        tracing::warn!(%failure, "the server refused the subscription to contacts and groups");
        let subscription = &mut self.contacts.subscription;
        subscription.end();
        subscription.refusals = subscription.refusals.saturating_add(1);
        let pause = refused_pause(subscription.refusals);
        arm_renewal(core, pause);
        let followed = self.contacts.followed.iter();
        let unread: Vec<_> = followed
            .filter(|list| !self.contacts.loaded.contains(list))
            .cloned()
            .collect();
        for list in unread {
            self.read_list(core, list, None);
        }
    }

    fn read_followed_lists(&mut self, core: &mut Core) {
        let followed: Vec<_> = self.contacts.followed.iter().cloned().collect();
        for list in followed {
            self.reload_list(core, list);
        }
    }

    fn stop_list_subscription(&mut self, core: &mut Core) {
        let subscription = &mut self.contacts.subscription;
        core.cancel_timers(|timer| is_of_contacts(timer, |it| *it == ContactsTimer::Subscribe));
        if subscription.renewed.take().is_none() {
            // A start in flight leads here again.
            return;
        }
        let url = subscription.stop.as_deref();
        if let Some(url) = url.and_then(|href| core.resolve(href, Stage::People).ok()) {
            let purpose = purpose(ContactsPurpose::Unsubscribe);
            core.issue(Exchange::new(purpose, Method::POST, url));
        }
    }

    /// Handles the expiry or the end of the subscription. The server reports a renewal with the same event as an expiry.
    pub(super) fn on_list_subscription_event(&mut self, core: &mut Core, event: &Event<'_>) {
        let subscription = &mut self.contacts.subscription;
        let Some(renewed) = subscription.renewed else {
            return;
        };
        if let Some(resource) = event.resource() {
            subscription.apply(resource);
            if resource.text("state") == Some("Disconnected") {
                subscription.renewed = None;
                subscription.refusals = subscription.refusals.saturating_add(1);
                return match subscription.refusals {
                    1 => self.start_list_subscription(core),
                    // A server that ends each subscription is not asked again at once.
                    refusals => arm_renewal(core, refused_pause(refusals)),
                };
            }
        }
        if core.now.saturating_sub(renewed) >= FRESH {
            self.renew_list_subscription(core);
        }
    }
}

fn arm_renewal(core: &mut Core, after: Duration) {
    core.cancel_timers(|timer| is_of_contacts(timer, |it| *it == ContactsTimer::Subscribe));
    core.arm(after, timer(ContactsTimer::Subscribe));
}
