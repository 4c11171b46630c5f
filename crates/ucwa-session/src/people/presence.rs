//! Following people: presence subscriptions, repeated reads, and their events.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response};
use ucwa_proto::{Event, EventKind, EventPage, HrefKey, Resource, Value};

use super::{Aspect, People, PeoplePurpose, PeopleTimer, PersonId, key_of};
use crate::core::Core;
use crate::exchange::{Exchange, Purpose};
use crate::failure::{Failure, Stage};
use crate::person::{Interest, PersonField};
use crate::response::Effect;
use crate::timers::Timer;

/// The lifetime of a subscription, in minutes: the maximum (`presenceSubscriptions_ref`).
pub(super) const MINUTES: i64 = 30;
/// The age at which a subscription is extended.
pub(super) const EXTEND_AFTER: Duration = Duration::from_secs(25 * 60);
/// A subscription of this age cannot be about to expire: the minimum lifetime is ten minutes.
pub(super) const FRESH: Duration = Duration::from_secs(10 * 60);
/// The pause after a refused subscription.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// The maximum number of people in one subscription.
const MAX_MEMBERS: usize = 100;
/// The minimum interval between repeated reads.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// A subscription to the presence of several people (`presenceSubscription_ref`).
#[derive(Debug)]
pub(super) struct Subscription {
    members: BTreeSet<PersonId>,
    /// Absent until the server has created the subscription.
    href: Option<String>,
    /// When the subscription was created or last extended.
    renewed: Duration,
}

impl People {
    /// Changes an interest.
    pub(super) fn follow(
        &mut self,
        core: &mut Core,
        id: PersonId,
        field: PersonField,
        interest: Interest,
    ) {
        let aspect = Aspect::of(field);
        let person = self.persons.entry(id.clone()).or_default();
        let before = person.interest(&id, aspect);
        match interest {
            Interest::None => person.interests.remove(&field),
            interest => person.interests.insert(field, interest),
        };
        if self.open {
            self.apply_interest(core, &id, aspect, before);
        }
        self.evict_occasionally();
    }

    /// Starts and stops reads and subscriptions after the interest in a resource has changed from `before`.
    pub(super) fn apply_interest(
        &mut self,
        core: &mut Core,
        id: &PersonId,
        aspect: Aspect,
        before: Interest,
    ) {
        let Some(person) = self.persons.get(id) else {
            return;
        };
        let now = person.interest(id, aspect);
        if now == before {
            return;
        }
        let poll = PeopleTimer::Poll(id.clone(), aspect);
        core.cancel_timers(|timer| matches!(timer, Timer::People(timer) if *timer == poll));
        if before == Interest::None {
            // A new interest starts with a read.
            self.read(core, id.clone(), aspect, None);
        }
        match now {
            Interest::Every(interval) => {
                core.arm(interval.max(MIN_INTERVAL), Timer::People(poll));
            }
            Interest::Live if before != Interest::None => {
                self.read_change(core, id.clone(), aspect);
            }
            _ => {}
        }
        if now == Interest::Live {
            self.schedule_send(core);
        } else {
            self.release(core, id);
        }
    }

    pub(super) fn on_poll(&mut self, core: &mut Core, id: PersonId, aspect: Aspect) {
        let interest = self
            .persons
            .get(&id)
            .map(|person| person.interest(&id, aspect));
        if let Some(Interest::Every(interval)) = interest {
            let poll = PeopleTimer::Poll(id.clone(), aspect);
            core.arm(interval.max(MIN_INTERVAL), Timer::People(poll));
            self.read(core, id, aspect, None);
        }
    }

    /// Reads all followed resources of a person.
    pub(super) fn read_followed(&mut self, core: &mut Core, id: &PersonId) {
        for aspect in Aspect::ALL {
            if self.is_live(id, aspect) {
                self.read(core, id.clone(), aspect, None);
            }
        }
    }

    pub(super) fn is_live(&self, id: &PersonId, aspect: Aspect) -> bool {
        self.persons
            .get(id)
            .is_some_and(|person| person.interest(id, aspect) == Interest::Live)
    }

    fn is_followed(&self, id: &PersonId) -> bool {
        self.persons
            .get(id)
            .is_some_and(|person| person.is_followed(id))
    }

    /// Subscribes to all followed people without a subscription.
    pub(super) fn subscribe(&mut self, core: &mut Core) {
        let Some(href) = &self.presence_subscriptions else {
            return;
        };
        let Ok(url) = core.resolve(href, Stage::People) else {
            return;
        };
        if core.now < self.subscribe_at {
            // The timer at the end of the pause calls this function again.
            return;
        }
        let uncovered: Vec<_> = self
            .persons
            .iter()
            .filter(|(id, person)| {
                **id != PersonId::Me
                    && person.subscription.is_none()
                    && person.covered_by.is_empty()
                    && person.is_followed(id)
            })
            .map(|(id, person)| (id.clone(), person.uri.clone()))
            .collect();
        for members in uncovered.chunks(MAX_MEMBERS) {
            let number = core.number();
            let uris = members.iter().map(|(_, uri)| Value::from(uri.clone()));
            let input = Resource::anonymous()
                .with_property("duration", MINUTES)
                .with_property("uris", Value::List(uris.collect()));
            let members: BTreeSet<_> = members.iter().map(|(id, _)| id.clone()).collect();
            for id in &members {
                if let Some(person) = self.persons.get_mut(id) {
                    person.subscription = Some(number);
                }
            }
            let subscription = Subscription {
                members,
                href: None,
                renewed: core.now,
            };
            self.subscriptions.insert(number, subscription);
            let purpose = Purpose::People(PeoplePurpose::Subscribe(number));
            let exchange = Exchange::new(purpose, Method::POST, url.clone());
            let exchange = core.with_input(exchange, &input);
            core.issue(exchange);
        }
    }

    pub(super) fn on_subscribed(
        &mut self,
        core: &mut Core,
        id: u64,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let made = match &result {
            Ok(response) => core.resource(exchange, response).map(|subscription| {
                subscription
                    .href()
                    .or_else(|| core.location(response))
                    .map(str::to_owned)
            }),
            Err(failure) => Err(failure.clone()),
        };
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            // The subscription was dropped in the meantime, with the transient state of the server.
            if let Ok(Some(href)) = made
                && let Ok(url) = core.resolve(&href, Stage::People)
            {
                self.unsubscribe(core, url);
            }
            return;
        };
        match made {
            Ok(href) => {
                subscription.href = href;
                core.arm(EXTEND_AFTER, Timer::People(PeopleTimer::Extend(id)));
                self.drop_if_idle(core, id);
            }
            Err(failure) => {
                tracing::warn!(%failure, "the server refused a subscription to presence");
                self.remove_subscription(id);
                self.subscribe_at = core.now.saturating_add(REFUSED_PAUSE);
                self.schedule_send_later(core);
            }
        }
    }

    fn schedule_send_later(&mut self, core: &mut Core) {
        let pause = self.subscribe_at.saturating_sub(core.now);
        core.arm(pause, Timer::People(PeopleTimer::Collected));
    }

    /// Extends a subscription, if all of its members are still followed.
    pub(super) fn extend(&mut self, core: &mut Core, id: u64) {
        self.drop_if_idle(core, id);
        let Some(subscription) = self.subscriptions.get(&id) else {
            return;
        };
        let Some(url) = subscription
            .href
            .as_deref()
            .and_then(|href| core.resolve(href, Stage::People).ok())
        else {
            // Without an href it cannot be extended. A new subscription replaces it.
            self.remove_subscription(id);
            return self.schedule_send(core);
        };
        if !subscription.members.iter().all(|id| self.is_followed(id)) {
            self.remove_subscription(id);
            self.unsubscribe(core, url);
            return self.schedule_send(core);
        }
        let purpose = Purpose::People(PeoplePurpose::Extend(id));
        if core.is_under_way(&purpose) {
            return;
        }
        let input = Resource::anonymous().with_property("duration", MINUTES);
        let exchange = core.with_input(Exchange::new(purpose, Method::POST, url), &input);
        core.issue(exchange);
    }

    pub(super) fn on_extended(
        &mut self,
        core: &mut Core,
        id: u64,
        exchange: &Exchange,
        result: Result<Response<Bytes>, Failure>,
    ) {
        let effect = core.effect(exchange, result);
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        let (failure, may_live_on) = match effect {
            Effect::Done(_) => {
                subscription.renewed = core.now;
                let extend = PeopleTimer::Extend(id);
                core.cancel_timers(
                    |timer| matches!(timer, Timer::People(timer) if *timer == extend),
                );
                core.arm(EXTEND_AFTER, Timer::People(extend));
                return;
            }
            Effect::Gone(failure) => (failure, false),
            Effect::Refused(failure) | Effect::Unclear(failure) => (failure, true),
        };
        tracing::debug!(%failure, "a subscription to presence is lost");
        self.remove_subscription(id);
        if may_live_on {
            // Otherwise the old subscription would count against the limit beside the new one until it expires.
            self.unsubscribe(core, exchange.url.clone());
        }
        self.schedule_send(core);
    }

    /// Drops the subscription of a person if none of its members is followed any more.
    fn release(&mut self, core: &mut Core, id: &PersonId) {
        let subscription = self.persons.get(id).and_then(|person| person.subscription);
        if let Some(id) = subscription {
            self.drop_if_idle(core, id);
        }
    }

    fn drop_if_idle(&mut self, core: &mut Core, id: u64) {
        let Some(subscription) = self.subscriptions.get(&id) else {
            return;
        };
        // The subscription is in flight. Its response calls this function again.
        let Some(href) = subscription.href.clone() else {
            return;
        };
        if subscription.members.iter().any(|id| self.is_followed(id)) {
            return;
        }
        self.remove_subscription(id);
        let extend = PeopleTimer::Extend(id);
        core.cancel_timers(|timer| matches!(timer, Timer::People(timer) if *timer == extend));
        if let Ok(url) = core.resolve(&href, Stage::People) {
            self.unsubscribe(core, url);
        }
    }

    fn unsubscribe(&self, core: &mut Core, url: String) {
        let purpose = Purpose::People(PeoplePurpose::Unsubscribe);
        core.issue(Exchange::new(purpose, Method::DELETE, url));
    }

    /// Removes a subscription. Its members then have none.
    fn remove_subscription(&mut self, id: u64) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(&id)?;
        for id in &subscription.members {
            if let Some(person) = self.persons.get_mut(id) {
                person.subscription = None;
            }
        }
        Some(subscription)
    }

    // Events.

    /// Handles the events about people.
    pub(crate) fn on_page(&mut self, core: &mut Core, page: &EventPage<'_>) {
        for (sender, event) in page.events() {
            match sender.rel.as_ref() {
                "me" => self.on_me_event(core, event),
                "people" => self.on_people_event(core, event),
                _ => {}
            }
        }
    }

    fn on_people_event(&mut self, core: &mut Core, event: &Event<'_>) {
        if self.on_contact_list_event(core, event) {
            return;
        }
        match event.link.rel.as_ref() {
            "presenceSubscription" => self.on_subscription_event(core, event),
            "contact" if event.kind != EventKind::Deleted => match event.resource() {
                Some(contact) => {
                    self.apply_contact(core, contact);
                }
                None if self.is_unknown_contact(core, &event.link.href) => {
                    self.identify(core, &event.link.href);
                }
                None => {}
            },
            rel => {
                if let Some(aspect) = Aspect::of_contact(rel)
                    && event.kind != EventKind::Deleted
                {
                    self.on_contact_event(core, aspect, event);
                }
            }
        }
    }

    /// Handles the change of a contact's resource: an event that is a link `in` the contact.
    fn on_contact_event(&mut self, core: &mut Core, aspect: Aspect, event: &Event<'_>) {
        let Some(contact) = event.within.as_ref().filter(|link| link.rel == "contact") else {
            return;
        };
        let Some(id) = key_of(core, &contact.href).and_then(|key| self.by_href.get(&key)) else {
            return self.identify(core, &contact.href);
        };
        let id = id.clone();
        if let Some(person) = self.persons.get_mut(&id) {
            person.links.insert(aspect, event.link.href.to_string());
        }
        if let Some(resource) = event.resource() {
            self.take(core, &id, aspect, resource);
        } else if self.is_live(&id, aspect)
            || aspect == Aspect::Privacy && self.contacts.has_levels()
        {
            self.read_change(core, id, aspect);
        }
    }

    fn is_unknown_contact(&self, core: &Core, href: &str) -> bool {
        key_of(core, href).is_some_and(|key| !self.by_href.contains_key(&key))
    }

    /// Handles the expiry or the end of a subscription. The server reports an extension with the same event as an
    /// expiry.
    fn on_subscription_event(&mut self, core: &mut Core, event: &Event<'_>) {
        let Some(key) = key_of(core, &event.link.href) else {
            return;
        };
        if self.on_group_subscription_event(core, &event.kind, &key) {
            return;
        }
        let matches = |subscription: &Subscription| {
            subscription
                .href
                .as_deref()
                .and_then(|href| key_of(core, href))
                .is_some_and(|other: HrefKey| other == key)
        };
        let Some((&id, subscription)) = self
            .subscriptions
            .iter()
            .find(|(_, subscription)| matches(subscription))
        else {
            return;
        };
        let fresh = core.now.saturating_sub(subscription.renewed) < FRESH;
        match event.kind {
            EventKind::Deleted => {
                self.remove_subscription(id);
                if fresh {
                    // A server that ends a new subscription is not asked again at once.
                    self.subscribe_at = core.now.saturating_add(REFUSED_PAUSE);
                    self.schedule_send_later(core);
                } else {
                    self.schedule_send(core);
                }
            }
            EventKind::Updated if !fresh => self.extend(core, id),
            _ => {}
        }
    }
}
